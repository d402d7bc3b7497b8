//! Zeros that records will take the place of, and what a crash leaves between them.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{entry, fill, records, run, settings};
use crate::ledger::index::rebuild;
use crate::ledger::verify::{Against, Finding, Verification, verify};
use crate::ledger::{Damage, Disk, FileSystem, Ledger, LedgerError, Limits, Settings, Tail, read_prefix};
use crate::store::Store;

const FIRST: &str = "00000001.ledger";
const SECTOR: usize = 512;

/// A ledger of so many records as a crash leaves it, with the lines' ends.
fn crashed(directory: &Path, count: u16) -> (Vec<u8>, Vec<usize>) {
    let bytes = run(async {
        let (ledger, _) = Ledger::open(settings(directory)).unwrap();
        append(&ledger, count).await;
        fs::read(directory.join(FIRST)).unwrap()
    });
    fs::write(directory.join(FIRST), &bytes).unwrap();
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    (bytes, ends)
}

/// All at a time.
async fn append(ledger: &Ledger, count: u16) {
    let tasks = (0..count).map(|n| {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.append(&entry(u8::try_from(n % 250).unwrap())).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn verified(directory: &Path) -> Verification {
    verify(directory, Against::default()).unwrap()
}

#[test]
fn an_open_ledger_has_room_and_a_closed_one_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FIRST);
    run(async {
        let (ledger, _) = Ledger::open(settings(folder.path())).unwrap();
        ledger.append(&entry(1)).await.unwrap();
        let first = fs::read(&path).unwrap();
        assert_eq!(first.last(), Some(&0));
        ledger.append(&entry(2)).await.unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), first.len(), "it takes the place of zeros");
        assert_eq!(records(folder.path()).unwrap().len(), 2);
        ledger.close().await.unwrap();
    });
    assert!(!fs::read(&path).unwrap().contains(&0));
}

#[test]
fn room_that_a_crash_left_is_read_over_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, ends) = crashed(folder.path(), 3);
    assert!(bytes.len() > ends[3]);
    assert_eq!(records(folder.path()).unwrap().len(), 3);
    assert_eq!(read_prefix(folder.path()).unwrap().count(), 3);
    let mut tail = Tail::before_end(folder.path(), 1).unwrap();
    assert_eq!(tail.advance().unwrap().map(|record| record.sequence), Some(3));
    assert_eq!(tail.advance().unwrap(), None);
    let found = verified(folder.path());
    assert_eq!((found.findings, found.last, found.torn), (vec![], 3, false));
    let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
    assert_eq!(rebuild(folder.path(), &store, |_| {}).unwrap(), 3);

    run(async {
        let (ledger, found) = Ledger::open(settings(folder.path())).unwrap();
        assert_eq!((found.last_sequence, found.set_aside), (3, None));
        ledger.append(&entry(4)).await.unwrap();
        assert_eq!(fs::read(folder.path().join(FIRST)).unwrap().len(), bytes.len());
        assert_eq!(tail.advance().unwrap().map(|record| record.sequence), Some(4));
    });
}

#[test]
fn only_the_last_segment_may_end_in_zeros() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits { segment: 500, ..Limits::default() }, 1..=3);
    for number in 1..=2 {
        let path = folder.path().join(format!("0000000{number}.ledger"));
        let whole = fs::read(&path).unwrap();
        assert!(!whole.contains(&0), "closed without room");
        fs::write(&path, [&whole[..], &[0; SECTOR]].concat()).unwrap();
        assert!(records(folder.path()).is_err());
        assert_eq!(verified(folder.path()).findings.len(), 1);
        assert_eq!(Ledger::open(settings(folder.path())).is_err(), number == 2); // looks at two segments
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn of_a_last_write_any_sectors_may_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FIRST);
    let (bytes, ends) = crashed(folder.path(), 6);
    // The last five were one write: what is before it stays, whichever sectors of it the disk lost.
    let (begin, end) = (ends[1], ends[6]);
    let sectors: Vec<usize> = (begin / SECTOR..=end / SECTOR).collect();
    for lost in 1_u32..1 << sectors.len() {
        let mut torn = bytes.clone();
        for (bit, sector) in sectors.iter().enumerate() {
            if lost & 1 << bit != 0 {
                torn[(sector * SECTOR).max(begin)..((sector + 1) * SECTOR).min(end)].fill(0);
            }
        }
        fs::write(&path, &torn).unwrap();
        let found = verified(folder.path());
        assert_eq!(found.findings, [], "{lost:b}");
        let (_, opened) = Ledger::open(settings(folder.path())).unwrap();
        assert_eq!(opened.last_sequence, found.last, "{lost:b}");
        assert_eq!(opened.set_aside.is_some(), found.torn, "{lost:b}");
        assert_eq!(records(folder.path()).unwrap().len(), usize::try_from(found.last).unwrap());
        opened.set_aside.into_iter().for_each(|(path, _)| fs::remove_file(path).unwrap());
    }
}

