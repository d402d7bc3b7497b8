//! Policies as they are understood: what each form of an action, a pattern and a limit becomes, held as it is.
//! `TAVS_WRITE_DOCS=1` writes it anew; what changed is then seen in the diff.

#![expect(clippy::panic, clippy::use_debug, reason = "a test shows what it finds")]

use std::fmt::Write as _;

use tavs::ids::PolicyVersion;
use tavs::policy::check::check;
use tavs::policy::checked::{Policy, Rule};
use tavs::policy::running::PolicySet;
use tavs::pseudonym::KeyRing;

use crate::bad::SEALED;
use crate::support::{EXTRACT, TODAY, edited, file, hold, page};

/// What may stand where the base masks a name, one line each.
const ACTIONS: &str = r#"
"keep"
{ keep = true, number = "not-cpr" }
{ keep = true, text = "not-cpr" }
{ keep = true, reason = "x" }
{ keep = true, unscanned = false }
{ keep = true, unscanned = true, reason = "x" }
{ keep = true, cpr = "clear", cpr-ground = "dbl-11-1" }
"withhold"
"pseudonymise"
{ pseudonymise = "cpr" }
{ pseudonymise = "id" }
{ pseudonymise = "id", type = "X" }
{ pseudonymise = "reference" }
{ pseudonymise = "phone" }
{ pseudonymise = "email" }
{ pseudonymise = "text" }
{ mask = "first-word" }
{ mask = "initials" }
{ mask = "last-4" }
{ mask = "all" }
{ mask = "email" }
{ mask = "cpr" }
{ generalise = "year" }
{ generalise = "year", reference = 2026-01-31 }
{ generalise = "month" }
{ generalise = "week" }
{ generalise = "decade", reference = 2026-01-31 }
{ generalise = "age", reference = 2026-01-31 }
{ generalise = "age-band-5", reference = 2026-01-31 }
{ generalise = "age-band-10", reference = 2026-01-31 }
{ generalise = "step", step = 0.5 }
{ generalise = "step", step = +5 }
{ generalise = "bands", bands = [18] }
{ generalise = "bands", bands = [-1, 18, 65.5] }
{ generalise = "postcode-region", reference = 2026-01-31 }
{ generalise = "postcode-2" }
{ generalise = "code-prefix", classification = "icd-10", length = 3 }
{ generalise = "code-prefix", classification = "atc", length = 7 }
{ round = "hour" }
{ round = "day", unit = "seconds" }
{ round = "hour", unit = "milliseconds", number = "not-cpr" }
{ round = "digits", digits = 0 }
{ round = "digits", digits = 17 }
"shift"
{ shift = true }
{ shift = true, days = 1 }
{ shift = true, days = 7, weekday = true }
{ shift = true, days = 3660, time-of-day = true, unit = "seconds" }
{ replace = "x" }
{ replace = 7 }
{ replace = 0x1F }
{ replace = -1.5 }
{ replace = true }
"scan"
{ scan = [] }
{ scan = ["phone"] }
{ scan = ["email"] }
{ scan = ["names"], names-from = ["$.patient.navn"] }
"count"
{ decode = "text" }
{ decode = "text", scan = ["phone", "email"] }
{ decode = "json", shapes = ["Patient"] }
"url"
{ url = ["/a/{id}"] }
{ url = ["/a"], query = { b = { one-of = ["c"] } } }
"#;

/// What may stand where the base has a pattern, one line each.
const WANTED: &str = r#"
{ pattern = "date", selects = "$.appointments[*].start" }
{ pattern = "fhir-date" }
{ pattern = "instant" }
{ pattern = "integer" }
{ pattern = "uuid" }
{ pattern = "word" }
{ pattern = "token" }
{ one-of = ["a", "b"] }
{ resolve = "cpr" }
{ resolve = "cpr", system = "urn:a" }
{ resolve = "id" }
{ resolve = "id", type = "X" }
{ resolve = "reference" }
{ resolve = "reference", system = "urn:a" }
"#;

fn checked(edits: &[(&str, &str)]) -> Policy {
    let text = edited(edits);
    let (mut policies, found) = check(&[file(&*text)], TODAY);
    policies.pop().unwrap_or_else(|| panic!("{}", page(&text, &found)))
}

#[test]
fn every_form_of_an_action_and_a_parameter_is_understood_as_it_is_meant() {
    let mut all = String::new();
    for written in ACTIONS.lines().filter(|line| !line.is_empty()) {
        let policy = checked(&[("{ mask = \"first-word\" }", written)]);
        let rules = &policy.routes[0].response.rules;
        let rule = rules.iter().find(|rule| rule.location.to_string().ends_with(".navn")).unwrap();
        writeln!(all, "{written}\n    {:?}", rule.action).unwrap();
    }
    for written in WANTED.lines().filter(|line| !line.is_empty()) {
        let policy = checked(&[SEALED, ("{ pattern = \"integer\" }", written)]);
        writeln!(all, "{written}\n    {:?}", policy.routes[0].query[1]).unwrap();
    }
    hold("tests/golden/policies/actions.txt", &all);
}

/// A policy in lines: what stands above its routes and shapes, then their rules, one each.
fn lines(policy: &Policy, text: &str) -> String {
    let mut bare = policy.clone();
    // Of the text; tests/policies/included.rs has it.
    bare.version = PolicyVersion([0; 32]);
    let of_routes = bare.routes.iter_mut().map(|one| (&one.name, &mut one.response.rules));
    let of_shapes = bare.shapes.iter_mut().map(|one| (&one.name, &mut one.rules));
    let mut rules = String::new();
    for (name, list) in of_routes.chain(of_shapes) {
        for Rule { location, action, span, file, line } in std::mem::take(list) {
            let written = &text[span];
            writeln!(rules, "{name}, {file}:{line}: {written} is {location}\n    {action:?}").unwrap();
        }
    }
    format!("{bare:#?}\n\n{rules}")
}

#[test]
fn all_that_a_policy_says_is_understood_as_it_is_meant() {
    let policy = checked(&[EXTRACT]);
    let table = &policy.extract.as_ref().unwrap().tables[0];
    assert_eq!(table.keys().collect::<Vec<_>>(), [0]);
    let mut turned = table.clone();
    turned.columns.rotate_left(1);
    assert_eq!(turned.keys().collect::<Vec<_>>(), [3]);
    let treats = [policy.is_treatment(), checked(&[("\"gdpr-9-2-h\"", "\"sul-41\"")]).is_treatment()];
    assert_eq!(treats, [false, true]);
    hold("tests/golden/policies/policy.txt", &lines(&policy, &edited(&[EXTRACT])));
}

/// A route that takes POST, with one member of its content.
const POST: &[(&str, &str)] = &[
    ("[\"GET\"]", "[\"POST\"]"),
    ("[route.response]", "[route.request]\nmembers = { \"$.a\" = \"keep\" }\n[route.response]"),
];

#[test]
fn a_request_is_judged_where_its_content_is_json() {
    let none = PolicySet::default();
    assert_eq!((none.len(), none.is_empty()), (0, true));
    for (edits, is_judged) in [(&[][..], false), (POST, true)] {
        let set = PolicySet::build(vec![checked(edits)], &KeyRing::throw_away([1; 32])).unwrap();
        assert_eq!((set.len(), set.is_empty()), (1, false));
        let policy = set.iter().next().unwrap();
        assert_eq!(policy.routes()[0].request().is_some(), is_judged);
    }
}
