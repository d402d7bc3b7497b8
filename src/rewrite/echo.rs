//! What an exchange resolved and must not tell: an upstream that repeats an identifier which the
//! recipient knows by its pseudonym only would undo the pseudonym (G7).
//!
//! Where a rule pseudonymises such a value it becomes the pseudonym again. In what is kept a
//! person's number is dealt with as any other; an id has no shape by which to find it, so that it is
//! looked for here, and a value that holds it is withheld.

use std::fmt;

use crate::cpr::{self, Number};
use crate::policy::resolve::Resolved;

/// An id of fewer characters is part of other words by chance: it is found between others' letters
/// and digits only.
const SHORT: usize = 8;

/// No exchange of identifiers: the usual case.
pub static NO_ECHOES: Echoes = Echoes { numbers: Vec::new(), ids: Vec::new() };

/// Identifiers that must not come back in clear. `Debug` shows nothing of them.
#[derive(Default)]
pub struct Echoes {
    numbers: Vec<Number>,
    /// In lower case.
    ids: Vec<String>,
}

impl Echoes {
    /// Of what was resolved.
    #[must_use]
    pub fn of(resolved: &[Resolved]) -> Self {
        let mut echoes = Self::default();
        for one in resolved {
            let identifier = &one.identifier;
            match cpr::parse(identifier).filter(|_| one.is_number()) {
                Some(number) => {
                    echoes.numbers.push(number);
                    // As text without its zero no search takes it for a number.
                    echoes.ids.extend(identifier.strip_prefix('0').map(str::to_lowercase));
                }
                None => echoes.ids.push(identifier.to_lowercase()),
            }
        }
        echoes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.ids.is_empty()
    }

    /// Whether an id is the text, or a part of it.
    pub(super) fn has_id(&self, text: &str) -> bool {
        // PERF: for most exchanges the only thing that is done here.
        if self.ids.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        self.ids.iter().any(|id| holds(&text, id))
    }

    /// Whether a person's number stands in the text in any form that the search knows.
    pub(super) fn has_number(&self, text: &str) -> bool {
        if self.numbers.is_empty() {
            return false;
        }
        let mut finds = Vec::new();
        cpr::search(text, &mut finds);
        let found = finds.iter().map(|find| find.number).chain(cpr::parse(text));
        let mut found = found.chain(cpr::parse_number(text.as_bytes()));
        found.any(|number| self.numbers.contains(&number))
    }

    /// Whether a JSON number is one of them, in any notation.
    pub(super) fn is_number(&self, json: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        // Exact up to 2^53; an id that is a longer number is compared as it is written.
        let plain = json.parse::<f64>().ok().map(|value| format!("{value:.0}"));
        self.has_id(json) || self.has_number(json) || plain.is_some_and(|plain| self.ids.contains(&plain))
    }
}

impl fmt::Debug for Echoes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Echoes(…)")
    }
}

/// Whether `id` stands in `text`; a short one not as a part of a longer word or number.
fn holds(text: &str, id: &str) -> bool {
    let continues = |one: Option<char>, other: Option<char>| {
        let pair = one.zip(other);
        pair.is_some_and(|(one, other)| {
            one.is_alphabetic() && other.is_alphabetic() || one.is_numeric() && other.is_numeric()
        })
    };
    text.match_indices(id).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at.saturating_add(id.len())..).and_then(|after| after.chars().next());
        let parted = !continues(before, id.chars().next()) && !continues(id.chars().next_back(), after);
        parted || id.len() >= SHORT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_whole_and_in_part_and_short_ones_between_others() {
        for (id, text, wanted) in [
            ("A-88120x", "see a-88120X!", true),
            ("A-88120x", "bA-88120xy", true),
            ("123", "Patient/123", true),
            ("123", "a123b", true),
            ("123", "1234", false),
            ("123", "0123", false),
            ("123", "12", false),
            ("kq7", "kq7", true),
            ("kq7", "kq77", false),
            ("kq7", "akq7", false),
            ("123", "1230 and 123", true),
        ] {
            let echoes = Echoes { numbers: Vec::new(), ids: vec![id.to_lowercase()] };
            assert_eq!(echoes.has_id(text), wanted, "{id} in {text}");
        }
    }

    #[test]
    fn numbers_are_found_in_any_notation() {
        let numbers = vec![cpr::parse("0201609995").unwrap()];
        let echoes = Echoes { numbers, ids: vec!["201609995".into(), "12".into()] };
        for json in ["201609995", "201609995.0", "2.01609995e8", "12", "1.2e1", "0.12e2", "12.0"] {
            assert!(echoes.is_number(json), "{json}");
        }
        for json in ["201609996", "13", "120", "1.2e2", "0.0120001"] {
            assert!(!echoes.is_number(json), "{json}");
        }
        for text in ["020160-9995", "kald 0201609995", "MDIwMTYwLTk5OTU="] {
            assert!(echoes.has_number(text), "{text}");
        }
    }
}
