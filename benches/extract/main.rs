//! What an extract costs: NDJSON of FHIR through the shipped research policy, to tables and as whole records, on
//! one thread and two.
//!
//! `cargo bench --bench extract -- 100` writes 100 MB below the folder for temporary files (`TMPDIR`) and extracts
//! it; 1000 shows whether memory is flat. Patients, each with observations, all invented; what is timed is survey,
//! rewriting and staging, as `tavs extract` does before disclosure control. `cargo test --bench extract` only shows
//! that it runs.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark: its input is its own, it reads the time, and it prints figures to be read"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::civil::date;
use tavs::config::shipped_profiles;
use tavs::extract::input::{Input, PIECE};
use tavs::extract::run::{Ruled, Run, Settings};
use tavs::extract::source::Rows;
use tavs::policy::check::check;
use tavs::policy::checked::Policy;
use tavs::policy::plan::Plan;
use tavs::policy::syntax::SourceFile;
use tavs::pseudonym::KeyRing;
use tavs::subjects::Subjects;

/// Observations of one patient.
const OBSERVATIONS: u64 = 40;

fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse::<u64>().ok());
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let megabytes = asked.unwrap_or(if is_bench { 100 } else { 1 });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.ndjson");
    let lines = written(&path, megabytes * 1_000_000);
    let input = Input::open(&path, &Rows::default()).unwrap();
    println!("{} MB, {lines} lines", input.length() / 1_000_000);
    println!("output   threads  seconds    MB/s   lines/s  peak resident MB");
    let tables = policy();
    let mut records = tables.clone();
    records.extract.as_mut().unwrap().tables.clear();
    for (name, policy) in [("records", &records), ("tables", &tables)] {
        for threads in [1, 2] {
            let work = folder.path().join(format!("{name}-{threads}"));
            std::fs::create_dir(&work).unwrap();
            let took = extracted(policy, &input, threads, work, lines);
            println!(
                "{name:<8} {threads:>7} {took:>8.2} {:>7.1} {:>9.0} {:>17}",
                input.length() as f64 / 1e6 / took,
                lines as f64 / took,
                peak() / 1000
            );
        }
    }
}

fn policy() -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/research.toml");
    let file = SourceFile::new("research.toml", std::fs::read_to_string(path).unwrap());
    let (mut policies, _) = check(&[file.with(&shipped_profiles())], date(2026, 6, 1));
    policies.remove(0)
}

/// Seconds from the first byte to the last checkpoint.
fn extracted(policy: &Policy, input: &Input, threads: usize, work: PathBuf, lines: u64) -> f64 {
    let keys = KeyRing::throw_away([7; 32]);
    let extract = policy.extract.as_ref().unwrap();
    let routes: Vec<_> = extract.routes.iter().map(|route| &policy.routes[*route]).collect();
    let plans: Vec<Plan> = routes.iter().map(|route| Plan::compile(policy, route, &keys).unwrap()).collect();
    let ruled: Vec<Ruled<'_>> = plans
        .iter()
        .zip(&routes)
        .map(|(plan, route)| Ruled { plan, media_types: &route.response.media_types })
        .collect();
    let settings = Settings {
        threads,
        skips: false,
        resumes: false,
        checkpoint: 16 << 20,
        piece: PIECE,
        most: policy.limits.response,
    };
    let subjects = Subjects::default();
    let run =
        Run { policy, extract, plans: &ruled, subjects: &subjects, now: 1, salt: [7; 16], settings, work };
    let from = Instant::now();
    let staged = run.stage(std::slice::from_ref(input), &[], &mut |_| {}).unwrap();
    let took = from.elapsed().as_secs_f64();
    assert_eq!(staged.counts.routes[0].records, lines, "every record leaves");
    took
}

/// Writes so many bytes of patients and their observations; gives how many lines.
fn written(path: &Path, bytes: u64) -> u64 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut done, mut lines) = (0, 0);
    for patient in 0_u64.. {
        if done >= bytes {
            break;
        }
        let (day, month, year) = (patient % 28 + 1, patient / 28 % 12 + 1, patient / 336 % 70 + 30);
        // Invented: serials of which none is given out, and the patient's number on top.
        let cpr = format!("{day:02}{month:02}{year:02}{:04}", 9900 + patient / 23_520 % 100);
        let line = format!(
            r#"{{"resourceType":"Patient","id":"p{patient}","identifier":[{{"system":"urn:oid:1.2.208.176.1.2","value":"{cpr}"}}],"name":[{{"family":"Testsen","given":["Prøve"]}}],"gender":"female","birthDate":"19{year:02}-{month:02}-{day:02}","address":[{{"line":["Testvej {patient}"],"postalCode":"8000","city":"Aarhus"}}],"telecom":[{{"system":"phone","value":"20304050"}}]}}"#
        );
        writeln!(file, "{line}").unwrap();
        done += line.len() as u64 + 1;
        lines += 1;
        for n in 0..OBSERVATIONS {
            let line = format!(
                r#"{{"resourceType":"Observation","id":"o{patient}-{n}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"urn:oid:1.2.208.176.2.1","code":"NPU22089","display":"P-Glukose"}}],"text":"Glukose"}},"subject":{{"reference":"Patient/p{patient}"}},"effectiveDateTime":"2026-{month:02}-{day:02}T08:15:00+01:00","performer":[{{"reference":"Practitioner/d{n}"}}],"valueQuantity":{{"value":{}.{n},"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}},"note":[{{"text":"fastende, ringet fra 20304050"}}]}}"#,
                patient % 9 + 3
            );
            writeln!(file, "{line}").unwrap();
            done += line.len() as u64 + 1;
            lines += 1;
        }
    }
    file.flush().unwrap();
    lines
}

/// The most kilobytes that were resident at once.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
