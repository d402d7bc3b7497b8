//! The registry of subjects' rights, its tombstones, and who must be told.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::connect::Durability;
use super::error::StoreError;
use super::rows::{
    Change, ErasedPseudonym, Millis, NewChange, Notification, PseudonymRow, RightKind, Tombstone,
};
use super::values::{int, number, optional_number};
use super::{Store, pseudonyms, sql};
use crate::ids::SubjectId;

const CHANGING: &str = "change the registry";
const READING: &str = "read the registry";
const NOTIFYING: &str = "keep notifications";

impl Store {
    /// Adds a change and gives its number; an erasure leaves its tombstone in the same step. On disk
    /// when this returns. The ledger record about it comes next, then [`set_recorded`](Self::set_recorded).
    ///
    /// # Errors
    /// When the store cannot be written, or the change would end an erasure.
    pub fn put_change(&self, change: &NewChange) -> Result<u64, StoreError> {
        self.put_changes(std::slice::from_ref(change))
    }

    /// Adds changes, all or none, and gives the first one's number; the others follow it.
    ///
    /// # Errors
    /// As of [`put_change`](Self::put_change).
    pub fn put_changes(&self, changes: &[NewChange]) -> Result<u64, StoreError> {
        self.put_changes_noting(changes, |_, _, _| Vec::new())
    }

    /// The same. An erasure destroys the person's pseudonyms in the same step: before they go, `note` gets
    /// them, and what was noted of her before and is not acknowledged yet, and says what recipients have to be
    /// told by.
    ///
    /// # Errors
    /// As of [`put_change`](Self::put_change).
    pub fn put_changes_noting(
        &self,
        changes: &[NewChange],
        note: impl Fn(&NewChange, &[PseudonymRow], &[ErasedPseudonym]) -> Vec<ErasedPseudonym>,
    ) -> Result<u64, StoreError> {
        if changes.iter().any(|change| change.kind == RightKind::Erasure && !change.begun) {
            return Err(StoreError::ForGood);
        }
        let first = self.connections.write(Durability::Synced, CHANGING, |t| {
            let first = last_change(t)?.saturating_add(1);
            for (number, change) in (first..).zip(changes) {
                let (_new, gone) = put_change(t, number, change, None, &[])?;
                let before = pseudonyms::erased(t, change.subject)?;
                for noted in note(change, &gone, &before) {
                    pseudonyms::note(t, &noted)?;
                }
            }
            Ok(first)
        })?;
        if changes.iter().any(|change| change.kind == RightKind::Erasure) {
            self.connections.wipe();
        }
        Ok(first)
    }

    /// Notes that the ledger record about a change is durable.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_recorded(&self, change: u64, sequence: u64) -> Result<(), StoreError> {
        self.set_all_recorded(&[(change, sequence)])
    }

    /// Notes that the ledger records about changes are durable: each change with its record.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_all_recorded(&self, changes: &[(u64, u64)]) -> Result<(), StoreError> {
        self.connections.write(Durability::Synced, CHANGING, |t| {
            let mut set = t.prepare_cached(sql::SET_RECORDED)?;
            changes
                .iter()
                .try_for_each(|(change, sequence)| set.execute((int(*sequence), int(*change))).map(drop))
        })
    }

    /// The number of the last change: the registry's generation, 0 while it is empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn generation(&self) -> Result<u64, StoreError> {
        self.connections.read(READING, last_change)
    }

    /// Every change after a number, in the order in which they hold, one at a time.
    ///
    /// # Errors
    /// When the store cannot be read, or a row is not understood.
    pub fn each_change(&self, after: u64, mut each: impl FnMut(Change)) -> Result<(), StoreError> {
        self.connections.read(READING, |c| {
            let mut statement = c.prepare_cached(sql::CHANGES)?;
            let mut rows = statement.query((int(after),))?;
            while let Some(row) = rows.next()? {
                each(change(row)?);
            }
            Ok(())
        })
    }

    /// The changes about one subject id, in the order in which they hold.
    ///
    /// # Errors
    /// When the store cannot be read, or a row is not understood.
    pub fn changes_of(&self, subject: SubjectId) -> Result<Vec<Change>, StoreError> {
        self.connections
            .read(READING, |c| c.prepare_cached(sql::CHANGES_OF)?.query_map((subject,), change)?.collect())
    }

    /// Changes whose ledger record is not known to be durable: a crash came between. They hold; their
    /// record is written at the next start.
    ///
    /// # Errors
    /// When the store cannot be read, or a row is not understood.
    pub fn unrecorded(&self) -> Result<Vec<Change>, StoreError> {
        self.connections
            .read(READING, |c| c.prepare_cached(sql::CHANGES_UNRECORDED)?.query_map((), change)?.collect())
    }

    /// Overwrites the sealed CPRs of a subject's changes, when nobody has to be told any more. Gives
    /// how many changes the subject has.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget_sealed(&self, subject: SubjectId) -> Result<usize, StoreError> {
        let forgot = self.connections.write(Durability::Synced, CHANGING, |t| {
            t.prepare_cached(sql::FORGET_SEALED)?.execute((subject,))
        })?;
        self.connections.wipe();
        Ok(forgot)
    }

    /// Every tombstone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn each_tombstone(&self, mut each: impl FnMut(Tombstone)) -> Result<(), StoreError> {
        self.connections.read(READING, |c| {
            let mut statement = c.prepare_cached(sql::TOMBSTONES)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                each(Tombstone {
                    subject: row.get(0)?,
                    at: number(row, 1)?,
                    who: row.get(2)?,
                    reason: row.get(3)?,
                });
            }
            Ok(())
        })
    }

    /// Notes who must be told; those that stand already are left alone. Gives how many are new.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn put_notifications(&self, notifications: &[Notification]) -> Result<usize, StoreError> {
        self.connections.write(Durability::Synced, NOTIFYING, |t| {
            let mut put = t.prepare_cached(sql::PUT_NOTIFICATION)?;
            let mut new = 0_usize;
            for one in notifications {
                let values = (one.notice, &one.recipient, one.subject, &one.about, int(one.at));
                new = new.saturating_add(put.execute(values)?);
            }
            Ok(new)
        })
    }

    /// Notes that a recipient has acknowledged. `false` if there is no such notification, or it was
    /// acknowledged before.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn acknowledge(
        &self,
        notice: [u8; 16],
        recipient: &str,
        at: Millis,
        who: &str,
    ) -> Result<bool, StoreError> {
        self.connections.write(Durability::Synced, NOTIFYING, |t| {
            let changed = t.prepare_cached(sql::ACKNOWLEDGE)?.execute((int(at), who, notice, recipient))?;
            Ok(changed > 0)
        })
    }

    /// Who must be or was told about a subject id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn notifications_of(&self, subject: SubjectId) -> Result<Vec<Notification>, StoreError> {
        self.connections.read(NOTIFYING, |c| {
            c.prepare_cached(sql::NOTIFICATIONS_OF)?.query_map((subject,), notification)?.collect()
        })
    }

    /// Who has not acknowledged yet, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open_notifications(&self) -> Result<Vec<Notification>, StoreError> {
        self.connections.read(NOTIFYING, |c| {
            c.prepare_cached(sql::NOTIFICATIONS_OPEN)?.query_map((), notification)?.collect()
        })
    }
}

