//! URLs, which leave as the recipient's own routes have them: what a route resolves there bars all others
//! from letting it out as it came. So a route that goes, or another path of it, may open a way for ids.

use super::{Direction, Pair, Topic};
use crate::policy::checked::{Action, Parameter, PathSegment, Policy, Response, Route, Url, Wanted};

/// Where nothing stands for a resolving route in the new policy any more, and another could explain the same
/// URLs without it.
pub(super) fn compare(pair: &mut Pair<'_>, old: &[Route], new: &[Route]) {
    for before in old {
        let same: Vec<&Route> = new.iter().filter(|route| route.upstream == before.upstream).collect();
        if !same.iter().any(|route| makes_urls(pair.new, &route.response)) {
            continue;
        }
        let opens = places(before).any(|place| {
            !same.iter().any(|route| place.is_resolved_by(route))
                && same.iter().any(|route| place.may_leave_by(route))
        });
        if opens {
            let words = format!(
                "URLs of `{}` such as {} may leave with ids that route `{}` resolved in them",
                before.upstream, before.path_text, before.name
            );
            pair.only_old(Topic::Path, Direction::Unclear, words, Some(before.line));
        }
    }
}

/// Whether any URL of a response is remade by routes.
fn makes_urls(policy: &Policy, response: &Response) -> bool {
    let shapes = response.shapes.iter().filter_map(|shape| policy.shapes.get(*shape));
    let mut rules = shapes.flat_map(|shape| &shape.rules).chain(&response.rules);
    response.location || rules.any(|rule| matches!(rule.action, Action::Url(Url::Route)))
}

/// Something that a route resolves.
struct Place<'a> {
    path: &'a [PathSegment],
    at: At<'a>,
    wanted: &'a Wanted,
}

#[derive(Clone, Copy)]
enum At<'a> {
    /// A segment, counted from the path's end: a URL may begin anywhere above.
    Segment(usize),
    Parameter(&'a str),
}

fn places(route: &Route) -> impl Iterator<Item = Place<'_>> {
    let path = route.path.as_slice();
    let segments = path.iter().rev().enumerate().filter_map(move |(at, segment)| match segment {
        PathSegment::Named { wanted, .. } => Some(Place { path, at: At::Segment(at), wanted }),
        PathSegment::Literal(_) => None,
    });
    let parameters = route.query.iter().map(move |parameter| {
        let Parameter { name, wanted, selects: _ } = parameter;
        Place { path, at: At::Parameter(name), wanted }
    });
    segments.chain(parameters).filter(|place| matches!(place.wanted, Wanted::Pseudonym(_)))
}

impl Place<'_> {
    /// Whether a route bars as much: of the very path, however its parts are named.
    fn is_resolved_by(&self, route: &Route) -> bool {
        let same = |(one, other): (&PathSegment, &PathSegment)| match (one, other) {
            (PathSegment::Literal(one), PathSegment::Literal(other)) => one == other,
            (PathSegment::Named { wanted: one, .. }, PathSegment::Named { wanted: other, .. }) => {
                one == other
            }
            (PathSegment::Literal(_), PathSegment::Named { .. })
            | (PathSegment::Named { .. }, PathSegment::Literal(_)) => false,
        };
        let is_path = self.path.len() == route.path.len() && self.path.iter().zip(&route.path).all(same);
        is_path
            && match self.at {
                At::Segment(_) => true,
                At::Parameter(name) => said_of(route, name) == Some(self.wanted),
            }
    }

    /// Whether a route may explain a URL of this path and take what stands here as something else.
    fn may_leave_by(&self, route: &Route) -> bool {
        // `/_history/2` after a target is left out.
        let version = self.path.len().checked_sub(2).and_then(|cut| self.path.split_at_checked(cut));
        let version = version.filter(|(_, cut)| cut.first().is_some_and(|one| could_be(one, "_history")));
        let mut ways = [(self.path, 0)].into_iter().chain(version.map(|(path, cut)| (path, cut.len())));
        ways.any(|(path, cut)| {
            let (from, other) = match self.at {
                At::Segment(at) => match at.checked_sub(cut) {
                    Some(at) => (at, segment_of(route, at)),
                    None => return false,
                },
                At::Parameter(name) if cut == 0 => (0, said_of(route, name)),
                At::Parameter(_) => return false,
            };
            // A URL that is not whole begins with a literal of the route.
            let is_literal = |segment: &PathSegment| matches!(segment, PathSegment::Literal(_));
            let above = route.path.iter().rev().skip(from).position(is_literal);
            let least = above.map_or(route.path.len(), |above| from.saturating_add(above).saturating_add(1));
            let mut ends = path.iter().rev().zip(route.path.iter().rev()).take(least);
            other.is_some_and(|other| other != self.wanted)
                && path.len() >= least
                && ends.all(|(a, b)| could_meet(a, b))
        })
    }
}

fn said_of<'a>(route: &'a Route, name: &str) -> Option<&'a Wanted> {
    route.query.iter().find(|parameter| parameter.name == name).map(|parameter| &parameter.wanted)
}

fn segment_of(route: &Route, from_end: usize) -> Option<&Wanted> {
    match route.path.iter().nth_back(from_end)? {
        PathSegment::Named { wanted, .. } => Some(wanted),
        PathSegment::Literal(_) => None,
    }
}

/// Whether one segment of a URL may fit both; `false` only where it surely does not.
fn could_meet(one: &PathSegment, other: &PathSegment) -> bool {
    match (one, other) {
        (segment, PathSegment::Literal(text)) | (PathSegment::Literal(text), segment) => {
            could_be(segment, text)
        }
        (PathSegment::Named { .. }, PathSegment::Named { .. }) => true,
    }
}

fn could_be(segment: &PathSegment, text: &str) -> bool {
    match segment {
        PathSegment::Literal(literal) => literal == text,
        PathSegment::Named { wanted: Wanted::Pattern(pattern), .. } => pattern.fits(text),
        PathSegment::Named { wanted: Wanted::Pseudonym(_), .. } => true,
    }
}
