//! Which names of members may be shown. A name may be data: objects are keyed by CPR number, by date, by
//! whom they are about.
//!
//! A name is shown if it is made of words that are known from APIs, and of nothing else. Whatever is in
//! doubt is not shown but called [`DYNAMIC`]; the author, who has the sample, may say that it is a name.

use std::collections::{BTreeSet, HashSet};

use crate::cpr;

/// What stands in the place of a name that is not shown.
pub const DYNAMIC: &str = "{dynamic}";

/// The list of words, one file: lines of `#` are talk.
const WORDS: &str = include_str!("names/words.txt");

/// The longest name that is looked at: none of an API is longer, and the work grows with the square.
const LONGEST: usize = 64;

/// Digits that may stand in a name (`icd10`, `address2`); more could be a part of a number.
const MOST_DIGITS: usize = 2;

/// More digits are no element's number but a name.
const LONGEST_INDEX: usize = 6;

/// Words of fewer letters are no part of a compound, but for these: they would make up anything.
const SHORT_ENDS: [&str; 4] = ["id", "nr", "no", "ts"];
const SHORTEST_PART: usize = 3;

/// The names that may be shown.
#[derive(Debug)]
pub struct Names {
    words: HashSet<&'static str>,
    /// Whole names that the author or the policy gives.
    given: BTreeSet<String>,
}

impl Names {
    /// The known words, and whole names that are given beside them.
    pub fn new(given: impl IntoIterator<Item = String>) -> Self {
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        let words = lines.flat_map(str::split_whitespace).collect();
        Self { words, given: given.into_iter().filter(|name| could_be_name(name)).collect() }
    }

    /// Whether a name may be shown.
    #[must_use]
    pub fn may_show(&self, name: &str) -> bool {
        could_be_name(name)
            && (self.given.contains(name) || {
                let parts = parts(name);
                !parts.is_empty() && parts.iter().all(|part| self.is_made_of_words(part))
            })
    }

    /// The name, or what stands in its place.
    #[must_use]
    pub fn shown<'n>(&self, name: &'n str) -> &'n str {
        if self.may_show(name) { name } else { DYNAMIC }
    }

    /// An RFC 6901 pointer as a location: `/a/0/b` is `$.a[*].b`.
    #[must_use]
    pub fn location(&self, pointer: &str) -> String {
        let mut location = String::from("$");
        for step in pointer.split('/').skip(1) {
            if step.len() <= LONGEST_INDEX && step.bytes().all(|byte| byte.is_ascii_digit()) {
                location += "[*]";
                continue;
            }
            let name = step.replace("~1", "/").replace("~0", "~");
            location += &step_of(self.shown(&name));
        }
        location
    }

    /// One word, or several on end with or without the `s` of Danish compounds between them.
    fn is_made_of_words(&self, part: &str) -> bool {
        if self.words.contains(part) {
            return true;
        }
        let mut ends = vec![0_usize];
        let mut at = 0_usize;
        while let Some(from) = ends.get(at).copied() {
            at = at.saturating_add(1);
            for (to, _) in part.char_indices().skip(1).chain([(part.len(), ' ')]).filter(|(to, _)| *to > from)
            {
                let word = part.get(from..to).unwrap_or_default();
                let long = word.chars().count() >= SHORTEST_PART;
                let end = to == part.len() && from > 0 && SHORT_ENDS.contains(&word);
                if !(end || long && self.words.contains(word)) {
                    continue;
                }
                // `appointments` is made of the same word as `appointment`.
                if matches!(part.get(to..), Some("" | "s")) {
                    return true;
                }
                let linked =
                    part.get(to..).filter(|rest| rest.starts_with('s')).map(|_s| to.saturating_add(1));
                for next in [Some(to), linked].into_iter().flatten() {
                    if !ends.contains(&next) {
                        ends.push(next);
                    }
                }
            }
        }
        false
    }
}

/// A name as a step of a location.
#[must_use]
pub fn step_of(name: &str) -> String {
    if name == DYNAMIC {
        return format!(".{DYNAMIC}");
    }
    crate::policy::location::Step::Name(name.to_owned()).to_string()
}

/// Whether a text could be a name of an API at all: not if it is long, has many digits or a CPR number in it, or
/// other characters than such names have.
#[must_use]
pub fn could_be_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "æøåÆØÅ_-$.".contains(c);
    !name.is_empty()
        && name.len() <= LONGEST
        && name.chars().all(plain)
        && name.chars().filter(char::is_ascii_digit).count() <= MOST_DIGITS
        && cpr::search(name, &mut Vec::new()) == cpr::Search::Clean
}

