//! The index: applied once, asked in every way that reports do.

use proptest::prelude::*;

use super::{back_to_schema_8, exchange, store, subject};
use crate::ids::PolicyVersion;
use crate::store::connect::Durability;
use crate::store::{
    Act, Affected, Disclosed, Exchange, IndexRow, Policy, PolicyRule, Position, Store, StoreError, Window,
};

const LOG: [u8; 16] = [5; 16];

fn upto(sequence: u64) -> Position {
    Position { log: LOG, sequence, hash: [9; 32] }
}

fn affected(store: &Store, recipient: &str, window: Window) -> Vec<Affected> {
    let mut found = Vec::new();
    store.each_affected(recipient, window, |one| found.push(one)).unwrap();
    found
}

fn act(sequence: u64, at: u64, kind: &str, about: &[u8]) -> Act {
    Act {
        sequence,
        at,
        kind: kind.to_owned(),
        what: "report".to_owned(),
        begun: None,
        who: "officer".to_owned(),
        why: "asked by letter".to_owned(),
        subjects: about.iter().map(|n| subject(*n)).collect(),
        purpose: None,
        recipient: None,
        policy: None,
    }
}

#[test]
fn rows_are_applied_once_and_with_their_position() {
    let (store, _folder) = store();
    assert_eq!(store.position(LOG).unwrap(), None);
    let rows: Vec<IndexRow> = (1..=4).map(|n| IndexRow::Exchange(exchange(n, n, "sms", &[1, 2]))).collect();
    store.apply(1, &rows[..2], upto(2)).unwrap();
    store.apply(1, &rows[..2], upto(2)).unwrap();
    store.apply(2, &rows[1..3], upto(3)).unwrap();
    assert_eq!(store.position(LOG).unwrap(), Some(upto(3)));
    let gap = store.apply(5, &[], upto(5));
    assert!(matches!(gap, Err(StoreError::Gap { at: 3, given: 5 })));
    assert_eq!(store.disclosures_of(&[subject(1)]).unwrap().len(), 3);
    assert_eq!(affected(&store, "sms", Window { from: 0, to: 9 })[0].disclosures, 3);
}

#[test]
fn a_store_belongs_to_one_log() {
    let (store, _folder) = store();
    assert_eq!(store.log().unwrap(), None);
    store.bind(LOG).unwrap();
    store.bind(LOG).unwrap();
    let error = store.bind([6; 16]).unwrap_err();
    assert!(matches!(error, StoreError::OtherLog { .. }));
    assert!(error.to_string().contains("its own store"));
    let other = store.apply(1, &[], Position { log: [6; 16], sequence: 1, hash: [0; 32] });
    assert!(matches!(other, Err(StoreError::OtherLog { .. })));
    assert!(matches!(store.forget_index([6; 16], 1), Err(StoreError::OtherLog { .. })));
}

#[test]
fn a_store_that_belongs_to_no_log_belongs_to_the_first_whose_rows_it_gets() {
    let (store, _folder) = store();
    store.apply(1, &[IndexRow::Exchange(exchange(1, 1, "sms", &[1]))], upto(1)).unwrap();
    assert!(matches!(store.bind([6; 16]), Err(StoreError::OtherLog { .. })));
    // Also where what says so is lost.
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    connection.execute("DELETE FROM meta WHERE name = 'log'", ()).unwrap();
    assert!(matches!(store.bind([6; 16]), Err(StoreError::OtherLog { .. })));
    store.bind(LOG).unwrap();
}

#[test]
fn a_class_that_a_disclosure_has_cannot_go() {
    let (store, _folder) = store();
    store.apply(1, &[IndexRow::Exchange(exchange(1, 1, "sms", &[1]))], upto(1)).unwrap();
    let gone = store
        .connections
        .write(Durability::Derived, "try", |t| t.execute("DELETE FROM disclosure_class", ()));
    assert!(matches!(gone, Err(StoreError::Database { .. })));
    assert_eq!(classes(&store), 1);
}

#[test]
fn a_persons_report_takes_each_disclosure_once_whichever_ids_it_names() {
    let (store, _folder) = store();
    let rows = [exchange(1, 30, "sms", &[1, 2]), exchange(2, 10, "lab", &[2]), exchange(3, 20, "lab", &[3])];
    store.apply(1, &rows.clone().map(IndexRow::Exchange), upto(3)).unwrap();
    let found = store.disclosures_of(&[subject(1), subject(2)]).unwrap();
    let without = |row: &Exchange| Disclosed {
        persons: row.subjects.len() as u64,
        exchange: Exchange { subjects: Vec::new(), ..row.clone() },
    };
    assert_eq!(found, [without(&rows[1]), without(&rows[0])]);
    let given = store.given_about(&[subject(2)]).unwrap();
    assert_eq!(given.len(), 2);
    assert_eq!((given[0].recipient.as_str(), given[0].disclosures), ("lab", 1));
    assert_eq!(given[1].released, [(0, 2), (2, 1)]);
}

