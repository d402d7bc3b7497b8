//! The paper by which a pseudonym may become the identifier again: what an officer asks for, signed by
//! them, and a second officer's signature under that (ISO 25237, clause 7: re-identification is an act
//! of its own, authorised beforehand).
//!
//! Four lines of text: the request as JSON, its signature, the approval as JSON, and a signature of all
//! lines before it. A paper holds a pseudonym and a reason, never an identifier; it is good for one
//! use, in one log, until it expires.

use std::fmt;

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::roster::{SigningOfficer, SigningRole};
use super::words;
use crate::cpr;
use crate::ledger::MAX_WHY;
use crate::pseudonym::{Input, OfficerKey, Signature, SigningContext, letters_of};

/// What a paper's first member says.
const FORMAT: &str = "tavs-reidentify-1";
/// Bytes of a paper: the longest reason and names, twice.
pub const MAX_PAPER: usize = 4096;
/// How long a request may be good for: what lasts longer is no emergency, and a record of its use is never
/// past its retention while it could be used again.
pub const MAX_HOURS: i64 = 24;
/// How far the clock of whoever asked may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Bytes of a name in a request.
const MAX_NAME: usize = 64;
/// Bytes of the reason: the record has the paper's reference beside it, and perhaps a domain.
const MAX_REASON: usize = MAX_WHY - REFERENCE_LETTERS - 3 - MAX_NAME - 10;
/// Letters of a reference: more than 64 bits.
const REFERENCE_LETTERS: usize = 14;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Which form of request it is.
    pub format: String,
    /// Who asks: an officer of `tavs.toml`.
    pub requester: String,
    /// In which log its use is to be on record: that of one deployment.
    pub log: String,
    /// What is to become the identifier again.
    pub pseudonym: String,
    /// Who has it.
    pub recipient: String,
    /// Its pseudonymisation domain, where no policy in force has the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What it stands for: `cpr`, `ecpr` or `id`.
    pub kind: String,
    /// The resource type of an id, the system of a regional e-CPR; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// Why: the case, never the person.
    pub why: String,
    /// When it was asked.
    pub asked: Timestamp,
    /// Until when it may be used.
    pub expires: Timestamp,
}

/// SECURITY: no log shows the pseudonym.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Request(…)")
    }
}

/// That a second officer agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    approver: String,
    approved: Timestamp,
}

/// A request and what is under it.
#[derive(Debug, Clone)]
pub struct Paper {
    request: Request,
    /// As signed.
    request_line: String,
    request_signature: Signature,
    approval: Option<(Approval, String, Signature)>,
}

/// A paper that may be used now, once.
#[derive(Debug, Clone)]
pub struct Approved {
    /// What was asked.
    pub request: Request,
    /// Who agreed.
    pub approver: String,
    /// What tells its record from others': the text that stands there as the reason.
    pub why: String,
}

/// Why a paper is not good. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// Not four lines of the form, or not two.
    #[error("this is no request for re-identification; `tavs reidentify request` makes one")]
    Form,
    /// What may not stand in a request.
    #[error("`{0}` of the request does not fit")]
    Value(&'static str),
    /// No second signature.
    #[error("the request is not approved: a second officer does that with `tavs reidentify approve`")]
    NotApproved,
    /// Approved already.
    #[error("the request is approved already")]
    ApprovedAlready,
    /// The first signature.
    #[error(
        "the request is not signed as it stands by an officer of tavs.toml with the role `reidentify-requester`"
    )]
    Requester,
    /// The second signature.
    #[error(
        "the approval is not signed, for the request as it stands, by an officer of tavs.toml with the role `reidentify-approver`"
    )]
    Approver,
    /// One person.
    #[error("who asks cannot be who approves")]
    OnePerson,
    /// Another deployment's.
    #[error("the request is for another log than this one; `tavs ledger verify` shows which this is")]
    Log,
    /// From the future.
    #[error("the request was made after the time that this machine's clock shows; set the clocks")]
    Ahead,
    /// Too late.
    #[error("the request has expired: ask anew")]
    Expired,
}

