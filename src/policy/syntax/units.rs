//! Durations, sizes and rates as people write them.

use std::time::Duration;

use super::Flaw;

/// Reads `"500 ms"`, `"2 s"`, `"1 min"`, `"12 h"`, `"30 days"`.
///
/// # Errors
/// A [`Flaw`] that says how a duration is written.
pub fn parse_duration(text: &str) -> Result<Duration, Flaw> {
    let flaw = || {
        Flaw::new(
            format!("`{text}` is no duration"),
            "a whole number and a unit: `ms`, `s`, `min`, `h` or `days`",
        )
    };
    let (number, unit) = number_and_unit(text).ok_or_else(flaw)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "day" | "days" => 86_400_000,
        _ => return Err(flaw()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(flaw)
}

/// Reads a size in bytes: `"512 KiB"`, `"1 MiB"`, `"4096 B"`.
///
/// # Errors
/// A [`Flaw`] that says how a size is written.
pub fn parse_size(text: &str) -> Result<u64, Flaw> {
    let flaw = || {
        Flaw::new(
            format!("`{text}` is no size"),
            "a whole number and a unit of 1024: `B`, `KiB`, `MiB` or `GiB`",
        )
    };
    let (number, unit) = number_and_unit(text).ok_or_else(flaw)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(flaw()),
    };
    number.checked_mul(bytes).ok_or_else(flaw)
}

/// Reads `"50/s"` or `"5000/day"`, as said by `per` (`s`, `day`).
///
/// # Errors
/// A [`Flaw`] that says how the rate is written.
pub fn parse_rate(text: &str, per: &str) -> Result<u64, Flaw> {
    let flaw = || Flaw::new(format!("`{text}` is no rate"), format!("a whole number each {per}: `50/{per}`"));
    let (number, unit) = text.split_once('/').ok_or_else(flaw)?;
    let number = number.trim_end();
    if unit.trim() != per || number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(flaw());
    }
    number.parse().map_err(|_too_large| flaw())
}

/// The size as the largest unit that shows it whole.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes.checked_div(unit).unwrap_or(bytes));
        }
    }
    format!("{bytes} B")
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start_matches(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_refuses_what_has_none() {
        for (text, seconds) in
            [("2s", 2), ("3 min", 180), ("2 h", 7200), ("1 day", 86_400), ("30 days", 2_592_000)]
        {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        assert_eq!(parse_duration("500 ms").unwrap(), Duration::from_millis(500));
        for (text, bytes) in
            [("4096 B", 4096), ("3 KiB", 3072), ("1 MiB", 1_048_576), ("2GiB", 2_147_483_648)]
        {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
        assert_eq!(parse_rate("5000/day", "day").unwrap(), 5000);
        assert_eq!(parse_rate("50 / s", "s").unwrap(), 50);
        for bad in ["", "5", "s", "-1 s", "1.5 s", "1 second", "99999999999999999999 s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        for bad in ["1 MB", "1M", "18446744073709551615 GiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        for bad in ["50", "50/min", "/s", "-1/s", "+5/s"] {
            assert!(parse_rate(bad, "s").is_err(), "{bad}");
        }
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1500, "1500 B"),
            (1_048_576, "1 MiB"),
            (1_049_600, "1025 KiB"),
            (3_221_225_472, "3 GiB"),
        ] {
            assert_eq!(show_size(bytes), shown);
        }
    }
}
