//! Opening: permissions, other files, migrations, and stores of other versions.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rusqlite::Connection;

use super::store;
use crate::store::connect::Make;
use crate::store::{Store, StoreError, schema};

#[test]
fn a_store_and_its_companions_are_private() {
    let (store, folder) = store();
    store.bind([1; 16]).unwrap();
    let mut names = Vec::new();
    for file in folder.path().read_dir().unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", file.file_name());
        names.push(file.file_name());
    }
    assert_eq!(names.len(), 3, "{names:?}");
}

/// The writer goes back to full syncing after what the ledger can restore.
#[test]
fn what_cannot_be_rebuilt_is_synced() {
    use crate::store::connect::Durability;
    let (store, _folder) = store();
    let level = |durability| {
        let ask = |t: &rusqlite::Transaction<'_>| t.query_row("PRAGMA synchronous", (), |row| row.get(0));
        store.connections.write(durability, "ask", ask).unwrap()
    };
    let levels: [i64; 3] = [Durability::Synced, Durability::Derived, Durability::Synced].map(level);
    assert_eq!(levels, [2, 1, 2], "FULL, NORMAL, FULL");
    let read = |name: &str| {
        let ask = |c: &Connection| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        store.connections.read("ask", ask).unwrap()
    };
    assert_eq!((read("query_only"), read("foreign_keys"), read("secure_delete")), (1, 1, 1));
}

#[test]
fn a_store_that_others_can_read_is_refused_with_the_mend() {
    let (store, folder) = store();
    drop(store);
    let path = folder.path().join("tavs.db");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::TooOpen { mode: 0o640, .. }));
    assert!(error.to_string().contains("chmod 600"));
}

#[test]
fn a_missing_or_empty_store_is_not_made_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tavs.db");
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("tavs ledger reindex"));
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Missing { .. })));
    assert!(Store::open_or_make(&path).is_ok());
    assert!(Store::open(&path).is_ok());
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tavs.db");
    let private = || fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "a letter, long enough to have the header of a database file in it: ".repeat(20))
        .unwrap();
    private();
    assert!(matches!(Store::open_or_make(&path), Err(StoreError::Foreign { .. })));
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (name TEXT)").unwrap();
    private();
    assert!(matches!(Store::open_or_make(&path), Err(StoreError::Foreign { .. })));
}

#[test]
fn beside_a_process_that_serves_a_store_is_read_and_left_as_it_is() {
    let (store, folder) = store();
    let path = folder.path().join("tavs.db");
    // Its one writer is at work, and nobody waits for it.
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let beside = Store::open_beside(&path).unwrap();
    assert_eq!(beside.pseudonyms_with(&[]).unwrap().len(), 0);
    writer.execute_batch("ROLLBACK").unwrap();
    drop((store, beside, writer));
    set_schema(&path, "1");
    let error = Store::open_beside(&path).unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 1, .. }), "{error}");
    assert!(error.to_string().contains("restart `tavs serve`"), "{error}");
    let missing = folder.path().join("none.db");
    assert!(matches!(Store::open_beside(&missing), Err(StoreError::Missing { .. })));
    assert!(!missing.exists());
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let (store, folder) = store();
    drop(store);
    let path = folder.path().join("tavs.db");
    set_schema(&path, "99");
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }));
    assert!(error.to_string().contains("use the newer tavs"));
    assert_eq!(fs::read(&path).unwrap(), before);
    set_schema(&path, "some");
    assert!(matches!(Store::open(&path), Err(StoreError::Foreign { .. })));
}

fn set_schema(path: &Path, version: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute("UPDATE meta SET value = $1 WHERE name = 'schema'", (version,)).unwrap();
}

/// What a database's tables are, as SQL.
fn tables(connection: &Connection) -> Vec<String> {
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    let found = statement.query_map((), |row| row.get(0)).unwrap();
    found.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn every_older_schema_becomes_the_newest_with_its_rows() {
    // One more than there are, so that there is an older one to come from.
    let more = "CREATE TABLE later (name TEXT NOT NULL, PRIMARY KEY (name));";
    let all: Vec<&str> = schema::MIGRATIONS.iter().copied().chain([more]).collect();
    let path = Path::new("memory");
    let mut fresh = Connection::open_in_memory().unwrap();
    schema::migrate(path, &mut fresh, &all, Make::Yes).unwrap();
    for older in 1..=all.len() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(path, &mut connection, &all[..older], Make::Yes).unwrap();
        connection.execute("INSERT INTO tombstone VALUES (x'01', 1, 'officer', 'asked')", ()).unwrap();
        schema::migrate(path, &mut connection, &all, Make::No).unwrap();
        assert_eq!(tables(&connection), tables(&fresh), "from schema {older}");
        let rows: i64 = connection.query_row("SELECT COUNT(*) FROM tombstone", (), |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }
}

#[test]
fn a_migration_that_fails_leaves_the_schema_before() {
    let path = Path::new("memory");
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(path, &mut connection, schema::MIGRATIONS, Make::Yes).unwrap();
    let before = tables(&connection);
    let bad = "CREATE TABLE later (name TEXT); CREATE TABLE later (name TEXT);";
    let all: Vec<&str> = schema::MIGRATIONS.iter().copied().chain([bad]).collect();
    assert!(schema::migrate(path, &mut connection, &all, Make::No).is_err());
    assert_eq!(tables(&connection), before);
    schema::migrate(path, &mut connection, schema::MIGRATIONS, Make::No).unwrap();
}
