//! The pseudonyms of the scheme `table`: rows that are found by keyed indexes, and that go for good with
//! the person whose they are (GDPR art. 17).
//!
//! What must never happen here: two pseudonyms of one value; a new row for a person who was erased; a
//! row of hers that is left when her tombstone stands; a row destroyed without the counter that says so,
//! by which others drop what they have of it in memory (`table::Held`).

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::connect::Durability;
use super::error::StoreError;
use super::rows::{ErasedPseudonym, NewChange, NewPseudonym, PseudonymKey, PseudonymRow, Standing, ValueRow};
use super::values::{int, number};
use super::{Store, sql, subjects};
use crate::ids::{SubjectId, SubjectSet};

const READING: &str = "read pseudonyms";
const DRAWING: &str = "keep new pseudonyms";
const ERASING: &str = "destroy pseudonyms";

impl Store {
    /// The rows of values, of those that have one. `values` is asked for them once it is known how often rows
    /// were destroyed, and both are of one moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pseudonyms_of<'k>(
        &self,
        values: impl FnOnce(u64) -> Vec<PseudonymKey<'k>>,
    ) -> Result<Standing, StoreError> {
        self.connections.read(READING, |c| {
            let destroyed = destroyed(c)?;
            Ok(Standing { rows: find(c, &values(destroyed))?, destroyed })
        })
    }

    /// The rows of pseudonyms, of those that have one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn values_of(&self, pseudonyms: &[PseudonymKey<'_>]) -> Result<Vec<ValueRow>, StoreError> {
        self.connections.read(READING, |c| {
            let mut statement = c.prepare_cached(sql::VALUE_OF_PSEUDONYM)?;
            let mut found = Vec::with_capacity(pseudonyms.len());
            for PseudonymKey { domain, version, index } in pseudonyms {
                let row = statement.query_row((domain, version, index), |row| {
                    Ok(ValueRow { by_value: row.get(0)?, by_pseudonym: *index, sealed_value: row.get(1)? })
                });
                found.extend(row.optional()?);
            }
            Ok(found)
        })
    }

    /// Keeps new pseudonyms with their values; on disk when this returns. Gives the rows that stand now:
    /// another's, where it came first, and none where a person was erased.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn draw(&self, new: &[NewPseudonym]) -> Result<Standing, StoreError> {
        self.connections.write(Durability::Synced, DRAWING, |t| {
            let destroyed = destroyed(t)?;
            let mut rows = Vec::with_capacity(new.len());
            for one in new {
                if !any_erased(t, &one.subjects)? {
                    put(t, one)?;
                    rows.extend(find(t, &[one.row.by_value()])?);
                }
            }
            Ok(Standing { rows, destroyed })
        })
    }

    /// Has rows that stand go with these subjects, too; writes only where one does not yet. Nothing comes to
    /// go with a person who was erased.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn tie(&self, ties: &[(PseudonymKey<'_>, SubjectId)]) -> Result<(), StoreError> {
        let is_new = |c: &Connection, (key, subject): &(PseudonymKey<'_>, SubjectId)| {
            let PseudonymKey { domain, version, index } = key;
            let mut statement = c.prepare_cached(sql::HAS_PSEUDONYM_SUBJECT)?;
            Ok::<_, rusqlite::Error>(!statement.exists((domain, version, index, subject))?)
        };
        let new = self.connections.read(READING, |c| {
            let mut new = Vec::new();
            for tie in ties {
                if is_new(c, tie)? {
                    new.push(*tie);
                }
            }
            Ok(new)
        })?;
        if new.is_empty() {
            return Ok(());
        }
        self.connections.write(Durability::Synced, DRAWING, |t| {
            let mut put = t.prepare_cached(sql::PUT_PSEUDONYM_SUBJECT)?;
            for (key, subject) in &new {
                let stands = !find(t, &[*key])?.is_empty();
                if stands && !any_erased(t, &[*subject])? {
                    put.execute((key.domain, key.version, key.index, subject))?;
                }
            }
            Ok(())
        })
    }

    /// The subject ids with which a value's row goes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn subjects_of(&self, value: PseudonymKey<'_>) -> Result<Vec<SubjectId>, StoreError> {
        let PseudonymKey { domain, version, index } = value;
        self.connections.read(READING, |c| {
            let mut statement = c.prepare_cached(sql::PSEUDONYM_SUBJECTS)?;
            statement.query_map((domain, version, index), |row| row.get(0))?.collect()
        })
    }

    /// The rows that go with a person, under any of the ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pseudonyms_with(&self, ids: &[SubjectId]) -> Result<Vec<PseudonymRow>, StoreError> {
        self.connections.read(READING, |c| of_subjects(c, ids))
    }

    /// Destroys the rows of a key version whose secret is gone: nobody can open them. Gives how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget_pseudonyms(&self, domain: &str, version: u32) -> Result<usize, StoreError> {
        self.connections.write(Durability::Synced, ERASING, |t| {
            t.prepare_cached(sql::FORGET_PSEUDONYM_SUBJECTS)?.execute((domain, version))?;
            t.prepare_cached(sql::FORGET_VALUES)?.execute((domain, version))?;
            let gone = t.prepare_cached(sql::FORGET_PSEUDONYMS)?.execute((domain, version))?;
            raise_destroyed(t, gone)?;
            Ok(gone)
        })
    }

    /// Destroys whatever stands of persons who have a tombstone: what a store had that was put back from
    /// an older backup. Gives how many rows.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn erase_again(&self) -> Result<usize, StoreError> {
        let mut erased = Vec::new();
        self.each_tombstone(|tombstone| erased.push(tombstone.subject))?;
        let gone = self.connections.write(Durability::Synced, ERASING, |t| {
            let mut gone = 0_usize;
            for subject in erased {
                gone = gone.saturating_add(destroy(t, &subjects::ids_of(t, subject)?)?.len());
            }
            Ok(gone)
        })?;
        // Also what records of the ledger have just erased again: it is overwritten in the log only.
        self.connections.wipe();
        Ok(gone)
    }

    /// Under which pseudonyms recipients know a person who was erased.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn erased_pseudonyms(&self, subject: SubjectId) -> Result<Vec<ErasedPseudonym>, StoreError> {
        self.connections.read(READING, |c| erased(c, subject))
    }

    /// A recipient has been told: nobody needs its pseudonyms any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget_erased_pseudonyms(&self, subject: SubjectId, recipient: &str) -> Result<(), StoreError> {
        self.connections.write(Durability::Synced, ERASING, |t| {
            t.prepare_cached(sql::FORGET_ERASED_PSEUDONYMS)?.execute((subject, recipient)).map(drop)
        })
    }
}

