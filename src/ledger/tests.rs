//! Tests of the ledger as its callers see it.

mod damage;
mod faults;
mod live;
mod pack;
mod properties;
mod queue;
mod room;

use std::borrow::Cow;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use super::{
    Act, ActKind, AppendError, Changed, Entry, Event, FileSystem, Grounds, Kind, Ledger, LedgerError, Limits,
    MAX_WHO, MAX_WHY, Note, PolicyRecord, PolicyRule, Record, Settings, read,
};
use crate::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};
use crate::ledger::pack::pack_next;

pub(super) fn settings(directory: &Path) -> Settings {
    Settings {
        directory: directory.to_owned(),
        node: "node-1".to_owned(),
        new_log: [0x11; 16],
        limits: Limits::default(),
    }
}

/// The n-th invented entry.
pub(super) fn entry(n: u8) -> Entry {
    Entry {
        exchange: ExchangeId::new(1_772_600_000_000, [n; 10]),
        unix_millis: 1_772_600_000_000,
        kind: Kind::Disclosure,
        grounds: Arc::new(Grounds {
            recipient: RecipientId::new("sms-reminders"),
            policy: PolicyVersion([0xab; 32]),
            route: Some(Arc::from("appointments")),
            purpose: Purpose::new("appointment-reminders"),
            basis: vec![Cow::Borrowed("gdpr-6-1-b"), Cow::Borrowed("gdpr-9-2-h")],
            country: Arc::from("DK"),
        }),
        status: 200,
        outcome: Cow::Borrowed("released"),
        bytes: 318,
        subjects: vec![SubjectId([n; 16])],
        released_by_rule: vec![2, 0, 1],
        withheld: 9,
        unfit: 0,
        cpr_in_text: 1,
        records: 2,
        records_withheld: 0,
    }
}

/// That policy, in words.
pub(super) fn policy() -> PolicyRecord {
    let rule = |rule, location: &str, form: &str| PolicyRule {
        route: "appointments".to_owned(),
        rule,
        location: location.to_owned(),
        form: form.to_owned(),
    };
    PolicyRecord {
        unix_millis: 1_772_600_000_000,
        policy: PolicyVersion([0xab; 32]),
        recipient: "sms-reminders".to_owned(),
        name: "Påmind ApS".to_owned(),
        relation: "processor".to_owned(),
        purpose: "appointment-reminders".to_owned(),
        category: "service".to_owned(),
        basis: vec!["gdpr-6-1-b".to_owned(), "gdpr-9-2-h".to_owned()],
        country: "DK".to_owned(),
        ground: None,
        retention: Some("30 days".to_owned()),
        agreement: "DBA-2026-007".to_owned(),
        who: Some("Inge Bo, officer".to_owned()),
        rules: vec![
            rule(0, "$.appointments[*].start", "keep"),
            rule(2, "$.appointments[*].patient.navn", "mask first-word"),
        ],
    }
}

/// The n-th person's restriction, as the n-th change of the registry.
pub(super) fn change(n: u8) -> Act {
    Act {
        unix_millis: 1_772_600_000_000,
        kind: ActKind::Registry,
        what: Cow::Borrowed("restriction"),
        begun: Some(true),
        who: "Inge Bo, officer".to_owned(),
        why: "letter of 2026-03-01, case 26-17".to_owned(),
        subjects: vec![SubjectId([n; 16])],
        purpose: None,
        recipient: None,
        policy: None,
        change: Some(Changed { number: u64::from(n), until: Some(1_780_000_000_000) }),
    }
}

/// A look-up of the n-th person.
pub(super) fn lookup(n: u8) -> Act {
    Act {
        kind: ActKind::Lookup,
        what: Cow::Borrowed("report"),
        begun: None,
        why: "the person asked by letter".to_owned(),
        change: None,
        ..change(n)
    }
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Appends entries one after the other.
pub(super) fn fill(directory: &Path, limits: Limits, numbers: impl IntoIterator<Item = u8>) {
    run(async {
        let (ledger, _) = Ledger::open(Settings { limits, ..settings(directory) }).unwrap();
        for n in numbers {
            ledger.append(&entry(n)).await.unwrap();
        }
    });
}

fn records(directory: &Path) -> Result<Vec<Record>, LedgerError> {
    read(directory)?.collect()
}

fn text_of(directory: &Path, name: &str) -> String {
    std::fs::read_to_string(directory.join(name)).unwrap()
}

#[test]
fn what_was_appended_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = Entry::refusal(
        ExchangeId::new(7, [7; 10]),
        1_772_600_000_001,
        Arc::new(Grounds { route: None, ..(*entry(0).grounds).clone() }),
        403,
        "lapsed",
    );
    run(async {
        let (ledger, found) = Ledger::open(settings(folder.path())).unwrap();
        assert!(found.begun);
        for (sequence, entry) in [(1, entry(1)), (2, nothing.clone()), (3, entry(3))] {
            let receipt = ledger.append(&entry).await.unwrap();
            assert_eq!((receipt.sequence(), receipt.exchange()), (sequence, entry.exchange));
        }
    });
    let expected = [(1, entry(1)), (2, nothing), (3, entry(3))];
    let expected = expected.map(|(sequence, entry)| Record { sequence, event: Event::Exchange(entry) });
    assert_eq!(records(folder.path()).unwrap(), expected);
}

