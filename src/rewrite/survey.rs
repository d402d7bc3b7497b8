//! Looks through a body before it is rewritten: which identifiers in it are one person's, and
//! which references it would take a registry, or the upstream, to tie to a person.
//!
//! What is learnt here is used for the same body at once, and kept only after the body has been
//! rewritten without a fault: a document that is no document says nothing about anybody.

use std::fmt;

use super::document::document_of;
use super::links::Links;
use super::lookahead::{Ahead, Place, resolve};
use super::names::decode;
use super::subjects::{Identified, identify};
use super::{Fault, lines, utf8};
use crate::ids::{SubjectId, SubjectMap, SubjectSet};
use crate::json::Reader;
use crate::judge::Same;
use crate::policy::plan::{Plan, Slot, State};
use crate::pseudonym::Input;

/// What a body says about who is who.
#[derive(Debug, Default)]
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
    Ok(collector.finish())
}

/// Whose the ids are in a decoded document, by what that says itself. They are told to nobody else:
/// whether they are the API's ids, only the API could say.
pub(super) fn ties(plan: &Plan, slot: Slot, document: &Reader<'_>) -> Ties {
    let mut ties = Ties::default();
    let mut collector = Collector::new(plan, document);
    // What is no document, the walk finds.
    if plan.has_aliases && collector.document(slot, document.clone()).is_ok() {
        for Same { alias, person } in collector.survey.same {
            ties.entry(alias)
                .and_modify(|known| *known = known.filter(|known| *known == person))
                .or_insert(Some(person));
        }
    }
    ties
}

struct Collector<'p, 'b> {
    plan: &'p Plan,
    links: Links<'b>,
    survey: Survey,
    /// Persons' numbers and aliases that no element around has claimed yet, by their offset.
    open: Vec<(usize, Found)>,
}

#[derive(Clone, Copy)]
enum Found {
    Number(SubjectId),
    Alias(SubjectId),
}

impl<'p, 'b> Collector<'p, 'b> {
    fn new(plan: &'p Plan, document: &Reader<'b>) -> Self {
        Self { plan, survey: Survey::default(), open: Vec::new(), links: Links::of(document) }
    }

    fn finish(self) -> Survey {
        let Survey { same, mut references } = self.survey;
        references.sort_by_key(|reference| reference.id);
        references.dedup_by_key(|reference| reference.id);
        let aliases: SubjectSet = same.iter().map(|same| same.alias).collect();
        references.retain(|reference| !aliases.contains(&reference.id));
        Survey { same, references }
    }

    /// A decoded document names persons as the body around does; whose its own ids are, is its own.
    fn decoded(&mut self, slot: Slot, json: &str) {
        let content = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let Some(text) = content.and_then(|content| document_of(&decode(content))) else { return };
        let mut inner = Collector::new(self.plan, &Reader::new(&text));
        if inner.document(slot, Reader::new(&text)).is_ok() {
            self.survey.references.extend(inner.finish().references);
        }
    }

    fn document(&mut self, slot: Slot, mut reader: Reader<'b>) -> Result<(), Fault> {
        self.links = Links::of(&reader);
        reader.whitespace();
        let plan = self.plan;
        let state = resolve(plan, slot, &reader, 0)?;
        let found = |state: &State, place: Place<'_>| self.found(state, &place);
        Ahead { plan, reader, into_records: true, found }.value(state, 0)?;
        self.open.clear();
        Ok(())
    }

    fn found(&mut self, state: &State, place: &Place<'_>) {
        if state.decoded != Slot::Withheld {
            self.decoded(state.decoded, place.text);
        }
        if let Some(system) = state.subject {
            let reference = |input: Input<'_>| Reference {
                id: self.plan.subject_key.id(input),
                resource_type: input.resource_type.to_owned(),
                value: if input.kind == "id" { input.value.to_owned() } else { String::new() },
            };
            match identify(self.plan, &mut self.links, (place.text, place.from), system, reference) {
                Identified::Number(number) => self.open.push((place.from, Found::Number(number.id))),
                Identified::Resource(reference) => self.survey.references.push(reference),
                // A contained one says itself whose it is.
                Identified::Contained(_) | Identified::Absent | Identified::Nobody => {}
            }
        }
        if let Some(id) = state.alias.and_then(|id_type| self.alias(id_type, place.text)) {
            self.open.push((place.from, Found::Alias(id)));
        }
        if state.alias_scope {
            self.close(place.from);
        }
    }

    /// The subject id of an upstream's id: a string without escapes, or a whole number.
    fn alias(&self, id_type: u32, json: &str) -> Option<SubjectId> {
        let quoted = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let value = quoted.filter(|text| !text.is_empty() && !text.contains('\\')).or_else(|| {
            Some(json).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        })?;
        let resource_type = self.plan.id_types.get(usize::try_from(id_type).ok()?)?;
        Some(self.plan.subject_key.id(Input::id(resource_type, value)))
    }

    /// An element ends that began at `from`: its aliases are those of its one person. With two
    /// numbers nobody can say whose they are (a child and a guardian), and nothing is learnt.
    fn close(&mut self, from: usize) {
        let first = self.open.partition_point(|(at, _)| *at < from);
        let found: Vec<Found> = self.open.drain(first..).map(|(_, found)| found).collect();
        let mut numbers = found.iter().filter_map(|found| match found {
            Found::Number(id) => Some(*id),
            Found::Alias(_) => None,
        });
        let Some(person) = numbers.next() else { return };
        if numbers.any(|other| other != person) {
            return;
        }
        self.survey.same.extend(found.iter().filter_map(|found| match found {
            Found::Alias(alias) => Some(Same { alias: *alias, person }),
            Found::Number(_) => None,
        }));
    }
}
