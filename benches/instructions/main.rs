//! How many instructions the parts of an exchange take, counted by valgrind's cachegrind: the same on a busy
//! machine as on a quiet one, so that a change that makes one of them slower is seen when it is made.
//!
//! `cargo bench --profile instructions --bench instructions` prints a table beside the committed baseline
//! (`baseline.txt`) and fails where a part takes over [`TOLERANCE`] more; `-- --write` makes the baseline
//! anew. `cargo test --bench instructions` only shows that everything runs.
//!
//! A part is run some times and then more times: the difference is what it takes, without the start.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark: its input is its own, and it prints figures to be read"
)]

#[path = "../rewrite/documents.rs"]
mod documents;
mod parts;
#[path = "../rewrite/policy.rs"]
mod policy;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::parts::PARTS;

/// More than this over the baseline is a finding: what hashing with random keys and the order of
/// allocations change is a tenth of that. Another toolchain, C library or processor family wants a baseline of its
/// own.
const TOLERANCE: f64 = 0.03;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if let Some(name) = after("--one") {
        let times = after("--times").and_then(|times| times.parse().ok()).unwrap_or(1);
        let (_, _, part) = PARTS.iter().find(|(known, ..)| known == name).unwrap();
        part(times);
        return ExitCode::SUCCESS;
    }
    let given = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    if given("--quick") || !given("--bench") {
        PARTS.iter().for_each(|(_, _, part)| part(2));
        println!("all parts run");
        return ExitCode::SUCCESS;
    }
    let counted = |(name, times, _): &(&'static str, u64, fn(u64))| Ok((*name, count(name, *times)?));
    let counts: Vec<(&str, u64)> = match PARTS.iter().map(counted).collect::<Result<_, String>>() {
        Ok(counts) => counts,
        Err(failed) => {
            println!("{failed}");
            return ExitCode::from(2);
        }
    };
    if given("--write") {
        let lines = counts.iter().fold(String::new(), |mut lines, (name, count)| {
            writeln!(lines, "{count:>9} {name}").unwrap();
            lines
        });
        std::fs::write(baseline_file(), lines).unwrap();
    }
    if !compare(&counts, &baseline()) {
        println!(
            "a part takes over 3 % more than benches/instructions/baseline.txt says; where that has its reason, write it anew: -- --write"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Instructions of one run of a part.
fn count(name: &str, times: u64) -> Result<u64, String> {
    let (few, many) = (counted(name, times)?, counted(name, times * 3)?);
    Ok(many.saturating_sub(few) / (times * 2))
}

fn counted(name: &str, times: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--one", name, "--times", &times.to_string()])
        // What the C library chooses by processor is the same everywhere.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX512F,-ERMS,-FSRM")
        .output()
        .map_err(|error| format!("valgrind cannot be run ({error}): `apt-get install valgrind`"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let refs = said.lines().find(|line| line.contains("refs:")).and_then(|line| line.rsplit(' ').next());
    refs.and_then(|refs| refs.replace(',', "").parse().ok())
        .ok_or_else(|| format!("valgrind did not count `{name}`:\n{said}"))
}

fn baseline_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/baseline.txt")
}

fn baseline() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(baseline_file()).unwrap_or_default();
    let line = |line: &str| {
        let (count, name) = line.trim().split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// Prints the table; says whether all are within the tolerance.
fn compare(counts: &[(&str, u64)], baseline: &BTreeMap<String, u64>) -> bool {
    println!("{:<32} {:>12} {:>12}  change", "part", "instructions", "baseline");
    let mut good = true;
    for (name, count) in counts {
        let Some(before) = baseline.get(*name) else {
            println!("{name:<32} {count:>12} {:>12}  not in the baseline", "");
            good = false;
            continue;
        };
        let change = *count as f64 / *before as f64 - 1.0;
        let word = if change > TOLERANCE {
            good = false;
            "  worse"
        } else if change < -TOLERANCE {
            "  better: write the baseline anew"
        } else {
            ""
        };
        println!("{name:<32} {count:>12} {before:>12}  {:+.1} %{word}", change * 100.0);
    }
    good
}
