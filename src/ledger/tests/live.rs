//! Looked at while it is written.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{entry, run, settings};
use crate::ledger::verify::{Against, verify};
use crate::ledger::{Ledger, Limits, Settings, Tail, read_prefix};

#[test]
fn a_ledger_that_is_being_written_reads_as_a_whole_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 3000, ..Limits::default() };
    let (ledger, _) = Ledger::open(Settings { limits, ..settings(folder.path()) }).unwrap();
    let ended = AtomicBool::new(false);
    let looked = std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let (mut looked, mut tail) = (0, Tail::behind(folder.path(), 0).unwrap());
            let mut sequence = 0;
            loop {
                let last = ended.load(Ordering::Acquire);
                let found = verify(folder.path(), Against::default()).unwrap();
                assert_eq!(found.findings, []);
                assert!(read_prefix(folder.path()).unwrap().all(|record| record.is_ok()));
                while let Some(record) = tail.advance().unwrap() {
                    sequence += 1;
                    assert_eq!(record.sequence, sequence, "the tail leaves none out");
                }
                looked += 1;
                if last {
                    return (looked, sequence);
                }
            }
        });
        run(async {
            for n in 0..60 {
                let batch = (0..5).map(|of| {
                    let ledger = ledger.clone();
                    tokio::spawn(async move { ledger.append(&entry(n + of)).await.map(drop) })
                });
                for task in batch.collect::<Vec<_>>() {
                    task.await.unwrap().unwrap();
                }
            }
        });
        ended.store(true, Ordering::Release);
        looking.join().unwrap()
    });
    assert_eq!(looked.1, 300, "looked {} times", looked.0);
}
