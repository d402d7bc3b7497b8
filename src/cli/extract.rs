//! `tavs extract`: files through a research policy, into a directory that appears when it is whole.

mod args;
mod bundle;
mod control;
mod merge;
mod partition;
mod progress;
mod record;
mod release;
mod stage;
mod verify;
mod work;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::args::{Given, Leaving, Reading};
use self::work::Work;
use super::policy_files::Stop;
use super::{FINDINGS, GOOD, USAGE, colour, complain};
use crate::clock::Clock;
use crate::config::Config;
use crate::extract::input::InputError;
use crate::extract::run::RunError;
use crate::ids::ExchangeId;
use crate::ledger;
use crate::policy::checked::Policy;
use crate::policy::checked::extract::Extract;
use crate::pseudonym::KeyRing;
use crate::store::{Store, StoreError};
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
    // Optional where a subcommand is given; clap sees to the rest.
    #[command(flatten)]
    given: Option<Given>,
    /// The directory that is made.
    #[arg(long, value_name = "DIR", required = true)]
    output: Option<PathBuf>,
    #[command(flatten)]
    reading: Option<Reading>,
    #[command(flatten)]
    leaving: Option<Leaving>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Partition(partition::Args),
    Merge(merge::Args),
    Verify(verify::Args),
}

pub(crate) fn run(args: &Args) -> u8 {
    let made = match &args.command {
        Some(Command::Verify(args)) => return verify::run(args),
        Some(Command::Partition(args)) => partition::run(args),
        Some(Command::Merge(args)) => merge::run(args),
        None => extract(args),
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
            | RunError::Part { .. }
            | RunError::Row { .. }
            | RunError::NoRoute { .. }
            | RunError::TooManyPersons { .. }
            | RunError::Input(InputError::Content { .. } | InputError::TooLong { .. }) => FINDINGS,
            RunError::Input(_)
            | RunError::Staged(_)
            | RunError::Released
            | RunError::Checkpoint(_)
            | RunError::Parquet(_) => USAGE,
        };
        stop(code, error)
    }
}

fn extract(args: &Args) -> Result<String, Stop> {
    let (Some(given), Some(output), Some(reading), Some(leaving)) =
        (&args.given, &args.output, &args.reading, &args.leaving)
    else {
        return Err(stop(USAGE, "give --policy, --output, --why and the files"));
    };
    let ground = Ground::open(given)?;
    release::can_be_written(leaving, &ground.extract)?;
    let inputs = stage::inputs(reading, &ground)?;
    if !leaving.dry_run {
        record::could(&ground, given, leaving)?;
    }
    let subjects = subjects(&ground.config)?;
    let work = Work::open(output, reading.resume, reading.stdin.is_none())?;
    let begun = work
        .begun(id_and_time)
        .and_then(|begun| Ok((begun, stage::stage(reading, &ground, &subjects, (inputs, &work))?)));
    let ((id, made), staged) = match begun {
        Ok(begun) => begun,
        Err(stopped) => return Err(work.stopped(stopped)),
    };
    let desk = Desk { given, leaving, output, ground: &ground, id, made };
    release::release(&desk, staged, work)
}

/// By what an extract is made, as it stands now.
struct Ground {
    policy: Policy,
    extract: Extract,
    config: Config,
    ring: KeyRing,
    /// Threads that rewrite files and write tables.
    threads: usize,
}

impl Ground {
    fn open(given: &Given) -> Result<Self, Stop> {
        let policy = super::rewrite::checked(&given.policy, given.at)?;
        let Some(extract) = policy.extract.clone() else {
            return Err(stop(FINDINGS, format!("`{}` has no `[extract]`: it allows none", policy.file)));
        };
        let config =
            Config::read(&given.config).map_err(|findings| Stop(FINDINGS, findings.render(colour())))?;
        let ring = ring(&config)?;
        Ok(Self { policy, extract, config, ring, threads: given.threads() })
    }
}

/// What one extract is released with.
struct Desk<'a> {
    given: &'a Given,
    leaving: &'a Leaving,
    output: &'a Path,
    ground: &'a Ground,
    /// The extract's, also after it was gone on with.
    id: ExchangeId,
    /// When it was begun.
    made: Timestamp,
}

/// Of an extract that is begun now.
fn id_and_time() -> Result<(ExchangeId, Timestamp), Stop> {
    let id = ExchangeId::new(Clock::system().unix_millis(), super::rewrite::random()?);
    Ok((id, Clock::system().timestamp()))
}

/// What is said where the rights of a person in the extract have changed.
const RIGHTS_CHANGED: &str =
    "the rights of somebody in the extract have changed since its files were read: run it again";

fn ring(config: &Config) -> Result<KeyRing, Stop> {
    let text = config.keys.value.read().map_err(|error| stop(USAGE, error))?;
    KeyRing::parse(&text, Clock::system().timestamp()).map_err(|error| stop(USAGE, error))
}

/// Everybody's rights, as they are on disk now.
fn subjects(config: &Config) -> Result<Subjects, Stop> {
    let path = &config.store.value;
    // Where nothing is on record either, none was lost.
    let is_new = || matches!(ledger::look(&config.ledger.directory.value), Ok(None));
    let store = Store::open_beside(path).map_err(|error| {
        if matches!(error, StoreError::Missing { .. }) && is_new() {
            let path = path.display();
            return stop(
                USAGE,
                format!("there is no store `{path}` yet: run `tavs serve` once, which makes it"),
            );
        }
        stop(USAGE, error)
    })?;
    Subjects::load(&store).map_err(|error| stop(USAGE, error))
}

/// The name of the file beside the extract that has the positions of what was passed over.
fn skipped_beside(output: &Path) -> PathBuf {
    work::beside(output, ".skipped.csv")
}
