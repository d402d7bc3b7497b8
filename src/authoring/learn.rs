//! What samples are made of: where values stand, of which types, how long, and what they probably are.
//!
//! Never a value, and no member's name that could be data: of a text only its length and class are taken
//! in, and names go through [`Names`] before they are kept. The two exceptions are closed lists: types of
//! FHIR resources, and systems of Danish identifiers, which tell members apart.

use std::collections::BTreeMap;

use serde_json::Value;

use super::classify::{self, Class};
use super::names::{DYNAMIC, Names, step_of};

/// Different locations in all samples together; more are no API but data in the names.
pub const MOST_PATHS: usize = 5_000;

/// Different names in the objects of one location; what comes after them is called dynamic.
const MOST_NAMES: usize = 200;

/// The resource types of FHIR R4 (hl7.org/fhir/R4/resourcelist.html).
const RESOURCES: &str = include_str!("learn/resources.txt");

/// Systems of Danish identifiers (dk-core), which a rule may have to tell apart.
const SYSTEMS: &[&str] = &[
    "urn:oid:1.2.208.176.1.2",
    "urn:oid:1.2.208.176.1.6.1.1",
    "urn:oid:1.2.208.176.1.1",
    "urn:oid:1.2.208.176.1.4",
    "https://www.gs1.org/gln",
];

/// The samples have more than [`MOST_PATHS`] locations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the samples have more than {MOST_PATHS} different locations: names in them are data that this cannot recognise"
)]
pub struct TooManyPaths;

/// What is known of one location.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// How many values.
    pub count: u64,
    /// JSON types, with counts.
    pub types: BTreeMap<&'static str, u64>,
    /// The shortest and the longest text, in characters; or list, in elements.
    pub lengths: Option<(usize, usize)>,
    /// Classes of scalars, with counts.
    pub classes: BTreeMap<Class, u64>,
    /// Whether the name says that it is a date of somebody's birth or death.
    pub is_of_life: bool,
}

/// One location of samples.
#[derive(Debug, Clone)]
pub struct Place {
    /// As policies write it, with [`DYNAMIC`] for names that are data.
    pub location: String,
    /// What stands there.
    pub facts: Facts,
}

impl Place {
    /// Whether names of members above or at it are data.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.location.contains(DYNAMIC)
    }

    /// Whether something stands here that is no container.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        !self.facts.classes.is_empty()
    }

    /// The class to go by: the one that says most of a person.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.facts.classes.keys().next().copied()
    }
}

/// What is known of samples: of the document, or of one kind of FHIR resource in it.
#[derive(Debug)]
pub struct Part {
    /// The resource type; `None` for the documents themselves.
    pub resource: Option<&'static str>,
    /// In order of location.
    pub places: Vec<Place>,
}

/// Takes samples in.
#[derive(Debug)]
pub struct Learner {
    names: Names,
    root: Node,
    resources: BTreeMap<&'static str, Node>,
    documents: u64,
    paths: usize,
}

#[derive(Debug, Default)]
struct Node {
    facts: Facts,
    members: BTreeMap<String, Self>,
    elements: Option<Box<Self>>,
    by_system: BTreeMap<&'static str, Self>,
    is_resource: bool,
}

impl Learner {
    /// Nothing learnt yet.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self { names, root: Node::default(), resources: BTreeMap::new(), documents: 0, paths: 0 }
    }

    /// Takes in one document.
    ///
    /// # Errors
    /// [`TooManyPaths`]; what was taken in before stays.
    pub fn document(&mut self, document: &Value) -> Result<(), TooManyPaths> {
        self.documents = self.documents.saturating_add(1);
        let mut sight = Sight { names: &self.names, resources: &mut self.resources, paths: &mut self.paths };
        sight.look(&mut self.root, document, &mut Vec::new())
    }

    /// How many documents were taken in.
    #[must_use]
    pub const fn documents(&self) -> u64 {
        self.documents
    }

    /// What was learnt: of the documents first, then of each kind of resource.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let roots = std::iter::once((None, &self.root));
        let all = roots.chain(self.resources.iter().map(|(kind, node)| (Some(*kind), node)));
        let part = |(resource, node): (Option<&'static str>, &Node)| {
            let mut places = Vec::new();
            node.list(&mut String::from("$"), &mut places);
            Part { resource, places }
        };
        all.filter(|(_, node)| node.facts.count > 0).map(part).collect()
    }
}

