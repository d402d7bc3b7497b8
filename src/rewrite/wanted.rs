//! Which values of a body have to have a pseudonym before it is rewritten, where pseudonyms stand in the
//! store (the scheme `table`): the very walk that rewrites it, with a placeholder in the place of each.
//!
//! Exact by that: a value is wanted if, and only if, it would leave, under the same plan and the same
//! judge. What is wanted of a record goes back when the record is withheld, so that nobody who is
//! withheld gets a pseudonym. What the walk writes is dropped.

use std::collections::HashSet;

use super::walk::Walk;
use super::{Fault, Rewriter, Watch, utf8};
use crate::ids::SubjectId;
use crate::judge::Judge;
use crate::pseudonym::{Blind, Input, Table, Wanted};

/// What a body needs.
#[derive(Debug)]
pub struct Needs {
    /// Values that leave, each once.
    pub wanted: Vec<Wanted>,
    /// As of [`Rewritten`](super::Rewritten).
    pub document_withheld: bool,
}

/// Values met so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    wanted: Vec<Wanted>,
    listed: HashSet<Blind>,
}

impl Collected {
    fn want(&mut self, by_value: Blind, input: Input<'_>, own: SubjectId) {
        if self.listed.insert(by_value) {
            self.wanted.push(Wanted {
                by_value,
                kind: input.kind.to_owned(),
                resource_type: input.resource_type.to_owned(),
                system: input.system.to_owned(),
                value: input.value.to_owned(),
                subjects: vec![own],
            });
        }
    }

    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Takes back what was met since there were `len`: it does not leave.
    pub(super) fn truncate(&mut self, len: usize) {
        for one in self.wanted.drain(len.min(self.wanted.len())..) {
            self.listed.remove(&one.by_value);
        }
    }

    /// A record leaves of which some values were met since there were `len`: a telephone number, which
    /// names no person or resource by itself, is that of the record's persons.
    pub(super) fn belong(&mut self, len: usize, persons: &[SubjectId]) {
        for one in self.wanted.iter_mut().skip(len).filter(|one| !one.identifies()) {
            one.subjects.extend_from_slice(persons);
        }
    }
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// The open record leaves, and what was wanted of it.
    pub(super) fn belong(&mut self, since: usize) {
        if let Some(collected) = &mut self.collected {
            collected.belong(since, &self.judged.persons(&self.subjects, &self.reader));
        }
    }

    /// How many pseudonyms are wanted so far.
    pub(super) fn wanted(&self) -> usize {
        self.collected.as_ref().map_or(0, Collected::len)
    }

    /// Takes back what was wanted since then.
    pub(super) fn unwant(&mut self, since: usize) {
        if let Some(collected) = &mut self.collected {
            collected.truncate(since);
        }
    }

    /// Writes the pseudonym that was looked up; `false` if there is none.
    pub(super) fn write_from_table(&mut self, table: &Table, input: Input<'_>) -> bool {
        let by_value = table.by_value(input);
        let drawn = match &mut self.collected {
            Some(collected) => {
                collected.want(by_value, input, self.plan.subject_key.id(input));
                // No two values have the same: also in names, where two alike would be a fault.
                Some(by_value)
            }
            None => self.known.of(&by_value).copied(),
        };
        drawn.is_some_and(|drawn| {
            self.plan.pseudonymiser.write_drawn(&drawn, &mut self.out);
            true
        })
    }
}

impl<J: Judge> Rewriter<'_, J> {
    /// What [`run`](Self::run) needs to know for a body.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn needs(&self, body: &[u8]) -> Result<Needs, Fault> {
        let text = utf8(body)?;
        let mut watch = ();
        let mut walk = Walk::new(self, &mut watch, text, 0);
        walk.collected = Some(Collected::default());
        self.through(&mut walk, text)?;
        let wanted = walk.collected.take().unwrap_or_default().wanted;
        let document_withheld = walk.finish().document_withheld;
        Ok(Needs { wanted, document_withheld })
    }

    /// What [`url`](Self::url) needs to know for the URL of a header field.
    #[must_use]
    pub fn needs_of_url(&self, url: &str) -> Vec<Wanted> {
        let mut watch = ();
        let mut walk = Walk::new(self, &mut watch, "", 0);
        walk.collected = Some(Collected::default());
        let made = walk.url_of_route(url);
        let collected = walk.collected.take().unwrap_or_default();
        if made.is_some() { collected.wanted } else { Vec::new() }
    }
}
