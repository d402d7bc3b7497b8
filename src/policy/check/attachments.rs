//! What stands beside a text that is decoded and changed inside: its hash and its size tell of the text
//! as it was, and a hash can be guessed at.

use super::Findings;
use super::members;
use crate::policy::checked::Action;
use crate::policy::codes;
use crate::policy::location::Step;
use crate::policy::written::{Policy, Rule};

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    let decoded: Vec<&Rule> =
        members::rules(policy).filter(|rule| matches!(rule.action.value, Action::Decode(_))).collect();
    if decoded.is_empty() {
        return;
    }
    for rule in members::rules(policy).filter(|rule| matches!(rule.action.value, Action::Keep(_))) {
        let Some((Step::Name(name), above)) = rule.location.value.steps.split_last() else { continue };
        let beside =
            |one: &&&Rule| one.location.value.steps.split_last().is_some_and(|(_, other)| other == above);
        if let Some(one) = decoded.iter().find(beside).filter(|_| matches!(name.as_str(), "hash" | "size")) {
            findings.add_with(
                &codes::HASH_OF_DECODED,
                &rule.location.span,
                format!("`{name}` tells of the text as it came"),
                ("kept as it came", "leave it out: what leaves has another"),
                (&one.location.span, "this is changed inside"),
            );
        }
    }
}
