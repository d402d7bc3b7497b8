//! Group commit, bounds and deadlines.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{entry, records, run, settings};
use crate::ledger::{AppendError, Disk, FileSystem, Ledger, Limits, Settings};

/// Counts syncs, and lets each wait for a word from the test once there is a gate. May panic at each past a number of them.
#[derive(Debug, Default)]
struct Watched {
    syncs: Arc<AtomicUsize>,
    gate: Option<Mutex<Receiver<()>>>,
    panics_after: Option<usize>,
}

impl Watched {
    fn survive(&self, before: usize) {
        assert!(self.panics_after.is_none_or(|most| before < most), "a disk that panics");
    }
}

impl Disk for Watched {
    fn create(&mut self, path: &Path) -> io::Result<File> {
        FileSystem.create(path)
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        FileSystem.open(path)
    }

    fn write(&mut self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        FileSystem.write(file, at, bytes)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        let before = self.syncs.fetch_add(1, Ordering::SeqCst);
        self.survive(before);
        if let Some(gate) = &self.gate {
            // When the test has ended, everything goes on.
            gate.lock().unwrap().recv().unwrap_or_default();
        }
        FileSystem.sync(file)
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        FileSystem.truncate(file, length)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        FileSystem.rename(from, to)
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        FileSystem.sync_directory(directory)
    }
}

/// A ledger whose every sync waits for a word, but for the one of its beginning.
fn gated(directory: &Path, limits: Limits) -> (Ledger, SyncSender<()>) {
    let (open, gate) = sync_channel(100);
    open.send(()).unwrap();
    let disk = Watched { gate: Some(Mutex::new(gate)), ..Watched::default() };
    let settings = Settings { limits, ..settings(directory) };
    (Ledger::open_on(settings, Box::new(disk)).unwrap().0, open)
}

/// A ledger that has been begun, and how many syncs it takes from here on.
fn counted(directory: &Path) -> (Ledger, Arc<AtomicUsize>) {
    let syncs = Arc::new(AtomicUsize::new(0));
    let disk = Watched { syncs: Arc::clone(&syncs), ..Watched::default() };
    let (ledger, _) = Ledger::open_on(settings(directory), Box::new(disk)).unwrap();
    syncs.store(0, Ordering::SeqCst);
    (ledger, syncs)
}

#[test]
fn records_that_wait_together_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, syncs) = counted(folder.path());
        let tasks = (0..100).map(|n| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.append(&entry(n)).await.unwrap().sequence() })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut sequences = Vec::new();
        for task in tasks {
            sequences.push(task.await.unwrap());
        }
        sequences.sort_unstable();
        assert_eq!(sequences, (1..=100).collect::<Vec<_>>());
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
    });
    assert_eq!(records(folder.path()).unwrap().len(), 100);
}

/// How many syncs ten records take of which each is ready two turns of the event loop after the one before.
fn syncs_of_ten_turns() -> usize {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, syncs) = counted(folder.path());
        let tasks = (0..10).map(|n| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for _ in 0..2 * n {
                    tokio::task::yield_now().await;
                }
                ledger.append(&entry(n)).await.unwrap();
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        syncs.load(Ordering::SeqCst)
    })
}

#[test]
fn records_of_later_turns_share_the_sync_too() {
    // A machine that is busy elsewhere for a millisecond ends the wait: not 50 times one after the other.
    assert!((0..50).any(|_| syncs_of_ten_turns() == 1));
}

#[test]
fn a_writer_that_panics_gives_no_receipt_then_or_later() {
    let folder = tempfile::tempdir().unwrap();
    // The beginning's and the first record's.
    let disk = Watched { panics_after: Some(2), ..Watched::default() };
    run(async {
        let (ledger, _) = Ledger::open_on(settings(folder.path()), Box::new(disk)).unwrap();
        assert_eq!(ledger.append(&entry(1)).await.unwrap().sequence(), 1);
        assert!(matches!(ledger.append(&entry(2)).await, Err(AppendError::Failed(_))));
        assert!(matches!(ledger.append(&entry(3)).await, Err(AppendError::Failed(_))));
        assert!(matches!(ledger.usable(), Err(AppendError::Failed(_))));
        assert!(matches!(ledger.close().await, Err(AppendError::Failed(_))));
    });
}

#[test]
fn no_receipt_before_the_sync() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, open) = gated(folder.path(), Limits::default());
        let append = {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.append(&entry(1)).await })
        };
        while records(folder.path()).unwrap().is_empty() {
            tokio::task::yield_now().await; // until it is written, and waits in the sync
        }
        assert!(!append.is_finished());
        open.send(()).unwrap();
        assert_eq!(append.await.unwrap().unwrap().sequence(), 1);
    });
}

#[test]
fn a_late_sync_gives_no_receipt_but_leaves_the_record() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let limits = Limits { wait: Duration::from_millis(20), ..Limits::default() };
        let (ledger, open) = gated(folder.path(), limits);
        assert_eq!(ledger.append(&entry(1)).await, Err(AppendError::Late));
        assert_eq!(ledger.usable(), Ok(())); // slow is not broken
        for _ in 0..10 {
            open.send(()).unwrap();
        }
        while ledger.close().await.is_err() {}
        assert_eq!(ledger.append(&entry(2)).await, Err(AppendError::Closed));
    });
    assert_eq!(records(folder.path()).unwrap().len(), 1);
}

#[test]
fn what_waits_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let limits = Limits { pending: 1200, wait: Duration::from_millis(20), ..Limits::default() };
        let (ledger, _open) = gated(folder.path(), limits);
        // The first is being written, two more fit, the fourth does not.
        assert_eq!(ledger.append(&entry(1)).await, Err(AppendError::Late));
        assert_eq!(ledger.append(&entry(2)).await, Err(AppendError::Late));
        assert_eq!(ledger.append(&entry(3)).await, Err(AppendError::Late));
        assert_eq!(ledger.append(&entry(4)).await, Err(AppendError::Overloaded));
    });
}

#[test]
fn a_record_over_the_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let limits = Limits { record: 400, ..Limits::default() };
        let (ledger, _) = Ledger::open(Settings { limits, ..settings(folder.path()) }).unwrap();
        assert_eq!(ledger.append(&entry(1)).await, Err(AppendError::TooLarge));
    });
    assert_eq!(records(folder.path()).unwrap(), []);
}

#[test]
fn an_exchange_that_gives_up_is_recorded_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, open) = gated(folder.path(), Limits::default());
        let append = {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.append(&entry(1)).await })
        };
        while records(folder.path()).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        append.abort();
        open.send(()).unwrap();
        ledger.close().await.unwrap();
    });
    assert_eq!(records(folder.path()).unwrap().len(), 1);
}

#[test]
fn closing_waits_for_what_was_appended() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, _) = Ledger::open(settings(folder.path())).unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let ledger = ledger.clone();
                tokio::spawn(async move { ledger.append(&entry(n)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        ledger.close().await.unwrap();
        assert_eq!(records(folder.path()).unwrap().len(), 20);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(ledger.usable(), Err(AppendError::Closed));
    });
}

#[test]
fn a_runtime_that_goes_away_fails_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(settings(folder.path())).unwrap();
    let going = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let append = {
        let ledger = ledger.clone();
        going.spawn(async move { ledger.append(&entry(1)).await })
    };
    going.block_on(tokio::task::yield_now()); // appended; the task that writes has not run
    drop(going);
    drop(append);
    assert!(matches!(ledger.usable(), Err(AppendError::Failed(_))));
}
