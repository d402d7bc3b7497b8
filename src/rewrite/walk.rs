//! The walk over a document: which state applies to which value, containers of which nothing is left,
//! records and their subjects.

mod members;
mod output;
mod tally;
mod whose;

use std::collections::HashSet;
use std::rc::Rc;

use self::tally::Tally;
pub use self::whose::RecordAt;
pub(super) use self::whose::Whose;
use super::clean::Clean;
use super::last_person::LastPerson;
use super::links::Links;
use super::lookahead::resolve;
use super::names::SeenName;
use super::order::Order;
use super::protection::may_be_marked;
use super::repeats::Repeats;
use super::subjects::{Judged, Subjects};
use super::{Echoes, Fault, Outcome, Rewriter, Watch};
use crate::cpr::Find;
use crate::ids::SubjectId;
use crate::json::Reader;
use crate::judge::Judge;
use crate::policy::plan::{Act, Plan, Slot, State};
use crate::policy::resolve::{Resolved, Unresolved};
use crate::pseudonym::{Known, Rows, Salt};

/// One walk over one body.
pub(super) struct Walk<'p, 'b, 'w, J, W> {
    pub(super) plan: &'p Plan,
    pub(super) salt: &'p Salt,
    pub(super) judge: &'p J,
    /// What must not come back in clear.
    pub(super) echoes: &'p Echoes,
    /// How URLs at the proxy begin.
    pub(super) base: &'p str,
    /// Pseudonyms that stand in the store.
    pub(super) known: &'p Known,
    /// Instead of writing those: what is wanted of them.
    pub(super) collected: Option<super::wanted::Collected>,
    /// How many records an earlier walk withheld: what counts of records are less by.
    pub(super) records_less: u64,
    pub(super) reader: Reader<'b>,
    /// What references within the document mean.
    pub(super) links: Links<'b>,
    pub(super) out: Vec<u8>,
    pub(super) counts: Tally,
    /// Numbers of the rules that let a value out.
    pub(super) released: Vec<u32>,
    /// How many pseudonyms were made: no two under `linkability = "none"` share their number.
    pub(super) serial: u64,
    /// Names of the objects that are open, to find duplicates.
    pub(super) names: Vec<SeenName>,
    /// The kept container that is open was not plain: nobody looks twice, or input could make
    /// the work grow with the square of its depth.
    not_plain: bool,
    /// Names that became pseudonyms.
    pub(super) renames: Vec<String>,
    pub(super) subjects: Subjects,
    /// Whose data what is written is, where that is asked for.
    pub(super) whose: Option<Whose>,
    pub(super) judged: Judged<'b>,
    document_withheld: bool,
    /// Of a request: what its pseudonyms stand for, and why one stands for nothing.
    pub(super) resolved: Vec<Resolved>,
    pub(super) rows: Option<&'p Rows>,
    pub(super) unresolved: Option<Unresolved>,
    /// Names of persons in the record, to be taken out of its text.
    pub(super) record_names: Option<Rc<HashSet<String>>>,
    /// In a decoded document those of the record around it, which a body may have many documents in.
    pub(super) outer_names: Option<Rc<HashSet<String>>>,
    /// The one person whose record is open, where some rule moves dates.
    pub(super) record_person: Option<SubjectId>,
    /// The body can hold the mark of address protection.
    pub(super) may_be_marked: bool,
    /// The record that is open is that of a protected person: their name and address stay.
    pub(super) protected: bool,
    pub(super) finds: Vec<Find>,
    pub(super) clean: Clean<'b>,
    pub(super) repeats: Repeats<'b>,
    order: Order<'p, 'b>,
    pub(super) last_person: LastPerson,
    /// Of a document that is judged in parts: how deep its array of records stands, and where in the
    /// output that began and ended.
    pub(super) parted_at: Option<u32>,
    pub(super) records_at: Option<(Mark, Mark)>,
    pub(super) watch: &'w mut W,
    pub(super) pointer: String,
}

/// How far the walk was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) out: usize,
    pub(super) released: usize,
    pub(super) counts: Tally,
}

/// What applies to a value: its own state, and the rule of a `keep` above it.
#[derive(Clone, Copy)]
pub(super) struct Applies<'p> {
    pub(super) state: Option<&'p State>,
    pub(super) under: Option<u32>,
}

impl<'p, 'b, 'w, J: Judge, W: Watch> Walk<'p, 'b, 'w, J, W> {
    pub(super) fn new(
        rewriter: &Rewriter<'p, J>,
        watch: &'w mut W,
        text: &'b str,
        records_less: u64,
    ) -> Self {
        let Rewriter { plan, salt, judge, echoes, base, known, .. } = *rewriter;
        Self {
            plan,
            salt,
            judge,
            echoes,
            base,
            known,
            collected: None,
            records_less,
            reader: Reader::new(text),
            links: Links::of(&Reader::new(text)),
            // PERF: a third leaves of most; allocators are fastest up to 1 KB.
            out: Vec::with_capacity(text.len() / 8 * 3),
            counts: Tally::default(),
            released: Vec::with_capacity(32),
            serial: 0,
            // PERF: enough for most documents, so that small ones allocate once, and no more than 1 KB.
            names: Vec::with_capacity(24),
            not_plain: false,
            renames: Vec::new(),
            subjects: Subjects::default(),
            whose: None,
            judged: Judged::default(),
            document_withheld: false,
            resolved: Vec::new(),
            rows: None,
            unresolved: None,
            record_names: None,
            outer_names: None,
            record_person: None,
            may_be_marked: plan.protects_addresses && may_be_marked(text),
            protected: false,
            finds: Vec::new(),
            clean: Clean::of(text),
            repeats: Repeats::of(text),
            order: Order::of(text),
            last_person: LastPerson::default(),
            parted_at: None,
            records_at: None,
            watch,
            pointer: String::new(),
        }
    }

