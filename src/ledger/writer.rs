//! Opens a directory for writing, and writes batches of records to its last segment.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::disk::Disk;
use super::error::{Damage, Failure, LedgerError};
use super::handed::Line;
use super::note::Event;
use super::segment::{self, FORMAT, Hash, Header, LONGEST_WRITE, NOTHING, Rest, Segment, length_of};
use super::{Found, Settings, canonical};

/// Records that wait to be written, each encoded but for its number.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// What they say, for whoever follows.
    events: Vec<Event>,
}

impl Batch {
    pub(super) fn push(&mut self, encoded: &[u8], event: Event) {
        self.bytes.extend_from_slice(encoded);
        self.ends.push(self.bytes.len());
        self.events.push(event);
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BUFFER);
        self.ends.clear();
        self.ends.shrink_to(KEPT_BUFFER);
        self.events = Vec::new();
    }

    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| self.bytes.get(begin..*end).unwrap_or_default())
    }
}

/// A burst's memory is given back; that of ordinary batches is reused.
const KEPT_BUFFER: usize = 1 << 20;
/// How far a segment is filled with zeros ahead of its records. A sync that has a new length or new blocks to
/// bring to disk goes through the file system's journal: half as dear again. A thousand records, written
/// in some milliseconds.
const ROOM: u64 = 1 << 20;

/// The number and hash of a record.
pub(super) type Tip = (u64, Hash);

/// The end of the log: the only place that writes to it.
#[derive(Debug)]
pub(super) struct Writer {
    disk: Box<dyn Disk>,
    directory: PathBuf,
    node: String,
    log: String,
    segment_limit: u64,
    file: File,
    number: u64,
    /// Behind the last record.
    length: u64,
    /// The file's length: up to here there are zeros.
    room: u64,
    last: Hash,
    next: u64,
    /// The last record, whichever segment it is in.
    tip: Option<Tip>,
    failed: Option<Failure>,
    buffer: Vec<u8>,
    /// Those of the last batch.
    lines: Vec<Line>,
    /// Held as long as the writer lives; the kernel lets go of it when the process ends.
    _lock: File,
}

impl Writer {
    pub(super) fn open(settings: Settings, mut disk: Box<dyn Disk>) -> Result<(Self, Found), LedgerError> {
        let directory = settings.directory;
        check_directory(&directory)?;
        let lock = lock(&directory)?;
        let numbers = segment::list(&directory)?;
        let Some(number) = numbers.last().copied() else {
            let log = HEXLOWER.encode(&settings.new_log);
            let header = header(&log, &settings.node, 1, 1, &NOTHING);
            let (file, length, last) = begin_segment(&mut *disk, &directory, &header)
                .map_err(|(path, source)| LedgerError::Io { doing: "begin", path, source })?;
            let found = Found { begun: true, last_sequence: 0, last_millis: None, set_aside: None };
            let writer = Self {
                disk,
                directory,
                node: settings.node,
                log,
                segment_limit: settings.limits.segment,
                file,
                number: 1,
                length,
                room: length,
                last,
                next: 1,
                tip: None,
                failed: None,
                buffer: Vec::new(),
                lines: Vec::new(),
                _lock: lock,
            };
            return Ok((writer, found));
        };

        let path = segment::path_of(&directory, number);
        let Last { segment: mut read, rest, last_millis } = verify_last(&directory, &numbers, number)?;
        let io = |source| LedgerError::Io { doing: "open", path: path.clone(), source };
        let file = disk.open(&path).map_err(io)?;
        let set_aside = match rest {
            Rest::Cut(length) => {
                Some(set_aside_rest(&mut *disk, &directory, &path, &file, (&mut read, length))?)
            }
            Rest::Room | Rest::Changed => None,
        };
        let room = file.metadata().map_err(io)?.len();
        // What a process wrote before it was killed may be in memory only, and the chain goes on
        // from there.
        disk.sync(&file).map_err(io)?;
        disk.sync_directory(&directory).map_err(io)?;
        let next = read.next_sequence();
        let found = Found { begun: false, last_sequence: next.saturating_sub(1), last_millis, set_aside };
        let writer = Self {
            disk,
            directory,
            node: settings.node,
            log: read.header().log.clone(),
            segment_limit: settings.limits.segment,
            file,
            number,
            length: read.offset(),
            room,
            last: read.last(),
            next,
            tip: read.tip(),
            failed: None,
            buffer: Vec::new(),
            lines: Vec::new(),
            _lock: lock,
        };
        Ok((writer, found))
    }