impl Request {
    /// A request that may be signed.
    ///
    /// # Errors
    /// [`PaperError::Value`].
    pub fn checked(self) -> Result<Self, PaperError> {
        let request = Self { format: FORMAT.to_owned(), ..self };
        request.fits()?;
        Ok(request)
    }

    /// One that says nothing yet, to be filled in.
    #[must_use]
    pub fn blank(asked: Timestamp, expires: Timestamp) -> Self {
        let none = String::new;
        Self {
            format: none(),
            requester: none(),
            log: none(),
            pseudonym: none(),
            recipient: none(),
            domain: None,
            kind: none(),
            of: none(),
            why: none(),
            asked,
            expires,
        }
    }

    fn fits(&self) -> Result<(), PaperError> {
        let name = |what: &'static str, text: &str| match words::text(what, text, MAX_NAME) {
            Ok(same) if same == text => Ok(()),
            _ => Err(PaperError::Value(what)),
        };
        if self.format != FORMAT {
            return Err(PaperError::Form);
        }
        name("requester", &self.requester)?;
        name("recipient", &self.recipient)?;
        self.domain.as_deref().map_or(Ok(()), |domain| name("domain", domain))?;
        if !matches!(self.kind.as_str(), "cpr" | "ecpr" | "id") {
            return Err(PaperError::Value("kind"));
        }
        let is_graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if self.of.len() > MAX_NAME || !is_graphic(&self.of) || (self.kind == "cpr" && !self.of.is_empty()) {
            return Err(PaperError::Value("of"));
        }
        if !is_graphic(&self.log) || !(1..=MAX_NAME).contains(&self.log.len()) {
            return Err(PaperError::Value("log"));
        }
        // SECURITY: whoever has the identifier has no need of this, and a paper must never hold one.
        let plain = self.pseudonym.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || !(1..=MAX_NAME).contains(&self.pseudonym.len()) || cpr::parse(&self.pseudonym).is_some()
        {
            return Err(PaperError::Value("pseudonym"));
        }
        if words::text("why", &self.why, MAX_REASON).as_deref() != Ok(self.why.as_str()) {
            return Err(PaperError::Value("why"));
        }
        let lasts = self.expires.duration_since(self.asked);
        if !lasts.is_positive() || lasts > SignedDuration::from_hours(MAX_HOURS) {
            return Err(PaperError::Value("expires"));
        }
        Ok(())
    }

    /// Of which kind, type and system the value is.
    #[must_use]
    pub fn sought(&self) -> Input<'_> {
        let of = self.of.as_str();
        match self.kind.as_str() {
            "id" => Input { kind: "id", resource_type: of, system: "", value: "" },
            "ecpr" => Input { kind: "ecpr", resource_type: "", system: of, value: "" },
            _ => Input { kind: "cpr", resource_type: "", system: "", value: "" },
        }
    }
}

impl Paper {
    /// Signs a request; `None` cannot happen with what [`Request::checked`] gave and a whole key.
    #[must_use]
    pub fn ask(request: Request, key: &OfficerKey) -> Option<Self> {
        let request_line = serde_json::to_string(&request).ok()?;
        let request_signature = key.sign(SigningContext::ReidentifyRequest, request_line.as_bytes())?;
        Some(Self { request, request_line, request_signature, approval: None })
    }

    /// Reads a paper.
    ///
    /// # Errors
    /// [`PaperError::Form`] or [`PaperError::Value`]; signatures are not looked at.
    pub fn read(text: &str) -> Result<Self, PaperError> {
        if text.len() > MAX_PAPER {
            return Err(PaperError::Form);
        }
        let mut lines = text.lines();
        let (Some(request), Some(signature)) = (lines.next(), lines.next()) else {
            return Err(PaperError::Form);
        };
        let approval = match (lines.next(), lines.next(), lines.next()) {
            (None, None, None) => None,
            (Some(approval), Some(signature), None) => {
                let read: Approval = serde_json::from_str(approval).map_err(|_other| PaperError::Form)?;
                if words::text("approver", &read.approver, MAX_NAME).as_deref() != Ok(read.approver.as_str())
                {
                    return Err(PaperError::Value("approver"));
                }
                Some((read, approval.to_owned(), read_signature(signature)?))
            }
            _ => return Err(PaperError::Form),
        };
        let read: Request = serde_json::from_str(request).map_err(|_other| PaperError::Form)?;
        read.fits()?;
        let request_signature = read_signature(signature)?;
        Ok(Self { request: read, request_line: request.to_owned(), request_signature, approval })
    }

