//! The n-th operation on the disk fails, for every n: whoever got a receipt is on record, and what
//! is on record is a whole prefix.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{entry, records, run, settings};
use crate::ledger::{AppendError, Disk, FileSystem, Ledger, Limits, Settings};

/// What a failing operation has done to the disk before it failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// Nothing; a failed sync left everything in place.
    Nothing,
    /// All of it.
    All,
    /// A part of the bytes was written; of what a failed sync should have kept, every other sector is lost.
    Part,
}

/// Fails once, at the n-th operation, and at each operation from there on if `dead`.
#[derive(Debug)]
pub(super) struct Failing {
    fault: Fault,
    dead: bool,
    left: Arc<AtomicUsize>,
    /// What was synced, by file.
    synced: HashMap<u64, Vec<u8>>,
}

pub(super) fn failing(n: usize, fault: Fault, dead: bool) -> Failing {
    Failing { fault, dead, left: Arc::new(AtomicUsize::new(n)), synced: HashMap::new() }
}

impl Failing {
    fn fails(&self) -> bool {
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        left == 1 || (self.dead && left == 0)
    }

    fn apply<T>(
        &mut self,
        part: impl FnOnce(&mut Self) -> io::Result<()>,
        all: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.fails() {
            return all(self);
        }
        match self.fault {
            Fault::Nothing => {}
            Fault::All => drop(all(self)?),
            Fault::Part => part(self)?,
        }
        Err(io::Error::from_raw_os_error(5))
    }
}

impl Disk for Failing {
    fn create(&mut self, path: &Path) -> io::Result<File> {
        self.apply(|_| Ok(()), |_| FileSystem.create(path))
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        self.apply(|_| Ok(()), |_| FileSystem.open(path))
    }

    fn write(&mut self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        let half = bytes.len() / 2;
        self.apply(|_| FileSystem.write(file, at, &bytes[..half]), |_| FileSystem.write(file, at, bytes))
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        let inode = file.metadata()?.ino();
        self.apply(
            |disk| lose_sectors(file, disk.synced.get(&inode).map_or(&[], Vec::as_slice)),
            |disk| {
                disk.synced.insert(inode, content(file)?);
                FileSystem.sync(file)
            },
        )
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        self.apply(|_| Ok(()), |_| FileSystem.truncate(file, length))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.apply(|_| Ok(()), |_| FileSystem.rename(from, to))
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        self.apply(|_| Ok(()), |_| FileSystem.sync_directory(directory))
    }
}

fn content(file: &File) -> io::Result<Vec<u8>> {
    std::fs::read(format!("/proc/self/fd/{}", file.as_raw_fd())) // it is open for writing only
}

/// Puts the sectors of even number back to what they were, zeros where there was nothing.
fn lose_sectors(file: &File, before: &[u8]) -> io::Result<()> {
    const SECTOR: usize = 512;
    for at in (0..content(file)?.len()).step_by(2 * SECTOR) {
        let mut sector = before.get(at..before.len().min(at + SECTOR)).unwrap_or_default().to_vec();
        let end = content(file)?.len().min(at + SECTOR);
        sector.resize(end - at, 0);
        file.write_all_at(&sector, u64::try_from(at).unwrap())?;
    }
    Ok(())
}

/// Opens, appends in threes and rotates, with the n-th operation failing; says whether it did.
fn attempt(n: usize, fault: Fault, dead: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 2500, ..Limits::default() };
    let settings = Settings { limits, ..settings(folder.path()) };
    let left = Arc::new(AtomicUsize::new(n));
    let disk = Failing { fault, dead, left: Arc::clone(&left), synced: HashMap::new() };

    let mut receipts = Vec::new();
    run(async {
        let Ok((ledger, _)) = Ledger::open_on(settings.clone(), Box::new(disk)) else { return };
        let mut failed = false;
        for begin in (0..18).step_by(3) {
            let tasks: Vec<_> = (begin..begin + 3)
                .map(|n| {
                    let ledger = ledger.clone();
                    tokio::spawn(async move { ledger.append(&entry(n)).await })
                })
                .collect();
            for task in tasks {
                let appended = task.await.unwrap();
                assert!(!(failed && appended.is_ok()), "a receipt after a failure");
                match appended {
                    Ok(receipt) => receipts.push(receipt),
                    Err(error) => {
                        assert!(matches!(error, AppendError::Failed(_)), "{error}");
                        assert!(ledger.usable().is_err());
                        failed = true;
                    }
                }
            }
        }
    });
    let fired = left.load(Ordering::SeqCst) == 0;

    let context = format!("operation {n}, {fault:?}, dead: {dead}");
    run(async {
        let (ledger, found) = Ledger::open(settings).unwrap_or_else(|error| panic!("{context}: {error}"));
        let kept = records(folder.path()).unwrap();
        assert_eq!(u64::try_from(kept.len()).unwrap(), found.last_sequence, "{context}");
        for (index, record) in kept.iter().enumerate() {
            assert_eq!(usize::try_from(record.sequence).unwrap(), index + 1, "{context}");
        }
        for receipt in &receipts {
            let at = usize::try_from(receipt.sequence()).unwrap() - 1;
            assert_eq!(kept[at].entry().unwrap().exchange, receipt.exchange(), "{context}");
        }
        ledger.append(&entry(99)).await.unwrap();
    });
    fired
}

#[test]
fn after_any_failure_receipts_are_on_record_and_the_record_is_a_whole_prefix() {
    for fault in [Fault::Nothing, Fault::All, Fault::Part] {
        for dead in [false, true] {
            let attempts = (1..).take_while(|n| attempt(*n, fault, dead)).count();
            assert!(attempts > 15, "only {attempts} operations were tried");
        }
    }
}
