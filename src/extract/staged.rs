//! A table's rows while they wait in the work directory of an extract: a private format, written once
//! and read back in order by the same tavs.
//!
//! ```text
//! file  = "tavs-staged 1 <columns>\n" *block end
//! block = length:u32 rows:u32 crc:u32 *row      ; little-endian; the CRC-32 is of `length rows` and the rows
//! end   = a block of length 0
//! row   = persons:varint *16OCTET *cell         ; a cell for each column
//! cell  = %x00 / %x01 (false) / %x02 (true) / %x03 text (number) / %x04 text
//! text  = length:varint *OCTET                  ; UTF-8
//! ```
//!
//! A block is what a checkpoint can count on: a run that was killed is resumed by cutting the file to a
//! length that `Writer::mark` gave. A file without its end is torn, and says so; it never passes for
//! a shorter table. The sum finds what a disk lost, not what somebody changed: who can write to the work
//! directory (mode 0700) can write to its owner's every file.

mod coding;
mod join;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

pub(super) use self::coding::write_cell;
pub use self::join::join;
use super::checkpoint::Unsynced;
use super::row::Row;
use super::run::RunError;

/// What a file begins with, before the number of columns.
const MAGIC: &str = "tavs-staged 1 ";
/// The longest first line: [`MAGIC`], the digits of a column count, and a line feed.
const LONGEST_HEADER: u64 = 32;
/// Bytes of a block before its rows.
const BLOCK_HEADER: usize = 12;
/// Bytes of rows after which a writer begins a new block: large enough that its 12 bytes more and its
/// system call are nothing, small enough that a sort can hold a block of hundreds of files.
const FULL_BLOCK: usize = 64 << 10;
/// The largest block, and so the largest row: more than any record that the rewriter takes, and what a
/// reader allocates at most when a length is damaged.
pub const LARGEST_BLOCK: usize = 256 << 20;

/// Why rows cannot be staged or read back.
#[derive(Debug, thiserror::Error)]
pub enum StagedError {
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
    /// No staged rows, or of another tavs or table.
    #[error("`{}` holds no staged rows of {columns} columns: it is of another run; run the extract anew", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// How many columns the table has.
        columns: usize,
    },
    /// It ends within a block, or without its end.
    #[error("`{}` is torn: its last whole block ends at byte {at}; use --resume, or run the extract anew", path.display())]
    Torn {
        /// Which file.
        path: PathBuf,
        /// Where the last whole block ends.
        at: u64,
    },
    /// A block is not as it was written.
    #[error("`{}` is damaged in the block at byte {at}: check the disk, and run the extract anew", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the block begins.
        at: u64,
    },
    /// A file is shorter than the checkpoint says.
    #[error("`{}` has {has} bytes, and the checkpoint counts on {wanted}; run the extract anew", path.display())]
    Short {
        /// Which file.
        path: PathBuf,
        /// Its length.
        has: u64,
        /// What the checkpoint says.
        wanted: u64,
    },
    /// A row that is larger than [`LARGEST_BLOCK`], or has other columns than its table.
    #[error("a row has {cells} cells for {columns} columns, or more than {LARGEST_BLOCK} bytes")]
    Row {
        /// Its cells.
        cells: usize,
        /// The table's columns.
        columns: usize,
    },
}

/// Rows in their coded form, so that threads can code while one writes.
#[derive(Default)]
pub struct Block {
    columns: usize,
    rows: u32,
    bytes: Vec<u8>,
}

