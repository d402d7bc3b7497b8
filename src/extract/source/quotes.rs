//! Looks at CSV before it is taken apart, and refuses what two readers would take apart in two ways (RFC 4180): a
//! stray quote makes the rows after it part of one value, and with it another person's data part of this one's.
//!
//! From there on nobody can say where a row begins, so this stops the extract, also where rows that do not fit their
//! header are passed over. It bounds a row, too: whoever takes it apart holds it whole.

use std::io::{self, Read};

/// CSV that is read alike by all as far as it has come.
#[derive(Debug)]
pub(super) struct Quotes<R> {
    inner: R,
    delimiter: u8,
    at: At,
    /// The line of the file, from 1.
    line: u64,
    /// Where the quoted value began that is open.
    opened: u64,
    /// Bytes of the row so far, and how many it may have.
    row: usize,
    most: usize,
}

/// Where in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first byte of a value.
    Begin,
    Plain,
    Quoted,
    /// Behind a quote in a quoted value: its end, or half of a quote that belongs to it.
    Quote,
}

impl<R> Quotes<R> {
    pub(super) const fn new(inner: R, delimiter: u8, most: usize) -> Self {
        Self { inner, delimiter, at: At::Begin, line: 1, opened: 1, row: 0, most }
    }

    fn look(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            self.row = self.row.saturating_add(1);
            self.line = self.line.saturating_add(u64::from(*byte == b'\n'));
            let ends_value = *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
            self.at = match (self.at, *byte) {
                (At::Begin, b'"') => {
                    self.opened = self.line;
                    At::Quoted
                }
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
                (_, _) if ends_value => At::Begin,
                (At::Quote, _) => {
                    let text = "something stands behind the quote that ends a value: a quote within a value is written twice";
                    return Err(fault(self.line, text));
                }
                (At::Begin | At::Plain, _) => At::Plain,
            };
            if self.at == At::Begin && *byte != self.delimiter {
                self.row = 0;
            }
            if self.row > self.most {
                return Err(fault(
                    self.opened,
                    "a row is longer than the policy's `[limits] response` allows, or a quote is not closed",
                ));
            }
        }
        Ok(())
    }
}

fn fault(line: u64, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line}: {what}"))
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        if read == 0 && !out.is_empty() && self.at == At::Quoted {
            return Err(fault(self.opened, "a value begins with a quote, and no quote ends it"));
        }
        self.look(out.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Option<String> {
        let mut read = Vec::new();
        let quotes = Quotes::new(text.as_bytes(), b';', 40).read_to_end(&mut read);
        quotes.err().map(|error| error.to_string())
    }

    #[test]
    fn what_two_readers_would_take_apart_in_two_ways_is_refused_by_its_line() {
        for good in
            ["", "a;b\n1;2", "a;\"b;\n\"\"c\"\"\"\r\n\"\";x\"y\n", "a\r\n\"\"\r\n", "12\" rør;\"x\"", "\"x\""]
        {
            assert_eq!(look(good), None, "{good}");
        }
        for (bad, begins) in [
            ("a;b\n1;\"12\" rør\n2;\"13\" rør\n", "line 2: something stands behind"),
            ("a\n\"x\" \n", "line 2: something"),
            ("a;b\n1;\"2\n3;4\n", "line 2: a value begins with a quote"),
            ("a\nb\n\"", "line 3: a value begins"),
            ("a\n\"0123456789\n0123456789\n0123456789\n0123456789\n", "line 2: a row is longer"),
            ("0123456789012345678901234567890123456789x", "line 1: a row is longer"),
        ] {
            assert!(look(bad).is_some_and(|text| text.starts_with(begins)), "{bad}: {:?}", look(bad));
        }
    }
}
