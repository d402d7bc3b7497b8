//! The built binary: signals, exit codes, and what it says of mistakes.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::ToSpan as _;
use tavs::clock::Clock;

use super::lab::{Lab, PATIENCE};
use super::origin::{Origin, Step, json};
use super::stage::{GOOD, Setting, Wire, ground, policy};

/// A running `tavs serve`, whose standard error goes to a file. Killed if a test ends early.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(config: &Path, log: PathBuf) -> Self {
        Self::start_with(config, log, &[])
    }

    /// The same with variables in its environment.
    pub(super) fn start_with(config: &Path, log: PathBuf, variables: &[(&str, &str)]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(["serve", "--config"])
            .arg(config)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log holds `wanted` so many times.
    pub(super) async fn says(&self, wanted: &str, times: usize) {
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
        self.told_address("address").await
    }

    pub(super) async fn told_address(&self, name: &str) -> SocketAddr {
        self.says("tavs serves", 1).await;
        let log = self.log();
        let line = log.lines().find(|line| line.contains("tavs serves")).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line[name].as_str().unwrap().parse().unwrap()
    }

    pub(super) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(super) async fn ends(&mut self) -> i32 {
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
pub(super) fn current(text: &str) -> String {
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
