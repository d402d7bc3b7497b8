//! From patterns to the flat table: the subset construction of a trie with wildcards and
//! conditions. What can apply to a value is the set of pattern rests that have arrived there;
//! each different set becomes one state.

use std::collections::{BTreeSet, HashMap};

use super::pattern::{Hop, Pattern, Patterns, Payload, Select};
use super::{Act, Choice, ChoiceMember, CompiledRule, Conflict, Meeting, Node, PlanError, RuleRef, Slot};
use super::{NameTable, State, pattern};
use crate::json::is_same_value;
use crate::policy::checked::Keep;
use crate::policy::location::{Comparison, Literal};

/// Combinations of member values that one choice may tell apart. A table of that size is small;
/// a policy that needs more has filters on many different members of one element, which nobody
/// could read.
const MAX_COMBINATIONS: usize = 1024;

/// The flat table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) root: Slot,
    pub(super) states: Vec<State>,
    pub(super) choices: Vec<Choice>,
}

/// Compiles patterns, or gives all that is wrong with them.
pub(super) fn compile(patterns: &Patterns) -> Result<Table, Vec<PlanError>> {
    let mut compiler = Compiler::new(patterns);
    let mut arrivals = Arrivals::new();
    for pattern in &patterns.patterns {
        let rest = compiler.intern(pattern);
        arrivals.insert((compiler.conditions(&pattern.root), rest));
    }
    let root = compiler.slot(&arrivals);
    if compiler.errors.is_empty() {
        Ok(Table { root, states: compiler.states, choices: compiler.choices })
    } else {
        Err(compiler.errors.into_iter().collect::<BTreeSet<_>>().into_iter().map(Mistake::into).collect())
    }
}

