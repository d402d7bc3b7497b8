//! What is held in memory says what the store would: whatever is destroyed, by whichever process.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use tempfile::TempDir;

use super::*;
use crate::pseudonym::{Drawn, Input, KeyRing, Scheme};
use crate::store::tests::{alias, erasure, subject};

fn maker() -> Pseudonymiser {
    let secret = "a7".repeat(32);
    let ring = format!(
        "ring = 1\n[[secret]]\nuse = \"domain\"\nname = \"sms\"\nversion = 1\nstate = \"active\"\nsecret = \"{secret}\"\n"
    );
    KeyRing::parse(&ring, jiff::Timestamp::UNIX_EPOCH).unwrap().pseudonymiser("sms", Scheme::Table).unwrap()
}

/// One store as two processes have it open.
struct Two {
    held: [Held; 2],
    maker: Pseudonymiser,
    folder: TempDir,
}

impl Two {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tavs.db");
        let one = Store::open_or_make(&path).unwrap();
        let held = [one, Store::open(&path).unwrap()].map(Held::new);
        Self { held, maker: maker(), folder }
    }

    fn store(&self) -> &Store {
        self.held[0].store()
    }

    fn known(&self, process: usize, wanted: &[Wanted]) -> Known {
        known(&self.held[process], &self.maker, wanted).unwrap()
    }

    /// The pseudonym of a person's number, by either process.
    fn number(&self, process: usize, n: u8) -> Option<Drawn> {
        let one = self.value("cpr", n, &[n]);
        self.known(process, std::slice::from_ref(&one)).of(&one.by_value).copied()
    }

    fn value(&self, kind: &str, n: u8, subjects: &[u8]) -> Wanted {
        let value = format!("00000000{n:02}");
        let by_value = self.maker.table().unwrap().by_value(input(kind, &value));
        let subjects = subjects.iter().map(|n| subject(*n)).collect();
        let (kind, empty) = (kind.to_owned(), String::new);
        Wanted { by_value, kind, resource_type: empty(), system: empty(), value, subjects }
    }

    /// What stands, as the store says it, with nothing held.
    fn standing(&self, wanted: &[Wanted]) -> BTreeMap<Blind, Drawn> {
        let table = self.maker.table().unwrap();
        let keys = wanted.iter().map(|one| key(table, one.by_value)).collect();
        let rows = self.store().pseudonyms_of(|_| keys).unwrap().rows;
        rows.into_iter().map(|row| (row.by_value, table.pseudonym_of(&row_of(row)).unwrap())).collect()
    }

    fn subjects_of(&self, one: &Wanted) -> Vec<SubjectId> {
        self.store().subjects_of(key(self.maker.table().unwrap(), one.by_value)).unwrap()
    }
}

fn input<'a>(kind: &'a str, value: &'a str) -> Input<'a> {
    Input { kind, resource_type: "", system: "", value }
}

