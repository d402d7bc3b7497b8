//! The files of a run one after another, in pieces that can be rewritten by themselves.

use super::checkpoint::Next;
use super::input::{Form, Input, InputError, Pieces, Place};
use super::parts::Parts;
use super::run::{Ruled, RunError, Settings, by_form};
use super::work::{Parted, Piece};

/// The pieces of all files, in their order.
pub(super) struct Reading<'a> {
    inputs: &'a [Input],
    plans: &'a [Ruled<'a>],
    next: Next,
    settings: &'a Settings,
    open: Option<Open<'a>>,
}

/// The file that is being read.
enum Open<'a> {
    Whole(Pieces),
    /// A document that is too large to be judged whole.
    Parted(Parts<'a>),
}

impl<'a> Reading<'a> {
    pub(super) const fn new(
        inputs: &'a [Input],
        plans: &'a [Ruled<'a>],
        next: Next,
        settings: &'a Settings,
    ) -> Self {
        Self { inputs, plans, next, settings, open: None }
    }

    pub(super) fn next(&mut self) -> Result<Option<Piece>, RunError> {
        loop {
            let Some(input) = self.inputs.get(self.next.input) else { return Ok(None) };
            let Settings { piece, most, .. } = *self.settings;
            let open = match self.open.take() {
                Some(open) => open,
                None => Open::Whole(input.pieces(self.next.at, piece, most)?),
            };
            let found = match open {
                Open::Whole(open) => self.whole(input, open)?,
                Open::Parted(parts) => self.part(input, parts)?,
            };
            if found.is_some() {
                self.next.number = self.next.number.saturating_add(1);
                return Ok(found);
            }
            input.check()?;
            self.open = None;
            self.next.input = self.next.input.saturating_add(1);
            self.next.at = Place::START;
        }
    }

    fn whole(&mut self, input: &'a Input, mut open: Pieces) -> Result<Option<Piece>, RunError> {
        let Next { input: at_input, number, .. } = self.next;
        match open.advance() {
            Ok(None) => Ok(None),
            Ok(Some((at, bytes))) => {
                let end = open.at();
                self.open = Some(Open::Whole(open));
                let length = bytes.len() as u64;
                let piece =
                    Piece { number, input: at_input, form: input.form, at, end, bytes, length, parted: None };
                Ok(Some(piece))
            }
            Err(error) => {
                let is_large = matches!(error, InputError::TooLong { .. }) && input.form == Form::Document;
                let plan = by_form(self.plans, input.form).filter(|_| is_large).map(|(_, plan)| plan);
                let parts = plan.and_then(|plan| Parts::of(input, plan, open, self.settings.most));
                self.part(input, parts.ok_or(error)?)
            }
        }
    }

    fn part(&mut self, input: &'a Input, mut parts: Parts<'a>) -> Result<Option<Piece>, RunError> {
        let Next { input: at_input, number, .. } = self.next;
        let before = parts.read();
        let Some(piece) = parts.next()? else { return Ok(None) };
        let (read, place) = (parts.read(), piece.place());
        let end = Place { offset: read, line: 1 };
        self.open = Some(Open::Parted(parts));
        Ok(Some(Piece {
            number,
            input: at_input,
            form: input.form,
            // A document is gone on with from its beginning.
            at: end,
            end,
            length: read.saturating_sub(before),
            parted: piece.parting.map(|parting| Parted { parting, place }),
            bytes: piece.into_document(),
        }))
    }
}
