//! What is reached over a network: upstreams, the anchor's web server; and our own addresses.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use super::files::{Ended, of_upstream};
use super::{Outcome, Trial, day};
use crate::ledger::AnchorSettings;
use crate::net::dates::Period;
use crate::net::upstream::UpstreamError;
use crate::net::{HandshakeFailure, ProbeError, Probed, Upstream};
use crate::policy::codes;
use crate::policy::syntax::At;

impl Trial<'_> {
    pub(super) async fn reach(&mut self) {
        let mut all: JoinSet<(String, Result<Probed, ProbeError>)> = JoinSet::new();
        let mut settings: Vec<(String, crate::net::UpstreamSettings)> = self
            .config
            .upstreams
            .iter()
            .map(|(name, at)| (format!("upstreams.{name}"), at.value.clone()))
            .collect();
        if let Some(AnchorSettings::Http { server, .. }) =
            self.config.ledger.anchor.as_ref().map(|at| &at.value)
        {
            settings.push((ANCHOR.to_owned(), (**server).clone()));
        }
        for (what, settings) in settings {
            // What cannot be set up, a check tells.
            if let Ok(upstream) = Upstream::new(settings, self.clock) {
                all.spawn(async move { (what, upstream.probe().await) });
            }
        }
        // A probe that panics has told nothing; the others have.
        let mut done: Vec<_> = Vec::new();
        while let Some(joined) = all.join_next().await {
            done.extend(joined.ok());
        }
        done.sort_by(|one, other| one.0.cmp(&other.0));
        for (what, probed) in done {
            self.probed(what, probed);
        }
        self.addresses();
    }

    fn probed(&mut self, what: String, probed: Result<Probed, ProbeError>) {
        let config = self.config;
        match probed {
            Ok(Probed { certificate: None }) => self.good(what, "connected, without TLS", None),
            Ok(Probed { certificate: Some((period, names)) }) => self.answered(what, period, &names),
            Err(error) => {
                let message = format!("`{what}` cannot be used: {error}");
                let name = what.strip_prefix("upstreams.").unwrap_or_default();
                let found = match (config.upstreams.get(name), &config.ledger.anchor) {
                    (Some(at), _) => config.fault(&codes::UNREACHABLE, at, message),
                    (None, Some(at)) => config.fault(&codes::UNREACHABLE, at, message),
                    (None, None) => return,
                };
                self.fault(what, found.help(mend(&error)), None);
            }
        }
    }

    fn answered(&mut self, what: String, period: Period, names: &[String]) {
        let ended = self.end(period);
        let name = what.strip_prefix("upstreams.").unwrap_or_default();
        if let Some(found) = of_upstream(self.config, name, ended, period.until) {
            self.fault(what, found, Some(period.until));
            return;
        }
        let outcome = if ended == Ended::No { Outcome::Good } else { Outcome::Warning };
        let said = format!("its certificate is for `{}`, until {}", names.join("`, `"), day(period.until));
        self.tell(what, outcome, said, Some(period.until));
    }

    /// Whether a start could listen there. What listens there now may be the tavs that serves.
    fn addresses(&mut self) {
        let config = self.config;
        let listen = At::new(config.listen.address, 0..0);
        let mut addresses = vec![("listen.address", config.listen.address, listen.span)];
        addresses.push(("admin.address", config.admin, 0..0));
        if let Some(api) = &config.api {
            addresses.push(("api.address", api.address.value, api.address.span.clone()));
        }
        for (what, address, span) in addresses {
            match bind(address) {
                Ok(()) => self.good(what, format!("{address} is free"), None),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    self.good(
                        what,
                        format!("{address} is in use: by the tavs that serves, or by something else"),
                        None,
                    );
                }
                Err(error) => {
                    let message = format!("nothing can listen on {address}: {error}");
                    let found = config.fault(&codes::UNREACHABLE, &At::new((), span), message);
                    self.fault(
                        what,
                        found.help(format!(
                            "choose another `address` in [{}]",
                            what.trim_end_matches(".address")
                        )),
                        None,
                    );
                }
            }
        }
    }
}

const ANCHOR: &str = "ledger.anchor";

/// Takes the address for an instant, and does not listen: nobody can connect meanwhile.
fn bind(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As a start does: connections of the process before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

/// What to do next.
fn mend(error: &ProbeError) -> &'static str {
    match error {
        ProbeError::Upstream(UpstreamError::Resolve) => {
            "look at the host in `url`, and at the machine's resolver"
        }
        ProbeError::Upstream(UpstreamError::TimedOut(_)) => {
            "look at firewalls on the way, or give `deadlines.connect` more time"
        }
        ProbeError::Upstream(_) => "look whether it runs, at the port in `url`, and at firewalls",
        ProbeError::Name { .. } => "call it by a name that its certificate has, in `url`",
        ProbeError::Refuses | ProbeError::Closes => {
            "ask whoever runs it which `client-certificate` it takes, and whether it speaks TLS 1.2 or 1.3"
        }
        ProbeError::Handshake(HandshakeFailure::UnknownIssuer) => {
            "name the CA that has issued its certificate as `ca`"
        }
        ProbeError::Handshake(HandshakeFailure::Expired | HandshakeFailure::NotYetValid) => {
            "it needs a new certificate; look at the machine's clock, too"
        }
        ProbeError::Handshake(HandshakeFailure::Protocol) => "look whether TLS is spoken at this port",
        ProbeError::Handshake(_) => "ask whoever runs it to mend its certificate",
    }
}
