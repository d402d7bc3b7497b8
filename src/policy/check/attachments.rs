//! What stands beside a code that is decoded and changed inside: its hash and its size tell of what it was
//! the code of, and a hash can be guessed at. And what stands in it: no document within a document.

use super::Findings;
use super::members;
use crate::policy::checked::Action;
use crate::policy::codes;
use crate::policy::location::Step;
use crate::policy::written::{Policy, Rule};

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    beside(policy, findings);
    inside(policy, findings);
}

/// That a document of a document's is left alone: what is one inside the other can be so to any depth,
/// and nobody could say what leaves.
fn inside(policy: &Policy, findings: &mut Findings<'_>) {
    for listed in members::rules(policy).flat_map(|rule| &rule.shapes) {
        let of_name = policy
            .shapes
            .iter()
            .filter(|shape| shape.name.as_ref().is_some_and(|name| name.value == listed.value));
        let mut rules = of_name.flat_map(|shape| &shape.rules);
        if let Some(inner) = rules.find(|rule| matches!(rule.action.value, Action::DecodeJson(_))) {
            let message =
                format!("a document by the shape `{}` would be decoded inside another", listed.value);
            findings.add_with(
                &codes::DECODE_IN_DECODED,
                &listed.span,
                message,
                ("decodes documents itself", HELP_INSIDE),
                (&inner.action.span, "here"),
            );
        }
    }
}

/// Whether two steps can lead to one value: `[0]` and `[*]` do.
fn could_meet(one: &Step, other: &Step) -> bool {
    match (one, other) {
        (Step::Name(one), Step::Name(other)) => one == other,
        (Step::Index(one), Step::Index(other)) => one == other,
        (Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_)) => false,
        // Nothing can be two values at once.
        (Step::Filter(some), Step::Filter(others)) => !some.iter().any(|one| {
            others.iter().any(|other| {
                one.equal && other.equal && one.member == other.member && one.literal != other.literal
            })
        }),
        (Step::Wildcard | Step::Filter(_), _) | (_, Step::Wildcard | Step::Filter(_)) => true,
    }
}

const HELP_INSIDE: &str = "list a shape without that rule: `like` this one, with it in `without`";

fn beside(policy: &Policy, findings: &mut Findings<'_>) {
    let is_decoded = |rule: &&Rule| matches!(rule.action.value, Action::Decode(_) | Action::DecodeJson(_));
    let decoded: Vec<&Rule> = members::rules(policy).filter(is_decoded).collect();
    if decoded.is_empty() {
        return;
    }
    for rule in members::rules(policy).filter(|rule| matches!(rule.action.value, Action::Keep(_))) {
        let Some((Step::Name(name), above)) = rule.location.value.steps.split_last() else { continue };
        let beside = |one: &&&Rule| {
            let other = one.location.value.steps.split_last().map_or(&[][..], |(_, other)| other);
            other.len() == above.len() && other.iter().zip(above).all(|(one, other)| could_meet(one, other))
        };
        if let Some(one) = decoded.iter().find(beside).filter(|_| matches!(name.as_str(), "hash" | "size")) {
            findings.add_with(
                &codes::HASH_OF_DECODED,
                &rule.location.span,
                format!("`{name}` tells of what is in the code as it came"),
                ("kept as it came", "leave it out: what leaves has another"),
                (&one.location.span, "this is changed inside"),
            );
        }
    }
}
