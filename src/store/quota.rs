//! Subjects per day: how many different people a recipient has been told about in a sliding day.
//!
//! Reserved before the record is written, so that two exchanges at once cannot both take the last
//! place; a reservation whose disclosure then fails still counts, never the other way round.
//!
//! The table is mirrored in memory, at most as many subjects for a recipient as its quota has, so
//! that a recipient that asks for the same people again costs a look-up each and no SQL. What has lapsed stays
//! in the table: whom a recipient was ever told about, which the guard of novelty asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connect::{Connections, Durability};
use super::error::StoreError;
use super::rows::{Millis, Reservation};
use super::values::{int, number, read_ids};
use super::{Store, sql};
use crate::ids::{SubjectId, SubjectMap};

/// The window, in milliseconds.
pub const DAY: Millis = 24 * 60 * 60 * 1000;
/// A subject that is told about again within this time, in milliseconds, is not written again; it
/// counts for a day and this long, so that nobody counts too short. Spares a recipient that polls the
/// same list every minute nine writes of ten.
pub const REFRESH: Millis = 10 * 60 * 1000;

const DOING: &str = "reserve subjects";

/// The table of reservations, by recipient.
#[derive(Debug, Default)]
pub(super) struct Mirror(Mutex<HashMap<String, Arc<Mutex<Recent>>>>);

/// Whom one recipient was told about lately.
#[derive(Debug, Default)]
struct Recent {
    /// Whether the table's rows have been read.
    loaded: bool,
    at: SubjectMap<Millis>,
    by_time: BTreeSet<(Millis, SubjectId)>,
}

impl Store {
    /// Counts subjects, each once, for a recipient from now on for a day; all or none.
    ///
    /// Survives the end of the process. What a power failure or a backup lacks is taken from the index the first
    /// time that a process asks, which is once the index has caught up with the ledger.
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
        let recent = self.quotas.of(recipient);
        let mut recent = lock(&recent);
        recent.load(&self.connections, recipient, now)?;
        if let Some(granted) = recent.known(subjects, now, limit) {
            return Ok(granted);
        }
        let mut stale = recent.stale(subjects, now);
        stale.sort_unstable();
        stale.dedup();
        let new = stale.iter().filter(|subject| !recent.at.contains_key(subject)).count();
        let wanted = recent.used().saturating_add(count(new));
        if let Some(too_many) = wanted.checked_sub(limit).filter(|too_many| *too_many > 0) {
            return Ok(Reservation::Full { used: recent.used(), room_at: recent.room_at(too_many) });
        }
        self.connections.write(Durability::Derived, DOING, |t| {
            let mut put = t.prepare_cached(sql::RESERVE)?;
            stale.iter().try_for_each(|subject| put.execute((recipient, subject, int(now))).map(drop))
        })?;
        for subject in stale {
            recent.put(subject, now);
        }
        Ok(Reservation::Granted { used: recent.used() })
    }

    /// [`reserve`](Self::reserve) where that needs no SQL and no waiting, so on the async thread, too:
    /// all of the subjects count already. Else `None`.
    #[must_use]
    pub fn reserve_known(
        &self,
        recipient: &str,
        subjects: &[SubjectId],
        now: Millis,
        limit: u64,
    ) -> Option<Reservation> {
        let recent = self.quotas.of(recipient);
        let mut recent = recent.try_lock().ok()?;
        if !recent.loaded {
            return None;
        }
        recent.forget(lapsed(now));
        recent.known(subjects, now, limit)
    }

    /// How many of the subjects a recipient was never told about: neither lately nor in any disclosure
    /// that the index held when this process first asked.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn never_told(
        &self,
        recipient: &str,
        subjects: &[SubjectId],
        now: Millis,
    ) -> Result<u64, StoreError> {
        let recent = self.quotas.of(recipient);
        let mut recent = lock(&recent);
        recent.load(&self.connections, recipient, now)?;
        let unknown: Vec<SubjectId> =
            subjects.iter().filter(|subject| !recent.at.contains_key(subject)).copied().collect();
        drop(recent);
        self.connections.read("look for earlier disclosures", |c| {
            let mut told = c.prepare_cached(sql::TOLD)?;
            let mut never = 0_u64;
            for subject in unknown {
                never = never.saturating_add(u64::from(!told.exists((recipient, subject))?));
            }
            Ok(never)
        })
    }

    /// How many different subjects count for a recipient.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn reserved(&self, recipient: &str, now: Millis) -> Result<u64, StoreError> {
        let recent = self.quotas.of(recipient);
        let mut recent = lock(&recent);
        recent.load(&self.connections, recipient, now)?;
        Ok(recent.used())
    }
}

