//! Whose data a record is: what stands at the subject locations, and whether that is a person.

use std::collections::HashMap;
use std::ops::Range;

use super::identifier::Identifier;
use super::links::{Links, is_local};
use super::reference::conditional;
use super::survey::{Heard, Ties, reference};
use crate::cpr;
use crate::ids::{SubjectId, SubjectSet};
use crate::json::Reader;
use crate::judge::{Judge, Judgement};
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
pub(super) struct Noted {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) system: u32,
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

    fn open_record(&self) -> &[Noted] {
        self.noted.get(self.first..).unwrap_or_default()
    }
}

/// What each identifier of the body was judged to be, and whose data leaves. No `Debug`: it holds the identifiers.
#[derive(Default)]
pub(super) struct Judged<'b> {
    /// By identifier system and JSON text, so that one that is repeated is judged once.
    known: HashMap<(u32, &'b str), Seen>,
    /// What was looked up or remembered last, as `known` has it.
    last: Option<((u32, &'b str), Seen)>,
    /// Subjects of the records that leave, each once, in order of appearance.
    disclosed: Vec<SubjectId>,
    listed: SubjectSet,
    /// Whose ids of the document's own are, as the document itself says.
    ties: Ties,
    /// What the body says about who is who, where that is asked for.
    pub(super) heard: Option<Heard>,
}

/// What is remembered of an identifier.
#[derive(Debug, Clone, Copy)]
struct Seen {
    verdict: Verdict,
    /// The number's own id, if it is a person's number.
    number: Option<SubjectId>,
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    /// `null`: as good as absent.
    Absent,
    /// Nobody's identifier, or one whose data does not leave.
    Refused,
    Person(SubjectId),
    /// Whoever the contained resource there is about, as its own subject says; never remembered by
    /// its text, for every resource has its own `#1`, or has none.
    Contained(Span),
}

/// Where a contained resource stands.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
}

impl<'b> Judged<'b> {
    /// Whether the open record may leave: each identifier is that of a person whose data may, and
    /// there is one if there must be.
    pub(super) fn may_leave<J: Judge>(
        &mut self,
        subjects: &Subjects,
        (plan, judge): (&Plan, &J),
        reader: &Reader<'b>,
        links: &mut Links<'b>,
    ) -> bool {
        // Where persons' identifiers stand, and the contained resources that are referred to.
        let (mut persons, mut contained) = (Vec::new(), Vec::new());
        for noted in subjects.open_record() {
            match self.verdict(*noted, (plan, judge), reader, links) {
                Verdict::Absent => {}
                Verdict::Refused => return false,
                Verdict::Person(_) => persons.push(noted.from),
                Verdict::Contained(at) => {
                    contained.push(at);
                }
            }
        }
        persons.sort_unstable();
        let is_tied = |at: &Span| {
            let first = persons.partition_point(|place| *place < at.from);
            persons.get(first).is_some_and(|place| *place < at.to)
        };
        contained.iter().all(is_tied) && (!persons.is_empty() || !subjects.wanted)
    }

    /// What texts meant within one document is not what they mean in another.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.last = None;
    }

    /// The one person that all these identify; `None` if they are several, or none. Of a contained
    /// resource its own subjects tell.
    pub(super) fn only_person<J: Judge>(
        &mut self,
        noted: &[Noted],
        (plan, judge): (&Plan, &J),
        reader: &Reader<'b>,
        links: &mut Links<'b>,
    ) -> Option<SubjectId> {
        let mut only = None;
        for noted in noted {
            match self.verdict(*noted, (plan, judge), reader, links) {
                Verdict::Absent | Verdict::Contained(_) => {}
                Verdict::Person(id) if only.is_none_or(|known| known == id) => only = Some(id),
                Verdict::Refused | Verdict::Person(_) => return None,
            }
        }
        only
    }

    fn verdict<J: Judge>(
        &mut self,
        noted: Noted,
        (plan, judge): (&Plan, &J),
        reader: &Reader<'b>,
        links: &mut Links<'b>,
    ) -> Verdict {
        self.seen(noted, (plan, judge), reader, links).verdict
    }

    /// Hears whose number stands there, if one does, or what reference.
    pub(super) fn hear<J: Judge>(
        &mut self,
        noted: Noted,
        by: (&Plan, &J),
        reader: &Reader<'b>,
        links: &mut Links<'b>,
    ) {
        let number = self.seen(noted, by, reader, links).number;
        if let (Some(heard), Some(id)) = (&mut self.heard, number) {
            heard.number(noted.from, id);
        }
    }

    fn seen<J: Judge>(
        &mut self,
        noted: Noted,
        by: (&Plan, &J),
        reader: &Reader<'b>,
        links: &mut Links<'b>,
    ) -> Seen {
        let key = (noted.system, reader.slice(noted.from, noted.to));
        if let Some(known) = self.remembered(key) {
            return known;
        }
        let seen = judged(by, (&self.ties, &mut self.heard), links, (key.1, &noted));
        // A person is always remembered: what is disclosed is read from here.
        let is_passing = match seen.verdict {
            Verdict::Contained(_) => true,
            Verdict::Refused => is_within(key.1),
            Verdict::Absent | Verdict::Person(_) => false,
        };
        if !is_passing {
            self.known.insert(key, seen);
            self.last = Some((key, seen));
        }
        seen
    }

    /// PERF: each record asks three times for its identifier, and records of one person follow each other: hashing
    /// took 3 % of an exchange of 64 KB.
    fn remembered(&mut self, key: (u32, &'b str)) -> Option<Seen> {
        if let Some((last, seen)) = self.last
            && last == key
        {
            return Some(seen);
        }
        let seen = *self.known.get(&key)?;
        self.last = Some((key, seen));
        Some(seen)
    }

    /// The open record leaves.
    pub(super) fn disclose(&mut self, subjects: &Subjects, reader: &Reader<'b>) {
        for noted in subjects.open_record() {
            let key = (noted.system, reader.slice(noted.from, noted.to));
            if let Some(Seen { verdict: Verdict::Person(id), .. }) = self.remembered(key)
                && self.listed.insert(id)
            {
                self.disclosed.push(id);
            }
        }
    }

    /// The persons of the open record, which leaves.
    pub(super) fn persons(&self, subjects: &Subjects, reader: &Reader<'b>) -> Vec<SubjectId> {
        let person = |noted: &Noted| {
            let seen = self.known.get(&(noted.system, reader.slice(noted.from, noted.to)))?;
            match seen.verdict {
                Verdict::Person(id) => Some(id),
                Verdict::Absent | Verdict::Refused | Verdict::Contained(_) => None,
            }
        };
        subjects.open_record().iter().filter_map(person).collect()
    }

    /// The document says whose ids in it are.
    pub(super) fn tie(&mut self, ties: Ties) {
        self.ties = ties;
    }

    /// The open record leaves, and with it the data of these.
    pub(super) fn disclose_also(&mut self, subjects: Vec<SubjectId>) {
        self.disclosed.extend(subjects.into_iter().filter(|id| self.listed.insert(*id)));
    }

    pub(super) fn len(&self) -> usize {
        self.disclosed.len()
    }

    /// Takes back what was disclosed since there were `len`: the document around is withheld.
    pub(super) fn truncate(&mut self, len: usize) {
        for id in self.disclosed.drain(len.min(self.disclosed.len())..) {
            self.listed.remove(&id);
        }
    }

    pub(super) fn into_disclosed(self) -> Vec<SubjectId> {
        self.disclosed
    }
}

/// Whether a JSON text could refer to what is contained in the resource around it, which says nothing of the
/// same text in another one; an escape may hide the `#`.
fn is_within(json: &str) -> bool {
    json.starts_with("\"#") || json.starts_with("\"\\")
}

fn judged<'b, J: Judge>(
    (plan, judge): (&Plan, &J),
    (ties, heard): (&Ties, &mut Option<Heard>),
    links: &mut Links<'b>,
    (json, noted): (&'b str, &Noted),
) -> Seen {
    let id = |input: Input<'_>| {
        let id = plan.subject_key.id(input);
        (id, heard.as_ref().map(|_| reference(id, input)))
    };
    let mut number = None;
    let judgement = match identify(plan, links, (json, noted.from), noted.system, id) {
        Identified::Contained(at) => Err(Verdict::Contained(Span { from: at.start, to: at.end })),
        Identified::Absent => Err(Verdict::Absent),
        Identified::Nobody => Err(Verdict::Refused),
        Identified::Number((id, _)) => {
            number = Some(id);
            Ok(judge.judge(id, true))
        }
        Identified::Resource((id, reference)) => {
            if let (Some(heard), Some(reference)) = (heard, reference) {
                heard.reference(reference);
            }
            Ok(judge_tied(judge, ties, id))
        }
    };
    let verdict = match judgement {
        Err(verdict) => verdict,
        Ok(Judgement::Person(id)) => Verdict::Person(id),
        Ok(Judgement::Unknown | Judgement::Withheld) => Verdict::Refused,
    };
    Seen { verdict, number }
}

