use jiff::civil::date;

use super::*;
use crate::policy::checked::CodeSystem;
use crate::policy::location::Location;
use Direction::{Narrower, Unclear, Wider};

/// The exceptions of a `keep`, each by a bit.
fn keep(flags: u8) -> Keep {
    let on = |bit: u8| flags & bit != 0;
    Keep {
        number_not_cpr: on(1),
        unscanned: on(2),
        clear_cpr: on(4).then_some("dbl-11-2-2"),
        string_not_cpr: on(8),
    }
}

#[test]
fn a_keep_tells_no_more_than_one_with_all_of_its_exceptions() {
    for (less, more) in (0..16).flat_map(|less| (0..16).map(move |more| (less, more))) {
        let wanted = less & more == less;
        assert_eq!(
            at_most(&Action::Keep(keep(less)), &Action::Keep(keep(more))),
            wanted,
            "{less:b} {more:b}"
        );
    }
    let other = Keep { clear_cpr: Some("dbl-11-2-1"), ..keep(4) };
    assert!(!at_most(&Action::Keep(other), &Action::Keep(keep(4))), "another ground");
}

fn epoch(number_not_cpr: bool) -> Option<Epoch> {
    Some(Epoch { unit: EpochUnit::Seconds, number_not_cpr })
}

fn instant(to: Precision, epoch: Option<Epoch>) -> Action {
    Action::Round(Round::Instant { to, epoch })
}

fn shift(epoch: Option<Epoch>) -> Action {
    Action::Shift(Shift { days: 30, weekday: false, time_of_day: false, epoch })
}

fn scan(phone: bool, email: bool, names: bool) -> Action {
    let names = names.then(|| Location::parse("$.navn").unwrap()).into_iter().collect();
    Action::Scan(Scan { phone, email, names })
}

#[test]
fn coarser_is_narrower_and_what_cannot_be_told_is_unclear() {
    use Generalise::{Age, AgeBand, CodePrefix, Decade, Month, Year};
    let (early, late) = (date(2020, 1, 1), date(2026, 1, 1));
    let year = |reference| Action::Generalise(Year { reference });
    let decade = |reference| Action::Generalise(Decade { reference });
    let band = |width, reference| Action::Generalise(AgeBand { width, reference });
    let age = Action::Generalise(Age { reference: late });
    let code = |system, length| Action::Generalise(CodePrefix { system, length });
    let (icd, atc) = (CodeSystem::Icd10, CodeSystem::Atc);
    let month = Action::Generalise(Month);
    let (plain, excepted) = (Action::Keep(keep(0)), Action::Keep(keep(1)));
    let (hour, day) = (instant(Precision::Hour, None), instant(Precision::Day, None));
    for (old, new, wanted) in [
        (&month, &year(None), Narrower),
        (&month, &decade(Some(late)), Narrower),
        // From a later day on, more of the oldest are counted as one.
        (&year(None), &year(Some(late)), Narrower),
        (&year(Some(early)), &year(Some(late)), Narrower),
        (&year(Some(early)), &decade(Some(late)), Narrower),
        (&year(Some(late)), &decade(Some(early)), Unclear),
        (&decade(Some(early)), &decade(Some(late)), Narrower),
        (&age, &band(5, late), Narrower),
        (&age, &band(5, early), Unclear),
        (&band(5, late), &band(10, late), Narrower),
        (&band(5, early), &band(10, late), Unclear),
        (&band(10, late), &band(15, late), Unclear),
        (&code(icd, 3), &code(icd, 1), Narrower),
        (&code(icd, 3), &code(atc, 1), Unclear),
        (&hour, &day, Narrower),
        (&hour, &instant(Precision::Day, epoch(false)), Unclear),
        (&plain, &hour, Narrower),
        (&plain, &instant(Precision::Hour, epoch(false)), Narrower),
        // What the exception lets out, a `keep` without it withholds.
        (&plain, &instant(Precision::Hour, epoch(true)), Unclear),
        (&excepted, &instant(Precision::Hour, epoch(true)), Narrower),
        (&plain, &shift(epoch(true)), Unclear),
        (&plain, &shift(None), Narrower),
        (&plain, &Action::Round(Round::Digits(1)), Narrower),
        (&day, &Action::Round(Round::Digits(1)), Unclear),
        (&plain, &Action::Mask(Mask::Initials), Narrower),
        (&Action::Mask(Mask::Last4), &Action::Mask(Mask::All), Narrower),
        (&Action::Mask(Mask::FirstWord), &Action::Mask(Mask::All), Unclear),
        (&Action::Mask(Mask::FirstWord), &Action::Mask(Mask::Initials), Unclear),
        (&scan(true, false, false), &scan(true, true, false), Narrower),
        (&scan(true, false, false), &scan(false, true, false), Unclear),
        (&scan(false, false, true), &scan(false, false, false), Wider),
        (&scan(false, false, false), &scan(true, true, true), Narrower),
        (&plain, &Action::Count, Narrower),
        (&plain, &Action::Pseudonymise(Kind::Cpr), Unclear),
        (&Action::Keep(keep(4)), &Action::Pseudonymise(Kind::Cpr), Narrower),
        (&day, &Action::Withhold, Narrower),
    ] {
        assert_eq!(direction(old, new), wanted, "{old:?} becomes {new:?}");
        let back = match wanted {
            Narrower => Wider,
            Wider => Narrower,
            same @ (Unclear | Direction::Neutral) => same,
        };
        assert_eq!(direction(new, old), back, "{new:?} becomes {old:?}");
    }
    assert_eq!(direction(&day, &day), Direction::Neutral);
}

#[test]
fn a_form_is_said_with_what_distinguishes_it() {
    let id = |resource_type: &str| Action::Pseudonymise(Kind::Id { resource_type: resource_type.to_owned() });
    for (action, wanted) in [
        (id("Patient"), "`pseudonymise id` (of Patient)"),
        (id(""), "`pseudonymise id`"),
        (Action::Keep(keep(9)), "`keep` (numbers are no CPR, text is no CPR)"),
        (instant(Precision::Hour, None), "`round hour`"),
        (instant(Precision::Hour, epoch(true)), "`round hour` (seconds, numbers are no CPR)"),
        (shift(epoch(false)), "`shift` (up to 30 days, seconds)"),
        (Action::Round(Round::Digits(1)), "`round digits` (1 after the point)"),
    ] {
        assert_eq!(said(&action), wanted);
    }
}
