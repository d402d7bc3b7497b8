//! Feeds the store's index from the ledger: behind the writer, in order, each record once.
//!
//! A thread of its own follows what is on disk, so that no exchange waits for SQL; exchanges look at
//! [`Indexer::within`] only, and refuse (503) once the index is too far behind to answer for what
//! was disclosed. The thread looks for new records at an interval rather than being woken by each
//! exchange: waking threads is what a ledger costs (docs/performance.md).
//!
//! What must never happen here: an index row for a record that is not on disk, a record left out, an
//! index that passes for that of another ledger.

mod follow;
mod row;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use self::follow::Follower;
pub use self::follow::log_of;
use super::handed::{Handed, Line};
use super::read::Record;
use super::{Durable, LedgerError};
use crate::store::{IndexRow, Log, Position, Store, StoreError};

/// Records that the index may be behind before exchanges are refused: some ten seconds of work for
/// the index, and more than a minute of a busy clinic. Further behind, something is wrong, and reports
/// and quotas would speak of another day.
pub const MAX_LAG: u64 = 50_000;
/// How often the thread looks for new records: soon enough that a report shows the exchange before
/// it, and 20 wake-ups a second cost nothing.
const INTERVAL: Duration = Duration::from_millis(50);
/// After a failure that may pass (a full disk, a locked database).
const RETRY: Duration = Duration::from_secs(1);
/// Rows of one transaction: it holds the store's one writer for some ten milliseconds, which is what
/// a reservation may have to wait.
const BATCH: usize = 2048;

/// Why the index cannot follow the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger lacks records that were indexed.
    #[error(
        "the index holds record {index}, but the ledger ends with record {ledger}: its end was lost or cut off; put the ledger back from the backup, or keep what is left as evidence and run `tavs ledger reindex`"
    )]
    Ahead {
        /// The last record of the index.
        index: u64,
        /// The last record of the ledger.
        ledger: u64,
    },
    /// The ledger has another record in the place of one that was indexed.
    #[error(
        "record {sequence} of the ledger is not the one that was indexed: the ledger was written anew; compare it with its anchor (`tavs ledger verify`), and once it is the right one run `tavs ledger reindex`"
    )]
    Changed {
        /// The record's number.
        sequence: u64,
    },
    /// Segments that were not indexed yet are gone.
    #[error("the segment with record {sequence} is missing in `{}`; put it back from the backup", directory.display())]
    Gone {
        /// The ledger.
        directory: PathBuf,
        /// The record that comes next.
        sequence: u64,
    },
    /// The directory holds no ledger.
    #[error("`{}` holds no ledger", directory.display())]
    NoLedger {
        /// The directory.
        directory: PathBuf,
    },
    /// The system gives no thread.
    #[error("cannot start the thread of the index: {0}")]
    Thread(std::io::Error),
}

impl IndexError {
    /// Whether the same may succeed a second later.
    const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Database { .. } | StoreError::Io { .. })
                | Self::Ledger(LedgerError::Io { .. })
        )
    }
}

/// The thread that feeds the index. Stops when this is dropped.
#[derive(Debug)]
pub struct Indexer {
    shared: Arc<Shared>,
    durable: Durable,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The last record in the index.
    indexed: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    woken: bool,
    stopping: bool,
    /// Why the last attempt failed; with `ended`, why there will be no other.
    failure: Option<Arc<IndexError>>,
    ended: bool,
}

impl Indexer {
    /// Looks whether the store's index is this ledger's, and follows it from where it ended.
    ///
    /// # Errors
    /// When it is another ledger's, when either cannot be used, or no thread can be started.
    pub fn start(directory: &Path, durable: Durable, store: Store) -> Result<Self, IndexError> {
        let mut feed = Feed::open(directory, store, durable.verified())?;
        feed.follow(durable.clone());
        let shared = Arc::new(Shared::default());
        shared.indexed.store(feed.indexed(), Ordering::Release);
        let (theirs, upto) = (Arc::clone(&shared), durable.clone());
        let thread = std::thread::Builder::new()
            .name("tavs-index".to_owned())
            .spawn(move || theirs.run(feed, &upto))
            .map_err(IndexError::Thread)?;
        Ok(Self { shared, durable, thread: Mutex::new(Some(thread)) })
    }

