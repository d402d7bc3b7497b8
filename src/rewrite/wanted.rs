//! Which values of a body have to have a pseudonym before it is rewritten, where pseudonyms stand in the
//! store (the scheme `table`): the very walk that rewrites it, with a placeholder in the place of each.
//!
//! Exact by that: a value is wanted if, and only if, it would leave, under the same plan and the same
//! judge. What is wanted of a record goes back when the record is withheld, so that nobody who is
//! withheld gets a pseudonym. What the walk writes is dropped.

use std::collections::HashMap;

use super::walk::Walk;
use super::{Fault, FaultKind, Rewriter, Watch, utf8};
use crate::ids::SubjectId;
use crate::judge::Judge;
use crate::pseudonym::{Blind, Input, Table, Wanted};

/// Values of a body times the persons of their record, which the store has to keep: a record of a thousand
/// persons with a telephone number each comes to as many, in 16 MiB. A list of persons names its records.
const MOST_TIES: usize = 1 << 20;

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
    listed: HashMap<Blind, usize>,
    /// Each meeting with a value that names nobody by itself, by its place in `wanted`: whose record it
    /// stood in, is known when that ends.
    met: Vec<usize>,
    /// Values times persons so far.
    ties: usize,
}

/// How far the collection was.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Mark {
    wanted: usize,
    met: usize,
}

impl Collected {
    fn want(&mut self, by_value: Blind, input: Input<'_>, own: SubjectId) {
        let place = *self.listed.entry(by_value).or_insert_with(|| {
            self.wanted.push(Wanted {
                by_value,
                kind: input.kind.to_owned(),
                resource_type: input.resource_type.to_owned(),
                system: input.system.to_owned(),
                value: input.value.to_owned(),
                subjects: vec![own],
            });
            self.wanted.len().saturating_sub(1)
        });
        if self.wanted.get(place).is_some_and(|one| !one.identifies()) {
            self.met.push(place);
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { wanted: self.wanted.len(), met: self.met.len() }
    }

    /// Takes back what was met since: it does not leave.
    pub(super) fn truncate(&mut self, since: Mark) {
        for one in self.wanted.drain(since.wanted.min(self.wanted.len())..) {
            self.listed.remove(&one.by_value);
        }
        self.met.truncate(since.met);
    }

    /// A record leaves of which some values were met since then: a telephone number, which names no person
    /// or resource by itself, is that of the record's persons, whoever had it before.
    pub(super) fn belong(&mut self, since: Mark, mut persons: Vec<SubjectId>) {
        persons.sort_unstable();
        persons.dedup();
        let mut met: Vec<usize> = self.met.get(since.met..).unwrap_or_default().to_vec();
        met.sort_unstable();
        met.dedup();
        self.ties = self.ties.saturating_add(met.len().saturating_mul(persons.len()));
        if self.ties > MOST_TIES {
            return;
        }
        for place in met {
            if let Some(one) = self.wanted.get_mut(place) {
                one.subjects.extend_from_slice(&persons);
            }
        }
    }
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// The open record leaves, and what was wanted of it.
    pub(super) fn belong(&mut self, since: Mark) {
        if let Some(collected) = &mut self.collected {
            collected.belong(since, self.judged.persons(&self.subjects, &self.reader));
        }
    }

    /// Which pseudonyms are wanted so far.
    pub(super) fn wanted(&self) -> Mark {
        self.collected.as_ref().map_or_else(Mark::default, Collected::mark)
    }

    /// Takes back what was wanted since then.
    pub(super) fn unwant(&mut self, since: Mark) {
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
        let Collected { wanted, ties, .. } = walk.collected.take().unwrap_or_default();
        if ties > MOST_TIES {
            return Err(Fault { kind: FaultKind::TooManyTies, offset: 0 });
        }
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