fn find(c: &Connection, keys: &[PseudonymKey<'_>]) -> rusqlite::Result<Vec<PseudonymRow>> {
    let mut statement = c.prepare_cached(sql::PSEUDONYM_OF_VALUE)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let PseudonymKey { domain, version, index } = key;
        let row = statement.query_row((domain, version, index), |row| read(row, *key));
        found.extend(row.optional()?);
    }
    Ok(found)
}

fn read(row: &Row<'_>, key: PseudonymKey<'_>) -> rusqlite::Result<PseudonymRow> {
    Ok(PseudonymRow {
        domain: key.domain.to_owned(),
        version: key.version,
        by_value: key.index,
        by_pseudonym: row.get(0)?,
        kind: row.get(1)?,
        sealed_pseudonym: row.get(2)?,
    })
}

fn put(t: &Transaction<'_>, new: &NewPseudonym) -> rusqlite::Result<()> {
    let NewPseudonym { row, sealed_value, subjects } = new;
    let PseudonymRow { domain, version, by_value, by_pseudonym, kind, sealed_pseudonym } = row;
    let mut statement = t.prepare_cached(sql::PUT_PSEUDONYM)?;
    let first = statement.execute((domain, version, by_value, by_pseudonym, kind, sealed_pseudonym))? > 0;
    if first {
        let mut statement = t.prepare_cached(sql::PUT_VALUE)?;
        statement.execute((domain, version, by_pseudonym, by_value, sealed_value))?;
    }
    // Another's, which came first, goes with these, too.
    let mut statement = t.prepare_cached(sql::PUT_PSEUDONYM_SUBJECT)?;
    for subject in subjects {
        statement.execute((domain, version, by_value, subject))?;
    }
    Ok(())
}

