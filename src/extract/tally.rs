//! What a run counts, and what it passed over.

use serde::{Deserialize, Serialize};

use super::select::CellCounts;
use crate::rewrite::Disclosure;

/// What was disclosed by one route's rules: numbers into the policy's own table, never a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many values each rule let out, by its number.
    pub released_by_rule: Vec<u64>,
    /// Members and elements that did not leave.
    pub withheld: u64,
    /// Values that their rule's action could not take.
    pub unfit: u64,
    /// Withheld for name and address protection; among `withheld`.
    pub address_protected: u64,
    /// CPRs found in kept text and dealt with.
    pub cpr_in_text: u64,
    /// Records that left.
    pub records: u64,
    /// Records withheld whole.
    pub records_withheld: u64,
}

impl Tally {
    pub(super) fn add(&mut self, one: &Disclosure) {
        let other = Self {
            released_by_rule: one.released_by_rule.iter().map(|count| u64::from(*count)).collect(),
            withheld: one.withheld,
            unfit: one.unfit,
            address_protected: one.address_protected,
            cpr_in_text: one.cpr_in_text,
            records: one.records,
            records_withheld: one.records_withheld,
        };
        self.join(&other);
    }

    pub(super) fn join(&mut self, other: &Self) {
        let Self {
            released_by_rule,
            withheld,
            unfit,
            address_protected,
            cpr_in_text,
            records,
            records_withheld,
        } = other;
        if self.released_by_rule.len() < released_by_rule.len() {
            self.released_by_rule.resize(released_by_rule.len(), 0);
        }
        for (own, more) in self.released_by_rule.iter_mut().zip(released_by_rule) {
            *own = own.saturating_add(*more);
        }
        for (own, more) in [
            (&mut self.withheld, withheld),
            (&mut self.unfit, unfit),
            (&mut self.address_protected, address_protected),
            (&mut self.cpr_in_text, cpr_in_text),
            (&mut self.records, records),
            (&mut self.records_withheld, records_withheld),
        ] {
            *own = own.saturating_add(*more);
        }
    }
}

/// All that a run counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// By the extract's routes, in their order.
    pub routes: Vec<Tally>,
    /// Rows, by table.
    pub rows: Vec<u64>,
    /// What became of values, by table and column.
    pub cells: Vec<Vec<CellCounts>>,
    /// Lines and documents that could not be rewritten.
    pub skipped: u64,
    /// Bytes read.
    pub bytes: u64,
}

impl Counts {
    /// Adds those of another partition.
    pub(super) fn join(&mut self, other: &Self) {
        let Self { routes, rows, cells, skipped, bytes } = other;
        let routes_of = self.routes.len().max(routes.len());
        self.routes.resize(routes_of, Tally::default());
        for (own, more) in self.routes.iter_mut().zip(routes) {
            own.join(more);
        }
        self.rows.resize(self.rows.len().max(rows.len()), 0);
        for (own, more) in self.rows.iter_mut().zip(rows) {
            *own = own.saturating_add(*more);
        }
        self.cells.resize(self.cells.len().max(cells.len()), Vec::new());
        for (own, more) in self.cells.iter_mut().zip(cells) {
            own.resize(own.len().max(more.len()), CellCounts::default());
            own.iter_mut().zip(more).for_each(|(own, more)| own.add(*more));
        }
        self.skipped = self.skipped.saturating_add(*skipped);
        self.bytes = self.bytes.saturating_add(*bytes);
    }
}

/// A line or document that could not be rewritten: where, never what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) input: usize,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) why: String,
}
