//! Each report of one invented clinic, as files to read: `tests/golden/reports`.
//! `TAVS_WRITE_DOCS=1 cargo nextest run --lib -E 'test(reports::)'` writes them anew.

mod breach;
mod notify;
mod policies;
mod subject;
mod supervision;

use tempfile::TempDir;

use super::{Format, Frame, Language, golden};
use crate::cpr;
use crate::ids::{ExchangeId, PolicyVersion, SubjectId};
use crate::store::{
    Act, Exchange, IndexRow, NewChange, Notification, Policy, PolicyRule, Position, RightKind, Store,
};

/// 4 March 2026, 05:53:20 in Denmark.
const NOON: u64 = 1_772_600_000_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

const SMS_OLD: PolicyVersion = PolicyVersion([0x0a; 32]);
const SMS: PolicyVersion = PolicyVersion([0x0b; 32]);
const ANALYTICS: PolicyVersion = PolicyVersion([0x0c; 32]);
/// No record tells what its rules meant.
const LOST: PolicyVersion = PolicyVersion([0x0d; 32]);

/// Nancy is known by two ids, her child by one, and a neighbour is none of their business.
const NANCY: [SubjectId; 2] = [SubjectId([1; 16]), SubjectId([2; 16])];
const CHILD: SubjectId = SubjectId([3; 16]);
const NEIGHBOUR: SubjectId = SubjectId([4; 16]);

const NANCY_CPR: &str = "251248-9996";

fn frame() -> Frame {
    Frame {
        controller: Some("Alles Lægehus, Esbjerg".to_owned()),
        made: NOON + 30 * DAY,
        by: "M. Elmer, databeskyttelsesrådgiver".to_owned(),
        reference: Some("2026-117".to_owned()),
    }
}

fn policy(
    version: PolicyVersion,
    at: u64,
    id: &str,
    name: &str,
    rules: &[(&str, u32, &str, &str)],
) -> Policy {
    Policy {
        sequence: 0,
        at,
        policy: version,
        recipient: id.to_owned(),
        name: name.to_owned(),
        relation: "processor".to_owned(),
        purpose: "appointment-reminders".to_owned(),
        category: "service".to_owned(),
        basis: vec!["gdpr-6-1-b".to_owned(), "gdpr-9-2-h".to_owned()],
        country: "DK".to_owned(),
        ground: None,
        retention: Some("30 dage".to_owned()),
        agreement: "DBA-2026-007".to_owned(),
        who: Some("M. Elmer".to_owned()),
        rules: rules
            .iter()
            .map(|(route, rule, location, form)| PolicyRule {
                route: (*route).to_owned(),
                rule: *rule,
                location: (*location).to_owned(),
                form: (*form).to_owned(),
            })
            .collect(),
    }
}

fn exchange(at: u64, recipient: &str, policy: PolicyVersion, subjects: &[SubjectId]) -> Exchange {
    Exchange {
        sequence: 0,
        at,
        kind: "disclosure".into(),
        exchange: ExchangeId::new(at, [7; 10]),
        recipient: recipient.into(),
        policy,
        route: Some("appointments".into()),
        purpose: "appointment-reminders".into(),
        basis: vec!["gdpr-6-1-b".into(), "gdpr-9-2-h".into()],
        country: "DK".into(),
        status: 200,
        outcome: "released".into(),
        bytes: 318,
        subjects: subjects.to_vec(),
        released: vec![(0, 1), (1, 1), (2, 1), (3, 1)],
        withheld: 9,
        unfit: 1,
        cpr_in_text: 1,
        records: 1,
        records_withheld: 0,
    }
}

fn act(at: u64, kind: &str, what: &str, begun: Option<bool>, subjects: &[SubjectId]) -> Act {
    Act {
        sequence: 0,
        at,
        kind: kind.to_owned(),
        what: what.to_owned(),
        begun,
        who: "uid 1000 (anna.lauridsen)".to_owned(),
        why: "Brev af 2. april, sag 2026-117".to_owned(),
        subjects: subjects.to_vec(),
        purpose: None,
        recipient: None,
        policy: None,
    }
}

fn change(at: u64, subject: SubjectId, kind: RightKind, begun: bool) -> NewChange {
    NewChange {
        subject,
        kind,
        purpose: None,
        recipient: None,
        begun,
        at,
        until: None,
        reason: "Telefonisk anmodning, sag 2026-98".to_owned(),
        who: "anna.lauridsen".to_owned(),
        sealed_cpr: Some(vec![1; 28]),
    }
}

