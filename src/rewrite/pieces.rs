//! Cuts a body that arrives bit by bit into documents that can be judged on their own: lines of NDJSON, or
//! records of a document's array with that document's beginning around them.
//!
//! Stands between reading a response that is larger than the policy's `buffer` and rewriting it. It cuts,
//! and does nothing else: what it cuts is validated and judged by the walk, as everything is. What must never
//! happen here: more held than the bound; a body that ended early taken for one that ended.

use std::fmt;

use memchr::{memchr, memrchr};

use super::part::{Part, Parting, can_be_parted, enter};
use super::{Fault, FaultKind};
use crate::json::{Error, ErrorKind, Reader};
use crate::policy::plan::Plan;

/// How much is judged, recorded and released at once: large enough that a record of it costs little, small
/// enough that the first byte leaves soon and that many streams fit into memory.
const BATCH: usize = 256 * 1024;
/// An escaped pair of surrogates: an error nearer to the end than that may be one of the cut only.
const ESCAPED_PAIR: usize = 12;

/// No more than the policy lets anybody hold.
fn batch(most: usize) -> usize {
    BATCH.min(most)
}

/// A document to be judged on its own.
pub struct Piece {
    document: Vec<u8>,
    /// Which part of it is wanted; `None` for whole lines.
    pub parting: Option<Parting>,
    /// How many bytes of the document are the beginning that it shares with others.
    head: usize,
    /// Where the rest of it stands in the body.
    at: usize,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes, {:?})", self.document.len(), self.parting)
    }
}

impl Piece {
    /// The document.
    #[must_use]
    pub fn into_document(self) -> Vec<u8> {
        self.document
    }

    /// Where in the body a fault of the document stands.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { head: self.head, at: self.at }
    }
}

/// Where a piece stands in the body.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    head: usize,
    at: usize,
}

impl Place {
    /// The fault, with its offset in the body.
    #[must_use]
    pub const fn of(self, fault: Fault) -> Fault {
        let offset = match fault.offset.checked_sub(self.head) {
            Some(within) => self.at.saturating_add(within),
            None => fault.offset,
        };
        Fault { offset, ..fault }
    }
}

/// The body as far as it has come.
pub struct Pieces {
    form: Form,
    /// What has come and is in no piece yet.
    held: Vec<u8>,
    /// Bytes of the body before that.
    passed: usize,
    /// How large a piece may be.
    most: usize,
    /// With less than that no piece can be cut, as far as is known.
    needed: usize,
    /// Some record has left.
    after_records: bool,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pieces({} bytes held, {} passed)", self.held.len(), self.passed)
    }
}

enum Form {
    Lines,
    Array(Array),
}

/// A document whose records are the elements of one array.
struct Array {
    /// The names on the way to it.
    path: Vec<String>,
    /// The document's beginning, up to and with the array's bracket.
    head: Vec<u8>,
    next: Next,
    /// The beginning has left.
    begun: bool,
    /// Nothing leaves before all has come.
    held_back: bool,
}

/// What comes next in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    FirstElement,
    Element,
    Comma,
    Tail,
    Nothing,
}

impl Pieces {
    /// How to cut a body of a route: `None` where it can only be judged whole. No piece is larger than
    /// `most` bytes.
    #[must_use]
    pub fn new(plan: &Plan, lines: bool, most: usize) -> Option<Self> {
        let form = match (lines, plan.record_path()) {
            (true, _) => Form::Lines,
            (false, Some(path)) => Form::Array(Array {
                path: path.to_vec(),
                head: Vec::new(),
                next: Next::Head,
                begun: false,
                held_back: false,
            }),
            (false, None) => return None,
        };
        Some(Self { form, held: Vec::new(), passed: 0, most, needed: batch(most), after_records: false })
    }

    /// Nothing that is cut leaves before all has come without a fault. Then it is enough that nothing stands
    /// beside the records that could say whose they are, where else nothing may that could stand there.
    #[must_use]
    pub fn held_back(mut self) -> Self {
        if let Form::Array(array) = &mut self.form {
            array.held_back = true;
        }
        self
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// So much is held that a piece should be asked for.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.held.len() >= self.needed
    }

    /// A part with records in it has left.
    pub fn records_left(&mut self) {
        self.after_records = true;
    }

