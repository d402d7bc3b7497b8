//! Rows in the order of their key column: the order of the input can identify.
//!
//! Runs are sorted in memory and staged beside each other, then merged. Rows of one key stay in their order: they
//! are one person's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::cannot;
use super::row::{Cell, Row};
use super::run::RunError;
use super::staged::{Reader, Writer};

/// Bytes of rows that are sorted at once.
const RUN_BYTES: usize = 64 << 20;
/// Runs that are merged at once, each with a block in memory: with a table for each of sixteen threads still half of the
/// usual 1,024 open files.
const MOST_RUNS: usize = 32;
/// Bytes that a row takes in memory beside its texts.
const ROW_BYTES: usize = 96;
/// The same of a cell.
const CELL_BYTES: usize = 24;

/// Writes the rows of `from` into `to`, which must not exist, by the column `key`.
///
/// # Errors
/// The rows cannot be read, or the work directory not be written.
pub fn by_key(columns: usize, key: usize, from: &Path, to: &Path) -> Result<(), RunError> {
    sort(columns, key, from, to, RUN_BYTES)
}

fn sort(columns: usize, key: usize, from: &Path, to: &Path, run_bytes: usize) -> Result<(), RunError> {
    let mut rows = Reader::open(from, columns)?;
    let folder = folder_of_runs(to)?;
    let (mut runs, mut made) = (Vec::new(), 0_usize);
    let (mut run, mut bytes) = (Vec::new(), 0_usize);
    let mut next = || {
        made = made.saturating_add(1);
        folder.join(made.to_string())
    };
    loop {
        let mut row = Row::default();
        let more = rows.read(&mut row)?;
        if more {
            bytes = bytes.saturating_add(size(&row));
            run.push(row);
        }
        if !run.is_empty() && (!more || bytes >= run_bytes) {
            run.sort_by(|one: &Row, other: &Row| key_of(one, key).cmp(&key_of(other, key)));
            let path = next();
            let mut writer = Writer::create(&path, columns)?;
            run.drain(..).try_for_each(|row| writer.push(&row))?;
            writer.finish()?;
            runs.push(path);
            bytes = 0;
        }
        if runs.len() >= MOST_RUNS {
            let path = next();
            merge(columns, key, &runs, &path)?;
            runs = vec![path];
        }
        if !more {
            break;
        }
    }
    merge(columns, key, &runs, to)?;
    Ok(fs::remove_dir(&folder).map_err(cannot("remove", &folder))?)
}

/// An empty folder beside the sorted rows. What a run that was killed left there goes.
fn folder_of_runs(to: &Path) -> Result<PathBuf, RunError> {
    let folder = to.with_extension("runs");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(cannot("remove", &folder)(error).into());
        }
        Ok(()) | Err(_) => {}
    }
    fs::create_dir(&folder).map_err(cannot("make", &folder))?;
    Ok(folder)
}

/// Merges runs into one, and removes them.
fn merge(columns: usize, key: usize, runs: &[PathBuf], to: &Path) -> Result<(), RunError> {
    let mut readers = runs.iter().map(|run| Reader::open(run, columns)).collect::<Result<Vec<_>, _>>()?;
    let mut writer = Writer::create(to, columns)?;
    let mut heads = BinaryHeap::new();
    let refill = |readers: &mut Vec<Reader>, heads: &mut BinaryHeap<_>, number: usize| {
        let mut row = Row::default();
        let more = match readers.get_mut(number) {
            Some(reader) => reader.read(&mut row)?,
            None => false,
        };
        if more {
            let key = row.cells.get(key).cloned().unwrap_or(Cell::Missing);
            heads.push(Reverse((key, number, Held(row))));
        }
        Ok::<(), RunError>(())
    };
    for number in 0..readers.len() {
        refill(&mut readers, &mut heads, number)?;
    }
    while let Some(Reverse((_, number, Held(row)))) = heads.pop() {
        writer.push(&row)?;
        refill(&mut readers, &mut heads, number)?;
    }
    writer.finish()?;
    for run in runs {
        fs::remove_file(run).map_err(cannot("remove", run))?;
    }
    Ok(())
}

/// A row whose order says nothing: there is one of each run in the heap.
struct Held(Row);

impl PartialEq for Held {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, _other: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

fn key_of(row: &Row, key: usize) -> Option<&Cell> {
    row.cells.get(key)
}

/// What a row takes in memory, about.
fn size(row: &Row) -> usize {
    let cells = row.cells.iter().map(|cell| match cell {
        Cell::Missing | Cell::Boolean(_) => CELL_BYTES,
        Cell::Number(text) | Cell::Text(text) => text.len().saturating_add(CELL_BYTES),
    });
    let persons = row.persons.len().saturating_mul(16);
    cells.fold(persons.saturating_add(ROW_BYTES), usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SubjectId;

    #[test]
    fn rows_come_by_key_and_those_of_one_key_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let mut writer = Writer::create(&from, 2).unwrap();
        for number in 0..1000_u32 {
            let key = format!("k{:02}", number.wrapping_mul(37) % 53);
            let cells = vec![Cell::Text(key.into()), Cell::Number(number.to_string().into())];
            writer.push(&Row { cells, persons: vec![SubjectId([7; 16])] }).unwrap();
        }
        writer.finish().unwrap();
        // As a run that was killed would leave it.
        fs::create_dir(folder.path().join("to.runs")).unwrap();
        fs::write(folder.path().join("to.runs/1"), "torn").unwrap();
        // So small that runs are merged more than once.
        sort(2, 0, &from, &to, 400).unwrap();
        let mut reader = Reader::open(&to, 2).unwrap();
        let (mut row, mut seen) = (Row::default(), Vec::new());
        while reader.read(&mut row).unwrap() {
            let [Cell::Text(key), Cell::Number(number)] = row.cells.as_slice() else { panic!() };
            assert_eq!(row.persons, [SubjectId([7; 16])]);
            seen.push((key.to_string(), number.parse::<u32>().unwrap()));
        }
        assert_eq!(seen.len(), 1000);
        assert!(seen.is_sorted());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no run is left");
    }
}
