//! The approval of policies: a file that says which set may take the place of which, where, until when,
//! and who agrees.
//!
//! Officers make and sign it away from the machine that serves (`tavs approve`); `serve` holds it
//! against what it has on record. What must never happen here: a signature that is good for another
//! deployment, another set or a second time; two signatures of one person taken for two.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{SigningOfficer, SigningRole};
use crate::ids::PolicySetVersion;
use crate::pseudonym::{OfficerKey, Signature, SigningContext};
use crate::visible::Visible;

/// Officers who must agree before more may leave.
pub const FOR_MORE: usize = 2;
/// Officers who must agree that a set that lets out less is the approved one from now on.
pub(super) const FOR_LESS: usize = 1;
/// The most signatures: so many names fit the ledger's record of who approved.
const MOST_SIGNATURES: usize = 3;
/// The longest file that is read, in bytes.
pub const LARGEST: u64 = 64 << 10;
/// The longest time for which an approval may hold: what was agreed to long ago is looked at again.
pub const LONGEST_DAYS: i32 = 31;

/// What was agreed to, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The terms, which everybody signs.
    pub terms: Terms,
    signatures: Vec<(String, Signature)>,
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Where it is good: the id that the deployment's store has.
    pub deployment: String,
    /// Higher than that of the approval before it: none is good twice.
    pub serial: u64,
    /// The set that was approved until now; `None` if there is none.
    pub old: Option<PolicySetVersion>,
    /// The set that is approved.
    pub new: PolicySetVersion,
    /// From then on it cannot take effect any more.
    pub expires: Timestamp,
}

/// The file, in its order.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    approval: u32,
    deployment: String,
    serial: u64,
    old: Option<String>,
    new: String,
    expires: Timestamp,
    signatures: Vec<WrittenSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenSignature {
    officer: String,
    signature: String,
}

/// The format of the file.
const FORMAT: u32 = 1;

/// What stands against an approval. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unapproved {
    /// Not a file of this kind.
    #[error("it is no approval; `tavs approve prepare` makes one")]
    NotOne,
    /// Of another deployment.
    #[error("it is for another deployment; prepare one here with `tavs approve prepare`")]
    Deployment,
    /// Used, or overtaken by another.
    #[error("it has the serial number {serial}, and one of {last} has taken effect; prepare a new one")]
    Serial {
        /// Its own.
        serial: u64,
        /// The last that took effect.
        last: u64,
    },
    /// Past its end.
    #[error("it ended at {at}; prepare a new one")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Longer than anything may hold.
    #[error("it would hold until {at}, longer than {LONGEST_DAYS} days; prepare a new one")]
    TooLong {
        /// Until when.
        at: Timestamp,
    },
    /// Made against another set.
    #[error("it was made against another set than the one that is approved; prepare a new one")]
    Old,
    /// The policies have been changed since.
    #[error("the policies are not those that were approved; put those back, or prepare a new one")]
    New,
    /// Too few sign.
    #[error(
        "{wanted} officers of tavs.toml with the role `policy-approver` must have signed it, and {signed} did; each signs with `tavs approve sign`"
    )]
    TooFew {
        /// How many must.
        wanted: usize,
        /// How many did.
        signed: usize,
    },
    /// Somebody whom the configuration does not have.
    #[error("`{name}` has signed it and is no officer of tavs.toml with the role `policy-approver`")]
    Unknown {
        /// As the file has it.
        name: String,
    },
    /// A signature that is not theirs, or of other terms.
    #[error(
        "the signature of `{name}` is not good: another key, or the file was changed after it; sign again"
    )]
    BadSignature {
        /// Whose it is said to be.
        name: String,
    },
    /// One person twice.
    #[error("`{name}` has signed it twice: two people must agree, not one two times")]
    Twice {
        /// Who.
        name: String,
    },
}

/// What an approval is held against.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// This deployment's id.
    pub deployment: &'a str,
    /// The serial number of the approval that took effect last; 0 before the first.
    pub last: u64,
    /// The set that is approved.
    pub old: Option<PolicySetVersion>,
    /// The set that is to serve.
    pub new: PolicySetVersion,
    /// Whether that lets out more.
    pub wider: bool,
    /// What time it is.
    pub now: Timestamp,
}