/// Disclosures that differ in one of what they share each, and one that differs in nothing.
fn of_every_class() -> Vec<Exchange> {
    let plain = exchange(1, 10, "sms", &[1]);
    let rows = [
        plain.clone(),
        Exchange { recipient: "lab".into(), ..plain.clone() },
        Exchange { policy: PolicyVersion([1; 32]), ..plain.clone() },
        Exchange { route: None, ..plain.clone() },
        Exchange { route: Some("".into()), ..plain.clone() },
        Exchange { kind: "outcome".into(), ..plain.clone() },
        Exchange { purpose: "billing".into(), ..plain.clone() },
        Exchange { basis: vec!["gdpr-6-1-b".into()], ..plain.clone() },
        Exchange { country: "SE".into(), ..plain.clone() },
        Exchange { status: 206, ..plain.clone() },
        Exchange { outcome: "aborted".into(), ..plain.clone() },
        Exchange { bytes: 1, withheld: 2, ..plain },
    ];
    (1..).zip(rows).map(|(sequence, row)| Exchange { sequence, at: sequence * 10, ..row }).collect()
}

/// How many classes there are.
fn classes(store: &Store) -> u64 {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    connection
        .query_row("SELECT COUNT(*) FROM disclosure_class", (), |row| row.get::<_, u32>(0))
        .unwrap()
        .into()
}

/// All that reports would say of [`of_every_class`] and what follows it.
fn told_of(store: &Store) -> impl PartialEq + std::fmt::Debug + use<> {
    let window = Window { from: 0, to: 900 };
    let given =
        ["sms", "lab"].map(|one| (store.given_to(one, window).unwrap(), affected(store, one, window)));
    (store.disclosures_of(&[subject(1)]).unwrap(), given, store.volumes(window).unwrap())
}

#[test]
fn each_disclosure_keeps_its_own_grounds_and_equal_ones_share_them() {
    let (store, _folder) = store();
    let rows = of_every_class();
    let last = rows.len() as u64;
    let indexed: Vec<IndexRow> = rows.iter().cloned().map(IndexRow::Exchange).collect();
    // One by one, then several at a time: the last one's class is known from the store.
    for row in &indexed[..6] {
        store.apply(row.sequence(), std::slice::from_ref(row), upto(row.sequence())).unwrap();
    }
    store.apply(7, &indexed[6..], upto(last)).unwrap();
    let without = |row: &Exchange| Exchange { subjects: Vec::new(), ..row.clone() };
    let found: Vec<Exchange> =
        store.disclosures_of(&[subject(1)]).unwrap().into_iter().map(|found| found.exchange).collect();
    assert_eq!(found, rows.iter().map(without).collect::<Vec<_>>());
    assert_eq!(classes(&store), last - 1);
    // What nobody has any more goes with the last who had it; what another still has stays.
    store.forget_index(LOG, last - 1).unwrap();
    assert_eq!(classes(&store), 1);
    let more = Exchange { sequence: last + 1, ..rows[3].clone() };
    store.apply(last + 1, &[IndexRow::Exchange(more.clone())], upto(last + 1)).unwrap();
    let found = store.disclosures_of(&[subject(1)]).unwrap();
    assert!(found.iter().any(|found| found.exchange == without(&more)), "{found:?}");
    assert_eq!(classes(&store), 2);
    store.clear_index().unwrap();
    assert_eq!(classes(&store), 0);
}

#[test]
fn a_class_that_is_new_in_a_batch_is_known_in_the_rest_of_it() {
    let (store, _folder) = store();
    let (one, other) = (exchange(1, 1, "sms", &[1]), exchange(2, 2, "lab", &[1]));
    let rows = [one.clone(), other, Exchange { sequence: 3, ..one.clone() }, Exchange { sequence: 4, ..one }];
    store.apply(1, &rows.map(IndexRow::Exchange), upto(4)).unwrap();
    let found = store.disclosures_of(&[subject(1)]).unwrap();
    let recipients: Vec<&str> = found.iter().map(|found| &*found.exchange.recipient).collect();
    assert_eq!(recipients, ["sms", "sms", "sms", "lab"], "in the order of time");
    assert_eq!(classes(&store), 2);
}

