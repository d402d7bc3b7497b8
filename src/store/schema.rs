//! The schema's numbered migrations, and which of them a file has.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::connect::Make;
use super::error::StoreError;

/// What makes schema `n` of schema `n - 1`, from 1. A published one is never changed.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
    include_str!("schema/0008.sql"),
    include_str!("schema/0009.sql"),
];
/// A clause that only SQLite has stands in a migration as a comment of this form, which others pass over.
/// There is one, `WITHOUT ROWID`: in its absence SQLite keeps a table in two trees, by number and by key.
const OWN: (&str, &str) = ("/* SQLite: ", " */");
/// A number that is a table's whole key. By the second words it is SQLite's own number of a row, and the table one
/// search tree; by the first there would be a second tree. `WITHOUT ROWID` makes one of two as well, but for short rows:
/// what is longer than a quarter of a page stands elsewhere.
const NUMBERED: (&str, &str) = ("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY");

const DOING: &str = "bring the store's schema up to date";

/// Brings a database to the newest schema, all steps or none. Whether it had another before.
pub(super) fn migrate(
    path: &Path,
    connection: &mut Connection,
    migrations: &[&str],
    make: Make,
) -> Result<bool, StoreError> {
    let behaviour = match make {
        Make::Yes | Make::No => TransactionBehavior::Immediate,
        Make::Nothing => TransactionBehavior::Deferred,
    };
    let transaction = connection.transaction_with_behavior(behaviour).map_err(StoreError::at(DOING))?;
    let known = u64::try_from(migrations.len()).unwrap_or(u64::MAX);
    let found = version(&transaction)
        .map_err(StoreError::at(DOING))?
        .ok_or_else(|| StoreError::Foreign { path: path.to_owned() })?;
    if found == 0 && make != Make::Yes {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(false);
    }
    if make == Make::Nothing {
        return Err(StoreError::Older { path: path.to_owned(), found, known });
    }
    let step = || {
        for migration in migrations.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
            transaction.execute_batch(&for_sqlite(migration))?;
        }
        transaction.execute(super::sql::PUT_META, ("schema", known.to_string()))
    };
    step().map_err(StoreError::at(DOING))?;
    transaction.commit().map_err(StoreError::at(DOING))?;
    Ok(true)
}

/// A migration as SQLite takes it.
pub(super) fn for_sqlite(migration: &str) -> String {
    let mut all = String::with_capacity(migration.len());
    let mut rest = migration;
    while let Some((before, own)) = rest.split_once(OWN.0) {
        let (own, after) = own.split_once(OWN.1).unwrap_or((own, ""));
        all.extend([before, own]);
        rest = after;
    }
    all.push_str(rest);
    all.replace(NUMBERED.0, NUMBERED.1)
}

/// The schema that a database has: 0 if it is empty, `None` if it is somebody else's.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let tables: u64 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", (), |row| super::values::number(row, 0))?;
    if tables == 0 {
        return Ok(Some(0));
    }
    let ours: u64 = connection.query_row(
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'registry')",
        (),
        |row| super::values::number(row, 0),
    )?;
    if ours < 2 {
        return Ok(None);
    }
    let text: Option<String> =
        connection.query_row(super::sql::META, ("schema",), |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}
