//! How much content a head announces (RFC 9110 section 8.6): one rule for requests and responses.

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

/// Lengths that differ, or one that is no plain number; also `5, 5`, which RFC 9112 section 6.3 lets one accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnclearLength;

/// The one `Content-Length`; equal repetitions count as one.
pub(crate) fn content_length(fields: &HeaderMap) -> Result<Option<u64>, UnclearLength> {
    let mut values = fields.get_all(CONTENT_LENGTH).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) {
        return Err(UnclearLength);
    }
    let digits = first.to_str().map_err(|_unread| UnclearLength)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UnclearLength);
    }
    digits.parse().map(Some).map_err(|_too_large| UnclearLength)
}
