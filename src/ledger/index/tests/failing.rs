//! What the index does, and says, where it cannot go on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::super::{Feed, IndexError, Indexer, Shared, rebuild, tell};
use super::{PATIENCE, Place};
use crate::ids::SubjectId;
use crate::ledger::handed::Durable;
use crate::ledger::tests::fill;
use crate::ledger::{LedgerError, Limits};
use crate::store::StoreError;

/// What is logged meanwhile.
fn logged(folder: &Path, run: impl FnOnce()) -> String {
    let log = folder.join("log");
    let writer = Arc::new(fs::File::create(&log).unwrap());
    tracing::subscriber::with_default(tracing_subscriber::fmt().with_writer(writer).finish(), run);
    fs::read_to_string(log).unwrap()
}

#[test]
fn a_ledger_that_is_damaged_behind_it_ends_it_and_nothing_is_within() {
    let place = Place::new();
    fill(&place.ledger(), Limits::default(), 1..=5);
    let segment = place.ledger().join("00000001.ledger");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"bytes\":318", "\"bytes\":319", 1)).unwrap();
    let indexer = Indexer::start(&place.ledger(), Durable::new(5, None), place.store).unwrap();
    assert!(!indexer.catch_up(PATIENCE));
    assert!(!indexer.within(u64::MAX));
    let failure = indexer.failure().unwrap();
    assert!(matches!(*failure, IndexError::Ledger(LedgerError::Damaged { .. })), "{failure}");
}

#[test]
fn a_store_that_fails_for_a_while_is_tried_again_and_nothing_is_left_out() {
    let place = Place::new();
    fill(&place.ledger(), Limits::default(), 1..=5);
    let mut feed = Feed::open(&place.ledger(), place.store.clone(), None).unwrap();
    let connection = rusqlite::Connection::open(place.store.path()).unwrap();
    connection.execute_batch("ALTER TABLE disclosure RENAME TO away").unwrap();
    let told = logged(place.folder.path(), || {
        let mut told = None;
        tell(None, &mut told);
        for _ in 0..3 {
            let failure = feed.step(5).unwrap_err();
            assert!(failure.may_pass());
            tell(Some(&failure), &mut told);
        }
        tell(None, &mut told);
    });
    assert_eq!((told.matches("WARN").count(), told.matches("INFO").count()), (1, 1), "{told}");
    connection.execute_batch("ALTER TABLE away RENAME TO disclosure").unwrap();
    assert!(feed.step(5).unwrap());
    assert_eq!(place.store.disclosures_of(&[SubjectId([1; 16])]).unwrap().len(), 1);
    assert_eq!(feed.indexed(), 5);
}

#[test]
fn a_row_that_no_record_made_ends_it_until_the_index_is_made_anew() {
    let place = Place::new();
    fill(&place.ledger(), Limits::default(), 1..=5);
    let mut feed = Feed::open(&place.ledger(), place.store.clone(), None).unwrap();
    assert!(feed.step(3).unwrap());
    let connection = rusqlite::Connection::open(place.store.path()).unwrap();
    connection.execute("UPDATE disclosure SET seq = 4 WHERE seq = 3", ()).unwrap();
    let error = feed.step(5).unwrap_err();
    assert!(matches!(error, IndexError::Store(StoreError::Stray { .. })) && !error.may_pass(), "{error}");
    assert!(error.to_string().contains("tavs ledger reindex"));
    assert_eq!(feed.indexed(), 3);
    let told = logged(place.folder.path(), || Shared::default().run(feed, &Durable::new(5, None)));
    assert!(told.contains("ERROR") && told.contains("tavs ledger reindex"), "{told}");
    rebuild(&place.ledger(), &place.store, |_| ()).unwrap();
    let mut feed = Feed::open(&place.ledger(), place.store, None).unwrap();
    assert!(!feed.step(5).unwrap());
}
