//! Rules that no single value shows to be wrong: what leaves, and what its location says it is.

use super::Findings;
use super::known::{holds_cpr, is_any_identifier, names_a_number};
use crate::policy::checked::{self, Action, Epoch, Keep, Mask, Round, Shift};
use crate::policy::codes;
use crate::policy::location::{Location, Step};
use crate::policy::syntax::At;
use crate::policy::written::{Policy, Rule};

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    for Rule { location: At { value: location, span }, action, shapes: _ } in rules(policy) {
        if keeps_all(&action.value, location) {
            findings.add(
                &codes::KEEP_ALL,
                span,
                "this keeps whatever the upstream sends",
                "everything",
                "list the members that may leave",
            );
        }
        if names_a_number(location) {
            let message = "this location holds a number that could be a person's";
            let help = "nobody's number belongs into a policy, which many read; of a code nothing is wrong";
            findings.add(
                &codes::CPR_IN_LOCATION,
                span,
                message,
                "nine or ten digits that could be a CPR",
                help,
            );
        }
        let flaw = if holds_cpr(location) {
            weakness(&action.value)
        } else if is_any_identifier(location) && says_not_cpr(&action.value) {
            Some(Weakness::AnyIdentifier)
        } else {
            None
        };
        if let Some(weakness) = flaw {
            findings.add(&codes::KEPT_CPR, span, weakness.message(), weakness.label(), weakness.help());
        }
    }
}

/// Whether a rule keeps whatever comes.
pub(super) fn keeps_all(action: &Action, location: &Location) -> bool {
    matches!(action, Action::Keep(_)) && location.steps.iter().all(|step| *step == Step::Wildcard)
}

/// A rule that decides a value at a location of `subject`.
pub(super) fn check_at_subject(rule: &checked::Rule, findings: &mut Findings<'_>) {
    let told = findings.list.iter().any(|one| one.code == codes::KEPT_CPR.id && one.span == rule.span);
    let exempt = is_reference(&rule.location) && !says_not_cpr(&rule.action);
    if let Some(weakness) = weakness(&rule.action).filter(|_| !told && !exempt) {
        let message = format!("by `subject` {}", weakness.message());
        findings.add(&codes::KEPT_CPR, &rule.span, message, weakness.label(), weakness.help());
    }
}

/// Every rule of a policy, in the order of shapes, then routes.
pub(super) fn rules(policy: &Policy) -> impl Iterator<Item = &Rule> {
    let shapes = policy.shapes.iter().flat_map(|shape| &shape.rules);
    shapes.chain(policy.routes.iter().flat_map(|route| &route.response.rules))
}

/// Whether by its name a subject stands there as `Patient/1`, an id and no number.
fn is_reference(location: &Location) -> bool {
    location.last_name().is_some_and(|name| name.to_lowercase().ends_with("reference"))
}

const fn says_not_cpr(action: &Action) -> bool {
    matches!(
        action,
        Action::Keep(Keep { number_not_cpr: true, .. } | Keep { string_not_cpr: true, .. })
            | Action::Round(Round::Instant { epoch: Some(Epoch { number_not_cpr: true, .. }), .. })
            | Action::Shift(Shift { epoch: Some(Epoch { number_not_cpr: true, .. }), .. })
    )
}

/// How an action lets a CPR number, or a part of one, out where one stands.
#[derive(Debug, Clone, Copy)]
enum Weakness {
    Unsaid,
    Denied,
    Part(&'static str),
    /// `not-cpr` of identifiers of which one is the CPR number.
    AnyIdentifier,
}

const fn weakness(action: &Action) -> Option<Weakness> {
    match action {
        _ if says_not_cpr(action) => Some(Weakness::Denied),
        Action::Keep(Keep { clear_cpr: None, .. }) => Some(Weakness::Unsaid),
        Action::Mask(Mask::Last4) => Some(Weakness::Part("mask = \"last-4\"")),
        Action::Mask(Mask::FirstWord) => Some(Weakness::Part("mask = \"first-word\"")),
        Action::Mask(Mask::Initials) => Some(Weakness::Part("mask = \"initials\"")),
        Action::Mask(Mask::Email) => Some(Weakness::Part("mask = \"email\"")),
        Action::Generalise(_) => Some(Weakness::Part("generalise")),
        Action::Round(_) => Some(Weakness::Part("round")),
        Action::Shift(_) => Some(Weakness::Part("shift")),
        Action::Scan(_) => Some(Weakness::Part("scan")),
        Action::Decode(_) | Action::DecodeJson(_) => Some(Weakness::Part("decode")),
        Action::Count => Some(Weakness::Part("count")),
        Action::Keep(_)
        | Action::Mask(Mask::All | Mask::Cpr)
        | Action::Withhold
        | Action::Pseudonymise(_)
        | Action::Replace(_)
        | Action::Resolve(_)
        | Action::Url(_) => None,
    }
}

impl Weakness {
    fn message(self) -> String {
        match self {
            Self::Unsaid => "a CPR number stands here, and `keep` does not say what becomes of it".to_owned(),
            Self::Denied => "a CPR number stands here, and `not-cpr` says that none does".to_owned(),
            Self::Part(how) => format!("a CPR number stands here, and `{how}` can let a part of it out"),
            Self::AnyIdentifier => "`not-cpr` of every identifier: one of them is the CPR number".to_owned(),
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Unsaid | Self::Denied | Self::Part(_) => "a CPR number",
            Self::AnyIdentifier => "identifiers of any system",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Unsaid | Self::Denied | Self::Part(_) => {
                "write `\"pseudonymise\"` or `{ mask = \"cpr\" }`, or \
                 `{ keep = true, cpr = \"clear\", cpr-ground = \"dbl-11-2-1\" }` with the ground that applies"
            }
            Self::AnyIdentifier => {
                "name the system of those that are meant: `identifier[?@.system=='urn:oid:…'].value`"
            }
        }
    }
}
