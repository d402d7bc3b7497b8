//! Reads a ledger on from a record, also while it is being written.

use std::path::{Path, PathBuf};

use super::IndexError;
use crate::ledger::error::Damage;
use crate::ledger::handed::Line;
use crate::ledger::read::Record;
use crate::ledger::segment::{self, Hash, NOTHING, Segment};
use crate::ledger::{LedgerError, canonical};
use crate::store::{Log, Position};

/// A place in a ledger, moving forward. The chain of what it reads is verified; whether each record
/// is written the one way that there is, is `verify`'s to ask.
#[derive(Debug)]
pub(super) struct Follower {
    directory: PathBuf,
    number: u64,
    segment: Segment,
}

/// The log of a directory, as its oldest segment says; `None` if there is no segment.
///
/// # Errors
///
/// When the directory or the segment cannot be read.
pub fn log_of(directory: &Path) -> Result<Option<Log>, LedgerError> {
    let Some(first) = segment::list(directory)?.first().copied() else { return Ok(None) };
    let segment = Segment::open_in(directory, first)?;
    let log = canonical::bytes_of_hex(&segment.header().log);
    log.map(Some).ok_or_else(|| segment::damaged(segment.path(), 0, Damage::Header))
}

impl Follower {
    /// Takes a place behind the record of a position, or before the oldest record.
    pub(super) fn open(directory: &Path, after: Option<Position>) -> Result<Self, IndexError> {
        after.map_or_else(|| Self::at_begin(directory), |after| Self::behind(directory, after))
    }

    /// The same, where the ledger was verified up to a record, whose number and line this is, when it was opened: what
    /// the index ends with as well is not read again.
    ///
    /// PERF: all of a segment was read and hashed twice at each start; with 12 MB in it that was a third of what an
    /// extract takes before it begins (docs/performance.md).
    pub(super) fn open_verified(
        directory: &Path,
        after: Option<Position>,
        verified: Option<(u64, Line)>,
    ) -> Result<Self, IndexError> {
        if let (Some(after), Some((sequence, line))) = (after, verified)
            && (after.sequence, after.hash) == (sequence, line.hash)
        {
            let mut segment = Segment::open_in(directory, line.segment)?;
            if segment.reaches(line.segment, line.end) {
                segment.pass(sequence, line.end, line.hash);
                return Ok(Self { directory: directory.to_owned(), number: line.segment, segment });
            }
        }
        Self::open(directory, after)
    }

    fn at_begin(directory: &Path) -> Result<Self, IndexError> {
        let number = segment::list(directory)?.first().copied().unwrap_or(1);
        let segment = Segment::open_in(directory, number)?;
        if number == 1 {
            segment.continues(number, &NOTHING)?;
        } // else its predecessors have been moved away
        Ok(Self { directory: directory.to_owned(), number, segment })
    }

    fn behind(directory: &Path, after: Position) -> Result<Self, IndexError> {
        let wanted = after.sequence.saturating_add(1);
        for number in segment::list(directory)?.into_iter().rev() {
            let mut segment = Segment::open_in(directory, number)?;
            if segment.next_sequence() > wanted {
                continue;
            }
            let fits = if segment.next_sequence() == wanted {
                segment.continues(number, &after.hash).is_ok()
            } else {
                while segment.next_sequence() < wanted {
                    if segment.next_line_or_room()?.is_none() {
                        let ledger = segment.next_sequence().saturating_sub(1);
                        return Err(IndexError::Ahead { index: after.sequence, ledger });
                    }
                }
                segment.last() == after.hash
            };
            return if fits {
                Ok(Self { directory: directory.to_owned(), number, segment })
            } else {
                Err(IndexError::Changed { sequence: after.sequence })
            };
        }
        Err(IndexError::Gone { directory: directory.to_owned(), sequence: wanted })
    }

    /// The next record, if there is one up to the number `upto`: one that is on disk, or it could be
    /// cut off again.
    pub(super) fn next(&mut self, upto: u64) -> Result<Option<Record>, IndexError> {
        while self.segment.next_sequence() <= upto {
            let offset = self.segment.offset();
            if let Some(json) = self.next_line(upto)? {
                let bad = || segment::damaged(self.segment.path(), offset, Damage::Record);
                let (sequence, event) = canonical::decode_own(&json).ok_or_else(bad)?;
                return Ok(Some(Record { sequence, event }));
            }
            let next = self.number.saturating_add(1);
            if !segment::list(&self.directory)?.contains(&next) {
                if upto == u64::MAX {
                    return Ok(None);
                }
                return Err(LedgerError::Gap { path: self.directory.clone(), missing: next }.into());
            }
            self.enter(next)?;
        }
        Ok(None)
    }

    /// Passes over a record that was handed over, which must be the next one.
    pub(super) fn pass(&mut self, line: &Line) -> Result<(), IndexError> {
        if line.segment != self.number {
            self.enter(line.segment)?;
        }
        self.segment.pass(self.segment.next_sequence(), line.end, line.hash);
        Ok(())
    }

    /// Goes on with the segment that follows.
    fn enter(&mut self, number: u64) -> Result<(), IndexError> {
        let segment = Segment::open_in(&self.directory, number)?;
        segment.continues(number, &self.segment.last())?;
        if segment.next_sequence() != self.segment.next_sequence() {
            return Err(segment::damaged(segment.path(), 0, Damage::Sequence).into());
        }
        self.segment = segment;
        self.number = number;
        Ok(())
    }

    /// Of what is on disk each line is whole. Where all of a ledger is read, its end may be room.
    fn next_line(&mut self, upto: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let read = self.segment.next_line();
        let next = self.number.saturating_add(1);
        let last = || !segment::present_path_of(&self.directory, next).exists();
        if upto == u64::MAX && matches!(read, Err(LedgerError::Damaged { .. })) && last() {
            return self.segment.next_line_or_room();
        }
        read
    }

    /// The hash of the last line that was read.
    pub(super) const fn hash(&self) -> Hash {
        self.segment.last()
    }

    /// The number of the last record that was read or passed over.
    pub(super) const fn last_sequence(&self) -> u64 {
        self.segment.next_sequence().saturating_sub(1)
    }
}
