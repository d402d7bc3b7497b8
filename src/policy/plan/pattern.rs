//! What a policy says of one route, as patterns from the document's root: rules, subjects,
//! records. Shapes and filters become conditions on the values along the way.

use std::iter;

use super::{Act, CompiledRule, RuleRef};
use crate::policy::checked::{Action, Policy, Route, Rule, Shape, Subject};
use crate::policy::location::{Comparison, Literal, Location, Step};
use crate::pseudonym::REGIONAL_SYSTEMS;

/// Everything that a route's rules look for.
pub(super) struct Patterns {
    pub(super) patterns: Vec<Pattern>,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) systems: Vec<String>,
    pub(super) id_types: Vec<String>,
    pub(super) has_subjects: bool,
    pub(super) has_name_sources: bool,
}

/// From the root to a place, and what is to be done there.
pub(super) struct Pattern {
    /// What the document must be for the pattern to apply.
    pub(super) root: Vec<Comparison>,
    pub(super) hops: Vec<Hop>,
    pub(super) payload: Payload,
}

/// One step down to a child that fits the conditions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Hop {
    pub(super) select: Select,
    pub(super) conditions: Vec<Comparison>,
}

/// Which children.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Select {
    Name(String),
    Any,
    Index(u32),
    /// The document that a string is the code of.
    Decoded,
}

/// What is to be done at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Payload {
    /// The rule of this number decides.
    Rule(u32),
    /// The value says whose data the record is; the number of its identifier system.
    Subject(u32),
    /// The value names the same person as the element's subject; the number of its type.
    Alias(u32),
    /// The element around aliases.
    AliasScope,
    /// The record around must have a subject.
    WantsSubject,
    /// A name to be taken out of text.
    Name,
    /// A record.
    Record,
    /// The record's person has name and address protection, if this is so.
    Marker,
}

/// The record's location, unless it is the whole document.
pub(super) fn record_below_root(route: &Route) -> Option<&Location> {
    route.response.record.as_ref().filter(|record| !record.steps.is_empty())
}

/// Collects what applies to the responses of a route. Rules of decoded documents come last, so that
/// the numbers of all others do not depend on them.
pub(super) fn of_route(policy: &Policy, route: &Route) -> Patterns {
    let mut collector = Collector::default();
    let record = record_below_root(route);
    if let Some(record) = record {
        collector.add(record, &Location::default(), &[], Payload::Record);
    }
    let whole = Location::default();
    let record = record.unwrap_or(&whole);
    collector.markers(policy, record);
    for (index, rule) in route.response.rules.iter().enumerate() {
        let reference = RuleRef { shape: None, rule: index };
        collector.rule(reference, rule, &[(&whole, &[])], record);
    }
    collector.subjects(&route.response.subject, record, &[]);
    for index in &route.response.shapes {
        collector.shape(policy, *index, record);
    }
    collector.documents(policy);
    collector.done
}

/// Collects what applies to the content of a route's requests. A rule's number is its place.
pub(super) fn of_request(rules: &[Rule]) -> Patterns {
    let mut collector = Collector::default();
    let whole = Location::default();
    for (index, rule) in rules.iter().enumerate() {
        collector.rule(RuleRef { shape: None, rule: index }, rule, &[(&whole, &[])], &whole);
    }
    collector.done
}

/// Where a document begins, seen from the response: nowhere further down, or at the code of one.
#[derive(Debug, Clone, Default)]
struct Base {
    root: Vec<Comparison>,
    hops: Vec<Hop>,
}

/// The documents that a rule decodes, and by which shapes.
struct Decoded {
    rule: u32,
    bases: Vec<Base>,
    shapes: Vec<String>,
}

struct Collector {
    done: Patterns,
    /// Where the documents begin whose rules are being collected: the response itself, or what one
    /// rule decodes, which can stand at several places.
    bases: Vec<Base>,
    /// The rule that decodes them.
    decoded_by: Option<u32>,
    /// What is yet to be collected.
    decoded: Vec<Decoded>,
}

