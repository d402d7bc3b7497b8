//! Records alone: CPU of one, and how many share a sync.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tavs::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};
use tavs::ledger::{Disk, Entry, FileSystem, Grounds, Kind, Ledger, Limits, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::cpu;

/// The names of the threads that are measured.
pub(crate) const MEASURED: &str = "tavs";
const ROUNDS: usize = 5;

pub(crate) fn measure(quick: bool) {
    let records: u64 = if quick { 64 } else { 20_000 };
    println!("waiting  subjects   records/sync        CPU us/record       of it without syncs");
    for (waiting, subjects) in [(1, 1), (8, 1), (64, 1), (256, 1), (8, 30), (64, 30)] {
        let records = if waiting == 1 { records / 10 + 1 } else { records };
        let (mut shared, mut whole, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..if quick { 1 } else { ROUNDS } {
            let round = append(Counting::default(), waiting, subjects, records);
            shared.push(records as f64 / round.syncs as f64);
            whole.push(round.micros / records as f64);
            bare.push(append(Counting::idle(), waiting, subjects, records).micros / records as f64);
        }
        let (shared, whole, bare) = (cpu::summary(shared, 1), cpu::summary(whole, 1), cpu::summary(bare, 1));
        println!("{waiting:<8} {subjects:<10} {shared:<19} {whole:<19} {bare}");
    }
    println!();
}

struct Round {
    micros: f64,
    syncs: u64,
}

/// Appends `records` records from `waiting` tasks.
fn append(disk: Counting, waiting: u64, subjects: u64, records: u64) -> Round {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let directory = folder.path().to_owned();
    let settings = Settings { directory, node: "bench".into(), new_log: [1; 16], limits: Limits::default() };
    let syncs = Arc::clone(&disk.syncs);
    let runtime = runtime();
    let micros = runtime.block_on(async {
        let (ledger, _) = Ledger::open_on(settings, Box::new(disk)).unwrap();
        let entry = Arc::new(entry(subjects));
        ledger.append(&entry).await.unwrap();
        syncs.store(0, Ordering::Relaxed);
        let from = cpu::of_threads(MEASURED);
        let tasks: Vec<_> = (0..waiting)
            .map(|_| {
                let (ledger, entry) = (ledger.clone(), Arc::clone(&entry));
                tokio::spawn(async move {
                    for _ in 0..records / waiting {
                        ledger.append(&entry).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        cpu::of_threads(MEASURED) - from
    });
    Round { micros, syncs: syncs.load(Ordering::Relaxed).max(1) }
}

/// Two threads, as on the machine of the other figures.
pub(crate) fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    // A thread of the pool that ends takes its figures along.
    builder.worker_threads(2).thread_keep_alive(Duration::from_secs(3600));
    builder.thread_name(MEASURED).enable_all().build().unwrap()
}

fn entry(subjects: u64) -> Entry {
    let subject = |number: u64| SubjectId(u128::from(number).to_be_bytes());
    Entry {
        exchange: ExchangeId::new(1_772_000_000_000, [7; 10]),
        unix_millis: 1_772_000_000_000,
        kind: Kind::Disclosure,
        grounds: Arc::new(Grounds {
            recipient: RecipientId::new("research"),
            policy: PolicyVersion([7; 32]),
            route: Some("patients".into()),
            purpose: Purpose::new("glucose-study"),
            basis: vec!["gdpr-6-1-e".into(), "gdpr-9-2-j".into()],
            country: "DK".into(),
        }),
        status: 200,
        outcome: "released".into(),
        bytes: 2000,
        subjects: (0..subjects).map(subject).collect(),
        released_by_rule: vec![3; 12],
        withheld: 40,
        unfit: 0,
        cpr_in_text: 1,
        records: subjects,
        records_withheld: 0,
    }
}

/// The file system, counting syncs; `idle` says that it has synced and has not, `off` takes no
/// records of exchanges at all.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    idle: bool,
    off: bool,
    pub(crate) syncs: Arc<AtomicU64>,
}

impl Counting {
    pub(crate) fn idle() -> Self {
        Self { idle: true, ..Self::default() }
    }

    pub(crate) fn off() -> Self {
        Self { off: true, ..Self::default() }
    }
}

impl Disk for Counting {
    fn create(&mut self, path: &Path) -> io::Result<File> {
        FileSystem.create(path)
    }
    fn open(&mut self, path: &Path) -> io::Result<File> {
        FileSystem.open(path)
    }
    fn write(&mut self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        FileSystem.write(file, at, bytes)
    }
    fn sync(&mut self, file: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.idle { Ok(()) } else { FileSystem.sync(file) }
    }
    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        FileSystem.truncate(file, length)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        FileSystem.rename(from, to)
    }
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        FileSystem.sync_directory(directory)
    }
    fn takes_exchanges(&self) -> bool {
        !self.off
    }
}
