//! JSONTestSuite: what is JSON and what is not, where parsers differ.

use std::fs;

use tavs::policy::checked::{Action, CprInText, Keep, Linkability, Policy, Rule};
use tavs::pseudonym::Scheme;

use super::{files, name};
use crate::build;
use crate::properties::agreed;

/// Valid JSON with two members of one name, of which a policy that keeps all would keep both.
const DUPLICATES: &[&str] = &["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

fn policy(rules: Vec<Rule>) -> Policy {
    build::policy(
        "suite",
        (Scheme::Keyed, Linkability::Domain),
        CprInText::Mask,
        Vec::new(),
        build::response(rules),
    )
}

fn keep_all() -> Policy {
    let keep =
        Keep { number_not_cpr: true, unscanned: true, clear_cpr: Some("dbl-11-2-3"), string_not_cpr: true };
    policy(vec![build::rule("$", Action::Keep(keep))])
}

#[test]
#[ignore = "needs TAVS_CORPUS"]
fn what_is_json_passes_and_what_is_not_is_refused() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in files("jsontestsuite/test_parsing") {
        let body = fs::read(&path).unwrap();
        let name = name(&path);
        for (policy, keeps) in [(keep_all(), true), (policy(Vec::new()), false)] {
            count += 1;
            match (name.as_bytes()[0], agreed(&policy, &body)) {
                (_, Err(difference)) => wrong.push(format!("{name}: {difference}")),
                (b'y', Ok(None)) if keeps && DUPLICATES.contains(&name) => {}
                (b'y', Ok(None)) => wrong.push(format!("{name}: is JSON and was refused")),
                (b'n', Ok(Some(_))) => wrong.push(format!("{name}: is no JSON and passed")),
                (b'y', Ok(Some(left))) if keeps && compact(&left) != compact(&body) => {
                    wrong.push(format!("{name}: was kept and changed"));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "needs TAVS_CORPUS"]
fn what_parsers_read_differently_is_kept_as_it_stands_or_refused() {
    for path in files("jsontestsuite/test_transform") {
        let body = fs::read(&path).unwrap();
        if let Some(left) =
            agreed(&keep_all(), &body).unwrap_or_else(|difference| panic!("{}: {difference}", name(&path)))
        {
            assert_eq!(compact(&left), compact(&body), "{}", name(&path));
        }
    }
}

/// Without the space between tokens.
fn compact(body: &[u8]) -> String {
    let mut out = String::new();
    crate::oracle::tree::parse(body).unwrap().write(&mut out);
    out
}
