//! What the index and the registry cost at a size that a group of clinics reaches in years: rows
//! indexed a second, the time of one subject's report with the database's plan, the other queries of
//! reports, and the memory of who is who and whose data may leave.
//!
//! `cargo bench --bench index` measures 10^6 disclosures over 10^5 subjects, and 10^6 subjects with an
//! alias and a right each (about 1.5 GB of disk below the folder for temporary files, `TMPDIR`);
//! `cargo test --bench index`, or `-- --quick`, only shows at a hundredth of that size that all runs and
//! that what is found is what was put in.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark: its input is its own, it reads the time, and it prints figures to be read"
)]

use std::hint::black_box;
use std::time::Instant;

use tavs::ids::{ExchangeId, PolicyVersion, SubjectId};
use tavs::reports::{Format, Frame, Language, Month, Person, Role, SubjectAsk, SubjectReport};
use tavs::store::{
    Alias, AliasSource, Exchange, IndexRow, NewChange, Policy, PolicyRule, Position, RightKind, Store, Window,
};
use tavs::subjects::Subjects;

const LOG: [u8; 16] = [5; 16];
/// 1 November 2026 in Denmark.
const BEGIN: u64 = 1_793_487_600_000;
/// Between two disclosures: 10^6 of them take 35 days.
const APART: u64 = 3_000;
const RECIPIENTS: [&str; 4] = ["sms-reminders", "bookkeeping", "research", "lab"];
/// Every tenth response is a list of this many persons; the others are about one.
const LIST: u64 = 10;
/// Rows of the index in one step, as when the ledger is followed.
const BATCH: usize = 2048;
/// Reports whose median is given.
const REPORTS: u64 = 201;

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let quick = given("--quick") || !given("--bench");
    let size = if quick { 10_000 } else { 1_000_000 };
    let folder = tempfile::tempdir().unwrap();
    memory(&folder.path().join("subjects.db"), size);
    index(&folder.path().join("index.db"), size, size / 10);
}

/// The memory of aliases and rights, measured first: nothing else has been freed by then that it could
/// take.
fn memory(path: &std::path::Path, subjects: u64) {
    let store = Store::open_or_make(path).unwrap();
    let from = Instant::now();
    let numbers: Vec<u64> = (0..subjects).collect();
    for part in numbers.chunks(100_000) {
        let alias = |n: &u64| Alias {
            subject: id(*n, 2),
            same_as: id(*n, 1),
            source: AliasSource::Learnt,
            at: BEGIN,
        };
        assert_eq!(store.put_aliases(&part.iter().map(alias).collect::<Vec<_>>()).unwrap(), part.len());
    }
    println!("{subjects} aliases put: {:.0} a second", rate(subjects, from));

    let from = Instant::now();
    for begins in (1..=subjects).step_by(BATCH) {
        let ends = (begins + BATCH as u64 - 1).min(subjects);
        let rows: Vec<IndexRow> = (begins..=ends).map(change).collect();
        store.apply(begins, &rows, Position { log: LOG, sequence: ends, hash: [0; 32] }).unwrap();
    }
    println!("{subjects} registry changes put back from records: {:.0} a second", rate(subjects, from));
    drop(numbers);

    // The database's own cache is filled by then.
    store.each_alias(|one, other| _ = black_box((one, other))).unwrap();
    store.each_change(0, |change| _ = black_box(change)).unwrap();
    let (before, from) = (resident(), Instant::now());
    let known = Subjects::load(&store).unwrap();
    let (took, after) = (from.elapsed(), resident());
    let (tied, persons) = known.sizes();
    assert_eq!((tied as u64, persons as u64), (subjects, subjects));
    println!(
        "loaded in {:.2} s: {} MB, {:.0} bytes a subject with one alias and one right",
        took.as_secs_f64(),
        after.saturating_sub(before) / 1_000_000,
        after.saturating_sub(before) as f64 / subjects as f64,
    );
    let from = Instant::now();
    for n in 0..subjects {
        assert_eq!(black_box(known.person(id(n, 2))), id(n, 1));
    }
    println!("who is who: {:.0} ns an id\n", from.elapsed().as_nanos() as f64 / subjects as f64);
}

