//! Whose data each disclosure was about, by person: sorted runs, written in one piece and merged now and
//! then, so that a person in a disclosure costs some bytes of a page and not a place in a search tree. Read
//! by reports, written with the index and from nothing but it.
//!
//! What must never happen here: a disclosure that a report by person does not find. What does not read back
//! is an error, never passed over.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::rows::{Exchange, Log};
use super::sql;
use super::values::{int, number, read_chunks, read_ids};
use crate::ids::SubjectId;

/// Postings that wait behind the last run: a report looks through the disclosures that have them, some
/// milliseconds at most.
const UNSORTED: u64 = 2048;
/// Runs of one level that become one of the next.
const MERGED: usize = 8;
/// Runs of this level stay as they are: 131,000 postings, 3 MB. To merge larger ones would hold the store's
/// one writer for longer than a reservation should wait; a report searches some runs more, microseconds each.
const LAST_LEVEL: u8 = 2;
/// Postings of a block: with its key a page of SQLite's, 4096 bytes.
const BLOCK: usize = 160;

/// A subject id and the number of a record, most significant byte first: they sort as pairs.
type Posting = [u8; 24];

/// A run, but for its postings.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    last: u64,
    level: u8,
}

/// How many postings of a log are in no run.
pub(super) fn unsorted(t: &Transaction<'_>, log: &Log) -> rusqlite::Result<u64> {
    let found = t.prepare_cached(sql::UNSORTED)?.query_row((log,), |row| number(row, 0)).optional()?;
    Ok(found.unwrap_or(0))
}

/// Counts a disclosure, which stands in the index, beside so many postings that are in no run; gives how
/// many there are then. Where runs begin and end follows from the records alone, so that an index that is
/// made anew is the same.
pub(super) fn add(t: &Transaction<'_>, log: &Log, row: &Exchange, unsorted: u64) -> rusqlite::Result<u64> {
    let told = u64::try_from(row.told().len()).unwrap_or(u64::MAX);
    let unsorted = unsorted.saturating_add(told);
    if unsorted < UNSORTED {
        return Ok(unsorted);
    }
    let last = last_runs(t, log, 1)?.first().map_or(0, |run| run.last);
    let run = Run { first: last.saturating_add(1), last: row.sequence, level: 0 };
    let mut postings = Vec::new();
    each_unsorted(t, log, (last, row.sequence), |sequence, ids| {
        postings.extend(ids.into_iter().map(|id| posting(id, sequence)));
    })?;
    postings.sort_unstable_by_key(numbers);
    put(t, log, run, &postings)?;
    merge(t, log)?;
    Ok(0)
}

/// Takes out the runs that have nothing behind a record.
pub(super) fn forget(t: &Transaction<'_>, log: &Log, upto: u64) -> rusqlite::Result<()> {
    for (_, run) in runs(t)?.into_iter().filter(|(of, run)| of == log && run.last <= upto) {
        remove(t, log, run)?;
    }
    Ok(())
}

/// The records that told about any of the ids, each once, in the order of logs and numbers.
pub(super) fn of(c: &Connection, ids: &[SubjectId]) -> rusqlite::Result<BTreeSet<(Log, u64)>> {
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
                found.extend(postings.into_iter().filter(within).map(|posting| (*log, sequence(posting))));
                if block.get::<_, Posting>(0)? < least {
                    break;
                }
            }
        }
    }
    for (log, upto) in logs(c)? {
        let last = runs.iter().filter(|(of, _)| *of == log).map(|(_, run)| run.last).max().unwrap_or(0);
        each_unsorted(c, &log, (last, upto), |sequence, of| {
            if of.iter().any(|id| ids.contains(id)) {
                found.insert((log, sequence));
            }
        })?;
    }
    Ok(found)
}

fn logs(c: &Connection) -> rusqlite::Result<Vec<(Log, u64)>> {
    c.prepare_cached(sql::LOGS)?.query_map((), |row| Ok((row.get(0)?, number(row, 1)?)))?.collect()
}

fn runs(c: &Connection) -> rusqlite::Result<Vec<(Log, Run)>> {
    let mut statement = c.prepare_cached(sql::RUNS)?;
    let found = statement.query_map((), |row| {
        Ok((row.get(0)?, Run { first: number(row, 1)?, last: number(row, 2)?, level: row.get(3)? }))
    })?;
    found.collect()
}

/// The newest first, so many at most.
fn last_runs(c: &Connection, log: &Log, most: usize) -> rusqlite::Result<Vec<Run>> {
    let mut statement = c.prepare_cached(sql::LAST_RUNS)?;
    let found = statement.query_map((log, i64::try_from(most).unwrap_or(i64::MAX)), |row| {
        Ok(Run { first: number(row, 0)?, last: number(row, 1)?, level: row.get(2)? })
    })?;
    found.collect()
}

/// Whom each disclosure behind one record and up to another told about.
fn each_unsorted(
    c: &Connection,
    log: &Log,
    (after, upto): (u64, u64),
    mut each: impl FnMut(u64, Vec<SubjectId>),
) -> rusqlite::Result<()> {
    let mut statement = c.prepare_cached(sql::UNSORTED_FROM)?;
    let mut rows = statement.query((log, int(after), int(upto)))?;
    while let Some(row) = rows.next()? {
        each(number(row, 0)?, read_ids(row, 1)?);
    }
    Ok(())
}

/// The newest runs become one as long as there are enough of one level.
fn merge(t: &Transaction<'_>, log: &Log) -> rusqlite::Result<()> {
    loop {
        let newest = last_runs(t, log, MERGED)?;
        let (Some(end), Some(begin)) = (newest.first(), newest.last()) else { return Ok(()) };
        let alike = newest.iter().all(|run| run.level == end.level);
        if newest.len() < MERGED || !alike || end.level >= LAST_LEVEL {
            return Ok(());
        }
        let run = Run { first: begin.first, last: end.last, level: end.level.saturating_add(1) };
        let mut postings = Vec::new();
        for run in &newest {
            let mut statement = t.prepare_cached(sql::BLOCKS_OF_RUN)?;
            let mut blocks = statement.query((log, int(run.first)))?;
            while let Some(block) = blocks.next()? {
                postings.append(&mut read_chunks(block, 0)?);
            }
            remove(t, log, *run)?;
        }
        // Stable: what is merged is sorted in pieces, which this sort finds and this way only merges.
        postings.sort_by_key(numbers);
        put(t, log, run, &postings)?;
    }
}

/// Keeps sorted postings.
fn put(t: &Transaction<'_>, log: &Log, run: Run, postings: &[Posting]) -> rusqlite::Result<()> {
    t.prepare_cached(sql::PUT_RUN)?.execute((log, int(run.first), int(run.last), run.level))?;
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

/// What a posting sorts by, as numbers: quicker to compare than bytes, and the same order.
fn numbers(posting: &Posting) -> (u128, u64) {
    let subject = posting.first_chunk().map_or(0, |id| u128::from_be_bytes(*id));
    (subject, sequence(*posting))
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
