//! `tavs check --online`: what the configuration names, tried.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::{self, Online, Outcome, Tried};
use crate::cli::policy_files::{Colour, Format, count};
use crate::cli::{FINDINGS, GOOD, USAGE, complain, show};
use crate::clock::Clock;
use crate::config::Config;
use crate::policy::diagnostic::{Diagnostic, render, to_json};

pub(super) fn run(config: &Path, format: Format, deny_warnings: bool, colour: Colour) -> u8 {
    let online = match Config::read(config) {
        Ok(config) => match tried(&config) {
            Ok(online) => online,
            Err(error) => {
                complain(&format!("tavs check: cannot start threads: {error}\n"));
                return USAGE;
            }
        },
        Err(findings) => Online { findings, tried: Vec::new() },
    };
    let found = &online.findings.diagnostics;
    let text = match format {
        Format::Json => as_json(&online),
        Format::Text => render(found, &online.findings.files, colour.on_output()) + &lines(&online),
    };
    let errors = found.iter().any(|one| one.is_error() || deny_warnings);
    match show(&text) {
        GOOD if errors => FINDINGS,
        other => other,
    }
}

fn tried(config: &Config) -> std::io::Result<Online> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let online = runtime.block_on(app::online(config, &Clock::system()));
    // The system's resolver may still be at a name; its answer comes too late.
    runtime.shutdown_background();
    Ok(online)
}

/// A line for each thing, and a sum.
fn lines(online: &Online) -> String {
    let width = online.tried.iter().map(|one| one.what.len()).max().unwrap_or(0);
    let line = |one: &Tried| format!("{:<7}  {:<width$}  {}\n", word(one.outcome), one.what, one.said);
    let lines: String = online.tried.iter().map(line).collect();
    let found = &online.findings.diagnostics;
    let errors = found.iter().filter(|one| one.is_error()).count();
    let warnings = found.iter().filter(|one: &&Diagnostic| !one.is_error()).count();
    format!(
        "{lines}{} tried, {}, {}\n",
        count(online.tried.len(), "thing", "things"),
        count(errors, "error", "errors"),
        count(warnings, "warning", "warnings"),
    )
}

fn as_json(online: &Online) -> String {
    let Online { findings, tried } = online;
    let found: Value =
        serde_json::from_str(&to_json(&findings.diagnostics, &findings.files)).unwrap_or_default();
    let tried: Vec<Value> = tried
        .iter()
        .map(
            |one| json!({"what": one.what, "outcome": word(one.outcome), "said": one.said, "ends": one.ends}),
        )
        .collect();
    format!("{:#}\n", json!({"diagnostics": found, "tried": tried}))
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Warning => "warning",
        Outcome::Error => "error",
    }
}
