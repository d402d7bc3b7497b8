//! What a policy file says once it has been checked: plain data in which every word is known,
//! every date read and every location parsed. Nothing downstream looks at the text again.
//!
//! As written (`syntax`) → checked (this) → running (`running`, which holds compiled plans).

mod coarse;
pub mod extract;
mod header;
mod request;
mod test;
mod url;

use std::ops::Range;
use std::sync::Arc;

use crate::ids::PolicyVersion;
use crate::policy::location::{Literal, Location};
use crate::pseudonym::{Scheme, ValueKind};

pub use self::coarse::{CodeSystem, Epoch, EpochUnit, Generalise, Precision, Round, Shift};
pub use self::extract::{Coarser, ColumnType, Csv, From, Order};
pub use self::header::{
    Agreement, Basis, Category, Consent, Identity, Lapse, PurposeInfo, RecipientInfo, Relation, Transfer,
    TransferGround, TransferKind,
};
pub use self::request::{Content, Method, Parameter, PathSegment, Pattern, Request, Sought, Wanted};
pub use self::test::{Need, PolicyTest, TestText, Wants};
pub use self::url::{Template, Templates, Url};

/// One recipient's policy file, checked.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The file's path as the author gave it; shown in diagnostics and by `explain`.
    pub file: String,
    /// The files of the profiles that it includes, directly or not, in order.
    pub profiles: Vec<String>,
    /// SHA-256 of the file's text and of its profiles'.
    pub version: PolicyVersion,
    /// Who receives.
    pub recipient: RecipientInfo,
    /// How the recipient proves itself.
    pub identity: Identity,
    /// The agreement under which it receives (GDPR art. 28(3), or 26).
    pub agreement: Agreement,
    /// Why it receives.
    pub purpose: PurposeInfo,
    /// Where it is, and on which ground data may go there (GDPR chapter V).
    pub transfer: Transfer,
    /// How its pseudonyms are made.
    pub pseudonyms: Pseudonyms,
    /// How much it may ask for.
    pub limits: Limits,
    /// What happens to a CPR found in kept text.
    pub cpr_in_text: CprInText,
    /// Where, within a record, an API of its own kind tells of name and address protection.
    pub address_markers: Vec<Location>,
    /// Named sets of rules for one kind of element.
    pub shapes: Vec<Shape>,
    /// What it may call.
    pub routes: Vec<Route>,
    /// What leaves as files, where any does.
    pub extract: Option<extract::Extract>,
    /// What `tavs test` runs.
    pub tests: Vec<PolicyTest>,
}

impl Policy {
    /// Whether the recipient treats the subjects (Sundhedsloven § 41): the only one that receives a
    /// protected name and address.
    #[must_use]
    pub fn is_treatment(&self) -> bool {
        self.purpose.basis.iter().any(|basis| basis.id == "sul-41")
    }
}

/// `[pseudonyms]`.
#[derive(Debug, Clone)]
pub struct Pseudonyms {
    /// The pseudonymisation domain (EDPB 01/2025): inside it pseudonyms may be joined.
    pub domain: String,
    /// How they are made.
    pub scheme: Scheme,
    /// How long one pseudonym stands for one person.
    pub linkability: Linkability,
}

/// ENISA's three policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkability {
    /// Deterministic: stable inside the domain.
    Domain,
    /// Document-randomised: stable inside one response.
    Document,
    /// Fully randomised: never the same twice.
    None,
}

/// `[limits]`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests each second, sustained.
    pub requests_per_second: u32,
    /// Requests at once beyond that.
    pub burst: u32,
    /// Exchanges at the same time.
    pub concurrency: u32,
    /// Different subjects in any 24 hours.
    pub subjects_per_day: Option<u32>,
    /// Different subjects in an hour that it was never told about before; more is an alarm.
    pub novelty: Option<u32>,
    /// What an alarm does.
    pub novelty_answer: NoveltyAnswer,
    /// Requests for one thing, in a minute, that are answered as absent; more is refused.
    pub absent: Option<u32>,
    /// Responses up to this many bytes are judged whole.
    pub buffer: usize,
    /// The largest response, streamed by record.
    pub response: usize,
}

/// `[limits] novelty-answer`: what happens past `novelty`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoveltyAnswer {
    /// A log event and a metric.
    Alarm,
    /// That, and 429.
    Refuse,
}

/// `[free-text] cpr`: what happens to a CPR found in text that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CprInText {
    /// A constant takes its place.
    Mask,
    /// Its pseudonym takes its place.
    Pseudonymise,
    /// The whole response is refused.
    Refuse,
}

/// `[[shape]]`: rules for elements whose members match `when`.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Named in a route's `shapes`.
    pub name: String,
    /// Where such elements stand.
    pub at: Vec<Location>,
    /// Members of the element and the values they must have; never empty.
    pub when: Vec<(String, Literal)>,
    /// Whose data an element is; locations within it.
    pub subject: Subject,
    /// Ids within the element that name the same person as its subject, where there is exactly
    /// one: references to the element then lead to that person.
    pub alias: Vec<Location>,
    /// Locations within the element.
    pub rules: Vec<Rule>,
}

/// Whose data a record is.
#[derive(Debug, Clone)]
pub enum Subject {
    /// At these locations, within the record (or a shape's element). Never empty.
    At(Vec<Location>),
    /// Nobody's, for the reason given.
    Nobody {
        /// Why there is no subject; shown in reports.
        reason: String,
    },
    /// Said elsewhere: by the shapes of the route, or by the route of the shape.
    Elsewhere,
}