fn rows() -> Vec<IndexRow> {
    let appointments = [
        ("appointments", 0, "$.appointments[*].start", "keep"),
        ("appointments", 1, "$.appointments[*].patient.mobil", "keep"),
        ("appointments", 2, "$.appointments[*].patient.navn", "mask first-word"),
        ("appointments", 3, "$.appointments[*].patient.cpr", "pseudonymise cpr"),
    ];
    let old = policy(SMS_OLD, NOON - 90 * DAY, "sms-reminders", "SMS & Co <ApS>", &appointments);
    let analytics = Policy {
        relation: "controller".to_owned(),
        purpose: "product-improvement".to_owned(),
        category: "improvement".to_owned(),
        basis: vec!["gdpr-6-1-a".to_owned(), "gdpr-9-2-a".to_owned()],
        country: "US".to_owned(),
        ground: Some("dpf".to_owned()),
        retention: None,
        agreement: "DPA-2025-3".to_owned(),
        who: None,
        ..policy(
            ANALYTICS,
            NOON - 40 * DAY,
            "analytics",
            "Metrics Inc.",
            &[
                ("events", 0, "Patient $.birthDate", "generalise decade"),
                ("events", 1, "Condition $.code.coding[*].code", "keep"),
                ("events", 2, "Condition $.subject.reference", "pseudonymise reference"),
            ],
        )
    };
    let event = |at, subjects: &[SubjectId]| Exchange {
        route: Some("events".into()),
        purpose: "product-improvement".into(),
        basis: vec!["gdpr-6-1-a".into(), "gdpr-9-2-a".into()],
        country: "US".into(),
        released: vec![(0, 3), (1, 5), (2, 5)],
        ..exchange(at, "analytics", ANALYTICS, subjects)
    };
    let refusal = Exchange {
        kind: "refusal".into(),
        outcome: "agreement-lapsed".into(),
        status: 403,
        released: Vec::new(),
        ..exchange(NOON + 3 * DAY, "sms-reminders", SMS, &[])
    };
    let intent =
        Exchange { kind: "intent".into(), ..exchange(NOON + 4 * DAY, "sms-reminders", SMS, &NANCY[..1]) };
    let other_route =
        Exchange { released: vec![(0, 1)], ..exchange(NOON + 6 * HOUR, "sms-reminders", SMS, &NANCY[..1]) };
    let lost = Exchange {
        purpose: "statutory-accounts".into(),
        ..exchange(NOON + 5 * DAY, "bookkeeping", LOST, &NANCY[..1])
    };
    let mut rows = vec![
        IndexRow::Policy(old),
        IndexRow::Policy(policy(SMS, NOON - DAY, "sms-reminders", "Påmind ApS", &appointments)),
        IndexRow::Policy(analytics),
        IndexRow::Exchange(exchange(NOON - 60 * DAY, "sms-reminders", SMS_OLD, &NANCY[..1])),
        IndexRow::Exchange(exchange(NOON, "sms-reminders", SMS, &[NANCY[0], NEIGHBOUR])),
        IndexRow::Exchange(exchange(NOON + HOUR, "sms-reminders", SMS, &[NANCY[1], CHILD])),
        IndexRow::Exchange(exchange(NOON + 2 * HOUR, "sms-reminders", SMS, &[CHILD])),
        IndexRow::Exchange(event(NOON + DAY, &[NANCY[0], CHILD, NEIGHBOUR])),
        IndexRow::Exchange(other_route),
        IndexRow::Exchange(refusal),
        IndexRow::Exchange(intent),
        IndexRow::Exchange(lost),
        IndexRow::Act(act(NOON + 20 * DAY, "registry", "restriction", Some(true), &NANCY[..1])),
        IndexRow::Act(act(NOON + 21 * DAY, "lookup", "show", None, &NANCY[..1])),
        IndexRow::Act(act(NOON + 30 * DAY, "lookup", "report", None, &[NANCY[0], CHILD])),
        IndexRow::Act(act(NOON + 22 * DAY, "key", "rotate", None, &[])),
    ];
    for (sequence, row) in (1..).zip(&mut rows) {
        match row {
            IndexRow::Exchange(row) => row.sequence = sequence,
            IndexRow::Policy(row) => row.sequence = sequence,
            IndexRow::Act(row) => row.sequence = sequence,
            IndexRow::Change { sequence: own, .. } => *own = sequence,
        }
    }
    rows
}

