//! Stable direct identifiers beside pseudonyms that are meant to change.

use super::Findings;
use super::members::{CPR_NAMES, holds_cpr, plain, rules};
use crate::policy::checked::{Action, Linkability};
use crate::policy::codes;
use crate::policy::location::{Location, Step};
use crate::policy::written::Policy;

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
    for rule in rules(policy) {
        if matches!(rule.action.value, Action::Keep(_)) && identifies(&rule.location.value) {
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

fn identifies(location: &Location) -> bool {
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
    let named = NAMES.contains(&last.as_str()) || CPR_NAMES.contains(&last.as_str());
    holds_cpr(location) || (named && !of_no_person)
}
