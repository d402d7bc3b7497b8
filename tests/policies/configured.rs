//! The examples of `--explain` about tavs.toml and the files that it names, put into a configuration: the
//! wrong one has its mistake, the right one has not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tavs::app;
use tavs::clock::Clock;
use tavs::config::{Config, Findings};
use tavs::net::pki::{Authority, Name, Usage, Validity};
use tavs::policy::codes::{self, Code};
use tempfile::TempDir;

use crate::examples::{key_of, tables, with};
use crate::support::TODAY;

/// A configuration that says no more than it must.
const HOST: &str = "[listen]
address = \"127.0.0.1:0\"
certificate = \"certs/server.pem\"
key = \"certs/server.key\"
names = [\"localhost\"]
[anchors.partners]
ca = \"certs/partners-ca.pem\"
crl = \"certs/partners.crl\"
[upstreams.booking]
url = \"https://127.0.0.1:1\"
ca = \"certs/server-ca.pem\"
[policies]
directory = \"policies\"
[keys]
ring = \"keys/ring.toml\"
[ledger]
directory = \"ledger\"
[admin]
address = \"127.0.0.1:0\"
";

/// What no check can find: a reload tells it, of what a running tavs has on record. tests/wire/operate.rs and
/// tests/cli/approve.rs run both.
const OF_A_RELOAD: [&str; 2] = ["TAVS0611", "TAVS0612"];

const DAY: u64 = 86_400;

fn now() -> u64 {
    Clock::system().unix_millis() / 1000
}

/// A folder in which the host is good.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["certs", "keys", "policies", "empty", "ledger"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        mode(&folder.path().join(name), 0o700);
    }
    certificates(folder.path(), now() - 300 * DAY, now() + 300 * DAY);
    let partners = Authority::new("Partners CA", around()).unwrap();
    write(folder.path(), "certs/partners-ca.pem", partners.certificate());
    list(folder.path(), "certs/partners.crl", &partners, 30);
    write(folder.path(), "certs/partners-ca.key", partners.key());
    let other = Authority::new("Other CA", around()).unwrap();
    list(folder.path(), "certs/other.crl", &other, 30);
    write(folder.path(), "keys/ring.toml", &ring(&["own"]));
    write(folder.path(), "policies/policy.toml", &with(""));
    folder
}

fn around() -> Validity {
    Validity { from: now() - 300 * DAY, until: now() + 300 * DAY }
}

/// Our own certificate, and another with another key.
fn certificates(folder: &Path, from: u64, until: u64) {
    let authority = Authority::new("Clinic CA", around()).unwrap();
    write(folder, "certs/server-ca.pem", authority.certificate());
    for name in ["server", "other"] {
        let names = [Name::Dns("localhost".to_owned())];
        let issued = authority.issue(name, &names, Usage::Server, Validity { from, until }).unwrap();
        write(folder, &format!("certs/{name}.pem"), &issued.certificate);
        write(folder, &format!("certs/{name}.key"), &issued.key);
    }
}

fn list(folder: &Path, name: &str, authority: &Authority, days: i64) {
    let until = now().checked_add_signed(days * 86_400).unwrap();
    let validity = Validity { from: now() - 200 * DAY, until };
    write(folder, name, &authority.revocation_list(1, &[], validity).unwrap());
}

