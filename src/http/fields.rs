//! Judges the header sections of both sides: whether a request says one thing to every parser,
//! and whether a response is one that may be read at all.
//!
//! Nothing is copied from here on: what goes up is built by [`forward`](super::forward), what
//! goes down by [`reply`](super::reply). So hop-by-hop fields, `Connection`-nominated ones,
//! `Upgrade`, `Range`, `X-HTTP-Method*`, `Forwarded` and all identity fields end here.

mod media;

use ::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, TRANSFER_ENCODING,
};
use ::http::{Method, StatusCode, Version, request, response};

use crate::http::Refusal;
use crate::net::length::content_length;
use crate::policy::checked::MediaType;

/// The most fields of a request.
pub const MAX_FIELDS: usize = 64;
/// The most bytes of a request's field names and values together.
pub const MAX_FIELD_BYTES: usize = 16 * 1024;

/// Judges a request's fields and framing.
///
/// hyper drops `Content-Length` when `Transfer-Encoding` stands beside it, so the two together
/// cannot be seen here. They are refused all the same: no chunked request is accepted.
///
/// # Errors
/// `FieldsTooLarge`, `FieldValue`, `TransferEncoding`, `Chunked`, `ContentLength`,
/// `UnexpectedBody`, `Expectation`.
pub fn check_request(head: &request::Parts) -> Result<(), Refusal> {
    let fields = &head.headers;
    if fields.len() > MAX_FIELDS {
        return Err(Refusal::FieldsTooLarge);
    }
    let size = fields.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    if size.fold(0, usize::saturating_add) > MAX_FIELD_BYTES {
        return Err(Refusal::FieldsTooLarge);
    }
    if fields.values().any(|value| value.to_str().is_err()) {
        return Err(Refusal::FieldValue);
    }
    check_framing(head)?;
    let mut expectations = fields.get_all(EXPECT).iter();
    match (expectations.next(), expectations.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        (Some(_), _) => Err(Refusal::Expectation),
    }
}

/// RFC 9112 section 6: where the content ends must be said once, and plainly.
fn check_framing(head: &request::Parts) -> Result<(), Refusal> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let exact = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return Err(if exact && head.version == Version::HTTP_11 {
            Refusal::Chunked
        } else {
            Refusal::TransferEncoding
        });
    }
    let length = content_length(&head.headers).map_err(|_unclear| Refusal::ContentLength)?;
    if takes_no_content(&head.method) && length.is_some_and(|length| length > 0) {
        return Err(Refusal::UnexpectedBody);
    }
    Ok(())
}

/// Methods whose content has no meaning (RFC 9110 section 9.3.1, 9.3.2), so that an upstream may
/// or may not read it.
#[must_use]
pub fn takes_no_content(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A content coding that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// None.
    Identity,
    /// One layer of gzip (RFC 1952).
    Gzip,
}

/// What the head of a good response says of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The content type, one of the route's.
    pub media_type: MediaType,
    /// The content coding.
    pub coding: Coding,
}

/// The content type of a form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Judges the fields that describe a request's content: one content type of `listed`, no coding.
///
/// # Errors
/// `BodyType`.
pub fn judge_content(head: &request::Parts, listed: &[MediaType]) -> Result<MediaType, Refusal> {
    let text = content_type(head)?;
    media::read(text, listed).ok_or(Refusal::BodyType)
}

/// The same for a form.
///
/// # Errors
/// `BodyType`.
pub fn judge_form(head: &request::Parts) -> Result<(), Refusal> {
    let text = content_type(head)?;
    if text.eq_ignore_ascii_case(FORM) { Ok(()) } else { Err(Refusal::BodyType) }
}

fn content_type(head: &request::Parts) -> Result<&str, Refusal> {
    if head.headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::BodyType);
    }
    one_value(&head.headers, &CONTENT_TYPE).ok_or(Refusal::BodyType)
}

/// A request's fields as text, which [`check_request`] has seen that they are.
#[must_use]
pub fn pairs(head: &request::Parts) -> Vec<(&str, &str)> {
    let text = |value| HeaderValue::to_str(value).unwrap_or_default();
    head.headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
}

