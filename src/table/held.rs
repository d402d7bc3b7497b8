//! Pairs of a value's blind index and its pseudonym that were looked up before, held in memory: a search in the
//! store and opening what it finds cost twenty to forty times as much, and more the more the store has.
//!
//! Stands between [`known`](super::known) and the store, for as long as the process has it open. A pair is a keyed
//! MAC and 128 random bits: no person's number, no value and no subject id is held, which is why what a
//! *pseudonym* stands for is not. What must never happen here: a pseudonym given out that does not stand in
//! the store, above all one of a person who was erased (GDPR art. 17).
//!
//! # Why a pair that is held stands
//!
//! A row is drawn once, never changes, and may be destroyed. The store counts how often rows were destroyed, in
//! the transaction that destroys them. All pairs that are held were read, or drawn and committed, under one count,
//! and each look-up reads the count first, in the transaction in which it then looks for what is not held. If it
//! is another, everything that is held goes before anything is taken from it. So:
//!
//! - An erasure, two ids that turn out to be one erased person's, a key version that is destroyed, by this process
//!   or another: the next look-up finds another count, and nothing is held. Until then the pairs are in memory,
//!   and nobody takes them.
//! - An erasure between a look-up's reading and its putting: what it puts is put under the count that it read.
//!   Either that is still what is held under, and the next look-up drops it, or another look-up has dropped that
//!   already, and it is not put. One that still reads from before drops what came after: that costs time only.
//! - An erasure after an exchange has read the count: the exchange came before it, as one did that read the rows
//!   themselves.
//! - Two exchanges that meet a value at once: the store gives both the row of whoever came first. A row is put
//!   once it is committed and on disk; of a transaction that was rolled back nothing is.
//! - A pair that another exchange has drawn and put since this one's snapshot: the count is the same, so
//!   nothing was destroyed between, and it stands by now.
//! - A store that is put back from a backup: that takes a stopped tavs (docs/operating.md), and each process begins
//!   with nothing. A tavs that does not count is refused by the store's schema.
//! - A pair of another domain, key version or secret: its blind index is another.
//!
//! Whether a row opens is asked when its pair is put: who changes the database afterwards changes nothing here. That
//! a value is held shows in some microseconds, to whoever has its pseudonym already; that it was new showed in
//! a sync of the disk.

use std::fmt;
use std::hash::BuildHasherDefault;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{key, row_of};
use crate::pseudonym::{Blind, ByBlind, Drawn, Known, Table, Wanted};
use crate::store::{NewPseudonym, Standing, Store, StoreError};

/// Each is a map of its own, by a byte of the blind index, that grows by itself: one map of them all would move a
/// million pairs while every exchange waits.
const SHARDS: usize = 256;
/// Pairs of a shard: as many as the standard library's map has in 16,384 places of 33 bytes. 3.7 million in all, in 139
/// MB: two values each of a million persons, and as many again but for a sixth. For a moment, after rows were
/// destroyed, twice that: what goes, and what comes.
const MOST_OF_SHARD: usize = 14_336;
/// A full shard lets go of one part in this many, by another byte of the blind index, and of another one the next
/// time: what is let go of is looked up again.
const PARTS: u8 = 8;

/// A store, and pairs of it that were looked up. `Debug` shows nothing of them.
pub struct Held {
    store: Store,
    pairs: Mutex<Pairs>,
}

impl Held {
    /// A store of which nothing is held yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, pairs: Mutex::default() }
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// The pseudonyms of values, of those that have one.
    pub(super) fn standing(&self, table: &Table, wanted: &[Wanted]) -> Result<Known, StoreError> {
        let mut known = Known::default();
        let read = self.store.pseudonyms_of(|destroyed| {
            let held = self.of(destroyed, wanted);
            let both = || wanted.iter().map(|one| one.by_value).zip(&held);
            known.extend(both().filter_map(|(by_value, drawn)| Some((by_value, (*drawn)?))));
            let rest = both().filter(|(_, drawn)| drawn.is_none());
            rest.map(|(by_value, _)| key(table, by_value)).collect()
        })?;
        known.extend(self.opened(table, read)?);
        Ok(known)
    }

