//! What opens a pseudonym outside any exchange: one place for all schemes, used by the office, which
//! records whom it is about, and by the command, which shows it.
//!
//! What must never happen here: an answer without a paper that was checked by whoever calls.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::paper::Request;
use crate::ids::SubjectId;
use crate::policy::running::PolicySet;
use crate::pseudonym::{Input, KeyRing, Pseudonymiser, RingError, Rows, Scheme, SecretUse, SubjectKey};
use crate::store::{Store, StoreError};
use crate::table;

/// Openers by domain, and the domains of recipients in force.
#[derive(Debug, Default)]
pub(super) struct Opening {
    sealed: BTreeMap<String, Pseudonymiser>,
    tables: BTreeMap<String, Pseudonymiser>,
    domains: BTreeMap<String, String>,
}

/// What a pseudonym stands for. `Debug` shows nothing of it.
pub struct Opened {
    /// As officers write it: the number, or `Type/id`.
    pub identifier: Zeroizing<String>,
    /// As the ledger calls whose it is.
    pub(super) subject: SubjectId,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(…)")
    }
}

/// Why a pseudonym does not open.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// `keyed` cannot be computed back.
    #[error("the pseudonym is one of `keyed`: it cannot be computed back, by anybody")]
    Keyed,
    /// `digits` are not resolved.
    #[error("the pseudonym is one of `digits`: they are not resolved, by anybody")]
    Digits,
    /// Of `table`, and the store has no row of it.
    #[error(
        "the pseudonym is one of `table`, and stands in the store no more: the person is erased, or its key version is closed or destroyed; or it never stood there, as another domain's or nobody's"
    )]
    Gone,
    /// Those of `table` stand in the store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No recipient of that name in force, and no domain given.
    #[error("no policy in force has the recipient; ask anew, with `--domain`")]
    Recipient,
    /// The recipient's policy in force has another domain than the one that was given.
    #[error(
        "the recipient's policy in force has another pseudonymisation domain: ask anew, without `--domain`"
    )]
    OtherDomain,
    /// The ring has no such domain.
    #[error("the key ring has no secret of that domain that is active or resolves")]
    Domain,
    /// Whatever does not open.
    #[error(
        "the pseudonym does not open: another domain's, of another kind (`--kind`, `--of`), of a key version that is closed, or no pseudonym at all"
    )]
    Closed,
}

impl Opening {
    /// Of all domains of a ring.
    pub(super) fn new(policies: &PolicySet, ring: &KeyRing) -> Result<Self, RingError> {
        let mut all = Self::default();
        let named = ring.versions().iter().filter(|one| one.used == SecretUse::Domain);
        for domain in named.map(|one| one.name.as_str()).filter(|domain| ring.has_domain(domain)) {
            if !all.sealed.contains_key(domain) {
                all.sealed.insert(domain.to_owned(), ring.pseudonymiser(domain, Scheme::Sealed)?);
                all.tables.insert(domain.to_owned(), ring.pseudonymiser(domain, Scheme::Table)?);
            }
        }
        for policy in policies.iter() {
            let checked = policy.checked();
            let id = checked.recipient.id.as_str().to_owned();
            all.domains.insert(id, checked.pseudonyms.domain.clone());
        }
        Ok(all)
    }

    /// What the pseudonym of a request stands for. `store` is asked for only where it may stand there. Blocks.
    pub(super) fn open(
        &self,
        request: &Request,
        subjects: &SubjectKey,
        store: impl FnOnce() -> Result<Store, StoreError>,
    ) -> Result<Opened, NotOpened> {
        let domain = match (&request.domain, self.domains.get(&request.recipient)) {
            // SECURITY: the record names the recipient; another's pseudonyms are not opened under its name.
            (Some(asked), Some(own)) if asked != own => return Err(NotOpened::OtherDomain),
            (Some(domain), _) | (None, Some(domain)) => domain,
            (None, None) => return Err(NotOpened::Recipient),
        };
        let pseudonym = request.pseudonym.as_str();
        let sought = request.sought();
        let value = match scheme_of(pseudonym) {
            Some(Scheme::Keyed) => return Err(NotOpened::Keyed),
            Some(Scheme::Digits) => return Err(NotOpened::Digits),
            Some(Scheme::Sealed) => {
                let maker = self.sealed.get(domain).ok_or(NotOpened::Domain)?;
                let opened = [false, true].into_iter();
                opened.filter_map(|salted| maker.resolve(pseudonym, sought, salted, &Rows::default())).next()
            }
            Some(Scheme::Table) => {
                let maker = self.tables.get(domain).ok_or(NotOpened::Domain)?;
                let rows = table::rows(&store()?, maker, [pseudonym])?;
                if rows.is_empty() {
                    return Err(NotOpened::Gone);
                }
                maker.resolve(pseudonym, sought, false, &rows)
            }
            None => None,
        };
        let value = Zeroizing::new(value.ok_or(NotOpened::Closed)?);
        let subject = subjects.id(Input { value: &value, ..sought });
        let identifier = match (request.kind.as_str(), request.of.as_str()) {
            ("id", of) if !of.is_empty() => Zeroizing::new([of, "/", &value].concat()),
            _ => value,
        };
        Ok(Opened { identifier, subject })
    }
}

/// By the prefix; `digits` have none.
fn scheme_of(pseudonym: &str) -> Option<Scheme> {
    if pseudonym.len() == 10 && pseudonym.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Scheme::Digits);
    }
    let begins = |scheme: &Scheme| {
        let prefix = scheme.prefix();
        pseudonym.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix))
    };
    [Scheme::Keyed, Scheme::Sealed, Scheme::Table].into_iter().find(begins)
}
