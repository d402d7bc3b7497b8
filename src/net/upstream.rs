//! The pooled client towards one upstream: verified TLS, deadlines for every stage, a cap on
//! connections, and errors without a word of the upstream's.
//!
//! HTTP/1.1, one exchange a connection at a time, driven by the exchange itself. A connection is kept only if its
//! response was read to the end and nothing followed it.

mod connect;
mod framing;
mod head;
mod pool;
mod probe;
mod settings;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use self::connect::Connector;
use self::framing::Framing;
use self::pool::{Lease, Pool};
pub use self::probe::{ProbeError, Probed};
pub use self::settings::{UpstreamCa, UpstreamDeadlines, UpstreamSettings, UpstreamSetupError};
use self::wire::Wire;
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
    /// It closed or reset the connection early, or its chunks are none.
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
    clock: Clock,
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
        Ok(Self { connector, places, pool, settings, clock: clock.clone() })
    }

    /// Sends one request and waits for the response head. The request's URI is a path with an
    /// optional query, to which the configured prefix is put; `Host` comes from the configuration,
    /// whatever the request has. `Expect`, `Upgrade` and the other hop-by-hop fields are dropped.
    /// Interim responses are skipped. A request is sent once.
    ///
    /// Of the response's fields only those are there that somebody reads (`FIELDS_READ` in `head.rs`).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let allowed = self.settings.deadlines.whole;
        let whole = Deadline::new(&self.clock, allowed, UpstreamError::TimedOut(Stage::Whole));
        let (response, framing, lease) = self.exchange(request, whole).await?;
        Ok(response.map(|()| UpstreamBody {
            framing,
            whole,
            allowed,
            lease: Some(lease),
            clock: self.clock.clone(),
        }))
    }

    /// How many exchanges are under way, for metrics.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.settings.concurrency.saturating_sub(self.places.available_permits())
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        whole: Deadline,
    ) -> Result<(Response<()>, Framing, Lease), UpstreamError> {
        let bytes = head::request(&request, self.connector.prefix(), self.connector.authority())?;
        let deadlines = &self.settings.deadlines;
        let by = |allowed, late| Deadline::new(&self.clock, allowed, late).earlier(whole);
        let place_by = by(deadlines.wait, UpstreamError::Busy);
        let place = place_by.wait(Arc::clone(&self.places).acquire_owned()).await?;
        let place = place.map_err(|_closed| UpstreamError::Busy)?;
        let mut wire = match self.pool.take() {
            Some(wire) => wire,
            None => {
                let connect_by = by(deadlines.connect, UpstreamError::TimedOut(Stage::Connect));
                Wire::new(connect_by.wait(self.connector.connect()).await??)
            }
        };
        let answer_by = by(deadlines.first_byte, UpstreamError::TimedOut(Stage::FirstByte));
        let head = answer_by.wait(wire.ask(&bytes, request.method(), self.settings.max_head)).await??;
        Ok((head.response, head.framing, Lease::new(wire, head.keep, place, &self.pool)))
    }
}

/// Until when something may take, and what it is to be late.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    /// `None` is never.
    at: Option<Instant>,
    late: UpstreamError,
}

impl Deadline {
    fn new(clock: &Clock, allowed: Duration, late: UpstreamError) -> Self {
        Self { at: clock.instant().checked_add(allowed), late }
    }

    /// The earlier of the two. PERF: one timer instead of two.
    fn earlier(self, other: Self) -> Self {
        match (self.at, other.at) {
            (Some(at), Some(others)) if others < at => other,
            (None, Some(_)) => other,
            (_, _) => self,
        }
    }

    async fn wait<F: Future>(self, future: F) -> Result<F::Output, UpstreamError> {
        match self.at {
            Some(at) => timeout_at(at.into(), future).await.map_err(|_elapsed| self.late),
            None => Ok(future.await),
        }
    }
}

/// The content of an upstream's response. Reading it is bounded by [`UpstreamDeadlines::whole`];
/// dropping it early closes the connection.
#[derive(Debug)]
pub struct UpstreamBody {
    framing: Framing,
    whole: Deadline,
    allowed: Duration,
    /// Until the end has come, or a fault.
    lease: Option<Lease>,
    clock: Clock,
}

impl UpstreamBody {
    /// There is no content, or no more of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.framing.is_over()
    }

    /// Reads the content whole, at most `size` bytes. Trailers are dropped.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::TooLarge`], or why it ended early.
    pub async fn read(mut self, size: usize) -> Result<Bytes, UpstreamError> {
        if self.framing.announced() > u64::try_from(size).unwrap_or(u64::MAX) {
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
        let past = size.saturating_add(1);
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        loop {
            let missing = past.saturating_sub(first.len()).saturating_sub(rest.len());
            if missing == 0 {
                break;
            }
            let Some(data) = self.piece(Some(missing)).await? else { break };
            // One piece, the usual case, is handed on without a copy.
            if first.is_empty() && rest.is_empty() {
                first = data;
            } else {
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
        self.piece(None).await
    }

    /// What comes next, or as much as is `wanted` in one piece, where a `Content-Length` tells how much there is.
    async fn piece(&mut self, wanted: Option<usize>) -> Result<Option<Bytes>, UpstreamError> {
        let Some(mut lease) = self.lease.take() else {
            return if self.is_over() { Ok(None) } else { Err(UpstreamError::Broke) };
        };
        let came = async {
            match wanted {
                Some(most) => lease.wire.gather(&mut self.framing, most).await,
                None => lease.wire.next(&mut self.framing).await,
            }
        };
        let piece = self.whole.wait(came).await??;
        if self.framing.is_over() {
            lease.give_back();
        } else {
            self.lease = Some(lease);
        }
        Ok(piece)
    }

    /// The deadline begins anew: of content that is released as it comes, it is for each batch, and the
    /// recipient's own slowness is none of the upstream's.
    pub fn renew(&mut self) {
        self.whole = Deadline::new(&self.clock, self.allowed, UpstreamError::TimedOut(Stage::Whole));
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        // A response without content may never be read.
        if let Some(lease) = self.lease.take_if(|_| self.framing.is_over()) {
            lease.give_back();
        }
    }
}

#[cfg(test)]
mod tests;
