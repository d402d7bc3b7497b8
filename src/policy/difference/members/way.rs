//! A place in both plans, in words.

use crate::policy::location::Step;
use crate::policy::words;

/// A place: the steps from the root, and what filters and shapes ask on the way.
#[derive(Clone, Default)]
pub(super) struct Way {
    pub(super) steps: Vec<Step>,
    pub(super) given: Vec<String>,
    /// The place of the code, where it is a place in what that is decoded to.
    pub(super) code: Option<String>,
    /// One side decodes it, and the other does not: what says whose the document is comes or goes with it.
    pub(super) is_one_sided: bool,
}

impl Way {
    pub(super) fn said(&self) -> String {
        let steps: String = self.steps.iter().map(ToString::to_string).collect();
        let place = self.of_code(&format!("${steps}"));
        if self.given.is_empty() { place } else { format!("{place} where {}", self.given.join(" and ")) }
    }

    /// A place, behind that of the code that it is in.
    pub(super) fn of_code(&self, place: &str) -> String {
        match &self.code {
            Some(code) => format!("`{code}{}{place}`", words::DECODED),
            None => format!("`{place}`"),
        }
    }
}
