//! Members, place by place: both plans of a route are walked at once, so that `$.a[*]` and `$.a[0]`
//! are compared by the values that they mean, not by how they are written.

mod way;

use std::collections::{BTreeSet, HashSet};

use self::way::Way;
use super::{Direction, Pair, Topic, forms};
use crate::policy::checked::{Action, Keep, Policy, Route, Rule, Subject};
use crate::policy::location::{Literal, Step};
use crate::policy::plan::{Node, Plan, RuleRef, Slot, State};
use crate::policy::words;
use crate::pseudonym::KeyRing;

/// Combinations of compared members' values that are told apart at one place. What has more is not
/// proven to be narrower.
const MAX_COMBINATIONS: usize = 1 << 16;

/// What a policy's plan says of one route, without regard to its keys.
fn plan(policy: &Policy, route: &Route) -> Option<Plan> {
    Plan::compile(policy, route, &KeyRing::throw_away([0; 32])).ok()
}

/// What leaves.
pub(super) fn responses(pair: &mut Pair<'_>) {
    let Some((old, new)) = pair.route else { return };
    subjects(pair, &old.response.subject, &new.response.subject);
    let (Some(before), Some(after)) = (plan(pair.old, old), plan(pair.new, new)) else {
        return incomparable(pair);
    };
    let sides = [
        Side { policy: pair.old, rules: &old.response.rules, plan: &before },
        Side { policy: pair.new, rules: &new.response.rules, plan: &after },
    ];
    walk(pair, sides, Topic::Members);
}

/// What may be sent.
pub(super) fn requests(pair: &mut Pair<'_>, old: &[Rule], new: &[Rule]) {
    let ring = KeyRing::throw_away([0; 32]);
    let plan = |policy, rules| Plan::compile_request(policy, rules, &ring).ok();
    let (Some(before), Some(after)) = (plan(pair.old, old), plan(pair.new, new)) else {
        return incomparable(pair);
    };
    let sides = [
        Side { policy: pair.old, rules: old, plan: &before },
        Side { policy: pair.new, rules: new, plan: &after },
    ];
    walk(pair, sides, Topic::Content);
}

fn incomparable(pair: &mut Pair<'_>) {
    pair.changed(Topic::Members, Direction::Unclear, "its members cannot be compared".to_owned());
}

/// What the route itself says of subjects; where they stand is compared place by place.
fn subjects(pair: &mut Pair<'_>, old: &Subject, new: &Subject) {
    let word = |subject: &Subject| match subject {
        Subject::At(_) => "said by the record",
        Subject::Nobody { reason: _ } => "nobody",
        Subject::Elsewhere => "said by shapes",
    };
    let direction = match (old, new) {
        (Subject::At(_), Subject::Nobody { .. } | Subject::Elsewhere) => Direction::Wider,
        (Subject::Nobody { .. }, Subject::At(_)) => Direction::Narrower,
        (Subject::Elsewhere, Subject::At(_)) => Direction::Unclear,
        // Shapes say it or nobody does, place by place.
        (Subject::Elsewhere, Subject::Nobody { .. }) | (Subject::Nobody { .. }, Subject::Elsewhere) => {
            Direction::Neutral
        }
        (Subject::At(_), Subject::At(_))
        | (Subject::Nobody { .. }, Subject::Nobody { .. })
        | (Subject::Elsewhere, Subject::Elsewhere) => return,
    };
    pair.words(Topic::Subject, "whose data a record is:", word(old), word(new), || direction);
}

/// One of the two policies' sides of a walk.
#[derive(Clone, Copy)]
struct Side<'a> {
    policy: &'a Policy,
    rules: &'a [Rule],
    plan: &'a Plan,
}

/// What applies to a value on one side: its own state, and the rule of a `keep` around it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Applies {
    slot: Slot,
    under: Option<u32>,
}

struct Walk<'a, 'p, 'c> {
    pair: &'a mut Pair<'c>,
    sides: [Side<'p>; 2],
    topic: Topic,
    /// Pairs that were looked at: states are shared by all places where the same may follow.
    /// Of a document that one side only decodes, less is asked than of any other place.
    seen: HashSet<([Applies; 2], bool, bool)>,
    /// Pairs of rules that were told of, and whether of them in a decoded document.
    told: BTreeSet<(Direction, [Option<RuleRef>; 2], bool)>,
}