/// Judges the head of an answer to what may have changed something: beside what [`judge_response`]
/// takes, `201`, and no content at all.
///
/// # Errors
/// `Upstream…`.
pub fn judge_change(
    head: &response::Parts,
    is_empty: bool,
    listed: &[MediaType],
    status_map: &[(u16, u16)],
) -> Result<(StatusCode, Option<Accepted>), Refusal> {
    match head.status {
        StatusCode::OK | StatusCode::CREATED if !is_empty => {
            Ok((head.status, Some(accept_content(head, listed)?)))
        }
        StatusCode::CREATED => Ok((StatusCode::CREATED, None)),
        StatusCode::OK | StatusCode::NO_CONTENT if is_empty => Ok((StatusCode::NO_CONTENT, None)),
        status => Err(refused_status(status, status_map)),
    }
}

/// Judges a response's head against what the route lists: `200` with one content type of
/// `listed`, or an error that maps to a refusal, `status_map` (theirs → ours) first.
///
/// # Errors
/// `Upstream…`.
pub fn judge_response(
    head: &response::Parts,
    listed: &[MediaType],
    status_map: &[(u16, u16)],
) -> Result<Accepted, Refusal> {
    if head.status != StatusCode::OK {
        return Err(refused_status(head.status, status_map));
    }
    accept_content(head, listed)
}

fn accept_content(head: &response::Parts, listed: &[MediaType]) -> Result<Accepted, Refusal> {
    let media_type = match one_value(&head.headers, &CONTENT_TYPE) {
        Some(text) => media::read(text, listed).ok_or(Refusal::UpstreamMediaType)?,
        None => return Err(Refusal::UpstreamMediaType),
    };
    let coding = match one_value(&head.headers, &CONTENT_ENCODING) {
        None if !head.headers.contains_key(CONTENT_ENCODING) => Coding::Identity,
        Some(text) if text.eq_ignore_ascii_case("identity") => Coding::Identity,
        // RFC 9110 section 8.4.1.3: x-gzip is gzip
        Some(text) if text.eq_ignore_ascii_case("gzip") || text.eq_ignore_ascii_case("x-gzip") => {
            Coding::Gzip
        }
        None | Some(_) => return Err(Refusal::UpstreamCoding),
    };
    check_response_framing(head, media_type)?;
    Ok(Accepted { media_type, coding })
}

/// What an upstream's status other than 200 means to the recipient (the table of docs/problems.md).
fn refused_status(status: StatusCode, status_map: &[(u16, u16)]) -> Refusal {
    if status.is_informational() || status.is_success() {
        return Refusal::UpstreamUnexpectedStatus;
    }
    if status.is_redirection() {
        return Refusal::UpstreamRedirect;
    }
    let theirs = status.as_u16();
    let mapped = status_map.iter().find(|(from, _)| *from == theirs).map(|(_, to)| *to);
    match mapped.unwrap_or(theirs) {
        404 | 410 => Refusal::UpstreamNotFound,
        ours @ (409 | 412 | 422) => Refusal::UpstreamRefused(ours),
        ours @ 400..=499 if mapped.is_some() => Refusal::UpstreamRefused(ours),
        _ => Refusal::UpstreamStatus,
    }
}

/// A body that ends with the connection cannot be told from a cut one where each line is a document of its own.
/// What can be framed in two ways [`net`](crate::net) has refused; what has neither field it reads to that end.
fn check_response_framing(head: &response::Parts, media_type: MediaType) -> Result<(), Refusal> {
    let framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name));
    if framed || !media_type.is_lines() { Ok(()) } else { Err(Refusal::UpstreamFraming) }
}

/// The value of a field that stands exactly once, as text.
fn one_value<'a>(fields: &'a HeaderMap, name: &::http::HeaderName) -> Option<&'a str> {
    let mut values = fields.get_all(name).iter();
    let one = values.next().map(HeaderValue::to_str)?.ok()?;
    if values.next().is_some() { None } else { Some(one) }
}
