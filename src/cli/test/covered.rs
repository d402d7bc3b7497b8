//! How much of policies their tests reach, in words.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::authoring::coverage::{Coverage, RulePlace, percent};
use crate::policy::checked::Policy;

/// So many locations that no rule decides are shown of one policy; JSON has them all.
const MOST_LOCATIONS: usize = 40;

/// What the tests of one policy reach.
pub(super) struct Covered {
    pub(super) file: String,
    /// Of the policy's own text; those of profiles that it includes are another's to test.
    own: Count,
    profiles: Count,
    missed: Vec<RulePlace>,
    decided: u64,
    undecided: BTreeMap<String, u64>,
}

/// So many rules, and how many of them tests reach.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    rules: u64,
    reached: u64,
}

impl Count {
    fn percent(self) -> u64 {
        percent(self.reached, self.rules)
    }
}

impl Covered {
    pub(super) fn new(policy: &Policy, coverage: &Coverage) -> Self {
        let rules = coverage.rules(policy);
        let (mut own, mut profiles) = (Count::default(), Count::default());
        for (place, reached) in &rules {
            let count = if *place.file == *policy.file { &mut own } else { &mut profiles };
            count.rules = count.rules.saturating_add(1);
            count.reached = count.reached.saturating_add(u64::from(*reached));
        }
        Self {
            file: policy.file.clone(),
            own,
            profiles,
            missed: rules.into_iter().filter(|(_, reached)| !reached).map(|(place, _)| place).collect(),
            decided: coverage.values().0,
            undecided: coverage.undecided().clone(),
        }
    }

    /// How many of a hundred rules of its own the tests reach.
    pub(super) fn percent(&self) -> u64 {
        self.own.percent()
    }

    fn of_profiles(&self) -> String {
        let Count { rules, reached } = self.profiles;
        if rules == 0 {
            return String::new();
        }
        format!(", of its profiles' {reached} of {rules} ({} %)", self.profiles.percent())
    }

    fn values(&self) -> u64 {
        self.undecided.values().sum::<u64>().saturating_add(self.decided)
    }
}

pub(super) fn as_text(all: &[Covered]) -> String {
    let mut text = String::new();
    for one in all {
        text += &format!(
            "\n{}: {} of {} rules reached ({} %){}, {} of {} values decided by a rule ({} %)\n",
            one.file,
            one.own.reached,
            one.own.rules,
            one.percent(),
            one.of_profiles(),
            one.decided,
            one.values(),
            percent(one.decided, one.values()),
        );
        for rule in &one.missed {
            let place = place(rule);
            text += &format!("    no test reaches  {}:{}  {place}\n", rule.file, rule.line);
        }
        for (location, count) in one.undecided.iter().take(MOST_LOCATIONS) {
            text += &format!("    no rule decides  {location}  ({count})\n");
        }
        let more = one.undecided.len().saturating_sub(MOST_LOCATIONS);
        if more > 0 {
            text += &format!("    … and {more} more locations; `--format json` has them all\n");
        }
    }
    text
}

fn place(rule: &RulePlace) -> String {
    let of = match (&rule.route, &rule.shape) {
        (Some(route), _) => format!("of route {route}"),
        (None, Some(shape)) => format!("of shape {shape}"),
        (None, None) => String::new(),
    };
    format!("{} {of}", rule.location)
}

/// One object a policy; members are added over time, never changed.
pub(super) fn as_json(all: &[Covered]) -> Value {
    let one = |one: &Covered| {
        let missed = |rule: &RulePlace| json!({ "file": *rule.file, "line": rule.line, "location": rule.location, "route": rule.route, "shape": rule.shape });
        json!({
            "policy": one.file,
            "rules": one.own.rules,
            "reached": one.own.reached,
            "percent": one.percent(),
            "profile-rules": one.profiles.rules,
            "profile-reached": one.profiles.reached,
            "not-reached": one.missed.iter().map(missed).collect::<Vec<_>>(),
            "values": one.values(),
            "decided": one.decided,
            "not-decided": one.undecided,
        })
    };
    all.iter().map(one).collect()
}
