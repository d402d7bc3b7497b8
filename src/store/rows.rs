//! What the store takes and gives: plain rows. No value from a message stands in any of them, and
//! no CPR but sealed.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ids::{ExchangeId, PolicyVersion, SubjectId};

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// Which log: the 16 random bytes of a ledger's header.
pub type Log = [u8; 16];

/// "This subject id is the same person as that one." A set of pairs: both directions and longer
/// chains are the reader's to resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The id that was met later, or is weaker: an upstream's id, an old CPR.
    pub subject: SubjectId,
    /// The id that it is the same person as.
    pub same_as: SubjectId,
    /// Where this is known from.
    pub source: AliasSource,
    /// Since when it is known.
    pub at: Millis,
}

/// Where an alias is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AliasSource {
    /// A record that carried both.
    Learnt,
    /// The upstream, asked for the id.
    LookedUp,
    /// An officer: `tavs subject alias`.
    Imported,
}

/// What kind of right a registry change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RightKind {
    /// GDPR art. 18.
    Restriction,
    /// Art. 21, by purpose.
    Objection,
    /// Art. 7, by purpose.
    Consent,
    /// Sundhedsloven § 41(3).
    Frabedt,
    /// Art. 17; for good.
    Erasure,
}

/// One change of the registry. The latest change of a subject, kind, purpose and recipient is what
/// holds: changes are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// Whose right: the person's id.
    pub subject: SubjectId,
    /// Which right.
    pub kind: RightKind,
    /// For which purpose; `None` where the kind has none.
    pub purpose: Option<String>,
    /// Against which recipient (`frabedt`); `None` is all.
    pub recipient: Option<String>,
    /// Begun (restricted, objected, consent given), or ended (lifted, consent withdrawn).
    pub begun: bool,
    /// When the change was made.
    pub at: Millis,
    /// When it ends by itself.
    pub until: Option<Millis>,
    /// Why, in the officer's words; holds no CPR (the caller sees to it).
    pub reason: String,
    /// Who made it.
    pub who: String,
    /// The CPR, sealed under a key of the ring: reports can name the person, nothing else can.
    pub sealed_cpr: Option<Vec<u8>>,
}

/// A change as it stands in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number, from 1 without gap: the order in which changes hold, whatever the clock says,
    /// and the generation of a view that has read so far.
    pub number: u64,
    /// What was changed.
    pub change: NewChange,
    /// The ledger record about it; `None` until that record is durable.
    pub recorded: Option<u64>,
}

/// A person who was erased: withheld for good, whatever becomes of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The person's id.
    pub subject: SubjectId,
    /// Since when.
    pub at: Millis,
    /// Who erased.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// A pseudonym of the scheme `table`, sealed, as it is found by its value. Key version and indexes are
/// the caller's: the store only finds them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PseudonymRow {
    /// The pseudonymisation domain.
    pub domain: String,
    /// The key version.
    pub version: u32,
    /// Finds it.
    pub by_value: [u8; 16],
    /// Finds its value.
    pub by_pseudonym: [u8; 16],
    /// What kind of value it stands for.
    pub kind: String,
    /// The pseudonym.
    pub sealed_pseudonym: Vec<u8>,
}

impl PseudonymRow {
    /// What finds it.
    #[must_use]
    pub fn by_value(&self) -> PseudonymKey<'_> {
        PseudonymKey { domain: &self.domain, version: self.version, index: self.by_value }
    }
}

/// Rows that stood when they were read, all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The rows.
    pub rows: Vec<PseudonymRow>,
    /// How often rows had been destroyed until then: these stand for as long as the store says the same.
    pub destroyed: u64,
}

/// A value, sealed, as it is found by its pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRow {
    /// Finds its pseudonym.
    pub by_value: [u8; 16],
    /// Finds it.
    pub by_pseudonym: [u8; 16],
    /// The value.
    pub sealed_value: Vec<u8>,
}

