//! Looks whether a store can be used, and leaves no trace: nothing is made, locked or brought up to date.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::connect::{Make, refuse_open_to_others};
use super::error::StoreError;
use super::{Store, schema};

impl Store {
    /// Whether the store of a file could be opened, by whoever may use it at this time: its schema, and the
    /// newest that this tavs knows.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub fn look(path: &Path) -> Result<(u64, u64), StoreError> {
        refuse_open_to_others(path, Make::No)?;
        let found = open(path).and_then(|connection| schema::version(&connection));
        let found = found.map_err(|source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
            _ => StoreError::Database { doing: "look at the store", source },
        })?;
        let known = u64::try_from(schema::MIGRATIONS.len()).unwrap_or(u64::MAX);
        match found {
            None => Err(StoreError::Foreign { path: path.to_owned() }),
            Some(0) => Err(StoreError::Missing { path: path.to_owned() }),
            Some(found) if found > known => Err(StoreError::Newer { path: path.to_owned(), found, known }),
            Some(found) => Ok((found, known)),
        }
    }
}

/// While somebody uses the store, its log of changes lies beside it, and is read along. Where nobody does,
/// SQLite would make one: a file that is said not to change needs none.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if fs::exists(PathBuf::from(log)).unwrap_or(true) {
        return Connection::open_with_flags(path, flags);
    }
    let uri = format!("file:{}?mode=ro&immutable=1", escaped(path));
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

/// A path within a URI: SQLite reads `%`, `?` and `#` there.
fn escaped(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut out = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _always = write!(out, "%{byte:02X}");
        }
    }
    out
}
