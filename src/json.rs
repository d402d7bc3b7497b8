//! Strict JSON (RFC 8259): reads tokens from bytes and writes strings. Knows nothing of policy.
//!
//! Stands under the rewriter, which walks each body once with a [`Reader`]. What is passed over
//! is validated like what is kept: a body that another parser would read otherwise must never be
//! half understood. Errors hold an offset, never what stands there.

mod decimal;
mod specials;
mod strings;

pub use decimal::{Decimal, is_same_value};
use specials::Specials;
pub use strings::{escape_into, unescape_into};

/// Containers inside each other, at most (RFC 8259 section 9 lets a parser set a limit). FHIR
/// stays under 20; deeper input is an attack on somebody's stack.
pub const MAX_DEPTH: u32 = 128;

/// Whether a text is a number, and nothing else (RFC 8259 section 6).
#[must_use]
pub fn is_number(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.number().is_ok() && reader.at == text.len()
}

/// Why and where a text is not JSON that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The offset of the first byte that cannot stand.
    pub offset: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not the grammar.
    Syntax,
    /// Ended inside a value.
    UnexpectedEnd,
    /// Something stands after the document.
    TrailingBytes,
    /// Half of a surrogate pair: valid by the grammar, but no text (RFC 8259 section 8.2), and
    /// parsers differ on it.
    LoneSurrogate,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Where a string's content stands, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringSpan {
    /// The first byte after the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
    /// Whether a backslash stands in it.
    pub escaped: bool,
}

/// Reads one text from front to back. Every method leaves the place after what it read.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    /// Where the reader is, in bytes.
    pub at: usize,
    specials: Specials,
}