/// Judges an id that the document itself may tie to a person. Where others tie it to another person,
/// nobody can say which of the two is meant.
fn judge_tied<J: Judge>(judge: &J, ties: &Ties, id: SubjectId) -> Judgement {
    let outside = judge.judge(id, false);
    let person = match ties.get(&id) {
        None => return outside,
        Some(None) => return Judgement::Unknown,
        Some(Some(person)) => *person,
    };
    match (outside, judge.judge(person, true)) {
        (Judgement::Withheld, _) => Judgement::Withheld,
        // Whom nobody tied to a number is the id itself.
        (Judgement::Person(one), Judgement::Person(other)) if one != other && one != id => Judgement::Unknown,
        (Judgement::Person(_) | Judgement::Unknown, inside) => inside,
    }
}

/// What stands at a subject location.
pub(super) enum Identified<T> {
    /// A person's number: CPR, replacement CPR or e-CPR.
    Number(T),
    /// A resource, which may be about a person.
    Resource(T),
    /// A resource contained in the one around, by its place.
    Contained(Range<usize>),
    /// `null`: as good as absent.
    Absent,
    /// Something else, or the number that stands for nobody.
    Nobody,
}

/// What the JSON text at a subject location identifies. Some write `Patient\/1`, with an escape.
pub(super) fn identify<T>(
    plan: &Plan,
    links: &mut Links<'_>,
    (json, at): (&str, usize),
    system: u32,
    then: impl FnOnce(Input<'_>) -> T,
) -> Identified<T> {
    if json == "null" {
        return Identified::Absent;
    }
    let content = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let decoded = content.map(super::names::decode);
    if let Some(text) = decoded.as_deref() {
        if let Some(id) = text.strip_prefix('#') {
            let contained = links.contained(at, id);
            return contained.map_or(Identified::Nobody, |(_, at)| Identified::Contained(at));
        }
        if is_local(text) {
            return links.subject(text).map_or(Identified::Nobody, |resource| {
                Identified::Resource(then(resource.target().input()))
            });
        }
        if let Some(one) = conditional(text).filter(|one| !one.number.is_nobody()) {
            return Identified::Number(then(Input::number(&one.number, &one.system)));
        }
    }
    let found = match decoded.as_deref() {
        Some(text) => Identifier::read(text),
        None => cpr::parse_number(json.as_bytes()).map(Identifier::Number),
    };
    let Some(found) = found else { return Identified::Nobody };
    let system = system_of(plan, system);
    match found {
        Identifier::Number(number) if number.is_nobody() => Identified::Nobody,
        Identifier::Number(_) => Identified::Number(then(found.input(system))),
        Identifier::Resource(_) => Identified::Resource(then(found.input(system))),
    }
}

/// The identifier system of a subject location or of a rule, by its number in the plan.
pub(super) fn system_of(plan: &Plan, system: u32) -> &str {
    usize::try_from(system).ok().and_then(|at| plan.systems.get(at)).map_or("", String::as_str)
}
