//! May this recipient ask this, today? The only maker of [`Permit`], without which nothing is
//! forwarded.
//!
//! Stands between the request gate, which has refused whatever two parsers could read in two
//! ways, and the forwarder. What is asked of the upstream is written anew from the very strings
//! that were judged here, so that policy and forward cannot differ.

mod pattern;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;

use super::checked::{Content, Lapse, Method, Parameter, PathSegment, Pattern, Policy, Route, Wanted};
use super::resolve::{Resolved, Unresolved};
use super::running::{PolicySet, RunningPolicy, RunningRoute};
use crate::cpr;
use crate::ids::RecipientId;
use crate::pseudonym::{Rows, Scheme};

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
    /// Header fields, names in lower case.
    pub fields: &'a [(&'a str, &'a str)],
    /// What the store has of the pseudonyms in all of this, under the scheme `table`.
    pub rows: &'a Rows,
}

/// Leave to forward one request. Made by [`PolicySet::decide`] only.
pub struct Permit {
    policy: Arc<RunningPolicy>,
    route: Arc<RunningRoute>,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    resolved: Vec<Resolved>,
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

    /// The method; GET for HEAD.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The path to ask the upstream for: the string that was judged, pseudonyms resolved.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, decoded, as it was judged, pseudonyms resolved.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The header fields that are passed on, pseudonyms resolved.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// What the pseudonyms of path, query and fields stand for.
    #[must_use]
    pub fn resolved(&self) -> &[Resolved] {
        &self.resolved
    }

    /// Judges the parameters of a form, decoded, as those of a query. `rows` is what the store has of the
    /// pseudonyms in them.
    ///
    /// # Errors
    /// [`Denied`], the first that applies.
    pub fn form(&self, pairs: &[(String, String)], rows: &Rows) -> Result<Form, Denied> {
        let Some(Content::Form(listed)) = self.route.checked().request.as_ref().map(|one| &one.content)
        else {
            return Err(Denied::Unlisted);
        };
        let mut judging = Judging::of(&self.route, rows);
        let pairs = judging.parameters(listed, pairs)?;
        Ok(Form { pairs, resolved: judging.resolved })
    }
}

/// A form that may be forwarded. `Debug` shows nothing of it.
pub struct Form {
    /// Its parameters, decoded, pseudonyms resolved.
    pub pairs: Vec<(String, String)>,
    /// What the pseudonyms stand for.
    pub resolved: Vec<Resolved>,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(…)")
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
    /// The last day on which data may go to the recipient's country is over (G9).
    #[error("the ground for the transfer does not hold today")]
    TransferLapsed,
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
    /// A header field that the route takes comes twice.
    #[error("a header field comes twice")]
    FieldRepeated,
    /// A value in path, query, form or fields does not fit its pattern.
    #[error("a value does not fit its pattern")]
    Pattern,
    /// Some value holds a CPR, and the route does not say `accept-clear` (G7).
    #[error("the request holds an identifier in clear")]
    ClearIdentifier,
    /// A pseudonym that does not open, for whatever reason (G6).
    #[error("a pseudonym is refused")]
    Pseudonym,
}

impl PolicySet {
    /// The recipient's policy, if anything may leave under it on that day.
    ///
    /// # Errors
    /// `NoPolicy`, `Lapsed`, `TransferLapsed`.
    pub fn holds(&self, recipient: &RecipientId, today: Date) -> Result<&Arc<RunningPolicy>, Denied> {
        let policy = self.get(recipient).ok_or(Denied::NoPolicy)?;
        let Policy { agreement, transfer, .. } = policy.checked();
        match Lapse::of(agreement, transfer, today) {
            Some(Lapse::Agreement) => Err(Denied::Lapsed),
            Some(Lapse::Transfer) => Err(Denied::TransferLapsed),
            None => Ok(policy),
        }
    }

