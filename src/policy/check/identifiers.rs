//! Stable direct identifiers beside pseudonyms that are meant to change.

use super::Findings;
use super::known::{holds_cpr, is_cpr_name, plain};
use crate::policy::checked::{Action, Linkability};
use crate::policy::codes;
use crate::policy::location::{Literal, Location, Step};
use crate::policy::written::{Policy, Shape};

/// Names of members that tell one person from all others, and stay the same.
const NAMES: &[&str] = &[
    "email",
    "emailaddress",
    "epost",
    "family",
    "given",
    "id",
    "mail",
    "mobil",
    "mobile",
    "mobilnr",
    "mobilnummer",
    "name",
    "navn",
    "patientid",
    "phone",
    "phonenumber",
    "telecom",
    "telefon",
    "telefonnr",
    "telefonnummer",
    "tlf",
];

/// Below these a name or an id is not a person's.
const NOT_PERSONS: &[&str] = &[
    "afdeling",
    "clinic",
    "firma",
    "klinik",
    "managingorganization",
    "organisation",
    "organization",
    "praksis",
    "ydelse",
];

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    let Some(linkability) = policy.pseudonyms.linkability.as_ref().filter(|l| l.value != Linkability::Domain)
    else {
        return;
    };
    let in_shapes = policy.shapes.iter().flat_map(|shape| {
        let persons = is_about_persons(shape);
        shape.rules.iter().map(move |rule| (rule, persons))
    });
    let in_routes = policy.routes.iter().flat_map(|route| &route.response.rules).map(|rule| (rule, true));
    for (rule, persons) in in_shapes.chain(in_routes) {
        if matches!(rule.action.value, Action::Keep(_)) && identifies(&rule.location.value, persons) {
            findings.add_with(
                &codes::IDENTIFIER_BESIDE_UNLINKABLE,
                &rule.location.span,
                "a stable identifier is kept beside pseudonyms that change",
                ("the same in every response", "pseudonymise, mask or withhold it"),
                (&linkability.span, "pseudonyms change, so that responses cannot be linked"),
            );
        }
    }
}

/// Whether names and telephone numbers of a shape's elements are a person's: not so of other FHIR
/// resources than these.
fn is_about_persons(shape: &Shape) -> bool {
    const PERSONS: [&str; 5] = ["Patient", "Person", "Practitioner", "PractitionerRole", "RelatedPerson"];
    shape.when.iter().all(|(name, literal)| match literal {
        Literal::String(text) if name == "resourceType" => PERSONS.contains(&text.as_str()),
        Literal::String(_) | Literal::Integer(_) | Literal::Bool(_) | Literal::Null => true,
    })
}

/// Whether a value there tells one person from all others, and stays the same. The id of anything
/// does: the same appointment is the same person's.
fn identifies(location: &Location, persons: bool) -> bool {
    let names: Vec<String> = location
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Name(name) => Some(plain(name)),
            Step::Wildcard | Step::Index(_) | Step::Filter(_) => None,
        })
        .collect();
    let Some((last, above)) = names.split_last() else { return false };
    let of_no_person = above.iter().any(|name| NOT_PERSONS.contains(&name.as_str()));
    let named = NAMES.contains(&last.as_str()) || is_cpr_name(last);
    holds_cpr(location) || (named && !of_no_person && (persons || last == "id"))
}
