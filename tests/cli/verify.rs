//! `tavs ledger verify` and `tests/verify_ledger.py` on the same ledgers, good and tampered with; `tail`
//! and `export`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tavs::clock::Clock;
use tavs::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId};
use tavs::ledger::checkpoint::{Keeper, Keeping};
use tavs::ledger::{Anchor, AnchorSettings, Entry, FileSystem, Grounds, Ledger, Limits, Packer, Settings};
use tavs::pseudonym::{CheckpointKey, KeyRing};
use tavs::telemetry::Metrics;
use tempfile::TempDir;

use super::{Said, said, tavs as run_tavs};

const FIRST: &str = "ledger/00000001.ledger";
const SECOND: &str = "ledger/00000002.ledger";
const THIRD: &str = "ledger/00000003.ledger";
const OWN: &str = "ledger/checkpoints";
const ANCHOR: &str = "anchor";

fn key(n: u8) -> CheckpointKey {
    KeyRing::throw_away([n; 32]).checkpoint_key().unwrap()
}

fn entry(n: u8, recipient: &str) -> Entry {
    let grounds = Grounds {
        recipient: RecipientId::new(recipient),
        policy: PolicyVersion([0xab; 32]),
        route: None,
        purpose: Purpose::new("appointment-reminders"),
        basis: vec![Cow::Borrowed("gdpr-6-1-b")],
        country: Arc::from("DK"),
    };
    let millis = 1_772_600_000_000 + u64::from(n) * 3_600_000;
    Entry::refusal(ExchangeId::new(millis, [n; 10]), millis, Arc::new(grounds), 403, "lapsed")
}

/// One run of a process: appends three records, with a checkpoint of their end.
fn run(folder: &Path, log: u8, signing: u8, numbers: impl IntoIterator<Item = u8>) {
    let directory = folder.join("ledger");
    fs::create_dir_all(&directory).unwrap();
    let clock = Clock::system();
    let anchor = AnchorSettings::File(folder.join(ANCHOR));
    let keeping = Keeping {
        key: key(signing),
        every: Duration::from_secs(3600),
        anchor: Some(Anchor::new(&anchor, &clock).unwrap()),
        metrics: Metrics::new(),
        clock,
    };
    let limits = Limits { segment: 1200, ..Limits::default() };
    let settings = Settings { directory, node: "node-1".to_owned(), new_log: [log; 16], limits };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let (ledger, _) = Ledger::open(settings).unwrap();
        let keeper = Keeper::start(&ledger, keeping).unwrap();
        for n in numbers {
            ledger.append(&entry(n, ["sms", "lab"][usize::from(n) % 2])).await.unwrap();
        }
        ledger.close().await.unwrap();
        keeper.close().await;
    });
}

/// Six records in three segments, with checkpoints of the third and the sixth, anchored.
fn ledger() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 0x11, 1, 1..=3);
    run(folder.path(), 0x11, 1, 4..=6);
    folder
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn change(folder: &Path, name: &str, change: impl FnOnce(Vec<&str>) -> Vec<&str>) {
    let text = text(folder, name);
    fs::write(folder.join(name), change(text.split_inclusive('\n').collect()).concat()).unwrap();
}

fn append(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::write(&path, [&fs::read(&path).unwrap()[..], bytes].concat()).unwrap();
}

/// Puts a part of the last segment, given by its length, to zeros.
fn zero(folder: &Path, part: fn(usize) -> std::ops::Range<usize>) {
    let path = folder.join(THIRD);
    let mut bytes = fs::read(&path).unwrap();
    let part = part(bytes.len());
    bytes[part].fill(0);
    fs::write(path, bytes).unwrap();
}

fn without_last(mut lines: Vec<&str>) -> Vec<&str> {
    lines.pop();
    lines
}

/// The signature of one checkpoint before another.
fn signed_by(one: &str, other: &str) -> &'static str {
    let (signature, json) = (one.split_once(' ').unwrap().0, other.split_once(' ').unwrap().1);
    format!("{signature} {json}").leak()
}

/// The words of what was found.
fn words(said: &Said) -> BTreeSet<String> {
    let word = |line: &str| line.split_once(": ").map(|(word, _)| word.to_owned());
    let mut words: BTreeSet<String> = said.out.lines().filter_map(word).collect();
    words.retain(|word| !word.contains(' ') && word != "anchored" && word != "signed");
    words
}

fn both(folder: &Path, anchor: bool) -> (Said, Said) {
    both_with(folder, anchor, &key(1).public().to_string())
}

/// What both verifiers say of the folder's ledger.
pub(crate) fn both_with(folder: &Path, anchor: bool, public: &str) -> (Said, Said) {
    let mut args = vec!["ledger", "--key", public];
    if anchor {
        args.extend(["--anchor", ANCHOR]);
    }
    let ours = run_tavs(folder, ["ledger", "verify"].iter().chain(&args));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_ledger.py");
    let theirs = Command::new("python3").arg(script).args(args).current_dir(folder).output().unwrap();
    (ours, said(theirs))
}

