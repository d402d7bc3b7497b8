//! What an officer or a clinic's system is told when something cannot be done (RFC 9457).
//!
//! Every word is tavs's own or a name from the configuration: what was given is never repeated, for
//! a CPR may stand where none belongs.

use serde::Serialize;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: &'static Kind,
    detail: String,
    /// Entries of a list that cannot be done, each with its own reason.
    entries: Vec<(usize, String)>,
    /// Registry changes that stand all the same.
    changes: Vec<u64>,
}

/// A problem type. Its URI is `urn:tavs:problem:` and the word; docs/subjects.md lists them.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    word: &'static str,
    title: &'static str,
    status: u16,
}

macro_rules! kinds {
    ($( $name:ident $status:literal $word:literal $title:literal; )+) => {
        $( pub(super) static $name: Kind = Kind { word: $word, title: $title, status: $status }; )+
        /// Every type, in the order of the documentation.
        pub static ALL: &[&Kind] = &[$( &$name, )+];
    };
}

kinds! {
    MALFORMED 400 "malformed" "The request cannot be read";
    NO_CLIENT 403 "no-client" "No client of this API";
    ROLE 403 "role" "Not with this role";
    NOT_FOUND 404 "not-found" "There is no such thing here";
    METHOD 405 "method" "Not with this method";
    NOTHING 409 "nothing-to-change" "Nothing to change";
    FOR_GOOD 409 "for-good" "An erasure is for good";
    USED 409 "used" "The approval has been used";
    TIED 409 "tied" "The id is another person's";
    RIGHTS 409 "rights" "Not by the rights in force";
    TOO_LARGE 413 "too-large" "The content is too large";
    MEDIA_TYPE 415 "media-type" "The content is not JSON";
    APPROVAL 422 "approval" "The approval is not good";
    SUBJECT 422 "subject" "No person can be told from this";
    UNKNOWN 422 "unknown-name" "A name that no policy in force has";
    VALUE 422 "value" "A value that does not fit";
    TEXT 422 "text" "A text that cannot be recorded";
    ENTRIES 422 "entries" "Some entries cannot be made";
    CONFIGURATION 422 "configuration" "The configuration has mistakes";
    RATE 429 "rate" "Too much at a time";
    INTERNAL 500 "internal" "An error in the service";
    UNRECORDED 503 "unrecorded" "Changed, and not yet on record";
    UNAVAILABLE 503 "unavailable" "Not now";
}

impl Kind {
    /// The end of its URI.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        self.word
    }

    /// The same for every occurrence.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// The status that it comes with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "<[u64]>::is_empty")]
    changes: &'a [u64],
}

#[derive(Serialize)]
struct Entry<'a> {
    entry: usize,
    detail: &'a str,
}

impl Problem {
    /// The media type of [`document`](Self::document).
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    pub(super) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), entries: Vec::new(), changes: Vec::new() }
    }

    /// Of a list, by their places from 1.
    pub(super) fn of_entries(entries: Vec<(usize, String)>) -> Self {
        let detail = "none was made: make them all good and send them again";
        Self { entries, ..Self::new(&ENTRIES, detail) }
    }

    pub(super) fn with_changes(self, changes: Vec<u64>) -> Self {
        Self { changes, ..self }
    }

    /// Which problem.
    #[must_use]
    pub const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// What about it, in one sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// As JSON.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        let Kind { word, title, status } = *self.kind;
        let entries = self.entries.iter().map(|(entry, detail)| Entry { entry: *entry, detail });
        let document = Document {
            r#type: format!("urn:tavs:problem:{word}"),
            title,
            status,
            detail: &self.detail,
            entries: entries.collect(),
            changes: &self.changes,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}
