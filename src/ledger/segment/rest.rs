//! What follows the last good line of the segment that is written to.
//!
//! A segment is filled ahead with zeros, and records take their place: a sync then has no new length
//! and no new blocks to bring to disk, only bytes. So zeros may follow the last line, and a crash
//! leaves of the last write what the disk had of it: whole sectors of it, or its beginning.

use std::io::{self, BufRead as _};

use super::{MAX_LINE, Source};

/// The most bytes that are written before a sync, but for a line that is longer. Some four hundred
/// records, so that few batches need two syncs: what a crash can tear is that small, and anything larger was
/// changed by someone.
pub(in crate::ledger) const LONGEST_WRITE: u64 = 256 << 10;
/// What a disk writes whole or not at all, at least.
const SECTOR: u64 = 512;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Rest {
    /// Nothing, or zeros to the end: room for what comes.
    Room,
    /// One write that a crash cut short, or that is under way: so many bytes without the room behind.
    Cut(u64),
    /// Neither: someone changed the file.
    Changed,
}

/// Reads from `offset`, where a source stands, to the end.
pub(super) fn classify(source: &mut Source, offset: u64) -> io::Result<Rest> {
    let mut seen = Seen { at: offset, ..Seen::default() };
    loop {
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            return Ok(seen.verdict(offset));
        }
        if chunk.iter().all(|byte| *byte == 0) {
            seen.zeros.get_or_insert(seen.at);
            seen.at = seen.at.saturating_add(super::length_of(chunk));
        } else {
            chunk.iter().for_each(|byte| seen.take(*byte, offset));
        }
        if seen.changed {
            return Ok(Rest::Changed);
        }
        let length = chunk.len();
        source.consume(length);
    }
}

#[derive(Debug, Default)]
struct Seen {
    /// Where the next byte is.
    at: u64,
    /// Where the zeros began that reach up to here.
    zeros: Option<u64>,
    /// Zeros before something else: sectors that the disk did not get.
    hole: bool,
    /// How many line feeds, and behind the last of all bytes that are not zero.
    lines: u64,
    end: u64,
    changed: bool,
}

impl Seen {
    fn take(&mut self, byte: u8, offset: u64) {
        let at = self.at;
        self.at = at.saturating_add(1);
        if byte == 0 {
            self.zeros.get_or_insert(at);
            return;
        }
        if let Some(begin) = self.zeros.take() {
            let sectors = (begin == offset || begin.is_multiple_of(SECTOR)) && at.is_multiple_of(SECTOR);
            self.changed |= !sectors;
            self.hole = true;
        }
        if byte == b'\n' {
            // The first line is the one that is bad: whole, it was written so.
            self.changed |= !self.hole;
            self.lines = self.lines.saturating_add(1);
        }
        self.end = self.at;
    }

    const fn verdict(&self, offset: u64) -> Rest {
        let length = self.end.saturating_sub(offset);
        if length == 0 {
            Rest::Room
        } else if length <= LONGEST_WRITE || (self.lines <= 1 && length <= MAX_LINE) {
            Rest::Cut(length)
        } else {
            Rest::Changed
        }
    }
}
