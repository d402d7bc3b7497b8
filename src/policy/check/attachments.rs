//! What stands beside a code that is decoded and changed inside: its hash and its size tell of what it was
//! the code of, and a hash can be guessed at. And what stands in it: no document within a document.

use std::collections::BTreeSet;

use super::Findings;
use super::{members, routes};
use crate::policy::checked::Action;
use crate::policy::codes;
use crate::policy::location::{Location, Step};
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

const HELP_INSIDE: &str = "list a shape without that rule: `like` this one, with it in `without`";

fn beside(policy: &Policy, findings: &mut Findings<'_>) {
    let mut told = BTreeSet::new();
    for route in &policy.routes {
        let shapes = routes::all_shapes(policy, &route.response);
        let placed =
            |wanted: fn(&Rule) -> bool| routes::placed(shapes.iter().copied(), &route.response, wanted);
        let decoded = placed(|rule| matches!(rule.action.value, Action::Decode(_) | Action::DecodeJson(_)));
        for (location, rule) in placed(is_kept_sum) {
            let one = decoded.iter().find(|(other, _)| is_beside(&location, other));
            let (Some(name), Some((_, one))) = (location.last_name(), one) else { continue };
            if told.insert(rule.location.span.start) {
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
}

/// Whether a rule keeps what may be made of the code beside it.
fn is_kept_sum(rule: &Rule) -> bool {
    let name = rule.location.value.steps.last();
    let is_sum = matches!(name, Some(Step::Name(name)) if matches!(name.as_str(), "hash" | "size"));
    is_sum && matches!(rule.action.value, Action::Keep(_))
}

/// Whether two members can stand in one object.
fn is_beside(one: &Location, other: &Location) -> bool {
    let [one, other] =
        [one, other].map(|member| member.steps.split_last().map_or(&[][..], |(_, above)| above));
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.may_be(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_beside_each_other_where_one_object_can_have_both() {
        for (one, other, beside) in [
            ("$.a.data", "$.a.hash", true),
            ("$.data", "$.hash", true),
            ("$.a.data", "$.b.hash", false),
            ("$.a.data", "$.a.b.hash", false),
            ("$.a[0].data", "$.a[0].hash", true),
            ("$.a[0].data", "$.a[1].hash", false),
            ("$.a[*].data", "$.a[1].hash", true),
            ("$.a[1].data", "$.a[?@.x=='1'].hash", true),
            ("$.a.b.data", "$.a[0].hash", false),
            ("$.a[0].data", "$.a.b.hash", false),
            ("$.a[?@.x=='1'].data", "$.a[?@.x=='1'].hash", true),
            ("$.a[?@.x=='1'].data", "$.a[?@.x=='2'].hash", false),
            ("$.a[?@.x=='1'].data", "$.a[?@.x!='2'].hash", true),
            ("$.a[?@.x!='1'].data", "$.a[?@.x=='2'].hash", true),
            ("$.a[?@.x!='1'].data", "$.a[?@.x=='1'].hash", false),
            ("$.a[?@.x!='1'].data", "$.a[?@.y=='1'].hash", true),
            ("$.a[?@.x!='1'].data", "$.a[?@.x!='2'].hash", true),
            ("$.a[?@.x=='1'].data", "$.a[?@.y=='2'].hash", true),
            ("$.a[?@.x=='1' && @.y=='1'].data", "$.a[?@.y=='2'].hash", false),
        ] {
            let [one, other] = [one, other].map(|text| Location::parse(text).unwrap());
            assert_eq!(is_beside(&one, &other), beside, "{one} {other}");
        }
    }
}