/// Indexes disclosures, and asks what reports ask.
fn index(path: &std::path::Path, disclosures: u64, subjects: u64) {
    let store = Store::open_or_make(path).unwrap();
    let policies: Vec<IndexRow> = (1..).zip(RECIPIENTS).map(|(n, recipient)| policy(n, recipient)).collect();
    let heads = policies.len() as u64;
    store.apply(1, &policies, Position { log: LOG, sequence: heads, hash: [0; 32] }).unwrap();
    let (mut taken, mut rows_in_all) = (0.0, 0);
    for begins in (1..=disclosures).step_by(BATCH) {
        let ends = (begins + BATCH as u64 - 1).min(disclosures);
        let rows: Vec<IndexRow> = (begins..=ends).map(|n| disclosure(n, heads + n, subjects)).collect();
        rows_in_all += rows.iter().map(rows_of).sum::<u64>();
        let from = Instant::now();
        let upto = Position { log: LOG, sequence: heads + ends, hash: [0; 32] };
        store.apply(heads + begins, &rows, upto).unwrap();
        taken += from.elapsed().as_secs_f64();
    }
    let size = std::fs::metadata(path).unwrap().len() as f64 / disclosures as f64;
    println!("{disclosures} disclosures about {subjects} subjects indexed in {taken:.1} s");
    println!(
        "  {:.0} disclosures a second, {:.0} rows a second",
        disclosures as f64 / taken,
        rows_in_all as f64 / taken
    );
    println!("  {size:.0} bytes of store a disclosure");

    println!("one subject's disclosures, as the database finds them:");
    for step in store.plan_of_disclosures().unwrap() {
        println!("  {step}");
    }
    let all = Window { from: 0, to: u64::MAX >> 1 };
    let from = Instant::now();
    let volumes: u64 = store.volumes(all).unwrap().iter().map(|one| one.exchanges).sum();
    let whole = from.elapsed().as_secs_f64();
    assert_eq!(volumes, disclosures);

    let (mut reading, mut rendering, mut found) = (Vec::new(), Vec::new(), 0);
    for n in 0..REPORTS {
        let who = id(n * 7919 % subjects, 1);
        let from = Instant::now();
        let report = SubjectReport::read(&store, ask(who)).unwrap();
        reading.push(from.elapsed().as_secs_f64() * 1e3);
        let from = Instant::now();
        black_box(report.render(Format::Html, Language::Da).unwrap());
        rendering.push(from.elapsed().as_secs_f64() * 1e3);
        found += report.render(Format::Csv, Language::Da).unwrap().lines().count() - 1;
    }
    let (read, written) = (median(&mut reading), median(&mut rendering));
    println!(
        "one subject's report ({:.0} disclosures): read in {read:.2} ms, written in {written:.2} ms",
        found as f64 / REPORTS as f64
    );
    println!("  1/{:.0} of adding up every disclosure ({whole:.2} s)", whole * 1e3 / read);

    let month = Month::parse("2026-11").unwrap().window();
    let from = Instant::now();
    let volumes = store.volumes(month).unwrap().len();
    println!("a month's volumes ({volumes} sums): {:.2} s", from.elapsed().as_secs_f64());
    let (from, mut affected) = (Instant::now(), 0_u64);
    let day = Window { from: BEGIN, to: BEGIN + 86_400_000 };
    store.each_affected("sms-reminders", day, |_| affected += 1).unwrap();
    println!(
        "whom a recipient was told about on one day ({affected} persons): {:.1} ms",
        from.elapsed().as_secs_f64() * 1e3
    );
}

