//! Which elements are of a shape, and whose data a record is.

use tavs::cpr;
use tavs::ids::SubjectId;
use tavs::judge::Judgement;
use tavs::policy::checked::{Shape, Subject};
use tavs::pseudonym::Input;

use super::place::{Crumb, children, is_literal, leads};
use super::tree::Tree;
use super::{Oracle, forms, links, system_of};

/// Whether an element's members are as the shape's `when` says.
pub(crate) fn is_of_shape(shape: &Shape, element: &Tree) -> bool {
    shape
        .when
        .iter()
        .all(|(name, literal)| element.member(name).is_some_and(|value| is_literal(value, literal)))
}

/// What is known of the subjects of one record.
#[derive(Default)]
struct Known<'t> {
    wanted: bool,
    nobody: bool,
    found: Vec<SubjectId>,
    /// Contained resources that somebody's reference leads to.
    meant: Vec<&'t Tree>,
    /// What persons' identifiers stand in.
    around_persons: Vec<&'t Tree>,
}

/// Whose data a record is, in order of appearance; `None` if that was declared and cannot be
/// told, so that the record is withheld. What a rule withholds may still say whose the rest is.
pub(crate) fn of_record<'t>(
    oracle: &Oracle<'_>,
    root: &'t Tree,
    node: &'t Tree,
    crumbs: &mut Vec<Crumb<'t>>,
    is_record: bool,
) -> Option<Vec<SubjectId>> {
    let declared = matches!(oracle.route.response.subject, Subject::At(_));
    let mut known = Known { wanted: is_record && declared, ..Known::default() };
    visit(oracle, root, node, crumbs, &mut known);
    let told = |one: &&Tree| known.around_persons.iter().any(|around| std::ptr::eq(*around, *one));
    let untold = known.nobody || known.wanted && known.found.is_empty() || !known.meant.iter().all(told);
    (!untold).then_some(known.found)
}

fn visit<'t>(
    oracle: &Oracle<'_>,
    root: &'t Tree,
    node: &'t Tree,
    crumbs: &mut Vec<Crumb<'t>>,
    known: &mut Known<'t>,
) {
    for place in oracle
        .subjects
        .iter()
        .filter(|place| leads(&place.steps, crumbs) && oracle.in_shape(place.shape, root, crumbs))
    {
        if place.is_element {
            known.wanted = true;
        } else {
            match person(oracle, root, (node, crumbs), &place.system) {
                Person::One(id) => {
                    known.around_persons.extend(crumbs.iter().map(|crumb| crumb.child));
                    if !known.found.contains(&id) {
                        known.found.push(id);
                    }
                }
                Person::Contained(resource) => known.meant.push(resource),
                Person::Absent => {}
                Person::Nobody => known.nobody = true,
            }
        }
    }
    for crumb in children(node) {
        crumbs.push(crumb);
        // an inner record has subjects of its own
        if !oracle.is_record(crumbs) {
            visit(oracle, root, crumb.child, crumbs, known);
        }
        crumbs.pop();
    }
}

enum Person<'t> {
    One(SubjectId),
    /// Whoever this is about.
    Contained(&'t Tree),
    Absent,
    Nobody,
}

fn person<'t>(
    oracle: &Oracle<'_>,
    root: &'t Tree,
    (node, crumbs): (&'t Tree, &[Crumb<'t>]),
    system: &str,
) -> Person<'t> {
    let number = match node {
        Tree::Null => return Person::Absent,
        Tree::String { text, .. } => cpr::parse(text),
        Tree::Number(raw) => cpr::parse_number(raw.as_bytes()),
        _ => None,
    };
    match (number, node) {
        (Some(number), _) if number.is_nobody() => Person::Nobody,
        (Some(number), _) => judged(oracle, number_input(&number, system), true),
        (None, Tree::String { text, .. }) => match forms::reference(text) {
            Some((resource_type, id)) => {
                judged(oracle, Input { kind: "id", resource_type, system: "", value: id }, false)
            }
            None => elsewhere(oracle, root, (text, crumbs)),
        },
        (None, _) => Person::Nobody,
    }
}

/// A reference that is understood in its document, or a conditional one.
fn elsewhere<'t>(oracle: &Oracle<'_>, root: &'t Tree, (text, crumbs): (&str, &[Crumb<'t>])) -> Person<'t> {
    if let Some(id) = text.strip_prefix('#') {
        return links::contained(root, crumbs, id).map_or(Person::Nobody, |(one, _)| Person::Contained(one));
    }
    if let Some((resource_type, id, is_own)) = links::entry(root, text) {
        let input = Input { kind: "id", resource_type: &resource_type, system: "", value: &id };
        return if is_own { judged(oracle, input, false) } else { Person::Nobody };
    }
    match links::conditional(text) {
        Some((_, system, number)) if !number.is_nobody() => {
            judged(oracle, number_input(&number, &system), true)
        }
        _ => Person::Nobody,
    }
}

fn judged<'t>(oracle: &Oracle<'_>, input: Input<'_>, is_number: bool) -> Person<'t> {
    match oracle.judge.judge(oracle.subject_key.id(input), is_number) {
        Judgement::Person(id) => Person::One(id),
        Judgement::Unknown | Judgement::Withheld => Person::Nobody,
    }
}

/// Only an e-CPR takes its identifier system along.
pub(crate) fn number_input<'a>(number: &'a cpr::Number, system: &'a str) -> Input<'a> {
    let ecpr = number.kind == cpr::Kind::Ecpr;
    Input {
        kind: if ecpr { "ecpr" } else { "cpr" },
        resource_type: "",
        system: if ecpr { system } else { "" },
        value: number.canonical(),
    }
}

/// A place that says whose data a record is, or that it must say so.
pub(crate) struct Place {
    pub(crate) steps: Vec<tavs::policy::location::Step>,
    pub(crate) shape: Option<(usize, usize)>,
    pub(crate) system: String,
    /// The element of a shape with subjects, rather than one of them.
    pub(crate) is_element: bool,
}

pub(crate) fn places(
    policy: &tavs::policy::checked::Policy,
    route: &tavs::policy::checked::Route,
) -> Vec<Place> {
    let mut places = Vec::new();
    if let Subject::At(locations) = &route.response.subject {
        let record = route.response.record.clone().unwrap_or_default();
        places.extend(locations.iter().map(|location| Place {
            steps: record.join(location).steps,
            shape: None,
            system: system_of(location),
            is_element: false,
        }));
    }
    for &index in &route.response.shapes {
        let shape = &policy.shapes[index];
        let Subject::At(locations) = &shape.subject else { continue };
        for at in &shape.at {
            let in_shape = Some((index, at.steps.len()));
            places.push(Place {
                steps: at.steps.clone(),
                shape: in_shape,
                system: String::new(),
                is_element: true,
            });
            places.extend(locations.iter().map(|location| Place {
                steps: at.join(location).steps,
                shape: in_shape,
                system: system_of(location),
                is_element: false,
            }));
        }
    }
    places
}
