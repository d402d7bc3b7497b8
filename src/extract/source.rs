//! What stands in a file, as JSON: its compression taken off, its rows of CSV made objects, one a line.
//!
//! A row that cannot be one is not passed over here: a line that is no JSON stands for it, so that whoever rewrites
//! stops or counts it as any other. What must never happen here: a value guessed at.

mod quotes;

use std::fs::File;
use std::io::{self, BufReader, Read};

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};

use self::quotes::Quotes;
use crate::json::{escape_into, is_number};

/// Bytes decoded at once.
const STEP: usize = 1 << 16;
/// A line that stands for a row that does not fit its header.
const NO_ROW: &[u8] = b"-\n";

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), of one or several members.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// The characters of a CSV file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// ISO-8859-1, and what Windows has besides (windows-1252, as the WHATWG reads that name).
    Latin1,
}

/// How a CSV file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Its characters.
    pub encoding: Encoding,
    /// What stands between values; by the header if not said. After `;` numbers have a decimal comma.
    pub delimiter: Option<u8>,
    /// Columns that become numbers; all others become strings.
    pub numbers: Vec<String>,
}

/// Opens what stands in a file. `most`: bytes of a row.
///
/// # Errors
/// What the system says; of kind `InvalidData`: a header that names no columns. Reading it then gives what cannot be
/// taken apart as an error of that kind, too.
pub(super) fn open(
    file: File,
    coding: Coding,
    rows: Option<&Rows>,
    most: usize,
) -> io::Result<Box<dyn Read + Send>> {
    let plain: Box<dyn Read + Send> = match coding {
        Coding::Plain => Box::new(file),
        Coding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(STEP, file))),
        Coding::Zstd => Box::new(zstd::Decoder::new(file)?),
    };
    let Some(rows) = rows else { return Ok(plain) };
    let text: Box<dyn Read + Send> = match rows.encoding {
        Encoding::Utf8 => plain,
        Encoding::Latin1 => Box::new(Latin1 { inner: plain, decoded: Vec::new(), at: 0 }),
    };
    Ok(Box::new(Objects::new(text, rows, most)?))
}

/// Hands out what is ready; `true` if something was.
fn hand_out(ready: &[u8], at: &mut usize, out: &mut [u8]) -> usize {
    let rest = ready.get(*at..).unwrap_or_default();
    let length = rest.len().min(out.len());
    if let (Some(to), Some(from)) = (out.get_mut(..length), rest.get(..length)) {
        to.copy_from_slice(from);
    }
    *at = at.saturating_add(length);
    length
}

/// Text of one byte a character, as UTF-8.
struct Latin1<R> {
    inner: R,
    decoded: Vec<u8>,
    at: usize,
}

impl<R: Read> Read for Latin1<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.decoded.len() {
            let mut coded = vec![0; STEP];
            let read = self.inner.read(&mut coded)?;
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(coded.get(..read).unwrap_or_default());
            (self.decoded, self.at) = (text.into_owned().into_bytes(), 0);
        }
        Ok(hand_out(&self.decoded, &mut self.at, out))
    }
}

/// Rows as objects, with the header's names as members.
struct Objects<R> {
    rows: csv::Reader<Quotes<io::Chain<io::Cursor<Vec<u8>>, R>>>,
    /// `{"name":` or `,"name":`, and whether the column's values are numbers.
    columns: Vec<(Vec<u8>, bool)>,
    decimal_comma: bool,
    record: csv::ByteRecord,
    line: Vec<u8>,
    at: usize,
}

impl<R: Read> Objects<R> {
    fn new(mut text: R, read: &Rows, most: usize) -> io::Result<Self> {
        let mut first = Vec::with_capacity(STEP);
        // The whole header, unless it is absurdly long.
        text.by_ref().take(STEP as u64).read_to_end(&mut first)?;
        if first.starts_with(b"\xef\xbb\xbf") {
            first.drain(..3);
        }
        let header = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let many = |delimiter: u8| memchr::memchr_iter(delimiter, header).count();
        let guessed = if many(b';') > many(b',') { b';' } else { b',' };
        let delimiter = read.delimiter.unwrap_or(guessed);
        let text = Quotes::new(io::Cursor::new(first).chain(text), delimiter, most);
        let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text);
        let names = rows.byte_headers().map_err(fault)?.clone();
        let mut columns: Vec<(Vec<u8>, bool)> = Vec::with_capacity(names.len());
        let mut seen = std::collections::HashSet::new();
        for name in &names {
            let name = std::str::from_utf8(name).map_err(|_bytes| header_fault(NOT_UTF8))?.trim();
            if name.is_empty() || !seen.insert(name.to_owned()) {
                return Err(header_fault("the header names a column twice, or not at all"));
            }
            let mut member = vec![if columns.is_empty() { b'{' } else { b',' }, b'"'];
            escape_into(name, &mut member);
            member.extend_from_slice(b"\":");
            columns.push((member, read.numbers.iter().any(|number| number == name)));
        }
        if columns.is_empty() {
            return Err(header_fault("there is no header"));
        }
        let decimal_comma = delimiter == b';';
        let (record, line) = (csv::ByteRecord::new(), Vec::new());
        Ok(Self { rows, columns, decimal_comma, record, line, at: 0 })
    }

    /// Makes a line of the record; one that is no JSON where a value is not text.
    fn write(&mut self) {
        for ((member, is_number), value) in self.columns.iter().zip(&self.record) {
            self.line.extend_from_slice(member);
            let Ok(value) = std::str::from_utf8(value) else {
                // Found by the rewriter as what it is.
                self.line.clear();
                self.line.extend_from_slice(b"\xff\n");
                return;
            };
            write_value(value, *is_number, self.decimal_comma, &mut self.line);
        }
        self.line.extend_from_slice(b"}\n");
    }
}

