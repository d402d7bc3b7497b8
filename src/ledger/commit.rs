//! Group commit: one write and one sync for all records that wait, and one hand-over each way.
//!
//! Whoever appends to an idle ledger starts a task on the runtime. The task lets the event loop turn, so
//! that every exchange that is nearly ready joins the batch; the ledger's own thread writes and syncs it; the task
//! then wakes all who waited for that batch, from inside the runtime, and takes what has come meanwhile. So
//! threads are woken twice a batch, not twice a record.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, SetOnce, oneshot};

use super::error::{AppendError, Failure};
use super::handed::Durable;
use super::note::Event;
use super::writer::{Batch, Tip, Writer};
use crate::clock::Clock;

/// No further turn is begun after this long, however many records keep coming: some syncs of a fast disk, and far
/// below what an exchange may wait.
const GATHERING: Duration = Duration::from_millis(1);
/// Turns of the event loop in a row that bring no record, and end the wait for others.
///
/// PERF: with a thread of the ledger's own, and instead of a single turn, this took an exchange of 2 KB from 130 to
/// 93 us, and from 0.29 to 0.14 syncs (8 connections).
const BARREN_TURNS: u32 = 2;

/// What became of a batch: the number of its first record.
type Outcome = Arc<SetOnce<Result<u64, AppendError>>>;

/// The queue before the writer.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) durable: Durable,
    queue: Mutex<Queue>,
    writer: Mutex<Writer>,
    tip: Mutex<Option<Tip>>,
    idle: Notify,
    clock: Clock,
    /// Has room for the one batch that is written at a time.
    jobs: mpsc::SyncSender<Job>,
}

/// A batch on its way to the ledger's thread, and who waits for it there.
#[derive(Debug)]
struct Job {
    commit: Arc<Commit>,
    batch: Batch,
    done: oneshot::Sender<(Batch, Result<u64, Failure>)>,
}

#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    outcome: Outcome,
    /// A task is at work, and will look here again.
    running: bool,
    closed: bool,
    failed: Option<Failure>,
}

/// A record's place in its batch.
#[derive(Debug)]
pub(super) struct Place {
    outcome: Outcome,
    index: u64,
}

impl Place {
    /// Waits until the batch is on disk; gives the record's number.
    pub(super) async fn sequence(&self) -> Result<u64, AppendError> {
        (*self.outcome.wait().await).map(|first| first.saturating_add(self.index))
    }
}

impl Commit {
    /// # Errors
    /// When no thread can be started.
    pub(super) fn new(writer: Writer, last_sequence: u64) -> io::Result<Self> {
        let durable = Durable::new(last_sequence, writer.verified());
        let tip = Mutex::new(writer.tip());
        let (jobs, work) = mpsc::sync_channel(1);
        std::thread::Builder::new().name("tavs-ledger".to_owned()).spawn(move || write_all(&work))?;
        let writer = Mutex::new(writer);
        let (queue, idle, clock) = (Mutex::default(), Notify::new(), Clock::system());
        Ok(Self { durable, queue, writer, tip, idle, clock, jobs })
    }

    /// Puts a record, and what it says, into the batch that is written next.
    pub(super) fn push(
        self: &Arc<Self>,
        encoded: &[u8],
        event: Event,
        most_bytes: usize,
    ) -> Result<Place, AppendError> {
        let mut queue = self.queue();
        queue.usable()?;
        if queue.batch.bytes().saturating_add(encoded.len()) > most_bytes {
            return Err(AppendError::Overloaded);
        }
        let index = u64::try_from(queue.batch.len()).unwrap_or(u64::MAX);
        queue.batch.push(encoded, event);
        let outcome = Arc::clone(&queue.outcome);
        let start = !std::mem::replace(&mut queue.running, true);
        drop(queue);
        if start {
            tokio::spawn(Running { commit: Arc::clone(self), ended: false }.run());
        }
        Ok(Place { outcome, index })
    }

    pub(super) fn usable(&self) -> Result<(), AppendError> {
        self.queue().usable()
    }

