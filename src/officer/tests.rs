//! Changes in their order, whatever fails; look-ups only after their record; roles.

mod reidentify;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tempfile::TempDir;

use super::*;
use crate::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};
use crate::judge::{Judge as _, Judgement};
use crate::ledger::index::Indexer;
use crate::ledger::{Disk, Entry, Event, FileSystem, Grounds, Ledger, Limits, Settings};
use crate::store::Store;
use crate::subjects::{Circumstances, Subjects, Weighed};

/// A disk whose syncs fail once it is told to.
#[derive(Debug)]
struct Failing(Arc<AtomicBool>);

impl Disk for Failing {
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
        if self.0.load(Ordering::SeqCst) { Err(io::Error::other("full")) } else { FileSystem.sync(file) }
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
}

/// An office over a new ledger and store.
struct Desk {
    office: Arc<Office>,
    subjects: Arc<Subjects>,
    ledger: Ledger,
    store: Store,
    fails: Arc<AtomicBool>,
    folder: TempDir,
}

impl Desk {
    fn open() -> Self {
        Self::open_with(in_force::tests::in_force())
    }

    fn open_with(names: InForce) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("ledger");
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let fails = Arc::new(AtomicBool::new(false));
        let settings = Settings { directory, node: "n".into(), new_log: [1; 16], limits: Limits::default() };
        let (ledger, _) = Ledger::open_on(settings, Box::new(Failing(Arc::clone(&fails)))).unwrap();
        let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
        let subjects = Arc::new(Subjects::load(&store).unwrap());
        let indexer =
            Arc::new(Indexer::start(&folder.path().join("ledger"), ledger.durable(), store.clone()).unwrap());
        let registrar =
            Registrar::new(ledger.clone(), store.clone(), Arc::clone(&subjects), indexer, Clock::system());
        let names = Arc::new(ArcSwap::from_pointee(names));
        Self {
            office: Arc::new(Office::new(registrar, names, folder.path().join("ledger"), None)),
            subjects,
            ledger,
            store,
            fails,
            folder,
        }
    }

    async fn ask(&self, caller: &Caller, path: &str, body: String) -> (u16, String) {
        let body = Zeroizing::new(body.into_bytes());
        let told = Arc::clone(&self.office).answer(caller.clone(), "POST", path, body).await;
        (told.status, String::from_utf8(told.body).unwrap())
    }

    /// A disclosure about one person is on record.
    async fn disclose(&self, number: u8, recipient: &str, subject: SubjectId) {
        let grounds = Grounds {
            recipient: RecipientId::new(recipient),
            policy: PolicyVersion([7; 32]),
            route: None,
            purpose: Purpose::new("improvement"),
            basis: vec!["gdpr-6-1-a".into()],
            country: Arc::from("DK"),
        };
        let exchange = ExchangeId::new(1_772_600_000_000, [number; 10]);
        let refusal = Entry::refusal(exchange, 1_772_600_000_000, Arc::new(grounds), 200, "released");
        let entry = Entry { kind: crate::ledger::Kind::Disclosure, subjects: vec![subject], ..refusal };
        self.ledger.append(&entry).await.unwrap();
    }

    async fn change(&self, members: &str) -> (u16, String) {
        let body = format!(r#"{{"why":"letter","changes":[{{"subject":"{NANCY}",{members}}}]}}"#);
        self.ask(&Caller::Local { uid: 7 }, "/v1/changes", body).await
    }

    fn judged(&self, text: &str) -> Judgement {
        let case = Circumstances {
            recipient: "sms-reminders",
            purpose: "improvement",
            consent_required: false,
            now: 1,
        };
        let id = in_force::tests::in_force().subject(text, None).unwrap();
        self.subjects.judge(case, &Weighed::default()).judge(id.id(), id.is_number())
    }

    /// What, begun, who and why of each act.
    fn acts(&self) -> Vec<(String, Option<bool>, String, String)> {
        let records = crate::ledger::read(&self.folder.path().join("ledger")).unwrap();
        let acts = records.map(Result::unwrap).filter_map(|record| match record.event {
            Event::Act(act) => Some((act.what.into_owned(), act.begun, act.who, act.why)),
            Event::Exchange(_) | Event::Policy(_) => None,
        });
        acts.collect()
    }
}

const NANCY: &str = "2512489996";

