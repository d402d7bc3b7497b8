//! Counts the persons of each equivalence class, and finds the rows that must go.
//!
//! Two things are examined. In each *table* the rows with one combination of quasi-identifiers are a
//! class. And as tables with a key say which rows are one person's, what a recipient can put together
//! of a person is a class too ([`persons`](super::persons)).

use sha2::{Digest as _, Sha256};

use super::coarse::at_level;
use super::persons::{Held, Persons, Set};
use super::reduced::{NOBODY, Owner, Reduced};
use super::tally::{Group, Tally, keep_rarest};
use super::{ControlError, Settings, Table};
use crate::extract::row::Cell;
use crate::extract::sort::{Sorted, Sorter, join, part};
use crate::extract::staged::write_cell;

/// A class: the first bytes of the SHA-256 of its values, the same in every run.
pub(super) type Class = [u8; 16];

/// A level for each quasi-identifier of each table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Levels(pub(super) Vec<Vec<usize>>);

impl Levels {
    /// Everything as it is.
    pub(super) fn finest(tables: &[Table]) -> Self {
        Self(tables.iter().map(|table| vec![0; table.quasi.len()]).collect())
    }

    pub(super) fn of(&self, table: usize) -> &[usize] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }
}

/// `class unit row holder`, as bytes that sort in that order.
const ROW: usize = 56;

/// What a pass over all tables counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Of each table, in the order of the policy.
    pub(super) tables: Vec<TableCounted>,
    /// Of the sets of combinations that persons have, over the tables that a key links.
    pub(super) linked: Tally,
    /// Persons in linked tables, before anything is taken away by their sets.
    pub(super) persons: u64,
    /// Persons in linked tables when everything is gone that must.
    pub(super) persons_left: u64,
    /// The rarest sets, each with the first classes in it.
    pub(super) rarest: Vec<(Group, Set)>,
}

#[derive(Debug, Default)]
pub(super) struct TableCounted {
    pub(super) tally: Tally,
    pub(super) rows: u64,
    pub(super) of_nobody: u64,
    pub(super) persons: u64,
    /// Rows that must go.
    pub(super) gone: u64,
    pub(super) rarest: Vec<Group>,
}

impl Counted {
    /// A row must go.
    pub(super) fn go(&mut self, table: usize, row: u64, gone: &mut Gone<'_>) -> Result<(), ControlError> {
        if let Some(table) = self.tables.get_mut(table) {
            table.gone = table.gone.saturating_add(1);
        }
        gone(table, row)
    }
}

/// Takes the number of a table, and of a row that must go.
pub(super) type Gone<'a> = dyn FnMut(usize, u64) -> Result<(), ControlError> + 'a;

/// Counts what is there, and takes nothing away.
pub(super) fn count(
    reduced: &Reduced<'_>,
    levels: &Levels,
    settings: &Settings,
) -> Result<Counted, ControlError> {
    Pass { reduced, levels, settings, suppress: false }.run(&mut |_table, _row| Ok(()))
}

/// Finds the rows that must go for k to be reached; each is told once, in no order.
pub(super) fn suppress(
    reduced: &Reduced<'_>,
    levels: &Levels,
    settings: &Settings,
    gone: &mut Gone<'_>,
) -> Result<Counted, ControlError> {
    Pass { reduced, levels, settings, suppress: true }.run(gone)
}

#[derive(Clone, Copy)]
struct Pass<'a> {
    reduced: &'a Reduced<'a>,
    levels: &'a Levels,
    settings: &'a Settings,
    suppress: bool,
}

impl<'a> Pass<'a> {
    fn run(self, gone: &mut Gone<'_>) -> Result<Counted, ControlError> {
        let mut counted = Counted::default();
        let mut held = Held::new(self.reduced, self.settings);
        for (number, table) in self.reduced.tables.iter().enumerate() {
            counted.tables.push(self.table(number, table, &mut held, gone)?);
        }
        let persons = Persons::new(self.reduced, self.settings, held);
        if self.suppress {
            persons.suppress(&mut counted, gone)?;
        } else {
            persons.count(&mut counted)?;
        }
        Ok(counted)
    }

