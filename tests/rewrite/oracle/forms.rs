//! What actions make of a text, written out once more.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::civil::Date;
use tavs::cpr::{self, Search};
use tavs::policy::checked::{Generalise, Mask, Scan};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::tree::Tree;

/// What stands for a masked value.
pub(crate) const MASK: &str = "xxxxxxxxxx";

/// A masked text; `None`: unfit.
pub(crate) fn mask(how: Mask, text: &str) -> Option<String> {
    if cpr::search(text, &mut Vec::new()) != Search::Clean {
        return Some(MASK.to_owned());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let chars: Vec<char> = text.chars().collect();
    match how {
        Mask::All | Mask::Cpr => Some(MASK.to_owned()),
        Mask::FirstWord => {
            let letters = |c: char| c.is_alphabetic() || "-'\u{2019}".contains(c);
            let start = words.first()?;
            let word = &start[..start.find(|c| !letters(c)).unwrap_or(start.len())];
            word.starts_with(char::is_alphabetic).then(|| word.to_owned())
        }
        Mask::Initials => {
            let firsts = words.iter().map(|word| word.chars().next().unwrap());
            let initials: String = firsts.filter(|c| c.is_alphabetic()).map(|c| format!("{c}.")).collect();
            Some(initials).filter(|initials| !initials.is_empty())
        }
        Mask::Last4 if chars.len() <= 4 => Some("xxxxxx".to_owned()),
        Mask::Last4 => Some(format!("xxxxxx{}", chars[chars.len() - 4..].iter().collect::<String>())),
        Mask::Email => {
            let parts: Vec<&str> = text.split('@').collect();
            let domain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
            let good = parts.len() == 2 && !parts[1].is_empty() && parts[1].chars().all(domain);
            good.then(|| format!("xxxxxx@{}", parts[1]))
        }
    }
}

/// A masked number.
pub(crate) fn mask_number(how: Mask, raw: &str) -> Option<String> {
    match how {
        Mask::FirstWord | Mask::Initials | Mask::Email => None,
        Mask::Last4 if !cpr::number_could_be_cpr(raw.as_bytes()) => mask(how, raw),
        Mask::Last4 | Mask::All | Mask::Cpr => Some(MASK.to_owned()),
    }
}

/// A coarser date; `None`: unfit.
pub(crate) fn coarser_date(how: &Generalise, text: &str) -> Option<Tree> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let number = |range: Range<usize>| date[range].parse::<i16>().unwrap();
    let (year, month, whole): (i16, Option<i16>, Option<Date>) = match form(date).as_str() {
        "0000" => (number(0..4), None, None),
        "0000-00" => (number(0..4), Some(number(5..7)), None),
        "0000-00-00" => (number(0..4), Some(number(5..7)), Some(date.parse().ok()?)),
        _ => return None,
    };
    let has_year = year > 0 && month.is_none_or(|month| (1..=12).contains(&month));
    if !has_year || time.is_some_and(|time| whole.is_none() || !is_time(time)) {
        return None;
    }
    let top = |reference: &Option<Date>| match reference {
        Some(reference) if year < reference.year() - 90 => reference.year() - 90,
        _ => year,
    };
    let age = |reference: &Date| {
        let born = whole?;
        (0..=200).rev().find(|years| {
            // whoever is born on 29 February has the birthday on 1 March in other years
            let (year, month, day) = (born.year() + years, born.month(), born.day());
            (year, month, day) <= (reference.year(), reference.month(), reference.day())
        })
    };
    let text = match how {
        Generalise::Year { reference } => format!("{:04}", top(reference)),
        Generalise::Decade { reference } => format!("{:03}0", top(reference) / 10),
        Generalise::Month => format!("{year:04}-{:02}", month?),
        Generalise::Week => {
            let week = whole?.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
        Generalise::Age { reference } => return Some(Tree::Number(age(reference)?.min(90).to_string())),
        Generalise::AgeBand { width, reference } => match age(reference)? {
            90.. => "90+".to_owned(),
            age => {
                let width = i16::from(*width);
                let low = (0..).step_by(usize::from(width.unsigned_abs())).rfind_below(age);
                format!("{low}-{}", low + width - 1)
            }
        },
        _ => return None,
    };
    Some(Tree::string(&text))
}

trait RfindBelow {
    fn rfind_below(self, most: i16) -> i16;
}

impl<I: Iterator<Item = i16>> RfindBelow for I {
    fn rfind_below(self, most: i16) -> i16 {
        self.take_while(|low| *low <= most).last().unwrap()
    }
}

/// The text with every digit as `0`.
fn form(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// Whether this is a date, whole or in part, or an instant.
pub(crate) fn is_date(text: &str) -> bool {
    coarser_date(&Generalise::Year { reference: None }, text).is_some()
}

fn is_time(text: &str) -> bool {
    let clock = match text.strip_suffix('Z') {
        Some(clock) => clock,
        None => match text
            .len()
            .checked_sub(6)
            .filter(|at| text.is_char_boundary(*at))
            .map(|at| text.split_at(at))
        {
            Some((clock, zone)) if matches!(form(zone).as_str(), "+00:00" | "-00:00") => {
                if &zone[1..3] > "14" || &zone[4..] > "59" {
                    return false;
                }
                clock
            }
            _ => text,
        },
    };
    let form = form(clock);
    let fraction = form
        .strip_prefix("00:00:00.")
        .is_some_and(|f| (1..=9).contains(&f.len()) && f.chars().all(|c| c == '0'));
    let good = form == "00:00" || form == "00:00:00" || fraction;
    good && &clock[..2] <= "23" && &clock[3..5] <= "59" && clock.get(6..8).is_none_or(|second| second <= "60")
}

/// `+4520123456`; `None`: no telephone number.
pub(crate) fn phone(text: &str) -> Option<String> {
    let separators = " \t\u{a0}\u{202f}-\u{2010}\u{2011}\u{2013}./()";
    let plain: String = text.chars().filter(|c| !separators.contains(*c)).collect();
    let (known, digits) = match plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")) {
        Some(digits) => (true, digits.to_owned()),
        None if plain.len() == 10 && plain.starts_with("45") => (true, plain),
        None => (false, plain),
    };
    let digits = if known { digits } else { format!("45{digits}") };
    let all_digits = digits.chars().all(|c| c.is_ascii_digit());
    let good = match digits.strip_prefix("45") {
        Some(danish) => danish.len() == 8 && !danish.starts_with('0'),
        None => (7..=15).contains(&digits.len()) && !digits.starts_with('0'),
    };
    (all_digits && good).then(|| format!("+{digits}"))
}

/// An address in lower case; `None`: no e-mail address.
pub(crate) fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let parts: Vec<&str> = text.split('@').collect();
    let [local, domain] = parts[..] else { return None };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c);
    let in_domain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let good =
        !local.is_empty() && !local.contains(odd) && !domain.is_empty() && domain.chars().all(in_domain);
    (good && text.len() <= 254).then(|| text.to_ascii_lowercase())
}

