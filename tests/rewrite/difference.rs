//! A policy that is not called wider than another lets nothing out that the other does not.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tavs::policy::checked::{Action, CprInText, Generalise, Keep, Linkability, Policy, Rule, Subject};
use tavs::policy::difference::{compare, widens};
use tavs::policy::location::Location;
use tavs::policy::plan::{Plan, RuleRef};
use tavs::pseudonym::KeyRing;
use tavs::rewrite::{Decision, Outcome, Watch, rewrite};

use crate::generate::{self, Case, action, location, without_conflicts};

const SALT: [u8; 16] = *b"salt of one body";

/// One edit of a policy. Most make it less, so that most pairs say something.
#[derive(Debug, Clone)]
enum Edit {
    Remove(Index),
    Act(Index, Action),
    Move(Index, Location),
    Below(Index, Location),
    Add(Location, Action),
    Unlist,
    Record(Option<Location>),
    Subject(Subject),
    Text(CprInText),
    Link(Linkability),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => any::<Index>().prop_map(Edit::Remove),
        6 => (any::<Index>(), action()).prop_map(|(at, action)| Edit::Act(at, action)),
        2 => (any::<Index>(), location(1..4)).prop_map(|(at, location)| Edit::Move(at, location)),
        4 => (any::<Index>(), location(1..2)).prop_map(|(at, location)| Edit::Below(at, location)),
        3 => (location(1..4), Just(Action::Withhold)).prop_map(|(location, action)| Edit::Add(location, action)),
        1 => (location(1..4), action()).prop_map(|(location, action)| Edit::Add(location, action)),
        1 => Just(Edit::Unlist),
        1 => proptest::option::of(location(1..3)).prop_map(Edit::Record),
        2 => generate::subject().prop_map(Edit::Subject),
        1 => select(&[CprInText::Mask, CprInText::Pseudonymise, CprInText::Refuse][..]).prop_map(Edit::Text),
        1 => select(&[Linkability::Domain, Linkability::Document, Linkability::None][..]).prop_map(Edit::Link),
    ]
}

impl Edit {
    fn make(self, policy: &mut Policy) {
        let Policy { shapes, routes, .. } = policy;
        let response = &mut routes[0].response;
        let own = response.rules.len();
        let all = own + shapes.iter().map(|shape| shape.rules.len()).sum::<usize>();
        let mut rules: Vec<&mut Rule> = response.rules.iter_mut().collect();
        rules.extend(shapes.iter_mut().flat_map(|shape| &mut shape.rules));
        match self {
            Self::Remove(_) | Self::Act(..) | Self::Move(..) | Self::Below(..) if all == 0 => {}
            Self::Remove(at) => rules[at.index(all)].action = Action::Withhold,
            Self::Act(at, action) => rules[at.index(all)].action = action,
            Self::Move(at, location) => rules[at.index(all)].location = location,
            Self::Below(at, location) => {
                let rule = &mut rules[at.index(all)];
                rule.location = rule.location.join(&location);
            }
            Self::Add(location, action) => {
                response.rules.push(Rule { location, action, span: 0..0, file: "test.toml".into(), line: 1 });
            }
            Self::Unlist => drop(response.shapes.pop()),
            Self::Record(record) => response.record = record,
            Self::Subject(subject) => response.subject = subject,
            Self::Text(cpr) => policy.cpr_in_text = cpr,
            Self::Link(linkability) => policy.pseudonyms.linkability = linkability,
        }
    }
}

/// The rule by which a value left, and the value.
type Value = (Option<RuleRef>, Vec<u8>);

/// What left, by pointer; `None` where a rule could not take the value.
#[derive(Default)]
struct Left(BTreeMap<String, Option<Value>>);

impl Watch for Left {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        let pointer = decision.pointer.to_owned();
        match decision.outcome {
            Outcome::Kept | Outcome::Changed => {
                self.0.insert(pointer, Some((decision.rule, decision.after.to_vec())));
            }
            Outcome::Unfit => drop(self.0.insert(pointer, None)),
            Outcome::Withheld => {}
            // What was told of its values is taken back.
            Outcome::RecordWithheld => {
                let below = format!("{pointer}/");
                self.0.retain(|other, _| *other != pointer && !other.starts_with(&below));
            }
        }
    }
}

fn left(policy: &Policy, body: &[u8]) -> Option<Left> {
    let plan = Plan::compile(policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
    let mut left = Left::default();
    rewrite(&plan, body, &SALT, &mut left).ok()?;
    Some(left)
}

fn action_of(policy: &Policy, rule: Option<RuleRef>) -> Option<&Action> {
    let rule = rule?;
    let rules = rule.shape.map_or(&policy.routes[0].response.rules, |shape| &policy.shapes[shape].rules);
    rules.get(rule.rule).map(|rule| &rule.action)
}

/// What leaves by `new` and not by `old`, if anything.
fn escapes(old: &Policy, new: &Policy, body: &[u8]) -> Option<String> {
    let (before, after) = (left(old, body)?, left(new, body)?);
    let comparable = old.cpr_in_text == new.cpr_in_text
        && old.pseudonyms.linkability == new.pseudonyms.linkability
        && new.pseudonyms.linkability != Linkability::None;
    let leaves = after.0.into_iter().filter_map(|(pointer, left)| Some((pointer, left?)));
    for (pointer, (rule, value)) in leaves {
        let action = action_of(new, rule);
        let good = match (before.0.get(&pointer), action) {
            (None, _) => false,
            // What an exception let out in clear may be written over without it.
            (Some(Some((by, earlier))), Some(Action::Keep(_))) => {
                !comparable || *earlier == value || is_exception(action_of(old, *by))
            }
            (Some(Some(_)), _) => true,
            // A constant or a pseudonym may stand for what cannot be searched, a year for a date that
            // has no month: docs/policy.md says so.
            (
                Some(None),
                Some(
                    Action::Mask(_)
                    | Action::Replace(_)
                    | Action::Pseudonymise(_)
                    | Action::Generalise(Generalise::Year { .. } | Generalise::Decade { .. }),
                ),
            ) => true,
            (Some(None), _) => false,
        };
        if !good {
            return Some(format!("{pointer} leaves by {action:?}: {}", String::from_utf8_lossy(&value)));
        }
    }
    None
}

fn is_exception(action: Option<&Action>) -> bool {
    matches!(action, Some(Action::Keep(keep)) if *keep != Keep::default())
}

#[derive(Debug, Clone)]
struct Pair {
    case: Case,
    new: Policy,
}

fn pair() -> impl Strategy<Value = Pair> {
    (generate::case(), vec(edit(), 1..3)).prop_map(|(case, edits)| {
        let mut new = case.policy.clone();
        for edit in edits {
            edit.make(&mut new);
        }
        without_conflicts(&mut new);
        Pair { case, new }
    })
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 500 };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_not_called_wider_lets_nothing_more_out(pair in pair()) {
        let Pair { case, new } = pair;
        let changes = compare(std::slice::from_ref(&case.policy), std::slice::from_ref(&new));
        if !widens(&changes) {
            let escaped = escapes(&case.policy, &new, &case.body);
            prop_assert!(
                escaped.is_none(),
                "{}\nbefore:\n{}\nafter:\n{}\n{changes:#?}",
                escaped.unwrap(), generate::show(&case.policy), generate::show(&new)
            );
        }
    }
}
