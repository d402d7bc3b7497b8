//! One segment file: a header line and one line a record, each `hash SP json LF`, where the hash is
//! SHA-256 over the hash before it and the JSON bytes.
//!
//! The hash is both the checksum of its line and the link to the line before; a segment's header
//! continues the last line of the segment before it.

mod rest;
mod source;

use std::fs::File;
use std::io::{self, BufRead as _, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(super) use self::rest::{LONGEST_WRITE, Rest};
use self::source::Source;
use super::canonical;
use super::error::{Damage, LedgerError};

/// The format that this tavs writes and reads.
pub(super) const FORMAT: u64 = 1;
/// Before the first line of a log.
pub(super) const NOTHING: Hash = [0; 32];
/// The longest line that is read; [`MAX_RECORD`] with its hash and number fits.
pub(super) const MAX_LINE: u64 = 4 << 20;
/// The largest record, whatever the limits say: readers can rely on it.
pub(super) const MAX_RECORD: usize = (4 << 20) - 1024;
/// `hash SP`.
const HASH_LEN: usize = 65;
/// That, and the line feed.
const LINE_LESS_JSON: u64 = 66;

pub(super) type Hash = [u8; 32];

/// The first line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Header {
    /// The format version.
    pub(super) tavs_ledger: u64,
    /// The log that the segment belongs to: 32 hexadecimal digits.
    pub(super) log: String,
    /// Which node writes it.
    pub(super) node: String,
    /// Its number, from 1.
    pub(super) segment: u64,
    /// The number of its first record.
    pub(super) first: u64,
    /// The hash of the last line of the segment before, or zeros.
    pub(super) previous: String,
}

/// Appends one line and gives its hash.
pub(super) fn push_line(before: &Hash, json: &[u8], out: &mut Vec<u8>) -> Hash {
    let hash = link(before, json);
    let mut digits = [0; 64];
    HEXLOWER.encode_mut(&hash, &mut digits);
    out.extend_from_slice(&digits);
    out.push(b' ');
    out.extend_from_slice(json);
    out.push(b'\n');
    hash
}

/// Of the line that [`push_line`] makes of this.
pub(super) fn line_length(json: &[u8]) -> u64 {
    length_of(json).saturating_add(LINE_LESS_JSON)
}

fn link(before: &Hash, json: &[u8]) -> Hash {
    Sha256::new().chain_update(before).chain_update(json).finalize().into()
}

/// The file of a segment, before it is packed.
pub(super) fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}.ledger"))
}

/// The file of a packed segment.
pub(super) fn packed_path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}.ledger.gz"))
}

/// The file that a segment is in now.
pub(super) fn present_path_of(directory: &Path, number: u64) -> PathBuf {
    let (plain, packed) = (path_of(directory, number), packed_path_of(directory, number));
    if !plain.exists() && packed.exists() { packed } else { plain }
}

/// The numbers of a directory's segments, in order and without a gap.
pub(super) fn list(directory: &Path) -> Result<Vec<u64>, LedgerError> {
    match list_to_gap(directory)? {
        (numbers, None) => Ok(numbers),
        (_, Some(missing)) => Err(LedgerError::Gap { path: directory.to_owned(), missing }),
    }
}

/// The numbers of a directory's segments, in order, up to the first that is missing between two.
pub(super) fn list_to_gap(directory: &Path) -> Result<(Vec<u64>, Option<u64>), LedgerError> {
    let io = |source| LedgerError::Io { doing: "list", path: directory.to_owned(), source };
    let mut numbers = Vec::new();
    for entry in directory.read_dir().map_err(io)? {
        if let Some(number) = entry.map_err(io)?.file_name().to_str().and_then(number_of) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    numbers.dedup(); // one that is being packed has both forms
    let follows = |pair: &[u64]| matches!(pair, [before, after] if before.checked_add(1) == Some(*after));
    let Some(gap) = numbers.windows(2).position(|pair| !follows(pair)) else { return Ok((numbers, None)) };
    numbers.truncate(gap.saturating_add(1));
    let missing = numbers.last().map(|last| last.saturating_add(1));
    Ok((numbers, missing))
}

fn number_of(name: &str) -> Option<u64> {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let number = plain.strip_suffix(".ledger")?.parse().ok()?;
    (format!("{number:08}.ledger") == plain).then_some(number)
}

/// Reads a segment from its beginning and verifies each line.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: Source,
    header: Header,
    offset: u64,
    last: Hash,
    next: u64,
    /// Lines were passed over: the file is read on from [`offset`](Self::offset).
    passed: bool,
}

