//! Numbers exactly as they are written, for arithmetic that must not go through binary fractions:
//! `0.1` stays a tenth.

/// Digits before and after the point that are taken: more than any measurement or amount has.
const PLACES: u8 = 18;
/// What one is, in the smallest unit.
const ONE: i128 = 1_000_000_000_000_000_000;
/// Numbers from here on are too large.
const LIMIT: i128 = ONE * ONE;

/// A decimal number of at most 18 digits before and 18 after its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// In units of 10^-18.
    units: i128,
    /// How many digits were written after the point, its exponent reckoned in.
    places: u8,
}

impl Decimal {
    /// Reads a number as RFC 8259 section 6 writes it. `None` for anything else, and for numbers with
    /// more digits before or after the point.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if whole.is_empty() || whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let mut units: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte & 0x0f))?;
            units = units.checked_mul(10)?.checked_add(digit)?;
        }
        let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let scale = u32::try_from(i32::from(PLACES).checked_sub(places)?).ok()?;
        units = units.checked_mul(10_i128.checked_pow(scale)?).filter(|units| *units < LIMIT)?;
        let units = if negative { units.checked_neg()? } else { units };
        Some(Self { units, places: u8::try_from(places.max(0)).ok()? })
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.units > 0
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.units < 0
    }

    /// The sum of it and a whole number; `None` if that is too large.
    #[must_use]
    pub fn plus(self, whole: i64) -> Option<Self> {
        let units = i128::from(whole).checked_mul(ONE)?.checked_add(self.units)?;
        Some(Self { units, places: self.places })
    }

    /// Whether it is less than another.
    #[must_use]
    pub const fn is_below(self, other: Self) -> bool {
        self.units < other.units
    }

    /// How many digits are written after the point.
    #[must_use]
    pub const fn places(self) -> u8 {
        self.places
    }

    /// The largest multiple of `step` that is not above it; `None` for a step that is not positive.
    #[must_use]
    pub fn floor_to(self, step: Self) -> Option<Self> {
        let steps = self.units.checked_div_euclid(step.units).filter(|_| step.is_positive())?;
        Some(Self { units: steps.checked_mul(step.units)?, places: step.places })
    }

    /// Rounded to so many digits after the point, a half away from zero; as it is if it has no more.
    #[must_use]
    pub fn rounded(self, places: u8) -> Option<Self> {
        if self.places <= places {
            return Some(self);
        }
        let unit = 10_i128.checked_pow(u32::from(PLACES.checked_sub(places)?))?;
        let (half, size) = (unit.checked_div(2)?, self.units.checked_abs()?);
        let size = size.checked_add(half)?.checked_div(unit)?.checked_mul(unit)?;
        Some(Self { units: size.checked_mul(self.units.signum())?, places })
    }
}

/// Whether two numbers, as RFC 8259 section 6 writes them, have the same value (RFC 9535 section 2.3.5.2.2), however
/// many digits they have: `1.0` is `1e0`, and `1e-400` is not `0`.
#[must_use]
pub fn is_same_value(one: &str, other: &str) -> bool {
    let value = value(one);
    value.is_some() && value == self::value(other)
}

/// Sign, significant digits and the power of ten of the last of them; nothing has no digits and no sign.
/// `None` for an exponent that no number of the other side can have.
fn value(text: &str) -> Option<(bool, String, i64)> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let led = all.trim_start_matches('0');
    let digits = led.trim_end_matches('0');
    if digits.is_empty() {
        return Some((false, String::new(), 0));
    }
    let dropped = i64::try_from(led.len().checked_sub(digits.len())?).ok()?;
    let after_point = i64::try_from(fraction.len()).ok()?;
    let power = exponent.parse::<i64>().ok()?.checked_sub(after_point)?.checked_add(dropped)?;
    Some((negative, digits.to_owned(), power))
}

impl std::fmt::Display for Decimal {
    /// Without exponent, with as many digits after the point as it has places.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.units.unsigned_abs();
        let one = ONE.unsigned_abs();
        let (whole, rest) = (size.checked_div(one).unwrap_or(0), size.checked_rem(one).unwrap_or(0));
        let sign = if self.units < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}")?;
        if self.places == 0 {
            return Ok(());
        }
        let rest = format!("{rest:018}");
        write!(f, ".{}", rest.get(..usize::from(self.places)).unwrap_or(&rest))
    }
}

/// An exponent of few digits: those of more are of numbers that are too large, or too small.
fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let good = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_exactly() {
        let zeros = format!("0.{}", "0".repeat(30));
        for (one, other) in [
            ("1.0", "1"),
            ("-10e-1", "-1"),
            ("1e3", "1000"),
            ("0.001E3", "1"),
            ("-0", "0"),
            (&zeros, "0"),
            ("0e99999999999999999999", "0"),
            ("9223372036854775807.0", "9223372036854775807"),
        ] {
            assert!(is_same_value(one, other) && is_same_value(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("1E-400", "0"),
            ("1e-17", "0"),
            ("1.00000000000000000001", "1"),
            ("-1", "1"),
            ("1e99999999999999999999", "1"),
            ("9223372036854775808", "9223372036854775807"),
        ] {
            assert!(!is_same_value(one, other) && !is_same_value(other, one), "{one} {other}");
        }
    }

    #[test]
    fn numbers_are_read_and_written_exactly() {
        for (text, wanted) in [
            ("0", Some("0")),
            ("-0", Some("0")),
            ("2.50", Some("2.50")),
            ("-1.5E+10", Some("-15000000000")),
            ("25e-1", Some("2.5")),
            ("1e0", Some("1")),
            ("0.1", Some("0.1")),
            ("999999999999999999.999999999999999999", Some("999999999999999999.999999999999999999")),
            ("1000000000000000000", None),
            ("0.0000000000000000001", None),
            ("1e400", None),
            ("1E-400", None),
            ("1e99999", None),
            ("01", None),
            (".5", None),
            ("5.", None),
            ("1e", None),
            ("1e+", None),
            ("+1", None),
            ("1,5", None),
            ("", None),
            ("-", None),
            ("\u{661}", None),
        ] {
            assert_eq!(Decimal::parse(text).map(|number| number.to_string()).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn steps_and_digits_are_decimal() {
        let of = |text| Decimal::parse(text).unwrap();
        for (number, step, wanted) in [
            ("12.7", "5", "10"),
            ("-0.5", "5", "-5"),
            ("-5", "5", "-5"),
            ("0.3", "0.1", "0.3"),
            ("2.75", "0.5", "2.5"),
            ("1e3", "250", "1000"),
        ] {
            assert_eq!(of(number).floor_to(of(step)).unwrap().to_string(), wanted, "{number} {step}");
        }
        assert_eq!(of("1").floor_to(of("0")), None);
        assert_eq!(of("1").floor_to(of("-1")), None);
        for (number, places, wanted) in [
            ("2.50", 1, "2.5"),
            ("2.45", 1, "2.5"),
            ("-2.45", 1, "-2.5"),
            ("7.96", 1, "8.0"),
            ("-0.04", 1, "0.0"),
            ("0.5", 0, "1"),
            ("2.5", 3, "2.5"),
            ("1.005", 2, "1.01"),
        ] {
            assert_eq!(of(number).rounded(places).unwrap().to_string(), wanted, "{number} {places}");
        }
    }
}