impl Block {
    /// An empty block of a table with so many columns.
    #[must_use]
    pub const fn new(columns: usize) -> Self {
        Self { columns, rows: 0, bytes: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The row has other columns, or no longer fits: see [`LARGEST_BLOCK`].
    pub fn push(&mut self, row: &Row) -> Result<(), StagedError> {
        let wrong = StagedError::Row { cells: row.cells.len(), columns: self.columns };
        if row.cells.len() != self.columns {
            return Err(wrong);
        }
        let before = self.bytes.len();
        coding::write(row, &mut self.bytes);
        let rows = self.rows.checked_add(1);
        let Some(rows) = rows.filter(|_| self.bytes.len() <= LARGEST_BLOCK) else {
            self.bytes.truncate(before);
            return Err(wrong);
        };
        self.rows = rows;
        Ok(())
    }

    /// Bytes of the coded rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no row is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes all rows out; the memory stays.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.bytes.clear();
    }

    /// `None` cannot happen: [`push`](Self::push) keeps the length in bounds.
    fn header(&self) -> Option<[u8; BLOCK_HEADER]> {
        let length = u32::try_from(self.bytes.len()).ok()?;
        let mut header = [0; BLOCK_HEADER];
        let (length_at, rest) = header.split_at_mut(4);
        let (rows_at, crc_at) = rest.split_at_mut(4);
        length_at.copy_from_slice(&length.to_le_bytes());
        rows_at.copy_from_slice(&self.rows.to_le_bytes());
        crc_at.copy_from_slice(&sum(length, self.rows, &self.bytes).to_le_bytes());
        Some(header)
    }
}

/// SECURITY: its bytes are personal data.
impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("rows", &self.rows).finish_non_exhaustive()
    }
}

fn sum(length: u32, rows: u32, bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(&length.to_le_bytes());
    crc.update(&rows.to_le_bytes());
    crc.update(bytes);
    crc.sum()
}

/// Writes a table's rows.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    length: u64,
    block: Block,
}

