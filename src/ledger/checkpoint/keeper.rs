//! Makes checkpoints while the ledger is written, and hands the newest to the anchor.
//!
//! One task signs and appends to the directory's own file, at an interval and at the end; another
//! sends to the anchor. Only the newest checkpoint waits for it, since it covers those before. What
//! must never happen here: an exchange that waits for either, or a checkpoint for what is not on disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Checkpoint, FILE, Line, MAX_LINE, Says, find};
use crate::clock::Clock;
use crate::ledger::anchor::Anchor;
use crate::ledger::{Ledger, LedgerError};
use crate::pseudonym::CheckpointKey;
use crate::telemetry::Metrics;

/// How old the oldest checkpoint that is not anchored may become before operators are warned: an
/// anchor that is restarted comes back within it.
pub const MAX_ANCHOR_AGE: Duration = Duration::from_mins(5);
/// Until an anchor that failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last checkpoint to be anchored.
const LAST: Duration = Duration::from_secs(5);

/// What checkpoints are made with.
#[derive(Debug)]
pub struct Keeping {
    /// Signs them.
    pub key: CheckpointKey,
    /// How often, if something was recorded since.
    pub every: Duration,
    /// Where they are kept elsewhere.
    pub anchor: Option<Anchor>,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
}

/// Makes checkpoints until it is closed.
#[derive(Debug)]
pub struct Keeper {
    state: Arc<Mutex<State>>,
    clock: Clock,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    /// When the oldest checkpoint that is not anchored was made.
    unanchored: Option<u64>,
    /// What kept the last checkpoint from the directory's own file.
    unwritten: Option<io::ErrorKind>,
    /// The last checkpoint of the run before, where the ledger ended before it at the start.
    lost: Option<u64>,
}

/// A checkpoint on its way to the anchor.
#[derive(Debug, Clone)]
struct Made {
    line: Arc<str>,
    unix_millis: u64,
}

impl Keeper {
    /// Begins, with a checkpoint for what was recorded since the last one. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// When the directory's file of checkpoints cannot be used.
    pub fn start(ledger: &Ledger, keeping: Keeping) -> Result<Self, LedgerError> {
        let Keeping { key, every, anchor, clock, metrics } = keeping;
        let (file, last) = open(ledger.directory())?;
        if anchor.is_none() {
            tracing::warn!("the ledger has no anchor: that its end was cut off would not show");
        }
        let (newest, waiting) = watch::channel(None);
        let state = Arc::new(Mutex::new(State::default()));
        let mut writer = Writer {
            ledger: ledger.clone(),
            key,
            file: Arc::new(file),
            reached: 0,
            newest,
            state: Arc::clone(&state),
            clock: clock.clone(),
            metrics: metrics.clone(),
            anchored: anchor.is_some(),
        };
        writer.resume(last);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = vec![tokio::spawn(writer.run(every, stopped))];
        if let Some(anchor) = anchor {
            let state = Arc::clone(&state);
            let sender = Sender { anchor: Arc::new(anchor), state, clock: clock.clone(), metrics };
            tasks.push(tokio::spawn(sender.run(waiting)));
        }
        Ok(Self { state, clock, stop, tasks: Mutex::new(tasks) })
    }

