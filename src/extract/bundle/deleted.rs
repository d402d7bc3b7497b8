//! Which pseudonyms of the extract before are no longer in this one.
//!
//! The researcher deletes their rows. Erased, objected, restricted, withdrawn, moved away, or suppressed for
//! k: the list says nothing of why, and must not.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{Form, Manifest, ManifestTable};
use super::{BundleError, DELETED, cannot, put, verify};
use crate::extract::parquet;
use crate::extract::row::{Cell, Row};
use crate::extract::sort::{RUN_BYTES, Sorter, join, part};
use crate::extract::staged::Reader;
use crate::pseudonym::PublicKey;

/// The longest line of NDJSON that is read back: longer than any row that is written.
const LONGEST_LINE: u64 = 256 << 20;

/// What is asked of an extract before.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'a> {
    /// Its directory.
    pub directory: &'a Path,
    /// The key by which it must be signed.
    pub key: PublicKey,
    /// Recipient, purpose and domain that it must be of.
    pub of: (&'a str, &'a str, &'a str),
}

/// Rows that leave now: the staged file of a table, its columns, and which of them are keys.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The staged rows.
    pub staged: PathBuf,
    /// How many columns a row has.
    pub columns: usize,
    /// The key columns, from 0.
    pub keys: Vec<usize>,
}

/// Writes `deleted.csv` into the directory of an extract: each pseudonym that stands in a key column of the
/// extract before, and in none of this one. Gives the id of the one before, and how many there are.
///
/// # Errors
/// The extract before is not as it was made, not by this key ring, or for somebody else; what the system says.
pub fn deleted(
    previous: &Previous<'_>,
    now: &[Keyed],
    work: &Path,
    directory: &Path,
) -> Result<(String, u64), BundleError> {
    let before = verify(previous.directory, &[previous.key])?;
    if let Some(finding) = before.findings.into_iter().next() {
        return Err(BundleError::Changed { path: previous.directory.to_owned(), finding });
    }
    let manifest = before.manifest;
    if (manifest.recipient.as_str(), manifest.purpose.as_str(), manifest.domain.as_str()) != previous.of {
        return Err(BundleError::OtherExtract { path: previous.directory.to_owned() });
    }
    let gone = gone(&manifest, previous.directory, now, work)?;
    let mut gone = gone.records()?;
    let mut next = gone.next().transpose()?.map(u64::from_be_bytes);
    let (mut at, mut count) = (0_u64, 0_u64);
    put(directory, DELETED, b"pseudonym\r\n")?;
    let path = directory.join(DELETED);
    let file = File::options().append(true).open(&path).map_err(cannot("open", &path))?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
    each_key(&manifest, previous.directory, |key| {
        if next == Some(at) {
            csv.write_record([key]).map_err(|error| cannot("write", &path)(error.into()))?;
            count = count.saturating_add(1);
            next = gone.next().transpose()?.map(u64::from_be_bytes);
        }
        at = at.saturating_add(1);
        Ok(())
    })?;
    let mut file = csv.into_inner().map_err(|error| cannot("write", &path)(error.into_error()))?;
    file.flush().and_then(|()| file.sync_all()).map_err(cannot("sync", &path))?;
    Ok((manifest.extract, count))
}

/// Where in the extract before each key stands first that is in no key column now: its number among all
/// values of key columns.
fn gone<'a>(
    manifest: &Manifest,
    directory: &Path,
    now: &[Keyed],
    work: &'a Path,
) -> Result<crate::extract::sort::Sorted<'a, 8>, BundleError> {
    let mut here = Sorter::<16>::new(work, RUN_BYTES);
    for table in now {
        let mut rows = Reader::open(&table.staged, table.columns)?;
        let mut row = Row::default();
        while rows.read(&mut row)? {
            for key in table.keys.iter().filter_map(|key| row.cells.get(*key)) {
                if let Cell::Text(key) | Cell::Number(key) = key {
                    here.push(hash(key))?;
                }
            }
        }
    }
    let mut before = Sorter::<24>::new(work, RUN_BYTES);
    let mut at = 0_u64;
    each_key(manifest, directory, |key| {
        before.push(join([&hash(key), &at.to_be_bytes()]))?;
        at = at.saturating_add(1);
        Ok(())
    })?;
    let (here, before) = (here.finish(), before.finish());
    let mut here = here.records()?;
    let mut next: Option<[u8; 16]> = here.next().transpose()?;
    let mut gone = Sorter::<8>::new(work, RUN_BYTES);
    let mut last = None;
    for record in before.records()? {
        let record = record?;
        let key: [u8; 16] = part(&record, 0);
        while next.is_some_and(|next| next < key) {
            next = here.next().transpose()?;
        }
        if next != Some(key) && last != Some(key) {
            gone.push(part(&record, 16))?;
        }
        last = Some(key);
    }
    Ok(gone.finish())
}

fn hash(key: &str) -> [u8; 16] {
    part(&Sha256::digest(key.as_bytes()), 0)
}

/// Every value of a key column of a bundle, in order.
fn each_key(
    manifest: &Manifest,
    directory: &Path,
    mut take: impl FnMut(&str) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    for table in manifest.tables.iter().filter(|table| !table.keys.is_empty()) {
        let path = directory.join(&table.file);
        let file = || File::open(&path).map(BufReader::new).map_err(cannot("open", &path));
        match manifest.form {
            Form::Ndjson => lines(file()?, &path, table, &mut take)?,
            Form::CsvDanish => rows(file()?, &path, table, b';', &mut take)?,
            Form::CsvInternational => rows(file()?, &path, table, b',', &mut take)?,
            Form::Parquet => parquet::each_key(&path, &table.keys, &mut take)?,
        }
    }
    Ok(())
}

type Take<'a> = dyn FnMut(&str) -> Result<(), BundleError> + 'a;

fn lines(
    mut file: BufReader<File>,
    path: &Path,
    table: &ManifestTable,
    take: &mut Take<'_>,
) -> Result<(), BundleError> {
    let mut line = Vec::new();
    for row in 1_u64.. {
        line.clear();
        let read = file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(cannot("read", path))? == 0 {
            break;
        }
        let fault = || BundleError::Data { path: path.to_owned(), row };
        let object: serde_json::Value = serde_json::from_slice(&line).map_err(|_place| fault())?;
        for key in &table.keys {
            match object.get(key) {
                Some(serde_json::Value::String(key)) => take(key)?,
                Some(serde_json::Value::Number(key)) => take(&key.to_string())?,
                Some(serde_json::Value::Null) => {}
                _ => return Err(fault()),
            }
        }
    }
    Ok(())
}

fn rows(
    file: BufReader<File>,
    path: &Path,
    table: &ManifestTable,
    delimiter: u8,
    take: &mut Take<'_>,
) -> Result<(), BundleError> {
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let fault = |row| BundleError::Data { path: path.to_owned(), row };
    let header = csv.headers().map_err(|_place| fault(0))?;
    let names = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect::<Vec<_>>();
    let mut columns = Vec::new();
    for key in &table.keys {
        columns.push(names.iter().position(|name| name == key).ok_or_else(|| fault(0))?);
    }
    let mut record = csv::StringRecord::new();
    for row in 1_u64.. {
        if !csv.read_record(&mut record).map_err(|_place| fault(row))? {
            break;
        }
        for column in &columns {
            let key = record.get(*column).ok_or_else(|| fault(row))?;
            if !key.is_empty() {
                take(key)?;
            }
        }
    }
    Ok(())
}
