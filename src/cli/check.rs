//! `tavs check`: every mistake of every policy, in one run; with `--online`, what the configuration names
//! is tried, too.

mod online;

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::policy_files::{self, Checked, Colour, Format, count};
use crate::config::{Config, cross_check};
use crate::policy::codes;
use crate::policy::diagnostic::{Diagnostic, render, to_json};
use crate::policy::syntax::nearest;

/// Check policies: every mistake of every file in one run.
///
/// Exit code 0: no errors; 1: errors, or warnings under --deny-warnings; 2: wrong usage, or a path that
/// is not there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of *.toml: policies, and below `profiles` what they include.
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Check as of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// Explain a code, such as TAVS0102, with an example; checks nothing.
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
    /// Check a configuration with its policies, and try what it names: upstreams, certificates and
    /// revocation lists, keys, ledger, store, anchor, addresses. Changes nothing and sends no request, so
    /// that it may run beside `tavs serve`.
    #[arg(long, conflicts_with_all = ["paths", "at", "explain"])]
    online: bool,
    /// The configuration that --online tries (default: tavs.toml). Without --online: what the policies name of
    /// it, upstreams and trust anchors, must be there; keys and certificates are not needed.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How findings are written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Fail on warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// When to colour.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

pub(crate) fn run(args: &Args) -> u8 {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    if args.online {
        let config = args.config.as_deref().unwrap_or_else(|| Path::new("tavs.toml"));
        return online::run(config, args.format, args.deny_warnings, args.color);
    }
    let mut checked = match policy_files::load(&args.paths, args.at) {
        Ok(checked) => checked,
        Err(faults) => {
            super::complain(&faults);
            return super::USAGE;
        }
    };
    if let Some(config) = &args.config {
        against(config, &mut checked);
    }
    let Checked { files, diagnostics, .. } = &checked;
    let text = match args.format {
        Format::Json => to_json(diagnostics, files) + "\n",
        Format::Text => render(diagnostics, files, args.color.on_output()) + &sums(&checked) + "\n",
    };
    let errors = diagnostics.iter().any(|one| one.is_error() || args.deny_warnings);
    match super::show(&text) {
        super::GOOD if errors => super::FINDINGS,
        other => other,
    }
}

/// Adds what the policies name of a configuration that it has not, or why it cannot be read.
fn against(config: &Path, checked: &mut Checked) {
    match Config::read(config) {
        Ok(config) => {
            let found = checked.files.iter().flat_map(|file| cross_check(&config, None, file));
            checked.diagnostics.extend(found);
        }
        Err(findings) => {
            checked.files.extend(findings.files);
            checked.diagnostics.extend(findings.diagnostics);
        }
    }
}

/// `3 policies, 0 errors, 1 warning`.
fn sums(checked: &Checked) -> String {
    let errors = checked.diagnostics.iter().filter(|one| one.is_error()).count();
    let warnings = checked.diagnostics.iter().filter(|one: &&Diagnostic| !one.is_error()).count();
    let mut checked_files = count(checked.read, "policy", "policies");
    if checked.profiles > 0 {
        checked_files = format!("{checked_files}, {}", count(checked.profiles, "profile", "profiles"));
    }
    format!(
        "{checked_files}, {}, {}",
        count(errors, "error", "errors"),
        count(warnings, "warning", "warnings"),
    )
}

fn explain(id: &str) -> u8 {
    if let Some(code) = codes::find(id) {
        return super::show(&code.page());
    }
    let ids: Vec<String> = codes::all().map(|code| code.id.to_lowercase()).collect();
    let near = nearest(id, ids.iter().map(String::as_str)).map(str::to_uppercase);
    let hint = near.map_or_else(
        || String::from("; docs/diagnostics.md lists them"),
        |near| format!("; did you mean `{near}`?"),
    );
    super::complain(&format!("error: there is no code `{id}`{hint}\n"));
    super::USAGE
}
