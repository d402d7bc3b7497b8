//! Paths and queries of URIs (RFC 3986), each read in one way or not at all: what two parsers could
//! read differently is malformed.
//!
//! Stands under the request gate, which reads a recipient's target so, and under the rewriter,
//! which reads an upstream's URLs so: what the gate would refuse is no link that a recipient could
//! follow. What must never happen here: a delimiter that appears by decoding; a second decoding.
//!
//! Each path has exactly one accepted spelling: what may stand uncoded must be uncoded, the rest
//! is percent-coded in upper case. So decoding loses nothing, and an accepted path written again
//! is the same string. Delimiters (`/ \\ % ? # ;`) and control characters are refused coded too.

mod path;
mod query;

pub use path::decode as decode_path;
pub use query::{decode as decode_query, encode as encode_query};

/// The longest path, in bytes, as sent.
pub const MAX_PATH: usize = 2048;
/// The most segments of a path.
pub const MAX_SEGMENTS: usize = 32;
/// The longest query, in bytes, as sent.
pub const MAX_QUERY: usize = 4096;
/// The most query parameters.
pub const MAX_PARAMETERS: usize = 32;

/// Why a path or query is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Longer than [`MAX_PATH`], or more segments than [`MAX_SEGMENTS`].
    PathTooLong,
    /// Does not begin with `/`.
    PathForm,
    /// Two `/` beside each other, or one at the end.
    EmptySegment,
    /// A character that stands in no segment.
    PathCharacter,
    /// `%` without two hexadecimal digits, or bytes that are not UTF-8.
    PercentCoding,
    /// A delimiter or control character in code.
    CodedDelimiter,
    /// Coded what needs no code, or in lower case.
    NotNormalised,
    /// `.` or `..`.
    DotSegment,
    /// Longer than [`MAX_QUERY`], or more parameters than [`MAX_PARAMETERS`].
    QueryTooLong,
    /// No `name=value`, or a character that stands in none.
    QuerySyntax,
    /// As [`Self::PercentCoding`]; also a `%` in code, which somebody would decode once more.
    QueryCoding,
    /// A name comes twice.
    QueryRepeated,
}

/// The byte that two hexadecimal digits stand for.
fn coded(high: u8, low: u8) -> Option<u8> {
    Some(hex_value(high)? << 4 | hex_value(low)?)
}

/// The value of a hexadecimal digit.
const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// `pchar` of RFC 3986 section 3.3 without `;` and without what is percent-coded.
const fn may_stand_in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
        )
}