    /// The paper as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.requested();
        if let Some((_, line, signature)) = &self.approval {
            text += &format!("{line}\n{}\n", BASE64.encode(signature));
        }
        text
    }

    /// What is asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Puts a second officer's signature under it.
    ///
    /// # Errors
    /// When it has one, or when they asked themselves.
    pub fn approve(self, approver: &str, key: &OfficerKey, now: Timestamp) -> Result<Self, PaperError> {
        if self.approval.is_some() {
            return Err(PaperError::ApprovedAlready);
        }
        let own = key.public().verifies(
            SigningContext::ReidentifyRequest,
            self.request_line.as_bytes(),
            &self.request_signature,
        );
        if own || approver == self.request.requester {
            return Err(PaperError::OnePerson);
        }
        if now >= self.request.expires {
            return Err(PaperError::Expired);
        }
        if words::text("approver", approver, MAX_NAME).as_deref() != Ok(approver) {
            return Err(PaperError::Value("approver"));
        }
        let approval = Approval { approver: approver.to_owned(), approved: now };
        let line = serde_json::to_string(&approval).map_err(|_unwritable| PaperError::Form)?;
        let signed = self.requested() + &line;
        let signature = key.sign(SigningContext::ReidentifyApproval, signed.as_bytes());
        let signature = signature.ok_or(PaperError::Approver)?;
        Ok(Self { approval: Some((approval, line, signature)), ..self })
    }

    /// Whether it may be used in a log now; whether it has been already, the ledger knows.
    ///
    /// # Errors
    /// Why not.
    pub fn check(
        &self,
        officers: &[SigningOfficer],
        log: &str,
        now: Timestamp,
    ) -> Result<Approved, PaperError> {
        let Some((approval, line, signature)) = &self.approval else { return Err(PaperError::NotApproved) };
        let find = |name: &str| officers.iter().find(|officer| officer.name == name);
        let signed = self.request_line.as_bytes();
        let requester = find(&self.request.requester)
            .filter(|one| one.has_signed(SigningRole::Requester, signed, &self.request_signature))
            .ok_or(PaperError::Requester)?;
        let signed = self.requested() + line;
        let approver = find(&approval.approver)
            .filter(|one| one.has_signed(SigningRole::Approver, signed.as_bytes(), signature))
            .ok_or(PaperError::Approver)?;
        if requester.name == approver.name || requester.key == approver.key {
            return Err(PaperError::OnePerson);
        }
        if self.request.log != log {
            return Err(PaperError::Log);
        }
        if self.request.asked.duration_since(now) > AHEAD {
            return Err(PaperError::Ahead);
        }
        if now >= self.request.expires {
            return Err(PaperError::Expired);
        }
        let domain = self.request.domain.as_ref();
        let domain = domain.map_or_else(String::new, |domain| format!(" (domain {domain})"));
        let why = format!("{}{domain} [{}]", self.request.why, self.reference());
        Ok(Approved { request: self.request.clone(), approver: approver.name.clone(), why })
    }

    /// Names the request in its record: letters, so that nothing in it looks like a number of a person.
    #[must_use]
    pub fn reference(&self) -> String {
        let digest = Sha256::digest(self.request_line.as_bytes());
        let mut letters = letters_of(&digest);
        letters.truncate(REFERENCE_LETTERS);
        letters
    }

    /// The first two lines.
    fn requested(&self) -> String {
        format!("{}\n{}\n", self.request_line, BASE64.encode(&self.request_signature))
    }
}

fn read_signature(text: &str) -> Result<Signature, PaperError> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_other| PaperError::Form)?;
    bytes.try_into().map_err(|_length| PaperError::Form)
}

#[cfg(test)]
pub(super) mod tests;
