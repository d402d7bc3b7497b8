//! Certificates and revocation lists: whether they count, for how long, and for whom.

use std::path::Path;

use super::{Trial, day};
use crate::config::Config;
use crate::net::dates::{self, Issuer, Period};
use crate::net::{AnchorSettings, TlsError, TlsSettings};
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;

/// How long before its end something is worth a warning: time to ask another house for a new one.
const SOON: u64 = 14 * 24 * 3600;
/// What is made anew often has little to go by nature: of a list for a week, the last two days.
const LAST_PART: u64 = 3;

impl Trial<'_> {
    pub(super) fn files(&mut self) {
        let config = self.config;
        self.own("listen", &config.tls);
        let names: Vec<&str> = config.listen.names.iter().map(String::as_str).collect();
        self.names(&config.tls.certificate, &names);
        for anchor in &config.tls.anchors {
            self.trust_anchor(anchor);
        }
        for (name, settings) in &config.upstreams {
            if let Some((certificate, _key)) = &settings.value.client_certificate {
                self.chain(format!("upstreams.{name}.client-certificate"), certificate);
            }
        }
        if let Some(api) = &config.api {
            self.own("api", &api.tls);
        }
    }

    fn own(&mut self, table: &str, tls: &TlsSettings) {
        self.chain(format!("{table}.certificate"), &tls.certificate);
    }

    fn chain(&mut self, what: String, path: &Path) {
        if let Some(Some(period)) = self.readable(dates::of_chain(path)) {
            self.period(what, path, period, "certificate");
        }
    }

    /// Recipients refuse a certificate that is not for the name by which they call us.
    fn names(&mut self, certificate: &Path, names: &[&str]) {
        let lacking = names.iter().map(|name| host(name));
        let lacking: Vec<&str> =
            lacking.filter(|host| matches!(dates::is_for(certificate, host), Ok(false))).collect();
        if lacking.is_empty() {
            return;
        }
        let message = format!("our certificate is not for `{}`", lacking.join("`, `"));
        let found = self.config.fault_of_file(&codes::NAME_NOT_COVERED, certificate, message);
        let help = "a certificate with all of `names`, or take a name out by which nobody calls";
        self.fault("listen.names", found.help(help), None);
    }

    fn trust_anchor(&mut self, anchor: &AnchorSettings) {
        let authorities = self.readable(dates::of_authorities(&anchor.ca)).unwrap_or_default();
        for authority in &authorities {
            self.period(
                format!("anchors.{}.ca", anchor.name),
                &anchor.ca,
                authority.period,
                "CA certificate",
            );
        }
        let mut lists: Vec<Issuer> = Vec::new();
        for path in &anchor.crls {
            let read = self.readable(dates::of_lists(path)).unwrap_or_default();
            for list in &read {
                let age = self.now().saturating_sub(list.period.from) / DAY;
                let made = format!("revocation list of {} ({age} days old)", day(list.period.from));
                self.period(format!("anchors.{}.crl", anchor.name), path, list.period, &made);
            }
            lists.extend(read);
        }
        let without = authorities.iter().filter(|ca| !lists.iter().any(|list| list.name == ca.name));
        if !lists.is_empty() && without.count() > 0 {
            let message = format!("a CA of anchor `{}` has no revocation list", anchor.name);
            let found = self.config.fault_of_file(&codes::LIST_MISSING, &anchor.ca, message);
            let help =
                "add its list to `crl`, or take the CA out: whoever it has issued a certificate is refused";
            self.fault(format!("anchors.{}.crl", anchor.name), found.help(help), None);
        }
    }

    /// What cannot be read, a check tells.
    fn readable<T>(&self, read: Result<T, TlsError>) -> Option<T> {
        read.ok()
    }

    fn period(&mut self, what: String, path: &Path, period: Period, kind: &str) {
        let ends = Some(period.until);
        match self.end(period) {
            Ended::No => self.good(what, format!("{kind}, until {}", day(period.until)), ends),
            Ended::Soon(days) => {
                let message = format!("`{what}` ends in {days} days, on {}", day(period.until));
                let found = self.config.fault_of_file(&codes::ENDS_SOON, path, message);
                self.fault(what, found.help(RENEW), ends);
            }
            Ended::Yes => {
                let message = format!("`{what}` ended on {}", day(period.until));
                let found = self.config.fault_of_file(&codes::ENDED, path, message);
                self.fault(what, found.help(RENEW), ends);
            }
            Ended::NotBegun => {
                let message = format!("`{what}` counts from {} on only", day(period.from));
                let found = self.config.fault_of_file(&codes::ENDED, path, message);
                self.fault(what, found.help("look at the machine's clock, or wait until then"), ends);
            }
        }
    }

    pub(super) fn end(&self, period: Period) -> Ended {
        let now = self.now();
        let left = period.until.saturating_sub(now);
        let whole = period.until.saturating_sub(period.from);
        if now > period.until {
            Ended::Yes
        } else if now < period.from {
            Ended::NotBegun
        } else if left < SOON && left < whole / LAST_PART {
            Ended::Soon(left / DAY)
        } else {
            Ended::No
        }
    }
}

const DAY: u64 = 24 * 3600;
const RENEW: &str = "put a new one in its place: a running tavs takes it up by itself";

/// Where in its time something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    No,
    /// In so many days.
    Soon(u64),
    Yes,
    NotBegun,
}

/// `[listen] names` may have a port.
fn host(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty()
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && !host.ends_with(':')
                && (host.ends_with(']') || !host.contains(':')) =>
        {
            host
        }
        _ => name,
    }
}

/// Where an upstream's certificate ends, as of one of our own.
pub(super) fn of_upstream(config: &Config, name: &str, ended: Ended, until: u64) -> Option<Diagnostic> {
    let at = config.upstreams.get(name)?;
    let message = match ended {
        Ended::Soon(days) => {
            format!("the certificate of upstream `{name}` ends in {days} days, on {}", day(until))
        }
        Ended::No | Ended::Yes | Ended::NotBegun => return None,
    };
    let help = "tell whoever runs it: from then on every call is refused";
    Some(config.fault(&codes::ENDS_SOON, at, message).help(help))
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_name_is_told_from_its_port() {
        for (name, wanted) in [
            ("tavs.example", "tavs.example"),
            ("tavs.example:8443", "tavs.example"),
            ("127.0.0.1:8443", "127.0.0.1"),
            ("[::1]:8443", "[::1]"),
            ("[::1]", "[::1]"),
            ("::1", "::1"),
        ] {
            assert_eq!(host(name), wanted);
        }
    }
}
