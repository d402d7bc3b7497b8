//! `Content-Type`, by the grammar of RFC 9110 section 8.3.1 and no looser.

use crate::policy::checked::MediaType;

/// The listed type that a field's value names. `None` for another type, a charset other than
/// UTF-8, a repeated parameter, or anything that the grammar does not have.
pub(super) fn read(text: &str, listed: &[MediaType]) -> Option<MediaType> {
    let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let essence = essence.trim_end_matches([' ', '\t']);
    let mut names: Vec<&str> = Vec::new();
    while let Some(after) = rest.trim_start_matches([' ', '\t']).strip_prefix(';') {
        let after = after.trim_start_matches([' ', '\t']);
        let (name, value, left) = parameter(after)?;
        if names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return None;
        }
        if name.eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        names.push(name);
        rest = left;
    }
    if !rest.trim_matches([' ', '\t']).is_empty() {
        return None;
    }
    listed.iter().copied().find(|media_type| media_type.essence().eq_ignore_ascii_case(essence))
}

/// `token "=" ( token / quoted-string )`: name, value without quotes, what follows. A quoted
/// string with an escape in it is refused: none that we accept needs one.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let (name, after) = text.split_once('=')?;
    if name.is_empty() || !name.bytes().all(is_token) {
        return None;
    }
    if let Some(quoted) = after.strip_prefix('"') {
        let (value, left) = quoted.split_once('"')?;
        return if value.contains('\\') { None } else { Some((name, value, left)) };
    }
    let (value, left) = after.split_at(after.bytes().position(|b| !is_token(b)).unwrap_or(after.len()));
    if value.is_empty() { None } else { Some((name, value, left)) }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
