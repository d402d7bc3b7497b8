//! A path to its decoded segments, or a refusal.

use super::{MAX_PATH, MAX_SEGMENTS, Malformed, coded, may_stand_in_segment};

/// Decodes a path that begins with `/`; into no segments where there is nothing after it.
///
/// # Errors
/// The first [`Malformed`] that applies.
pub fn decode(path: &str) -> Result<Vec<String>, Malformed> {
    if path.len() > MAX_PATH {
        return Err(Malformed::PathTooLong);
    }
    let rest = path.strip_prefix('/').ok_or(Malformed::PathForm)?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments = Vec::new();
    for text in rest.split('/') {
        if segments.len() == MAX_SEGMENTS {
            return Err(Malformed::PathTooLong);
        }
        segments.push(segment(text)?);
    }
    Ok(segments)
}

/// Decodes one segment; see the module [`super`] for its one accepted spelling.
fn segment(text: &str) -> Result<String, Malformed> {
    if text.is_empty() {
        return Err(Malformed::EmptySegment);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let mut fault = None;
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !may_stand_in_segment(byte) {
                return Err(Malformed::PathCharacter);
            }
            decoded.push(byte);
            continue;
        }
        let (high, low) = bytes.next().zip(bytes.next()).ok_or(Malformed::PercentCoding)?;
        let value = coded(high, low).ok_or(Malformed::PercentCoding)?;
        if value.is_ascii_control() || b"/\\%?#;".contains(&value) {
            return Err(Malformed::CodedDelimiter);
        }
        if may_stand_in_segment(value) || high.is_ascii_lowercase() || low.is_ascii_lowercase() {
            // a coded dot segment is told by its own name, so keep reading
            fault = Some(Malformed::NotNormalised);
        }
        decoded.push(value);
    }
    if matches!(decoded.as_slice(), b"." | b"..") {
        return Err(Malformed::DotSegment);
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let segment = String::from_utf8(decoded).map_err(|_unread| Malformed::PercentCoding)?;
    if segment.chars().any(char::is_control) {
        return Err(Malformed::CodedDelimiter);
    }
    Ok(segment)
}
