//! The walk over a document: which state applies to which value, what is left of containers,
//! records and their subjects.

use std::collections::HashSet;
use std::mem;

use super::subjects::{Disclosed, Subjects};
use super::{Decision, Disclosure, Fault, FaultKind, Outcome, Released, Rewritten, Watch};
use crate::cpr::Find;
use crate::json::{Reader, StringSpan};
use crate::policy::plan::{Act, Node, Plan, Slot, State, name_hash};
use crate::pseudonym::Salt;

/// One walk over one body.
pub(super) struct Walk<'p, 'b, 'w, W> {
    pub(super) plan: &'p Plan,
    pub(super) salt: &'p Salt,
    pub(super) reader: Reader<'b>,
    pub(super) out: Vec<u8>,
    pub(super) counts: Tally,
    /// Numbers of the rules that let a value out.
    released: Vec<u32>,
    /// How many pseudonyms were made: no two under `linkability = "none"` share their number.
    pub(super) serial: u64,
    /// Names of the objects that are open, to find duplicates.
    names: Vec<SeenName>,
    /// A pseudonym was written as a name of the object that is open.
    pub(super) renamed: bool,
    pub(super) subjects: Subjects,
    disclosed: Disclosed<'b>,
    document_withheld: bool,
    /// Names of persons in the record, to be taken out of its text.
    pub(super) record_names: HashSet<String>,
    pub(super) finds: Vec<Find>,
    watch: &'w mut W,
    pointer: String,
}

/// What is counted as the walk goes; goes back when a record is withheld whole.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) withheld: u64,
    pub(super) unfit: u64,
    pub(super) cpr_in_text: u64,
    records: u64,
    records_withheld: u64,
}

#[derive(Debug, Clone, Copy)]
struct SeenName {
    hash: u64,
    span: StringSpan,
}

/// What applies to a value: its own state, and the rule of a `keep` above it.
#[derive(Clone, Copy)]
struct Applies<'p> {
    state: Option<&'p State>,
    under: Option<u32>,
}

impl<'p, 'b, 'w, W: Watch> Walk<'p, 'b, 'w, W> {
    pub(super) fn new(plan: &'p Plan, salt: &'p Salt, watch: &'w mut W, text: &'b str) -> Self {
        Self {
            plan,
            salt,
            reader: Reader::new(text),
            out: Vec::with_capacity(text.len() / 2),
            counts: Tally::default(),
            released: Vec::new(),
            serial: 0,
            names: Vec::new(),
            renamed: false,
            subjects: Subjects::default(),
            disclosed: Disclosed::default(),
            document_withheld: false,
            record_names: HashSet::new(),
            finds: Vec::new(),
            watch,
            pointer: String::new(),
        }
    }