    /// How many records the index is behind.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.durable.sequence().saturating_sub(self.shared.indexed.load(Ordering::Acquire))
    }

    /// Whether exchanges may go on: the index is at most `limit` records behind ([`MAX_LAG`]), and has
    /// not given up.
    #[must_use]
    pub fn within(&self, limit: u64) -> bool {
        self.lag() <= limit && !self.shared.state().ended
    }

    /// Why the last attempt failed, if it did: for `/readyz` and the log.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<IndexError>> {
        self.shared.state().failure.clone()
    }

    /// Looks for new records now.
    pub fn wake(&self) {
        self.shared.state().woken = true;
        self.shared.changed.notify_all();
    }

    /// Waits until all that is on disk now is in the index, for a report that must show it. Blocks.
    /// `false` if that took longer than `patience`, or the index has given up.
    #[must_use]
    pub fn catch_up(&self, patience: Duration) -> bool {
        let wanted = self.durable.sequence();
        self.wake();
        let waiting =
            |state: &mut State| !state.ended && self.shared.indexed.load(Ordering::Acquire) < wanted;
        let state = self.shared.state();
        drop(self.shared.changed.wait_timeout_while(state, patience, waiting));
        self.shared.indexed.load(Ordering::Acquire) >= wanted
    }

    /// Ends the thread after the batch that it is at; the index goes on from there at the next start.
    /// Blocks. Nothing is [`within`](Self::within) afterwards.
    pub fn stop(&self) {
        self.shared.state().stopping = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
            self.shared.state().ended = true;
        }
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// The state is whole at every point where its lock is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut feed: Feed, durable: &Durable) {
        let mut told = None;
        loop {
            let step = feed.step(durable.sequence());
            tell(step.as_ref().err(), &mut told);
            let pause = match step {
                Ok(true) => Duration::ZERO,
                Ok(false) => INTERVAL,
                Err(_) => RETRY,
            };
            self.indexed.store(feed.indexed(), Ordering::Release);
            let mut state = self.state();
            state.failure = step.err().map(Arc::new);
            state.ended = state.failure.as_ref().is_some_and(|failure| !failure.may_pass());
            self.changed.notify_all();
            if state.ended {
                return;
            }
            if !pause.is_zero() {
                let idle = |state: &mut State| !state.woken && !state.stopping;
                state = match self.changed.wait_timeout_while(state, pause, idle) {
                    Ok((state, _)) => state,
                    Err(poisoned) => poisoned.into_inner().0,
                };
            }
            state.woken = false;
            if state.stopping {
                return;
            }
        }
    }
}

/// Says in the log that the index has ended, that it fails, each reason once, or that it goes on again; `told` is what
/// was said last. An error names records, files and columns, and nothing of a message.
fn tell(failure: Option<&IndexError>, told: &mut Option<String>) {
    let now = failure.map(ToString::to_string);
    if now == *told {
        return;
    }
    match failure {
        None => tracing::info!("the index follows the ledger again"),
        Some(failure) if failure.may_pass() => {
            tracing::warn!(%failure, "the index does not follow the ledger; it is tried again each second");
        }
        Some(failure) => {
            tracing::error!(%failure, "the index has ended: exchanges are refused until it is mended and tavs started again");
        }
    }
    *told = now;
}

/// Carries records from the ledger to the store, a batch a step.
#[derive(Debug)]
struct Feed {
    directory: PathBuf,
    store: Store,
    log: Log,
    /// What the index ends with.
    position: Option<Position>,
    /// `None` after it failed to read: it may stand inside a line.
    follower: Option<Follower>,
    /// Rows that were made and not applied yet: where the store fails, the same are tried again.
    batch: Vec<IndexRow>,
    /// Who hands records over. Without, all are read.
    durable: Option<Durable>,
    /// What was handed over and not looked at yet.
    handed: VecDeque<Handed>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.durable.take().iter().for_each(Durable::leave);
    }
}

