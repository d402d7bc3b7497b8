//! Certificates, a listener and clients for the tests of this binary. Every port is chosen by
//! the system, every wait is bounded, and all certificates are made anew.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tavs::clock::Clock;
use tavs::net::pki::{Authority, Issued, Name, Usage, Validity};
use tavs::net::{
    AnchorSettings, Connection, Drained, Event, Handler, HandshakeFailure, Limits, Listener, TlsSettings,
    TlsState,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Far more than anything here takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn now() -> u64 {
    Clock::system().unix_millis() / 1000
}

/// From and until, in days from now.
pub(crate) fn days(from: i64, until: i64) -> Validity {
    let at = |days: i64| now().checked_add_signed(days * 86_400).unwrap();
    Validity { from: at(from), until: at(until) }
}

pub(crate) fn uri(name: &str) -> Name {
    Name::Uri(format!("urn:tavs:recipient:{name}"))
}

/// A directory with the proxy's own certificate, and the CA that issued it.
pub(crate) struct Lab {
    dir: TempDir,
    pub(crate) clinic: Authority,
    pub(crate) partners: Authority,
}

impl Lab {
    pub(crate) fn new() -> Self {
        tavs::net::install_crypto();
        let lab = Self {
            dir: tempfile::tempdir().unwrap(),
            clinic: Authority::new("Clinic CA", days(-1, 30)).unwrap(),
            partners: Authority::new("Partners CA", days(-1, 30)).unwrap(),
        };
        let names = [Name::Dns("localhost".to_owned())];
        let server = lab.clinic.issue("localhost", &names, Usage::Server, days(-1, 30)).unwrap();
        lab.write("server.pem", &server.certificate);
        lab.write("server.key", &server.key);
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        private(&path);
        path
    }

    /// A client of the partners' CA that presents one URI.
    pub(crate) fn client(&self, name: &str) -> Issued {
        self.partners.issue(name, &[uri(name)], Usage::Client, days(-1, 30)).unwrap()
    }

    /// An anchor with a fresh revocation list that holds `revoked`.
    pub(crate) fn anchor(&self, name: &str, ca: &Authority, revoked: &[&Issued]) -> AnchorSettings {
        self.anchor_until(name, ca, revoked, days(-2, 7))
    }

    /// The same, with the list's dates.
    pub(crate) fn anchor_until(
        &self,
        name: &str,
        ca: &Authority,
        revoked: &[&Issued],
        validity: Validity,
    ) -> AnchorSettings {
        let serials: Vec<_> = revoked.iter().map(|issued| issued.serial.clone()).collect();
        let list = ca.revocation_list(1, &serials, validity).unwrap();
        AnchorSettings {
            name: name.to_owned(),
            ca: self.write(&format!("{name}-ca.pem"), ca.certificate()),
            crls: vec![self.write(&format!("{name}.crl"), &list)],
        }
    }

    pub(crate) fn settings(&self, anchors: Vec<AnchorSettings>) -> TlsSettings {
        TlsSettings {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            tls12: false,
            anchors,
        }
    }

    pub(crate) fn tls(&self, anchors: Vec<AnchorSettings>) -> TlsState {
        TlsState::load(&self.settings(anchors), &Clock::system()).unwrap()
    }

    /// A listener that trusts the partners' CA.
    pub(crate) async fn listen(&self, revoked: &[&Issued]) -> Served {
        let tls = self.tls(vec![self.anchor("partners", &self.partners, revoked)]);
        Served::start(tls, Limits::default()).await
    }

    /// A TLS configuration that trusts the clinic's CA and presents `client`.
    pub(crate) fn client_config(&self, client: Option<&Issued>, alpn: &[&[u8]]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.clinic.certificate().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let mut config = match client {
            None => config.with_no_client_auth(),
            Some(issued) => {
                let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes())
                    .collect::<Result<Vec<_>, _>>()
                    .unwrap();
                let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    /// Connects. Under TLS 1.3 success here does not mean that the server agrees.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        client: Option<&Issued>,
        alpn: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(self.client_config(client, alpn)));
        timeout(PATIENCE, connector.connect(name, socket)).await.unwrap()
    }
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A listener at work.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<ArcSwap<TlsState>>,
    events: mpsc::Receiver<Event>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Drained>,
    pub(crate) handler: Arc<Echo>,
}

impl Served {
    pub(crate) async fn start(tls: TlsState, limits: Limits) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
        let address = listener.local_address().unwrap();
        let tls = Arc::new(ArcSwap::from_pointee(tls));
        let (told, events) = mpsc::channel(1000);
        let handler = Arc::new(Echo {
            told,
            held: Semaphore::new(0),
            arrived: Semaphore::new(0),
            tls: Arc::clone(&tls),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = listener.serve(Arc::clone(&tls), Arc::clone(&handler), Clock::system(), async {
            drop(stopped.await);
        });
        let task = tokio::spawn(serving);
        Self { address, tls, events, stop, task, handler }
    }

    /// The next thing that happened.
    pub(crate) async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap()
    }

    /// Expects the next event to be a refused handshake.
    pub(crate) async fn refusal(&mut self) -> HandshakeFailure {
        let event = self.event().await;
        let Event::HandshakeFailed(failure) = event else { panic!("no refusal but {event:?}") };
        failure
    }

    /// Tells the listener to drain, and what comes of it.
    pub(crate) fn stop(self) -> JoinHandle<Drained> {
        drop(self.stop);
        self.task
    }
}

/// Answers with the anchor and names of the peer. `/hold` waits until the test lets it go,
/// `/panic` panics, `/big` is 4 MiB; a lapsed certificate gets 403.
pub(crate) struct Echo {
    told: mpsc::Sender<Event>,
    pub(crate) held: Semaphore,
    arrived: Semaphore,
    tls: Arc<ArcSwap<TlsState>>,
}

impl Echo {
    /// Waits until a request for `/hold` is under way.
    pub(crate) async fn holds(&self) {
        timeout(PATIENCE, self.arrived.acquire()).await.unwrap().unwrap().forget();
    }
}

impl Handler for Echo {
    type Body = Full<Bytes>;

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let peer = connection.peer();
        if peer.check(&self.tls.load(), now()).is_err() {
            connection.close();
            return Response::builder().status(403).body(Full::default()).unwrap();
        }
        let text = match request.uri().path() {
            "/panic" => panic!("on purpose"),
            "/hold" => {
                self.arrived.add_permits(1);
                self.held.acquire().await.unwrap().forget();
                "held".to_owned()
            }
            "/big" => "x".repeat(4 << 20),
            _ => format!("{} {:?} {:?}", peer.anchor(), peer.uris(), peer.dns_names()),
        };
        Response::new(Full::new(text.into()))
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        Response::builder().status(500).body(Full::default()).unwrap()
    }

    fn event(&self, event: Event) {
        let told = self.told.try_send(event);
        assert!(!matches!(told, Err(mpsc::error::TrySendError::Full(_))), "too many events for a test");
    }
}
