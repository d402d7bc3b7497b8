//! What the demo has seen, before anything is printed: calls, members, refusals, promises.

use serde::Serialize;

use crate::rewrite::Outcome;

/// Everything that the demo has to say.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Story {
    pub(crate) calls: Vec<Call>,
    pub(crate) broken_on_purpose: Vec<Broken>,
    pub(crate) refusals: Vec<Refusal>,
    /// Name and value of each part of one ledger record.
    pub(crate) ledger_record: Vec<(&'static str, String)>,
    #[serde(skip)]
    pub(crate) promises: Vec<Promise>,
}

impl Story {
    /// Records whether something held, and, if it did not, what was seen.
    pub(crate) fn promise(&mut self, name: impl Into<String>, held: bool, seen: impl Into<String>) {
        let seen = (!held).then(|| seen.into());
        self.promises.push(Promise { name: name.into(), held, seen });
    }
}

/// One call that was answered.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) recipient: &'static str,
    pub(crate) target: &'static str,
    pub(crate) status: u16,
    pub(crate) sums: Sums,
    /// The first record, member by member.
    pub(crate) first_record: Vec<Row>,
}

/// What one answer amounts to.
#[derive(Debug, Serialize)]
pub(crate) struct Sums {
    pub(crate) members_in: usize,
    pub(crate) members_out: usize,
    /// Different pseudonyms in the answer.
    pub(crate) pseudonyms: usize,
    pub(crate) known_identifiers: usize,
    /// Of these, how many the finder sees in the answer.
    pub(crate) left: usize,
}

/// A policy line broken on purpose, and what the finder says then.
#[derive(Debug, Serialize)]
pub(crate) struct Broken {
    pub(crate) recipient: &'static str,
    pub(crate) line: &'static str,
    pub(crate) instead: &'static str,
    pub(crate) known_identifiers: usize,
    pub(crate) left: usize,
}

/// A call that was refused.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    pub(crate) what: &'static str,
    pub(crate) target: &'static str,
    /// `TLS`, or the status.
    pub(crate) answer: String,
    /// The problem's title, or the alert.
    pub(crate) words: String,
}

/// One member of a record.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// `patient.cpr`, `identifier[0].value`.
    pub(crate) member: String,
    /// As it came, in JSON.
    pub(crate) before: String,
    /// As it left, in JSON; `None` if it did not.
    pub(crate) after: Option<String>,
    /// `keep`, `mask first-word`, `no rule`, …
    pub(crate) action: String,
    /// How it ended.
    #[serde(skip)]
    pub(crate) outcome: Outcome,
    /// The file of the profile that the line stands in; `None` in the policy itself.
    pub(crate) profile: Option<String>,
    /// The line of the policy file, or the profile, that decided.
    pub(crate) line: Option<u32>,
}

/// Something that must hold, and whether it did.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Promise {
    pub(crate) name: String,
    pub(crate) held: bool,
    /// What was seen, if it did not hold.
    pub(crate) seen: Option<String>,
}
