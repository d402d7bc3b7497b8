//! Files that are not as they were written.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{fill, records, settings, text_of};
use crate::ledger::{Damage, Ledger, LedgerError, Limits, canonical};

const FIRST: &str = "00000001.ledger";

#[test]
fn a_last_write_cut_anywhere_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), 1..=3);
    let path = folder.path().join(FIRST);
    let whole = fs::read(&path).unwrap();
    let kept = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    let zeros = |cut: usize| [&whole[..cut], &vec![0; whole.len() - cut]].concat();
    // Every twentieth byte, from that before the line feed, and the first: each case is five syncs.
    for cut in (kept + 1..whole.len()).rev().step_by(20).chain([kept + 1]) {
        for torn in [whole[..cut].to_vec(), zeros(cut)] {
            fs::write(&path, &torn).unwrap();
            assert!(records(folder.path()).is_err()); // a reader says so
            let (_, found) = Ledger::open(settings(folder.path())).unwrap();
            assert_eq!(found.last_sequence, 2);
            let (aside, bytes) = found.set_aside.unwrap();
            assert_eq!(fs::read(&aside).unwrap(), whole[kept..cut]);
            assert_eq!(bytes, u64::try_from(cut - kept).unwrap());
            assert_eq!(fs::read(&path).unwrap(), whole[..kept]);
            fs::remove_file(aside).unwrap();
        }
    }
}

#[test]
fn a_second_incomplete_write_does_not_overwrite_the_first() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), [1]);
    for number in 1..=2 {
        let whole = text_of(folder.path(), FIRST);
        fs::write(folder.path().join(FIRST), whole + "half").unwrap();
        let (_, found) = Ledger::open(settings(folder.path())).unwrap();
        assert_eq!(found.set_aside.unwrap().0, folder.path().join(format!("00000001.{number}.torn")));
    }
}

#[test]
fn a_changed_byte_is_seen_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), 1..=3);
    let path = folder.path().join(FIRST);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(records(folder.path()).is_err(), "byte {at}");
        // Without its last line feed, the file ends as after a crash.
        let refused = Ledger::open(settings(folder.path()));
        if at + 1 < whole.len() {
            assert!(matches!(refused, Err(LedgerError::Damaged { .. })), "byte {at}");
            assert_eq!(fs::read(&path).unwrap(), changed, "a refused file is left alone");
        } else {
            assert!(refused.unwrap().1.set_aside.is_some());
        }
    }
}

#[test]
fn a_record_left_out_moved_or_repeated_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), 1..=4);
    let whole = text_of(folder.path(), FIRST);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for (name, order) in [
        ("left out", vec![0, 1, 3, 4]),
        ("moved", vec![0, 2, 1, 3, 4]),
        ("repeated", vec![0, 1, 2, 2, 3, 4]),
        ("without header", vec![1, 2, 3, 4]),
    ] {
        let text: String = order.iter().map(|at| lines[*at]).collect();
        fs::write(folder.path().join(FIRST), text).unwrap();
        assert!(matches!(records(folder.path()), Err(LedgerError::Damaged { .. })), "{name}");
        let opened = Ledger::open(settings(folder.path()));
        assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{name}");
    }
}

#[test]
fn segments_that_do_not_follow_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 500, ..Limits::default() };
    fill(folder.path(), limits, 1..=4);
    let path = |n: u8| folder.path().join(format!("0000000{n}.ledger"));

    // The last record of a closed segment is gone.
    let third = fs::read(path(3)).unwrap();
    let cut = third[..third.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    fs::write(path(3), &third[..cut]).unwrap();
    let opened = Ledger::open(settings(folder.path()));
    assert!(matches!(opened, Err(LedgerError::Damaged { damage: Damage::Header, .. })));
    assert!(records(folder.path()).is_err());

    fs::remove_file(path(3)).unwrap();
    let opened = Ledger::open(settings(folder.path()));
    assert!(matches!(opened, Err(LedgerError::Gap { missing: 3, .. })));
    assert!(matches!(records(folder.path()), Err(LedgerError::Gap { missing: 3, .. })));

    fs::write(path(3), &third).unwrap();
    fs::set_permissions(path(3), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(records(folder.path()).unwrap().len(), 4);
    // Old segments may be moved away; what remains is still one chain.
    fs::remove_file(path(1)).unwrap();
    assert_eq!(records(folder.path()).unwrap().len(), 3);
    assert!(Ledger::open(settings(folder.path())).is_ok());
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), [1]);
    let newer = text_of(folder.path(), FIRST).replacen("\"tavs-ledger\":1", "\"tavs-ledger\":2", 1);
    fs::write(folder.path().join(FIRST), newer).unwrap();
    assert!(matches!(Ledger::open(settings(folder.path())), Err(LedgerError::Newer { format: 2, .. })));
    assert!(matches!(records(folder.path()), Err(LedgerError::Newer { format: 2, .. })));
}

#[test]
fn a_directory_or_segment_that_others_can_get_at_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), [1]);
    let segment = folder.path().join(FIRST);
    for (path, refused, accepted) in [
        (folder.path(), vec![0o770, 0o702, 0o777], vec![0o700, 0o750, 0o755]),
        (&segment, vec![0o660, 0o604, 0o602, 0o644], vec![0o600, 0o640]), // 640: an auditor's group
    ] {
        for mode in refused {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            let refused = Ledger::open(settings(folder.path())).unwrap_err();
            assert!(refused.to_string().contains("chmod g"), "{refused}");
        }
        for mode in accepted {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            assert!(Ledger::open(settings(folder.path())).is_ok(), "{mode:o}");
        }
    }
    let missing = Ledger::open(settings(&folder.path().join("missing"))).unwrap_err();
    assert!(missing.to_string().contains("mkdir -m 700"), "{missing}");
}

#[test]
fn a_record_has_one_way_to_be_written() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), Limits::default(), [1]);
    let text = text_of(folder.path(), FIRST);
    let record = text.lines().nth(1).unwrap().split_once(' ').unwrap().1;
    assert!(canonical::decode(record.as_bytes()).is_some());
    for (from, to) in [
        ("{\"seq\":1,", "{\"seq\":01,"),
        ("{\"seq\":1,", "{\"seq\": 1,"),
        ("{\"seq\":1,\"time\"", "{\"time\":\"\",\"seq\":1,\"time\""),
        (".000Z", "Z"),
        (".000Z", ".000+00:00"),
        ("\"DK\"", "\"\\u0044K\""),
        ("ab", "AB"),
        ("[[0,2],[2,1]]", "[[2,1],[0,2]]"),
        ("[[0,2],[2,1]]", "[[0,2],[1,0],[2,1]]"),
        ("[[0,2],[2,1]]", "[[0,2],[4000000000,1]]"),
        ("\"disclosure\"", "\"disclosed\""),
        ("\"unfit\":0,", ""),
        ("\"unfit\":0,", "\"unfit\":0,\"unfit\":0,"),
        ("\"unfit\":0,", "\"unfit\":0,\"other\":0,"),
        ("\"unfit\":0,", "\"unfit\":-0,"),
        ("}", "} "),
    ] {
        let other = record.replacen(from, to, 1);
        assert_ne!(record, other, "{from}");
        assert!(canonical::decode(other.as_bytes()).is_none(), "{to}");
    }
}
