//! Makes postcodes and codes of classifications coarser.

use crate::policy::checked::CodeSystem;

/// A Danish, Greenlandic or Faroese postcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Postcode {
    /// Four digits, Greenland's 39xx too.
    Danish(u16),
    /// Three digits.
    Faroese,
}

impl Postcode {
    /// Reads `8000`, `DK-8000`, `DK 8000`, `GL-3900`, `FO-100` and `100`. A place's name beside it
    /// makes it something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let country = text.get(..2).filter(|two| two.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let digits = match country {
            Some(_) => text.get(2..)?.trim_start_matches(['-', ' ']),
            None => text,
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
            return None;
        }
        let country = country.map(str::to_ascii_uppercase);
        let number = digits.parse().ok()?;
        match (country.as_deref(), digits.len()) {
            (Some("FO") | None, 3) => Some(Self::Faroese),
            (Some("DK") | None, 4) => Some(Self::Danish(number)),
            (Some("GL"), 4) if (3900..=3999).contains(&number) => Some(Self::Danish(number)),
            _ => None,
        }
    }
}

/// The first characters of a code, in upper case and without its point; `None` if it is no code of
/// the classification. A code that is shorter is coarser already, and stays.
pub(super) fn prefix(system: CodeSystem, length: u8, text: &str) -> Option<String> {
    let code = text.to_ascii_uppercase();
    let (pattern, point, fewest): (&[Class], usize, usize) = match system {
        CodeSystem::Icd10 => (&[Letter, Digit, Digit, Digit, Digit], 3, 3),
        CodeSystem::Sks => (&[One('D'), Letter, Digit, Digit, Either, Either, Either, Either], 4, 4),
        CodeSystem::Icpc2 => (&[Letter, Digit, Digit, Digit, Digit], 3, 3),
        CodeSystem::Atc => (&[Letter, Digit, Digit, Letter, Letter, Digit, Digit], 7, 1),
    };
    // A point stands at its place, with something behind it.
    let code = match code.split_once('.') {
        Some((before, after)) if before.len() == point && !after.is_empty() => format!("{before}{after}"),
        Some(_) => return None,
        None => code,
    };
    let fits = (fewest..=pattern.len()).contains(&code.len())
        && code.bytes().zip(pattern).all(|(byte, class)| class.has(byte));
    let whole = match (system, code.bytes().next()) {
        (CodeSystem::Icpc2, Some(chapter)) => ICPC2_CHAPTERS.contains(&chapter),
        (CodeSystem::Atc, Some(group)) => {
            ATC_GROUPS.contains(&group) && system.lengths().iter().any(|one| usize::from(*one) == code.len())
        }
        _ => true,
    };
    (fits && whole).then(|| code.chars().take(usize::from(length)).collect())
}

const ICPC2_CHAPTERS: &[u8] = b"ABDFHKLNPRSTUWXYZ";
const ATC_GROUPS: &[u8] = b"ABCDGHJLMNPRSV";

/// What may stand at one place of a code.
#[derive(Debug, Clone, Copy)]
enum Class {
    Letter,
    Digit,
    Either,
    One(char),
}
use Class::{Digit, Either, Letter, One};

impl Class {
    const fn has(self, byte: u8) -> bool {
        match self {
            Letter => byte.is_ascii_uppercase(),
            Digit => byte.is_ascii_digit(),
            Either => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            One(wanted) => byte as char == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postcodes_are_read_with_and_without_their_country() {
        for (text, wanted) in [
            ("8000", Some(Postcode::Danish(8000))),
            (" DK-8000 ", Some(Postcode::Danish(8000))),
            ("dk 8000", Some(Postcode::Danish(8000))),
            ("DK8000", Some(Postcode::Danish(8000))),
            ("3900", Some(Postcode::Danish(3900))),
            ("GL-3900", Some(Postcode::Danish(3900))),
            ("GL-8000", None),
            ("FO-100", Some(Postcode::Faroese)),
            ("100", Some(Postcode::Faroese)),
            ("DK-100", None),
            ("SE-8000", None),
            ("0800", None),
            ("8000 Aarhus C", None),
            ("80000", None),
            ("æ1000", None),
            ("2512489996", None),
            ("", None),
        ] {
            assert_eq!(Postcode::parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn codes_lose_their_end_and_what_is_no_code_is_not_taken() {
        for (system, length, text, wanted) in [
            (CodeSystem::Icd10, 3, "E11.9", Some("E11")),
            (CodeSystem::Icd10, 4, "E11.9", Some("E119")),
            (CodeSystem::Icd10, 1, "e119", Some("E")),
            (CodeSystem::Icd10, 4, "E11", Some("E11")),
            (CodeSystem::Icd10, 3, "E1", None),
            (CodeSystem::Icd10, 3, "E1.19", None),
            (CodeSystem::Icd10, 3, "DE119", None),
            (CodeSystem::Icd10, 3, "E11.", None),
            (CodeSystem::Sks, 4, "DE119", Some("DE11")),
            (CodeSystem::Sks, 3, "DE119", Some("DE1")),
            (CodeSystem::Sks, 5, "DZ038E1", Some("DZ038")),
            (CodeSystem::Sks, 4, "KNGB20", None),
            (CodeSystem::Sks, 4, "E119", None),
            (CodeSystem::Icpc2, 1, "T90", Some("T")),
            (CodeSystem::Icpc2, 3, "T90.01", Some("T90")),
            (CodeSystem::Icpc2, 1, "C90", None),
            (CodeSystem::Icpc2, 1, "T9", None),
            (CodeSystem::Atc, 5, "A10BA02", Some("A10BA")),
            (CodeSystem::Atc, 5, "A10B", Some("A10B")),
            (CodeSystem::Atc, 1, "A10BA0", None),
            (CodeSystem::Atc, 1, "QA10", None),
            (CodeSystem::Atc, 1, "Diabetes", None),
            (CodeSystem::Icd10, 1, "Æ119", None),
            (CodeSystem::Sks, 2, "2512489996", None),
            (CodeSystem::Sks, 2, "", None),
        ] {
            assert_eq!(prefix(system, length, text).as_deref(), wanted, "{system:?} {length} {text}");
        }
    }
}
