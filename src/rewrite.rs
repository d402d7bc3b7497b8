//! JSON in, JSON out, under a plan: the only maker of [`Released`].
//!
//! Stands between reading the upstream's response and recording the disclosure. Nothing here may
//! wait, log, or keep a value from the message beyond the call.

mod act;
mod clean;
mod coarse;
mod dates;
mod decoded;
mod document;
mod echo;
mod identifier;
mod last_person;
mod links;
mod lookahead;
mod mask;
mod names;
mod order;
mod part;
mod person;
mod pieces;
mod places;
mod plain;
mod protection;
mod reference;
mod repeats;
mod request;
mod scan;
mod subjects;
mod survey;
#[cfg(test)]
mod tests;
mod text;
mod url;
mod walk;
mod wanted;

use std::fmt;

pub use self::echo::{Echoes, NO_ECHOES};
pub use self::identifier::Identifier;
pub use self::part::{Part, Parted, Parting};
pub use self::person::person_at;
pub use self::pieces::{Piece, Pieces, Place};
pub use self::reference::Target;
pub use self::request::{Refused, Taken, strings, take};
pub use self::survey::{Reference, Survey, survey};
pub use self::walk::RecordAt;
use self::walk::{Walk, Whose};
pub use self::wanted::Needs;
use crate::ids::SubjectId;
use crate::json::{self, Reader};
use crate::judge::{Everyone, Judge};
use crate::policy::plan::{Plan, RuleRef};
use crate::pseudonym::{Known, NONE_KNOWN, Salt};

/// Bytes that a policy allows to leave. Sending a response takes nothing else, but for tavs's
/// own problem documents.
pub struct Released {
    body: Vec<u8>,
}

impl fmt::Debug for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Released({} bytes)", self.body.len())
    }
}

impl Released {
    /// The bytes, to be sent once the ledger has them on record.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The bytes, to look at.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// What was disclosed, for the ledger: numbers into the policy's own table, never a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosure {
    /// Whose data left, without repetition, in order of appearance.
    pub subjects: Vec<SubjectId>,
    /// How many values each rule let out, by rule number of the plan.
    pub released_by_rule: Vec<u32>,
    /// Members and elements that no rule names, or that a rule withholds.
    pub withheld: u64,
    /// Values that their rule's action could not take.
    pub unfit: u64,
    /// Names, addresses and telecoms that a rule would let out, withheld because their person has name
    /// and address protection; among `withheld` too.
    pub address_protected: u64,
    /// CPRs found in kept text and dealt with.
    pub cpr_in_text: u64,
    /// Records that left.
    pub records: u64,
    /// Records withheld whole.
    pub records_withheld: u64,
}

/// Why a body cannot be rewritten. Says where, never what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The offset of the first byte that cannot stand, from 0, in the whole input.
    pub offset: usize,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// Not UTF-8.
    #[error("the input is not UTF-8")]
    NotUtf8,
    /// Begins with a byte order mark.
    #[error("the input begins with a byte order mark")]
    ByteOrderMark,
    /// Not the grammar of RFC 8259.
    #[error("the input is not JSON")]
    Syntax,
    /// Ended too early.
    #[error("the input ends inside a value")]
    UnexpectedEnd,
    /// Something after the document.
    #[error("there is something after the document")]
    TrailingBytes,
    /// A surrogate escape without its other half.
    #[error("a string holds half a surrogate pair")]
    LoneSurrogate,
    /// More than 128 containers inside each other.
    #[error("containers are nested deeper than 128")]
    TooDeep,
    /// An object of which something is kept has two members of one name.
    #[error("an object has two members of one name")]
    DuplicateName,
    /// `[free-text] cpr = "refuse"` and a CPR in kept text.
    #[error("kept text holds a CPR number, and the policy refuses that")]
    CprInText,
    /// Values that name nobody by themselves, of so many persons, that the store could not say whose each is.
    #[error("a record has too many persons and values to tie each to each; let the route name its `record`")]
    TooManyTies,
    /// Of a body that is judged in parts: what has to be judged as one is larger than the bound.
    #[error("what has to be judged as one is larger than the policy's `buffer`")]
    TooLarge,
    /// Of a body that is judged in parts: its records are not where they could be judged one by one.
    #[error("the records are not where they could be judged one by one")]
    NotParted,
    /// Of a document that is judged in parts: a record's subject stands in another entry, or in several.
    #[error(
        "a record names whom it is about by another entry's `fullUrl` (`urn:uuid:`), which is followed within a whole document only"
    )]
    SubjectElsewhere,
}

