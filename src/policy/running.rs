//! Policies as they run: each route with its compiled plan. Built whole, then never changed; a
//! reload builds another (G11).

use std::collections::HashMap;
use std::sync::Arc;

use super::checked::{Content, Policy, Route};
use super::plan::{Plan, PlanError};
use crate::ids::RecipientId;
use crate::pseudonym::KeyRing;

/// One recipient's policy with the plans of its routes.
#[derive(Debug)]
pub struct RunningPolicy {
    checked: Policy,
    routes: Vec<Arc<RunningRoute>>,
}

/// One route, ready.
#[derive(Debug)]
pub struct RunningRoute {
    checked: Route,
    plan: Plan,
    request: Option<Plan>,
}

/// Every policy in force, by recipient.
#[derive(Debug, Default)]
pub struct PolicySet {
    policies: HashMap<RecipientId, Arc<RunningPolicy>>,
}

/// What keeps a route from running.
#[derive(Debug, thiserror::Error)]
#[error("policy `{file}`, route `{route}`: {error}")]
pub struct BuildError {
    /// The policy's file.
    pub file: String,
    /// The route's name.
    pub route: String,
    /// The line that the route begins on, from 1.
    pub line: u32,
    /// What is wrong.
    #[source]
    pub error: PlanError,
}

impl RunningPolicy {
    /// What the file says.
    #[must_use]
    pub fn checked(&self) -> &Policy {
        &self.checked
    }

    /// Its routes, in the file's order.
    #[must_use]
    pub fn routes(&self) -> &[Arc<RunningRoute>] {
        &self.routes
    }
}

impl RunningRoute {
    /// What the file says.
    #[must_use]
    pub fn checked(&self) -> &Route {
        &self.checked
    }

    /// How its responses are rewritten.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How the content of its requests is judged, where that is JSON.
    #[must_use]
    pub fn request(&self) -> Option<&Plan> {
        self.request.as_ref()
    }

    fn compile(policy: &Policy, route: &Route, keys: &KeyRing) -> Result<Self, Vec<PlanError>> {
        let plan = Plan::compile(policy, route, keys)?;
        let request = match route.request.as_ref().map(|request| &request.content) {
            Some(Content::Json { rules, .. }) => Some(Plan::compile_request(policy, rules, keys)?),
            Some(Content::Nothing | Content::Form(_)) | None => None,
        };
        Ok(Self { checked: route.clone(), plan, request })
    }
}

impl PolicySet {
    /// Compiles every route of every policy.
    ///
    /// # Errors
    /// Everything that keeps any route from running; then none does.
    pub fn build(policies: Vec<Policy>, keys: &KeyRing) -> Result<Self, Vec<BuildError>> {
        let mut set = Self::default();
        let mut errors = Vec::new();
        for policy in policies {
            let compiled = |route| RunningRoute::compile(&policy, route, keys);
            let routes = policy.routes.iter().filter_map(|route| match compiled(route) {
                Ok(running) => Some(Arc::new(running)),
                Err(faults) => {
                    errors.extend(faults.into_iter().map(|error| BuildError {
                        file: policy.file.clone(),
                        route: route.name.clone(),
                        line: route.line,
                        error,
                    }));
                    None
                }
            });
            let routes = routes.collect();
            let recipient = policy.recipient.id.clone();
            set.policies.insert(recipient, Arc::new(RunningPolicy { checked: policy, routes }));
        }
        if errors.is_empty() { Ok(set) } else { Err(errors) }
    }

    /// A recipient's policy.
    #[must_use]
    pub fn get(&self, recipient: &RecipientId) -> Option<&Arc<RunningPolicy>> {
        self.policies.get(recipient)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &RunningPolicy> {
        self.policies.values().map(AsRef::as_ref)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }
}