/// What is told does not go by which number a class has.
#[test]
fn an_index_that_is_made_anew_after_retention_tells_the_same() {
    let (store, _folder) = store();
    let rows: Vec<IndexRow> = of_every_class().into_iter().map(IndexRow::Exchange).collect();
    let last = rows.len() as u64;
    store.apply(1, &rows, upto(last)).unwrap();
    store.forget_index(LOG, 4).unwrap();
    let before = told_of(&store);
    store.clear_index().unwrap();
    store.apply(5, &rows[4..], upto(last)).unwrap();
    assert_eq!(told_of(&store), before);
}

#[test]
fn a_store_of_schema_8_tells_the_same_and_goes_on() {
    let (store, _folder) = store();
    let rows: Vec<IndexRow> = of_every_class().into_iter().map(IndexRow::Exchange).collect();
    let last = rows.len() as u64;
    store.apply(1, &rows, upto(last)).unwrap();
    let (before, path) = (told_of(&store), store.path().to_owned());
    drop(store);
    back_to_schema_8(&path);
    let store = Store::open(&path).unwrap();
    // The log of all that was rewritten does not keep its size.
    assert_eq!(std::fs::metadata(path.with_extension("db-wal")).unwrap().len(), 0);
    assert_eq!((told_of(&store), classes(&store)), (before, last - 1));
    let known = Exchange { sequence: last + 1, ..exchange(1, 500, "sms", &[1]) };
    let new = Exchange { sequence: last + 2, ..exchange(1, 510, "research", &[1]) };
    store.apply(last + 1, &[known, new].map(IndexRow::Exchange), upto(last + 2)).unwrap();
    let found = store.disclosures_of(&[subject(1)]).unwrap();
    let recipients: Vec<&str> = found.iter().rev().take(2).map(|found| &*found.exchange.recipient).collect();
    assert_eq!((found.len() as u64, classes(&store), recipients), (last + 2, last, vec!["research", "sms"]));
}

#[test]
fn policies_are_kept_in_words_and_the_first_time_counts() {
    let (store, _folder) = store();
    let policy = Policy {
        sequence: 1,
        at: 50,
        policy: PolicyVersion([3; 32]),
        recipient: "sms".to_owned(),
        name: "Påmind ApS".to_owned(),
        relation: "processor".to_owned(),
        purpose: "appointment-reminders".to_owned(),
        category: "service".to_owned(),
        basis: vec!["gdpr-6-1-b".to_owned()],
        country: "US".to_owned(),
        ground: Some("scc".to_owned()),
        retention: Some("30 days".to_owned()),
        agreement: "DBA-2026-007".to_owned(),
        who: None,
        rules: vec![PolicyRule {
            route: "appointments".to_owned(),
            rule: 0,
            location: "$.appointments[*].start".to_owned(),
            form: "keep".to_owned(),
        }],
    };
    let again = Policy { sequence: 2, at: 90, ..policy.clone() };
    store.apply(1, &[IndexRow::Policy(policy.clone()), IndexRow::Policy(again)], upto(2)).unwrap();
    let head = Policy { rules: Vec::new(), ..policy.clone() };
    assert_eq!(store.policies(Window { from: 50, to: 51 }).unwrap(), [head]);
    assert_eq!(store.policies(Window { from: 51, to: 99 }).unwrap(), []);
    assert_eq!(store.policy(policy.policy).unwrap(), Some(policy));
    assert_eq!(store.policy(PolicyVersion([4; 32])).unwrap(), None);
}

#[test]
fn acts_are_found_by_time_and_by_person() {
    let (store, _folder) = store();
    let acts = [act(1, 10, "lookup", &[1, 2]), act(2, 20, "registry", &[2]), act(3, 30, "key", &[])];
    store.apply(1, &acts.clone().map(IndexRow::Act), upto(3)).unwrap();
    assert_eq!(store.acts(Window { from: 10, to: 30 }).unwrap(), acts[..2]);
    assert_eq!(store.acts_of(&[subject(1), subject(2)]).unwrap(), acts[..2]);
    assert_eq!(store.acts_of(&[subject(1)]).unwrap(), acts[..1]);
}

#[test]
fn what_retention_lets_go_leaves_the_index_and_its_position_stays() {
    let (store, _folder) = store();
    let rows: Vec<IndexRow> = (1..=4).map(|n| IndexRow::Exchange(exchange(n, n, "sms", &[1]))).collect();
    store.apply(1, &rows, upto(4)).unwrap();
    store.apply(5, &[IndexRow::Act(act(5, 5, "lookup", &[1]))], upto(5)).unwrap();
    store.forget_index(LOG, 3).unwrap();
    assert_eq!(store.disclosures_of(&[subject(1)]).unwrap().len(), 1);
    assert_eq!(affected(&store, "sms", Window { from: 0, to: 9 })[0].disclosures, 1);
    assert_eq!(store.acts_of(&[subject(1)]).unwrap().len(), 1);
    assert_eq!(store.position(LOG).unwrap(), Some(upto(5)));
}

