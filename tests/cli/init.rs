//! `tavs init`, and that what it makes works.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tavs::ledger::Kind;

use super::{tavs, tavs_reading};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// Every file below a folder, relative to it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn it_makes_a_private_folder_and_says_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let said = tavs(folder.path(), ["init", "clinic"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let clinic = folder.path().join("clinic");
    assert_eq!(mode_of(&clinic), 0o700);
    assert_eq!(mode_of(&clinic.join("ledger")), 0o700);
    for file in files(&clinic).iter().filter(|name| name.ends_with(".key") || name.contains("ring")) {
        assert_eq!(mode_of(&clinic.join(file)), 0o600, "{file}");
    }
    for step in ["tavs check", "tavs test", "tavs rewrite", "tavs serve", "curl"] {
        assert!(said.out.contains(step), "no {step} in\n{}", said.out);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn an_empty_folder_is_filled_and_one_that_is_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["init", "."]).code, 0);
    let before = files(folder.path());
    assert!(before.contains(&"tavs.toml".to_owned()), "{before:?}");
    let said = tavs(folder.path(), ["init", "."]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("is not empty"), "{}", said.err);
    assert_eq!(files(folder.path()), before);
    let said = tavs(folder.path(), ["init", "nowhere/clinic"]);
    assert!(said.code == 2 && said.err.contains("nowhere/clinic"), "{}", said.err);
}

#[test]
fn its_policy_is_checked_tested_and_rewrites_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["init", "."]).code, 0);
    for (command, says) in [("check", "1 policy, 0 errors, 0 warnings"), ("test", "1 passed, 0 failed")] {
        let said = tavs(folder.path(), [command, "policies"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.out.contains(says) || said.err.contains(says), "{}{}", said.out, said.err);
    }
    let sample = "policies/tests/sms-reminders/appointments.json";
    let rewrite = ["rewrite", "--policy", "policies/sms-reminders.toml", "--route", "appointments"];
    let said = tavs_reading(folder.path(), rewrite, &folder.path().join(sample));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("Nancy") && !said.out.contains("Berggren"), "{}", said.out);
}

#[test]
fn it_serves_an_api_and_records_what_left() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["init", "."]).code, 0);
    let sample = fs::read_to_string(folder.path().join("policies/tests/sms-reminders/appointments.json"));
    let upstream = answer_with(sample.unwrap());
    let path = folder.path().join("tavs.toml");
    let config = fs::read_to_string(&path).unwrap();
    let config = config
        .replace("127.0.0.1:8443", "127.0.0.1:0")
        .replace("127.0.0.1:9443", "127.0.0.1:0")
        .replace("127.0.0.1:8080", &upstream.to_string());
    fs::write(&path, config).unwrap();

    let served = Served::start(folder.path());
    let answer = get(folder.path(), served.address, "/appointments");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(body.contains("Nancy") && !body.contains("2512489996") && !body.contains("Berggren"), "{body}");
    assert!(get(folder.path(), served.address, "/patients").starts_with("HTTP/1.1 404 "));
    drop(served);

    let records: Vec<_> =
        tavs::ledger::read(&folder.path().join("ledger")).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 2);
    let (released, refused) = (&records[0].entry, &records[1].entry);
    assert!(head.contains(&format!("tavs-exchange: {}", released.exchange)), "{head}");
    assert_eq!((released.kind, released.records, released.subjects.len()), (Kind::Disclosure, 2, 2));
    assert_eq!(released.bytes, u64::try_from(body.len()).unwrap());
    assert_eq!((refused.kind, refused.status), (Kind::Refusal, 404));
}

/// An API that gives the same answer to everything, on a port of the system's choice.
fn answer_with(body: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
            while request.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    address
}

/// A running `tavs serve`, stopped when dropped.
struct Served {
    process: Child,
    address: SocketAddr,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(["serve", "--config", "tavs.toml"])
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = log.by_ref().map(Result::unwrap).find_map(|line| {
            said.push_str(&line);
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            (line["message"] == "tavs serves").then(|| line["address"].as_str().unwrap().parse().unwrap())
        });
        std::thread::spawn(move || log.for_each(drop)); // or it would wait for its log to be read
        Self { process, address: address.unwrap_or_else(|| panic!("it does not serve: {said}")) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The whole answer, with the certificate that `init` made for the sample policy.
fn get(folder: &Path, address: SocketAddr, path: &str) -> String {
    let file = |name: &str| folder.join("certs").join(name);
    let certificates = |name| CertificateDer::pem_file_iter(file(name)).unwrap().map(Result::unwrap);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("server-ca.pem"));
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            certificates("sms-reminders.pem").collect(),
            PrivateKeyDer::from_pem_file(file("sms-reminders.key")).unwrap(),
        )
        .unwrap();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n", address.port())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
