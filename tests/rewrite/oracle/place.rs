//! Where a node stands, and whether a location reaches it: by comparing step by step.

use tavs::policy::location::{Comparison, Literal, Location, Step};

use super::tree::Tree;

/// One step from a container to a child, with the nodes themselves.
#[derive(Clone, Copy)]
pub(crate) struct Crumb<'t> {
    pub(crate) key: Key<'t>,
    pub(crate) child: &'t Tree,
}

/// How a child is found in its container.
#[derive(Clone, Copy)]
pub(crate) enum Key<'t> {
    Name(&'t str),
    Index(usize),
}

/// Whether these steps lead exactly along these crumbs.
pub(crate) fn leads(steps: &[Step], crumbs: &[Crumb<'_>]) -> bool {
    // from the end, where most differ
    steps.len() == crumbs.len() && steps.iter().zip(crumbs).rev().all(|(step, crumb)| takes(step, *crumb))
}

/// Whether the steps begin by leading along these crumbs, and go on below (or end here).
pub(crate) fn passes(steps: &[Step], crumbs: &[Crumb<'_>]) -> bool {
    steps.get(..crumbs.len()).is_some_and(|first| leads(first, crumbs))
}

fn takes(step: &Step, crumb: Crumb<'_>) -> bool {
    match (step, crumb.key) {
        (Step::Wildcard, _) => true,
        (Step::Name(wanted), Key::Name(name)) => wanted == name,
        (Step::Index(wanted), Key::Index(index)) => usize::try_from(*wanted) == Ok(index),
        (Step::Filter(all), _) => all.iter().all(|one| holds(one, crumb.child)),
        (Step::Name(_), Key::Index(_)) | (Step::Index(_), Key::Name(_)) => false,
    }
}

/// RFC 9535 section 2.3.5.2.2: a missing member equals nothing.
fn holds(comparison: &Comparison, child: &Tree) -> bool {
    let equal = child.member(&comparison.member).is_some_and(|value| is_literal(value, &comparison.literal));
    equal == comparison.equal
}

pub(crate) fn is_literal(value: &Tree, literal: &Literal) -> bool {
    match (value, literal) {
        (Tree::String { text, .. }, Literal::String(wanted)) => text == wanted,
        (Tree::Number(raw), Literal::Integer(wanted)) => decimal(raw) == decimal(&wanted.to_string()),
        (Tree::Bool(value), Literal::Bool(wanted)) => value == wanted,
        (Tree::Null, Literal::Null) => true,
        _ => false,
    }
}

/// A JSON number as sign, digits without zeros at either end, and the power of ten of the last:
/// two texts are one number if these are equal.
fn decimal(raw: &str) -> (bool, String, i128) {
    let (mantissa, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let negative = mantissa.starts_with('-');
    let (whole, fraction) = mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = digits.trim_end_matches('0');
    let power = exponent.parse::<i128>().unwrap_or(1 << 64) - fraction.len() as i128
        + (digits.len() - significant.len()) as i128;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() { (false, String::new(), 0) } else { (negative, significant.to_owned(), power) }
}

/// Every node that a location leads to from `root`, in document order.
pub(crate) fn find<'t>(location: &Location, root: &'t Tree) -> Vec<&'t Tree> {
    let mut found = Vec::new();
    descend(&location.steps, root, &mut Vec::new(), &mut |crumbs| {
        found.push(crumbs.last().map_or(root, |crumb| crumb.child));
    });
    found
}

/// The RFC 6901 pointer of every node that a location leads to.
pub(crate) fn pointers(location: &Location, root: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    descend(&location.steps, root, &mut Vec::new(), &mut |crumbs| found.push(pointer(crumbs)));
    found
}

pub(crate) fn pointer(crumbs: &[Crumb<'_>]) -> String {
    let part = |crumb: &Crumb<'_>| match crumb.key {
        Key::Name(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Key::Index(index) => format!("/{index}"),
    };
    crumbs.iter().map(part).collect()
}

fn descend<'t>(
    steps: &[Step],
    node: &'t Tree,
    crumbs: &mut Vec<Crumb<'t>>,
    at_end: &mut impl FnMut(&[Crumb<'t>]),
) {
    if crumbs.len() == steps.len() {
        at_end(crumbs);
        return;
    }
    for crumb in children(node) {
        crumbs.push(crumb);
        if passes(steps, crumbs) {
            descend(steps, crumb.child, crumbs, at_end);
        }
        crumbs.pop();
    }
}

/// The children of a node, each with the step to it.
pub(crate) fn children(node: &Tree) -> Vec<Crumb<'_>> {
    match node {
        Tree::Object(members) => {
            members.iter().map(|m| Crumb { key: Key::Name(&m.name), child: &m.value }).collect()
        }
        Tree::Array(elements) => {
            elements.iter().enumerate().map(|(i, e)| Crumb { key: Key::Index(i), child: e }).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_one_however_they_are_written() {
        for same in [["1", "1.0"], ["10", "1e1"], ["-0", "0.000"], ["1200", "0.12E+4"], ["100e-2", "1"]] {
            assert_eq!(decimal(same[0]), decimal(same[1]), "{same:?}");
        }
        assert_ne!(decimal("10"), decimal("1"));
        assert_ne!(decimal("-1"), decimal("1"));
    }
}
