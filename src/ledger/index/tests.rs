//! Tests of the index as its callers see it: it follows, catches up after any stop, equals the
//! ledger, and refuses what is not its ledger.

mod failing;

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{BATCH, Feed, IndexError, Indexer, rebuild};
use crate::ids::{RecipientId, SubjectId};
use crate::ledger::handed::Durable;
use crate::ledger::tests::{change, entry, fill, lookup, policy, run, settings};
use crate::ledger::{Entry, Grounds, Kind, Ledger, LedgerError, Limits, Note, Settings, read, segment};
use crate::store::{Affected, Store, StoreError, Window};

/// Long enough for any machine; no test waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);
const ALWAYS: Window = Window { from: 0, to: u64::MAX };

struct Place {
    folder: TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ledger")).unwrap();
        let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
        Self { folder, store }
    }

    fn ledger(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger")
    }

    fn other_store(&self, name: &str) -> Store {
        Store::open_or_make(&self.folder.path().join(name)).unwrap()
    }
}

/// Every row of the index, as text.
fn dump(store: &Store) -> Vec<String> {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let mut all = Vec::new();
    for table in [
        "disclosure",
        "disclosure_class",
        "posting_run",
        "posting_block",
        "policy_version",
        "policy_rule",
        "act",
        "act_subject",
        "position",
    ] {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> =
                (0..columns).map(|n| format!("{:?}", row.get_ref(n).unwrap())).collect();
            all.push(format!("{table} {}", values.join(" ")));
        }
    }
    all.sort();
    all
}

/// Carries over what there is, a batch at a time, each by a process that ends after it.
fn steps(place: &Place, most: usize) -> Result<(), IndexError> {
    for _ in 0..most {
        let store = Store::open(place.store.path())?;
        if !Feed::open(&place.ledger(), store, None)?.step(u64::MAX)? {
            break;
        }
    }
    Ok(())
}

fn ends(found: Result<Indexer, IndexError>) -> IndexError {
    found.err().unwrap()
}

#[test]
fn it_follows_the_writer_through_segments_and_says_how_far_behind_it_is() {
    let place = Place::new();
    let limits = Limits { segment: 1500, ..Limits::default() };
    run(async {
        let (ledger, _) = Ledger::open(Settings { limits, ..settings(&place.ledger()) }).unwrap();
        let indexer = Indexer::start(&place.ledger(), ledger.durable(), place.store.clone()).unwrap();
        assert_eq!(indexer.lag(), 0);
        for n in 1..=20 {
            ledger.append(&entry(n)).await.unwrap();
        }
        assert!(indexer.catch_up(PATIENCE));
        assert_eq!((indexer.lag(), indexer.within(0)), (0, true));
        assert!(indexer.failure().is_none());
        assert_eq!(place.store.disclosures_of(&[SubjectId([20; 16])]).unwrap().len(), 1);
        assert!(ledger.append(&entry(1)).await.is_ok());
        assert!(indexer.catch_up(PATIENCE));
        assert_eq!(place.store.disclosures_of(&[SubjectId([1; 16])]).unwrap().len(), 2);
    });
}

#[test]
fn it_goes_on_from_where_any_stop_left_it_and_equals_a_rebuilt_one() {
    let place = Place::new();
    let limits = Limits { segment: 4000, ..Limits::default() };
    fill(&place.ledger(), limits, 1..=30);
    steps(&place, 1).unwrap();
    let half = place.store.position([0x11; 16]).unwrap();
    assert_eq!(half.map(|position| position.sequence), Some(30));
    fill(&place.ledger(), limits, 31..=60);
    steps(&place, 9).unwrap();
    let before = dump(&place.store);
    assert_eq!(rebuild(&place.ledger(), &place.store, |_| ()).unwrap(), 60);
    assert_eq!(dump(&place.store), before);
    let other = place.other_store("other.db");
    assert_eq!(rebuild(&place.ledger(), &other, |_| ()).unwrap(), 60);
    assert_eq!(dump(&other), before);
}

#[test]
fn it_begins_where_the_oldest_segment_does_and_needs_none_that_is_indexed() {
    let place = Place::new();
    let limits = Limits { segment: 1500, ..Limits::default() };
    fill(&place.ledger(), limits, 1..=9);
    steps(&place, 9).unwrap();
    fs::remove_file(place.ledger().join("00000001.ledger")).unwrap();
    fs::remove_file(place.ledger().join("00000002.ledger")).unwrap();
    fill(&place.ledger(), limits, 10..=12);
    steps(&place, 9).unwrap();
    assert_eq!(place.store.disclosures_of(&[SubjectId([12; 16])]).unwrap().len(), 1);
    let anew = place.other_store("anew.db");
    assert_eq!(rebuild(&place.ledger(), &anew, |_| ()).unwrap(), 12);
    assert_eq!(anew.disclosures_of(&[SubjectId([1; 16])]).unwrap(), []);
}

