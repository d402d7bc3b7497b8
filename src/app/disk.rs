//! The ledger's disk, with what it takes measured.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::clock::Clock;
use crate::ledger::Disk;
use crate::telemetry::Metrics;

/// Another disk, whose syncs are timed and whose failures are counted.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) disk: Box<dyn Disk>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

impl Measured {
    fn counted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if done.is_err() {
            self.metrics.ledger_errors.inc();
        }
        done
    }
}

impl Disk for Measured {
    fn create(&mut self, path: &Path) -> io::Result<File> {
        let done = self.disk.create(path);
        self.counted(done)
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        let done = self.disk.open(path);
        self.counted(done)
    }

    fn write(&mut self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        let done = self.disk.write(file, at, bytes);
        self.counted(done)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        let begun = self.clock.instant();
        let done = self.disk.sync(file);
        let took = self.clock.instant().saturating_duration_since(begun);
        self.metrics.ledger_sync.observe(took.as_secs_f64());
        self.counted(done)
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        let done = self.disk.truncate(file, length);
        self.counted(done)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let done = self.disk.rename(from, to);
        self.counted(done)
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        let done = self.disk.sync_directory(directory);
        self.counted(done)
    }

    fn takes_exchanges(&self) -> bool {
        self.disk.takes_exchanges()
    }
}
