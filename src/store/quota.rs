//! Subjects per day: how many different people a recipient has been told about in a sliding day.
//!
//! Reserved before the record is written, so that two exchanges at once cannot both take the last
//! place; a reservation whose disclosure then fails still counts, never the other way round.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::connect::Durability;
use super::error::StoreError;
use super::rows::{Millis, Reservation};
use super::values::{int, number};
use super::{Store, sql};
use crate::ids::SubjectId;

/// The window, in milliseconds.
pub const DAY: Millis = 24 * 60 * 60 * 1000;
/// A subject that is told about again within this time, in milliseconds, is not written again; it
/// counts for a day and this long, so that nobody counts too short. Spares a recipient that polls the
/// same list every minute nine writes of ten.
pub const REFRESH: Millis = 10 * 60 * 1000;

const DOING: &str = "reserve subjects";

impl Store {
    /// Counts subjects, each once, for a recipient from now on for a day; all or none.
    ///
    /// Survives the end of the process; after a power failure,
    /// [`restore_reservations`](Self::restore_reservations) has it again.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn reserve(
        &self,
        recipient: &str,
        subjects: &[SubjectId],
        now: Millis,
        limit: u64,
    ) -> Result<Reservation, StoreError> {
        let after = now.saturating_sub(DAY.saturating_add(REFRESH));
        let fresh = now.saturating_sub(REFRESH);
        let known = self.connections.read(DOING, |c| {
            if stale(c, recipient, subjects, fresh)?.is_empty() {
                return count(c, recipient, after).map(Some);
            }
            Ok(None)
        })?;
        if let Some(used) = known.filter(|used| *used <= limit) {
            return Ok(Reservation::Granted { used });
        }
        self.connections.write(Durability::Derived, DOING, |t| {
            t.prepare_cached(sql::FORGET_RESERVED)?.execute((recipient, int(after)))?;
            reserve(t, recipient, subjects, now, limit)
        })
    }

    /// How many different subjects count for a recipient.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn reserved(&self, recipient: &str, now: Millis) -> Result<u64, StoreError> {
        let after = now.saturating_sub(DAY.saturating_add(REFRESH));
        self.connections.read(DOING, |c| count(c, recipient, after))
    }

    /// Reserves what the index says was disclosed in the last day: at start, once the index has
    /// caught up with the ledger.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn restore_reservations(&self, now: Millis) -> Result<(), StoreError> {
        self.connections.write(Durability::Derived, DOING, |t| {
            t.prepare_cached(sql::RESTORE_RESERVED)?.execute((int(now.saturating_sub(DAY)),)).map(drop)
        })
    }
}

/// Within the write transaction, so that nothing comes between counting and reserving.
fn reserve(
    t: &Transaction<'_>,
    recipient: &str,
    subjects: &[SubjectId],
    now: Millis,
    limit: u64,
) -> rusqlite::Result<Reservation> {
    let after = now.saturating_sub(DAY.saturating_add(REFRESH));
    let stale = stale(t, recipient, subjects, now.saturating_sub(REFRESH))?;
    let mut new: Vec<SubjectId> =
        stale.iter().filter(|(_, at)| at.is_none_or(|at| at <= after)).map(|(subject, _)| *subject).collect();
    new.sort_unstable();
    new.dedup();
    let used = count(t, recipient, after)?;
    let wanted = used.saturating_add(u64::try_from(new.len()).unwrap_or(u64::MAX));
    if wanted > limit {
        let too_many = wanted.saturating_sub(limit);
        let room_at = match too_many.checked_sub(1).filter(|_| too_many <= used) {
            None => None,
            Some(offset) => t
                .prepare_cached(sql::NTH_RESERVED)?
                .query_row((recipient, int(after), int(offset)), |row| number(row, 0))
                .optional()?
                .map(|at| at.saturating_add(DAY).saturating_add(REFRESH)),
        };
        return Ok(Reservation::Full { used, room_at });
    }
    let mut put = t.prepare_cached(sql::RESERVE)?;
    for (subject, _) in &stale {
        put.execute((recipient, subject, int(now)))?;
    }
    Ok(Reservation::Granted { used: wanted })
}

/// Those of the subjects that were not reserved lately, with when they were.
fn stale(
    c: &Connection,
    recipient: &str,
    subjects: &[SubjectId],
    fresh: Millis,
) -> rusqlite::Result<Vec<(SubjectId, Option<Millis>)>> {
    let mut reserved_at = c.prepare_cached(sql::RESERVED_AT)?;
    let mut found = Vec::new();
    for subject in subjects {
        let at = reserved_at.query_row((recipient, subject), |row| number(row, 0)).optional()?;
        if at.is_none_or(|at| at <= fresh) {
            found.push((*subject, at));
        }
    }
    Ok(found)
}

fn count(c: &Connection, recipient: &str, after: Millis) -> rusqlite::Result<u64> {
    c.prepare_cached(sql::COUNT_RESERVED)?.query_row((recipient, int(after)), |row| number(row, 0))
}
