//! Base64 of a JSON document: decoded, rewritten by shapes as any other, and coded again.
//!
//! A document is a record of its own, for what is in it says whose it is: it leaves whole as its shapes
//! say, or not at all. What must never happen here: a code that leaves as it came because somebody else
//! might read a document in it, and a document's ids that are taken for those of the API unasked.

use std::collections::HashSet;
use std::rc::Rc;

use data_encoding::BASE64;

use super::survey::ties;
use super::walk::Walk;
use super::{Fault, FaultKind, Outcome, Rewriter, Watch};
use crate::json::Reader;
use crate::judge::Judge;
use crate::policy::plan::{Slot, State};

/// What comes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Leaves,
    /// No rule lets anything of it out.
    Empty,
    /// It has no person, or one that cannot be.
    Withheld,
    /// It is no document.
    Unfit,
}

/// The one document that stands in a code; `None` if that is not strict JSON, from its first byte to
/// its last.
pub(super) fn document_of(coded: &str) -> Option<String> {
    let text = super::decoded::uncoded(coded)?;
    let mut reader = Reader::new(&text);
    reader.whitespace();
    let is_json = reader.skip_value(0).and_then(|()| reader.end()).is_ok();
    is_json.then_some(text)
}

impl<'p, J: Judge, W: Watch> Walk<'p, '_, '_, J, W> {
    /// The value at the reader's place, under a rule that decodes documents; says whether it leaves.
    pub(super) fn coded_document(
        &mut self,
        number: u32,
        state: &'p State,
        depth: u32,
    ) -> Result<bool, Fault> {
        if self.reader.peek() != b'"' {
            return self.unfit(Some(number), depth);
        }
        let (from, written) = (self.reader.at, self.out.len());
        let span = self.reader.string()?;
        let Some(text) = document_of(&self.text(span)) else {
            self.settle(number, false, from, written);
            return Ok(false);
        };
        let fate = self.document_within(state.decoded, &text, depth).map_err(|fault| Fault {
            // Offsets in the document mean nothing to whoever has its code.
            offset: from,
            ..fault
        })?;
        match fate {
            Fate::Leaves => self.settle(number, true, from, written),
            Fate::Unfit => self.settle(number, false, from, written),
            Fate::Empty => self.tell(Some(number), Outcome::Withheld, from, written),
            Fate::Withheld => {
                self.counts.withheld += 1;
                self.tell(Some(number), Outcome::RecordWithheld, from, written);
            }
        }
        Ok(fate == Fate::Leaves)
    }

    /// Writes the code of what leaves of a document, and takes over what that discloses. The depth
    /// goes on from that of the code: the bound is one for both.
    fn document_within(&mut self, slot: Slot, text: &str, depth: u32) -> Result<Fate, Fault> {
        let Self { plan, salt, judge, echoes, base, known, .. } = *self;
        let rewriter = Rewriter { plan, salt, judge, echoes, base, known, lines: false };
        if W::ENABLED {
            // Whoever watches hears of what is inside only once it is known to leave.
            let mut nobody = ();
            let mut first = Walk::new(&rewriter, &mut nobody, text, 0);
            first.stands_in(self.protected, self.serial, self.record_names.clone());
            let fate = first.judged_document(slot, depth)?;
            if fate != Fate::Leaves {
                if fate == Fate::Empty {
                    self.counts.add(first.counts);
                }
                return Ok(fate);
            }
        }
        let mut inner = Walk::new(&rewriter, &mut *self.watch, text, 0);
        inner.stands_in(self.protected, self.serial, self.record_names.clone());
        inner.collected = self.collected.take();
        inner.pointer = std::mem::take(&mut self.pointer);
        let fate = inner.judged_document(slot, depth);
        let Walk { collected, pointer, serial, counts, released, judged, out, .. } = inner;
        (self.collected, self.pointer) = (collected, pointer);
        let fate = fate?;
        if matches!(fate, Fate::Leaves | Fate::Empty) {
            self.counts.add(counts);
        }
        if fate == Fate::Leaves {
            self.serial = serial;
            self.released.extend(released);
            let subjects = judged.into_disclosed();
            self.note_also(&subjects);
            self.judged.disclose_also(subjects);
            self.out.push(b'"');
            self.out.extend_from_slice(BASE64.encode(&out).as_bytes());
            self.out.push(b'"');
        }
        Ok(fate)
    }

    /// This walk is over a document in a record of which that much is known.
    fn stands_in(&mut self, protected: bool, serial: u64, names: Option<Rc<HashSet<String>>>) {
        self.protected = protected;
        self.serial = serial;
        self.outer_names = names;
    }

    /// What comes of the document at the reader's place. A fault of it is its own, but for CPR numbers
    /// that the policy refuses wherever they stand.
    fn judged_document(&mut self, slot: Slot, depth: u32) -> Result<Fate, Fault> {
        let since = self.wanted();
        let fate = match self.document_as_record(slot, depth) {
            Err(fault) if fault.kind == FaultKind::CprInText => return Err(fault),
            Err(_other) => Fate::Unfit,
            Ok(fate) => fate,
        };
        if fate == Fate::Leaves {
            self.judged.disclose(&self.subjects, &self.reader);
            self.belong(since);
        } else {
            self.unwant(since);
        }
        Ok(fate)
    }

    fn document_as_record(&mut self, slot: Slot, depth: u32) -> Result<Fate, Fault> {
        self.reader.whitespace();
        self.judged.tie(ties(self.plan, slot, &self.reader));
        let applies = self.resolve(slot, None, depth)?;
        if self.plan.has_name_sources {
            self.collect_names(applies.state, depth)?;
        }
        if self.plan.shifter.is_some() {
            self.record_person = self.find_person(applies.state, depth)?;
        }
        self.protected |= self.is_protected(applies.state, depth)?;
        let kept = self.decide(applies, depth)?;
        self.reader.end()?;
        let may_leave =
            self.judged.may_leave(&self.subjects, (self.plan, self.judge), &self.reader, &mut self.links);
        Ok(match (kept, may_leave) {
            (true, true) => Fate::Leaves,
            (true, false) => Fate::Withheld,
            (false, _) => Fate::Empty,
        })
    }
}