    /// Decides in the order of the refusals' table: 403, 404, 405, 400. So a recipient whose
    /// agreement or ground of transfer has lapsed does not learn which routes there are.
    ///
    /// # Errors
    /// [`Denied`], the first that applies.
    pub fn decide(&self, recipient: &RecipientId, today: Date, asked: Asked<'_>) -> Result<Permit, Denied> {
        let policy = self.holds(recipient, today)?;
        let route = pick(policy.routes(), asked).ok_or(Denied::NoRoute)?;
        let method = listed(&route.checked().methods, asked.method).ok_or(Denied::Method)?;
        let mut judging = Judging::of(route, asked.rows);
        let path = judging.path(asked)?;
        let query = judging.parameters(&route.checked().query, asked.query)?;
        let fields = judging.fields(asked.fields)?;
        let resolved = judging.resolved;
        let (policy, route) = (Arc::clone(policy), Arc::clone(route));
        Ok(Permit { policy, route, method, path, query, fields, resolved })
    }

    /// The methods that a recipient's routes of this path list (RFC 9110 section 10.2.1).
    #[must_use]
    pub fn methods(&self, recipient: &RecipientId, segments: &[String]) -> Vec<&'static str> {
        let routes = self.get(recipient).map_or(&[][..], |policy| policy.routes());
        let mut all = Vec::new();
        for method in at_path(routes, segments).flat_map(|route| &route.checked().methods) {
            all.push(method.as_str());
            all.extend(matches!(method, Method::Get).then_some("HEAD"));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The route of this path and method. Where several could be it, the one that wants values of this
/// form comes first, then the one that lists the method, then a literal segment before a named
/// one, from the left, then the file's order.
fn pick<'r>(routes: &'r [Arc<RunningRoute>], asked: Asked<'_>) -> Option<&'r Arc<RunningRoute>> {
    let rank = |route: &Arc<RunningRoute>| {
        let route = route.checked();
        let fits = named_values(route, asked.segments).all(|(_, wanted, value)| wanted.could_be(value));
        let named = route.path.iter().map(|wanted| matches!(wanted, PathSegment::Named { .. }));
        (!fits, listed(&route.methods, asked.method).is_none(), named.collect::<Vec<_>>())
    };
    at_path(routes, asked.segments).min_by_key(|route| rank(route))
}

fn at_path<'r>(
    routes: &'r [Arc<RunningRoute>],
    segments: &[String],
) -> impl Iterator<Item = &'r Arc<RunningRoute>> {
    routes.iter().filter(move |route| has_form(&route.checked().path, segments))
}

fn has_form(path: &[PathSegment], segments: &[String]) -> bool {
    path.len() == segments.len()
        && path.iter().zip(segments).all(|(wanted, segment)| match wanted {
            PathSegment::Literal(text) => text == segment,
            PathSegment::Named { .. } => true,
        })
}

/// The segments that the recipient chose, each with its place and what is wanted there.
fn named_values<'a>(
    route: &'a Route,
    segments: &'a [String],
) -> impl Iterator<Item = (usize, &'a Wanted, &'a String)> {
    route.path.iter().zip(segments).enumerate().filter_map(|(at, (wanted, segment))| match wanted {
        PathSegment::Named { wanted, .. } => Some((at, wanted, segment)),
        PathSegment::Literal(_) => None,
    })
}

/// The method of this name, if the route lists it. HEAD comes with GET (RFC 9110 section 9.3.2).
fn listed(methods: &[Method], name: &str) -> Option<Method> {
    let name = if name == "HEAD" { "GET" } else { name };
    methods.iter().copied().find(|method| method.as_str() == name)
}

/// Judges the values of one request, and collects what its pseudonyms stand for.
struct Judging<'a> {
    route: &'a RunningRoute,
    rows: &'a Rows,
    resolved: Vec<Resolved>,
}

