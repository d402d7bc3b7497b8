//! What the scheme `table` costs as its store grows: look-ups of values, held and not held, and of pseudonyms,
//! first sights, an erasure, disk and memory.
//!
//! `cargo bench --bench table` fills one store to 10^4, 10^5 and 10^6 persons with two rows each (about
//! 1 GB of disk below the folder for temporary files, `TMPDIR`), and measures at each size in random order, so
//! that the caches of database and processor are worth as much as they are; `cargo test --bench table`, or `-- --quick`, only
//! shows at a hundredth of that that all runs and that what is found is what was drawn.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark: its input is its own, it reads the time, and it prints figures to be read"
)]

use std::borrow::Borrow;
use std::hint::black_box;
use std::time::Instant;

use tavs::ids::SubjectId;
use tavs::pseudonym::{Input, KeyRing, Pseudonymiser, Rows, Scheme, Wanted};
use tavs::store::{NewChange, RightKind, Store};
use tavs::table::{self, Held};

/// Values of one exchange: a list of fifty persons, with number and id.
const VALUES: u64 = 100;
/// Exchanges whose median is given.
const EXCHANGES: u64 = 201;

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let sizes: &[u64] =
        if given("--quick") || !given("--bench") { &[100, 1_000] } else { &[10_000, 100_000, 1_000_000] };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tavs.db");
    let (store, maker) = (Store::open_or_make(&path).unwrap(), maker());
    println!("{VALUES} values an exchange; microseconds a value, median of {EXCHANGES} exchanges\n");
    println!(
        "persons   held  not held  resolve  first sight  erasure (ms)  disk B a person  resident MB  of it held"
    );
    let mut filled = 0;
    for size in sizes {
        each_thousand(filled, *size, &maker, || Held::new(store.clone()));
        filled = *size;
        let before = resident();
        let held = Held::new(store.clone());
        let not_held = looked_up(&maker, filled, || Held::new(store.clone()));
        each_thousand(0, filled, &maker, || &held);
        let (all, holding) = (resident(), resident().saturating_sub(before));
        let is_held = looked_up(&maker, filled, || &held);
        let resolve = resolved(&held, &store, &maker, filled);
        let (first, erasure) = (first_sight(&held, &maker, filled), erased(&store, filled));
        let disk = std::fs::metadata(&path).unwrap().len() as f64 / filled as f64;
        println!(
            "{size:>8} {is_held:>5.2} {not_held:>9.2} {resolve:>8.2} {first:>12.1} {erasure:>13.2} {disk:>16.0} {:>12} {:>11}",
            all / 1_000_000,
            holding / 1_000_000
        );
    }
    by_turns(sizes, &store, &maker);
}

/// Held look-ups among each number of persons, by turns: they differ by less than a machine does from one minute to
/// the next. Alone, and with the blind indexes that they go by, which is what a body pays for a value.
fn by_turns(sizes: &[u64], store: &Store, maker: &Pseudonymiser) {
    let held = sizes.iter().map(|size| {
        let held = Held::new(store.clone());
        each_thousand(0, *size, maker, || &held);
        (*size, held, [Vec::new(), Vec::new()])
    });
    let mut held: Vec<(u64, Held, [Vec<f64>; 2])> = held.collect();
    for exchange in 0..10 * EXCHANGES {
        for (size, held, [alone, with_indexes]) in &mut held {
            let took = exchange_of(held, maker, exchange, *size);
            alone.push(took);
            with_indexes.push(took + indexes_of(maker, exchange, *size));
        }
    }
    println!(
        "\nheld, by turns: microseconds a value, quickest tenth, median and slowest tenth of {}: alone, and with its blind index",
        10 * EXCHANGES
    );
    let mut medians = Vec::new();
    for (size, _, took) in &mut held {
        let [alone, with_indexes] = took.each_mut().map(|took| {
            took.sort_by(f64::total_cmp);
            [1, 5, 9].map(|tenths| took.get(took.len() * tenths / 10).copied().unwrap())
        });
        let [[tenth, alone, last], [tenth_with, with_indexes, last_with]] = [alone, with_indexes];
        println!(
            "{size:>8}  {tenth:>5.3} {alone:>5.3} {last:>5.3}  {tenth_with:>5.3} {with_indexes:>5.3} {last_with:>5.3}"
        );
        medians.push((alone, with_indexes));
    }
    let (fewest, most) = (medians.first().unwrap(), medians.last().unwrap());
    println!(
        "goal| `table`: a held look-up among the most persons / the fewest; the search alone | at most 1.5 | {:.2}; {:.2} |",
        most.1 / fewest.1,
        most.0 / fewest.0
    );
}

/// Microseconds a value for the blind indexes of an exchange.
fn indexes_of(maker: &Pseudonymiser, exchange: u64, persons: u64) -> f64 {
    let values: Vec<Wanted> =
        (0..VALUES / 2).flat_map(|n| wanted(maker, scattered(exchange, n, persons))).collect();
    let table = maker.table().unwrap();
    let from = Instant::now();
    let indexes = values.iter().map(|one| table.by_value(black_box(one).input())).collect::<Vec<_>>();
    let took = from.elapsed();
    assert!(black_box(indexes).iter().zip(&values).all(|(index, one)| *index == one.by_value));
    took.as_secs_f64() * 1e6 / VALUES as f64
}

