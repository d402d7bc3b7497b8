//! Builds the request that goes to the upstream, anew, from what was decided.

use ::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue, VIA};
use ::http::{HeaderName, Method, Request, Uri};

use super::trace::Traceparent;
use crate::http::Refusal;
use crate::policy::checked::{self, MediaType};
use crate::policy::decide::Permit;
use crate::uri::encode_query;

/// How we name ourselves (RFC 9110 section 7.6.3).
pub(super) const OUR_VIA: HeaderValue = HeaderValue::from_static("1.1 tavs");

/// What was decided to be asked of an upstream. Outside this module only a [`Permit`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Forward<'a> {
    /// The string that policy judged.
    path: &'a str,
    /// Decoded.
    query: &'a [(String, String)],
    /// The content types that the route lists.
    accept: &'a [MediaType],
    method: checked::Method,
    fields: &'a [(String, String)],
    /// The type of the content that the caller puts in.
    content_type: Option<&'static str>,
    /// The trace that this exchange belongs to.
    trace: Traceparent,
}

impl<'a> Forward<'a> {
    /// What a permit allows to be asked.
    #[must_use]
    pub fn of(permit: &'a Permit, content_type: Option<&'static str>, trace: Traceparent) -> Self {
        let accept = &permit.route().checked().response.media_types;
        let (method, fields) = (permit.method(), permit.fields());
        Self { path: permit.path(), query: permit.query(), accept, method, fields, content_type, trace }
    }
}

/// Builds the request: its method (GET for HEAD), and nothing that the recipient sent but path, query,
/// listed fields and trace id. Its URI has no authority: [`net`](crate::net) puts the upstream's own, and the
/// prefix of its `url`.
///
/// # Errors
/// `Internal` if the parts make no URI, which a [`Target`](super::Target)'s always do.
pub fn request(forward: &Forward<'_>) -> Result<Request<()>, Refusal> {
    let mut target = forward.path.to_owned();
    if !forward.query.is_empty() {
        target.push('?');
        target.push_str(&encode_query(forward.query));
    }
    let mut request = get(target, forward.accept)?;
    *request.method_mut() =
        Method::from_bytes(forward.method.as_str().as_bytes()).map_err(|_unread| Refusal::Internal)?;
    let fields = request.headers_mut();
    for (name, value) in forward.fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_unread| Refusal::Internal)?;
        fields.insert(name, field(value)?);
    }
    if let Some(content_type) = forward.content_type {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    fields.insert(HeaderName::from_static("traceparent"), forward.trace.value().ok_or(Refusal::Internal)?);
    Ok(request)
}

/// Builds a question of our own about whose an id is: nothing in it is from a request.
///
/// # Errors
/// `Internal` if the path makes no URI.
pub fn lookup(path: &str, accept: &[MediaType]) -> Result<Request<()>, Refusal> {
    get(path.to_owned(), accept)
}

fn get(target: String, accept: &[MediaType]) -> Result<Request<()>, Refusal> {
    let accept: Vec<&str> = accept.iter().map(|media_type| media_type.essence()).collect();
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = Uri::try_from(target).map_err(|_unread| Refusal::Internal)?;
    let fields = request.headers_mut();
    fields.reserve(FIELDS);
    fields.insert(ACCEPT, field(&accept.join(", "))?);
    fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    fields.insert(VIA, OUR_VIA);
    Ok(request)
}

/// As many fields as most requests have, with `Host`. PERF: one allocation instead of three.
const FIELDS: usize = 8;

fn field(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_unread| Refusal::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_built_from_path_query_and_trace_alone() {
        let query = [("from".to_owned(), "2026-03-04".to_owned()), ("x".to_owned(), "å|b".to_owned())];
        let trace = Traceparent::continued(&::http::HeaderMap::new(), [7; 24]);
        let accept = [MediaType::Json, MediaType::FhirJson];
        let forward = Forward {
            path: "/appointments/a%20b",
            query: &query,
            accept: &accept,
            method: checked::Method::Get,
            fields: &[],
            content_type: None,
            trace,
        };
        let built = request(&forward).unwrap();
        assert_eq!(built.method(), Method::GET);
        assert_eq!(built.uri(), "/appointments/a%20b?from=2026-03-04&x=%C3%A5%7Cb");
        let mut names: Vec<_> = built.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "traceparent", "via"]);
        assert_eq!(built.headers()[ACCEPT], "application/json, application/fhir+json");
        assert_eq!(built.headers()[ACCEPT_ENCODING], "identity");
    }
}
