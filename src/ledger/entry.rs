//! What the record of an exchange says.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};

/// The record of an exchange: who received what about whom, when, why and where (GDPR art. 5(2), 15(1)(c)).
///
/// Every text in it is from a policy's own vocabulary or from a closed set of tavs's words; nothing
/// is from a message, and a subject is a keyed id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which exchange.
    pub exchange: ExchangeId,
    /// When, in milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// Whether something left.
    pub kind: Kind,
    /// To whom, why and where: the same for all exchanges of one route, so made once.
    pub grounds: Arc<Grounds>,
    /// The status that the recipient gets.
    pub status: u16,
    /// How it went, a word of a closed set: `released`, or a refusal's problem type.
    pub outcome: Cow<'static, str>,
    /// Bytes of body that leave.
    pub bytes: u64,
    /// Whose data, without repetition.
    pub subjects: Vec<SubjectId>,
    /// How many values each rule lets out, by rule number of the policy version's plan.
    pub released_by_rule: Vec<u32>,
    /// Members and elements withheld.
    pub withheld: u64,
    /// Values that their rule's action could not take.
    pub unfit: u64,
    /// CPRs found in kept text and dealt with.
    pub cpr_in_text: u64,
    /// Records that leave.
    pub records: u64,
    /// Records withheld whole.
    pub records_withheld: u64,
}

impl Entry {
    /// A record of a refusal: nothing left.
    #[must_use]
    pub const fn refusal(
        exchange: ExchangeId,
        unix_millis: u64,
        grounds: Arc<Grounds>,
        status: u16,
        outcome: &'static str,
    ) -> Self {
        Self {
            exchange,
            unix_millis,
            kind: Kind::Refusal,
            grounds,
            status,
            outcome: Cow::Borrowed(outcome),
            bytes: 0,
            subjects: Vec::new(),
            released_by_rule: Vec::new(),
            withheld: 0,
            unfit: 0,
            cpr_in_text: 0,
            records: 0,
            records_withheld: 0,
        }
    }
}

/// What the record of an exchange is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The record of a body that may leave once it is durable.
    Disclosure,
    /// Nothing left.
    Refusal,
    /// The record of a request that discloses, re-identifies or changes something at the upstream,
    /// durable before it is forwarded. An outcome of the same exchange follows.
    Intent,
    /// What became of a request whose intent was recorded; a body that may leave with it is told of
    /// here.
    Outcome,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Disclosure, Self::Refusal, Self::Intent, Self::Outcome];

    /// The word of docs/ledger.md.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Disclosure => "disclosure",
            Self::Refusal => "refusal",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
        }
    }
}

/// To whom, under which policy, why and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// Who receives (GDPR art. 4(9)).
    pub recipient: RecipientId,
    /// The policy's text at that moment.
    pub policy: PolicyVersion,
    /// The route's name; `None` where a refusal came before a route was found.
    pub route: Option<Arc<str>>,
    /// Why (art. 5(1)(b)).
    pub purpose: Purpose,
    /// The legal bases, in the policy's words, such as `gdpr-6-1-b`.
    pub basis: Vec<Cow<'static, str>>,
    /// Where to: ISO 3166-1 alpha-2.
    pub country: Arc<str>,
}
