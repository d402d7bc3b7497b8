//! Writes over values. The result has one length whatever the value's, or depends only on the
//! part that the author let stay.

use crate::cpr::{self, Search};
use crate::policy::checked::Mask;

/// What stands for a masked value: the national infrastructure's own form for a CPR.
pub(super) const MASK: &str = "xxxxxxxxxx";
/// How many characters `last-4` lets stay.
const LAST: usize = 4;

/// Masks a text; `None` if it is not of the kind that the mask is for.
pub(super) fn mask(how: Mask, text: &str) -> Option<String> {
    // A part of a CPR is still a birth date, or a serial.
    if cpr::search(text, &mut Vec::new()) != Search::Clean {
        return Some(MASK.to_owned());
    }
    match how {
        Mask::FirstWord => first_word(text),
        Mask::Initials => {
            let firsts = text.split_whitespace().filter_map(|word| word.chars().next());
            let initials: String = firsts.filter(|c| c.is_alphabetic()).flat_map(|c| [c, '.']).collect();
            (!initials.is_empty()).then_some(initials)
        }
        Mask::Last4 => {
            let count = text.chars().count();
            let last = text.chars().skip(count.saturating_sub(LAST)).filter(|_| count > LAST);
            Some("xxxxxx".chars().chain(last).collect())
        }
        Mask::Email => {
            let (_local, domain) = text.split_once('@')?;
            let one = !domain.is_empty()
                && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
            one.then(|| format!("xxxxxx@{domain}"))
        }
        Mask::All | Mask::Cpr => Some(MASK.to_owned()),
    }
}

/// The letters that the text begins with: what stands without white space is not one word for it.
fn first_word(text: &str) -> Option<String> {
    let letter = |c: &char| c.is_alphabetic() || matches!(c, '-' | '\'' | '\u{2019}');
    let word: String = text.trim_start().chars().take_while(letter).collect();
    word.starts_with(char::is_alphabetic).then_some(word)
}

/// Masks a number: the result is a string.
pub(super) fn mask_number(how: Mask, json: &str) -> Option<String> {
    match how {
        Mask::Last4 if !cpr::number_could_be_cpr(json.as_bytes()) => mask(how, json),
        Mask::Last4 | Mask::All | Mask::Cpr => Some(MASK.to_owned()),
        Mask::FirstWord | Mask::Initials | Mask::Email => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_stay_what_the_author_chose_and_no_part_of_a_cpr() {
        for (how, text, wanted) in [
            (Mask::FirstWord, "Nancy Ann Berggren", Some("Nancy")),
            (Mask::FirstWord, " ", None),
            (Mask::FirstWord, "Berggren,Nancy,Ann", Some("Berggren")),
            (Mask::FirstWord, "Anne-Sofie Berggren", Some("Anne-Sofie")),
            (Mask::FirstWord, "2 5 1 2", None),
            (Mask::Initials, "2 5 1 2", None),
            (Mask::Initials, "2 5 1 2 4 8 9 9 9 6", Some(MASK)),
            (Mask::FirstWord, "251248 9996 Nancy", Some(MASK)),
            (Mask::Initials, "Nancy Ann Berggren", Some("N.A.B.")),
            (Mask::Last4, "+45 20 30 40 50", Some("xxxxxx0 50")),
            (Mask::Last4, "4050", Some("xxxxxx")),
            (Mask::Last4, "251248-9996", Some(MASK)),
            (Mask::Email, "nancy@klinik.example", Some("xxxxxx@klinik.example")),
            (Mask::Email, "nancy", None),
            (Mask::Email, "a@b@c", None),
            (Mask::All, "x", Some(MASK)),
            (Mask::Cpr, "anything", Some(MASK)),
        ] {
            assert_eq!(mask(how, text).as_deref(), wanted, "{how:?} {text}");
        }
        assert_eq!(mask_number(Mask::Last4, "20304050").as_deref(), Some("xxxxxx4050"));
        assert_eq!(mask_number(Mask::Last4, "2512489996").as_deref(), Some(MASK));
    }
}