impl Default for Collector {
    fn default() -> Self {
        let systems = vec![String::new()];
        Self {
            done: Patterns {
                patterns: Vec::new(),
                rules: Vec::new(),
                systems,
                id_types: Vec::new(),
                has_subjects: false,
                has_name_sources: false,
            },
            bases: vec![Base::default()],
            decoded_by: None,
            decoded: Vec::new(),
        }
    }
}

type Place<'a> = (&'a Location, &'a [(String, Literal)]);

impl Collector {
    /// `location` below `at`, where the value there fits `when`, in each document.
    fn add(&mut self, at: &Location, location: &Location, when: &[(String, Literal)], payload: Payload) {
        let patterns = self.bases.iter().map(|base| {
            let Base { root, hops } = base.below(at, when).below(location, &[]);
            Pattern { root, hops, payload }
        });
        self.done.patterns.extend(patterns);
    }

    fn rule(&mut self, reference: RuleRef, rule: &Rule, places: &[Place<'_>], record: &Location) {
        let number = number(self.done.rules.len());
        let system = self.system(&rule.location);
        let act = Act::of(&rule.action, system);
        self.done.rules.push(CompiledRule { reference, act, decoded_by: self.decoded_by });
        for (at, when) in places {
            self.add(at, &rule.location, when, Payload::Rule(number));
        }
        if let Action::Scan(scan) | Action::Decode(scan) = &rule.action {
            for name in &scan.names {
                self.done.has_name_sources = true;
                self.add(record, name, &[], Payload::Name);
            }
        }
        // One inside another is refused by `check`, and has no rules.
        if let (Action::DecodeJson(shapes), None) = (&rule.action, self.decoded_by) {
            let base = |(at, when): &Place<'_>| {
                let mut base = Base::default().below(at, when).below(&rule.location, &[]);
                base.hops.push(Hop { select: Select::Decoded, conditions: Vec::new() });
                base
            };
            let bases = places.iter().map(base).collect();
            self.decoded.push(Decoded { rule: number, bases, shapes: shapes.clone() });
        }
    }

    /// A shape's rules, and whose data its elements are.
    fn shape(&mut self, policy: &Policy, index: usize, record: &Location) {
        let Some(shape) = policy.shapes.get(index) else { return };
        let places: Vec<_> = shape.at.iter().map(|at| (at, shape.when.as_slice())).collect();
        for (rule_index, rule) in shape.rules.iter().enumerate() {
            let reference = RuleRef { shape: Some(index), rule: rule_index };
            self.rule(reference, rule, &places, record);
        }
        for at in &shape.at {
            self.subjects(&shape.subject, at, &shape.when);
            if matches!(shape.subject, Subject::At(_)) {
                self.add(at, &Location::default(), &shape.when, Payload::WantsSubject);
            }
            self.aliases(shape, at);
        }
    }

    /// What applies inside of documents that rules decode: each is a record of its own.
    fn documents(&mut self, policy: &Policy) {
        for Decoded { rule, bases, shapes } in std::mem::take(&mut self.decoded) {
            (self.bases, self.decoded_by) = (bases, Some(rule));
            self.markers(policy, &Location::default());
            for (index, shape) in policy.shapes.iter().enumerate() {
                if shapes.contains(&shape.name) {
                    self.shape(policy, index, &Location::default());
                }
            }
        }
    }

    /// Where a record says that its person has name and address protection.
    fn markers(&mut self, policy: &Policy, record: &Location) {
        for marker in policy.address_markers.iter().filter(|_| !policy.is_treatment()) {
            self.add(record, marker, &[], Payload::Marker);
        }
    }

    fn subjects(&mut self, subject: &Subject, base: &Location, when: &[(String, Literal)]) {
        if let Subject::At(locations) = subject {
            self.done.has_subjects = true;
            for location in locations {
                let system = self.system(location);
                self.add(base, location, when, Payload::Subject(system));
            }
        }
    }