    /// The number and hash of the last record on disk.
    pub(super) const fn tip(&self) -> Option<Tip> {
        self.tip
    }

    /// The number and line of the last record, where that is in the segment that is written to. Asked right after
    /// opening, which verified it.
    pub(super) fn verified(&self) -> Option<(u64, Line)> {
        let (sequence, hash) = self.tip?;
        let line = Line { segment: self.number, end: self.length, length: 0, hash };
        (self.last == hash).then_some((sequence, line))
    }

    /// Where the records of the last batch stand.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Which log it is.
    pub(super) fn log(&self) -> Result<[u8; 16], LedgerError> {
        let log = canonical::bytes_of_hex(&self.log);
        log.ok_or_else(|| {
            segment::damaged(&segment::path_of(&self.directory, self.number), 0, Damage::Header)
        })
    }

    /// Writes and syncs a batch; gives the number of its first record.
    ///
    /// After a failure nothing is written any more: a failed sync leaves unknown what of the file
    /// is on disk, and the system may say of the next one that all is well (*fsyncgate*).
    pub(super) fn write(&mut self, batch: &Batch) -> Result<u64, Failure> {
        if let Some(failure) = self.failed {
            return Err(failure);
        }
        let written = self.try_write(batch);
        if let Err(failure) = written {
            self.failed = Some(failure);
            // Nobody has a receipt for what stands behind the last synced byte. If this fails too,
            // opening deals with it.
            drop(self.disk.truncate(&self.file, self.length));
        }
        written
    }

    /// Gives back the room behind the last record, so that a ledger that nobody writes to is lines only.
    /// Not synced: where that fails the room stays, and is used by whoever opens the ledger next.
    pub(super) fn give_back(&mut self) {
        if self.failed.is_none() {
            drop(self.cut_room());
        }
    }

    /// Whether there was any.
    fn cut_room(&mut self) -> io::Result<bool> {
        if self.room <= self.length {
            return Ok(false);
        }
        self.disk.truncate(&self.file, self.length)?;
        self.room = self.length;
        Ok(true)
    }

    fn try_write(&mut self, batch: &Batch) -> Result<u64, Failure> {
        if self.length >= self.segment_limit {
            self.rotate()?;
        }
        let first = self.next;
        let (mut last, mut next) = (self.last, first);
        let mut json = Vec::new();
        self.buffer.clear();
        self.lines.clear();
        for encoded in batch.records() {
            json.clear();
            canonical::with_sequence(next, encoded, &mut json);
            let together = length_of(&self.buffer).saturating_add(segment::line_length(&json));
            if together > LONGEST_WRITE && !self.buffer.is_empty() {
                self.put((next.saturating_sub(1), last))?;
            }
            last = segment::push_line(&last, &json, &mut self.buffer);
            next = next.saturating_add(1);
            let end = self.length.saturating_add(length_of(&self.buffer));
            self.lines.push(Line { segment: self.number, end, length: json.len(), hash: last });
        }
        self.put((next.saturating_sub(1), last))?;
        self.buffer.shrink_to(KEPT_BUFFER);
        Ok(first)
    }

