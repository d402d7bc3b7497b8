//! What the index costs: figures and ratios of one run, no assertions about time.
//!
//! `TAVS_MEASURE=1000000 cargo test --release --lib -- --ignored --nocapture measure_the_index`

use std::time::Instant;

use super::{Feed, Place};
use crate::clock::Clock;
use crate::ids::SubjectId;
use crate::ledger::tests::{entry, run, settings};
use crate::ledger::{Entry, Ledger, read};
use crate::store::{Alias, AliasSource, Window};

/// Subjects of one response, and how many people there are.
const SUBJECTS: u64 = 3;
const PEOPLE: u64 = 50_000;

fn person(n: u64) -> SubjectId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(n % PEOPLE).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    SubjectId(id)
}

fn invented(n: u64) -> Entry {
    let base = entry(1);
    let subjects = (0..SUBJECTS).map(|of| person(n.wrapping_mul(7).wrapping_add(of * 13))).collect();
    Entry { unix_millis: base.unix_millis + n * 20, subjects, ..base }
}

fn seconds(since: Instant) -> f64 {
    Clock::system().instant().duration_since(since).as_secs_f64()
}

#[test]
#[ignore = "measures; its command stands at the head of the file"]
fn measure_the_index() {
    let records: u64 = std::env::var("TAVS_MEASURE").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let place = Place::new();
    let clock = Clock::system();
    run(async {
        let (ledger, _) = Ledger::open(settings(&place.ledger())).unwrap();
        let (mut n, begin) = (0, clock.instant());
        while n < records {
            let mut together = tokio::task::JoinSet::new();
            for _ in 0..1000.min(records - n) {
                n += 1;
                let (ledger, entry) = (ledger.clone(), invented(n));
                together.spawn(async move { ledger.append(&entry).await.unwrap() });
            }
            together.join_all().await;
        }
        println!("{records} records of {SUBJECTS} subjects appended in {:.2} s", seconds(begin));
    });

    let begin = clock.instant();
    assert_eq!(read(&place.ledger()).unwrap().count() as u64, records);
    let reading = seconds(begin);
    let begin = clock.instant();
    let mut feed = Feed::open(&place.ledger(), place.store.clone()).unwrap();
    while feed.step(u64::MAX).unwrap() {}
    let indexing = seconds(begin);
    let rate = records as f64 / indexing;
    println!("indexed in {indexing:.2} s: {rate:.0} records/s, {:.0} rows/s", rate * (SUBJECTS + 1) as f64);
    println!("  {:.1} times as long as reading and verifying alone", indexing / reading);
    let size = std::fs::metadata(place.store.path()).unwrap().len() as f64;
    println!("  {:.0} bytes of store a record", size / records as f64);

    let begin = clock.instant();
    let found = place.store.disclosures_of(&[person(7)]).unwrap().len();
    let report = seconds(begin);
    let begin = clock.instant();
    let all = Window { from: 0, to: u64::MAX };
    let volumes = place.store.volumes(all).unwrap().len();
    let scan = seconds(begin);
    println!("one person's {found} disclosures: {:.3} ms", report * 1e3);
    println!("  1/{:.0} of adding up every disclosure ({volumes} sums, {scan:.2} s)", scan / report);
    let begin = clock.instant();
    let mut affected = 0;
    place.store.each_affected("sms-reminders", all, |_| affected += 1).unwrap();
    println!("a recipient's {affected} people over everything: {:.2} s", seconds(begin));

    let aliases: Vec<Alias> = (0..records)
        .map(|n| Alias {
            subject: SubjectId(
                u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes(),
            ),
            same_as: person(n),
            source: AliasSource::Learnt,
            at: n,
        })
        .collect();
    let begin = clock.instant();
    place.store.put_aliases(&aliases).unwrap();
    println!("{records} aliases put in {:.2} s", seconds(begin));
    let begin = clock.instant();
    let mut loaded = 0_u64;
    place.store.each_alias(|_, _| loaded += 1).unwrap();
    println!("{loaded} aliases read in {:.2} s", seconds(begin));

    let people: Vec<SubjectId> = (0..30).map(person).collect();
    let begin = clock.instant();
    for n in 0..1000 {
        let who: Vec<SubjectId> = (0..30).map(|of| person(n * 30 + of)).collect();
        place.store.reserve("sms-reminders", &who, n, 1 << 40).unwrap();
    }
    println!("30 new subjects reserved: {:.0} us", seconds(begin) * 1e3);
    let begin = clock.instant();
    for n in 0..1000 {
        place.store.reserve("sms-reminders", &people, n, 1 << 40).unwrap();
    }
    println!("30 subjects that are reserved already: {:.0} us", seconds(begin) * 1e3);
}
