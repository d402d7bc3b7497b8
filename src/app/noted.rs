//! What the ledger must tell before anything is released: changes of the registry that a crash left
//! without a record, and each policy version, in words, before it serves for the first time.

use crate::ledger::{AppendError, Note, PolicyRecord};
use crate::officer::{act_of, ids_in_record};
use crate::policy::checked::Policy;
use crate::policy::running::RunningPolicy;
use crate::policy::words;
use crate::proxy::{Records, State};
use crate::store::StoreError;

/// Why something could not be noted. Nothing is served by it then.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// The ledger does not take the record.
    #[error("the ledger does not take the record of {what}: {error}")]
    Ledger {
        /// A change of the registry, or a policy version.
        what: String,
        /// Why.
        error: AppendError,
    },
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records the changes of the registry that stand in the store only. The index must have caught up:
/// the ledger may tell of a change already.
///
/// # Errors
/// When one cannot be recorded.
pub(super) async fn changes(records: &Records) -> Result<(), NoteError> {
    let Records { ledger, store, .. } = records;
    for change in tokio::task::block_in_place(|| store.unrecorded())? {
        let ids = tokio::task::block_in_place(|| ids_in_record(store, &change))?;
        let noted = ledger.note(&Note::Act(act_of(&change, &ids))).await;
        let what = || format!("change {} of the registry", change.number);
        let sequence = noted.map_err(|error| NoteError::Ledger { what: what(), error })?;
        tokio::task::block_in_place(|| store.set_recorded(change.number, sequence))?;
        tracing::warn!(change = change.number, "a change of the registry was without its record");
    }
    Ok(())
}

/// Records the policy versions of a state that have not been in force yet in this log, and `who`
/// approved them.
///
/// # Errors
/// When one cannot be recorded; the state must not serve then.
pub(super) async fn policies(records: &Records, state: &State, who: Option<&str>) -> Result<(), NoteError> {
    let Records { ledger, store, clock, .. } = records;
    for policy in state.policies().iter() {
        let version = policy.checked().version;
        // The index may be some milliseconds behind: a version that is noted twice says the same.
        if tokio::task::block_in_place(|| store.policy(version))?.is_some() {
            continue;
        }
        let record = record_of(policy, clock.unix_millis(), who);
        let noted = ledger.note(&Note::Policy(record)).await;
        let what = || format!("policy `{}`", policy.checked().file);
        noted.map_err(|error| NoteError::Ledger { what: what(), error })?;
    }
    Ok(())
}

fn record_of(policy: &RunningPolicy, now: u64, who: Option<&str>) -> PolicyRecord {
    let Policy { recipient, purpose, transfer, agreement, version, .. } = policy.checked();
    PolicyRecord {
        unix_millis: now,
        policy: *version,
        recipient: recipient.id.as_str().to_owned(),
        name: recipient.name.clone(),
        relation: words::relation(recipient.relation).to_owned(),
        purpose: purpose.id.as_str().to_owned(),
        category: words::category(purpose.category).to_owned(),
        basis: purpose.basis.iter().map(|basis| basis.id.to_owned()).collect(),
        country: transfer.country.clone(),
        ground: transfer.ground.as_ref().map(|ground| words::ground(ground.kind).to_owned()),
        retention: Some(purpose.retention.clone()),
        agreement: agreement.reference.clone(),
        who: who.map(str::to_owned),
        rules: words::rules(policy),
    }
}
