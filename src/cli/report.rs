//! `tavs report`: reports about no one person.

mod policies;

use serde::Serialize;

use super::subject::finish;
use super::subject::report::Head;
use crate::reports::PolicyReportKind;

/// Write a report about the clinic's disclosures.
///
/// About one person, `tavs subject report` writes; of what a breach could have reached, `tavs ledger breach`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Supervision(Supervision),
    /// Write the record of processing activities that the policies make (GDPR art. 30(1)).
    Processing(policies::Args),
    /// Write, by recipient: categories, grounds, transfers, safeguards and what risk is left (art. 32, 35).
    Risk(policies::Args),
    /// Write who gets which member in which form.
    Matrix(policies::Args),
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
    match &args.command {
        Command::Supervision(Supervision { head, month, verify }) => {
            let asked = Asked { month, verify: *verify };
            finish("report supervision", head.ask("/v1/reports/supervision", &asked))
        }
        Command::Processing(args) => policies::run(args, PolicyReportKind::Processing),
        Command::Risk(args) => policies::run(args, PolicyReportKind::Risk),
        Command::Matrix(args) => policies::run(args, PolicyReportKind::Matrix),
    }
}
