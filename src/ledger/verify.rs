//! Verifies a whole ledger: its chain, its checkpoints, and what an anchor remembers of it (G12).
//!
//! `tests/verify_ledger.py` does the same from docs/ledger.md alone, and a test holds the two to each
//! other. What must never happen here: a word of good where something was not looked at.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::canonical::bytes_of_hex;
use super::checkpoint::{self, Line, Says};
use super::error::{Damage, LedgerError};
use super::read::{End, Walk};
use super::segment::{self, Hash};
use crate::pseudonym::PublicKey;
use crate::store::Log;

/// The longest line of an anchor's file that is looked at: a checkpoint with what a daemon puts
/// before it. Of a longer one the end is another line.
const LONGEST_LINE: u64 = 64 << 10;

/// What a ledger is held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Against<'a> {
    /// The keys whose checkpoints count. None: each line's own, which proves little.
    pub keys: &'a [PublicKey],
    /// A file that the anchor's lines are in.
    pub anchor: Option<&'a Path>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Which log.
    pub log: Log,
    /// How many segments were read.
    pub segments: usize,
    /// The number of the first record that is there.
    pub first: u64,
    /// The number of the last good record; one less than `first` if there is none.
    pub last: u64,
    /// Whether the ledger ends inside a last write: one that is under way, or that a crash cut short.
    pub torn: bool,
    /// The last record that a checkpoint beside the ledger covers, and when it was signed.
    pub signed: Option<(u64, u64)>,
    /// The last record that the anchor covers, and when that was signed.
    pub anchored: Option<(u64, u64)>,
    /// How many other logs the anchor has checkpoints of.
    pub other_logs: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// What stands there is not what was written.
    #[error("`{}` is damaged at byte {offset}: {damage}", path.display())]
    Chain {
        /// The segment.
        path: PathBuf,
        /// Where the first bad line begins.
        offset: u64,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A segment between others is missing.
    #[error("segment {segment} is missing; put it back from the backup")]
    Gap {
        /// Its number.
        segment: u64,
    },
    /// The first records are missing, and no checkpoint says that they were retired.
    #[error("records 1 to {} are missing and were not retired; put their segments back from the backup", first.saturating_sub(1))]
    Begin {
        /// The first record that is there.
        first: u64,
    },
    /// A checkpoint knows of records that are not there: the end was cut off, or rolled back.
    #[error("{place} knows record {sequence}, and the ledger ends with record {last}: its end was cut off")]
    Cut {
        /// The checkpoint.
        place: Place,
        /// The record that it names.
        sequence: u64,
        /// The last record of the ledger.
        last: u64,
    },
    /// A checkpoint names another hash: the ledger was written anew.
    #[error("{place} has another hash of record {sequence}: the ledger was written anew")]
    Changed {
        /// The checkpoint.
        place: Place,
        /// The record that it names.
        sequence: u64,
    },
    /// A signature that does not fit.
    #[error("{place} has a signature that does not fit")]
    Forged {
        /// The checkpoint.
        place: Place,
    },
    /// Signed with a key that was not given.
    #[error("{place} is signed with another key, {key}")]
    OtherKey {
        /// The checkpoint.
        place: Place,
        /// That key.
        key: PublicKey,
    },
    /// A checkpoint of another log, beside this one.
    #[error("{place} is about another log")]
    OtherLog {
        /// The checkpoint.
        place: Place,
    },
    /// A line that is no checkpoint.
    #[error("{place} is no checkpoint")]
    Unreadable {
        /// The line.
        place: Place,
    },
    /// The anchor does not know this log.
    #[error("`{}` has no checkpoint of this log, {}; it is another ledger's anchor, or this is another ledger", path.display(), HEXLOWER.encode(log))]
    NothingAnchored {
        /// The anchor.
        path: PathBuf,
        /// This log.
        log: Log,
    },
}

/// A line of a file of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of `{}`", path.display())]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

impl Finding {
    /// One word for it, which both verifiers use.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Chain { .. } => "chain",
            Self::Gap { .. } => "gap",
            Self::Begin { .. } => "begin",
            Self::Cut { .. } => "cut",
            Self::Changed { .. } => "changed",
            Self::Forged { .. } => "forged",
            Self::OtherKey { .. } => "other-key",
            Self::OtherLog { .. } => "other-log",
            Self::Unreadable { .. } => "unreadable",
            Self::NothingAnchored { .. } => "nothing-anchored",
        }
    }
}

