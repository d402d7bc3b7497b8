//! `tavs serve`, as `tavs init` sets it up, before an API and over mutual TLS.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tavs::ledger::Kind;
use tempfile::TempDir;

use super::tavs;

/// What stands in the sample, and in what the broken answer and the bad requests hold.
const PERSONAL: [&str; 9] = [
    "2512489996",
    "251248-9996",
    "0201919990",
    "Nancy",
    "Berggren",
    "Lauridsen",
    "4520304050",
    "A-88120",
    "COPD",
];

#[test]
fn it_serves_an_api_and_records_what_left() {
    let (folder, served) = serve();
    let answer = served.get("/appointments", "");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(body.contains("Nancy") && !body.contains("2512489996") && !body.contains("Berggren"), "{body}");
    assert!(served.get("/patients", "").starts_with("HTTP/1.1 404 "));
    served.stop();

    let records = tavs::ledger::read(&folder.path().join("ledger")).unwrap();
    let records: Vec<_> = records.map(Result::unwrap).collect();
    assert_eq!(records.len(), 2);
    let (released, refused) = (&records[0].entry, &records[1].entry);
    assert!(head.contains(&format!("tavs-exchange: {}", released.exchange)), "{head}");
    assert_eq!((released.kind, released.records, released.subjects.len()), (Kind::Disclosure, 2, 2));
    assert_eq!(released.bytes, u64::try_from(body.len()).unwrap());
    assert_eq!((refused.kind, refused.status), (Kind::Refusal, 404));
}

#[test]
fn nothing_personal_reaches_log_metrics_or_ledger() {
    let (folder, served) = serve();
    for (path, fields, status) in [
        ("/appointments", "", 200),
        // The API's answer is cut short in the middle of a record.
        ("/appointments?from=2026-03-04", "", 502),
        ("/appointments/251248-9996", "", 404),
        ("/appointments?from=2512489996", "", 400),
        ("/appointments?2512489996=Nancy", "", 400),
        ("/%32512489996/..", "", 400),
        ("/appointments", "x-cpr: 2512489996\r\n2512489996: Nancy\r\n", 200),
        ("/appointments", "expect: 2512489996\r\n", 417),
        ("/appointments", "authorization: Bearer 2512489996\r\ntraceparent: Berggren\r\n", 200),
    ] {
        let answer = served.get(path, fields);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {fields}\n{answer}");
    }
    let metrics = served.metrics();
    assert!(metrics.contains("sms-reminders") && metrics.ends_with("# EOF\n"), "{metrics}");
    let log = served.stop();
    assert!(log.matches("\"exchange\"").count() >= 9, "{log}");
    let ledger = fs::read_to_string(folder.path().join("ledger/00000001.ledger")).unwrap();
    for (place, text) in [("metrics", metrics), ("log", log), ("ledger", ledger)] {
        let found: Vec<_> = PERSONAL.iter().filter(|value| text.contains(**value)).collect();
        assert!(found.is_empty(), "{found:?} in the {place}:\n{text}");
    }
}

/// A new configuration, served on ports of the system's choice, before an API that answers with
/// its sample; asked for a day, it breaks off inside.
fn serve() -> (TempDir, Served) {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["init", "."]).code, 0);
    let sample = fs::read_to_string(folder.path().join("policies/tests/sms-reminders/appointments.json"));
    let upstream = answer_with(sample.unwrap());
    let path = folder.path().join("tavs.toml");
    let config = fs::read_to_string(&path).unwrap();
    let config = config
        .replace("127.0.0.1:8443", "127.0.0.1:0")
        .replace("127.0.0.1:9443", "127.0.0.1:0")
        .replace("127.0.0.1:8080", &upstream.to_string())
        .replace("level = \"info\"", "level = \"debug\"");
    fs::write(&path, config).unwrap();
    let served = Served::start(folder.path());
    (folder, served)
}

fn answer_with(sample: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let request: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let end = if request[0].contains("from=") { sample.len() / 3 } else { sample.len() };
            let body = String::from_utf8_lossy(&sample.as_bytes()[..end]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    address
}

/// A running `tavs serve`.
struct Served {
    process: Child,
    address: SocketAddr,
    admin: SocketAddr,
    log: Option<JoinHandle<String>>,
    client: Arc<ClientConfig>,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(["serve", "--config", "tavs.toml"])
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut said = String::new();
        let started = lines.by_ref().find_map(|line| {
            said.push_str(&line);
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            let address = |name: &str| line[name].as_str().unwrap().parse().unwrap();
            (line["message"] == "tavs serves").then(|| (address("address"), address("admin")))
        });
        let (address, admin) = started.unwrap_or_else(|| panic!("it does not serve: {said}"));
        // It would wait for its log to be read.
        let log = std::thread::spawn(move || said + &lines.collect::<Vec<_>>().join("\n"));
        Self { process, address, admin, log: Some(log), client: client(&folder.join("certs")) }
    }

    /// The whole answer.
    fn get(&self, target: &str, fields: &str) -> String {
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(self.address).unwrap());
        let host = format!("host: localhost:{}\r\n", self.address.port());
        write!(stream, "GET {target} HTTP/1.1\r\n{host}{fields}connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.admin).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Stops it; all that it has logged.
    fn stop(mut self) -> String {
        self.process.kill().unwrap();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// With the certificate that `init` made for the sample policy.
fn client(certs: &Path) -> Arc<ClientConfig> {
    let certificates = |name| CertificateDer::pem_file_iter(certs.join(name)).unwrap().map(Result::unwrap);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("server-ca.pem"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            certificates("sms-reminders.pem").collect(),
            PrivateKeyDer::from_pem_file(certs.join("sms-reminders.key")).unwrap(),
        );
    Arc::new(client.unwrap())
}
