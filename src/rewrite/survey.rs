//! What a body says about who is who: which identifiers in it are one person's, and which references it
//! would take a registry, or the upstream, to tie to a person. Heard while the body is rewritten, since most
//! bodies have no news, or by looking through it before.
//!
//! What is learnt here is used for the same body at once, and kept only after the body has been
//! rewritten without a fault: a document that is no document says nothing about anybody.

use std::fmt;

use super::document::document_of;
use super::links::Links;
use super::lookahead::{Ahead, Place, resolve};
use super::names::decode;
use super::part::{Parted, Parting};
use super::subjects::{Identified, Noted, identify};
use super::walk::Walk;
use super::{Fault, Rewriter, Rewritten, Watch, lines, utf8};
use crate::ids::{SubjectId, SubjectMap, SubjectSet};
use crate::json::Reader;
use crate::judge::{Judge, Same};
use crate::policy::plan::{Plan, Slot, State};
use crate::pseudonym::Input;

/// What a body says about who is who.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Identifiers of one person.
    pub same: Vec<Same>,
    /// Subjects by reference that the body itself does not tie to a number, each once.
    pub references: Vec<Reference>,
}

/// Whose the ids of one document are, as it says itself; `None` where it says two things.
pub(super) type Ties = SubjectMap<Option<SubjectId>>;

/// A subject that is named by reference.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    /// What the reference is judged by.
    pub id: SubjectId,
    /// The type of the resource.
    pub resource_type: String,
    /// Its id at the upstream: a value from the message, for a look-up there and nothing else.
    pub value: String,
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Surveys a body that is about to be rewritten under `plan`.
///
/// # Errors
/// A [`Fault`], as rewriting would have it. That a survey finds none does not say that the body
/// is good: only rewriting does.
pub fn survey(plan: &Plan, body: &[u8], is_lines: bool) -> Result<Survey, Fault> {
    let text = utf8(body)?;
    let mut collector = Collector::new(plan, &Reader::new(text));
    if is_lines {
        for reader in lines(text) {
            collector.document(plan.root, reader)?;
        }
    } else {
        collector.document(plan.root, Reader::new(text))?;
    }
    Ok(collector.heard.finish())
}

/// Whose the ids are in a decoded document, by what that says itself. They are told to nobody else:
/// whether they are the API's ids, only the API could say.
pub(super) fn ties(plan: &Plan, slot: Slot, document: &Reader<'_>) -> Ties {
    let mut ties = Ties::default();
    let mut collector = Collector::new(plan, document);
    // What is no document, the walk finds.
    if plan.has_aliases && collector.document(slot, document.clone()).is_ok() {
        for Same { alias, person } in collector.heard.survey.same {
            ties.entry(alias)
                .and_modify(|known| *known = known.filter(|known| *known == person))
                .or_insert(Some(person));
        }
    }
    ties
}

/// What was heard so far of who is who.
#[derive(Debug, Default)]
pub(super) struct Heard {
    survey: Survey,
    /// Persons' numbers and aliases that no element around has claimed yet, by their offset.
    open: Vec<(usize, Found)>,
}

#[derive(Debug, Clone, Copy)]
enum Found {
    Number(SubjectId),
    Alias(SubjectId),
}

impl Heard {
    pub(super) fn finish(self) -> Survey {
        let Survey { same, mut references } = self.survey;
        references.sort_by_key(|reference| reference.id);
        references.dedup_by_key(|reference| reference.id);
        let aliases: SubjectSet = same.iter().map(|same| same.alias).collect();
        references.retain(|reference| !aliases.contains(&reference.id));
        Survey { same, references }
    }

    /// A document ends: what nothing around claimed is nobody's.
    pub(super) fn end_document(&mut self) {
        self.open.clear();
    }

    pub(super) fn reference(&mut self, reference: Reference) {
        self.survey.references.push(reference);
    }

    /// A person's number that begins at `from`.
    pub(super) fn number(&mut self, from: usize, id: SubjectId) {
        self.open.push((from, Found::Number(id)));
    }

    /// A value with a state, after all below it: whatever it says but whose number it is.
    pub(super) fn value(&mut self, plan: &Plan, state: &State, place: &Place<'_>) {
        if state.decoded != Slot::Withheld {
            self.decoded(plan, state.decoded, place.text);
        }
        if let Some(id) = state.alias.and_then(|id_type| alias(plan, id_type, place.text)) {
            self.open.push((place.from, Found::Alias(id)));
        }
        if state.alias_scope {
            self.close(place.from);
        }
    }

    /// A decoded document names persons as the body around does; whose its own ids are, is its own.
    fn decoded(&mut self, plan: &Plan, slot: Slot, json: &str) {
        let content = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let Some(text) = content.and_then(|content| document_of(&decode(content))) else { return };
        let mut inner = Collector::new(plan, &Reader::new(&text));
        if inner.document(slot, Reader::new(&text)).is_ok() {
            self.survey.references.extend(inner.heard.finish().references);
        }
    }