impl Writer {
    /// Makes a file that must not exist yet, mode 0600.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path, columns: usize) -> Result<Self, StagedError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(io_error("make", path))?;
        let mut writer = Self { file, path: path.to_owned(), length: 0, block: Block::new(columns) };
        writer.write_all(format!("{MAGIC}{columns}\n").as_bytes())?;
        Ok(writer)
    }

    /// Opens a file that [`create`](Self::create) has made, and cuts it to a length that
    /// `mark` gave.
    ///
    /// # Errors
    /// It is shorter, or of another table; what the system says.
    pub fn resume(path: &Path, columns: usize, length: u64) -> Result<Self, StagedError> {
        Reader::open(path, columns)?;
        let file = OpenOptions::new().write(true).open(path).map_err(io_error("open", path))?;
        let has = file.metadata().map_err(io_error("read", path))?.len();
        if has < length {
            return Err(StagedError::Short { path: path.to_owned(), has, wanted: length });
        }
        file.set_len(length).map_err(io_error("cut", path))?;
        let mut writer = Self { file, path: path.to_owned(), length, block: Block::new(columns) };
        writer.file.seek(SeekFrom::Start(length)).map_err(io_error("write", path))?;
        Ok(writer)
    }

    /// Adds a row; it is in the file once its block is full, or after [`flush`](Self::flush).
    ///
    /// # Errors
    /// The row does not fit the table; what the system says.
    pub fn push(&mut self, row: &Row) -> Result<(), StagedError> {
        self.block.push(row)?;
        if self.block.len() < FULL_BLOCK { Ok(()) } else { self.flush() }
    }

    /// Adds the rows of a block that a thread has coded, after those pushed before.
    ///
    /// # Errors
    /// The block is of another table; what the system says.
    pub fn append(&mut self, block: &Block) -> Result<(), StagedError> {
        self.flush()?;
        if block.columns != self.block.columns {
            return Err(StagedError::Row { cells: block.columns, columns: self.block.columns });
        }
        self.write_block(block)
    }

    /// Ends the block that is begun.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<(), StagedError> {
        let mut block = std::mem::take(&mut self.block);
        let written = self.write_block(&block);
        block.clear();
        self.block = block;
        written
    }

    /// The file's length with all rows so far, and what is to be synced before [`resume`](Self::resume) can go on
    /// from there.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn mark(&mut self) -> Result<(u64, Unsynced), RunError> {
        self.flush()?;
        Ok((self.length, Unsynced::of(&self.file, &self.path)?))
    }

    /// Marks the end: no row follows. Not synced.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> Result<(), StagedError> {
        self.flush()?;
        let end = Block::new(self.block.columns).header().unwrap_or_default();
        self.write_all(&end)
    }

    fn write_block(&mut self, block: &Block) -> Result<(), StagedError> {
        if block.is_empty() {
            return Ok(());
        }
        let wrong = StagedError::Row { cells: block.columns, columns: self.block.columns };
        self.write_all(&block.header().ok_or(wrong)?)?;
        self.write_all(&block.bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StagedError> {
        self.file.write_all(bytes).map_err(io_error("write", &self.path))?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

/// Reads a table's rows in the order in which they were written.
#[derive(Debug)]
pub struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    /// Of each column, whether its cells are read.
    wanted: Vec<bool>,
    /// The block that is being read: its rows, how far they are read, and how many are left.
    block: Block,
    read: usize,
    /// Where the next block begins.
    next: u64,
    ended: bool,
}

impl Reader {
    /// Opens the staged rows of a table with so many columns.
    ///
    /// # Errors
    /// It is of another table; what the system says.
    pub fn open(path: &Path, columns: usize) -> Result<Self, StagedError> {
        Self::open_for(path, columns, |_every_column| true)
    }

    /// As [`open`](Self::open), to read only the cells of some columns: the others are missing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn open_for(
        path: &Path,
        columns: usize,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Result<Self, StagedError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        let mut file = BufReader::new(file);
        let header = format!("{MAGIC}{columns}\n");
        let mut found = Vec::new();
        let wanted = (header.len() as u64).min(LONGEST_HEADER);
        file.by_ref().take(wanted).read_to_end(&mut found).map_err(io_error("read", path))?;
        if found != header.as_bytes() {
            return Err(StagedError::Foreign { path: path.to_owned(), columns });
        }
        let block = Block::new(columns);
        let cells = (0..columns).map(is_wanted).collect();
        Ok(Self { file, path: path.to_owned(), wanted: cells, block, read: 0, next: wanted, ended: false })
    }

    /// Reads the next row into a row whose memory is used again; `false` at the end.
    ///
    /// # Errors
    /// The file is torn or damaged; what the system says. The row holds nothing of use then.
    pub fn read(&mut self, row: &mut Row) -> Result<bool, StagedError> {
        while self.block.is_empty() {
            if self.ended {
                return Ok(false);
            }
            self.next_block()?;
        }
        let rest = self.block.bytes.get(self.read..).unwrap_or_default();
        let left = coding::read(rest, &self.wanted, row).ok_or_else(|| self.damaged())?;
        self.read = self.block.bytes.len().saturating_sub(left.len());
        self.block.rows = self.block.rows.saturating_sub(1);
        if self.block.is_empty() && !left.is_empty() {
            return Err(self.damaged());
        }
        Ok(true)
    }

    fn next_block(&mut self) -> Result<(), StagedError> {
        let begin = self.next;
        let mut header = [0; BLOCK_HEADER];
        self.fill(&mut header, begin)?;
        let mut words = header.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_le_bytes));
        let (length, rows, crc) =
            (words.next().unwrap_or(0), words.next().unwrap_or(0), words.next().unwrap_or(0));
        let damaged = || StagedError::Damaged { path: self.path.clone(), at: begin };
        let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= LARGEST_BLOCK);
        let bytes = bytes.ok_or_else(damaged)?;
        if (bytes == 0) != (rows == 0) {
            return Err(damaged());
        }
        let mut content = std::mem::take(&mut self.block.bytes);
        content.clear();
        let has = self.file.by_ref().take(u64::from(length)).read_to_end(&mut content);
        let has = has.map_err(io_error("read", &self.path))?;
        if has < bytes {
            return Err(StagedError::Torn { path: self.path.clone(), at: begin });
        }
        if sum(length, rows, &content) != crc {
            return Err(StagedError::Damaged { path: self.path.clone(), at: begin });
        }
        self.block.bytes = content;
        self.block.rows = rows;
        self.read = 0;
        self.ended = rows == 0;
        self.next = begin.saturating_add(BLOCK_HEADER as u64).saturating_add(u64::from(length));
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8], begin: u64) -> Result<(), StagedError> {
        self.file.read_exact(bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return StagedError::Torn { path: self.path.clone(), at: begin };
            }
            io_error("read", &self.path)(error)
        })
    }

    /// The block that is being read ends where the next one begins.
    fn damaged(&self) -> StagedError {
        let length = self.block.bytes.len().saturating_add(BLOCK_HEADER) as u64;
        StagedError::Damaged { path: self.path.clone(), at: self.next.saturating_sub(length) }
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StagedError {
    let path = path.to_owned();
    move |error| StagedError::Io { doing, path, error }
}
