//! The shapes of a policy and of what it includes, put together: names told apart, what others begin with taken over.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::Findings;
use super::{Included, Shelf, is_included};
use crate::policy::checked::{Action, Kind};
use crate::policy::codes;
use crate::policy::location::Location;
use crate::policy::syntax::At;
use crate::policy::written::{Policy, Rule, Shape, resource_type};

/// Takes what a policy uses of the shapes that it includes: those that its routes list, and those
/// that its own begin with.
pub(in crate::policy::check) fn put_together(
    policy: &mut Policy,
    shelf: &Shelf<'_>,
    included: &Included,
    findings: &mut Findings<'_>,
) {
    let offered: Vec<&Shape> = shelf.shapes(&included.all).collect();
    let own = complete(std::mem::take(&mut policy.shapes), &offered, findings);
    let names = listed(policy, &own, &offered);
    let listed = |shape: &Shape| shape.name.as_ref().is_some_and(|name| names.contains(&name.value));
    let taken: Vec<&Shape> = offered.iter().copied().filter(|shape| listed(shape)).collect();
    unused(policy, shelf, included, &own, &listed, findings);
    policy.offered = offered.iter().filter_map(|shape| shape.name.clone()).map(|name| name.value).collect();
    // Of a name that stands twice, which has been reported, the first counts.
    let is_new = |shape: &&&Shape| {
        let same = |other: &Shape| match (&other.name, &shape.name) {
            (Some(one), Some(other)) => one.value == other.value,
            _ => false,
        };
        !own.iter().any(same)
            && !taken.iter().take_while(|one| !std::ptr::eq(**one, **shape)).any(|one| same(one))
    };
    let taken: Vec<Shape> = taken.iter().filter(is_new).map(|shape| (*shape).clone()).collect();
    policy.shapes = own;
    policy.shapes.extend(taken);
}

/// The names that routes list, and the rules of shapes that are listed or the file's own.
fn listed(policy: &Policy, own: &[Shape], offered: &[&Shape]) -> BTreeSet<String> {
    let rules = policy.routes.iter().flat_map(|route| &route.response.rules);
    let rules = rules.chain(own.iter().flat_map(|shape| &shape.rules));
    let by_routes = policy.routes.iter().flat_map(|route| &route.response.shapes);
    let by_rules = rules.flat_map(|rule| &rule.shapes);
    let mut names: BTreeSet<String> = by_routes.chain(by_rules).map(|name| name.value.clone()).collect();
    loop {
        let known = names.len();
        for shape in offered {
            if shape.name.as_ref().is_some_and(|name| names.contains(&name.value)) {
                let more = shape.rules.iter().flat_map(|rule| &rule.shapes);
                names.extend(more.map(|name| name.value.clone()));
            }
        }
        if names.len() == known {
            return names;
        }
    }
}

/// A line of `include` of which nothing is used.
fn unused(
    policy: &Policy,
    shelf: &Shelf<'_>,
    included: &Included,
    own: &[Shape],
    listed: &impl Fn(&Shape) -> bool,
    findings: &mut Findings<'_>,
) {
    for line in &policy.includes.names {
        let numbers = included.by.iter().filter(|(_, span)| **span == line.span).map(|(number, _)| *number);
        let numbers = numbers.collect();
        let is_liked = |shape: &Shape| {
            let like = |own: &Shape| Some(own.like.as_ref()?.shape.as_ref()?.value.clone());
            shape
                .name
                .as_ref()
                .is_some_and(|name| own.iter().any(|own| like(own).as_ref() == Some(&name.value)))
        };
        let mut shapes = shelf.shapes(&numbers).peekable();
        if shapes.peek().is_some() && !shapes.any(|shape| listed(shape) || is_liked(shape)) {
            let message = format!("no route uses a shape of `{}`", line.value);
            let help = "list one under `[route.response]`, or take the line out";
            findings.add(&codes::UNUSED_SHAPE, &line.span, message, "has no effect", help);
        }
    }
}

/// A file's own shapes, with those of the `offered` that they begin with.
pub(super) fn complete(own: Vec<Shape>, offered: &[&Shape], findings: &mut Findings<'_>) -> Vec<Shape> {
    unique(&own, offered, findings);
    own.into_iter().map(|shape| with_included(shape, offered, findings)).collect()
}

