//! Rules that meet each other, or a subject: found exactly, by compiling each route.

use std::collections::BTreeSet;

use super::{Findings, members};
use crate::policy::checked::{Action, Content, Policy, Route, Rule};
use crate::policy::codes;
use crate::policy::plan::{self, Conflict, Meeting, PlanError, RuleRef};

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for route in &policy.routes {
        for mistake in plan::mistakes(policy, route) {
            report(|reference| rule(policy, route, reference), &mistake, &mut seen, findings);
        }
        let request = route.request.as_ref().map(|request| &request.content);
        if let Some(Content::Json { rules, .. }) = request {
            for mistake in plan::mistakes_of_request(rules) {
                report(|reference| rules.get(reference.rule), &mistake, &mut seen, findings);
            }
        }
        for reference in plan::rules_at_subjects(policy, route) {
            if let Some(rule) = rule(policy, route, reference) {
                members::check_at_subject(rule, findings);
            }
        }
    }
}

fn rule<'p>(policy: &'p Policy, route: &'p Route, reference: RuleRef) -> Option<&'p Rule> {
    let rules = match reference.shape {
        Some(shape) => &policy.shapes.get(shape)?.rules,
        None => &route.response.rules,
    };
    rules.get(reference.rule)
}

/// Shapes are used by several routes: what is wrong between their rules is told once.
fn report<'p>(
    at: impl Fn(RuleRef) -> Option<&'p Rule>,
    mistake: &PlanError,
    seen: &mut BTreeSet<(usize, usize)>,
    findings: &mut Findings<'_>,
) {
    match mistake {
        PlanError::Conflict(conflict) => {
            let (Some(first), Some(second)) = (at(conflict.first), at(conflict.second)) else { return };
            if seen.insert((first.span.start, second.span.start)) {
                report_conflict(first, second, conflict, findings);
            }
        }
        PlanError::TooManyCombinations { rule, limit } => findings.add(
            &codes::TOO_MANY_FILTERS,
            &at(*rule).map_or(0..0, |rule| rule.span.clone()),
            format!("the filters on one element have more than {limit} combinations"),
            "one of them",
            "compare fewer members here, or split the policy into routes",
        ),
        // Keys are the operator's: a policy is right or wrong without them.
        PlanError::Key(_) => {}
    }
}

fn report_conflict(first: &Rule, second: &Rule, conflict: &Conflict, findings: &mut Findings<'_>) {
    if [first, second].iter().any(|rule| members::keeps_all(&rule.action, &rule.location)) {
        return; // It meets every other rule, and that it cannot stand has been said.
    }
    if first.span == second.span {
        let message = "this rule meets itself: the shape's places stand inside each other";
        let help = "name members further down, so that one place's rules end before the next begins";
        findings.add(&codes::CONFLICT, &second.span, message, "decided twice", help);
        return;
    }
    let (message, help) = match conflict.how {
        Meeting::Same => ("two rules decide this location", "there is no precedence: take one of them out"),
        Meeting::Below => (
            "one rule stands below another",
            "list the members that may leave instead; only `\"withhold\"` may stand below a `keep`",
        ),
        Meeting::Hanging => {
            let (withhold, keep) =
                if first.action == Action::Withhold { (first, second) } else { (second, first) };
            report_hanging(withhold, keep, findings);
            return;
        }
    };
    findings.add_with(
        &codes::CONFLICT,
        &second.span,
        message,
        ("decided here", help),
        (&first.span, "and here"),
    );
}

fn report_hanging(withhold: &Rule, keep: &Rule, findings: &mut Findings<'_>) {
    findings.add_with(
        &codes::HANGING_WITHHOLD,
        &withhold.span,
        "this is withheld from some documents only, and kept in all others",
        (
            "hangs on a filter, an index or a shape",
            "list what is kept instead: the filter then says what may leave, as in \
             `\"$.telecom[?@.system=='email'].value\" = \"keep\"`",
        ),
        (&keep.span, "kept here"),
    );
}
