//! Where a run can be gone on from: what it is about, how far it was, and how long each of its files was then.
//!
//! Written beside the old one, synced, and renamed over it, after the files that it counts on are synced: by a thread of
//! its own, one at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use serde::{Deserialize, Serialize};

use super::input::{Input, Place};
use super::tally::{Counts, Tally};
use crate::policy::checked::extract::Extract;
use crate::pseudonym::Salt;

/// The form of the file.
const VERSION: u32 = 2;
const NAME: &str = "checkpoint.json";

/// What a run that is gone on with has in common with the one that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) policy: String,
    /// What tells key rings apart, in hexadecimal digits: a person must have one pseudonym in all of an extract.
    pub(super) keys: String,
    pub(super) inputs: Vec<Input>,
    /// Files that only tell who is who.
    pub(super) consulted: Vec<Input>,
    pub(super) skips: bool,
    pub(super) piece: usize,
    /// The registry's last change.
    pub(super) last_change: u64,
    /// How many ids the registry knew whose they are.
    pub(super) ties: usize,
}

/// Where the next piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Next {
    pub(super) input: usize,
    pub(super) at: Place,
    /// Over all files.
    pub(super) number: u64,
}

impl Next {
    /// Before the first piece of the first file.
    pub(super) const START: Self = Self { input: 0, at: Place::START, number: 0 };
}

/// Bytes of the work directory's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lengths {
    pub(super) tables: Vec<u64>,
    pub(super) persons: Vec<u64>,
    pub(super) skipped: u64,
    /// Where records leave as they are: of which file the output was begun last, and how long it is.
    pub(super) records: Option<(usize, u64)>,
}

/// The file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    version: u32,
    pub(super) terms: Terms,
    /// SECURITY: tells nothing without the keys; the directory is its owner's alone.
    pub(super) salt: Salt,
    pub(super) now: u64,
    pub(super) next: Next,
    pub(super) lengths: Lengths,
    pub(super) counts: Counts,
}

/// Why the work directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The system refused.
    #[error("cannot {doing} `{}`: {error}", path.display())]
    Io {
        /// Read, write, …
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It is not one of this version.
    #[error("`{}` is no checkpoint of this version of tavs: remove its directory, and run the extract anew without --resume", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A file is shorter than the checkpoint says.
    #[error("`{}` is shorter than when the checkpoint was made: remove its directory, and run the extract anew without --resume", path.display())]
    Short {
        /// Which file.
        path: PathBuf,
    },
    /// The run was about something else.
    #[error("the extract that was begun in `{}` had {what}: remove that directory, and run the extract anew without --resume", path.display())]
    Other {
        /// The work directory.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

impl Checkpoint {
    pub(super) fn new(terms: Terms, salt: Salt, now: u64, extract: &Extract) -> Self {
        let counts = Counts {
            routes: vec![Tally::default(); extract.routes.len()],
            rows: vec![0; extract.tables.len()],
            cells: extract.tables.iter().map(|table| vec![Default::default(); table.columns.len()]).collect(),
            ..Counts::default()
        };
        Self { version: VERSION, terms, salt, now, next: Next::START, lengths: Lengths::default(), counts }
    }

    /// Reads the last one of a run on these terms.
    ///
    /// # Errors
    /// There is none, or it is of another run.
    pub(super) fn read(work: &Path, terms: &Terms) -> Result<Self, CheckpointError> {
        let read = Self::last(work)?;
        let Terms { policy, keys, inputs, consulted, skips, piece, last_change, ties } = terms;
        let own = &read.terms;
        for (same, what) in [
            (own.policy == *policy, "another version of the policy"),
            (own.keys == *keys, "other keys: its domain has another version by now"),
            (own.inputs == *inputs, "other files, or they have changed"),
            (own.consulted == *consulted, "other files for --who-is-who, or they have changed"),
            (own.skips == *skips, "another `--on-error`"),
            (own.piece == *piece, "another `--checkpoint`"),
            (own.last_change == *last_change, "other rights of subjects: some have changed since"),
            (own.ties == *ties, "less known about who is who: more has been learnt since"),
        ] {
            if !same {
                return Err(CheckpointError::Other { path: work.to_owned(), what });
            }
        }
        Ok(read)
    }

    /// Reads the last one, whatever run it is of.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn last(work: &Path) -> Result<Self, CheckpointError> {
        let path = work.join(NAME);
        let text = std::fs::read(&path).map_err(cannot("read", &path))?;
        let read = serde_json::from_slice(&text).ok().filter(|read: &Self| read.version == VERSION);
        read.ok_or(CheckpointError::Foreign { path })
    }

    /// Puts it in the place of the last one.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn write(&self, work: &Path) -> Result<(), CheckpointError> {
        let (path, new) = (work.join(NAME), work.join("checkpoint.new"));
        let text = serde_json::to_vec(self).map_err(|error| cannot("write", &path)(error.into()))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(cannot("make", &new))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(cannot("write", &new))?;
        std::fs::rename(&new, &path).map_err(cannot("write", &path))?;
        sync_folder(work)
    }
}

/// A file that a checkpoint counts on, as far as it is written.
#[derive(Debug)]
pub(super) struct Unsynced {
    file: File,
    path: PathBuf,
}

impl Unsynced {
    /// What is written to the file so far; more may follow.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn of(file: &File, path: &Path) -> Result<Self, CheckpointError> {
        let file = file.try_clone().map_err(cannot("keep open", path))?;
        Ok(Self { file, path: path.to_owned() })
    }
}

/// A checkpoint, or what the next one will count on, that is brought to disk while the run goes on.
///
/// PERF: to sync what had come of 64 MiB of input (the interval then) took 12 ms, in which two threads could have
/// rewritten 8 MB more.
#[derive(Debug)]
pub(super) struct BeingMade(Option<JoinHandle<Result<(), CheckpointError>>>);

impl BeingMade {
    /// Syncs `files` and the names in `out`, then puts `checkpoint`, if one is due, in the place of the last one in
    /// `work`: on a thread of its own.
    ///
    /// # Errors
    /// No thread can be begun.
    pub(super) fn begin(
        checkpoint: Option<Checkpoint>,
        files: Vec<Unsynced>,
        out: PathBuf,
        work: &Path,
    ) -> Result<Self, CheckpointError> {
        let to = work.to_owned();
        let make = move || {
            for Unsynced { file, path } in files {
                file.sync_data().map_err(cannot("sync", &path))?;
            }
            sync_folder(&out)?;
            checkpoint.map_or(Ok(()), |checkpoint| checkpoint.write(&to))
        };
        let begun = thread::Builder::new().name("tavs-checkpoint".to_owned()).spawn(make);
        Ok(Self(Some(begun.map_err(cannot("begin a checkpoint in", work))?)))
    }

    /// Waits until it is made.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn end(mut self) -> Result<(), CheckpointError> {
        let Some(thread) = self.0.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A run that stops leaves the directory to others: nothing writes there any more.
impl Drop for BeingMade {
    fn drop(&mut self) {
        // Why the run stops is said already.
        drop(self.0.take().map(JoinHandle::join));
    }
}

/// Makes what was renamed in a folder last.
///
/// # Errors
/// What the system says.
pub(super) fn sync_folder(folder: &Path) -> Result<(), CheckpointError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(cannot("sync", folder))
}

/// What was being done when the system refused.
pub(super) fn cannot(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |error| CheckpointError::Io { doing, path, error }
}