    /// A whole document. Its root is never removed: an empty container stands for it, or `null`.
    pub(super) fn document(&mut self, reader: Reader<'b>) -> Result<(), Fault> {
        let start = self.out.len();
        self.begin(reader);
        let first = self.reader.peek();
        let withheld = self.counts.records_withheld;
        if !self.root()? {
            // Above records a container stays, so that this is the document's own subject.
            self.document_withheld = self.counts.records_withheld > withheld;
            self.out.truncate(start);
            self.out.extend_from_slice(match first {
                b'{' => b"{}",
                b'[' => b"[]",
                _ => b"null",
            });
        }
        Ok(())
    }

    /// One line of several; dropped when nothing is left of it.
    pub(super) fn line(&mut self, reader: Reader<'b>) -> Result<(), Fault> {
        self.begin(reader);
        if self.root()? {
            self.out.push(b'\n');
        }
        Ok(())
    }

    fn begin(&mut self, reader: Reader<'b>) {
        if self.links.is_read() {
            self.judged.forget();
        }
        if let Some(heard) = &mut self.judged.heard {
            heard.end_document();
        }
        self.links = Links::of(&reader).in_part(self.parted_at.is_some());
        self.reader = reader;
        self.reader.whitespace();
    }

    fn root(&mut self) -> Result<bool, Fault> {
        let applies = self.resolve(self.plan.root, None, 0)?;
        let kept = self.record(applies, 0, !self.plan.has_record)?;
        self.reader.end()?;
        Ok(kept)
    }

