//! A recipient's side: an HTTPS client with a client certificate, one connection a call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::http::request::Builder;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// The largest answer that the demo reads.
const MAX_ANSWER: usize = 8 << 20;
/// How long a whole call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No connection.
    #[error("cannot connect to the proxy")]
    Connect(#[source] std::io::Error),
    /// The TLS session was refused or broken off; with TLS 1.3 a client learns that its
    /// certificate was refused on its first read (RFC 8446 section 4.4.2.4, appendix E.5).
    #[error("TLS refused: {0}")]
    Tls(String),
    /// The exchange broke off.
    #[error("the exchange broke off: {0}")]
    Exchange(String),
    /// It took too long.
    #[error("no answer in time")]
    Late,
}

/// A recipient that can call the proxy.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) proxy: SocketAddr,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

impl Caller {
    /// One GET on a connection of its own.
    pub(crate) async fn get(&self, target: &str) -> Result<Reply, CallError> {
        self.call(Request::get(target), Bytes::new()).await
    }

    /// One POST of FHIR JSON on a connection of its own.
    pub(crate) async fn post(&self, target: &str, content: String) -> Result<Reply, CallError> {
        let request = Request::post(target).header(hyper::header::CONTENT_TYPE, "application/fhir+json");
        self.call(request, content.into()).await
    }

    async fn call(&self, request: Builder, content: Bytes) -> Result<Reply, CallError> {
        let exchange = self.exchange(request, content);
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(CallError::Late))
    }

    async fn exchange(&self, request: Builder, content: Bytes) -> Result<Reply, CallError> {
        let stream = TcpStream::connect(self.proxy).await.map_err(CallError::Connect)?;
        let name = ServerName::try_from("localhost").map_err(|fault| CallError::Tls(fault.to_string()))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
            .map_err(|fault| CallError::Tls(fault.to_string()))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|fault| broken(&fault))?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = request
            .header(hyper::header::HOST, format!("localhost:{}", self.proxy.port()))
            .header(hyper::header::ACCEPT, "application/json")
            .body(Full::new(content))
            .map_err(|fault| CallError::Exchange(fault.to_string()))?;
        let (head, body) = match sender.send_request(request).await {
            Ok(reply) => reply.into_parts(),
            Err(fault) => return Err(why(&fault, &mut driver).await),
        };
        let body = Limited::new(body, MAX_ANSWER)
            .collect()
            .await
            .map_err(|fault| CallError::Exchange(fault.to_string()))?
            .to_bytes();
        let fields = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Ok(Reply { status: head.status.as_u16(), fields, body })
    }
}

/// The connection's own fault says more than the request's, which may only say that it is gone.
async fn why(fault: &hyper::Error, driver: &mut JoinSet<hyper::Result<()>>) -> CallError {
    match driver.join_next().await {
        Some(Ok(Err(cause))) => broken(&cause),
        Some(Ok(Ok(())) | Err(_)) | None => broken(fault),
    }
}

/// Tells a TLS alert, which hyper hands on as an I/O error, from other faults.
fn broken(fault: &hyper::Error) -> CallError {
    let mut cause = std::error::Error::source(fault);
    while let Some(inner) = cause {
        let tls = inner
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(alert) = tls {
            return CallError::Tls(alert.to_string());
        }
        cause = inner.source();
    }
    CallError::Exchange(fault.to_string())
}
