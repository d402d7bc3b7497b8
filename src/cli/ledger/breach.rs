//! `tavs ledger breach`: what a recipient that has lost data had received.

use serde::Serialize;

use super::super::subject::finish;
use super::super::subject::report::Head;

/// Write what a recipient had received in a stretch of time: persons, categories of data, and by when the
/// authority must be told (GDPR art. 33, 34). The look-up is recorded.
///
/// Persons stand in it by keyed ids; the clinic's own list names them, or, for those whose number the
/// registry has sealed, --name-persons.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    head: Head,
    /// The recipient, as policies name it.
    #[arg(long, value_name = "NAME")]
    recipient: String,
    /// The first day, or a time such as 2026-03-04T14:30, in Danish time.
    #[arg(long, value_name = "DATE")]
    from: String,
    /// The last day, or a time.
    #[arg(long, value_name = "DATE")]
    to: String,
    /// When the clinic became aware of the breach: the 72 hours begin. [default: now]
    #[arg(long, value_name = "DATE")]
    known: Option<String>,
    /// Name those whose number the registry has.
    #[arg(long)]
    name_persons: bool,
}

#[derive(Serialize)]
struct Asked<'a> {
    recipient: &'a str,
    from: &'a str,
    to: &'a str,
    known_at: Option<&'a str>,
    names_persons: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let Args { head, recipient, from, to, known, name_persons } = args;
    let asked = Asked { recipient, from, to, known_at: known.as_deref(), names_persons: *name_persons };
    finish("ledger breach", head.ask("/v1/reports/breach", &asked))
}