    /// The last record on disk. Never held while the disk is waited for.
    pub(super) fn tip(&self) -> Option<Tip> {
        *self.tip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more, and waits for the rest.
    pub(super) async fn close(self: &Arc<Self>) -> Result<(), AppendError> {
        self.all_written().await?;
        let commit = Arc::clone(self);
        let give_back = move || {
            if let Ok(mut writer) = commit.writer.lock() {
                writer.give_back();
            }
        };
        drop(tokio::task::spawn_blocking(give_back).await);
        Ok(())
    }

    async fn all_written(&self) -> Result<(), AppendError> {
        loop {
            // Made before looking, so that no notification falls between.
            let idle = self.idle.notified();
            {
                let mut queue = self.queue();
                queue.closed = true;
                if !queue.running {
                    return queue.failed.map_or(Ok(()), |failure| Err(AppendError::Failed(failure)));
                }
            }
            idle.await;
        }
    }

    /// Lets the event loop turn until [`BARREN_TURNS`] in a row bring no record; past [`GATHERING`] no further
    /// one is begun.
    async fn gather(&self) {
        let begun = self.clock.instant();
        let (mut waiting, mut barren) = (self.queue().batch.len(), 0);
        loop {
            tokio::task::yield_now().await;
            let now = self.queue().batch.len();
            barren = if now == waiting { barren + 1 } else { 0 };
            waiting = now;
            if barren >= BARREN_TURNS || self.clock.instant().duration_since(begun) >= GATHERING {
                return;
            }
        }
    }

    /// The batch that waits, in exchange for an empty one; `None` ends the task.
    fn take(&self, spare: Batch) -> Option<(Batch, Outcome)> {
        let mut queue = self.queue();
        if queue.batch.len() == 0 {
            queue.running = false;
            drop(queue);
            self.idle.notify_waiters();
            return None;
        }
        let batch = std::mem::replace(&mut queue.batch, spare);
        Some((batch, std::mem::take(&mut queue.outcome)))
    }

    /// Nothing is appended from here on; those who wait for the next batch are told.
    fn fail(&self, failure: Failure) {
        let mut queue = self.queue();
        let failure = *queue.failed.get_or_insert(failure);
        queue.batch.clear();
        let waiting = std::mem::take(&mut queue.outcome);
        drop(queue);
        tell(&waiting, Err(AppendError::Failed(failure)));
    }

    /// The queue's invariants hold at every point where its lock is held, so a panic of another
    /// holder does not matter.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On the ledger's thread. A writer that panicked may have written half a batch.
    fn write(&self, batch: &mut Batch) -> Result<u64, Failure> {
        match self.writer.lock() {
            Ok(mut writer) => {
                let first = writer.write(batch)?;
                *self.tip.lock().unwrap_or_else(PoisonError::into_inner) = writer.tip();
                self.durable.add(first, batch.take_events(), writer.lines());
                Ok(first)
            }
            Err(_poisoned) => Err(Failure::INTERRUPTED),
        }
    }
}

impl Queue {
    const fn usable(&self) -> Result<(), AppendError> {
        match (self.failed, self.closed) {
            (Some(failure), _) => Err(AppendError::Failed(failure)),
            (None, true) => Err(AppendError::Closed),
            (None, false) => Ok(()),
        }
    }
}

/// The ledger's thread, until the last [`Commit`] is dropped.
///
/// PERF: 2.2 futex calls a sync; the runtime's blocking threads, which are woken while their pool is locked, take 4.5.
fn write_all(work: &mpsc::Receiver<Job>) {
    // In this order, so that a panic drops `commit` first.
    while let Ok(Job { done, mut batch, commit }) = work.recv() {
        let written = commit.write(&mut batch);
        // Before anybody hears of it: whoever opens the ledger next must not meet the lock held here.
        drop(commit);
        drop(done.send((batch, written)));
    }
}

/// The task. If it is dropped before its end (its runtime shuts down), nobody would write what
/// waits, so the ledger fails then.
#[derive(Debug)]
struct Running {
    commit: Arc<Commit>,
    ended: bool,
}

impl Running {
    async fn run(mut self) {
        let mut spare = Batch::default();
        loop {
            self.commit.gather().await;
            let Some((batch, outcome)) = self.commit.take(spare) else {
                self.ended = true;
                return;
            };
            let (done, written) = oneshot::channel();
            // A thread that panics drops `done`, and so does a job that nobody takes.
            drop(self.commit.jobs.try_send(Job { commit: Arc::clone(&self.commit), batch, done }));
            let (batch, written) =
                written.await.unwrap_or_else(|_panicked| (Batch::default(), Err(Failure::INTERRUPTED)));
            if let Err(failure) = written {
                self.commit.fail(failure);
            }
            tell(&outcome, written.map_err(AppendError::Failed));
            spare = batch;
            spare.clear();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.commit.fail(Failure::INTERRUPTED);
        }
    }
}

/// Wakes all who wait for a batch. An outcome is set once only: it leaves the queue with its batch.
fn tell(outcome: &Outcome, result: Result<u64, AppendError>) {
    drop(outcome.set(result));
}
