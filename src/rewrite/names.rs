//! Names of members: no two alike in an object of which something leaves (G3), and no CPR in one
//! that no rule spells out (G2).

use std::collections::HashSet;

use super::text::Replacement;
use super::walk::Walk;
use super::{Fault, FaultKind, Watch};
use crate::cpr::{self, Search};
use crate::json::{Reader, StringSpan};
use crate::judge::Judge;
use crate::policy::checked::CprInText;

/// A name of an object that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenName {
    pub(super) hash: u64,
    /// Its content, still escaped. PERF: not a span, whose flag makes the copy stall.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// G3: whoever reads the first of two members and whoever reads the last would differ.
    pub(super) fn refuse_duplicates(&mut self, first: usize) -> Result<(), Fault> {
        let Some(names) = self.names.get_mut(first..) else { return Ok(()) };
        // PERF: a bit a name, of 1024, tells most objects without duplicates at once.
        let mut bits = [0_u64; 16];
        let mut alike = false;
        for name in names.iter() {
            if let Some(word) = bits.get_mut((name.hash >> 60) as usize) {
                let bit = 1 << (name.hash >> 54 & 63);
                alike |= *word & bit != 0;
                *word |= bit;
            }
        }
        if !alike {
            return Ok(());
        }
        names.sort_unstable_by_key(|name| name.hash);
        for same in names.chunk_by(|one, other| one.hash == other.hash).filter(|same| same.len() > 1) {
            let mut texts: Vec<_> = same
                .iter()
                .map(|name| (decode(self.reader.slice(name.start, name.end)), name.start))
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
    pub(super) fn refuse_equal_pseudonyms(&self, written: usize) -> Result<(), Fault> {
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

    /// Writes a name that no rule spells out, quoted and with its colon. Says no if it holds a
    /// CPR and may not leave.
    pub(super) fn dynamic_name(&mut self, span: StringSpan, name: &str) -> Result<bool, Fault> {
        self.finds.clear();
        let search = cpr::search(name, &mut self.finds);
        let json = self.reader.slice(span.start.saturating_sub(1), span.end.saturating_add(1));
        match (search, self.plan.cpr_in_text) {
            (Search::Clean, _) => self.out.extend_from_slice(json.as_bytes()),
            (Search::Binary, _) => return Ok(false),
            (_, CprInText::Refuse) => {
                return Err(Fault { kind: FaultKind::CprInText, offset: span.start.saturating_sub(1) });
            }
            (_, CprInText::Mask) => {
                self.counts.cpr_in_text += 1;
                return Ok(false);
            }
            (_, CprInText::Pseudonymise) => {
                let finds = std::mem::take(&mut self.finds);
                self.out.push(b'"');
                self.write_replaced(name, finds.iter().map(Replacement::cpr).collect(), span.start)?;
                self.out.push(b'"');
                self.finds = finds;
                self.renamed = true;
            }
        }
        self.out.push(b':');
        Ok(true)
    }
}

/// The text of a name, which has been read.
pub(super) fn decode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    crate::json::unescape_into(name, &mut text);
    text
}
