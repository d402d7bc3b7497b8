//! A document larger than what is judged whole, judged record by record: the walk over a document that was
//! made of the beginning of the large one, some of its records, and an end that closes it.
//!
//! [`Pieces`](super::Pieces) makes such documents; every one of them is walked like any other, and of what
//! that writes only the part is released that the recipient has not had yet. Put together, the parts are what
//! the large document would have become, but for counts of its records, which stay.
//!
//! What must never happen here: a part of a document whose records depend on something that has not come yet.

use super::survey::Survey;
use super::walk::{Mark, RecordAt, Walk, Whose};
use super::{Fault, FaultKind, Released, Rewriter, Rewritten, utf8};
use crate::json::Reader;
use crate::judge::Judge;
use crate::policy::plan::{Act, Node, Plan, Slot, State};

use super::links::CONTAINED;
use super::lookahead::resolve;
use super::names::decode;

/// Which part of what becomes of a document is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All up to the last of its records.
    First,
    /// Its records.
    Middle,
    /// All behind its records.
    Last,
}

/// Which part of a document, and where its records stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parting {
    /// Which.
    pub part: Part,
    /// How many containers are around the array of records.
    pub depth: u32,
    /// Some record has left already: a comma goes before the next.
    pub after_records: bool,
}

/// A part, rewritten.
#[derive(Debug)]
pub struct Parted {
    /// What leaves, and what that discloses.
    pub rewritten: Rewritten,
    /// Some record is in it.
    pub has_records: bool,
}

impl<J: Judge> Rewriter<'_, J> {
    /// Rewrites a document that [`Pieces`](super::Pieces) made, and gives the part of it.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`FaultKind::NotParted`] where no array of records stands at that depth.
    pub fn part(&self, body: &[u8], parting: Parting) -> Result<Parted, Fault> {
        let mut watch = ();
        Walk::new(self, &mut watch, utf8(body)?, 0).parted(parting).map(|(parted, _heard)| parted)
    }

    /// The same, of a document of which nothing leaves before all has come: then nothing of it need be lost. And all
    /// that became of what [`Pieces`](super::Pieces) made, which stands around its records as the large document
    /// does, with whose data each of these is.
    ///
    /// # Errors
    /// As [`part`](Self::part); [`FaultKind::SubjectElsewhere`].
    pub fn part_held_back(
        &self,
        body: &[u8],
        parting: Parting,
    ) -> Result<(Parted, Released, Vec<RecordAt>), Fault> {
        let text = utf8(body)?;
        let mut watch = ();
        let mut walk = Walk::new(self, &mut watch, text, 0);
        walk.parted_at = Some(parting.depth);
        walk.whose = Some(Whose::default());
        walk.document(Reader::new(text))?;
        if walk.links.is_unsettled() {
            return Err(Fault { kind: FaultKind::SubjectElsewhere, offset: body.len() });
        }
        let records = walk.whose.take().map(|whose| whose.records).unwrap_or_default();
        let document = Released { body: walk.out.clone() };
        let has_records = walk.take_part(parting).ok_or(NOT_PARTED)?;
        Ok((Parted { rewritten: walk.finish(), has_records }, document, records))
    }
}

const NOT_PARTED: Fault = Fault { kind: FaultKind::NotParted, offset: 0 };

impl<J: Judge> Walk<'_, '_, '_, J, ()> {
    /// Walks over the document that is the walk's own body, and gives the part of it.
    pub(super) fn parted(mut self, parting: Parting) -> Result<(Parted, Survey), Fault> {
        self.parted_at = Some(parting.depth);
        self.document(self.reader.clone())?;
        // Too late to say that its records cannot be judged alone, not too late to break off.
        if parting.part == Part::Last && self.links.has_contained() {
            return Err(NOT_PARTED);
        }
        let has_records = self.take_part(parting).ok_or(NOT_PARTED)?;
        let survey = self.survey();
        Ok((Parted { rewritten: self.finish(), has_records }, survey))
    }

    /// Leaves of what was written and counted what belongs to the part; says whether a record is in it.
    fn take_part(&mut self, parting: Parting) -> Option<bool> {
        let (begun, ended) = self.records_at.take()?;
        if self.out.get(begun.out) != Some(&b'[') || self.out.get(ended.out) != Some(&b']') {
            return None;
        }
        let has_records = ended.out.checked_sub(begun.out)? > 1;
        match parting.part {
            Part::First => {
                self.out.truncate(ended.out);
                self.released.truncate(ended.released);
                self.counts = ended.counts;
            }
            Part::Middle => {
                self.out.truncate(ended.out);
                let comma = parting.after_records && has_records;
                // The bracket's place takes the comma.
                self.out.drain(..begun.out.checked_add(usize::from(!comma))?);
                if let Some(first) = self.out.first_mut().filter(|_| comma) {
                    *first = b',';
                }
                self.released.truncate(ended.released);
                self.released.drain(..begun.released.min(self.released.len()));
                self.counts = ended.counts.less(begun.counts);
            }
            Part::Last => {
                self.out.drain(..ended.out);
                self.released.drain(..ended.released.min(self.released.len()));
                self.counts = self.counts.less(ended.counts);
            }
        }
        Some(has_records)
    }
}

