//! Which authority a request names, and whether it is ours.

use ::http::Version;
use ::http::header::HOST;
use ::http::request::Parts;
use ::http::uri::Authority;

use crate::http::Refusal;

/// The longest authority, in bytes: 253 of a DNS name, a colon, five digits.
const MAX_AUTHORITY: usize = 259;

/// The authorities that this service answers for.
///
/// A name without a port is ours at any port (the listener may stand behind a forwarded one); a
/// name with a port only at that one, where none means 443.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnNames {
    names: Vec<(String, Option<u16>)>,
}

impl OwnNames {
    /// Reads the names; gives back the first that is none.
    ///
    /// # Errors
    /// The name that is no host with an optional port.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let read =
            |name: &'a str| split(name).map(|(host, port)| (host.to_ascii_lowercase(), port)).ok_or(name);
        Ok(Self { names: names.into_iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Whether the authority is one of ours.
    fn holds(&self, host: &str, port: Option<u16>) -> bool {
        let port = port.unwrap_or(443);
        self.names.iter().any(|(name, at)| name == host && at.is_none_or(|at| at == port))
    }
}

/// The one authority of a request, in lower case.
///
/// RFC 9112 section 3.2: exactly one `Host`; section 3.2.2: absolute-form overrides it, so here
/// the two must be equal. RFC 9113 section 8.3.1: `host` must not differ from `:authority`.
pub(super) fn of_request(head: &Parts, own: &OwnNames) -> Result<String, Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::HostAmbiguous);
    }
    let host = match host {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_unread| Refusal::HostMalformed)?),
    };
    // RFC 9112 section 3.2: HTTP/1 without Host is refused, also in absolute-form
    if host.is_none() && head.version < Version::HTTP_2 {
        return Err(Refusal::HostMissing);
    }
    let target = head.uri.authority().map(Authority::as_str);
    let named = match (target, host) {
        (None, None | Some("")) => return Err(Refusal::HostMissing),
        (Some(target), Some(host)) if !target.eq_ignore_ascii_case(host) => {
            return Err(Refusal::HostAmbiguous);
        }
        (Some(one), _) | (None, Some(one)) => one,
    };
    let named = named.to_ascii_lowercase();
    let (host, port) = split(&named).ok_or(Refusal::HostMalformed)?;
    if own.holds(host, port) { Ok(named) } else { Err(Refusal::HostUnknown) }
}

/// Host and port. A host is a DNS name or IPv4 address of letters, digits, `-`, `_` and `.`, or a
/// bracketed IPv6 address: no userinfo, list, or percent-coding.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    if authority.len() > MAX_AUTHORITY {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(read_port(port)?)),
        Some(_) | None => (authority, None),
    };
    let fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
    };
    fits.then_some((host, port))
}

fn read_port(digits: &str) -> Option<u16> {
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok().filter(|port| *port != 0) } else { None }
}
