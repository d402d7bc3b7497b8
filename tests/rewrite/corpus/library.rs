//! The same documents through every pseudonymous shape of the shipped profiles: nobody can be read
//! from what leaves, and how many of the documents' values a rule decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tavs::absence;
use tavs::policy::plan::Plan;
use tavs::pseudonym::KeyRing;
use tavs::rewrite::{Decision, Watch, rewrite};

use super::medcom::{POLICY, SALT, checked, forbidden, is_bundle, person_numbers};
use super::{files, name};
use crate::oracle::tree::{self, Tree};

/// Where the pseudonymous shapes stand; those of `contact.toml` let names out, as it says.
const PSEUDONYMOUS: [&str; 4] = ["clinical", "messages", "persons", "staff"];

#[test]
#[ignore = "needs TAVS_CORPUS"]
fn the_profiles_let_nobody_out_and_know_the_corpus() {
    let shapes: Vec<String> = PSEUDONYMOUS.iter().flat_map(|file| names(file)).collect();
    let listed = format!("shapes = [\"{}\"]", shapes.join("\", \""));
    let text = fs::read_to_string(POLICY).unwrap();
    // Its tables select from what its own shapes let out, and its tests are of those.
    let text = text.split_once("\n[extract]").unwrap().0;
    let all = |line: &str| if line.starts_with("shapes ") { listed.clone() } else { line.to_owned() };
    let policy = checked(text.lines().map(all).collect::<Vec<_>>().join("\n"));
    let keys = KeyRing::throw_away([3; 32]);
    let plan = |name: &str| {
        let route = policy.routes.iter().find(|route| route.name == name).unwrap();
        Plan::compile(&policy, route, &keys).unwrap()
    };
    let (bundles, resources) = (plan("bundles"), plan("resource"));
    let inputs: Vec<_> = files("medcom").into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    let known: BTreeSet<String> =
        inputs.iter().flat_map(|(body, _)| person_numbers(&String::from_utf8_lossy(body))).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();

    let mut sums = Sums::default();
    let mut types = BTreeMap::<String, [u64; 2]>::new();
    for (body, path) in &inputs {
        let plan = if is_bundle(body) { &bundles } else { &resources };
        let mut of_one = Sums::default();
        let rewritten =
            rewrite(plan, body, &SALT, &mut of_one).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
        let output = rewritten.released.body();
        let text = std::str::from_utf8(output).unwrap();
        assert!(person_numbers(text).is_empty(), "{}: a person number in {text}", name(path));
        assert!(absence::find_any(output, &known).is_empty(), "{}: a known number in {text}", name(path));
        if !output.is_empty() {
            assert_eq!(forbidden(&tree::parse(output).unwrap()), None, "{}", name(path));
        }
        let resource = tree::parse(body).unwrap();
        let Some(Tree::String { text: resource, .. }) = resource.member("resourceType") else { continue };
        let sum = types.entry(resource.clone()).or_default();
        *sum = [sum[0] + of_one.decided, sum[1] + of_one.all];
        sums = Sums { decided: sums.decided + of_one.decided, all: sums.all + of_one.all };
    }
    println!(
        "profiles over the corpus: {} of {} values decided by a rule: {types:?}",
        sums.decided, sums.all
    );
    assert!(
        sums.all > 5_000 && sums.decided * 100 >= sums.all * LEAST_DECIDED,
        "{} of {}",
        sums.decided,
        sums.all
    );
}

/// In a hundred. What no rule decides is withheld: narrative, names, addresses, notes, attachments,
/// profiles (`meta`), and the links of a Bundle.
const LEAST_DECIDED: u64 = 40;

/// The names of a profile's shapes.
fn names(file: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("policies/profiles/fhir/{file}.toml")).unwrap();
    let quoted = |line: &str| line.split('"').nth(1).unwrap().to_owned();
    text.lines().filter(|line| line.starts_with("name ")).map(quoted).collect()
}

/// Values that are no containers, and those of them that a rule decided.
#[derive(Default)]
struct Sums {
    decided: u64,
    all: u64,
}

impl Watch for Sums {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        let leaves = serde_json::from_slice(decision.before).map_or(1, |value| leaves(&value));
        self.all += leaves;
        if decision.rule.is_some() {
            self.decided += leaves;
        }
    }
}

fn leaves(value: &serde_json::Value) -> u64 {
    match value {
        serde_json::Value::Array(elements) => elements.iter().map(leaves).sum(),
        serde_json::Value::Object(members) => members.values().map(leaves).sum(),
        _ => 1,
    }
}
