//! The content of a request: the same walk under the route's request rules, in which whatever would
//! be left out of a response refuses the whole (G7).
//!
//! Stands before forwarding. What must never happen here: a member that no rule names, or an
//! identifier in clear, on its way to the upstream; a word of the content in a refusal.

use super::walk::Walk;
use super::{Everyone, Fault, NO_BASE, NO_ECHOES, Rewriter, utf8};
use crate::json::Reader;
use crate::policy::plan::Plan;
use crate::policy::resolve::{Resolved, Unresolved};
use crate::pseudonym::{NONE_KNOWN, Rows};

/// Content that may be forwarded. Made by [`take`] only.
#[derive(Debug)]
pub struct Taken {
    /// The content, pseudonyms resolved.
    pub body: Bytes,
    /// What they stand for.
    pub resolved: Vec<Resolved>,
}

/// Bytes that hold identifiers: not shown.
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes, to be sent.
    #[must_use]
    pub fn into_inner(self) -> Vec<u8> {
        self.0
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

/// Why content is not forwarded. Says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not strict JSON, or two members of one name.
    #[error("the content is not strict JSON")]
    NotJson,
    /// A member or element that no rule names.
    #[error("the content holds a member that is not listed")]
    Unlisted,
    /// A value that its rule cannot take.
    #[error("a value does not fit its rule")]
    Unfit,
    /// An identifier in clear.
    #[error("the content holds an identifier in clear")]
    Clear,
    /// A pseudonym that does not open.
    #[error("a pseudonym is refused")]
    Pseudonym,
}

/// Every string of some content that could be looked up before it is judged; none of what is no JSON.
#[must_use]
pub fn strings(body: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(text) = utf8(body) {
        super::lookahead::strings(text, |string| found.push(string.to_owned()));
    }
    found
}

/// Judges a request's content, one document, and resolves its pseudonyms. `rows` is what the store has of
/// them, under the scheme `table`.
///
/// # Errors
/// [`Refused`]; nothing of the content may be forwarded then.
pub fn take(plan: &Plan, body: &[u8], rows: &Rows) -> Result<Taken, Refused> {
    let not_json = |_fault: Fault| Refused::NotJson;
    let text = utf8(body).map_err(not_json)?;
    let rewriter = Rewriter {
        plan,
        salt: &[0; 16],
        judge: &Everyone,
        echoes: &NO_ECHOES,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines: false,
    };
    let mut watch = ();
    let mut walk = Walk::new(&rewriter, &mut watch, text, 0);
    walk.rows = Some(rows);
    walk.document(Reader::new(text)).map_err(not_json)?;
    let (counts, unresolved) = (walk.counts, walk.unresolved);
    if counts.cpr_in_text > 0 || unresolved == Some(Unresolved::Clear) {
        return Err(Refused::Clear);
    }
    if unresolved.is_some() {
        return Err(Refused::Pseudonym);
    }
    if counts.withheld > 0 {
        return Err(Refused::Unlisted);
    }
    if counts.unfit > 0 {
        return Err(Refused::Unfit);
    }
    let resolved = std::mem::take(&mut walk.resolved);
    Ok(Taken { body: Bytes(walk.out), resolved })
}
