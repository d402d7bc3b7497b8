//! The built binary: signals, exit codes, and what its log says, which is nothing personal (G10).

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::ToSpan as _;
use tavs::clock::Clock;

use super::lab::{Lab, PATIENCE};
use super::origin::{Origin, Step, answer, json};
use super::stage::{GOOD, PLANTED, Setting, Wire, ground, policy};

/// A running `tavs serve`, whose standard error goes to a file. Killed if a test ends early.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(config: &Path, log: PathBuf) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(["serve", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log holds `wanted` so many times.
    async fn says(&self, wanted: &str, times: usize) {
        let told = async {
            while self.log().matches(wanted).count() < times {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, told).await.is_err() {
            panic!("no `{wanted}` in {}", self.log());
        }
    }

    async fn address(&self) -> SocketAddr {
        self.says("tavs serves", 1).await;
        let log = self.log();
        let line = log.lines().find(|line| line.contains("tavs serves")).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["address"].as_str().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    async fn ends(&mut self) -> i32 {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary has the machine's own clock: an agreement around today.
fn current(text: &str) -> String {
    let today = Clock::system().today();
    let day = |text: &str, days: i64| text.to_owned() + &today.checked_add(days.days()).unwrap().to_string();
    text.replace("signed = 2026-01-15", &day("signed = ", -10))
        .replace("review = 2027-01-15", &day("review = ", 100))
        .replace("expires = 2028-01-14", &day("expires = ", 200))
}

async fn set(more: &'static str) -> (Lab, Origin, PathBuf) {
    let setting = Setting { sms: current(&policy("sms")), more, ..Setting::default() };
    ground(&setting).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_nothing_of_any_message() {
    let (lab, origin, config) = set("[log]\nlevel = \"debug\"\n").await;
    let mut process = Process::start(&config, lab.path("log"));
    let address = process.address().await;
    let client = lab.client("sms");
    let json_type = "content-type: application/json\r\n";
    let says: Vec<Vec<u8>> = vec![
        json(GOOD),
        json(&GOOD.replace("AFT-KQ7", "AFT-KQ7\\u0000")),
        json(&GOOD.replace("}}]}", "")),
        json(&GOOD.replace("\"id\"", "\"2512489996\"")),
        answer("500 secret-reason", json_type, GOOD.as_bytes()),
        answer("404 secret-reason", json_type, GOOD.as_bytes()),
        answer("200 OK", "content-type: secret/planted\r\n", GOOD.as_bytes()),
        answer("200 OK", "content-type: application/json\r\nx-2512489996: secret\r\n", GOOD.as_bytes()),
        b"HTTP/1.1 200 OK\r\ncontent-length: planted\r\n\r\n{}".to_vec(),
        b"planted 2512489996\r\n\r\n".to_vec(),
    ];
    let requests = [
        "GET /appointments?from=2019-08-07 HTTP/1.1\r\nhost: localhost\r\n",
        "GET /appointments/a2512489996b HTTP/1.1\r\nhost: localhost\r\n",
        "GET /appointments/251248-9996 HTTP/1.1\r\nhost: localhost\r\n",
        "GET /secret/2512489996?secret=251248-9996 HTTP/1.1\r\nhost: localhost\r\n",
        "GET /appointments?code=secret-code HTTP/1.1\r\nhost: secret.example\r\n",
        "SECRET /appointments HTTP/1.1\r\nhost: localhost\r\nx-secret: 2512489996\r\n",
        "GET /appointments HTTP/1.1\r\nhost: localhost\r\ntraceparent: 00-25124899962512489996251248999625-2512489996251248-01\r\n",
        "GET /a/../2512489996 HTTP/1.1\r\nhost: localhost\r\ncookie: secret=2512489996\r\n",
        "GET /2512489996 SECRET/1.1\r\nhost: localhost\r\n",
    ];
    for said in &says {
        origin.says(said.clone());
        for request in requests {
            let mut wire = Wire::open(&lab, address, &client).await;
            drop(wire.ask(format!("{request}\r\n").as_bytes()).await);
        }
    }
    let stranger = lab.client("secret-2512489996");
    drop(Wire::open(&lab, address, &stranger).await.ask(format!("{}\r\n", requests[0]).as_bytes()).await);
    lab.write("policies/sms.toml", &policy("sms").replace("keep", "secret-word 2512489996"));
    process.signal("-HUP");
    process.says("not reloaded", 1).await;
    process.signal("-TERM");
    assert_eq!(process.ends().await, 0);

    let log = process.log();
    assert!(log.lines().count() > says.len() * requests.len(), "{log}");
    let known = [
        PLANTED[0],
        PLANTED[1],
        "Nancy",
        "Berggren",
        "kommer",
        "AFT-KQ7",
        "secret",
        "SECRET",
        "planted",
        "2019-08-07",
        "09:20:00+01",
    ];
    for line in log.lines() {
        let found: Vec<_> =
            tavs::absence::find_any(line.as_bytes(), &known).into_iter().map(|at| known[at]).collect();
        assert!(found.is_empty(), "{found:?} in {line}");
    }
    assert!(!log.contains("tvk1-"), "a pseudonym in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_and_sigterm_drains() {
    let (lab, origin, config) = set("").await;
    let mut process = Process::start(&config, lab.path("log"));
    let address = process.address().await;
    let mut wire = Wire::open(&lab, address, &lab.client("sms")).await;
    assert!(wire.get("/appointments").await.text().contains("Nancy"));
    let narrower = current(&policy("sms"))
        .replace("\"$.appointments[*].patient.name\" = { mask = \"first-word\" }\n", "");
    lab.write("policies/sms.toml", &narrower);
    process.signal("-HUP");
    process.says("\"reloaded\"", 1).await;
    assert!(!wire.get("/appointments").await.text().contains("Nancy"));

    origin.plays(vec![Step::Wait(Duration::from_millis(300)), Step::Say(json(GOOD))]);
    origin.seen();
    wire.send(b"GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    while origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.signal("-TERM");
    assert_eq!(wire.ask(b"").await.unwrap().status, 200, "what was under way is finished");
    assert_eq!(process.ends().await, 0);
    assert!(process.log().ends_with("drained: 3 exchanges answered since the start, 0 connections cut\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_end_it_at_once_with_a_clear_text() {
    let (lab, _origin, config) = set("").await;
    let good = fs::read_to_string(&config).unwrap();
    for (bad, code, wanted) in [
        (good.replace("node =", "nod ="), 1, "did you mean `node`?"),
        (good.replace("\"ledger\"", "\"legder\""), 2, "mkdir -m 700"),
        (good.replace("\"policies\"", "\"polices\""), 1, "cannot read the folder"),
    ] {
        fs::write(&config, bad).unwrap();
        let mut process = Process::start(&config, lab.path("log"));
        assert_eq!(process.ends().await, code, "{wanted}");
        assert!(process.log().contains(wanted), "{}", process.log());
    }
    fs::write(&config, &good).unwrap();
    chmod_ring(&lab, 0o600);
    assert_eq!(checked(&config), (0, "the configuration is good\n".to_owned()));
    chmod_ring(&lab, 0o640);
    let (code, text) = checked(&config);
    assert!(code == 1 && text.contains("chmod 600"), "{code} {text}");
    let mut process = Process::start(&lab.path("nothing.toml"), lab.path("log"));
    assert_eq!(process.ends().await, 1);
    assert!(process.log().contains("nothing.toml"), "{}", process.log());
}

/// What `tavs serve --check` says.
fn checked(config: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tavs"))
        .args(["serve", "--check", "--config"])
        .arg(config)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn chmod_ring(lab: &Lab, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(lab.path("ring.toml"), fs::Permissions::from_mode(mode)).unwrap();
}
