//! CPR numbers that travel as JSON numbers: without their leading zero, with an exponent, with a
//! decimal point for the dash or anywhere else.

use super::Number;
use super::run;

/// Whether a JSON number could be a CPR number: its integer part has nine or ten digits in
/// whatever notation, its significant digits are a number's wherever the point stands, or its
/// text holds a number.
///
/// Does not ask for a date where the integer part alone decides: whether a rule must say
/// `number = "not-cpr"` shall not hang on the value. In other scalings it does: measurements and
/// coordinates have nine and ten digits too.
#[must_use]
pub fn number_could_be_cpr(json_number: &[u8]) -> bool {
    let has_exponent = || json_number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    if json_number.len() < SHORTEST_WITHOUT_EXPONENT && !has_exponent() {
        return false;
    }
    let Some(number) = Decimal::read(json_number) else { return false };
    matches!(number.integer_len(), 9 | 10)
        || number.person().is_some()
        || std::str::from_utf8(json_number).is_ok_and(run::any)
}

/// `504909995`, and `50490.999`, which lost its first and its last zero.
const SHORTEST_WITHOUT_EXPONENT: usize = 9;

/// The number that an integer-valued JSON number stands for, its leading zero put back.
#[must_use]
pub fn parse_number(json_number: &[u8]) -> Option<Number> {
    let number = Decimal::read(json_number)?;
    if json_number.starts_with(b"-") || !matches!(number.integer_len(), 9 | 10) || number.has_fraction() {
        return None;
    }
    run::number(number.padded(10))
}

/// The number whose digits a JSON number could have, wherever its sign, point and exponent are.
pub(super) fn person(json_number: &[u8]) -> Option<Number> {
    Decimal::read(json_number)?.person()
}

/// The value of a JSON number as its significant digits and the place of the point.
struct Decimal {
    /// Without leading and trailing zeros; more than [`MAX_SIGNIFICANT`] are not a CPR number.
    digits: [u8; MAX_SIGNIFICANT],
    count: usize,
    /// How many of the digits stand before the point; past `count` zeros follow.
    point: i64,
}

/// Enough for `2512489996.5`, and to tell that there is a fraction at all.
const MAX_SIGNIFICANT: usize = 24;
/// Exponents beyond this are as good as infinite.
const MAX_EXPONENT: i64 = 1_000_000_000;

impl Decimal {
    /// Reads what the grammar of RFC 8259 section 6 allows; `None` for zero and for what is no
    /// number. Never takes longer than one look at each byte.
    fn read(json_number: &[u8]) -> Option<Self> {
        let mut number = Self { digits: [0; MAX_SIGNIFICANT], count: 0, point: 0 };
        let mut significant = 0_usize;
        let mut last_nonzero = 0_usize;
        let mut after_point = false;
        let mut bytes = json_number.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'-' => {}
                b'.' => after_point = true,
                b'e' | b'E' => {
                    number.point = number.point.saturating_add(exponent(bytes.as_slice())?);
                    break;
                }
                b'0' if significant == 0 => {
                    number.point = number.point.saturating_sub(i64::from(after_point));
                }
                b'0'..=b'9' => {
                    if let Some(place) = number.digits.get_mut(significant) {
                        *place = byte;
                    }
                    significant = significant.saturating_add(1);
                    if byte != b'0' {
                        last_nonzero = significant;
                    }
                    number.point = number.point.saturating_add(i64::from(!after_point));
                }
                _ => return None,
            }
        }
        number.count = last_nonzero;
        (significant > 0).then_some(number)
    }

    /// Digits before the point, at least 0.
    fn integer_len(&self) -> i64 {
        self.point.max(0)
    }

    fn has_fraction(&self) -> bool {
        i64::try_from(self.count).unwrap_or(i64::MAX) > self.point
    }

    /// The digits with zeros before them so that `before` stand before the point.
    fn padded(&self, before: i64) -> [u8; 10] {
        let mut padded = [b'0'; 10];
        let zeros = usize::try_from(before.saturating_sub(self.point)).unwrap_or(0);
        let places = padded.iter_mut().skip(zeros);
        for (place, digit) in places.zip(self.digits.iter().take(self.count)) {
            *place = *digit;
        }
        padded
    }

    /// The number whose digits these could be: its integer part as it stands, `ddmmyy.ssss`, or
    /// nine or ten significant digits wherever the point stands, the first or last zero put back.
    fn person(&self) -> Option<Number> {
        let ten = |first: usize| {
            let mut ten = [b'0'; 10];
            let places = ten.iter_mut().skip(first);
            for (place, digit) in places.zip(self.digits.iter().take(self.count)) {
                *place = *digit;
            }
            run::number(ten)
        };
        let whole = || matches!(self.integer_len(), 9 | 10).then(|| run::number(self.padded(10)))?;
        let parted = || self.is_date_and_serial().then(|| run::number(self.padded(6)))?;
        let scaled = || match self.count {
            9 if self.point == 9 => ten(1),
            9 => ten(1).or_else(|| ten(0)),
            10 => ten(0),
            _ => None,
        };
        whole().or_else(parted).or_else(scaled)
    }

    /// `251248.9996`, also if it lost its first or last zero on the way or has an exponent.
    fn is_date_and_serial(&self) -> bool {
        let decimals = i64::try_from(self.count).unwrap_or(i64::MAX).saturating_sub(self.point);
        matches!(decimals, 3 | 4) && run::number(self.padded(6)).is_some()
    }
}