/// What came of a body.
#[derive(Debug)]
pub struct Rewritten {
    /// What may leave.
    pub released: Released,
    /// What that discloses.
    pub disclosure: Disclosure,
    /// The document is one record and was withheld whole, because of whose it is or because that
    /// is not known. A response about a single subject is then answered like an absent one.
    pub document_withheld: bool,
}

/// Told of each decision while a body is rewritten, for `explain` and the demonstration. `()`
/// is told nothing and costs nothing.
pub trait Watch {
    /// Whether [`Watch::decided`] is called at all.
    const ENABLED: bool;

    /// One value was decided.
    fn decided(&mut self, decision: &Decision<'_>);
}

impl Watch for () {
    const ENABLED: bool = false;

    fn decided(&mut self, _decision: &Decision<'_>) {}
}

/// What happened to one value. Holds values from the message: for the author's own terminal and
/// test data only.
pub struct Decision<'a> {
    /// Where: an RFC 6901 pointer into the document.
    pub pointer: &'a str,
    /// Which rule decided; `None` where no rule names the location.
    pub rule: Option<RuleRef>,
    /// How it ended.
    pub outcome: Outcome,
    /// The value as it came, in JSON.
    pub before: &'a [u8],
    /// The value as it leaves, in JSON; empty if it does not.
    pub after: &'a [u8],
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("rule", &self.rule)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// How the decision about a value ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It leaves as it came.
    Kept,
    /// It leaves in another form.
    Changed,
    /// No rule lets it out.
    Withheld,
    /// A rule would, but cannot take this value.
    Unfit,
    /// The record that it belongs to is withheld whole.
    RecordWithheld,
}

/// How URLs at the proxy begin where there is none (RFC 2606 section 2).
pub const NO_BASE: &str = "https://proxy.invalid";

/// How a body is to be rewritten.
#[derive(Debug)]
pub struct Rewriter<'a, J> {
    /// The route's rules.
    pub plan: &'a Plan,
    /// Random for each response; pseudonyms that may not be linkable depend on it.
    pub salt: &'a Salt,
    /// Whose data may leave.
    pub judge: &'a J,
    /// What this exchange resolved, and what must not come back.
    pub echoes: &'a Echoes,
    /// How URLs at the proxy begin, as the recipient calls it: `https://api.clinic.example`.
    pub base: &'a str,
    /// The pseudonyms that [`needs`](Self::needs) asked for, where they stand in the store; what is not
    /// among them is withheld.
    pub known: &'a Known,
    /// The body is NDJSON: one document a line. A line of which nothing is left is dropped.
    pub lines: bool,
}

