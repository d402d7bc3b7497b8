//! Makes dates and instants coarser. Takes ISO 8601 as FHIR has it: `date`, `dateTime` and `instant` (R4
//! section 2.24.0.1), partial dates included.

use jiff::Span;
use jiff::civil::Date;

use crate::cpr::{self, Search};
use crate::policy::checked::{Generalise, Precision};

/// Ages from here on become one: there are few so old, and each is known in the village.
const TOP_AGE: i16 = 90;

/// The coarser value as JSON; `None` if the text is no date, or not precise enough.
pub(super) fn generalise(how: &Generalise, text: &str) -> Option<String> {
    let written = Written::parse(text)?;
    match *how {
        Generalise::Year { reference } => {
            let year = top_coded(written.year, reference);
            if year == written.year { text.get(..4).map(quoted) } else { Some(format!("\"{year:04}\"")) }
        }
        Generalise::Decade { reference } => {
            let year = top_coded(written.year, reference);
            Some(format!("\"{:04}\"", year.saturating_sub(year % 10)))
        }
        Generalise::Month => written.month.and_then(|_| Some(quoted(text.get(..7)?))),
        Generalise::Week => {
            let week = written.date?.iso_week_date();
            Some(format!("\"{:04}-W{:02}\"", week.year(), week.week()))
        }
        Generalise::Age { reference } => Some(written.age(reference)?.min(TOP_AGE).to_string()),
        Generalise::AgeBand { width, reference } => {
            let age = written.age(reference)?;
            if age >= TOP_AGE {
                return Some(format!("\"{TOP_AGE}+\""));
            }
            let width = i16::from(width);
            let low = age.saturating_sub(age.checked_rem(width)?);
            Some(format!("\"{low}-{}\"", low.saturating_add(width).saturating_sub(1)))
        }
        Generalise::Step(_)
        | Generalise::Bands(_)
        | Generalise::PostcodeRegion { .. }
        | Generalise::Postcode2
        | Generalise::CodePrefix { .. } => None,
    }
}

/// Text without anything to escape, as JSON.
pub(super) fn quoted(text: &str) -> String {
    ["\"", text, "\""].concat()
}

/// The beginning of the hour or day that an instant is in, by its own clock and with its own zone. A
/// date is as coarse as that already, and stays as it is.
pub(super) fn round(to: Precision, text: &str) -> Option<String> {
    let Written { time, .. } = Written::parse(text)?;
    let Some(time) = time else { return Some(text.to_owned()) };
    let date = text.get(..10)?;
    let hour = match to {
        Precision::Hour => time.get(..2)?,
        Precision::Day => "00",
    };
    let zone = time.find(['Z', '+', '-']).and_then(|at| time.get(at..)).unwrap_or_default();
    Some([date, "T", hour, ":00:00", zone].concat())
}

/// A day moved by the days that `draw` gives, with its time of day and zone or with midnight; `None`
/// if it is no whole date, or falls out of the years 1 to 9999.
pub(super) fn shift(time_of_day: bool, text: &str, draw: impl FnOnce() -> i32) -> Option<String> {
    let Written { date: Some(date), time, .. } = Written::parse(text)? else { return None };
    // A fraction of a second has up to nine digits, and who knows what stands beside it.
    if cpr::search(text, &mut Vec::new()) != Search::Clean {
        return None;
    }
    let moved = date.checked_add(Span::new().try_days(draw()).ok()?).ok()?;
    let (year, month, day) = (moved.year(), moved.month(), moved.day());
    if year < 1 {
        return None;
    }
    let zone =
        |time: &str| time.find(['Z', '+', '-']).and_then(|at| time.get(at..)).unwrap_or_default().to_owned();
    let time = match time {
        None => String::new(),
        Some(time) if time_of_day => format!("T{time}"),
        Some(time) => format!("T00:00:00{}", zone(time)),
    };
    Some(format!("{year:04}-{month:02}-{day:02}{time}"))
}

fn top_coded(year: i16, reference: Option<Date>) -> i16 {
    reference.map_or(year, |reference| year.max(reference.year().saturating_sub(TOP_AGE)))
}

