//! `tavs ledger retire`: what goes, what is kept, and what still verifies.

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tavs::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};
use tavs::ledger::{
    Act, ActKind, Changed, Entry, Event, Grounds, Ledger, Limits, Note, PolicyRecord, Record, Settings,
};
use tavs::store::Store;

use super::tavs as run_tavs;
use super::verify::both_with;

/// In March 2020.
const THEN: u64 = 1_583_280_000_000;
const OLD: PolicyVersion = PolicyVersion([0xcd; 32]);
const LAST: PolicyVersion = PolicyVersion([0xab; 32]);

fn policy(version: PolicyVersion) -> Note {
    Note::Policy(PolicyRecord {
        unix_millis: THEN,
        policy: version,
        recipient: "sms-reminders".to_owned(),
        name: "Påmind ApS".to_owned(),
        relation: "processor".to_owned(),
        purpose: "appointment-reminders".to_owned(),
        category: "service".to_owned(),
        basis: vec!["gdpr-6-1-b".to_owned()],
        country: "DK".to_owned(),
        ground: None,
        retention: None,
        agreement: "DBA-2020-007".to_owned(),
        who: None,
        rules: Vec::new(),
    })
}

fn restriction() -> Note {
    Note::Act(Act {
        unix_millis: THEN,
        kind: ActKind::Registry,
        what: Cow::Borrowed("restriction"),
        begun: Some(true),
        who: "Inge Bo, officer".to_owned(),
        why: "case 20-17".to_owned(),
        subjects: vec![SubjectId([7; 16])],
        purpose: None,
        recipient: None,
        policy: None,
        change: Some(Changed { number: 1, until: None }),
    })
}

fn entry(n: u8, purpose: &str) -> Entry {
    let grounds = Grounds {
        recipient: RecipientId::new("sms-reminders"),
        policy: LAST,
        route: None,
        purpose: Purpose::new(purpose),
        basis: vec![Cow::Borrowed("gdpr-6-1-b")],
        country: Arc::from("DK"),
    };
    Entry::refusal(ExchangeId::new(THEN, [n; 10]), THEN, Arc::new(grounds), 403, "lapsed")
}

/// A clinic whose ledger begins with what is past its retention, up to a treatment in the middle.
fn clinic() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_tavs(folder.path(), ["init", "."]).code, 0);
    let config = folder.path().join("tavs.toml");
    let text = fs::read_to_string(&config).unwrap();
    let terms = "default = \"5 years\"\nappointment-reminders = \"2 years\"";
    assert!(text.contains(terms), "{text}");
    // The policy that treated is gone; its records are not.
    let text = text.replace(terms, "default = \"3 years\"\ntreatment = \"10 years\" #")
        + "\n[ledger.anchor]\nfile = \"anchor\"\n";
    fs::write(&config, text).unwrap();
    let settings = Settings {
        directory: folder.path().join("ledger"),
        node: "node-1".to_owned(),
        new_log: [0x11; 16],
        limits: Limits { segment: 1200, ..Limits::default() },
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let (ledger, _) = Ledger::open(settings).unwrap();
        for note in [policy(OLD), policy(LAST), restriction()] {
            ledger.note(&note).await.unwrap();
        }
        for n in 0..12 {
            let purpose = if n == 8 { "treatment" } else { "appointment-reminders" };
            ledger.append(&entry(n, purpose)).await.unwrap();
        }
        ledger.close().await.unwrap();
    });
    folder
}

fn records(folder: &Path) -> Vec<Record> {
    tavs::ledger::read(&folder.join("ledger")).unwrap().map(Result::unwrap).collect()
}

const RETIRE: [&str; 6] = ["ledger", "retire", "--at", "2026-01-01", "--who", "Inge Bo, officer"];