/// A different id for each number and kind, spread as a MAC's are.
fn id(n: u64, kind: u64) -> SubjectId {
    let mut id = [0; 16];
    for (half, salt) in id.chunks_exact_mut(8).zip([kind, kind + 10]) {
        // The finaliser of SplitMix64.
        let mut mixed =
            (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd134_2543_de82_ef95);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        half.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    SubjectId(id)
}

fn version(recipient: u64) -> PolicyVersion {
    PolicyVersion([u8::try_from(recipient % 4).unwrap(); 32])
}

fn policy(sequence: u64, recipient: &str) -> IndexRow {
    let rule = |rule, location: &str, form: &str| PolicyRule {
        route: "appointments".to_owned(),
        rule,
        location: location.to_owned(),
        form: form.to_owned(),
    };
    IndexRow::Policy(Policy {
        sequence,
        at: BEGIN,
        policy: version(sequence - 1),
        recipient: recipient.to_owned(),
        name: recipient.to_owned(),
        relation: "processor".to_owned(),
        purpose: "appointment-reminders".to_owned(),
        category: "service".to_owned(),
        basis: vec!["gdpr-6-1-b".to_owned(), "gdpr-9-2-h".to_owned()],
        country: "DK".to_owned(),
        ground: None,
        retention: Some("30 days".to_owned()),
        agreement: "DBA-2026-007".to_owned(),
        who: None,
        rules: vec![
            rule(0, "$.appointments[*].start", "keep"),
            rule(1, "$.appointments[*].patient.mobil", "keep"),
            rule(2, "$.appointments[*].patient.navn", "mask first-word"),
            rule(3, "$.appointments[*].patient.cpr", "pseudonymise cpr"),
        ],
    })
}

fn disclosure(n: u64, sequence: u64, subjects: u64) -> IndexRow {
    let at = BEGIN + n * APART;
    let persons = if n.is_multiple_of(10) { LIST } else { 1 };
    let mut random = [0; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    IndexRow::Exchange(Exchange {
        sequence,
        at,
        kind: "disclosure".into(),
        exchange: ExchangeId::new(at, random),
        recipient: (*RECIPIENTS.iter().cycle().nth((n % 4) as usize).unwrap()).into(),
        policy: version(n),
        route: Some("appointments".into()),
        purpose: "appointment-reminders".into(),
        basis: vec!["gdpr-6-1-b".into(), "gdpr-9-2-h".into()],
        country: "DK".into(),
        status: 200,
        outcome: "released".into(),
        bytes: 318,
        subjects: (0..persons).map(|of| id((n * 31 + of * 17) % subjects, 1)).collect(),
        released: vec![(0, persons), (1, persons), (2, persons), (3, persons)],
        withheld: 9,
        unfit: 0,
        cpr_in_text: 0,
        records: persons,
        records_withheld: 0,
    })
}

const fn rows_of(row: &IndexRow) -> u64 {
    match row {
        IndexRow::Exchange(exchange) => 1 + exchange.subjects.len() as u64,
        IndexRow::Policy(_) | IndexRow::Act(_) | IndexRow::Change { .. } => 1,
    }
}

/// A consent of each subject.
fn change(number: u64) -> IndexRow {
    let change = NewChange {
        subject: id(number - 1, 1),
        kind: RightKind::Consent,
        purpose: Some("product-improvement".to_owned()),
        recipient: None,
        begun: true,
        at: BEGIN,
        until: None,
        reason: "given at registration".to_owned(),
        who: "booking system".to_owned(),
        sealed_cpr: None,
    };
    IndexRow::Change { sequence: number, number, ids: vec![change.subject], change: Box::new(change) }
}

fn ask(who: SubjectId) -> SubjectAsk {
    let frame = Frame { controller: None, made: BEGIN, by: "officer".to_owned(), reference: None };
    let person = Person { role: Role::Own, name: None, cpr: None, ids: vec![who] };
    SubjectAsk { frame, persons: vec![person], since: None, names_staff: false }
}

fn rate(count: u64, from: Instant) -> f64 {
    count as f64 / from.elapsed().as_secs_f64()
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Bytes of this process in memory; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
