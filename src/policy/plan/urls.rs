//! What a recipient can ask of the upstream that a response comes from: which URLs mean something to it.

use crate::policy::checked::{Parameter, PathSegment, Policy, Route};

/// The routes of one upstream, and how it begins its URLs.
#[derive(Debug, Default)]
pub(crate) struct Urls {
    pub(crate) routes: Vec<UrlRoute>,
    /// Empty: any.
    pub(crate) bases: Vec<String>,
}

/// A route's target.
#[derive(Debug)]
pub(crate) struct UrlRoute {
    pub(crate) path: Vec<PathSegment>,
    pub(crate) query: Vec<Parameter>,
}

impl Urls {
    /// As they are to responses of `route`.
    pub(super) fn of(policy: &Policy, route: &Route) -> Self {
        let same = policy.routes.iter().filter(|other| other.upstream == route.upstream);
        let target = |route: &Route| UrlRoute { path: route.path.clone(), query: route.query.clone() };
        Self { routes: same.map(target).collect(), bases: route.response.base.clone() }
    }
}