/// What is kept when a value is met for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPseudonym {
    /// The pseudonym.
    pub row: PseudonymRow,
    /// What it stands for, sealed.
    pub sealed_value: Vec<u8>,
    /// The subject ids with which both go.
    pub subjects: Vec<SubjectId>,
}

/// What one of those is looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PseudonymKey<'a> {
    /// The pseudonymisation domain.
    pub domain: &'a str,
    /// The key version.
    pub version: u32,
    /// The keyed index, of a value or of a pseudonym.
    pub index: [u8; 16],
}

/// Under which pseudonyms, which are gone, a recipient knows a person who was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedPseudonym {
    /// Whom.
    pub subject: SubjectId,
    /// Which recipient.
    pub recipient: String,
    /// The pseudonyms, sealed.
    pub sealed: Vec<u8>,
}

/// That a recipient must be told about a subject's right (GDPR art. 19), and whether it has
/// acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which notice: one for each change or rectification, chosen by the caller.
    pub notice: [u8; 16],
    /// Who must be told.
    pub recipient: String,
    /// About whom.
    pub subject: SubjectId,
    /// What about, a word of the caller's: `rectification`, `erasure`, `restriction`.
    pub about: String,
    /// When it was found that they must be told.
    pub at: Millis,
    /// When and by whom the acknowledgement was noted.
    pub acknowledged: Option<(Millis, String)>,
}

/// One row of the index: what one ledger record says, as far as reports ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexRow {
    /// An exchange: a disclosure, a refusal, an intent, an outcome.
    Exchange(Exchange),
    /// A policy version took effect.
    Policy(Policy),
    /// An officer or operator did something.
    Act(Act),
    /// The registry was changed: put back where the store lacks it, and noted as recorded where not.
    Change {
        /// The record's number in its ledger.
        sequence: u64,
        /// The change's number in the registry.
        number: u64,
        /// The change, without the sealed CPR: no record has it.
        change: Box<NewChange>,
        /// Every id of the person that the record names: of an erasure, those that were known then.
        ids: Vec<SubjectId>,
    },
}

/// What one exchange disclosed, or that it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The record's number in its ledger.
    pub sequence: u64,
    /// When.
    pub at: Millis,
    /// The record's kind, as the ledger words it: `disclosure`, `refusal`, `intent`, `outcome`.
    pub kind: Cow<'static, str>,
    /// Which exchange.
    pub exchange: ExchangeId,
    /// To whom.
    pub recipient: Arc<str>,
    /// Under which policy version.
    pub policy: PolicyVersion,
    /// By which route.
    pub route: Option<Arc<str>>,
    /// Why.
    pub purpose: Arc<str>,
    /// Legal bases, such as `gdpr-6-1-b`.
    pub basis: Vec<Cow<'static, str>>,
    /// Where to: ISO 3166-1 alpha-2.
    pub country: Arc<str>,
    /// The status that the recipient got.
    pub status: u16,
    /// How it went, as the ledger words it.
    pub outcome: Cow<'static, str>,
    /// Bytes of body.
    pub bytes: u64,
    /// Whose data, without repetition. Empty in what queries by subject give.
    pub subjects: Vec<SubjectId>,
    /// Rule number and how many values it let out, ascending, without zeros.
    pub released: Vec<(u32, u64)>,
    /// Members and elements withheld.
    pub withheld: u64,
    /// Values that their rule's action could not take.
    pub unfit: u64,
    /// CPRs found in kept text and dealt with.
    pub cpr_in_text: u64,
    /// Records that left.
    pub records: u64,
    /// Records withheld whole.
    pub records_withheld: u64,
}

/// A disclosure that a query by subject found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// What was disclosed; its `subjects` are empty.
    pub exchange: Exchange,
    /// How many persons it is about. What was released and withheld is about all of them.
    pub persons: u64,
}

