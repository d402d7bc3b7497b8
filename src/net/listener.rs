//! Accepts recipients' connections and hands their requests to the proxy, one service a
//! connection. Application protocol by ALPN only (never by sniffing, which has no deadline).

mod connection;

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::caps::{self, Counters, Full};
use super::failure::{CloseReason, HandshakeFailure, Shed};
use super::peer::PeerCertificates;
use super::settings::Limits;
use super::stall::Stalling;
use super::tls::TlsState;
use crate::clock::Clock;

/// What answers the requests of every connection, and hears what happens to connections.
pub trait Handler: Send + Sync + 'static {
    /// The body of a response. An error in it aborts the stream (RFC 9112 8, RFC 9113 8.1), so
    /// that a response cut short cannot pass for whole.
    type Body: http_body::Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// Answers one request. Dropped without finishing if the recipient goes away.
    fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// What a request gets whose [`Handler::answer`] panicked: 500, own words only.
    fn panicked(&self) -> Response<Self::Body>;

    /// Hears of connections, for metrics and the log. Must not block.
    fn event(&self, event: Event);
}

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Dropped before its first request.
    Shed(Shed),
    /// The handshake failed.
    HandshakeFailed(HandshakeFailure),
    /// The handshake succeeded.
    Opened(Protocol),
    /// An open connection ended. Each `Opened` has one.
    Closed(Protocol, CloseReason),
    /// A panic ended a connection's task, and only that; its `Closed` came before.
    Panicked,
}

/// What ALPN agreed on. A client that offers none gets HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

impl Protocol {
    /// The word for log and metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        }
    }
}

/// What the handler knows of the connection that a request came on.
#[derive(Debug)]
pub struct Connection {
    peer: PeerCertificates,
    protocol: Protocol,
    close: Notify,
}

impl Connection {
    /// Who is at the other end, as its certificates prove.
    #[must_use]
    pub fn peer(&self) -> &PeerCertificates {
        &self.peer
    }

    /// Which HTTP is spoken.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Closes the connection once the exchanges under way are answered: for a certificate that
    /// has lapsed.
    pub fn close(&self) {
        self.close.notify_one();
    }
}

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    limits: Limits,
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Connections that were still open when the deadline came, and were cut.
    pub aborted: usize,
}

impl Listener {
    /// Binds `address`; port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// What the system says, such as a port that is taken.
    pub async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address).await?, limits })
    }

    /// Where the socket listens.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `shutdown` is ready; then stops accepting, lets exchanges under way finish
    /// within [`Deadlines::drain`](super::Deadlines::drain), and cuts the rest. Each connection
    /// keeps the TLS state that was current when it was accepted.
    pub async fn serve<H: Handler>(
        self,
        tls: Arc<ArcSwap<TlsState>>,
        handler: Arc<H>,
        clock: Clock,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Drained {
        let caps = &self.limits.caps;
        let addresses = Counters::new(caps.connections, caps.per_address);
        let certificates = Counters::new(caps.connections, caps.per_certificate);
        let shared = Arc::new(Shared { handler, clock, certificates, limits: self.limits });
        let (drain, draining) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = shutdown.as_mut() => break,
                Some(done) = tasks.join_next(), if !tasks.is_empty() => {
                    if done.is_err() {
                        shared.handler.event(Event::Panicked);
                    }
                }
                accepted = self.socket.accept() => match accepted {
                    Ok((socket, address)) => match addresses.admit(caps::site(address.ip())) {
                        Ok(counted) => {
                            let (shared, tls) = (Arc::clone(&shared), tls.load_full());
                            let draining = draining.clone();
                            tasks.spawn(async move {
                                let cut = shared.run(socket, &tls, draining).await;
                                drop(counted);
                                cut
                            });
                        }
                        Err(Full::Total) => shared.handler.event(Event::Shed(Shed::Total)),
                        Err(Full::Key) => shared.handler.event(Event::Shed(Shed::Address)),
                    },
                    Err(error) => shared.accept_failed(&error).await,
                },
            }
        }
        drop(self.socket);
        drain.send_replace(true);
        shared.finish(tasks).await
    }
}

