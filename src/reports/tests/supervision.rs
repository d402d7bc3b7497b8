//! The supervision report.

use jiff::civil::Date;

use super::{DAY, NOON, clinic, frame, hold};
use crate::reports::{
    AgreementState, Checkpoint, Condition, Format, Frame, Language, Month, SupervisionAsk, SupervisionReport,
    Verified,
};

fn agreement(recipient: &str, name: &str, review: Date, expires: Date) -> AgreementState {
    let reference = format!("DBA-{recipient}");
    AgreementState { recipient: recipient.to_owned(), name: name.to_owned(), reference, review, expires }
}

fn ask(agreements: Vec<AgreementState>, verified: Verified) -> SupervisionAsk {
    let checkpoint = Some(Checkpoint { at: NOON + 27 * DAY, sequence: 14 });
    SupervisionAsk {
        frame: Frame { made: NOON + 30 * DAY, ..frame() },
        month: Month::parse("2026-03").unwrap(),
        agreements,
        condition: Condition { checkpoint, indexed: 15, verified },
    }
}

#[test]
fn a_month_is_told_with_what_must_be_looked_at() {
    let (store, _folder) = clinic();
    let far = Date::constant(2029, 1, 1);
    let agreements = vec![
        agreement("sms-reminders", "Påmind ApS", Date::constant(2026, 4, 2), far),
        agreement("analytics", "Metrics Inc.", Date::constant(2026, 3, 1), Date::constant(2026, 4, 2)),
        agreement("bookkeeping", "Tal & Bilag A/S", Date::constant(2026, 6, 2), far),
        agreement("research", "Glukoseprojektet", far, Date::constant(2026, 4, 3)),
        agreement("lab", "Laboratoriet", Date::constant(2026, 6, 3), far),
    ];
    let verified = Verified::Whole { at: NOON + 30 * DAY, records: 15 };
    let report = SupervisionReport::read(&store, ask(agreements, verified)).unwrap();
    hold("supervision", |format, language| report.render(format, language), &[]);
}

#[test]
fn a_broken_chain_is_not_to_be_overlooked_and_a_quiet_month_is_a_report() {
    let (store, _folder) = clinic();
    let broken =
        Verified::Broken { at: NOON, problem: "segment 3, line 7: the hash does not fit".to_owned() };
    let mut ask = ask(Vec::new(), broken);
    ask.month = Month::parse("2020-01").unwrap();
    ask.condition.checkpoint = None;
    let report = SupervisionReport::read(&store, ask).unwrap();
    let page = report.render(Format::Html, Language::En).unwrap();
    assert!(page.contains(r#"<p class="alert">BROKEN (4 March 2026 at 05:53): segment 3"#));
    assert!(page.contains("cannot be seen without a checkpoint kept elsewhere"));
    assert!(page.contains("January 2020") && page.contains("<p>None.</p>"));
}
