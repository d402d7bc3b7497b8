//! How many different people a recipient may be told about. Reserved before the record, in the
//! store, so that exchanges at the same time cannot pass a limit together, nor a restart begin anew.

use std::time::Duration;

use super::{Proxy, Records, guards};
use crate::http::Refusal;
use crate::http::reply::Reply;
use crate::ids::SubjectId;
use crate::policy::decide::Permit;
use crate::store::{DAY, Reservation};

/// Reserves what telling of `subjects` takes. Where all of them count already, which is most often,
/// that is a look into memory.
pub(super) async fn reserve(
    proxy: &Proxy,
    reply: &mut Reply,
    permit: &Permit,
    subjects: &[SubjectId],
) -> Result<(), Refusal> {
    let checked = permit.policy().checked();
    let Some(most) = checked.limits.subjects_per_day else { return Ok(()) };
    let Records { store, clock, .. } = &proxy.records;
    let (recipient, now, limit) = (&checked.recipient.id, clock.unix_millis(), u64::from(most));
    if store.reserve_known(recipient.as_str(), subjects, now, limit).is_some() {
        return Ok(());
    }
    if checked.limits.novelty.is_some() {
        let (theirs, whom, whose) = (store.clone(), recipient.clone(), subjects.to_vec());
        let novel = proxy.blocking.run(move || theirs.never_told(whom.as_str(), &whose, now)).await?;
        guards::novel(proxy, reply, permit, novel)?;
    }
    let (theirs, whom, whose) = (store.clone(), recipient.clone(), subjects.to_vec());
    let reserved = proxy.blocking.run(move || theirs.reserve(whom.as_str(), &whose, now, limit)).await?;
    match reserved {
        Reservation::Granted { .. } => Ok(()),
        Reservation::Full { room_at, .. } => {
            let wait = Duration::from_millis(room_at.map_or(DAY, |at| at.saturating_sub(now)));
            reply.standing = reply.standing.take().map(|standing| standing.over("subjects", most, wait));
            Err(Refusal::OverSubjects)
        }
    }
}
