//! `tavs extract`: files through a research policy, into a directory that appears when it is whole.

mod bundle;
mod control;
mod progress;
mod record;
mod verify;
mod work;

use std::num::NonZero;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;

use self::progress::Progress;
use self::work::Work;
use super::policy_files::{self, Stop, count};
use super::subject::report::Language;
use super::{FINDINGS, GOOD, USAGE, colour, complain};
use crate::clock::Clock;
use crate::config::Config;
use crate::extract::input::{Input, PIECE};
use crate::extract::run::{Ruled, Run, RunError, Settings, Staged};
use crate::extract::source::{Encoding, Rows};
use crate::extract::write::{Dialect, Format};
use crate::ids::ExchangeId;
use crate::policy::checked::extract::Extract;
use crate::policy::checked::{Order, Policy};
use crate::policy::plan::Plan;
use crate::pseudonym::KeyRing;
use crate::store::Store;
use crate::subjects::Subjects;

/// Make an extract for a researcher: files through a policy's `[extract]`, with the pseudonyms, rights and records
/// of `tavs serve`.
///
/// Files are NDJSON (.ndjson, one document a line), one JSON document (.json), or CSV with a header (.csv), which may
/// be compressed (.gz, .zst). The extract appears as a
/// directory, by one rename, once it is whole and on record; until then everything is in a work directory beside
/// it, whose name ends in `.tavs-part`.
///
/// Exit code 0: good; 1: bad input, a policy with errors, or rights that do not allow it; 2: wrong usage, or a file
/// that cannot be used; 4: disclosure control is not met.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: Option<Make>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Verify(verify::Args),
}