/// That each name means one shape: among those included, and against those of the file.
fn unique(own: &[Shape], offered: &[&Shape], findings: &mut Findings<'_>) {
    let mut seen: Vec<&At<String>> = Vec::new();
    for name in offered.iter().copied().chain(own).filter_map(|shape| shape.name.as_ref()) {
        if let Some(first) = seen.iter().find(|other| other.value == name.value && is_included(&other.span)) {
            findings.add_with(
                &codes::DUPLICATE_NAME,
                &name.span,
                format!("two shapes are named `{}`", name.value),
                ("the same name", "there is no precedence: write `like` to begin with the one that is included, and name yours otherwise"),
                (&first.span, "first here"),
            );
        }
        seen.push(name);
    }
}

/// The shape with all that the included one says that it begins with.
fn with_included(shape: Shape, offered: &[&Shape], findings: &mut Findings<'_>) -> Shape {
    let Some(like) = &shape.like else { return shape };
    let Some(wanted) = &like.shape else { return Shape { has_unread: true, ..shape } };
    let found = offered.iter().find(|one| one.name.as_ref().is_some_and(|name| name.value == wanted.value));
    let Some(found) = found else {
        let known: Vec<&str> =
            offered.iter().filter_map(|one| one.name.as_ref()).map(|name| name.value.as_str()).collect();
        super::super::routes::unknown(&codes::UNKNOWN_SHAPE, "included shape", wanted, &known, findings);
        return Shape { has_unread: true, ..shape };
    };
    let mut rules: Vec<Rule> = found.rules.clone();
    for location in &like.without {
        take_away(&mut rules, location, findings);
    }
    let kind = resource_type(&found.when).unwrap_or_default();
    rules.extend(shape.rules.iter().map(|rule| typed(rule, kind)));
    Shape {
        at: found.at.clone(),
        when: found.when.clone(),
        subject: found.subject.clone(),
        alias: found.alias.clone(),
        has_unread: shape.has_unread || found.has_unread,
        rules,
        ..shape
    }
}

/// An id without a type is one of the shape's.
fn typed(rule: &Rule, kind: &str) -> Rule {
    let mut rule = rule.clone();
    if let Action::Pseudonymise(Kind::Id { resource_type }) = &mut rule.action.value
        && resource_type.is_empty()
    {
        kind.clone_into(resource_type);
    }
    rule
}

/// Takes away the rules at a location and below. What they decided is withheld then: less leaves.
fn take_away(rules: &mut Vec<Rule>, location: &At<Location>, findings: &mut Findings<'_>) {
    let is_below = |rule: &Rule| rule.location.value.steps.starts_with(&location.value.steps);
    let is_held = |rule: &Rule| rule.action.value == Action::Withhold;
    let before = rules.len();
    let held =
        rules.iter().find(|rule| is_below(rule) && is_held(rule)).map(|rule| rule.location.span.clone());
    rules.retain(|rule| !is_below(rule) || is_held(rule));
    if rules.len() < before {
        return;
    }
    let text = &location.value;
    match held {
        Some(held) => findings.add_with(
            &codes::WITHOUT,
            &location.span,
            format!("`without` cannot take the `withhold` of `{text}` away"),
            ("stays withheld", "name the `keep` above it, and write what may leave"),
            (&held, "withheld here"),
        ),
        None => findings.add(
            &codes::WITHOUT,
            &location.span,
            format!("the included shape has no rule at `{text}` or below"),
            "takes nothing away",
            nearest_rule(rules, location),
        ),
    }
}

fn nearest_rule(rules: &[Rule], location: &At<Location>) -> String {
    let known: Vec<String> = rules.iter().map(|rule| rule.location.value.to_string()).collect();
    let near = crate::policy::syntax::nearest(&location.value.to_string(), known.iter().map(String::as_str));
    near.map_or_else(|| String::from("take the line out"), |near| format!("did you mean `{near}`?"))
}

/// Moves a shape's places to where its file's begin.
pub(super) fn shift(shape: &mut Shape, by: usize) {
    let one = |span: &mut Range<usize>| super::shift(span, by);
    one(&mut shape.header);
    if let Some(name) = &mut shape.name {
        one(&mut name.span);
    }
    if let Some(like) = &mut shape.like {
        like.shape.iter_mut().for_each(|shape| one(&mut shape.span));
        like.without.iter_mut().for_each(|location| one(&mut location.span));
    }
    for rule in &mut shape.rules {
        one(&mut rule.location.span);
        one(&mut rule.action.span);
        rule.shapes.iter_mut().for_each(|name| one(&mut name.span));
    }
}
