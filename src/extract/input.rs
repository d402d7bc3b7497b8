//! The files of an extract, read in pieces of whole lines, or whole documents.
//!
//! A file is told from another by what it was when the run began: one that has changed since is refused, for half
//! of each would be an export that never was. Paths may hold a person's name or number: they stand in messages to
//! whoever runs the extract, and never in an output.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::source::{self, Coding, Rows};

/// Bytes of a piece of lines: long enough that handing it from thread to thread is nothing, short enough that a
/// few of them a thread are little.
pub const PIECE: usize = 1 << 20;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// One document a line (NDJSON).
    Lines,
    /// One JSON document.
    Document,
    /// Rows under a header: each is a document.
    Csv,
}

impl Form {
    /// By the end of a file's name, and how it is compressed; `None` if that says nothing.
    #[must_use]
    pub fn of(path: &Path) -> Option<(Self, Coding)> {
        let end = |path: &Path| Some(path.extension()?.to_str()?.to_ascii_lowercase());
        let coding = match end(path)?.as_str() {
            "gz" => Coding::Gzip,
            "zst" => Coding::Zstd,
            _ => Coding::Plain,
        };
        let inner = if coding == Coding::Plain { path } else { Path::new(path.file_stem()?) };
        let form = match end(inner)?.as_str() {
            "ndjson" | "jsonl" => Self::Lines,
            "json" => Self::Document,
            "csv" => Self::Csv,
            _ => return None,
        };
        Some((form, coding))
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// As it was given.
    pub path: PathBuf,
    /// What it holds.
    pub form: Form,
    /// How it is compressed.
    coding: Coding,
    /// How its rows are read.
    rows: Option<Rows>,
    /// What it was when the run began.
    identity: Identity,
}

/// What tells a file from what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system refused.
    #[error("cannot read `{}`: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It holds what nobody can take apart: no gzip, no header, a quote that is not closed.
    #[error("`{}`: {error}; mend the file", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        error: io::Error,
    },
    /// The end of its name says nothing.
    #[error("cannot tell what `{}` holds: name it .ndjson (one document a line), .json (one document) or .csv, with .gz or .zst behind that if it is compressed", path.display())]
    Form {
        /// Which file.
        path: PathBuf,
    },
    /// It has changed.
    #[error("`{}` has changed since the extract began: let nothing write to it, and run the extract anew", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// Given twice, under whatever paths.
    #[error("`{}` and `{}` are one file: its rows would be in the extract twice", path.display(), other.display())]
    Twice {
        /// Which file.
        path: PathBuf,
        /// What it was given as before.
        other: PathBuf,
    },
    /// A document or line that is longer than the policy allows.
    #[error("`{}`, line {line}: longer than the {most} bytes that the policy's `[limits] response` allows", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// The policy's limit.
        most: usize,
    },
}

impl Input {
    /// Looks at a file.
    ///
    /// `rows`: how CSV is read.
    ///
    /// # Errors
    /// It cannot be read, or its form is not known.
    pub fn open(path: &Path, rows: &Rows) -> Result<Self, InputError> {
        let metadata = File::open(path).and_then(|file| file.metadata());
        let metadata = metadata.map_err(|error| InputError::Io { path: path.to_owned(), error })?;
        if !metadata.is_file() {
            let error = io::Error::other("it is no file; give the files of a folder one by one");
            return Err(InputError::Io { path: path.to_owned(), error });
        }
        let (form, coding) = Form::of(path).ok_or_else(|| InputError::Form { path: path.to_owned() })?;
        let rows = (form == Form::Csv).then(|| rows.clone());
        Ok(Self { path: path.to_owned(), form, coding, rows, identity: Identity::of(&metadata) })
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.identity.length
    }

    /// What tells it from other files, and from what it becomes, under whatever path.
    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    /// Refuses a file that is not what it was.
    ///
    /// # Errors
    /// It has changed, or is gone.
    pub fn check(&self) -> Result<(), InputError> {
        let metadata = std::fs::metadata(&self.path);
        let metadata = metadata.map_err(|error| InputError::Io { path: self.path.clone(), error })?;
        self.same(&metadata)
    }

    fn same(&self, metadata: &Metadata) -> Result<(), InputError> {
        let same = Identity::of(metadata) == self.identity;
        if same { Ok(()) } else { Err(InputError::Changed { path: self.path.clone() }) }
    }

    /// Reads it from a place where a piece began. `most`: bytes of a line, or of a document.
    ///
    /// # Errors
    /// It cannot be opened, or has changed.
    pub fn pieces(&self, at: Place, piece: usize, most: usize) -> Result<Pieces, InputError> {
        let io = |error| fault(&self.path, error);
        let mut file = File::open(&self.path).map_err(io)?;
        self.same(&file.metadata().map_err(io)?)?;
        let as_it_stands = self.coding == Coding::Plain && self.rows.is_none();
        if as_it_stands {
            file.seek(SeekFrom::Start(at.offset)).map_err(io)?;
        }
        let mut source = source::open(file, self.coding, self.rows.as_ref(), most).map_err(io)?;
        if !as_it_stands {
            io::copy(&mut source.by_ref().take(at.offset), &mut io::sink()).map_err(io)?;
        }
        let length = match self.coding {
            Coding::Plain => usize::try_from(self.length()).unwrap_or(usize::MAX),
            Coding::Gzip | Coding::Zstd => usize::MAX,
        };
        let (path, form) = (self.path.clone(), self.form);
        Ok(Pieces { path, form, source, at, rest: Vec::new(), ended: false, piece, most, length })
    }
}