/// One look at a document.
struct Sight<'a> {
    names: &'a Names,
    resources: &'a mut BTreeMap<&'static str, Node>,
    paths: &'a mut usize,
}

impl Sight<'_> {
    /// A value at a node, below these names.
    fn look<'v>(
        &mut self,
        node: &mut Node,
        value: &'v Value,
        above: &mut Vec<&'v str>,
    ) -> Result<(), TooManyPaths> {
        if node.facts.count == 0 {
            *self.paths = self.paths.saturating_add(1);
            if *self.paths > MOST_PATHS {
                return Err(TooManyPaths);
            }
        }
        // A resource is learnt by its kind, wherever it stands.
        if let Some(kind) = resource_type(value).filter(|kind| *kind != "Bundle" && !node.is_resource) {
            node.facts.count = node.facts.count.saturating_add(1);
            let typed = node.facts.types.entry("resource").or_default();
            *typed = typed.saturating_add(1);
            let mut own = self.resources.remove(kind).unwrap_or_default();
            own.is_resource = true;
            let looked = self.look(&mut own, value, above);
            self.resources.insert(kind, own);
            return looked;
        }
        self.note(node, value, above);
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let full = node.members.len() >= MOST_NAMES && !node.members.contains_key(name);
                    let shown = if full { DYNAMIC } else { self.names.shown(name) };
                    above.push(name);
                    let below = node.members.entry(shown.to_owned()).or_default();
                    let looked = self.look(below, member, above);
                    above.pop();
                    looked?;
                }
                Ok(())
            }
            Value::Array(elements) => {
                for element in elements {
                    let below = match system(element) {
                        Some(system) => node.by_system.entry(system).or_default(),
                        None => node.elements.get_or_insert_default(),
                    };
                    self.look(below, element, above)?;
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn note(&self, node: &mut Node, value: &Value, above: &[&str]) {
        let facts = &mut node.facts;
        facts.count = facts.count.saturating_add(1);
        let (kind, length, class) = match value {
            Value::Null => ("null", None, Some(Class::Nothing)),
            Value::Bool(_) => ("boolean", None, Some(Class::Boolean)),
            Value::Number(number) => ("number", None, Some(classify::number(above, &number.to_string()))),
            Value::String(text) => {
                ("string", Some(text.chars().count()), Some(classify::string(above, text)))
            }
            Value::Array(elements) => ("array", Some(elements.len()), None),
            Value::Object(_) => ("object", None, None),
        };
        let typed = facts.types.entry(kind).or_default();
        *typed = typed.saturating_add(1);
        if let Some(class) = class {
            let counted = facts.classes.entry(class).or_default();
            *counted = counted.saturating_add(1);
        }
        if let Some(length) = length {
            let (least, most) = facts.lengths.unwrap_or((length, length));
            facts.lengths = Some((least.min(length), most.max(length)));
        }
        facts.is_of_life |= classify::is_of_life(above);
    }
}

impl Node {
    /// The step to elements of no known system: not to those of one, or two rules would decide these.
    fn step_of_others(&self) -> String {
        if self.by_system.is_empty() {
            return String::from("[*]");
        }
        let none: Vec<String> = self.by_system.keys().map(|system| format!("@.system!='{system}'")).collect();
        format!("[?{}]", none.join(" && "))
    }

    fn list(&self, location: &mut String, places: &mut Vec<Place>) {
        places.push(Place { location: location.clone(), facts: self.facts.clone() });
        let length = location.len();
        let members = self.members.iter().map(|(name, node)| (step_of(name), node));
        let elements = self.elements.iter().map(|node| (self.step_of_others(), &**node));
        let systems = self.by_system.iter().map(|(system, node)| (format!("[?@.system=='{system}']"), node));
        for (step, node) in members.chain(elements).chain(systems) {
            location.push_str(&step);
            node.list(location, places);
            location.truncate(length);
        }
    }
}

/// The type of a FHIR resource, if it is one of the list.
fn resource_type(value: &Value) -> Option<&'static str> {
    let named = value.get("resourceType")?.as_str()?;
    RESOURCES.split_whitespace().find(|known| *known == named)
}

/// The system of an identifier, if it is one of the list.
fn system(value: &Value) -> Option<&'static str> {
    let named = value.get("system")?.as_str()?;
    SYSTEMS.iter().copied().find(|known| *known == named)
}

#[cfg(test)]
mod tests;