fn ring(domains: &[&str]) -> String {
    let uses = ["ledger-subjects", "registry", "checkpoints"].map(|used| (used, String::new()));
    let domains = domains.iter().map(|name| ("domain", format!("name = \"{name}\"\n")));
    let secret = |(number, (used, name)): (usize, (&str, String))| {
        let digits = format!("{number:02x}").repeat(32);
        format!(
            "[[secret]]\nuse = \"{used}\"\n{name}version = 1\nstate = \"active\"\nsecret = \"{digits}\"\n"
        )
    };
    uses.into_iter()
        .chain(domains)
        .enumerate()
        .map(secret)
        .fold("ring = 1\n".to_owned(), |all, one| all + &one)
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
    mode(&folder.join(name), 0o600);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What the comments of an example say of files.
fn as_its_comments_say(folder: &Path, code: &Code, wrong: bool) {
    match code.id {
        "TAVS0603" if wrong => mode(&folder.join("keys/ring.toml"), 0o644),
        "TAVS0607" if !wrong => write(folder, "keys/ring.toml", &ring(&["own", "sms"])),
        "TAVS0609" if wrong => {
            write(folder, "keys/ring.toml", &ring(&["own"]).replace("ring = 1", "ring = 2"));
        }
        "TAVS0614" if wrong => {
            let [certificate, key] = ["certs/partners-ca.pem", "certs/partners-ca.key"]
                .map(|name| fs::read_to_string(folder.join(name)).unwrap());
            let partners = Authority::from_pem(&certificate, &key).unwrap();
            list(folder, "certs/partners.crl", &partners, -9);
        }
        "TAVS0615" if wrong => certificates(folder, now() - 90 * DAY, now() + DAY),
        "TAVS0617" if wrong => mode(&folder.join("ledger"), 0o777),
        _ => {}
    }
}

/// An example in the host: of tavs.toml, or of the policy.
fn put(folder: &Path, example: &str) -> String {
    let header = example.lines().find(|line| line.starts_with('[')).unwrap_or("[listen]");
    if ["[identity]", "[[route]]", "[pseudonyms]"].contains(&header) {
        write(folder, "policies/policy.toml", &with(example));
        return HOST.to_owned();
    }
    let mut host = tables(HOST);
    let mut current = host.iter().position(|(known, _)| known == "[listen]").unwrap();
    // A key ring is another file.
    for line in example.lines().filter(|line| !line.starts_with('#') && !line.starts_with("ring")) {
        if line.starts_with('[') {
            current = host.iter().position(|(known, _)| known == line).unwrap_or_else(|| {
                host.push((line.to_owned(), Vec::new()));
                host.len() - 1
            });
            continue;
        }
        let lines = &mut host[current].1;
        lines.retain(|(key, _)| *key != key_of(line));
        lines.push((key_of(line), line.to_owned()));
    }
    host.iter().fold(String::new(), |text, (header, lines)| {
        let lines: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        format!("{text}{header}\n{lines}")
    })
}

/// What a check finds; with `online`, what is tried, too.
async fn found(folder: &Path, text: &str, online: bool) -> Findings {
    let path = folder.join("tavs.toml");
    fs::write(&path, text).unwrap();
    let clock = Clock::fixed_on(TODAY);
    match Config::read(&path) {
        Err(findings) => findings,
        Ok(config) if online => app::online(&config, &clock).await.findings,
        Ok(config) => app::check(&config, &clock).unwrap_or_else(|findings| findings),
    }
}

/// Shakes hands under our own certificate, once.
fn upstream(folder: &Path) -> u16 {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&read("certs/server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&read("certs/server.key")).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut session = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        // Ends when the other side goes.
        while session.complete_io(&mut socket).is_ok_and(|(read, _)| read > 0) {}
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_example_of_a_configuration_has_its_mistake_and_no_right_one_has() {
    tavs::net::install_crypto();
    let mut failed = Vec::new();
    let of_a_check = |code: &&Code| code.id.starts_with("TAVS06") && !OF_A_RELOAD.contains(&code.id);
    for code in codes::all().filter(of_a_check) {
        for (example, wrong) in [(code.bad, true), (code.good, false)] {
            let folder = folder();
            as_its_comments_say(folder.path(), code, wrong);
            let mut text = put(folder.path(), example);
            if example.contains("\"https://localhost\"") {
                text = text
                    .replace("https://localhost", &format!("https://localhost:{}", upstream(folder.path())));
            }
            let online = ("TAVS0613".."TAVS0619").contains(&code.id);
            let found = found(folder.path(), &text, online).await;
            if found.diagnostics.iter().any(|one| one.code == code.id) != wrong {
                eprintln!(
                    "{} {}:\n{text}\n{}",
                    code.id,
                    if wrong { "bad" } else { "good" },
                    found.render(false)
                );
                failed.push(code.id);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_the_examples_of_configurations_is_good() {
    let folder = folder();
    let found = found(folder.path(), HOST, false).await;
    assert!(found.diagnostics.is_empty(), "{}", found.render(false));
}
