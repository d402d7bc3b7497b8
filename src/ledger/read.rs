//! Reads a ledger from its first record to its last and verifies the chain on the way.

use std::path::{Path, PathBuf};

use super::canonical;
use super::entry::Entry;
use super::error::{Damage, LedgerError};
use super::note::Event;
use super::segment::{self, Hash, NOTHING, Segment};

/// A record of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1 without gap.
    pub sequence: u64,
    /// What it says.
    pub event: Event,
}

impl Record {
    /// What it says if it is about an exchange.
    #[must_use]
    pub const fn entry(&self) -> Option<&Entry> {
        match &self.event {
            Event::Exchange(entry) => Some(entry),
            Event::Act(_) | Event::Policy(_) => None,
        }
    }
}

/// The records of a directory, oldest first. Ends after the first error.
#[derive(Debug)]
pub struct Records {
    directory: PathBuf,
    numbers: std::vec::IntoIter<u64>,
    segment: Option<Segment>,
    /// The last line of the segment before, once there was one.
    before: Option<(Hash, u64)>,
    ended: bool,
}

/// Reads the ledger of a directory, which may be in use: what is being written meanwhile is either
/// read whole or reported as [`Damage::Incomplete`].
///
/// # Errors
///
/// When the directory cannot be read, or a segment between two others is missing.
pub fn read(directory: &Path) -> Result<Records, LedgerError> {
    let numbers = segment::list(directory)?.into_iter();
    Ok(Records { directory: directory.to_owned(), numbers, segment: None, before: None, ended: false })
}

impl Records {
    fn advance(&mut self) -> Result<Option<Record>, LedgerError> {
        loop {
            if let Some(segment) = &mut self.segment {
                let offset = segment.offset();
                if let Some(json) = segment.next_line()? {
                    let bad = || segment::damaged(segment.path(), offset, Damage::Record);
                    let (sequence, event) = canonical::decode(&json).ok_or_else(bad)?;
                    return Ok(Some(Record { sequence, event }));
                }
                self.before = Some((segment.last(), segment.next_sequence()));
            }
            let Some(number) = self.numbers.next() else { return Ok(None) };
            let path = segment::path_of(&self.directory, number);
            let next = Segment::open(&path)?;
            match self.before {
                Some((last, sequence)) => {
                    next.continues(number, &last)?;
                    if next.next_sequence() != sequence {
                        return Err(segment::damaged(&path, 0, Damage::Sequence));
                    }
                }
                None if number == 1 => next.continues(number, &NOTHING)?,
                None => {} // its predecessors have been moved away
            }
            self.segment = Some(next);
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.advance().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}
