//! The subject report.

use super::{CHILD, DAY, NANCY, NANCY_CPR, NOON, clinic, exchange, frame, hold, no_cpr, policy};
use crate::ids::PolicyVersion;
use crate::reports::{Format, Language, Person, Role, SubjectAsk, SubjectReport};
use crate::store::{IndexRow, Position, Store};

fn ask(persons: Vec<Person>) -> SubjectAsk {
    SubjectAsk { frame: frame(), persons, since: Some(NOON - 400 * DAY), names_staff: false }
}

fn nancy() -> Person {
    Person {
        role: Role::Own,
        name: Some("Nancy Ann Berggren".to_owned()),
        cpr: Some(NANCY_CPR.to_owned()),
        ids: NANCY.to_vec(),
    }
}

fn child() -> Person {
    Person { role: Role::Child, name: Some("Bruno Berggren".to_owned()), cpr: None, ids: vec![CHILD] }
}

#[test]
fn a_guardian_is_told_of_herself_and_of_her_child() {
    let (store, _folder) = clinic();
    let report = SubjectReport::read(&store, ask(vec![nancy(), child()])).unwrap();
    hold("subject", |format, language| report.render(format, language), &[NANCY_CPR]);
}

#[test]
fn one_person_is_told_nothing_of_others_and_no_cpr_unless_it_is_passed() {
    let (store, _folder) = clinic();
    let own = Person { cpr: None, ..nancy() };
    let report = SubjectReport::read(&store, ask(vec![own])).unwrap();
    for format in [Format::Html, Format::Json, Format::Csv] {
        let text = report.render(format, Language::Da).unwrap();
        no_cpr(&text, &[]);
        assert!(!text.contains("Bruno") && !text.contains("anna.lauridsen"));
        for id in ["01010101010101010101010101010101", "03030303030303030303030303030303"] {
            assert!(!text.contains(id), "ids of the records stay in the records");
        }
    }
    let debug = format!("{report:?} {:?}", ask(vec![nancy()]));
    assert!(!debug.contains("Nancy") && !debug.contains(NANCY_CPR), "no log shows who it is");
    let named = SubjectAsk { names_staff: true, ..ask(vec![nancy()]) };
    let named = SubjectReport::read(&store, named).unwrap();
    assert!(named.render(Format::Html, Language::Da).unwrap().contains("anna.lauridsen"));
}

#[test]
fn nobody_received_anything_is_an_answer_too() {
    let (store, _folder) = clinic();
    let stranger =
        Person { ids: vec![crate::ids::SubjectId([99; 16])], name: None, cpr: None, role: Role::Own };
    let report = SubjectReport::read(&store, ask(vec![stranger])).unwrap();
    assert!(report.render(Format::Html, Language::En).unwrap().contains("Nobody has received data"));
    assert_eq!(report.render(Format::Csv, Language::En).unwrap().lines().count(), 1);
}

#[test]
fn a_page_ends_early_and_says_so_and_the_others_have_all() {
    let (store, _folder) = clinic();
    let rows: Vec<IndexRow> = (0..350)
        .map(|n| {
            let mut row = exchange(NOON + n * 1000, "sms-reminders", super::SMS, &[NANCY[0]]);
            row.sequence = 100 + n;
            IndexRow::Exchange(row)
        })
        .collect();
    let other = Store::open_or_make(&_folder.path().join("many.db")).unwrap();
    other.apply(100, &rows, Position { log: [6; 16], sequence: 449, hash: [0; 32] }).unwrap();
    let report = SubjectReport::read(&other, ask(vec![nancy()])).unwrap();
    let page = report.render(Format::Html, Language::En).unwrap();
    assert!(page.contains("The first 300 are shown here; there are 50 more."), "{page}");
    assert_eq!(report.render(Format::Csv, Language::En).unwrap().lines().count(), 351);
    drop(store);
}

#[test]
fn markup_in_names_and_reasons_stays_text() {
    let (_, folder) = clinic();
    let store = Store::open_or_make(&folder.path().join("evil.db")).unwrap();
    let evil = "<script>alert(1)</script>";
    let version = PolicyVersion([0xee; 32]);
    let mut told = policy(version, NOON, "evil", evil, &[("appointments", 0, evil, evil)]);
    (told.retention, told.agreement, told.purpose) =
        (Some(evil.to_owned()), evil.to_owned(), evil.to_owned());
    (told.relation, told.ground, told.country) = (evil.to_owned(), Some(evil.to_owned()), evil.to_owned());
    let mut row = exchange(NOON, "evil", version, &[NANCY[0]]);
    (row.purpose, row.kind, row.country) = (evil.into(), evil.into(), evil.into());
    row.basis = vec![evil.into()];
    (told.sequence, row.sequence) = (1, 2);
    let last = Position { log: [6; 16], sequence: 2, hash: [0; 32] };
    store.apply(1, &[IndexRow::Policy(told), IndexRow::Exchange(row)], last).unwrap();
    let mut ask = ask(vec![Person { name: Some(evil.to_owned()), ..nancy() }]);
    ask.frame.by = evil.to_owned();
    let report = SubjectReport::read(&store, ask).unwrap();
    let page = report.render(Format::Html, Language::Da).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"));
}
