//! Locations that say by themselves that a CPR number stands there: by the member's name, or by the
//! identifier system that a filter asks for.

use crate::cpr;
use crate::policy::location::{Comparison, Literal, Location, Step};

/// Names under which APIs carry CPR numbers (compared without case, `-` and `_`).
const NAMES: [&str; 11] = [
    "civilregistrationidentifier",
    "civilregistrationnumber",
    "nationalid",
    "nationalidentifier",
    "patid",
    "personcivilregistrationidentifier",
    "personidentifier",
    "personnr",
    "pnr",
    "socialsecuritynumber",
    "ssn",
];

/// Ends of such names: `patientCpr`, `mors_cpr_nr`, `erstatningspersonnummer`.
const ENDS: [&str; 8] =
    ["cpr", "cprid", "cprno", "cprnr", "cprnum", "cprnumber", "cprnummer", "personnummer"];

/// What holds the number below such a name, or in an element whose system says what it is.
const VALUES: [&str; 9] = ["extension", "id", "identifier", "no", "nr", "number", "nummer", "text", "value"];

/// Identifier systems of CPR and e-CPR numbers, as they end or go on after a dot.
const SYSTEMS: [&str; 5] = [
    "1.2.208.176.1.2",
    "1.2.208.176.1.6.1.1",
    "1.2.208.176.1.6.1.3",
    "cpr.dk/cpr-systemet",
    "namingsystem/cpr",
];

/// Whether a name or a literal in a location could be a person's number.
pub(super) fn names_a_number(location: &Location) -> bool {
    let is_number = |text: &str| cpr::search(text, &mut Vec::new()) != cpr::Search::Clean;
    let compares = |one: &Comparison| {
        is_number(&one.member)
            || match &one.literal {
                Literal::String(text) => is_number(text),
                Literal::Integer(number) => cpr::parse_number(number.to_string().as_bytes()).is_some(),
                Literal::Bool(_) | Literal::Null => false,
            }
    };
    location.steps.iter().any(|step| match step {
        Step::Name(name) => is_number(name),
        Step::Filter(all) => all.iter().any(compares),
        Step::Wildcard | Step::Index(_) => false,
    })
}

/// Whether a location says by itself that a CPR number stands there.
pub(in crate::policy) fn holds_cpr(location: &Location) -> bool {
    let named = location.last_name().is_some_and(is_cpr_name);
    let element = match location.steps.as_slice() {
        [above @ .., Step::Name(name)] if VALUES.contains(&plain(name).as_str()) => above,
        [above @ .., Step::Wildcard] => above,
        whole => whole,
    };
    let of_one = |step: &&Step| !matches!(step, Step::Wildcard | Step::Index(_));
    named || element.iter().rfind(of_one).is_some_and(|step| names_cpr(step) || selects_cpr(step))
}

/// Whether a member of this name holds CPR numbers.
pub(in crate::policy) fn is_cpr_name(name: &str) -> bool {
    let name = plain(name);
    NAMES.contains(&name.as_str()) || ENDS.iter().any(|end| name.ends_with(end))
}

fn names_cpr(step: &Step) -> bool {
    matches!(step, Step::Name(name) if is_cpr_name(name))
}

fn selects_cpr(step: &Step) -> bool {
    let asks_for_cpr = |comparison: &Comparison| match &comparison.literal {
        Literal::String(text) => comparison.equal && (is_cpr_system(text) || is_cpr_name(text)),
        Literal::Integer(_) | Literal::Bool(_) | Literal::Null => false,
    };
    matches!(step, Step::Filter(all) if all.iter().any(asks_for_cpr))
}

/// Whether `text` has one of the systems in it, not in the middle of a longer number: those of the
/// regions go on after a dot.
fn is_cpr_system(text: &str) -> bool {
    let text = text.to_lowercase();
    SYSTEMS.iter().any(|system| {
        text.split_once(system).is_some_and(|(before, after)| {
            !before.ends_with(|c: char| c.is_ascii_digit() || c == '.')
                && (after.is_empty() || after.starts_with('.'))
        })
    })
}