impl Approval {
    /// Terms that nobody has signed yet.
    #[must_use]
    pub const fn unsigned(terms: Terms) -> Self {
        Self { terms, signatures: Vec::new() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Unapproved::NotOne`].
    pub fn parse(text: &str) -> Result<Self, Unapproved> {
        let written: Written = serde_json::from_str(text).map_err(|_not_one| Unapproved::NotOne)?;
        Self::of(written).ok_or(Unapproved::NotOne)
    }

    fn of(written: Written) -> Option<Self> {
        let Written { approval, deployment, serial, old, new, expires, signatures } = written;
        let old = match old {
            Some(digits) => Some(PolicySetVersion::parse(&digits)?),
            None => None,
        };
        let new = PolicySetVersion::parse(&new)?;
        let signatures = signatures.into_iter().map(|WrittenSignature { officer, signature }| {
            let bytes = data_encoding::BASE64.decode(signature.as_bytes()).ok()?;
            Some((officer, bytes.try_into().ok()?))
        });
        let signatures: Vec<_> = signatures.collect::<Option<_>>()?;
        let good = approval == FORMAT && signatures.len() <= MOST_SIGNATURES;
        good.then_some(Self { terms: Terms { deployment, serial, old, new, expires }, signatures })
    }

    /// Writes the file.
    #[must_use]
    pub fn text(&self) -> String {
        let Terms { deployment, serial, old, new, expires } = &self.terms;
        let signatures = self.signatures.iter().map(|(officer, signature)| WrittenSignature {
            officer: officer.clone(),
            signature: data_encoding::BASE64.encode(signature),
        });
        let written = Written {
            approval: FORMAT,
            deployment: deployment.clone(),
            serial: *serial,
            old: old.map(|old| old.to_string()),
            new: new.to_string(),
            expires: *expires,
            signatures: signatures.collect(),
        };
        serde_json::to_string_pretty(&written).unwrap_or_default() + "\n"
    }

    /// Adds an officer's signature, in the place of an earlier one of theirs. `false` if there are too
    /// many already.
    pub fn sign(&mut self, officer: &str, key: &OfficerKey) -> bool {
        self.signatures.retain(|(name, _)| name != officer);
        let signature = key.sign(SigningContext::PolicyApproval, self.terms.document().as_bytes());
        match signature.filter(|_| self.signatures.len() < MOST_SIGNATURES) {
            Some(signature) => {
                self.signatures.push((officer.to_owned(), signature));
                true
            }
            None => false,
        }
    }

    /// Who signed it, by the file's own word.
    pub fn signed_by(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|(name, _)| name.as_str())
    }

    /// The officers who agree, if enough do, to these terms, here and now.
    ///
    /// # Errors
    /// [`Unapproved`], the first that applies.
    pub fn approves(
        &self,
        asked: &Asked<'_>,
        officers: &[SigningOfficer],
    ) -> Result<Vec<String>, Unapproved> {
        let Terms { deployment, serial, old, new, expires } = &self.terms;
        if deployment != asked.deployment {
            return Err(Unapproved::Deployment);
        }
        if *new != asked.new {
            return Err(Unapproved::New);
        }
        if *serial <= asked.last {
            return Err(Unapproved::Serial { serial: *serial, last: asked.last });
        }
        if *old != asked.old {
            return Err(Unapproved::Old);
        }
        if *expires <= asked.now {
            return Err(Unapproved::Expired { at: *expires });
        }
        let longest = jiff::SignedDuration::from_hours(i64::from(LONGEST_DAYS).saturating_mul(24));
        if asked.now.checked_add(longest).is_ok_and(|end| *expires > end) {
            return Err(Unapproved::TooLong { at: *expires });
        }
        let names = self.signers(officers)?;
        let wanted = if asked.wider { FOR_MORE } else { FOR_LESS };
        if names.len() < wanted {
            return Err(Unapproved::TooFew { wanted, signed: names.len() });
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// Every officer whose signature is good; one that is not refuses all.
    fn signers<'o>(&self, officers: &'o [SigningOfficer]) -> Result<BTreeSet<&'o str>, Unapproved> {
        let document = self.terms.document();
        let mut names = BTreeSet::new();
        // SECURITY: no two officers of the configuration have one key, so that names are persons.
        for (name, signature) in &self.signatures {
            let role = SigningRole::PolicyApprover;
            let known =
                officers.iter().find(|officer| officer.name == *name && officer.roles.contains(&role));
            let officer = known.ok_or_else(|| Unapproved::Unknown { name: shown(name) })?;
            if !officer.has_signed(role, document.as_bytes(), signature) {
                return Err(Unapproved::BadSignature { name: shown(name) });
            }
            if !names.insert(officer.name.as_str()) {
                return Err(Unapproved::Twice { name: shown(name) });
            }
        }
        Ok(names)
    }
}

/// A name out of a file: nothing that a terminal would obey.
fn shown(name: &str) -> String {
    Visible(&name.chars().take(64).collect::<String>()).to_string()
}

impl Terms {
    /// The text that is signed: a line each, of digits and letters, so that no two terms read the same.
    #[must_use]
    pub fn document(&self) -> String {
        let Self { deployment, serial, old, new, expires } = self;
        let mut text = String::new();
        let old = old.map_or_else(|| "none".to_owned(), |old| old.to_string());
        // Writing into a text cannot fail; a line break in the deployment's name would be a line more.
        let _infallible = write!(
            text,
            "deployment {}\nserial {serial}\nold {old}\nnew {new}\nexpires {expires}\n",
            deployment.replace('\n', " ")
        );
        text
    }
}

#[cfg(test)]
mod tests;
