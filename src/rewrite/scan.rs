//! Finds telephone numbers, e-mail addresses and known names in free text.

use std::collections::HashSet;
use std::ops::Range;

use crate::policy::checked::Scan;

const PHONE: &str = "[phone]";
const EMAIL: &str = "[email]";
const NAME: &str = "[name]";

/// Danish numbers have eight digits.
const PHONE_DIGITS: usize = 8;
/// The country code, in the forms that stand before a number.
const COUNTRY_CODES: [&str; 3] = ["+45", "0045", "45"];

/// What the rule wants found in `text`, and the constant that takes its place. `names` holds
/// words in lower case.
pub(super) fn find(wanted: &Scan, text: &str, names: &HashSet<String>) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    if wanted.phone {
        found.extend(phones(text).into_iter().map(|at| (at, PHONE)));
    }
    if wanted.email {
        found.extend(emails(text).into_iter().map(|at| (at, EMAIL)));
    }
    if !wanted.names.is_empty() && !names.is_empty() {
        let known =
            words(text).filter(|at| names.contains(&text.get(at.clone()).unwrap_or_default().to_lowercase()));
        found.extend(known.map(|at| (at, NAME)));
    }
    found
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = rest.find(|(_, c)| c.is_alphanumeric())?;
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

/// Groups of digits with single separators that come to eight digits, after a country code or none.
fn phones(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) =
        bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)).map(|n| at + n)
    {
        let (mut end, mut digits) = (start, 0_usize);
        let mut next = start;
        while let Some(byte) = bytes.get(next) {
            if byte.is_ascii_digit() {
                digits += 1;
                end = next + 1;
            } else if !matches!(byte, b' ' | b'-' | b'.') || end != next {
                break;
            }
            next += 1;
        }
        let plus = start.checked_sub(1).filter(|before| bytes.get(*before) == Some(&b'+'));
        let from = plus.unwrap_or(start);
        let written = text.get(from..end).unwrap_or_default();
        let coded = COUNTRY_CODES.iter().any(|code| {
            written.starts_with(code) && digits == PHONE_DIGITS + code.trim_start_matches('+').len()
        });
        if digits == PHONE_DIGITS || coded {
            found.push(from..end);
        }
        at = end.max(start + 1);
    }
    found
}

fn emails(text: &str) -> Vec<Range<usize>> {
    let local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let address = |(at, _): (usize, &str)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let from = at - before.chars().rev().take_while(|c| local(*c)).map(char::len_utf8).sum::<usize>();
        let length = after.chars().take_while(|c| domain(*c)).map(char::len_utf8).sum::<usize>();
        (from < at && length > 0).then_some(from..at + 1 + length)
    };
    text.match_indices('@').filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, &'static str)> {
        let wanted =
            Scan { phone: true, email: true, names: vec![crate::policy::location::Location::default()] };
        let names = HashSet::from(["berggren".to_owned(), "åse".to_owned()]);
        find(&wanted, text, &names).into_iter().map(|(at, with)| (text.get(at).unwrap(), with)).collect()
    }

    #[test]
    fn finds_phones_addresses_and_names() {
        for (text, wanted) in [
            ("ring 20304050 nu", vec![("20304050", PHONE)]),
            ("20 30 40 50", vec![("20 30 40 50", PHONE)]),
            ("+45 20 30 40 50,", vec![("+45 20 30 40 50", PHONE)]),
            ("4520304050", vec![("4520304050", PHONE)]),
            ("0045 2030-4050", vec![("0045 2030-4050", PHONE)]),
            ("123456789", vec![]),
            ("5790001382445", vec![]),
            ("skriv til a.b+c@klinik.example.", vec![("a.b+c@klinik.example.", EMAIL)]),
            ("@ alene", vec![]),
            ("Fru BERGGREN og Åse-Marie", vec![("BERGGREN", NAME), ("Åse", NAME)]),
            ("Berggrensen", vec![]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }
}
