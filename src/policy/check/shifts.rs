//! Dates that are moved: all of a policy's alike, and each for somebody.

use std::collections::BTreeSet;

use super::Findings;
use super::members::rules;
use super::routes::all_shapes;
use crate::policy::checked::{Action, Shift};
use crate::policy::codes;
use crate::policy::written::{Policy, Rule, Subject};

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    alike(policy, findings);
    somebodys(policy, findings);
}

fn shift(rule: &Rule) -> Option<&Shift> {
    if let Action::Shift(shift) = &rule.action.value { Some(shift) } else { None }
}

fn alike(policy: &Policy, findings: &mut Findings<'_>) {
    let mut shifts = rules(policy).filter_map(|rule| Some((rule, shift(rule)?)));
    let Some((first, wanted)) = shifts.next() else { return };
    for (rule, shift) in shifts {
        if (shift.days, shift.weekday) != (wanted.days, wanted.weekday) {
            findings.add_with(
                &codes::SHIFTS_DIFFER,
                &rule.action.span,
                "this date is shifted by other days than another",
                ("another range", "give every `shift` of the policy the same `days` and `weekday`"),
                (&first.action.span, "the other"),
            );
        }
    }
}

fn somebodys(policy: &Policy, findings: &mut Findings<'_>) {
    let mut told = BTreeSet::new();
    for route in &policy.routes {
        let shapes = all_shapes(policy, &route.response);
        let subjects = shapes.iter().map(|shape| &shape.subject).chain([&route.response.subject]);
        // What could not be read may be the one.
        if subjects.into_iter().any(|subject| matches!(subject, Subject::At(_) | Subject::Unread)) {
            continue;
        }
        let all = shapes.iter().flat_map(|shape| &shape.rules).chain(&route.response.rules);
        for rule in all.filter(|rule| shift(rule).is_some()) {
            if told.insert(rule.action.span.start) {
                findings.add(
                    &codes::SHIFT_WITHOUT_SUBJECT,
                    &rule.action.span,
                    "nobody's dates cannot be shifted",
                    "whose days?",
                    "name the `subject` of the records, or `generalise` the date",
                );
            }
        }
    }
}