/// Whether any of the ids is that of a person who was erased, under whichever of her ids.
fn any_erased(c: &Connection, subjects: &[SubjectId]) -> rusqlite::Result<bool> {
    let mut statement = c.prepare_cached(sql::IS_ERASED)?;
    for subject in subjects {
        for id in subjects::ids_of(c, *subject)? {
            if statement.exists((id,))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Erases a person: a tombstone for each of her ids, and nothing left of her pseudonyms. `told` are ids
/// that a record tells of, where the store may have lost what ties them to her. Gives the rows that
/// went.
pub(super) fn erase(
    t: &Transaction<'_>,
    change: &NewChange,
    told: &[SubjectId],
) -> rusqlite::Result<Vec<PseudonymRow>> {
    let mut ids = subjects::ids_of(t, change.subject)?;
    let mut seen: SubjectSet = ids.iter().copied().collect();
    ids.extend(told.iter().copied().filter(|id| seen.insert(*id)));
    let mut put = t.prepare_cached(sql::PUT_TOMBSTONE)?;
    for id in &ids {
        put.execute((id, int(change.at), &change.who, &change.reason))?;
    }
    destroy(t, &ids)
}

/// Two ids have turned out to be one person's: if she was erased, what stands under either goes. Says
/// whether she was.
pub(super) fn tied(t: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<bool> {
    let erased = any_erased(t, &[subject])?;
    if erased {
        destroy(t, &subjects::ids_of(t, subject)?)?;
    }
    Ok(erased)
}

fn of_subjects(c: &Connection, ids: &[SubjectId]) -> rusqlite::Result<Vec<PseudonymRow>> {
    let mut rows: Vec<PseudonymRow> = Vec::new();
    let mut statement = c.prepare_cached(sql::PSEUDONYMS_OF_SUBJECT)?;
    for id in ids {
        let mut found = statement.query((id,))?;
        while let Some(row) = found.next()? {
            let version = number(row, 4)?;
            let version = u32::try_from(version)
                .map_err(|_large| rusqlite::Error::IntegralValueOutOfRange(4, int(version)))?;
            let domain: String = row.get(3)?;
            rows.push(read(row, PseudonymKey { domain: &domain, version, index: row.get(5)? })?);
        }
    }
    Ok(rows)
}

fn destroy(t: &Transaction<'_>, ids: &[SubjectId]) -> rusqlite::Result<Vec<PseudonymRow>> {
    let rows = of_subjects(t, ids)?;
    for PseudonymRow { domain, version, by_value, by_pseudonym, .. } in &rows {
        t.prepare_cached(sql::ERASE_PSEUDONYM_SUBJECTS)?.execute((domain, version, by_value))?;
        t.prepare_cached(sql::ERASE_VALUE)?.execute((domain, version, by_pseudonym))?;
        t.prepare_cached(sql::ERASE_PSEUDONYM)?.execute((domain, version, by_value))?;
    }
    raise_destroyed(t, rows.len())?;
    Ok(rows)
}

/// How often rows were destroyed.
fn destroyed(c: &Connection) -> rusqlite::Result<u64> {
    c.prepare_cached(sql::PSEUDONYMS_DESTROYED)?.query_row((), |row| number(row, 0))
}

/// Says that rows are gone, in the transaction that destroyed them: nobody may go by what was read before.
fn raise_destroyed(t: &Transaction<'_>, gone: usize) -> rusqlite::Result<()> {
    if gone == 0 {
        return Ok(());
    }
    match t.prepare_cached(sql::RAISE_PSEUDONYMS_DESTROYED)?.execute(())? {
        1 => Ok(()),
        other => Err(rusqlite::Error::StatementChangedRows(other)),
    }
}

pub(super) fn erased(c: &Connection, subject: SubjectId) -> rusqlite::Result<Vec<ErasedPseudonym>> {
    let mut statement = c.prepare_cached(sql::ERASED_PSEUDONYMS)?;
    let rows = statement.query_map((subject,), |row| {
        Ok(ErasedPseudonym { subject, recipient: row.get(0)?, sealed: row.get(1)? })
    })?;
    rows.collect()
}

/// Notes what a recipient has to be told by, in the place of what was noted before.
pub(super) fn note(t: &Transaction<'_>, noted: &ErasedPseudonym) -> rusqlite::Result<()> {
    let ErasedPseudonym { subject, recipient, sealed } = noted;
    t.prepare_cached(sql::PUT_ERASED_PSEUDONYM)?.execute((subject, recipient, sealed)).map(drop)
}
