//! What a recipient may choose: parameters, patterns, pseudonyms.

use super::{Direction, Pair, Topic};
use crate::cpr;
use crate::policy::checked::{Kind, Parameter, Pattern, Sought, Wanted};

/// Query or form parameters, or header fields: `what` is one of them.
pub(super) fn parameters(
    pair: &mut Pair<'_>,
    topic: Topic,
    what: &str,
    old: &[Parameter],
    new: &[Parameter],
) {
    for gone in old.iter().filter(|one| !new.iter().any(|other| other.name == one.name)) {
        let words = format!("{what} `{}` is refused", gone.name);
        pair.only_old(topic, Direction::Narrower, words, None);
    }
    for Parameter { name, wanted, selects } in new {
        let Some(before) = old.iter().find(|other| other.name == *name) else {
            let words = format!("{what} `{name}` may be sent: {}", said(wanted));
            pair.only_new(topic, Direction::Wider, words, None);
            continue;
        };
        compare(pair, topic, &format!("{what} `{name}`"), &before.wanted, wanted);
        if before.selects != *selects {
            let member = selects.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
            // Which member it selects on is the author's word: `check` holds it to what is kept.
            let direction = if before.selects.is_none() { Direction::Neutral } else { Direction::Unclear };
            let words = format!("{what} `{name}` is said to select on {member}");
            pair.changed(topic, direction, words);
        }
    }
}

/// What may stand in one place.
pub(super) fn compare(pair: &mut Pair<'_>, topic: Topic, what: &str, old: &Wanted, new: &Wanted) {
    if old == new {
        return;
    }
    let direction = match (admits(old, new), admits(new, old)) {
        (true, _) => Direction::Narrower,
        (false, true) => Direction::Wider,
        (false, false) => Direction::Unclear,
    };
    pair.changed(topic, direction, format!("{what}: {} becomes {}", said(old), said(new)));
}

/// Whether surely everything that `narrow` takes, `wide` takes, too, to the same end.
fn admits(wide: &Wanted, narrow: &Wanted) -> bool {
    match (wide, narrow) {
        (Wanted::Pattern(wide), Wanted::Pattern(narrow)) => admits_pattern(wide, narrow),
        (Wanted::Pseudonym(wide), Wanted::Pseudonym(narrow)) => wide == narrow,
        (Wanted::Pattern(_), Wanted::Pseudonym(_)) | (Wanted::Pseudonym(_), Wanted::Pattern(_)) => false,
    }
}

fn admits_pattern(wide: &Pattern, narrow: &Pattern) -> bool {
    wide == narrow
        || match narrow {
            // A policy's own words are not searched, what fits another pattern is.
            Pattern::OneOf(words) => words
                .iter()
                .all(|word| wide.fits(word) && !(wide.can_hold_cpr() && cpr::could_be_in_request(word))),
            Pattern::Date => matches!(wide, Pattern::FhirDate | Pattern::Word | Pattern::Token),
            Pattern::Instant => matches!(wide, Pattern::FhirDate),
            Pattern::Integer | Pattern::Uuid => matches!(wide, Pattern::Word | Pattern::Token),
            Pattern::Word => matches!(wide, Pattern::Token),
            Pattern::FhirDate | Pattern::Token => false,
        }
}

pub(super) fn said(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Pattern(Pattern::Date) => "a date".to_owned(),
        Wanted::Pattern(Pattern::FhirDate) => "a FHIR date".to_owned(),
        Wanted::Pattern(Pattern::Instant) => "an instant".to_owned(),
        Wanted::Pattern(Pattern::Integer) => "an integer".to_owned(),
        Wanted::Pattern(Pattern::Uuid) => "a UUID".to_owned(),
        Wanted::Pattern(Pattern::Word) => "a word".to_owned(),
        Wanted::Pattern(Pattern::Token) => "a token".to_owned(),
        Wanted::Pattern(Pattern::OneOf(words)) => format!("one of `{}`", words.join("`, `")),
        Wanted::Pseudonym(sought) => format!("a pseudonym of {}, resolved", sought_words(sought)),
    }
}

