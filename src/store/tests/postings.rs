//! Postings: whoever is looked for is found, wherever runs begin and end.

use super::{back_to_schema_8, exchange, store, subject};
use crate::store::{IndexRow, Position, Store};

const LOG: [u8; 16] = [5; 16];
/// Enough for some runs, and some that no run has.
const RECORDS: u64 = 740;
const PERSONS: u8 = 251;

/// Whom a record is about: all but each person whose number, moved on by the record's, is a multiple of 17.
fn about(sequence: u64) -> Vec<u8> {
    (0..PERSONS).filter(|n| !(u64::from(*n) + sequence).is_multiple_of(17)).collect()
}

fn filled(batch: usize) -> (Store, tempfile::TempDir) {
    let (store, folder) = store();
    let rows: Vec<IndexRow> =
        (1..=RECORDS).map(|n| IndexRow::Exchange(exchange(n, n, "sms", &about(n)))).collect();
    for rows in rows.chunks(batch) {
        let (begin, end) = (rows[0].sequence(), rows[rows.len() - 1].sequence());
        store.apply(begin, rows, Position { log: LOG, sequence: end, hash: [9; 32] }).unwrap();
    }
    (store, folder)
}

/// The records that each run begins and ends with.
fn runs(store: &Store) -> Vec<(i64, i64)> {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let mut statement = connection.prepare("SELECT first, last FROM posting_run ORDER BY first").unwrap();
    let found = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    found.collect::<rusqlite::Result<_>>().unwrap()
}

fn blocks(store: &Store) -> Vec<(i64, Vec<u8>)> {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let text = "SELECT run, postings FROM posting_block ORDER BY run, least";
    let mut statement = connection.prepare(text).unwrap();
    let found = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    found.collect::<rusqlite::Result<_>>().unwrap()
}

fn sequences(store: &Store, ids: &[u8]) -> Vec<u64> {
    let ids: Vec<_> = ids.iter().map(|n| subject(*n)).collect();
    store.disclosures_of(&ids).unwrap().iter().map(|found| found.exchange.sequence).collect()
}

#[test]
fn everybody_is_found_in_runs_and_behind_them() {
    let (store, _folder) = filled(97);
    let runs = runs(&store);
    assert!(runs.len() > 2, "{runs:?}");
    assert!(runs.first().is_some_and(|run| run.0 == 1), "{runs:?}");
    assert!(runs.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{runs:?}");
    assert!(runs.last().is_some_and(|run| run.1 < RECORDS.cast_signed()), "{runs:?}");
    for n in [0, 1, 16, 17, 125, PERSONS - 1] {
        let told: Vec<u64> = (1..=RECORDS).filter(|sequence| about(*sequence).contains(&n)).collect();
        assert_eq!(sequences(&store, &[n]), told, "{n}");
    }
    assert_eq!(sequences(&store, &[1, 2]), (1..=RECORDS).collect::<Vec<_>>());
    assert!(sequences(&store, &[PERSONS]).is_empty());
}

#[test]
fn runs_are_the_same_however_the_records_came() {
    let (one, _folder) = filled(1);
    let (many, _other) = filled(300);
    assert_eq!(runs(&one), runs(&many));
    assert!(blocks(&one) == blocks(&many));
}

#[test]
fn what_retention_lets_go_is_found_no_more_and_its_runs_are_gone() {
    let (store, _folder) = filled(97);
    let upto = RECORDS - 90;
    store.forget_index(LOG, upto).unwrap();
    let left = runs(&store);
    assert!(left.len() == 1 && left[0].1 > upto.cast_signed(), "{left:?}");
    let told: Vec<u64> = (upto + 1..=RECORDS).filter(|sequence| about(*sequence).contains(&3)).collect();
    assert_eq!(sequences(&store, &[3]), told);
}

/// Schema 7 had the level of a run, and made one of eight.
#[test]
fn runs_that_were_merged_by_an_older_schema_are_found_and_followed() {
    let (store, folder) = filled(97);
    let (path, before) = (store.path().to_owned(), runs(&store));
    let both = blocks(&store).into_iter().filter(|(run, _)| *run <= before[1].0);
    let bytes: Vec<u8> = both.flat_map(|(_, postings)| postings).collect();
    let mut postings: Vec<[u8; 24]> = bytes.as_chunks().0.to_vec();
    drop(store);
    back_to_schema_8(&path);
    let connection = rusqlite::Connection::open(&path).unwrap();
    postings.sort_unstable();
    let older = "ALTER TABLE posting_run ADD COLUMN level SMALLINT NOT NULL DEFAULT 0;
        UPDATE meta SET value = '7' WHERE name = 'schema'";
    connection.execute_batch(older).unwrap();
    connection.execute("DELETE FROM posting_block WHERE run <= $1", (before[1].0,)).unwrap();
    connection.execute("DELETE FROM posting_run WHERE first = $1", (before[1].0,)).unwrap();
    let merged = "UPDATE posting_run SET last = $1, level = 1 WHERE first = $2";
    connection.execute(merged, (before[1].1, before[0].0)).unwrap();
    for block in postings.chunks(160) {
        let put = "INSERT INTO posting_block (log, run, least, postings) VALUES ($1, $2, $3, $4)";
        connection.execute(put, (LOG, before[0].0, block[0], block.as_flattened())).unwrap();
    }
    drop(connection);

    let store = Store::open(&path).unwrap();
    let more: Vec<IndexRow> =
        (RECORDS + 1..=RECORDS + 80).map(|n| IndexRow::Exchange(exchange(n, n, "sms", &about(n)))).collect();
    let end = Position { log: LOG, sequence: RECORDS + 80, hash: [9; 32] };
    store.apply(RECORDS + 1, &more, end).unwrap();
    assert_eq!(runs(&store).len(), before.len(), "one less, and one more");
    for n in [0, 17, PERSONS - 1] {
        let told: Vec<u64> = (1..=RECORDS + 80).filter(|sequence| about(*sequence).contains(&n)).collect();
        assert_eq!(sequences(&store, &[n]), told, "{n}");
    }
    drop(folder);
}

#[test]
fn disclosures_about_nobody_end_a_run_too() {
    let (store, _folder) = store();
    let rows: Vec<IndexRow> = (1..=20_000)
        .map(|n| IndexRow::Exchange(exchange(n, n, "sms", if n == 3 { &[1] } else { &[] })))
        .collect();
    store.apply(1, &rows, Position { log: LOG, sequence: 20_000, hash: [9; 32] }).unwrap();
    assert_eq!(runs(&store), [(1, 16_384)]);
    assert_eq!(sequences(&store, &[1]), [3]);
}

#[test]
fn a_block_that_was_cut_short_is_an_error() {
    let (store, _folder) = filled(97);
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    connection.execute_batch("UPDATE posting_block SET postings = substr(postings, 2)").unwrap();
    assert!(store.disclosures_of(&[subject(1)]).is_err());
}
