//! `tavs ledger export`: records of a time or a recipient, for another program.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use data_encoding::HEXLOWER;

use super::super::{GOOD, USAGE, complain};
use super::{Which, refuse};
use crate::clock::Clock;
use crate::ids::SubjectId;
use crate::ledger::{Act, Entry, Event, LedgerError, PolicyRecord, Record, read_prefix};

/// Write a ledger's records to standard output, for a spreadsheet or another program. The proxy may be
/// running.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// The form: one JSON object a line as it stands in the ledger, or a table of what most ask for.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// The first moment: a Danish date or time (2026-03-04T12:00), or an RFC 3339 time.
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<u64>,
    /// The last Danish date, that day included, or the first time that is left out.
    #[arg(long, value_name = "TIME", value_parser = to)]
    to: Option<u64>,
    /// Records about this recipient only.
    #[arg(long, value_name = "ID")]
    recipient: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

fn from(text: &str) -> Result<u64, String> {
    millis(text, false)
}

fn to(text: &str) -> Result<u64, String> {
    millis(text, true)
}

fn millis(text: &str, at_end: bool) -> Result<u64, String> {
    let millis = match text.parse::<jiff::Timestamp>() {
        Ok(time) => u64::try_from(time.as_millisecond()).ok(),
        Err(_no_zone) => Clock::system().written(text, at_end),
    };
    millis.ok_or_else(|| {
        "a Danish date, 2026-03-04, or time, 2026-03-04T12:00, or one with its zone, 2026-03-04T12:00:00Z"
            .to_owned()
    })
}

pub(crate) fn run(args: &Args) -> u8 {
    let directory = match args.which.find() {
        Ok((directory, _)) => directory,
        Err(code) => return code,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let exported = read_prefix(&directory).map_err(Stopped::from).and_then(|records| {
        if args.format == Format::Csv {
            row(&mut out, &COLUMNS.map(str::to_owned))?;
        }
        for record in records {
            let record = record?;
            if wanted(args, &record) {
                write(&mut out, args.format, &record)?;
            }
        }
        Ok(out.flush()?)
    });
    match exported {
        Ok(()) => GOOD,
        Err(Stopped::Ledger(error)) => {
            complain("what was written is not all\n");
            refuse("export", &error)
        }
        Err(Stopped::Output(error)) => {
            complain(&format!("tavs ledger export: cannot write: {error}\n"));
            USAGE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

fn wanted(args: &Args, record: &Record) -> bool {
    let (at, recipient) = match &record.event {
        Event::Exchange(entry) => (entry.unix_millis, Some(entry.grounds.recipient.as_str())),
        Event::Act(act) => (act.unix_millis, act.recipient.as_deref()),
        Event::Policy(policy) => (policy.unix_millis, Some(policy.recipient.as_str())),
    };
    args.from.is_none_or(|from| at >= from)
        && args.to.is_none_or(|to| at < to)
        && args.recipient.as_deref().is_none_or(|wanted| recipient == Some(wanted))
}

fn write(out: &mut impl Write, format: Format, record: &Record) -> io::Result<()> {
    match format {
        Format::Jsonl => writeln!(out, "{}", record.to_json()),
        Format::Csv => row(out, &cells(record)),
    }
}

const COLUMNS: [&str; 20] = [
    "seq",
    "time",
    "kind",
    "recipient",
    "policy",
    "purpose",
    "basis",
    "country",
    "subjects",
    "exchange",
    "route",
    "status",
    "outcome",
    "bytes",
    "records",
    "records-withheld",
    "withheld",
    "what",
    "who",
    "why",
];

/// The cells of a record; those that its kind does not have stay empty.
fn cells(record: &Record) -> [String; COLUMNS.len()] {
    let mut cells = [const { String::new() }; COLUMNS.len()];
    let mut set = |name: &str, value: String| {
        let cell = COLUMNS.iter().position(|column| *column == name).and_then(|at| cells.get_mut(at));
        if let Some(cell) = cell {
            *cell = value;
        }
    };
    set("seq", record.sequence.to_string());
    match &record.event {
        Event::Exchange(entry) => exchange(entry, &mut set),
        Event::Act(act) => acted(act, &mut set),
        Event::Policy(policy) => version(policy, &mut set),
    }
    cells
}

fn exchange(entry: &Entry, set: &mut impl FnMut(&str, String)) {
    let grounds = &*entry.grounds;
    set("time", time(entry.unix_millis));
    set("kind", entry.kind.word().to_owned());
    set("recipient", grounds.recipient.to_string());
    set("policy", grounds.policy.to_string());
    set("purpose", grounds.purpose.to_string());
    set("basis", grounds.basis.join(" "));
    set("country", grounds.country.to_string());
    set("subjects", subjects(&entry.subjects));
    set("exchange", entry.exchange.to_string());
    set("route", grounds.route.as_deref().unwrap_or_default().to_owned());
    set("status", entry.status.to_string());
    set("outcome", entry.outcome.to_string());
    set("bytes", entry.bytes.to_string());
    set("records", entry.records.to_string());
    set("records-withheld", entry.records_withheld.to_string());
    set("withheld", entry.withheld.to_string());
}

fn acted(act: &Act, set: &mut impl FnMut(&str, String)) {
    let ended = if act.begun == Some(false) { " ended" } else { "" };
    set("time", time(act.unix_millis));
    set("kind", act.kind.word().to_owned());
    set("recipient", act.recipient.clone().unwrap_or_default());
    set("policy", act.policy.map(|policy| policy.to_string()).unwrap_or_default());
    set("purpose", act.purpose.clone().unwrap_or_default());
    set("subjects", subjects(&act.subjects));
    set("what", format!("{}{ended}", act.what));
    set("who", act.who.clone());
    set("why", act.why.clone());
}

fn version(policy: &PolicyRecord, set: &mut impl FnMut(&str, String)) {
    set("time", time(policy.unix_millis));
    set("kind", "policy".to_owned());
    set("recipient", policy.recipient.clone());
    set("policy", policy.policy.to_string());
    set("purpose", policy.purpose.clone());
    set("basis", policy.basis.join(" "));
    set("country", policy.country.clone());
    set("who", policy.who.clone().unwrap_or_default());
}

fn time(unix_millis: u64) -> String {
    let time = i64::try_from(unix_millis).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

fn subjects(ids: &[SubjectId]) -> String {
    let digits: Vec<String> = ids.iter().map(|id| HEXLOWER.encode(&id.0)).collect();
    digits.join(" ")
}

/// RFC 4180.
///
/// SECURITY: a spreadsheet runs what begins with `=`, `+`, `-` or `@`; officers write `who` and `why`.
fn row(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    for (at, cell) in cells.iter().enumerate() {
        let tame = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        let comma = if at > 0 { "," } else { "" };
        if cell.contains(['"', ',', '\n', '\r']) {
            write!(out, "{comma}\"{tame}{}\"", cell.replace('"', "\"\""))?;
        } else {
            write!(out, "{comma}{tame}{cell}")?;
        }
    }
    out.write_all(b"\r\n")
}
