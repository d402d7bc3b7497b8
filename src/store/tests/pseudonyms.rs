//! The rows of the scheme `table`: drawn once, gone for good.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Barrier;

use super::{alias, erasure, store, subject};
use crate::store::connect::Make;
use crate::store::schema;
use crate::store::{
    ErasedPseudonym, IndexRow, NewChange, NewPseudonym, Position, PseudonymKey, PseudonymRow, Store, ValueRow,
};

/// A row whose sealed bytes can be told in a file.
fn row(value: u8, pseudonym: u8) -> PseudonymRow {
    PseudonymRow {
        domain: "sms".to_owned(),
        version: 1,
        by_value: [value; 16],
        by_pseudonym: [pseudonym; 16],
        kind: "cpr".to_owned(),
        sealed_pseudonym: format!("the pseudonym {pseudonym} of {value}").into_bytes(),
    }
}

/// It, with what it stands for, which can be told too.
fn new(row: PseudonymRow, subjects: &[u8]) -> NewPseudonym {
    let sealed_value = format!("the value {}", row.by_value[0]).into_bytes();
    NewPseudonym { row, sealed_value, subjects: subjects.iter().copied().map(subject).collect() }
}

fn value(value: u8, pseudonym: u8) -> ValueRow {
    ValueRow {
        by_value: [value; 16],
        by_pseudonym: [pseudonym; 16],
        sealed_value: format!("the value {value}").into_bytes(),
    }
}

fn draw(store: &Store, value: u8, subjects: &[u8]) -> Vec<PseudonymRow> {
    store.draw(&[new(row(value, value), subjects)]).unwrap().rows
}

fn found(store: &Store, values: &[PseudonymKey<'_>]) -> Vec<PseudonymRow> {
    store.pseudonyms_of(|_| values.to_vec()).unwrap().rows
}

/// How often rows were destroyed.
fn destroyed(store: &Store) -> u64 {
    store.pseudonyms_of(|_| Vec::new()).unwrap().destroyed
}

fn key(version: u32, index: u8) -> PseudonymKey<'static> {
    PseudonymKey { domain: "sms", version, index: [index; 16] }
}

/// Which values have a row.
fn standing(store: &Store) -> Vec<u8> {
    let all: Vec<PseudonymKey<'_>> = (0..=255).map(|index| key(1, index)).collect();
    found(store, &all).iter().map(|row| row.by_value[0]).collect()
}

/// Whether some bytes stand in any of the store's files.
fn stands_in(folder: &Path, bytes: &str) -> bool {
    folder.read_dir().unwrap().any(|file| {
        let all = std::fs::read(file.unwrap().path()).unwrap();
        memchr::memmem::find(&all, bytes.as_bytes()).is_some()
    })
}

#[test]
fn a_row_is_found_by_its_value_and_by_its_pseudonym() {
    let (store, folder) = store();
    let own = row(1, 2);
    let only = std::slice::from_ref(&own);
    assert_eq!(store.draw(&[new(own.clone(), &[9, 8])]).unwrap().rows, only);
    drop(store);
    let store = Store::open(&folder.path().join("tavs.db")).unwrap();
    assert_eq!(found(&store, &[key(1, 7), key(1, 1)]), only);
    assert_eq!(store.values_of(&[key(1, 2), key(1, 1)]).unwrap(), [value(1, 2)]);
    assert_eq!(store.subjects_of(own.by_value()).unwrap(), [subject(8), subject(9)]);
    for elsewhere in [key(2, 1), PseudonymKey { domain: "other", ..key(1, 1) }] {
        assert_eq!(found(&store, &[elsewhere]), []);
        assert_eq!(store.values_of(&[PseudonymKey { index: [2; 16], ..elsewhere }]).unwrap(), []);
    }
    // Who comes second gets what stands; the same pseudonym twice is a fault, not another's row.
    assert_eq!(store.draw(&[new(row(1, 3), &[])]).unwrap().rows, only);
    assert_eq!(store.values_of(&[key(1, 3)]).unwrap(), []);
    assert!(store.draw(&[new(row(5, 2), &[])]).is_err());
    assert_eq!(standing(&store), [1]);
}

