//! FHIR writes what there is to say about a primitive beside it: the extensions of `birthDate` stand in
//! `_birthDate` (R4 section 2.6.2), and may hold the value more exactly, as the time of birth does. A
//! rule on the one says nothing of the other.

use super::Findings;
use crate::policy::checked::{Action, MediaType};
use crate::policy::codes;
use crate::policy::location::{Literal, Location, Step};
use crate::policy::written::{Policy, Rule, Shape};

/// Members of an extension that say of which kind it is, or that there is no value.
const SAYS_LITTLE: [&str; 3] = ["url", "valueBoolean", "valueCode"];

const HELP: &str = "withhold the sibling too, or give what stands in it a rule of its own";

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    for shape in policy.shapes.iter().filter(|shape| is_resource(shape)) {
        within(&shape.rules, findings);
    }
    for route in &policy.routes {
        let response = &route.response;
        let is_fhir = |one: &MediaType| matches!(one, MediaType::FhirJson | MediaType::FhirNdjson);
        if response.media_types.iter().any(is_fhir) {
            within(&response.rules, findings);
        }
        for kept in response.rules.iter().filter(|rule| is_kept(rule)) {
            for shape in policy.shapes.iter().filter(|shape| is_resource(shape)) {
                for at in &shape.at {
                    let rules = shape.rules.iter().filter(|rule| is_changed(rule));
                    let beside = rules.filter(|rule| is_sibling(&at.join(&rule.location.value), kept));
                    beside.for_each(|rule| report(rule, kept, findings));
                }
            }
        }
    }
}

fn within(rules: &[Rule], findings: &mut Findings<'_>) {
    for rule in rules.iter().filter(|rule| is_changed(rule)) {
        if let Some(kept) = rules.iter().find(|kept| is_kept(kept) && is_sibling(&rule.location.value, kept))
        {
            report(rule, kept, findings);
        }
        let Some(sibling) = sibling(&rule.location.value) else { continue };
        let above = |kept: &&Rule| is_kept(kept) && is_above(&kept.location.value, &rule.location.value);
        let withheld =
            |other: &Rule| other.action.value == Action::Withhold && other.location.value == sibling;
        if let Some(kept) = rules.iter().find(above).filter(|_| !rules.iter().any(withheld)) {
            let message = format!("this is withheld, and its sibling `{}` is kept", name_of(&sibling));
            findings.add_with(
                &codes::SIBLING_KEPT,
                &rule.location.span,
                message,
                ("says nothing of its sibling", &format!("add `\"{sibling}\" = \"withhold\"`")),
                (&kept.location.span, "kept here"),
            );
        }
    }
}

fn report(rule: &Rule, kept: &Rule, findings: &mut Findings<'_>) {
    findings.add_with(
        &codes::SIBLING_KEPT,
        &kept.location.span,
        "a member that does not leave as it came may stand here in full",
        ("the sibling of a primitive", HELP),
        (&rule.location.span, "leaves in another form, or not at all"),
    );
}

fn is_resource(shape: &Shape) -> bool {
    shape.when.iter().any(|(name, value)| name == "resourceType" && matches!(value, Literal::String(_)))
}

const fn is_kept(rule: &Rule) -> bool {
    matches!(rule.action.value, Action::Keep(_))
}

const fn is_changed(rule: &Rule) -> bool {
    !matches!(rule.action.value, Action::Keep(_) | Action::Count | Action::Resolve(_))
}

/// `$._birthDate` of `$.birthDate`.
fn sibling(location: &Location) -> Option<Location> {
    let (last, above) = location.steps.split_last()?;
    let Step::Name(name) = last else { return None };
    let mut steps = above.to_vec();
    steps.push(Step::Name(format!("_{name}")));
    (!name.starts_with('_')).then_some(Location { steps })
}

fn name_of(location: &Location) -> &str {
    location.last_name().unwrap_or_default()
}

/// Whether what is kept can be the sibling of what stands at a location, or below it, and say more than
/// of which kind an extension is.
fn is_sibling(location: &Location, kept: &Rule) -> bool {
    let kept = &kept.location.value;
    let Some(sibling) = sibling(location) else { return false };
    let meets = kept.steps.len() >= sibling.steps.len() && kept.meets(&sibling);
    meets && !kept.last_name().is_some_and(|name| SAYS_LITTLE.contains(&name))
}

/// Whether what stands at `below` is kept with all of what is at `kept`.
fn is_above(kept: &Location, below: &Location) -> bool {
    kept.steps.len() < below.steps.len() && kept.meets(below)
}
