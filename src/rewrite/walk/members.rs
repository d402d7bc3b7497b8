//! What is left of objects and arrays: the members and elements that stay, and their commas.

use super::Walk;
use crate::judge::Judge;
use crate::policy::plan::{Node, Slot, name_hash};
use crate::policy::protection::names_person;
use crate::rewrite::lookahead::slot_of;
use crate::rewrite::names::{SeenName, decode};
use crate::rewrite::order::{ReadName, Trail};
use crate::rewrite::{Fault, Watch};

impl<'p, 'b, J: Judge, W: Watch> Walk<'p, 'b, '_, J, W> {
    pub(super) fn members(
        &mut self,
        node: Option<&'p Node>,
        under: Option<u32>,
        depth: u32,
    ) -> Result<bool, Fault> {
        let first_name = self.names.len();
        let mut trail = self.order.start(node);
        self.out.push(b'{');
        let mut some = false;
        loop {
            some |= self.member(node, under, depth, (some, &mut trail))?;
            self.reader.whitespace();
            if self.reader.peek() != b',' {
                break;
            }
            self.reader.advance();
            self.reader.whitespace();
        }
        if some && !self.order.is_distinct(trail) {
            self.refuse_duplicates(first_name)?;
            self.order.note_distinct(trail);
        }
        self.names.truncate(first_name);
        Ok(some)
    }

    /// One member; says whether it was written. `some` other was, so that a comma is due.
    fn member(
        &mut self,
        node: Option<&'p Node>,
        under: Option<u32>,
        depth: u32,
        (some, trail): (bool, &mut Trail),
    ) -> Result<bool, Fault> {
        let ReadName { json, span, hash, listed } = self.name(node, trail)?;
        let mut name = json;
        let decoded;
        if span.escaped {
            decoded = decode(json);
            name = &decoded;
        }
        self.names.push(SeenName { hash, start: span.start, end: span.end, renamed: None });
        let own_name = self.names.len();
        let wanted = self.wanted();
        let outer = self.enter(|| name.replace('~', "~0").replace('/', "~1"));
        let written = self.out.len();
        let kept = match listed {
            listed if self.protected && names_person(name) => {
                let applies = self.resolve(slot_of(listed, node), under, depth)?;
                self.protect(applies, depth)?
            }
            Some(entry) if under.is_none() => {
                self.out.extend_from_slice(entry.json.get(usize::from(!some)..).unwrap_or_default());
                self.value(entry.slot, None, depth)?
            }
            listed => {
                let applies = self.resolve(slot_of(listed, node), under, depth)?;
                self.write_comma(some);
                if applies.state.is_none() && under.is_none() {
                    self.withhold(None, depth)?
                } else if self.dynamic_name(span, name)? {
                    self.resolved(applies, depth)?
                } else {
                    self.note_passed_over(applies.state, depth)?;
                    self.unfit(None, depth)?
                }
            }
        };
        if !kept {
            self.out.truncate(written);
            self.names.truncate(own_name);
            self.unwant(wanted);
        }
        if self.names.len() > own_name {
            // SECURITY: what a name became may be another's, so that this object is searched for duplicates in
            // whatever order its names came (G3).
            *trail = Trail::UNKNOWN;
        }
        self.leave(outer);
        Ok(kept)
    }

    /// Reads a member's name and its colon, and the whitespace behind each.
    #[inline]
    fn name(&mut self, node: Option<&'p Node>, trail: &mut Trail) -> Result<ReadName<'p, 'b>, Fault> {
        if let Some(read) = self.order.next(trail, &mut self.reader) {
            return Ok(read);
        }
        let span = self.reader.name()?;
        let json = self.reader.slice(span.start, span.end);
        let find = |name: &str| {
            let hash = name_hash(name.as_bytes());
            (hash, node.and_then(|node| node.names.find(hash, name)))
        };
        let (hash, listed) = if span.escaped { find(&decode(json)) } else { find(json) };
        let read = ReadName { json, span, hash, listed };
        self.order.note(trail, &read, &self.reader);
        Ok(read)
    }

    pub(super) fn elements(
        &mut self,
        node: Option<&'p Node>,
        under: Option<u32>,
        depth: u32,
    ) -> Result<bool, Fault> {
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
}