#[test]
fn notes_share_the_chain_with_exchanges_and_give_no_receipt() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, _) = Ledger::open(settings(folder.path())).unwrap();
        let (policy, change) = (Note::Policy(policy()), Note::Act(change(1)));
        let intent = Entry { kind: Kind::Intent, outcome: Cow::Borrowed("forwarded"), ..entry(2) };
        let outcome = Entry { kind: Kind::Outcome, ..intent.clone() };
        assert_eq!(ledger.note(&policy).await, Ok(1));
        assert_eq!(ledger.append(&intent).await.unwrap().sequence(), 2);
        assert_eq!(ledger.append(&outcome).await.unwrap().sequence(), 3);
        assert_eq!(ledger.note(&change).await, Ok(4));
    });
    let found = records(folder.path()).unwrap();
    let kinds: Vec<_> = found.iter().map(|record| record.entry().map(|entry| entry.kind)).collect();
    assert_eq!(kinds, [None, Some(Kind::Intent), Some(Kind::Outcome), None]);
    assert_eq!(found[0].event, Event::Policy(policy()));
    assert_eq!(found[3].event, Event::Act(change(1)));
}

/// What the registry could not be put back from must not pass for a record of its change.
#[test]
fn a_note_that_has_no_form_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let whole = change(1);
    let until = |until| Some(Changed { number: 1, until });
    let notes = [
        Act { who: "x".repeat(MAX_WHO + 1), ..whole.clone() },
        Act { why: "x".repeat(MAX_WHY + 1), ..whole.clone() },
        Act { subjects: Vec::new(), ..whole.clone() },
        Act { subjects: vec![SubjectId([1; 16]), SubjectId([2; 16])], ..whole.clone() },
        Act { begun: None, ..whole.clone() },
        Act { what: Cow::Borrowed("alias"), ..whole.clone() },
        Act { kind: ActKind::Key, ..whole.clone() },
        Act { change: until(Some(u64::MAX)), ..whole.clone() },
        Act { unix_millis: u64::MAX, ..whole },
    ];
    run(async {
        let (ledger, _) = Ledger::open(settings(folder.path())).unwrap();
        for act in notes {
            assert_eq!(ledger.note(&Note::Act(act.clone())).await, Err(AppendError::Unwritable), "{act:?}");
        }
        let policy = PolicyRecord { who: Some("x".repeat(MAX_WHO + 1)), ..policy() };
        assert_eq!(ledger.note(&Note::Policy(policy)).await, Err(AppendError::Unwritable));
    });
    assert_eq!(records(folder.path()).unwrap(), []);
}

#[test]
fn the_document_shows_a_segment_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, _) = Ledger::open(settings(folder.path())).unwrap();
        ledger.note(&Note::Policy(policy())).await.unwrap();
        ledger.append(&entry(1)).await.unwrap();
        ledger.note(&Note::Act(lookup(1))).await.unwrap();
        ledger.note(&Note::Act(change(1))).await.unwrap();
    });
    let document = include_str!("../../docs/ledger.md");
    for line in text_of(folder.path(), "00000001.ledger").lines() {
        assert!(document.contains(line), "docs/ledger.md has no line\n{line}");
    }
}

#[test]
fn a_reopened_ledger_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), 1..=3);
    let (ledger, found) = Ledger::open(settings(folder.path())).unwrap();
    assert_eq!((found.begun, found.last_sequence, found.set_aside), (false, 3, None));
    let receipt = run(async { ledger.append(&entry(4)).await }).unwrap();
    assert_eq!(receipt.sequence(), 4);
    assert_eq!(records(folder.path()).unwrap().len(), 4);
}

/// Without it a clock that runs back would not be seen at a start.
#[test]
fn opening_says_when_the_last_record_was_made_whichever_segment_it_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let small = || Settings { limits: Limits { segment: 1, ..Limits::default() }, ..settings(path) };
    let last = || Ledger::open(small()).unwrap().1.last_millis;
    assert_eq!(last(), None);
    for n in 1..=3 {
        let made = 1_772_600_000_000 + u64::from(n);
        run(async {
            let (ledger, _) = Ledger::open(small()).unwrap();
            ledger.append(&Entry { unix_millis: made, ..entry(n) }).await.unwrap();
        });
        assert_eq!(last(), Some(made));
    }
    // A crash after a segment was begun, before its first record.
    let fourth = path.join("00000004.ledger");
    let header = text_of(path, "00000004.ledger").split_inclusive('\n').next().unwrap().to_owned();
    std::fs::write(&fourth, header).unwrap();
    assert_eq!(last(), Some(1_772_600_000_002));
    let third = path.join("00000003.ledger");
    let whole = std::fs::read(&third).unwrap();
    std::fs::write(&third, text_of(path, "00000003.ledger").replace("released", "relaesed")).unwrap();
    assert!(matches!(Ledger::open(small()), Err(LedgerError::Damaged { .. })));
    std::fs::write(&third, whole).unwrap();
    while pack_next(&mut FileSystem, path).unwrap() {}
    assert!(path.join("00000003.ledger.gz").exists());
    assert_eq!(last(), Some(1_772_600_000_002));
}

#[test]
fn segments_rotate_by_size_and_stay_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 1500, ..Limits::default() };
    fill(folder.path(), limits, 1..=5);
    fill(folder.path(), limits, 6..=9);
    let sequences: Vec<u64> = records(folder.path()).unwrap().iter().map(|r| r.sequence).collect();
    assert_eq!(sequences, (1..=9).collect::<Vec<_>>());
    assert!(folder.path().join("00000003.ledger").exists());
}

#[test]
fn segments_are_private_and_hold_no_lock_after_closing() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), [1]);
    for file in folder.path().read_dir().unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
    }
    let (first, _) = Ledger::open(settings(folder.path())).unwrap();
    let second = Ledger::open(settings(folder.path()));
    assert!(matches!(second, Err(LedgerError::InUse { .. })));
    drop(first);
    assert!(Ledger::open(settings(folder.path())).is_ok());
}
