//! What leaves: released bytes with the receipt of their record, or tavs's own words (G4, G5).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::{Response, StatusCode};

use crate::http::Refusal;
use crate::http::problem::{Page, Problems};
use crate::http::reply::Reply;
use crate::ledger::Receipt;
use crate::limits::Admitted;
use crate::policy::checked::MediaType;
use crate::rewrite::Released;

/// The body of an answer. Made in this module only, so that nothing leaves but by its functions.
pub struct Answer {
    content: Full<Bytes>,
    /// Held until the last byte is handed over: a slow reader counts against its concurrency.
    _admitted: Option<Admitted>,
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
        Self { content: Full::new(content), _admitted: admitted }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.content).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
