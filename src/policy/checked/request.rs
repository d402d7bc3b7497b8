//! What a recipient may send: methods, path, query, header fields, content. All else is refused.

use super::{Kind, MediaType, Rule};
use crate::policy::location::Location;

/// A method that a route may list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// RFC 9110 section 9.3.1; HEAD is answered from it.
    Get,
    /// RFC 9110 section 9.3.3.
    Post,
    /// RFC 9110 section 9.3.4.
    Put,
    /// RFC 5789.
    Patch,
    /// RFC 9110 section 9.3.5.
    Delete,
}

impl Method {
    /// The method's name, as it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request only reads (RFC 9110 section 9.2.1).
    #[must_use]
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get)
    }
}

/// One segment of a route's path.
#[derive(Debug, Clone)]
pub enum PathSegment {
    /// Must be equal.
    Literal(String),
    /// `{name}`: any one segment that is as wanted.
    Named {
        /// The name between the braces.
        name: String,
        /// What must stand there.
        wanted: Wanted,
    },
}

/// A query parameter, form parameter or header field that a route accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; of a header field in lower case.
    pub name: String,
    /// What must stand there.
    pub wanted: Wanted,
    /// Which response member it selects on, if it does.
    pub selects: Option<Location>,
}

/// What a value that the recipient chooses must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Of this form, and passed on as it came.
    Pattern(Pattern),
    /// A pseudonym, in the place of which goes what it stands for.
    Pseudonym(Sought),
}

/// What a pseudonym that a recipient sends must stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// Of which kind.
    pub kind: Kind,
    /// The identifier system that stands before it and a `|`, as in FHIR's token search. Of a
    /// reference: of the identifier in a conditional one.
    pub system: Option<String>,
}

/// What a value in a path or query must look like. A closed set, so that a policy cannot admit
/// by a mistaken expression what its author did not mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `2026-03-04`.
    Date,
    /// A FHIR date search value: an optional prefix (`ge`, `lt`, …) and a date or instant.
    FhirDate,
    /// An instant, RFC 3339.
    Instant,
    /// 1 to 9 digits: up to eight are too few to be a CPR.
    Integer,
    /// A UUID.
    Uuid,
    /// 1 to 64 of `A-Z a-z 0-9 - . _`, as a FHIR id and then some.
    Word,
    /// `[system|]code`, as FHIR's token search, without a space.
    Token,
    /// One of these.
    OneOf(Vec<String>),
}

/// `[route.request]`.
#[derive(Debug, Clone)]
pub struct Request {
    /// Header fields that are passed on; all others end here.
    pub fields: Vec<Parameter>,
    /// What the content may be.
    pub content: Content,
    /// The most bytes of content.
    pub limit: usize,
}

/// What a request's content may be.
#[derive(Debug, Clone)]
pub enum Content {
    /// There is none.
    Nothing,
    /// JSON in which each member is listed.
    Json {
        /// Content types of requests; none of them lines.
        media_types: Vec<MediaType>,
        /// Locations within the document. Whatever is not here refuses the request.
        rules: Vec<Rule>,
    },
    /// `application/x-www-form-urlencoded`, as FHIR's `_search`: parameters as in a query.
    Form(Vec<Parameter>),
}