    /// A contained resource has an id within its container only, so that it names nobody elsewhere
    /// (FHIR R4 section 2.29.3.4).
    fn aliases(&mut self, shape: &Shape, at: &Location) {
        if shape.alias.is_empty() || at.steps.contains(&Step::Name("contained".to_owned())) {
            return;
        }
        let id_type = shape.when.iter().find_map(|(member, literal)| match literal {
            Literal::String(text) if member == "resourceType" => Some(text.clone()),
            Literal::String(_) | Literal::Integer(_) | Literal::Bool(_) | Literal::Null => None,
        });
        let id_type = numbered(&mut self.done.id_types, id_type.unwrap_or_default());
        self.add(at, &Location::default(), &shape.when, Payload::AliasScope);
        for alias in &shape.alias {
            self.add(at, alias, &shape.when, Payload::Alias(id_type));
        }
    }

    /// The number of the D-eCPR system that a location's filter asks for; 0 where it asks for none.
    fn system(&mut self, location: &Location) -> u32 {
        let comparisons = location.steps.iter().flat_map(|step| match step {
            Step::Filter(all) => all.as_slice(),
            Step::Name(_) | Step::Wildcard | Step::Index(_) => &[],
        });
        let system = comparisons.filter(|one| one.equal && one.member == "system").find_map(|one| match &one
            .literal
        {
            Literal::String(text) if text.starts_with(REGIONAL_SYSTEMS) => Some(text.clone()),
            Literal::String(_) | Literal::Integer(_) | Literal::Bool(_) | Literal::Null => None,
        });
        system.map_or(0, |system| numbered(&mut self.done.systems, system))
    }
}

impl Base {
    /// The place at `location` below, where the value there fits `when`.
    fn below(&self, location: &Location, when: &[(String, Literal)]) -> Self {
        let when = when.iter().map(|(member, literal)| Comparison {
            member: member.clone(),
            equal: true,
            literal: literal.clone(),
        });
        let mut below = self.clone();
        below.hops.extend(location.steps.iter().map(Hop::new));
        match below.hops.last_mut() {
            Some(last) => last.conditions.extend(when),
            None => below.root.extend(when),
        }
        below
    }
}

impl Pattern {
    /// Whether every value that this arrives at has what `below` asks for on its way there and
    /// beyond: all but the names of members, which whoever reads the policy sees.
    pub(super) fn implies(&self, below: &Self) -> bool {
        let own_hops = self.hops.iter().map(Some).chain(iter::repeat(None));
        let mut hops = below.hops.iter().zip(own_hops);
        given(&self.root, &below.root) && hops.all(|(hop, own)| hop.is_implied_by(own))
    }
}

fn given(own: &[Comparison], asked: &[Comparison]) -> bool {
    asked.iter().all(|comparison| own.contains(comparison))
}

impl Hop {
    fn is_implied_by(&self, own: Option<&Self>) -> bool {
        let (select, conditions) = own.map_or((&Select::Any, &[][..]), |own| (&own.select, &own.conditions));
        let selected = match &self.select {
            Select::Any => true,
            Select::Name(_) => *select == Select::Any || *select == self.select,
            Select::Index(_) | Select::Decoded => *select == self.select,
        };
        selected && given(conditions, &self.conditions)
    }

    fn new(step: &Step) -> Self {
        let (select, conditions) = match step {
            Step::Name(name) => (Select::Name(name.clone()), Vec::new()),
            Step::Wildcard => (Select::Any, Vec::new()),
            Step::Index(index) => (Select::Index(*index), Vec::new()),
            Step::Filter(all) => (Select::Any, all.clone()),
        };
        Self { select, conditions }
    }
}

/// The number of a text in a list that holds each once.
fn numbered(list: &mut Vec<String>, text: String) -> u32 {
    let known = list.iter().position(|other| *other == text);
    number(known.unwrap_or_else(|| {
        list.push(text);
        list.len().saturating_sub(1)
    }))
}

/// A policy file is bounded far below 2^32 of anything.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