#[test]
fn zeros_in_the_middle_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FIRST);
    let (bytes, ends) = crashed(folder.path(), 600);
    let refused = |what: &str, changed: &[u8]| {
        fs::write(&path, changed).unwrap();
        assert_eq!(verified(folder.path()).findings.len(), 1, "{what}");
        assert!(records(folder.path()).is_err(), "{what}");
        let opened = Ledger::open(settings(folder.path()));
        assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{what}");
        assert_eq!(fs::read(&path).unwrap(), changed, "{what}: left alone");
    };
    let zeroed = |from: usize, to: usize| {
        let mut changed = bytes.clone();
        changed[from..to].fill(0);
        changed
    };
    refused("a byte of the last record", &zeroed(ends[600] - 100, ends[600] - 99));
    refused("a record near the end", &zeroed(ends[598], ends[599]));
    refused("its line feed", &zeroed(ends[599] - 1, ends[599]));
    let sector = ends[3] / SECTOR * SECTOR + SECTOR;
    refused("a sector, with more behind it than one write", &zeroed(sector, sector + SECTOR));
    refused("something behind the room", &[&bytes[..], b"{}"].concat());
    let mut cut = bytes.clone();
    cut.drain(ends[3]..ends[4]);
    refused("a record cut out", &cut);
}

/// A disk that has room for so many bytes of a file and no more.
#[derive(Debug)]
struct Full(u64);

impl Disk for Full {
    fn create(&mut self, path: &Path) -> io::Result<fs::File> {
        FileSystem.create(path)
    }

    fn open(&mut self, path: &Path) -> io::Result<fs::File> {
        FileSystem.open(path)
    }

    fn write(&mut self, file: &fs::File, at: u64, bytes: &[u8]) -> io::Result<()> {
        let fits = usize::try_from(self.0.saturating_sub(at)).unwrap().min(bytes.len());
        FileSystem.write(file, at, &bytes[..fits])?;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self, file: &fs::File) -> io::Result<()> {
        FileSystem.sync(file)
    }

    fn truncate(&mut self, file: &fs::File, length: u64) -> io::Result<()> {
        FileSystem.truncate(file, length)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        FileSystem.rename(from, to)
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        FileSystem.sync_directory(directory)
    }
}

#[test]
fn without_space_for_room_nothing_is_taken_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (ledger, _) = Ledger::open_on(settings(folder.path()), Box::new(Full(100_000))).unwrap();
        let refused = ledger.append(&entry(1)).await.unwrap_err();
        assert!(refused.to_string().contains("write"), "{refused}");
        assert!(ledger.usable().is_err());
    });
    assert!(!fs::read(folder.path().join(FIRST)).unwrap().contains(&0));
    let (_, found) = Ledger::open(settings(folder.path())).unwrap();
    assert_eq!((found.last_sequence, found.set_aside), (0, None));
}

#[test]
fn a_large_batch_is_several_writes() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 1 << 20, ..Limits::default() };
    run(async {
        let (ledger, _) = Ledger::open(Settings { limits, ..settings(folder.path()) }).unwrap();
        append(&ledger, 600).await;
    });
    let (kept, end) =
        (records(folder.path()).unwrap(), fs::metadata(folder.path().join(FIRST)).unwrap().len());
    assert_eq!(kept.len(), 600);
    // All of it was one batch. What is torn can still be told from what was changed.
    let file = OpenOptions::new().write(true).open(folder.path().join(FIRST)).unwrap();
    file.write_all_at(&[0; SECTOR], (end - 30_000) / 512 * 512).unwrap();
    assert_eq!(verified(folder.path()).findings, []);
    file.write_all_at(&[0; SECTOR], (end - 300_000) / 512 * 512).unwrap();
    let found = verified(folder.path()).findings;
    assert!(matches!(&found[..], [Finding::Chain { damage: Damage::Hash | Damage::Form, .. }]), "{found:?}");
}