/// Refuses files of which two are one.
///
/// # Errors
/// Which.
pub fn each_once(inputs: &[Input]) -> Result<(), InputError> {
    let mut seen = HashMap::new();
    for Input { path, identity, .. } in inputs {
        if let Some(other) = seen.insert((identity.device, identity.inode), path) {
            return Err(InputError::Twice { path: path.clone(), other: other.clone() });
        }
    }
    Ok(())
}

/// Whether it is the file that is at fault, or the system.
pub(super) fn fault(path: &Path, error: io::Error) -> InputError {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    let path = path.to_owned();
    if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
        InputError::Content { path, error }
    } else {
        InputError::Io { path, error }
    }
}

impl Input {
    /// The line that a byte stands on, from 1; read again for whoever mends the file.
    #[must_use]
    pub fn line_at(&self, offset: usize) -> u64 {
        let before = Place { offset: 0, line: 1 };
        let Ok(mut from) = self.pieces(before, PIECE, PIECE) else { return before.line };
        let (mut place, mut some) = (before, vec![0; PIECE]);
        let mut left = offset;
        while left > 0 {
            let wanted = some.len().min(left);
            let read = from.source.read(some.get_mut(..wanted).unwrap_or_default()).unwrap_or_default();
            if read == 0 {
                break;
            }
            place = place.after(some.get(..read).unwrap_or_default());
            left = left.saturating_sub(read);
        }
        place.line
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// How many lines stand before the first that is longer than `most`, its end left out; `None` if none is.
fn too_long(lines: &[u8], most: usize) -> Option<u64> {
    if lines.len() <= most {
        return None;
    }
    let long = lines.split(|byte| *byte == b'\n').position(|line| line.len() > most)?;
    Some(long as u64)
}

/// A place between two pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Bytes before it.
    pub offset: u64,
    /// The line that begins there, from 1.
    pub line: u64,
}

impl Place {
    /// The beginning of a file.
    pub const START: Self = Self { offset: 0, line: 1 };

    /// The place `bytes` further on.
    #[must_use]
    pub fn after(self, bytes: &[u8]) -> Self {
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        Self {
            offset: self.offset.saturating_add(bytes.len() as u64),
            line: self.line.saturating_add(lines as u64),
        }
    }
}

/// The pieces of one file, in their order.
pub struct Pieces {
    path: PathBuf,
    form: Form,
    source: Box<dyn Read + Send>,
    at: Place,
    /// Read, and not handed out: the beginning of a line.
    rest: Vec<u8>,
    ended: bool,
    piece: usize,
    most: usize,
    /// Of the file.
    length: usize,
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pieces").field("path", &self.path).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Pieces {
    /// What has been read and not handed out, and what is still to come.
    pub(super) fn into_rest(self) -> (Vec<u8>, Box<dyn Read + Send>) {
        (self.rest, self.source)
    }

    /// Where the next piece begins.
    pub(super) const fn at(&self) -> Place {
        self.at
    }

    /// The next piece, and where it begins; `None` at the end.
    ///
    /// # Errors
    /// It cannot be read, or a line is too long.
    pub fn advance(&mut self) -> Result<Option<(Place, Vec<u8>)>, InputError> {
        let mut wanted = match self.form {
            Form::Lines | Form::Csv => self.piece,
            // One more, to see the end, and no more than it can be.
            Form::Document => self.most.min(self.length).saturating_add(1),
        };
        loop {
            self.fill(wanted)?;
            let end = match self.form {
                Form::Document => Some(self.rest.len()),
                Form::Lines | Form::Csv if self.ended => Some(self.rest.len()),
                Form::Lines | Form::Csv => memchr::memrchr(b'\n', &self.rest).map(|at| at.saturating_add(1)),
            };
            let over =
                end.unwrap_or(self.rest.len()) > self.most && (end.is_none() || self.form == Form::Document);
            if over {
                let (path, line, most) = (self.path.clone(), self.at.line, self.most);
                return Err(InputError::TooLong { path, line, most });
            }
            let Some(end) = end else {
                wanted = wanted.saturating_mul(2).min(self.most.saturating_add(1));
                continue;
            };
            if end == 0 {
                return Ok(None);
            }
            let rest = self.rest.split_off(end);
            let piece = std::mem::replace(&mut self.rest, rest);
            let at = self.at;
            if let Some(before) = self.form.is_lines().then(|| too_long(&piece, self.most)).flatten() {
                let (path, line, most) = (self.path.clone(), at.line.saturating_add(before), self.most);
                return Err(InputError::TooLong { path, line, most });
            }
            self.at = at.after(&piece);
            return Ok(Some((at, piece)));
        }
    }

    /// Reads until `rest` has so many bytes, or the file ends.
    fn fill(&mut self, wanted: usize) -> Result<(), InputError> {
        let missing = wanted.saturating_sub(self.rest.len());
        if self.ended || missing == 0 {
            return Ok(());
        }
        // PERF: exactly as long as it must be; pieces are handed to other threads.
        if self.length < usize::MAX {
            self.rest.reserve(missing);
        }
        let read = self.source.by_ref().take(missing as u64).read_to_end(&mut self.rest);
        let read = read.map_err(|error| fault(&self.path, error))?;
        self.ended = read < missing;
        Ok(())
    }
}
