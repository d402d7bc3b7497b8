//! The head of every answer that tavs gives: an allow-list that is made here and nowhere else.
//! No field of an upstream passes, not its status text, its trailers or its validators.

use std::time::Duration;

use ::http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, RETRY_AFTER, VIA, X_CONTENT_TYPE_OPTIONS,
};
use ::http::{Response, StatusCode};
use bytes::Bytes;

use super::forward::OUR_VIA;
use super::problem::{Page, Problems};
use crate::http::Refusal;
use crate::ids::ExchangeId;
use crate::limits::Standing;
use crate::policy::checked::MediaType;

/// Names the exchange to the recipient; the same id as in a problem's `instance`, the log and the
/// ledger.
pub const EXCHANGE: HeaderName = HeaderName::from_static("tavs-exchange");

/// How long a recipient is asked to stay away when tavs cannot serve.
const RETRY_WHEN_UNAVAILABLE: Duration = Duration::from_secs(5);

/// What all answers of one exchange have in common.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Which exchange.
    pub exchange: ExchangeId,
    /// The request was HEAD: no content, and no length of it.
    pub head: bool,
    /// Over HTTP/1, where `Connection` exists.
    pub http1: bool,
    /// Where the recipient stands with its quotas, once that is known.
    pub standing: Option<Standing>,
    /// `Location` and `Content-Location` of what a request made, as the rewriter remade them.
    pub places: Vec<(HeaderName, HeaderValue)>,
    /// The methods that the target takes, where another was used (RFC 9110 section 15.5.6).
    pub allow: Vec<&'static str>,
}

impl Reply {
    /// The head of a response that carries released bytes. The caller puts them in, unless the
    /// request was HEAD.
    #[must_use]
    pub fn released(&self, status: StatusCode, media_type: MediaType) -> Response<()> {
        let mut answer = self.answer(status, HeaderValue::from_static(media_type.essence()), ());
        answer.headers_mut().extend(self.places.iter().cloned().map(|(name, value)| (Some(name), value)));
        answer
    }

    /// The head of a response without content, to what changed something.
    #[must_use]
    pub fn done(&self, status: StatusCode) -> Response<()> {
        let mut answer = self.answer(status, HeaderValue::from_static(""), ());
        answer.headers_mut().remove(CONTENT_TYPE);
        answer.headers_mut().extend(self.places.iter().cloned().map(|(name, value)| (Some(name), value)));
        answer
    }

    /// A refusal's whole answer.
    #[must_use]
    pub fn problem(&self, problems: &Problems, refusal: Refusal) -> Response<Bytes> {
        let verdict = refusal.verdict();
        let status = StatusCode::from_u16(verdict.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let document =
            if self.head { Bytes::new() } else { problems.document(refusal, self.exchange).into() };
        let mut answer = self.answer(status, HeaderValue::from_static(Problems::MEDIA_TYPE), document);
        let fields = answer.headers_mut();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            insert_text(fields, ALLOW, &self.allow.join(", "));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE && !fields.contains_key(RETRY_AFTER) {
            fields.insert(RETRY_AFTER, HeaderValue::from(RETRY_WHEN_UNAVAILABLE.as_secs()));
        }
        if self.http1 && refusal.closes_connection() {
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    /// The page of a problem type.
    #[must_use]
    pub fn page(&self, page: Page) -> Response<Bytes> {
        let html = if self.head { Bytes::new() } else { page.html.into() };
        let mut answer = self.answer(StatusCode::OK, HeaderValue::from_static(Page::MEDIA_TYPE), html);
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
        answer
    }

    fn answer<B>(&self, status: StatusCode, content_type: HeaderValue, body: B) -> Response<B> {
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        let fields = answer.headers_mut();
        fields.reserve(FIELDS);
        fields.insert(CONTENT_TYPE, content_type);
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        fields.insert(VIA, OUR_VIA);
        insert_text(fields, EXCHANGE, &self.exchange.to_string());
        if let Some(standing) = &self.standing {
            insert_text(fields, HeaderName::from_static("ratelimit-policy"), standing.policy());
            insert_text(fields, HeaderName::from_static("ratelimit"), &standing.state());
            if let Some(seconds) = standing.retry_after() {
                fields.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
        }
        answer
    }
}

/// As many fields as an answer has, with those that hyper puts. PERF: one allocation instead of three.
const FIELDS: usize = 12;

/// Sets a field from text of our own, which is visible ASCII.
fn insert_text(fields: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        fields.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
