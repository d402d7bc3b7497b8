//! Who receives, on which ground and where: what a lawyer reads first.

use jiff::civil::Date;

use crate::identity::Presented;
use crate::ids::{Purpose, RecipientId};

/// `[recipient]`.
#[derive(Debug, Clone)]
pub struct RecipientInfo {
    /// Names the recipient in logs, metrics and the ledger.
    pub id: RecipientId,
    /// Its legal name (GDPR art. 15(1)(c): subjects are told the actual recipient).
    pub name: String,
    /// What it is in law.
    pub relation: Relation,
    /// Where to write to.
    pub contact: String,
}

/// What a recipient is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Acts on the clinic's instruction (art. 28).
    Processor,
    /// Decides its own purposes (art. 4(7)).
    Controller,
    /// Research under Databeskyttelsesloven § 10.
    Research,
}

/// `[identity]`: one presented identifier, under one trust anchor of `tavs.toml`.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The anchor's name in `tavs.toml`.
    pub anchor: String,
    /// What the certificate must present, whole.
    pub presented: Presented,
    /// SHA-256 of a bearer token wanted beside the certificate.
    pub token_sha256: Option<[u8; 32]>,
}

/// `[agreement]`.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// The clinic's own reference to the document.
    pub reference: String,
    /// When it was signed.
    pub signed: Date,
    /// When it is due for review.
    pub review: Date,
    /// Its last day, Europe/Copenhagen; afterwards every request is refused (G9).
    pub expires: Date,
}

/// `[purpose]`.
#[derive(Debug, Clone)]
pub struct PurposeInfo {
    /// Names the purpose in records and reports.
    pub id: Purpose,
    /// Which of the clinics' three categories.
    pub category: Category,
    /// The legal bases, of a closed list.
    pub basis: Vec<Basis>,
    /// Whether each subject must have consented.
    pub consent: Consent,
    /// How long the agreement lets the recipient keep the data, in the policy's own words.
    pub retention: String,
}

/// The three categories of the clinics' privacy policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Needed for the treatment or its administration.
    Service,
    /// Improving products; only with consent.
    Improvement,
    /// Legitimate interests.
    LegitimateInterest,
}

/// A legal basis, GDPR art. 6(1) or 9(2), or Danish law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// The word in the policy, such as `gdpr-9-2-h`.
    pub id: &'static str,
    /// Whether it is a basis for health data (art. 9(2), or Danish law made under it).
    pub health: bool,
}

/// Whether a subject's consent is needed (art. 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Without an entry the subject's records are withheld.
    Required,
    /// Another basis carries the disclosure.
    NotRequired,
}

/// `[transfer]`.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Outside the EU/EEA: the ground, its evidence, and when that was last verified.
    pub ground: Option<TransferGround>,
    /// The last day, Europe/Copenhagen, on which data may go there; afterwards every request is refused (G9).
    pub expires: Option<Date>,
}

/// A ground for transfer to a third country (GDPR art. 45, 46, 47, 49).
#[derive(Debug, Clone)]
pub struct TransferGround {
    /// Which.
    pub kind: TransferKind,
    /// Where the evidence is filed.
    pub evidence: String,
    /// When it was last verified.
    pub verified: Date,
}

/// Kinds of transfer ground. "Privacy Shield" is none (C-311/18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// Adequacy decision, art. 45.
    Adequacy,
    /// EU-US Data Privacy Framework, (EU) 2023/1795.
    Dpf,
    /// Standard contractual clauses, art. 46(2)(c).
    Scc,
    /// Binding corporate rules, art. 47.
    Bcr,
    /// A derogation, art. 49.
    Art49,
}

/// Why nothing may leave under a policy on a day (G9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// The agreement has lapsed, or is not signed yet (GDPR art. 28(3)).
    Agreement,
    /// The ground of transfer no longer holds (chapter V).
    Transfer,
}

impl Lapse {
    /// What has lapsed on that day, if anything: of responses, and of extracts.
    #[must_use]
    pub fn of(agreement: &Agreement, transfer: &Transfer, today: Date) -> Option<Self> {
        if today < agreement.signed || today > agreement.expires {
            return Some(Self::Agreement);
        }
        transfer.expires.is_some_and(|expires| today > expires).then_some(Self::Transfer)
    }
}
