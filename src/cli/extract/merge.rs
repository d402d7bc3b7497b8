//! `tavs extract merge`: one extract of all its partitions.

use std::path::PathBuf;

use super::super::USAGE;
use super::super::policy_files::Stop;
use super::args::{Given, Leaving};
use super::partition::failed;
use super::work::Work;
use super::{Desk, Ground, id_and_time, record, release, stage, stop, subjects};
use crate::clock::Clock;
use crate::extract::partition::{Partition, agree, join};
use crate::extract::run::keys;

/// Make one extract of partitions, in the order in which they are given: examined as a whole, on record, and then
/// released, as `tavs extract` does with all of their files.
///
/// Exit codes as those of `tavs extract`. Once the extract has appeared the partitions are removed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The directory that is made.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    leaving: Leaving,
    /// Leave the partitions where they are; they hold persons' ids.
    #[arg(long)]
    keep: bool,
    /// The partitions.
    #[arg(required = true, value_name = "DIR")]
    partitions: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<String, Stop> {
    let Args { given, output, leaving, keep, partitions } = args;
    let ground = Ground::open(given)?;
    release::can_be_written(leaving, &ground.extract)?;
    if !leaving.dry_run {
        record::could(&ground, given, leaving)?;
    }
    let keys = keys(stage::plans(&ground)?.iter());
    let partitions = partitions
        .iter()
        .map(|path| Partition::open(path, &ground.policy, &keys))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let now = Clock::system().unix_millis();
    let ties = agree(&partitions, &ground.policy, &subjects(&ground.config)?, now).map_err(failed)?;
    let work = Work::open(output, false, false)?;
    let staged = join(&partitions, &ground.extract, ties, work.path()).map_err(failed);
    let begun = staged.and_then(|staged| Ok((staged, work.begun(id_and_time)?)));
    let (staged, (id, made)) = match begun {
        Ok(begun) => begun,
        Err(stopped) => return Err(work.stopped(stopped)),
    };
    let files = partitions.iter().map(Partition::files).sum();
    let desk = Desk { given, leaving, output, ground: &ground, id, made };
    let summary = release::release(&desk, (staged, files), work)?;
    if !leaving.dry_run && !keep {
        for partition in &partitions {
            let path = partition.path();
            let removed = std::fs::remove_dir_all(path);
            removed.map_err(|error| {
                let made = format!("`{}` is made and on record", output.display());
                stop(USAGE, format!("{made}, but `{}` cannot be removed: {error}", path.display()))
            })?;
        }
    }
    Ok(summary)
}
