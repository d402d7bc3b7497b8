//! What identifies a person, or a resource that may be about one. The rewriter reads it at subject
//! locations and officers write it: both come to the same subject id here, or a right would be
//! entered for somebody whom no exchange ever meets.

use std::fmt;

use super::reference::{self, Target};
use crate::cpr::{self, Number};
use crate::pseudonym::Input;

/// A person's number, or a reference. `Debug` shows nothing of either.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Identifier<'a> {
    /// CPR, replacement CPR or e-CPR; also the one that stands for nobody.
    Number(Number),
    /// `Type/id`.
    Resource(Target<'a>),
}

impl<'a> Identifier<'a> {
    /// Reads a text, in any form in which an upstream writes it.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        match cpr::parse(text) {
            Some(number) => Some(Self::Number(number)),
            None => reference::parse(text).map(Self::Resource),
        }
    }

    /// Reads the one written form that officers use: ten characters, with or without a hyphen after
    /// the sixth, or `Type/id`.
    #[must_use]
    pub fn read_canonical(text: &'a str) -> Option<Self> {
        match Self::read(text)? {
            Self::Number(number) if is_number(text) => Some(Self::Number(number)),
            Self::Resource(target) if text.len() == target.len() => Some(Self::Resource(target)),
            Self::Number(_) | Self::Resource(_) => None,
        }
    }

    /// What its subject id, or its pseudonym, is made of. `system` is the identifier system that is
    /// named beside a number.
    #[must_use]
    pub fn input<'b>(&'b self, system: &'b str) -> Input<'b> {
        match self {
            Self::Number(number) => Input::number(number, system),
            Self::Resource(target) => target.input(),
        }
    }
}

impl fmt::Debug for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "Number(…)",
            Self::Resource(_) => "Resource(…)",
        })
    }
}

fn is_number(text: &str) -> bool {
    let plain = |text: &[u8]| text.iter().all(u8::is_ascii_alphanumeric);
    match text.as_bytes() {
        [_, _, _, _, _, _, b'-', rest @ ..] => {
            rest.len() == 4 && plain(rest) && plain(text.as_bytes().get(..6).unwrap_or_default())
        }
        all => all.len() == 10 && plain(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn officers_write_one_form_and_upstreams_many_and_both_mean_the_same() {
        for (text, canonical) in [
            ("2512489996", true),
            ("251248-9996", true),
            ("0203291WQ3", true),
            ("020329-1wq3", true),
            ("0000000000", true),
            ("Patient/123", true),
            ("251248 9996", false),
            (" 2512489996", false),
            ("2512489996\n", false),
            ("25-1248-9996", false),
            ("2512\u{ad}489996", false),
            ("%32512489996", false),
            ("Patient/123/_history/4", false),
            ("https://api.example/Patient/123", false),
        ] {
            let read = Identifier::read(text).filter(|_| canonical);
            assert_eq!(Identifier::read_canonical(text), read, "{text}");
            assert_eq!(read.is_some(), canonical, "{text}");
        }
        for text in ["", "251248999", "25124899961", "9912489996", "Patient", "patient/1", "Nancy"] {
            assert_eq!(Identifier::read_canonical(text), None, "{text}");
        }
        let parts =
            |input: Input<'_>| (input.kind.to_owned(), input.system.to_owned(), input.value.to_owned());
        let of = |text, system| parts(Identifier::read(text).unwrap().input(system));
        let region = "urn:oid:1.2.208.176.1.6.1.3.181";
        assert_eq!(of("070392-1vj4", region), ("ecpr".into(), region.into(), "0703921VJ4".into()));
        assert_eq!(of("0703921VJ4", "urn:other"), ("ecpr".into(), String::new(), "0703921VJ4".into()));
        assert_eq!(of("2512489996", region), ("cpr".into(), String::new(), "2512489996".into()));
    }
}