impl<J: Judge, W: super::Watch> Walk<'_, '_, '_, J, W> {
    /// Where the array of records begins, if it is what stands at the reader's place.
    pub(super) fn records_begin(&self, state: Option<&State>, depth: u32) -> Option<Mark> {
        let begins = self.parted_at? == depth && state?.above_record && self.reader.peek() == b'[';
        begins.then(|| self.mark())
    }

    /// It has been written: its closing bracket is the last byte.
    pub(super) fn records_end(&mut self, begun: Mark) {
        let now = self.mark();
        self.records_at = Some((begun, Mark { out: now.out.saturating_sub(1), ..now }));
    }

    fn mark(&self) -> Mark {
        Mark { out: self.out.len(), released: self.released.len(), counts: self.counts }
    }
}

/// Whether the records of a document can be judged one by one: its beginning decides which rules apply to
/// them, and nothing beside them says whose they are: nothing that could stand there or, if it is `held_back`,
/// nothing that does in the text. `head` bytes of the text are that beginning.
pub(super) fn can_be_parted(
    plan: &Plan,
    text: &str,
    (head, path): (usize, &[String]),
    held_back: bool,
) -> Result<bool, Fault> {
    let mut reader = Reader::new(text);
    let (mut slot, mut depth) = (plan.root, 0);
    reader.whitespace();
    let mut beside = Beside { plan, seen: Vec::new() };
    for name in path {
        let Some(state) = resolve(plan, slot, &reader, depth)? else { return Ok(false) };
        let is_about_nobody = match held_back {
            true => beside.has_nobody(state, reader.clone(), (name, depth))?,
            // Below, it has been looked at with all that the document is.
            false => {
                depth > 0 || {
                    let is_bundle = name != CONTAINED && is_bundle(reader.clone())?;
                    beside.document_is_about_nobody(state, is_bundle)
                }
            }
        };
        if !is_about_nobody {
            return Ok(false);
        }
        let Some(next) = state.node.as_ref().and_then(|node| node.names.slot(name)) else { return Ok(false) };
        let Some(before) = enter(&mut reader, name, depth)?.filter(|_| reader.at < head) else {
            return Ok(false);
        };
        // What the document contains, references in its records lead to, whatever the rules say.
        let is_led_to = depth == 0 && before.iter().any(|name| name == CONTAINED);
        if is_led_to || !is_settled(plan, slot, &before) {
            return Ok(false);
        }
        (slot, depth) = (next, depth.saturating_add(1));
    }
    let Some(array) = resolve(plan, slot, &reader, depth)? else { return Ok(false) };
    // In each part the first element is another one: no rule may go by that.
    let is_any = array.node.as_ref().is_some_and(|node| node.indices.is_empty());
    Ok(reader.peek() == b'[' && is_any && beside.is_nobodys(array))
}

/// Whether the document at the reader's place says that it is a Bundle. Those contain nothing beside their entries (FHIR
/// R4 section 2.36: a Bundle is no DomainResource), and one that does is found out by its own members.
fn is_bundle(mut reader: Reader<'_>) -> Result<bool, Fault> {
    if enter(&mut reader, "resourceType", 0)?.is_none() || reader.peek() != b'"' {
        return Ok(false);
    }
    let span = reader.string()?;
    Ok(decode(reader.slice(span.start, span.end)) == "Bundle")
}

