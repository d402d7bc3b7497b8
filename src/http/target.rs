//! The target of a request: read once, refused where two parsers could read it differently, and
//! from then on the only string that policy and upstream see. `uri` says what a path and a query
//! are.

mod authority;

pub use authority::OwnNames;

use std::fmt;

use ::http::{Method, request::Parts};

use crate::http::Refusal;
use crate::uri::{self, Malformed};

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
        let segments = uri::decode_path(path)?;
        let query = match head.uri.query() {
            None => Vec::new(),
            Some(text) => uri::decode_query(text)?,
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

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::PathTooLong => Self::TargetTooLong,
            Malformed::PathForm => Self::TargetForm,
            Malformed::EmptySegment => Self::EmptySegment,
            Malformed::PathCharacter => Self::PathCharacter,
            Malformed::PercentCoding => Self::PercentCoding,
            Malformed::CodedDelimiter => Self::CodedDelimiter,
            Malformed::NotNormalised => Self::NotNormalised,
            Malformed::DotSegment => Self::DotSegment,
            Malformed::QueryTooLong => Self::QueryTooLong,
            Malformed::QuerySyntax => Self::QuerySyntax,
            Malformed::QueryCoding => Self::QueryCoding,
            Malformed::QueryRepeated => Self::QueryRepeated,
        }
    }
}
