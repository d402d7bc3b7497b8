//! Packs closed segments (gzip): a record's hexadecimal digits and member names compress to a few per
//! cent of what they take.
//!
//! A thread of its own, behind the writer. What must never happen here: a segment that is gone from
//! the disk before its packed form is on it and reads back the same.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::disk::Disk;
use super::error::LedgerError;
use super::segment::{self, Hash, Segment, length_of, packed_path_of, path_of};

/// How often the directory is looked at for segments that have been closed; one takes hours to fill.
const INTERVAL: Duration = Duration::from_secs(10);
/// Bytes that are packed before they are written.
const CHUNK: usize = 1 << 20;

/// Packs what is closed until it is dropped.
#[derive(Debug)]
pub struct Packer {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Packer {
    /// Begins on the segments that are closed already.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(directory: &Path, mut disk: Box<dyn Disk>) -> io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (theirs, directory) = (Arc::clone(&stop), directory.to_owned());
        let work = move || {
            let (stopping, changed) = &*theirs;
            let mut failing = false;
            while !*stopping.lock().unwrap_or_else(PoisonError::into_inner) {
                match pack_next(&mut *disk, &directory) {
                    Ok(true) => continue,
                    Ok(false) => failing = false,
                    // Nothing is lost: the segment stays as it was.
                    Err(error) if !std::mem::replace(&mut failing, true) => {
                        tracing::error!(%error, "a closed segment could not be packed; it is tried again");
                    }
                    Err(_said) => {}
                }
                let guard = stopping.lock().unwrap_or_else(PoisonError::into_inner);
                drop(changed.wait_timeout_while(guard, INTERVAL, |stopping| !*stopping));
            }
        };
        let thread = std::thread::Builder::new().name("tavs-pack".to_owned()).spawn(work)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Packs the oldest closed segment that is not packed; whether there was one.
///
/// # Errors
/// When it is not what was written, or the disk fails. Then it stays as it was.
pub(super) fn pack_next(disk: &mut dyn Disk, directory: &Path) -> Result<bool, LedgerError> {
    let mut numbers = segment::list(directory)?;
    numbers.pop(); // is being written to
    let Some(number) = numbers.into_iter().find(|number| path_of(directory, *number).exists()) else {
        return Ok(false);
    };
    let (plain, packed) = (path_of(directory, number), packed_path_of(directory, number));
    let io = |source| LedgerError::Io { doing: "pack", path: plain.clone(), source };
    let new = packed.with_extension("gz.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        Ok(()) | Err(_) => {} // of an attempt that a crash cut short
    }
    let last = last_line(&plain)?;
    copy(disk, &plain, &new).map_err(io)?;
    disk.rename(&new, &packed).map_err(io)?;
    disk.sync_directory(directory).map_err(io)?;
    if last_line(&packed)? != last {
        return Err(io(io::ErrorKind::InvalidData.into()));
    }
    fs::remove_file(&plain).map_err(io)?;
    disk.sync_directory(directory).map_err(io)?;
    Ok(true)
}

/// The hash and number behind the last line, every line verified.
fn last_line(path: &Path) -> Result<(Hash, u64), LedgerError> {
    let mut segment = Segment::open(path)?;
    while segment.next_line()?.is_some() {}
    Ok((segment.last(), segment.next_sequence()))
}

fn copy(disk: &mut dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    let mut reader = fs::File::open(from)?;
    let file = disk.create(to)?;
    let mut packed = GzEncoder::new(Vec::with_capacity(CHUNK), Compression::default());
    let (mut chunk, mut at) = (vec![0; CHUNK], 0_u64);
    loop {
        let length = io::Read::read(&mut reader, &mut chunk)?;
        if length == 0 {
            break;
        }
        packed.write_all(chunk.get(..length).unwrap_or_default())?;
        if packed.get_ref().len() >= CHUNK {
            disk.write(&file, at, packed.get_ref())?;
            at = at.saturating_add(length_of(packed.get_ref()));
            packed.get_mut().clear();
        }
    }
    disk.write(&file, at, &packed.finish()?)?;
    disk.sync(&file)
}