/// Both verifiers find the same, and that is what is expected.
fn expect(folder: &Path, case: &str, anchor: bool, code: i32, wanted: &[&str]) {
    let (ours, theirs) = both(folder, anchor);
    let wanted: BTreeSet<String> = wanted.iter().map(|word| (*word).to_owned()).collect();
    for (who, said) in [("tavs", &ours), ("verify_ledger.py", &theirs)] {
        let shown = format!("{case}, {who}:\n{}{}", said.out, said.err);
        assert_eq!((said.code, words(said)), (code, wanted.clone()), "{shown}");
    }
}

type Tamper = fn(&Path);

/// What is done to a good ledger, and the words of what both verifiers find then.
const TAMPERED: &[(&str, Tamper, &[&str])] = &[
    ("nothing", |_| (), &[]),
    ("packed segments", pack, &[]),
    (
        "a packed segment that was changed",
        |f| {
            pack(f);
            let path = f.join("ledger/00000002.ledger.gz");
            let mut bytes = fs::read(&path).unwrap();
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        &["chain"],
    ),
    (
        "something behind a packed segment",
        |f| {
            pack(f);
            let path = f.join("ledger/00000001.ledger.gz");
            fs::write(&path, [fs::read(&path).unwrap(), b"behind".to_vec()].concat()).unwrap();
        },
        &["chain"],
    ),
    (
        "a changed byte",
        |f| change(f, SECOND, |lines| vec![lines[0], &*lines[1].replace("403", "404").leak()]),
        &["chain"],
    ),
    ("a removed record", |f| change(f, FIRST, |l| vec![l[0], l[2]]), &["chain"]),
    ("a moved record", |f| change(f, FIRST, |l| vec![l[0], l[2], l[1]]), &["chain"]),
    ("a repeated record", |f| change(f, FIRST, |l| vec![l[0], l[1], l[1], l[2]]), &["chain"]),
    ("a missing segment", |f| fs::remove_file(f.join(SECOND)).unwrap(), &["gap"]),
    ("a missing beginning", |f| fs::remove_file(f.join(FIRST)).unwrap(), &["begin"]),
    (
        "a cut end, with its checkpoint",
        |f| {
            change(f, THIRD, without_last);
            change(f, OWN, without_last);
        },
        &["cut"],
    ),
    (
        "a lost last segment",
        |f| {
            fs::remove_file(f.join(THIRD)).unwrap();
            change(f, OWN, without_last);
        },
        &["cut"],
    ),
    (
        "written anew under the same id",
        |f| {
            fs::remove_dir_all(f.join("ledger")).unwrap();
            let kept = fs::read(f.join(ANCHOR)).unwrap();
            run(f, 0x11, 1, 11..=16);
            fs::write(f.join(ANCHOR), kept).unwrap();
        },
        &["changed"],
    ),
    (
        "another log in its place",
        |f| {
            fs::remove_dir_all(f.join("ledger")).unwrap();
            let kept = fs::read(f.join(ANCHOR)).unwrap();
            run(f, 0x22, 1, 1..=6);
            fs::write(f.join(ANCHOR), kept).unwrap();
        },
        &["nothing-anchored"],
    ),
    (
        "another log's checkpoints beside it",
        |f| {
            let other = tempfile::tempdir().unwrap();
            run(other.path(), 0x22, 1, 1..=2);
            fs::copy(other.path().join(OWN), f.join(OWN)).unwrap();
        },
        &["other-log"],
    ),
    (
        "a forged number",
        |f| change(f, OWN, |l| vec![l[0], &*l[l.len() - 1].replace("\"seq\":6", "\"seq\":5").leak()]),
        &["forged"],
    ),
    (
        "a forged signature",
        |f| change(f, ANCHOR, |l| vec![l[0], signed_by(l[0], l[l.len() - 1])]),
        &["forged"],
    ),
    ("a checkpoint of another key", |f| run(f, 0x11, 2, [7]), &["other-key"]),
    (
        "something else among the checkpoints",
        |f| change(f, OWN, |l| [vec!["hello\n"], l].concat()),
        &["unreadable"],
    ),
    ("a last write cut short", |f| change(f, THIRD, |l| [l, vec!["0123 half a rec"]].concat()), &[]),
    ("room behind the last record", |f| append(f, THIRD, &[0; 4096]), &[]),
    (
        "a last write cut short, before room",
        |f| append(f, THIRD, &[&b"0123 half a rec"[..], &[0; 4096]].concat()),
        &[],
    ),
    ("something behind room", |f| append(f, THIRD, &[&[0; 1000][..], b"{}"].concat()), &["chain"]),
    ("room behind a closed segment", |f| append(f, SECOND, &[0; 4096]), &["chain"]),
    ("a byte put to zero", |f| zero(f, |last| last - 100..last - 99), &["chain"]),
    ("a record put to zeros", |f| zero(f, |last| last - 900..last - 200), &["chain"]),
    // What a crash can leave, but a checkpoint says that it was on disk.
    ("a sector put to zeros", |f| zero(f, |_| 512..1024), &["cut"]),
    ("a checkpoint cut short", |f| change(f, OWN, |l| [l, vec!["0123"]].concat()), &[]),
    (
        "an anchor's lines as a syslog daemon has them",
        |f| {
            change(f, ANCHOR, |l| {
                vec!["Nov 25 20:00:00 clinic su: hello\n", "Nov 25 20:00:01 clinic tavs: ", l[l.len() - 1]]
            });
        },
        &[],
    ),
];

/// Packs what is closed, as a running proxy does.
fn pack(folder: &Path) {
    let packer = Packer::start(&folder.join("ledger"), Box::new(FileSystem)).unwrap();
    while folder.join(FIRST).exists() || folder.join(SECOND).exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(packer);
}

#[test]
fn both_verifiers_find_what_was_tampered_with_and_nothing_else() {
    for (case, tamper, wanted) in TAMPERED {
        let folder = ledger();
        tamper(folder.path());
        expect(folder.path(), case, true, i32::from(!wanted.is_empty()), wanted);
    }
}

#[test]
fn a_cut_end_shows_against_an_anchor_only() {
    let folder = ledger();
    change(folder.path(), THIRD, without_last);
    change(folder.path(), OWN, without_last);
    expect(folder.path(), "without anchor", false, 0, &[]);
    expect(folder.path(), "with anchor", true, 1, &["cut"]);
    let (ours, _) = both(folder.path(), true);
    assert!(
        ours.out.contains("of `anchor` knows record 6, and the ledger ends with record 5"),
        "{}",
        ours.out
    );
}

#[test]
fn what_cannot_be_verified_is_said_in_one_line() {
    let folder = ledger();
    change(folder.path(), FIRST, |l| vec![&*l[0].replacen("ledger\":1", "ledger\":2", 1).leak(), l[1], l[2]]);
    expect(folder.path(), "newer", true, 2, &[]);
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir(empty.path().join("ledger")).unwrap();
    expect(empty.path(), "empty", false, 2, &[]);
    for (folder, told) in [(folder.path(), "use the newer tavs"), (empty.path(), "holds no ledger")] {
        let (ours, _) = both(folder, false);
        assert!(ours.err.contains(told) && ours.err.lines().count() == 1, "{}", ours.err);
    }
}

#[test]
fn a_configuration_names_the_ledger_its_anchor_and_its_key() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_tavs(folder.path(), ["init", "."]).code, 0);
    let shown = run_tavs(folder.path(), ["keys", "show-checkpoint-key", "keys/ring.toml"]);
    assert_eq!((shown.code, shown.out.trim().len()), (0, 64), "{}", shown.err);
    let config = folder.path().join("tavs.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replacen("[ledger]\n", "[ledger]\nanchor = { file = \"anchor\" }\n", 1)).unwrap();
    run(folder.path(), 0x11, 1, 1..=3);
    let said = run_tavs(folder.path(), ["ledger", "verify"]);
    let found: Vec<String> = words(&said).into_iter().collect();
    assert_eq!(
        (said.code, found),
        (1, vec!["nothing-anchored".to_owned(), "other-key".to_owned()]),
        "{}",
        said.out
    );
}

