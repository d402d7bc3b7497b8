//! The ledger: the record of every disclosure, durable before a byte of it leaves (G5).
//!
//! Stands between rewriting and release. [`Ledger::append`] gives a [`Receipt`] only once the
//! record has been written and synced; releasing a body takes that receipt. Exchanges that wait at
//! the same time share one sync (*group commit*).
//!
//! What must never happen here: a receipt for what is not on disk; a record that holds a value
//! from a message; a second writer; trust in a file after one failed write or sync.
//!
//! docs/ledger.md has the record format.

mod anchor;
mod canonical;
pub mod checkpoint;
mod commit;
mod disk;
mod entry;
mod error;
mod handed;
pub mod index;
mod look;
mod note;
mod pack;
mod read;
pub mod retire;
mod segment;
#[cfg(test)]
mod tests;
pub mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use self::anchor::{Anchor, AnchorError, AnchorSettings};
use self::commit::Commit;
pub use self::disk::{Disk, FileSystem};
pub use self::entry::{Entry, Grounds, Kind};
pub use self::error::{AppendError, Damage, Failure, LedgerError};
pub use self::handed::Durable;
pub use self::look::look;
pub use self::note::{Act, ActKind, Changed, Event, MAX_WHO, MAX_WHY, Note, PolicyRecord, PolicyRule};
pub use self::pack::Packer;
pub use self::read::{Record, Records, Tail, read, read_prefix};
use self::segment::MAX_RECORD;
use self::writer::Writer;
use crate::ids::ExchangeId;
use crate::store::Log;

/// Where a ledger is and how much it may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// An existing directory that only its owner can write to.
    pub directory: PathBuf,
    /// Which node writes; stands in each segment's header.
    pub node: String,
    /// Becomes the log's id if the directory holds no ledger yet; random.
    pub new_log: [u8; 16],
    /// Bounds.
    pub limits: Limits,
}

/// Bounds of a ledger.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long an exchange waits for its record to be durable; past it, 503.
    pub wait: Duration,
    /// Bytes of records that may wait for the disk; past it, 503 at once.
    pub pending: usize,
    /// Bytes of one record.
    pub record: usize,
    /// Bytes after which a new segment is begun.
    pub segment: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wait: DEFAULT_WAIT,
            pending: DEFAULT_PENDING,
            record: DEFAULT_RECORD,
            segment: DEFAULT_SEGMENT,
        }
    }
}

/// Well over the sync of a slow disk, well under a recipient's own patience.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);
/// Some ten thousand exchanges of ordinary size.
pub const DEFAULT_PENDING: usize = 16 << 20;
/// A response of 30,000 subjects; ordinary records are 500 bytes.
pub const DEFAULT_RECORD: usize = 1 << 20;
/// Half a million records: large enough to be few, small enough to verify in seconds on opening.
pub const DEFAULT_SEGMENT: u64 = 256 << 20;

/// Proof that the record of an exchange is on disk. Made nowhere else, and not cloneable: one
/// receipt releases one body.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    exchange: ExchangeId,
    sequence: u64,
}

impl Receipt {
    /// Whose record; releasing must compare it with its own exchange.
    #[must_use]
    pub const fn exchange(&self) -> ExchangeId {
        self.exchange
    }

    /// The record's number in this ledger, from 1 without gap.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// What was found on opening, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whether the directory held no ledger, so that a new one was begun.
    pub begun: bool,
    /// The number of the last record, 0 if there is none.
    pub last_sequence: u64,
    /// When it was made, in milliseconds since 1970; none where there is none, or where its segment was moved away.
    pub last_millis: Option<u64>,
    /// Where an incomplete last write was set aside, and how many bytes it had.
    pub set_aside: Option<(PathBuf, u64)>,
}

/// An open ledger; clones write to the same one.
#[derive(Debug, Clone)]
pub struct Ledger {
    commit: Arc<Commit>,
    about: Arc<About>,
    limits: Limits,
}

#[derive(Debug)]
struct About {
    directory: PathBuf,
    node: String,
    log: Log,
    takes_exchanges: bool,
}

impl Ledger {
    /// Opens the ledger of a directory, or begins one, and takes it for this process alone. The
    /// last segment is verified; an incomplete last write is set aside and reported.
    ///
    /// # Errors
    ///
    /// When the directory or a segment cannot be used, is open to others, is held by another
    /// process, or is not what was written; when no thread can be started.
    pub fn open(settings: Settings) -> Result<(Self, Found), LedgerError> {
        Self::open_on(settings, Box::new(FileSystem))
    }

