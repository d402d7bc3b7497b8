//! Names of members: no two alike in an object of which something leaves (G3), and no CPR in one
//! that no rule spells out (G2).

use std::borrow::Cow;

use super::text::Replacement;
use super::walk::Walk;
use super::{Fault, FaultKind, Watch};
use crate::cpr::{self, Search};
use crate::json::StringSpan;
use crate::judge::Judge;
use crate::policy::checked::CprInText;
use crate::policy::plan::name_hash;

/// A name of an object that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenName {
    pub(super) hash: u64,
    /// Its content, still escaped. PERF: not a span, whose flag makes the copy stall.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Not the name that came but the one that it became, by its place in `renames`: two forms of
    /// one number would become one name.
    pub(super) renamed: Option<usize>,
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// G3: whoever reads the first of two members and whoever reads the last would differ.
    pub(super) fn refuse_duplicates(&self, first: usize) -> Result<(), Fault> {
        let names = self.names.get(first..).unwrap_or_default();
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
        let mut names = names.to_vec();
        names.sort_unstable_by_key(|name| name.hash);
        for same in names.chunk_by(|one, other| one.hash == other.hash).filter(|same| same.len() > 1) {
            let mut texts: Vec<_> = same.iter().map(|name| (self.written_name(name), name.start)).collect();
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

    /// The name as it leaves, or would.
    fn written_name(&self, name: &SeenName) -> String {
        let renamed = name.renamed.and_then(|at| self.renames.get(at)).cloned();
        renamed.unwrap_or_else(|| decode(self.reader.slice(name.start, name.end)).into_owned())
    }

    /// Writes a name that no rule spells out, quoted and with its colon. Says no if it holds a
    /// CPR and may not leave.
    pub(super) fn dynamic_name(&mut self, span: StringSpan, name: &str) -> Result<bool, Fault> {
        self.finds.clear();
        let search = cpr::search(name, &mut self.finds);
        let json = self.reader.slice(span.start.saturating_sub(1), span.end.saturating_add(1));
        if self.echoes.has_id(name) {
            return Ok(false);
        }
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
                let from = self.out.len();
                self.write_replaced(name, finds.iter().map(Replacement::cpr).collect(), span.start)?;
                let written = self.out.get(from..).and_then(|name| std::str::from_utf8(name).ok());
                let written = decode(written.unwrap_or_default()).into_owned();
                self.out.push(b'"');
                self.finds = finds;
                let (hash, renamed) = (name_hash(written.as_bytes()), Some(self.renames.len()));
                self.names.push(SeenName { hash, start: span.start, end: span.end, renamed });
                self.renames.push(written);
            }
        }
        self.out.push(b':');
        Ok(true)
    }
}

/// The text of a name or a string, which has been read; nearly none has escapes.
pub(super) fn decode(json: &str) -> Cow<'_, str> {
    if !json.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    crate::json::unescape_into(json, &mut text);
    Cow::Owned(text)
}
