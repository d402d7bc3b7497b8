//! Reads a ledger from its first record to its last and verifies the chain on the way.

use std::path::{Path, PathBuf};

use super::canonical;
use super::entry::Entry;
use super::error::{Damage, LedgerError};
use super::note::Event;
use super::segment::{self, Hash, NOTHING, Rest, Segment};

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
    walk: Walk,
    ended: bool,
}

/// Reads the ledger of a directory, which may be in use: what is being written meanwhile is either
/// read whole or reported as [`Damage::Incomplete`].
///
/// # Errors
///
/// When the directory cannot be read, or a segment between two others is missing.
pub fn read(directory: &Path) -> Result<Records, LedgerError> {
    Ok(Records { walk: Walk::new(directory, segment::list(directory)?, End::Whole), ended: false })
}

/// [`read`], but ends quietly before a last write that is under way or was cut short: for whoever
/// looks at a ledger while it is written.
///
/// # Errors
///
/// As of [`read`].
pub fn read_prefix(directory: &Path) -> Result<Records, LedgerError> {
    Ok(Records { walk: Walk::new(directory, segment::list(directory)?, End::Prefix), ended: false })
}

impl Record {
    /// The JSON that stands in the ledger.
    #[must_use]
    pub fn to_json(&self) -> String {
        let encoded = canonical::encode_event(&self.event).unwrap_or_default();
        let mut json = Vec::new();
        canonical::with_sequence(self.sequence, &encoded, &mut json);
        String::from_utf8(json).unwrap_or_default()
    }
}

impl Iterator for Records {
    type Item = Result<Record, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.walk.next().map(|line| line.map(|line| line.record)).transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

/// The end of a ledger that is being written, for whoever looks on.
#[derive(Debug)]
pub struct Tail {
    walk: Walk,
    after: u64,
}

impl Tail {
    /// Behind the record of a number.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn behind(directory: &Path, after: u64) -> Result<Self, LedgerError> {
        let mut numbers = segment::list(directory)?;
        for number in numbers.clone().into_iter().rev() {
            if Segment::open_in(directory, number)?.next_sequence() <= after.saturating_add(1) {
                numbers.retain(|kept| *kept >= number);
                break;
            }
        }
        Ok(Self { walk: Walk::new(directory, numbers, End::Prefix), after })
    }

    /// Before the last records of a number: only the segments that hold them are read.
    ///
    /// # Errors
    /// When the directory or its last segment cannot be read.
    pub fn before_end(directory: &Path, records: u64) -> Result<Self, LedgerError> {
        let Some(last) = segment::list(directory)?.pop() else {
            return Err(LedgerError::Empty { path: directory.to_owned() });
        };
        let mut walk = Walk::new(directory, vec![last], End::Prefix);
        while walk.next_line()?.is_some() {}
        Self::behind(directory, walk.last_sequence().saturating_sub(records))
    }

    /// The next record, if it is there already.
    ///
    /// # Errors
    /// When what stands there is not what was written.
    pub fn advance(&mut self) -> Result<Option<Record>, LedgerError> {
        loop {
            match self.walk.next_line()? {
                Some(line) if self.walk.last_sequence() > self.after => {
                    return Ok(Some(self.walk.record_of(&line)?.record));
                }
                Some(_before) => {}
                None if self.walk.grow()? => {}
                None => return Ok(None),
            }
        }
    }
}

/// How a ledger may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole line.
    Whole,
    /// Also inside a last write.
    Prefix,
}

/// A record and the hash of its line.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) record: Record,
    pub(super) hash: Hash,
}

/// A line, and where it begins in its segment.
#[derive(Debug)]
struct Line {
    offset: u64,
    json: Vec<u8>,
    hash: Hash,
}

/// Goes through the segments of a directory, line by line, and verifies what links them.
#[derive(Debug)]
pub(super) struct Walk {
    directory: PathBuf,
    numbers: std::vec::IntoIter<u64>,
    end: End,
    segment: Option<Segment>,
    /// The last line of the segment before, once there was one.
    before: Option<(Hash, u64)>,
    torn: bool,
    opened: usize,
}

impl Walk {
    pub(super) fn new(directory: &Path, numbers: Vec<u64>, end: End) -> Self {
        let numbers = numbers.into_iter();
        Self {
            directory: directory.to_owned(),
            numbers,
            end,
            segment: None,
            before: None,
            torn: false,
            opened: 0,
        }
    }