fn walk(pair: &mut Pair<'_>, sides: [Side<'_>; 2], topic: Topic) {
    let start = sides.map(|side| Applies { slot: side.plan.root, under: None });
    let mut walk = Walk { pair, sides, topic, seen: HashSet::new(), told: BTreeSet::new() };
    walk.at(start, &Way::default());
}

impl<'p> Walk<'_, 'p, '_> {
    /// A value: every combination of what filters and shapes could find in it.
    fn at(&mut self, both: [Applies; 2], way: &Way) {
        if !self.seen.insert((both, way.is_one_sided, way.code.is_some())) {
            return;
        }
        let [old, new] = both;
        if old.slot == Slot::Withheld
            && new.slot == Slot::Withheld
            && old.under.is_none()
            && new.under.is_none()
        {
            return;
        }
        let compared = self.compared(both);
        let size = compared.iter().map(|(_, literals)| literals.len().saturating_add(1));
        let size = size.fold(1_usize, usize::saturating_mul);
        if size > MAX_COMBINATIONS {
            let words = format!("too many filters at {} to be compared", way.said());
            return self.pair.changed(self.topic, Direction::Unclear, words);
        }
        for number in 0..size {
            let values = values(&compared, number);
            let chosen = [0, 1].map(|side| self.chosen(side, both, &values));
            let mut way = way.clone();
            way.given.extend(
                values.iter().filter_map(|(name, literal)| Some(format!("{name} is {}", (*literal)?))),
            );
            self.value(chosen, &way);
        }
    }

    /// The members that either side compares, each with all its literals.
    fn compared(&self, both: [Applies; 2]) -> Vec<(&'p str, Vec<&'p Literal>)> {
        let mut all: Vec<(&str, Vec<&Literal>)> = Vec::new();
        for (side, applies) in self.sides.iter().zip(both) {
            let Slot::Choice(number) = applies.slot else { continue };
            let choice = usize::try_from(number).ok().and_then(|at| side.plan.choices.get(at));
            for member in choice.iter().flat_map(|choice| &choice.members) {
                let at = all.iter().position(|(name, _)| *name == member.name).unwrap_or_else(|| {
                    all.push((&member.name, Vec::new()));
                    all.len().saturating_sub(1)
                });
                let Some((_, literals)) = all.get_mut(at) else { continue };
                for literal in &member.literals {
                    if !literals.contains(&literal) {
                        literals.push(literal);
                    }
                }
            }
        }
        all
    }

