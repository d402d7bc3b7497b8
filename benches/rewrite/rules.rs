//! Ten rules, and a thousand that let out the same.

use tavs::policy::checked::Policy;

use crate::policy::{BUNDLE, Word, of, shape};

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
/// Where each type has more of them, a third of what is missing to a thousand: of names that no document has, below what the
/// ten reach, too. A rule below anything else would cost what walking over that takes, however many there are.
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
        of(shapes.collect())
    })
}
