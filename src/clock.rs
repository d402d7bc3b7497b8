//! The only reader of the time. Everything else is handed an instant or a date, so that tests
//! and `--at` decide what day it is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Where an agreement's last day ends: its dates are Danish ones.
const HOME: &str = "Europe/Copenhagen";

/// Gives the time; [`Clock::fixed_on`] holds the date still. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
    fixed: Option<Arc<Mutex<Date>>>,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self { zone: TimeZone::get(HOME).unwrap_or(TimeZone::UTC), fixed: None }
    }

    /// A clock whose date moves only by [`Clock::move_to`]; its instants still do.
    #[must_use]
    pub fn fixed_on(date: Date) -> Self {
        Self { fixed: Some(Arc::new(Mutex::new(date))), ..Self::system() }
    }

    /// Sets the date of a fixed clock and its clones, as midnight does to the others; the
    /// machine's own clock is not touched.
    pub fn move_to(&self, date: Date) {
        if let Some(fixed) = &self.fixed {
            *fixed.lock().unwrap_or_else(PoisonError::into_inner) = date;
        }
    }

    /// Today's date in Copenhagen: the day by which agreements lapse (G9).
    #[must_use]
    pub fn today(&self) -> Date {
        self.fixed.as_ref().map_or_else(
            || self.timestamp().to_zoned(self.zone.clone()).date(),
            |fixed| *fixed.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// When a day begins in Copenhagen, in milliseconds since the Unix epoch; `None` outside the years
    /// that a calendar has, and before 1970.
    #[must_use]
    pub fn begin_of(&self, date: Date) -> Option<u64> {
        let midnight = date.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond();
        u64::try_from(midnight).ok()
    }

    /// When a clock in Copenhagen shows a date and time; where it shows it twice, the first.
    #[must_use]
    pub fn when(&self, shown: DateTime) -> Option<u64> {
        let at = shown.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond();
        u64::try_from(at).ok()
    }

    /// What somebody wrote as a day (`2026-03-31`; when it begins, or where it is an end, the next one) or as a
    /// time (`2026-03-31T14:30`) of a clock in Copenhagen. `None` for anything else: of a time, no part is
    /// passed over.
    #[must_use]
    pub fn written(&self, text: &str, at_end: bool) -> Option<u64> {
        let (day, time) = text.split_at_checked("2026-03-31".len())?;
        let date: Date = day.parse().ok()?;
        if date.to_string() != day {
            return None;
        }
        if time.is_empty() {
            return self.begin_of(if at_end { date.tomorrow().ok()? } else { date });
        }
        // A zone would be read, and not heeded.
        let plain = time.strip_prefix('T')?;
        plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')).then_some(())?;
        self.when(date.to_datetime(plain.parse().ok()?))
    }

    /// The day in Copenhagen at a time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn date_at(&self, unix_millis: u64) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(i64::try_from(unix_millis).ok()?).ok()?;
        Some(at.to_zoned(self.zone.clone()).date())
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_millis(&self) -> u64 {
        u64::try_from(self.since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    /// A monotonic instant, for deadlines and durations.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where the time is read")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// The time of day, for records and certificates.
    #[must_use]
    pub fn timestamp(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
            .checked_add(jiff::SignedDuration::try_from(self.since_epoch()).unwrap_or_default())
            .unwrap_or(jiff::Timestamp::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "this module is where the time is read")]
    fn since_epoch(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_a_day_or_a_whole_time() {
        let clock = Clock::system();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond().cast_unsigned();
        assert_eq!(clock.written("2026-03-04", false), Some(at("2026-03-03T23:00:00Z")));
        assert_eq!(clock.written("2026-03-04", true), Some(at("2026-03-04T23:00:00Z")));
        for at_end in [false, true] {
            assert_eq!(clock.written("2026-03-04T14:30", at_end), Some(at("2026-03-04T13:30:00Z")));
        }
        for neither in [
            "",
            "2026-03",
            "2026-02-30",
            "4 March 2026",
            "2026-03-04T25:00",
            "2026-03-04T14:30Z",
            "20260304",
            "2026-03-04T14:30+00:00",
            "2026-03-04T14:30-04",
            "2026-03-04[Europe/Copenhagen]",
            "2026-03-04T14:30[Europe/Copenhagen]",
        ] {
            assert_eq!(clock.written(neither, false), None, "{neither}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_copenhagen_also_when_the_clocks_change() {
        let clock = Clock::system();
        for (date, wanted) in [
            (Date::constant(2026, 1, 1), "2025-12-31T23:00:00Z"),
            (Date::constant(2026, 3, 29), "2026-03-28T23:00:00Z"),
            (Date::constant(2026, 3, 30), "2026-03-29T22:00:00Z"),
        ] {
            let begin = clock.begin_of(date).unwrap();
            let wanted: jiff::Timestamp = wanted.parse().unwrap();
            assert_eq!(begin, u64::try_from(wanted.as_millisecond()).unwrap());
            assert_eq!(clock.date_at(begin), Some(date));
            assert_eq!(clock.date_at(begin - 1), date.yesterday().ok());
        }
    }

    #[test]
    fn a_fixed_date_moves_only_when_told_and_for_every_clone() {
        let (first, second) = (Date::constant(2026, 3, 1), Date::constant(2026, 3, 2));
        let clock = Clock::fixed_on(first);
        let clone = clock.clone();
        assert_eq!(clone.today(), first);
        clock.move_to(second);
        assert_eq!(clone.today(), second);
    }
}