/// A text in NFC with single spaces; `None`: nothing in it.
pub(crate) fn single_spaced(text: &str) -> Option<String> {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!spaced.is_empty()).then(|| spaced.nfc().collect())
}

/// Whether `meta.security` here or below has a code that marks.
pub(crate) fn is_marked(tree: &Tree) -> bool {
    is_marked_but(tree, &[])
}

/// The same, but for these parts.
pub(crate) fn is_marked_but(tree: &Tree, without: &[&Tree]) -> bool {
    if without.iter().any(|part| std::ptr::eq(*part, tree)) {
        return false;
    }
    let code =
        |tree: &Tree| matches!(tree, Tree::String { text, .. } if tavs::policy::protection::marks(text));
    match tree {
        Tree::Object(members) => members.iter().any(|member| match &member.value {
            Tree::Object(meta) if member.name == "meta" => meta
                .iter()
                .any(|member| member.name == "security" && codes(&member.value).into_iter().any(code)),
            value => is_marked_but(value, without),
        }),
        Tree::Array(elements) => elements.iter().any(|element| is_marked_but(element, without)),
        _ => false,
    }
}

/// Every code in a Coding, a list of them, or a text.
fn codes(tree: &Tree) -> Vec<&Tree> {
    match tree {
        Tree::Object(members) => members
            .iter()
            .filter(|member| member.name == "code")
            .flat_map(|code| codes(&code.value))
            .collect(),
        Tree::Array(elements) => elements.iter().flat_map(codes).collect(),
        scalar => vec![scalar],
    }
}

/// Of FHIR's types those that the generated documents and the corpus refer to: what breaks a document makes
/// another word of one.
const TYPES: [&str; 14] = [
    "CareTeam",
    "Communication",
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "Media",
    "MessageHeader",
    "Observation",
    "OperationOutcome",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
];