impl<'a> Reader<'a> {
    /// Starts at the front.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, specials: Specials::UNKNOWN }
    }

    /// Starts at `start` and takes `end` for the end, with offsets as in the whole text: one line
    /// of several.
    #[must_use]
    pub fn within(text: &'a str, start: usize, end: usize) -> Self {
        Self { text: text.get(..end).unwrap_or(text), at: start, specials: Specials::UNKNOWN }
    }

    /// What stands in a range; empty if the range does not lie on characters.
    #[inline]
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The bytes from the reader's place on, which need not be that of a character.
    #[inline]
    #[must_use]
    pub fn rest_bytes(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The byte at the reader's place. NUL stands for the end: no token begins with it.
    #[inline]
    #[must_use]
    pub fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// One byte on.
    #[inline]
    pub fn advance(&mut self) {
        self.at += 1;
    }

    /// Passes over insignificant whitespace.
    #[inline]
    pub fn whitespace(&mut self) {
        // PERF: most documents have none.
        if self.peek() <= b' ' {
            while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
                self.at += 1;
            }
        }
    }

    /// Takes a comma, and the whitespace around it; says whether one stood there.
    #[inline(always)]
    pub(crate) fn comma(&mut self) -> bool {
        self.whitespace();
        let comma = self.peek() == b',';
        if comma {
            self.at += 1;
            self.whitespace();
        }
        comma
    }

    /// Takes one punctuation mark.
    ///
    /// # Errors
    /// If another byte stands there.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() != byte {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    // PERF: the methods that end with `_here` are inlined into ones that work on a copy of the reader. It is in
    // registers for as long as nothing has a reference to it, and a step does not wait for the last one's place to be
    // stored and loaded again. With `Specials`, withheld values are passed over in two thirds of the time; either alone
    // brings 2 % of a rewrite. After an error the reader is where it was.

    /// A member's name, its colon, and the whitespace around both.
    ///
    /// # Errors
    /// If no name or colon stands there.
    pub fn name(&mut self) -> Result<StringSpan, Error> {
        let mut here = self.clone();
        let name = here.name_here()?;
        *self = here;
        Ok(name)
    }

    /// [`name`](Self::name) for a reader that is a copy: after an error it stands anywhere.
    ///
    /// # Errors
    /// As of that.
    #[inline(always)]
    pub(crate) fn name_here(&mut self) -> Result<StringSpan, Error> {
        let name = self.string_here()?;
        self.colon()?;
        Ok(name)
    }

    #[inline(always)]
    fn colon(&mut self) -> Result<(), Error> {
        self.whitespace();
        self.expect(b':')?;
        self.whitespace();
        Ok(())
    }

    /// A string.
    ///
    /// # Errors
    /// If no valid string stands there.
    pub fn string(&mut self) -> Result<StringSpan, Error> {
        let mut here = self.clone();
        let string = here.string_here()?;
        *self = here;
        Ok(string)
    }

    #[inline(always)]
    fn string_here(&mut self) -> Result<StringSpan, Error> {
        self.expect(b'"')?;
        let start = self.at;
        let mut end = self.specials.next(self.text.as_bytes(), start);
        let escaped = self.byte(end) != b'"';
        if escaped {
            end = Reader { at: end, ..*self }.escapes()?;
        }
        self.at = end + 1;
        Ok(StringSpan { start, end, escaped })
    }

    /// From the first escape of a string to its closing quote; where that stands. By value, or the reader would leave
    /// its registers for it.
    #[inline(never)]
    fn escapes(mut self) -> Result<usize, Error> {
        loop {
            match self.peek() {
                b'"' => return Ok(self.at),
                b'\\' => self.escape()?,
                _ => return Err(self.unexpected()),
            }
            self.at = self.specials.next(self.text.as_bytes(), self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Error> {
        let from = self.at;
        self.at += 1;
        match self.peek() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                match self.four_hex()? {
                    0xd800..=0xdbff => {
                        let low = self.byte(self.at) == b'\\' && self.byte(self.at + 1) == b'u';
                        if low {
                            self.at += 2;
                        }
                        if !low || !matches!(self.four_hex()?, 0xdc00..=0xdfff) {
                            return Err(Error { kind: ErrorKind::LoneSurrogate, offset: from });
                        }
                    }
                    0xdc00..=0xdfff => {
                        return Err(Error { kind: ErrorKind::LoneSurrogate, offset: from });
                    }
                    _ => {}
                }
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn four_hex(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.peek()).to_digit(16) else {
                return Err(self.unexpected());
            };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    /// A number; gives its text.
    ///
    /// # Errors
    /// If no valid number stands there.
    #[inline]
    pub fn number(&mut self) -> Result<&'a str, Error> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Error> {
        if !self.peek().is_ascii_digit() {
            return Err(self.unexpected());
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    /// `true`, `false` or `null`; gives its text.
    ///
    /// # Errors
    /// If none of them stands there.
    #[inline]
    pub fn literal(&mut self) -> Result<&'a str, Error> {
        let word = match self.peek() {
            b't' => "true",
            b'f' => "false",
            _ => "null",
        };
        for expected in word.bytes() {
            self.expect(expected)?;
        }
        Ok(word)
    }

    /// Passes over one value of any kind, wholly validated. `depth` containers are open already.
    ///
    /// # Errors
    /// If no valid value stands there, or one that is too deep.
    pub fn skip_value(&mut self, depth: u32) -> Result<(), Error> {
        let mut here = self.clone();
        here.skip_here(depth)?;
        *self = here;
        Ok(())
    }

    /// [`skip_value`](Self::skip_value) for a reader that is a copy: after an error it stands anywhere.
    ///
    /// # Errors
    /// As of that.
    #[inline(always)]
    pub(crate) fn skip_here(&mut self, depth: u32) -> Result<(), Error> {
        // Not by the loop: what follows a string in no container of this value is the caller's.
        if self.peek() == b'"' {
            self.string_here()?;
            return Ok(());
        }
        // One bit for each container that is open here: set for an object.
        let mut kinds: u128 = 0;
        let mut open = depth;
        let mut is_name = false;
        loop {
            match self.peek() {
                b'"' => {
                    if self.string_run_here(is_name, kinds & 1 == 1)? {
                        self.colon()?;
                        is_name = false;
                        continue;
                    }
                }
                _ if is_name => return Err(self.unexpected()),
                opening @ (b'{' | b'[') => {
                    let object = opening == b'{';
                    open = self.open(open)?;
                    self.whitespace();
                    if self.peek() == closing(object) {
                        self.at += 1;
                        open -= 1;
                    } else {
                        kinds = kinds << 1 | u128::from(object);
                        is_name = object;
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                _ => {
                    self.literal()?;
                }
            }
            loop {
                if open == depth {
                    return Ok(());
                }
                self.whitespace();
                let object = kinds & 1 == 1;
                let next = self.peek();
                if next == b',' {
                    self.at += 1;
                    self.whitespace();
                    is_name = object;
                    break;
                }
                self.expect(closing(object))?;
                kinds >>= 1;
                open -= 1;
            }
        }
    }

    /// The string here and those that follow it in the container around them with nothing but one mark between, as
    /// nearly all do; whether the last one is a name.
    ///
    /// PERF: 30 instructions a string; with the space around each mark looked for it took 80.
    #[inline(always)]
    fn string_run_here(&mut self, is_name: bool, in_object: bool) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        let mut mark = if is_name { b':' } else { b',' };
        let turn = if in_object { b':' ^ b',' } else { 0 };
        loop {
            let mut end = self.specials.next(bytes, self.at + 1);
            match bytes.get(end..).unwrap_or_default() {
                [b'"', between, b'"', ..] if *between == mark => {
                    self.at = end + 2;
                    mark ^= turn;
                    continue;
                }
                [b'"', ..] => {}
                _ => end = Reader { at: end, ..*self }.escapes()?,
            }
            self.at = end + 1;
            return Ok(mark == b':');
        }
    }

    /// Takes `{` or `[`; gives how many containers are open then.
    ///
    /// # Errors
    /// [`ErrorKind::TooDeep`] past [`MAX_DEPTH`].
    #[inline]
    pub fn open(&mut self, depth: u32) -> Result<u32, Error> {
        if depth >= MAX_DEPTH {
            return Err(Error { kind: ErrorKind::TooDeep, offset: self.at });
        }
        self.at += 1;
        Ok(depth + 1)
    }

    /// Nothing but whitespace may follow.
    ///
    /// # Errors
    /// [`ErrorKind::TrailingBytes`] if something does.
    pub fn end(&mut self) -> Result<(), Error> {
        self.whitespace();
        if self.at < self.text.len() {
            return Err(Error { kind: ErrorKind::TrailingBytes, offset: self.at });
        }
        Ok(())
    }

    /// The error for the byte at the reader's place.
    #[inline]
    #[must_use]
    pub const fn unexpected(&self) -> Error {
        unexpected(self.at, self.text.len())
    }
}

#[cold]
#[inline(never)]
const fn unexpected(at: usize, len: usize) -> Error {
    if at < len {
        Error { kind: ErrorKind::Syntax, offset: at }
    } else {
        Error { kind: ErrorKind::UnexpectedEnd, offset: len }
    }
}

/// A document without insignificant whitespace, to compare or to write. Strings and numbers stay
/// byte for byte.
///
/// # Errors
/// If the text is not one JSON document.
pub fn compact(text: &str) -> Result<String, Error> {
    let mut reader = Reader::new(text);
    reader.whitespace();
    reader.skip_value(0)?;
    reader.end()?;
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    let mut escaped = false;
    for c in text.chars() {
        if quoted || !c.is_ascii_whitespace() {
            out.push(c);
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    Ok(out)
}

#[inline]
const fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

#[cfg(test)]
mod tests;