/// Verifies the ledger of a directory, which may be in use: what is on disk when its end is reached
/// is looked at.
///
/// # Errors
/// When there is no ledger, a file cannot be read, or a newer tavs wrote it. What is wrong with a
/// ledger that can be read stands in [`Verification::findings`].
pub fn verify(directory: &Path, against: Against<'_>) -> Result<Verification, LedgerError> {
    let (numbers, missing) = segment::list_to_gap(directory)?;
    if numbers.is_empty() {
        return Err(LedgerError::Empty { path: directory.to_owned() });
    }
    // Before the chain: what they know is in the ledger by the time that it is read.
    let own = directory.join(checkpoint::FILE);
    let mut marks = Marks::default();
    if own.exists() {
        marks.read(&own, Source::Own, against.keys)?;
    }
    if let Some(anchor) = against.anchor {
        marks.read(anchor, Source::Anchor, against.keys)?;
    }
    let mut walk = Walk::new(directory, numbers, End::Prefix);
    let (log, first, before) = match begin(&mut walk) {
        Ok(begin) => begin,
        Err(LedgerError::Damaged { path, offset, damage }) => {
            let mut findings = marks.findings;
            findings.insert(0, Finding::Chain { path, offset, damage });
            return Ok(Verification::nothing_read(findings));
        }
        Err(error) => return Err(error),
    };
    let mut found =
        Verification { log, first, last: first.saturating_sub(1), ..Verification::nothing_read(Vec::new()) };
    let mut marks = marks.of(log, against, &mut found);
    if first > 1 && !marks.retired(first.saturating_sub(1), &before) {
        found.findings.push(Finding::Begin { first });
    }
    marks.meet(first.saturating_sub(1), &before, &mut found);
    let whole = found.walk(&mut walk, &mut marks)?;
    if let Some(segment) = missing {
        found.findings.push(Finding::Gap { segment });
    } else if whole {
        marks.left(&mut found);
    }
    Ok(found)
}

/// The log, the number of the first record, and the hash before it.
fn begin(walk: &mut Walk) -> Result<(Log, u64, Hash), LedgerError> {
    walk.begin()?;
    let segment = walk.segment().ok_or(LedgerError::Empty { path: PathBuf::new() })?;
    let bad = || segment::damaged(segment.path(), 0, Damage::Header);
    let log = bytes_of_hex(&segment.header().log).ok_or_else(bad)?;
    let before = bytes_of_hex(&segment.header().previous).ok_or_else(bad)?;
    Ok((log, segment.header().first, before))
}

impl Verification {
    fn nothing_read(findings: Vec<Finding>) -> Self {
        Self {
            log: [0; 16],
            segments: 0,
            first: 1,
            last: 0,
            torn: false,
            signed: None,
            anchored: None,
            other_logs: 0,
            findings,
        }
    }

