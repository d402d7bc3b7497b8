//! `tavs policy list`.

use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::cli::policy_files::{self, Format, count};
use crate::policy::checked::{Policy, TransferGround};
use crate::policy::diagnostic::Diagnostic;
use crate::policy::words;

/// List who receives what, on which basis, where and until when.
///
/// Exit code 0: good; 1: a policy has errors, and is not listed; 2: wrong usage, or a file that cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of *.toml (all below, but hidden ones and `profiles`).
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// As of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// How the list is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> u8 {
    let checked = match policy_files::load(&args.paths, args.at) {
        Ok(checked) => checked,
        Err(faults) => {
            crate::cli::complain(&faults);
            return crate::cli::USAGE;
        }
    };
    let refused = checked.diagnostics.iter().any(Diagnostic::is_error);
    if refused {
        crate::cli::complain("error: policies with errors are not listed; `tavs check` names them\n");
    }
    let text = match args.format {
        Format::Json => format!("{:#}\n", checked.policies.iter().map(as_json).collect::<Value>()),
        Format::Text => checked.policies.iter().map(as_text).collect(),
    };
    match crate::cli::show(&text) {
        crate::cli::GOOD if refused => crate::cli::FINDINGS,
        other => other,
    }
}

/// `GET /appointments`, for each method.
fn routes(policy: &Policy) -> Vec<String> {
    let routes = policy.routes.iter();
    let call = |methods: Vec<&str>, path: &str| format!("{} {path}", methods.join(", "));
    routes
        .map(|route| call(route.methods.iter().map(|method| method.as_str()).collect(), &route.path_text))
        .collect()
}

fn as_text(policy: &Policy) -> String {
    let ground = |ground: &TransferGround| format!(" by {}", words::ground(ground.kind));
    let basis: Vec<&str> = policy.purpose.basis.iter().map(|basis| basis.id).collect();
    format!(
        "{id}: {name} ({relation}), {country}{ground}\n    file     {file}\n    purpose  {purpose} ({category}), {basis}\n    \
         until    {expires}, to be reviewed {review}\n    tests    {tests}\n{routes}",
        id = policy.recipient.id,
        name = policy.recipient.name,
        relation = words::relation(policy.recipient.relation),
        country = policy.transfer.country,
        ground = policy.transfer.ground.as_ref().map(ground).unwrap_or_default(),
        file = policy.file,
        purpose = policy.purpose.id,
        category = words::category(policy.purpose.category),
        basis = basis.join(", "),
        expires = policy.agreement.expires,
        review = policy.agreement.review,
        tests = count(policy.tests.len(), "test", "tests"),
        routes = routes(policy).iter().map(|route| format!("    may      {route}\n")).collect::<String>(),
    )
}

/// One object a policy; members are added over time, never changed.
fn as_json(policy: &Policy) -> Value {
    let ground = policy.transfer.ground.as_ref();
    json!({
        "recipient": policy.recipient.id.to_string(),
        "name": policy.recipient.name,
        "relation": words::relation(policy.recipient.relation),
        "file": policy.file,
        "version": policy.version.to_string(),
        "purpose": policy.purpose.id.to_string(),
        "category": words::category(policy.purpose.category),
        "basis": policy.purpose.basis.iter().map(|basis| basis.id).collect::<Vec<_>>(),
        "country": policy.transfer.country,
        "ground": ground.map(|ground| words::ground(ground.kind)),
        "reference": policy.agreement.reference,
        "review": policy.agreement.review.to_string(),
        "expires": policy.agreement.expires.to_string(),
        "routes": routes(policy),
        "tests": policy.tests.len(),
    })
}