/// A date as precise as it was written.
struct Written<'t> {
    year: i16,
    month: Option<i8>,
    date: Option<Date>,
    /// What stands behind `T`.
    time: Option<&'t str>,
}

impl<'t> Written<'t> {
    /// PERF: by the places of its digits, without splitting: with what is written of them, 2 to 4 % of a body.
    fn parse(text: &'t str) -> Option<Self> {
        let (date, time) = match text.split_at_checked(10) {
            Some((date, rest)) if !rest.is_empty() => (date, Some(rest.strip_prefix('T')?)),
            _ => (text, None),
        };
        let (year, month, day) = match *date.as_bytes() {
            [a, b, c, d] => (number([a, b, c, d])?, None, None),
            [a, b, c, d, b'-', m, n] => (number([a, b, c, d])?, Some(number([m, n])?), None),
            [a, b, c, d, b'-', m, n, b'-', x, y] => {
                (number([a, b, c, d])?, Some(number([m, n])?), Some(number([x, y])?))
            }
            _ => return None,
        };
        if year == 0
            || month.is_some_and(|month| !(1..=12).contains(&month))
            || time.is_some_and(|time| !is_time(time))
        {
            return None;
        }
        let month = month.and_then(|month| i8::try_from(month).ok());
        let date = match (month, day) {
            (Some(month), Some(day)) => Some(Date::new(year, month, i8::try_from(day).ok()?).ok()?),
            _ => None,
        };
        Some(Self { year, month, date, time })
    }

    /// Whole years at the reference date; `None` for somebody born after it.
    fn age(&self, reference: Date) -> Option<i16> {
        let born = self.date?;
        let had_birthday = (reference.month(), reference.day()) >= (born.month(), born.day());
        let age = reference.year().checked_sub(born.year())?.checked_sub(i16::from(!had_birthday))?;
        (age >= 0).then_some(age)
    }
}

/// What up to four digits mean.
fn number<const N: usize>(digits: [u8; N]) -> Option<i16> {
    const { assert!(N <= 4, "fits") };
    let next = |number: i16, digit: u8| {
        digit
            .is_ascii_digit()
            .then(|| number.wrapping_mul(10).wrapping_add(i16::from(digit.wrapping_sub(b'0'))))
    };
    digits.into_iter().try_fold(0, next)
}