fn last_change(c: &Connection) -> rusqlite::Result<u64> {
    let last = c.prepare_cached(sql::LAST_CHANGE)?.query_row((), |row| number(row, 0)).optional()?;
    Ok(last.unwrap_or(0))
}

fn put_change(
    t: &Transaction<'_>,
    at: u64,
    change: &NewChange,
    recorded: Option<u64>,
    told: &[SubjectId],
) -> rusqlite::Result<(bool, Vec<PseudonymRow>)> {
    let mut put = t.prepare_cached(sql::PUT_CHANGE)?;
    let new = put.execute((
        int(at),
        change.subject,
        change.kind,
        &change.purpose,
        &change.recipient,
        change.begun,
        int(change.at),
        change.until.map(int),
        &change.reason,
        &change.who,
        &change.sealed_cpr,
        recorded.map(int),
    ))?;
    let erasure = change.kind == RightKind::Erasure;
    let gone = if erasure { pseudonyms::erase(t, change, told)? } else { Vec::new() };
    Ok((new > 0, gone))
}

/// Holds the registry against a ledger record about a change: a store that was put back from an older
/// backup lacks what came after, and gets it again; `ids` are the person's that the record names. `false`
/// if another change has the number.
pub(super) fn replay(
    t: &Transaction<'_>,
    at: u64,
    told: &NewChange,
    (sequence, ids): (u64, &[SubjectId]),
) -> rusqlite::Result<bool> {
    let (new, _gone) = put_change(t, at, told, Some(sequence), ids)?;
    if new {
        return Ok(true);
    }
    t.prepare_cached(sql::RECORD_CHANGE)?.execute((int(sequence), int(at)))?;
    let found = t.prepare_cached(sql::CHANGE)?.query_row((int(at),), change)?;
    // No record has the sealed CPR.
    Ok(NewChange { sealed_cpr: None, ..found.change } == NewChange { sealed_cpr: None, ..told.clone() })
}

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change {
        number: number(row, 0)?,
        change: NewChange {
            subject: row.get(1)?,
            kind: row.get(2)?,
            purpose: row.get(3)?,
            recipient: row.get(4)?,
            begun: row.get(5)?,
            at: number(row, 6)?,
            until: optional_number(row, 7)?,
            reason: row.get(8)?,
            who: row.get(9)?,
            sealed_cpr: row.get(10)?,
        },
        recorded: optional_number(row, 11)?,
    })
}

fn notification(row: &Row<'_>) -> rusqlite::Result<Notification> {
    let acknowledged = optional_number(row, 5)?;
    let by: Option<String> = row.get(6)?;
    Ok(Notification {
        notice: row.get(0)?,
        recipient: row.get(1)?,
        subject: row.get(2)?,
        about: row.get(3)?,
        at: number(row, 4)?,
        acknowledged: acknowledged.zip(by),
    })
}
