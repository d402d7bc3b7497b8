//! `tavs extract partition`: some of an extract's files, to be merged with others later.

use std::path::PathBuf;

use super::super::policy_files::{Stop, count};
use super::super::{FINDINGS, USAGE};
use super::args::{Given, Reading};
use super::work::Work;
use super::{Ground, stage, stop, subjects};
use crate::extract::partition::{PartitionError, can_be_parted, keep};

/// Make a partition of an extract: some of its files, rewritten as `tavs extract` does, and kept for `tavs extract
/// merge`, which examines all partitions together. For batch engines that split the work by file.
///
/// What is made is no extract: it holds persons' ids, and is for its owner only. Nothing goes on record before it is
/// merged.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The directory that is made.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

pub(super) fn run(args: &Args) -> Result<String, Stop> {
    let Args { given, output, reading } = args;
    let ground = Ground::open(given)?;
    can_be_parted(&ground.policy).map_err(failed)?;
    let inputs = stage::inputs(reading, &ground)?;
    let subjects = subjects(&ground.config)?;
    let work = Work::open(output, reading.resume, reading.stdin.is_none())?;
    let kept = stage::stage(reading, &ground, &subjects, (inputs, &work)).and_then(|(staged, files)| {
        keep(work.path(), (&staged, &subjects)).map_err(failed)?;
        Ok((staged, files))
    });
    let (staged, files) = match kept {
        Ok(kept) => kept,
        Err(stopped) => return Err(work.stopped(stopped)),
    };
    work.becomes_partition()?;
    let records = staged.counts.routes.iter().map(|route| route.records).sum::<u64>();
    let (files, passed) = (count(files, "file", "files"), staged.counts.skipped);
    Ok(format!(
        "{files}, {} bytes; records: {records} released; passed over: {passed}\n\
         a partition: nothing is examined or on record before `tavs extract merge`\n",
        staged.counts.bytes
    ))
}

pub(super) fn failed(error: PartitionError) -> Stop {
    let code = match &error {
        PartitionError::Document
        | PartitionError::Other { .. }
        | PartitionError::Changed { .. }
        | PartitionError::WhoIsWho { .. }
        | PartitionError::Rights { .. } => FINDINGS,
        PartitionError::Work(_)
        | PartitionError::Listed(_)
        | PartitionError::Staged(_)
        | PartitionError::Run(_)
        | PartitionError::Foreign { .. }
        | PartitionError::Open { .. }
        | PartitionError::Twice { .. }
        | PartitionError::SameFile { .. } => USAGE,
    };
    stop(code, error)
}
