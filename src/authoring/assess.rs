//! Could less do? For each rule that lets something out: the weaker forms with which the policy's tests would
//! still pass, their expected outputs left aside.
//!
//! An expected output says what comes out today, so no other form could ever be right by it. What the recipient
//! needs is said by `needs`: where no test does, nothing is found out, and that is what is said.

mod weaker;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::weaker::{Value, weaker};
use super::classify::{self, Class};
use crate::policy::checked::{Action, Linkability, Policy, Rule};
use crate::policy::difference::said;
use crate::policy::plan::RuleRef;
use crate::rewrite::{Decision, Outcome, Watch};

/// A rule in a policy: of a shape, or of the route of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId {
    /// `None` for a shape's rule.
    pub route: Option<usize>,
    /// Which.
    pub rule: RuleRef,
}

impl RuleId {
    /// What a plan of the route of this number calls a rule.
    #[must_use]
    pub fn of(route: usize, rule: RuleRef) -> Self {
        Self { route: rule.shape.is_none().then_some(route), rule }
    }

    /// The rule itself.
    #[must_use]
    pub fn rule(self, policy: &Policy) -> Option<&Rule> {
        match (self.route, self.rule.shape) {
            (_, Some(shape)) => policy.shapes.get(shape)?.rules.get(self.rule.rule),
            (Some(route), None) => policy.routes.get(route)?.response.rules.get(self.rule.rule),
            (None, None) => None,
        }
    }

    /// Where it stands, as reports say: `route appointments`, `shape Patient`.
    #[must_use]
    pub fn place(self, policy: &Policy) -> String {
        match (self.route, self.rule.shape) {
            (_, Some(shape)) => policy.shapes.get(shape).map(|shape| format!("shape {}", shape.name)),
            (Some(route), None) => policy.routes.get(route).map(|route| format!("route {}", route.name)),
            (None, None) => None,
        }
        .unwrap_or_default()
    }
}

/// Every rule by which something can leave, in the order of the file.
#[must_use]
pub fn rules(policy: &Policy) -> Vec<RuleId> {
    let of_routes = policy.routes.iter().enumerate().flat_map(|(route, written)| {
        let numbers = 0..written.response.rules.len();
        numbers.map(move |rule| RuleId { route: Some(route), rule: RuleRef { shape: None, rule } })
    });
    let of_shapes = policy.shapes.iter().enumerate().flat_map(|(shape, written)| {
        let numbers = 0..written.rules.len();
        numbers.map(move |rule| RuleId { route: None, rule: RuleRef { shape: Some(shape), rule } })
    });
    let discloses = |id: &RuleId| id.rule(policy).is_some_and(|rule| rule.action != Action::Withhold);
    let mut all: Vec<RuleId> = of_routes.chain(of_shapes).filter(discloses).collect();
    // The policy's own lines first, then those of each profile.
    let place = |id: &RuleId| {
        id.rule(policy).map(|rule| (*rule.file != *policy.file, Arc::clone(&rule.file), rule.line))
    };
    all.sort_by_key(place);
    all
}

/// The policy with another form in the place of a rule's.
#[must_use]
pub fn with(policy: &Policy, id: RuleId, action: &Action) -> Policy {
    let mut changed = policy.clone();
    let rule = match (id.route, id.rule.shape) {
        (_, Some(shape)) => changed.shapes.get_mut(shape).and_then(|shape| shape.rules.get_mut(id.rule.rule)),
        (Some(route), None) => {
            changed.routes.get_mut(route).and_then(|route| route.response.rules.get_mut(id.rule.rule))
        }
        (None, None) => None,
    };
    if let Some(rule) = rule {
        rule.action = action.clone();
    }
    changed
}

/// The policy with pseudonyms that stand for a person less long.
#[must_use]
pub fn with_linkability(policy: &Policy, linkability: Linkability) -> Policy {
    let mut changed = policy.clone();
    changed.pseudonyms.linkability = linkability;
    changed
}

/// Weaker kinds of linkability than the policy's, the weakest first.
#[must_use]
pub const fn weaker_linkabilities(linkability: Linkability) -> &'static [Linkability] {
    match linkability {
        Linkability::Domain => &[Linkability::None, Linkability::Document],
        Linkability::Document => &[Linkability::None],
        Linkability::None => &[],
    }
}

/// What rules let out of samples: how many values, and of which classes.
#[derive(Debug, Default)]
pub struct Seen {
    by_rule: BTreeMap<RuleId, BTreeMap<Class, u64>>,
}

impl Seen {
    /// A watch over one sample on the route of this number.
    pub fn of_route(&mut self, route: usize) -> Look<'_> {
        Look { seen: self, route }
    }

    /// How many values a rule let out.
    #[must_use]
    pub fn count(&self, id: RuleId) -> u64 {
        self.by_rule.get(&id).map(|classes| classes.values().sum()).unwrap_or_default()
    }

    /// The class of most of them.
    #[must_use]
    pub fn class(&self, id: RuleId) -> Option<Class> {
        let classes = self.by_rule.get(&id)?;
        classes.iter().max_by_key(|(_, count)| **count).map(|(class, _)| *class)
    }
}

/// Sees what leaves.
#[derive(Debug)]
pub struct Look<'a> {
    seen: &'a mut Seen,
    route: usize,
}

impl Watch for Look<'_> {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        let (Some(rule), Outcome::Kept | Outcome::Changed) = (decision.rule, decision.outcome) else {
            return;
        };
        let text = String::from_utf8_lossy(decision.before);
        let is_name = |step: &&str| !step.is_empty() && !step.bytes().all(|byte| byte.is_ascii_digit());
        let names: Vec<&str> = decision.pointer.split('/').filter(is_name).collect();
        let class = match text.bytes().next() {
            Some(b'"') => classify::string(&names, text.trim_matches('"')),
            Some(b't' | b'f') => Class::Boolean,
            Some(b'n' | b'{' | b'[') | None => Class::Nothing,
            Some(_) => classify::number(&names, &text),
        };
        let classes = self.seen.by_rule.entry(RuleId::of(self.route, rule)).or_default();
        let count = classes.entry(class).or_default();
        *count = count.saturating_add(1);
    }
}

/// What was found out about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No test reaches the rule.
    NotReached,
    /// No test that reaches it says what the recipient needs.
    NotExamined,
    /// No weaker form was tried that would do.
    Needed,
    /// These would do, the weakest first.
    Weaker(Vec<String>),
}

impl Verdict {
    /// Of the forms that the tests accept.
    #[must_use]
    pub fn of(accepted: &[Action]) -> Self {
        if accepted.is_empty() {
            return Self::Needed;
        }
        Self::Weaker(accepted.iter().map(|form| said(form).replace('`', "")).collect())
    }

    /// In one word, for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotReached => "not-reached",
            Self::NotExamined => "not-examined",
            Self::Needed => "needed",
            Self::Weaker(_) => "weaker-would-do",
        }
    }
}