#[test]
fn segments_past_their_retention_go_and_the_rest_is_one_chain() {
    let folder = clinic();
    let before = records(folder.path());
    let said = run_tavs(folder.path(), RETIRE);
    assert_eq!(said.code, 2, "{}", said.out);
    assert_eq!(run_tavs(folder.path(), ["ledger", "reindex"]).code, 0);
    let said = run_tavs(folder.path(), RETIRE.iter().chain(&["--dry-run"]));
    assert!(said.code == 0 && said.out.contains("would be retired"), "{}{}", said.out, said.err);
    assert_eq!(records(folder.path()), before);

    let said = run_tavs(folder.path(), RETIRE);
    assert!(said.code == 0 && said.out.contains("was retired"), "{}{}", said.out, said.err);
    let after = records(folder.path());
    let first = after[0].sequence;
    assert!(first > 4, "{}", said.out);
    let treated =
        |record: &Record| record.entry().is_some_and(|entry| entry.grounds.purpose.as_str() == "treatment");
    assert!(after.iter().any(treated), "what is not past its retention is kept");
    let kept = usize::try_from(first - 1).unwrap();
    assert_eq!(after[..before.len() - kept], before[kept..]);
    // What later records and the registry need stands there again, then who retired what.
    let again: Vec<&Event> = after[before.len() - kept..].iter().map(|record| &record.event).collect();
    let [Event::Policy(version), Event::Act(change), Event::Act(act)] = again[..] else {
        panic!("{again:?}")
    };
    assert_eq!((version.policy, version.unix_millis), (LAST, THEN));
    assert_eq!(Note::Act(change.clone()), restriction());
    assert_eq!((&*act.what, act.who.as_str()), ("retire", "Inge Bo, officer"));

    let public = run_tavs(folder.path(), ["keys", "show-checkpoint-key", "keys/ring.toml"]).out;
    let (ours, theirs) = both_with(folder.path(), true, public.trim());
    assert_eq!((ours.code, theirs.code), (0, 0), "{}{}{}", ours.out, theirs.out, theirs.err);
    assert!(run_tavs(folder.path(), RETIRE).out.starts_with("nothing was retired"));

    // The index of what is left says the same whether it was kept or is made anew.
    for _ in 0..2 {
        let store = Store::open(&folder.path().join("tavs.db")).unwrap();
        assert!(store.policy(LAST).unwrap().is_some());
        assert_eq!(store.generation().unwrap(), 1);
        drop(store);
        assert_eq!(run_tavs(folder.path(), ["ledger", "reindex"]).code, 0);
    }
    // Without what says that they were retired, their records are missing.
    fs::write(folder.path().join("ledger/checkpoints"), "").unwrap();
    let (ours, theirs) = both_with(folder.path(), false, public.trim());
    assert!(ours.code == 1 && ours.out.starts_with("begin: "), "{}", ours.out);
    assert!(theirs.code == 1 && theirs.out.starts_with("begin: "), "{}", theirs.out);
}

#[test]
fn nothing_is_retired_early_unnamed_or_unknown_to_the_anchor() {
    let folder = clinic();
    assert_eq!(run_tavs(folder.path(), ["ledger", "reindex"]).code, 0);
    let before = records(folder.path());
    for (args, told) in [
        (vec!["--at", "9999-01-01", "--who", "x"], "has not come yet"),
        (vec!["--who", "251248-9996"], "may not hold a CPR"),
        (vec!["--at", "2026-01-01"], "--who"),
    ] {
        let said = run_tavs(folder.path(), ["ledger", "retire"].iter().chain(&args));
        assert!(said.code == 2 && said.err.contains(told), "{args:?}: {}", said.err);
    }
    let said = run_tavs(folder.path(), ["ledger", "retire", "--at", "2023-03-03", "--who", "x"]);
    assert!(said.out.starts_with("nothing was retired"), "{}", said.out);
    assert_eq!(records(folder.path()), before);
    fs::create_dir(folder.path().join("anchor")).unwrap();
    let said = run_tavs(folder.path(), RETIRE);
    assert!(said.code == 2 && said.err.contains("the anchor was not told"), "{}", said.err);
    assert_eq!(records(folder.path())[..before.len()], before[..]);
}