#[test]
fn notes_are_indexed_and_put_back_what_a_store_from_a_backup_lacks() {
    let place = Place::new();
    run(async {
        let (ledger, _) = Ledger::open(settings(&place.ledger())).unwrap();
        for note in [Note::Policy(policy()), Note::Act(change(1)), Note::Act(lookup(1)), Note::Act(change(2))]
        {
            ledger.note(&note).await.unwrap();
        }
    });
    steps(&place, 9).unwrap();
    let found = place.store.policy(policy().policy).unwrap().unwrap();
    assert_eq!((found.agreement, found.rules), (policy().agreement, policy().rules));
    let acts = place.store.acts_of(&[SubjectId([1; 16])]).unwrap();
    let acts: Vec<_> = acts.iter().map(|act| (act.sequence, act.kind.as_str(), act.what.as_str())).collect();
    assert_eq!(acts, [(2, "registry", "restriction"), (3, "lookup", "report")]);

    let mut changes = Vec::new();
    place.store.each_change(0, |change| changes.push(change)).unwrap();
    assert_eq!(changes.iter().map(|change| change.recorded).collect::<Vec<_>>(), [Some(2), Some(4)]);
    let (first, told) = (&changes[0].change, change(1));
    assert_eq!((first.subject, first.until), (told.subjects[0], Some(1_780_000_000_000)));
    assert_eq!((&first.reason, &first.who, first.at), (&told.why, &told.who, told.unix_millis));
    // Applied to a registry that has them, the same records change nothing.
    rebuild(&place.ledger(), &place.store, |_| ()).unwrap();
    assert_eq!(place.store.generation().unwrap(), 2);
}

/// Appends, and carries over what was handed over meanwhile: at a cut and at the end.
async fn followed(place: &Place, limits: Limits, entries: &[Entry], cut: usize) -> (Ledger, Feed) {
    let (ledger, _) = Ledger::open(Settings { limits, ..settings(&place.ledger()) }).unwrap();
    let mut feed = Feed::open(&place.ledger(), place.store.clone(), None).unwrap();
    feed.follow(ledger.durable());
    for part in [&entries[..cut], &entries[cut..]] {
        for entry in part {
            ledger.append(entry).await.unwrap();
        }
        while feed.step(ledger.durable().sequence()).unwrap() {}
    }
    (ledger, feed)
}

fn rebuilt(place: &Place) -> Vec<String> {
    let anew = place.other_store("anew.db");
    rebuild(&place.ledger(), &anew, |_| ()).unwrap();
    dump(&anew)
}

#[test]
fn what_is_handed_over_is_not_read_back_and_makes_the_same_rows() {
    let place = Place::new();
    run(async {
        let (ledger, mut feed) = followed(&place, Limits::default(), &[entry(1)], 0).await;
        let path = place.ledger().join("00000001.ledger");
        for note in [Note::Policy(policy()), Note::Act(change(1)), Note::Act(lookup(1))] {
            ledger.note(&note).await.unwrap();
        }
        let far = Entry { unix_millis: u64::MAX, released_by_rule: vec![0, 4, 0], ..entry(2) };
        ledger.append(&far).await.unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, whole.to_ascii_uppercase()).unwrap();
        assert!(feed.step(5).unwrap());
        fs::write(&path, &whole).unwrap();
        assert_eq!(feed.indexed(), 5);
    });
    assert_eq!(dump(&place.store), rebuilt(&place));
}

#[test]
fn what_finds_no_room_on_its_way_is_read() {
    let place = Place::new();
    let many = |n: u8| {
        let id = |of: u16| SubjectId([[n; 2], of.to_be_bytes()].concat().repeat(4).try_into().unwrap());
        Entry { subjects: (0..25_000).map(id).collect(), ..entry(n) }
    };
    run(async {
        let entries = [many(1), many(2), many(3), entry(4)];
        let (ledger, mut feed) = followed(&place, Limits::default(), &entries, 0).await;
        assert_eq!(feed.indexed(), 4);
        // What comes after is handed over again.
        ledger.append(&entry(5)).await.unwrap();
        assert_eq!(feed.durable.as_ref().unwrap().take().len(), 1);
        assert!(feed.step(5).unwrap());
    });
    assert_eq!(dump(&place.store), rebuilt(&place));
}

#[test]
fn what_is_not_on_disk_for_certain_is_not_indexed() {
    let place = Place::new();
    fill(&place.ledger(), Limits::default(), 1..=5);
    let mut feed = Feed::open(&place.ledger(), place.store, None).unwrap();
    assert!(feed.step(3).unwrap());
    assert!(!feed.step(3).unwrap());
    assert_eq!(feed.indexed(), 3);
    assert!(feed.step(5).unwrap());
    assert_eq!(feed.indexed(), 5);
}