/// In processes of their own, too: two open stores wait for each other as two processes do.
#[test]
fn one_value_seen_first_by_many_at_once_has_one_pseudonym() {
    let (store, folder) = store();
    let other = Store::open(&folder.path().join("tavs.db")).unwrap();
    let (threads, start) = (8_u8, Barrier::new(8));
    let found: Vec<Vec<PseudonymRow>> = std::thread::scope(|scope| {
        let one = |n: u8| {
            let (store, start) = (if n.is_multiple_of(2) { &store } else { &other }, &start);
            scope.spawn(move || {
                start.wait();
                let mine = |value: u8| new(row(value, n * 20 + value), &[value]);
                store.draw(&(1..=20).map(mine).collect::<Vec<_>>()).unwrap().rows
            })
        };
        let all: Vec<_> = (0..threads).map(one).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().all(|rows| *rows == found[0] && rows.len() == 20));
    assert_eq!(standing(&store).len(), 20);
}

/// A row that came into the file past the store.
fn raw_row(folder: &Path, value: u8, whose: u8) {
    let NewPseudonym { row, sealed_value, .. } = new(row(value, value), &[]);
    let PseudonymRow { domain, version, by_value, by_pseudonym, kind, sealed_pseudonym } = row;
    let raw = rusqlite::Connection::open(folder.join("tavs.db")).unwrap();
    let row = (&domain, version, by_value, by_pseudonym, kind, sealed_pseudonym);
    raw.execute("INSERT INTO pseudonym_of_value VALUES ($1, $2, $3, $4, $5, $6)", row).unwrap();
    let row = (&domain, version, by_pseudonym, by_value, sealed_value);
    raw.execute("INSERT INTO value_of_pseudonym VALUES ($1, $2, $3, $4, $5)", row).unwrap();
    raw.execute(
        "INSERT INTO pseudonym_subject VALUES ($1, $2, $3, $4)",
        (&domain, version, by_value, subject(whose)),
    )
    .unwrap();
}

#[test]
fn an_erasure_destroys_every_row_of_the_person_in_the_file_too() {
    let (store, folder) = store();
    let folder = folder.path();
    // An old number, an upstream's id, one met through the other; and somebody else.
    store.put_aliases(&[alias(2, 1), alias(3, 2)]).unwrap();
    for (value, whose) in [(11, 1), (12, 2), (13, 3), (14, 4)] {
        draw(&store, value, &[whose]);
    }
    let shared = PseudonymRow { domain: "research".to_owned(), ..row(15, 15) };
    store.draw(&[new(shared, &[5, 3])]).unwrap();
    assert!(stands_in(folder, "the value 13") && stands_in(folder, "of 13"));
    let note = |change: &NewChange, gone: &[PseudonymRow], before: &[ErasedPseudonym]| {
        let mut values: Vec<u8> = gone.iter().map(|row| row.by_value[0]).collect();
        values.extend(before.iter().flat_map(|one| &one.sealed));
        values.sort_unstable();
        vec![ErasedPseudonym { subject: change.subject, recipient: "sms".to_owned(), sealed: values }]
    };
    store.put_changes_noting(&[erasure(1)], note).unwrap();
    assert_eq!(standing(&store), [14]);
    for value in [11, 12, 13, 15] {
        assert_eq!(store.values_of(&[key(1, value)]).unwrap(), []);
        for bytes in [format!("the value {value}"), format!("of {value}")] {
            assert!(!stands_in(folder, &bytes), "{bytes}");
        }
    }
    assert!(stands_in(folder, "the value 14"));
    let noted = store.erased_pseudonyms(subject(1)).unwrap();
    assert_eq!(noted[0].sealed, [11, 12, 13, 15]);
    // Put back from an older backup, and erased again before the recipient was told.
    raw_row(folder, 17, 2);
    store.put_changes_noting(&[erasure(1)], note).unwrap();
    assert_eq!(store.erased_pseudonyms(subject(1)).unwrap()[0].sealed, [11, 12, 13, 15, 17]);
    store.forget_erased_pseudonyms(subject(1), "sms").unwrap();
    assert_eq!(store.erased_pseudonyms(subject(1)).unwrap(), []);
    // No later sight revives it: not under these ids, nor under one that turns out to be hers.
    assert_eq!(draw(&store, 11, &[1]), []);
    assert_eq!(draw(&store, 13, &[3]), []);
    draw(&store, 16, &[6]);
    assert_eq!(standing(&store), [14, 16]);
    store.put_aliases(&[alias(6, 3)]).unwrap();
    assert_eq!(draw(&store, 16, &[6]), []);
    assert_eq!(standing(&store), [14]);
    assert!(!stands_in(folder, "the value 16"));
}

/// Rows in no order, so that pages of the file were split and what they held moved.
#[test]
fn an_erasure_leaves_nothing_where_a_row_once_stood() {
    let (store, folder) = store();
    let texts = |n: u8| [format!("<pseudonym of {n:03}>"), format!("<value of {n:03}>")];
    let one = |n: u8| {
        let [pseudonym, value] = texts(n).map(|text| text.repeat(3).into_bytes());
        let row = PseudonymRow { sealed_pseudonym: pseudonym, ..row(n, n.wrapping_mul(91)) };
        NewPseudonym { sealed_value: value, ..new(row, &[n]) }
    };
    let all: Vec<NewPseudonym> = (0..=255_u8).map(|n| one(n.wrapping_mul(101))).collect();
    for some in all.chunks(16) {
        store.draw(some).unwrap();
    }
    let erased: Vec<NewChange> = (0..=255).step_by(3).map(erasure).collect();
    store.put_changes(&erased).unwrap();
    assert_eq!(standing(&store).len(), 256 - erased.len());
    for n in 0..=255 {
        for text in texts(n) {
            assert_eq!(stands_in(folder.path(), &text), n % 3 != 0, "{text}");
        }
    }
}

#[test]
fn rows_of_schema_4_are_found_both_ways_and_by_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tavs.db");
    let mut raw = rusqlite::Connection::open(&path).unwrap();
    schema::migrate(&path, &mut raw, &schema::MIGRATIONS[..4], Make::Yes).unwrap();
    for n in [3_u8, 1, 2] {
        let (PseudonymRow { domain, version, kind, sealed_pseudonym, .. }, sealed) =
            (row(n, 9 - n), value(n, 9 - n).sealed_value);
        let row = (&domain, version, [n; 16], [9 - n; 16], kind, sealed_pseudonym, sealed);
        raw.execute("INSERT INTO pseudonym VALUES ($1, $2, $3, $4, $5, $6, $7)", row).unwrap();
        let row = (&domain, version, [n; 16], subject(n));
        raw.execute("INSERT INTO pseudonym_subject VALUES ($1, $2, $3, $4)", row).unwrap();
    }
    drop(raw);
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let store = Store::open(&path).unwrap();
    for n in 1..=3 {
        let own = row(n, 9 - n);
        assert_eq!(found(&store, &[key(1, n)]), std::slice::from_ref(&own));
        assert_eq!(store.values_of(&[key(1, 9 - n)]).unwrap(), [value(n, 9 - n)]);
        assert_eq!(store.pseudonyms_with(&[subject(n)]).unwrap(), [own]);
    }
    store.put_changes(&[erasure(2)]).unwrap();
    assert_eq!(standing(&store), [1, 3]);
    assert!(!stands_in(folder.path(), "the value 2") && stands_in(folder.path(), "the value 3"));
}