#[test]
fn clearing_the_index_leaves_what_cannot_be_rebuilt() {
    let (store, _folder) = store();
    store.bind(LOG).unwrap();
    store.apply(1, &[IndexRow::Exchange(exchange(1, 1, "sms", &[1]))], upto(1)).unwrap();
    store.reserve("sms", &[subject(1)], 1, 5).unwrap();
    store.clear_index().unwrap();
    assert_eq!(store.position(LOG).unwrap(), None);
    assert_eq!(store.disclosures_of(&[subject(1)]).unwrap(), []);
    assert_eq!(store.reserved("sms", 2).unwrap(), 1);
    assert!(store.log().unwrap().is_some());
}

fn told(row: &Exchange, n: u8) -> bool {
    !row.is_refusal() && row.subjects.contains(&subject(n))
}

fn rows() -> impl Strategy<Value = Vec<Exchange>> {
    let one = (0_u64..50, 0_usize..3, proptest::collection::btree_set(0_u8..6, 0..4), any::<bool>());
    proptest::collection::vec(one, 1..40).prop_map(|all| {
        (1..)
            .zip(all)
            .map(|(sequence, (at, recipient, subjects, refused))| {
                let subjects: Vec<u8> = subjects.into_iter().collect();
                let mut row = exchange(sequence, at, ["sms", "lab", "research"][recipient], &subjects);
                row.released = vec![(1, sequence)];
                if refused {
                    row.kind = "refusal".into();
                }
                row
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each query against the obvious way over all rows; applied in batches, some twice.
    #[test]
    fn queries_equal_a_scan_of_all_rows(all in rows(), batch in 1_usize..9, from in 0_u64..50, to in 0_u64..50) {
        let (store, _folder) = store();
        let indexed: Vec<IndexRow> = all.iter().cloned().map(IndexRow::Exchange).collect();
        for _twice in 0..2 {
            for rows in indexed.chunks(batch) {
                store.apply(rows[0].sequence(), rows, upto(rows.last().unwrap().sequence())).unwrap();
            }
        }
        let window = Window { from, to };
        let within = |row: &&Exchange| row.at >= from && row.at < to;
        for n in 0..6 {
            let mut expected: Vec<u64> = all.iter().filter(|r| told(r, n)).map(|r| r.sequence).collect();
            expected.sort_by_key(|sequence| (all.iter().find(|r| r.sequence == *sequence).unwrap().at, *sequence));
            let found: Vec<u64> = store.disclosures_of(&[subject(n)]).unwrap().iter().map(|r| r.exchange.sequence).collect();
            prop_assert_eq!(found, expected);
        }
        for recipient in ["sms", "lab", "research"] {
            let rows: Vec<&Exchange> = all.iter().filter(within).filter(|r| *r.recipient == *recipient).collect();
            let mut expected = Vec::new();
            for n in 0..6 {
                let about: Vec<u64> = rows.iter().filter(|r| told(r, n)).map(|r| r.at).collect();
                if let (Some(first), Some(last)) = (about.iter().min(), about.iter().max()) {
                    expected.push(Affected { subject: subject(n), disclosures: about.len() as u64, first: *first, last: *last });
                }
            }
            prop_assert_eq!(affected(&store, recipient, window), expected);
            let released: u64 = rows.iter().filter(|r| !r.is_refusal()).map(|r| r.sequence).sum();
            let given: u64 = store.given_to(recipient, window).unwrap().iter().flat_map(|g| &g.released).map(|(_, count)| count).sum();
            prop_assert_eq!(given, released);
        }
        let volumes = store.volumes(window).unwrap();
        let total = |of: fn(&Exchange) -> u64| all.iter().filter(within).map(of).sum::<u64>();
        prop_assert_eq!(volumes.iter().map(|v| v.exchanges).sum::<u64>(), total(|_| 1));
        prop_assert_eq!(volumes.iter().map(|v| v.bytes).sum::<u64>(), total(|r| r.bytes));
        prop_assert_eq!(volumes.iter().map(|v| v.subjects).sum::<u64>(), total(|r| r.subjects.len() as u64));
        prop_assert_eq!(volumes.iter().map(|v| v.records_withheld).sum::<u64>(), total(|r| r.records_withheld));
    }
}