    /// An element ends that began at `from`: its aliases are those of its one person. With two
    /// numbers nobody can say whose they are (a child and a guardian), and nothing is learnt.
    fn close(&mut self, from: usize) {
        let first = self.open.partition_point(|(at, _)| *at < from);
        let found = self.open.get(first..).unwrap_or_default();
        let mut numbers = found.iter().filter_map(|(_, found)| match found {
            Found::Number(id) => Some(*id),
            Found::Alias(_) => None,
        });
        if let Some(person) = numbers.next()
            && numbers.all(|other| other == person)
        {
            self.survey.same.extend(found.iter().filter_map(|(_, found)| match found {
                Found::Alias(alias) => Some(Same { alias: *alias, person }),
                Found::Number(_) => None,
            }));
        }
        self.open.truncate(first);
    }
}

/// A subject that is named by reference.
pub(super) fn reference(id: SubjectId, input: Input<'_>) -> Reference {
    Reference {
        id,
        resource_type: input.resource_type.to_owned(),
        value: if input.kind == "id" { input.value.to_owned() } else { String::new() },
    }
}

/// The subject id of an upstream's id: a string without escapes, or a whole number.
fn alias(plan: &Plan, id_type: u32, json: &str) -> Option<SubjectId> {
    let quoted = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let value = quoted.filter(|text| !text.is_empty() && !text.contains('\\')).or_else(|| {
        Some(json).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
    })?;
    let resource_type = plan.id_types.get(usize::try_from(id_type).ok()?)?;
    Some(plan.subject_key.id(Input::id(resource_type, value)))
}

/// Hears a document without rewriting it.
struct Collector<'p, 'b> {
    plan: &'p Plan,
    links: Links<'b>,
    heard: Heard,
}

impl<'p, 'b> Collector<'p, 'b> {
    fn new(plan: &'p Plan, document: &Reader<'b>) -> Self {
        Self { plan, heard: Heard::default(), links: Links::of(document) }
    }

    fn document(&mut self, slot: Slot, mut reader: Reader<'b>) -> Result<(), Fault> {
        self.links = Links::of(&reader);
        reader.whitespace();
        let plan = self.plan;
        let state = resolve(plan, slot, &reader, 0)?;
        let found = |state: &State, place: Place<'_>| self.found(state, &place);
        Ahead { plan, reader, into_records: true, found }.value(state, 0)?;
        self.heard.end_document();
        Ok(())
    }

    fn found(&mut self, state: &State, place: &Place<'_>) {
        if let Some(system) = state.subject {
            let then = |input: Input<'_>| reference(self.plan.subject_key.id(input), input);
            match identify(self.plan, &mut self.links, (place.text, place.from), system, then) {
                Identified::Number(number) => self.heard.number(place.from, number.id),
                Identified::Resource(reference) => self.heard.reference(reference),
                // A contained one says itself whose it is.
                Identified::Contained(_) | Identified::Absent | Identified::Nobody => {}
            }
        }
        self.heard.value(self.plan, state, place);
    }
}

impl<'p, 'b, J: Judge, W: Watch> Walk<'p, 'b, '_, J, W> {
    pub(super) fn survey(&mut self) -> Survey {
        self.judged.heard.take().unwrap_or_default().finish()
    }

    /// Hears what a value says about who is who, after all below it.
    pub(super) fn hear(&mut self, state: &State, place: &Place<'b>) {
        if let Some(system) = state.subject {
            let noted = Noted { from: place.from, to: place.to, system };
            self.judged.hear(noted, (self.plan, self.judge), &self.reader, &mut self.links);
        }
        if let Some(heard) = &mut self.judged.heard {
            heard.value(self.plan, state, place);
        }
    }

    /// Hears a value that began at `from`, and has been read.
    pub(super) fn hear_since(&mut self, state: &State, from: usize) {
        if self.judged.heard.is_some() {
            let to = self.reader.at;
            self.hear(state, &Place { text: self.reader.slice(from, to), from, to });
        }
    }

    /// The same of all that is below the value at the reader's place, and will be passed over: what does
    /// not leave, says it too.
    pub(super) fn hear_below(&mut self, state: Option<&'p State>, depth: u32) -> Result<(), Fault> {
        if self.judged.heard.is_none() || state.is_none_or(|state| state.node.is_none()) {
            return Ok(());
        }
        let (plan, reader, own) = (self.plan, self.reader.clone(), self.reader.at);
        let found = |state: &State, place: Place<'b>| {
            if place.from != own {
                self.hear(state, &place);
            }
        };
        Ahead { plan, reader, into_records: true, found }.value(state, depth)
    }
}

impl<J: Judge> Rewriter<'_, J> {
    /// Rewrites a body as [`run`](Self::run) does, and hears what it says about who is who. It is judged by
    /// what was known before it came: where the survey has news, it has to be rewritten once more.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_and_survey(&self, body: &[u8]) -> Result<(Rewritten, Survey), Fault> {
        let text = utf8(body)?;
        self.counted(|less| {
            let mut nobody = ();
            let mut walk = Walk::new(self, &mut nobody, text, less);
            walk.judged.heard = Some(Heard::default());
            self.through(&mut walk, text)?;
            let survey = walk.survey();
            Ok((walk.finish(), survey))
        })
    }

    /// The same for a part.
    ///
    /// # Errors
    /// As [`part`](Self::part).
    pub fn part_and_survey(&self, body: &[u8], parting: Parting) -> Result<(Parted, Survey), Fault> {
        let mut nobody = ();
        let mut walk = Walk::new(self, &mut nobody, utf8(body)?, 0);
        walk.judged.heard = Some(Heard::default());
        walk.parted(parting)
    }
}
