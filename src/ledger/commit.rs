//! Group commit: one write and one sync for all records that wait, and one hand-over each way.
//!
//! Whoever appends to an idle ledger starts a task on the runtime. The task yields once, so that
//! every exchange that is ready in this turn of the event loop joins the batch; a blocking thread
//! writes and syncs it; the task then wakes all who waited for that batch, from inside the runtime,
//! and takes what has come meanwhile. So threads are woken twice a batch, not twice a record.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, SetOnce};

use super::error::{AppendError, Failure};
use super::handed::Durable;
use super::note::Event;
use super::writer::{Batch, Tip, Writer};

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
    pub(super) fn new(writer: Writer, last_sequence: u64) -> Self {
        let durable = Durable::new(last_sequence);
        let tip = Mutex::new(writer.tip());
        Self { durable, queue: Mutex::default(), writer: Mutex::new(writer), tip, idle: Notify::new() }
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

    /// On a blocking thread. A writer that panicked may have written half a batch.
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
            tokio::task::yield_now().await;
            let Some((batch, outcome)) = self.commit.take(spare) else {
                self.ended = true;
                return;
            };
            let commit = Arc::clone(&self.commit);
            let written = tokio::task::spawn_blocking(move || {
                let mut batch = batch;
                let written = commit.write(&mut batch);
                (batch, written)
            })
            .await;
            let (batch, written) = match written {
                Ok(done) => done,
                Err(_panicked) => (Batch::default(), Err(Failure::INTERRUPTED)),
            };
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