/// A policy version in words, so that a report can say what a rule number meant then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The number of the record that first said so.
    pub sequence: u64,
    /// When it took effect first.
    pub at: Millis,
    /// SHA-256 of its text.
    pub policy: PolicyVersion,
    /// The recipient's id.
    pub recipient: String,
    /// The recipient's name.
    pub name: String,
    /// What it is in law: `processor`, `controller`, `research`.
    pub relation: String,
    /// Why it receives.
    pub purpose: String,
    /// Which category of purpose.
    pub category: String,
    /// Legal bases.
    pub basis: Vec<String>,
    /// Where it is.
    pub country: String,
    /// On which ground data may go there, outside the EU/EEA.
    pub ground: Option<String>,
    /// How long the recipient may keep the data, in the policy's words.
    pub retention: Option<String>,
    /// The agreement's reference.
    pub agreement: String,
    /// Who approved it, where known.
    pub who: Option<String>,
    /// Its rules, by route and number.
    pub rules: Vec<PolicyRule>,
}

/// One rule of a policy version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// The route whose plan numbers it.
    pub route: String,
    /// Its number in that plan, as in [`Exchange::released`].
    pub rule: u32,
    /// Where: the location as written.
    pub location: String,
    /// In what form: the action as written.
    pub form: String,
}

/// What an officer or operator did: a look-up, a registry change, a key change, an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The record's number in its ledger.
    pub sequence: u64,
    /// When.
    pub at: Millis,
    /// The record's kind, as the ledger words it: `registry`, `lookup`, `key`, `operation`.
    pub kind: String,
    /// What was done, a word: `restriction`, `report`, `rotate`.
    pub what: String,
    /// Whether it was begun or ended, where that is said: consent given or withdrawn.
    pub begun: Option<bool>,
    /// Who did it.
    pub who: String,
    /// Why.
    pub why: String,
    /// About whom; empty if about nobody.
    pub subjects: Vec<SubjectId>,
    /// For which purpose, where it has one.
    pub purpose: Option<String>,
    /// About which recipient, where it has one.
    pub recipient: Option<String>,
    /// Under which policy version, where it has one.
    pub policy: Option<PolicyVersion>,
}

/// How far the index has come in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which log.
    pub log: Log,
    /// The last record that is in the index, 0 if none is.
    pub sequence: u64,
    /// The hash of that record's line: tells a ledger that was put back or written anew.
    pub hash: [u8; 32],
}

/// A stretch of time: from its beginning, up to but not with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first millisecond.
    pub from: Millis,
    /// The first millisecond after.
    pub to: Millis,
}

/// One person in a recipient's disclosures of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affected {
    /// Who.
    pub subject: SubjectId,
    /// In how many disclosures.
    pub disclosures: u64,
    /// The first of them.
    pub first: Millis,
    /// The last of them.
    pub last: Millis,
}

/// What a recipient was given under one route of one policy version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// To whom.
    pub recipient: String,
    /// Under which policy version.
    pub policy: PolicyVersion,
    /// By which route.
    pub route: Option<String>,
    /// In how many disclosures.
    pub disclosures: u64,
    /// The first of them.
    pub first: Millis,
    /// The last of them.
    pub last: Millis,
    /// Rule number and how many values it let out in all, ascending. Where several subjects share
    /// a disclosure, of all of them.
    pub released: Vec<(u32, u64)>,
}

/// Volumes of one recipient, kind and outcome in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// To whom.
    pub recipient: String,
    /// `disclosure`, `refusal`, …
    pub kind: String,
    /// `released`, or why not.
    pub outcome: String,
    /// How many exchanges.
    pub exchanges: u64,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Subjects, counted once for each exchange.
    pub subjects: u64,
    /// Records that left.
    pub records: u64,
    /// Records withheld whole.
    pub records_withheld: u64,
    /// Members and elements withheld.
    pub withheld: u64,
    /// Values that did not fit their rule.
    pub unfit: u64,
    /// CPRs found in kept text.
    pub cpr_in_text: u64,
}

/// What became of a reservation of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// All of them count for this recipient now.
    Granted {
        /// How many different subjects count.
        used: u64,
    },
    /// They would be too many; none was reserved.
    Full {
        /// How many different subjects count.
        used: u64,
        /// When enough of them will have lapsed; `None` if that cannot be within the window.
        room_at: Option<Millis>,
    },
}
