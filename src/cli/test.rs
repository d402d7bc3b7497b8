//! `tavs test`: what policies promise of themselves.

mod covered;
pub(in crate::cli) mod lines;
pub(in crate::cli) mod run;

use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::{Value, json};

use self::covered::Covered;
use self::run::{Also, Outcome};
use super::policy_files::{self, Checked, Format, count};
use crate::policy::diagnostic::{Diagnostic, render};

/// Run the tests that policies bring along.
///
/// Each `[[test]]` puts its input through its route, compares what comes out with `output`, and
/// looks for the values of `absent` in every form. Pseudonyms are made with throw-away keys that
/// never change, so that expected outputs stay as they are; they are of no use anywhere else.
/// Compared is the JSON without insignificant whitespace: order of members and text of numbers count.
///
/// Exit code 0: all passed; 1: some failed, too little is covered, or a policy has errors; 2: wrong usage, or a
/// file that cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of *.toml (all below but hidden ones).
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Test as of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write what comes out to the `output` files instead of comparing; look at the changes before
    /// you commit them.
    #[arg(long)]
    update: bool,
    /// Say which rules no test reaches, and which members of the inputs no rule decides.
    #[arg(long)]
    coverage: bool,
    /// Fail if the tests of a policy reach less than so many percent of its rules; implies --coverage.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage_threshold: Option<u8>,
    /// Look for the identifiers of each input in its output: CPR numbers, names, ids, phone numbers and e-mail
    /// addresses, and whatever the policy itself replaces. Those of fewer than four characters are passed over.
    #[arg(long)]
    generate: bool,
}

pub(crate) fn run(args: &Args) -> u8 {
    let checked = match policy_files::load(&args.paths, args.at) {
        Ok(checked) => checked,
        Err(faults) => {
            super::complain(&faults);
            return super::USAGE;
        }
    };
    let errors: Vec<Diagnostic> = checked.diagnostics.iter().filter(|one| one.is_error()).cloned().collect();
    super::complain(&render(&errors, &checked.files, super::colour()));
    let refused = checked.read.saturating_sub(checked.policies.len());
    let also = Also { update: args.update, generate: args.generate };
    let mut outcomes = Vec::new();
    let mut coverages = Vec::new();
    for policy in &checked.policies {
        let (results, coverage) = run::policy(policy, also);
        outcomes.extend(results);
        coverages.push(Covered::new(policy, &coverage));
    }
    let wants_coverage = args.coverage || args.coverage_threshold.is_some();
    let text = match args.format {
        Format::Json if wants_coverage => format!(
            "{:#}\n",
            json!({ "tests": as_json(&outcomes), "coverage": covered::as_json(&coverages) })
        ),
        Format::Json => format!("{:#}\n", as_json(&outcomes)),
        Format::Text => {
            let coverage = if wants_coverage { covered::as_text(&coverages) } else { String::new() };
            as_text(&outcomes, &checked, refused, args.generate) + &coverage
        }
    };
    let threshold = args.coverage_threshold.unwrap_or_default();
    let low: Vec<&Covered> = coverages.iter().filter(|one| one.percent() < u64::from(threshold)).collect();
    for covered in &low {
        super::complain(&format!(
            "error: the tests of `{}` reach {} % of its rules, and {threshold} % are wanted\n",
            covered.file,
            covered.percent(),
        ));
    }
    let failed = refused > 0 || !low.is_empty() || outcomes.iter().any(Outcome::failed);
    match super::show(&text) {
        super::GOOD if failed => super::FINDINGS,
        other => other,
    }
}

fn as_text(outcomes: &[Outcome], checked: &Checked, refused: usize, generated: bool) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let word = match (outcome.failed(), outcome.updated) {
            (true, _) => "FAILED ",
            (false, true) => "updated",
            (false, false) => "ok     ",
        };
        text += &format!("{word} {}  ({}:{})\n", outcome.name, outcome.file, outcome.line);
        for problem in &outcome.problems {
            text += &problem.lines().map(|line| format!("    {line}\n")).collect::<String>();
        }
    }
    for policy in checked.policies.iter().filter(|policy| policy.tests.is_empty()) {
        text += &format!("none    {} has no tests\n", policy.file);
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failed()).count();
    let passed = outcomes.len().saturating_sub(failed);
    text += &format!("{}, {passed} passed, {failed} failed", count(outcomes.len(), "test", "tests"));
    if refused > 0 {
        text += &format!("; {} not run because of errors", count(refused, "policy", "policies"));
    }
    if generated {
        let looked_for: usize = outcomes.iter().map(|outcome| outcome.identifiers).sum();
        text += &format!("; {} of the inputs looked for", count(looked_for, "identifier", "identifiers"));
    }
    if outcomes.iter().any(|outcome| outcome.differs) {
        text += "\nif the change is meant: `tavs test --update` writes the expected files anew; look at them";
    }
    text + "\n"
}

/// One object a test; members are added over time, never changed.
fn as_json(outcomes: &[Outcome]) -> Value {
    let all = outcomes
        .iter()
        .map(|one| {
            json!({
                "policy": one.file,
                "line": one.line,
                "name": one.name,
                "passed": !one.failed(),
                "updated": one.updated,
                "identifiers": one.identifiers,
                "problems": one.problems,
            })
        })
        .collect();
    Value::Array(all)
}