/// Looks persons up, a thousand at a time. `held` gives what in.
fn each_thousand<H: Borrow<Held>>(from: u64, to: u64, maker: &Pseudonymiser, held: impl Fn() -> H) {
    for begin in (from..to).step_by(1000) {
        let some: Vec<Wanted> = (begin..(begin + 1000).min(to)).flat_map(|n| wanted(maker, n)).collect();
        table::known(held().borrow(), maker, &some).unwrap();
    }
}

fn looked_up<H: Borrow<Held>>(maker: &Pseudonymiser, persons: u64, held: impl Fn() -> H) -> f64 {
    median(|exchange| exchange_of(held().borrow(), maker, exchange, persons))
}

/// One exchange about some of the persons.
fn exchange_of(held: &Held, maker: &Pseudonymiser, exchange: u64, persons: u64) -> f64 {
    let values: Vec<Wanted> =
        (0..VALUES / 2).flat_map(|n| wanted(maker, scattered(exchange, n, persons))).collect();
    let from = Instant::now();
    let known = table::known(held, maker, black_box(&values)).unwrap();
    let took = from.elapsed();
    assert!(values.iter().all(|one| known.of(&one.by_value).is_some()));
    took.as_secs_f64() * 1e6 / VALUES as f64
}

fn resolved(held: &Held, store: &Store, maker: &Pseudonymiser, persons: u64) -> f64 {
    median(|exchange| {
        let values: Vec<Wanted> =
            (0..VALUES / 2).flat_map(|n| wanted(maker, scattered(exchange, n, persons))).collect();
        let known = table::known(held, maker, &values).unwrap();
        let written = |one: &Wanted| {
            let mut out = Vec::new();
            maker.write_drawn(known.of(&one.by_value).unwrap(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let texts: Vec<String> = values.iter().map(written).collect();
        let from = Instant::now();
        let rows: Rows = table::rows(store, maker, texts.iter().map(String::as_str)).unwrap();
        let opened = values.iter().zip(&texts).map(|(one, text)| {
            maker.resolve(text, Input { value: "", ..one.input() }, false, &rows).unwrap()
        });
        let opened: Vec<String> = opened.collect();
        let took = from.elapsed();
        assert!(opened.iter().zip(&values).all(|(found, one)| *found == one.value));
        took.as_secs_f64() * 1e6 / VALUES as f64
    })
}

/// With the sync of the disk that the exchange waits for.
fn first_sight(held: &Held, maker: &Pseudonymiser, persons: u64) -> f64 {
    median(|exchange| {
        let begin = u64::MAX / 4 + persons * 1000 + exchange * VALUES;
        let values: Vec<Wanted> = (begin..begin + VALUES / 2).flat_map(|n| wanted(maker, n)).collect();
        let from = Instant::now();
        black_box(table::known(held, maker, &values).unwrap());
        from.elapsed().as_secs_f64() * 1e6 / VALUES as f64
    })
}

fn erased(store: &Store, persons: u64) -> f64 {
    let mut all: Vec<f64> = (0..21)
        .map(|n| {
            let change = NewChange {
                subject: subject(u64::MAX / 4 + persons * 1000 + n),
                kind: RightKind::Erasure,
                purpose: None,
                recipient: None,
                begun: true,
                at: 1,
                until: None,
                reason: "measured".to_owned(),
                who: "nobody".to_owned(),
                sealed_cpr: None,
            };
            let from = Instant::now();
            store
                .put_changes_noting(&[change], |_, gone, _| {
                    assert_eq!(gone.len(), 2);
                    Vec::new()
                })
                .unwrap();
            from.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap()
}

fn maker() -> Pseudonymiser {
    let ring = format!(
        "ring = 1\n[[secret]]\nuse = \"domain\"\nname = \"sms\"\nversion = 1\nstate = \"active\"\nsecret = \"{}\"\n",
        "a7".repeat(32)
    );
    let ring = KeyRing::parse(&ring, jiff::Timestamp::UNIX_EPOCH).unwrap();
    ring.pseudonymiser("sms", Scheme::Table).unwrap()
}

/// The n-th person's number and id.
fn wanted(maker: &Pseudonymiser, n: u64) -> [Wanted; 2] {
    let one = |kind: &str, resource_type: &str, value: String| {
        let input = Input { kind, resource_type, system: "", value: &value };
        Wanted {
            by_value: maker.table().unwrap().by_value(input),
            kind: kind.to_owned(),
            resource_type: resource_type.to_owned(),
            system: String::new(),
            subjects: vec![subject(n)],
            value,
        }
    };
    [one("cpr", "", format!("{n:010}")), one("id", "Patient", format!("AFT-{n}"))]
}

fn subject(n: u64) -> SubjectId {
    // As a MAC: no order that an index could profit from.
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    SubjectId((u128::from(spread) << 64 | u128::from(n)).to_be_bytes())
}

fn scattered(exchange: u64, n: u64, persons: u64) -> u64 {
    (exchange * VALUES + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) % persons
}

fn median(mut run: impl FnMut(u64) -> f64) -> f64 {
    let mut all: Vec<f64> = (0..EXCHANGES).map(&mut run).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap()
}

/// Bytes of memory that the process holds.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}
