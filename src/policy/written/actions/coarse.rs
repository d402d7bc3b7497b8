//! Actions that make values coarser.

use jiff::civil::Date;

use crate::cpr;
use crate::json::Decimal;
use crate::policy::checked::{CodeSystem, Epoch, EpochUnit, Generalise, Precision, Round, Shift};
use crate::policy::codes;
use crate::policy::syntax::{At, Table, Value};

#[derive(Debug, Clone, Copy)]
enum Coarse {
    Year,
    Month,
    Week,
    Decade,
    Age,
    Band(u8),
    Step,
    Bands,
    PostcodeRegion,
    Postcode2,
    CodePrefix,
}

const COARSE: &[(&str, Coarse)] = &[
    ("year", Coarse::Year),
    ("month", Coarse::Month),
    ("week", Coarse::Week),
    ("decade", Coarse::Decade),
    ("age", Coarse::Age),
    ("age-band-5", Coarse::Band(5)),
    ("age-band-10", Coarse::Band(10)),
    ("step", Coarse::Step),
    ("bands", Coarse::Bands),
    ("postcode-region", Coarse::PostcodeRegion),
    ("postcode-2", Coarse::Postcode2),
    ("code-prefix", Coarse::CodePrefix),
];

/// Bounds of bands: more of them than any report has, and few enough to be read.
const MAX_BANDS: usize = 100;

pub(super) fn generalise(word: &Value<'_>, table: &mut Table<'_>) -> Option<Generalise> {
    Some(match word.word(COARSE, &[])?.value {
        Coarse::Month => Generalise::Month,
        Coarse::Week => Generalise::Week,
        Coarse::Postcode2 => Generalise::Postcode2,
        Coarse::Year => Generalise::Year { reference: optional_reference(table) },
        Coarse::Decade => Generalise::Decade { reference: optional_reference(table) },
        Coarse::Age => Generalise::Age { reference: age_reference(word, table)? },
        Coarse::Band(width) => Generalise::AgeBand { width, reference: age_reference(word, table)? },
        Coarse::PostcodeRegion => {
            let help = "add `reference = 2026-01-01`: from 2027 there are other regions, and what leaves must \
                        not change overnight";
            let message = "regions need a `reference` date";
            Generalise::PostcodeRegion {
                reference: reference(word, table, message, "regions of which day?", help)?,
            }
        }
        Coarse::Step => Generalise::Step(step(table)?),
        Coarse::Bands => Generalise::Bands(bands(table)?),
        Coarse::CodePrefix => code_prefix(table)?,
    })
}

fn optional_reference(table: &mut Table<'_>) -> Option<Date> {
    table.optional_date("reference").map(|date| date.value)
}

fn age_reference(word: &Value<'_>, table: &mut Table<'_>) -> Option<Date> {
    let help = "add `reference = 2026-01-01`: an age must not change from day to day";
    reference(word, table, "an age needs a `reference` date", "age at which day?", help)
}

fn reference(
    word: &Value<'_>,
    table: &mut Table<'_>,
    message: &str,
    label: &str,
    help: &str,
) -> Option<Date> {
    let has_reference = table.has("reference");
    let reference = optional_reference(table);
    if !has_reference {
        word.fault(&codes::NO_REFERENCE_DATE, message, label, Some(help.to_owned()));
    }
    reference
}

fn step(table: &mut Table<'_>) -> Option<Decimal> {
    let value = table.required("step", "5")?;
    let step = value.decimal()?.value;
    if !step.is_positive() {
        let help = String::from("write a number above 0, such as `step = 5` or `step = 0.5`");
        value.fault(&codes::BAD_VALUE, "a step of nothing, or less", "not above 0", Some(help));
        return None;
    }
    Some(step)
}