/// Whether this is the value of a FHIR identifier of any system: no filter asks for one.
pub(super) fn is_any_identifier(location: &Location) -> bool {
    let is_identifier = |step: &Step| matches!(step, Step::Name(name) if plain(name) == "identifier");
    let Some(at) = location.steps.iter().rposition(is_identifier) else { return false };
    let below = location.steps.get(at.saturating_add(1)..).unwrap_or_default();
    let is_value = match below.last() {
        Some(Step::Name(name)) => name == "value",
        Some(Step::Wildcard) => true,
        Some(Step::Index(_) | Step::Filter(_)) | None => false,
    };
    is_value && !below.iter().any(asks_for_system)
}

fn asks_for_system(step: &Step) -> bool {
    let one = |comparison: &Comparison| comparison.equal && comparison.member == "system";
    matches!(step, Step::Filter(all) if all.iter().any(one))
}

/// A name without case, `-` and `_`, as names of members are compared.
pub(in crate::policy) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_say_by_themselves_what_they_hold() {
        for (location, holds) in [
            ("$.cpr", true),
            ("$['CPR-Nr']", true),
            ("$.cprno", true),
            ("$.patientCpr", true),
            ("$.erstatningspersonnummer", true),
            ("$.cpr.value", true),
            ("$.cpr[*]", true),
            ("$.cpr[0].nummer", true),
            ("$.cpr.status", false),
            ("$.cprStatus", false),
            ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value", true),
            ("$.identifier[?@.system=='URN:OID:1.2.208.176.1.2'].value", true),
            ("$.identifier[?@.system=='1.2.208.176.1.6.1.3.177'].value", true),
            ("$.identifier[?@.system=='1.2.208.176.1.20'].value", false),
            ("$.identifier[?@.system=='urn:oid:2.1.2.208.176.1.2'].value", false),
            ("$.identifier[?@.system=='urn:oid:11.2.208.176.1.2'].value", false),
            ("$.identifier[?@.system!='urn:oid:1.2.208.176.1.2'].value", false),
            ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2']", true),
            ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'][*]", true),
            ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].system", false),
            ("$.ids[?@.source=='CPR'].number", true),
            ("$.identifier[*].value", false),
            ("$", false),
        ] {
            assert_eq!(holds_cpr(&Location::parse(location).unwrap()), holds, "{location}");
        }
    }

    #[test]
    fn a_number_in_a_location_is_found_and_a_system_is_none() {
        for (location, found) in [
            ("$.patients[?@.cpr=='251248-9996'].name", true),
            ("$.patients[?@.cpr==2512489996].name", true),
            ("$.patients[?@.kind=='x' && @.cpr!='2512489996'].name", true),
            ("$.patients['2512489996'].name", true),
            ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value", false),
            ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.6.1.3.177'].value", false),
            (
                "$.extension[?@.url=='http://hl7.org/fhir/StructureDefinition/data-absent-reason'].valueCode",
                false,
            ),
            ("$.coding[?@.code=='8480-6'].display", false),
            ("$.coding[?@.code==8480].display", false),
        ] {
            assert_eq!(names_a_number(&Location::parse(location).unwrap()), found, "{location}");
        }
    }

    #[test]
    fn an_identifier_without_its_system_may_be_any() {
        for (location, any) in [
            ("$.identifier[*].value", true),
            ("$.identifier[0].value", true),
            ("$.subject.identifier.value", true),
            ("$.identifier[?@.use=='official'].value", true),
            ("$.identifier[?@.system!='urn:x'].value", true),
            ("$.identifier[*][*]", true),
            ("$.identifier[?@.system=='urn:x'].value", false),
            ("$.identifier[*].use", false),
            ("$.identifier", false),
            ("$.value", false),
        ] {
            assert_eq!(is_any_identifier(&Location::parse(location).unwrap()), any, "{location}");
        }
    }
}