/// What opening verified is read once: damage that comes after that is not met by an index which ends there, and is by
/// one that has to be carried on from a record before.
#[test]
fn what_was_verified_on_opening_is_not_read_again() {
    for (behind, limits) in [
        (false, Limits::default()),
        (true, Limits::default()),
        (false, Limits { segment: 1500, ..Limits::default() }),
    ] {
        let place = Place::new();
        fill(&place.ledger(), limits, 1..=8);
        steps(&place, 9).unwrap();
        fill(&place.ledger(), limits, 9..=if behind { 9 } else { 8 });
        run(async {
            let (ledger, _) = Ledger::open(Settings { limits, ..settings(&place.ledger()) }).unwrap();
            let last = segment::list(&place.ledger()).unwrap().into_iter().last().unwrap();
            let path = segment::path_of(&place.ledger(), last);
            let mut bytes = fs::read(&path).unwrap();
            let record = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let digit = &mut bytes[record];
            *digit = if *digit == b'0' { b'1' } else { b'0' };
            fs::write(&path, bytes).unwrap();
            let started = Indexer::start(&place.ledger(), ledger.durable(), place.store.clone());
            if behind {
                assert!(matches!(ends(started), IndexError::Ledger(LedgerError::Damaged { .. })));
                return;
            }
            let indexer = started.unwrap();
            assert_eq!(indexer.lag(), 0);
            for n in 10..=14 {
                ledger.append(&entry(n)).await.unwrap();
            }
            assert!(indexer.catch_up(PATIENCE));
            for n in [1, 8, 10, 14] {
                assert_eq!(place.store.disclosures_of(&[SubjectId([n; 16])]).unwrap().len(), 1, "{n}");
            }
        });
    }
}

#[test]
fn what_was_cut_off_or_replaced_since_it_was_verified_is_found() {
    let place = Place::new();
    fill(&place.ledger(), Limits::default(), 1..=4);
    steps(&place, 9).unwrap();
    let path = segment::path_of(&place.ledger(), 1);
    run(async {
        let (ledger, _) = Ledger::open(settings(&place.ledger())).unwrap();
        let whole = fs::read(&path).unwrap();
        let end = whole.iter().rposition(|byte| *byte == b'\n').unwrap();
        fs::write(&path, &whole[..end]).unwrap();
        let start = || Indexer::start(&place.ledger(), ledger.durable(), place.store.clone());
        assert!(matches!(ends(start()), IndexError::Ledger(LedgerError::Damaged { .. })));
        fs::write(&path, &whole).unwrap();
        assert!(start().is_ok());
    });
    // As many records of the same log, but others.
    fs::remove_file(&path).unwrap();
    fill(&place.ledger(), Limits::default(), 11..=14);
    run(async {
        let (ledger, _) = Ledger::open(settings(&place.ledger())).unwrap();
        let other = Indexer::start(&place.ledger(), ledger.durable(), place.store.clone());
        assert!(matches!(ends(other), IndexError::Changed { sequence: 4 }));
    });
}

#[test]
fn an_index_that_is_ahead_of_a_restored_ledger_is_refused() {
    let place = Place::new();
    fill(&place.ledger(), Limits::default(), 1..=5);
    let segment = place.ledger().join("00000001.ledger");
    let backup = fs::read(&segment).unwrap();
    fill(&place.ledger(), Limits::default(), 6..=8);
    steps(&place, 9).unwrap();
    fs::write(&segment, &backup).unwrap();
    let start = || Indexer::start(&place.ledger(), Durable::new(5, None), place.store.clone());
    let error = ends(start());
    assert!(matches!(error, IndexError::Ahead { index: 8, ledger: 5 }), "{error}");
    assert!(error.to_string().contains("tavs ledger reindex"));
    // The same numbers again, with other records.
    fill(&place.ledger(), Limits::default(), 21..=25);
    assert!(matches!(ends(start()), IndexError::Changed { sequence: 8 }));
    rebuild(&place.ledger(), &place.store, |_| ()).unwrap();
    assert!(start().is_ok());
}

