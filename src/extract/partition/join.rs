//! Partitions as what one run over all of their files would have staged.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{Partition, PartitionError};
use crate::extract::checkpoint::cannot;
use crate::extract::outputs::{OUT, Outputs};
use crate::extract::run::Staged;
use crate::extract::staged;
use crate::extract::survey::Ties;
use crate::extract::tally::{Counts, Tally};
use crate::ids::SubjectSet;
use crate::policy::checked::extract::Extract;

/// Puts what partitions have staged into a work directory, in the order of the partitions. `ties` are those that they
/// agree about.
///
/// # Errors
/// A partition cannot be read, or the work directory not be written.
pub fn join(
    partitions: &[Partition],
    extract: &Extract,
    ties: Ties,
    work: &Path,
) -> Result<Staged, PartitionError> {
    let mut tables = Vec::new();
    for (number, table) in extract.tables.iter().enumerate() {
        let from: Vec<PathBuf> =
            partitions.iter().map(|partition| Outputs::table(&partition.path, number)).collect();
        let to = Outputs::table(work, number);
        staged::join(table.columns.len(), &from, &to)?;
        tables.push(to);
    }
    let mut counts = Counts { routes: vec![Tally::default(); extract.routes.len()], ..Counts::default() };
    let mut persons = vec![Vec::new(); extract.routes.len()];
    let mut listed: Vec<SubjectSet> = vec![SubjectSet::default(); extract.routes.len()];
    for partition in partitions {
        counts.join(&partition.checkpoint.counts);
        for ((all, listed), own) in persons.iter_mut().zip(&mut listed).zip(&partition.persons) {
            all.extend(own.iter().copied().filter(|person| listed.insert(*person)));
        }
    }
    let skipped = join_files(partitions, work)?;
    Ok(Staged { counts, persons, ties, hashed: Vec::new(), tables, skipped })
}

/// Records that leave as they are, and places of what was passed over, under the numbers that the files have among
/// those of all partitions.
pub(super) fn join_files(partitions: &[Partition], work: &Path) -> Result<PathBuf, PartitionError> {
    let out = work.join(OUT);
    fs::create_dir_all(&out).map_err(cannot("make", &out))?;
    let path = Outputs::skipped(work);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut skipped = std::io::BufWriter::new(file.map_err(cannot("make", &path))?);
    skipped.write_all(Outputs::SKIPPED_HEADER).map_err(cannot("write", &path))?;
    let mut before = 0_usize;
    for partition in partitions {
        for (number, input) in partition.checkpoint.terms.inputs.iter().enumerate() {
            let lines = input.form.is_lines();
            let from = Outputs::records(&partition.path, number, lines);
            if from.exists() {
                let to = Outputs::records(work, before.saturating_add(number), lines);
                fs::copy(&from, &to).map_err(cannot("copy", &from))?;
            }
        }
        let own = Outputs::skipped(&partition.path);
        let text = fs::read_to_string(&own).map_err(cannot("read", &own))?;
        for line in text.lines().skip(1) {
            // What it was made with is as it was made.
            let (number, rest) = line.split_once(',').unwrap_or_default();
            let number = number.parse::<usize>().unwrap_or_default().saturating_add(before);
            writeln!(skipped, "{number},{rest}").map_err(cannot("write", &path))?;
        }
        before = before.saturating_add(partition.files());
    }
    skipped.flush().map_err(cannot("write", &path))?;
    Ok(path)
}
