//! `tavs report`: reports about no one person.

use serde::Serialize;

use super::subject::finish;
use super::subject::report::Head;

/// Write a report about the clinic's disclosures.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Supervision(Supervision),
}

/// Write a month's supervision report: volumes, refusals, look-ups, changes, agreements that are due, and
/// whether the records are whole. The look-up is recorded.
#[derive(Debug, clap::Args)]
struct Supervision {
    #[command(flatten)]
    head: Head,
    /// Which month, such as 2026-03.
    #[arg(long, value_name = "MONTH")]
    month: String,
    /// Verify the whole ledger for it: some seconds for each million records.
    #[arg(long)]
    verify: bool,
}

#[derive(Serialize)]
struct Asked<'a> {
    month: &'a str,
    verify: bool,
}

pub(crate) fn run(args: &Args) -> u8 {
    let Command::Supervision(Supervision { head, month, verify }) = &args.command;
    finish("report supervision", head.ask("/v1/reports/supervision", &Asked { month, verify: *verify }))
}
