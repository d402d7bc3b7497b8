//! One connection to an upstream: a request goes out, its response comes in and ends where its framing says, or is
//! a fault.
//!
//! What must never happen: a byte of one response taken for another's. A connection is kept only where its
//! response has come to its end, nothing is left over, and the upstream is silent since.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{Method, StatusCode};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, ReadBuf};
use tokio::task::coop::has_budget_remaining;

use super::UpstreamError;
use super::connect::Stream;
use super::framing::{Framing, Step};
use super::head::{self, Head};

/// How much is read at a time, at least and at most.
const READ: RangeInclusive<usize> = 4 * 1024..=128 * 1024;
/// Interim responses to one request at most: no upstream has a use for more, and each is read for nothing.
const MAX_INTERIM: usize = 16;

/// An open connection (`Connection` is the listener's). Dropping it closes the socket, whatever is under way on it.
pub(super) struct Wire {
    stream: Stream,
    /// What has come and is not taken yet.
    came: Bytes,
    /// Length of the last head, with the `Content-Length` that it announced.
    usual: usize,
}

impl Wire {
    pub(super) const fn new(stream: Stream) -> Self {
        Self { stream, came: Bytes::new(), usual: 0 }
    }

    /// More has come than the response, of what has been read so far.
    pub(super) fn has_surplus(&self) -> bool {
        !self.came.is_empty()
    }

    /// Bytes, the connection's end or a fault wait in the socket.
    pub(super) fn has_news(&self) -> bool {
        self.stream.has_news()
    }

