//! Writes each table's rows anew: columns at their levels, without the rows that must go.

use std::path::{Path, PathBuf};

use super::classes::{Levels, suppress};
use super::coarse::at_level;
use super::reduced::Reduced;
use super::{ControlError, Settings, Table};
use crate::extract::row::Row;
use crate::extract::sort::{Records, Sorter, join, part};
use crate::extract::staged::{Reader, Writer};

/// `table row`, as bytes that sort in that order.
const GONE: usize = 10;

pub(super) fn apply(
    reduced: &Reduced<'_>,
    levels: &Levels,
    settings: &Settings,
    output: &[PathBuf],
) -> Result<(), ControlError> {
    let mut gone = Sorter::<GONE>::new(reduced.work, settings.run_bytes);
    suppress(reduced, levels, settings, &mut |table, row| {
        let table = u16::try_from(table).map_err(|_too_many| ControlError::Tables)?;
        Ok(gone.push(join([&table.to_be_bytes(), &row.to_be_bytes()]))?)
    })?;
    let gone = gone.finish();
    let mut gone = Next::of(gone.records()?)?;
    for (number, (table, path)) in reduced.tables.iter().zip(output).enumerate() {
        write(number, table, levels.of(number), path, &mut gone)?;
    }
    Ok(())
}

/// The next row that must go.
struct Next<'a> {
    rest: Records<'a, GONE>,
    next: Option<(usize, u64)>,
}

impl<'a> Next<'a> {
    fn of(rest: Records<'a, GONE>) -> Result<Self, ControlError> {
        let mut next = Self { rest, next: None };
        next.step()?;
        Ok(next)
    }

    fn step(&mut self) -> Result<(), ControlError> {
        self.next = self.rest.next().transpose()?.map(|record| {
            (usize::from(u16::from_be_bytes(part(&record, 0))), u64::from_be_bytes(part(&record, 2)))
        });
        Ok(())
    }
}

fn write(
    number: usize,
    table: &Table,
    levels: &[usize],
    path: &Path,
    gone: &mut Next<'_>,
) -> Result<(), ControlError> {
    let mut out = Writer::create(path, table.columns)?;
    let mut row = Row::default();
    let mut at = 0_u64;
    for part in &table.staged {
        let mut rows = Reader::open(part, table.columns)?;
        while rows.read(&mut row)? {
            if gone.next == Some((number, at)) {
                gone.step()?;
            } else {
                for (quasi, level) in table.quasi.iter().zip(levels) {
                    if let Some(cell) = row.cells.get_mut(quasi.column) {
                        *cell = at_level(cell, &quasi.ladder, *level);
                    }
                }
                out.push(&row)?;
            }
            at = at.saturating_add(1);
        }
    }
    Ok(out.finish()?)
}
