//! Closed segments are packed, whatever fails meanwhile, and read back as they were.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use super::faults::{Fault, failing};
use super::{entry, fill, records, run, settings};
use crate::ledger::pack::{Packer, pack_next};
use crate::ledger::verify::{Against, verify};
use crate::ledger::{
    DEFAULT_PENDING, DEFAULT_RECORD, DEFAULT_WAIT, Damage, FileSystem, Ledger, LedgerError, Limits, Settings,
};

const LIMITS: Limits =
    Limits { wait: DEFAULT_WAIT, pending: DEFAULT_PENDING, record: DEFAULT_RECORD, segment: 1500 };

#[test]
fn packed_segments_read_verify_and_are_written_on_as_before() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), LIMITS, 1..=9);
    let before = records(folder.path()).unwrap();
    let packer = Packer::start(folder.path(), Box::new(FileSystem)).unwrap();
    while folder.path().join("00000002.ledger").exists() || folder.path().join("00000001.ledger").exists() {
        std::thread::yield_now();
    }
    drop(packer);
    assert_eq!(records(folder.path()).unwrap(), before);
    run(async {
        let settings = Settings { limits: LIMITS, ..settings(folder.path()) };
        let (ledger, found) = Ledger::open(settings).unwrap();
        assert_eq!(found.last_sequence, 9);
        ledger.append(&entry(10)).await.unwrap();
    });
    let found = verify(folder.path(), Against::default()).unwrap();
    assert_eq!((found.findings, found.last), (Vec::new(), 10));
}

#[test]
fn whatever_fails_while_a_segment_is_packed_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), LIMITS, 1..=5);
    let (before, place) = (records(folder.path()).unwrap(), tempfile::tempdir().unwrap());
    for fault in [Fault::Nothing, Fault::All, Fault::Part] {
        for (n, dead) in (1..=5).flat_map(|n| [(n, false), (n, true)]) {
            let copy = place.path().join(format!("{fault:?}-{n}-{dead}"));
            fs::create_dir(&copy).unwrap();
            for file in folder.path().read_dir().unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), copy.join(file.file_name())).unwrap();
            }
            let mut disk = failing(n, fault, dead);
            assert!(pack_next(&mut disk, &copy).is_err(), "{fault:?} {n}");
            assert_eq!(records(&copy).unwrap(), before, "{fault:?} {n}");
            while pack_next(&mut FileSystem, &copy).unwrap() {}
            assert_eq!(records(&copy).unwrap(), before, "{fault:?} {n}");
            assert!(!copy.join("00000001.ledger").exists() && copy.join("00000001.ledger.gz").exists());
        }
    }
}

#[test]
fn a_packed_segment_that_is_not_what_was_packed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), LIMITS, 1..=5);
    while pack_next(&mut FileSystem, folder.path()).unwrap() {}
    let path = folder.path().join("00000001.ledger.gz");
    let whole = fs::read(&path).unwrap();
    let refused = || matches!(records(folder.path()), Err(LedgerError::Damaged { .. }));
    for at in (10..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(refused(), "byte {at}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(refused());
    fs::write(&path, &whole).unwrap();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"behind").unwrap();
    assert!(matches!(records(folder.path()), Err(LedgerError::Damaged { damage: Damage::Packed, .. })));
    // The last segment is never packed: if only packed ones are there, the last is gone.
    fs::write(&path, &whole).unwrap();
    fs::remove_file(folder.path().join("00000002.ledger")).unwrap();
    let opened = Ledger::open(settings(folder.path()));
    assert!(matches!(opened, Err(LedgerError::Gap { missing: 2, .. })));
}