    /// Neither surplus nor the connection's end have come. Takes a byte: what is not silent is of no use any more.
    ///
    /// SECURITY: the socket itself is asked. Tokio knows what came only up to the last turn of its driver, and a
    /// response that nobody asked for would be taken for the next exchange's. One that comes after this look, or of
    /// which TLS has only the first part, nobody can tell.
    pub(super) fn is_silent(&mut self) -> bool {
        // A task that has had its turn would be told that there is nothing.
        if self.has_surplus() || self.has_news() || !has_budget_remaining() {
            return false;
        }
        // What TLS has deciphered already.
        let mut byte = [0];
        let mut nobody = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut nobody, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends a request and reads the head of its answer, of `max_head` bytes at most. Interim responses are skipped.
    pub(super) async fn ask(
        &mut self,
        request: &[u8],
        method: &Method,
        max_head: usize,
    ) -> Result<Head, UpstreamError> {
        let mut left = request;
        let mut sent = false;
        for _ in 0..=MAX_INTERIM {
            if !sent && self.came.is_empty() {
                sent = self.send(&mut left).await?;
            }
            let head = self.head(method, max_head).await?;
            match head.response.status() {
                // RFC 9110 section 15.2.2: we never ask to switch.
                StatusCode::SWITCHING_PROTOCOLS => return Err(UpstreamError::Malformed),
                status if status.is_informational() => {}
                // RFC 9112 section 9.5: it may refuse before all of it has been sent, and the rest is of no use then.
                status if sent || status.is_client_error() || status.is_server_error() => {
                    return Ok(Head { keep: head.keep && sent, ..head });
                }
                _of_half_a_request => return Err(UpstreamError::Broke),
            }
        }
        Err(UpstreamError::Malformed)
    }

    /// Sends what is left, until all of it has gone (`true`) or something of an answer has come.
    async fn send(&mut self, left: &mut &[u8]) -> Result<bool, UpstreamError> {
        let sending = poll_fn(|cx| match self.poll_send(cx, left) {
            Poll::Pending => self.poll_answer(cx).map_ok(|()| false),
            // Who refuses and closes at once breaks the sending, and what it said stands in the socket.
            Poll::Ready(Err(error)) => match self.poll_answer(cx) {
                Poll::Ready(Ok(())) if self.has_surplus() => Poll::Ready(Ok(false)),
                Poll::Ready(_) | Poll::Pending => Poll::Ready(Err(error)),
            },
            Poll::Ready(Ok(())) => Poll::Ready(Ok(true)),
        });
        sending.await.map_err(|error| fault(&error))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, left: &mut &[u8]) -> Poll<io::Result<()>> {
        while !left.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                wrote => *left = left.get(wrote..).unwrap_or_default(),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// The first of an answer that comes before it is waited for. INVARIANT: nothing that came is left.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [0; 64];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        self.came = Bytes::copy_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }

    async fn head(&mut self, method: &Method, max_head: usize) -> Result<Head, UpstreamError> {
        // PERF: room for as much as the last response had, so that head and content come in one read. Larger content
        // is read to where it stays (`gather`), so only little is taken with its head.
        let usual = Some(self.usual).filter(|usual| READ.contains(usual));
        let room = usual.map_or(*READ.start(), usize::next_power_of_two);
        let mut seen = 0;
        loop {
            if let Some((length, head)) = head::read(&self.came, seen, method)? {
                if length > max_head {
                    return Err(UpstreamError::Malformed);
                }
                self.came.advance(length);
                let content = usize::try_from(head.framing.announced()).unwrap_or(usize::MAX);
                self.usual = length.saturating_add(content);
                return Ok(head);
            }
            seen = self.came.len();
            if seen >= max_head {
                return Err(UpstreamError::Malformed);
            }
            if self.fill(room).await? == 0 {
                return Err(UpstreamError::Broke);
            }
        }
    }

    /// What comes next of the content; `None` at its end.
    pub(super) async fn next(&mut self, framing: &mut Framing) -> Result<Option<Bytes>, UpstreamError> {
        loop {
            match framing.step(&mut self.came)? {
                Step::Piece(piece) => return Ok(Some(piece)),
                Step::Over => return Ok(None),
                Step::More => {}
            }
            if self.fill(*READ.end()).await? > 0 {
                continue;
            }
            if *framing != Framing::Open {
                return Err(UpstreamError::Broke);
            }
            *framing = Framing::OVER;
        }
    }

    /// The same, as one piece of at least `most` bytes, or all, where a `Content-Length` tells how much there is.
    ///
    /// PERF: read to where it stays. Pieces copied together were 5 % of the time of 1 MB.
    pub(super) async fn gather(
        &mut self,
        framing: &mut Framing,
        most: usize,
    ) -> Result<Option<Bytes>, UpstreamError> {
        let Framing::Length(left) = framing else { return self.next(framing).await };
        let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(most);
        if self.came.len() >= wanted {
            return self.next(framing).await;
        }
        let mut content = BytesMut::with_capacity(wanted);
        content.extend_from_slice(&std::mem::take(&mut self.came));
        while content.len() < wanted {
            let missing = wanted.saturating_sub(content.len());
            let read = self.stream.read_buf(&mut (&mut content).limit(missing)).await;
            if read.map_err(|error| fault(&error))? == 0 {
                return Err(UpstreamError::Broke);
            }
        }
        *left = left.saturating_sub(u64::try_from(wanted).unwrap_or(u64::MAX));
        Ok(Some(content.freeze()))
    }

    /// Reads what comes, about `room` bytes at most; 0 at the connection's end.
    async fn fill(&mut self, room: usize) -> Result<usize, UpstreamError> {
        // What comes byte by byte is not copied with each of them.
        let came = std::mem::take(&mut self.came).try_into_mut();
        let mut buffer = came.unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        buffer.reserve(room);
        let read = self.stream.read_buf(&mut buffer).await.map_err(|error| fault(&error))?;
        self.came = buffer.freeze();
        Ok(read)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({} bytes not taken)", self.came.len())
    }
}

/// Sorts what the socket says into the closed set.
fn fault(error: &io::Error) -> UpstreamError {
    // Under TLS 1.3 an upstream refuses our certificate only after the handshake.
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if tls { UpstreamError::Tls } else { UpstreamError::Broke }
}