    pub(super) fn finish(self) -> Rewritten {
        let mut released_by_rule: Vec<u32> = vec![0; self.plan.rules.len()];
        for rule in self.released {
            if let Some(count) = usize::try_from(rule).ok().and_then(|at| released_by_rule.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
        let Tally { withheld, unfit, cpr_in_text, records, records_withheld } = self.counts;
        Rewritten {
            released: Released { body: self.out },
            disclosure: Disclosure {
                subjects: self.disclosed.into_ids(),
                released_by_rule,
                withheld,
                unfit,
                cpr_in_text,
                records,
                records_withheld,
            },
            document_withheld: self.document_withheld,
        }
    }

    /// A whole document. Its root is never removed: an empty container stands for it, or `null`.
    pub(super) fn document(&mut self, reader: Reader<'b>) -> Result<(), Fault> {
        let start = self.out.len();
        self.reader = reader;
        self.reader.whitespace();
        let first = self.reader.peek();
        if !self.root()? {
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
        self.reader = reader;
        self.reader.whitespace();
        if self.root()? {
            self.out.push(b'\n');
        }
        Ok(())
    }

    fn root(&mut self) -> Result<bool, Fault> {
        let withheld = self.counts.records_withheld;
        let applies = self.resolve(self.plan.root, None, 0)?;
        let kept = self.record(applies, 0, !self.plan.has_record)?;
        self.reader.end()?;
        // Above records a container stays, so that this is the document's own subject.
        self.document_withheld |= !kept && self.counts.records_withheld > withheld;
        Ok(kept)
    }

    /// Which state a slot comes to for the value at the reader's place.
    fn resolve(&self, slot: Slot, under: Option<u32>, depth: u32) -> Result<Applies<'p>, Fault> {
        let state = match slot {
            Slot::Withheld => None,
            Slot::State(number) => self.plan.state(number),
            Slot::Choice(number) => super::lookahead::choose(self.plan, number, &self.reader, depth)?,
        };
        Ok(Applies { state, under })
    }

    /// One value; says whether anything of it was written.
    fn value(&mut self, slot: Slot, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let applies = self.resolve(slot, under, depth)?;
        self.resolved(applies, depth)
    }

    fn resolved(&mut self, applies: Applies<'p>, depth: u32) -> Result<bool, Fault> {
        if applies.state.is_some_and(|state| state.record) {
            return self.record(applies, depth, true);
        }
        self.decide(applies, depth)
    }

    /// A record, or the document around all records: withheld whole if it should have a subject
    /// and has none, or one that cannot be (GDPR art. 18, 21: whose data it is, is never guessed).
    fn record(&mut self, applies: Applies<'p>, depth: u32, counted: bool) -> Result<bool, Fault> {
        let from = self.reader.at;
        let written = self.out.len();
        let before = (self.counts, self.released.len(), self.disclosed.len());
        let outer = self.subjects.open(counted && self.plan.route_wants_subject);
        if self.plan.has_name_sources && counted {
            self.collect_names(applies.state, depth)?;
        }
        let kept = self.decide(applies, depth)?;
        self.record_names.clear();
        let known = self.subjects.known(self.plan, &self.reader);
        if known && kept {
            self.counts.records += u64::from(counted);
            self.disclosed.add(&self.subjects, self.plan, &self.reader);
        } else if !known {
            self.out.truncate(written);
            let (counts, released, disclosed) = before;
            self.counts = counts;
            self.released.truncate(released);
            self.disclosed.truncate(disclosed);
            self.counts.records_withheld += 1;
            self.tell(None, Outcome::RecordWithheld, from, written);
        }
        self.subjects.close(outer);
        Ok(kept && known)
    }

    fn decide(&mut self, applies: Applies<'p>, depth: u32) -> Result<bool, Fault> {
        let Some(state) = applies.state else {
            return match applies.under {
                Some(rule) => self.keep_below(rule, None, depth),
                None => self.withhold(None, depth),
            };
        };
        self.subjects.want(state.wants_subject);
        let from = self.reader.at;
        let kept = match (state.rule, applies.under) {
            (Some(rule), _) => self.ruled(rule, state, depth)?,
            (None, Some(rule)) => self.keep_below(rule, Some(state), depth)?,
            (None, None) => match (&state.node, self.reader.peek()) {
                (Some(_), b'{' | b'[') => self.container(Some(state), None, depth)?,
                _ => self.withhold(None, depth)?,
            },
        };
        if let Some(system) = state.subject {
            self.subjects.note(from, self.reader.at, system);
        }
        Ok(kept)
    }

    /// A value that a rule's location names.
    fn ruled(&mut self, number: u32, state: &'p State, depth: u32) -> Result<bool, Fault> {
        let Some(rule) = usize::try_from(number).ok().and_then(|at| self.plan.rules.get(at)) else {
            return self.withhold(None, depth);
        };
        if state.node.is_some() && !matches!(rule.act, Act::Keep(_)) {
            self.note_withheld_subjects(Some(state), depth)?;
        }
        let kept = match &rule.act {
            Act::Withhold => return self.withhold(Some(number), depth),
            Act::Keep(_) => self.keep_below(number, Some(state), depth)?,
            act @ (Act::Cpr { .. }
            | Act::Id { .. }
            | Act::Reference
            | Act::Mask(_)
            | Act::Generalise(_)
            | Act::Replace(_)
            | Act::Scan(_)) => self.act(number, act, depth)?,
        };
        if kept {
            self.released.push(number);
        }
        Ok(kept)
    }

    /// A value that is kept, by a rule for it or for a container around it.
    fn keep_below(&mut self, rule: u32, state: Option<&'p State>, depth: u32) -> Result<bool, Fault> {
        match self.reader.peek() {
            b'{' | b'[' => self.container(state, Some(rule), depth),
            _ => self.keep_scalar(rule),
        }
    }

    /// Passes over a value that does not leave.
    pub(super) fn withhold(&mut self, rule: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let from = self.reader.at;
        self.reader.skip_value(depth)?;
        self.counts.withheld += 1;
        self.tell(rule, Outcome::Withheld, from, self.out.len());
        Ok(false)
    }

    /// Passes over a value that a rule would let out, and that cannot leave.
    fn unfit(&mut self, depth: u32) -> Result<bool, Fault> {
        let from = self.reader.at;
        self.reader.skip_value(depth)?;
        self.counts.unfit += 1;
        self.tell(None, Outcome::Unfit, from, self.out.len());
        Ok(false)
    }

    fn container(&mut self, state: Option<&'p State>, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
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

    fn members(&mut self, node: Option<&'p Node>, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let first_name = self.names.len();
        let written = self.out.len();
        let outer_renamed = mem::take(&mut self.renamed);
        self.out.push(b'{');
        let mut some = false;
        loop {
            some |= self.member(node, under, depth, some)?;
            self.reader.whitespace();
            if self.reader.peek() != b',' {
                break;
            }
            self.reader.advance();
            self.reader.whitespace();
        }
        if some {
            self.refuse_duplicates(first_name)?;
        }
        self.names.truncate(first_name);
        if mem::replace(&mut self.renamed, outer_renamed) {
            self.refuse_equal_pseudonyms(written)?;
        }
        Ok(some)
    }

    /// One member; says whether it was written. `some` other was, so that a comma is due.
    fn member(
        &mut self,
        node: Option<&'p Node>,
        under: Option<u32>,
        depth: u32,
        some: bool,
    ) -> Result<bool, Fault> {
        let span = self.reader.name()?;
        let mut name = self.reader.slice(span.start, span.end);
        let decoded;
        if span.escaped {
            decoded = decode(name);
            name = &decoded;
        }
        let hash = name_hash(name.as_bytes());
        self.names.push(SeenName { hash, span });
        let outer = self.enter(|| name.replace('~', "~0").replace('/', "~1"));
        let written = self.out.len();
        let kept = match node.and_then(|node| node.names.find(hash, name)) {
            Some(entry) if under.is_none() => {
                self.out.extend_from_slice(entry.json.get(usize::from(!some)..).unwrap_or_default());
                self.value(entry.slot, None, depth)?
            }
            listed => {
                let slot = listed
                    .map_or_else(|| node.map_or(Slot::Withheld, |node| node.other_names), |entry| entry.slot);
                let applies = self.resolve(slot, under, depth)?;
                self.write_comma(some);
                if applies.state.is_none() && under.is_none() {
                    self.withhold(None, depth)?
                } else if self.dynamic_name(span, name)? {
                    self.resolved(applies, depth)?
                } else {
                    let own = applies.state.filter(|state| !state.record);
                    self.note_withheld_subjects(own, depth)?;
                    self.unfit(depth)?
                }
            }
        };
        if !kept {
            self.out.truncate(written);
        }
        self.leave(outer);
        Ok(kept)
    }

    fn elements(&mut self, node: Option<&'p Node>, under: Option<u32>, depth: u32) -> Result<bool, Fault> {
        self.out.push(b'[');
        let mut some = false;
        let mut index: u32 = 0;
        loop {
            let slot = node.map_or(Slot::Withheld, |node| {
                let own = node.indices.iter().find(|(at, _)| *at == index);
                own.map_or(node.other_indices, |(_, slot)| *slot)
            });
            let outer = self.enter(|| index.to_string());
            let written = self.out.len();
            self.write_comma(some);
            let kept = self.value(slot, under, depth)?;
            if !kept {
                self.out.truncate(written);
            }
            some |= kept;
            self.leave(outer);
            index = index.saturating_add(1);
            self.reader.whitespace();
            if self.reader.peek() != b',' {
                return Ok(some);
            }
            self.reader.advance();
            self.reader.whitespace();
        }
    }

    fn write_comma(&mut self, some: bool) {
        if some {
            self.out.push(b',');
        }
    }

    /// G3: whoever reads the first of two members and whoever reads the last would differ.
    fn refuse_duplicates(&mut self, first: usize) -> Result<(), Fault> {
        let Some(names) = self.names.get_mut(first..) else { return Ok(()) };
        // PERF: a bit a name tells most objects without duplicates at once.
        let bits = names.iter().fold(0_u128, |bits, name| bits | 1 << (name.hash >> 57));
        if usize::try_from(bits.count_ones()).is_ok_and(|different| different == names.len()) {
            return Ok(());
        }
        names.sort_unstable_by_key(|name| name.hash);
        for same in names.chunk_by(|one, other| one.hash == other.hash).filter(|same| same.len() > 1) {
            let mut texts: Vec<_> = same
                .iter()
                .map(|name| (decode(self.reader.slice(name.span.start, name.span.end)), name.span.start))
                .collect();
            texts.sort_unstable();
            let twice = texts.windows(2).find_map(|pair| match pair {
                [(one, _), (other, at)] if one == other => Some(*at),
                _ => None,
            });
            if let Some(at) = twice {
                return Err(Fault { kind: FaultKind::DuplicateName, offset: at.saturating_sub(1) });
            }
        }
        Ok(())
    }

    /// Two forms of one number, as names of one object, would become one name. `written` is where
    /// the object begins, which is not closed yet.
    #[cold]
    fn refuse_equal_pseudonyms(&self, written: usize) -> Result<(), Fault> {
        let object = std::str::from_utf8(self.out.get(written..).unwrap_or_default()).unwrap_or_default();
        let mut reader = Reader::new(object);
        let mut names = HashSet::new();
        while matches!(reader.peek(), b'{' | b',') {
            reader.advance();
            if reader.peek() == 0 {
                break;
            }
            let name = reader.name()?;
            reader.skip_value(0)?;
            if !names.insert(decode(reader.slice(name.start, name.end))) {
                return Err(Fault { kind: FaultKind::DuplicateName, offset: self.reader.at });
            }
        }
        Ok(())
    }

    /// Runs over the JSON of a scalar as it stands.
    pub(super) fn copy(&mut self, from: usize) {
        let json = self.reader.slice(from, self.reader.at);
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Steps the pointer down, where anybody listens.
    fn enter(&mut self, step: impl FnOnce() -> String) -> usize {
        let outer = self.pointer.len();
        if W::ENABLED {
            self.pointer.push('/');
            self.pointer.push_str(&step());
        }
        outer
    }

    fn leave(&mut self, outer: usize) {
        if W::ENABLED {
            self.pointer.truncate(outer);
        }
    }

    /// Tells the watch what came of the value that began at `from`, and in the output at `written`.
    pub(super) fn tell(&mut self, rule: Option<u32>, outcome: Outcome, from: usize, written: usize) {
        if W::ENABLED {
            let rule = rule.and_then(|rule| self.plan.rule(usize::try_from(rule).ok()?));
            self.watch.decided(&Decision {
                pointer: &self.pointer,
                rule,
                outcome,
                before: self.reader.slice(from, self.reader.at).as_bytes(),
                after: self.out.get(written..).unwrap_or_default(),
            });
        }
    }
}

/// The text of a name, which has been read.
pub(super) fn decode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    crate::json::unescape_into(name, &mut text);
    text
}
