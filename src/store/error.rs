//! Why the store cannot be opened, read or written.

use std::io;
use std::path::PathBuf;

/// Why the store cannot be used. Nothing is released meanwhile (503).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be used.
    #[error("cannot {doing} the store `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not there. Not made silently: without its registry nobody would be withheld.
    #[error("the store `{}` is missing or empty; put it back from the backup, or make it anew from the ledger with `tavs ledger reindex`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others can get at it.
    #[error("others can get at the store `{}` (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Some other database, or no database at all.
    #[error("`{}` is not a store of tavs; give `[store] sqlite` another path, or put the store back from the backup", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer tavs.
    #[error("the store `{}` has schema {found}, which is newer than this tavs knows ({known}); use the newer tavs", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u64,
        /// The newest that this version knows.
        known: u64,
    },
    /// Written by an older tavs, which may be serving from it.
    #[error("the store `{}` has schema {found}, and this tavs knows {known}: restart `tavs serve` as this version, which brings it up to date", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u64,
        /// The newest that this version knows.
        known: u64,
    },
    /// The index in it was built from another ledger.
    #[error(
        "the store belongs to log {stored}, not to log {given}; give the ledger its own store, or put the right ledger back"
    )]
    OtherLog {
        /// The log that it belongs to, as hexadecimal digits.
        stored: String,
        /// The log that was given.
        given: String,
    },
    /// Index rows do not follow what is indexed already.
    #[error("the index ends at record {at}, and the next rows begin at {given}")]
    Gap {
        /// The last record in the index.
        at: u64,
        /// The first of the rows.
        given: u64,
    },
    /// A row stands where one of the index is to come.
    #[error(
        "the index holds a row that no record of the ledger made ({source}): the store was changed; stop tavs, and run `tavs ledger reindex`"
    )]
    Stray {
        /// What the database said: names of columns, never a value.
        source: rusqlite::Error,
    },
    /// The registry has another change under a number that a ledger record tells of.
    #[error(
        "change {number} of the registry is not the one that the ledger tells of: a backup was put back, and changed before the ledger had been replayed; put the backup back again, and enter those changes once tavs has started"
    )]
    Conflict {
        /// The change's number.
        number: u64,
    },
    /// A change that the caller may not make, such as ending an erasure.
    #[error("an erasure is for good and cannot be ended")]
    ForGood,
    /// A pseudonym of the scheme `table` is not of the key ring's keys.
    #[error(
        "a pseudonym in the store does not open with the keys of the key ring: one of them was put back from a backup without the other, or the store was changed; put both back from the same time"
    )]
    Unopened,
    /// Pseudonyms cannot be drawn.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The database says no.
    #[error("cannot {doing}: {source}")]
    Database {
        /// What was tried, such as `read the registry`.
        doing: &'static str,
        /// What the database said: codes and names of columns, never a value.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Wraps the database's own error.
    pub(super) fn at(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