#[tokio::test]
async fn a_change_is_stored_in_force_and_on_record_and_so_is_its_end() {
    let desk = Desk::open();
    let (status, body) = desk.change(r#""kind":"restriction","begun":true"#).await;
    assert_eq!((status, body.as_str()), (200, r#"{"changes":[{"change":1,"record":1}],"to_tell":[]}"#));
    assert_eq!(desk.judged(NANCY), Judgement::Withheld);
    assert!(
        desk.store.changes_of(in_force::tests::in_force().subject(NANCY, None).unwrap().id()).unwrap()[0]
            .change
            .sealed_cpr
            .is_some()
    );
    assert_eq!(desk.change(r#""kind":"restriction","begun":false"#).await.0, 200);
    assert_ne!(desk.judged(NANCY), Judgement::Withheld);
    assert_eq!(desk.store.unrecorded().unwrap(), []);
    let who = || "uid 7".to_owned();
    let wanted =
        [true, false].map(|begun| ("restriction".to_owned(), Some(begun), who(), "letter".to_owned()));
    assert_eq!(desk.acts(), wanted);
    // Nothing holds any more, nobody is to be told: the number is not kept.
    desk.store.each_change(0, |change| assert_eq!(change.change.sealed_cpr, None)).unwrap();

    let (status, body) = desk.change(r#""kind":"restriction","begun":false"#).await;
    assert_eq!(status, 409, "{body}");
    let (status, body) =
        desk.change(r#""kind":"frabedt","begun":false,"recipient":"gone"}},{{"subject":"#).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(desk.acts().len(), 2);
}

#[tokio::test]
async fn what_the_ledger_does_not_take_withholds_all_the_same_and_releases_nothing() {
    let desk = Desk::open();
    assert_eq!(desk.change(r#""kind":"frabedt","begun":true"#).await.0, 200);
    desk.fails.store(true, Ordering::SeqCst);
    let (status, body) = desk.change(r#""kind":"frabedt","begun":false"#).await;
    assert_eq!(status, 503);
    assert!(body.contains(r#""changes":[2]"#), "{body}");
    assert_eq!(desk.judged(NANCY), Judgement::Withheld, "lifted without a record");
    assert_eq!(desk.store.unrecorded().unwrap().len(), 1);
    // The ledger has failed: nothing more is changed, or shown.
    let before = desk.store.generation().unwrap();
    assert_eq!(desk.change(r#""kind":"restriction","begun":true"#).await.0, 503);
    assert_eq!(desk.store.generation().unwrap(), before);
    let look = format!(r#"{{"why":"letter","subject":"{NANCY}"}}"#);
    let (status, body) = desk.ask(&Caller::Local { uid: 7 }, "/v1/subjects/show", look).await;
    assert_eq!(status, 503);
    assert!(!body.contains("frabedt"), "{body}");

    let desk = Desk::open();
    desk.fails.store(true, Ordering::SeqCst);
    assert_eq!(desk.change(r#""kind":"restriction","begun":true"#).await.0, 503);
    assert_eq!(desk.judged(NANCY), Judgement::Withheld, "the change stands");
}

#[tokio::test]
async fn an_erasure_is_for_good_and_keeps_no_number_once_nobody_is_to_be_told() {
    let desk = Desk::open();
    assert_eq!(desk.change(r#""kind":"consent","begun":true,"purpose":"improvement""#).await.0, 200);
    assert_eq!(desk.change(r#""kind":"erasure","begun":true"#).await.0, 200);
    assert_eq!(desk.change(r#""kind":"erasure","begun":false"#).await.0, 409);
    assert_eq!(desk.judged(NANCY), Judgement::Withheld);
    // The consent still stands beside it, and is withdrawn.
    assert_eq!(desk.change(r#""kind":"consent","begun":false,"purpose":"improvement""#).await.0, 200);
    desk.store.each_change(0, |change| assert_eq!(change.change.sealed_cpr, None)).unwrap();
}

#[tokio::test]
async fn two_ids_of_one_person_share_what_holds_and_an_id_is_not_taken_from_another() {
    let desk = Desk::open();
    assert_eq!(desk.change(r#""kind":"restriction","begun":true"#).await.0, 200);
    let alias = |subject: &str, same_as: &str| {
        let body = format!(r#"{{"why":"CPR-kontoret","subject":"{subject}","same_as":"{same_as}"}}"#);
        async { desk.ask(&Caller::Local { uid: 7 }, "/v1/aliases", body).await }
    };
    assert_eq!(desk.judged("Patient/1"), Judgement::Unknown);
    assert_eq!(alias("Patient/1", "0201609995").await, (200, r#"{"record":2}"#.into()));
    assert_ne!(desk.judged("Patient/1"), Judgement::Withheld);
    assert_eq!(alias("Patient/1", NANCY).await.0, 409);
    assert_eq!(alias(NANCY, "0201609995").await.0, 200);
    assert_eq!(desk.judged("Patient/1"), Judgement::Withheld);
    assert_eq!(alias("Patient/1", NANCY).await, (200, r#"{"record":null}"#.into()));
    for (subject, same_as) in
        [(NANCY, NANCY), ("Patient/1", "Patient/2"), ("0000000000", NANCY), (NANCY, "x")]
    {
        assert_eq!(alias(subject, same_as).await.0, 422, "{subject} {same_as}");
    }
    // What was known before is known after a restart.
    let again = Subjects::load(&desk.store).unwrap();
    assert_eq!(again.sizes(), desk.subjects.sizes());
    let look = r#"{"why":"letter","subject":"Patient/1"}"#.to_owned();
    let (status, body) = desk.ask(&Caller::Local { uid: 7 }, "/v1/subjects/show", look).await;
    assert_eq!(status, 200);
    assert!(
        body.starts_with(
            r#"{"ids":3,"erased":false,"changes":[{"change":1,"kind":"restriction","begun":true,"#
        ),
        "{body}"
    );
    assert!(body.contains(r#""holds":true"#) && !body.contains("2512"), "{body}");
    assert_eq!(desk.acts().last().unwrap().0, "show");
}

#[tokio::test]
async fn a_wrong_role_is_refused_and_on_record() {
    let desk = Desk::open();
    let caller = Caller::Client { name: "journal".into(), roles: vec![Role::Registrar] };
    let change = |kind: &str| {
        format!(
            r#"{{"why":"form","who":"Anna","changes":[{{"subject":"{NANCY}","kind":"{kind}","begun":true}}]}}"#
        )
    };
    assert_eq!(desk.ask(&caller, "/v1/changes", change("frabedt")).await.0, 200);
    for (path, body) in [
        ("/v1/changes", change("erasure")),
        ("/v1/subjects/show", format!(r#"{{"why":"x","subject":"{NANCY}"}}"#)),
        ("/v1/reload", String::new()),
    ] {
        let (status, told) = desk.ask(&caller, path, body).await;
        assert_eq!(status, 403, "{told}");
    }
    let acts = desk.acts();
    assert_eq!(acts[0].2, "Anna (journal)");
    let refused: Vec<_> =
        acts[1..].iter().map(|act| (act.0.as_str(), act.2.as_str(), act.3.as_str())).collect();
    let wanted = ["erasure", "show", "reload"].map(|deed| ("role-refused", "journal", deed));
    assert_eq!(refused, wanted);
    assert_eq!(desk.ask(&caller, "/v1/nothing", String::new()).await.0, 404);
}

#[tokio::test]
async fn many_changes_are_all_made_or_none() {
    let desk = Desk::open();
    let numbers = ["2512489996", "0201609995", "0504909995"];
    let list = |wrong: bool| {
        let one = |number: &str| {
            let purpose = if wrong && number.starts_with("05") { "gone" } else { "improvement" };
            format!(r#"{{"subject":"{number}","kind":"consent","begun":true,"purpose":"{purpose}"}}"#)
        };
        format!(r#"{{"why":"forms of March","changes":[{}]}}"#, numbers.map(one).join(","))
    };
    let caller = Caller::Local { uid: 7 };
    let (status, body) = desk.ask(&caller, "/v1/changes", list(true)).await;
    assert_eq!(status, 422);
    assert!(body.contains(r#""entries":[{"entry":3,"#), "{body}");
    assert_eq!(desk.store.generation().unwrap(), 0);
    assert_eq!(desk.ask(&caller, "/v1/changes", list(false)).await.0, 200);
    assert_eq!((desk.store.generation().unwrap(), desk.acts().len()), (3, 3));
}

#[tokio::test]
async fn who_received_is_told_of_an_erasure_and_the_number_stays_sealed_until_all_have_acknowledged() {
    let desk = Desk::open();
    let id = in_force::tests::in_force().subject(NANCY, None).unwrap().id();
    for (number, recipient) in (0_u8..).zip(["sms-reminders", "bookkeeping", "sms-reminders"]) {
        desk.disclose(number, recipient, id).await;
    }
    let sealed = || {
        let mut sealed = 0;
        desk.store
            .each_change(0, |change| sealed += usize::from(change.change.sealed_cpr.is_some()))
            .unwrap();
        sealed
    };
    let (status, body) = desk.change(r#""kind":"erasure","begun":true"#).await;
    assert_eq!(status, 200);
    assert!(body.ends_with(r#""to_tell":["bookkeeping","sms-reminders"]}"#), "{body}");
    let acknowledge = |recipient: &str| {
        let body = format!(r#"{{"why":"their letter","subject":"{NANCY}","recipient":"{recipient}"}}"#);
        async { desk.ask(&Caller::Local { uid: 7 }, "/v1/notices/acknowledge", body).await }
    };
    assert_eq!(acknowledge("sms-reminders").await, (200, r#"{"acknowledged":1}"#.into()));
    assert_eq!(acknowledge("sms-reminders").await.0, 409);
    assert_eq!(acknowledge("research").await.0, 409);
    assert_eq!(sealed(), 1);
    assert_eq!(acknowledge("bookkeeping").await.0, 200);
    assert_eq!(sealed(), 0);
    let acts = desk.acts();
    assert_eq!(acts.iter().filter(|act| act.0 == "acknowledged").count(), 2);
}