/// `[[route]]`.
#[derive(Debug, Clone)]
pub struct Route {
    /// Unique in its policy; named in logs, metrics and the ledger.
    pub name: String,
    /// `GET` brings `HEAD` with it.
    pub methods: Vec<Method>,
    /// The path, as segments.
    pub path: Vec<PathSegment>,
    /// The path as written, such as `/appointments/{id}`.
    pub path_text: String,
    /// The query parameters that may be sent; all others are refused.
    pub query: Vec<Parameter>,
    /// The upstream's name in `tavs.toml`.
    pub upstream: String,
    /// Why a clear identifier in a request is accepted here, if it is (G7).
    pub accept_clear: Option<String>,
    /// What may be sent beside path and query; `None` where nothing may.
    pub request: Option<Request>,
    /// What may come back.
    pub response: Response,
    /// Which line of the file the route begins on.
    pub line: u32,
}

/// `[route.response]`.
#[derive(Debug, Clone)]
pub struct Response {
    /// The unit that is withheld whole; `None` means the document, or the line of NDJSON.
    pub record: Option<Location>,
    /// Whose data a record is.
    pub subject: Subject,
    /// Content types that the upstream may answer with.
    pub media_types: Vec<MediaType>,
    /// Indices into [`Policy::shapes`].
    pub shapes: Vec<usize>,
    /// Locations within the document. All else is withheld.
    pub rules: Vec<Rule>,
    /// Upstream error status → ours, where the default is not wanted.
    pub status_map: Vec<(u16, u16)>,
    /// How the upstream begins its own URLs, such as `https://emr.example/fhir`, without `/` at the
    /// end. Empty: by any scheme and authority.
    pub base: Vec<String>,
    /// `Location` and `Content-Location` are answered by the recipient's own routes.
    pub location: bool,
}

/// A content type that can be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`.
    Json,
    /// `application/fhir+json`.
    FhirJson,
    /// `application/x-ndjson`.
    Ndjson,
    /// `application/fhir+ndjson`.
    FhirNdjson,
}

impl MediaType {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Json, Self::FhirJson, Self::Ndjson, Self::FhirNdjson];

    /// The essence, as it stands in a `Content-Type` field (RFC 9110 section 8.3.1).
    #[must_use]
    pub const fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::FhirJson => "application/fhir+json",
            Self::Ndjson => "application/x-ndjson",
            Self::FhirNdjson => "application/fhir+ndjson",
        }
    }

    /// Whether the body is one document a line.
    #[must_use]
    pub const fn is_lines(self) -> bool {
        matches!(self, Self::Ndjson | Self::FhirNdjson)
    }
}

/// One line of `members`: a location and what happens there.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where.
    pub location: Location,
    /// What.
    pub action: Action,
    /// Where the location stands, in bytes of the policy's text and its profiles' behind it: tells
    /// one rule from another, and says nothing to a reader.
    pub span: Range<usize>,
    /// The file that it stands in: the policy's, or a profile's.
    pub file: Arc<str>,
    /// The line that it stands on, from 1.
    pub line: u32,
}

/// What happens to a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Removed; the default for all that no rule names.
    Withhold,
    /// As it came, with CPRs in text dealt with.
    Keep(Keep),
    /// A pseudonym takes its place.
    Pseudonymise(Kind),
    /// Partly or wholly written over.
    Mask(Mask),
    /// A coarser value takes its place.
    Generalise(Generalise),
    /// A rounded value takes its place.
    Round(Round),
    /// A date moved by days of the subject's own takes its place.
    Shift(Shift),
    /// A constant takes its place: the JSON text of a string, number, `true` or `false`.
    Replace(String),
    /// Free text: kept, with more than CPRs dealt with.
    Scan(Scan),
    /// A number of records: kept, less the records that this response withholds whole.
    Count,
    /// What a pseudonym stands for takes its place: in requests only (G7).
    Resolve(Sought),
    /// Base64 of text: what is in it is handled as free text, and coded again.
    Decode(Scan),
    /// Base64 of a JSON document: rewritten by the shapes of these names, and coded again.
    DecodeJson(Vec<String>),
    /// A URL: another takes its place.
    Url(Url),
}

/// Exceptions to the search in kept values, each to be written out by the author.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// `number = "not-cpr"`: a number of nine or ten digits here is no CPR.
    pub number_not_cpr: bool,
    /// `unscanned = true`: base64 or hex that decodes to something binary may leave.
    pub unscanned: bool,
    /// `cpr = "clear"` with its `cpr-ground` (Databeskyttelsesloven § 11): CPRs leave as they are.
    pub clear_cpr: Option<&'static str>,
    /// `not-cpr = true`: ten digits in a string here are no CPR (an account number, a time).
    pub string_not_cpr: bool,
}

/// What a pseudonym stands for. The kind is part of what is MACed, so that the same text of two
/// kinds has two pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A CPR, replacement CPR or e-CPR; what is none is unfit.
    Cpr,
    /// An upstream's id of a resource of this type (empty where the API has no types).
    Id {
        /// The FHIR resource type, or a word of the author's.
        resource_type: String,
    },
    /// A FHIR literal reference, `Type/id`: shares the pseudonym of that type and id.
    Reference,
    /// A telephone number, an e-mail address or a text, by its canonical form. Never resolved.
    Value(ValueKind),
}

/// Ways to write over a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// The first word stays.
    FirstWord,
    /// The first letter of each word stays.
    Initials,
    /// The last four characters stay.
    Last4,
    /// Nothing stays.
    All,
    /// The domain stays.
    Email,
    /// Nothing stays; the birth date goes too.
    Cpr,
}

/// What `scan` looks for beside CPRs; each find is replaced by a constant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Telephone numbers: eight digits, grouped or not, with or without +45.
    pub phone: bool,
    /// E-mail addresses.
    pub email: bool,
    /// Words of the names at these locations of the same record.
    pub names: Vec<Location>,
}