/// How one is made.
#[derive(Debug, clap::Args)]
struct Make {
    /// The configuration: its key ring, store and ledger.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
    /// The policy, as it is in force.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The directory that is made.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// The form of its files, where the policy has tables.
    #[arg(long, value_enum, default_value_t = FormatName::Ndjson)]
    format: FormatName,
    /// Which CSV.
    #[arg(long, value_enum, default_value_t = DialectName::International)]
    csv: DialectName,
    /// The characters of CSV files.
    #[arg(long, value_enum, default_value_t = EncodingName::Utf8)]
    encoding: EncodingName,
    /// What stands between the values of CSV files; after `;` numbers have a decimal comma. [default: by the header]
    #[arg(long, value_enum)]
    delimiter: Option<DelimiterName>,
    /// What becomes of a line or document that cannot be rewritten.
    #[arg(long, value_enum, default_value_t = OnError::Stop)]
    on_error: OnError,
    /// Threads that rewrite. [default: one for each processor]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZero<usize>>,
    /// Go on with an extract that was begun and broken off, from its last checkpoint.
    #[arg(long)]
    resume: bool,
    /// Bytes of input between checkpoints, such as "64 MiB": what is lost at most when the machine stops.
    #[arg(long, value_name = "SIZE", default_value = "64 MiB", value_parser = size)]
    checkpoint: u64,
    /// The extract before this one, for the same recipient: `deleted.csv` then lists the pseudonyms that are no
    /// longer in it.
    #[arg(long, value_name = "DIR")]
    previous: Option<PathBuf>,
    /// Where too few persons share what the extract tells of each: make it coarser, or leave rows out, by the
    /// policy's rule.
    #[arg(long)]
    enforce: bool,
    /// The language of the report of disclosure control.
    #[arg(long, value_enum, default_value_t = Language::Da)]
    language: Language,
    /// Do everything but record it and let it appear.
    #[arg(long)]
    dry_run: bool,
    /// Why: the case, never the person; goes on record.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who makes it. [default: the user's name]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Look at the policy as of this day instead of today.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// The files, in the order in which they are to be read.
    #[arg(required = true, value_name = "FILE")]
    inputs: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FormatName {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DialectName {
    /// `;` and a decimal comma, as a Danish spreadsheet opens.
    Danish,
    /// `,` and a decimal point (RFC 4180).
    International,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EncodingName {
    /// UTF-8.
    #[value(name = "utf-8")]
    Utf8,
    /// ISO-8859-1, and windows-1252.
    #[value(name = "iso-8859-1")]
    Latin1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DelimiterName {
    /// `;`
    Semicolon,
    /// `,`
    Comma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnError {
    /// The extract stops, and says where.
    Stop,
    /// It is passed over, counted, and its place written beside the extract.
    Skip,
}

fn size(text: &str) -> Result<u64, String> {
    let size = crate::policy::syntax::parse_size(text).map_err(|_flaw| "such as \"64 MiB\"".to_owned())?;
    if size == 0 { Err("at least 1 byte".to_owned()) } else { Ok(size) }
}

pub(crate) fn run(args: &Args) -> u8 {
    let made = match (&args.command, &args.make) {
        (Some(Command::Verify(args)), _) => return verify::run(args),
        (None, Some(make)) => extract(make),
        (None, None) => Err(stop(USAGE, "give --policy, --output, --why and the files")),
    };
    match made {
        Ok(summary) => {
            complain(&summary);
            GOOD
        }
        Err(Stop(code, text)) => {
            complain(&text);
            code
        }
    }
}

/// A refusal in one line.
fn stop(code: u8, text: impl std::fmt::Display) -> Stop {
    Stop(code, format!("tavs extract: {text}\n"))
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        let code = match &error {
            RunError::Fault { .. }
            | RunError::Row { .. }
            | RunError::NoRoute { .. }
            | RunError::TooManyPersons { .. } => FINDINGS,
            RunError::Input(_) | RunError::Staged(_) | RunError::Released | RunError::Checkpoint(_) => USAGE,
        };
        stop(code, error)
    }
}

fn extract(args: &Make) -> Result<String, Stop> {
    let policy = super::rewrite::checked(&args.policy, args.at)?;
    let Some(extract) = &policy.extract else {
        return Err(stop(FINDINGS, format!("`{}` has no `[extract]`: it allows none", policy.file)));
    };
    let config = Config::read(&args.config).map_err(|findings| Stop(FINDINGS, findings.render(colour())))?;
    let ring = ring(&config)?;
    let plans = plans(&policy, extract, &ring)?;
    let media = |number: &usize| {
        policy.routes.get(*number).map(|route| route.response.media_types.as_slice()).unwrap_or_default()
    };
    let ruled: Vec<Ruled<'_>> = plans
        .iter()
        .zip(&extract.routes)
        .map(|(plan, number)| Ruled { plan, media_types: media(number) })
        .collect();
    let rows = rows(args, extract);
    let inputs = args.inputs.iter().map(|path| Input::open(path, &rows)).collect::<Result<Vec<_>, _>>();
    let inputs = inputs.map_err(|error| stop(USAGE, error))?;
    let subjects = subjects(&config)?;
    let work = Work::open(&args.output, args.resume)?;
    let run = Run {
        policy: &policy,
        extract,
        plans: &ruled,
        subjects: &subjects,
        now: Clock::system().unix_millis(),
        salt: super::rewrite::random()?,
        settings: settings(args, &policy),
        work: work.path().to_owned(),
    };
    let (id, made_at) = work.begun(|| Ok((id()?, Clock::system().timestamp())))?;
    let desk = Desk { args, config: &config, ring: &ring, id, made: made_at };
    match made(&desk, &run, &inputs, &work) {
        Ok((staged, summary)) if args.dry_run => {
            drop(staged);
            work.remove()?;
            Ok(summary + "nothing is on record and nothing appears: --dry-run\n")
        }
        Ok((staged, summary)) => {
            work.appear(&staged.skipped, staged.counts.skipped > 0)?;
            Ok(summary)
        }
        // What is wrong with the input or the rights, no resuming mends.
        Err(Stop(code, text)) if code != USAGE => {
            work.remove()?;
            Err(Stop(code, text))
        }
        Err(stopped) => Err(stopped),
    }
}

/// What one extract is made with.
struct Desk<'a> {
    args: &'a Make,
    config: &'a Config,
    ring: &'a KeyRing,
    /// The extract's, also after it was gone on with.
    id: ExchangeId,
    /// When it was begun.
    made: Timestamp,
}

/// Everything up to the record: the extract is whole and on record then, in the work directory.
fn made(desk: &Desk<'_>, run: &Run<'_>, inputs: &[Input], work: &Work) -> Result<(Staged, String), Stop> {
    let Desk { args, config, .. } = desk;
    let total = inputs.iter().map(Input::length).sum();
    let mut progress = Progress::new(total, run.plans.iter().any(|one| one.plan.has_aliases()));
    let staged = run.stage(inputs, &mut |step| progress.told(step));
    progress.end();
    let mut staged = staged?;
    let controlled = control::control(desk, run, &staged, work)?;
    only_those_who_leave(run.extract, &controlled.tables, &mut staged)?;
    let written = finish(args, run.extract, &controlled.tables, work)?;
    let rows: Vec<u64> = written.iter().map(|one| one.rows).collect();
    let mut summary = summary(run.extract, &staged, &rows, inputs.len()) + &controlled.told;
    summary += &bundle::write(desk, run, &staged, &controlled, &written, work)?;
    if args.dry_run {
        return Ok((staged, summary));
    }
    // Once more as the files tell who is who; the office judges by what everybody knows.
    let now = Clock::system().unix_millis();
    if !run.still_may_leave(&staged, &subjects(config)?, now) {
        return Err(stop(FINDINGS, RIGHTS_CHANGED));
    }
    record::record(desk, run, &staged, work.bytes()?)?;
    Ok((staged, summary))
}

fn id() -> Result<ExchangeId, Stop> {
    Ok(ExchangeId::new(Clock::system().unix_millis(), super::rewrite::random()?))
}

/// A table's rows as they leave, and its file.
#[derive(Debug)]
struct Written {
    staged: PathBuf,
    file: String,
    rows: u64,
}

/// Takes persons out of whom no row leaves: no table selects their records, or their rows were suppressed. What
/// was not disclosed is not on record as a disclosure.
fn only_those_who_leave(extract: &Extract, tables: &[PathBuf], staged: &mut Staged) -> Result<(), Stop> {
    if extract.tables.is_empty() {
        return Ok(());
    }
    let columns = extract.tables.iter().map(|table| table.columns.len());
    let left = crate::extract::staged::persons(tables.iter().map(PathBuf::as_path).zip(columns));
    let left = left.map_err(|error| stop(USAGE, error))?;
    for persons in &mut staged.persons {
        persons.retain(|person| left.contains(person));
    }
    Ok(())
}

/// What is said where the rights of a person in the extract have changed.
const RIGHTS_CHANGED: &str =
    "the rights of somebody in the extract have changed since its files were read: run it again";

/// The files of the extract, from what is staged.
fn finish(args: &Make, extract: &Extract, tables: &[PathBuf], work: &Work) -> Result<Vec<Written>, Stop> {
    let format = match (args.format, args.csv) {
        (FormatName::Ndjson, _) => Format::Ndjson,
        (FormatName::Csv, DialectName::Danish) => Format::Csv(Dialect::Danish),
        (FormatName::Csv, DialectName::International) => Format::Csv(Dialect::International),
    };
    let mut written = Vec::new();
    for (number, (table, path)) in extract.tables.iter().zip(tables).enumerate() {
        let sorted = match (extract.order, table.keys().next()) {
            (Order::Pseudonym, Some(key)) => {
                let sorted = work.again(&format!("table-{number}.sorted"))?;
                crate::extract::order::by_key(table.columns.len(), key, path, &sorted)?;
                sorted
            }
            (Order::Pseudonym | Order::Input, _) => path.clone(),
        };
        let name = format!("{}.{}", table.name, format.extension());
        let path = work.fresh_output(&name)?;
        let rows = crate::extract::write::table(table, &sorted, format, &path)?;
        written.push(Written { staged: sorted, file: name, rows });
    }
    Ok(written)
}

/// How CSV is read.
fn rows(args: &Make, extract: &Extract) -> Rows {
    Rows {
        encoding: match args.encoding {
            EncodingName::Utf8 => Encoding::Utf8,
            EncodingName::Latin1 => Encoding::Latin1,
        },
        delimiter: args.delimiter.map(|name| match name {
            DelimiterName::Semicolon => b';',
            DelimiterName::Comma => b',',
        }),
        numbers: extract.csv.as_ref().map(|csv| csv.numbers.clone()).unwrap_or_default(),
    }
}

fn settings(args: &Make, policy: &Policy) -> Settings {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let piece = usize::try_from(args.checkpoint).unwrap_or(PIECE).min(PIECE);
    Settings {
        threads: args.threads.map_or_else(processors, NonZero::get),
        skips: args.on_error == OnError::Skip,
        resumes: args.resume,
        checkpoint: args.checkpoint,
        piece,
        most: policy.limits.response,
    }
}

fn ring(config: &Config) -> Result<KeyRing, Stop> {
    let text = config.keys.value.read().map_err(|error| stop(USAGE, error))?;
    KeyRing::parse(&text, Clock::system().timestamp()).map_err(|error| stop(USAGE, error))
}

/// The plans of the extract's routes, with the keys that `tavs serve` has.
fn plans(policy: &Policy, extract: &Extract, ring: &KeyRing) -> Result<Vec<Plan>, Stop> {
    let routes = extract.routes.iter().filter_map(|number| policy.routes.get(*number));
    let plan = |route| {
        Plan::compile(policy, route, ring).map_err(|errors| {
            let lines = errors.iter().map(|error| format!("error: {error}\n"));
            Stop(FINDINGS, lines.collect())
        })
    };
    routes.map(plan).collect()
}

/// Everybody's rights, as they are on disk now.
fn subjects(config: &Config) -> Result<Subjects, Stop> {
    let store = Store::open_beside(&config.store.value).map_err(|error| stop(USAGE, error))?;
    Subjects::load(&store).map_err(|error| stop(USAGE, error))
}

fn summary(extract: &Extract, staged: &Staged, rows: &[u64], files: usize) -> String {
    let counts = &staged.counts;
    let sum = |of: fn(&crate::extract::tally::Tally) -> u64| counts.routes.iter().map(of).sum::<u64>();
    let persons: std::collections::HashSet<_> = staged.persons.iter().flatten().collect();
    let mut text = format!(
        "{}, {} bytes; records: {} released of {}, {} withheld; values: {} withheld, {} unfit; \
         CPR numbers in text: {}\n",
        count(files, "file", "files"),
        counts.bytes,
        sum(|one| one.records),
        count(persons.len(), "person", "persons"),
        sum(|one| one.records_withheld),
        sum(|one| one.withheld),
        sum(|one| one.unfit),
        sum(|one| one.cpr_in_text),
    );
    for ((table, rows), cells) in extract.tables.iter().zip(rows).zip(&counts.cells) {
        text += &format!("{}: {rows} rows\n", table.name);
        for (column, cells) in table.columns.iter().zip(cells) {
            if cells.unfit > 0 {
                let (name, of_type) = (&column.name, column.column_type.word());
                text += &format!("  {name}: {} values are no {of_type}, and missing\n", cells.unfit);
            }
            if cells.further > 0 {
                text += &format!("  {}: {} values beyond the first of a row\n", column.name, cells.further);
            }
        }
    }
    if counts.skipped > 0 {
        text += &format!("passed over: {}\n", counts.skipped);
    }
    text
}

/// The name of the file beside the extract that has the positions of what was passed over.
fn skipped_beside(output: &Path) -> PathBuf {
    work::beside(output, ".skipped.csv")
}
