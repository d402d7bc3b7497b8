//! What the configuration says of one upstream, and why it cannot be used.

use std::path::PathBuf;
use std::time::Duration;

use crate::net::tls::TlsError;

/// Exchanges at once with an upstream of which nothing else is said: what a small journal system bears.
const CONCURRENCY: usize = 64;

/// One upstream, as `[upstreams.NAME]` of tavs.toml has it.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// `https://host[:port][/prefix]`; `http://` only with [`Self::unprotected`].
    pub url: String,
    /// Who may have issued its certificate.
    pub ca: UpstreamCa,
    /// Our own certificate towards it, if it asks for one: PEM files of chain and key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Allows `http://`, and then only to a loopback address: for development.
    pub unprotected: bool,
    /// How long it may take.
    pub deadlines: UpstreamDeadlines,
    /// Exchanges (and so connections in use) at once. Default 64.
    pub concurrency: usize,
    /// Connections kept open without an exchange. Default as many as `concurrency`: exchanges that wait for one sync
    /// of the ledger go on together, and each would else open a connection. Those that are not needed run out.
    pub max_idle: usize,
    /// Bytes of a response head. Default 64 KiB.
    pub max_head: usize,
}

/// Where an upstream's trust anchors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamCa {
    /// The system's.
    System,
    /// A PEM file, and nothing else.
    File(PathBuf),
}

/// How long an upstream may take for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamDeadlines {
    /// For one of the `concurrency` places. Default 1 s: past that, say 503 rather than queue.
    pub wait: Duration,
    /// For a connection with its TLS handshake. Default 2 s.
    pub connect: Duration,
    /// From the request sent to the response head. Default 10 s.
    pub first_byte: Duration,
    /// From [`Upstream::send`](super::Upstream::send) to the end of the response. Default 30 s.
    pub whole: Duration,
    /// How long a connection is kept without an exchange. Default 30 s: below the 60 s that
    /// most servers give, so that they seldom close under us.
    pub idle: Duration,
}

impl Default for UpstreamDeadlines {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(1),
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        }
    }
}

impl UpstreamSettings {
    /// The defaults, towards `url`.
    #[must_use]
    pub fn new(url: &str, ca: UpstreamCa) -> Self {
        Self {
            url: url.to_owned(),
            ca,
            client_certificate: None,
            unprotected: false,
            deadlines: UpstreamDeadlines::default(),
            concurrency: CONCURRENCY,
            max_idle: CONCURRENCY,
            max_head: 64 * 1024,
        }
    }
}

/// Why an upstream cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamSetupError {
    /// The URL cannot be used.
    #[error("an upstream's url is `https://host[:port][/prefix]`, without user, query or fragment")]
    Url,
    /// `http://` without leave.
    #[error("`http://` needs `unprotected = true`, and a loopback address (127.0.0.1, [::1], localhost)")]
    Unprotected,
    /// A limit is zero.
    #[error("`{0}` must be more than zero")]
    Zero(&'static str),
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system has no trust anchors.
    #[error("the system's trust anchors cannot be read: install `ca-certificates`, or name a file as `ca`")]
    NoSystemAnchors,
}