/// Bounds that rise: the value that does not is underlined.
fn bands(table: &mut Table<'_>) -> Option<Vec<Decimal>> {
    let value = table.required("bands", "[18, 65]")?;
    let elements = value.elements("a list of numbers");
    let bounds: Vec<At<Decimal>> = elements.iter().filter_map(Value::decimal).collect();
    if elements.is_empty() || bounds.len() < elements.len() {
        if value.raw().as_array().is_some_and(|list| list.is_empty()) {
            let help = String::from("write the bounds, such as `bands = [18, 65]`");
            value.fault(&codes::BAD_VALUE, "bands without bounds", "nothing in it", Some(help));
        }
        return None;
    }
    if bounds.len() > MAX_BANDS {
        let label = format!("must be {MAX_BANDS} at most");
        value.fault(&codes::OUT_OF_RANGE, format!("{} bounds", bounds.len()), label, None);
        return None;
    }
    for (pair, element) in bounds.windows(2).zip(elements.iter().skip(1)) {
        if let [lower, upper] = pair
            && !lower.value.is_below(upper.value)
        {
            let help = String::from("write the bounds in order, each above the one before");
            element.fault(
                &codes::BAD_VALUE,
                "the bounds do not rise",
                "not above the one before",
                Some(help),
            );
            return None;
        }
    }
    for (bound, element) in bounds.iter().zip(&elements) {
        if cpr::number_could_be_cpr(bound.value.to_string().as_bytes()) {
            let help = String::from("write bounds of fewer than nine digits");
            element.fault(
                &codes::BAD_VALUE,
                "the bound could be a CPR number",
                "would leave in clear",
                Some(help),
            );
            return None;
        }
    }
    Some(bounds.into_iter().map(|bound| bound.value).collect())
}

fn code_prefix(table: &mut Table<'_>) -> Option<Generalise> {
    let system = table.required_word("classification", &CodeSystem::ALL, &[]);
    let length = table.required("length", "3");
    let (system, length) = (system?.value, length?);
    let lengths = system.lengths();
    let most = lengths.last().copied().unwrap_or_default();
    let wanted = length.integer(1..=u64::from(most))?.value;
    let known = lengths.iter().copied().find(|one| u64::from(*one) == wanted);
    if known.is_none() {
        let all: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        let help = format!("one of: {}", all.join(", "));
        length.fault(
            &codes::BAD_VALUE,
            "no level of the classification ends there",
            "not such a length",
            Some(help),
        );
    }
    Some(Generalise::CodePrefix { system, length: known? })
}

#[derive(Debug, Clone, Copy)]
enum To {
    Instant(Precision),
    Digits,
}

const ROUNDINGS: &[(&str, To)] =
    &[("hour", To::Instant(Precision::Hour)), ("day", To::Instant(Precision::Day)), ("digits", To::Digits)];

const UNITS: &[(&str, EpochUnit)] =
    &[("seconds", EpochUnit::Seconds), ("milliseconds", EpochUnit::Milliseconds)];

/// More digits after the point are not rounded to: a number has 18 at most.
const MAX_DIGITS: u64 = 17;

pub(super) fn round(word: &Value<'_>, table: &mut Table<'_>) -> Option<Round> {
    match word.word(ROUNDINGS, &[])?.value {
        To::Instant(to) => Some(Round::Instant { to, epoch: epoch(word, table) }),
        To::Digits => {
            let digits = table.required("digits", "1").and_then(|digits| digits.integer(0..=MAX_DIGITS))?;
            u8::try_from(digits.value).ok().map(Round::Digits)
        }
    }
}

/// What instants that are numbers count.
fn epoch(word: &Value<'_>, table: &mut Table<'_>) -> Option<Epoch> {
    let (has_unit, has_number) = (table.has("unit"), table.has("number"));
    let unit = table.optional_word("unit", UNITS, &[]);
    let number = table.optional_word("number", &[("not-cpr", true)], &[]);
    if has_number && !has_unit {
        let help = String::from("add `unit = \"seconds\"`, or take `number` out");
        word.fault(&codes::BAD_ACTION, "`number` without `unit`", "texts are rounded", Some(help));
    }
    unit.map(|unit| Epoch { unit: unit.value, number_not_cpr: number.is_some() })
}

/// Ten years either way: more than any study that keeps its dates is long.
const MAX_SHIFT: u64 = 3660;

pub(super) fn shift(word: &Value<'_>, table: &mut Table<'_>) -> Option<Shift> {
    let weekday = table.optional_bool("weekday").is_some_and(|weekday| weekday.value);
    let least = if weekday { 7 } else { 1 };
    let has_days = table.has("days");
    let days =
        table.optional_integer("days", least..=MAX_SHIFT).and_then(|days| u16::try_from(days.value).ok());
    let time_of_day = table.optional_bool("time-of-day").is_some_and(|time| time.value);
    let epoch = epoch(word, table);
    if !word.boolean()?.value {
        let help = String::from("write `\"withhold\"`, or leave the line out");
        word.fault(&codes::BAD_ACTION, "`shift = false` says nothing", "not an action", Some(help));
        return None;
    }
    let days = if has_days { days? } else { Shift::DEFAULT.days };
    Some(Shift { days, weekday, time_of_day, epoch })
}
