//! Watches one connection: how many exchanges are under way, how long it has been idle, and
//! whether the peer takes its responses.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};

use crate::clock::Clock;

/// What happens on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    under_way: usize,
    idle_since: Instant,
    /// When each response that is being written was begun.
    writing: BTreeMap<u64, Instant>,
    next: u64,
}

impl Activity {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        let state = State { under_way: 0, idle_since: clock.instant(), writing: BTreeMap::new(), next: 0 };
        Arc::new(Self { clock, state: Mutex::new(state) })
    }

    /// An exchange begins; it ends when what this returns is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.with(|state, _now| state.under_way = state.under_way.saturating_add(1));
        UnderWay { activity: Arc::clone(self), response: None }
    }

    /// Whether several exchanges are under way.
    pub(super) fn is_shared(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).under_way > 1
    }

    /// Whether no exchange has been under way for `limit`.
    pub(super) fn is_idle_for(&self, limit: Duration) -> bool {
        self.with(|state, now| {
            state.under_way == 0 && now.saturating_duration_since(state.idle_since) >= limit
        })
    }

    /// Whether a response has been in the writing for `limit`.
    pub(super) fn is_writing_for(&self, limit: Duration) -> bool {
        self.with(|state, now| {
            state.writing.values().next().is_some_and(|began| now.saturating_duration_since(*began) >= limit)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = self.clock.instant();
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// One exchange under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    activity: Arc<Activity>,
    response: Option<u64>,
}

impl UnderWay {
    /// The response is there: from now on it is the peer's turn. Numbers only grow, so the first
    /// in the map is the oldest.
    pub(super) fn writes<B>(mut self, body: B) -> Watched<B> {
        self.response = self.activity.with(|state, now| {
            let number = state.next;
            state.next = state.next.wrapping_add(1);
            state.writing.insert(number, now);
            Some(number)
        });
        Watched { body, piece: Bytes::new(), begun: false, under_way: self }
    }
}

impl UnderWay {
    /// The peer has taken all that there was: for what comes next its time begins anew.
    fn renew(&mut self) {
        let old = self.response;
        self.response = self.activity.with(|state, now| {
            state.writing.remove(&old?);
            let number = state.next;
            state.next = state.next.wrapping_add(1);
            state.writing.insert(number, now);
            Some(number)
        });
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let response = self.response;
        self.activity.with(|state, now| {
            state.under_way = state.under_way.saturating_sub(1);
            state.idle_since = now;
            if let Some(number) = response {
                state.writing.remove(&number);
            }
        });
    }
}

/// A response's body, handed to hyper in small pieces: so it is dropped only once the peer has
/// taken nearly all of it, and an HTTP/2 peer that grants no window keeps it being watched.
#[derive(Debug)]
pub(super) struct Watched<B> {
    body: B,
    piece: Bytes,
    /// Something of it has been taken.
    begun: bool,
    under_way: UnderWay,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if !self.piece.has_remaining() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else {
                return Poll::Ready(None);
            };
            // A body that is made as it leaves comes in parts; one that was whole does not.
            if std::mem::replace(&mut self.begun, true) {
                self.under_way.renew();
            }
            match frame.into_data() {
                Ok(data) => self.piece = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.piece.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.piece.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.piece.len()).unwrap_or(u64::MAX);
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

/// With the head of its HTTP/2 frame one TLS record (RFC 9113 section 4.1, RFC 8446 section 5.1), unless the fields of the
/// response come with it.
const PIECE: usize = 16 * 1024 - 9;

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_body_leaves_in_pieces_and_whole() {
        let activity = Activity::new(Clock::system());
        let content: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut body = activity.begin().writes(Full::new(Bytes::from(content.clone())));
        assert_eq!(body.size_hint().exact(), Some(40_000));
        let mut taken = Vec::new();
        let mut sizes = Vec::new();
        run(async {
            while let Some(frame) = body.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                sizes.push(data.len());
                taken.extend_from_slice(&data);
            }
        });
        assert_eq!(sizes, [PIECE, PIECE, 7_250]);
        assert_eq!(taken, content);
        assert!(body.is_end_stream());
    }

    #[test]
    fn idleness_and_writing_are_seen() {
        let activity = Activity::new(Clock::system());
        assert!(activity.is_idle_for(Duration::ZERO));
        let under_way = activity.begin();
        assert!(!activity.is_idle_for(Duration::ZERO));
        assert!(!activity.is_writing_for(Duration::ZERO));
        let body = under_way.writes(Full::new(Bytes::from_static(b"x")));
        assert!(activity.is_writing_for(Duration::ZERO));
        assert!(!activity.is_writing_for(Duration::from_secs(3600)));
        drop(body);
        assert!(activity.is_idle_for(Duration::ZERO));
        assert!(!activity.is_writing_for(Duration::ZERO));
    }
}