/// The words of `patientId`, `patient_id` and `PATIENT-ID`, in small letters, without digits.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = ' ';
    let mut word = String::new();
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && next_is_small);
        if !c.is_alphabetic() || begins {
            parts.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    parts.push(word);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_apis_are_shown() {
        let names = Names::new([String::from("frobnicator")]);
        for name in [
            "cpr",
            "navn",
            "aftaleId",
            "patient",
            "foedselsdato",
            "fakturanr",
            "ydelseskode",
            "beloeb",
            "birthDate",
            "resourceType",
            "valueQuantity",
            "_birthDate",
            "managingOrganization",
            "postalCode",
            "icd10",
            "PatientId",
            "CPRNummer",
            "sygesikringsgruppe",
            "autorisationsId",
            "klinik",
            "sor",
            "aarsag",
            "koen",
            "diagnose",
            "ip",
            "url",
            "ts",
            "event",
            "address2",
            "frobnicator",
            "multipleBirthInteger",
            "linjer",
            "besked",
        ] {
            assert!(names.may_show(name), "{name}");
        }
    }

    #[test]
    fn names_that_may_be_data_are_not() {
        let names = Names::new([String::from("0201919990")]);
        for name in [
            "2512489996",
            "251248-9996",
            "0201919990",
            "0703921VJ4",
            "2026-03-04",
            "frobnicator",
            "A-88120",
            "",
            "3f2b8c1e-9d4a-4c5b-8e7f-0a1b2c3d4e5f",
            "nancy@example.dk",
            "20304050",
            "navn 2",
            "patient/123",
            "ø\u{301}",
            "{dynamic}",
            "navn2512489996",
            "dato260304",
            "Tårnhøjvej 47",
        ] {
            assert!(!names.may_show(name), "{name}");
        }
        for person in PERSONS.split_whitespace() {
            for name in [
                person.to_owned(),
                person.to_lowercase(),
                person.to_uppercase(),
                format!("navn{person}"),
                format!("{person}_id"),
            ] {
                assert!(!names.may_show(&name), "{name}");
            }
        }
    }

    /// Common given names and surnames (Danmarks Statistik), those of the test family, and Danish names that are
    /// also words.
    const PERSONS: &str = "Nancy Berggren Bruno Elmer Einer Lonni Magnus Rasmus Else Ellen Louise Lauridsen Peter Jens \
        Michael Lars Thomas Henrik Søren Christian Jan Martin Niels Anders Morten Jesper Mads Hans Ole Per Rasmus Erik \
        Anne Kirsten Mette Hanne Anna Helle Susanne Lene Maria Marianne Inge Karen Lone Camilla Pia Louise Charlotte \
        Emma Ida Freja Alma Ella Sofia Clara Nora William Oscar Carl Malthe Emil Valdemar Noah August Victor Oliver \
        Nielsen Jensen Hansen Pedersen Andersen Christensen Larsen Sørensen Rasmussen Jørgensen Petersen Madsen \
        Kristensen Olsen Thomsen Christiansen Poulsen Johansen Møller Mortensen Knudsen Holm Lund Schmidt Vestergaard \
        Kjær Winther Bo Liv Dag Mark Sten Storm Dahl Friis Bach Krogh Juul Berg Bang Vang Skov Bak Bjerre Lind Eskildsen \
        Mohamed Fatima Ali Ahmed Yusuf Aisha Nguyen Khan Singh Gift Bent Frank Tage Grethe Birthe Ruth Eva Rita Rosa \
        Toftegaard Lindholm Kirkegaard Bjerregaard Søndergaard Nørgaard Dalgaard Overgaard Damgaard Ravn Vinter Sommer \
        Frost Skovgaard Mikkelsen Iversen Ibsen Bruun Brandt Beck Bertelsen Clausen Davidsen Eriksen Fischer Gregersen \
        Hermansen Jakobsen Karlsen Laursen Lassen Mogensen Nissen Ottosen Paulsen Riis Simonsen Thygesen Uldall \
        Villadsen Wulff Østergaard Daniel Kim Robin Sam Kit Mai May Maj June Viggo Vera Iben Gry Ib Kaj Nis Per Sol";

    #[test]
    fn pointers_become_locations_without_their_data() {
        let names = Names::new([]);
        assert_eq!(names.location("/aftaler/0/patient/cpr"), "$.aftaler[*].patient.cpr");
        assert_eq!(names.location("/patienter/251248-9996/navn"), "$.patienter.{dynamic}.navn");
        assert_eq!(names.location(""), "$");
    }
}