impl<'a> Judging<'a> {
    const fn of(route: &'a RunningRoute, rows: &'a Rows) -> Self {
        Self { route, rows, resolved: Vec::new() }
    }

    /// The path to ask for: as it came, but for pseudonyms.
    fn path(&mut self, asked: Asked<'_>) -> Result<String, Denied> {
        let mut raw: Vec<Cow<'_, str>> = asked.path.split('/').skip(1).map(Cow::Borrowed).collect();
        let mut changed = false;
        for (at, wanted, value) in named_values(self.route.checked(), asked.segments) {
            let written = self.value(wanted, value)?;
            if matches!(wanted, Wanted::Pseudonym(_)) {
                // What stands in a path must not be able to end it, or to lead elsewhere.
                let place = raw.get_mut(at).filter(|_| Pattern::Word.fits(&written) && !is_dots(&written));
                *place.ok_or(Denied::Pseudonym)? = Cow::Owned(written);
                changed = true;
            }
        }
        Ok(if changed { format!("/{}", raw.join("/")) } else { asked.path.to_owned() })
    }

    /// Every parameter must be listed, come once, and be as wanted.
    fn parameters(
        &mut self,
        listed: &[Parameter],
        pairs: &[(String, String)],
    ) -> Result<Vec<(String, String)>, Denied> {
        let mut written = Vec::with_capacity(pairs.len());
        for (index, (name, value)) in pairs.iter().enumerate() {
            let parameter = listed.iter().find(|parameter| parameter.name == *name);
            let parameter = parameter.ok_or(Denied::Unlisted)?;
            if pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Denied::Repeated);
            }
            written.push((name.clone(), self.value(&parameter.wanted, value)?));
        }
        Ok(written)
    }

    /// The header fields that the route lists; all others end here.
    fn fields(&mut self, fields: &[(&str, &str)]) -> Result<Vec<(String, String)>, Denied> {
        let listed = self.route.checked().request.as_ref().map_or(&[][..], |request| &request.fields);
        let mut written = Vec::new();
        for parameter in listed {
            let mut values = fields.iter().filter(|(name, _)| *name == parameter.name);
            let Some((_, value)) = values.next() else { continue };
            if values.next().is_some() {
                return Err(Denied::FieldRepeated);
            }
            let value = self.value(&parameter.wanted, value)?;
            if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Denied::Pseudonym);
            }
            written.push((parameter.name.clone(), value));
        }
        Ok(written)
    }

    /// One value as it is passed on. A CPR in clear is said to be one even where it would not fit:
    /// its sender must know.
    fn value(&mut self, wanted: &Wanted, value: &str) -> Result<String, Denied> {
        let clear = self.route.checked().accept_clear.is_some();
        let pattern = match wanted {
            Wanted::Pattern(pattern) => pattern,
            Wanted::Pseudonym(sought) => {
                let resolved =
                    self.route.plan().resolve(sought, value, self.rows).map_err(|why| match why {
                        Unresolved::Clear if !clear => Denied::ClearIdentifier,
                        Unresolved::Clear | Unresolved::Refused => Denied::Pseudonym,
                    })?;
                // What stands in a target or field must mean nothing to whoever parses it.
                if !Pattern::Word.fits(&resolved.identifier) {
                    return Err(Denied::Pseudonym);
                }
                let written = resolved.written.clone();
                self.resolved.push(resolved);
                return Ok(written);
            }
        };
        let fits = pattern.fits(value);
        if !clear && (!fits || pattern.can_hold_cpr()) && cpr::could_be_in_request(value) {
            return Err(Denied::ClearIdentifier);
        }
        if fits { Ok(value.to_owned()) } else { Err(Denied::Pattern) }
    }
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

impl Wanted {
    /// Whether a value may be one of these, by its form alone.
    fn could_be(&self, value: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.fits(value),
            Self::Pseudonym(_) => Scheme::could_be_resolved(value),
        }
    }
}

#[cfg(test)]
mod tests;