#[test]
fn tail_and_export_show_records_as_they_stand_in_the_ledger() {
    let folder = ledger();
    let tail = run_tavs(folder.path(), ["ledger", "tail", "ledger", "-n", "4"]);
    let stands: String = [FIRST, SECOND, THIRD]
        .iter()
        .flat_map(|name| {
            text(folder.path(), name)
                .lines()
                .skip(1)
                .map(|line| line.split_once(' ').unwrap().1.to_owned() + "\n")
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(tail.code, 0);
    assert!(stands.ends_with(&tail.out) && tail.out.lines().count() == 4);
    append(folder.path(), THIRD, &[0; 4096]); // as while it is written
    assert_eq!(run_tavs(folder.path(), ["ledger", "tail", "ledger", "-n", "4"]).out, tail.out);
    let all = run_tavs(folder.path(), ["ledger", "export", "ledger"]);
    assert_eq!((all.code, &all.out), (0, &stands));

    // 2026-03-04 04:53 UTC is record 0; one an hour.
    let some = ["ledger", "export", "ledger", "--format", "csv", "--recipient", "lab"];
    let some =
        run_tavs(folder.path(), some.iter().chain(&["--from", "2026-03-04T06:00:00Z", "--to", "2026-03-04"]));
    let lines: Vec<&str> = some.out.lines().collect();
    assert!(lines[0].starts_with("seq,time,kind,recipient,"), "{}", some.out);
    let numbers: Vec<&str> = lines[1..].iter().map(|line| line.split_once(',').unwrap().0).collect();
    assert_eq!(numbers, ["3", "5"], "{}", some.out);
}
