//! Makes values coarser: which rule takes which value, and what it becomes.

use super::Watch;
use super::dates::{self, quoted};
use super::places::{self, Postcode};
use super::walk::Walk;
use crate::cpr;
use crate::json::Decimal;
use crate::judge::Judge;
use crate::policy::checked::{Epoch, EpochUnit, Generalise, Precision, Round, Shift};
use crate::policy::regions;

/// A scalar of the document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    /// A string, out of its escapes.
    Text(&'a str),
    /// A number as it is written.
    Number(&'a str),
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    pub(super) fn write_generalised(&mut self, how: &Generalise, scalar: Scalar<'_>) -> bool {
        let json = generalise(how, scalar).filter(|_| is_date(how) || !self.is_echo(scalar));
        self.write_json(json)
    }

    pub(super) fn write_rounded(&mut self, how: Round, scalar: Scalar<'_>) -> bool {
        let json = match how {
            Round::Instant { to, epoch: None } => match scalar {
                Scalar::Text(text) => dates::round(to, text).map(|instant| quoted(&instant)),
                Scalar::Number(_) => None,
            },
            Round::Instant { to, epoch: Some(epoch) } => match scalar {
                Scalar::Number(json) => round_epoch(to, epoch, json),
                Scalar::Text(_) => None,
            },
            Round::Digits(digits) => number(scalar, |json, value| match value.places() <= digits {
                true => Some(json.to_owned()),
                false => Some(value.rounded(digits)?.to_string()),
            }),
        };
        let json = json.filter(|_| !self.is_echo(scalar));
        self.write_json(json)
    }

    /// A date moved by the days of the record's one person.
    pub(super) fn write_shifted(&mut self, how: Shift, scalar: Scalar<'_>) -> bool {
        let plan = self.plan;
        let (Some(person), Some(shifter)) = (self.record_person, &plan.shifter) else { return false };
        if self.is_echo(scalar) {
            return false;
        }
        let draw = || how.by(shifter.draw(person, self.next_linkage()));
        let json = match (how.epoch, scalar) {
            (None, Scalar::Text(text)) => {
                dates::shift(how.time_of_day, text, draw).map(|moved| quoted(&moved))
            }
            (Some(epoch), Scalar::Number(json)) => shift_epoch(how, epoch, json, draw),
            (None, Scalar::Number(_)) | (Some(_), Scalar::Text(_)) => None,
        };
        self.write_json(json)
    }

    /// What leaves a part may leave all: of an id that must not come back (G7).
    fn is_echo(&self, scalar: Scalar<'_>) -> bool {
        match scalar {
            Scalar::Text(text) => self.echoes.has_id(text) || self.echoes.has_number(text),
            Scalar::Number(json) => self.echoes.is_number(json),
        }
    }

    fn write_json(&mut self, json: Option<String>) -> bool {
        let fits = json.is_some();
        self.out.extend_from_slice(json.unwrap_or_default().as_bytes());
        fits
    }
}

const fn is_date(how: &Generalise) -> bool {
    matches!(
        how,
        Generalise::Year { .. }
            | Generalise::Month
            | Generalise::Week
            | Generalise::Decade { .. }
            | Generalise::Age { .. }
            | Generalise::AgeBand { .. }
    )
}

/// The coarser value as JSON; `None` if it is none that the rule is for.
pub(super) fn generalise(how: &Generalise, scalar: Scalar<'_>) -> Option<String> {
    match (how, scalar) {
        (Generalise::Step(step), _) => number(scalar, |_, value| Some(value.floor_to(*step)?.to_string())),
        (Generalise::Bands(bounds), _) => {
            number(scalar, |_, value| Some(band(bounds, value))).map(|band| match scalar {
                Scalar::Text(_) => band,
                Scalar::Number(_) => quoted(&band),
            })
        }
        (Generalise::PostcodeRegion { reference }, Scalar::Text(text) | Scalar::Number(text)) => {
            let region = match Postcode::parse(text)? {
                Postcode::Danish(number) => regions::region(number, *reference)?,
                Postcode::Faroese => "FO",
            };
            Some(quoted(region))
        }
        (Generalise::Postcode2, Scalar::Text(text) | Scalar::Number(text)) => match Postcode::parse(text)? {
            Postcode::Danish(number) => Some(quoted(&number.checked_div(100)?.to_string())),
            Postcode::Faroese => Some(quoted("FO")),
        },
        (Generalise::CodePrefix { system, length }, Scalar::Text(text)) => {
            places::prefix(*system, *length, text).map(|code| quoted(&code))
        }
        (_, Scalar::Text(text)) => dates::generalise(how, text),
        (_, Scalar::Number(_)) => None,
    }
}

/// What becomes of a number, or of a text that is one; a text stays a text. A number that could be a
/// CPR is none of those that are counted or measured, neither before nor after (G2).
fn number(scalar: Scalar<'_>, then: impl FnOnce(&str, Decimal) -> Option<String>) -> Option<String> {
    let (Scalar::Text(written) | Scalar::Number(written)) = scalar;
    let free = |json: &str| !cpr::number_could_be_cpr(json.as_bytes());
    let value = Decimal::parse(written).filter(|_| free(written))?;
    let json = then(written, value).filter(|json| free(json))?;
    Some(match scalar {
        Scalar::Text(_) => quoted(&json),
        Scalar::Number(_) => json,
    })
}

/// The band that a number lies in: its lower bound belongs to it, its upper one does not.
fn band(bounds: &[Decimal], value: Decimal) -> String {
    let below = bounds.partition_point(|bound| !value.is_below(*bound));
    let lower = below.checked_sub(1).and_then(|at| bounds.get(at));
    match (lower, bounds.get(below)) {
        (None, None) => String::new(),
        (None, Some(upper)) => format!("<{upper}"),
        (Some(lower), None) => format!("{lower}+"),
        (Some(lower), Some(upper)) => format!("{lower}-<{upper}"),
    }
}

/// The last second of the year 9999: what is later is no time, or in other units.
const LAST_SECOND: &str = "253402300799";
const LAST_MILLISECOND: &str = "253402300799999";

/// The beginning of the hour or day (UTC) of an instant that is a number.
fn round_epoch(to: Precision, epoch: Epoch, json: &str) -> Option<String> {
    let free = |json: &str| epoch.number_not_cpr || !cpr::number_could_be_cpr(json.as_bytes());
    let step = match (epoch.unit, to) {
        (EpochUnit::Seconds, Precision::Hour) => "3600",
        (EpochUnit::Seconds, Precision::Day) => "86400",
        (EpochUnit::Milliseconds, Precision::Hour) => "3600000",
        (EpochUnit::Milliseconds, Precision::Day) => "86400000",
    };
    let instant = Decimal::parse(json).filter(|instant| free(json) && is_in_time(epoch, *instant))?;
    let rounded = instant.floor_to(Decimal::parse(step)?)?.to_string();
    free(&rounded).then_some(rounded)
}

/// An instant that is a number, moved by whole days; without its time of day by that of UTC.
fn shift_epoch(how: Shift, epoch: Epoch, json: &str, draw: impl FnOnce() -> i32) -> Option<String> {
    let free = |json: &str| epoch.number_not_cpr || !cpr::number_could_be_cpr(json.as_bytes());
    let instant = if how.time_of_day { json.to_owned() } else { round_epoch(Precision::Day, epoch, json)? };
    let value = Decimal::parse(&instant).filter(|value| free(json) && is_in_time(epoch, *value))?;
    let day = if epoch.unit == EpochUnit::Seconds { 86_400 } else { 86_400_000 };
    let moved = value.plus(i64::from(draw()).checked_mul(day)?)?;
    (is_in_time(epoch, moved) && free(&moved.to_string())).then(|| moved.to_string())
}

/// Whether an instant lies in the years 1970 to 9999.
fn is_in_time(epoch: Epoch, instant: Decimal) -> bool {
    let last = match epoch.unit {
        EpochUnit::Seconds => Decimal::parse(LAST_SECOND),
        EpochUnit::Milliseconds => Decimal::parse(LAST_MILLISECOND),
    };
    !instant.is_negative() && last.is_some_and(|last| !last.is_below(instant))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::ids::SubjectId;
    use crate::pseudonym::{KeyRing, Linkage};

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_become_steps_and_bands_and_no_part_of_a_cpr() {
        let step = Generalise::Step(of("5"));
        let bands = Generalise::Bands(vec![of("0"), of("18"), of("65.5")]);
        for (how, scalar, wanted) in [
            (&step, Scalar::Number("12.7"), Some("10")),
            (&step, Scalar::Text("12.7"), Some("\"10\"")),
            (&step, Scalar::Number("-1"), Some("-5")),
            (&step, Scalar::Number("1e3"), Some("1000")),
            (&step, Scalar::Number("1e400"), None),
            (&step, Scalar::Text("12,7"), None),
            (&step, Scalar::Text(""), None),
            (&step, Scalar::Number("2512489996"), None),
            (&step, Scalar::Number("504909995"), None),
            (&step, Scalar::Text("2512489996"), None),
            (&bands, Scalar::Number("-0.1"), Some("\"<0\"")),
            (&bands, Scalar::Number("0"), Some("\"0-<18\"")),
            (&bands, Scalar::Number("18"), Some("\"18-<65.5\"")),
            (&bands, Scalar::Text("65.5"), Some("\"65.5+\"")),
            (&bands, Scalar::Number("2512489996"), None),
        ] {
            assert_eq!(generalise(how, scalar).as_deref(), wanted, "{how:?} {scalar:?}");
        }
    }

    #[test]
    fn postcodes_become_regions_of_a_day_or_two_digits() {
        let region = Generalise::PostcodeRegion { reference: date(2026, 1, 1) };
        for (how, scalar, wanted) in [
            (&region, Scalar::Text("DK-8000"), Some("\"DK-82\"")),
            (&region, Scalar::Number("8000"), Some("\"DK-82\"")),
            (&region, Scalar::Number("8000.0"), None),
            (&region, Scalar::Text("FO-100"), Some("\"FO\"")),
            (&region, Scalar::Text("2664 Vej"), None),
            (&Generalise::Postcode2, Scalar::Text("2100"), Some("\"21\"")),
            (&Generalise::Postcode2, Scalar::Number("100"), Some("\"FO\"")),
            (&Generalise::Postcode2, Scalar::Text("GL-3900"), Some("\"39\"")),
        ] {
            assert_eq!(generalise(how, scalar).as_deref(), wanted, "{how:?} {scalar:?}");
        }
    }

    /// The document's were made by another program, so that the two hold each other.
    #[test]
    fn the_document_has_the_shifts_that_are_drawn() {
        let hex = |text: &str| -> [u8; 16] {
            data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
        };
        let secret = data_encoding::HEXLOWER.encode(&(0..32).collect::<Vec<u8>>());
        let ring = format!(
            "ring = 1\n[[secret]]\nuse = \"domain\"\nname = \"research\"\nversion = 7\nstate = \"active\"\nsecret = \"{secret}\"\n"
        );
        let shifter =
            KeyRing::parse(&ring, jiff::Timestamp::UNIX_EPOCH).unwrap().shifter("research").unwrap();
        let document = include_str!("../../docs/pseudonyms.md");
        let (nancy, other) = ("6efaed1d122110c17a9fc254f9671678", "67390587d35b2f59e62281b04d2947d2");
        let salt = [0xaa; 16];
        for (subject, word, linkage) in [
            (nancy, "domain", Linkage::Domain),
            (other, "domain", Linkage::Domain),
            (nancy, "document", Linkage::Document(&salt)),
            (nancy, "none, number 1", Linkage::None(&salt, 1)),
        ] {
            let draw = shifter.draw(SubjectId(hex(subject)), linkage);
            let by = |days, weekday| Shift { days, weekday, ..Shift::DEFAULT }.by(draw);
            let (half, month, weeks) = (by(182, false), by(30, false), by(182, true));
            let row = format!("| `{subject}` | {word} | {draw} | {half} | {month} | {weeks} |");
            assert!(document.contains(&row), "docs/pseudonyms.md has no row\n{row}");
        }
    }

    #[test]
    fn a_shift_is_within_its_range_and_never_nought() {
        let shift = |days, weekday| Shift { days, weekday, ..Shift::DEFAULT };
        let all =
            |shift: Shift| (0..1000).map(|draw| shift.by(draw)).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(all(shift(2, false)).into_iter().collect::<Vec<_>>(), [-2, -1, 1, 2]);
        assert_eq!(all(shift(20, true)).into_iter().collect::<Vec<_>>(), [-14, -7, 7, 14]);
        assert_eq!(all(shift(1, false)).into_iter().collect::<Vec<_>>(), [-1, 1]);
    }

    #[test]
    fn instants_in_numbers_begin_their_hour_or_day() {
        let seconds = Epoch { unit: EpochUnit::Seconds, number_not_cpr: true };
        let careful = Epoch { number_not_cpr: false, ..seconds };
        let thousandths = Epoch { unit: EpochUnit::Milliseconds, number_not_cpr: false };
        for (to, epoch, json, wanted) in [
            (Precision::Hour, seconds, "1772612345", Some("1772611200")),
            (Precision::Day, seconds, "1772612345.9", Some("1772582400")),
            (Precision::Hour, thousandths, "1772612345678", Some("1772611200000")),
            (Precision::Hour, seconds, "1712000000", Some("1711998000")),
            (Precision::Hour, careful, "1712000000", None),
            (Precision::Hour, careful, "2512489996", None),
            (Precision::Hour, seconds, "-1", None),
            (Precision::Hour, seconds, "1772612345678", None),
            (Precision::Day, seconds, "253402300799", Some("253402214400")),
        ] {
            assert_eq!(round_epoch(to, epoch, json).as_deref(), wanted, "{to:?} {json}");
        }
    }
}
