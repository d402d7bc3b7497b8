//! CPRs in text that is kept: masked, pseudonymised or refused, as the policy's `[free-text]` has
//! it (G2).

use std::ops::Range;

use super::mask::MASK;
use super::walk::Walk;
use super::{Fault, FaultKind, Watch};
use crate::cpr::{Find, Number};
use crate::json::escape_into;
use crate::judge::Judge;
use crate::policy::checked::CprInText;

/// A part of a text, and what takes its place.
pub(super) struct Replacement<'f> {
    pub(super) at: Range<usize>,
    /// The person's number that stands there, if one does.
    pub(super) number: Option<&'f Number>,
    /// What takes the place of anything else, or of a number under `mask`.
    pub(super) constant: &'static str,
}

impl<'f> Replacement<'f> {
    pub(super) fn cpr(find: &'f Find) -> Self {
        Self { at: find.span.clone(), number: Some(&find.number), constant: MASK }
    }
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// Writes `text`, as the content of a JSON string, with parts replaced. Where parts overlap,
    /// the first takes the place of all.
    pub(super) fn write_replaced(
        &mut self,
        text: &str,
        mut parts: Vec<Replacement<'_>>,
        offset: usize,
    ) -> Result<(), Fault> {
        // At one place a person's number goes first, and then the longer part.
        parts.sort_by_key(|part| (part.at.start, part.number.is_none(), usize::MAX - part.at.end));
        let mut done: usize = 0;
        for part in parts {
            if let Some(number) = part.number {
                self.counts.cpr_in_text += 1;
                if self.plan.cpr_in_text == CprInText::Refuse {
                    return Err(Fault { kind: FaultKind::CprInText, offset: offset.saturating_sub(1) });
                }
                if part.at.start >= done {
                    escape_into(text.get(done..part.at.start).unwrap_or_default(), &mut self.out);
                    let pseudonymise = self.plan.cpr_in_text == CprInText::Pseudonymise;
                    if !(pseudonymise && self.write_person(number, 0)) {
                        self.out.extend_from_slice(MASK.as_bytes());
                    }
                }
            } else if part.at.start >= done {
                escape_into(text.get(done..part.at.start).unwrap_or_default(), &mut self.out);
                self.out.extend_from_slice(part.constant.as_bytes());
            }
            done = done.max(part.at.end);
        }
        escape_into(text.get(done..).unwrap_or_default(), &mut self.out);
        Ok(())
    }
}
