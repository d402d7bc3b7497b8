//! The only reader of the time. Everything else is handed an instant or a date, so that tests
//! and `--at` decide what day it is.

use std::time::{Duration, Instant, SystemTime};

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Where an agreement's last day ends: its dates are Danish ones.
const HOME: &str = "Europe/Copenhagen";

/// Gives the time; [`Clock::fixed_on`] holds the date still.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
    fixed: Option<Date>,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self { zone: TimeZone::get(HOME).unwrap_or(TimeZone::UTC), fixed: None }
    }

    /// A clock whose date never moves; its instants still do.
    #[must_use]
    pub fn fixed_on(date: Date) -> Self {
        Self { fixed: Some(date), ..Self::system() }
    }

    /// Today's date in Copenhagen: the day by which agreements lapse (G9).
    #[must_use]
    pub fn today(&self) -> Date {
        self.fixed.unwrap_or_else(|| self.timestamp().to_zoned(self.zone.clone()).date())
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
