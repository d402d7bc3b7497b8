//! Connections to the database file: one that writes, a few that read.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::StoreError;
use super::schema;

/// Another process (`tavs subject …` beside a server that has just ended, a backup) may hold the
/// write lock for one batch of the index, never for long.
const BUSY: Duration = Duration::from_secs(5);
/// Read connections that are kept; more are opened while more are in use and closed again.
const READERS: usize = 3;
/// Pages that a connection keeps, in KiB: the upper levels of an index of 10^8 rows. Four times as many made no
/// look-up among 2,000,000 pseudonyms quicker (docs/performance.md).
const CACHE_KIB: i64 = 16 << 10;
/// Pages of the write-ahead log, 16 MiB, after which they are copied into the database: SQLite's own number of 1000
/// copied each page that is written again and again four times as often. A start after a crash reads them once.
const CHECKPOINT_PAGES: i64 = 4096;
/// Every statement of `sql.rs` fits.
const STATEMENTS: usize = 96;

/// Whether a change must be on disk when its method returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Synced: it survives a power failure.
    Synced,
    /// Survives the end of the process; after a power failure the ledger restores it. Spares a
    /// sync where a record of the ledger is the truth.
    Derived,
}

/// What is made of a store that is not there, or of another schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// A new one.
    Yes,
    /// An older one becomes one of the newest schema.
    No,
    /// Another process may be serving from it.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Connections {
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    durability: Durability,
}

impl Connections {
    pub(super) fn open(path: &Path, make: Make) -> Result<Self, StoreError> {
        refuse_open_to_others(path, make)?;
        let mut connection = connect(path)?;
        if schema::migrate(path, &mut connection, schema::MIGRATIONS, make)? {
            // All that was rewritten stands in the write-ahead log, which would keep its size. Where a reader is in the
            // way, it keeps it.
            drop(checkpoint(&connection));
        }
        let writer = Writer { connection, durability: Durability::Synced };
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::default() })
    }

    pub(super) const fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Reads in one snapshot.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let kept = lock(&self.readers).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.reader()?,
        };
        let transaction = connection.transaction().map_err(StoreError::at(doing))?;
        let found = read(&transaction).map_err(StoreError::at(doing));
        drop(transaction);
        // After an error nothing is known about the connection; the next reader gets a new one.
        if found.is_ok() {
            let mut readers = lock(&self.readers);
            if readers.len() < READERS {
                readers.push(connection);
            }
        }
        found
    }

    /// Changes everything or nothing.
    pub(super) fn write<T>(
        &self,
        durability: Durability,
        doing: &'static str,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.write_or_refuse(durability, doing, |t| write(t).map(Ok))
    }

    /// Changes everything, or nothing where `write` refuses.
    pub(super) fn write_or_refuse<T>(
        &self,
        durability: Durability,
        doing: &'static str,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        writer.set(durability).map_err(StoreError::at(doing))?;
        let transaction = writer
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::at(doing))?;
        // Dropped uncommitted, a transaction is rolled back.
        let done = write(&transaction).map_err(StoreError::at(doing))??;
        transaction.commit().map_err(StoreError::at(doing))?;
        Ok(done)
    }

    /// Takes what was overwritten out of the write-ahead log, too: its older pages still have it. Where a
    /// reader keeps that from being done now, the next one does it, or the next start.
    pub(super) fn wipe(&self) {
        let writer = lock(&self.writer);
        if !matches!(checkpoint(&writer.connection), Ok(0)) {
            tracing::warn!(
                "what was erased stands in the store's write-ahead log until the next erasure or start"
            );
        }
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let connection = connect(&self.path)?;
        connection.pragma_update(None, "query_only", true).map_err(StoreError::at("open the store"))?;
        Ok(connection)
    }
}

/// Copies the write-ahead log into the database and cuts it to nothing: 0 if nobody was in the way.
fn checkpoint(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))
}

impl Writer {
    fn set(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != durability {
            let word = match durability {
                Durability::Synced => "FULL",
                Durability::Derived => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", word)?;
            self.durability = durability;
        }
        Ok(())
    }
}

/// What these locks guard is whole at every point where they are held (a transaction that a panic
/// ends is rolled back), so a panic of another holder does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite would make the file with the process's umask; its companions take the file's mode over.
pub(super) fn refuse_open_to_others(path: &Path, make: Make) -> Result<(), StoreError> {
    let io = |doing| move |source| StoreError::Io { doing, path: path.to_owned(), source };
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound && make == Make::Yes => {
            return OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .and_then(|_made| sync_folder(path))
                .map_err(io("make"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        Err(error) => return Err(io("open")(error)),
    };
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StoreError::TooOpen { path: path.to_owned(), mode });
    }
    Ok(())
}

/// After a power failure the file must be there: the ledger's records would stand beside none.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // Deleted rows are overwritten: an erased person's sealed CPR does not stay in free pages.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok(connection)
    };
    open().map_err(|source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        _ => StoreError::Database { doing: "open the store", source },
    })
}
