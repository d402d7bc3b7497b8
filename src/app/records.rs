//! What is on record, opened in its order before anything is released: the ledger, the store beside
//! it, the index between them, and the subjects' rights in force.
//!
//! What must never happen here: a store that is made anew beside a ledger with records, for it would
//! release what was restricted; an exchange before every right of the store is in force.

use std::sync::Arc;
use std::time::Duration;

use super::StartError;
use crate::clock::Clock;
use crate::config::Config;
use crate::ledger::index::{IndexError, Indexer};
use crate::ledger::{self, Disk, Found, Ledger};
use crate::proxy::{MAX_CLOCK_BACK, Records};
use crate::store::Store;
use crate::subjects::Subjects;

/// The index may have far to go at a start (a store put back from a backup), and says so this often.
const TOLD: Duration = Duration::from_secs(5);
/// After so many of these without a record indexed, something is wrong with the store.
const PATIENCE: u32 = 6;

/// Opens all of it.
///
/// # Errors
/// The first part that cannot be had, with what to do.
pub(super) async fn open(config: &Config, clock: &Clock, disk: Box<dyn Disk>) -> Result<Records, StartError> {
    let (ledger, found) = open_ledger(config, disk)?;
    log_ledger(&found);
    let (config, clock) = (config.clone(), clock.clone());
    let opening = move || -> Result<Records, StartError> {
        not_before(&found, &clock)?;
        let path = &config.store.value;
        let store = if found.last_sequence == 0 { Store::open_or_make(path) } else { Store::open(path) }?;
        let indexer = Indexer::start(&config.ledger.directory.value, ledger.durable(), store.clone())?;
        catch_up(&indexer)?;
        let gone = store.erase_again()?;
        if gone > 0 {
            tracing::warn!(gone, "pseudonyms of erased persons came back with a backup: destroyed again");
        }
        let subjects = Subjects::load(&store)?;
        let (ids, persons) = subjects.sizes();
        tracing::info!(ids, persons, changes = subjects.last_change(), "store opened");
        Ok(Records { ledger, store, subjects: Arc::new(subjects), indexer: Arc::new(indexer), clock })
    };
    match tokio::task::spawn_blocking(opening).await {
        Ok(opened) => opened,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => Err(StartError::Stopped),
        },
    }
}

/// Takes pseudonyms out of the store that nobody can open any more. Blocks. What cannot be done now is done
/// at the next start: it is of no use to anybody meanwhile.
pub(super) fn forget(records: &Records, destroyed: &[(String, u32)]) {
    for (domain, version) in destroyed {
        match records.store.forget_pseudonyms(domain, *version) {
            Ok(0) => {}
            Ok(rows) => {
                tracing::info!(domain, version, rows, "pseudonyms of a destroyed key version are gone");
            }
            Err(error) => {
                tracing::warn!(%error, "pseudonyms of a destroyed key version are still in the store");
            }
        }
    }
}

/// Refuses a clock that shows a time before the last record: records would stand in the wrong order,
/// lapsed agreements would come to life, and a day's quotas begin anew.
fn not_before(found: &Found, clock: &Clock) -> Result<(), StartError> {
    let ahead = found.last_millis.unwrap_or_default().saturating_sub(clock.unix_millis());
    if ahead > MAX_CLOCK_BACK { Err(StartError::ClockBack { seconds: ahead / 1000 }) } else { Ok(()) }
}

/// Waits until the index has all that the ledger holds: reservations and reports speak of it.
fn catch_up(indexer: &Indexer) -> Result<(), StartError> {
    let (mut lag, mut idle) = (indexer.lag(), 0_u32);
    while !indexer.catch_up(TOLD) {
        let now = indexer.lag();
        idle = if now < lag { 0 } else { idle.saturating_add(1) };
        lag = now;
        if !indexer.within(u64::MAX) || idle > PATIENCE {
            return Err(indexer.failure().map_or(StartError::IndexStands { lag }, StartError::Indexing));
        }
        tracing::info!(lag, "the index catches up with the ledger");
    }
    Ok(())
}

/// The last step of a drain, once nobody appends any more: the ledger is synced and closed, and what
/// it holds is indexed, so that the next start has nothing to catch up with.
///
/// # Errors
/// When the ledger could not be synced.
pub(super) async fn close(records: &Records) -> Result<(), ledger::AppendError> {
    let closed = records.ledger.close().await;
    let indexer = Arc::clone(&records.indexer);
    let indexed = tokio::task::spawn_blocking(move || {
        let indexed = indexer.catch_up(TOLD);
        indexer.stop();
        indexed
    });
    if !matches!(indexed.await, Ok(true)) {
        tracing::warn!(lag = records.indexer.lag(), "the index goes on at the next start");
    }
    closed
}

fn open_ledger(config: &Config, disk: Box<dyn Disk>) -> Result<(Ledger, Found), StartError> {
    let mut new_log = [0; 16];
    getrandom::fill(&mut new_log).map_err(|_none| StartError::Random)?;
    let settings = ledger::Settings {
        directory: config.ledger.directory.value.clone(),
        node: config.ledger.node.clone(),
        new_log,
        limits: config.ledger.limits,
    };
    Ok(Ledger::open_on(settings, disk)?)
}

fn log_ledger(found: &Found) {
    let Found { begun, last_sequence, last_millis: _, set_aside } = found;
    tracing::info!(begun, last_sequence, "ledger opened");
    if let Some((path, bytes)) = set_aside {
        tracing::warn!(path = %path.display(), bytes, "an incomplete last write was set aside");
    }
}

impl From<IndexError> for StartError {
    fn from(error: IndexError) -> Self {
        Self::Indexing(Arc::new(error))
    }
}
