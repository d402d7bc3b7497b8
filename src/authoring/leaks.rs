//! Tests that nobody wrote: whatever identifies somebody in an input, and does not leave by the policy's own
//! word, must not be in the output in any form.
//!
//! Looked for is every value that a rule pseudonymises, masks or generalises, and every withheld value that is an
//! identifier by its class. The search is [`absence`]'s, which shares nothing with the rewriter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::classify::{self, Class};
use super::names::Names;
use crate::absence;
use crate::cpr;
use crate::policy::checked::{Action, Keep, Policy};
use crate::policy::plan::RuleRef;
use crate::rewrite::{Decision, Outcome, Watch};

/// Shorter values stand in others by chance.
const SHORTEST: usize = 4;

/// Values that are looked for in one output: the search compares each with each text.
const MOST_VALUES: usize = 20_000;

/// An identifier that came through, by where it stands; the value stays here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// Where it stands in the input.
    pub from: String,
    /// What it is.
    pub class: &'static str,
    /// Where it stands in the output.
    pub to: Vec<String>,
}

/// Gathers the identifiers of one input.
#[derive(Debug)]
pub struct Identifiers<'p> {
    policy: &'p Policy,
    route: usize,
    /// By value: where it stands first, and what it is.
    found: BTreeMap<String, (String, Class)>,
    names: &'p Names,
    left_out: usize,
}

impl<'p> Identifiers<'p> {
    /// None yet.
    #[must_use]
    pub const fn new(policy: &'p Policy, route: usize, names: &'p Names) -> Self {
        Self { policy, route, found: BTreeMap::new(), names, left_out: 0 }
    }

    /// How many different values are looked for.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Values past the bound, which are not looked for.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Which of them are in an output in any form.
    #[must_use]
    pub fn leaks(&self, output: &[u8]) -> Vec<Leak> {
        let known: Vec<&str> = self.found.keys().map(String::as_str).collect();
        let mut leaks = BTreeSet::new();
        for value in absence::find_any(output, &known).into_iter().filter_map(|index| known.get(index)) {
            let Some((from, class)) = self.found.get(*value) else { continue };
            let to = self.places(output, value).into_iter().collect();
            leaks.insert(Leak { from: from.clone(), class: class.word(), to });
        }
        leaks.into_iter().collect()
    }

    /// Where in the output a value stands.
    fn places(&self, output: &[u8], value: &str) -> BTreeSet<String> {
        let text = String::from_utf8_lossy(output);
        let documents: Vec<Value> = match serde_json::from_slice(output) {
            Ok(document) => vec![document],
            Err(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        };
        let mut places = BTreeSet::new();
        for document in &documents {
            self.place(document, value, "", &mut places);
        }
        places
    }

    fn place(&self, below: &Value, value: &str, pointer: &str, places: &mut BTreeSet<String>) {
        let holds = |text: &str| !absence::find_any(text.as_bytes(), &[value]).is_empty();
        match below {
            Value::Object(members) => {
                for (name, member) in members {
                    let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if holds(name) {
                        places.insert(self.names.location(&pointer) + " (its name)");
                    }
                    self.place(member, value, &pointer, places);
                }
            }
            Value::Array(elements) => {
                elements.iter().for_each(|one| self.place(one, value, &format!("{pointer}/0"), places));
            }
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                if holds(&scalar.to_string()) {
                    places.insert(self.names.location(pointer));
                }
            }
        }
    }

    fn action(&self, rule: RuleRef) -> Option<&'p Action> {
        let rules = match rule.shape {
            Some(shape) => &self.policy.shapes.get(shape)?.rules,
            None => &self.policy.routes.get(self.route)?.response.rules,
        };
        Some(&rules.get(rule.rule)?.action)
    }

    /// Every identifier in a value; `all` if the policy itself treats it as one.
    fn gather(&mut self, pointer: &str, value: &Value, all: bool, after: &str) {
        let names: Vec<&str> =
            pointer.split('/').filter(|step| !step.is_empty() && !is_index(step)).collect();
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if !self.names.may_show(name) {
                        self.note(&below, name, classify::string(&[], name), false, after);
                    }
                    self.gather(&below, member, all, after);
                }
            }
            Value::Array(elements) => {
                elements.iter().for_each(|one| self.gather(&format!("{pointer}/0"), one, all, after));
            }
            Value::String(text) => {
                self.note(pointer, text, classify::string(&names, text), all, after);
                self.note_cprs(pointer, text, after);
            }
            Value::Number(number) => {
                let text = number.to_string();
                self.note(pointer, &text, classify::number(&names, &text), all, after);
            }
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// Takes the CPR numbers that a text holds.
    fn note_cprs(&mut self, pointer: &str, text: &str, after: &str) {
        let mut finds = Vec::new();
        cpr::search(text, &mut finds);
        for find in finds.iter().filter(|find| !find.number.is_nobody()) {
            self.note(pointer, find.number.canonical(), Class::Cpr, true, after);
        }
    }

    /// Takes a value, and of a name its words, unless the policy's own form of it (`after`) holds it.
    fn note(&mut self, pointer: &str, text: &str, class: Class, all: bool, after: &str) {
        if !(all || class.identifies()) {
            return;
        }
        let words = text.split_whitespace().filter(|_| class == Class::Name);
        for value in words.chain([text.trim()]) {
            let long = value.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST;
            if !long || !absence::find_any(after.as_bytes(), &[value]).is_empty() {
                continue;
            }
            if self.found.len() >= MOST_VALUES {
                self.left_out = self.left_out.saturating_add(1);
                continue;
            }
            let place = || (self.names.location(pointer), class);
            self.found.entry(value.to_owned()).or_insert_with(place);
        }
    }
}

fn is_index(step: &str) -> bool {
    step.bytes().all(|byte| byte.is_ascii_digit())
}

impl Watch for Identifiers<'_> {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        let Ok(before) = serde_json::from_slice::<Value>(decision.before) else { return };
        let after = String::from_utf8_lossy(decision.after);
        match decision.outcome {
            Outcome::Kept => {
                let action = decision.rule.and_then(|rule| self.action(rule));
                let searched = Action::Keep(Keep::default());
                if let (Value::String(text), true) = (&before, action == Some(&searched)) {
                    self.note_cprs(decision.pointer, text, "");
                }
            }
            Outcome::Changed => {
                let action = decision.rule.and_then(|rule| self.action(rule));
                let treats =
                    matches!(action, Some(Action::Pseudonymise(_) | Action::Mask(_) | Action::Generalise(_)));
                self.gather(decision.pointer, &before, treats, &after);
            }
            Outcome::Withheld | Outcome::Unfit | Outcome::RecordWithheld => {
                self.gather(decision.pointer, &before, false, "");
            }
        }
    }
}
