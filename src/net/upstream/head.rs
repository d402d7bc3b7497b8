//! What an exchange says to an upstream, and the head of what it answers.
//!
//! The lines are `httparse`'s; here is what they mean for us (RFC 9112). What must never happen: a field of the
//! recipient's connection sent on; a response that can be framed in two ways taken in one of them.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use httparse::{ParserConfig, Status};
use memchr::memmem;

use super::UpstreamError;
use super::framing::{Framing, are_lines};
use crate::net::length::content_length;

/// Fields of a response head at most: as hyper has it, and four times what servers send.
const MAX_FIELDS: usize = 100;
/// The fields of a response that are kept: all that `http::fields` and `proxy::exchange` read. PERF: names, values and
/// a place in the map for each of the others were a third of what reading a head took.
const FIELDS_READ: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
    header::LOCATION,
    header::TRANSFER_ENCODING,
];
/// What a response begins and its head ends with.
const BEGIN: &[u8] = b"HTTP/1.";
const END: &[u8] = b"\r\n\r\n";
/// Room for the head of most requests.
const ROOM: usize = 512;

/// What is between us and the next hop only (RFC 9110 section 7.6.1), what would make us wait or switch, and what is
/// written from the configuration or the content.
const NOT_FORWARDED: [HeaderName; 12] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    header::EXPECT,
    header::CONTENT_LENGTH,
    header::HOST,
];

/// The request as it leaves, content and all: its path below `prefix`, and `host`, whatever it says itself.
pub(super) fn request(
    request: &Request<Bytes>,
    prefix: &str,
    host: &HeaderValue,
) -> Result<Bytes, UpstreamError> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    if !target.starts_with('/') {
        return Err(UpstreamError::Request);
    }
    let content = request.body();
    let mut bytes = BytesMut::with_capacity(content.len().saturating_add(ROOM));
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| bytes.extend_from_slice(part));
    let method = request.method();
    put(&[method.as_str().as_bytes(), b" ", prefix.as_bytes(), target.as_bytes(), b" HTTP/1.1\r\n"]);
    for (name, value) in request.headers() {
        if !NOT_FORWARDED.contains(name) {
            put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    put(&[b"host: ", host.as_bytes(), b"\r\n"]);
    // RFC 9110 section 8.6: said where the method has a meaning for content, also when there is none.
    if !content.is_empty() || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        let mut digits = itoa::Buffer::new();
        put(&[b"content-length: ", digits.format(content.len()).as_bytes(), b"\r\n"]);
    }
    put(&[b"\r\n", content]);
    Ok(bytes.freeze())
}

/// A response head, and where its content ends.
pub(super) struct Head {
    pub(super) response: Response<()>,
    pub(super) framing: Framing,
    /// May another exchange follow on this connection (RFC 9112 section 9.3)?
    pub(super) keep: bool,
}

/// Reads the head at the start of what came, an answer to `method`, and says how long it is; `None` where more of
/// it has to come. Of what came, `seen` bytes were looked at before.
pub(super) fn read(
    came: &Bytes,
    seen: usize,
    method: &Method,
) -> Result<Option<(usize, Head)>, UpstreamError> {
    let begun = came.len().min(BEGIN.len());
    if came.get(..begun) != BEGIN.get(..begun) {
        return Err(UpstreamError::Malformed);
    }
    // What comes byte by byte is not read anew with each of them.
    let news = came.get(seen.saturating_sub(END.len())..).unwrap_or_default();
    if memmem::find(news, END).is_none() {
        return Ok(None);
    }
    let mut room = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    // Folded lines, spaces before the colon and invalid fields are refused by default.
    let read = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, came, &mut room);
    let read = read.map_err(|_no_http| UpstreamError::Malformed)?;
    let (Status::Complete(length), Some(code), Some(minor)) = (read, parsed.code, parsed.version) else {
        return Err(UpstreamError::Malformed);
    };
    if !came.get(..length).is_some_and(are_lines) {
        return Err(UpstreamError::Malformed);
    }
    let status = StatusCode::from_u16(code).map_err(|_out_of_range| UpstreamError::Malformed)?;
    let mut response = Response::new(());
    *response.status_mut() = status;
    let fields = response.headers_mut();
    for field in parsed.headers.iter() {
        let Some(name) = FIELDS_READ.iter().find(|name| name.as_str().eq_ignore_ascii_case(field.name))
        else {
            continue;
        };
        // PERF: a value is a part of what came, not a copy.
        let value = HeaderValue::from_maybe_shared(came.slice_ref(field.value));
        fields.append(name, value.map_err(|_odd| UpstreamError::Malformed)?);
    }
    let told = told(minor, fields)?;
    let has_none = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || method == Method::HEAD;
    let framing = if has_none { Framing::OVER } else { told };
    // Content that a response announces and cannot have may come all the same.
    let odd = status == StatusCode::NO_CONTENT && !matches!(told, Framing::OVER | Framing::Open);
    let keep = minor == 1 && framing != Framing::Open && !odd && !closes(fields);
    Ok(Some((length, Head { response, framing, keep })))
}

/// What the fields say of the end of content (RFC 9112 section 6.3), and stricter: lengths that differ, a length beside
/// a coding, and any coding but `chunked` alone are refused, also where no content follows.
fn told(minor: u8, fields: &HeaderMap) -> Result<Framing, UpstreamError> {
    let length = content_length(fields).map_err(|_unclear| UpstreamError::Malformed)?;
    let mut codings = fields.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), length) {
        (None, None) => Ok(Framing::Open),
        (None, Some(length)) => Ok(Framing::Length(length)),
        (Some(coding), None)
            if minor == 1
                && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && codings.next().is_none() =>
        {
            Ok(Framing::CHUNKED)
        }
        (Some(_), _) => Err(UpstreamError::Malformed),
    }
}

/// Is it the last response on its connection (RFC 9112 section 9.6)?
fn closes(fields: &HeaderMap) -> bool {
    let options = fields
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.map(<[u8]>::trim_ascii).any(|option| option.eq_ignore_ascii_case(b"close"))
}
