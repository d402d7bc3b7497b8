//! What a reload replaces: policies, identities, limits, upstreams, TLS, all of one reading.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::SubjectLookup;
use crate::http::OwnNames;
use crate::http::problem::Problems;
use crate::identity::Register;
use crate::ids::RecipientId;
use crate::ledger::Grounds;
use crate::limits::{Limits, Numbers};
use crate::net::{TlsState, Upstream};
use crate::policy::checked::Policy;
use crate::policy::running::PolicySet;
use crate::telemetry::metrics::{Metrics, RecipientCounters};

/// The running state. Never changed once built.
#[derive(Debug)]
pub struct State {
    pub(super) policies: PolicySet,
    pub(super) register: Register,
    pub(super) limits: Limits,
    pub(super) upstreams: HashMap<String, Upstream>,
    pub(super) lookups: HashMap<String, SubjectLookup>,
    pub(super) tls: Arc<TlsState>,
    pub(super) names: OwnNames,
    pub(super) problems: Problems,
    cut_over: Option<Timestamp>,
    recipients: HashMap<RecipientId, PerRecipient>,
}

/// The parts of a state, built by `app` from the configuration.
#[derive(Debug)]
pub struct Parts {
    /// Policies with their plans.
    pub policies: PolicySet,
    /// Who is who, of the same policies.
    pub register: Register,
    /// The limits until now; those whose numbers stay keep their count.
    pub limits: Limits,
    /// The clients of the upstreams, by name.
    pub upstreams: HashMap<String, Upstream>,
    /// How to ask them whose an id is, by their name.
    pub lookups: HashMap<String, SubjectLookup>,
    /// The listener's TLS state.
    pub tls: Arc<TlsState>,
    /// Names that we answer to.
    pub names: OwnNames,
    /// Writes problem documents.
    pub problems: Problems,
    /// When the next key version takes over: this state must have been replaced by then.
    pub cut_over: Option<Timestamp>,
}

/// What is the same in all exchanges of a recipient: what ledger records say of to whom, why and where, and its
/// counters.
#[derive(Debug)]
struct PerRecipient {
    without_route: Arc<Grounds>,
    by_route: HashMap<String, Arc<Grounds>>,
    /// Made with the first answer that is released; until then it has no samples.
    counters: OnceLock<RecipientCounters>,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { policies, register, limits, upstreams, lookups, tls, names, problems, cut_over } = parts;
        let numbers = policies.iter().map(|policy| {
            let checked = policy.checked();
            (checked.recipient.id.clone(), numbers_of(checked))
        });
        let limits = limits.rebuilt(numbers);
        let recipients = policies
            .iter()
            .map(|policy| (policy.checked().recipient.id.clone(), PerRecipient::of(policy.checked())))
            .collect();
        Self { policies, register, limits, upstreams, lookups, tls, names, problems, cut_over, recipients }
    }

    /// The policies in force.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// Recipients' limits, for the next state to carry on.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// When the next key version takes over.
    #[must_use]
    pub const fn cut_over(&self) -> Option<Timestamp> {
        self.cut_over
    }

    /// The listener's TLS state.
    #[must_use]
    pub fn tls(&self) -> &Arc<TlsState> {
        &self.tls
    }

    /// What a record about this recipient, and this route if it is known, says.
    pub(super) fn grounds(&self, recipient: &RecipientId, route: Option<&str>) -> Option<Arc<Grounds>> {
        let per_recipient = self.recipients.get(recipient)?;
        let of_route = route.and_then(|route| per_recipient.by_route.get(route));
        Some(Arc::clone(of_route.unwrap_or(&per_recipient.without_route)))
    }

    /// A recipient's counters.
    pub(super) fn counters_of(
        &self,
        recipient: &RecipientId,
        metrics: &Metrics,
    ) -> Option<&RecipientCounters> {
        let per_recipient = self.recipients.get(recipient)?;
        Some(per_recipient.counters.get_or_init(|| metrics.counters_of(recipient)))
    }
}

impl PerRecipient {
    fn of(policy: &Policy) -> Self {
        let without_route = Grounds {
            recipient: policy.recipient.id.clone(),
            policy: policy.version,
            route: None,
            purpose: policy.purpose.id.clone(),
            basis: policy.purpose.basis.iter().map(|basis| Cow::Borrowed(basis.id)).collect(),
            country: Arc::from(policy.transfer.country.as_str()),
        };
        let by_route = policy
            .routes
            .iter()
            .map(|route| {
                let name = Some(Arc::from(route.name.as_str()));
                (route.name.clone(), Arc::new(Grounds { route: name, ..without_route.clone() }))
            })
            .collect();
        Self { without_route: Arc::new(without_route), by_route, counters: OnceLock::new() }
    }
}

/// A policy's numbers; `check` refuses zero, and here it means the least.
fn numbers_of(policy: &Policy) -> Numbers {
    let least = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Numbers {
        requests_per_second: least(policy.limits.requests_per_second),
        burst: least(policy.limits.burst),
        concurrency: least(policy.limits.concurrency),
    }
}
