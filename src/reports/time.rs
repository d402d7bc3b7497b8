//! Times as reports show them: Danish civil time on paper, UTC in JSON and CSV.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use serde::{Serialize, Serializer};

use super::text::Text;
use crate::store::{Millis, Window};

/// Where the readers are: the clinics are Danish, and so are their days and months.
const HOME: &str = "Europe/Copenhagen";

fn local(at: Millis) -> Zoned {
    timestamp(at).to_zoned(TimeZone::get(HOME).unwrap_or(TimeZone::UTC))
}

fn timestamp(at: Millis) -> Timestamp {
    let millis = i64::try_from(at).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// `4. marts 2026 kl. 05.53`.
pub(super) fn long(at: Millis, text: &Text) -> String {
    let local = local(at);
    let (hour, minute) = (local.hour(), local.minute());
    text.date_and_time
        .replace("{date}", &long_date(local.date(), text))
        .replace("{hour}", &format!("{hour:02}"))
        .replace("{minute}", &format!("{minute:02}"))
}

/// `4. marts 2026`.
pub(super) fn day(at: Millis, text: &Text) -> String {
    long_date(local(at).date(), text)
}

/// `4. marts 2026` of a civil date.
pub(super) fn long_date(date: Date, text: &Text) -> String {
    let month = usize::try_from(date.month()).ok().and_then(|month| text.months.get(month.checked_sub(1)?));
    text.date
        .replace("{day}", &date.day().to_string())
        .replace("{month}", month.copied().unwrap_or_default())
        .replace("{year}", &date.year().to_string())
}

/// `2026-03-04 05:53:20`, for tables: sorts as it reads.
pub(super) fn short(at: Millis) -> String {
    let local = local(at);
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    format!("{} {hour:02}:{minute:02}:{second:02}", local.date())
}

/// `2026-03-04T04:53:20.000Z`.
pub(super) fn utc(at: Millis) -> String {
    format!("{:.3}", timestamp(at))
}

pub(super) fn rfc3339<S: Serializer>(at: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&utc(*at))
}

pub(super) fn rfc3339_or_none<S: Serializer>(at: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(utc).serialize(serializer)
}

pub(super) fn date<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

/// A calendar month in Denmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    first: Date,
}

impl Month {
    /// Reads `2026-11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |part: &str, wanted| part.len() == wanted && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
        (first.year() >= 1970).then_some(Self { first })
    }

    /// From its first millisecond in Denmark to that of the next month.
    #[must_use]
    pub fn window(self) -> Window {
        let next = self.first.saturating_add(1.month());
        Window { from: begin(self.first), to: begin(next) }
    }

    /// `november 2026`.
    pub(super) fn words(self, text: &Text) -> String {
        let month = usize::try_from(self.first.month()).ok();
        let name =
            month.and_then(|month| text.months.get(month.checked_sub(1)?)).copied().unwrap_or_default();
        format!("{name} {}", self.first.year())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn begin(date: Date) -> Millis {
    let zoned = date.to_zoned(TimeZone::get(HOME).unwrap_or(TimeZone::UTC));
    zoned.map_or(0, |zoned| u64::try_from(zoned.timestamp().as_millisecond()).unwrap_or(0))
}

/// The day of an instant, in Denmark.
pub(super) fn date_of(at: Millis) -> Date {
    local(at).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_danish_one_and_knows_summer_time() {
        let window = Month::parse("2026-03").unwrap().window();
        assert_eq!(
            (utc(window.from), utc(window.to)),
            ("2026-02-28T23:00:00.000Z".into(), "2026-03-31T22:00:00.000Z".into())
        );
        for bad in ["2026-3", "2026-13", "2026-00", "26-03", "2026-03-01", "", "1969-12", "+026-03"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn paper_has_danish_time_and_json_has_utc() {
        let at = 1_772_600_000_000;
        assert_eq!(long(at, &super::super::text::DA), "4. marts 2026 kl. 05.53");
        assert_eq!(long(at, &super::super::text::EN), "4 March 2026 at 05:53");
        assert_eq!(short(at), "2026-03-04 05:53:20");
        assert_eq!(utc(at), "2026-03-04T04:53:20.000Z");
    }
}
