//! Values that become coarser, or are moved.

use jiff::civil::Date;

use crate::json::Decimal;

/// Coarser dates, numbers, postcodes and codes. Anything else than the rule is for is unfit. A date
/// is an ISO 8601 date or instant (FHIR `date`, `dateTime`, `instant`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generalise {
    /// `1948`; with a reference date, years of those aged 90 and more become one.
    Year {
        /// The day that ages are counted at.
        reference: Option<Date>,
    },
    /// `1948-12`.
    Month,
    /// `1948-W52` (ISO 8601 week).
    Week,
    /// `1940`: the first year of the decade.
    Decade {
        /// The day that ages are counted at.
        reference: Option<Date>,
    },
    /// Whole years at the reference date, `90` for 90 and more; a number.
    Age {
        /// The day that ages are counted at.
        reference: Date,
    },
    /// `75-79`, `90+`.
    AgeBand {
        /// 5 or 10 years.
        width: u8,
        /// The day that ages are counted at.
        reference: Date,
    },
    /// A number: the largest multiple of the step that is not above it.
    Step(Decimal),
    /// A number: `<18`, `18-<65`, `65+`, by bounds that rise.
    Bands(Vec<Decimal>),
    /// A postcode: the region that it lies in on that day.
    PostcodeRegion {
        /// The day; regions are merged and parted.
        reference: Date,
    },
    /// A postcode: its first two digits.
    Postcode2,
    /// A code of a classification: so many characters of it, from the first.
    CodePrefix {
        /// Which classification: what is no code of it is unfit.
        system: CodeSystem,
        /// How many characters.
        length: u8,
    },
}

/// Classifications whose codes begin with what is more general.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSystem {
    /// ICD-10 of the WHO: `E11.9`, `E119`.
    Icd10,
    /// Diagnoses of the Danish SKS: `DE119`, ICD-10 behind a `D`.
    Sks,
    /// ICPC-2: `T90`.
    Icpc2,
    /// ATC of the WHO: `A10BA02`.
    Atc,
}

impl CodeSystem {
    /// All, by the words of the language.
    pub const ALL: [(&str, Self); 4] = [
        (Self::Icd10.word(), Self::Icd10),
        (Self::Sks.word(), Self::Sks),
        (Self::Icpc2.word(), Self::Icpc2),
        (Self::Atc.word(), Self::Atc),
    ];

    /// The word of the language.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Icd10 => "icd-10",
            Self::Sks => "sks",
            Self::Icpc2 => "icpc-2",
            Self::Atc => "atc",
        }
    }

    /// How many characters may be left: where one level of the classification ends.
    #[must_use]
    pub const fn lengths(self) -> &'static [u8] {
        match self {
            Self::Icd10 => &[1, 2, 3, 4],
            Self::Sks => &[2, 3, 4, 5],
            Self::Icpc2 => &[1, 3],
            Self::Atc => &[1, 3, 4, 5, 7],
        }
    }
}

/// Values that are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// An instant: the beginning of the hour or day that it is in.
    Instant {
        /// Hour or day.
        to: Precision,
        /// Of numbers: what they count.
        epoch: Option<Epoch>,
    },
    /// A number: so many digits after the point, a half away from zero.
    Digits(u8),
}

/// What an instant is rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// The hour.
    Hour,
    /// The day.
    Day,
}

/// Instants that are numbers, counted from 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// What they count.
    pub unit: EpochUnit,
    /// `number = "not-cpr"`: a number of nine or ten digits here is no CPR.
    pub number_not_cpr: bool,
}

/// What instants that are numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUnit {
    /// Seconds.
    Seconds,
    /// Thousandths of them.
    Milliseconds,
}

/// Dates and instants that are moved by days drawn for the record's one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// How many days at most, either way.
    pub days: u16,
    /// By whole weeks only.
    pub weekday: bool,
    /// The time of day stays; else it becomes midnight.
    pub time_of_day: bool,
    /// Of numbers: what they count.
    pub epoch: Option<Epoch>,
}

impl Shift {
    /// Half a year either way, where a policy does not say: neither the season nor the weekday is
    /// told, and no age is wrong by more than a year.
    pub const DEFAULT: Self = Self { days: 182, weekday: false, time_of_day: false, epoch: None };

    /// By how many days a number that was drawn moves: never by none.
    #[must_use]
    pub fn by(self, draw: u64) -> i32 {
        let (unit, range) = if self.weekday { (7, self.days / 7) } else { (1, self.days) };
        let range = i32::from(range);
        let index =
            draw.checked_rem(u64::from(range.unsigned_abs()) * 2).and_then(|index| i32::try_from(index).ok());
        let Some(index) = index else { return 0 };
        let steps = if index < range { index - range } else { index - range + 1 };
        steps * unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_either_way_by_every_number_of_days_but_none() {
        for (days, weekday, wanted) in [
            (1, false, &[-1, 1][..]),
            (3, false, &[-3, -2, -1, 1, 2, 3]),
            (15, true, &[-14, -7, 7, 14]),
            (0, false, &[0]),
        ] {
            let shift = Shift { days, weekday, ..Shift::DEFAULT };
            let count = u64::try_from(wanted.len()).unwrap();
            let moved: Vec<i32> = (0..count).map(|draw| shift.by(draw)).collect();
            assert_eq!(moved, wanted);
            assert_eq!(shift.by(count), shift.by(0), "begins anew");
        }
    }
}