    /// Puts new pseudonyms into the store; gives those that stand now.
    pub(super) fn draw(
        &self,
        table: &Table,
        new: &[NewPseudonym],
    ) -> Result<Vec<(Blind, Drawn)>, StoreError> {
        self.opened(table, self.store.draw(new)?)
    }

    /// Opens rows, and holds what they are.
    fn opened(
        &self,
        table: &Table,
        Standing { rows, destroyed }: Standing,
    ) -> Result<Vec<(Blind, Drawn)>, StoreError> {
        let open = |row| {
            let row = row_of(row);
            Ok((row.by_value, table.pseudonym_of(&row).ok_or(StoreError::Unopened)?))
        };
        let opened: Vec<(Blind, Drawn)> = rows.into_iter().map(open).collect::<Result<_, StoreError>>()?;
        self.put(destroyed, &opened);
        Ok(opened)
    }

    /// What is held of values, in their order, now that rows were destroyed so often.
    fn of(&self, destroyed: u64, wanted: &[Wanted]) -> Vec<Option<Drawn>> {
        let mut pairs = self.pairs();
        let gone = pairs.renew(destroyed);
        // PERF: nothing else in this loop, so that the processor waits for several of them at once.
        let found = wanted.iter().map(|one| pairs.of(&one.by_value)).collect();
        drop(pairs);
        // Some milliseconds where it was much, for which nobody has to wait.
        drop(gone);
        found
    }

    /// Holds pairs that were read, or committed, when rows had been destroyed so often.
    fn put(&self, destroyed: u64, read: &[(Blind, Drawn)]) {
        if read.is_empty() {
            return;
        }
        let mut pairs = self.pairs();
        if pairs.destroyed == destroyed {
            read.iter().for_each(|(by_value, drawn)| pairs.put(*by_value, *drawn));
        }
    }

    /// Whole at every point where it is held: a panic of another holder does not matter.
    fn pairs(&self) -> MutexGuard<'_, Pairs> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(…)")
    }
}

/// The pairs, and how often rows had been destroyed when each of them was read.
#[derive(Default)]
struct Pairs {
    destroyed: u64,
    /// None, or all.
    shards: Vec<Shard>,
}

impl Pairs {
    /// Lets go of what was read under another count, and gives it.
    fn renew(&mut self, destroyed: u64) -> Vec<Shard> {
        if self.destroyed == destroyed {
            return Vec::new();
        }
        self.destroyed = destroyed;
        mem::take(&mut self.shards)
    }

    fn of(&self, by_value: &Blind) -> Option<Drawn> {
        self.shards.get(shard_of(by_value))?.pairs.get(by_value).copied()
    }

    fn put(&mut self, by_value: Blind, drawn: Drawn) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Shard::default);
        }
        if let Some(shard) = self.shards.get_mut(shard_of(&by_value)) {
            shard.put(by_value, drawn);
        }
    }
}

/// By the last byte: the map goes by the first eight.
fn shard_of([.., last]: &Blind) -> usize {
    usize::from(*last)
}

#[derive(Default)]
struct Shard {
    pairs: ByBlind<Drawn>,
    /// Which part goes when it is full.
    next: u8,
}

impl Shard {
    fn put(&mut self, by_value: Blind, drawn: Drawn) {
        // A map that is full grows before it looks whether the key is new.
        if self.pairs.contains_key(&by_value) {
            return;
        }
        while self.pairs.len() >= MOST_OF_SHARD {
            self.make_room();
        }
        self.pairs.insert(by_value, drawn);
    }

    fn make_room(&mut self) {
        let stays = |[.., part, _]: &Blind| part % PARTS != self.next;
        // Into new places: where pairs are removed the map keeps marks, and grows for those.
        let mut pairs = ByBlind::with_capacity_and_hasher(MOST_OF_SHARD, BuildHasherDefault::default());
        pairs.extend(self.pairs.drain().filter(|(by_value, _)| stays(by_value)));
        self.pairs = pairs;
        self.next = self.next.wrapping_add(1) % PARTS;
    }
}

#[cfg(test)]
mod tests;
