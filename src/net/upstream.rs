//! The pooled client towards one upstream: verified TLS, deadlines for every stage, a cap on
//! connections, and errors without a word of the upstream's.
//!
//! HTTP/1.1, one exchange a connection at a time. A connection is kept only if its response was
//! read to the end and nothing followed it.

mod connect;
mod pool;
mod probe;
mod settings;

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep, timeout};

use self::connect::Connector;
use self::pool::{Lease, Pool};
pub use self::probe::{ProbeError, Probed};
pub use self::settings::{UpstreamCa, UpstreamDeadlines, UpstreamSettings, UpstreamSetupError};
use crate::clock::Clock;

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
    connector: Connector,
    places: Arc<Semaphore>,
    pool: Arc<Pool>,
    settings: UpstreamSettings,
}

impl Upstream {
    /// Sets the client up; connects to nothing yet.
    ///
    /// # Errors
    ///
    /// [`UpstreamSetupError`] says what to mend.
    pub fn new(settings: UpstreamSettings, clock: &Clock) -> Result<Self, UpstreamSetupError> {
        if settings.concurrency == 0 {
            return Err(UpstreamSetupError::Zero("concurrency"));
        }
        let connector = Connector::new(&settings, clock)?;
        let places = Arc::new(Semaphore::new(settings.concurrency.min(Semaphore::MAX_PERMITS)));
        let pool = Arc::new(Pool::new(settings.max_idle, settings.deadlines.idle, clock.clone()));
        Ok(Self { connector, places, pool, settings })
    }

    /// Sends one request and waits for the response head. The request's URI is a path with an
    /// optional query, to which the configured prefix is put; `Host` comes from the configuration,
    /// whatever the request has. `Expect`, `Upgrade` and the other hop-by-hop fields are dropped.
    /// Interim responses are skipped. A request is sent again only if none of it left before.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let mut whole = Box::pin(sleep(self.settings.deadlines.whole));
        let (response, lease) = tokio::select! {
            biased;
            exchanged = self.exchange(request) => exchanged?,
            () = whole.as_mut() => return Err(UpstreamError::TimedOut(Stage::Whole)),
        };
        // RFC 9110 15.2.2: we never ask to switch.
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpstreamError::Malformed);
        }
        let allowed = self.settings.deadlines.whole;
        Ok(response.map(|incoming| UpstreamBody { incoming, whole, allowed, lease: Some(lease) }))
    }

    /// How many exchanges are under way, for metrics.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.settings.concurrency.saturating_sub(self.places.available_permits())
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Lease), UpstreamError> {
        let mut request = self.prepare(request)?;
        let deadlines = &self.settings.deadlines;
        let place = timeout(deadlines.wait, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_elapsed| UpstreamError::Busy)?
            .map_err(|_closed| UpstreamError::Busy)?;
        // Bounded: each turn uses up a pooled connection, and a new one is tried once.
        loop {
            let (mut connection, fresh) = match self.pool.take() {
                Some(connection) => (connection, false),
                None => (self.open().await?, true),
            };
            let sent = timeout(deadlines.first_byte, connection.sender.try_send_request(request))
                .await
                .map_err(|_elapsed| UpstreamError::TimedOut(Stage::FirstByte))?;
            match sent {
                Ok(response) => return Ok((response, Lease::new(connection, place, &self.pool))),
                Err(mut refused) => match refused.take_message() {
                    // Nothing of it left: the pooled connection had been closed meanwhile.
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(UpstreamError::of(&refused.into_error())),
                },
            }
        }
    }

    async fn open(&self) -> Result<pool::Open, UpstreamError> {
        let connecting = async {
            let stream = self.connector.connect().await?;
            pool::Open::handshake(stream, self.settings.max_head).await
        };
        timeout(self.settings.deadlines.connect, connecting)
            .await
            .map_err(|_elapsed| UpstreamError::TimedOut(Stage::Connect))?
    }

    /// Makes the request one for this upstream and this connection only.
    fn prepare(&self, request: Request<Full<Bytes>>) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let (mut head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        head.uri = Uri::try_from(format!("{}{target}", self.connector.prefix()))
            .map_err(|_error| UpstreamError::Request)?;
        head.version = Version::HTTP_11;
        // PERF: compares the few fields that there are, instead of looking up twelve names.
        let not_forwarded = |name: &&HeaderName| NOT_FORWARDED.contains(name);
        let found: Vec<HeaderName> = head.headers.keys().filter(not_forwarded).cloned().collect();
        for name in found {
            head.headers.remove(name);
        }
        head.headers.insert(header::HOST, self.connector.authority().clone());
        Ok(Request::from_parts(head, body))
    }
}

