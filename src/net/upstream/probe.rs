//! Tries an upstream without asking it for anything: does it answer, under the CA that is
//! configured, by its name, and does it take our certificate?
//!
//! For operators only. What an exchange learns of a failure is [`UpstreamError`], which says less.

use std::io;
use std::time::Duration;

use rustls::{CertificateError, Error};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::connect::Connector;
use super::{Upstream, UpstreamError};
use crate::net::dates::{Period, names_of};
use crate::net::failure::HandshakeFailure;

/// Under TLS 1.3 an upstream refuses our certificate only after the handshake is over for us: an alert
/// comes within a round trip, and from a server that is content nothing comes.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// An upstream that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// From when until when its certificate chain counts, and the names in its certificate; none without TLS.
    pub certificate: Option<(Period, Vec<String>)>,
}

/// Why an upstream cannot be used. Names stand in it only if they have the form of host names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It cannot be connected to.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Its certificate is for other names.
    #[error("its certificate is not for this host, but for {}", listed(names))]
    Name {
        /// The names that it has.
        names: Vec<String>,
    },
    /// It refused us with a TLS alert.
    #[error("it refuses our handshake or our certificate")]
    Refuses,
    /// It closed the connection as soon as it had seen us.
    #[error("it closes the connection after the handshake")]
    Closes,
    /// The handshake failed for another reason.
    #[error("the TLS handshake fails: {}", .0.as_str())]
    Handshake(HandshakeFailure),
}

impl Upstream {
    /// Connects and shakes hands, and sends nothing. Takes at most the deadline for connecting, and half a
    /// second.
    ///
    /// # Errors
    /// Why it could not be used for an exchange.
    pub async fn probe(&self) -> Result<Probed, ProbeError> {
        probe(&self.connector, self.settings.deadlines.connect).await
    }
}

async fn probe(connector: &Connector, deadline: Duration) -> Result<Probed, ProbeError> {
    let late = |_elapsed| ProbeError::Upstream(UpstreamError::TimedOut(super::Stage::Connect));
    let socket = timeout(deadline, connector.socket()).await.map_err(late)??;
    let Some((tls, name)) = connector.tls() else { return Ok(Probed { certificate: None }) };
    let shaken = timeout(deadline, tls.connect(name.clone(), socket)).await.map_err(late)?;
    let mut stream = shaken.map_err(|error| ProbeError::of(&error))?;
    match timeout(AFTERWARDS, stream.read(&mut [0])).await {
        Err(_content) => {}
        Ok(Ok(0)) => return Err(ProbeError::Closes),
        // It speaks before it is asked: odd, and no fault that can be named.
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(ProbeError::of(&error)),
    }
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    let period = chain.iter().filter_map(Period::of_certificate).reduce(Period::meet);
    let names = chain.first().map(names_of).unwrap_or_default();
    Ok(Probed { certificate: period.map(|period| (period, names)) })
}

impl ProbeError {
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            Some(Error::InvalidCertificate(CertificateError::NotValidForName)) => {
                Self::Name { names: Vec::new() }
            }
            Some(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented, ..
            })) => Self::Name { names: presented.iter().filter_map(|name| bare(name)).collect() },
            // Signatures that do not hold under a CA of this name: it is another CA's.
            Some(Error::InvalidCertificate(CertificateError::BadSignature)) => {
                Self::Handshake(HandshakeFailure::UnknownIssuer)
            }
            Some(Error::AlertReceived(_)) => Self::Refuses,
            Some(_) | None => {
                let failure = HandshakeFailure::of_io(error);
                // Some close the connection where an alert would be due.
                if failure == HandshakeFailure::BrokeOff { Self::Closes } else { Self::Handshake(failure) }
            }
        }
    }
}

/// `booking.example` of `DnsName("booking.example")`, as webpki tells names.
fn bare(presented: &str) -> Option<String> {
    let name = presented.split('"').nth(1).unwrap_or(presented);
    crate::net::dates::is_host(name).then(|| name.to_owned())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "no name that a host can have".to_owned()
    } else {
        format!("`{}`", names.join("`, `"))
    }
}
