//! The served binary dies, or its disk fails, at the n-th operation, for every n until none is left.
//! Whoever got an answer in full is in the ledger, the chain is whole, and it serves again.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tavs::ledger::Kind;
use tempfile::TempDir;

use super::served::{Served, configured};
use super::tavs_reading;

/// More operations than a run has: the loop ends by itself, or something is wrong.
const MOST: usize = 2000;
/// Fewer cannot be: beginning a ledger alone takes half of them.
const LEAST: usize = 10;

#[test]
fn killed_at_any_operation_of_the_disk_it_has_recorded_what_it_answered() {
    at_every_operation("kill");
}

#[test]
fn killed_in_the_middle_of_any_write_it_has_recorded_what_it_answered() {
    at_every_operation("torn");
}

#[test]
fn with_any_operation_of_the_disk_failing_it_has_recorded_what_it_answered() {
    at_every_operation("error");
}

#[test]
fn with_the_disk_full_from_any_write_on_it_has_recorded_what_it_answered() {
    at_every_operation("full");
}

fn at_every_operation(fault: &str) {
    let template = configured();
    let shim = Shim::compiled();
    let (mut n, mut without) = (0, 0);
    // How many operations a run has depends on which exchanges share a sync.
    while without < 3 {
        // A disk stays full, and a start waits long for room: every n would take an hour.
        n += if fault == "full" { 1 + n / 3 } else { 1 };
        assert!(n < MOST, "{fault}: no end of operations");
        without = if attempt(template.path(), &shim, n, fault) { 0 } else { without + 1 };
    }
    assert!(n > LEAST, "{fault} struck at {n} operations at most");
}

/// One life with the fault at the n-th operation, and one after it; says whether the fault struck.
fn attempt(template: &Path, shim: &Shim, n: usize, fault: &str) -> bool {
    let context = format!("{fault} at operation {n}");
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().canonicalize().unwrap().join("tavs");
    copy(template, &home);
    let fired = folder.path().join("fired");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let environment = [
        ("LD_PRELOAD", path(&shim.library)),
        ("TAVS_DISK_FOLDER", path(&home)),
        ("TAVS_DISK_AT", n.to_string()),
        ("TAVS_DISK_FAULT", fault.to_owned()),
        ("TAVS_DISK_FIRED", path(&fired)),
    ];
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (mut told, mut restricted) = (Vec::new(), false);
    if let Ok(served) = Served::try_start(&home, &environment) {
        told.extend(answered(&served));
        restricted = restrict(&home);
        let after = answered(&served);
        assert!(!restricted || after.iter().all(|answer| !answer.told_of_else), "{context}: not in force");
        told.extend(after);
    }
    let served = Served::try_start(&home, &[]).unwrap_or_else(|said| panic!("{context}: {said}"));
    let again = answered(&served);
    assert_eq!(again.len(), CALLS, "{context}: it does not serve again");
    assert!(!restricted || again.iter().all(|answer| !answer.told_of_else), "{context}: a right was lost");
    drop(served);
    told.extend(again);
    let records = tavs::ledger::read(&home.join("ledger")).unwrap();
    let recorded: HashSet<String> = records
        .map(|record| record.unwrap_or_else(|error| panic!("{context}: {error}")))
        .filter_map(|record| record.entry().cloned())
        .filter(|entry| entry.kind == Kind::Disclosure)
        .map(|entry| entry.exchange.to_string())
        .collect();
    for Answered { exchange, .. } in told {
        assert!(recorded.contains(&exchange), "{context}: {exchange} was answered and is not on record");
    }
    fired.exists()
}

/// Calls at the same time in one round.
const CALLS: usize = 3;

/// An exchange that was answered with a disclosure in full.
struct Answered {
    exchange: String,
    /// Whether Else's appointment is in it.
    told_of_else: bool,
}

fn answered(served: &Served) -> Vec<Answered> {
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..CALLS).map(|_| scope.spawn(|| served.try_get("/appointments", ""))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    answers.into_iter().filter_map(|answer| whole(&answer.ok()?)).collect()
}

/// What a whole answer of 200 says.
fn whole(answer: &str) -> Option<Answered> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = field("content-length:")?.parse().ok()?;
    let whole = head.starts_with("HTTP/1.1 200 ") && body.len() == length;
    let exchange = field("tavs-exchange:")?.to_owned();
    whole.then(|| Answered { exchange, told_of_else: body.contains("09:40") })
}

/// Restricts Else's data; whether that was confirmed.
fn restrict(home: &Path) -> bool {
    let input = home.join("number");
    fs::write(&input, "0201919990\n").unwrap();
    tavs_reading(home, ["subject", "restrict", "--why", "case 1"], &input).code == 0
}

/// The failing disk, as a library.
struct Shim {
    library: PathBuf,
    _folder: TempDir,
}

impl Shim {
    fn compiled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/crash/disk.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(cc.status().unwrap().success(), "the failing disk does not compile");
        Self { library, _folder: folder }
    }
}

/// Copies a folder with all in it; modes go along.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
