//! Whole exchanges over mutual TLS, as a recipient makes them: CPU of the proxy's threads alone, with
//! its ledger, with one that is not synced, and without any.
//!
//! *Off* is a ledger that gives a receipt for an exchange and does nothing: nothing is encoded, hashed,
//! handed over, written, synced or indexed. Everything else goes on, the registry and the quota of
//! subjects too.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::ToSpan as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tavs::app;
use tavs::clock::Clock;
use tavs::config::{Config, SHIPPED_FOLDERS, SHIPPED_PROFILES};
use tavs::net::pki::{Authority, Issued, Name, Usage, Validity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;

use crate::cpu;
use crate::documents;
use crate::records::{Counting, MEASURED, runtime};

const ROUNDS: usize = 5;
/// Exchanges of a round.
const EXCHANGES: usize = 6400;
/// The index's thread; its name begins as that of the others does.
const INDEX: &str = "tavs-index";
const INDEXED: Duration = Duration::from_secs(60);
const ID: &str = "3f2b6c1e-8d4a-4c57-9b1e-0a1b2c3d4e5f";

/// A response, and the route that it comes by.
struct Case {
    name: &'static str,
    target: String,
    body: Vec<u8>,
    /// Connections that call at the same time, each one call after the other: as many as the benchmark of
    /// whole proxies has at this size.
    connections: usize,
    /// The most that the ledger may cost: CPU with it over CPU without.
    goal: f64,
}

pub(crate) fn measure(quick: bool) {
    let patients: Vec<String> =
        (0..30).map(|seed| String::from_utf8(documents::patient_alone(seed)).unwrap()).collect();
    let entries: Vec<String> =
        patients.iter().map(|patient| format!(r#"{{"resource":{patient}}}"#)).collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"searchset","total":30,"entry":[{}]}}"#,
        entries.join(",")
    );
    let cases = [
        Case {
            name: "2 KB, 1 subject",
            target: format!("/fhir/resource/{ID}"),
            body: patients[0].clone().into(),
            connections: 32,
            goal: 1.5,
        },
        Case {
            name: "64 KB, 30 subjects",
            target: "/fhir/Patient".into(),
            body: bundle.into(),
            connections: 16,
            goal: 1.25,
        },
    ];
    println!("response             on, us/exchange       of it index           not synced            off");
    println!("                     on / off              without index / off   records/sync");
    let load =
        Builder::new_multi_thread().worker_threads(1).thread_name("load").enable_all().build().unwrap();
    let mut goals = Vec::new();
    for case in cases {
        let calls = if quick { 2 } else { EXCHANGES / case.connections };
        let mut rounds = Vec::new();
        for _ in 0..if quick { 1 } else { ROUNDS } {
            let [on, idle, off] = [Counting::default(), Counting::idle(), Counting::off()]
                .map(|disk| exchanges(&load, &case, disk, calls));
            rounds.push((on, idle, off));
        }
        let figures = |figure: &dyn Fn(&(Cost, Cost, Cost)) -> f64, places| {
            cpu::summary(rounds.iter().map(figure).collect(), places)
        };
        let on = figures(&|(on, ..)| on.all, 1);
        let index = figures(&|(on, ..)| on.index, 1);
        let idle = figures(&|(_, idle, _)| idle.all, 1);
        let off = figures(&|(.., off)| off.all, 1);
        println!("{:<20} {on:<21} {index:<21} {idle:<21} {off}", case.name);
        let ratio = figures(&|(on, _, off)| on.all / off.all, 2);
        let bare = figures(&|(on, _, off)| (on.all - on.index) / off.all, 2);
        let shared = figures(&|(on, ..)| on.records_a_sync, 1);
        println!("{:<20} {ratio:<21} {bare:<21} {shared}", "");
        goals.push(format!(
            "goal| CPU with the ledger on / off, {} | at most {} | {ratio} |",
            case.name, case.goal
        ));
    }
    println!("{}", goals.join("\n"));
}

/// Processor microseconds of one exchange: of all threads, and of the index's alone.
struct Cost {
    all: f64,
    index: f64,
    records_a_sync: f64,
}

/// Over `calls` calls on each connection.
fn exchanges(load: &Runtime, case: &Case, disk: Counting, calls: usize) -> Cost {
    tavs::net::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let origin = load.block_on(origin(case.body.clone()));
    let client = lay_out(folder.path(), origin);
    let proxy = runtime();
    let config =
        Config::read(&folder.path().join("tavs.toml")).map_err(|findings| findings.render(false)).unwrap();
    let syncs = Arc::clone(&disk.syncs);
    let running = proxy.block_on(app::start_on(config, Clock::system(), Box::new(disk))).unwrap();
    let address = running.address();
    let round = |calls| {
        load.block_on(async {
            let tasks: Vec<_> = (0..case.connections)
                .map(|_| tokio::spawn(call(address, Arc::clone(&client), case.target.clone(), calls)))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    };
    // What is put off is paid for, too: the index is where the ledger is, before and after.
    let indexed = || assert!(running.records().indexer.catch_up(INDEXED));
    round(2);
    indexed();
    syncs.store(0, Ordering::Relaxed);
    let (from, from_index) = (cpu::of_threads(MEASURED), cpu::of_threads(INDEX));
    round(calls);
    let syncs = syncs.load(Ordering::Relaxed).max(1);
    indexed();
    let exchanges = (calls * case.connections) as f64;
    let cost = Cost {
        all: (cpu::of_threads(MEASURED) - from) / exchanges,
        index: (cpu::of_threads(INDEX) - from_index) / exchanges,
        records_a_sync: exchanges / syncs as f64,
    };
    proxy.block_on(running.stop()).ledger.unwrap();
    cost
}

async fn call(proxy: SocketAddr, tls: Arc<rustls::ClientConfig>, target: String, calls: usize) {
    let stream = TcpStream::connect(proxy).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(tls).connect(name, stream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    for _ in 0..calls {
        get(&mut sender, &target).await;
    }
    driver.abort();
}

async fn get(sender: &mut SendRequest<Empty<Bytes>>, target: &str) {
    let request = Request::get(target).header("host", "localhost").body(Empty::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
}

/// An origin over plain HTTP/1.1 that always answers alike.
async fn origin(body: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: ";
    let answer = Arc::new([format!("{head}{}\r\n\r\n", body.len()).into_bytes(), body].concat());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
                    if request.ends_with(b"\r\n\r\n") {
                        request.clear();
                        stream.write_all(&answer).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

/// A configuration with the shipped research policy; its client's TLS.
fn lay_out(root: &Path, origin: SocketAddr) -> Arc<rustls::ClientConfig> {
    let clock = Clock::system();
    let now = clock.unix_millis() / 1000;
    let validity = Validity { from: now - 3600, until: now + 86_400 };
    let own = Authority::new("bench: proxy", validity).unwrap();
    let partners = Authority::new("bench: partners", validity).unwrap();
    let server = own.issue("tavs", &[Name::Dns("localhost".into())], Usage::Server, validity).unwrap();
    let uri = [Name::Uri("urn:tavs:recipient:research".into())];
    let client = partners.issue("research", &uri, Usage::Client, validity).unwrap();
    for folder in ["policies", "ledger"] {
        fs::DirBuilder::new().mode(0o700).create(root.join(folder)).unwrap();
    }
    let ring = |number: char, used: &str| {
        let secret: String = std::iter::repeat_n(number, 64).collect();
        format!("[[secret]]\n{used}\nversion = 1\nstate = \"active\"\nsecret = \"{secret}\"\n")
    };
    let uses = [
        "use = \"domain\"\nname = \"glucose-study\"",
        "use = \"ledger-subjects\"",
        "use = \"registry\"",
        "use = \"checkpoints\"",
    ];
    let secrets: String = ('1'..).zip(uses).map(|(number, used)| ring(number, used)).collect();
    let day = |days: i64| clock.today().checked_add(days.days()).unwrap().to_string();
    let policy = include_str!("../../policies/research.toml");
    let policy = policy
        .split_once("[[test]]")
        .map_or(policy, |(rules, _)| rules)
        .replace("2025-09-01", &day(-10))
        .replace("2026-09-01", &day(100))
        .replace("2027-08-31", &day(200))
        .replace("\"20/s\"", "\"10000/s\"")
        .replace("burst       = 40", "burst = 100000")
        .replace("concurrency = 8", "concurrency = 64");
    for folder in SHIPPED_FOLDERS {
        fs::create_dir_all(root.join("policies").join(folder)).unwrap();
    }
    for (name, text) in SHIPPED_PROFILES {
        fs::write(root.join("policies").join(name), text).unwrap();
    }
    let config = CONFIGURATION.replace("<origin>", &origin.port().to_string());
    for (name, text) in [
        ("server.pem", server.certificate.as_str()),
        ("server.key", &server.key),
        ("partners.pem", partners.certificate()),
        ("partners.crl", &partners.revocation_list(1, &[], validity).unwrap()),
        ("ring.toml", &format!("ring = 1\n{secrets}")),
        ("policies/research.toml", &policy),
        ("tavs.toml", &config),
    ] {
        fs::write(root.join(name), text).unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    client_tls(&own, &client)
}

fn client_tls(own: &Authority, client: &Issued) -> Arc<rustls::ClientConfig> {
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate(own.certificate())).unwrap();
    let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_client_auth_cert(vec![certificate(&client.certificate)], key).unwrap())
}

const CONFIGURATION: &str = r#"
[listen]
address = "127.0.0.1:0"
certificate = "server.pem"
key = "server.key"
names = ["localhost"]
[anchors.partners]
ca = "partners.pem"
crl = "partners.crl"
[upstreams.emr]
url = "http://127.0.0.1:<origin>"
unprotected = true
[policies]
directory = "policies"
[keys]
ring = "ring.toml"
[ledger]
directory = "ledger"
[admin]
address = "127.0.0.1:0"
"#;