#[test]
fn a_row_that_stands_comes_to_go_with_others_too_but_with_nobody_who_is_erased() {
    let (store, _folder) = store();
    draw(&store, 11, &[11, 1]);
    store.put_changes(&[erasure(3)]).unwrap();
    let tie = |value: u8, who: u8| store.tie(&[(key(1, value), subject(who))]).unwrap();
    for who in [1, 2, 2, 3] {
        tie(11, who);
    }
    // Nothing stands there.
    tie(12, 2);
    assert_eq!(store.subjects_of(key(1, 11)).unwrap(), [subject(1), subject(2), subject(11)]);
    assert_eq!(store.subjects_of(key(1, 12)).unwrap(), []);
    // Who comes second while drawing, too.
    draw(&store, 11, &[11, 4]);
    assert_eq!(store.subjects_of(key(1, 11)).unwrap().len(), 4);
    store.put_changes(&[erasure(4)]).unwrap();
    assert!(standing(&store).is_empty());
}

/// The ledger tells of the erasure, and of every id that was known as hers: also where the backup is from
/// before her second id was known.
#[test]
fn a_store_that_is_put_back_from_before_an_erasure_loses_the_rows_again() {
    let (store, _folder) = store();
    store.bind([1; 16]).unwrap();
    draw(&store, 11, &[1]);
    draw(&store, 12, &[2]);
    draw(&store, 13, &[3]);
    let change = Box::new(erasure(1));
    let rows = [IndexRow::Change { sequence: 1, number: 1, change, ids: vec![subject(1), subject(2)] }];
    store.apply(1, &rows, Position { log: [1; 16], sequence: 1, hash: [0; 32] }).unwrap();
    assert_eq!(standing(&store), [13]);
    assert_eq!(draw(&store, 12, &[2]), []);
    let mut tombstones = Vec::new();
    store.each_tombstone(|tombstone| tombstones.push(tombstone.subject)).unwrap();
    assert_eq!(tombstones, [subject(1), subject(2)]);
    assert_eq!(store.erase_again().unwrap(), 0);
}