    /// The next piece; `None` if more has to come first or, once the body has `ended`, if it was all.
    ///
    /// # Errors
    /// A [`Fault`] with its offset in the body: of the grammar, [`FaultKind::TooLarge`],
    /// [`FaultKind::NotParted`].
    pub fn next(&mut self, plan: &Plan, ended: bool) -> Result<Option<Piece>, Fault> {
        let Self { form, held, passed, most, needed, after_records } = self;
        let mut cut = Cut { held, passed, most: *most, ended };
        let piece = match form {
            Form::Lines => cut.lines(),
            Form::Array(array) => array.next(&mut cut, plan, *after_records),
        };
        let passed = *cut.passed;
        let piece = piece.map_err(|fault| Fault { offset: passed.saturating_add(fault.offset), ..fault })?;
        *needed = match &piece {
            Some(_) => batch(*most),
            // What is held is gone through from its beginning: were that at each bit that comes, the work would
            // grow with the square of a record. More than `most` is refused, so nothing waits for that.
            None => held.len().saturating_add(held.len() / 2).clamp(batch(*most), most.saturating_add(1)),
        };
        Ok(piece)
    }
}

/// What has come, to be cut. Offsets of faults count from its beginning.
struct Cut<'a> {
    held: &'a mut Vec<u8>,
    passed: &'a mut usize,
    most: usize,
    ended: bool,
}

impl Cut<'_> {
    fn lines(&mut self) -> Result<Option<Piece>, Fault> {
        let most = self.held.get(..batch(self.most)).unwrap_or(self.held);
        let newline = memrchr(b'\n', most).or_else(|| memchr(b'\n', self.held));
        let end = match newline {
            _ if self.ended && most.len() == self.held.len() => most.len(),
            Some(newline) => newline.saturating_add(1),
            None if self.ended => self.held.len(),
            None => return self.wait(),
        };
        self.bound(0, end)?;
        if end == 0 {
            return Ok(None);
        }
        let at = *self.passed;
        let document = self.take(end);
        Ok(Some(Piece { document, parting: None, head: 0, at }))
    }

    fn take(&mut self, end: usize) -> Vec<u8> {
        let end = end.min(self.held.len());
        *self.passed = self.passed.saturating_add(end);
        self.held.drain(..end).collect()
    }

    /// What belongs together is no larger than may be.
    fn bound(&self, from: usize, end: usize) -> Result<(), Fault> {
        match end.saturating_sub(from) > self.most {
            true => Err(Fault { kind: FaultKind::TooLarge, offset: from }),
            false => Ok(()),
        }
    }

    /// More has to come, unless what belongs together is too large already.
    fn wait(&self) -> Result<Option<Piece>, Fault> {
        self.bound(0, self.held.len())?;
        match self.ended {
            true => Err(Fault { kind: FaultKind::UnexpectedEnd, offset: self.held.len() }),
            false => Ok(None),
        }
    }

    /// What is whole UTF-8 of it: a character may be cut.
    fn text(&self) -> Result<&str, Fault> {
        match simdutf8::compat::from_utf8(self.held) {
            Ok(text) => Ok(text),
            Err(error) if error.error_len().is_none() && !self.ended => {
                let whole = self.held.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(whole).map_err(|_never| Fault { kind: FaultKind::NotUtf8, offset: 0 })
            }
            Err(error) => Err(Fault { kind: FaultKind::NotUtf8, offset: error.valid_up_to() }),
        }
    }

    /// Whether an error may be one of the cut only.
    fn is_cut(&self, error: Error, text: &str) -> bool {
        let near_end = error.offset.saturating_add(ESCAPED_PAIR) > text.len();
        !self.ended
            && match error.kind {
                ErrorKind::UnexpectedEnd => true,
                ErrorKind::LoneSurrogate => near_end,
                ErrorKind::Syntax | ErrorKind::TrailingBytes | ErrorKind::TooDeep => false,
            }
    }
}

impl Array {
    fn next(&mut self, cut: &mut Cut<'_>, plan: &Plan, after_records: bool) -> Result<Option<Piece>, Fault> {
        if self.next == Next::Head {
            let Some(end) = self.end_of_head(cut)? else { return cut.wait() };
            cut.bound(0, end)?;
            self.head = cut.take(end);
            self.next = Next::FirstElement;
        }
        let piece = match self.next {
            Next::Head | Next::Nothing => return Ok(None),
            Next::Tail if !cut.ended => return cut.wait(),
            Next::Tail => {
                cut.bound(0, cut.held.len())?;
                let at = *cut.passed;
                let tail = cut.take(usize::MAX);
                self.next = Next::Nothing;
                self.piece(Part::Last, &[b"]", &*tail].concat(), at.saturating_sub(1), after_records)
            }
            Next::FirstElement | Next::Element | Next::Comma => match self.elements(cut)? {
                Some((at, records)) => {
                    let part = if self.begun { Part::Middle } else { Part::First };
                    self.begun = true;
                    let closing = [&*records, b"]", &*b"}".repeat(self.path.len())].concat();
                    self.piece(part, &closing, at, after_records)
                }
                None if self.next == Next::Tail => return self.next(cut, plan, after_records),
                None => return Ok(None),
            },
        };
        let decides = piece.parting.is_some_and(|parting| match parting.part {
            Part::First => true,
            Part::Middle => false,
            Part::Last => self.held_back,
        });
        if decides {
            self.refuse_what_depends(&piece, plan)?;
        }
        Ok(Some(piece))
    }

