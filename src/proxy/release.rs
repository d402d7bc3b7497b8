//! What leaves: released bytes with the receipt of their record, or tavs's own words (G4, G5).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;

use crate::http::Refusal;
use crate::http::problem::{Page, Problems};
use crate::http::reply::Reply;
use crate::ids::ExchangeId;
use crate::ledger::Receipt;
use crate::limits::Admitted;
use crate::policy::checked::MediaType;
use crate::rewrite::Released;

/// The body of an answer. Made in this module only, so that nothing leaves but by its functions.
pub struct Answer {
    content: Content,
    /// Held until the last byte is handed over: a slow reader counts against its concurrency.
    _admitted: Option<Admitted>,
}

enum Content {
    Whole(Full<Bytes>),
    Parts(mpsc::Receiver<Sent>),
    Ended,
}

/// What a body that is made as it leaves consists of.
enum Sent {
    Part(Bytes),
    End,
}

/// Parts that wait to be taken: one, while the next is being judged.
const WAITING: usize = 1;

/// The response was broken off: what has left of it is not the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the response was broken off")]
pub struct Broken;

/// The recipient takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// Where the parts of a body are released. Dropped without its [`end`](Self::end), it breaks the body off.
#[derive(Debug)]
pub(super) struct Parts {
    exchange: ExchangeId,
    sender: mpsc::Sender<Sent>,
}

impl Parts {
    /// Releases a part against the receipt of its record.
    pub(super) async fn release(&self, part: Released, receipt: Receipt) -> Result<(), Gone> {
        if receipt.exchange() != self.exchange {
            return Err(Gone);
        }
        let part = part.into_body();
        if part.is_empty() {
            return Ok(());
        }
        self.sender.send(Sent::Part(part.into())).await.map_err(|_gone| Gone)
    }

    /// All of it has left.
    pub(super) async fn end(self) -> Result<(), Gone> {
        self.sender.send(Sent::End).await.map_err(|_gone| Gone)
    }

    /// Waits until the recipient takes no more.
    pub(super) async fn gone(&self) {
        self.sender.closed().await;
    }
}

/// An answer whose body is made as it leaves.
pub(super) fn in_parts(
    reply: &Reply,
    (status, media_type): (StatusCode, MediaType),
    admitted: Admitted,
) -> (Response<Answer>, Parts) {
    let (sender, parts) = mpsc::channel(WAITING);
    let answer = Answer { content: Content::Parts(parts), _admitted: Some(admitted) };
    let response = reply.released(status, media_type).map(|()| answer);
    (response, Parts { exchange: reply.exchange, sender })
}

/// Releases a body against the receipt of its record.
///
/// # Errors
/// `Internal` if the receipt is of another exchange.
#[expect(clippy::needless_pass_by_value, reason = "one receipt releases one body")]
pub(super) fn released(
    reply: &Reply,
    (status, media_type): (StatusCode, MediaType),
    body: Released,
    receipt: Receipt,
    admitted: Admitted,
) -> Result<Response<Answer>, Refusal> {
    if receipt.exchange() != reply.exchange {
        return Err(Refusal::Internal);
    }
    let content = if reply.head { Bytes::new() } else { body.into_body().into() };
    Ok(reply.released(status, media_type).map(|()| Answer::new(content, Some(admitted))))
}

/// An answer without content, against the receipt of its record.
///
/// # Errors
/// `Internal` if the receipt is of another exchange.
#[expect(clippy::needless_pass_by_value, reason = "one receipt releases one answer")]
pub(super) fn done(
    reply: &Reply,
    status: StatusCode,
    receipt: Receipt,
    admitted: Admitted,
) -> Result<Response<Answer>, Refusal> {
    if receipt.exchange() != reply.exchange {
        return Err(Refusal::Internal);
    }
    Ok(reply.done(status).map(|()| Answer::new(Bytes::new(), Some(admitted))))
}

/// A refusal, in own words.
pub(super) fn refused(
    reply: &Reply,
    problems: &Problems,
    refusal: Refusal,
    admitted: Option<Admitted>,
) -> Response<Answer> {
    reply.problem(problems, refusal).map(|document| Answer::new(document, admitted))
}

/// The page of a problem type.
pub(super) fn page(reply: &Reply, page: Page, admitted: Admitted) -> Response<Answer> {
    reply.page(page).map(|html| Answer::new(html, Some(admitted)))
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer(…)")
    }
}

impl Answer {
    fn new(content: Bytes, admitted: Option<Admitted>) -> Self {
        Self { content: Content::Whole(Full::new(content)), _admitted: admitted }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.content {
            Content::Whole(content) => Pin::new(content).poll_frame(cx).map_err(|never| match never {}),
            Content::Parts(parts) => match ready!(parts.poll_recv(cx)) {
                Some(Sent::Part(part)) => Poll::Ready(Some(Ok(Frame::data(part)))),
                Some(Sent::End) => {
                    self.content = Content::Ended;
                    Poll::Ready(None)
                }
                // SECURITY: whoever made it has failed, and the recipient must see that (RFC 9112 8).
                None => Poll::Ready(Some(Err(Broken))),
            },
            Content::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(content) => content.is_end_stream(),
            Content::Parts(_) => false,
            Content::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(content) => content.size_hint(),
            Content::Parts(_) | Content::Ended => SizeHint::default(),
        }
    }
}
