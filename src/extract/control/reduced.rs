//! What disclosure control needs of the staged rows and nothing more: the quasi-identifiers of each row,
//! and whose it is.
//!
//! k counts *persons*, so a row must be one person's. Where a record is about several (a child and a
//! guardian), which of them the quasi-identifiers describe is not known; all persons of such records
//! count as one then, over the whole extract. That is never too many: whom different rows describe can
//! only be one person if some records hold the persons of both.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{ControlError, Settings, Table};
use crate::extract::row::{Cell, Row};
use crate::extract::sort::{SortError, part};
use crate::extract::staged::{Reader, Writer, write_cell};
use crate::ids::SubjectId;

/// The bytes of one person, or of persons that are counted as one; zeros: nobody is known.
pub(super) type Unit = [u8; 16];
/// A row that is about nobody who is known counts for nobody.
pub(super) const NOBODY: Unit = [0; 16];

/// Whose a row is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// Who is counted.
    pub(super) unit: Unit,
    /// Whose rows the recipient can put together: the person, or where several are counted as one, the key.
    pub(super) holder: Unit,
}

/// The reduced rows of all tables.
pub(super) struct Reduced<'a> {
    pub(super) tables: &'a [Table],
    pub(super) work: &'a Path,
    /// A file for each table that is examined, by the table's number; rows with their [`Owner`] for persons.
    files: tempfile::TempDir,
    /// Persons that are counted as one with others.
    pub(super) together: u64,
}

impl<'a> Reduced<'a> {
    pub(super) fn make(
        tables: &'a [Table],
        settings: &Settings,
        work: &'a Path,
    ) -> Result<Self, ControlError> {
        let files = tempfile::Builder::new().prefix("control-").tempdir_in(work);
        let files = files.map_err(|error| SortError { path: work.to_owned(), error })?;
        let examined = || tables.iter().enumerate().filter(|(_, table)| table.is_examined());
        let mut together = Together { lead: HashMap::new(), most: settings.most_together };
        for (_, table) in examined() {
            together.learn_all(table)?;
        }
        for (number, table) in examined() {
            reduce(table, &file(&files, number), &together)?;
        }
        Ok(Self { tables, work, files, together: together.lead.len() as u64 })
    }

    /// Goes through the quasi-identifiers of a table's rows, in their order.
    pub(super) fn each(
        &self,
        table: usize,
        mut take: impl FnMut(&[Cell], Owner) -> Result<(), ControlError>,
    ) -> Result<(), ControlError> {
        let Some(of) = self.tables.get(table).filter(|table| table.is_examined()) else { return Ok(()) };
        let mut rows = Reader::open(&file(&self.files, table), of.quasi.len())?;
        let mut row = Row::default();
        while rows.read(&mut row)? {
            let owner = match row.persons.as_slice() {
                [unit, holder] => Owner { unit: unit.0, holder: holder.0 },
                _ => Owner::default(),
            };
            take(&row.cells, owner)?;
        }
        Ok(())
    }
}

fn file(files: &tempfile::TempDir, table: usize) -> PathBuf {
    files.path().join(table.to_string())
}

fn reduce(table: &Table, path: &Path, together: &Together) -> Result<(), ControlError> {
    let mut reduced = Writer::create(path, table.quasi.len())?;
    let (mut row, mut small) = (Row::default(), Row::default());
    let is_wanted = |column| table.key == Some(column) || table.quasi.iter().any(|one| one.column == column);
    for staged in &table.staged {
        let mut rows = Reader::open_for(staged, table.columns, is_wanted)?;
        while rows.read(&mut row)? {
            small.cells.clear();
            small.persons.clear();
            for quasi in &table.quasi {
                small.cells.push(row.cells.get(quasi.column).cloned().unwrap_or(Cell::Missing));
            }
            // The first stands for all of them: they are known to be together.
            if let Some(first) = row.persons.first() {
                let key = table.key.and_then(|key| row.cells.get(key)).unwrap_or(&Cell::Missing);
                let Owner { unit, holder } = together.owner(*first, key);
                small.persons.extend([SubjectId(unit), SubjectId(holder)]);
            }
            reduced.push(&small)?;
        }
    }
    Ok(reduced.finish()?)
}

/// Which persons are counted as one.
struct Together {
    lead: HashMap<SubjectId, SubjectId>,
    most: usize,
}

impl Together {
    /// Learns from the rows of a table who shares a record.
    fn learn_all(&mut self, table: &Table) -> Result<(), ControlError> {
        let mut row = Row::default();
        for staged in &table.staged {
            let mut rows = Reader::open_for(staged, table.columns, |_no_column| false)?;
            while rows.read(&mut row)? {
                self.learn(&row.persons)?;
            }
        }
        Ok(())
    }

    fn learn(&mut self, persons: &[SubjectId]) -> Result<(), ControlError> {
        let Some((first, rest)) = persons.split_first() else { return Ok(()) };
        for other in rest.iter().filter(|other| *other != first) {
            let (a, b) = (self.find(*first), self.find(*other));
            if a != b {
                // The least leads, so that the result is the same in whatever order rows come.
                self.lead.insert(a.max(b), a.min(b));
                self.lead.entry(a.min(b)).or_insert_with(|| a.min(b));
            }
        }
        if self.lead.len() > self.most { Err(ControlError::Together { most: self.most }) } else { Ok(()) }
    }

    fn find(&mut self, person: SubjectId) -> SubjectId {
        let lead = self.follow(person);
        if lead != person {
            self.lead.insert(person, lead);
        }
        lead
    }

    fn follow(&self, mut person: SubjectId) -> SubjectId {
        while let Some(lead) = self.lead.get(&person).filter(|lead| **lead != person) {
            person = *lead;
        }
        person
    }

    /// The owner of a row of this person's, with this key.
    fn owner(&self, person: SubjectId, key: &Cell) -> Owner {
        if !self.lead.contains_key(&person) {
            return Owner { unit: person.0, holder: person.0 };
        }
        let unit = self.follow(person).0;
        let mut coded = unit.to_vec();
        write_cell(key, &mut coded);
        Owner { unit, holder: part(&Sha256::digest(&coded), 0) }
    }
}
