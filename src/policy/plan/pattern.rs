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

/// Collects what applies to the responses of a route.
pub(super) fn of_route(policy: &Policy, route: &Route) -> Patterns {
    let mut collector = Collector::default();
    let record = record_below_root(route);
    if let Some(record) = record {
        collector.add(Pattern::new(record, &Location::default(), &[], Payload::Record));
    }
    let whole = Location::default();
    let record = record.unwrap_or(&whole);
    for marker in policy.address_markers.iter().filter(|_| !policy.is_treatment()) {
        collector.add(Pattern::new(record, marker, &[], Payload::Marker));
    }
    for (index, rule) in route.response.rules.iter().enumerate() {
        let reference = RuleRef { shape: None, rule: index };
        collector.rule(reference, rule, &[(&whole, &[])], record);
    }
    collector.subjects(&route.response.subject, record, &[]);
    for index in &route.response.shapes {
        let Some(shape) = policy.shapes.get(*index) else { continue };
        let places: Vec<_> = shape.at.iter().map(|at| (at, shape.when.as_slice())).collect();
        for (rule_index, rule) in shape.rules.iter().enumerate() {
            let reference = RuleRef { shape: Some(*index), rule: rule_index };
            collector.rule(reference, rule, &places, record);
        }
        for at in &shape.at {
            collector.subjects(&shape.subject, at, &shape.when);
            if matches!(shape.subject, Subject::At(_)) {
                collector.add(Pattern::new(at, &whole, &shape.when, Payload::WantsSubject));
            }
            collector.aliases(shape, at);
        }
    }
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

struct Collector {
    done: Patterns,
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
        }
    }
}

type Place<'a> = (&'a Location, &'a [(String, Literal)]);

impl Collector {
    fn add(&mut self, pattern: Pattern) {
        self.done.patterns.push(pattern);
    }

    fn rule(&mut self, reference: RuleRef, rule: &Rule, places: &[Place<'_>], record: &Location) {
        let number = number(self.done.rules.len());
        let system = self.system(&rule.location);
        self.done.rules.push(CompiledRule { reference, act: Act::of(&rule.action, system) });
        for (at, when) in places {
            self.add(Pattern::new(at, &rule.location, when, Payload::Rule(number)));
        }
        if let Action::Scan(scan) | Action::Decode(scan) = &rule.action {
            for name in &scan.names {
                self.done.has_name_sources = true;
                self.add(Pattern::new(record, name, &[], Payload::Name));
            }
        }
    }

    fn subjects(&mut self, subject: &Subject, base: &Location, when: &[(String, Literal)]) {
        if let Subject::At(locations) = subject {
            self.done.has_subjects = true;
            for location in locations {
                let system = self.system(location);
                self.add(Pattern::new(base, location, when, Payload::Subject(system)));
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
        self.add(Pattern::new(at, &Location::default(), &shape.when, Payload::AliasScope));
        for alias in &shape.alias {
            self.add(Pattern::new(at, alias, &shape.when, Payload::Alias(id_type)));
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

impl Pattern {
    /// `location` below `base`, where the value at `base` fits `when`.
    fn new(base: &Location, location: &Location, when: &[(String, Literal)], payload: Payload) -> Self {
        let when = when.iter().map(|(member, literal)| Comparison {
            member: member.clone(),
            equal: true,
            literal: literal.clone(),
        });
        let mut pattern = Self { root: Vec::new(), hops: base.steps.iter().map(Hop::new).collect(), payload };
        match pattern.hops.last_mut() {
            Some(last) => last.conditions.extend(when),
            None => pattern.root.extend(when),
        }
        pattern.hops.extend(location.steps.iter().map(Hop::new));
        pattern
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
            Select::Index(_) => *select == self.select,
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