fn exponent(digits: &[u8]) -> Option<i64> {
    let (negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte.wrapping_sub(b'0')))?;
        value = value.saturating_mul(10).saturating_add(digit).min(MAX_EXPONENT);
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_nine_or_ten_digits_could_be_one_in_any_notation() {
        for (json, could, parsed) in [
            ("2512489996", true, Some("2512489996")),
            ("-2512489996", true, None),
            ("2512489996.0", true, Some("2512489996")),
            ("2512489996.000000000000000000000000000000", true, Some("2512489996")),
            ("2.512489996e9", true, Some("2512489996")),
            ("2.512489996E+9", true, Some("2512489996")),
            ("0.0000002512489996e16", true, Some("2512489996")),
            ("25124899960e-1", true, Some("2512489996")),
            ("251248999600000000000000000000000000e-26", true, Some("2512489996")),
            ("504909995", true, Some("0504909995")),
            ("5.04909995e8", true, Some("0504909995")),
            ("250948e4", true, Some("2509480000")),
            ("2512489996.5", true, None),
            ("251248999.65", true, None),
            ("6704909995", true, Some("6704909995")),
            ("4512345678", true, None),
            ("1000000000", true, None),
            ("1e9", true, None),
            ("1.1e8", true, Some("0110000000")),
            ("2512489996e5", true, None),
            ("251248.9996e9", true, None),
            ("123456.2512489996", true, None),
            ("251248.9996", true, None),
            ("251248.999", true, None),
            ("251248.9000", true, None),
            ("2.512489996e5", true, None),
            ("50490.9995", true, None),
            ("251248.99", false, None),
            ("999999.9996", false, None),
            ("10150.25", false, None),
            ("25124899.96", true, None),
            ("-25124899.96", true, None),
            ("2.512489996", true, None),
            ("0.0002512489996", true, None),
            ("25124899960", true, None),
            ("2512489996000000", true, None),
            ("2512489996e-3", true, None),
            ("2512489996E-12", true, None),
            ("5.04909995", true, None),
            ("504909995000", true, None),
            ("25124899.9", true, None),
            ("55.6761234", false, None),
            ("55.67612345", false, None),
            ("0.12837193847", false, None),
            ("9.94909995", false, None),
            ("55.2512489996", true, None),
            ("55.25124899961", false, None),
            ("20304050", false, None),
            ("25124899961", false, None),
            ("1339531000016004", false, None),
            ("1772616060123", false, None),
            ("0", false, None),
            ("-0.0e99", false, None),
            ("1e999999999", false, None),
            ("1e-999999999", false, None),
            ("1e99999999999999999999999999999999999999", false, None),
            ("2512489996e-99999999999999999999999999999", true, None),
            ("156.28", false, None),
        ] {
            assert_eq!(number_could_be_cpr(json.as_bytes()), could, "{json}");
            assert_eq!(parse_number(json.as_bytes()).as_ref().map(Number::canonical), parsed, "{json}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", "e", "1e", "abcdefghij", "1.2.3.4.5.6", "--------", "......", "eeeeeeeee"] {
            assert!(!number_could_be_cpr(text.as_bytes()), "{text}");
            assert_eq!(parse_number(text.as_bytes()), None);
        }
    }
}
