//! Finds telephone numbers, e-mail addresses and known names in free text.

use std::collections::HashSet;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::policy::checked::Scan;

const PHONE: &str = "[phone]";
const EMAIL: &str = "[email]";
const NAME: &str = "[name]";

/// Danish numbers have eight digits.
const PHONE_DIGITS: usize = 8;
/// The country code, in the forms that stand before a number.
const COUNTRY_CODES: [&str; 3] = ["+45", "0045", "45"];

/// What the rule wants found in `text`, and the constant that takes its place. `names` holds
/// words as [`words`] gives them.
pub(super) fn find(
    wanted: &Scan,
    text: &str,
    names: [Option<&HashSet<String>>; 2],
) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    if wanted.phone {
        found.extend(phones(text).into_iter().map(|at| (at, PHONE)));
    }
    if wanted.email {
        found.extend(emails(text).into_iter().map(|at| (at, EMAIL)));
    }
    if !wanted.names.is_empty() && names.iter().flatten().any(|names| !names.is_empty()) {
        let known = words(text).into_iter().filter(|(_, word)| is_name(word, names));
        found.extend(known.map(|(at, _)| (at, NAME)));
    }
    found
}

/// The words of a text, as names are compared: in lower case, without marks on letters (`Å` is `A`,
/// however it was written), without what cannot be seen.
pub(super) fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let mut words: Vec<(Range<usize>, String)> = Vec::new();
    let mut open = false;
    for (at, c) in text.char_indices() {
        let end = at.saturating_add(c.len_utf8());
        if is_invisible(c) || is_combining_mark(c) {
            continue;
        }
        if c.is_alphanumeric() {
            if !open {
                words.push((at..at, String::new()));
            }
            if let Some((span, word)) = words.last_mut() {
                span.end = end;
                let folded = c.to_lowercase().nfd().filter(|c| !is_combining_mark(*c));
                word.extend(folded);
            }
        }
        open = c.is_alphanumeric();
    }
    words
}

/// Soft hyphens, zero-width characters and direction marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Also in the genitive: `Nancys`, `Berggrens`.
fn is_name(word: &str, names: [Option<&HashSet<String>>; 2]) -> bool {
    let known = |word: &str| names.iter().flatten().any(|names| names.contains(word));
    known(word) || word.strip_suffix('s').is_some_and(known)
}

/// Groups of digits with single separators that come to eight digits, after a country code or none.
fn phones(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut group = Group::default();
    for (at, c) in text.char_indices() {
        let end = at.saturating_add(c.len_utf8());
        if c.is_ascii_digit() {
            group.digit(text, at, end);
        } else if group.digits > 0 && !group.separated && is_separator(c) {
            group.separated = true;
        } else {
            found.extend(std::mem::take(&mut group).phone(text));
        }
    }
    found.extend(group.phone(text));
    found
}

#[derive(Default)]
struct Group {
    start: usize,
    end: usize,
    digits: usize,
    separated: bool,
}

impl Group {
    fn digit(&mut self, text: &str, at: usize, end: usize) {
        if self.digits == 0 {
            let plus = text.get(..at).is_some_and(|before| before.ends_with('+'));
            self.start = at.saturating_sub(usize::from(plus));
        }
        self.digits = self.digits.saturating_add(1);
        self.end = end;
        self.separated = false;
    }

    fn phone(self, text: &str) -> Option<Range<usize>> {
        let written = text.get(self.start..self.end)?;
        let coded = COUNTRY_CODES.iter().any(|code| {
            let more = code.trim_start_matches('+').len();
            written.starts_with(code) && self.digits == PHONE_DIGITS.saturating_add(more)
        });
        (self.digits == PHONE_DIGITS || coded).then_some(self.start..self.end)
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}')
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
        let names = HashSet::from(["berggren".to_owned(), "ase".to_owned(), "nancy".to_owned()]);
        find(&wanted, text, [Some(&names), None])
            .into_iter()
            .map(|(at, with)| (text.get(at).unwrap(), with))
            .collect()
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
            ("Nancys mor, fru Berggrens", vec![("Nancys", NAME), ("Berggrens", NAME)]),
            ("A\u{30a}se og Berg\u{ad}gren", vec![("A\u{30a}se", NAME), ("Berg\u{ad}gren", NAME)]),
            ("20\u{a0}30\u{a0}40\u{a0}50", vec![("20\u{a0}30\u{a0}40\u{a0}50", PHONE)]),
            ("20/30/40/50", vec![("20/30/40/50", PHONE)]),
            ("2030  4050", vec![]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }
}