#[test]
fn what_another_process_destroys_is_held_no_more() {
    let two = Two::new();
    let before: Vec<_> = (1..=4).map(|n| two.number(0, n).unwrap()).collect();
    let again = |process| (1..=4).map(|n| two.number(process, n)).collect::<Vec<_>>();
    assert_eq!(again(0), before.iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(again(1), again(0));
    let other = two.held[1].store();
    other.put_changes(&[erasure(1)]).unwrap();
    assert_eq!(again(0), [None, Some(before[1]), Some(before[2]), Some(before[3])]);
    // The second's id turns out to be hers.
    other.put_aliases(&[alias(2, 1)]).unwrap();
    assert_eq!(again(0), [None, None, Some(before[2]), Some(before[3])]);
    // A tombstone that an older backup had lost, beside a row that it had.
    let raw = rusqlite::Connection::open(two.folder.path().join("tavs.db")).unwrap();
    raw.execute("INSERT INTO tombstone VALUES ($1, 1, 'officer', 'asked')", (subject(3),)).unwrap();
    assert_eq!(other.erase_again().unwrap(), 1);
    assert_eq!(again(0), [None, None, None, Some(before[3])]);
    // The secret of a key version is gone: here it is not, and there is a new one.
    assert_eq!(other.forget_pseudonyms("sms", 1).unwrap(), 1);
    let after = two.number(0, 4).unwrap();
    assert_ne!(after, before[3]);
    assert_eq!(again(1), [None, None, None, Some(after)]);
}

/// That it is held is seen by the row being looked at no more.
#[test]
fn what_was_looked_up_is_not_looked_up_again_and_what_does_not_open_is_not_held() {
    let two = Two::new();
    let drawn = two.number(1, 1).unwrap();
    let raw = rusqlite::Connection::open(two.folder.path().join("tavs.db")).unwrap();
    raw.execute("UPDATE pseudonym_of_value SET kind = 'id'", ()).unwrap();
    assert_eq!(two.number(1, 1), Some(drawn), "as it was drawn");
    let one = two.value("cpr", 1, &[1]);
    for _ in 0..2 {
        let refused = known(&two.held[0], &two.maker, std::slice::from_ref(&one));
        assert!(matches!(refused, Err(StoreError::Unopened)));
    }
    raw.execute("UPDATE pseudonym_of_value SET kind = 'cpr'", ()).unwrap();
    assert_eq!(two.number(0, 1), Some(drawn));
    raw.execute("UPDATE pseudonym_of_value SET kind = 'id'", ()).unwrap();
    assert_eq!(two.number(0, 1), Some(drawn), "as it was found");
    let nothing = Held::new(two.store().clone());
    assert!(matches!(known(&nothing, &two.maker, &[one]), Err(StoreError::Unopened)));
}

/// A transaction that was rolled back has drawn nothing.
#[test]
fn what_was_not_committed_is_not_held() {
    let two = Two::new();
    let raw = rusqlite::Connection::open(two.folder.path().join("tavs.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON pseudonym_subject WHEN NEW.subject = x'02020202020202020202020202020202'
        BEGIN SELECT RAISE(ABORT, 'full'); END";
    raw.execute_batch(refuse).unwrap();
    let both = [two.value("cpr", 1, &[1]), two.value("cpr", 2, &[2])];
    assert!(known(&two.held[0], &two.maker, &both).is_err());
    raw.execute_batch("DROP TRIGGER refuse").unwrap();
    let one = two.number(1, 1);
    assert!(one.is_some());
    assert_eq!(two.number(0, 1), one);
}

#[test]
fn a_value_that_many_meet_first_at_once_is_held_as_one_pseudonym() {
    let two = Two::new();
    let all: Vec<Wanted> = (0..40).map(|n| two.value("cpr", n, &[n])).collect();
    let start = Barrier::new(8);
    let found: Vec<Vec<Option<Drawn>>> = std::thread::scope(|scope| {
        let one = |n: usize| {
            let (two, all, start) = (&two, &all, &start);
            scope.spawn(move || {
                start.wait();
                let known = two.known(n % 2, all);
                all.iter().map(|one| known.of(&one.by_value).copied()).collect()
            })
        };
        let threads: Vec<_> = (0..8).map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found[0].iter().all(Option::is_some) && found.iter().all(|one| *one == found[0]));
    for process in [0, 1] {
        let held = two.known(process, &all);
        assert!(all.iter().zip(&found[0]).all(|(one, drawn)| held.of(&one.by_value) == drawn.as_ref()));
    }
}

/// Somebody else's telephone number, held, and then met in a record of hers.
#[test]
fn what_is_held_comes_to_go_with_whomever_it_is_met_beside() {
    let two = Two::new();
    let phone = |subjects: &[u8]| two.value("phone", 7, subjects);
    let of = |one: Wanted| two.known(0, std::slice::from_ref(&one)).of(&one.by_value).copied();
    let first = of(phone(&[7, 1]));
    assert_eq!(of(phone(&[7, 2])), first);
    assert_eq!(two.subjects_of(&phone(&[])), [1, 2, 7].map(subject));
    // What names one person is nobody else's.
    let number = |subjects: &[u8]| two.value("cpr", 1, subjects);
    assert_eq!(of(number(&[1])), of(number(&[1, 2])));
    assert_eq!(two.subjects_of(&number(&[])), [subject(1)]);
    two.held[1].store().put_changes(&[erasure(2)]).unwrap();
    let after = of(phone(&[7, 1]));
    assert!(after.is_some() && after != first);
}

/// Whatever others read before and put after it.
#[test]
fn what_is_destroyed_while_others_look_up_is_held_no_more() {
    let two = Two::new();
    let all: Vec<Wanted> = (0..12).map(|n| two.value("cpr", n, &[n])).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (two, all, done) = (&two, &all, &done);
            scope.spawn(move || {
                // A bound, for where an assertion below ends the test.
                for _ in 0..10_000 {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    two.known(n % 2, all);
                }
            });
        }
        for n in 0..12 {
            two.held[1].store().put_changes(&[erasure(n)]).unwrap();
            for process in [0, 1] {
                let found = two.known(process, &all);
                let gone = |one: &&Wanted| found.of(&one.by_value).is_none();
                assert_eq!(all.iter().filter(gone).count(), usize::from(n) + 1);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// What happens to a store.
#[derive(Debug, Clone)]
enum Step {
    /// A record of some persons, with values: whether it names a person, which, and in whose record.
    Met(Vec<(bool, u8, Vec<u8>)>),
    Erased(u8),
    Tied(u8, u8),
    Forgotten,
    /// A tombstone without what goes with it, and then that.
    ErasedAgain(u8),
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let person = 0..8_u8;
    let value = (any::<bool>(), person.clone(), proptest::collection::vec(person.clone(), 0..3));
    let step = prop_oneof![
        12 => proptest::collection::vec(value, 1..6).prop_map(Step::Met),
        2 => person.clone().prop_map(Step::Erased),
        2 => (person.clone(), person.clone()).prop_map(|(one, other)| Step::Tied(one, other)),
        1 => proptest::strategy::Just(Step::Forgotten),
        1 => person.prop_map(Step::ErasedAgain),
    ];
    proptest::collection::vec((any::<bool>(), step), 1..16)
}

fn do_to(store: &Store, folder: &TempDir, step: &Step) {
    match step {
        Step::Met(_) => {}
        Step::Erased(who) => drop(store.put_changes(&[erasure(*who)]).unwrap()),
        Step::Tied(one, other) => drop(store.put_aliases(&[alias(*one, *other)]).unwrap()),
        Step::Forgotten => drop(store.forget_pseudonyms("sms", 1).unwrap()),
        Step::ErasedAgain(who) => {
            let raw = rusqlite::Connection::open(folder.path().join("tavs.db")).unwrap();
            let put = "INSERT INTO tombstone VALUES ($1, 1, 'officer', 'asked') ON CONFLICT DO NOTHING";
            raw.execute(put, (subject(*who),)).unwrap();
            store.erase_again().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The oracle has a store of its own, to which the same happens, and holds nothing.
    #[test]
    fn what_is_held_gives_what_the_store_would(steps in steps()) {
        let (two, oracle) = (Two::new(), Two::new());
        for (process, step) in steps {
            let process = usize::from(process);
            do_to(two.held[process].store(), &two.folder, &step);
            do_to(oracle.store(), &oracle.folder, &step);
            let Step::Met(met) = step else { continue };
            let wanted = |(names, n, more): &(bool, u8, Vec<u8>)| {
                let subjects: Vec<u8> = std::iter::once(*n).chain(more.iter().copied()).collect();
                two.value(if *names { "cpr" } else { "phone" }, *n, &subjects)
            };
            let wanted: Vec<Wanted> = met.iter().map(wanted).collect();
            let held = two.known(process, &wanted);
            let nothing_held = Held::new(oracle.store().clone());
            let looked_up = known(&nothing_held, &oracle.maker, &wanted).unwrap();
            let standing = two.standing(&wanted);
            for one in &wanted {
                prop_assert_eq!(held.of(&one.by_value), standing.get(&one.by_value));
                prop_assert_eq!(held.of(&one.by_value).is_some(), looked_up.of(&one.by_value).is_some());
                prop_assert_eq!(two.subjects_of(one), oracle.subjects_of(one));
            }
        }
    }
}
