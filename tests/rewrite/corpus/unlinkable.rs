//! What two recipients could find out together: all that each receives of the corpus, joined on every
//! value (EDPB Guidelines 01/2025: between pseudonymisation domains pseudonyms cannot be joined).
//! docs/unlinkability.md has what comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tavs::policy::checked::{Linkability, Policy};
use tavs::policy::plan::Plan;
use tavs::pseudonym::{KeyRing, Scheme};
use tavs::rewrite::rewrite;

use super::files;
use super::medcom::{is_bundle, research};
use crate::oracle::tree::{self, Tree};

/// What one recipient received: each value, with the member that it stood in and the responses.
#[derive(Default)]
struct Received {
    values: BTreeMap<String, BTreeSet<String>>,
    /// Each pseudonym with the number of each response that it stood in, once for each place.
    pseudonyms: BTreeMap<String, Vec<usize>>,
}

#[test]
#[ignore = "needs TAVS_CORPUS"]
fn two_recipients_can_join_nothing_on_a_pseudonym() {
    let inputs: Vec<Vec<u8>> = files("medcom").iter().map(|path| fs::read(path).unwrap()).collect();
    let mut upstream = BTreeMap::new();
    inputs.iter().for_each(|body| scalars(&tree::parse(body).unwrap(), "", &mut upstream));
    // References hold ids, too.
    let upstream: BTreeSet<&str> =
        upstream.keys().flat_map(|value| value.split(['/', ':', '#', '|']).chain([value.as_str()])).collect();
    for scheme in [Scheme::Keyed, Scheme::Sealed] {
        for linkability in [Linkability::Domain, Linkability::Document, Linkability::None] {
            let [one, other] = ["research", "quality"].map(|domain| {
                let mut policy = research();
                policy.pseudonyms.domain = domain.into();
                policy.pseudonyms.scheme = scheme;
                policy.pseudonyms.linkability = linkability;
                received(&policy, &inputs)
            });
            let case = format!("{scheme:?} {linkability:?}");
            // A nonce that goes along leaves room for a person's number only: ids have no pseudonym, and are withheld.
            let numbers_only = scheme == Scheme::Sealed && linkability != Linkability::Domain;
            let least = if numbers_only { 50 } else { 500 };
            for recipient in [&one, &other] {
                let places: usize = recipient.pseudonyms.values().map(Vec::len).sum();
                assert!(places > least, "{case}: {places}");
                let own =
                    recipient.pseudonyms.keys().filter(|pseudonym| upstream.contains(pseudonym.as_str()));
                assert_eq!(own.count(), 0, "{case}: a pseudonym is an upstream's value");
            }
            let joined: Vec<&String> =
                one.values.keys().filter(|value| other.values.contains_key(*value)).collect();
            let tokens = |value: &&&String| !pseudonyms_in(value, scheme).is_empty();
            assert_eq!(joined.iter().filter(tokens).count(), 0, "{case}: a value with a pseudonym is joined");
            let both = one.pseudonyms.keys().filter(|pseudonym| other.pseudonyms.contains_key(*pseudonym));
            assert_eq!(both.count(), 0, "{case}: a pseudonym in common");
            within(&one, linkability, numbers_only, &case);
            tell(&case, &one, &joined);
        }
    }
}

/// How far a pseudonym reaches inside one recipient.
fn within(recipient: &Received, linkability: Linkability, numbers_only: bool, case: &str) {
    let all = || recipient.pseudonyms.values();
    let over_responses = all().filter(|places| places.iter().any(|place| *place != places[0])).count();
    let repeated = all().filter(|places| places.len() > 1).count();
    match linkability {
        Linkability::Domain => assert!(over_responses > 0, "{case}: stable over responses"),
        Linkability::Document => {
            assert_eq!(over_responses, 0, "{case}: no two responses share one");
            // No response of the corpus has one person's number twice.
            assert_eq!(repeated == 0, numbers_only, "{case}: stable inside one");
        }
        Linkability::None => assert_eq!(repeated, 0, "{case}: no two are equal"),
    }
}

fn received(policy: &Policy, inputs: &[Vec<u8>]) -> Received {
    let keys = KeyRing::throw_away([3; 32]);
    let plan = |name: &str| {
        let route = policy.routes.iter().find(|route| route.name == name).unwrap();
        Plan::compile(policy, route, &keys).unwrap()
    };
    let (bundles, resources) = (plan("bundles"), plan("resource"));
    let mut all = Received::default();
    for (number, body) in inputs.iter().enumerate() {
        let plan = if is_bundle(body) { &bundles } else { &resources };
        // Random in a live proxy; here different for each response, and even the same for both recipients.
        let salt = salt_of(number as u64);
        let Ok(rewritten) = rewrite(plan, body, &salt, &mut ()) else { continue };
        let output = tree::parse(rewritten.released.body()).unwrap();
        let mut values = BTreeMap::new();
        scalars(&output, "", &mut values);
        for (value, places) in values {
            for (place, times) in places {
                for pseudonym in pseudonyms_in(&value, policy.pseudonyms.scheme) {
                    let own = all.pseudonyms.entry(pseudonym.to_owned()).or_default();
                    own.extend(std::iter::repeat_n(number, times));
                }
                all.values.entry(value.clone()).or_default().insert(place);
            }
        }
    }
    all
}

/// Spread over all its bytes, as a random one is (splitmix64): a number that counts up would meet the one that
/// `none` counts by.
fn salt_of(number: u64) -> [u8; 16] {
    let mut state = number;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&next().to_be_bytes());
    salt[8..].copy_from_slice(&next().to_be_bytes());
    salt
}

/// Every string, number and truth value, with how often it stands in which member.
fn scalars(tree: &Tree, member: &str, found: &mut BTreeMap<String, BTreeMap<String, usize>>) {
    let text = match tree {
        Tree::Object(members) => {
            return members.iter().for_each(|one| scalars(&one.value, &one.name, found));
        }
        Tree::Array(elements) => return elements.iter().for_each(|one| scalars(one, member, found)),
        Tree::String { text, .. } => text.clone(),
        other => format!("{other:?}"),
    };
    *found.entry(text).or_default().entry(member.to_owned()).or_default() += 1;
}

/// Whole pseudonyms inside a value, such as a reference.
fn pseudonyms_in(value: &str, scheme: Scheme) -> Vec<&str> {
    let prefix = format!("{}1-", scheme.prefix());
    value
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.starts_with(&prefix))
        .collect()
}

/// The figures of docs/unlinkability.md.
#[expect(clippy::print_stdout, clippy::use_debug, reason = "told to whoever runs it with its output shown")]
fn tell(case: &str, one: &Received, joined: &[&String]) {
    let places: usize = one.pseudonyms.values().map(Vec::len).sum();
    let mut members = BTreeMap::<&str, usize>::new();
    for member in joined.iter().filter_map(|value| one.values.get(*value)).flatten() {
        *members.entry(member).or_default() += 1;
    }
    println!(
        "{case}: {} pseudonyms in {places} places; {} different values, {} of them in common: {members:?}",
        one.pseudonyms.len(),
        one.values.len(),
        joined.len()
    );
}
