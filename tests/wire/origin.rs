//! A clinic's API that answers raw bytes from a script, and keeps every byte that it was sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tavs::net::pki::Issued;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::lab::PATIENCE;

/// One thing that the origin does once it has a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Writes these bytes.
    Say(Vec<u8>),
    /// Writes these bytes again and again.
    SayForEver(Vec<u8>),
    /// Waits until the test lets it go on.
    Until(Arc<Notify>),
    /// Waits so long.
    Wait(Duration),
    /// Closes in order.
    Close,
    /// Drops the connection without a word.
    Break,
    /// Keeps silent until the other side goes.
    Hold,
}

/// What one request looked like.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Which connection, from 0.
    pub(crate) connection: usize,
    /// The bytes of the request's head.
    pub(crate) head: String,
    /// Its content.
    pub(crate) content: String,
}

/// A listening origin. Each request is answered with the script that is set at that time.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Vec<Step>>,
    /// Scripts of single paths, which come first.
    at: Mutex<HashMap<String, Vec<Step>>>,
    seen: Mutex<Vec<Seen>>,
    left: Notify,
}

/// An answer of this status line, fields and content, with its length.
pub(crate) fn answer(status: &str, fields: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{fields}content-length: {}\r\n\r\n", content.len());
    [head.as_bytes(), content].concat()
}

/// A good answer in JSON.
pub(crate) fn json(content: &str) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", content.as_bytes())
}

impl Origin {
    pub(crate) async fn start(issued: &Issued) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = acceptor(issued);
        let shared = Arc::new(Shared::default());
        let all = Arc::clone(&shared);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&all));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        converse(stream, connection, &shared).await;
                    }
                    shared.left.notify_one();
                });
            }
        });
        Self { address, shared }
    }

    /// Sets what every request is answered with from now on.
    pub(crate) fn plays(&self, script: Vec<Step>) {
        *self.shared.script.lock().unwrap() = script;
    }

    /// Answers every request with these bytes from now on.
    pub(crate) fn says(&self, bytes: impl Into<Vec<u8>>) {
        self.plays(vec![Step::Say(bytes.into())]);
    }

    /// Answers requests for this path with these bytes from now on.
    pub(crate) fn says_at(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.shared.at.lock().unwrap().insert(path.to_owned(), vec![Step::Say(bytes.into())]);
    }

    /// The requests that came since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }

    /// Waits until some connection has ended.
    pub(crate) async fn left(&self) {
        tokio::time::timeout(PATIENCE, self.shared.left.notified()).await.unwrap();
    }
}

fn acceptor(issued: &Issued) -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn converse(mut stream: TlsStream<TcpStream>, connection: usize, shared: &Shared) {
    loop {
        let Some(head) = read_head(&mut stream).await else { return };
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let mut content = vec![0; length.unwrap_or_default()];
        if stream.read_exact(&mut content).await.is_err() {
            return;
        }
        let content = String::from_utf8(content).unwrap();
        shared.seen.lock().unwrap().push(Seen { connection, head, content });
        let own = shared.at.lock().unwrap().get(&path).cloned();
        let script = own.unwrap_or_else(|| shared.script.lock().unwrap().clone());
        for step in script {
            let went_well = match step {
                Step::Say(bytes) => stream.write_all(&bytes).await.is_ok() && stream.flush().await.is_ok(),
                Step::SayForEver(bytes) => {
                    while stream.write_all(&bytes).await.is_ok() {}
                    false
                }
                Step::Until(told) => {
                    told.notified().await;
                    true
                }
                Step::Wait(time) => {
                    tokio::time::sleep(time).await;
                    true
                }
                Step::Close => {
                    drop(stream.shutdown().await);
                    false
                }
                Step::Break => false,
                Step::Hold => {
                    let mut rest = [0; 64];
                    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
                    false
                }
            };
            if !went_well {
                return;
            }
        }
    }
}

async fn read_head(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(bytes).ok()
}
