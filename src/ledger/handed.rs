//! Records on their way to the index: handed over in memory once they are on disk, so that what this process has
//! just written is not read back, held against its hash and decoded. Filled by group commit after a sync,
//! emptied by the index's thread; neither waits for the other.
//!
//! What must never happen here: a record that is not on disk for certain; more memory than the limit. What
//! finds no room is left out: the index reads it from the segments, as it does everything at a start.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::note::Event;
use super::segment::Hash;

/// Encoded bytes of records that wait for the index: some thousand, ten times what comes between two of its
/// looks on a busy machine. In memory a record takes about as much as written.
const MOST_BYTES: usize = 2 << 20;

/// How far a ledger is on disk; clones follow the same ledger, and do not keep it open.
#[derive(Debug, Clone)]
pub struct Durable(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sequence: AtomicU64,
    verified: Option<(u64, Line)>,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Somebody takes them out.
    followed: bool,
    records: VecDeque<Handed>,
    bytes: usize,
}

/// A record that is on disk, and where.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) sequence: u64,
    pub(super) event: Event,
    pub(super) line: Line,
}

/// Where a record's line ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) segment: u64,
    /// Of the segment's file, behind the line.
    pub(super) end: u64,
    pub(super) length: usize,
    pub(super) hash: Hash,
}

impl Durable {
    /// Of a ledger up to the number of its last record. `verified` is that record's number and line, where opening
    /// verified its segment.
    pub(super) fn new(sequence: u64, verified: Option<(u64, Line)>) -> Self {
        Self(Arc::new(Shared { sequence: AtomicU64::new(sequence), verified, queue: Mutex::default() }))
    }

    /// The number and line of the record that the ledger ended with when it was opened, if its segment was verified
    /// then: who goes on from there need not read it again.
    pub(super) fn verified(&self) -> Option<(u64, Line)> {
        self.0.verified
    }

    /// The number of the last record that is on disk.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.sequence.load(Ordering::Acquire)
    }

    /// A batch is on disk, of which this is the number of the first record.
    pub(super) fn add(&self, first: u64, events: Vec<Event>, lines: &[Line]) {
        let mut last = first.saturating_sub(1);
        let mut queue = self.queue();
        for (event, line) in events.into_iter().zip(lines) {
            last = last.saturating_add(1);
            let bytes = queue.bytes.saturating_add(line.length);
            if queue.followed && bytes <= MOST_BYTES {
                queue.bytes = bytes;
                queue.records.push_back(Handed { sequence: last, event, line: *line });
            }
        }
        drop(queue);
        // Only now: up to here nothing is missing but what found no room.
        self.0.sequence.store(last, Ordering::Release);
    }

    /// From now on records are kept until they are taken.
    pub(super) fn follow(&self) {
        self.queue().followed = true;
    }

    /// What waits, in order; not each number need be there.
    pub(super) fn take(&self) -> VecDeque<Handed> {
        let mut queue = self.queue();
        queue.bytes = 0;
        std::mem::take(&mut queue.records)
    }

    /// Nobody takes any more.
    pub(super) fn leave(&self) {
        *self.queue() = Queue::default();
    }

    /// Whole at every point where its lock is held.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