/// `Type/id` at the end of a reference, without its version.
pub(crate) fn reference(text: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = text.split('/').collect();
    let id = |text: &str| {
        (1..=64).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    };
    let kind = |text: &str| TYPES.contains(&text);
    let parts = match parts.as_slice() {
        [rest @ .., "_history", version] if id(version) => rest,
        all => all,
    };
    let [base @ .., resource_type, own] = parts else { return None };
    let base_good = match base {
        [] => true,
        ["http:" | "https:", "", rest @ ..] => {
            let rest = rest.join("/");
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && c != '?' && c != '#')
        }
        _ => false,
    };
    // a second `_history` is no part of a base
    let versions = base.contains(&"_history");
    (base_good && !versions && kind(resource_type) && id(own)).then_some((*resource_type, *own))
}

/// The text that is coded in base64, if it is text.
pub(crate) fn decoded(coded: &str) -> Option<String> {
    let compact: String = coded.split_ascii_whitespace().collect();
    let text = String::from_utf8(data_encoding::BASE64.decode(compact.as_bytes()).ok()?).ok()?;
    let bytes = text.chars().any(|c| c.is_control() && !"\t\n\r".contains(c));
    let begin = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{a0}', '\u{feff}']);
    let streams = begin.starts_with("%PDF") || begin.starts_with("%!PS") || begin.starts_with("{\\rtf");
    (!bytes && !streams && !begin.is_empty()).then_some(text)
}

/// The words that `scan` takes out of text, of a name.
pub(crate) fn name_words(name: &str) -> BTreeSet<String> {
    words(name).into_iter().map(|(_, word)| word).filter(|word| word.chars().count() > 2).collect()
}

/// Words without case, marks on letters, and what cannot be seen.
fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let unseen = |c: char| {
        is_combining_mark(c)
            || "\u{ad}\u{2060}\u{feff}".contains(c)
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2061}'..='\u{2064}').contains(&c)
    };
    let seen: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !unseen(*c)).collect();
    let runs = seen.split(|(_, c)| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(|run| {
        let (last, c) = run[run.len() - 1];
        let word = run.iter().flat_map(|(_, c)| c.to_lowercase()).nfd().filter(|c| !is_combining_mark(*c));
        (run[0].0..last + c.len_utf8(), word.collect())
    })
    .collect()
}

/// What a scan finds beside CPRs, and what takes its place.
pub(crate) fn scan(wanted: &Scan, text: &str, names: &BTreeSet<String>) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    if wanted.phone {
        found.extend(phones(text).into_iter().map(|at| (at, "[phone]")));
    }
    if wanted.email {
        let local = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
        for (at, _) in text.match_indices('@') {
            let before = text[..at].trim_end_matches(local);
            let after = text[at + 1..].trim_start_matches(domain);
            let span = before.len()..text.len() - after.len();
            if span.start < at && span.end > at + 1 {
                found.push((span, "[email]"));
            }
        }
    }
    if !wanted.names.is_empty() {
        let genitive = |word: &str| word.ends_with('s') && names.contains(&word[..word.len() - 1]);
        let known = words(text).into_iter().filter(|(_, word)| names.contains(word) || genitive(word));
        found.extend(known.map(|(span, _)| (span, "[name]")));
    }
    found
}

/// Runs of digits, with one separator between two digits at most, of the length of a number.
fn phones(text: &str) -> Vec<Range<usize>> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let is_digit = |at: usize| chars.get(at).is_some_and(|(_, c)| c.is_ascii_digit());
    let is_separator = |at: usize| {
        chars.get(at).is_some_and(|(_, c)| {
            c.is_whitespace() || "-./\u{2212}".contains(*c) || ('\u{2010}'..='\u{2015}').contains(c)
        })
    };
    let mut found = Vec::new();
    let mut from = 0;
    while from < chars.len() {
        if !is_digit(from) {
            from += 1;
            continue;
        }
        let mut to = from + 1;
        while is_digit(to) || is_separator(to) && is_digit(to + 1) {
            to += 1;
        }
        let span = chars[from].0..chars[to - 1].0 + 1;
        let digits = chars[from..to].iter().filter(|(_, c)| c.is_ascii_digit()).count();
        let plus = from > 0 && chars[from - 1].1 == '+';
        let begins = |code: &str| text[span.clone()].starts_with(code);
        let good = match digits {
            8 => true,
            10 => begins("45"),
            12 => !plus && begins("0045"),
            _ => false,
        };
        if good {
            found.push(span.start - usize::from(plus)..span.end);
        }
        from = to;
    }
    found
}
