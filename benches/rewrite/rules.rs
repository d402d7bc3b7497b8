//! Ten rules, and a thousand that let out the same.

use tavs::policy::checked::Policy;

use crate::policy::{BUNDLE, Word, shape, with_shapes};

/// Ten rules of three resource types.
const TEN: &[(&str, &[(&str, Word)])] = &[
    (BUNDLE, &[("$.resourceType", Word::Keep), ("$.link[*].relation", Word::Keep)]),
    (
        "Patient",
        &[
            ("$.resourceType", Word::Keep),
            ("$.identifier[*].value", Word::Pseudonymise),
            ("$.name[*].use", Word::Keep),
            ("$.birthDate", Word::Year),
        ],
    ),
    (
        "Observation",
        &[
            ("$.resourceType", Word::Keep),
            ("$.subject.identifier.value", Word::Pseudonymise),
            ("$.code", Word::Keep),
            ("$.valueQuantity", Word::Keep),
        ],
    ),
];
/// Where each type has 330 rules more, for names that no document has. Only places that the ten reach already: a rule
/// elsewhere would add what walking there takes.
const AROUND: [&[&str]; 3] = [
    &["$", "$.link[*]"],
    &["$", "$.identifier[*]", "$.name[*]"],
    &["$", "$.subject", "$.subject.identifier"],
];
const MORE_OF_EACH: usize = 330;

pub(crate) fn ten_and_a_thousand() -> [Policy; 2] {
    [0, MORE_OF_EACH].map(|more| {
        let shapes = TEN.iter().zip(AROUND).map(|((kind, rules), around)| {
            let ten = rules.iter().map(|(location, word)| ((*location).to_owned(), *word));
            let others = around.iter().cycle().take(more).enumerate();
            let others = others.map(|(number, around)| (format!("{around}.other{number}"), Word::Keep));
            shape(kind, ten.chain(others).collect())
        });
        with_shapes(shapes.collect())
    })
}
