//! Rules that no single value shows to be wrong: what is kept, and what its name says it is.

use super::Findings;
use crate::policy::checked::Action;
use crate::policy::codes;
use crate::policy::location::{Comparison, Literal, Location, Step};
use crate::policy::written::{Policy, Rule};

/// Names under which APIs carry CPR numbers (compared without case, `-` and `_`).
pub(super) const CPR_NAMES: [&str; 14] = [
    "cpr",
    "cprnr",
    "cprnummer",
    "cprnumber",
    "pnr",
    "personnummer",
    "personnr",
    "personcivilregistrationidentifier",
    "civilregistrationnumber",
    "civilregistrationidentifier",
    "patientcpr",
    "patid",
    "ssn",
    "nationalid",
];

/// Identifier systems of CPR and e-CPR numbers, as they end; also bare or `OID:`-prefixed.
const CPR_SYSTEMS: [&str; 5] = [
    "1.2.208.176.1.2",
    "1.2.208.176.1.6.1.1",
    "1.2.208.176.1.6.1.3",
    "cpr.dk/cpr-systemet",
    "NamingSystem/cpr",
];

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    for rule in rules(policy) {
        let Action::Keep(keep) = &rule.action.value else { continue };
        let location = &rule.location.value;
        if location.steps.iter().all(|step| *step == Step::Wildcard) {
            findings.add(
                &codes::KEEP_ALL,
                &rule.location.span,
                "this keeps whatever the upstream sends",
                "everything",
                "list the members that may leave",
            );
        }
        if keep.clear_cpr.is_none() && holds_cpr(location) {
            findings.add(
                &codes::KEPT_CPR,
                &rule.location.span,
                "a CPR number stands here, and `keep` does not say what becomes of it",
                "a CPR number",
                "write `\"pseudonymise\"`, or `{ keep = true, cpr = \"clear\", cpr-ground = \"dbl-11-2-1\" }` \
                 with the ground that applies",
            );
        }
    }
}

/// Every rule of a policy, in the order of shapes, then routes.
fn rules(policy: &Policy) -> impl Iterator<Item = &Rule> {
    let shapes = policy.shapes.iter().flat_map(|shape| &shape.rules);
    shapes.chain(policy.routes.iter().flat_map(|route| &route.response.rules))
}

/// Whether a location says by itself that a CPR number stands there.
pub(super) fn holds_cpr(location: &Location) -> bool {
    let by_name = location.last_name().is_some_and(|name| CPR_NAMES.contains(&plain(name).as_str()));
    let is_value = location.last_name().is_none_or(|name| name == "value") || ends_in_filter(location);
    by_name || (is_value && location.steps.iter().any(selects_cpr))
}

fn ends_in_filter(location: &Location) -> bool {
    matches!(location.steps.last(), Some(Step::Filter(_)))
}

fn selects_cpr(step: &Step) -> bool {
    let names_system = |comparison: &Comparison| match &comparison.literal {
        Literal::String(text) => {
            comparison.equal && CPR_SYSTEMS.iter().any(|system| ends_with_whole(text, system))
        }
        Literal::Integer(_) | Literal::Bool(_) | Literal::Null => false,
    };
    matches!(step, Step::Filter(all) if all.iter().any(names_system))
}

/// Whether `text` ends in `system`, not in the middle of a longer number.
fn ends_with_whole(text: &str, system: &str) -> bool {
    text.strip_suffix(system)
        .is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_digit() || c == '.'))
}

/// A name without case, `-` and `_`, as names of members are compared.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}