/// What all connections of one listener share.
struct Shared<H> {
    handler: Arc<H>,
    clock: Clock,
    certificates: Counters<[u8; 32]>,
    limits: Limits,
}

impl<H: Handler> Shared<H> {
    /// A peer that is gone before it was accepted is nothing; no sockets left is, and a pause
    /// keeps the loop from spinning until some are freed.
    async fn accept_failed(&self, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            self.handler.event(Event::Shed(Shed::System));
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    /// Waits for the connections, each of which keeps the drain deadline itself.
    async fn finish(&self, mut tasks: JoinSet<bool>) -> Drained {
        let mut drained = Drained::default();
        let all = async {
            while let Some(done) = tasks.join_next().await {
                match done {
                    Ok(true) => drained.aborted = drained.aborted.saturating_add(1),
                    Ok(false) => {}
                    Err(_panic) => self.handler.event(Event::Panicked),
                }
            }
        };
        let limit = self.limits.deadlines.drain.saturating_add(DRAIN_MARGIN);
        if timeout(limit, all).await.is_err() {
            drained.aborted = drained.aborted.saturating_add(tasks.len());
            tasks.shutdown().await;
        }
        drained
    }

    /// One connection from accept to end; whether it was cut while draining.
    async fn run(
        self: Arc<Self>,
        socket: TcpStream,
        tls: &TlsState,
        draining: watch::Receiver<bool>,
    ) -> bool {
        let mut stop = draining.clone();
        let stream = tokio::select! {
            shaken = self.handshake(socket, tls) => match shaken {
                Ok(stream) => stream,
                Err(failure) => {
                    self.handler.event(Event::HandshakeFailed(failure));
                    return false;
                }
            },
            _ = stop.wait_for(|stop| *stop) => return false,
        };
        let (stream, connection) = stream;
        let Ok(_counted) = self.certificates.admit(*connection.peer.spki_sha256()) else {
            self.handler.event(Event::Shed(Shed::Certificate));
            return false;
        };
        let mut told = Told::opened(self.handler.as_ref(), connection.protocol);
        let (reason, cut) = connection::drive(&self, stream, connection, draining).await;
        told.reason = reason;
        cut && reason == CloseReason::Drain
    }

    async fn handshake(
        &self,
        socket: TcpStream,
        tls: &TlsState,
    ) -> Result<(Stream, Arc<Connection>), HandshakeFailure> {
        // Responses are written whole, so waiting for more to send (Nagle) only delays them.
        socket.set_nodelay(true).map_err(|_error| HandshakeFailure::BrokeOff)?;
        let socket = Stalling::new(socket, self.limits.deadlines.write_stall);
        let stream = timeout(self.limits.deadlines.handshake, tls.acceptor().accept(socket))
            .await
            .map_err(|_elapsed| HandshakeFailure::TimedOut)?
            .map_err(|error| HandshakeFailure::of_io(&error))?;
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().ok_or(HandshakeFailure::NoCertificate)?;
        let now = self.clock.unix_millis() / 1000;
        let peer = tls.verify(chain, now)?;
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((stream, Arc::new(Connection { peer, protocol, close: Notify::new() })))
    }
}

/// Tells of a connection's opening, and of its end however that comes: dropped unfinished too.
struct Told<'a, H: Handler> {
    handler: &'a H,
    protocol: Protocol,
    reason: CloseReason,
}

impl<'a, H: Handler> Told<'a, H> {
    fn opened(handler: &'a H, protocol: Protocol) -> Self {
        handler.event(Event::Opened(protocol));
        Self { handler, protocol, reason: CloseReason::Broke }
    }
}

impl<H: Handler> Drop for Told<'_, H> {
    fn drop(&mut self) {
        self.handler.event(Event::Closed(self.protocol, self.reason));
    }
}

/// A recipient's connection.
type Stream = TlsStream<Stalling<TcpStream>>;

/// How long accepting pauses when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the listener waits beyond the drain deadline that each connection keeps itself.
const DRAIN_MARGIN: Duration = Duration::from_secs(1);
