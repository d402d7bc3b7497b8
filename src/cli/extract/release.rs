//! From staged rows to an extract that is whole and on record: what all ways to make one have in common.

use std::path::PathBuf;

use super::super::USAGE;
use super::super::policy_files::{Stop, count};
use super::args::{DialectName, FormatName, Leaving};
use super::work::Work;
use super::{Desk, RIGHTS_CHANGED, bundle, control, record, stop, subjects};
use crate::cli::FINDINGS;
use crate::clock::Clock;
use crate::extract::parquet;
use crate::extract::run::{Staged, still_may_leave};
use crate::extract::write::{self, Counted, Dialect, Format, ToWrite};
use crate::ids::SubjectSet;
use crate::policy::checked::Order;
use crate::policy::checked::extract::{Extract, Table};

/// Makes an extract of what was staged from so many files: examined, written, on record; then it appears. Says what
/// is to be known of it.
pub(super) fn release(desk: &Desk<'_>, (staged, files): (Staged, usize), work: Work) -> Result<String, Stop> {
    match made(desk, staged, files, &work) {
        Ok((_, summary)) if desk.leaving.dry_run => {
            work.remove()?;
            Ok(summary + "nothing is on record and nothing appears: --dry-run\n")
        }
        Ok((staged, summary)) => {
            work.appear(&staged.skipped, staged.counts.skipped > 0)?;
            Ok(summary)
        }
        Err(stopped) => Err(work.stopped(stopped)),
    }
}

/// Refuses what could not be written at the end, before anything is read for it.
pub(super) fn can_be_written(leaving: &Leaving, extract: &Extract) -> Result<(), Stop> {
    if leaving.format != FormatName::Parquet {
        return Ok(());
    }
    parquet::can_be_written(&extract.tables).map_err(|error| stop(USAGE, error))
}

/// A table's rows as they leave, and its file.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) staged: PathBuf,
    pub(super) file: String,
    pub(super) counted: Counted,
}

/// Everything up to the record: the extract is whole and on record then, in the work directory.
fn made(desk: &Desk<'_>, mut staged: Staged, files: usize, work: &Work) -> Result<(Staged, String), Stop> {
    let (policy, extract) = (&desk.ground.policy, &desk.ground.extract);
    let controlled = control::control(desk, &staged, work)?;
    let written = finish(desk, &controlled.tables, &mut staged, work)?;
    let mut summary = summary(extract, &staged, &written, files) + &controlled.told;
    summary += &bundle::write(desk, &staged, &controlled, &written, work)?;
    if desk.leaving.dry_run {
        return Ok((staged, summary));
    }
    // Once more as the files tell who is who; the office judges by what everybody knows.
    let now = Clock::system().unix_millis();
    let told = (staged.ties.same.as_slice(), staged.persons.as_slice());
    if !still_may_leave(policy, told, &subjects(&desk.ground.config)?, now) {
        return Err(stop(FINDINGS, RIGHTS_CHANGED));
    }
    record::record(desk, &staged, work.bytes()?)?;
    Ok((staged, summary))
}

/// The files of the extract, from what is staged. Persons go out of it of whom no row leaves: no table selects their
/// records, or their rows were suppressed. What was not disclosed is not on record as a disclosure.
fn finish(
    desk: &Desk<'_>,
    tables: &[PathBuf],
    staged: &mut Staged,
    work: &Work,
) -> Result<Vec<Written>, Stop> {
    let Desk { leaving, ground, .. } = desk;
    let extract = &ground.extract;
    let format = match (leaving.format, leaving.csv) {
        (FormatName::Ndjson, _) => Format::Ndjson,
        (FormatName::Parquet, _) => Format::Parquet,
        (FormatName::Csv, DialectName::Danish) => Format::Csv(Dialect::Danish),
        (FormatName::Csv, DialectName::International) => Format::Csv(Dialect::International),
    };
    if extract.tables.is_empty() {
        return Ok(Vec::new());
    }
    work.empty_out()?;
    let name = |table: &Table| format!("{}.{}", table.name, format.extension());
    let mut all = Vec::new();
    for (number, (table, rows)) in extract.tables.iter().zip(tables).enumerate() {
        let sorted = match (extract.order, table.keys().next()) {
            (Order::Pseudonym, Some(key)) => Some((key, work.again(&format!("table-{number}.sorted"))?)),
            (Order::Pseudonym | Order::Input, _) => None,
        };
        let path = work.fresh_output(&name(table))?;
        all.push(ToWrite { table, staged: rows.clone(), sorted, path });
    }
    let (counted, left) = write::tables(&all, format, ground.threads)?;
    for persons in &mut staged.persons {
        persons.retain(|person| left.contains(person));
    }
    let written = all.into_iter().zip(counted).map(|(one, counted)| Written {
        file: name(one.table),
        staged: one.sorted.map_or(one.staged, |(_, sorted)| sorted),
        counted,
    });
    Ok(written.collect())
}

fn summary(extract: &Extract, staged: &Staged, written: &[Written], files: usize) -> String {
    let counts = &staged.counts;
    let sum = |of: fn(&crate::extract::tally::Tally) -> u64| counts.routes.iter().map(of).sum::<u64>();
    let persons: SubjectSet = staged.persons.iter().flatten().copied().collect();
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
    for ((table, written), cells) in extract.tables.iter().zip(written).zip(&counts.cells) {
        text += &format!("{}: {} rows\n", table.name, written.counted.rows);
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
