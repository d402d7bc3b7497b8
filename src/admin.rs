//! The operators' listener: health, metrics, and the pages that explain problems.
//!
//! Plain HTTP, read only, on loopback unless the configuration says otherwise. It is handed what
//! it shows and owns no state. Nothing here may say a value from a message: it shows counts and
//! names from policies and configuration only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::http::problem::{Page, Problems};
use crate::telemetry::Metrics;

/// Connections at a time: a scraper, a prober and an officer, with room to spare.
const CONNECTIONS: usize = 32;
/// How long one connection may last, whatever it does; each carries one request.
const WHOLE: Duration = Duration::from_secs(10);
/// How long a head may take.
const HEAD: Duration = Duration::from_secs(5);
/// The largest head; hyper asks for 8 KiB at least.
const HEAD_BYTES: usize = 8 * 1024;
/// After an accept that failed (no descriptors left), the next waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The media type of the short answers.
const TEXT: &str = "text/plain; charset=utf-8";

/// What the listener shows.
pub trait Shown: Send + Sync + 'static {
    /// Why the proxy should get no traffic now, a line each; none means ready.
    fn not_ready(&self) -> Vec<String>;

    /// What an operator must look at while it may get traffic, a line each.
    fn warnings(&self) -> Vec<String>;

    /// The metrics, in OpenMetrics text.
    fn metrics(&self) -> String;
}

/// Answers until `stop` becomes true.
pub async fn serve<S: Shown>(listener: TcpListener, shown: Arc<S>, mut stop: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                // Over the cap a connection is closed at once: a prober sees that sooner than a wait.
                if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
                    let shown = Arc::clone(&shown);
                    tokio::spawn(async move {
                        connection(stream, shown).await;
                        drop(slot);
                    });
                }
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection<S: Shown>(stream: TcpStream, shown: Arc<S>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(&request, shown.as_ref());
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // That a prober hung up or ran out of time is nobody's concern.
    drop(tokio::time::timeout(WHOLE, served).await);
}

fn answer<S: Shown>(request: &Request<Incoming>, shown: &S) -> Response<Full<Bytes>> {
    if !names_no_domain(request.headers().get(HOST)) {
        return respond(StatusCode::MISDIRECTED_REQUEST, TEXT, "ask by address or as localhost\n".into());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".into());
    }
    match request.uri().path() {
        "/livez" => respond(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" => {
            let (mut lines, mut status) = (shown.not_ready(), StatusCode::SERVICE_UNAVAILABLE);
            if lines.is_empty() {
                lines.push("ok".to_owned());
                status = StatusCode::OK;
            }
            lines.extend(shown.warnings().into_iter().map(|warning| format!("warning: {warning}")));
            respond(status, TEXT, lines.join("\n") + "\n")
        }
        "/metrics" => respond(StatusCode::OK, Metrics::MEDIA_TYPE, shown.metrics()),
        path => match Problems::page(path) {
            Some(page) => respond(StatusCode::OK, Page::MEDIA_TYPE, page.html),
            None => respond(StatusCode::NOT_FOUND, TEXT, "no such page\n".into()),
        },
    }
}

/// SECURITY: a page in an operator's browser may reach loopback through a name of its own that it
/// points here (DNS rebinding). Such a request names that domain; ours are by address or as
/// `localhost`.
fn names_no_domain(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || address.parse::<std::net::IpAddr>().is_ok()
}

fn respond(status: StatusCode, media_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_a_domain_name_is_refused() {
        for (host, wanted) in [
            (Some("localhost"), true),
            (Some("localhost:9443"), true),
            (Some("127.0.0.1:9443"), true),
            (Some("[::1]:9443"), true),
            (Some("10.0.0.7:9443"), true),
            (Some("attacker.example"), false),
            (Some("localhost.attacker.example:9443"), false),
            (Some("127.0.0.1.attacker.example"), false),
            (Some("user@attacker.example"), false),
            (Some(""), false),
            (None, false),
        ] {
            let value = host.map(HeaderValue::from_static);
            assert_eq!(names_no_domain(value.as_ref()), wanted, "{host:?}");
        }
    }
}
