//! The files of the extract, from staged rows: NDJSON, CSV or Parquet, a file a table.
//!
//! What must never happen here: a subject id in a file; a text that a spreadsheet would run.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::checkpoint::{CheckpointError, cannot};
use super::parquet;
use super::row::{Cell, Row};
use super::run::RunError;
use super::staged::Reader;
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

/// Writes the rows of a table, in their order; gives how many there are. Synced.
///
/// # Errors
/// The rows cannot be read, or the file not be written.
pub fn table(table: &Table, staged: &Path, format: Format, path: &Path) -> Result<u64, RunError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(cannot("make", path))?;
    let mut rows = Reader::open(staged, table.columns.len())?;
    let buffered = |file| BufWriter::with_capacity(BUFFER, file);
    let (written, file) = match format {
        Format::Ndjson => ndjson(table, &mut rows, buffered(file), path)?,
        Format::Csv(dialect) => csv(table, &mut rows, buffered(file), path, dialect)?,
        Format::Parquet => return parquet::write(table, &mut rows, file, path),
    };
    let file = file.into_inner().map_err(|error| cannot("write", path)(error.into_error()))?;
    file.sync_all().map_err(cannot("sync", path))?;
    Ok(written)
}

fn ndjson(
    table: &Table,
    rows: &mut Reader,
    mut file: BufWriter<File>,
    path: &Path,
) -> Result<(u64, BufWriter<File>), RunError> {
    let names: Vec<Vec<u8>> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            // Names are words of the policy's: nothing in them is to be escaped.
            format!("{}\"{}\":", if at == 0 { "{" } else { "," }, column.name).into_bytes()
        })
        .collect();
    let (mut row, mut line, mut written) = (Row::default(), Vec::new(), 0_u64);
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
        written = written.saturating_add(1);
    }
    Ok((written, file))
}

fn csv(
    table: &Table,
    rows: &mut Reader,
    mut file: BufWriter<File>,
    path: &Path,
    dialect: Dialect,
) -> Result<(u64, BufWriter<File>), RunError> {
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
    let (mut row, mut written) = (Row::default(), 0_u64);
    while rows.read(&mut row)? {
        let cells = row.cells.iter().map(|cell| shown(cell, dialect));
        writer.write_record(cells).map_err(fault)?;
        written = written.saturating_add(1);
    }
    let file = writer.into_inner().map_err(|error| cannot("write", path)(error.into_error()))?;
    Ok((written, file))
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
