//! Subjects per sliding day.

use super::{exchange, store, subject};
use crate::ids::SubjectId;
use crate::store::{DAY, IndexRow, Position, REFRESH, Reservation, Store};

const NOW: u64 = 1_772_600_000_000;

fn reserve(store: &Store, numbers: impl IntoIterator<Item = u8>, now: u64) -> Reservation {
    let subjects: Vec<SubjectId> = numbers.into_iter().map(subject).collect();
    store.reserve("sms", &subjects, now, 3).unwrap()
}

#[test]
fn different_subjects_count_once_and_all_or_none() {
    let (store, _folder) = store();
    assert_eq!(reserve(&store, [1, 2, 1], NOW), Reservation::Granted { used: 2 });
    assert_eq!(reserve(&store, [2, 1], NOW + 1), Reservation::Granted { used: 2 });
    let room_at = Some(NOW + DAY + REFRESH);
    assert_eq!(reserve(&store, [3, 4], NOW + 2), Reservation::Full { used: 2, room_at });
    assert_eq!(reserve(&store, [3], NOW + 3), Reservation::Granted { used: 3 });
    assert_eq!(reserve(&store, 1..=9, NOW + 4), Reservation::Full { used: 3, room_at: None });
    assert_eq!(store.reserve("lab", &[subject(4)], NOW + 5, 1).unwrap(), Reservation::Granted { used: 1 });
}

#[test]
fn a_subject_counts_a_day_from_when_it_was_last_told_about() {
    let (store, _folder) = store();
    reserve(&store, [1], NOW);
    reserve(&store, [2], NOW + DAY / 2);
    // Within REFRESH the time is not moved: 1 lapses a day and REFRESH after NOW.
    reserve(&store, [1], NOW + REFRESH - 1);
    let lapse = NOW + DAY + REFRESH;
    assert_eq!(store.reserved("sms", lapse - 1).unwrap(), 2);
    assert_eq!(store.reserved("sms", lapse).unwrap(), 1);
    reserve(&store, [2], NOW + DAY);
    assert_eq!(store.reserved("sms", lapse + DAY / 2).unwrap(), 1);
}

#[test]
fn known_subjects_need_no_writing_and_new_ones_do() {
    let (store, folder) = store();
    let known = |store: &Store, n, now| store.reserve_known("sms", &[subject(n)], now, 3);
    assert_eq!(known(&store, 1, NOW), None);
    reserve(&store, [1], NOW);
    assert_eq!(known(&store, 1, NOW + 1), Some(Reservation::Granted { used: 1 }));
    assert_eq!(known(&store, 2, NOW + 1), None);
    assert_eq!(known(&store, 1, NOW + REFRESH), None);
    assert_eq!(store.reserve_known("sms", &[subject(1)], NOW + 1, 0), None);
    let again = Store::open(&folder.path().join("tavs.db")).unwrap();
    assert_eq!(known(&again, 1, NOW + 1), None);
    assert_eq!(again.reserved("sms", NOW + 1).unwrap(), 1);
    assert_eq!(known(&again, 1, NOW + 1), Some(Reservation::Granted { used: 1 }));
}

#[test]
fn exchanges_at_once_cannot_pass_the_limit_together() {
    let (store, _folder) = store();
    let granted: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (1..=8)
            .map(|n| {
                let store = &store;
                scope.spawn(move || matches!(reserve(store, [n], NOW), Reservation::Granted { .. }))
            })
            .collect();
        all.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(granted, 3);
    assert_eq!(store.reserved("sms", NOW).unwrap(), 3);
}

#[test]
fn a_clock_that_runs_back_makes_no_room() {
    let (store, _folder) = store();
    reserve(&store, 1..=3, NOW);
    assert!(matches!(reserve(&store, [4], NOW - 2 * DAY), Reservation::Full { used: 3, .. }));
}

#[test]
fn reservations_survive_a_restart_and_are_restored_from_the_index() {
    let (store, folder) = store();
    reserve(&store, 1..=2, NOW);
    drop(store);
    let store = Store::open(&folder.path().join("tavs.db")).unwrap();
    assert_eq!(store.reserved("sms", NOW + 1).unwrap(), 2);
    let rows = [
        IndexRow::Exchange(exchange(1, NOW - 2 * DAY, "sms", &[7])),
        IndexRow::Exchange(exchange(2, NOW - 10, "sms", &[2, 3])),
        IndexRow::Exchange(exchange(3, NOW + 10, "lab", &[3])),
    ];
    store.apply(1, &rows, Position { log: [1; 16], sequence: 3, hash: [0; 32] }).unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("tavs.db")).unwrap();
    assert_eq!(store.reserved("sms", NOW + 20).unwrap(), 3);
    assert_eq!(store.reserved("lab", NOW + 20).unwrap(), 1);
}
