//! The form that a draft suggests for a class of values: the weakest that is of use to somebody, and beside it what
//! tells more or less.

use super::kind_of;
use crate::authoring::classify::Class;
use crate::authoring::learn::Place;

/// The form, and why.
pub(super) fn suggested(place: &Place, resource: &str) -> (String, String) {
    let Some(class) = place.class() else { return (String::from("\"withhold\""), String::new()) };
    let is_number = place.facts.types.contains_key("number");
    let form = match class {
        Class::Cpr => "\"pseudonymise\"",
        Class::TextWithCpr | Class::Encoded | Class::FreeText | Class::Address | Class::Nothing => {
            "\"withhold\""
        }
        Class::CodedDocument => "{ decode = \"json\", shapes = [\"…\"] }",
        Class::Name => "{ mask = \"first-word\" }",
        Class::Phone if is_number => "{ keep = true, number = \"not-cpr\" }",
        Class::Phone => "{ mask = \"last-4\" }",
        Class::Email => "{ mask = \"email\" }",
        Class::Id if place.location.ends_with(".reference") => "{ pseudonymise = \"reference\" }",
        Class::Id | Class::Uuid => {
            let kind = if resource.is_empty() { kind_of(&place.location) } else { resource.to_owned() };
            return (format!("{{ pseudonymise = \"id\", type = \"{kind}\" }}"), class.word().to_owned());
        }
        Class::Date | Class::Instant if place.facts.is_of_life => "{ generalise = \"year\" }",
        Class::Date | Class::Instant => "{ generalise = \"month\" }",
        Class::Postcode => "{ generalise = \"postcode-2\" }",
        Class::Url => "\"url\"",
        Class::CodeSystem | Class::Code | Class::Number | Class::Boolean => "\"keep\"",
    };
    (form.to_owned(), format!("{}{}", class.word(), more(class, place, is_number)))
}

/// What else there is, and what to think of.
fn more(class: Class, place: &Place, is_number: bool) -> &'static str {
    match class {
        Class::Cpr if is_number => {
            "; a number: perhaps something else of nine or ten digits, such as { round = \"hour\", unit = \"seconds\" }"
        }
        Class::Name => "; or leave it out",
        Class::Phone if is_number => " written as a number; only if the purpose is to call or write",
        Class::FreeText | Class::TextWithCpr => {
            "; nobody can say what it holds: { scan = [\"phone\", \"email\"] } if the purpose is in it"
        }
        Class::CodedDocument => "; by shapes of what may stand in it",
        Class::Encoded => "; nobody can say what it holds: { decode = \"text\" } if the purpose is in it",
        Class::Date if !place.facts.is_of_life => {
            "; { shift = true } if only times between are needed, \"keep\" if the day itself is"
        }
        Class::Instant if !place.facts.is_of_life => {
            "; { round = \"day\" } or \"keep\" if the time itself is needed, { shift = true } if only times between are"
        }
        Class::Postcode => "; { generalise = \"postcode-region\", reference = … } tells less",
        Class::Url => "; as the recipient's own routes have it; or leave it out",
        Class::Number => {
            "; { round = \"digits\", digits = 0 } or { generalise = \"step\", step = 5 } tells less"
        }
        Class::Code => classification(&place.location),
        Class::Cpr
        | Class::Phone
        | Class::Address
        | Class::Email
        | Class::Id
        | Class::Uuid
        | Class::Date
        | Class::Instant
        | Class::CodeSystem
        | Class::Boolean
        | Class::Nothing => "",
    }
}

/// Of a code whose name says of which classification it is.
fn classification(location: &str) -> &'static str {
    let name = location.rsplit(['.', ']']).next().unwrap_or_default().to_lowercase();
    let of = |word: &str| name.contains(word);
    if of("icpc") {
        "; { generalise = \"code-prefix\", classification = \"icpc-2\", length = 1 } tells less"
    } else if of("icd") {
        "; { generalise = \"code-prefix\", classification = \"icd-10\", length = 3 } tells less"
    } else if of("atc") {
        "; { generalise = \"code-prefix\", classification = \"atc\", length = 4 } tells less"
    } else if of("sks") || of("diagnose") {
        "; { generalise = \"code-prefix\", classification = \"sks\", length = 4 } tells less"
    } else {
        ""
    }
}
