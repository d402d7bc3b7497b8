//! May this recipient ask this, today? The only maker of [`Permit`], without which nothing is
//! forwarded.
//!
//! Stands between the request gate, which has refused whatever two parsers could read in two
//! ways, and the forwarder. What is asked of the upstream is written anew from the very strings
//! that were judged here, so that policy and forward cannot differ.

mod pattern;

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;

use super::checked::{Consent, Method, PathSegment, Pattern, Route};
use super::running::{PolicySet, RunningPolicy, RunningRoute};
use crate::cpr::{self, Search};
use crate::ids::RecipientId;

/// What a request asks for, as the gate has taken it apart: unambiguous, each path in its one
/// accepted spelling.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The method, as it came (RFC 9110 section 9.1: case-sensitive).
    pub method: &'a str,
    /// The path, as it came and as it is forwarded.
    pub path: &'a str,
    /// Its segments, decoded; none for `/`.
    pub segments: &'a [String],
    /// The query's pairs, decoded, in their order.
    pub query: &'a [(String, String)],
}

/// Leave to forward one request. Made by [`PolicySet::decide`] only.
pub struct Permit {
    policy: Arc<RunningPolicy>,
    route: Arc<RunningRoute>,
    path: String,
    query: Vec<(String, String)>,
}

impl Permit {
    /// The policy under which it is given, whatever a reload does meanwhile.
    #[must_use]
    pub fn policy(&self) -> &Arc<RunningPolicy> {
        &self.policy
    }

    /// The route that was picked.
    #[must_use]
    pub fn route(&self) -> &Arc<RunningRoute> {
        &self.route
    }

    /// The path to ask the upstream for: the string that was judged.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, decoded, as it was judged.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }
}

// Path and query are personal: neither `Debug` shows them.
impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("route", &self.route.checked().name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

/// Why a request is not forwarded. Holds nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The identity has no policy (any more).
    #[error("no policy names this identity")]
    NoPolicy,
    /// The agreement is not signed yet, or its last day is over (G9).
    #[error("the agreement does not hold today")]
    Lapsed,
    /// Consent is required, and there is no register of it to look at (G8).
    #[error("consent is required and its register cannot be read")]
    ConsentUnavailable,
    /// No route of the policy has this path.
    #[error("the policy has no such route")]
    NoRoute,
    /// The route does not list this method.
    #[error("the route does not list this method")]
    Method,
    /// A query parameter is not listed.
    #[error("a query parameter is not listed")]
    Unlisted,
    /// A query parameter comes twice: two parsers would take two different ones.
    #[error("a query parameter comes twice")]
    Repeated,
    /// A value in path or query does not fit its pattern.
    #[error("a value does not fit its pattern")]
    Pattern,
    /// Path or query holds a CPR, and the route does not say `accept-clear` (G7).
    #[error("the request holds an identifier in clear")]
    ClearIdentifier,
}

impl PolicySet {
    /// Decides in the order of the refusals' table: 403, 503, 404, 405, 400. So a recipient whose
    /// agreement has lapsed does not learn which routes there are.
    ///
    /// # Errors
    /// [`Denied`], the first that applies.
    pub fn decide(&self, recipient: &RecipientId, today: Date, asked: Asked<'_>) -> Result<Permit, Denied> {
        let policy = self.get(recipient).ok_or(Denied::NoPolicy)?;
        let agreement = &policy.checked().agreement;
        if today < agreement.signed || today > agreement.expires {
            return Err(Denied::Lapsed);
        }
        if policy.checked().purpose.consent == Consent::Required {
            return Err(Denied::ConsentUnavailable);
        }
        let route = pick(policy.routes(), asked.segments).ok_or(Denied::NoRoute)?;
        if !is_listed(&route.checked().methods, asked.method) {
            return Err(Denied::Method);
        }
        judge_values(route.checked(), asked)?;
        Ok(Permit {
            policy: Arc::clone(policy),
            route: Arc::clone(route),
            path: asked.path.to_owned(),
            query: asked.query.to_vec(),
        })
    }
}

/// The route of this path. Where several could be it, the one whose patterns fit comes first,
/// then a literal segment before a named one, from the left, then the file's order.
fn pick<'r>(routes: &'r [Arc<RunningRoute>], segments: &[String]) -> Option<&'r Arc<RunningRoute>> {
    let rank = |route: &Arc<RunningRoute>| {
        let fits = named_values(route.checked(), segments).all(|(pattern, value)| pattern.fits(value));
        let named = route.checked().path.iter().map(|wanted| matches!(wanted, PathSegment::Keep { .. }));
        (!fits, named.collect::<Vec<_>>())
    };
    routes.iter().filter(|route| has_form(&route.checked().path, segments)).min_by_key(|route| rank(route))
}

fn has_form(path: &[PathSegment], segments: &[String]) -> bool {
    path.len() == segments.len()
        && path.iter().zip(segments).all(|(wanted, segment)| match wanted {
            PathSegment::Literal(text) => text == segment,
            PathSegment::Keep { .. } => true,
        })
}

/// The segments that the recipient chose, each with its pattern.
fn named_values<'a>(
    route: &'a Route,
    segments: &'a [String],
) -> impl Iterator<Item = (&'a Pattern, &'a String)> {
    route.path.iter().zip(segments).filter_map(|(wanted, segment)| match wanted {
        PathSegment::Keep { pattern, .. } => Some((pattern, segment)),
        PathSegment::Literal(_) => None,
    })
}

fn is_listed(listed: &[Method], method: &str) -> bool {
    match method {
        // HEAD comes with GET (RFC 9110 section 9.3.2).
        "GET" | "HEAD" => listed.contains(&Method::Get),
        _ => false,
    }
}

/// Every value that the recipient chose must be listed, come once, fit, and name nobody.
fn judge_values(route: &Route, asked: Asked<'_>) -> Result<(), Denied> {
    for (pattern, value) in named_values(route, asked.segments) {
        judge(route, pattern, value)?;
    }
    for (index, (name, value)) in asked.query.iter().enumerate() {
        let parameter = route.query.iter().find(|p| p.name == *name).ok_or(Denied::Unlisted)?;
        if asked.query.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(Denied::Repeated);
        }
        judge(route, &parameter.pattern, value)?;
    }
    Ok(())
}

/// A CPR in clear is said to be one even where it would not fit: its sender must know.
fn judge(route: &Route, pattern: &Pattern, value: &str) -> Result<(), Denied> {
    let fits = pattern.fits(value);
    if route.accept_clear.is_none() && (!fits || pattern.can_hold_cpr()) {
        let mut finds = Vec::new();
        if cpr::search(value, &mut finds) == Search::Found || !finds.is_empty() {
            return Err(Denied::ClearIdentifier);
        }
    }
    if fits { Ok(()) } else { Err(Denied::Pattern) }
}

#[cfg(test)]
mod tests;
