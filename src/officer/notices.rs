//! Who must be told (GDPR art. 19): every recipient that received data about a person who was then
//! erased or restricted, or whose data was rectified; until each has acknowledged it. And, with that,
//! how long a sealed number is needed.

use std::collections::BTreeSet;

use super::registrar::Registrar;
use super::show;
use crate::ids::SubjectId;
use crate::store::{Millis, NewChange, Notification, RightKind, StoreError};

/// A change, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    /// Its number.
    pub(super) number: u64,
    pub(super) subject: SubjectId,
    pub(super) kind: RightKind,
    pub(super) begun: bool,
    pub(super) at: Millis,
}

impl Made {
    pub(super) const fn of(number: u64, change: &NewChange) -> Self {
        let NewChange { subject, kind, begun, at, .. } = *change;
        Self { number, subject, kind, begun, at }
    }

    /// Whether recipients must be told of it.
    const fn is_told(&self) -> bool {
        self.begun && matches!(self.kind, RightKind::Restriction | RightKind::Erasure)
    }
}

/// Notes who must be told of changes, and overwrites sealed numbers that nobody needs any more. Gives
/// the recipients; `None` where the index is too far behind to know them. Blocks.
pub(super) fn settle(registrar: &Registrar, made: &[Made]) -> Result<Option<BTreeSet<String>>, StoreError> {
    let told: Vec<&Made> = made.iter().filter(|one| one.is_told()).collect();
    if !told.is_empty() && !registrar.catch_up() {
        // Their numbers stay: the next change of theirs, or the next look at their notices, comes here again.
        return Ok(None);
    }
    let mut recipients = BTreeSet::new();
    for Made { number, subject, kind, at, .. } in told {
        let mut notice = *b"change\0\0\0\0\0\0\0\0\0\0";
        if let Some((_, end)) = notice.split_last_chunk_mut::<8>() {
            *end = number.to_be_bytes();
        }
        recipients.extend(put(registrar, *subject, notice, kind.word(), *at)?);
    }
    for one in made {
        forget(registrar, one.subject)?;
    }
    Ok(Some(recipients))
}

/// Notes that everyone who received data about a person must be told. Gives whom. Blocks.
pub(super) fn put(
    registrar: &Registrar,
    subject: SubjectId,
    notice: [u8; 16],
    about: &str,
    at: Millis,
) -> Result<BTreeSet<String>, StoreError> {
    let store = registrar.store();
    let given = store.given_about(&store.ids_of(subject)?)?;
    let recipients: BTreeSet<String> = given.into_iter().map(|given| given.recipient).collect();
    let one = |recipient: &String| Notification {
        notice,
        recipient: recipient.clone(),
        subject,
        about: about.to_owned(),
        at,
        acknowledged: None,
    };
    store.put_notifications(&recipients.iter().map(one).collect::<Vec<_>>())?;
    Ok(recipients)
}

/// Notes that a recipient has acknowledged all that it was told about a person. Gives how much that
/// is. Blocks.
pub(super) fn acknowledge(
    registrar: &Registrar,
    subject: SubjectId,
    recipient: &str,
    who: &str,
) -> Result<usize, StoreError> {
    let (store, at) = (registrar.store(), registrar.clock().unix_millis());
    let mut acknowledged = 0_usize;
    let ids = store.ids_of(subject)?;
    for one in open(registrar, &ids)? {
        if one.recipient == recipient && store.acknowledge(one.notice, recipient, at, who)? {
            acknowledged = acknowledged.saturating_add(1);
        }
    }
    ids.iter().try_for_each(|id| store.forget_erased_pseudonyms(*id, recipient))?;
    forget(registrar, subject)?;
    Ok(acknowledged)
}

/// What recipients have not acknowledged yet about any of a person's ids.
pub(super) fn open(registrar: &Registrar, ids: &[SubjectId]) -> Result<Vec<Notification>, StoreError> {
    let mut open = Vec::new();
    for id in ids {
        let all = registrar.store().notifications_of(*id)?;
        open.extend(all.into_iter().filter(|one| one.acknowledged.is_none()));
    }
    Ok(open)
}

/// Overwrites a person's sealed numbers once nothing holds but an erasure, and no recipient is left
/// to be told.
fn forget(registrar: &Registrar, subject: SubjectId) -> Result<(), StoreError> {
    let (store, now) = (registrar.store(), registrar.clock().unix_millis());
    let ids = store.ids_of(subject)?;
    let all = show::changes_of(registrar, &ids)?;
    let open = open(registrar, &ids)?;
    for id in &ids {
        // Who was never told of the person is not told of the erasure.
        let gone = store.erased_pseudonyms(*id)?;
        let unneeded = gone.iter().filter(|gone| !open.iter().any(|one| one.recipient == gone.recipient));
        unneeded.into_iter().try_for_each(|gone| store.forget_erased_pseudonyms(*id, &gone.recipient))?;
    }
    let sealed = all.iter().any(|change| change.change.sealed_cpr.is_some());
    let holds = show::holding(&all, now).any(|change| change.change.kind != RightKind::Erasure);
    if !sealed || holds || !open.is_empty() {
        return Ok(());
    }
    ids.into_iter().try_for_each(|id| store.forget_sealed(id).map(drop))
}