const NOT_UTF8: &str = "the header is not UTF-8; say `--encoding iso-8859-1` if it is that";

/// What kept a row from being read: the conversion that `csv` has forgets of what kind that is.
fn fault(error: csv::Error) -> io::Error {
    if let csv::ErrorKind::Io(error) = error.into_kind() {
        error
    } else {
        header_fault("its rows cannot be read")
    }
}

fn header_fault(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A value as JSON: nothing is missing, a number is one only where it is written as one.
fn write_value(value: &str, as_number: bool, decimal_comma: bool, line: &mut Vec<u8>) {
    let value = value.trim();
    if value.is_empty() {
        line.extend_from_slice(b"null");
        return;
    }
    if as_number {
        // A point would be one of thousands there: nobody can say.
        let number = match decimal_comma {
            true if value.contains('.') => None,
            true => Some(value.replace(',', ".")),
            false => Some(value.to_owned()),
        };
        if let Some(number) = number.filter(|number| is_number(number)) {
            line.extend_from_slice(number.as_bytes());
            return;
        }
    }
    line.push(b'"');
    escape_into(value, line);
    line.push(b'"');
}

impl<R: Read> Read for Objects<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.line.len() {
            self.line.clear();
            self.at = 0;
            match self.rows.read_byte_record(&mut self.record) {
                Ok(true) => self.write(),
                Ok(false) => {}
                Err(error) if matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. }) => {
                    self.line.extend_from_slice(NO_ROW);
                }
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(hand_out(&self.line, &mut self.at, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], rows: &Rows) -> io::Result<String> {
        let mut read = Vec::new();
        let mut folder = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut folder, text).unwrap();
        io::Seek::rewind(&mut folder).unwrap();
        open(folder, Coding::Plain, Some(rows), 1 << 20)?.read_to_end(&mut read)?;
        Ok(String::from_utf8_lossy(&read).into_owned())
    }

    #[test]
    fn rows_become_objects_in_either_dialect_and_coding() {
        let numbers = vec!["vaerdi".to_owned()];
        let rows = Rows { numbers, ..Rows::default() };
        let danish =
            "\u{feff}cpr;navn;vaerdi\r\n2512489996;\"Åse; \"\"x\"\"\";6,30\r\n;;\n010191;y;1.234,5\n";
        let wanted = concat!(
            "{\"cpr\":\"2512489996\",\"navn\":\"Åse; \\\"x\\\"\",\"vaerdi\":6.30}\n",
            "{\"cpr\":null,\"navn\":null,\"vaerdi\":null}\n",
            "{\"cpr\":\"010191\",\"navn\":\"y\",\"vaerdi\":\"1.234,5\"}\n"
        );
        assert_eq!(lines(danish.as_bytes(), &rows).unwrap(), wanted);
        let international = "cpr,navn,vaerdi\n2512489996,Åse,6.30\n1,2\n3,x,007\n";
        let wanted = concat!(
            "{\"cpr\":\"2512489996\",\"navn\":\"Åse\",\"vaerdi\":6.30}\n",
            "-\n",
            "{\"cpr\":\"3\",\"navn\":\"x\",\"vaerdi\":\"007\"}\n"
        );
        assert_eq!(lines(international.as_bytes(), &rows).unwrap(), wanted);
        let latin = Rows { encoding: Encoding::Latin1, ..rows.clone() };
        assert_eq!(lines(b"navn\n\xc5se\n", &latin).unwrap(), "{\"navn\":\"Åse\"}\n");
        assert_eq!(lines(b"navn\n\xc5se\n", &rows).unwrap(), "\u{fffd}\n", "found by the rewriter");
        for bad in ["", "a,a\n", "a,,b\n", "a, \n", "a,b\n1,\"2\n3,4\n"] {
            let fault = lines(bad.as_bytes(), &rows).err().map(|fault| fault.kind());
            assert_eq!(fault, Some(io::ErrorKind::InvalidData), "{bad:?}");
        }
    }
}