    /// Counts the classes of one table, and hands on the rows that stay.
    fn table(
        self,
        number: usize,
        table: &Table,
        held: &mut Held<'_>,
        gone: &mut Gone<'_>,
    ) -> Result<TableCounted, ControlError> {
        let mut counted = TableCounted::default();
        let mut sorter = Sorter::<ROW>::new(self.reduced.work, self.settings.run_bytes);
        let levels = self.levels.of(number);
        let mut coded = Vec::new();
        self.reduced.each(number, |cells, owner| {
            let row = counted.rows;
            counted.rows = row.saturating_add(1);
            counted.of_nobody = counted.of_nobody.saturating_add(u64::from(owner.unit == NOBODY));
            if table.quasi.is_empty() {
                return held.push(owner, number, None, row);
            }
            let class = class_of(cells, table, levels, &mut coded);
            Ok(sorter.push(join([&class, &owner.unit, &row.to_be_bytes(), &owner.holder]))?)
        })?;
        let sorted = sorter.finish();
        let small = self.classes(&sorted, &mut counted)?;
        let mut at = small.cursor();
        for record in sorted.records()? {
            let (class, owner, row) = fields(&record?);
            if at.is_marked(&class) && self.suppress {
                counted.gone = counted.gone.saturating_add(1);
                gone(number, row)?;
            } else {
                held.push(owner, number, Some(class), row)?;
            }
        }
        Ok(counted)
    }

    /// Counts the classes, and gives which of them too few persons share.
    fn classes(self, sorted: &Sorted<'_, ROW>, counted: &mut TableCounted) -> Result<Marks, ControlError> {
        let k = u64::from(self.settings.k);
        let mut small = Marks::default();
        let mut open: Option<Group> = None;
        let mut before = NOBODY;
        let mut close = |group: Group| {
            small.push(group.persons < k);
            counted.tally.add(&group, k);
            keep_rarest(&mut counted.rarest, group, self.settings.rarest);
        };
        for record in sorted.records()? {
            let (class, Owner { unit, .. }, _row) = fields(&record?);
            if open.as_ref().is_none_or(|group| group.class != class) {
                open.replace(Group { class, ..Group::default() }).into_iter().for_each(&mut close);
                before = NOBODY;
            }
            if let Some(group) = &mut open {
                // Rows of nobody come first in a class, and count for nobody.
                group.persons = group.persons.saturating_add(u64::from(unit != before));
                group.rows = group.rows.saturating_add(1);
            }
            before = unit;
        }
        open.into_iter().for_each(close);
        Ok(small)
    }
}

fn fields(record: &[u8; ROW]) -> (Class, Owner, u64) {
    let owner = Owner { unit: part(record, 16), holder: part(record, 40) };
    (part(record, 0), owner, u64::from_be_bytes(part(record, 32)))
}

/// The class of a row; `coded` is memory that is used again.
pub(super) fn class_of(cells: &[Cell], table: &Table, levels: &[usize], coded: &mut Vec<u8>) -> Class {
    coded.clear();
    for ((cell, quasi), level) in cells.iter().zip(&table.quasi).zip(levels) {
        if *level == 0 {
            write_cell(cell, coded);
        } else {
            write_cell(&at_level(cell, &quasi.ladder, *level), coded);
        }
    }
    part(&Sha256::digest(&*coded), 0)
}

/// A bit for each class, in their order: all that is held in memory of all classes at once.
#[derive(Default)]
pub(super) struct Marks {
    words: Vec<u64>,
    count: usize,
}

impl Marks {
    pub(super) fn push(&mut self, mark: bool) {
        let bit = self.count % 64;
        if bit == 0 {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(mark) << bit;
        }
        self.count = self.count.saturating_add(1);
    }

    pub(super) const fn cursor(&self) -> Cursor<'_> {
        Cursor { marks: self, open: None, next: 0 }
    }
}

/// Goes through records whose classes are in the order of the marks.
pub(super) struct Cursor<'a> {
    marks: &'a Marks,
    open: Option<Class>,
    /// The number of the class after the one that is open.
    next: usize,
}

impl Cursor<'_> {
    /// Whether the class of the next record is marked.
    pub(super) fn is_marked(&mut self, class: &Class) -> bool {
        if self.open != Some(*class) {
            self.open = Some(*class);
            self.next = self.next.saturating_add(1);
        }
        let number = self.next.saturating_sub(1);
        self.marks.words.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}
