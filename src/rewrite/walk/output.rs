//! What the walk writes as it stands, and what it tells whoever watches.

use super::Walk;
use crate::judge::Judge;
use crate::rewrite::{Decision, Outcome, Watch};

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    pub(super) fn write_comma(&mut self, some: bool) {
        if some {
            self.out.push(b',');
        }
    }

    /// Runs over the JSON of a scalar as it stands.
    pub(in crate::rewrite) fn copy(&mut self, from: usize) {
        let json = self.reader.slice(from, self.reader.at);
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Steps the pointer down, where anybody listens.
    pub(super) fn enter(&mut self, step: impl FnOnce() -> String) -> usize {
        let outer = self.pointer.len();
        if W::ENABLED {
            self.pointer.push('/');
            self.pointer.push_str(&step());
        }
        outer
    }

    pub(super) fn leave(&mut self, outer: usize) {
        if W::ENABLED {
            self.pointer.truncate(outer);
        }
    }

    /// Tells the watch what came of the value that began at `from`, and in the output at `written`.
    pub(in crate::rewrite) fn tell(
        &mut self,
        rule: Option<u32>,
        outcome: Outcome,
        from: usize,
        written: usize,
    ) {
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
