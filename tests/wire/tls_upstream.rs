//! The client towards upstreams: scripted origins that misbehave in every way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tavs::clock::Clock;
use tavs::net::pki::{Authority, Issued, Name, Usage};
use tavs::net::{
    ProbeError, Stage, Upstream, UpstreamBody, UpstreamCa, UpstreamDeadlines, UpstreamError,
    UpstreamSettings, UpstreamSetupError,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::lab::{Lab, PATIENCE, days, now};

const SHORT: Duration = Duration::from_millis(100);

/// An origin that gives one scripted answer per request, in order, over as many connections as
/// the client opens. It tells each request as it came, with the connection's number before it.
struct Origin {
    address: SocketAddr,
    seen: mpsc::Receiver<(usize, String)>,
}

/// What an origin does with one request.
#[derive(Clone)]
enum Act {
    /// Writes these bytes and goes on.
    Say(&'static str),
    /// Writes these bytes and closes.
    SayAndClose(&'static str),
    /// Keeps silent.
    Hold,
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

async fn origin(script: Vec<Act>) -> Origin {
    origin_with(script, None).await
}

async fn origin_with(script: Vec<Act>, tls: Option<TlsAcceptor>) -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, seen) = mpsc::channel(100);
    let script = Arc::new(std::sync::Mutex::new(script.into_iter()));
    tokio::spawn(async move {
        for number in 1.. {
            let Ok((socket, _)) = listener.accept().await else { return };
            let (script, told, tls) = (Arc::clone(&script), told.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => play(socket, number, &script, &told).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(socket).await {
                            play(stream, number, &script, &told).await;
                        }
                    }
                }
            });
        }
    });
    Origin { address, seen }
}

async fn play(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    number: usize,
    script: &std::sync::Mutex<std::vec::IntoIter<Act>>,
    told: &mpsc::Sender<(usize, String)>,
) {
    let mut buffer = Vec::new();
    loop {
        while !buffer.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read_buf(&mut buffer).await {
                Ok(1..) => {}
                _ => return,
            }
        }
        let request = String::from_utf8(std::mem::take(&mut buffer)).unwrap();
        told.send((number, request)).await.unwrap();
        let act = script.lock().unwrap().next();
        match act {
            Some(Act::Say(bytes)) => stream.write_all(bytes.as_bytes()).await.unwrap(),
            Some(Act::SayAndClose(bytes)) => {
                stream.write_all(bytes.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                return;
            }
            Some(Act::Hold) | None => {
                tokio::time::sleep(PATIENCE).await;
                return;
            }
        }
    }
}

impl Origin {
    async fn next(&mut self) -> (usize, String) {
        timeout(PATIENCE, self.seen.recv()).await.unwrap().unwrap()
    }

    fn plain(&self) -> UpstreamSettings {
        let mut settings = UpstreamSettings::new(&format!("http://{}", self.address), UpstreamCa::System);
        settings.unprotected = true;
        settings.deadlines = impatient();
        settings
    }
}

fn impatient() -> UpstreamDeadlines {
    UpstreamDeadlines {
        wait: SHORT,
        connect: PATIENCE,
        first_byte: PATIENCE,
        whole: PATIENCE,
        idle: PATIENCE,
    }
}

fn client(settings: UpstreamSettings) -> Upstream {
    tavs::net::install_crypto();
    Upstream::new(settings, &Clock::system()).unwrap()
}

async fn get(upstream: &Upstream, target: &str) -> Result<Response<UpstreamBody>, UpstreamError> {
    let request = Request::get(target).body(Bytes::new()).unwrap();
    timeout(PATIENCE, upstream.send(request)).await.unwrap()
}

