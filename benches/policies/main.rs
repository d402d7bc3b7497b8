//! What checking many policies costs: a thousand of a hundred rules, from files to policies that could serve.
//!
//! `cargo bench --bench policies` reports milliseconds, the least and the median of some rounds: the time on the
//! wall of reading the folder, and of `check` over all of it, which uses as many threads as there are
//! processors (`taskset -c 0,1` for two). Half of the policies stand on the shipped FHIR profiles, as real ones do, where
//! `--include` asks for it. `--write FOLDER` leaves the policies there, for `tavs check` itself and for `perf`.
//! `cargo test --bench policies` shows that all of it runs; nothing asserts a time.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark: its input is its own, it reads the time, and it prints"
)]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use jiff::civil::date;
use tavs::config::{SHIPPED_FOLDERS, SHIPPED_PROFILES, policy_paths, read_profiles};
use tavs::policy::check::check;
use tavs::policy::syntax::SourceFile;

const POLICIES: usize = 1_000;
const RULES: usize = 100;
const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test` gives no argument, `cargo bench` this one.
    let quick = has("--quick") || !has("--bench");
    let (policies, rounds) = if quick { (40, 1) } else { (POLICIES, ROUNDS) };
    let written = arguments.iter().position(|argument| argument == "--write");
    let kept = written.and_then(|at| arguments.get(at.saturating_add(1)));
    let folder = tempfile::tempdir().unwrap();
    let folder = kept.map_or_else(|| folder.path(), Path::new);
    write(folder, policies, has("--include"));
    if kept.is_some() {
        return;
    }
    let (mut reading, mut checking) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = Instant::now();
        let files = read(folder);
        reading.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        let (good, found) = check(black_box(&files), date(2026, 6, 1));
        checking.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(good.len() == policies && found.is_empty(), "{found:#?}");
    }
    println!("{policies} policies of {RULES} rules, {} B the first", text(0, false).len());
    for (what, all) in [("read", reading), ("check", checking)] {
        println!("{what:<6} least {:>6.0} ms, median {:>6.0} ms", least(&all), median(all.clone()));
    }
}

fn least(all: &[f64]) -> f64 {
    all.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn read(folder: &Path) -> Vec<SourceFile> {
    let profiles = read_profiles(folder);
    let file = |path: &std::path::PathBuf| {
        SourceFile::new(path.display().to_string(), fs::read_to_string(path).unwrap()).with(&profiles)
    };
    policy_paths(folder).unwrap().iter().map(file).collect()
}

fn write(folder: &Path, policies: usize, include: bool) {
    for name in SHIPPED_FOLDERS {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for (name, text) in SHIPPED_PROFILES {
        fs::write(folder.join(name), text).unwrap();
    }
    for number in 0..policies {
        fs::write(
            folder.join(format!("recipient-{number:04}.toml")),
            text(number, include && number % 2 == 0),
        )
        .unwrap();
    }
}

/// A policy of two routes with a hundred rules of all common forms, two in ten below a filter.
fn text(number: usize, include: bool) -> String {
    let mut text = HEAD.replace("<n>", &number.to_string());
    if include {
        text = text.replace("policy = 1\n", "policy  = 1\ninclude = [\"profiles/fhir.toml\"]\n");
        text += FHIR;
    }
    for route in 0..2 {
        write!(text, "{}", ROUTE.replace("<r>", &route.to_string())).unwrap();
        for rule in 2..RULES / 2 {
            let (part, kind) = (rule / 8, rule % 5);
            let place = match rule % 10 {
                8 | 9 => format!("$.records[*].parts[?@.kind=='k{kind}'].value{rule}"),
                _ => format!("$.records[*].part{part}.member{rule}"),
            };
            writeln!(text, "\"{place}\" = {}", FORMS[rule % FORMS.len()]).unwrap();
        }
    }
    text
}

const FORMS: [&str; 10] = [
    "\"keep\"",
    "{ pseudonymise = \"id\", type = \"Thing\" }",
    "\"keep\"",
    "{ mask = \"first-word\" }",
    "{ generalise = \"year\", reference = 2026-01-01 }",
    "\"keep\"",
    "{ keep = true, number = \"not-cpr\" }",
    "{ replace = \"x\" }",
    "{ scan = [\"phone\", \"email\"] }",
    "\"keep\"",
];

const HEAD: &str = r#"policy = 1

[recipient]
id       = "recipient-<n>"
name     = "Recipient <n> ApS"
relation = "processor"
contact  = "gdpr@recipient-<n>.example"

[identity]
anchor      = "partners"
certificate = { uri = "urn:tavs:recipient:recipient-<n>" }

[agreement]
reference = "DBA-2026-<n>"
signed    = 2026-01-15
review    = 2027-01-15
expires   = 2028-01-14

[purpose]
id        = "appointment-reminders"
category  = "service"
basis     = ["gdpr-6-1-b", "gdpr-9-2-h"]
consent   = "not-required"
retention = "30 days"

[transfer]
country = "DK"

[pseudonyms]
domain = "recipient-<n>"
"#;

const ROUTE: &str = r#"
[[route]]
name     = "records-<r>"
methods  = ["GET"]
path     = "/records/<r>"
upstream = "booking"

[route.response]
record  = "$.records[*]"
subject = ["$.patient.cpr"]

[route.response.members]
"$.records[*].patient.cpr" = "pseudonymise"
"$.total" = "keep"
"#;

/// A route over the shapes of the shipped profiles.
const FHIR: &str = r#"
[[route]]
name     = "fhir"
methods  = ["GET"]
path     = "/fhir/Patient"
upstream = "emr"

[route.response]
content-types = ["application/fhir+json"]
record        = "$.entry[*]"
shapes        = ["Bundle", "Patient", "Observation", "Condition", "Encounter", "Practitioner"]
"#;
