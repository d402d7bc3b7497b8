//! How long a decision about a pseudonym takes: one that opens, and each way not to, in interleaved
//! tries. Whoever could tell them apart by time would learn why one was refused.
//!
//! `cargo bench --bench refusals` reports medians; nothing asserts a time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark: its input is its own, it reads the time, and it prints"
)]

use std::hint::black_box;
use std::time::Instant;

use jiff::civil::date;
use tavs::ids::RecipientId;
use tavs::policy::check::check;
use tavs::policy::decide::Asked;
use tavs::policy::running::PolicySet;
use tavs::policy::syntax::SourceFile;
use tavs::pseudonym::{Input, KeyRing, Linkage, Pseudonymiser, Rows, Scheme};

const TRIES: usize = 10_000;
const POLICY: &str = include_str!("policy.toml");

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    let file = SourceFile::new("policy.toml", POLICY);
    let (policies, found) = check(&[file], date(2026, 3, 4));
    assert!(found.iter().all(|one| !one.is_error()), "{found:?}");
    let ring = ring(1);
    let set = PolicySet::build(policies, &ring).unwrap();

    let of = |resource_type, id| Input::id(resource_type, id);
    let good = sealed(&ring, "sms", of("Patient", "AFT-KQ7"));
    let mut forged = good.clone();
    forged.pop();
    forged.push(if good.ends_with('q') { 'r' } else { 'q' });
    let cases = [
        ("opens", good.clone()),
        ("forged", forged),
        ("foreign domain", sealed(&ring, "other", of("Patient", "AFT-KQ7"))),
        ("foreign ring", sealed(&self::ring(2), "sms", of("Patient", "AFT-KQ7"))),
        ("other type", sealed(&ring, "sms", of("Observation", "AFT-KQ7"))),
        ("closed version", of_version(&ring, 1, of("Patient", "AFT-KQ7"))),
        ("no version", good.replacen("tvs2-", "tvs3-", 1)),
    ];
    let mut nanos: Vec<Vec<u128>> = vec![Vec::new(); cases.len()];
    for _ in 0..if quick { 10 } else { TRIES } {
        for ((_, pseudonym), times) in cases.iter().zip(&mut nanos) {
            let (path, segments) = (format!("/Patient/{pseudonym}"), ["Patient".into(), pseudonym.clone()]);
            let rows = Rows::default();
            let asked = Asked {
                method: "GET",
                path: &path,
                segments: &segments,
                query: &[],
                fields: &[],
                rows: &rows,
            };
            let began = Instant::now();
            let decided = black_box(set.decide(&RecipientId::new("sms"), date(2026, 3, 4), asked));
            times.push(began.elapsed().as_nanos());
            assert_eq!(decided.is_ok(), *pseudonym == good);
        }
    }
    println!(
        "a decision about a pseudonym, median of {} interleaved tries",
        nanos.concat().len() / cases.len()
    );
    let mut medians = Vec::new();
    for ((name, _), times) in cases.iter().zip(&mut nanos) {
        times.sort_unstable();
        medians.push(times[times.len() / 2]);
        println!("{name:>16}  {:>7} ns", times[times.len() / 2]);
    }
    let refused = &medians[1..];
    let (least, most) = (refused.iter().min().unwrap(), refused.iter().max().unwrap());
    println!("refused: {} ns between the quickest and the slowest", most - least);
}

/// Two domains whose first key version is closed. No two secrets of any `seed` are alike.
fn ring(seed: u8) -> KeyRing {
    let mut text = String::from("ring = 1\n");
    let mut number = 0;
    let mut secret = |used: &str, more: &str| {
        number += 1;
        let secret = format!("{seed:02x}{number:02x}").repeat(16);
        text += &format!("[[secret]]\nuse = \"{used}\"\n{more}secret = \"{secret}\"\n");
    };
    for used in ["ledger-subjects", "registry", "checkpoints"] {
        secret(used, "version = 1\nstate = \"active\"\n");
    }
    for name in ["sms", "other"] {
        secret("domain", &format!("name = \"{name}\"\nversion = 1\nstate = \"closed\"\n"));
        let since = "from = \"2026-01-01T00:00:00Z\"";
        secret("domain", &format!("name = \"{name}\"\nversion = 2\nstate = \"active\"\n{since}\n"));
    }
    KeyRing::parse(&text, "2026-03-04T00:00:00Z".parse().unwrap()).unwrap()
}

/// By a key version that may be closed: it is the ring that no longer opens it.
fn of_version(ring: &KeyRing, version: u32, input: Input<'_>) -> String {
    written(&ring.pseudonymiser_of("sms", Scheme::Sealed, version).unwrap(), input)
}

fn sealed(ring: &KeyRing, domain: &str, input: Input<'_>) -> String {
    written(&ring.pseudonymiser(domain, Scheme::Sealed).unwrap(), input)
}

fn written(maker: &Pseudonymiser, input: Input<'_>) -> String {
    let mut out = Vec::new();
    assert!(maker.write(input, Linkage::Domain, &mut out));
    String::from_utf8(out).unwrap()
}