/// What is left of a pattern, interned, so that equal rests are one.
type RestId = u32;
/// A conjunction of comparisons, interned; 0 always holds.
type ConditionsId = u32;
/// The rests that arrive at a value, each under its conditions.
type Arrivals = BTreeSet<(ConditionsId, RestId)>;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Rest {
    Here(Payload),
    Below(Hop, RestId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mistake {
    Conflict(Conflict),
    TooMany(RuleRef),
}

impl From<Mistake> for PlanError {
    fn from(mistake: Mistake) -> Self {
        match mistake {
            Mistake::Conflict(conflict) => Self::Conflict(conflict),
            Mistake::TooMany(rule) => Self::TooManyCombinations { rule, limit: MAX_COMBINATIONS },
        }
    }
}

struct Compiler<'a> {
    patterns: &'a [Pattern],
    rules: &'a [CompiledRule],
    rests: Vec<(Rest, Payload)>,
    rest_ids: HashMap<Rest, RestId>,
    conditions: Vec<Vec<Comparison>>,
    states: Vec<State>,
    state_ids: HashMap<BTreeSet<RestId>, u32>,
    choices: Vec<Choice>,
    choice_ids: HashMap<Arrivals, u32>,
    /// Nodes made so far: the next one's number.
    nodes: usize,
    errors: Vec<Mistake>,
}

impl<'a> Compiler<'a> {
    fn new(patterns: &'a Patterns) -> Self {
        Self {
            patterns: &patterns.patterns,
            rules: &patterns.rules,
            rests: Vec::new(),
            rest_ids: HashMap::new(),
            conditions: vec![Vec::new()],
            states: Vec::new(),
            state_ids: HashMap::new(),
            choices: Vec::new(),
            choice_ids: HashMap::new(),
            nodes: 0,
            errors: Vec::new(),
        }
    }

    fn intern(&mut self, pattern: &Pattern) -> RestId {
        let mut rest = self.rest(Rest::Here(pattern.payload), pattern.payload);
        for hop in pattern.hops.iter().rev() {
            rest = self.rest(Rest::Below(hop.clone(), rest), pattern.payload);
        }
        rest
    }

    fn rest(&mut self, rest: Rest, payload: Payload) -> RestId {
        if let Some(id) = self.rest_ids.get(&rest) {
            return *id;
        }
        let id = pattern::number(self.rests.len());
        self.rests.push((rest.clone(), payload));
        self.rest_ids.insert(rest, id);
        id
    }

    fn conditions(&mut self, comparisons: &[Comparison]) -> ConditionsId {
        let known = self.conditions.iter().position(|other| other == comparisons);
        pattern::number(known.unwrap_or_else(|| {
            self.conditions.push(comparisons.to_vec());
            self.conditions.len().saturating_sub(1)
        }))
    }

    fn slot(&mut self, arrivals: &Arrivals) -> Slot {
        if arrivals.is_empty() {
            return Slot::Withheld;
        }
        if arrivals.iter().all(|(conditions, _)| *conditions == 0) {
            return self.state(arrivals.iter().map(|(_, rest)| *rest).collect());
        }
        if let Some(id) = self.choice_ids.get(arrivals) {
            return Slot::Choice(*id);
        }
        let choice = self.choice(arrivals);
        let id = pattern::number(self.choices.len());
        self.choices.push(choice);
        self.choice_ids.insert(arrivals.clone(), id);
        Slot::Choice(id)
    }

    /// Tells every combination of the compared members' values apart.
    fn choice(&mut self, arrivals: &Arrivals) -> Choice {
        let (members, size) = self.compared_members(arrivals);
        let mut table = Vec::new();
        if size > MAX_COMBINATIONS {
            let rule = arrivals.iter().find_map(|(_, rest)| self.rule_of(*rest)).unwrap_or(FIRST_RULE);
            self.errors.push(Mistake::TooMany(rule));
            return Choice { members, table: vec![Slot::Withheld] };
        }
        for index in 0..size {
            let rests: BTreeSet<RestId> = arrivals
                .iter()
                .filter(|(conditions, _)| self.holds(*conditions, &members, index))
                .map(|(_, rest)| *rest)
                .collect();
            table.push(if rests.is_empty() { Slot::Withheld } else { self.state(rests) });
        }
        Choice { members, table }
    }

    /// The members that the arrivals' conditions compare, and how many combinations they have.
    fn compared_members(&self, arrivals: &Arrivals) -> (Vec<ChoiceMember>, usize) {
        let mut members: Vec<ChoiceMember> = Vec::new();
        for comparison in arrivals.iter().flat_map(|(conditions, _)| self.comparisons(*conditions)) {
            let known = members.iter().position(|member| member.name == comparison.member);
            let at = known.unwrap_or_else(|| {
                members.push(ChoiceMember {
                    name: comparison.member.clone(),
                    literals: Vec::new(),
                    stride: 0,
                });
                members.len().saturating_sub(1)
            });
            if let Some(member) = members.get_mut(at)
                && !member.literals.contains(&comparison.literal)
            {
                member.literals.push(comparison.literal.clone());
            }
        }
        let mut size: usize = 1;
        for member in &mut members {
            member.stride = size;
            size = size.saturating_mul(member.literals.len().saturating_add(1));
        }
        (members, size)
    }

    fn comparisons(&self, conditions: ConditionsId) -> &[Comparison] {
        usize::try_from(conditions).ok().and_then(|at| self.conditions.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Whether conditions hold under one combination of values.
    fn holds(&self, conditions: ConditionsId, members: &[ChoiceMember], index: usize) -> bool {
        self.comparisons(conditions).iter().all(|comparison| {
            members.iter().filter(|member| member.name == comparison.member).all(|member| {
                let radix = member.literals.len().saturating_add(1);
                let value = index.checked_div(member.stride).and_then(|rest| rest.checked_rem(radix));
                let literal =
                    value.and_then(|value| value.checked_sub(1)).and_then(|at| member.literals.get(at));
                (literal == Some(&comparison.literal)) == comparison.equal
            })
        })
    }

    fn state(&mut self, rests: BTreeSet<RestId>) -> Slot {
        if let Some(id) = self.state_ids.get(&rests) {
            return Slot::State(*id);
        }
        let id = pattern::number(self.states.len());
        self.states.push(State::default());
        let state = self.build_state(&rests);
        if let Some(place) = usize::try_from(id).ok().and_then(|at| self.states.get_mut(at)) {
            *place = state;
        }
        self.state_ids.insert(rests, id);
        Slot::State(id)
    }

    fn build_state(&mut self, rests: &BTreeSet<RestId>) -> State {
        let mut state = State::default();
        let mut hops: Vec<(Hop, RestId)> = Vec::new();
        let mut decoded = Arrivals::new();
        let mut deciding = Vec::new();
        for id in rests {
            let Some((rest, payload)) = self.look(*id) else { continue };
            match rest {
                Rest::Here(Payload::Rule(rule)) => deciding.push(rule),
                Rest::Here(Payload::Subject(system)) => state.subject = Some(system),
                Rest::Here(Payload::Alias(id_type)) => state.alias = Some(id_type),
                Rest::Here(Payload::AliasScope) => state.alias_scope = true,
                Rest::Here(Payload::WantsSubject) => state.wants_subject = true,
                Rest::Here(Payload::Name) => state.name_source = true,
                Rest::Here(Payload::Record) => state.record = true,
                Rest::Here(Payload::Marker) => state.marker = true,
                Rest::Below(Hop { select: Select::Decoded, conditions }, below) => {
                    decoded.insert((self.conditions(&conditions), below));
                }
                Rest::Below(hop, below) => {
                    state.above_record |= payload == Payload::Record;
                    hops.push((hop, below));
                }
            }
        }
        self.find_conflicts(&deciding, &hops);
        state.rule = deciding.first().copied();
        state.node = (!hops.is_empty()).then(|| self.node(&hops));
        state.decoded = self.slot(&decoded);
        state.only_kept = state.rule.filter(|rule| state.is_only_ruled() && self.only_keeps(*rule));
        state
    }

    fn look(&self, id: RestId) -> Option<(Rest, Payload)> {
        self.rests.get(usize::try_from(id).ok()?).cloned()
    }

    fn node(&mut self, hops: &[(Hop, RestId)]) -> Node {
        let mut names: Vec<&str> = Vec::new();
        let mut indices: Vec<u32> = Vec::new();
        for (hop, _) in hops {
            match &hop.select {
                Select::Name(name) if !names.contains(&name.as_str()) => names.push(name),
                Select::Index(index) if !indices.contains(index) => indices.push(*index),
                Select::Name(_) | Select::Index(_) | Select::Any | Select::Decoded => {}
            }
        }
        let mut slot_for = |wanted: &dyn Fn(&Select) -> bool| {
            let chosen: Vec<_> =
                hops.iter().filter(|(hop, _)| hop.select == Select::Any || wanted(&hop.select)).collect();
            let arrivals =
                chosen.iter().map(|(hop, rest)| (self.conditions(&hop.conditions), *rest)).collect();
            self.slot(&arrivals)
        };
        let named: Vec<_> = names
            .iter()
            .map(|name| {
                ((*name).to_owned(), slot_for(&|select| matches!(select, Select::Name(n) if n == name)))
            })
            .collect();
        let indexed = indices
            .iter()
            .map(|index| (*index, slot_for(&|select| matches!(select, Select::Index(i) if i == index))))
            .collect();
        let others = slot_for(&|_| false);
        let number = self.nodes;
        self.nodes = number.saturating_add(1);
        Node {
            number,
            names: NameTable::new(named.into_iter()),
            other_names: others,
            indices: indexed,
            other_indices: others,
        }
    }

    /// Two rules at one place, or one below another; all but an explicit `withhold` below `keep`
    /// that hangs on nothing in the document.
    fn find_conflicts(&mut self, deciding: &[u32], hops: &[(Hop, RestId)]) {
        let Some((first, others)) = deciding.split_first() else { return };
        for other in others {
            self.conflict(*first, *other, Meeting::Same);
        }
        for (_, rest) in hops {
            let Some((_, Payload::Rule(below))) = self.look(*rest) else { continue };
            // What stands in a decoded document meets what decodes it, and that has been said.
            if self.decoded_by(below) != self.decoded_by(*first) {
                continue;
            }
            if !(self.keeps(*first) && self.withholds(below)) {
                self.conflict(*first, below, Meeting::Below);
            } else if self.hangs(*first, below) {
                self.conflict(*first, below, Meeting::Hanging);
            }
        }
    }

    /// Whether `withhold` applies to fewer documents than the `keep` above it.
    fn hangs(&self, keep: u32, withhold: u32) -> bool {
        let of = |rule| self.patterns.iter().filter(move |one| one.payload == Payload::Rule(rule));
        of(withhold).any(|below| !of(keep).any(|above| above.implies(below)))
    }

    fn conflict(&mut self, one: u32, other: u32, how: Meeting) {
        if let (Some(one), Some(other)) = (self.reference(one), self.reference(other)) {
            let (first, second) = (one.min(other), one.max(other));
            self.errors.push(Mistake::Conflict(Conflict { first, second, how }));
        }
    }

    fn rule(&self, number: u32) -> Option<&CompiledRule> {
        self.rules.get(usize::try_from(number).ok()?)
    }

    fn decoded_by(&self, number: u32) -> Option<u32> {
        self.rule(number)?.decoded_by
    }

    fn reference(&self, number: u32) -> Option<RuleRef> {
        self.rule(number).map(|rule| rule.reference)
    }

    fn rule_of(&self, rest: RestId) -> Option<RuleRef> {
        match self.look(rest)?.1 {
            Payload::Rule(rule) => self.reference(rule),
            Payload::Subject(_)
            | Payload::Alias(_)
            | Payload::AliasScope
            | Payload::WantsSubject
            | Payload::Name
            | Payload::Record
            | Payload::Marker => None,
        }
    }

    fn keeps(&self, rule: u32) -> bool {
        self.rule(rule).is_some_and(|rule| matches!(rule.act, Act::Keep(_)))
    }

    /// Whether a rule keeps values without an exception.
    fn only_keeps(&self, rule: u32) -> bool {
        self.rule(rule).is_some_and(|rule| matches!(&rule.act, Act::Keep(keep) if *keep == Keep::default()))
    }

    fn withholds(&self, rule: u32) -> bool {
        self.rule(rule).is_some_and(|rule| matches!(rule.act, Act::Withhold))
    }
}

const FIRST_RULE: RuleRef = RuleRef { shape: None, rule: 0 };

impl Literal {
    /// Whether a scalar of the document, given as JSON text, is this literal. `text` is the
    /// string's content, unescaped, if it is a string.
    pub(crate) fn is(&self, scalar: Scalar<'_>) -> bool {
        match (self, scalar) {
            (Self::String(literal), Scalar::String(text)) => literal == text,
            (Self::Integer(literal), Scalar::Number(text)) => is_integer(text, *literal),
            (Self::Bool(true), Scalar::Word(text)) => text == "true",
            (Self::Bool(false), Scalar::Word(text)) => text == "false",
            (Self::Null, Scalar::Word(text)) => text == "null",
            _ => false,
        }
    }
}

/// A scalar that is compared with a literal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scalar<'a> {
    /// A string's text.
    String(&'a str),
    /// A number as written.
    Number(&'a str),
    /// `true`, `false` or `null`.
    Word(&'a str),
}

/// RFC 9535 compares numbers by value: `1.0` is `1`.
fn is_integer(text: &str, literal: i64) -> bool {
    text.parse::<i64>()
        .map_or_else(|_not_plain| is_same_value(text, &literal.to_string()), |value| value == literal)
}
