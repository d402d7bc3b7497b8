//! What a run writes into its work directory while it goes: rows or records, whose data they are, and what was
//! passed over; each file as long as the last checkpoint says, or longer.

use std::path::{Path, PathBuf};

use super::bundle::Listed;
use super::checkpoint::{BeingMade, Checkpoint, CheckpointError, Next, Unsynced, cannot};
use super::growing::Growing;
use super::run::RunError;
use super::select::Selected;
use super::staged::Writer;
use super::tally::{Counts, Tally};
use super::work::Done;
use crate::ids::{SubjectId, SubjectSet};
use crate::policy::checked::extract::Extract;
use crate::rewrite::Part;

/// The folder of what becomes the extract.
pub(super) const OUT: &str = "out";
/// Files of records that are whole after which they are synced, also where no checkpoint is due (which names all
/// inputs): they are open until then, and a process may have 1,024 files.
const MOST_ENDED: usize = 64;

/// The files of a run.
#[derive(Debug)]
pub(super) struct Outputs {
    work: PathBuf,
    checkpoint: Checkpoint,
    tables: Vec<Writer>,
    persons: Vec<Persons>,
    skipped: Growing,
    records: Option<(usize, Growing)>,
    /// Files of records that are whole, and not counted on yet.
    ended: Vec<Unsynced>,
    /// Of all files of records that are whole, those that this run wrote from their beginning.
    hashed: Vec<Listed>,
    /// The last checkpoint, while it is being made.
    being_made: Option<BeingMade>,
    /// Bytes of input since the last checkpoint.
    since: u64,
    /// Some record of the document that is coming in parts has left.
    after_records: bool,
}

/// What a run has come to.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) counts: Counts,
    /// Whose data leaves, by the extract's routes.
    pub(super) persons: Vec<Vec<SubjectId>>,
    /// Of the files of records, those that this run wrote from their beginning.
    pub(super) hashed: Vec<Listed>,
}

/// Whose data leaves by one route's rules.
#[derive(Debug)]
struct Persons {
    seen: SubjectSet,
    inorder: Vec<SubjectId>,
    file: Growing,
}

impl Outputs {
    /// What the positions of what was passed over begin with.
    pub(super) const SKIPPED_HEADER: &[u8] = b"file,line,byte,why\n";

    /// Where the rows of a table stand.
    pub(super) fn table(work: &Path, number: usize) -> PathBuf {
        work.join(format!("table-{number}.staged"))
    }

    /// Where positions of what was passed over stand.
    pub(super) fn skipped(work: &Path) -> PathBuf {
        work.join("skipped.csv")
    }

    /// Where the records of a file go: numbered, for a name may be a person's.
    pub(super) fn records(work: &Path, input: usize, lines: bool) -> PathBuf {
        let end = if lines { "ndjson" } else { "json" };
        work.join(OUT).join(format!("records-{:05}.{end}", input.saturating_add(1)))
    }

    /// Whose data left by the rules of one of the routes.
    pub(super) fn persons(work: &Path, route: usize) -> Result<Vec<SubjectId>, CheckpointError> {
        let path = persons_of(work, route);
        read_persons(&path)
    }