#[test]
fn an_index_of_another_ledger_and_a_missing_segment_are_refused() {
    let place = Place::new();
    let limits = Limits { segment: 1500, ..Limits::default() };
    fill(&place.ledger(), limits, 1..=9);
    let start = |store: &Store| Indexer::start(&place.ledger(), Durable::new(9, None), store.clone());
    let other = place.other_store("other.db");
    other.bind([0x22; 16]).unwrap();
    assert!(matches!(ends(start(&other)), IndexError::Store(StoreError::OtherLog { .. })));
    assert!(matches!(rebuild(&place.ledger(), &other, |_| ()), Err(IndexError::Store(_))));

    let mut feed = Feed::open(&place.ledger(), place.store.clone(), None).unwrap();
    feed.step(1).unwrap();
    let moved = place.folder.path().join("moved");
    fs::rename(place.ledger().join("00000002.ledger"), &moved).unwrap();
    assert!(matches!(ends(start(&place.store)), IndexError::Ledger(LedgerError::Gap { missing: 2, .. })));
    fs::rename(place.ledger().join("00000001.ledger"), place.folder.path().join("first")).unwrap();
    let error = ends(start(&place.store));
    assert!(matches!(error, IndexError::Gone { sequence: 2, .. }), "{error}");

    let empty = Place::new();
    let nothing = Indexer::start(&empty.ledger(), Durable::new(0, None), empty.store);
    assert!(matches!(ends(nothing), IndexError::NoLedger { .. }));
}

/// Entries with everything that queries ask for taken from small sets.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let one = (0_u64..50, 0_usize..3, proptest::collection::btree_set(0_u8..6, 0..4), any::<bool>());
    proptest::collection::vec(one, 1..30).prop_map(|all| {
        (1..)
            .zip(all)
            .map(|(n, (at, recipient, subjects, refused))| {
                let base = entry(n);
                let recipient = RecipientId::new(["sms", "lab", "research"][recipient]);
                Entry {
                    unix_millis: at,
                    kind: if refused { Kind::Refusal } else { Kind::Disclosure },
                    grounds: Grounds { recipient, ..(*base.grounds).clone() }.into(),
                    subjects: subjects.into_iter().map(|n| SubjectId([n; 16])).collect(),
                    ..base
                }
            })
            .collect()
    })
}

fn write(directory: &Path, limits: Limits, entries: &[Entry]) {
    run(async {
        let (ledger, _) = Ledger::open(Settings { limits, ..settings(directory) }).unwrap();
        for entry in entries {
            ledger.append(entry).await.unwrap();
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// What the index answers is what a scan of the ledger answers.
    #[test]
    fn the_index_answers_as_a_scan_of_the_ledger_does(all in entries(), cut in 0_usize..30) {
        let place = Place::new();
        let limits = Limits { segment: 3000, ..Limits::default() };
        let cut = cut.min(all.len());
        write(&place.ledger(), limits, &all[..cut]);
        steps(&place, 1).unwrap();
        write(&place.ledger(), limits, &all[cut..]);
        steps(&place, 99).unwrap();
        let records: Vec<_> = read(&place.ledger()).unwrap().map(Result::unwrap).collect();
        let other = Place::new();
        run(async { drop(followed(&other, limits, &all, cut).await) });
        prop_assert_eq!(dump(&other.store), dump(&place.store));
        for n in 0..6 {
            let subject = SubjectId([n; 16]);
            let told = |record: &&crate::ledger::Record| {
                let entry = record.entry().unwrap();
                entry.kind == Kind::Disclosure && entry.subjects.contains(&subject)
            };
            let mut expected: Vec<(u64, u64)> = records
                .iter()
                .filter(told)
                .map(|record| (record.entry().unwrap().unix_millis, record.sequence))
                .collect();
            expected.sort_unstable();
            let found = place.store.disclosures_of(&[subject]).unwrap();
            let found: Vec<(u64, u64)> = found.iter().map(|row| (row.exchange.at, row.exchange.sequence)).collect();
            prop_assert_eq!(&found, &expected);
            for recipient in ["sms", "lab", "research"] {
                let about = |record: &&crate::ledger::Record| {
                    record.entry().unwrap().grounds.recipient.as_str() == recipient && told(record)
                };
                let wanted = records.iter().filter(about).count() as u64;
                let mut counted = 0;
                let add = |one: Affected| if one.subject == subject { counted += one.disclosures };
                place.store.each_affected(recipient, ALWAYS, add).unwrap();
                prop_assert_eq!(counted, wanted);
            }
        }
        let exchanges: u64 = place.store.volumes(ALWAYS).unwrap().iter().map(|volume| volume.exchanges).sum();
        prop_assert_eq!(exchanges, records.len() as u64);
    }
}

#[test]
fn a_batch_is_bounded() {
    let place = Place::new();
    let many: Vec<Entry> = (1..=4_u8)
        .map(|n| {
            let subjects = (0..1000_u16)
                .map(|of| {
                    let mut id = [n; 16];
                    id[..2].copy_from_slice(&of.to_be_bytes());
                    SubjectId(id)
                })
                .collect();
            Entry { subjects, ..entry(n) }
        })
        .collect();
    write(&place.ledger(), Limits::default(), &many);
    let mut feed = Feed::open(&place.ledger(), place.store, None).unwrap();
    feed.step(u64::MAX).unwrap();
    assert_eq!(feed.indexed(), 3, "batches hold about {BATCH} rows");
    feed.step(u64::MAX).unwrap();
    assert_eq!(feed.indexed(), 4);
}
