//! Runs the engine over an upstream's body as the proxy does, and writes down what was decided
//! about each member and by which line of the policy.

use std::str::FromStr as _;

use jiff::civil::Date;
use serde_json::Value;

use crate::config::shipped_profiles;
use crate::policy::check::check;
use crate::policy::checked::{Action, Generalise, Kind, Mask, Policy, Route, Rule};
use crate::policy::diagnostic::Severity;
use crate::policy::plan::{Plan, RuleRef};
use crate::policy::syntax::SourceFile;
use crate::pseudonym::KeyRing;
use crate::pseudonym::ValueKind;
use crate::rewrite::{Decision, Outcome, Watch, rewrite, rewrite_lines};

use super::story::Row;

/// What the engine made of one body.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) rows: Vec<Row>,
    pub(crate) body: Vec<u8>,
}

/// Why the engine made nothing of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    /// The policy has mistakes.
    #[error("the policy has mistakes: {0}")]
    Policy(String),
    /// It has no such route.
    #[error("the policy has no such route")]
    Route,
    /// The route cannot be compiled.
    #[error("the route cannot be compiled: {0}")]
    Plan(String),
    /// The body cannot be rewritten.
    #[error(transparent)]
    Fault(#[from] crate::rewrite::Fault),
}

/// Rewrites `body` as the route of the policy says, with these keys.
pub(crate) fn trace(
    text: &str,
    at: Date,
    route: &str,
    keys: &KeyRing,
    body: &[u8],
) -> Result<Trace, TraceError> {
    let policy = checked(text, at)?;
    let route = policy.routes.iter().find(|one| one.name == route).ok_or(TraceError::Route)?;
    let lines = route.response.media_types.iter().all(|media| media.is_lines());
    of(&policy, route, keys, body, lines)
}

/// The same of a policy that is checked; `lines` says that the body is one document a line.
pub(crate) fn of(
    policy: &Policy,
    route: &Route,
    keys: &KeyRing,
    body: &[u8],
    lines: bool,
) -> Result<Trace, TraceError> {
    let plan = Plan::compile(policy, route, keys).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        TraceError::Plan(faults.join("; "))
    })?;
    let mut rows = Rows { policy, route, rows: Vec::new() };
    let engine = if lines { rewrite_lines } else { rewrite };
    let rewritten = engine(&plan, body, &[0; 16], &mut rows)?;
    Ok(Trace { rows: rows.rows, body: rewritten.released.into_body() })
}

fn checked(text: &str, at: Date) -> Result<Policy, TraceError> {
    let file = SourceFile::new("policy.toml", text).with(&shipped_profiles());
    let (policies, findings) = check(&[file], at);
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    match (first, policies.into_iter().next()) {
        (None, Some(policy)) => Ok(policy),
        (first, _) => Err(TraceError::Policy(first.map_or_else(String::new, |one| one.message.clone()))),
    }
}

struct Rows<'a> {
    policy: &'a Policy,
    route: &'a Route,
    rows: Vec<Row>,
}

impl Watch for Rows<'_> {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        let place = member(decision.pointer);
        if decision.outcome == Outcome::RecordWithheld {
            // What was decided about its members is taken back.
            let kept = self.rows.iter().rposition(|row| !is_within(&row.member, &place));
            self.rows.truncate(kept.map_or(0, |last| last.saturating_add(1)));
        }
        let rule = decision.rule.and_then(|rule| self.rule(rule));
        let words = rule.map_or("no rule", |rule| words(&rule.action));
        let action = match decision.outcome {
            Outcome::Kept | Outcome::Changed | Outcome::Withheld => words.to_owned(),
            Outcome::Unfit => format!("unfit: {words}"),
            Outcome::RecordWithheld => "record withheld".to_owned(),
        };
        let after = match decision.outcome {
            Outcome::Kept | Outcome::Changed => Some(text(decision.after)),
            Outcome::Withheld | Outcome::Unfit | Outcome::RecordWithheld => None,
        };
        let row = Row {
            outcome: decision.outcome,
            member: place,
            before: text(decision.before),
            after,
            action,
            profile: rule.and_then(|rule| profile(self.policy, rule)),
            line: rule.map(|rule| rule.line),
        };
        // A container that is withheld whole is one decision; its members are shown one by one.
        match Value::from_str(&row.before) {
            Ok(value) if row.after.is_none() => self.leaves(&row, &row.member, &value),
            Ok(_) | Err(_) => self.rows.push(row),
        }
    }
}

