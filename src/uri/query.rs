//! A query to its decoded parameters and back.
//!
//! Decoding takes what clients send (`+` and `%20`, either case of digits, an uncoded `|` as in
//! FHIR token searches); encoding has one way. What is forwarded is the encoding of what was
//! judged, never the text that came.

use super::{MAX_PARAMETERS, MAX_QUERY, Malformed, coded};

/// Decodes `name=value` pairs joined by `&`. Refuses an empty or repeated name, a parameter
/// without `=`, and an empty query after `?`.
///
/// # Errors
/// `Query…`.
pub fn decode(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    if text.len() > MAX_QUERY {
        return Err(Malformed::QueryTooLong);
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in text.split('&') {
        if pairs.len() == MAX_PARAMETERS {
            return Err(Malformed::QueryTooLong);
        }
        let (name, value) = pair.split_once('=').ok_or(Malformed::QuerySyntax)?;
        let (name, value) = (component(name)?, component(value)?);
        if name.is_empty() {
            return Err(Malformed::QuerySyntax);
        }
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(Malformed::QueryRepeated);
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Encodes parameters in the one way that is forwarded: all but RFC 3986 unreserved characters
/// percent-coded, in upper case. Empty for no parameters.
#[must_use]
pub fn encode(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        push(&mut text, name);
        text.push('=');
        push(&mut text, value);
    }
    text
}

fn component(text: &str) -> Result<String, Malformed> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let (high, low) = bytes.next().zip(bytes.next()).ok_or(Malformed::QueryCoding)?;
                let value = coded(high, low).ok_or(Malformed::QueryCoding)?;
                // a decoded `%` would be decoded once more by someone
                if value == b'%' {
                    return Err(Malformed::QueryCoding);
                }
                decoded.push(value);
            }
            _ if may_stand_in_query(byte) => decoded.push(byte),
            _ => return Err(Malformed::QuerySyntax),
        }
    }
    let text = String::from_utf8(decoded).map_err(|_unread| Malformed::QueryCoding)?;
    if text.chars().any(char::is_control) { Err(Malformed::QueryCoding) } else { Ok(text) }
}

/// `query` of RFC 3986 section 3.4 and `|`, without `;` (some servers split at it), `&`, `+` and
/// `%`, which have meanings; a second `=` may stand in a value.
const fn may_stand_in_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b','
                | b'='
                | b':'
                | b'@'
                | b'/'
                | b'?'
                | b'|'
        )
}

fn push(text: &mut String, component: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in component.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for half in [byte >> 4, byte & 15] {
                text.push(char::from(DIGITS.get(usize::from(half)).copied().unwrap_or(b'0')));
            }
        }
    }
}