    /// Which state a slot comes to for the value at the reader's place.
    pub(super) fn resolve(&self, slot: Slot, under: Option<u32>, depth: u32) -> Result<Applies<'p>, Fault> {
        Ok(Applies { state: resolve(self.plan, slot, &self.reader, depth)?, under })
    }

    /// One value; says whether anything of it was written.
    fn value(&mut self, slot: Slot, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let applies = self.resolve(slot, under, depth)?;
        self.resolved(applies, depth)
    }

    fn resolved(&mut self, applies: Applies<'p>, depth: u32) -> Result<bool, Fault> {
        match applies.state {
            Some(State { only_kept: Some(rule), .. }) => self.only_keep(*rule, depth),
            Some(State { record: true, .. }) => self.record(applies, depth, true),
            _ => self.decide(applies, depth),
        }
    }

    /// A value of which a state says only that a rule keeps it: as [`decide`](Self::decide) does, sooner.
    ///
    /// PERF: many members of FHIR. With `next_member` and strings that are passed over together a Bundle of 64 KB takes
    /// 12 % less, a Patient alone 8 %.
    fn only_keep(&mut self, rule: u32, depth: u32) -> Result<bool, Fault> {
        let kept = self.keep_string_as_it_stands() || self.keep_below(rule, None, depth, true)?;
        if kept {
            self.released.push(rule);
        }
        Ok(kept)
    }

    /// A record, or the document around all records: withheld whole if it should have a subject
    /// and has none, or one that cannot be (GDPR art. 18, 21: whose data it is, is never guessed).
    fn record(&mut self, applies: Applies<'p>, depth: u32, counted: bool) -> Result<bool, Fault> {
        let from = self.reader.at;
        let written = self.out.len();
        let before = (self.counts, self.released.len(), self.judged.len(), self.wanted());
        let outer = self.subjects.open(counted && self.plan.route_wants_subject);
        if self.plan.has_name_sources && counted {
            self.collect_names(applies.state, depth)?;
        }
        let outer_person = self.record_person;
        if self.plan.shifter.is_some() {
            self.record_person = self.find_person(applies.state, depth)?;
        }
        let outer_protected = self.protected;
        self.protected = match counted {
            true => self.is_protected(applies.state, depth)?,
            false => self.is_protected_around(applies.state, depth)?,
        };
        let kept = self.decide(applies, depth)?;
        self.protected = outer_protected;
        self.record_person = outer_person;
        if let Some(names) = &mut self.record_names {
            Rc::make_mut(names).clear();
        }
        let known =
            self.judged.may_leave(&self.subjects, (self.plan, self.judge), &self.reader, &mut self.links);
        if known && kept {
            self.counts.records += u64::from(counted);
            self.judged.disclose(&self.subjects, &self.reader);
            self.belong(before.3);
            self.note_whose(written);
        } else if !known {
            self.out.truncate(written);
            self.forget_whose(written);
            let (counts, released, disclosed, wanted) = before;
            self.counts = counts;
            self.released.truncate(released);
            self.judged.truncate(disclosed);
            self.unwant(wanted);
            self.counts.records_withheld += 1;
            self.tell(None, Outcome::RecordWithheld, from, written);
        }
        self.subjects.close(outer);
        Ok(kept && known)
    }

    pub(super) fn decide(&mut self, applies: Applies<'p>, depth: u32) -> Result<bool, Fault> {
        let Some(state) = applies.state else {
            return match applies.under {
                Some(rule) => self.keep_below(rule, None, depth, false),
                None => self.withhold(None, depth),
            };
        };
        self.subjects.want(state.wants_subject);
        let from = self.reader.at;
        let kept = match (state.rule, applies.under) {
            (Some(rule), _) => self.ruled(rule, state, depth)?,
            (None, Some(rule)) => self.keep_below(rule, Some(state), depth, false)?,
            (None, None) => match (&state.node, self.reader.peek()) {
                (Some(_), b'{' | b'[') => self.container(Some(state), None, depth)?,
                _ => self.withhold(None, depth)?,
            },
        };
        if let Some(system) = state.subject {
            self.subjects.note(from, self.reader.at, system);
        }
        self.hear_since(state, from);
        Ok(kept)
    }

    /// A value that a rule's location names.
    fn ruled(&mut self, number: u32, state: &'p State, depth: u32) -> Result<bool, Fault> {
        let Some(rule) = usize::try_from(number).ok().and_then(|at| self.plan.rules.get(at)) else {
            return self.withhold(None, depth);
        };
        if state.node.is_some() && !matches!(rule.act, Act::Keep(_)) {
            self.note_withheld_subjects(Some(state), depth)?;
            self.hear_below(Some(state), depth)?;
        }
        let kept = match &rule.act {
            Act::Withhold => return self.withhold(Some(number), depth),
            Act::Keep(_) => self.keep_below(number, Some(state), depth, true)?,
            Act::DecodeJson => self.coded_document(number, state, depth)?,
            act @ (Act::Cpr { .. }
            | Act::Id { .. }
            | Act::Reference
            | Act::Value(_)
            | Act::Mask(_)
            | Act::Generalise(_)
            | Act::Round(_)
            | Act::Shift(_)
            | Act::Replace(_)
            | Act::Scan(_)
            | Act::Count
            | Act::Resolve(_)
            | Act::Decode(_)
            | Act::Url(_)) => self.act(number, act, depth)?,
        };
        if kept {
            self.released.push(number);
        }
        Ok(kept)
    }

    /// A value that is kept, by a rule for it (`own`) or for a container around it. A container of
    /// another kind than the rules below it expect is unfit: what they withhold would leave.
    fn keep_below(
        &mut self,
        rule: u32,
        state: Option<&'p State>,
        depth: u32,
        own: bool,
    ) -> Result<bool, Fault> {
        let node = state.and_then(|state| state.node.as_ref());
        match (self.reader.peek(), node) {
            (b'{', Some(node)) if !node.expects_object() => return self.unfit(Some(rule), depth),
            (b'[', Some(node)) if !node.expects_array() => return self.unfit(Some(rule), depth),
            (b'{' | b'[', _) => {}
            _ => return self.keep_scalar(rule, own),
        }
        if W::ENABLED || node.is_some() || self.not_plain || self.protected || !self.echoes.is_empty() {
            return self.container(state, Some(rule), depth);
        }
        if self.keep_container_as_it_stands(rule, depth) {
            return Ok(true);
        }
        self.not_plain = true;
        let kept = self.container(state, Some(rule), depth);
        self.not_plain = false;
        kept
    }

    fn container(&mut self, state: Option<&'p State>, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let begun = self.records_begin(state, depth);
        let kept = self.contained(state, under, depth)?;
        if let Some(begun) = begun {
            self.records_end(begun);
        }
        Ok(kept)
    }

    fn contained(&mut self, state: Option<&'p State>, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let node = state.and_then(|state| state.node.as_ref());
        let stays_empty = state.is_some_and(|state| state.above_record);
        let from = self.out.len();
        let object = self.reader.peek() == b'{';
        let inner = self.reader.open(depth)?;
        self.reader.whitespace();
        let closing = if object { b'}' } else { b']' };
        if self.reader.peek() == closing {
            self.reader.advance();
            let kept = stays_empty || under.is_some();
            if kept {
                self.out.extend_from_slice(if object { b"{}" } else { b"[]" });
            }
            // What a request says is passed on or refused, never left out.
            self.counts.withheld += u64::from(self.plan.is_request && !kept);
            return Ok(kept);
        }
        let some =
            if object { self.members(node, under, inner)? } else { self.elements(node, under, inner)? };
        self.reader.expect(closing)?;
        if some {
            self.out.push(closing);
        } else {
            self.out.truncate(from);
            if stays_empty {
                self.out.extend_from_slice(if object { b"{}" } else { b"[]" });
            }
        }
        Ok(some || stays_empty)
    }
}