/// `hh:mm`, optional seconds with a fraction, optional zone.
fn is_time(time: &str) -> bool {
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone).unwrap_or_default();
    let (whole, fraction) = clock.split_once('.').map_or((clock, None), |(whole, rest)| (whole, Some(rest)));
    let is_clock = match *whole.as_bytes() {
        [h, i, b':', m, n] => fraction.is_none() && is_at_most(23, [h, i]) && is_at_most(59, [m, n]),
        [h, i, b':', m, n, b':', s, t] => {
            is_at_most(23, [h, i]) && is_at_most(59, [m, n]) && is_at_most(60, [s, t])
        }
        _ => false,
    };
    let is_fraction = fraction.is_none_or(|fraction| {
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_zone = match *zone.as_bytes() {
        [] | [b'Z'] => true,
        [b'+' | b'-', h, i, b':', m, n] => is_at_most(14, [h, i]) && is_at_most(59, [m, n]),
        _ => false,
    };
    is_clock && is_fraction && is_zone
}

fn is_at_most(most: i16, digits: [u8; 2]) -> bool {
    number(digits).is_some_and(|number| number <= most)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn makes_dates_coarser_and_takes_nothing_else() {
        let reference = date(2026, 1, 1);
        let year = &Generalise::Year { reference: None };
        let top = &Generalise::Year { reference: Some(reference) };
        let age = &Generalise::Age { reference };
        let band = |width| Generalise::AgeBand { width, reference };
        for (how, text, wanted) in [
            (year, "1948-12-25", Some("\"1948\"")),
            (year, "1948", Some("\"1948\"")),
            (year, "2026-03-04T09:20:00+01:00", Some("\"2026\"")),
            (year, "2026-03-04T09:20:00.123Z", Some("\"2026\"")),
            (top, "1930-05-05", Some("\"1936\"")),
            (top, "1948", Some("\"1948\"")),
            (&Generalise::Month, "1948-12-25", Some("\"1948-12\"")),
            (&Generalise::Month, "1948", None),
            (&Generalise::Week, "2026-01-01", Some("\"2026-W01\"")),
            (&Generalise::Week, "2027-01-01", Some("\"2026-W53\"")),
            (&Generalise::Week, "2026-01", None),
            (&Generalise::Decade { reference: None }, "1948-12-25", Some("\"1940\"")),
            (&Generalise::Decade { reference: Some(reference) }, "1901", Some("\"1930\"")),
            (age, "1948-12-25", Some("77")),
            (age, "2026-01-01", Some("0")),
            (age, "2026-01-02", None),
            (age, "1901-01-01", Some("90")),
            (age, "1948", None),
            (&band(5), "1948-12-25", Some("\"75-79\"")),
            (&band(10), "1948-12-25", Some("\"70-79\"")),
            (&band(10), "1901-01-01", Some("\"90+\"")),
            (year, "25-12-1948", None),
            (year, "1948-13-01", None),
            (year, "1948-02-30", None),
            (year, "1948-1-1", None),
            (year, "1948-12-25 09:20", None),
            (year, "1948-12T09:20", None),
            (year, "2026-03-04T25:00:00Z", None),
            (year, "2026-03-04T09:20Z01:00", None),
            (year, "2026-03-04T", None),
            (year, "0000-01-01", None),
            (year, "0001", Some("\"0001\"")),
            (year, "2026-03-04T09:20:60.123456789+14:59", Some("\"2026\"")),
            (year, "2026-03-04T09:20:31.1234567890Z", None),
            (year, "2026-03-04T09:20:31.Z", None),
            (year, "2026-03-04T09:20.5", None),
            (year, "2026-03-04T09:60", None),
            (year, "2026-03-04T09:20:61", None),
            (year, "2026-03-04T09:20+15:00", None),
            (year, "2026-03-04T09:20+01:60", None),
            (year, "2026-03-04T9:20", None),
            (year, "+948-12-25", None),
            (year, "1948-12-25-", None),
            (year, "1948-12-2\u{e9}T09:20", None),
            (year, "", None),
            (year, "2512489996", None),
        ] {
            assert_eq!(generalise(how, text).as_deref(), wanted, "{how:?} {text}");
        }
    }

    #[test]
    fn moves_whole_dates_and_no_others() {
        for (time_of_day, text, by, wanted) in [
            (false, "2024-02-28", 1, Some("2024-02-29")),
            (false, "2023-02-28", 1, Some("2023-03-01")),
            (false, "2026-01-01", -1, Some("2025-12-31")),
            (true, "2026-03-28T09:20:31.123+01:00", 7, Some("2026-04-04T09:20:31.123+01:00")),
            (false, "2026-03-28T09:20:31.123+01:00", 7, Some("2026-04-04T00:00:00+01:00")),
            (false, "2026-03-28T09:20", 7, Some("2026-04-04T00:00:00")),
            (true, "9999-12-31", 1, None),
            (true, "0001-01-01", -1, None),
            (true, "2026-03", 1, None),
            (true, "1948", 1, None),
            (true, "2026-02-30", 1, None),
            (true, "2512489996", 1, None),
        ] {
            assert_eq!(shift(time_of_day, text, || by).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn rounds_instants_by_their_own_clock() {
        let (hour, day) = (Precision::Hour, Precision::Day);
        for (to, text, wanted) in [
            (hour, "2026-03-04T09:20:31.123+01:00", Some("2026-03-04T09:00:00+01:00")),
            (hour, "2026-03-04T23:59:60Z", Some("2026-03-04T23:00:00Z")),
            (hour, "2026-03-04T09:20", Some("2026-03-04T09:00:00")),
            (day, "2026-03-04T23:20:00-05:30", Some("2026-03-04T00:00:00-05:30")),
            (day, "2026-03-04", Some("2026-03-04")),
            (hour, "2026-03", Some("2026-03")),
            (hour, "1948", Some("1948")),
            (hour, "2026-02-30T10:00:00Z", None),
            (hour, "09:20", None),
            (hour, "2512489996", None),
        ] {
            assert_eq!(round(to, text).as_deref(), wanted, "{text}");
        }
    }
}
