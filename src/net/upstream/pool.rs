//! Connections to one upstream that wait for their next exchange.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::UpstreamError;
use super::connect::Stream;
use crate::clock::Clock;

/// An open connection. Dropping it closes the socket, whatever is under way on it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

impl Open {
    /// Begins HTTP/1.1 on a connected stream. What is lenient in hyper stays off: HTTP/0.9,
    /// folded lines, spaces before the colon, invalid fields.
    pub(super) async fn handshake(stream: Stream, max_head: usize) -> Result<Self, UpstreamError> {
        let (sender, connection) = http1::Builder::new()
            .max_header_size(max_head)
            .max_buf_size(max_head.max(LEAST_BUFFER))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| UpstreamError::of(&error))?;
        // The fault reaches the exchange through `sender`, if there is one.
        let task = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self { sender, task })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The idle connections, the last used first: so that few are kept warm and the rest run out.
#[derive(Debug)]
pub(super) struct Pool {
    most: usize,
    keep: Duration,
    clock: Clock,
    idle: Mutex<Vec<(Open, Instant)>>,
}

impl Pool {
    pub(super) fn new(most: usize, keep: Duration, clock: Clock) -> Self {
        Self { most, keep, clock, idle: Mutex::default() }
    }

    /// A connection that is open and ready, as far as can be known.
    pub(super) fn take(&self) -> Option<Open> {
        let now = self.clock.instant();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((open, since)) = idle.pop() {
            if open.sender.is_ready() && now.saturating_duration_since(since) < self.keep {
                return Some(open);
            }
        }
        None
    }

    fn put(&self, open: Open) {
        let now = self.clock.instant();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(open, since)| {
            !open.sender.is_closed() && now.saturating_duration_since(*since) < self.keep
        });
        if idle.len() < self.most {
            idle.push((open, now));
        }
    }
}

/// A connection with an exchange on it, and that exchange's place among the concurrent ones.
/// Dropped, it closes the connection: only [`Lease::give_back`] keeps it.
#[derive(Debug)]
pub(super) struct Lease {
    open: Open,
    place: OwnedSemaphorePermit,
    pool: Arc<Pool>,
}

impl Lease {
    pub(super) fn new(open: Open, place: OwnedSemaphorePermit, pool: &Arc<Pool>) -> Self {
        Self { open, place, pool: Arc::clone(pool) }
    }

    /// Keeps the connection for the next exchange, once hyper finds it ready: it is not if the
    /// upstream asked to close it, or sent anything after its response.
    pub(super) fn give_back(self) {
        let Self { mut open, place, pool } = self;
        if open.sender.is_ready() {
            return pool.put(open);
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Ok(Ok(())) = timeout(SETTLE, open.sender.ready()).await {
                pool.put(open);
            }
            drop(place);
        });
    }
}

/// How long a connection may take to become ready after its response was read to the end.
const SETTLE: Duration = Duration::from_secs(1);

/// The least that hyper takes.
const LEAST_BUFFER: usize = 8192;