    /// Which state a side's slot comes to where compared members have these values.
    fn chosen(&self, side: usize, both: [Applies; 2], values: &[(&str, Option<&Literal>)]) -> Chosen<'p> {
        let (Some(Side { plan, .. }), Some(applies)) = (self.sides.get(side).copied(), both.get(side)) else {
            return Chosen { state: None, under: None };
        };
        let state = match applies.slot {
            Slot::Withheld => None,
            Slot::State(number) => plan.state(number),
            Slot::Choice(number) => {
                let choice = usize::try_from(number).ok().and_then(|at| plan.choices.get(at));
                choice.and_then(|choice| {
                    let index = choice.members.iter().map(|member| {
                        let literal = values.iter().find(|(name, _)| *name == member.name)?.1?;
                        let at = member.literals.iter().position(|one| one == literal)?;
                        Some(member.stride.saturating_mul(at.saturating_add(1)))
                    });
                    let index = index.map(Option::unwrap_or_default).fold(0, usize::saturating_add);
                    match choice.table.get(index) {
                        Some(Slot::State(number)) => plan.state(*number),
                        Some(Slot::Withheld | Slot::Choice(_)) | None => None,
                    }
                })
            }
        };
        Chosen { state, under: applies.under }
    }

    fn value(&mut self, both: [Chosen<'p>; 2], way: &Way) {
        self.compare_forms(both, way);
        self.compare_marks(both, way);
        for (step, both) in self.children(both) {
            let mut below = way.clone();
            below.steps.push(step);
            self.at(both, &below);
        }
        self.decoded(both, way);
    }

    /// The document that a value is the code of, on either side.
    fn decoded(&mut self, both: [Chosen<'p>; 2], way: &Way) {
        let slots = both.map(|chosen| chosen.state.map(|state| state.decoded).unwrap_or_default());
        let inside = slots.map(|slot| Applies { slot, under: None });
        let [old, new] = [0, 1].map(|side| (side, self.form(side, both)));
        let (side, form) = if slots.last() == Some(&Slot::Withheld) { old } else { new };
        let code = self.label(side, &form, way).replace('`', "");
        let is_one_sided = slots.contains(&Slot::Withheld);
        let [before, after] = slots.map(|slot| slot != Slot::Withheld);
        if before && !after && self.sides.iter().any(|side| side.plan.protects_addresses) {
            let words = format!("a mark of address protection in the document of {code} counts no more");
            self.pair.changed(self.topic, Direction::Unclear, words);
        }
        self.at(inside, &Way { code: Some(code), is_one_sided, ..Way::default() });
    }

    /// What may be below a value: each name and index that either side lists, and all others.
    fn children(&self, both: [Chosen<'p>; 2]) -> Vec<(Step, [Applies; 2])> {
        let mut names = BTreeSet::new();
        let mut indices = BTreeSet::new();
        for node in both.iter().filter_map(|chosen| chosen.state?.node.as_ref()) {
            names.extend(node.names.names());
            indices.extend(node.indices.iter().map(|(index, _)| *index));
        }
        let below = |at: &dyn Fn(&Node) -> Slot, fits: fn(&Node) -> bool| {
            [0, 1].map(|side| {
                let node = both.get(side).and_then(|chosen| chosen.state?.node.as_ref());
                // A container of another kind than the rules below a `keep` expect is withheld whole.
                let under = self.cover(side, both).filter(|_| node.is_none_or(fits));
                Applies { slot: node.map_or(Slot::Withheld, at), under }
            })
        };
        let mut all = Vec::new();
        for name in names {
            let slot = |node: &Node| node.names.slot(name).unwrap_or(node.other_names);
            all.push((Step::Name(name.to_owned()), below(&slot, Node::expects_object)));
        }
        for index in indices {
            let own = |node: &Node| node.indices.iter().find(|(at, _)| *at == index).map(|(_, slot)| *slot);
            let slot = |node: &Node| own(node).unwrap_or(node.other_indices);
            all.push((Step::Index(index), below(&slot, Node::expects_array)));
        }
        all.push((Step::Wildcard, below(&|node| node.other_names, Node::expects_object)));
        all.push((Step::Wildcard, below(&|node| node.other_indices, Node::expects_array)));
        all
    }

    /// The rule of a `keep` that lets out what is below a value, too.
    fn cover(&self, side: usize, both: [Chosen<'p>; 2]) -> Option<u32> {
        let form = self.form(side, both);
        form.number.filter(|_| matches!(form.action(), Action::Keep(_)))
    }

    fn compare_forms(&mut self, both: [Chosen<'p>; 2], way: &Way) {
        let [old, new] = [0, 1].map(|side| self.form(side, both));
        let (before, after) = (old.action(), new.action());
        if before == after && self.system(0, &old) == self.system(1, &new) {
            return;
        }
        let direction = if before == after { Direction::Unclear } else { forms::direction(before, after) };
        // What a `keep` says of its own place, it says of all that is below.
        let said_above = match (before, after) {
            (Action::Withhold, _) if old.rule.is_none() => {
                self.told.iter().any(|(told, [_, rule], _)| *told == direction && *rule == new.rule)
            }
            (_, Action::Withhold) if new.rule.is_none() => {
                self.told.iter().any(|(told, [rule, _], _)| *told == direction && *rule == old.rule)
            }
            _ => false,
        };
        if !self.told.insert((direction, [old.rule, new.rule], way.code.is_some())) || said_above {
            return;
        }
        let partly = both.iter().any(|chosen| chosen.state.is_some_and(|state| state.node.is_some()));
        let new_side = matches!(before, Action::Withhold);
        let place = if new_side { self.label(1, &new, way) } else { self.label(0, &old, way) };
        let sent = self.topic == Topic::Content;
        let words = match (before, after) {
            (Action::Withhold, after) if sent => format!("{place} may be sent: {}", forms::said(after)),
            (_, Action::Withhold) if sent => format!("{place} is refused"),
            (Action::Withhold, after) => format!("{place} leaves: {}", forms::said(after)),
            (before, Action::Withhold) if partly => {
                format!("{place} leaves only as rules below it say, was {}", forms::said(before))
            }
            (before, Action::Withhold) => format!("{place} is withheld, was {}", forms::said(before)),
            (before, after) if before == after => format!("{place} has pseudonyms of another system"),
            (before, after) => format!("{place}: {} becomes {}", forms::said(before), forms::said(after)),
        };
        self.pair.changed_at(self.topic, direction, words, self.rule(0, &old), self.rule(1, &new));
    }

    /// What says whose a record is, what a record is, and which names are taken out of its text.
    fn compare_marks(&mut self, both: [Chosen<'p>; 2], way: &Way) {
        let [old, new] = [0, 1].map(|side| self.marks(side, both));
        if old == new || way.is_one_sided {
            return;
        }
        let has_subjects = self.sides.iter().any(|side| side.plan.has_subjects);
        let had_subjects = self.sides.first().is_some_and(|side| side.plan.has_subjects);
        let at = way.said();
        let mut tell = |topic, direction, words: String| {
            self.pair.changed(topic, direction, words);
        };
        let Marks { subject, wants_subject, alias, alias_scope, record, name_source } = new;
        match (old.subject, subject) {
            (None, Some(_)) if !had_subjects => {
                let words = format!("records are the data of whom {at} names");
                tell(Topic::Subject, Direction::Narrower, words);
            }
            // A record of which this is the only one that is there leaves now.
            (None, Some(_)) => {
                tell(Topic::Subject, Direction::Unclear, format!("{at} says whose data a record is, too"));
            }
            (Some(_), None) => {
                let words = format!("{at} no longer says whose data a record is");
                tell(Topic::Subject, Direction::Wider, words);
            }
            (Some(before), Some(after)) if before != after => {
                let words = format!("{at} names persons of another identifier system");
                tell(Topic::Subject, Direction::Unclear, words);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        match (old.wants_subject, wants_subject) {
            (false, true) => {
                tell(Topic::Subject, Direction::Narrower, format!("{at} is withheld without a subject"));
            }
            (true, false) => {
                tell(Topic::Subject, Direction::Wider, format!("{at} leaves without a subject, too"));
            }
            (true, true) | (false, false) => {}
        }
        if old.alias != alias || old.alias_scope != alias_scope {
            let words = format!("{at}: which ids name the same person is said otherwise");
            tell(Topic::Subject, Direction::Unclear, words);
        }
        if old.record != record {
            let (word, direction) = match (record, has_subjects) {
                (true, true) => ("is a record of its own", Direction::Unclear),
                (false, true) => ("is no record of its own any more", Direction::Unclear),
                // Containers around records stay though nothing is left in them.
                (true, false) => ("is a record, of nobody", Direction::Wider),
                // Those containers go, but who has name and address protection is asked of each record: less of
                // what stands beside a marker may be withheld.
                (false, false) => ("is no record any more, and was nobody's", Direction::Unclear),
            };
            tell(Topic::Record, direction, format!("{at} {word}"));
        }
        match (old.name_source, name_source) {
            (false, true) => {
                let words = format!("the names at {at} are taken out of text");
                tell(Topic::Members, Direction::Narrower, words);
            }
            (true, false) => {
                let words = format!("the names at {at} are no longer taken out of text");
                tell(Topic::Members, Direction::Wider, words);
            }
            (true, true) | (false, false) => {}
        }
    }

    fn marks(&self, side: usize, both: [Chosen<'p>; 2]) -> Marks<'p> {
        let (Some(Side { plan, .. }), Some(chosen)) = (self.sides.get(side).copied(), both.get(side)) else {
            return Marks::default();
        };
        let Some(state) = chosen.state else { return Marks::default() };
        // `rule` and `node` are compared as forms, and by what is below; `decoded` by what is in it.
        let State {
            rule: _,
            subject,
            alias,
            alias_scope,
            wants_subject,
            record,
            // Follows from `record` further down.
            above_record: _,
            name_source,
            // The locations are compared where the policy says them.
            marker: _,
            node: _,
            decoded: _,
            // Follows from the others, and the rule.
            only_kept: _,
        } = state;
        let text = |list: &'p [String], number: u32| {
            usize::try_from(number).ok().and_then(|at| list.get(at)).map_or("", String::as_str)
        };
        Marks {
            subject: subject.map(|number| text(&plan.systems, number)),
            alias: alias.map(|number| text(&plan.id_types, number)),
            alias_scope: *alias_scope,
            wants_subject: *wants_subject,
            record: *record,
            name_source: *name_source,
        }
    }

    /// The form in which a value leaves on one side.
    fn form(&self, side: usize, both: [Chosen<'p>; 2]) -> Form<'p> {
        let none = Form { rule: None, number: None, form: None };
        let (Some(side), Some(chosen)) = (self.sides.get(side), both.get(side)) else { return none };
        let own = chosen.state.and_then(|state| state.rule);
        let Some(number) = own.or(chosen.under) else { return none };
        let Some(reference) = usize::try_from(number).ok().and_then(|at| side.plan.rule(at)) else {
            return none;
        };
        // The exceptions of a `keep` are for its own location, not for what is below it.
        let form = if own.is_some() { side.action(reference) } else { Some(&KEPT) };
        Form { rule: Some(reference), number: Some(number), form }
    }

    /// The identifier system that a form's pseudonyms are made under.
    fn system(&self, side: usize, form: &Form<'p>) -> Option<&'p str> {
        let side = self.sides.get(side)?;
        side.plan.system_of(form.number?)
    }

    fn rule(&self, side: usize, form: &Form<'p>) -> Option<&'p Rule> {
        let side = self.sides.get(side)?;
        form.rule.and_then(|rule| side.rule(rule))
    }

    /// The place in words: by its rule, and by the way where that says more.
    fn label(&self, side: usize, form: &Form<'p>, way: &Way) -> String {
        let Some((side, reference)) = self.sides.get(side).zip(form.rule) else { return way.said() };
        let Some(rule) = side.rule(reference) else { return way.said() };
        match reference.shape.and_then(|shape| side.policy.shapes.get(shape)) {
            Some(shape) => way.of_code(&format!("{} {}", words::element(shape), rule.location)),
            None if rule.location.steps == way.steps => format!("`{}`", rule.location),
            None => way.said(),
        }
    }
}

impl<'p> Side<'p> {
    fn rule(&self, reference: RuleRef) -> Option<&'p Rule> {
        let rules = match reference.shape {
            Some(shape) => &self.policy.shapes.get(shape)?.rules,
            None => self.rules,
        };
        rules.get(reference.rule)
    }

    fn action(&self, reference: RuleRef) -> Option<&'p Action> {
        self.rule(reference).map(|rule| &rule.action)
    }
}

/// What is below a `keep`.
const KEPT: Action =
    Action::Keep(Keep { number_not_cpr: false, unscanned: false, clear_cpr: None, string_not_cpr: false });

/// A side's state of one value, chosen.
#[derive(Clone, Copy)]
struct Chosen<'p> {
    state: Option<&'p State>,
    under: Option<u32>,
}

/// A form, and the rule that gives it.
struct Form<'p> {
    rule: Option<RuleRef>,
    number: Option<u32>,
    form: Option<&'p Action>,
}

impl<'p> Form<'p> {
    fn action(&self) -> &'p Action {
        self.form.unwrap_or(&Action::Withhold)
    }
}

/// What a state says of its value but its form.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Marks<'p> {
    subject: Option<&'p str>,
    alias: Option<&'p str>,
    alias_scope: bool,
    wants_subject: bool,
    record: bool,
    name_source: bool,
}

/// The values that compared members have in one combination; none is any other, or none.
fn values<'a>(
    compared: &[(&'a str, Vec<&'a Literal>)],
    mut number: usize,
) -> Vec<(&'a str, Option<&'a Literal>)> {
    let mut all = Vec::with_capacity(compared.len());
    for (name, literals) in compared {
        let radix = literals.len().saturating_add(1);
        let value = number.checked_rem(radix).unwrap_or_default();
        number = number.checked_div(radix).unwrap_or_default();
        all.push((*name, value.checked_sub(1).and_then(|at| literals.get(at)).copied()));
    }
    all
}
