//! What the registry says about one person: every change, and what holds now.

use serde::Serialize;

use super::in_force::InForce;
use super::registrar::Registrar;
use crate::clock::Clock;
use crate::ids::SubjectId;
use crate::store::{Change, Notification, RightKind, StoreError};

/// The registry about one person.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// How many ids are known to be this person's, the given one among them.
    ids: usize,
    /// Withheld for good.
    erased: bool,
    /// Every change, oldest first.
    changes: Vec<ShownChange>,
    /// Recipients who must be or were told.
    notifications: Vec<ShownNotification>,
}

#[derive(Debug, Serialize)]
struct ShownChange {
    change: u64,
    kind: &'static str,
    begun: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    /// The day in Denmark.
    at: String,
    /// The last day in Denmark.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    who: String,
    why: String,
    /// The ledger record about it.
    record: Option<u64>,
    /// Whether it is what holds today: not ended, not over, nothing later in its place.
    holds: bool,
}

#[derive(Debug, Serialize)]
struct ShownNotification {
    recipient: String,
    about: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<String>,
    /// Under which pseudonyms it knows a person who was erased, where those are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pseudonyms: Vec<String>,
}

/// Reads it. Blocks.
pub(super) fn show(registrar: &Registrar, names: &InForce, id: SubjectId) -> Result<Shown, StoreError> {
    let (store, clock) = (registrar.store(), registrar.clock());
    let ids = store.ids_of(id)?;
    let all = changes_of(registrar, &ids)?;
    let (mut notifications, mut gone) = (Vec::new(), Vec::new());
    for id in &ids {
        gone.extend(store.erased_pseudonyms(*id)?);
    }
    let pseudonyms = |one: &Notification| {
        let own = gone.iter().filter(|gone| one.acknowledged.is_none() && gone.recipient == one.recipient);
        own.flat_map(|gone| names.pseudonyms(gone)).collect()
    };
    for id in &ids {
        notifications.extend(store.notifications_of(*id)?.into_iter().map(|one| ShownNotification {
            pseudonyms: pseudonyms(&one),
            recipient: one.recipient,
            about: one.about,
            at: day(clock, one.at),
            acknowledged: one.acknowledged.map(|(at, _who)| day(clock, at)),
        }));
    }
    let holding: Vec<u64> = holding(&all, clock.unix_millis()).map(|change| change.number).collect();
    let erased = all.iter().any(|change| change.change.kind == RightKind::Erasure);
    let changes = all.into_iter().map(|change| shown(change, &holding, clock)).collect();
    Ok(Shown { ids: ids.len(), erased, changes, notifications })
}

/// The changes about any of a person's ids, in the order in which they hold.
pub(super) fn changes_of(registrar: &Registrar, ids: &[SubjectId]) -> Result<Vec<Change>, StoreError> {
    let mut all = Vec::new();
    for id in ids {
        all.append(&mut registrar.store().changes_of(*id)?);
    }
    all.sort_by_key(|change| change.number);
    Ok(all)
}

/// Of one person's changes those that hold at a time.
pub(super) fn holding(changes: &[Change], now: u64) -> impl Iterator<Item = &Change> {
    let latest = |(place, change): &(usize, &Change)| {
        let key = |change: &Change| {
            let new = &change.change;
            (new.kind, new.purpose.clone(), new.recipient.clone())
        };
        let own = key(change);
        !changes.iter().skip(place.saturating_add(1)).any(|later| key(later) == own)
    };
    let holds = move |change: &&Change| {
        let new = &change.change;
        new.begun && new.until.is_none_or(|until| now < until)
    };
    changes.iter().enumerate().filter(latest).map(|(_, change)| change).filter(holds)
}

fn shown(change: Change, holding: &[u64], clock: &Clock) -> ShownChange {
    let Change { number, change, recorded } = change;
    ShownChange {
        change: number,
        kind: change.kind.word(),
        begun: change.begun,
        purpose: change.purpose,
        recipient: change.recipient,
        at: day(clock, change.at),
        until: change.until.map(|until| day(clock, until.saturating_sub(1))),
        who: change.who,
        why: change.reason,
        record: recorded,
        holds: holding.contains(&number),
    }
}

fn day(clock: &Clock, at: u64) -> String {
    clock.date_at(at).map_or_else(String::new, |date| date.to_string())
}
