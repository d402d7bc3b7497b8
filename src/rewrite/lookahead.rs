//! Looks ahead within one value, without moving the walk: which members it has that filters and
//! shapes compare, and which names a record holds.

use std::rc::Rc;

use super::names::decode;
use super::subjects::Noted;
use super::walk::Walk;
use super::{Fault, Watch, scan};
use crate::ids::SubjectId;
use crate::json::Reader;
use crate::judge::Judge;
use crate::policy::plan::{ChoiceMember, Node, Plan, Scalar, Slot, State, name_hash};

/// Shorter words of names (initials, `de`, `af`) stay in text: they are ordinary words.
const MIN_NAME_WORD: usize = 3;

/// Which state a slot comes to for the value at the reader's place.
#[inline]
pub(super) fn resolve<'p>(
    plan: &'p Plan,
    slot: Slot,
    reader: &Reader<'_>,
    depth: u32,
) -> Result<Option<&'p State>, Fault> {
    match slot {
        Slot::Withheld => Ok(None),
        Slot::State(number) => Ok(plan.state(number)),
        Slot::Choice(number) => choose(plan, number, reader, depth),
    }
}

/// Which state a choice comes to for the value at the reader's place. The first member of a name
/// counts; a second one is refused later, if anything of the object is kept.
#[inline(never)]
fn choose<'p>(
    plan: &'p Plan,
    number: u32,
    reader: &Reader<'_>,
    depth: u32,
) -> Result<Option<&'p State>, Fault> {
    let Some(choice) = usize::try_from(number).ok().and_then(|at| plan.choices.get(at)) else {
        return Ok(None);
    };
    let index = index_of(&choice.members, reader.clone(), depth)?;
    Ok(match choice.table.get(index) {
        Some(Slot::State(number)) => plan.state(*number),
        Some(Slot::Withheld | Slot::Choice(_)) | None => None,
    })
}

fn index_of(members: &[ChoiceMember], mut reader: Reader<'_>, depth: u32) -> Result<usize, Fault> {
    let mut index: usize = 0;
    if reader.peek() != b'{' {
        return Ok(index);
    }
    let depth = reader.open(depth)?;
    reader.whitespace();
    let mut found: u64 = 0;
    let mut missing = members.len();
    while reader.peek() == b'"' && missing > 0 {
        let span = reader.name()?;
        let name = reader.slice(span.start, span.end);
        let wanted = if span.escaped { position(members, &decode(name)) } else { position(members, name) };
        match wanted {
            Some((at, member)) if found & 1 << (at & 63) == 0 => {
                found |= 1 << (at & 63);
                missing = missing.saturating_sub(1);
                let value = literal_number(member, &mut reader, depth)?;
                index = index.saturating_add(member.stride.saturating_mul(value));
            }
            _ => reader.skip_value(depth)?,
        }
        reader.comma();
    }
    Ok(index)
}

fn position<'m>(members: &'m [ChoiceMember], name: &str) -> Option<(usize, &'m ChoiceMember)> {
    members.iter().enumerate().find(|(_, member)| member.name == name)
}

/// Which of a member's literals stands at the reader's place, counted from 1; 0 for none.
fn literal_number(member: &ChoiceMember, reader: &mut Reader<'_>, depth: u32) -> Result<usize, Fault> {
    let position = |scalar: Scalar<'_>| {
        member.literals.iter().position(|literal| literal.is(scalar)).map_or(0, |at| at.saturating_add(1))
    };
    Ok(match reader.peek() {
        b'"' => {
            let span = reader.string()?;
            let content = reader.slice(span.start, span.end);
            if span.escaped {
                position(Scalar::String(&decode(content)))
            } else {
                position(Scalar::String(content))
            }
        }
        b'-' | b'0'..=b'9' => position(Scalar::Number(reader.number()?)),
        b't' | b'f' | b'n' => position(Scalar::Word(reader.literal()?)),
        _ => {
            reader.skip_value(depth)?;
            0
        }
    })
}

