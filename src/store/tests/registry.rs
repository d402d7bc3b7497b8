//! Aliases, rights, tombstones and notifications.

use super::{store, subject};
use crate::store::{
    Alias, AliasSource, Change, IndexRow, NewChange, Notification, Position, RightKind, Store, StoreError,
    Tombstone,
};

fn change(n: u8, kind: RightKind, begun: bool) -> NewChange {
    NewChange {
        subject: subject(n),
        kind,
        purpose: (kind == RightKind::Consent).then(|| "improvement".to_owned()),
        recipient: None,
        begun,
        at: 1_772_600_000_000,
        until: None,
        reason: "asked by letter".to_owned(),
        who: "officer".to_owned(),
        sealed_cpr: Some(vec![n; 38]),
    }
}

fn changes(store: &Store, after: u64) -> Vec<Change> {
    let mut found = Vec::new();
    store.each_change(after, |change| found.push(change)).unwrap();
    found
}

#[test]
fn changes_hold_in_the_order_of_their_numbers_whatever_the_clock_says() {
    let (store, folder) = store();
    assert_eq!(store.generation().unwrap(), 0);
    let given = change(1, RightKind::Consent, true);
    let withdrawn = NewChange { at: given.at - 5000, begun: false, ..given.clone() };
    assert_eq!(store.put_change(&given).unwrap(), 1);
    assert_eq!(store.put_change(&withdrawn).unwrap(), 2);
    let expected =
        [(1, given), (2, withdrawn)].map(|(number, change)| Change { number, change, recorded: None });
    drop(store);
    let store = Store::open(&folder.path().join("tavs.db")).unwrap();
    assert_eq!(changes(&store, 0), expected);
    assert_eq!(changes(&store, 1), expected[1..]);
    assert_eq!(store.changes_of(subject(1)).unwrap(), expected);
    assert_eq!(store.changes_of(subject(2)).unwrap(), []);
    assert_eq!(store.generation().unwrap(), 2);
}

#[test]
fn a_change_without_its_record_is_found_again() {
    let (store, _folder) = store();
    for n in 1..=3 {
        store.put_change(&change(n, RightKind::Restriction, true)).unwrap();
    }
    store.set_recorded(2, 77).unwrap();
    let open: Vec<u64> = store.unrecorded().unwrap().iter().map(|change| change.number).collect();
    assert_eq!(open, [1, 3]);
    assert_eq!(changes(&store, 1)[0].recorded, Some(77));
}

#[test]
fn an_erasure_leaves_a_tombstone_and_cannot_be_ended() {
    let (store, _folder) = store();
    let erased = change(9, RightKind::Erasure, true);
    store.put_change(&erased).unwrap();
    let mut tombstones = Vec::new();
    store.each_tombstone(|tombstone| tombstones.push(tombstone)).unwrap();
    let expected = Tombstone { subject: subject(9), at: erased.at, who: erased.who, reason: erased.reason };
    assert_eq!(tombstones, [expected]);
    let ended = store.put_change(&change(9, RightKind::Erasure, false));
    assert!(matches!(ended, Err(StoreError::ForGood)));
    assert_eq!(store.forget_sealed(subject(9)).unwrap(), 1);
    assert_eq!(changes(&store, 0)[0].change.sealed_cpr, None);
}

#[test]
fn changes_that_a_restored_store_lacks_are_put_back_from_the_ledger() {
    let (store, _folder) = store();
    let kept = change(1, RightKind::Restriction, true);
    store.put_change(&kept).unwrap();
    let lost = NewChange { sealed_cpr: None, ..change(2, RightKind::Erasure, true) };
    let told = |sequence, number, change: &NewChange| IndexRow::Change {
        sequence,
        number,
        change: Box::new(NewChange { sealed_cpr: None, ..change.clone() }),
        ids: vec![change.subject],
    };
    let upto = |sequence| Position { log: [1; 16], sequence, hash: [0; 32] };
    store.apply(1, &[told(1, 1, &kept), told(2, 2, &lost)], upto(2)).unwrap();
    let expected = [(1, kept), (2, lost.clone())].map(|(number, change)| Change {
        number,
        change,
        recorded: Some(number),
    });
    assert_eq!(changes(&store, 0), expected);
    assert_eq!(store.unrecorded().unwrap(), []);
    let mut tombstones = 0;
    store.each_tombstone(|_| tombstones += 1).unwrap();
    assert_eq!(tombstones, 1);
    // The ledger tells all of it again: nothing changes.
    store.clear_index().unwrap();
    store.apply(1, &[told(1, 1, &expected[0].change), told(2, 2, &lost)], upto(2)).unwrap();
    assert_eq!(changes(&store, 0), expected);
    assert_eq!(store.put_change(&change(3, RightKind::Frabedt, true)).unwrap(), 3);
    let other = store.apply(3, &[told(3, 3, &lost)], upto(3));
    assert!(matches!(other, Err(StoreError::Conflict { number: 3 })));
    assert_eq!(store.position([1; 16]).unwrap(), Some(upto(2)), "all or nothing");
}

#[test]
fn aliases_are_a_set_of_pairs() {
    let (store, _folder) = store();
    let alias = |from, to, at| Alias {
        subject: subject(from),
        same_as: subject(to),
        source: AliasSource::Learnt,
        at,
    };
    assert_eq!(store.put_aliases(&[alias(1, 2, 5), alias(1, 3, 6), alias(1, 2, 7)]).unwrap(), 2);
    assert_eq!(store.put_aliases(&[alias(1, 2, 8), alias(4, 1, 9), alias(0, 7, 1)]).unwrap(), 2);
    let mut all = Vec::new();
    store.each_alias(|from, to| all.push((from.0[0], to.0[0]))).unwrap();
    assert_eq!(all, [(1, 2), (1, 3), (4, 1), (0, 7)], "in the order in which they became known");
    let ids = |n| store.ids_of(subject(n)).unwrap().iter().map(|id| id.0[0]).collect::<Vec<_>>();
    assert_eq!(ids(4), [4, 1, 2, 3]);
    assert_eq!(ids(3), [3, 1, 2, 4]);
    assert_eq!((ids(7), ids(9)), (vec![7, 0], vec![9]));
    assert_eq!(store.aliases_of(subject(1)).unwrap(), [alias(1, 2, 5), alias(1, 3, 6), alias(4, 1, 9)]);
    assert!(store.remove_alias(subject(1), subject(3)).unwrap());
    assert!(!store.remove_alias(subject(1), subject(3)).unwrap());
}

#[test]
fn a_notification_is_open_until_it_is_acknowledged_once() {
    let (store, _folder) = store();
    let notification = |recipient: &str| Notification {
        notice: [8; 16],
        recipient: recipient.to_owned(),
        subject: subject(1),
        about: "erasure".to_owned(),
        at: 100,
        acknowledged: None,
    };
    let both = [notification("lab"), notification("sms")];
    assert_eq!(store.put_notifications(&both).unwrap(), 2);
    assert_eq!(store.put_notifications(&both).unwrap(), 0);
    assert_eq!(store.open_notifications().unwrap(), both);
    assert!(store.acknowledge([8; 16], "lab", 200, "officer").unwrap());
    assert!(!store.acknowledge([8; 16], "lab", 300, "another").unwrap());
    assert!(!store.acknowledge([9; 16], "lab", 300, "another").unwrap());
    assert_eq!(store.open_notifications().unwrap(), both[1..]);
    let all = store.notifications_of(subject(1)).unwrap();
    assert_eq!(all[0].acknowledged, Some((200, "officer".to_owned())));
}
