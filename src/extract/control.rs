//! Disclosure control: k-anonymity over the quasi-identifiers that the policy declares, on the whole
//! extract, before any of it leaves.
//!
//! It stands between the rewriter, whose rows wait on disk, and the files for the recipient. What is
//! counted are *persons*, not rows: a class of a hundred rows may be one person's. Memory is bounded
//! however large the extract is (`sort`); everything that it writes is in the work directory and goes
//! with it.
//!
//! | step | where |
//! |---|---|
//! | quasi-identifiers and persons of each row, nothing else | `reduced` |
//! | classes of each table | `classes` |
//! | what tables that share a key say of one person together | `persons` |
//! | which ladder rungs, or how much suppression, would reach k | `search` |
//! | rows that leave are made coarser, or left out | `apply` |
//!
//! What must never happen here: rows that leave although the count after enforcement did not reach k;
//! a report that shows a pseudonym, a subject id, or a column that is no quasi-identifier.

mod apply;
mod classes;
mod coarse;
mod examined;
mod persons;
mod reduced;
mod search;
mod tally;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use self::classes::Levels;
use self::reduced::Reduced;
use super::sort::{RUN_BYTES, SortError};
use super::staged::StagedError;
use crate::policy::checked::extract::{Coarser, Enforce, Table as Description};
use crate::reports::{Enforced, Examined, Way};

/// A table whose rows are staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its staged rows: one file, or those of several partitions, in their order.
    pub staged: Vec<PathBuf>,
    /// How many columns a row has.
    pub columns: usize,
    /// The quasi-identifiers.
    pub quasi: Vec<Quasi>,
    /// The column of its first key, from 0: by it its rows can be put together, and with those of other
    /// tables that have one.
    pub key: Option<usize>,
    /// What enforcement may do.
    pub rule: Enforce,
}

/// A quasi-identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quasi {
    /// Which column, from 0.
    pub column: usize,
    /// Its name.
    pub name: String,
    /// Coarser forms, each coarser than the one before. Above the last the value is missing.
    pub ladder: Vec<Coarser>,
}

impl Table {
    /// A policy's table, whose rows are staged in these files.
    #[must_use]
    pub fn of(table: &Description, staged: Vec<PathBuf>) -> Self {
        let quasi = table.columns.iter().enumerate().filter(|(_, column)| column.quasi_identifier);
        Self {
            name: table.name.clone(),
            staged,
            columns: table.columns.len(),
            quasi: quasi
                .map(|(number, column)| Quasi {
                    column: number,
                    name: column.name.clone(),
                    ladder: column.coarsen.clone(),
                })
                .collect(),
            key: table.keys().next(),
            rule: table.enforce,
        }
    }

    /// A table that has no quasi-identifier and that nothing links says nothing that can be counted.
    const fn is_examined(&self) -> bool {
        !self.quasi.is_empty() || self.key.is_some()
    }
}

/// How to examine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many persons must share each combination.
    pub k: u32,
    /// How many of the rarest combinations a report shows.
    pub rarest: usize,
    /// Bytes that one sort holds in memory; up to four are alive at a time.
    pub run_bytes: usize,
    /// Persons that share a record with another, at most: some 100 bytes each in memory.
    pub most_together: usize,
    /// Nodes of the lattice of ladders that are tried at most; each is a pass over the extract.
    pub most_nodes: usize,
}

impl Settings {
    /// What an officer can read, and a small machine can hold.
    #[must_use]
    pub const fn new(k: u32) -> Self {
        Self { k, rarest: 20, run_bytes: RUN_BYTES, most_together: 1 << 20, most_nodes: 96 }
    }
}

/// Why an extract cannot be examined, or k cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The staged rows cannot be read or written.
    #[error(transparent)]
    Staged(#[from] StagedError),
    /// The work directory fails.
    #[error(transparent)]
    Work(#[from] SortError),
    /// More persons share records than are told apart.
    #[error(
        "more than {most} persons share their record with another, and whom a row is about is not known: let the route's `record` hold one person each"
    )]
    Together {
        /// The bound.
        most: usize,
    },
    /// More tables than a number of two bytes tells apart.
    #[error("an extract has at most 65535 tables")]
    Tables,
    /// No rung of the ladders is coarse enough.
    #[error(
        "`{table}` cannot reach k by its ladders with at most {most_suppressed} % of its rows suppressed: add coarser rungs, raise `most-suppressed`, or use `enforce = \"suppress\"`"
    )]
    Unreachable {
        /// The table.
        table: String,
        /// What the policy allows.
        most_suppressed: u32,
    },
    /// What was enforced does not hold: never the recipient's fault or the author's.
    #[error("after enforcement k is not met: nothing leaves; this is a fault of tavs, please report it")]
    NotReached,
}

/// Counts who shares what, over all tables.
///
/// # Errors
/// The staged rows or the work directory fail; too many persons share records.
pub fn examine(tables: &[Table], settings: &Settings, work: &Path) -> Result<Examined, ControlError> {
    let reduced = Reduced::make(tables, settings, work)?;
    examined::examine(&reduced, &Levels::finest(tables), settings)
}

/// Which ways would reach k and what each costs, the cheapest first: suppression alone, and ladders with
/// suppression of the rest. Whatever the policy lets enforcement do: this is advice.
///
/// # Errors
/// As [`examine`].
pub fn ways(tables: &[Table], settings: &Settings, work: &Path) -> Result<Vec<Way>, ControlError> {
    search::ways(&Reduced::make(tables, settings, work)?, settings)
}

/// Makes rows that reach k: writes each examined table anew, by its rule, into the files of `output`
/// (which must not exist yet, one for each table; tables that are not examined are copied), and counts
/// again what is in them.
///
/// Enforcing what reaches k already changes nothing.
///
/// # Errors
/// As [`examine`]; the ladders do not suffice; after enforcement k is not met.
pub fn enforce(
    tables: &[Table],
    settings: &Settings,
    work: &Path,
    output: &[PathBuf],
) -> Result<Enforced, ControlError> {
    let way = {
        let reduced = Reduced::make(tables, settings, work)?;
        let (levels, way) = search::choose(&reduced, settings)?;
        apply::apply(&reduced, &levels, settings, output)?;
        way
    };
    let written: Vec<Table> = tables
        .iter()
        .zip(output)
        .map(|(table, path)| Table { staged: vec![path.clone()], ..table.clone() })
        .collect();
    let after = examine(&written, settings, work)?;
    if after.met { Ok(Enforced { way, after }) } else { Err(ControlError::NotReached) }
}