    /// [`open`](Self::open) on a disk that may fail: for tests of what a failure does.
    ///
    /// # Errors
    ///
    /// As of [`open`](Self::open).
    pub fn open_on(settings: Settings, disk: Box<dyn Disk>) -> Result<(Self, Found), LedgerError> {
        let limits = settings.limits;
        let (directory, node) = (settings.directory.clone(), settings.node.clone());
        let takes_exchanges = disk.takes_exchanges();
        let (writer, found) = Writer::open(settings, disk)?;
        let about = Arc::new(About { directory, node, log: writer.log()?, takes_exchanges });
        let commit = Commit::new(writer, found.last_sequence).map_err(|source| LedgerError::Io {
            doing: "start a thread for",
            path: about.directory.clone(),
            source,
        })?;
        Ok((Self { commit: Arc::new(commit), about, limits }, found))
    }

    /// Records an entry and waits until it is on disk. Must be called within a tokio runtime.
    ///
    /// If the future is dropped meanwhile the record is written all the same: recorded, but not
    /// released.
    ///
    /// # Errors
    ///
    /// When the record is not known to be on disk; nothing may be released then.
    pub async fn append(&self, entry: &Entry) -> Result<Receipt, AppendError> {
        if !self.about.takes_exchanges {
            return Ok(Receipt { exchange: entry.exchange, sequence: 0 });
        }
        let encoded = canonical::encode(entry).ok_or(AppendError::Unwritable)?;
        if encoded.len() > self.limits.record.min(MAX_RECORD) {
            return Err(AppendError::TooLarge);
        }
        let event = Event::Exchange(entry.clone());
        Ok(Receipt { exchange: entry.exchange, sequence: self.commit(&encoded, event).await? })
    }

    /// Records an act or a policy version, waits until it is on disk, and gives the record's number.
    /// Must be called within a tokio runtime. Releases nothing: there is no receipt.
    ///
    /// # Errors
    ///
    /// When the record is not known to be on disk, or the note is more than a record may hold.
    pub async fn note(&self, note: &Note) -> Result<u64, AppendError> {
        let encoded = canonical::encode_note(note).ok_or(AppendError::Unwritable)?;
        if encoded.len() > MAX_RECORD {
            return Err(AppendError::TooLarge);
        }
        self.commit(&encoded, Event::from(note.clone())).await
    }

    /// [`note`](Self::note) for several, in their order; they share syncs.
    pub async fn note_all(&self, notes: &[Note]) -> Vec<Result<u64, AppendError>> {
        together(notes.iter().map(|note| self.note(note)).collect()).await
    }

    async fn commit(&self, encoded: &[u8], event: Event) -> Result<u64, AppendError> {
        let place = self.commit.push(encoded, event, self.limits.pending)?;
        match tokio::time::timeout(self.limits.wait, place.sequence()).await {
            Ok(written) => written,
            Err(_elapsed) => Err(AppendError::Late),
        }
    }

    /// Whether records can be appended now; if not, why. For `/readyz`.
    ///
    /// # Errors
    ///
    /// When a write or sync failed, or the ledger was closed.
    pub fn usable(&self) -> Result<(), AppendError> {
        self.commit.usable()
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.about.directory
    }

    /// Which node writes.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.about.node
    }

    /// Which log it is.
    #[must_use]
    pub fn log(&self) -> Log {
        self.about.log
    }

    /// The number and hash of the last record that is on disk; `None` while there is none.
    #[must_use]
    pub fn tip(&self) -> Option<(u64, [u8; 32])> {
        self.commit.tip()
    }

    /// How far the ledger is on disk, for those who read it while it is written.
    #[must_use]
    pub fn durable(&self) -> Durable {
        self.commit.durable.clone()
    }

    /// Refuses further entries and waits until all that wait are on disk: the last step of a drain.
    ///
    /// # Errors
    ///
    /// When they are not on disk within the limit.
    pub async fn close(&self) -> Result<(), AppendError> {
        match tokio::time::timeout(self.limits.wait, self.commit.close()).await {
            Ok(closed) => closed,
            Err(_elapsed) => Err(AppendError::Late),
        }
    }
}

/// Waits for all, begun in their order.
async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
