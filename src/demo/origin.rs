//! The sample clinic APIs as HTTPS servers on loopback.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::clinics::Answer;

/// Connections that an origin serves at the same time: the proxy is its only caller.
const MAX_CONNECTIONS: usize = 64;
/// The largest content that the proxy forwards: more than any shipped policy lets through.
const MAX_CONTENT: usize = 1 << 20;
/// How long a handshake, and a request's header block, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an API is asked: as the proxy forwards it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) is_post: bool,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content: String,
}

/// Gives the answer to a request.
pub(crate) type Answers = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// A running clinic API; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    _server: JoinSet<()>,
}

impl Origin {
    /// Serves on a port of the system's choosing.
    pub(crate) async fn start(tls: Arc<rustls::ServerConfig>, answers: Answers) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut server = JoinSet::new();
        server.spawn(accept(listener, TlsAcceptor::from(tls), answers));
        Ok(Self { address, _server: server })
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, answers: Answers) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, tls.clone(), Arc::clone(&answers)));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection to its end; a caller that misbehaves only loses its connection.
async fn serve(stream: TcpStream, tls: TlsAcceptor, answers: Answers) {
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await else { return };
    let service = service_fn(move |request: Request<Incoming>| {
        let answers = Arc::clone(&answers);
        async move {
            let (head, content) = request.into_parts();
            let content = Limited::new(content, MAX_CONTENT).collect().await.map(Collected::to_bytes);
            let asked = Asked {
                is_post: head.method == Method::POST,
                path: head.uri.path().to_owned(),
                query: head.uri.query().unwrap_or("").to_owned(),
                content: content.map_or_else(
                    |_cut| String::new(),
                    |content| String::from_utf8_lossy(&content).into_owned(),
                ),
            };
            Ok::<_, Infallible>(response(answers(&asked)))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    drop(connection.await);
}

/// The answer with what such servers like to say about themselves, none of which may pass.
fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(answer.content_type));
    headers.insert(
        hyper::header::SERVER,
        hyper::header::HeaderValue::from_static("ClinicServer/4.2 (esb-app-01)"),
    );
    headers.insert(hyper::header::SET_COOKIE, hyper::header::HeaderValue::from_static("session=8f14e45f"));
    response
}