/// Sends and reads whole.
async fn fetch(upstream: &Upstream) -> Result<String, UpstreamError> {
    let body = get(upstream, "/a").await?.into_body();
    let bytes = timeout(PATIENCE, body.read(1000)).await.unwrap()?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_is_made_anew_and_its_connection_kept() {
    let mut origin = origin(vec![Act::Say(OK), Act::Say(OK)]).await;
    let mut settings = origin.plain();
    settings.url.push_str("/base/");
    let upstream = client(settings);
    let request = Request::get("https://evil.test/x?y=1")
        .header("host", "evil.test")
        .header("connection", "upgrade")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAAQAoAAA")
        .header("keep-alive", "timeout=9")
        .header("proxy-connection", "keep-alive")
        .header("proxy-authorization", "Basic c21zOnNtcw==")
        .header("trailer", "x-cpr")
        .header("expect", "100-continue")
        .header("te", "trailers")
        .header("content-length", "7")
        .header("transfer-encoding", "chunked")
        .header("accept", "application/json")
        .body(Bytes::new())
        .unwrap();
    let response = upstream.send(request).await.unwrap();
    assert_eq!(upstream.in_use(), 1);
    assert_eq!(response.into_body().read(2).await.unwrap(), "{}");
    let (number, seen) = origin.next().await;
    assert_eq!(number, 1);
    assert_eq!(
        seen,
        format!("GET /base/x?y=1 HTTP/1.1\r\naccept: application/json\r\nhost: {}\r\n\r\n", origin.address)
    );
    assert_eq!(fetch(&upstream).await.unwrap(), "{}");
    assert_eq!(origin.next().await.0, 1, "the same connection");
    assert_eq!(upstream.in_use(), 0);
}

#[tokio::test]
async fn interim_responses_and_trailers_are_dropped() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLocation: /2512489996\r\n\r\nHTTP/1.1 200 OK\r\n\
                  Transfer-Encoding: chunked\r\nTrailer: X-Cpr\r\n\r\n2\r\n{}\r\n0\r\nX-Cpr: 2512489996\r\n\r\n";
    let origin = origin(vec![Act::Say(answer)]).await;
    let upstream = client(origin.plain());
    let response = get(&upstream, "/").await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("location"));
    let mut body = response.into_body();
    assert_eq!(body.next().await.unwrap().unwrap(), "{}");
    assert!(body.next().await.unwrap().is_none());
}

#[tokio::test]
async fn bytes_after_a_response_are_never_the_next_response() {
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}\
                 HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    let mut origin = origin(vec![Act::Say(twice), Act::Say(OK)]).await;
    let upstream = client(origin.plain());
    for expected in [1, 2] {
        assert_eq!(fetch(&upstream).await.unwrap(), "{}");
        assert_eq!(origin.next().await.0, expected, "a connection of its own");
    }
}

#[tokio::test]
async fn a_body_that_is_not_read_closes_its_connection() {
    let mut origin = origin(vec![Act::Say(OK), Act::Say(OK)]).await;
    let upstream = client(origin.plain());
    for expected in [1, 2] {
        drop(get(&upstream, "/").await.unwrap());
        assert_eq!(origin.next().await.0, expected);
    }
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_is_replaced() {
    let mut origin = origin(vec![Act::SayAndClose(OK), Act::SayAndClose(OK), Act::Say(OK)]).await;
    let upstream = client(origin.plain());
    for expected in 1..=3 {
        assert_eq!(fetch(&upstream).await.unwrap(), "{}");
        assert_eq!(origin.next().await.0, expected);
        // Long enough for the closing to arrive; without it the request would have left.
        tokio::time::sleep(SHORT).await;
    }
}

#[tokio::test]
async fn whatever_an_upstream_breaks_is_a_fault() {
    let broken = UpstreamError::Broke;
    let bad = UpstreamError::Malformed;
    for (answer, fault) in [
        ("", broken),
        ("HTTP/1.1 200 OK\r\n", broken),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", broken),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", broken),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", broken),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", bad),
        ("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\n{}", bad),
        ("HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\n{}", bad),
        ("ICY 200 OK\r\n\r\n", bad),
        ("{}", bad),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n{}", UpstreamError::TooLarge),
    ] {
        let origin = origin(vec![Act::SayAndClose(answer)]).await;
        assert_eq!(fetch(&client(origin.plain())).await.unwrap_err(), fault, "{answer:?}");
    }
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_refused() {
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000)).into_boxed_str());
    let origin = origin(vec![Act::Say(long)]).await;
    let fault = fetch(&client(origin.plain())).await.unwrap_err();
    assert_eq!(fault, UpstreamError::Malformed);
}

