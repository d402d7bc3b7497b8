//! Which rules a column of an extract has its values from: for `check`, and for the codebook of an extract.
//!
//! What is found here may let the values out; a filter of a location or the form of a document can make it let out
//! fewer. Where nothing is found, nothing can ever stand in the column.

use super::checked::extract::{Column, Extract, From, Table};
use super::checked::{Action, Policy, Response, Route, Rule, Shape};
use super::location::{Location, Step};

/// A rule that may let out what stands in a column.
#[derive(Debug, Clone, Copy)]
pub struct Source<'p> {
    /// The route by whose rules files are rewritten.
    pub route: &'p Route,
    /// The shape that the rule is of; `None` where it is the route's own.
    pub shape: Option<&'p Shape>,
    /// The rule.
    pub rule: &'p Rule,
}

/// The rules that may let out what stands in a column of a table, each once.
#[must_use]
pub fn of_column<'p>(
    policy: &'p Policy,
    extract: &'p Extract,
    table: &Table,
    column: &Column,
) -> Vec<Source<'p>> {
    let below = match column.from {
        From::Row => table.rows.join(&column.path),
        From::Element => column.path.clone(),
    };
    of(policy, extract, table, &below)
}

/// The same of a member that the table's `when` compares.
#[must_use]
pub fn of_condition<'p>(
    policy: &'p Policy,
    extract: &'p Extract,
    table: &Table,
    name: &str,
) -> Vec<Source<'p>> {
    of(policy, extract, table, &Location { steps: vec![Step::Name(name.to_owned())] })
}

fn of<'p>(policy: &'p Policy, extract: &'p Extract, table: &Table, below: &Location) -> Vec<Source<'p>> {
    let places: Vec<Location> = table.at.iter().map(|at| at.join(below)).collect();
    let mut found: Vec<Source<'p>> = Vec::new();
    for route in extract.routes.iter().filter_map(|number| policy.routes.get(*number)) {
        for (shape, rule, location) in rules(policy, &route.response) {
            let apart = shape.is_some_and(|shape| excludes(shape, table));
            let meets = places.iter().any(|place| lets_out(rule, &location, place));
            let is_new = !found.iter().any(|one| std::ptr::eq(one.rule, rule));
            if meets && is_new && !apart {
                found.push(Source { route, shape, rule });
            }
        }
    }
    found
}

/// Every rule of a response with its location from the document's root.
fn rules<'p>(
    policy: &'p Policy,
    response: &'p Response,
) -> impl Iterator<Item = (Option<&'p Shape>, &'p Rule, Location)> {
    let shapes = response.shapes.iter().filter_map(|number| policy.shapes.get(*number));
    let of_shapes = shapes.flat_map(|shape| {
        let places = shape.at.iter();
        places.flat_map(move |at| {
            shape.rules.iter().map(move |rule| (Some(shape), rule, at.join(&rule.location)))
        })
    });
    response.rules.iter().map(|rule| (None, rule, rule.location.clone())).chain(of_shapes)
}

/// Whether the elements of a table are never those of a shape: a member is compared with two values.
fn excludes(shape: &Shape, table: &Table) -> bool {
    let replaced = |name: &str| {
        let whole = [Step::Name(name.to_owned())];
        shape.rules.iter().any(|rule| rule.location.steps == whole && !matches!(rule.action, Action::Keep(_)))
    };
    let differs = |(name, literal): &(String, super::location::Literal)| {
        let own = shape.when.iter().find(|(other, _)| other == name);
        own.is_some_and(|(_, own)| own != literal) && !replaced(name)
    };
    table.when.iter().any(differs)
}

/// Whether a rule at `location` can let a value at `place` out: it is for that value, or keeps all that is around.
fn lets_out(rule: &Rule, location: &Location, place: &Location) -> bool {
    let reaches = match rule.action {
        Action::Withhold | Action::Resolve(_) | Action::DecodeJson(_) => false,
        Action::Keep(_) => location.steps.len() <= place.steps.len(),
        Action::Pseudonymise(_)
        | Action::Mask(_)
        | Action::Generalise(_)
        | Action::Round(_)
        | Action::Shift(_)
        | Action::Replace(_)
        | Action::Scan(_)
        | Action::Count
        | Action::Decode(_)
        | Action::Url(_) => location.steps.len() == place.steps.len(),
    };
    reaches && location.meets(place)
}
