//! Both languages say the same things.

use super::{DA, EN, Text, Words, fill};

fn tables(text: &Text) -> Vec<Words> {
    let words = &text.words;
    vec![
        words.abouts,
        words.relations,
        words.purposes,
        words.bases,
        words.grounds,
        words.countries,
        words.kinds,
        words.rights,
        words.begun,
        words.ended,
        words.acts,
        words.categories,
        words.forms,
        words.cpr_grounds,
        words.members,
        text.subject.roles,
        text.supervision.states,
        text.notify.letter_bodies,
        text.policies.states,
        text.policies.safeguard,
        text.policies.risks,
        text.policies.weights,
        text.assessment.classes,
        text.assessment.verdicts,
        text.assessment.linkabilities,
    ]
}

#[test]
fn both_languages_know_the_same_words_each_once() {
    for (danish, english) in tables(&DA).into_iter().zip(tables(&EN)) {
        let ids = |words: Words| words.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert_eq!(ids(danish), ids(english));
        let mut once = ids(danish);
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), danish.len(), "{:?}", ids(danish));
    }
}

/// Over `Debug`, which shows every field in order: what is filled in stands in the same places.
#[test]
fn both_languages_fill_in_the_same() {
    let places = |text: &Text| -> Vec<Vec<String>> {
        let shown = format!("{text:#?}");
        let strings = shown.lines().filter(|line| line.contains('"'));
        strings
            .map(|line| {
                let mut names: Vec<String> = line
                    .split('{')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
                    .collect();
                names.sort();
                names
            })
            .collect()
    };
    let (danish, english) = (places(&DA), places(&EN));
    assert_eq!(danish.len(), english.len());
    for (line, (danish, english)) in danish.iter().zip(&english).enumerate() {
        assert_eq!(danish, english, "text {line}");
    }
}

#[test]
fn what_is_filled_in_is_not_filled_in_again() {
    assert_eq!(fill("a {x} b {y}{z}", &[("x", "{y}"), ("y", "2")]), "a {y} b 2");
    assert_eq!(fill("open { only", &[]), "open { only");
}

/// Every basis that a policy may name, so that none reaches a reader as a code.
#[test]
fn every_basis_of_the_policy_language_is_explained() {
    let documented = include_str!("../../../docs/policy.md");
    let mut known = DA.words.bases.iter().map(|(id, _)| *id);
    assert!(known.all(|id| documented.contains(id) || documented.contains("gdpr-9-2-")));
    let named = documented.split('`').filter(|word| {
        let law = ["gdpr-", "dbl-7", "dbl-10", "sul-"].iter().any(|law| word.starts_with(law));
        law && !word.contains(' ') && !word.ends_with('-')
    });
    for id in named {
        assert!(super::known(DA.words.bases, id).is_some(), "{id}");
    }
}
