//! One request to the office, over HTTP: read within bounds, answered, and nothing of it logged but
//! who asked and how it ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::problem::{MALFORMED, MEDIA_TYPE, NOT_FOUND, TOO_LARGE};
use super::{Caller, MAX_CHANGES, Office, Problem, Told};

/// Bytes of a request: as many changes as one may hold, at the length that they are in practice.
const MAX_BODY: usize = MAX_CHANGES * 256;
/// For a request's content to arrive: a few seconds on the clinic's own network, and more.
const READ: Duration = Duration::from_secs(10);

/// Answers a request of a known caller.
pub(super) async fn respond(
    office: &Arc<Office>,
    caller: Caller,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let who = caller.who(None);
    let told = match read(request).await {
        Ok((method, path, body)) => Arc::clone(office).answer(caller, &method, &path, body).await,
        Err(problem) => problem.into(),
    };
    tracing::info!(caller = who, status = told.status, "the office answered");
    response(told)
}

/// The answer, as a response.
pub(super) fn response(told: Told) -> Response<Full<Bytes>> {
    let media_type = told.media_type;
    let mut response = Response::new(Full::new(Bytes::from(told.body)));
    *response.status_mut() = StatusCode::from_u16(told.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    for (name, value) in
        [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
    {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Method, path and content.
async fn read(request: Request<Incoming>) -> Result<(String, String, Zeroizing<Vec<u8>>), Problem> {
    let (head, body) = request.into_parts();
    if head.uri.query().is_some() {
        return Err(Problem::new(&NOT_FOUND, "nothing here takes a query"));
    }
    let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
    let too_large = || Problem::new(&TOO_LARGE, format!("at most {MAX_BODY} bytes"));
    // Said before it is sent, so that the answer is not lost in what is still on its way.
    if body.size_hint().lower() > u64::try_from(MAX_BODY).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let body = match timeout(READ, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(collected)) => Zeroizing::new(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(too_large());
        }
        Ok(Err(_broke)) => return Err(Problem::new(&MALFORMED, "the content broke off")),
        Err(_elapsed) => return Err(Problem::new(&MALFORMED, "the content came too slowly")),
    };
    if !body.is_empty() && !is_json(head.headers.get(CONTENT_TYPE)) {
        return Err(Problem::new(&MEDIA_TYPE, "send `application/json`"));
    }
    Ok((method, path, body))
}

fn is_json(media_type: Option<&HeaderValue>) -> bool {
    let Some(text) = media_type.and_then(|value| value.to_str().ok()) else { return false };
    let (essence, rest) = text.split_once(';').unwrap_or((text, ""));
    let charset = rest.trim();
    essence.trim().eq_ignore_ascii_case("application/json")
        && (charset.is_empty() || charset.eq_ignore_ascii_case("charset=utf-8"))
}
