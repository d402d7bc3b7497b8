//! Checkpoints are made for what is on disk, get to every kind of anchor, and hold nobody up.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Checkpoint, FILE, Keeper, Keeping, Line, Says, find};
use crate::clock::Clock;
use crate::ledger::tests::{entry, run, settings};
use crate::ledger::{Anchor, AnchorSettings, Ledger, LedgerError};
use crate::net::UpstreamSettings;
use crate::net::upstream::UpstreamCa;
use crate::pseudonym::{CheckpointKey, KeyRing};
use crate::telemetry::Metrics;

pub(in crate::ledger) fn key(n: u8) -> CheckpointKey {
    KeyRing::throw_away([n; 32]).checkpoint_key().unwrap()
}

pub(in crate::ledger) fn keeping(anchor: Option<&AnchorSettings>) -> Keeping {
    let clock = Clock::system();
    Keeping {
        key: key(1),
        every: Duration::from_hours(1),
        anchor: anchor.map(|anchor| Anchor::new(anchor, &clock).unwrap()),
        metrics: Metrics::new(),
        clock,
    }
}

fn place() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ledger");
    fs::create_dir(&directory).unwrap();
    (folder, directory)
}

fn checkpoints(path: &Path) -> Vec<Checkpoint> {
    let good = |line: &str| match find(line.as_bytes()) {
        Some(Line::Good(checkpoint)) => checkpoint,
        other => panic!("{other:?}"),
    };
    fs::read_to_string(path).unwrap().lines().map(good).collect()
}

async fn append(ledger: &Ledger, numbers: impl IntoIterator<Item = u8>) {
    for n in numbers {
        ledger.append(&entry(n)).await.unwrap();
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        says: Says::Reached,
        log: [0x11; 16],
        node: "node-1".to_owned(),
        sequence: 4,
        hash: [0xab; 32],
        unix_millis: 1_772_600_060_000,
        key: key(1).public(),
    }
}

#[test]
fn a_checkpoint_reads_back_from_whatever_stands_around_it_and_after_no_change() {
    let line = checkpoint().sign(&key(1)).unwrap();
    for around in [line.clone(), format!("Nov 25 20:00:00 host tavs: {line} (10.0.0.1)"), line.repeat(2)] {
        assert_eq!(find(around.as_bytes()), Some(Line::Good(checkpoint())), "{around}");
    }
    assert_eq!(find(b"another line"), None);
    // Signed by another key than it names.
    let other = checkpoint().sign(&key(2)).unwrap();
    assert_eq!(find(other.as_bytes()), Some(Line::Forged));
    for at in 0..line.len() {
        let mut changed = line.clone().into_bytes();
        changed[at] ^= 1;
        let found = find(&changed);
        assert!(!matches!(found, Some(Line::Good(_))), "byte {at}: {found:?}");
    }
    let newer = line.replacen("-checkpoint\":1", "-checkpoint\":2", 1);
    assert_eq!(find(newer.as_bytes()), Some(Line::Newer));
}

#[test]
fn they_are_made_at_the_start_and_the_end_if_something_was_recorded() {
    let (folder, directory) = place();
    let anchor = folder.path().join("anchor");
    let settings_of = AnchorSettings::File(anchor.clone());
    run(async {
        let (ledger, _) = Ledger::open(settings(&directory)).unwrap();
        let keeper = Keeper::start(&ledger, keeping(Some(&settings_of))).unwrap();
        append(&ledger, 1..=3).await;
        ledger.close().await.unwrap();
        keeper.close().await;
        assert_eq!(keeper.warnings(), Vec::<String>::new());
    });
    let found = checkpoints(&directory.join(FILE));
    let last = found.last().unwrap();
    assert_eq!((last.sequence, last.says, last.log), (3, Says::Reached, [0x11; 16]));
    assert_eq!(checkpoints(&anchor).last(), Some(last));
    let whole = fs::read(directory.join(FILE)).unwrap();

    // Nothing new: the last one is only handed to the anchor again. A torn line goes.
    fs::remove_file(&anchor).unwrap();
    fs::write(directory.join(FILE), [&whole[..], b"half a li"].concat()).unwrap();
    run(async {
        let (ledger, _) = Ledger::open(settings(&directory)).unwrap();
        let keeper = Keeper::start(&ledger, keeping(Some(&settings_of))).unwrap();
        keeper.close().await;
    });
    assert_eq!(fs::read(directory.join(FILE)).unwrap(), whole);
    assert_eq!(checkpoints(&anchor), std::slice::from_ref(last));
}