impl Rows<'_> {
    fn rule(&self, rule: RuleRef) -> Option<&Rule> {
        let rules = match rule.shape {
            Some(shape) => &self.policy.shapes.get(shape)?.rules,
            None => &self.route.response.rules,
        };
        rules.get(rule.rule)
    }

    fn leaves(&mut self, row: &Row, member: &str, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    let member = if member.is_empty() { name.clone() } else { format!("{member}.{name}") };
                    self.leaves(row, &member, value);
                }
            }
            Value::Array(elements) if !elements.is_empty() => {
                for (index, value) in elements.iter().enumerate() {
                    self.leaves(row, &format!("{member}[{index}]"), value);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                self.rows.push(Row { member: member.to_owned(), before: value.to_string(), ..row.clone() });
            }
        }
    }
}

/// Whether a member is another or below it.
fn is_within(member: &str, other: &str) -> bool {
    let rest = member.strip_prefix(other);
    rest.is_some_and(|rest| other.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The file of the profile that a rule stands in; none in the policy itself.
fn profile(policy: &Policy, rule: &Rule) -> Option<String> {
    (*rule.file != *policy.file).then(|| rule.file.to_string())
}

fn text(json: &[u8]) -> String {
    String::from_utf8_lossy(json).into_owned()
}

/// `/aftaler/0/patient/cpr` as `aftaler[0].patient.cpr`.
fn member(pointer: &str) -> String {
    let mut name = String::new();
    for step in pointer.split('/').skip(1) {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            name = format!("{name}[{step}]");
        } else {
            let dot = if name.is_empty() { "" } else { "." };
            name = format!("{name}{dot}{}", step.replace("~1", "/").replace("~0", "~"));
        }
    }
    name
}

/// An action in the policy's own words.
fn words(action: &Action) -> &'static str {
    match action {
        Action::Withhold => "withhold",
        Action::Keep(_) => "keep",
        Action::Pseudonymise(Kind::Cpr) => "pseudonymise",
        Action::Pseudonymise(Kind::Id { .. }) => "pseudonymise id",
        Action::Pseudonymise(Kind::Reference) => "pseudonymise ref",
        Action::Pseudonymise(Kind::Value(ValueKind::Phone)) => "pseudonymise phone",
        Action::Pseudonymise(Kind::Value(ValueKind::Email)) => "pseudonymise email",
        Action::Pseudonymise(Kind::Value(ValueKind::Text)) => "pseudonymise text",
        Action::Mask(Mask::FirstWord) => "mask first-word",
        Action::Mask(Mask::Initials) => "mask initials",
        Action::Mask(Mask::Last4) => "mask last-4",
        Action::Mask(Mask::All) => "mask all",
        Action::Mask(Mask::Email) => "mask email",
        Action::Mask(Mask::Cpr) => "mask cpr",
        Action::Generalise(Generalise::Year { .. }) => "generalise year",
        Action::Generalise(Generalise::Month) => "generalise month",
        Action::Generalise(Generalise::Week) => "generalise week",
        Action::Generalise(Generalise::Decade { .. }) => "generalise decade",
        Action::Generalise(Generalise::Age { .. }) => "generalise age",
        Action::Generalise(Generalise::AgeBand { .. }) => "generalise band",
        Action::Generalise(Generalise::Step(_)) => "generalise step",
        Action::Generalise(Generalise::Bands(_)) => "generalise bands",
        Action::Generalise(Generalise::PostcodeRegion { .. } | Generalise::Postcode2) => "generalise post",
        Action::Generalise(Generalise::CodePrefix { .. }) => "generalise code",
        Action::Round(_) => "round",
        Action::Shift(_) => "shift",
        Action::Replace(_) => "replace",
        Action::Scan(_) => "scan",
        Action::Count => "count",
        Action::Resolve(_) => "resolve",
        Action::Url(_) => "url",
        Action::Decode(_) | Action::DecodeJson(_) => "decode",
    }
}
