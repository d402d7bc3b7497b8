//! `tavs ledger reindex`.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use tavs::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId};
use tavs::ledger::{Entry, Grounds, Ledger, Limits, Settings};

use super::tavs as run_tavs;

fn open(clinic: &Path) -> Ledger {
    let directory = clinic.join("ledger");
    let node = "node-1".to_owned();
    Ledger::open(Settings { directory, node, new_log: [0x11; 16], limits: Limits::default() }).unwrap().0
}

/// Appends refusals to the clinic's ledger, and keeps it open.
fn fill(clinic: &Path, records: u8) -> Ledger {
    let grounds = Arc::new(Grounds {
        recipient: RecipientId::new("sms-reminders"),
        policy: PolicyVersion([0xab; 32]),
        route: None,
        purpose: Purpose::new("appointment-reminders"),
        basis: vec![Cow::Borrowed("gdpr-6-1-b")],
        country: Arc::from("DK"),
    });
    let ledger = open(clinic);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        for n in 0..records {
            let id = ExchangeId::new(1_772_600_000_000, [n; 10]);
            let entry = Entry::refusal(id, 1_772_600_000_000, Arc::clone(&grounds), 403, "lapsed");
            ledger.append(&entry).await.unwrap();
        }
    });
    ledger
}

#[test]
fn the_index_is_made_anew_from_the_ledger_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_tavs(folder.path(), ["init", "."]).code, 0);
    let said = run_tavs(folder.path(), ["ledger", "reindex"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("holds no ledger"), "{}", said.err);
    assert!(!folder.path().join("tavs.db").exists());

    let held = fill(folder.path(), 3);
    let said = run_tavs(folder.path(), ["ledger", "reindex"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("another process has the ledger"), "{}", said.err);
    drop(held);

    let said = run_tavs(folder.path(), ["ledger", "reindex"]);
    assert_eq!((said.code, said.out.as_str()), (0, "the index holds 3 records\n"));
    assert!(said.err.contains("was missing and is made anew"), "{}", said.err);
    assert_eq!(fs::metadata(folder.path().join("tavs.db")).unwrap().mode() & 0o777, 0o600);
    let said = run_tavs(folder.path(), ["ledger", "reindex"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "the index holds 3 records\n", ""));
}

#[test]
fn a_tampered_ledger_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_tavs(folder.path(), ["init", "."]).code, 0);
    drop(fill(folder.path(), 3));
    assert_eq!(run_tavs(folder.path(), ["ledger", "reindex"]).code, 0);
    let segment = folder.path().join("ledger/00000001.ledger");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"status\":403", "\"status\":404", 1)).unwrap();
    let said = run_tavs(folder.path(), ["ledger", "reindex"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("is damaged at byte"), "{}", said.err);
    fs::write(&segment, text).unwrap();
    assert_eq!(run_tavs(folder.path(), ["ledger", "reindex"]).code, 0);
}