#[tokio::test]
async fn silence_is_cut_at_every_stage() {
    let stalls = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
    for (script, stage) in [
        (vec![Act::Hold], Stage::FirstByte),
        (vec![Act::Say("HTTP/1.1 200 OK\r\n")], Stage::FirstByte),
        (vec![Act::Hold], Stage::Whole),
        (vec![Act::Say(stalls)], Stage::Whole),
    ] {
        let origin = origin(script).await;
        let mut settings = origin.plain();
        match stage {
            Stage::FirstByte => settings.deadlines.first_byte = SHORT,
            Stage::Whole | Stage::Connect => settings.deadlines.whole = SHORT,
        }
        let fault = fetch(&client(settings)).await.unwrap_err();
        assert_eq!(fault, UpstreamError::TimedOut(stage));
    }
    // A socket that accepts but never shakes hands.
    let lab = Lab::new();
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = protected(&lab, mute.local_addr().unwrap());
    settings.deadlines.connect = SHORT;
    assert_eq!(fetch(&client(settings)).await.unwrap_err(), UpstreamError::TimedOut(Stage::Connect));
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut settings = UpstreamSettings::new(&format!("http://{address}"), UpstreamCa::System);
    settings.unprotected = true;
    assert_eq!(fetch(&client(settings)).await.unwrap_err(), UpstreamError::Connect);
}

#[tokio::test]
async fn places_are_bounded_and_come_free() {
    let mut origin = origin(vec![Act::Say(OK), Act::Say(OK)]).await;
    let mut settings = origin.plain();
    settings.concurrency = 1;
    let upstream = client(settings);
    let held = get(&upstream, "/").await.unwrap();
    assert_eq!(get(&upstream, "/").await.map(|_| ()).unwrap_err(), UpstreamError::Busy);
    drop(held);
    assert_eq!(fetch(&upstream).await.unwrap(), "{}");
    assert_eq!(origin.next().await.0, 1);
}

fn protected(lab: &Lab, address: SocketAddr) -> UpstreamSettings {
    let ca = lab.write("clinic-ca.pem", lab.clinic.certificate());
    let mut settings =
        UpstreamSettings::new(&format!("https://localhost:{}", address.port()), UpstreamCa::File(ca));
    settings.deadlines = impatient();
    settings
}

