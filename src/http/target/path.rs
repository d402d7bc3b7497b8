//! A path to its decoded segments, or a refusal.

use super::{MAX_PATH, MAX_SEGMENTS, hex_value, may_stand_in_segment};
use crate::http::Refusal;

/// Decodes a path that begins with `/`.
pub(super) fn decode(path: &str) -> Result<Vec<String>, Refusal> {
    if path.len() > MAX_PATH {
        return Err(Refusal::TargetTooLong);
    }
    let rest = path.strip_prefix('/').ok_or(Refusal::TargetForm)?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments = Vec::new();
    for text in rest.split('/') {
        if segments.len() == MAX_SEGMENTS {
            return Err(Refusal::TargetTooLong);
        }
        segments.push(segment(text)?);
    }
    Ok(segments)
}

/// Decodes one segment; see the module [`super`] for its one accepted spelling.
fn segment(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::EmptySegment);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let mut fault = None;
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !may_stand_in_segment(byte) {
                return Err(Refusal::PathCharacter);
            }
            decoded.push(byte);
            continue;
        }
        let (high, low) = bytes.next().zip(bytes.next()).ok_or(Refusal::PercentCoding)?;
        let value = coded(high, low).ok_or(Refusal::PercentCoding)?;
        if value.is_ascii_control() || b"/\\%?#;".contains(&value) {
            return Err(Refusal::CodedDelimiter);
        }
        if may_stand_in_segment(value) || high.is_ascii_lowercase() || low.is_ascii_lowercase() {
            // a coded dot segment is told by its own name, so keep reading
            fault = Some(Refusal::NotNormalised);
        }
        decoded.push(value);
    }
    if matches!(decoded.as_slice(), b"." | b"..") {
        return Err(Refusal::DotSegment);
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let segment = String::from_utf8(decoded).map_err(|_unread| Refusal::PercentCoding)?;
    if segment.chars().any(char::is_control) {
        return Err(Refusal::CodedDelimiter);
    }
    Ok(segment)
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn coded(high: u8, low: u8) -> Option<u8> {
    Some(hex_value(high)? << 4 | hex_value(low)?)
}