#[test]
fn an_end_that_was_lost_is_said_at_the_start() {
    let (_folder, directory) = place();
    let record = |upto: u8| {
        run(async {
            let (ledger, _) = Ledger::open(settings(&directory)).unwrap();
            let keeper = Keeper::start(&ledger, keeping(None)).unwrap();
            append(&ledger, 1..=upto).await;
            ledger.close().await.unwrap();
            keeper.close().await;
            keeper.warnings()
        })
    };
    assert_eq!(record(2), Vec::<String>::new());
    let segment = directory.join("00000001.ledger");
    let before = fs::read(&segment).unwrap();
    assert_eq!(record(3), Vec::<String>::new());
    // An older copy of the records beside the newest checkpoint.
    fs::write(&segment, before).unwrap();
    let warnings = record(0);
    assert!(warnings.len() == 1 && warnings[0].contains("its checkpoint of record 5"), "{warnings:?}");
}

#[test]
fn an_anchor_that_fails_warns_in_time_and_holds_nothing_up() {
    let (folder, directory) = place();
    let missing = AnchorSettings::File(folder.path().join("missing/anchor"));
    run(async {
        let (ledger, _) = Ledger::open(settings(&directory)).unwrap();
        let keeping = keeping(Some(&missing));
        let failures = keeping.metrics.ledger_anchor_failures.clone();
        append(&ledger, [1]).await;
        let keeper = Keeper::start(&ledger, keeping).unwrap();
        while failures.get() == 0 {
            tokio::task::yield_now().await;
        }
        append(&ledger, [2]).await;
        assert_eq!(keeper.warnings(), Vec::<String>::new(), "a restarted anchor is no alarm");
        super::keeper::age(&keeper);
        assert!(keeper.warnings()[0].contains("not anchored"));
    });
    assert_eq!(checkpoints(&directory.join(FILE)).last().unwrap().sequence, 1);
}

#[test]
fn a_syslog_daemon_and_a_web_server_take_them() {
    let (folder, directory) = place();
    let socket = folder.path().join("log");
    let daemon = UnixDatagram::bind(&socket).unwrap();
    run(async {
        let (ledger, _) = Ledger::open(settings(&directory)).unwrap();
        append(&ledger, [1]).await;
        let keeper = Keeper::start(&ledger, keeping(Some(&AnchorSettings::Syslog(socket)))).unwrap();
        keeper.close().await;
        let mut datagram = [0; 2048];
        let length = daemon.recv(&mut datagram).unwrap();
        assert!(datagram.starts_with(b"<86>tavs: "));
        assert!(matches!(find(&datagram[..length]), Some(Line::Good(_))));

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server =
            UpstreamSettings { unprotected: true, ..UpstreamSettings::new(&url, UpstreamCa::System) };
        let http = AnchorSettings::Http { server: Box::new(server), target: "/anchor".to_owned() };
        let keeper = Keeper::start(&ledger, keeping(Some(&http))).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}\n") {
            stream.read_buf(&mut request).await.unwrap();
        }
        assert!(request.starts_with(b"POST /anchor HTTP/1.1\r\n"));
        assert!(matches!(find(&request), Some(Line::Good(_))));
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        keeper.close().await;
        assert_eq!(keeper.warnings(), Vec::<String>::new());
    });
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let (_folder, directory) = place();
    let path = directory.join(FILE);
    fs::write(&path, vec![b'x'; 9000]).unwrap();
    run(async {
        let (ledger, _) = Ledger::open(settings(&directory)).unwrap();
        let refused = Keeper::start(&ledger, keeping(None));
        assert!(matches!(refused, Err(LedgerError::Checkpoints { .. })));
    });
    assert_eq!(fs::read(&path).unwrap().len(), 9000);
}
