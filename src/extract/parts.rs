//! A document larger than what is judged whole, in parts of whole records: so that a bundle of any size takes the
//! memory of a small one. As a large response leaves over HTTP.
//!
//! What must never happen here: a document that ended early taken for one that ended.

use std::io::Read;

use super::input::{Input, InputError, Pieces, fault};
use super::run::RunError;
use crate::policy::plan::Plan;
use crate::rewrite::{self, Fault, FaultKind};

/// Bytes read at once.
const STEP: usize = 1 << 18;

/// One document's.
pub(super) struct Parts<'a> {
    input: &'a Input,
    plan: &'a Plan,
    cut: rewrite::Pieces,
    /// Of each record at most.
    most: usize,
    /// Read, and not looked at.
    begun: std::io::Cursor<Vec<u8>>,
    rest: Box<dyn Read + Send>,
    ended: bool,
    /// Bytes that were looked at.
    read: u64,
}

impl<'a> Parts<'a> {
    /// Goes on with a document that turned out to be too large to be judged whole; `None` if it can only be.
    pub(super) fn of(input: &'a Input, plan: &'a Plan, pieces: Pieces, most: usize) -> Option<Self> {
        // All of an extract, or nothing: it stops at whatever is wrong.
        let cut = rewrite::Pieces::new(plan, false, most)?.held_back();
        let (begun, rest) = pieces.into_rest();
        let begun = std::io::Cursor::new(begun);
        Some(Self { input, plan, cut, most, begun, rest, ended: false, read: 0 })
    }

    /// The next part; `None` at the end of the document.
    pub(super) fn next(&mut self) -> Result<Option<rewrite::Piece>, RunError> {
        loop {
            if self.ended || self.cut.is_due() {
                let piece = self.cut.next(self.plan, self.ended);
                let piece = piece.map_err(|fault| fault_in(self.input, fault, self.most))?;
                if piece.is_some() || self.ended {
                    return Ok(piece);
                }
            }
            let mut some = Vec::with_capacity(STEP);
            let read = (&mut self.begun).chain(&mut self.rest).take(STEP as u64).read_to_end(&mut some);
            let read = read.map_err(|error| fault(&self.input.path, error))?;
            self.ended = read < STEP;
            self.read = self.read.saturating_add(read as u64);
            self.cut.push(&some);
        }
    }

    /// How far it is.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }
}

/// What is wrong with a document in parts, and where: it is not passed over, for some of it has been taken already.
pub(super) fn fault_in(input: &Input, fault: Fault, most: usize) -> RunError {
    let (path, line) = (input.path.clone(), input.line_at(fault.offset));
    if fault.kind == FaultKind::TooLarge {
        return InputError::TooLong { path, line, most }.into();
    }
    RunError::Part { path, line, offset: fault.offset as u64, kind: fault.kind }
}