/// The store of the invented clinic; the folder goes with the second.
fn clinic() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
    let rows = rows();
    let last = Position { log: [5; 16], sequence: rows.len() as u64, hash: [9; 32] };
    store.apply(1, &rows, last).unwrap();
    let improvement = Some("product-improvement".to_owned());
    for one in [
        NewChange {
            purpose: improvement.clone(),
            until: Some(NOON + 365 * DAY),
            ..change(NOON - 30 * DAY, NANCY[0], RightKind::Consent, true)
        },
        change(NOON + 10 * DAY, NANCY[0], RightKind::Restriction, true),
        change(NOON + 12 * DAY, NANCY[1], RightKind::Restriction, false),
        NewChange {
            recipient: Some("analytics".to_owned()),
            ..change(NOON + 20 * DAY, NANCY[0], RightKind::Frabedt, true)
        },
        NewChange { purpose: improvement, ..change(NOON + 21 * DAY, CHILD, RightKind::Consent, true) },
    ] {
        store.put_change(&one).unwrap();
    }
    let notice = |n: u8, recipient: &str| Notification {
        notice: [n; 16],
        recipient: recipient.to_owned(),
        subject: NANCY[0],
        about: "restriction".to_owned(),
        at: NOON + 10 * DAY,
        acknowledged: None,
    };
    store.put_notifications(&[notice(1, "analytics"), notice(1, "sms-reminders")]).unwrap();
    store.acknowledge([1; 16], "sms-reminders", NOON + 11 * DAY, "anna.lauridsen").unwrap();
    (store, folder)
}

/// Every form of a report, each held against its file, and searched for CPRs: those that may be in it
/// are given.
fn hold(
    name: &str,
    render: impl Fn(Format, Language) -> Result<String, serde_json::Error>,
    may_hold: &[&str],
) {
    for (file, format, language) in [
        ("da.html", Format::Html, Language::Da),
        ("en.html", Format::Html, Language::En),
        ("json", Format::Json, Language::Da),
        ("csv", Format::Csv, Language::Da),
    ] {
        let found = render(format, language).unwrap();
        golden::hold(&format!("{name}.{file}"), &found);
        no_cpr(&found, may_hold);
        if format != Format::Html {
            assert_eq!(found, render(format, Language::En).unwrap(), "programs read one language");
        }
    }
}

/// That no CPR stands in a text but those given, each at most once.
fn no_cpr(text: &str, may_hold: &[&str]) {
    let mut rest = text.to_owned();
    for one in may_hold {
        assert!(text.matches(one).count() <= 1, "{one} stands twice");
        rest = rest.replace(one, "");
    }
    // Hashes and ids are hexadecimal that decodes to no text: nobody could say what such a line holds.
    let is_hex = |word: &&str| word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let mut finds = Vec::new();
    for line in rest.lines() {
        let words = line.split_inclusive(|c: char| !c.is_alphanumeric() && c != '-');
        let kept: String =
            words.filter(|word| !is_hex(&word.trim_end_matches([',', '"', '<', '.']))).collect();
        cpr::search(&kept, &mut finds);
        assert!(finds.is_empty(), "{line}");
    }
}

#[test]
fn the_search_of_the_tests_finds_a_cpr() {
    for line in ["<td>251248-9996</td>", "\"why\": \"for 251248 9996\"", "a,2512489996,b"] {
        assert!(std::panic::catch_unwind(|| no_cpr(line, &[])).is_err(), "{line}");
    }
    no_cpr("251248-9996", &["251248-9996"]);
}

#[test]
fn the_samples_of_the_document_are_what_is_written() {
    let files = [
        include_str!("../../tests/golden/reports/subject.csv"),
        include_str!("../../tests/golden/reports/breach.csv"),
        include_str!("../../tests/golden/reports/supervision.csv"),
        include_str!("../../tests/golden/reports/notify.csv"),
    ];
    let document = include_str!("../../docs/reports.md");
    let samples = document.split("```csv\n").skip(1).filter_map(|block| block.split("```").next());
    let mut seen = 0;
    for (sample, file) in samples.zip(files) {
        seen += 1;
        for line in sample.lines() {
            assert!(file.lines().any(|written| written == line), "docs/reports.md: {line}");
        }
    }
    assert_eq!(seen, 4);
}
