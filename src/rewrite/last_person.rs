//! The person whose pseudonym was written last in a body: records of one person follow each other.
//!
//! What must never happen here: a pseudonym that no two places of a body may share written at both, or anything
//! that outlives the body.

use std::fmt;

use crate::cpr::Number;

/// A number, the number of its identifier system in the plan, and its pseudonym. `Debug` shows none of them.
#[derive(Default)]
pub(super) struct LastPerson {
    of: Option<(Number, u32)>,
    pseudonym: Vec<u8>,
}

impl LastPerson {
    /// The pseudonym, if this is whom it stands for.
    pub(super) fn pseudonym(&self, number: &Number, system: u32) -> Option<&[u8]> {
        self.of.is_some_and(|of| of == (*number, system)).then_some(self.pseudonym.as_slice())
    }

    /// Keeps a pseudonym that every place of the body has for this person.
    ///
    /// PERF: comparing costs a fiftieth of a MAC, and lists of observations are mostly about one person.
    pub(super) fn keep(&mut self, number: &Number, system: u32, pseudonym: &[u8]) {
        self.of = Some((*number, system));
        self.pseudonym.clear();
        self.pseudonym.extend_from_slice(pseudonym);
    }
}

impl fmt::Debug for LastPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastPerson(…)")
    }
}
