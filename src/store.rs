//! The store: what must be found again by subject, recipient or time, in one SQL database.
//!
//! Two halves share it. Aliases, the registry, tombstones, notifications, reservations and the pseudonyms
//! of the scheme `table` cannot be rebuilt: a method that changes them returns once the change is on disk. The *index* is derived
//! from the ledger: `ledger::index` feeds it, and `tavs ledger reindex` makes it anew.
//!
//! What must never happen here: a CPR in clear, a value from a message, a decision. The store knows
//! rows; what a row means for an exchange is decided above.
//!
//! All methods block, for microseconds mostly and for a sync of the disk where they write: async
//! callers go through `tokio::task::spawn_blocking`. A thread of the store's own would cost the same
//! two hand-overs and add a queue that needs a bound. One connection writes, behind a mutex, so
//! that writers wait in line and not in SQLite's busy loop; readers have connections of their own and
//! wait for nobody (WAL).
//!
//! The SQL keeps to what PostgreSQL and its distributed kin speak, too; a second backend puts its
//! own connection under the same methods and the same texts (`schema/`). There is no trait
//! yet: it would have one implementation, and its methods would be these.

mod approved;
mod connect;
mod disclosure_classes;
mod error;
mod index;
mod look;
mod postings;
mod pseudonyms;
mod query;
mod quota;
mod registry;
mod rows;
mod schema;
mod sql;
mod subjects;
#[cfg(test)]
pub(crate) mod tests;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::approved::ApprovedSet;
pub use self::error::StoreError;
use self::quota::Mirror;
pub use self::quota::{DAY, REFRESH};
pub use self::rows::{
    Act, Affected, Alias, AliasSource, Change, Disclosed, ErasedPseudonym, Exchange, Given, IndexRow, Log,
    Millis, NewChange, NewPseudonym, Notification, Policy, PolicyRule, Position, PseudonymKey, PseudonymRow,
    Reservation, RightKind, Standing, Tombstone, ValueRow, Volume, Window,
};

use self::connect::{Connections, Make};

/// An open store; clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    connections: Arc<Connections>,
    quotas: Arc<Mirror>,
}

impl Store {
    /// Opens the store of a file, and brings its schema up to date. A store that is not there is not
    /// made: where a ledger has records already, an empty registry would release what was restricted.
    ///
    /// # Errors
    /// When the file is missing, cannot be used, is open to others, is no store, or is a newer one.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_or(path, Make::No)
    }

    /// Opens the store of a file, or makes it (mode 0600): beside a ledger that has no record yet.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub fn open_or_make(path: &Path) -> Result<Self, StoreError> {
        Self::open_or(path, Make::Yes)
    }

    /// Opens the store of a file that another process may be serving from: its schema is left as it is,
    /// and its one writer never waits for that.
    ///
    /// # Errors
    /// As of [`open`](Self::open), and when its schema is an older one.
    pub fn open_beside(path: &Path) -> Result<Self, StoreError> {
        Self::open_or(path, Make::Nothing)
    }

    fn open_or(path: &Path, make: Make) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::open(path, make)?);
        Ok(Self { connections, quotas: Arc::default() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        self.connections.path()
    }
}