/// What is between us and the next hop only (RFC 9110 7.6.1), what would make us wait or switch,
/// and what hyper writes itself from the body.
const NOT_FORWARDED: [HeaderName; 12] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    header::EXPECT,
    header::CONTENT_LENGTH,
    header::HOST,
];

impl UpstreamError {
    /// Sorts what hyper says into the closed set.
    fn of(error: &hyper::Error) -> Self {
        if error.is_parse() || error.is_parse_too_large() {
            return Self::Malformed;
        }
        // Under TLS 1.3 an upstream refuses our certificate only after the handshake.
        let mut source = error.source();
        while let Some(cause) = source {
            let tls = cause
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
                .is_some_and(|inner| inner.is::<rustls::Error>());
            if tls {
                return Self::Tls;
            }
            source = cause.source();
        }
        Self::Broke
    }
}

/// The content of an upstream's response. Reading it is bounded by [`UpstreamDeadlines::whole`];
/// dropping it early closes the connection.
#[derive(Debug)]
pub struct UpstreamBody {
    incoming: Incoming,
    whole: Pin<Box<Sleep>>,
    allowed: Duration,
    lease: Option<Lease>,
}

impl UpstreamBody {
    /// Reads the content whole, at most `size` bytes. Trailers are dropped.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::TooLarge`], or why it ended early.
    pub async fn read(mut self, size: usize) -> Result<Bytes, UpstreamError> {
        if self.size_hint().lower() > u64::try_from(size).unwrap_or(u64::MAX) {
            return Err(UpstreamError::TooLarge);
        }
        match self.read_past(size).await? {
            content if content.len() > size => Err(UpstreamError::TooLarge),
            content => Ok(content),
        }
    }

    /// Reads until it has more than `size` bytes, or all: then that is no more.
    ///
    /// # Errors
    ///
    /// Why it ended early.
    pub async fn read_past(&mut self, size: usize) -> Result<Bytes, UpstreamError> {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while first.len().saturating_add(rest.len()) <= size {
            let Some(data) = self.next().await? else { break };
            // One piece, the usual case, is handed on without a copy.
            if first.is_empty() && rest.is_empty() {
                first = data;
            } else {
                // PERF: the rest is announced nearly always: one buffer instead of ever larger ones.
                let announced = usize::try_from(self.size_hint().lower()).unwrap_or(usize::MAX).min(size);
                rest.reserve(first.len().saturating_add(data.len()).saturating_add(announced));
                rest.extend_from_slice(&std::mem::take(&mut first));
                rest.extend_from_slice(&data);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    }

    /// What comes next of the content; `None` at its end.
    ///
    /// # Errors
    ///
    /// Why it ended early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        loop {
            match self.frame().await.transpose()?.map(Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) => return Ok(Some(data)),
                Some(Err(_trailers)) => {}
            }
        }
    }

    /// The deadline begins anew: of content that is released as it comes, it is for each batch, and the
    /// recipient's own slowness is none of the upstream's.
    pub fn renew(&mut self) {
        self.whole = Box::pin(sleep(self.allowed));
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        // A response without content may never be polled.
        if let Some(lease) = self.lease.take_if(|_| self.incoming.is_end_stream()) {
            lease.give_back();
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if self.whole.as_mut().poll(cx).is_ready() {
            self.lease = None;
            return Poll::Ready(Some(Err(UpstreamError::TimedOut(Stage::Whole))));
        }
        loop {
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                // Trailers never pass.
                Some(Ok(_trailers)) => {}
                Some(Err(_error)) => {
                    self.lease = None;
                    return Poll::Ready(Some(Err(UpstreamError::Broke)));
                }
                None => {
                    if let Some(lease) = self.lease.take() {
                        lease.give_back();
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