impl<J: Judge> Rewriter<'_, J> {
    /// Rewrites a body.
    ///
    /// # Errors
    /// A [`Fault`] with the offset where the input cannot stand. Nothing is released then.
    pub fn run<W: Watch>(&self, body: &[u8], watch: &mut W) -> Result<Rewritten, Fault> {
        let text = utf8(body)?;
        self.counted(|less| {
            let mut walk = Walk::new(self, watch, text, less);
            self.through(&mut walk, text)?;
            Ok((walk.finish(), ()))
        })
        .map(|(rewritten, ())| rewritten)
    }

    /// The same, and whose data each record is that leaves, in their order.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_by_record(&self, body: &[u8]) -> Result<(Rewritten, Vec<RecordAt>), Fault> {
        let text = utf8(body)?;
        self.counted(|less| {
            let mut nobody = ();
            let mut walk = Walk::new(self, &mut nobody, text, less);
            walk.whose = Some(Whose::default());
            self.through(&mut walk, text)?;
            let records = walk.whose.take().map(|whose| whose.records).unwrap_or_default();
            Ok((walk.finish(), records))
        })
    }

    /// Walks; and once more where a count of records stands in the body, which often does before them: then
    /// it is known how many are withheld.
    fn counted<T>(
        &self,
        mut walk: impl FnMut(u64) -> Result<(Rewritten, T), Fault>,
    ) -> Result<(Rewritten, T), Fault> {
        let walked = walk(0)?;
        match walked.0.disclosure.records_withheld {
            withheld if withheld > 0 && self.plan.has_counts => walk(withheld),
            _ => Ok(walked),
        }
    }

    /// The URL of a header field as the recipient may have it, by its routes.
    #[must_use]
    pub fn url(&self, url: &str) -> Option<String> {
        Walk::new(self, &mut (), "", 0).url_of_route(url)
    }

    fn through<'b, W: Watch>(&self, walk: &mut Walk<'_, 'b, '_, J, W>, text: &'b str) -> Result<(), Fault> {
        if self.lines {
            for reader in lines(text) {
                walk.line(reader)?;
            }
            return Ok(());
        }
        walk.document(Reader::new(text))
    }
}

/// Rewrites one JSON document, with everybody's data.
///
/// # Errors
/// As [`Rewriter::run`].
pub fn rewrite<W: Watch>(plan: &Plan, body: &[u8], salt: &Salt, watch: &mut W) -> Result<Rewritten, Fault> {
    Rewriter {
        plan,
        salt,
        judge: &Everyone,
        echoes: &NO_ECHOES,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines: false,
    }
    .run(body, watch)
}

/// Rewrites NDJSON, with everybody's data.
///
/// # Errors
/// As [`Rewriter::run`]; the offset counts from the start of the whole input.
pub fn rewrite_lines<W: Watch>(
    plan: &Plan,
    body: &[u8],
    salt: &Salt,
    watch: &mut W,
) -> Result<Rewritten, Fault> {
    Rewriter {
        plan,
        salt,
        judge: &Everyone,
        echoes: &NO_ECHOES,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines: true,
    }
    .run(body, watch)
}

/// A reader for each line that is not blank.
fn lines(text: &str) -> impl Iterator<Item = Reader<'_>> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at.saturating_add(1));
    let mut end: usize = 0;
    ends.chain([text.len()]).filter_map(move |next| {
        let start = std::mem::replace(&mut end, next);
        let line = text.as_bytes().get(start..end).unwrap_or_default();
        let blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        (!blank).then(|| Reader::within(text, start, end))
    })
}

fn utf8(body: &[u8]) -> Result<&str, Fault> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(Fault { kind: FaultKind::ByteOrderMark, offset: 0 });
    }
    // PERF: 2-3 % of a rewrite; the standard library's own check is three times that.
    simdutf8::basic::from_utf8(body).map_err(|_somewhere| Fault {
        kind: FaultKind::NotUtf8,
        offset: std::str::from_utf8(body).err().map_or(0, |error| error.valid_up_to()),
    })
}

impl From<json::Error> for Fault {
    fn from(error: json::Error) -> Self {
        let kind = match error.kind {
            json::ErrorKind::Syntax => FaultKind::Syntax,
            json::ErrorKind::UnexpectedEnd => FaultKind::UnexpectedEnd,
            json::ErrorKind::TrailingBytes => FaultKind::TrailingBytes,
            json::ErrorKind::LoneSurrogate => FaultKind::LoneSurrogate,
            json::ErrorKind::TooDeep => FaultKind::TooDeep,
        };
        Self { kind, offset: error.offset }
    }
}