/// What a choice compares has all come.
fn is_settled(plan: &Plan, slot: Slot, names: &[String]) -> bool {
    let Slot::Choice(number) = slot else { return true };
    let choice = usize::try_from(number).ok().and_then(|at| plan.choices.get(at));
    choice.is_some_and(|choice| choice.members.iter().all(|member| names.contains(&member.name)))
}

/// Steps into the member of this name, and gives the names before it; `None` if there is no such member.
pub(super) fn enter(reader: &mut Reader<'_>, name: &str, depth: u32) -> Result<Option<Vec<String>>, Fault> {
    if reader.peek() != b'{' {
        return Ok(None);
    }
    let inner = reader.open(depth)?;
    let mut before = Vec::new();
    reader.whitespace();
    while reader.peek() == b'"' {
        let span = reader.name()?;
        let own = decode(reader.slice(span.start, span.end));
        if own == name {
            return Ok(Some(before));
        }
        before.push(own.into_owned());
        reader.skip_value(inner)?;
        if !reader.comma() {
            break;
        }
    }
    if reader.peek() == b'}' { Ok(None) } else { Err(reader.unexpected().into()) }
}

/// What stands beside the records of a document.
struct Beside<'p> {
    plan: &'p Plan,
    seen: Vec<Slot>,
}

impl<'p> Beside<'p> {
    /// The same of a whole document, but for what stands in a Bundle's own `contained`.
    fn document_is_about_nobody(&mut self, state: &'p State, is_bundle: bool) -> bool {
        let without = is_bundle.then_some(CONTAINED);
        state.record
            || self.is_nobodys(state) && state.node.as_ref().is_none_or(|node| self.below(node, without))
    }

    /// No subject, nothing that is tied to one, and nothing that depends on one.
    fn is_about_nobody(&mut self, state: &'p State) -> bool {
        self.document_is_about_nobody(state, false)
    }

    /// No member of the object there but the one on the way to the records is about somebody.
    fn has_nobody(
        &mut self,
        state: &'p State,
        mut reader: Reader<'_>,
        (on_the_way, depth): (&str, u32),
    ) -> Result<bool, Fault> {
        let node = state.node.as_ref().filter(|_| self.is_nobodys(state) && reader.peek() == b'{');
        let Some(node) = node else { return Ok(false) };
        let inner = reader.open(depth)?;
        reader.whitespace();
        while reader.peek() == b'"' {
            let span = reader.name()?;
            let name = decode(reader.slice(span.start, span.end));
            let slot = node.names.slot(&name).unwrap_or(node.other_names);
            // What the document contains, references in its records lead to, whatever the rules say.
            let is_led_to = depth == 0 && name == CONTAINED;
            if name != on_the_way && (is_led_to || !self.slot(slot)) {
                return Ok(false);
            }
            reader.skip_value(inner)?;
            reader.comma();
        }
        Ok(true)
    }

    /// Itself it is no subject, nor tied to one, nor depends on one.
    fn is_nobodys(&self, state: &State) -> bool {
        let State { subject, alias, alias_scope, wants_subject, marker, .. } = state;
        let rule = state.rule.and_then(|rule| self.plan.rules.get(usize::try_from(rule).ok()?));
        let depends = rule.is_some_and(|rule| matches!(rule.act, Act::Shift(_) | Act::DecodeJson));
        !(subject.is_some() || alias.is_some() || *alias_scope || *wants_subject || *marker || depends)
    }

    fn below(&mut self, node: &'p Node, without: Option<&str>) -> bool {
        let names: Vec<&str> = node.names.names().filter(|name| Some(*name) != without).collect();
        let by_name = names.into_iter().filter_map(|name| node.names.slot(name));
        let slots: Vec<Slot> = by_name
            .chain(node.indices.iter().map(|(_, slot)| *slot))
            .chain([node.other_names, node.other_indices])
            .collect();
        slots.into_iter().all(|slot| self.slot(slot))
    }

    fn slot(&mut self, slot: Slot) -> bool {
        if self.seen.contains(&slot) {
            return true;
        }
        self.seen.push(slot);
        let plan = self.plan;
        match slot {
            Slot::Withheld => true,
            Slot::State(number) => plan.state(number).is_none_or(|state| self.is_about_nobody(state)),
            Slot::Choice(number) => {
                let choice = usize::try_from(number).ok().and_then(|at| plan.choices.get(at));
                choice.is_none_or(|choice| choice.table.iter().all(|slot| self.slot(*slot)))
            }
        }
    }
}
