//! Danish FHIR as MedCom publishes it, through the shipped research policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::civil::date;
use tavs::absence;
use tavs::judge::Everyone;
use tavs::policy::check::check;
use tavs::policy::checked::Policy;
use tavs::policy::diagnostic;
use tavs::policy::plan::Plan;
use tavs::policy::syntax::SourceFile;
use tavs::pseudonym::KeyRing;
use tavs::rewrite::rewrite;

use super::{files, name};
use crate::oracle::Oracle;
use crate::oracle::tree::{self, Tree};
use crate::properties::compare;

pub(crate) const SALT: [u8; 16] = [0; 16];
pub(crate) const POLICY: &str = "policies/research.toml";

/// Members that the policy must never let out: narrative and direct identifiers.
const NEVER: &[&str] =
    &["div", "text", "name", "address", "telecom", "photo", "contact", "display", "note", "birthPlace"];

#[test]
#[ignore = "needs TAVS_CORPUS"]
fn no_person_can_be_read_from_any_resource() {
    let policy = research();
    let keys = KeyRing::throw_away([3; 32]);
    let engines = |name: &str| {
        let route = policy.routes.iter().find(|route| route.name == name).unwrap();
        (Plan::compile(&policy, route, &keys).unwrap(), Oracle::new(&policy, route, &keys, &Everyone, SALT))
    };
    let (bundles, resources) = (engines("bundles"), engines("resource"));
    let inputs: Vec<(String, Vec<u8>)> =
        files("medcom").iter().map(|path| (name(path).to_owned(), fs::read(path).unwrap())).collect();
    let known: BTreeSet<String> =
        inputs.iter().flat_map(|(_, body)| person_numbers(&String::from_utf8_lossy(body))).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    assert!(known.len() > 8, "the plain scan finds {} numbers in the corpus", known.len());

    let mut sums = BTreeMap::<&str, u64>::new();
    let mut refused = Vec::new();
    for (file, body) in &inputs {
        let (plan, oracle) = if is_bundle(body) { &bundles } else { &resources };
        let result = rewrite(plan, body, &SALT, &mut ());
        compare(&policy, &result, oracle.rewrite(body))
            .unwrap_or_else(|difference| panic!("{file}: {difference}"));
        let mut count = |what, by| *sums.entry(what).or_default() += by;
        count("resources", 1);
        let rewritten = match result {
            Ok(rewritten) => rewritten,
            Err(fault) => {
                refused.push(format!("{file}: {fault}"));
                continue;
            }
        };
        let output = rewritten.released.body();
        let text = std::str::from_utf8(output).unwrap();
        assert!(person_numbers(text).is_empty(), "{file}: a person number by the plain scan in {text}");
        let found = absence::find_any(output, &known);
        assert!(
            found.is_empty(),
            "{file}: {:?} in {text}",
            found.iter().map(|i| known[*i]).collect::<Vec<_>>()
        );
        if let Some(member) = forbidden(&tree::parse(output).unwrap()) {
            panic!("{file}: member `{member}` in {text}");
        }
        count("bytes in", body.len() as u64);
        count("bytes out", output.len() as u64);
        count("records", rewritten.disclosure.records);
        count("records withheld", rewritten.disclosure.records_withheld);
        count("members withheld", rewritten.disclosure.withheld);
        count("unfit", rewritten.disclosure.unfit);
        count("pseudonyms", text.matches("tvk1-").count() as u64);
        count("CPRs in kept text", rewritten.disclosure.cpr_in_text);
    }
    println!("{POLICY} over the corpus: {sums:?}, person numbers in the inputs: {}", known.len());
    println!("refused ({}):\n{}", refused.len(), refused.join("\n"));
    assert!(sums["pseudonyms"] > 100, "{sums:?}");
    assert_eq!(refused, REFUSED, "what is refused, one by one");
}

/// Resources that cannot be rewritten, each with why.
const REFUSED: &[&str] = &[];

pub(super) fn research() -> Policy {
    let text = fs::read_to_string(POLICY).unwrap();
    checked(text)
}

/// A policy of this text beside the shipped profiles.
pub(crate) fn checked(text: String) -> Policy {
    let profiles = tavs::config::read_profiles(Path::new("policies"));
    let sources = [SourceFile::new(POLICY, text).with(&profiles)];
    let (mut policies, diagnostics) = check(&sources, date(2026, 3, 1));
    policies.pop().unwrap_or_else(|| panic!("{}", diagnostic::render(&diagnostics, &sources, false)))
}

/// Bundles and single resources come over different routes.
pub(crate) fn is_bundle(body: &[u8]) -> bool {
    tree::parse(body).unwrap().member("resourceType") == Some(&Tree::string("Bundle"))
}

pub(crate) fn forbidden(tree: &Tree) -> Option<&str> {
    match tree {
        Tree::Object(members) => members.iter().find_map(|member| {
            if NEVER.contains(&member.name.as_str()) {
                Some(member.name.as_str())
            } else {
                forbidden(&member.value)
            }
        }),
        Tree::Array(elements) => elements.iter().find_map(forbidden),
        _ => None,
    }
}

/// A plain scan, which shares nothing with `tavs::cpr`: six digits that begin with a day (or a day
/// and 60) and a month, perhaps one separator, then four digits, or two letters between two digits.
pub(crate) fn person_numbers(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        if at > 0 && digit(at - 1).is_some() {
            continue;
        }
        let Some(six) = (at..at + 6).map(digit).collect::<Option<Vec<_>>>() else { continue };
        let (day, month) = (six[0] * 10 + six[1], six[2] * 10 + six[3]);
        if !(1..=31).contains(&(day % 60)) || day > 91 || !(1..=12).contains(&month) {
            continue;
        }
        let rest = at + 6 + usize::from(matches!(bytes.get(at + 6), Some(b' ' | b'-' | b'/' | b'.')));
        let cpr = (rest..rest + 4).all(|at| digit(at).is_some());
        let ecpr = digit(rest).is_some() && letter(rest + 1) && letter(rest + 2) && digit(rest + 3).is_some();
        let ends = !bytes
            .get(rest + 4)
            .is_some_and(|byte| byte.is_ascii_digit() || ecpr && byte.is_ascii_alphanumeric());
        let begins = at == 0 || !ecpr || !letter(at - 1);
        if (cpr || ecpr) && ends && begins {
            found.push(format!("{}{}", &text[at..at + 6], &text[rest..rest + 4]));
        }
    }
    found
}
