//! What the tests of a policy reach: which of its rules decided anything, and what of the samples no rule
//! decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::names::Names;
use crate::policy::checked::Policy;
use crate::policy::location::Step;
use crate::policy::plan::RuleRef;
use crate::rewrite::{Decision, Outcome, Watch};

/// A rule of a response or of a shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RulePlace {
    /// The route's name; `None` for a shape's rule.
    pub route: Option<String>,
    /// The shape's name; `None` for a route's own rule.
    pub shape: Option<String>,
    /// The location, as the policy has it.
    pub location: String,
    /// The file that it stands in: the policy's, or a profile's that it includes.
    pub file: Arc<str>,
    /// The line of that file.
    pub line: u32,
}

/// What the tests of one policy reach.
#[derive(Debug)]
pub struct Coverage {
    names: Names,
    /// By route (`None`: a shape's), and the rule's number there.
    reached: BTreeSet<(Option<usize>, RuleRef)>,
    decided: u64,
    /// Locations that no rule decides, and how many values.
    undecided: BTreeMap<String, u64>,
}

impl Coverage {
    /// Nothing reached yet.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self { names: names_of(policy), reached: BTreeSet::new(), decided: 0, undecided: BTreeMap::new() }
    }

    /// A watch over one test of the route of this number.
    pub fn of_route(&mut self, route: usize) -> Reach<'_> {
        Reach { coverage: self, route }
    }

    /// Whether a test reached a rule: of the route of this number, or of a shape.
    #[must_use]
    pub fn has_reached(&self, route: Option<usize>, rule: RuleRef) -> bool {
        self.reached.contains(&(route, rule))
    }

    /// The rules that could decide something of a response, each with whether a test reached it, in the
    /// order of files and lines. Rules of requests are not among them: tests are of responses.
    #[must_use]
    pub fn rules(&self, policy: &Policy) -> Vec<(RulePlace, bool)> {
        let mut all = Vec::new();
        for (number, route) in policy.routes.iter().enumerate() {
            for (rule, written) in route.response.rules.iter().enumerate() {
                let place = RulePlace {
                    route: Some(route.name.clone()),
                    shape: None,
                    location: written.location.to_string(),
                    file: Arc::clone(&written.file),
                    line: written.line,
                };
                let reference = RuleRef { shape: None, rule };
                all.push((place, self.reached.contains(&(Some(number), reference))));
            }
        }
        for (number, shape) in policy.shapes.iter().enumerate() {
            for (rule, written) in shape.rules.iter().enumerate() {
                let place = RulePlace {
                    route: None,
                    shape: Some(shape.name.clone()),
                    location: written.location.to_string(),
                    file: Arc::clone(&written.file),
                    line: written.line,
                };
                let reference = RuleRef { shape: Some(number), rule };
                all.push((place, self.reached.contains(&(None, reference))));
            }
        }
        all.sort_by(|(a, _), (b, _)| (&a.file, a.line).cmp(&(&b.file, b.line)));
        all
    }

    /// How many values of the tests' inputs a rule decided, and how many none did.
    #[must_use]
    pub fn values(&self) -> (u64, u64) {
        (self.decided, self.undecided.values().sum())
    }

    /// Locations of the inputs that no rule decides, and how many values stand there. What is below them is
    /// not counted.
    #[must_use]
    pub const fn undecided(&self) -> &BTreeMap<String, u64> {
        &self.undecided
    }
}

/// Hears what the rules decide of one input.
#[derive(Debug)]
pub struct Reach<'a> {
    coverage: &'a mut Coverage,
    route: usize,
}

impl Watch for Reach<'_> {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        match (decision.rule, decision.outcome) {
            (Some(rule), _) => {
                let route = rule.shape.is_none().then_some(self.route);
                self.coverage.reached.insert((route, rule));
                self.coverage.decided = self.coverage.decided.saturating_add(1);
            }
            (None, Outcome::Withheld) => {
                let location = self.coverage.names.location(decision.pointer);
                let count = self.coverage.undecided.entry(location).or_default();
                *count = count.saturating_add(1);
            }
            (None, Outcome::Kept | Outcome::Changed | Outcome::Unfit | Outcome::RecordWithheld) => {}
        }
    }
}

/// The names that a policy's own locations have may be shown: a policy holds nobody's data.
#[must_use]
pub fn names_of(policy: &Policy) -> Names {
    let of_routes = policy.routes.iter().flat_map(|route| &route.response.rules);
    let of_shapes = policy.shapes.iter().flat_map(|shape| &shape.rules);
    let steps = of_routes.chain(of_shapes).flat_map(|rule| &rule.location.steps);
    Names::new(steps.filter_map(|step| match step {
        Step::Name(name) => Some(name.clone()),
        Step::Wildcard | Step::Index(_) | Step::Filter(_) => None,
    }))
}

/// Hundredths, rounded down: nothing is whole that is not.
#[must_use]
pub fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100)
}