impl Segment {
    /// Opens a segment of a directory, packed or not: it may be packed meanwhile.
    pub(super) fn open_in(directory: &Path, number: u64) -> Result<Self, LedgerError> {
        match Self::open(&path_of(directory, number)) {
            Err(LedgerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::open(&packed_path_of(directory, number))
            }
            opened => opened,
        }
    }

    /// Opens a segment and verifies its header by itself; whether it continues the one before is
    /// the caller's to ask with [`continues`](Self::continues).
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let io = |source| LedgerError::Io { doing: "read", path: path.to_owned(), source };
        let header_damaged = || damaged(path, 0, Damage::Header);
        let mut file = Source::open(path).map_err(io)?;
        let line = match read_line(&mut file) {
            Err(error) if file.is_damage(&error) => return Err(damaged(path, 0, Damage::Packed)),
            read => read.map_err(io)?,
        };
        let (hash, json) = line.as_deref().and_then(split_line).ok_or_else(header_damaged)?;
        refuse_newer(path, json)?;
        let header: Header = serde_json::from_slice(json).map_err(|_not_a_header| header_damaged())?;
        let before = canonical::bytes_of_hex(&header.previous).ok_or_else(header_damaged)?;
        let canonical = serde_json::to_vec(&header).is_ok_and(|bytes| bytes == json);
        if header.tavs_ledger != FORMAT || !canonical || link(&before, json) != hash {
            return Err(header_damaged());
        }
        let offset = line.as_deref().map_or(0, length_of);
        let next = header.first;
        Ok(Self { path: path.to_owned(), file, header, offset, last: hash, next, passed: false })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the header says.
    pub(super) const fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the header continues the line of this hash.
    pub(super) fn continues(&self, number: u64, before: &Hash) -> Result<(), LedgerError> {
        let previous = canonical::bytes_of_hex(&self.header.previous);
        if self.header.segment == number && previous.as_ref() == Some(before) {
            Ok(())
        } else {
            Err(damaged(&self.path, 0, Damage::Header))
        }
    }

    /// The next record's JSON, its line verified; `None` after the last. After an error, [`offset`](Self::offset) is where
    /// the bad line begins. Zeros are no line: where they may follow, ask [`next_line_or_room`](Self::next_line_or_room).
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        match self.look() {
            // What was read ahead may be older than what stands there by now.
            Err(LedgerError::Damaged { .. }) if self.file.is_plain() => {
                self.again().map_err(|source| self.unreadable(source))?;
                self.look()
            }
            read => read,
        }
    }

    /// [`next_line`](Self::next_line) of the segment that is written to: `None` also where only room follows.
    pub(super) fn next_line_or_room(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        match self.next_line() {
            Err(damaged @ LedgerError::Damaged { .. }) => match self.rest()? {
                Rest::Room => Ok(None),
                Rest::Cut(_) | Rest::Changed => Err(damaged),
            },
            read => read,
        }
    }

    /// Whether it is the segment of this number, not packed, and its file is so long: what was verified before may have
    /// been cut or moved since.
    pub(super) fn reaches(&self, number: u64, end: u64) -> bool {
        let long = || self.path.metadata().is_ok_and(|found| found.len() >= end);
        self.header.segment == number && self.file.is_plain() && long()
    }

    /// Passes over the lines up to a record, which this process wrote or verified: its number, where its line ends, and
    /// its hash.
    pub(super) fn pass(&mut self, sequence: u64, end: u64, hash: Hash) {
        self.offset = end;
        self.last = hash;
        self.next = sequence.saturating_add(1);
        self.passed = true;
    }

    fn look(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        if self.passed {
            self.again().map_err(|source| self.unreadable(source))?;
        }
        let read = read_line(&mut self.file);
        if read.as_ref().is_err_and(|error| self.file.is_damage(error)) {
            return Err(damaged(&self.path, self.offset, Damage::Packed));
        }
        let Some(bytes) = read.map_err(|source| self.unreadable(source))? else { return Ok(None) };
        let bad = |damage| damaged(&self.path, self.offset, damage);
        if bytes.last() != Some(&b'\n') {
            return Err(bad(Damage::Incomplete));
        }
        let (hash, json) = split_line(&bytes).ok_or_else(|| bad(Damage::Form))?;
        if link(&self.last, json) != hash {
            return Err(bad(Damage::Hash));
        }
        let (sequence, _) = canonical::split_sequence(json).ok_or_else(|| bad(Damage::Record))?;
        if sequence != self.next {
            return Err(bad(Damage::Sequence));
        }
        let json = json.to_vec();
        self.last = hash;
        self.next = self.next.saturating_add(1);
        self.offset = self.offset.saturating_add(length_of(&bytes));
        Ok(Some(json))
    }

    fn unreadable(&self, source: io::Error) -> LedgerError {
        LedgerError::Io { doing: "read", path: self.path.clone(), source }
    }

    /// Where the next line begins.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The hash of the last line that was read.
    pub(super) const fn last(&self) -> Hash {
        self.last
    }

    /// The number and hash of the last record up to here: before the first of this segment, the last
    /// of the one before.
    pub(super) fn tip(&self) -> Option<(u64, Hash)> {
        let sequence = self.next.checked_sub(1).filter(|sequence| *sequence > 0)?;
        if self.next == self.header.first {
            return Some((sequence, canonical::bytes_of_hex(&self.header.previous)?));
        }
        Some((sequence, self.last))
    }

    /// The number of the next record.
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next
    }

    /// What follows from [`offset`](Self::offset) on, in the segment that is written to. The next line is read from there
    /// again.
    pub(super) fn rest(&mut self) -> Result<Rest, LedgerError> {
        if !self.file.is_plain() {
            return Ok(Rest::Changed);
        }
        let mut classify = || {
            self.file.seek(self.offset)?;
            let rest = rest::classify(&mut self.file, self.offset)?;
            self.file.seek(self.offset)?;
            Ok(rest)
        };
        classify().map_err(|source| self.unreadable(source))
    }

    /// Goes back to where the line that could not be read begins.
    pub(super) fn again(&mut self) -> io::Result<()> {
        self.passed = false;
        self.file.seek(self.offset)
    }

    /// Copies so many bytes from [`offset`](Self::offset) on.
    pub(super) fn copy_rest(&mut self, length: u64, mut to: &File) -> io::Result<u64> {
        self.file.seek(self.offset)?;
        io::copy(&mut (&mut self.file).take(length), &mut to)
    }
}