    fn piece(&self, part: Part, rest: &[u8], at: usize, after_records: bool) -> Piece {
        let depth = u32::try_from(self.path.len()).unwrap_or(u32::MAX);
        Piece {
            document: [&self.head, rest].concat(),
            parting: Some(Parting { part, depth, after_records }),
            head: self.head.len(),
            at,
        }
    }

    /// Before the first byte leaves: what comes later must change nothing, and what has come must not have.
    fn refuse_what_depends(&self, piece: &Piece, plan: &Plan) -> Result<(), Fault> {
        let text = super::utf8(&piece.document)?;
        match can_be_parted(plan, text, (self.head.len(), &self.path), self.held_back) {
            Ok(false) => Err(Fault { kind: FaultKind::NotParted, offset: 0 }),
            // What is no JSON, the walk finds, and where.
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// Where the array's first element could begin; `None` if that has not come yet.
    fn end_of_head(&self, cut: &Cut<'_>) -> Result<Option<usize>, Fault> {
        let text = cut.text()?;
        let mut reader = Reader::new(text);
        reader.whitespace();
        for (depth, name) in (0..).zip(&self.path) {
            match enter(&mut reader, name, depth) {
                Ok(Some(_before)) => {}
                Ok(None) if reader.at < text.len() => {
                    return Err(Fault { kind: FaultKind::NotParted, offset: reader.at });
                }
                Ok(None) => return Ok(None),
                Err(fault) if fault.kind == FaultKind::UnexpectedEnd && !cut.ended => return Ok(None),
                Err(fault) if fault.kind == FaultKind::LoneSurrogate && !cut.ended => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
        match reader.peek() {
            b'[' => Ok(Some(reader.at.saturating_add(1))),
            _ if reader.at >= text.len() => Ok(None),
            _ => Err(Fault { kind: FaultKind::NotParted, offset: reader.at }),
        }
    }

    /// Whole elements, a batch of them at most, and where they stand in the body; `None` if none is whole
    /// yet, or none is left.
    fn elements(&mut self, cut: &mut Cut<'_>) -> Result<Option<(usize, Vec<u8>)>, Fault> {
        let mut taken = Taken { start: None, end: 0, through: 0, next: self.next };
        let text = cut.text()?;
        let mut reader = Reader::new(text);
        let depth = u32::try_from(self.path.len()).unwrap_or(u32::MAX).saturating_add(1);
        while taken.step(&mut reader, cut, (text, depth))? {}
        self.next = taken.next;
        let at = cut.passed.saturating_add(taken.start.unwrap_or(taken.end));
        let (start, end) = (taken.start.unwrap_or(taken.end), taken.end);
        let whole = cut.take(taken.through);
        let records = whole.get(start..end).unwrap_or_default().to_vec();
        if records.is_empty() && (self.begun || self.next != Next::Tail) {
            return if self.next == Next::Tail { Ok(None) } else { cut.wait().map(|_more| None) };
        }
        Ok(Some((at, records)))
    }
}

/// Elements that are whole.
struct Taken {
    start: Option<usize>,
    end: usize,
    /// What is done with, be it a comma or the closing bracket.
    through: usize,
    next: Next,
}

impl Taken {
    /// Reads one token of the array; says whether to go on.
    fn step(
        &mut self,
        reader: &mut Reader<'_>,
        cut: &Cut<'_>,
        (text, depth): (&str, u32),
    ) -> Result<bool, Fault> {
        reader.whitespace();
        if reader.at >= text.len() {
            return Ok(false);
        }
        match (self.next, reader.peek()) {
            (Next::FirstElement | Next::Comma, b']') => {
                reader.advance();
                self.through = reader.at;
                self.next = Next::Tail;
                Ok(false)
            }
            (Next::Comma, b',') => {
                reader.advance();
                self.through = reader.at;
                self.next = Next::Element;
                Ok(self.end.saturating_sub(self.start.unwrap_or(self.end)) < batch(cut.most))
            }
            (Next::Comma, _) => Err(reader.unexpected().into()),
            _ => {
                let from = reader.at;
                match reader.skip_value(depth) {
                    Ok(()) => {}
                    Err(error) if cut.is_cut(error, text) => return Ok(false),
                    Err(error) => return Err(error.into()),
                }
                let end = reader.at;
                cut.bound(from, end)?;
                reader.whitespace();
                // A number may go on, until something else has come.
                if reader.at >= text.len() && !cut.ended {
                    return Ok(false);
                }
                self.start = self.start.or(Some(from));
                (self.end, self.through, self.next) = (end, end, Next::Comma);
                Ok(true)
            }
        }
    }
}
