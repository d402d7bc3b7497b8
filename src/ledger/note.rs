//! What a ledger holds beside exchanges: acts of officers and operators, and policy versions in words.
//!
//! Whoever takes `who` and `why` from a human sees to it that they hold no CPR: nothing here looks.

use std::borrow::Cow;

use super::entry::Entry;
use crate::ids::{PolicyVersion, SubjectId};
pub use crate::store::PolicyRule;

/// Bytes of [`Act::who`]: a name with its office, or a user's id with a name.
pub const MAX_WHO: usize = 200;
/// Bytes of [`Act::why`]: a reference to the letter or case and a sentence.
pub const MAX_WHY: usize = 500;

/// What one ledger record is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something left, was refused, is about to be sent, or has been.
    Exchange(Entry),
    /// An officer or operator did something.
    Act(Act),
    /// A policy version takes effect for the first time in this log.
    Policy(PolicyRecord),
}

impl Event {
    /// When, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_millis(&self) -> u64 {
        match self {
            Self::Exchange(entry) => entry.unix_millis,
            Self::Act(act) => act.unix_millis,
            Self::Policy(policy) => policy.unix_millis,
        }
    }
}

/// What is recorded beside exchanges; gives no [`Receipt`](super::Receipt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// An officer or operator did something.
    Act(Act),
    /// A policy version takes effect for the first time in this log.
    Policy(PolicyRecord),
}

impl From<Note> for Event {
    fn from(note: Note) -> Self {
        match note {
            Note::Act(act) => Self::Act(act),
            Note::Policy(policy) => Self::Policy(policy),
        }
    }
}

/// What an officer or operator did: who, why, about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When, in milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// Which sort.
    pub kind: ActKind,
    /// What was done, a word of a closed set: `restriction`, `report`, `rotate`.
    pub what: Cow<'static, str>,
    /// Whether it was begun or ended, where that is said: consent given or withdrawn.
    pub begun: Option<bool>,
    /// Who did it; at most [`MAX_WHO`] bytes.
    pub who: String,
    /// Why; at most [`MAX_WHY`] bytes.
    pub why: String,
    /// About whom; empty if about nobody, and one person where the registry was changed.
    pub subjects: Vec<SubjectId>,
    /// For which purpose, where it has one.
    pub purpose: Option<String>,
    /// About which recipient, where it has one.
    pub recipient: Option<String>,
    /// Under which policy version, where it has one.
    pub policy: Option<PolicyVersion>,
    /// Which change of the registry it was. Then `kind` is [`Registry`](ActKind::Registry), `what` the
    /// word of a right, and `begun` is said.
    pub change: Option<Changed>,
}

/// Sorts of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActKind {
    /// A right or an alias of a subject was changed.
    Registry,
    /// Something about a subject or recipient was looked up; recorded before it is shown.
    Lookup,
    /// A key was made, rotated or retired.
    Key,
    /// The proxy or its ledger was operated on: segments retired, an index made anew.
    Operation,
}

impl ActKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Registry, Self::Lookup, Self::Key, Self::Operation];

    /// The word of docs/ledger.md.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Lookup => "lookup",
            Self::Key => "key",
            Self::Operation => "operation",
        }
    }
}

/// What a registry change has beside its act, so that the ledger alone can put it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Its number in the registry.
    pub number: u64,
    /// When it ends by itself, in milliseconds since the Unix epoch.
    pub until: Option<u64>,
}

/// A policy version in words, so that a report can say years later what a rule number meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRecord {
    /// When it took effect, in milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// SHA-256 of its text.
    pub policy: PolicyVersion,
    /// The recipient's id.
    pub recipient: String,
    /// The recipient's legal name.
    pub name: String,
    /// What it is in law: `processor`, `controller`, `research`.
    pub relation: String,
    /// Why it receives.
    pub purpose: String,
    /// Which category of purpose.
    pub category: String,
    /// Legal bases, as the policy words them.
    pub basis: Vec<String>,
    /// Where it is: ISO 3166-1 alpha-2.
    pub country: String,
    /// On which ground data may go there, outside the EU/EEA.
    pub ground: Option<String>,
    /// How long the recipient may keep the data, in the policy's words.
    pub retention: Option<String>,
    /// The agreement's reference.
    pub agreement: String,
    /// Who approved it, where known; at most [`MAX_WHO`] bytes.
    pub who: Option<String>,
    /// Its rules, by route and number.
    pub rules: Vec<PolicyRule>,
}