    /// Opens the files of a run, cut to what the checkpoint counts on.
    pub(super) fn open(work: &Path, checkpoint: Checkpoint, extract: &Extract) -> Result<Self, RunError> {
        let lengths = &checkpoint.lengths;
        let begins = lengths.tables.is_empty() && lengths.persons.is_empty();
        let mut tables = Vec::new();
        for (number, table) in extract.tables.iter().enumerate() {
            let path = Self::table(work, number);
            let length = lengths.tables.get(number);
            tables.push(match length {
                Some(length) => Writer::resume(&path, table.columns.len(), *length)?,
                None => Writer::create(&path, table.columns.len())?,
            });
        }
        let mut persons = Vec::new();
        for number in 0..extract.routes.len() {
            let path = persons_of(work, number);
            persons.push(Persons::open(path, lengths.persons.get(number).copied().unwrap_or_default())?);
        }
        let mut skipped = Growing::open(Self::skipped(work), lengths.skipped)?;
        if begins {
            skipped.add(Self::SKIPPED_HEADER)?;
        }
        let out = work.join(OUT);
        std::fs::create_dir_all(&out).map_err(cannot("make", &out))?;
        let mut outputs = Self {
            work: work.to_owned(),
            checkpoint,
            tables,
            persons,
            skipped,
            records: None,
            ended: Vec::new(),
            hashed: Vec::new(),
            being_made: None,
            since: 0,
            after_records: false,
        };
        outputs.cut_records()?;
        if begins {
            outputs.begin_checkpoint()?;
        }
        Ok(outputs)
    }

    /// Takes over what came of a piece, in the pieces' order.
    pub(super) fn take(&mut self, done: Done, checkpoint_every: u64) -> Result<(), RunError> {
        let Done {
            number,
            input,
            route,
            form,
            part,
            end,
            length,
            released,
            selected,
            tally,
            subjects,
            skipped,
        } = done;
        let released = self.joined(part, &released);
        for (writer, block) in self.tables.iter_mut().zip(&selected.blocks) {
            writer.append(block)?;
        }
        if !released.is_empty() {
            self.records_of(input, form.is_lines())?.add(released)?;
        }
        if let Some(persons) = self.persons.get_mut(route) {
            persons.add(&subjects)?;
        }
        let mut routes = vec![Tally::default(); route];
        routes.push(tally);
        let Selected { rows, cells, .. } = selected;
        let skipped_here = skipped.len() as u64;
        self.checkpoint.counts.join(&Counts { routes, rows, cells, skipped: skipped_here, bytes: length });
        for one in skipped {
            let (file, line, byte, why) = (one.input.saturating_add(1), one.line, one.offset, one.why);
            self.skipped.add(format!("{file},{line},{byte},\"{why}\"\n").as_bytes())?;
        }
        self.since = self.since.saturating_add(length);
        if part.is_some_and(|(part, _)| part != Part::Last) {
            // Within a document nothing is gone on from.
            return Ok(());
        }
        self.checkpoint.next = Next { input, at: end, number: number.saturating_add(1) };
        if self.since >= checkpoint_every {
            self.begin_checkpoint()?;
        } else if self.ended.len() >= MOST_ENDED {
            let ended = std::mem::take(&mut self.ended);
            self.begin(None, ended)?;
        }
        Ok(())
    }

