//! A running `tavs serve` as `tavs init` sets it up, before an API, and its client over mutual TLS.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use super::tavs;

/// A new configuration, served on ports of the system's choice, before an API that answers with
/// its sample; asked for a day, it breaks off inside.
pub(crate) fn serve() -> (TempDir, Served) {
    let folder = configured();
    let served = Served::start(folder.path());
    (folder, served)
}

/// A new configuration on ports of the system's choice, before an API that answers.
pub(crate) fn configured() -> TempDir {
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
    folder
}

fn answer_with(sample: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A proxy that is killed breaks off its call; the next one is answered all the same.
            drop(answer_one(stream.unwrap(), &sample));
        }
    });
    address
}

fn answer_one(mut stream: TcpStream, sample: &str) -> io::Result<()> {
    let mut request = Vec::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        match line? {
            line if line.is_empty() => break,
            line => request.push(line),
        }
    }
    let cut = request.first().is_some_and(|line| line.contains("from="));
    let end = if cut { sample.len() / 3 } else { sample.len() };
    let body = String::from_utf8_lossy(&sample.as_bytes()[..end]);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// A running `tavs serve`.
pub(crate) struct Served {
    process: Child,
    address: SocketAddr,
    admin: SocketAddr,
    api: Option<SocketAddr>,
    log: Option<JoinHandle<String>>,
    client: Arc<ClientConfig>,
}

impl Served {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::try_start(folder, &[]).unwrap_or_else(|said| panic!("it does not serve: {said}"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Starts it with more in its environment; if it does not serve, what it said.
    pub(crate) fn try_start(folder: &Path, environment: &[(&str, &str)]) -> Result<Self, String> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(["serve", "--config", "tavs.toml"])
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut said = String::new();
        let started = lines.by_ref().find_map(|line| {
            said.push_str(&line);
            said.push('\n');
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            let address = |name: &str| Some(line[name].as_str()?.parse().unwrap());
            (line["message"] == "tavs serves")
                .then(|| (address("address").unwrap(), address("admin").unwrap(), address("api")))
        });
        let Some((address, admin, api)) = started else {
            process.wait().unwrap();
            return Err(said);
        };
        // It would wait for its log to be read.
        let log = std::thread::spawn(move || said + &lines.collect::<Vec<_>>().join("\n"));
        let client = client(&folder.join("certs"));
        Ok(Self { process, address, admin, api, log: Some(log), client })
    }

    /// The whole answer.
    pub(crate) fn get(&self, target: &str, fields: &str) -> String {
        self.try_get(target, fields).unwrap()
    }

    /// The same; an error if it broke off.
    pub(crate) fn try_get(&self, target: &str, fields: &str) -> io::Result<String> {
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(self.address)?);
        let host = format!("host: localhost:{}\r\n", self.address.port());
        write!(stream, "GET {target} HTTP/1.1\r\n{host}{fields}connection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Asks the API with the recipient's certificate; the whole answer.
    pub(crate) fn ask_api(&self, target: &str, body: &str) -> String {
        self.ask_api_announcing(target, body.len(), body)
    }

    /// The same, with a length of the body that is not its own.
    pub(crate) fn ask_api_announcing(&self, target: &str, length: usize, body: &str) -> String {
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(self.api.unwrap()).unwrap());
        let fields =
            format!("host: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
        write!(stream, "{target} HTTP/1.1\r\n{fields}connection: close\r\n\r\n").unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.admin).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Stops it; all that it has logged.
    pub(crate) fn stop(mut self) -> String {
        self.process.kill().unwrap();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
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
