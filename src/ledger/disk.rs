//! The few things that a ledger does to a disk, as a trait, so that tests can let the n-th fail.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// All that changes a ledger's directory goes through this.
pub trait Disk: Debug + Send {
    /// Makes a file that must not exist yet, mode 0600, to be written to.
    ///
    /// # Errors
    /// What the system says.
    fn create(&mut self, path: &Path) -> io::Result<File>;

    /// Opens an existing file to be written to.
    ///
    /// # Errors
    /// What the system says.
    fn open(&mut self, path: &Path) -> io::Result<File>;

    /// Writes all of the bytes, from a place in the file on.
    ///
    /// # Errors
    /// What the system says; some of the bytes may be in the file then.
    fn write(&mut self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until the file's bytes and length are on disk.
    ///
    /// # Errors
    /// What the system says; nothing is known about the bytes since the last sync then.
    fn sync(&mut self, file: &File) -> io::Result<()>;

    /// Cuts the file to a length.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()>;

    /// Gives a file another name.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Waits until the names in a directory are on disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()>;

    /// Whether it takes the records of exchanges. A disk can lie about a sync, and about this: the one of
    /// `benches/ledger` does, to measure an exchange without its record. tavs itself has no such disk.
    fn takes_exchanges(&self) -> bool {
        true
    }
}

/// The file system, as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn create(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).open(path)
    }

    fn write(&mut self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}