    /// What an operator must look at, if there is something. Exchanges go on meanwhile.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let State { unanchored, unwritten, lost } = *lock(&self.state);
        let age = unanchored.map(|since| self.clock.unix_millis().saturating_sub(since));
        let late = age.filter(|age| Duration::from_millis(*age) > MAX_ANCHOR_AGE);
        let late =
            late.map(|age| format!("ledger: checkpoints of the last {} s are not anchored", age / 1000));
        let unwritten =
            unwritten.map(|kind| format!("ledger: the last checkpoint could not be written: {kind}"));
        let lost = lost.map(|sequence| {
            format!(
                "ledger: it ended before its checkpoint of record {sequence}: its end was lost or cut off"
            )
        });
        late.into_iter().chain(unwritten).chain(lost).collect()
    }

    /// Makes the last checkpoint, after the ledger was closed, and waits a moment for the anchor.
    pub async fn close(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for mut task in tasks {
            if timeout(LAST, &mut task).await.is_err() {
                tracing::warn!("the ledger's last checkpoint is not anchored");
                task.abort();
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signs, and appends to the directory's own file.
struct Writer {
    ledger: Ledger,
    key: CheckpointKey,
    file: Arc<File>,
    /// The last record that a checkpoint covers.
    reached: u64,
    newest: watch::Sender<Option<Made>>,
    state: Arc<Mutex<State>>,
    clock: Clock,
    metrics: Metrics,
    anchored: bool,
}

impl Writer {
    /// Hands the last checkpoint of the run before to the anchor: it may not have got there.
    fn resume(&mut self, last: Option<String>) {
        let Some(line) = last else { return };
        if let Some(Line::Good(last)) = find(line.as_bytes())
            && last.log == self.ledger.log()
            && last.key == self.key.public()
        {
            let end = self.ledger.tip().map_or(0, |(sequence, _)| sequence);
            if last.sequence > end {
                lock(&self.state).lost = Some(last.sequence);
                tracing::error!(
                    checkpoint = last.sequence,
                    end,
                    "the ledger ends before its last checkpoint: its end was lost or cut off; keep it as evidence, \
                     and compare it with its anchor (`tavs ledger verify`)"
                );
            }
            self.reached = last.sequence;
            self.publish(Made { line: line.into(), unix_millis: self.clock.unix_millis() });
        }
    }

    async fn run(mut self, every: Duration, mut stopped: watch::Receiver<bool>) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stop = tokio::select! {
                _ = ticks.tick() => false,
                _ = stopped.wait_for(|stopped| *stopped) => true,
            };
            self.make().await;
            if stop {
                return;
            }
        }
    }

    async fn make(&mut self) {
        let Some((sequence, hash)) = self.ledger.tip().filter(|(sequence, _)| *sequence > self.reached)
        else {
            return;
        };
        let unix_millis = self.clock.unix_millis();
        let checkpoint = Checkpoint {
            says: Says::Reached,
            log: self.ledger.log(),
            node: self.ledger.node().to_owned(),
            sequence,
            hash,
            unix_millis,
            key: self.key.public(),
        };
        let Some(line) = checkpoint.sign(&self.key) else { return };
        let (file, whole) = (Arc::clone(&self.file), format!("{line}\n"));
        let written = tokio::task::spawn_blocking(move || append(&file, whole.as_bytes())).await;
        let unwritten = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.kind()),
            Err(_panicked) => Some(io::ErrorKind::Other),
        };
        lock(&self.state).unwritten = unwritten;
        if let Some(kind) = unwritten {
            self.metrics.ledger_checkpoint_failures.inc();
            tracing::error!(%kind, "a checkpoint could not be written");
        } else {
            self.reached = sequence;
            self.metrics.ledger_checkpoints.inc();
        }
        // Elsewhere it is worth as much, whatever became of our own copy.
        self.publish(Made { line: line.into(), unix_millis });
    }

    fn publish(&self, made: Made) {
        if self.anchored {
            lock(&self.state).unanchored.get_or_insert(made.unix_millis);
            self.newest.send_replace(Some(made));
        }
    }
}

/// Sends the newest checkpoint to the anchor, again and again until it is there.
struct Sender {
    anchor: Arc<Anchor>,
    state: Arc<Mutex<State>>,
    clock: Clock,
    metrics: Metrics,
}

impl Sender {
    async fn run(self, mut waiting: watch::Receiver<Option<Made>>) {
        let mut failing = false;
        // Ends when nobody makes checkpoints any more and the last was tried.
        while waiting.changed().await.is_ok() {
            loop {
                let Some(made) = waiting.borrow_and_update().clone() else { break };
                match self.anchor.send(&made.line).await {
                    Ok(()) => {
                        if std::mem::take(&mut failing) {
                            tracing::info!("the anchor takes checkpoints again");
                        }
                        self.anchored(&made, &waiting);
                        break;
                    }
                    Err(error) => {
                        self.metrics.ledger_anchor_failures.inc();
                        if !std::mem::replace(&mut failing, true) {
                            tracing::error!(%error, "a checkpoint could not be anchored; it is tried again");
                        }
                    }
                }
                if timeout(RETRY, waiting.changed()).await.is_ok_and(|newer| newer.is_err()) {
                    return;
                }
            }
        }
    }

    fn anchored(&self, made: &Made, waiting: &watch::Receiver<Option<Made>>) {
        let newer = waiting.borrow().as_ref().map(|newest| newest.unix_millis);
        lock(&self.state).unanchored = newer.filter(|newer| *newer != made.unix_millis);
        let now = Duration::from_millis(self.clock.unix_millis()).as_secs_f64();
        self.metrics.ledger_anchored.set(now);
    }
}

pub(in crate::ledger) fn append(mut file: &File, line: &[u8]) -> io::Result<()> {
    file.write_all(line)?;
    file.sync_data()
}

/// Opens the directory's own file to be appended to, and gives its last line. A line that a crash cut
/// short goes: the next one says more.
pub(in crate::ledger) fn open(directory: &Path) -> Result<(File, Option<String>), LedgerError> {
    let path = directory.join(FILE);
    let io = |source| LedgerError::Io { doing: "use", path: path.clone(), source };
    let new = !path.exists();
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).map_err(io)?;
    if new {
        file.sync_all().map_err(io)?;
        File::open(directory).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    let length = file.metadata().map_err(io)?.len();
    let start = length.saturating_sub(u64::try_from(2 * MAX_LINE).unwrap_or(u64::MAX));
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let mut tail = Vec::new();
    (&file).take(length).read_to_end(&mut tail).map_err(io)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    if whole == 0 && start > 0 {
        return Err(LedgerError::Checkpoints { path });
    }
    if whole < tail.len() {
        file.set_len(start.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX))).map_err(io)?;
        file.sync_all().map_err(io)?;
    }
    let text = tail.get(..whole).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
    Ok((file, text.lines().last().map(str::to_owned)))
}

/// Makes what is not anchored older than any limit.
#[cfg(test)]
pub(super) fn age(keeper: &Keeper) {
    lock(&keeper.state).unanchored = Some(0);
}
