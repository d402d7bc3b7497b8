//! `tavs demo`: show everything in one process.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use jiff::civil::Date;

use crate::demo::{self, Options};

/// Show everything: sample clinics, the proxy with the shipped policies, five recipients.
///
/// Runs in one process and one temporary directory, with certificates of its own, and opens ports on
/// 127.0.0.1 only. All persons are invented.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON document with a list of promises; exit 1 if one is broken.
    #[arg(long)]
    json: bool,
    /// Keep running until ctrl-c, with commands to call the proxy.
    #[arg(long, conflicts_with = "json")]
    hold: bool,
    /// How long `--hold` lasts at most.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// The day that the demo plays on.
    #[arg(long, value_name = "DATE", default_value = "2026-03-01", value_parser = super::policy_files::day)]
    at: Date,
    /// The seed of the test patients.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args) -> u8 {
    let mut out = io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let options = Options {
        day: args.at,
        seed: args.seed,
        json: args.json,
        colour,
        hold: args.hold.then(|| Duration::from_secs(args.minutes.saturating_mul(60))),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return complain(&cause),
    };
    match runtime.block_on(demo::run(&options, &mut out)) {
        Ok(true) => super::GOOD,
        Ok(false) => super::FINDINGS,
        Err(cause) => complain(&cause),
    }
}

/// Says what went wrong and why, cause by cause.
fn complain(fault: &dyn std::error::Error) -> u8 {
    let mut talk = io::stderr().lock();
    let mut text = format!("tavs demo: {fault}");
    let mut cause = fault.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    // If standard error cannot be written there is nobody left to tell.
    drop(writeln!(talk, "{text}"));
    super::USAGE
}