/// The hash of a segment's last line; of one that is not packed, without verifying the others.
pub(super) fn last_hash(directory: &Path, number: u64) -> Result<Hash, LedgerError> {
    let path = &present_path_of(directory, number);
    if *path == packed_path_of(directory, number) {
        let mut segment = Segment::open(path)?;
        while segment.next_line()?.is_some() {}
        return Ok(segment.last());
    }
    let io = |source| LedgerError::Io { doing: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let length = file.seek(SeekFrom::End(0)).map_err(io)?;
    let start = length.saturating_sub(MAX_LINE);
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let mut tail = Vec::new();
    file.take(MAX_LINE).read_to_end(&mut tail).map_err(io)?;
    let body = tail.strip_suffix(b"\n").ok_or_else(|| damaged(path, start, Damage::Incomplete))?;
    let begin = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    tail.get(begin..)
        .and_then(split_line)
        .map(|(hash, _)| hash)
        .ok_or_else(|| damaged(path, start, Damage::Form))
}

/// A line with its line feed, if it has one; of zeros, the first only.
fn read_line(file: &mut Source) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if file.fill_buf()?.first() == Some(&0) {
        return Ok(Some(vec![0]));
    }
    file.take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok((!line.is_empty()).then_some(line))
}

fn split_line(line: &[u8]) -> Option<(Hash, &[u8])> {
    let line = line.strip_suffix(b"\n")?;
    let (hash, json) = line.split_at_checked(HASH_LEN)?;
    let digits = std::str::from_utf8(hash.strip_suffix(b" ")?).ok()?;
    Some((canonical::bytes_of_hex(digits)?, json))
}

pub(super) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A newer format may have another hash, so it is looked for before anything is verified.
fn refuse_newer(path: &Path, json: &[u8]) -> Result<(), LedgerError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Format {
        tavs_ledger: u64,
    }
    match serde_json::from_slice::<Format>(json) {
        Ok(Format { tavs_ledger: format }) if format > FORMAT => {
            Err(LedgerError::Newer { path: path.to_owned(), format })
        }
        Ok(_) => Ok(()),
        Err(_no_format) => Err(damaged(path, 0, Damage::Header)),
    }
}

pub(super) fn damaged(path: &Path, offset: u64, damage: Damage) -> LedgerError {
    LedgerError::Damaged { path: path.to_owned(), offset, damage }
}
