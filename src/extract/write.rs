//! The files of the extract, from staged rows: NDJSON, CSV or Parquet, a file a table; and what is counted of the
//! rows that leave.
//!
//! What must never happen here: a subject id in a file; a text that a spreadsheet would run.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::checkpoint::{CheckpointError, cannot};
use super::row::{Cell, Row};
use super::run::RunError;
use super::staged::{Reader, StagedError};
use super::{order, parquet, pool};
use crate::ids::SubjectSet;
use crate::json::escape_into;
use crate::policy::checked::extract::Table;

/// Bytes written at once.
const BUFFER: usize = 1 << 18;

/// The form of an extract's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180), in a dialect.
    Csv(Dialect),
    /// Typed columns.
    Parquet,
}

/// How CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `;` between values, a comma before decimals, a byte order mark: what a Danish Excel opens.
    Danish,
    /// `,` between values, a point before decimals (RFC 4180).
    International,
}

impl Format {
    /// The end of its files' names.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv(_) => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// A table that is to be written.
#[derive(Debug)]
pub struct ToWrite<'a> {
    /// Which.
    pub table: &'a Table,
    /// Its rows.
    pub staged: PathBuf,
    /// Where the rows are staged by this column before, if they are to be in its order.
    pub sorted: Option<(usize, PathBuf)>,
    /// The file, which must not exist.
    pub path: PathBuf,
}

/// What was counted of a table's rows while they were written.
#[derive(Debug)]
pub struct Counted {
    /// How many there are.
    pub rows: u64,
    /// Of each column: rows in which it has no value.
    pub missing: Vec<u64>,
}

/// Writes tables, as many at a time as there are threads; gives what was counted, in their order, and whose data it
/// is. Synced.
///
/// # Errors
/// Rows cannot be read, or a file not be written.
pub fn tables(
    all: &[ToWrite<'_>],
    format: Format,
    threads: usize,
) -> Result<(Vec<Counted>, SubjectSet), RunError> {
    let (mut rest, mut counted, mut persons) = (all.iter(), Vec::new(), SubjectSet::default());
    let take = |one: Result<Rows, RunError>| {
        one.map(|one| {
            persons.extend(one.persons);
            counted.push(one.counted);
        })
    };
    pool::in_order(threads.min(all.len()), || Ok(rest.next()), |one| one.write(format), take)?;
    Ok((counted, persons))
}

impl ToWrite<'_> {
    fn write(&self, format: Format) -> Result<Rows, RunError> {
        let Self { table, path, .. } = self;
        let mut rows = Rows::open(self.in_order()?, table.columns.len())?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(cannot("make", path))?;
        let buffered = |file| BufWriter::with_capacity(BUFFER, file);
        let file = match format {
            Format::Ndjson => ndjson(table, &mut rows, buffered(file), path)?,
            Format::Csv(dialect) => csv(table, &mut rows, buffered(file), path, dialect)?,
            Format::Parquet => {
                parquet::write(table, &mut rows, file, path)?;
                return Ok(rows);
            }
        };
        let file = file.into_inner().map_err(|error| cannot("write", path)(error.into_error()))?;
        file.sync_all().map_err(cannot("sync", path))?;
        Ok(rows)
    }

    /// Where its rows stand in the order in which they leave.
    fn in_order(&self) -> Result<&Path, RunError> {
        let Some((key, sorted)) = &self.sorted else { return Ok(&self.staged) };
        order::by_key(self.table.columns.len(), *key, &self.staged, sorted)?;
        Ok(sorted)
    }
}

/// The rows of a table as they leave, each counted when it is read. No `Debug`: it holds subject ids.
pub(super) struct Rows {
    reader: Reader,
    pub(super) counted: Counted,
    persons: SubjectSet,
}

impl Rows {
    pub(super) fn open(staged: &Path, columns: usize) -> Result<Self, StagedError> {
        let counted = Counted { rows: 0, missing: vec![0; columns] };
        Ok(Self { reader: Reader::open(staged, columns)?, counted, persons: SubjectSet::default() })
    }

    /// As [`Reader::read`].
    pub(super) fn read(&mut self, row: &mut Row) -> Result<bool, StagedError> {
        if !self.reader.read(row)? {
            return Ok(false);
        }
        let Counted { rows, missing } = &mut self.counted;
        *rows = rows.saturating_add(1);
        for (missing, cell) in missing.iter_mut().zip(&row.cells) {
            *missing = missing.saturating_add(u64::from(*cell == Cell::Missing));
        }
        self.persons.extend(row.persons.iter().copied());
        Ok(true)
    }
}

fn ndjson(
    table: &Table,
    rows: &mut Rows,
    mut file: BufWriter<File>,
    path: &Path,
) -> Result<BufWriter<File>, RunError> {
    let names: Vec<Vec<u8>> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            // Names are words of the policy's: nothing in them is to be escaped.
            format!("{}\"{}\":", if at == 0 { "{" } else { "," }, column.name).into_bytes()
        })
        .collect();
    let (mut row, mut line) = (Row::default(), Vec::new());
    while rows.read(&mut row)? {
        line.clear();
        for (name, cell) in names.iter().zip(&row.cells) {
            line.extend_from_slice(name);
            match cell {
                Cell::Missing => line.extend_from_slice(b"null"),
                Cell::Boolean(true) => line.extend_from_slice(b"true"),
                Cell::Boolean(false) => line.extend_from_slice(b"false"),
                Cell::Number(number) => line.extend_from_slice(number.as_bytes()),
                Cell::Text(text) => {
                    line.push(b'"');
                    escape_into(text, &mut line);
                    line.push(b'"');
                }
            }
        }
        line.extend_from_slice(b"}\n");
        file.write_all(&line).map_err(cannot("write", path))?;
    }
    Ok(file)
}

fn csv(
    table: &Table,
    rows: &mut Rows,
    mut file: BufWriter<File>,
    path: &Path,
    dialect: Dialect,
) -> Result<BufWriter<File>, RunError> {
    let delimiter = match dialect {
        Dialect::Danish => {
            // Without it Excel takes UTF-8 for Windows-1252.
            file.write_all(b"\xef\xbb\xbf").map_err(cannot("write", path))?;
            b';'
        }
        Dialect::International => b',',
    };
    let fault = |error: csv::Error| -> CheckpointError { cannot("write", path)(error.into()) };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .buffer_capacity(BUFFER)
        .from_writer(file);
    writer.write_record(table.columns.iter().map(|column| column.name.as_bytes())).map_err(fault)?;
    let mut row = Row::default();
    while rows.read(&mut row)? {
        let cells = row.cells.iter().map(|cell| shown(cell, dialect));
        writer.write_record(cells).map_err(fault)?;
    }
    Ok(writer.into_inner().map_err(|error| cannot("write", path)(error.into_error()))?)
}

/// A cell as CSV has it; missing is empty.
fn shown(cell: &Cell, dialect: Dialect) -> Vec<u8> {
    match cell {
        Cell::Missing => Vec::new(),
        Cell::Boolean(is) => is.to_string().into_bytes(),
        Cell::Number(number) => match dialect {
            Dialect::Danish => number.replace('.', ",").into_bytes(),
            Dialect::International => number.as_bytes().to_vec(),
        },
        // SECURITY: a spreadsheet runs what begins like a formula (OWASP, CSV injection).
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => {
            format!("'{text}").into_bytes()
        }
        Cell::Text(text) => text.as_bytes().to_vec(),
    }
}