#[test]
fn rows_that_stand_beside_a_tombstone_go_when_the_store_is_opened() {
    let (store, folder) = store();
    draw(&store, 11, &[1]);
    let raw = rusqlite::Connection::open(folder.path().join("tavs.db")).unwrap();
    raw.execute("INSERT INTO tombstone VALUES ($1, 1, 'officer', 'asked')", (subject(1),)).unwrap();
    assert_eq!(store.erase_again().unwrap(), 1);
    assert!(standing(&store).is_empty());
    drop(raw);
    assert!(!stands_in(folder.path(), "the value 11"));
}

#[test]
fn the_rows_of_a_key_version_can_be_forgotten() {
    let (store, _folder) = store();
    draw(&store, 11, &[1]);
    let newer = PseudonymRow { version: 2, ..row(11, 12) };
    store.draw(&[new(newer.clone(), &[1])]).unwrap();
    assert_eq!(store.forget_pseudonyms("sms", 1).unwrap(), 1);
    assert!(standing(&store).is_empty());
    assert_eq!(store.values_of(&[key(1, 11)]).unwrap(), []);
    assert_eq!(found(&store, &[key(2, 11)]), std::slice::from_ref(&newer));
    assert_eq!(store.subjects_of(newer.by_value()).unwrap(), [subject(1)]);
}

/// Another process may hold what it has read: it goes by the count.
#[test]
fn whatever_destroys_rows_is_counted_and_nothing_else() {
    let (store, folder) = store();
    let other = Store::open(&folder.path().join("tavs.db")).unwrap();
    for value in 11..=16 {
        let standing = store.draw(&[new(row(value, value), &[value])]).unwrap();
        assert_eq!((standing.rows.len(), standing.destroyed), (1, 0));
    }
    store.tie(&[(key(1, 11), subject(1))]).unwrap();
    store.put_aliases(&[alias(1, 11)]).unwrap();
    // Of nobody, and of a version that has no rows.
    store.put_changes(&[erasure(9)]).unwrap();
    assert_eq!((store.erase_again().unwrap(), store.forget_pseudonyms("sms", 2).unwrap()), (0, 0));
    assert_eq!(destroyed(&other), 0);

    store.put_changes(&[erasure(1)]).unwrap();
    assert_eq!(destroyed(&other), 1, "an erasure");
    // Her second id, once it is known as hers.
    store.put_aliases(&[alias(12, 11)]).unwrap();
    assert_eq!(destroyed(&other), 2, "two ids that are one person's");
    raw_row(folder.path(), 17, 11);
    assert_eq!(store.erase_again().unwrap(), 1);
    assert_eq!(destroyed(&other), 3, "an older backup");
    let change = Box::new(erasure(13));
    let rows = [IndexRow::Change { sequence: 1, number: 5, change, ids: vec![subject(13), subject(14)] }];
    store.bind([1; 16]).unwrap();
    store.apply(5, &rows, Position { log: [1; 16], sequence: 1, hash: [0; 32] }).unwrap();
    assert_eq!((destroyed(&other), standing(&other)), (4, vec![15, 16]), "the ledger");
    assert_eq!(store.forget_pseudonyms("sms", 1).unwrap(), 2);
    assert_eq!(destroyed(&other), 5, "a key version");
    // What is found is of the moment of the count.
    let own = draw(&store, 18, &[18]);
    let read = other.pseudonyms_of(|destroyed| {
        assert_eq!((destroyed, store.forget_pseudonyms("sms", 1).unwrap()), (5, 1));
        vec![key(1, 18)]
    });
    assert_eq!(read.unwrap().rows, own);
    assert_eq!((destroyed(&other), standing(&other)), (6, vec![]));
}