fn acceptor(server: &Issued, clients_of: Option<&Authority>) -> TlsAcceptor {
    let certificates =
        |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let config = ServerConfig::builder();
    let config = match clients_of {
        None => config.with_no_client_auth(),
        Some(ca) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(certificates(ca.certificate()).remove(0)).unwrap();
            config.with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let config = config.with_single_cert(certificates(&server.certificate), key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn only_the_named_and_trusted_upstream_is_spoken_to() {
    let lab = Lab::new();
    let stranger = Authority::new("Clinic CA", days(-1, 30)).unwrap();
    let dns = |name: &str| [Name::Dns(name.to_owned())];
    let good = lab.clinic.issue("x", &dns("localhost"), Usage::Server, days(-1, 1)).unwrap();
    let by = |names: &[Name], usage, validity| lab.clinic.issue("x", names, usage, validity).unwrap();
    let cases = [
        (good, ""),
        (by(&dns("other.example"), Usage::Server, days(-1, 1)), "not for this host, but for `other.example`"),
        (by(&[], Usage::Server, days(-1, 1)), "not for this host"),
        (by(&dns("localhost"), Usage::Server, days(-3, -1)), "expired"),
        (by(&dns("localhost"), Usage::Client, days(-1, 1)), "wrong-usage"),
        (stranger.issue("x", &dns("localhost"), Usage::Server, days(-1, 1)).unwrap(), "unknown-issuer"),
    ];
    for (server, refused) in cases {
        let origin = origin_with(vec![Act::Say(OK)], Some(acceptor(&server, None))).await;
        let upstream = client(protected(&lab, origin.address));
        // Whoever only looks is told more, and has asked for nothing.
        match upstream.probe().await {
            Ok(probed) => {
                let (period, names) = probed.certificate.unwrap();
                assert!(refused.is_empty() && names == ["localhost"] && period.until > now());
            }
            Err(error) => {
                assert!(!refused.is_empty() && error.to_string().contains(refused), "{refused}: {error}");
            }
        }
        let expected = if refused.is_empty() { Ok("{}".to_owned()) } else { Err(UpstreamError::Tls) };
        assert_eq!(fetch(&upstream).await, expected);
    }
}

#[tokio::test]
async fn an_upstream_may_ask_for_our_certificate() {
    let lab = Lab::new();
    let dns = [Name::Dns("localhost".to_owned())];
    let server = lab.clinic.issue("x", &dns, Usage::Server, days(-1, 1)).unwrap();
    for shows_one in [true, false] {
        let tls = acceptor(&server, Some(&lab.partners));
        let origin = origin_with(vec![Act::Say(OK)], Some(tls)).await;
        let mut settings = protected(&lab, origin.address);
        if shows_one {
            let own = lab.client("tavs");
            settings.client_certificate =
                Some((lab.write("tavs.pem", &own.certificate), lab.write("tavs.key", &own.key)));
        }
        let upstream = client(settings);
        let probed = upstream.probe().await;
        let fetched = fetch(&upstream).await;
        if shows_one {
            assert!(probed.is_ok(), "{probed:?}");
            assert_eq!(fetched.unwrap(), "{}");
        } else {
            // Under TLS 1.3 the refusal comes after our handshake, and may be overtaken by the
            // closing of the connection.
            assert!(matches!(fetched, Err(UpstreamError::Tls | UpstreamError::Broke)), "{fetched:?}");
            assert!(matches!(probed, Err(ProbeError::Refuses | ProbeError::Closes)), "{probed:?}");
        }
    }
}

#[test]
fn an_upstream_that_weakens_the_guarantees_is_not_set_up() {
    tavs::net::install_crypto();
    let lab = Lab::new();
    let ca = lab.write("clinic-ca.pem", lab.clinic.certificate());
    let set_up = |url: &str, unprotected| {
        let mut settings = UpstreamSettings::new(url, UpstreamCa::File(ca.clone()));
        settings.unprotected = unprotected;
        Upstream::new(settings, &Clock::system())
    };
    for url in ["", "booking", "/x", "ftp://h", "https://u:p@h", "https://h/?q=1", "https://h/#f", "https://"]
    {
        assert!(matches!(set_up(url, true), Err(UpstreamSetupError::Url)), "{url}");
    }
    for (url, unprotected) in
        [("http://127.0.0.1", false), ("http://192.0.2.1", true), ("http://clinic.example", true)]
    {
        assert!(matches!(set_up(url, unprotected), Err(UpstreamSetupError::Unprotected)), "{url}");
    }
    for url in
        ["https://clinic.example:8443/fhir", "http://localhost:1", "http://[::1]:1", "https://192.0.2.1"]
    {
        assert!(set_up(url, true).is_ok(), "{url}");
    }
    let mut none = UpstreamSettings::new("https://h", UpstreamCa::File(ca.clone()));
    none.concurrency = 0;
    assert!(matches!(Upstream::new(none, &Clock::system()), Err(UpstreamSetupError::Zero("concurrency"))));
    let empty = lab.write("empty.pem", "");
    let none = UpstreamSettings::new("https://h", UpstreamCa::File(empty));
    assert!(matches!(Upstream::new(none, &Clock::system()), Err(UpstreamSetupError::Tls(_))));
}

#[tokio::test]
async fn the_connection_of_a_dropped_request_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings =
        UpstreamSettings::new(&format!("http://{}", listener.local_addr().unwrap()), UpstreamCa::System);
    settings.unprotected = true;
    let upstream = Arc::new(client(settings));
    let asking = tokio::spawn({
        let upstream = Arc::clone(&upstream);
        async move { get(&upstream, "/").await.map(|_| ()) }
    });
    let (mut socket, _): (TcpStream, _) = listener.accept().await.unwrap();
    let mut bytes = [0; 1000];
    assert_ne!(socket.read(&mut bytes).await.unwrap(), 0);
    asking.abort();
    // The recipient went away: the upstream sees it, rather than working for nobody.
    while let Ok(1..) = timeout(PATIENCE, socket.read(&mut bytes)).await.unwrap() {}
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(upstream.in_use(), 0);
}