impl Mirror {
    fn of(&self, recipient: &str) -> Arc<Mutex<Recent>> {
        let mut all = lock(&self.0);
        if let Some(recent) = all.get(recipient) {
            return Arc::clone(recent);
        }
        Arc::clone(all.entry(recipient.to_owned()).or_default())
    }
}

impl Recent {
    /// Reads the table once, and drops what has lapsed since.
    fn load(&mut self, connections: &Connections, recipient: &str, now: Millis) -> Result<(), StoreError> {
        if !self.loaded {
            begin(connections, recipient, now)?;
            let rows: Vec<(SubjectId, Millis)> = connections.read(DOING, |c| {
                let mut statement = c.prepare_cached(sql::RESERVED)?;
                let rows = statement
                    .query_map((recipient, int(lapsed(now))), |row| Ok((row.get(0)?, number(row, 1)?)))?;
                rows.collect()
            })?;
            for (subject, at) in rows {
                self.put(subject, at);
            }
            self.loaded = true;
        }
        self.forget(lapsed(now));
        Ok(())
    }

    fn used(&self) -> u64 {
        count(self.at.len())
    }

    /// What to answer if all of the subjects count already, and recently enough.
    fn known(&self, subjects: &[SubjectId], now: Millis, limit: u64) -> Option<Reservation> {
        let used = self.used();
        (used <= limit && self.stale(subjects, now).is_empty()).then_some(Reservation::Granted { used })
    }

    /// Those of the subjects that do not count, or not for long any more.
    fn stale(&self, subjects: &[SubjectId], now: Millis) -> Vec<SubjectId> {
        let fresh = now.saturating_sub(REFRESH);
        let is_stale = |subject: &&SubjectId| self.at.get(subject).is_none_or(|at| *at <= fresh);
        subjects.iter().filter(is_stale).copied().collect()
    }

    /// When so many will have lapsed.
    fn room_at(&self, many: u64) -> Option<Millis> {
        let last = usize::try_from(many.checked_sub(1)?).ok()?;
        let (at, _) = self.by_time.iter().nth(last)?;
        Some(at.saturating_add(DAY).saturating_add(REFRESH))
    }

    fn put(&mut self, subject: SubjectId, at: Millis) {
        if let Some(before) = self.at.insert(subject, at) {
            self.by_time.remove(&(before, subject));
        }
        self.by_time.insert((at, subject));
    }

    fn forget(&mut self, lapsed: Millis) {
        while let Some((at, subject)) = self.by_time.first().copied().filter(|(at, _)| *at <= lapsed) {
            self.by_time.remove(&(at, subject));
            self.at.remove(&subject);
        }
    }
}

/// Takes over whom the index says that a recipient was told about since it was last counted, and in the last
/// day: a reservation may be lost in a power failure, a store may be put back from a backup, and who was never
/// counted may have been told before.
fn begin(connections: &Connections, recipient: &str, now: Millis) -> Result<(), StoreError> {
    let told: BTreeMap<SubjectId, Millis> = connections.read(DOING, |c| {
        let counted: Option<i64> =
            c.prepare_cached(sql::LAST_RESERVED)?.query_row((recipient,), |row| row.get(0))?;
        let counted = counted.and_then(|at| Millis::try_from(at).ok()).unwrap_or(0);
        let since = counted.saturating_sub(REFRESH).min(now.saturating_sub(DAY));
        let mut told = BTreeMap::new();
        let mut statement = c.prepare_cached(sql::TOLD_TO)?;
        let mut rows = statement.query((recipient, int(since), i64::MAX))?;
        while let Some(row) = rows.next()? {
            let at = number(row, 0)?;
            for subject in read_ids(row, 1)? {
                let last = told.entry(subject).or_insert(at);
                *last = at.max(*last);
            }
        }
        Ok(told)
    })?;
    if told.is_empty() {
        return Ok(());
    }
    connections.write(Durability::Derived, DOING, |t| {
        let mut put = t.prepare_cached(sql::RESERVE)?;
        told.iter().try_for_each(|(subject, at)| put.execute((recipient, subject, int(*at))).map(drop))
    })
}

/// What was reserved then or earlier counts no more.
const fn lapsed(now: Millis) -> Millis {
    now.saturating_sub(DAY.saturating_add(REFRESH))
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A reservation that a panic cut short is in the table or not; the mirror may lack it, and then it
/// is only written again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
