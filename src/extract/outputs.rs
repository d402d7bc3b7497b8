//! What a run writes into its work directory while it goes: rows or records, whose data they are, and what was
//! passed over; each file as long as the last checkpoint says, or longer.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::checkpoint::{Checkpoint, CheckpointError, Next, cannot, sync_folder};
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

/// The files of a run.
#[derive(Debug)]
pub(super) struct Outputs {
    work: PathBuf,
    checkpoint: Checkpoint,
    tables: Vec<Writer>,
    persons: Vec<Persons>,
    skipped: Growing,
    records: Option<(usize, Growing)>,
    /// Bytes of input since the last checkpoint.
    since: u64,
    /// Some record of the document that is coming in parts has left.
    after_records: bool,
}

/// Whose data leaves by one route's rules.
#[derive(Debug)]
struct Persons {
    listed: SubjectSet,
    inorder: Vec<SubjectId>,
    file: Growing,
}

/// A file that only grows.
#[derive(Debug)]
struct Growing {
    file: File,
    path: PathBuf,
    length: u64,
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
            since: 0,
            after_records: false,
        };
        outputs.cut_records()?;
        if begins {
            outputs.keep()?;
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
            self.keep()?;
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

    /// Ends all files.
    pub(super) fn finish(mut self) -> Result<(Counts, Vec<Vec<SubjectId>>), RunError> {
        self.keep()?;
        let Self { checkpoint, tables, persons, .. } = self;
        for table in tables {
            table.finish()?;
        }
        Ok((checkpoint.counts, persons.into_iter().map(|persons| persons.inorder).collect()))
    }

    /// Syncs all files, and then the checkpoint that counts on them.
    fn keep(&mut self) -> Result<(), RunError> {
        let lengths = &mut self.checkpoint.lengths;
        lengths.tables = self.tables.iter_mut().map(Writer::sync).collect::<Result<_, _>>()?;
        lengths.persons = self.persons.iter_mut().map(|one| one.file.sync()).collect::<Result<_, _>>()?;
        lengths.skipped = self.skipped.sync()?;
        lengths.records = match &mut self.records {
            Some((input, file)) => Some((*input, file.sync()?)),
            None => None,
        };
        sync_folder(&self.work.join(OUT))?;
        self.checkpoint.write(&self.work)?;
        self.since = 0;
        Ok(())
    }

    fn records_of(&mut self, input: usize, lines: bool) -> Result<&mut Growing, RunError> {
        let is_open = self.records.as_ref().is_some_and(|(open, _)| *open == input);
        if !is_open {
            if let Some((_, mut file)) = self.records.take() {
                file.sync()?;
            }
            let file = Growing::open(Self::records(&self.work, input, lines), 0)?;
            self.records = Some((input, file));
        }
        let file = self.records.as_mut().map(|(_, file)| file);
        file.ok_or(RunError::Released)
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
        let inorder = read_persons(&file.path)?;
        Ok(Self { listed: inorder.iter().copied().collect(), inorder, file })
    }

    fn add(&mut self, subjects: &[SubjectId]) -> Result<(), CheckpointError> {
        let mut new = Vec::new();
        for id in subjects {
            if self.listed.insert(*id) {
                self.inorder.push(*id);
                new.extend_from_slice(&id.0);
            }
        }
        self.file.add(&new)
    }
}

impl Growing {
    fn open(path: PathBuf, length: u64) -> Result<Self, CheckpointError> {
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = options.map_err(cannot("open", &path))?;
        if file.metadata().map_err(cannot("read", &path))?.len() < length {
            return Err(CheckpointError::Short { path });
        }
        file.set_len(length).map_err(cannot("cut", &path))?;
        file.seek(SeekFrom::Start(length)).map_err(cannot("write", &path))?;
        Ok(Self { file, path, length })
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.file.write_all(bytes).map_err(cannot("write", &self.path))?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn sync(&mut self) -> Result<u64, CheckpointError> {
        self.file.sync_data().map_err(cannot("sync", &self.path))?;
        Ok(self.length)
    }
}