impl<'p, J: Judge, W: Watch> Walk<'p, '_, '_, J, W> {
    /// Collects the words of the names that stand at name sources within the record at the
    /// reader's place, as `scan` compares them.
    pub(super) fn collect_names(&mut self, state: Option<&State>, depth: u32) -> Result<(), Fault> {
        let words = Rc::make_mut(self.record_names.get_or_insert_default());
        let found = |state: &State, json: Place<'_>| {
            if state.name_source {
                strings(json.text, |name| {
                    let parts = scan::words(name).into_iter().map(|(_, word)| word);
                    words.extend(parts.filter(|word| word.chars().count() >= MIN_NAME_WORD));
                });
            }
        };
        Ahead { plan: self.plan, reader: self.reader.clone(), into_records: false, found }.value(state, depth)
    }

    /// The one person whose record stands at the reader's place; `None` if there are several, or none:
    /// whose its dates are, is never guessed.
    pub(super) fn find_person(
        &mut self,
        state: Option<&State>,
        depth: u32,
    ) -> Result<Option<SubjectId>, Fault> {
        let mut noted = Vec::new();
        let found = |state: &State, json: Place<'_>| {
            noted.extend(state.subject.map(|system| Noted { from: json.from, to: json.to, system }));
        };
        Ahead { plan: self.plan, reader: self.reader.clone(), into_records: false, found }
            .value(state, depth)?;
        Ok(self.judged.only_person(&noted, (self.plan, self.judge), &self.reader, &mut self.links))
    }

    /// Notes whose data the record is where that stands in a value that does not leave: what a
    /// rule withholds still says whose the rest is.
    pub(super) fn note_withheld_subjects(&mut self, state: Option<&State>, depth: u32) -> Result<(), Fault> {
        if !self.plan.has_subjects {
            return Ok(());
        }
        let subjects = &mut self.subjects;
        let found = |state: &State, json: Place<'_>| {
            subjects.want(state.wants_subject);
            if let Some(system) = state.subject {
                subjects.note(json.from, json.to, system);
            }
        };
        Ahead { plan: self.plan, reader: self.reader.clone(), into_records: false, found }.value(state, depth)
    }

    /// Notes the same, and hears, of a value that is passed over, whatever applies to it. A record of its own
    /// has its own subjects.
    pub(super) fn note_passed_over(&mut self, state: Option<&'p State>, depth: u32) -> Result<(), Fault> {
        self.note_withheld_subjects(state.filter(|state| !state.record), depth)?;
        self.hear_below(state, depth)?;
        let mut passed = self.reader.clone();
        if let Some(state) = state.filter(|_| self.judged.heard.is_some()) {
            let from = passed.at;
            passed.skip_value(depth)?;
            let to = passed.at;
            self.hear(state, &Place { text: passed.slice(from, to), from, to });
        }
        Ok(())
    }
}

/// Each string in a value that has been read: an upstream may give a name in parts.
pub(super) fn strings(json: &str, mut each: impl FnMut(&str)) {
    let mut reader = Reader::new(json);
    while reader.at < json.len() {
        if reader.peek() != b'"' {
            reader.advance();
        } else if let Ok(span) = reader.string() {
            reader.whitespace();
            if reader.peek() != b':' {
                each(&decode(reader.slice(span.start, span.end)));
            }
        } else {
            return;
        }
    }
}

/// A value that was passed.
pub(super) struct Place<'b> {
    pub(super) text: &'b str,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Goes through a value that is yet to be read, by the states that apply to its parts.
pub(super) struct Ahead<'p, 'b, F> {
    pub(super) plan: &'p Plan,
    pub(super) reader: Reader<'b>,
    /// Also within records below.
    pub(super) into_records: bool,
    /// Told of each value with a state, after all below it.
    pub(super) found: F,
}

impl<'p, 'b, F: FnMut(&State, Place<'b>)> Ahead<'p, 'b, F> {
    pub(super) fn value(&mut self, state: Option<&'p State>, depth: u32) -> Result<(), Fault> {
        let from = self.reader.at;
        match (state, self.reader.peek()) {
            (Some(State { node: Some(node), .. }), b'{') => self.members(node, depth)?,
            (Some(State { node: Some(node), .. }), b'[') => self.elements(node, depth)?,
            _ => self.reader.skip_value(depth)?,
        }
        if let Some(state) = state {
            let to = self.reader.at;
            (self.found)(state, Place { text: self.reader.slice(from, to), from, to });
        }
        Ok(())
    }

    fn members(&mut self, node: &'p Node, depth: u32) -> Result<(), Fault> {
        let depth = self.reader.open(depth)?;
        self.reader.whitespace();
        while self.reader.peek() == b'"' {
            let span = self.reader.name()?;
            let name = decode(self.reader.slice(span.start, span.end));
            let entry = node.names.find(name_hash(name.as_bytes()), &name);
            self.child(entry.map_or(node.other_names, |entry| entry.slot), depth)?;
        }
        self.reader.expect(b'}')?;
        Ok(())
    }

    fn elements(&mut self, node: &'p Node, depth: u32) -> Result<(), Fault> {
        let depth = self.reader.open(depth)?;
        self.reader.whitespace();
        let mut index = 0_u32;
        while self.reader.peek() != b']' {
            let own = node.indices.iter().find(|(at, _)| *at == index);
            self.child(own.map_or(node.other_indices, |(_, slot)| *slot), depth)?;
            index = index.saturating_add(1);
        }
        self.reader.expect(b']')?;
        Ok(())
    }

    /// One child, and the comma after it.
    fn child(&mut self, slot: Slot, depth: u32) -> Result<(), Fault> {
        let state = resolve(self.plan, slot, &self.reader, depth)?;
        // An inner record has subjects and names of its own.
        let into_records = self.into_records;
        self.value(state.filter(|state| into_records || !state.record), depth)?;
        self.reader.comma();
        Ok(())
    }
}
