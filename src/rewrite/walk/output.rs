//! What the walk writes as it stands or passes over, and what it tells whoever watches.

use super::Walk;
use super::tally::Tally;
use crate::judge::Judge;
use crate::rewrite::{Decision, Disclosure, Fault, Outcome, Released, Rewritten, Watch};

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// What came of the body. It is taken out of the walk, which is over then.
    ///
    /// PERF: not moving a walk, and making nothing in it before it is needed, take 4 % from a body of 2 KB.
    pub(in crate::rewrite) fn finish(&mut self) -> Rewritten {
        let mut released_by_rule: Vec<u32> = vec![0; self.plan.rules.len()];
        for rule in self.released.drain(..) {
            if let Some(count) = usize::try_from(rule).ok().and_then(|at| released_by_rule.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
        let Tally { withheld, unfit, cpr_in_text, records, records_withheld, protected } = self.counts;
        Rewritten {
            released: Released { body: std::mem::take(&mut self.out) },
            disclosure: Disclosure {
                subjects: std::mem::take(&mut self.judged).into_disclosed(),
                released_by_rule,
                withheld,
                unfit,
                address_protected: protected,
                cpr_in_text,
                records,
                records_withheld,
            },
            document_withheld: self.document_withheld,
        }
    }

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

    /// Passes over a value that does not leave.
    pub(in crate::rewrite) fn withhold(&mut self, rule: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let from = self.reader.at;
        self.reader.skip_value(depth)?;
        self.counts.withheld += 1;
        self.tell(rule, Outcome::Withheld, from, self.out.len());
        Ok(false)
    }

    /// Passes over a value that a rule would let out, and that cannot leave.
    pub(in crate::rewrite) fn unfit(&mut self, rule: Option<u32>, depth: u32) -> Result<bool, Fault> {
        let from = self.reader.at;
        self.reader.skip_value(depth)?;
        self.counts.unfit += 1;
        self.tell(rule, Outcome::Unfit, from, self.out.len());
        Ok(false)
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
