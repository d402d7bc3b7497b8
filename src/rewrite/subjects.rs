//! Whose data a record is: what stands at the subject locations, and whether that is a person.

use std::collections::HashSet;

use super::reference;
use crate::cpr::{self, Kind};
use crate::ids::SubjectId;
use crate::json::Reader;
use crate::policy::plan::Plan;
use crate::pseudonym::Input;

/// The subjects of the record that is open, and of the document around it.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    noted: Vec<Noted>,
    /// Where the innermost record's begin.
    first: usize,
    wanted: bool,
}

/// The record around, while an inner one is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outer {
    first: usize,
    wanted: bool,
}

/// Where a subject's identifier stands, and in which identifier system.
#[derive(Debug, Clone, Copy)]
struct Noted {
    from: usize,
    to: usize,
    system: u32,
}

impl Subjects {
    /// Begins a record; `wanted` if it must have a subject.
    pub(super) fn open(&mut self, wanted: bool) -> Outer {
        let outer = Outer { first: self.first, wanted: self.wanted };
        self.first = self.noted.len();
        self.wanted = wanted;
        outer
    }

    /// Ends the record.
    pub(super) fn close(&mut self, outer: Outer) {
        self.noted.truncate(self.first);
        self.first = outer.first;
        self.wanted = outer.wanted;
    }

    /// The open record must have a subject, if so.
    pub(super) fn want(&mut self, wanted: bool) {
        self.wanted |= wanted;
    }

    pub(super) fn note(&mut self, from: usize, to: usize, system: u32) {
        self.noted.push(Noted { from, to, system });
    }

    /// Whether the open record may leave: each identifier is somebody's, and there is one if
    /// there must be.
    pub(super) fn known(&self, plan: &Plan, reader: &Reader<'_>) -> bool {
        let mut some = false;
        for noted in self.open_record() {
            match identify(plan, reader.slice(noted.from, noted.to), noted.system, |_| ()) {
                Identified::Person(()) => some = true,
                Identified::Absent => {}
                Identified::Nobody => return false,
            }
        }
        some || !self.wanted
    }

    fn open_record(&self) -> &[Noted] {
        self.noted.get(self.first..).unwrap_or_default()
    }
}

/// The subjects of all records that leave.
#[derive(Debug, Default)]
pub(super) struct Disclosed<'b> {
    /// Identifiers as written, so that one that is repeated is MACed once.
    seen: HashSet<(u32, &'b str)>,
    ids: Vec<SubjectId>,
}

impl<'b> Disclosed<'b> {
    /// The open record leaves.
    pub(super) fn add(&mut self, subjects: &Subjects, plan: &Plan, reader: &Reader<'b>) {
        for noted in subjects.open_record() {
            let written = reader.slice(noted.from, noted.to);
            if self.seen.insert((noted.system, written))
                && let Identified::Person(id) =
                    identify(plan, written, noted.system, |input| plan.subject_key.id(input))
            {
                self.ids.push(id);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Takes back what was added since there were `len`: the document around is withheld.
    pub(super) fn truncate(&mut self, len: usize) {
        if self.ids.len() > len {
            self.ids.truncate(len);
            self.seen.clear();
        }
    }

    /// Each once, in order of appearance.
    pub(super) fn into_ids(self) -> Vec<SubjectId> {
        let mut known = HashSet::new();
        self.ids.into_iter().filter(|id| known.insert(*id)).collect()
    }
}

enum Identified<T> {
    /// A person's identifier.
    Person(T),
    /// `null`: as good as absent.
    Absent,
    /// Something else, or the number that stands for nobody.
    Nobody,
}

/// What the JSON text at a subject location identifies: a CPR, replacement CPR or e-CPR, or a
/// FHIR reference to a resource.
fn identify<T>(plan: &Plan, json: &str, system: u32, then: impl FnOnce(Input<'_>) -> T) -> Identified<T> {
    if json == "null" {
        return Identified::Absent;
    }
    let Some(content) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return match cpr::parse_number(json.as_bytes()) {
            Some(number) if !number.is_nobody() => Identified::Person(then(person(plan, &number, system))),
            _ => Identified::Nobody,
        };
    };
    let decoded;
    let text = if content.contains('\\') {
        decoded = super::walk::decode(content);
        &decoded
    } else {
        content
    };
    if let Some(number) = cpr::parse(text) {
        return if number.is_nobody() {
            Identified::Nobody
        } else {
            Identified::Person(then(person(plan, &number, system)))
        };
    }
    reference::parse(text).map_or(Identified::Nobody, |target| Identified::Person(then(target.input())))
}

/// What a person's number is MACed as. Only an e-CPR takes its system along: those of two regions
/// may be equal.
pub(super) fn person<'a>(plan: &'a Plan, number: &'a cpr::Number, system: u32) -> Input<'a> {
    let ecpr = number.kind == Kind::Ecpr;
    let system = usize::try_from(system).ok().and_then(|at| plan.systems.get(at));
    Input {
        kind: if ecpr { "ecpr" } else { "cpr" },
        resource_type: "",
        system: system.filter(|_| ecpr).map_or("", String::as_str),
        value: number.canonical(),
    }
}
