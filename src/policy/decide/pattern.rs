//! Whether a value fits the pattern that a policy asks of it. Patterns are a closed set, ASCII
//! only, and bounded in length.

use jiff::civil::Date;

use crate::policy::checked::Pattern;

/// Longer than any value that a pattern admits.
const LONGEST: usize = 256;
/// What FHIR puts before a date to say how it compares (R4 section 3.1.1.5.6).
const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

impl Pattern {
    /// Whether `value`, decoded, fits.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        if value.is_empty() || value.len() > LONGEST {
            return false;
        }
        match self {
            Self::Date => is_date(value),
            Self::FhirDate => {
                let date = PREFIXES.iter().find_map(|p| value.strip_prefix(p)).unwrap_or(value);
                is_date(date) || is_instant(date) || is_year_or_month(date)
            }
            Self::Instant => is_instant(value),
            Self::Integer => value.len() <= 9 && digits(value),
            Self::Uuid => is_uuid(value),
            Self::Word => value.len() <= 64 && value.bytes().all(is_word_byte),
            Self::Token => is_token(value),
            Self::OneOf(words) => words.iter().any(|word| word == value),
        }
    }

    /// Whether a CPR could hide in a value that fits: the others have too few digits in a run,
    /// or are the policy's own words.
    #[must_use]
    pub fn can_hold_cpr(&self) -> bool {
        match self {
            Self::Word | Self::Token | Self::Uuid | Self::Integer => true,
            Self::Date | Self::FhirDate | Self::Instant | Self::OneOf(_) => false,
        }
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

/// `2026-03-04`, a day that exists.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && text.parse::<Date>().is_ok()
}

/// `2026` or `2026-03`.
fn is_year_or_month(text: &str) -> bool {
    match text.split_once('-') {
        None => text.len() == 4 && digits(text),
        Some(_) => is_date(&format!("{text}-01")),
    }
}

/// RFC 3339 section 5.6 `date-time`, with `T` and at most nine digits of fraction.
fn is_instant(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else { return false };
    let (time, zone_fits) = if let Some(time) = rest.strip_suffix('Z') {
        (time, true)
    } else if let Some((time, offset)) = rest.rsplit_once(['+', '-']) {
        (time, is_clock(offset, &[23, 59]))
    } else {
        return false;
    };
    let (clock, fraction_fits) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, fraction.len() <= 9 && digits(fraction)),
        None => (time, true),
    };
    zone_fits && fraction_fits && is_date(date) && is_clock(clock, &[23, 59, 60])
}

/// Two-digit parts between colons, each at most so much.
fn is_clock(text: &str, most: &[u8]) -> bool {
    let mut parts = text.split(':');
    most.iter().all(|&most| {
        parts.next().is_some_and(|part| {
            part.len() == 2 && digits(part) && part.parse().is_ok_and(|part: u8| part <= most)
        })
    }) && parts.next().is_none()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `[system|]code`: the system of URI characters, the code of a word's.
fn is_token(text: &str) -> bool {
    let (system, code) = text.split_once('|').unwrap_or(("", text));
    system.bytes().all(|byte| is_word_byte(byte) || b":/#~".contains(&byte))
        && !code.is_empty()
        && code.len() <= 64
        && code.bytes().all(is_word_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_the_pattern_that_their_form_says() {
        let cases: &[(Pattern, &[&str], &[&str])] = &[
            (
                Pattern::Date,
                &["2026-03-04", "2024-02-29"],
                &["2026-02-29", "2026-3-4", "20260304", "", "2026-03-04 ", "２026-03-04"],
            ),
            (
                Pattern::FhirDate,
                &["2026", "2026-03", "ge2026-03-04", "lt2026-03-04T10:00:00Z", "ap2026"],
                &["ge", "2026-13", "xx2026-03-04", "gege2026", "26", "2026-03-04T10:00"],
            ),
            (
                Pattern::Instant,
                &["2026-03-04T10:15:00Z", "2026-03-04T23:59:60+01:00", "2026-03-04T10:15:00.5Z"],
                &[
                    "2026-03-04T24:00:00Z",
                    "2026-03-04T10:15:00",
                    "2026-03-04T10:15:00.2512489996Z",
                    "2026-03-04T10:15Z",
                    "2026-03-04t10:15:00z",
                    "2026-03-04T10:15:00+1:00",
                ],
            ),
            (Pattern::Integer, &["0", "123456789"], &["1234567890", "-1", "1.5", "+1"]),
            (
                Pattern::Uuid,
                &["0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49"],
                &["0b5e1f6a2f7e4e579e0f0d8f1c2b3a49", "{0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a4}"],
            ),
            (Pattern::Word, &["a", "Ab-9._"], &["a b", "a/b", "å", "a%2f", &"x".repeat(65)]),
            (
                Pattern::Token,
                &["http://loinc.org|1234-5", "final", "urn:oid:1.2.3|x", "|x"],
                &["a|", "a|b|c", "a b|c", "|", "x&y"],
            ),
            (Pattern::OneOf(vec!["a".to_owned(), "b c".to_owned()]), &["a", "b c"], &["c", "A", "a,b c"]),
        ];
        for (pattern, good, bad) in cases {
            for value in *good {
                assert!(pattern.fits(value), "{pattern:?} must admit {value}");
            }
            for value in *bad {
                assert!(!pattern.fits(value), "{pattern:?} must refuse {value}");
            }
        }
        // Nothing, and what is longer than any value should be, fits not even as a policy's own word.
        let words = [0, LONGEST, LONGEST + 1, LONGEST + 2].map(|length| "x".repeat(length));
        let fits = words.each_ref().map(|word| Pattern::OneOf(words.to_vec()).fits(word));
        assert_eq!(fits, [false, true, false, false]);
    }
}
