//! Sorts more than memory holds: fixed-size records are sorted in runs, the runs go to files without a
//! name in the work directory, and are merged when they are read.
//!
//! A run that is killed leaves nothing behind, and what fits into memory touches no disk.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of one run: what one sort holds in memory. Four are alive at a time.
pub(super) const RUN_BYTES: usize = 32 << 20;
/// Runs that are merged at a time: far below the usual bound of 1,024 open files.
const MOST_RUNS: usize = 128;
/// Bytes that are read ahead of each run while they are merged.
const READ_AHEAD: usize = 64 << 10;

/// The work directory fails.
#[derive(Debug, thiserror::Error)]
#[error("cannot work in `{}`: {error}", path.display())]
pub struct SortError {
    /// The directory.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub error: io::Error,
}

/// One record of its fields, which must fill it.
pub(super) fn join<const N: usize, const F: usize>(fields: [&[u8]; F]) -> [u8; N] {
    debug_assert_eq!(fields.iter().map(|field| field.len()).sum::<usize>(), N, "the fields fill the record");
    let mut record = [0; N];
    let mut rest = record.as_mut_slice();
    for field in fields {
        let Some((own, behind)) = rest.split_at_mut_checked(field.len()) else { break };
        own.copy_from_slice(field);
        rest = behind;
    }
    record
}

/// The field of a record that begins at a byte.
pub(super) fn part<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Takes records in any order.
pub(super) struct Sorter<'a, const N: usize> {
    work: &'a Path,
    /// Records of a run.
    most: usize,
    run: Vec<[u8; N]>,
    runs: Vec<File>,
}

impl<'a, const N: usize> Sorter<'a, N> {
    pub(super) fn new(work: &'a Path, run_bytes: usize) -> Self {
        let most = run_bytes.checked_div(N).unwrap_or_default().max(1);
        Self { work, most, run: Vec::new(), runs: Vec::new() }
    }

    pub(super) fn push(&mut self, record: [u8; N]) -> Result<(), SortError> {
        self.run.push(record);
        if self.run.len() < self.most { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> Result<(), SortError> {
        self.run.sort_unstable();
        let run = write_run(self.work, self.run.iter().map(|record| Ok(*record)))?;
        self.run.clear();
        self.runs.push(run);
        if self.runs.len() >= MOST_RUNS {
            let merged =
                Sorted::<N> { rest: Vec::new(), runs: std::mem::take(&mut self.runs), work: self.work };
            let run = write_run(self.work, merged.records()?)?;
            self.runs.push(run);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Sorted<'a, N> {
        self.run.sort_unstable();
        Sorted { rest: self.run, runs: self.runs, work: self.work }
    }
}

fn write_run<const N: usize>(
    work: &Path,
    records: impl Iterator<Item = Result<[u8; N], SortError>>,
) -> Result<File, SortError> {
    let fail = |error| SortError { path: work.to_owned(), error };
    let mut out = BufWriter::new(tempfile::tempfile_in(work).map_err(fail)?);
    for record in records {
        out.write_all(&record?).map_err(fail)?;
    }
    out.into_inner().map_err(|error| fail(error.into_error()))
}

/// Records in their order, to be gone through as often as is needed.
pub(super) struct Sorted<'a, const N: usize> {
    rest: Vec<[u8; N]>,
    runs: Vec<File>,
    work: &'a Path,
}

impl<const N: usize> Sorted<'_, N> {
    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.runs.is_empty()
    }

    /// All records, the least first. One pass at a time: the files have one position.
    pub(super) fn records(&self) -> Result<Records<'_, N>, SortError> {
        let mut records = Records { sources: Vec::new(), heads: BinaryHeap::new(), work: self.work };
        for mut file in &self.runs {
            file.seek(SeekFrom::Start(0)).map_err(|error| records.failed(error))?;
            records.sources.push(Source::File(BufReader::with_capacity(READ_AHEAD, file)));
        }
        records.sources.push(Source::Memory(self.rest.iter()));
        for source in 0..records.sources.len() {
            records.refill(source)?;
        }
        Ok(records)
    }
}

enum Source<'a, const N: usize> {
    Memory(std::slice::Iter<'a, [u8; N]>),
    File(BufReader<&'a File>),
}

/// One pass over sorted records.
pub(super) struct Records<'a, const N: usize> {
    sources: Vec<Source<'a, N>>,
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
    work: &'a Path,
}

impl<const N: usize> Records<'_, N> {
    fn failed(&self, error: io::Error) -> SortError {
        SortError { path: self.work.to_owned(), error }
    }

    fn refill(&mut self, source: usize) -> Result<(), SortError> {
        let next = match self.sources.get_mut(source) {
            None => None,
            Some(Source::Memory(rest)) => rest.next().copied(),
            Some(Source::File(file)) => {
                let mut record = [0; N];
                // A whole number of records was written, so an end within one is a fault of the disk.
                let is_at_end = file.fill_buf().map(<[u8]>::is_empty);
                match is_at_end
                    .and_then(|end| if end { Ok(None) } else { file.read_exact(&mut record).map(Some) })
                {
                    Ok(read) => read.map(|()| record),
                    Err(error) => return Err(self.failed(error)),
                }
            }
        };
        if let Some(record) = next {
            self.heads.push(Reverse((record, source)));
        }
        Ok(())
    }
}

impl<const N: usize> Iterator for Records<'_, N> {
    type Item = Result<[u8; N], SortError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, source)) = self.heads.pop()?;
        Some(self.refill(source).map(|()| record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_in_order_however_little_memory_there_is() {
        let work = tempfile::tempdir().unwrap();
        let mut state = 7_u32;
        let mut wanted: Vec<[u8; 3]> = Vec::new();
        for _ in 0..2_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, ..] = state.to_be_bytes();
            wanted.push([a, b, 1]);
        }
        for run_bytes in [0, 30, 1 << 20] {
            let mut sorter = Sorter::<3>::new(work.path(), run_bytes);
            wanted.iter().for_each(|record| sorter.push(*record).unwrap());
            let sorted = sorter.finish();
            let mut in_order = wanted.clone();
            in_order.sort_unstable();
            for _pass in 0..2 {
                let found: Vec<[u8; 3]> = sorted.records().unwrap().map(Result::unwrap).collect();
                assert!(found == in_order, "run of {run_bytes} bytes");
            }
        }
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "nothing stays behind");
    }
}
