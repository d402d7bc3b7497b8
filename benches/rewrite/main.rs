//! The rewriter beside serde_json's streaming parser, in interleaved rounds on one thread: absolute
//! figures move by 30 % within minutes, ratios taken in the same round do not.
//!
//! `cargo bench --bench rewrite` measures; `cargo test --bench rewrite`, or `-- --quick`, only shows
//! that both run and agree.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a benchmark: its input is its own, it reads the time, and it prints"
)]

mod documents;
mod policy;
mod rules;
mod yardstick;

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tavs::policy::plan::Plan;
use tavs::pseudonym::{KeyRing, Scheme};
use tavs::rewrite::rewrite;

use crate::yardstick::Yardstick;

/// Documents of about one size, all different, so that nothing learns one of them by heart.
struct Set {
    name: &'static str,
    is_bundle: bool,
    documents: Vec<Vec<u8>>,
}

impl Set {
    fn bytes(&self) -> usize {
        self.documents.iter().map(Vec::len).sum()
    }
}

const ROUNDS: usize = 21;
/// Input of one engine in one round.
const ROUND_BYTES: usize = 32 << 20;
const SALT: [u8; 16] = [0; 16];

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let quick = given("--quick") || !given("--bench");
    let sets = [
        Set { name: "2 KB", is_bundle: false, documents: (0..32).map(documents::patient_alone).collect() },
        Set {
            name: "64 KB",
            is_bundle: true,
            documents: (0..8).map(|seed| documents::bundle(seed, 33)).collect(),
        },
        Set {
            name: "1 MB",
            is_bundle: true,
            documents: (0..3).map(|seed| documents::bundle(seed, 530)).collect(),
        },
    ];
    let policy = policy::policy();
    let keys = KeyRing::throw_away([1; 32]);
    let plan = Plan::compile(&policy, &policy.routes[0], &keys).unwrap();
    let yardstick = Yardstick::new(keys.pseudonymiser(policy::DOMAIN, Scheme::Keyed).unwrap());
    let tavs = |body: &[u8]| rewrite(&plan, body, &SALT, &mut ()).unwrap().released.into_body();

    let heading = if quick { "both agree" } else { "tavs MB/s            serde_json MB/s      ratio" };
    println!("input      documents  leaves  pseudonyms   {heading}");
    let mut goals = Vec::new();
    for set in &sets {
        let (mut left, mut pseudonyms) = (0, 0);
        for document in &set.documents {
            let body = tavs(document);
            let theirs = yardstick.rewrite(document, set.is_bundle).unwrap();
            assert_eq!(
                String::from_utf8(body.clone()).unwrap(),
                String::from_utf8(theirs).unwrap(),
                "they disagree"
            );
            left += body.len();
            pseudonyms += String::from_utf8(body).unwrap().matches("tvk1-").count();
        }
        let name = set.name;
        let (count, share) = (set.documents.len(), left * 100 / set.bytes());
        let pseudonyms = pseudonyms / count;
        print!("{name:<10} {count:>9} {share:>6}% {pseudonyms:>11}   ");
        if quick {
            println!("yes");
            continue;
        }
        let theirs = |document: &[u8]| yardstick.rewrite(document, set.is_bundle).unwrap();
        let mut figures = in_turns(set, tavs, theirs);
        let [ours, theirs, ratio] = &mut figures;
        println!("{:<20} {:<20} {}", summary(ours, 0), summary(theirs, 0), summary(ratio, 2));
        goals.push(format!(
            "goal| the rewriter over serde_json, {name} | at least 1.3 | {} |",
            summary(ratio, 2)
        ));
    }
    compare_rules(&sets, &keys, quick, &mut goals);
    println!("{}", goals.join("\n"));
}

/// What a thousand rules take, of which ten find something, beside those ten alone.
fn compare_rules(sets: &[Set], keys: &KeyRing, quick: bool, goals: &mut Vec<String>) {
    let plans =
        rules::ten_and_a_thousand().map(|policy| Plan::compile(&policy, &policy.routes[0], keys).unwrap());
    let [ten, thousand] = plans
        .each_ref()
        .map(|plan| |body: &[u8]| rewrite(plan, body, &SALT, &mut ()).unwrap().released.into_body());
    let heading = if quick { "both agree" } else { "10 rules, MB/s       1,000 rules, MB/s    time" };
    println!("\ninput      {heading}");
    for set in sets {
        assert!(set.documents.iter().all(|document| ten(document) == thousand(document)), "they disagree");
        if quick {
            println!("{:<10} yes", set.name);
            continue;
        }
        let mut figures = in_turns(set, ten, thousand);
        let [few, many, time] = &mut figures;
        println!("{:<10} {:<20} {:<20} {}", set.name, summary(few, 0), summary(many, 0), summary(time, 2));
        goals.push(format!("goal| 1,000 rules over 10, {} | at most 1.1 | {} |", set.name, summary(time, 2)));
    }
}

/// MB a second of two engines, round by round, and the ratio of each round.
fn in_turns(
    set: &Set,
    mut one: impl FnMut(&[u8]) -> Vec<u8>,
    mut other: impl FnMut(&[u8]) -> Vec<u8>,
) -> [Vec<f64>; 3] {
    let passes = ROUND_BYTES / set.bytes();
    let mut figures = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let (first, second) = (rate(set, passes, &mut one), rate(set, passes, &mut other));
        for (list, figure) in figures.iter_mut().zip([first, second, first / second]) {
            list.push(figure);
        }
    }
    figures
}

/// MB of input a second over all documents of a set.
#[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
fn rate(set: &Set, passes: usize, mut engine: impl FnMut(&[u8]) -> Vec<u8>) -> f64 {
    let from = processor_time();
    for _ in 0..passes {
        for document in &set.documents {
            black_box(engine(black_box(document)));
        }
    }
    (set.bytes() * passes) as f64 / 1e6 / (processor_time() - from).as_secs_f64()
}

/// The processor time of this thread, so that others' work on the machine counts for less; the
/// time of day where the system does not tell.
///
/// Sleeping first makes it exact: the system brings it up to date where a thread stops, and else every 4 ms only, which is
/// a tenth of a round.
fn processor_time() -> Duration {
    std::thread::sleep(Duration::from_micros(1));
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

/// Median, and the least and greatest.
fn summary(figures: &mut [f64], places: usize) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, most) = (figures[0], figures[figures.len() - 1]);
    format!("{:.places$} ({least:.places$}-{most:.places$})", figures[figures.len() / 2])
}