    /// Brings the buffer, which ends with a record, to disk.
    fn put(&mut self, tip: Tip) -> Result<(), Failure> {
        let end = self.length.saturating_add(length_of(&self.buffer));
        let room = if end > self.room { self.room_behind(end) } else { self.room };
        if room > self.room {
            let zeros = usize::try_from(room.saturating_sub(end)).unwrap_or_default();
            self.buffer.resize(self.buffer.len().saturating_add(zeros), 0);
        }
        let put = self.disk.write(&self.file, self.length, &self.buffer);
        put.map_err(|error| Failure::new("write to", &error))?;
        self.disk.sync(&self.file).map_err(|error| Failure::new("sync", &error))?;
        self.buffer.clear();
        (self.length, self.room) = (end, room);
        self.next = tip.0.saturating_add(1);
        self.last = tip.1;
        self.tip = Some(tip);
        Ok(())
    }

    /// Where the room ends that is made behind `end`. Past the limit the segment is closed soon.
    fn room_behind(&self, end: u64) -> u64 {
        end.saturating_add(ROOM).min(self.segment_limit).max(end)
    }

    fn rotate(&mut self) -> Result<(), Failure> {
        // Only the last segment may end in zeros, so they are gone before there is another.
        let mut close = || if self.cut_room()? { self.disk.sync(&self.file) } else { Ok(()) };
        close().map_err(|error| Failure::new("close a segment of", &error))?;
        let number = self.number.saturating_add(1);
        let header = header(&self.log, &self.node, number, self.next, &self.last);
        let (file, length, last) = begin_segment(&mut *self.disk, &self.directory, &header)
            .map_err(|(_, error)| Failure::new("begin a segment of", &error))?;
        self.file = file;
        self.number = number;
        (self.length, self.room) = (length, length);
        self.last = last;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn header(log: &str, node: &str, segment: u64, first: u64, previous: &Hash) -> Header {
    Header {
        tavs_ledger: FORMAT,
        log: log.to_owned(),
        node: node.to_owned(),
        segment,
        first,
        previous: HEXLOWER.encode(previous),
    }
}

/// Makes a segment under another name first, so that one with its own name always has its header.
fn begin_segment(
    disk: &mut dyn Disk,
    directory: &Path,
    header: &Header,
) -> Result<(File, u64, Hash), (PathBuf, io::Error)> {
    let path = segment::path_of(directory, header.segment);
    let new = path.with_extension("new");
    let mut begin = || {
        let json = serde_json::to_vec(header).map_err(io::Error::from)?;
        let before = canonical::bytes_of_hex(&header.previous).ok_or(io::ErrorKind::InvalidData)?;
        let mut line = Vec::new();
        let last = segment::push_line(&before, &json, &mut line);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {} // of an attempt that a crash cut short
        }
        let file = disk.create(&new)?;
        disk.write(&file, 0, &line)?;
        disk.sync(&file)?;
        disk.rename(&new, &path)?;
        disk.sync_directory(directory)?;
        Ok((file, length_of(&line), last))
    };
    begin().map_err(|error| (path.clone(), error))
}

/// The last segment, read to its last whole line.
struct Last {
    segment: Segment,
    /// What follows: room, or what a crash left of a last write.
    rest: Rest,
    /// When the last record was made, whichever segment it is in.
    last_millis: Option<u64>,
}

/// Reads the last segment, and that it continues the one before. Where it has no record yet, the one before is read too,
/// for the time of its last.
fn verify_last(directory: &Path, numbers: &[u64], number: u64) -> Result<Last, LedgerError> {
    for number in numbers {
        check_segment(&segment::present_path_of(directory, *number))?;
    }
    let path = segment::path_of(directory, number);
    if !path.exists() {
        // Only what another follows is packed.
        return Err(LedgerError::Gap { path: directory.to_owned(), missing: number.saturating_add(1) });
    }
    let mut segment = Segment::open(&path)?;
    let before = numbers.iter().rev().nth(1).copied();
    match before {
        Some(before) => segment.continues(number, &segment::last_hash(directory, before)?)?,
        None if number == 1 => segment.continues(number, &NOTHING)?,
        None => {} // its predecessors have been moved away
    }
    let mut last = None;
    let rest = loop {
        match read_record(&mut segment, &mut last) {
            Ok(true) => {}
            Ok(false) => break Rest::Room,
            Err(damage @ LedgerError::Damaged { .. }) => match segment.rest()? {
                Rest::Changed => return Err(damage),
                rest @ (Rest::Room | Rest::Cut(_)) => break rest,
            },
            Err(error) => return Err(error),
        }
    };
    let last_millis = match (&last, before) {
        (None, Some(before)) => {
            let mut segment = Segment::open_in(directory, before)?;
            while read_record(&mut segment, &mut last)? {}
            millis_of(segment.path(), last.as_ref())?
        }
        (..) => millis_of(&path, last.as_ref())?,
    };
    Ok(Last { segment, rest, last_millis })
}

/// Reads a record on, if there is one: where its line begins, and its JSON.
fn read_record(segment: &mut Segment, last: &mut Option<(u64, Vec<u8>)>) -> Result<bool, LedgerError> {
    let offset = segment.offset();
    let json = segment.next_line()?;
    let is_there = json.is_some();
    if let Some(json) = json {
        *last = Some((offset, json));
    }
    Ok(is_there)
}

/// When a record was made.
fn millis_of(path: &Path, record: Option<&(u64, Vec<u8>)>) -> Result<Option<u64>, LedgerError> {
    let Some((offset, json)) = record else { return Ok(None) };
    let (_, event) =
        canonical::decode(json).ok_or_else(|| segment::damaged(path, *offset, Damage::Record))?;
    Ok(Some(event.unix_millis()))
}

/// Keeps what a crash left of the last write beside the segment, then cuts it off.
fn set_aside_rest(
    disk: &mut dyn Disk,
    directory: &Path,
    path: &Path,
    file: &File,
    (read, length): (&mut Segment, u64),
) -> Result<(PathBuf, u64), LedgerError> {
    let io =
        |source| LedgerError::Io { doing: "set aside an incomplete write of", path: path.to_owned(), source };
    let torn = free_name(path);
    let copy = disk.create(&torn).map_err(io)?;
    let copied = read.copy_rest(length, &copy).map_err(io)?;
    disk.sync(&copy).map_err(io)?;
    disk.sync_directory(directory).map_err(io)?;
    disk.truncate(file, read.offset()).map_err(io)?;
    Ok((torn, copied))
}

fn free_name(path: &Path) -> PathBuf {
    (1_u32..)
        .map(|n| path.with_extension(format!("{n}.torn")))
        .find(|path| !path.exists())
        .unwrap_or_default()
}

fn lock(directory: &Path) -> Result<File, LedgerError> {
    let path = directory.join("lock");
    let io = |source| LedgerError::Io { doing: "lock", path: path.clone(), source };
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Whoever can write to the directory can put other segments in the place of these.
pub(super) fn check_directory(path: &Path) -> Result<(), LedgerError> {
    refuse_mode(path, 0o022, "go-w")
}

/// The owner's group may read (an auditor); nobody but the owner may write, others nothing.
pub(super) fn check_segment(path: &Path) -> Result<(), LedgerError> {
    refuse_mode(path, 0o027, "g-w,o-rwx")
}

fn refuse_mode(path: &Path, refused: u32, mend: &'static str) -> Result<(), LedgerError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LedgerError::Missing { path: path.to_owned() });
        }
        Err(source) => return Err(LedgerError::Io { doing: "use", path: path.to_owned(), source }),
    };
    let mode = found.mode() & 0o777;
    if mode & refused != 0 {
        return Err(LedgerError::TooOpen { path: path.to_owned(), mode, mend });
    }
    Ok(())
}