    /// The segment that is being read.
    pub(super) const fn segment(&self) -> Option<&Segment> {
        self.segment.as_ref()
    }

    /// Whether the ledger ended inside a last write.
    pub(super) const fn torn(&self) -> bool {
        self.torn
    }

    /// Looks on from where the end was; whether there is another segment by now.
    fn grow(&mut self) -> Result<bool, LedgerError> {
        self.torn = false;
        let Some(segment) = &mut self.segment else { return Ok(false) };
        let io = |source| LedgerError::Io { doing: "read", path: self.directory.clone(), source };
        segment.again().map_err(io)?;
        let now = segment.header().segment;
        let mut later = segment::list(&self.directory)?;
        later.retain(|number| *number > now);
        let grown = !later.is_empty();
        self.numbers = later.into_iter();
        Ok(grown)
    }

    /// How many segments have been opened.
    pub(super) const fn opened(&self) -> usize {
        self.opened
    }

    /// Opens the first segment, if it is not open yet.
    pub(super) fn begin(&mut self) -> Result<(), LedgerError> {
        if self.segment.is_none() { self.open_next().map(drop) } else { Ok(()) }
    }

    pub(super) fn next(&mut self) -> Result<Option<Verified>, LedgerError> {
        self.next_line()?.map(|line| self.record_of(&line)).transpose()
    }

    /// What a line says that was the last to be read.
    fn record_of(&self, line: &Line) -> Result<Verified, LedgerError> {
        let Line { offset, ref json, hash } = *line;
        let bad = || {
            let path = self.segment().map_or(self.directory.as_path(), Segment::path);
            segment::damaged(path, offset, Damage::Record)
        };
        let (sequence, event) = canonical::decode(json).ok_or_else(bad)?;
        Ok(Verified { record: Record { sequence, event }, hash })
    }

    /// The next line, its link verified; what it says is not looked at.
    fn next_line(&mut self) -> Result<Option<Line>, LedgerError> {
        loop {
            if self.torn {
                return Ok(None);
            }
            if let Some(segment) = &mut self.segment {
                let offset = segment.offset();
                let json = if self.numbers.len() == 0 {
                    next_line_of_last(segment, self.end, &mut self.torn)?
                } else {
                    segment.next_line()?
                };
                if let Some(json) = json {
                    return Ok(Some(Line { offset, json, hash: segment.last() }));
                }
                self.before = Some((segment.last(), segment.next_sequence()));
            }
            if self.torn || !self.open_next()? {
                return Ok(None);
            }
        }
    }

    /// The number of the last line that was read.
    fn last_sequence(&self) -> u64 {
        self.segment().map_or(0, |segment| segment.next_sequence().saturating_sub(1))
    }

    fn open_next(&mut self) -> Result<bool, LedgerError> {
        let Some(number) = self.numbers.next() else { return Ok(false) };
        let next = Segment::open_in(&self.directory, number)?;
        let path = next.path().to_owned();
        match self.before {
            Some((last, sequence)) => {
                next.continues(number, &last)?;
                if next.next_sequence() != sequence {
                    return Err(segment::damaged(&path, 0, Damage::Sequence));
                }
            }
            None if number == 1 => next.continues(number, &NOTHING)?,
            None => {} // its predecessors have been retired or moved away
        }
        if self.segment.as_ref().is_some_and(|before| before.header().log != next.header().log) {
            return Err(segment::damaged(&path, 0, Damage::Header));
        }
        self.segment = Some(next);
        self.opened = self.opened.saturating_add(1);
        Ok(true)
    }
}

/// How often bytes are looked at that are being written meanwhile. By the second look, the write that the first
/// saw half of is over; another may begin.
const LOOKS: u32 = 4;

/// The next line of the segment that is written to, none where only room follows; nor, with [`End::Prefix`],
/// where a last write is under way or was cut short.
fn next_line_of_last(
    segment: &mut Segment,
    end: End,
    torn: &mut bool,
) -> Result<Option<Vec<u8>>, LedgerError> {
    for _ in 1..LOOKS {
        let read = segment.next_line();
        if !matches!(read, Err(LedgerError::Damaged { .. })) {
            return read;
        }
        match (segment.rest()?, end) {
            (Rest::Room, _) => return Ok(None),
            (Rest::Cut(_), End::Prefix) => {
                *torn = true;
                return Ok(None);
            }
            (Rest::Cut(_), End::Whole) => return read,
            (Rest::Changed, _) => {}
        }
    }
    segment.next_line()
}
