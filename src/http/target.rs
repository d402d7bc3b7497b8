//! The target of a request: read once, refused where two parsers could read it differently, and
//! from then on the only string that policy and upstream see.
//!
//! Each path has exactly one accepted spelling: what may stand uncoded must be uncoded, the rest
//! is percent-coded in upper case. So decoding loses nothing, and an accepted path written again
//! is the same string. Delimiters (`/ \ % ? # ;`) and control characters are refused coded too.

mod authority;
mod path;
mod query;

pub use authority::OwnNames;
pub use query::{decode as decode_query, encode as encode_query};

use std::fmt;

use ::http::{Method, request::Parts};

use crate::http::Refusal;

/// The longest path, in bytes, as sent.
pub const MAX_PATH: usize = 2048;
/// The most segments of a path.
pub const MAX_SEGMENTS: usize = 32;
/// The longest query, in bytes, as sent.
pub const MAX_QUERY: usize = 4096;
/// The most query parameters.
pub const MAX_PARAMETERS: usize = 32;

/// What a request is for, unambiguous. Its `Debug` shows no value: paths and queries are personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    method: Method,
    authority: String,
    path: String,
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl Target {
    /// Reads the target of a request.
    ///
    /// # Errors
    /// A [`Refusal`] of the authority, method, target or query.
    pub fn parse(head: &Parts, own: &OwnNames) -> Result<Self, Refusal> {
        if head.method == Method::CONNECT || head.method == Method::TRACE || head.uri.path() == "*" {
            return Err(Refusal::MethodNotAllowed);
        }
        let authority = authority::of_request(head, own)?;
        let absolute = head.uri.scheme_str();
        if absolute.is_some_and(|scheme| scheme != "https") || !head.uri.path().starts_with('/') {
            return Err(Refusal::TargetForm);
        }
        let path = head.uri.path();
        let segments = path::decode(path)?;
        let query = match head.uri.query() {
            None => Vec::new(),
            Some(text) => query::decode(text)?,
        };
        Ok(Self { method: head.method.clone(), authority, path: path.to_owned(), segments, query })
    }

    /// The method; never CONNECT or TRACE.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the answer must have no content.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Our own name, in lower case, as the recipient called us.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path, as it came and as it is forwarded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path's segments, decoded. None for `/`.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The query's parameters, decoded, in order; no name twice.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("method", &self.method)
            .field("segments", &self.segments.len())
            .field("parameters", &self.query.len())
            .finish_non_exhaustive()
    }
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
