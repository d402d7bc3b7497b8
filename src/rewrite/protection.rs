//! Name and address protection: whether a record tells of it, and what is held back then.
//!
//! Stands before a record is walked, where its body has the word at all. What must never happen here:
//! a name or an address that leaves because the mark stands after it, or deeper.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::document::document_of;
use super::lookahead::{Ahead, Place, resolve};
use super::names::decode;
use super::walk::{Applies, Walk};
use super::{Fault, Watch};
use crate::json::Reader;
use crate::judge::Judge;
use crate::policy::plan::{Slot, State};
use crate::policy::protection::marks;

/// Whether a body can hold the mark of FHIR's `meta.security`: its name stands there, or a letter is
/// escaped, which nobody does who is not hiding something.
///
/// PERF: one search of the whole body, so that records are looked at twice only where it pays. What it searches
/// for is prepared once: for a body of 2 KB that took longer than the search.
pub(super) fn may_be_marked(body: &str) -> bool {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("security"));
    let bytes = body.as_bytes();
    let is_letter = |at: usize| {
        let code = bytes.get(at..).unwrap_or_default();
        code.starts_with(b"\\u006") || code.starts_with(b"\\u007")
    };
    MARK.find(bytes).is_some() || memchr::memchr_iter(b'\\', bytes).any(is_letter)
}

impl<'p, J: Judge, W: Watch> Walk<'p, '_, '_, J, W> {
    /// Whether the record at the reader's place tells that its person is protected.
    pub(super) fn is_protected(&self, state: Option<&'p State>, depth: u32) -> Result<bool, Fault> {
        if !self.plan.protects_addresses {
            return Ok(false);
        }
        if self.may_be_marked && is_marked(&mut self.reader.clone(), depth, &[])? {
            return Ok(true);
        }
        let mut marked = false;
        if self.plan.has_markers {
            let found = |state: &State, place: Place<'_>| {
                marked |= state.marker && !matches!(place.text, "false" | "null");
            };
            Ahead { plan: self.plan, reader: self.reader.clone(), into_records: false, found }
                .value(state, depth)?;
        }
        Ok(marked || self.plan.has_documents && self.has_marked_document(state, depth)?)
    }

    /// Whether what stands around the records of the document at the reader's place tells it: of a document that
    /// was to have records and is one resource, or has others beside them.
    pub(super) fn is_protected_around(&self, state: Option<&'p State>, depth: u32) -> Result<bool, Fault> {
        if !self.plan.protects_addresses {
            return Ok(false);
        }
        let marked = self.may_be_marked
            && is_marked(&mut self.reader.clone(), depth, &[])?
            && is_marked(&mut self.reader.clone(), depth, &self.records(state, depth)?)?;
        Ok(marked || self.plan.has_documents && self.has_marked_document(state, depth)?)
    }

    /// Where the records below begin, in their order.
    fn records(&self, state: Option<&'p State>, depth: u32) -> Result<Vec<usize>, Fault> {
        let mut records = Vec::new();
        let found = |state: &State, place: Place<'_>| records.extend(state.record.then_some(place.from));
        Ahead { plan: self.plan, reader: self.reader.clone(), into_records: true, found }
            .value(state, depth)?;
        Ok(records)
    }

    /// Whether a document that a rule decodes in the record at the reader's place tells it.
    fn has_marked_document(&self, state: Option<&'p State>, depth: u32) -> Result<bool, Fault> {
        let mut marked = false;
        let found = |state: &State, place: Place<'_>| {
            let content = place.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            if let Some(content) = content.filter(|_| state.decoded != Slot::Withheld && !marked)
                && let Some(text) = document_of(&decode(content))
            {
                marked = self.is_marked_document(state.decoded, &text);
            }
        };
        Ahead { plan: self.plan, reader: self.reader.clone(), into_records: false, found }
            .value(state, depth)?;
        Ok(marked)
    }

    /// What is no document does not leave, and says nothing.
    fn is_marked_document(&self, slot: Slot, text: &str) -> bool {
        let mut reader = Reader::new(text);
        reader.whitespace();
        if may_be_marked(text) && is_marked(&mut reader.clone(), 0, &[]).unwrap_or_default() {
            return true;
        }
        let mut marked = false;
        let found = |state: &State, place: Place<'_>| {
            marked |= state.marker && !matches!(place.text, "false" | "null");
        };
        let mut ahead = Ahead { plan: self.plan, reader: reader.clone(), into_records: false, found };
        let state = resolve(self.plan, slot, &reader, 0).ok().flatten();
        self.plan.has_markers && ahead.value(state, 0).is_ok() && marked
    }

    /// Passes over a name, an address or a telecom of a protected person, whatever the rules say.
    pub(super) fn protect(&mut self, applies: Applies<'p>, depth: u32) -> Result<bool, Fault> {
        self.note_passed_over(applies.state, depth)?;
        self.counts.protected += u64::from(applies.state.is_some() || applies.under.is_some());
        self.withhold(None, depth)
    }
}

/// Whether `meta.security` of the value at the reader's place, or of one below, has such a code. The
/// reader is at its end then, or anywhere if it has. What begins at one of the places of `without`, which are in order,
/// does not count.
fn is_marked(reader: &mut Reader<'_>, depth: u32, without: &[usize]) -> Result<bool, Fault> {
    if without.binary_search(&reader.at).is_ok() {
        return Ok(reader.skip_value(depth).map(|()| false)?);
    }
    children(reader, depth, |name, reader, depth| {
        if name != Some("meta") || reader.peek() != b'{' {
            return is_marked(reader, depth, without);
        }
        children(reader, depth, |name, reader, depth| match name {
            Some("security") => is_code(reader, depth),
            _ => Ok(reader.skip_value(depth).map(|()| false)?),
        })
    })
}

/// Whether a Coding, a list of them, or a text is a code that marks.
fn is_code(reader: &mut Reader<'_>, depth: u32) -> Result<bool, Fault> {
    if reader.peek() == b'"' {
        let span = reader.string()?;
        return Ok(marks(&decode(reader.slice(span.start, span.end))));
    }
    children(reader, depth, |name, reader, depth| match name {
        None | Some("code") => is_code(reader, depth),
        Some(_) => Ok(reader.skip_value(depth).map(|()| false)?),
    })
}

/// Goes through the members and elements of the value at the reader's place, until one is found.
fn children<'b>(
    reader: &mut Reader<'b>,
    depth: u32,
    mut each: impl FnMut(Option<&str>, &mut Reader<'b>, u32) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let closing = match reader.peek() {
        b'{' => b'}',
        b'[' => b']',
        _ => return Ok(reader.skip_value(depth).map(|()| false)?),
    };
    let inner = reader.open(depth)?;
    reader.whitespace();
    let mut more = reader.peek() != closing;
    while more {
        let name = if closing == b'}' {
            let span = reader.name()?;
            Some(decode(reader.slice(span.start, span.end)))
        } else {
            None
        };
        if each(name.as_deref(), reader, inner)? {
            return Ok(true);
        }
        more = reader.comma();
    }
    reader.expect(closing)?;
    Ok(false)
}
