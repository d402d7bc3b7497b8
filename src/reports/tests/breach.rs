//! The breach report.

use super::{CHILD, DAY, HOUR, NANCY, NANCY_CPR, NOON, clinic, frame, hold};
use crate::ids::SubjectId;
use crate::reports::{BreachAsk, BreachReport, Format, Frame, Language, Named};
use crate::store::Window;

fn ask(recipient: &str, window: Window) -> BreachAsk {
    let frame = Frame { made: NOON + 10 * DAY, ..frame() };
    BreachAsk { frame, recipient: recipient.to_owned(), window, known_at: NOON + 9 * DAY }
}

/// As `Subjects::person`: Nancy's two ids are one person.
fn person(id: SubjectId) -> SubjectId {
    if id == NANCY[1] { NANCY[0] } else { id }
}

const AROUND: Window = Window { from: NOON - DAY, to: NOON + 6 * DAY };

#[test]
fn a_recipient_that_lost_data_had_these_of_those() {
    let (store, _folder) = clinic();
    let mut report = BreachReport::read(&store, ask("sms-reminders", AROUND), person).unwrap();
    let named = |subject| Named { subject, cpr: NANCY_CPR.to_owned() };
    assert_eq!(report.subjects().count(), 3);
    report.name(vec![named(NANCY[0]), named(SubjectId([99; 16]))]);
    let debug = format!("{report:?} {:?}", named(NANCY[0]));
    assert!(!debug.contains(NANCY_CPR), "no log shows who it is");
    hold("breach", |format, language| report.render(format, language), &[NANCY_CPR]);
}

#[test]
fn a_person_counts_once_and_the_window_ends_before_its_end() {
    let (store, _folder) = clinic();
    let persons = |to, person: fn(SubjectId) -> SubjectId| {
        let window = Window { from: NOON, to };
        let report = BreachReport::read(&store, ask("sms-reminders", window), person).unwrap();
        report.subjects().collect::<Vec<_>>()
    };
    assert_eq!(persons(NOON + HOUR, person).len(), 2);
    assert_eq!(persons(NOON + HOUR + 1, person).len(), 3);
    assert_eq!(persons(NOON + HOUR + 1, |id| id).len(), 4);
    assert!(persons(NOON, person).is_empty());
    assert!(persons(NOON + DAY, person).contains(&CHILD));
}

#[test]
fn time_to_notify_is_72_hours_and_its_end_is_said() {
    let (store, _folder) = clinic();
    let page = |made| {
        let mut ask = ask("sms-reminders", AROUND);
        ask.frame.made = made;
        let report = BreachReport::read(&store, ask, person).unwrap();
        report.render(Format::Html, Language::En).unwrap()
    };
    let in_time = page(NOON + 12 * DAY);
    assert!(in_time.contains("16 March 2026 at 05:53") && !in_time.contains("The time is over"));
    assert!(page(NOON + 12 * DAY + 1).contains("The time is over"));
}

#[test]
fn nothing_is_claimed_of_what_no_record_tells() {
    let (store, _folder) = clinic();
    let told = |recipient, window| {
        let report = BreachReport::read(&store, ask(recipient, window), person).unwrap();
        report.render(Format::Html, Language::En).unwrap()
    };
    let lost = told("bookkeeping", AROUND);
    assert!(!lost.contains("pseudonymised or not at all") && !lost.contains("in clear"));
    assert!(lost.contains("not on record in words"));
    let pseudonymous = told("analytics", AROUND);
    assert!(pseudonymous.contains("pseudonymised or not at all"));
    let nobody = told("sms-reminders", Window { from: NOON + 50 * DAY, to: NOON + 51 * DAY });
    assert!(nobody.contains("received nothing through the system"));
}
