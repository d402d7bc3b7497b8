//! Whose data each disclosure was about, by person: sorted runs, each written once and in one piece, so that a
//! person in a disclosure costs some bytes of a page and not a place in a search tree. Read by reports, written
//! with the index and from nothing but it.
//!
//! What must never happen here: a disclosure that a report by person does not find. What does not read back
//! is an error, never passed over.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::rows::{Exchange, Log};
use super::sql;
use super::values::{int, number, read_chunks, read_ids};
use crate::ids::SubjectId;

/// Postings that wait behind the last run until there are enough for one; a disclosure without any counts as one, so
/// that no more disclosures wait than that. A report looks through them, and in each run; to write a run holds the
/// store's one writer for some ten milliseconds, which is what a reservation may have to wait.
///
/// PERF: runs of an eighth that are merged twice are written three times and overwritten twice: a quarter of what
/// the index of a disclosure about 30 subjects costs (docs/performance.md).
const UNSORTED: u64 = 16_384;
/// Postings of a block: with its key a page of SQLite's, 4096 bytes.
const BLOCK: usize = 160;

/// A subject id and the number of a record, most significant byte first: they sort as pairs.
type Posting = [u8; 24];

/// A run, but for its postings.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    last: u64,
}

/// What of a log waits behind its last run: postings, and one for each disclosure without any.
pub(super) fn unsorted(t: &Transaction<'_>, log: &Log) -> rusqlite::Result<u64> {
    let found = t.prepare_cached(sql::UNSORTED)?.query_row((log,), |row| number(row, 0)).optional()?;
    Ok(found.unwrap_or(0))
}

/// Counts a disclosure, which stands in the index, beside what waits already; gives what waits then. Where runs
/// begin and end follows from the records alone, so that an index that is made anew is the same, but for runs and
/// counts from before schema 8, which find the same.
pub(super) fn add(t: &Transaction<'_>, log: &Log, row: &Exchange, unsorted: u64) -> rusqlite::Result<u64> {
    let told = u64::try_from(row.told().len()).unwrap_or(u64::MAX);
    let unsorted = unsorted.saturating_add(told.max(1));
    if unsorted < UNSORTED {
        return Ok(unsorted);
    }
    let last = last_of_runs(t, log)?;
    let run = Run { first: last.saturating_add(1), last: row.sequence };
    let mut postings = Vec::new();
    each_unsorted(t, (last, row.sequence), |sequence, ids| {
        postings.extend(ids.into_iter().map(|id| posting(id, sequence)));
    })?;
    put(t, log, run, &sorted(&postings))?;
    Ok(0)
}

/// Takes out the runs that have nothing behind a record.
pub(super) fn forget(t: &Transaction<'_>, log: &Log, upto: u64) -> rusqlite::Result<()> {
    for (_, run) in runs(t)?.into_iter().filter(|(of, run)| of == log && run.last <= upto) {
        remove(t, log, run)?;
    }
    Ok(())
}

/// The records that told about any of the ids, each once, in the order of their numbers.
pub(super) fn of(c: &Connection, ids: &[SubjectId]) -> rusqlite::Result<BTreeSet<u64>> {
    let runs = runs(c)?;
    let mut found = BTreeSet::new();
    let mut down = c.prepare_cached(sql::BLOCKS_DOWN_FROM)?;
    for (log, run) in &runs {
        for id in ids {
            let (least, most) = (posting(*id, 0), posting(*id, u64::MAX));
            let mut blocks = down.query((log, int(run.first), most))?;
            while let Some(block) = blocks.next()? {
                let within = |posting: &Posting| (least..=most).contains(posting);
                let postings: Vec<Posting> = read_chunks(block, 1)?;
                found.extend(postings.into_iter().filter(within).map(sequence));
                if block.get::<_, Posting>(0)? < least {
                    break;
                }
            }
        }
    }
    for (log, upto) in logs(c)? {
        let last = runs.iter().filter(|(of, _)| *of == log).map(|(_, run)| run.last).max().unwrap_or(0);
        each_unsorted(c, (last, upto), |sequence, of| {
            if of.iter().any(|id| ids.contains(id)) {
                found.insert(sequence);
            }
        })?;
    }
    Ok(found)
}

/// The store's log with the last record of it that is indexed: a store belongs to one.
pub(super) fn logs(c: &Connection) -> rusqlite::Result<Vec<(Log, u64)>> {
    c.prepare_cached(sql::LOGS)?.query_map((), |row| Ok((row.get(0)?, number(row, 1)?)))?.collect()
}

fn runs(c: &Connection) -> rusqlite::Result<Vec<(Log, Run)>> {
    let mut statement = c.prepare_cached(sql::RUNS)?;
    let found = statement
        .query_map((), |row| Ok((row.get(0)?, Run { first: number(row, 1)?, last: number(row, 2)? })))?;
    found.collect()
}

/// The record that the newest run ends with, 0 if there is none.
fn last_of_runs(t: &Transaction<'_>, log: &Log) -> rusqlite::Result<u64> {
    let found = t.prepare_cached(sql::LAST_RUN)?.query_row((log,), |row| number(row, 0)).optional()?;
    Ok(found.unwrap_or(0))
}

/// Whom each disclosure behind one record and up to another told about.
fn each_unsorted(
    c: &Connection,
    (after, upto): (u64, u64),
    mut each: impl FnMut(u64, Vec<SubjectId>),
) -> rusqlite::Result<()> {
    let mut statement = c.prepare_cached(sql::UNSORTED_FROM)?;
    let mut rows = statement.query((int(after), int(upto)))?;
    while let Some(row) = rows.next()? {
        each(number(row, 0)?, read_ids(row, 1)?);
    }
    Ok(())
}

/// Keeps sorted postings.
fn put(t: &Transaction<'_>, log: &Log, run: Run, postings: &[Posting]) -> rusqlite::Result<()> {
    t.prepare_cached(sql::PUT_RUN)?.execute((log, int(run.first), int(run.last)))?;
    let mut put = t.prepare_cached(sql::PUT_BLOCK)?;
    for block in postings.chunks(BLOCK) {
        put.execute((log, int(run.first), block.first(), block.as_flattened()))?;
    }
    Ok(())
}

fn remove(t: &Transaction<'_>, log: &Log, run: Run) -> rusqlite::Result<()> {
    t.prepare_cached(sql::REMOVE_BLOCKS)?.execute((log, int(run.first)))?;
    t.prepare_cached(sql::REMOVE_RUN)?.execute((log, int(run.first))).map(drop)
}

/// Postings in their order: a person's in the order of their records.
///
/// PERF: by the first half of the id, and only where that is the same by the whole: half ids are hardly ever alike
/// but for one person's. That takes a quarter of the time that whole postings take.
fn sorted(postings: &[Posting]) -> Vec<Posting> {
    let half = |posting: &Posting| posting.first_chunk().map_or(0, |half| u64::from_be_bytes(*half));
    let mut order: Vec<(u64, &Posting)> = postings.iter().map(|posting| (half(posting), posting)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, posting)| *posting).collect()
}

fn posting(subject: SubjectId, sequence: u64) -> Posting {
    let mut posting = [0; 24];
    let (id, number) = posting.split_at_mut(16);
    id.copy_from_slice(&subject.0);
    number.copy_from_slice(&sequence.to_be_bytes());
    posting
}

fn sequence(posting: Posting) -> u64 {
    posting.last_chunk().map_or(0, |number| u64::from_be_bytes(*number))
}