    /// Goes to the end; whether it got there.
    fn walk(&mut self, walk: &mut Walk, marks: &mut OfLog) -> Result<bool, LedgerError> {
        loop {
            match walk.next() {
                Ok(Some(line)) => {
                    self.last = line.record.sequence;
                    marks.meet(self.last, &line.hash, self);
                }
                Ok(None) => {
                    self.torn = walk.torn();
                    self.segments = walk.opened();
                    return Ok(true);
                }
                Err(LedgerError::Damaged { path, offset, damage }) => {
                    self.segments = walk.opened();
                    self.findings.push(Finding::Chain { path, offset, damage });
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Which file a checkpoint stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Own,
    Anchor,
}

/// A checkpoint, as much of it as is compared.
#[derive(Debug)]
struct Mark {
    sequence: u64,
    hash: Hash,
    says: Says,
    log: Log,
    unix_millis: u64,
    key: PublicKey,
    trusted: bool,
    source: Source,
    line: u64,
}

/// All checkpoints that were read.
#[derive(Debug, Default)]
struct Marks {
    marks: Vec<Mark>,
    paths: Vec<(Source, PathBuf)>,
    findings: Vec<Finding>,
}

impl Marks {
    fn read(&mut self, path: &Path, source: Source, keys: &[PublicKey]) -> Result<(), LedgerError> {
        let io = |error| LedgerError::Io { doing: "read", path: path.to_owned(), source: error };
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        self.paths.push((source, path.to_owned()));
        let (mut bytes, mut line) = (Vec::new(), 0_u64);
        loop {
            bytes.clear();
            if (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(io)? == 0 {
                return Ok(());
            }
            line = line.saturating_add(1);
            let place = || Place { path: path.to_owned(), line };
            match checkpoint::find(&bytes) {
                Some(Line::Good(one)) => self.marks.push(Mark {
                    sequence: one.sequence,
                    hash: one.hash,
                    says: one.says,
                    log: one.log,
                    unix_millis: one.unix_millis,
                    key: one.key,
                    trusted: keys.is_empty() || keys.contains(&one.key),
                    source,
                    line,
                }),
                Some(Line::Forged) => self.findings.push(Finding::Forged { place: place() }),
                Some(Line::Newer) => return Err(LedgerError::Newer { path: path.to_owned(), format: 2 }),
                // The last line of our own file may be under way.
                None | Some(Line::Unreadable) if source == Source::Own && bytes.last() != Some(&b'\n') => {}
                Some(Line::Unreadable) => self.findings.push(Finding::Unreadable { place: place() }),
                None if source == Source::Own => self.findings.push(Finding::Unreadable { place: place() }),
                None => {} // what else a daemon writes
            }
        }
    }

    /// Those of this log, by number.
    fn of(self, log: Log, against: Against<'_>, found: &mut Verification) -> OfLog {
        let Self { marks, paths, findings } = self;
        found.findings.extend(findings);
        let (marks, others): (Vec<_>, Vec<_>) = marks.into_iter().partition(|mark| mark.log == log);
        let place = |mark: &Mark| Place { path: path_in(&paths, mark.source), line: mark.line };
        let beside = others.iter().filter(|mark| mark.source == Source::Own);
        found.findings.extend(beside.map(|mark| Finding::OtherLog { place: place(mark) }));
        let anchored = others.iter().filter(|mark| mark.source == Source::Anchor).map(|mark| mark.log);
        found.other_logs = anchored.collect::<std::collections::BTreeSet<_>>().len();
        // An anchor may serve other logs, whose keys are not ours to know.
        let (mut marks, untrusted): (Vec<_>, Vec<_>) = marks.into_iter().partition(|mark| mark.trusted);
        let other_key = |mark: &Mark| Finding::OtherKey { place: place(mark), key: mark.key };
        found.findings.extend(untrusted.iter().map(other_key));
        let covers = |source| {
            let of = marks.iter().filter(|mark| mark.source == source);
            of.max_by_key(|mark| mark.sequence).map(|mark| (mark.sequence, mark.unix_millis))
        };
        found.signed = covers(Source::Own);
        found.anchored = covers(Source::Anchor);
        if let (Some(path), None) = (against.anchor, found.anchored) {
            found.findings.push(Finding::NothingAnchored { path: path.to_owned(), log });
        }
        marks.sort_by_key(|mark| (mark.sequence, mark.source, mark.line));
        OfLog { marks, met: 0, paths }
    }
}

fn path_in(paths: &[(Source, PathBuf)], source: Source) -> PathBuf {
    let path = paths.iter().find(|(of, _)| *of == source);
    path.map(|(_, path)| path.clone()).unwrap_or_default()
}

/// The checkpoints of one log, in the order of their records.
#[derive(Debug)]
struct OfLog {
    marks: Vec<Mark>,
    /// How many have been compared or passed.
    met: usize,
    paths: Vec<(Source, PathBuf)>,
}

impl OfLog {
    /// Whether the records up to here were retired.
    fn retired(&self, sequence: u64, hash: &Hash) -> bool {
        let fits =
            |mark: &Mark| mark.says == Says::Retired && mark.sequence == sequence && mark.hash == *hash;
        self.marks.iter().any(fits)
    }

    /// Compares those that name this record, and passes those before it.
    fn meet(&mut self, sequence: u64, hash: &Hash, found: &mut Verification) {
        while let Some(mark) = self.marks.get(self.met).filter(|mark| mark.sequence <= sequence) {
            if mark.sequence == sequence && mark.hash != *hash {
                found.findings.push(Finding::Changed { place: self.place(mark), sequence });
            }
            self.met = self.met.saturating_add(1);
        }
    }

    /// Those that name records behind the end: the first of each file is told.
    fn left(&self, found: &mut Verification) {
        for source in [Source::Own, Source::Anchor] {
            let mut rest = self.marks.iter().skip(self.met);
            if let Some(mark) = rest.find(|mark| mark.source == source) {
                let (place, sequence, last) = (self.place(mark), mark.sequence, found.last);
                found.findings.push(Finding::Cut { place, sequence, last });
            }
        }
    }

    fn place(&self, mark: &Mark) -> Place {
        Place { path: path_in(&self.paths, mark.source), line: mark.line }
    }
}