impl Feed {
    fn open(directory: &Path, store: Store, verified: Option<(u64, Line)>) -> Result<Self, IndexError> {
        let log = bind(directory, &store)?;
        let position = store.position(log)?;
        let follower = Some(Follower::open_verified(directory, position, verified)?);
        Ok(Self {
            directory: directory.to_owned(),
            store,
            log,
            position,
            follower,
            batch: Vec::new(),
            durable: None,
            handed: VecDeque::new(),
        })
    }

    /// From now on takes what is handed over, and reads what is not.
    fn follow(&mut self, durable: Durable) {
        durable.follow();
        self.durable = Some(durable);
    }

    fn indexed(&self) -> u64 {
        self.position.map_or(0, |position| position.sequence)
    }

    /// Carries one batch over; `false` if there was nothing to carry.
    fn step(&mut self, upto: u64) -> Result<bool, IndexError> {
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => {
                self.batch.clear();
                Follower::open(&self.directory, self.position)?
            }
        };
        if self.batch.is_empty() {
            self.fill(&mut follower, upto)?;
        }
        let position = Position { log: self.log, sequence: follower.last_sequence(), hash: follower.hash() };
        self.follower = Some(follower);
        if position.sequence == self.indexed() {
            return Ok(false);
        }
        self.store.apply(self.indexed().saturating_add(1), &self.batch, position)?;
        self.batch.clear();
        self.position = Some(position);
        Ok(true)
    }

    fn fill(&mut self, follower: &mut Follower, upto: u64) -> Result<(), IndexError> {
        let mut weight = 0_usize;
        while weight < BATCH {
            let record = match self.next_handed(follower, upto)? {
                Some(record) => record,
                None => match follower.next(upto)? {
                    Some(record) => record,
                    None => break,
                },
            };
            weight = weight.saturating_add(row::push_rows(record, &mut self.batch));
        }
        Ok(())
    }

    /// The record that comes next, if it was handed over.
    fn next_handed(&mut self, follower: &mut Follower, upto: u64) -> Result<Option<Record>, IndexError> {
        let next = follower.last_sequence().saturating_add(1);
        if next > upto {
            return Ok(None);
        }
        loop {
            if self.handed.is_empty() {
                self.handed = self.durable.as_ref().map(Durable::take).unwrap_or_default();
            }
            match self.handed.pop_front() {
                // It was read: at a start, or after a failure.
                Some(handed) if handed.sequence < next => {}
                Some(handed) if handed.sequence == next => {
                    follower.pass(&handed.line)?;
                    return Ok(Some(Record { sequence: handed.sequence, event: handed.event }));
                }
                Some(later) => {
                    self.handed.push_front(later);
                    return Ok(None);
                }
                None => return Ok(None),
            }
        }
    }
}

/// Makes sure that the store belongs to the ledger of a directory.
fn bind(directory: &Path, store: &Store) -> Result<Log, IndexError> {
    let log = log_of(directory)?.ok_or_else(|| IndexError::NoLedger { directory: directory.to_owned() })?;
    store.bind(log)?;
    Ok(log)
}

/// Makes the index anew from all that the ledger holds. `told` hears the number of the last record
/// after each batch. Cut short, it goes on where it ended, at the next start.
///
/// The ledger must not be written meanwhile: hold it open.
///
/// # Errors
/// When the store belongs to another ledger, or either cannot be used.
pub fn rebuild(directory: &Path, store: &Store, mut told: impl FnMut(u64)) -> Result<u64, IndexError> {
    bind(directory, store)?;
    store.clear_index()?;
    let mut feed = Feed::open(directory, store.clone(), None)?;
    while feed.step(u64::MAX)? {
        told(feed.indexed());
    }
    Ok(feed.indexed())
}