pub(super) fn sought_words(sought: &Sought) -> String {
    let Sought { kind, system } = sought;
    let of = match kind {
        Kind::Cpr => "a CPR number".to_owned(),
        Kind::Id { resource_type } if resource_type.is_empty() => "an id".to_owned(),
        Kind::Id { resource_type } => format!("an id of `{resource_type}`"),
        Kind::Reference => "a reference".to_owned(),
        Kind::Value(kind) => format!("a {}", kind.word()),
    };
    system.as_ref().map_or_else(|| of.clone(), |system| format!("{of} of the system `{system}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What surely fits, of every pattern.
    const VALUES: &[&str] = &[
        "2026-03-04",
        "ge2026-03-04",
        "2026",
        "2026-03",
        "2026-03-04T10:15:00Z",
        "2026-03-04T10:15:00.123456789+01:00",
        "0",
        "123456789",
        "0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49",
        "Ab-9._",
        "http://loinc.org|1234-5",
        "booked",
        "b c",
        "2512489996",
        "urn:oid:1.2.208.176.1.2|251248-9996",
        "504909995",
    ];

    #[test]
    fn what_a_narrower_pattern_takes_the_wider_one_takes() {
        let one_of = |words: &[&str]| Pattern::OneOf(words.iter().map(|&word| word.to_owned()).collect());
        let all = [
            Pattern::Date,
            Pattern::FhirDate,
            Pattern::Instant,
            Pattern::Integer,
            Pattern::Uuid,
            Pattern::Word,
            Pattern::Token,
            one_of(&["booked", "2026"]),
            one_of(&["b c"]),
            one_of(&["2512489996"]),
            one_of(&["booked", "urn:oid:1.2.208.176.1.2|251248-9996"]),
            one_of(&["504909995"]),
        ];
        // As a request is decided.
        let takes = |pattern: &Pattern, value: &str| {
            pattern.fits(value) && !(pattern.can_hold_cpr() && cpr::could_be_in_request(value))
        };
        for wide in &all {
            for narrow in &all {
                let escapes = VALUES.iter().find(|value| takes(narrow, value) && !takes(wide, value));
                if admits_pattern(wide, narrow) {
                    assert_eq!(escapes, None, "{wide:?} admits {narrow:?}");
                }
            }
        }
        assert!(admits_pattern(&Pattern::Word, &one_of(&["booked"])));
        assert!(!admits_pattern(&Pattern::Date, &Pattern::FhirDate));
        // What has too few digits in a run is not searched in a request.
        assert!(admits_pattern(&Pattern::Instant, &one_of(&["2012-12-12T10:15:00.504909995Z"])));
        let sought = |system: Option<&str>| {
            Wanted::Pseudonym(Sought { kind: Kind::Cpr, system: system.map(str::to_owned) })
        };
        assert!(admits(&sought(None), &sought(None)) && !admits(&sought(None), &sought(Some("urn:x"))));
    }

    #[test]
    fn what_is_wanted_is_said() {
        let id = |resource_type: &str| Kind::Id { resource_type: resource_type.to_owned() };
        for (kind, system, wanted) in [
            (id(""), None, "a pseudonym of an id, resolved"),
            (id("Patient"), None, "a pseudonym of an id of `Patient`, resolved"),
            (Kind::Cpr, Some("urn:x"), "a pseudonym of a CPR number of the system `urn:x`, resolved"),
        ] {
            let sought = Sought { kind, system: system.map(str::to_owned) };
            assert_eq!(said(&Wanted::Pseudonym(sought)), wanted);
        }
        assert_eq!(
            said(&Wanted::Pattern(Pattern::OneOf(vec!["a".to_owned(), "b".to_owned()]))),
            "one of `a`, `b`"
        );
    }
}
