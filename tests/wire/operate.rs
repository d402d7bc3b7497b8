//! The ledger failing, reload, drain, health, and starting up with mistakes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tavs::app::StartError;
use tavs::ledger::verify::{Against, verify};
use tavs::ledger::{Disk, FileSystem};

use tokio::sync::Notify;

use super::lab::PATIENCE;
use super::origin::{Step, json};
use super::stage::{GOOD, Setting, Stage, admin_page, policy};

const GET: &[u8] = b"GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A disk that works until it is told to fail, or to keep everybody waiting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weak {
    mood: Arc<AtomicU8>,
}

pub(crate) const FAILS: u8 = 1;
const WAITS: u8 = 2;

impl Weak {
    pub(crate) fn is(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }
}

impl Disk for Weak {
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
        match self.mood.load(Ordering::SeqCst) {
            FAILS => return Err(io::Error::from_raw_os_error(5)),
            WAITS => std::thread::sleep(Duration::from_millis(1500)),
            _ => {}
        }
        FileSystem.sync(file)
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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_that_the_ledger_does_not_take() {
    let disk = Weak::default();
    let stage = Stage::set(Setting { disk: Box::new(disk.clone()), ..Setting::default() }).await;
    let mut wire = stage.wire().await;
    assert_eq!(wire.get("/appointments").await.status, 200);
    assert_eq!(stage.admin("/readyz").await.status, 200);
    disk.is(FAILS);
    for _ in 0..2 {
        let reply = wire.get("/appointments").await;
        reply.is_problem("ledger-unusable", "a sync failed");
        assert!(reply.field("retry-after").is_some());
    }
    // Nor does a ledger that works again by itself count as one.
    disk.is(0);
    wire.get("/appointments").await.is_problem("ledger-unusable", "after a failed sync");
    // Refusals are still answered.
    wire.get("/nothing").await.is_problem("no-route", "a refusal");
    let ready = stage.admin("/readyz").await;
    assert!(ready.status == 503 && ready.text().starts_with("ledger: "), "{}", ready.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_cannot_be_put_on_record_does_not_serve() {
    let disk = Weak::default();
    let stage = Stage::set(Setting { disk: Box::new(disk.clone()), ..Setting::default() }).await;
    let serving = stage.running.reloader();
    serving.reload().unwrap();
    // Another version of the policy, and a disk that takes nothing any more.
    stage.lab.write("policies/sms.toml", &format!("{}\n# later\n", policy("sms")));
    disk.is(FAILS);
    for _ in 0..2 {
        let findings = serving.reload().unwrap_err();
        let codes: Vec<&str> = findings.diagnostics.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["TAVS0611"], "{}", findings.render(false));
        assert!(findings.render(false).contains("the ledger does not take the record of policy"));
    }
    // What is on record already needs no new record.
    stage.lab.write("policies/sms.toml", &policy("sms"));
    serving.reload().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_ledger_is_waited_for_within_its_limit_only() {
    let disk = Weak::default();
    let setting = Setting { disk: Box::new(disk.clone()), ledger: "wait = \"1 s\"", ..Setting::default() };
    let stage = Stage::set(setting).await;
    disk.is(WAITS);
    stage.get("/appointments").await.is_problem("ledger-unusable", "a slow disk");
    // A refusal waits for at most a second, and is answered as itself.
    stage.get("/nothing").await.is_problem("no-route", "a refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_change_takes_effect_and_a_bad_one_changes_nothing() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    assert!(wire.get("/appointments").await.text().contains("\"name\":\"Nancy\""));

    let narrower =
        policy("sms").replace("\"$.appointments[*].patient.name\" = { mask = \"first-word\" }\n", "");
    stage.lab.write("policies/sms.toml", &narrower);
    stage.running.reloader().reload().unwrap();
    assert!(!wire.get("/appointments").await.text().contains("Nancy"));

    for bad in [
        policy("sms").replace("first-word", "frist-word"),
        policy("sms").replace("\"booking\"", "\"boking\""),
        policy("sms").replace("domain = \"sms\"", "domain = \"smss\""),
        policy("sms").replace("anchor = \"partners\"", "anchor = \"partner\""),
        "policy = ".to_owned(),
    ] {
        stage.lab.write("policies/sms.toml", &bad);
        let findings = stage.running.reloader().reload().unwrap_err();
        assert!(findings.render(false).contains("policies/sms.toml:"), "{}", findings.render(false));
        let reply = wire.get("/appointments").await;
        assert!(reply.status == 200 && !reply.text().contains("Nancy"));
    }
    stage.lab.write("policies/sms.toml", &narrower);
    for (file, text) in [
        ("server.pem", "nothing"),
        ("partners.crl", "nothing"),
        ("ring.toml", "ring = 2"),
        ("tavs.toml", "x = 1"),
    ] {
        let good = fs::read_to_string(stage.lab.path(file)).unwrap();
        stage.lab.write(file, text);
        let findings = stage.running.reloader().reload().unwrap_err();
        assert!(findings.has_errors(), "{file}");
        assert_eq!(stage.get("/appointments").await.status, 200, "{file}");
        stage.lab.write(file, &good);
    }
    stage.running.reloader().reload().unwrap();
    // The watch may have tried, too: at least ours were counted.
    assert!(stage.metric("tavs_config_reloads_total{result=\"failure\"}").await.unwrap() >= 9.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_noticed() {
    let stage = Stage::new().await;
    let narrower =
        policy("sms").replace("\"$.appointments[*].patient.name\" = { mask = \"first-word\" }\n", "");
    // As an editor does it: a new file in the place of the old one.
    stage.lab.write("policies/.sms.toml.new", &narrower);
    fs::rename(stage.lab.path("policies/.sms.toml.new"), stage.lab.path("policies/sms.toml")).unwrap();
    let mut wire = stage.wire().await;
    let changed = async {
        while wire.get("/appointments").await.text().contains("Nancy") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_profile_is_noticed() {
    const RULE: &str = "\"$.appointments[*].patient.name\" = { mask = \"first-word\" }\n";
    const WIDE: &str = "profile = 1\n[[shape]]\nname = \"Booked\"\nat = [\"$.appointments[*]\"]\nwhen = { secret = \"x\" }\n\
                        [shape.members]\n\"$.start\" = \"keep\"\n\"$.patient.name\" = { mask = \"first-word\" }\n";
    let narrow = WIDE.replace("{ mask = \"first-word\" }", "\"withhold\"");
    let sms = policy("sms")
        .replacen("policy = 1", "policy = 1\ninclude = [\"profiles/booked.toml\"]", 1)
        .replacen(RULE, "", 1)
        .replacen("\"$.appointments[*].start\" = \"keep\"\n", "", 1)
        .replacen("[route.response]\n", "[route.response]\nshapes = [\"Booked\"]\n", 1);
    let setting = Setting { sms, ..Setting::default() };
    let stage = Stage::try_set_spoilt(setting, |directory| {
        fs::create_dir(directory.join("policies/profiles")).unwrap();
        fs::write(directory.join("policies/profiles/booked.toml"), WIDE).unwrap();
    })
    .await
    .map_err(|(error, _)| error)
    .unwrap();
    let mut wire = stage.wire().await;
    let mut becomes = async |named: bool| {
        let changed = async {
            while wire.get("/appointments").await.text().contains("Nancy") != named {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, changed).await.unwrap();
    };
    becomes(true).await;
    // As a deployment does it: a new folder in the place of the old one.
    fs::create_dir(stage.lab.path("policies/.new")).unwrap();
    stage.lab.write("policies/.new/booked.toml", &narrow);
    fs::rename(stage.lab.path("policies/profiles"), stage.lab.path("policies/.old")).unwrap();
    fs::rename(stage.lab.path("policies/.new"), stage.lab.path("policies/profiles")).unwrap();
    becomes(false).await;
    // And the new folder is watched.
    stage.lab.write("policies/profiles/booked.toml", WIDE);
    becomes(true).await;
    // A profile with a mistake changes nothing (G11).
    stage.lab.write("policies/profiles/booked.toml", &WIDE.replace("mask", "maks"));
    let findings = stage.running.reloader().reload().unwrap_err();
    assert!(findings.render(false).contains("policies/profiles/booked.toml:"), "{}", findings.render(false));
    assert!(
        findings.brief()[0].contains("policies/profiles/booked.toml:8: TAVS0102"),
        "{:?}",
        findings.brief()
    );
    becomes(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_version_takes_over_at_its_instant_without_anybody_asking() {
    let stage = Stage::new().await;
    let ring = fs::read_to_string(stage.lab.path("ring.toml")).unwrap();
    let mut wire = stage.wire().await;
    assert!(wire.get("/appointments").await.text().contains("\"tvk1-"));
    let from = stage.clock.timestamp().checked_add(jiff::SignedDuration::from_millis(1500)).unwrap();
    let new = format!(
        "[[secret]]\nuse = \"domain\"\nname = \"sms\"\nversion = 2\nstate = \"active\"\nfrom = \"{from}\"\nsecret = \"{}\"\n",
        "9e".repeat(32)
    );
    stage.lab.write("ring.toml", &(ring + &new));
    let old = async {
        loop {
            let before = stage.clock.timestamp() < from;
            let text = wire.get("/appointments").await.text().to_owned();
            if text.contains("\"tvk2-") {
                assert!(stage.clock.timestamp() >= from, "before its instant");
                return;
            }
            assert!(text.contains("\"tvk1-") && (before || !text.contains("tvk2-")), "{text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, old).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_the_configuration_does_not_reload() {
    let stage = Stage::new().await;
    // A log beside tavs.toml, and an editor's own files beside the policies.
    for number in 0..5 {
        stage.lab.write("some.log", &number.to_string());
        stage.lab.write("policies/.sms.toml.swp", &number.to_string());
        stage.lab.write("policies/sms.toml~", &number.to_string());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Longer than two looks at the files, and the quiet that a reload waits for.
    let looked = Duration::from_millis(1500);
    tokio::time::sleep(looked).await;
    assert_eq!(stage.metric("tavs_config_reloads_total{result=\"success\"}").await, Some(1.0));
    // A change that did not take effect is not tried again and again, but its mend is noticed.
    stage.lab.write("policies/sms.toml", "policy = ");
    let failures = "tavs_config_reloads_total{result=\"failure\"}";
    let successes = "tavs_config_reloads_total{result=\"success\"}";
    let counted = |line: &'static str, least: f64| {
        let stage = &stage;
        async move {
            while stage.metric(line).await.unwrap_or_default() < least {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, counted(failures, 1.0)).await.unwrap();
    tokio::time::sleep(looked).await;
    let tried = stage.metric(failures).await;
    stage.lab.write("some.log", "more");
    tokio::time::sleep(looked).await;
    assert_eq!(stage.metric(failures).await, tried);
    stage.lab.write("policies/sms.toml", &policy("sms"));
    tokio::time::timeout(PATIENCE, counted(successes, 2.0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_keeps_the_state_that_it_began_with() {
    let stage = Stage::new().await;
    let go = Arc::new(Notify::new());
    stage.origin.plays(vec![Step::Until(Arc::clone(&go)), Step::Say(json(GOOD))]);
    let mut wire = stage.wire().await;
    wire.send(GET).await;
    while stage.origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let narrower =
        policy("sms").replace("\"$.appointments[*].patient.name\" = { mask = \"first-word\" }\n", "");
    stage.lab.write("policies/sms.toml", &narrower);
    stage.running.reloader().reload().unwrap();
    stage.origin.says(json(GOOD));
    go.notify_one();
    let reply = wire.ask(b"").await.unwrap();
    assert!(reply.text().contains("Nancy"), "{}", reply.text());
    assert!(!wire.get("/appointments").await.text().contains("Nancy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_finishes_what_is_under_way_and_closes_the_ledger() {
    let stage = Stage::new().await;
    let go = Arc::new(Notify::new());
    stage.origin.plays(vec![Step::Until(Arc::clone(&go)), Step::Say(json(GOOD))]);
    let mut wire = stage.wire().await;
    let mut idle = stage.wire().await;
    assert_eq!(idle.get("/nothing").await.status, 404);
    wire.send(GET).await;
    while stage.origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let admin = stage.running.admin_address();
    let (address, directory) = (stage.running.address(), stage.lab.path("ledger"));
    let stopping = tokio::spawn(stage.running.stop());
    while admin_page(admin, "/readyz", "localhost").await.status == 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ready = admin_page(admin, "/readyz", "localhost").await;
    assert!(ready.text().starts_with("draining"), "{}", ready.text());
    go.notify_one();
    let reply = wire.ask(b"").await.unwrap();
    assert_eq!(reply.status, 200, "what was under way is finished");
    assert!(wire.is_closed().await && idle.is_closed().await);
    let drained = stopping.await.unwrap();
    assert_eq!((drained.answered, drained.cut), (2, 0));
    assert!(drained.ledger.is_ok());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
    let segment = fs::read_to_string(directory.join("00000001.ledger")).unwrap();
    assert_eq!(segment.matches(r#""kind":"disclosure""#).count(), 1);
    // The last checkpoint covers the last record.
    let hash = segment.lines().last().and_then(|line| line.split_once(' ')).unwrap().0;
    let checkpoints = fs::read_to_string(directory.join("checkpoints")).unwrap();
    assert!(checkpoints.lines().last().unwrap().contains(hash), "{checkpoints}");
    let found = verify(&directory, Against::default()).unwrap();
    assert_eq!((found.findings, found.signed.map(|(sequence, _)| sequence)), (Vec::new(), Some(found.last)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_shows_health_and_metrics_by_address_only() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/appointments").await.status, 200);
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/", 404),
        ("/.well-known/tavs/problems", 200),
    ] {
        assert_eq!(stage.admin(path).await.status, status, "{path}");
    }
    let metrics = stage.admin("/metrics").await;
    assert!(metrics.text().ends_with("# EOF\n"));
    assert!(
        metrics.text().contains(r#"tavs_requests_total{recipient="sms",route="appointments",code="200"} 1"#)
    );
    metrics.tells_nothing("metrics");
    let reply = stage.admin_as("/metrics", "evil.example").await;
    assert_eq!(reply.status, 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_at_the_start_are_told_where_they_stand_with_the_mend() {
    let cases: [(&str, Spoil, &str); 6] = [
        ("a world-readable key", |dir| chmod(&dir.join("server.key"), 0o644), "chmod 600"),
        ("a world-readable ring", |dir| chmod(&dir.join("ring.toml"), 0o604), "chmod 600"),
        ("a missing certificate", |dir| fs::remove_file(dir.join("server.pem")).unwrap(), "cannot read"),
        (
            "a key of another certificate",
            |dir| fs::rename(dir.join("other.key"), dir.join("server.key")).unwrap(),
            "does not belong to",
        ),
        (
            "a missing folder",
            |dir| fs::remove_dir_all(dir.join("policies")).unwrap(),
            "cannot read the folder",
        ),
        ("a missing CA", |dir| fs::remove_file(dir.join("clinic-ca.pem")).unwrap(), "cannot read"),
    ];
    for (what, spoil, wanted) in cases {
        let (error, _lab) = Stage::try_set_spoilt(Setting::default(), spoil).await.err().unwrap();
        let StartError::Findings(findings) = error else { panic!("{what}: {error}") };
        let shown = findings.render(false);
        assert!(shown.contains(wanted) && shown.contains("tavs.toml:"), "{what}: {shown}");
    }
    let (error, _lab) =
        Stage::try_set_spoilt(Setting::default(), |dir| fs::remove_dir(dir.join("ledger")).unwrap())
            .await
            .err()
            .unwrap();
    assert!(error.to_string().contains("mkdir -m 700"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_policy_beside_its_renewal_is_told_apart_by_a_person() {
    let old = policy("sms")
        .replace("review = 2027-01-15", "review = 2026-02-01")
        .replace("expires = 2028-01-14", "expires = 2026-03-03");
    // Alone it is served, which means that everything is refused.
    let stage = Stage::set(Setting { sms: old.clone(), ..Setting::default() }).await;
    stage.get("/appointments").await.is_problem("agreement-lapsed", "alone");
    // Beside its renewal, nobody but a person can say which of the two counts.
    for other in [old.clone(), old.replace("recipient:sms", "recipient:old")] {
        let setting = Setting { policies: vec![("old", other)], ..Setting::default() };
        let (error, _lab) = Stage::try_set(setting).await.err().unwrap();
        let StartError::Findings(findings) = error else { panic!("{error}") };
        assert!(findings.diagnostics.iter().any(|one| one.code == "TAVS0502"), "{}", findings.render(false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setting = Setting { listen: address, ..Setting::default() };
    let (error, _lab) = Stage::try_set(setting).await.err().unwrap();
    let line = error.to_string();
    assert!(line.contains(&format!("cannot listen on {address}")) && line.contains("[listen]"), "{line}");
}

/// Does something to the directory of a configuration.
type Spoil = fn(&Path);

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