    /// What a part adds to the document: its records come behind a comma, if any has left before.
    fn joined<'r>(&mut self, part: Option<(Part, bool)>, released: &'r [u8]) -> &'r [u8] {
        let (is_middle, has_records) = match part {
            None | Some((Part::Last, _)) => (false, false),
            Some((Part::First, has_records)) => {
                self.after_records = false;
                (false, has_records)
            }
            Some((Part::Middle, has_records)) => (true, has_records),
        };
        let is_first = !self.after_records;
        self.after_records |= has_records;
        let comma = usize::from(is_middle && has_records && is_first);
        released.get(comma..).unwrap_or_default()
    }

    /// Makes the last checkpoint, waits for it, and marks the ends of the tables, which are not synced.
    pub(super) fn finish(mut self) -> Result<Finished, RunError> {
        self.begin_checkpoint()?;
        self.await_checkpoint()?;
        // Behind the checkpoint: whoever went on from one that names no open file would take them all for new.
        self.end_records()?;
        let Self { checkpoint, tables, persons, hashed, .. } = self;
        for table in tables {
            table.finish()?;
        }
        let persons = persons.into_iter().map(|persons| persons.inorder).collect();
        Ok(Finished { counts: checkpoint.counts, persons, hashed })
    }

    /// Begins a checkpoint of what is written so far.
    fn begin_checkpoint(&mut self) -> Result<(), RunError> {
        let lengths = &mut self.checkpoint.lengths;
        let mut files = std::mem::take(&mut self.ended);
        let mut count_on = |(length, file)| {
            files.push(file);
            length
        };
        let tables = self.tables.iter_mut().map(|table| table.mark().map(&mut count_on));
        lengths.tables = tables.collect::<Result<_, _>>()?;
        let persons = self.persons.iter().map(|one| one.file.mark().map(&mut count_on));
        lengths.persons = persons.collect::<Result<_, _>>()?;
        lengths.skipped = self.skipped.mark().map(&mut count_on)?;
        lengths.records = match &self.records {
            Some((input, file)) => Some((*input, file.mark().map(&mut count_on)?)),
            None => None,
        };
        self.since = 0;
        self.begin(Some(self.checkpoint.clone()), files)
    }

    /// Begins to bring files to disk, and a checkpoint that counts on them, once the one before is made.
    fn begin(&mut self, checkpoint: Option<Checkpoint>, files: Vec<Unsynced>) -> Result<(), RunError> {
        self.await_checkpoint()?;
        self.being_made = Some(BeingMade::begin(checkpoint, files, self.work.join(OUT), &self.work)?);
        Ok(())
    }

    /// Waits until the last checkpoint is made.
    fn await_checkpoint(&mut self) -> Result<(), CheckpointError> {
        self.being_made.take().map_or(Ok(()), BeingMade::end)
    }

    fn records_of(&mut self, input: usize, lines: bool) -> Result<&mut Growing, RunError> {
        let is_open = self.records.as_ref().is_some_and(|(open, _)| *open == input);
        if !is_open {
            self.end_records()?;
            let file = Growing::create_hashed(Self::records(&self.work, input, lines))?;
            self.records = Some((input, file));
        }
        let file = self.records.as_mut().map(|(_, file)| file);
        file.ok_or(RunError::Released)
    }

    /// The file of records that is open is whole.
    fn end_records(&mut self) -> Result<(), CheckpointError> {
        if let Some((_, file)) = self.records.take() {
            let (file, hashed) = file.end()?;
            self.ended.push(file);
            self.hashed.extend(hashed);
        }
        Ok(())
    }

    /// Takes away what was written of records since the checkpoint.
    fn cut_records(&mut self) -> Result<(), RunError> {
        let inputs = self.checkpoint.terms.inputs.clone();
        let begun = self.checkpoint.lengths.records;
        for (number, input) in inputs.iter().enumerate() {
            let path = Self::records(&self.work, number, input.form.is_lines());
            match begun {
                Some((open, length)) if open == number => {
                    self.records = Some((number, Growing::open(path, length)?));
                }
                Some((open, _)) if number < open => {}
                _ if path.exists() => std::fs::remove_file(&path).map_err(cannot("remove", &path))?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn persons_of(work: &Path, route: usize) -> PathBuf {
    work.join(format!("persons-{route}"))
}

fn read_persons(path: &Path) -> Result<Vec<SubjectId>, CheckpointError> {
    let bytes = std::fs::read(path).map_err(cannot("read", path))?;
    let (ids, _rest) = bytes.as_chunks::<16>();
    Ok(ids.iter().map(|id| SubjectId(*id)).collect())
}

impl Persons {
    fn open(path: PathBuf, length: u64) -> Result<Self, CheckpointError> {
        let file = Growing::open(path, length)?;
        let inorder = read_persons(file.path())?;
        Ok(Self { seen: inorder.iter().copied().collect(), inorder, file })
    }

    fn add(&mut self, subjects: &[SubjectId]) -> Result<(), CheckpointError> {
        let mut new = Vec::new();
        for id in subjects {
            if self.seen.insert(*id) {
                self.inorder.push(*id);
                new.extend_from_slice(&id.0);
            }
        }
        self.file.add(&new)
    }
}
