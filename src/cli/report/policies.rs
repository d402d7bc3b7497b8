//! Reports from policies alone: they need no configuration, no ledger and no key.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::cli::policy_files::{self, Checked};
use crate::cli::subject::report::Language;
use crate::cli::{FINDINGS, USAGE, complain, show};
use crate::clock::Clock;
use crate::policy::check::is_lapse;
use crate::policy::running::PolicySet;
use crate::pseudonym::KeyRing;
use crate::reports::{self, Frame, PolicyReport, PolicyReportFormat, PolicyReportKind};

/// What a report from policies takes. A policy with an error in it stops the report.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, or folders of *.toml.
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// As of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// The report's form.
    #[arg(long, value_enum, default_value_t = Form::Html)]
    format: Form,
    /// The report's language.
    #[arg(long, value_enum, default_value_t = Language::Da)]
    language: Language,
    /// Who is answerable: the clinic's name and address, as it is to stand in the report.
    #[arg(long, value_name = "TEXT")]
    controller: Option<String>,
    /// The case that it belongs to, as it is to stand in the report.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// Who makes it. [default: the user's name]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    /// A page to print.
    Html,
    /// For a wiki or a review.
    Markdown,
    /// For programs.
    Json,
}

pub(super) fn run(args: &Args, kind: PolicyReportKind) -> u8 {
    match report(args, kind) {
        Ok(text) => show(&text),
        Err((code, text)) => {
            complain(&text);
            code
        }
    }
}

fn report(args: &Args, kind: PolicyReportKind) -> Result<String, (u8, String)> {
    let clock = Clock::system();
    let day = args.at.unwrap_or_else(|| clock.today());
    let Checked { policies, diagnostics, read, .. } =
        policy_files::load(&args.paths, Some(day)).map_err(|faults| (USAGE, faults))?;
    // What has lapsed is reported as that: an auditor asks about it most of all.
    let errors = diagnostics.iter().filter(|one| one.is_error() && !is_lapse(one.code)).count();
    if errors > 0 || policies.len() < read {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        let text =
            format!("error: the policies have mistakes: `tavs check {}` shows them\n", paths.join(" "));
        return Err((FINDINGS, text));
    }
    // What leaves does not depend on keys.
    let set = PolicySet::build(policies, &KeyRing::throw_away([0; 32])).map_err(|faults| {
        (FINDINGS, faults.iter().map(|fault| format!("error: {fault}\n")).collect::<String>())
    })?;
    let user = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    let frame = Frame {
        controller: args.controller.clone(),
        made: clock.unix_millis(),
        by: args.who.clone().or_else(user).unwrap_or_default(),
        reference: args.reference.clone(),
    };
    let report = PolicyReport::of(kind, frame, day, set.iter());
    let format = match args.format {
        Form::Html => PolicyReportFormat::Html,
        Form::Markdown => PolicyReportFormat::Markdown,
        Form::Json => PolicyReportFormat::Json,
    };
    let language = match args.language {
        Language::Da => reports::Language::Da,
        Language::En => reports::Language::En,
    };
    report.render(format, language).map_err(|error| (USAGE, format!("error: {error}\n")))
}
