//! `tavs test`: what policies promise of themselves.

mod lines;
mod run;

use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::json;

use self::run::Outcome;
use super::policies::{self, Checked, Format, count};
use crate::policy::diagnostic::{Diagnostic, render};

/// Run the tests that policies bring along.
///
/// Each `[[test]]` puts its input through its route, compares what comes out with `output`, and
/// looks for the values of `absent` in every form. Pseudonyms are made with throw-away keys that
/// never change, so that expected outputs stay as they are; they are of no use anywhere else.
/// Compared is the JSON without insignificant whitespace: order of members and text of numbers count.
///
/// Exit code 0: all passed; 1: some failed, or a policy has errors; 2: wrong usage, or a file that
/// cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of *.toml (all below, but hidden ones and `profiles`).
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Test as of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policies::day)]
    at: Option<Date>,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write what comes out to the `output` files instead of comparing; look at the changes before
    /// you commit them.
    #[arg(long)]
    update: bool,
}

pub(crate) fn run(args: &Args) -> u8 {
    let checked = match policies::load(&args.paths, args.at) {
        Ok(checked) => checked,
        Err(faults) => {
            super::complain(&faults);
            return super::USAGE;
        }
    };
    let errors: Vec<Diagnostic> = checked.diagnostics.iter().filter(|one| one.is_error()).cloned().collect();
    super::complain(&render(&errors, &checked.files, super::colour()));
    let refused = checked.files.len().saturating_sub(checked.policies.len());
    let mut outcomes = Vec::new();
    for policy in &checked.policies {
        outcomes.extend(run::policy(policy, args.update));
    }
    let text = match args.format {
        Format::Json => as_json(&outcomes),
        Format::Text => as_text(&outcomes, &checked, refused),
    };
    let failed = refused > 0 || outcomes.iter().any(Outcome::failed);
    match super::show(&text) {
        super::GOOD if failed => super::FINDINGS,
        other => other,
    }
}

fn as_text(outcomes: &[Outcome], checked: &Checked, refused: usize) -> String {
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
    if outcomes.iter().any(|outcome| outcome.differs) {
        text += "\nif the change is meant: `tavs test --update` writes the expected files anew; look at them";
    }
    text + "\n"
}

/// One object a test; members are added over time, never changed.
fn as_json(outcomes: &[Outcome]) -> String {
    let all: Vec<_> = outcomes
        .iter()
        .map(|one| {
            json!({
                "policy": one.file,
                "line": one.line,
                "name": one.name,
                "passed": !one.failed(),
                "updated": one.updated,
                "problems": one.problems,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(all))
}
