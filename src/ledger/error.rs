//! Why a ledger cannot be opened, written or read.

use std::io;
use std::path::PathBuf;

/// Why a ledger cannot be opened or read. Nothing is released meanwhile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A file or directory cannot be used.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory does not exist. It is not made here: a mistyped or unmounted directory would
    /// silently begin a new ledger.
    #[error("`{}` does not exist; to begin a ledger there: mkdir -m 700 {}", path.display(), path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// Others than the owner can write there, or others than the group can read.
    #[error("others can get at `{}` (mode {mode:03o}); run: chmod {mend} {}", path.display(), path.display())]
    TooOpen {
        /// The directory or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The argument for `chmod`.
        mend: &'static str,
    },
    /// Another process has it open.
    #[error("another process has the ledger in `{}` open; a ledger has one writer", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Written by a newer tavs.
    #[error("`{}` has format {format}, which is newer than this tavs knows (1); use the newer tavs", path.display())]
    Newer {
        /// The segment.
        path: PathBuf,
        /// Its format version.
        format: u64,
    },
    /// There is no segment.
    #[error("`{}` holds no ledger; name the directory of `[ledger] directory`", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The segments do not follow each other.
    #[error("segment {missing} is missing in `{}`; put it back from the backup", path.display())]
    Gap {
        /// The directory.
        path: PathBuf,
        /// The number that should be there.
        missing: u64,
    },
    /// The file of checkpoints holds something else.
    #[error("`{}` does not hold checkpoints; keep it as evidence, move it away, and start again", path.display())]
    Checkpoints {
        /// The file.
        path: PathBuf,
    },
    /// What stands there is not what was written.
    #[error("`{}` is damaged at byte {offset}: {damage}; keep it as evidence and begin a ledger in another directory", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the first bad line begins.
        offset: u64,
        /// What is wrong with it.
        damage: Damage,
    },
}

/// What can be wrong with a line of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Not a hash, a space, a record and a line feed.
    #[error("the line does not have the form of a record")]
    Form,
    /// The hash is not that of the record and its predecessor.
    #[error("the hash does not fit the record and the one before it")]
    Hash,
    /// A sequence number was left out or comes twice.
    #[error("the sequence number does not follow the one before")]
    Sequence,
    /// The record is not canonical, or says what no tavs of this format writes.
    #[error("the record is not in canonical form")]
    Record,
    /// The segment's header is missing, or does not continue the segment before.
    #[error("the header does not continue the segment before")]
    Header,
    /// The packed file does not unpack.
    #[error("the packed file cannot be unpacked")]
    Packed,
    /// The file ends inside a line.
    #[error("the file ends inside a line")]
    Incomplete,
}

/// Why a record is not known to be durable. The exchange is refused with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Too much waits to be written already.
    #[error("too many records wait for the disk")]
    Overloaded,
    /// The disk took longer than the limit. The record may become durable later: recorded, but
    /// not released.
    #[error("the record was not on disk in time")]
    Late,
    /// The record is larger than the limit.
    #[error("the record is larger than the limit")]
    TooLarge,
    /// The record holds what the format has no form for: a text over its bound, a time past the year
    /// 9999, a registry change without its subject.
    #[error("the record holds what the ledger's format has no form for")]
    Unwritable,
    /// A write or sync failed, now or earlier; the ledger must be opened anew.
    #[error("{0}; the ledger is closed until it is opened and verified anew")]
    Failed(Failure),
    /// [`close`](super::Ledger::close) was called.
    #[error("the ledger is closed")]
    Closed,
}

/// The first operation on the disk that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {doing} the ledger: {}", self.system_error())]
pub struct Failure {
    /// What was tried.
    pub doing: &'static str,
    /// The system's error number, if it gave one.
    pub os: Option<i32>,
    /// The kind of the error.
    pub kind: io::ErrorKind,
}

impl Failure {
    pub(super) fn new(doing: &'static str, error: &io::Error) -> Self {
        Self { doing, os: error.raw_os_error(), kind: error.kind() }
    }

    /// The ledger's own code ended where it must not.
    pub(super) const INTERRUPTED: Self =
        Self { doing: "finish writing to", os: None, kind: io::ErrorKind::Interrupted };

    fn system_error(&self) -> io::Error {
        self.os.map_or_else(|| io::Error::from(self.kind), io::Error::from_raw_os_error)
    }
}
