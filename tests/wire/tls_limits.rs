//! What a connection may cost: handshake, idle and write deadlines, caps, drain.

use std::time::Duration;

use tavs::net::{Caps, CloseReason, Deadlines, Event, HandshakeFailure, Limits, Protocol, Shed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::lab::{Lab, PATIENCE, Served};
use super::tls::get;

const SHORT: Duration = Duration::from_millis(100);
/// How HTTP/2 begins, before its first frame (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NO_SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// HEADERS that end a stream's request: GET https /big of localhost.
fn get_big(stream: u8) -> Vec<u8> {
    let fields = b"\x82\x87\x44\x04/big\x41\x09localhost";
    let frame = [0, 0, fields.len().to_le_bytes()[0], 1, 0x05, 0, 0, 0, stream];
    [frame.as_slice(), fields].concat()
}

async fn start(lab: &Lab, deadlines: Deadlines, caps: Caps) -> Served {
    let tls = lab.tls(vec![lab.anchor("partners", &lab.partners, &[])]);
    Served::start(tls, Limits { deadlines, caps, ..Limits::default() }).await
}

/// Waits until the other side closes, in whatever way.
async fn closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut rest = [0; 1024];
    while let Ok(1..) = timeout(PATIENCE, stream.read(&mut rest)).await.unwrap() {}
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut() {
    let lab = Lab::new();
    let deadlines = Deadlines { handshake: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    // The beginning of a ClientHello, and then nothing.
    socket.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    assert_eq!(served.refusal().await, HandshakeFailure::TimedOut);
    closed(&mut socket).await;
}

#[tokio::test]
async fn a_header_block_that_stalls_is_cut() {
    let lab = Lab::new();
    let deadlines = Deadlines { header: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
    closed(&mut stream).await;
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    assert_eq!(served.event().await, Event::Closed(Protocol::Http1, CloseReason::SlowHeader));
}

#[tokio::test]
async fn an_idle_connection_is_closed_whatever_it_speaks() {
    let lab = Lab::new();
    // The HTTP/2 peer never answers the GOAWAY, so that only the drain deadline ends it.
    let deadlines = Deadlines { idle: SHORT, drain: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    for (alpn, protocol) in [(&b"http/1.1"[..], Protocol::Http1), (&b"h2"[..], Protocol::Http2)] {
        let mut stream = lab.connect(served.address, Some(&client), &[alpn]).await.unwrap();
        if protocol == Protocol::Http2 {
            // And then nothing. It may be closed by now.
            let _closed = stream.write_all(&[PREFACE, NO_SETTINGS].concat()).await;
        }
        assert_eq!(served.event().await, Event::Opened(protocol));
        let answered = tokio::spawn(async move { closed(&mut stream).await });
        let Event::Closed(_, reason) = served.event().await else { panic!("not closed") };
        assert_eq!(reason, CloseReason::Idle);
        answered.await.unwrap();
    }
}

#[tokio::test]
async fn an_old_connection_is_closed_after_its_exchange() {
    let lab = Lab::new();
    let deadlines = Deadlines { max_age: SHORT * 10, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    stream.write_all(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    served.handler.holds().await;
    tokio::time::sleep(SHORT * 12).await;
    served.handler.held.add_permits(1);
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("held"), "{answer}");
    assert_eq!(served.event().await, Event::Closed(Protocol::Http1, CloseReason::Age));
}

#[tokio::test]
async fn a_peer_that_does_not_take_its_response_is_cut() {
    let lab = Lab::new();
    let deadlines = Deadlines { write_stall: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    // 4 MiB each, more than the socket buffers hold.
    for _ in 0..4 {
        stream.write_all(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    }
    assert_eq!(served.event().await, Event::Closed(Protocol::Http1, CloseReason::SlowReader));
}

#[tokio::test]
async fn an_http2_peer_that_grants_no_window_is_cut() {
    let lab = Lab::new();
    let deadlines = Deadlines { write_whole: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"h2"]).await.unwrap();
    assert_eq!(served.event().await, Event::Opened(Protocol::Http2));
    // SETTINGS_INITIAL_WINDOW_SIZE = 0.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    stream.write_all(&[PREFACE, settings, &get_big(1)].concat()).await.unwrap();
    let answered = tokio::spawn(async move { closed(&mut stream).await });
    assert_eq!(served.event().await, Event::Closed(Protocol::Http2, CloseReason::SlowReader));
    answered.await.unwrap();
}

#[tokio::test]
async fn an_http2_peer_that_takes_nothing_of_what_it_lets_come_is_cut() {
    let lab = Lab::new();
    let deadlines = Deadlines { write_stall: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"h2"]).await.unwrap();
    assert_eq!(served.event().await, Event::Opened(Protocol::Http2));
    // SETTINGS_INITIAL_WINDOW_SIZE = 2^31 - 1 and as much for the connection.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff";
    let window = b"\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0";
    // More than the socket buffers hold.
    let requests = [1, 3, 5, 7].map(get_big).concat();
    stream.write_all(&[PREFACE, settings, window, &requests].concat()).await.unwrap();
    assert_eq!(served.event().await, Event::Closed(Protocol::Http2, CloseReason::SlowReader));
}

#[tokio::test]
async fn connections_are_capped_by_address_by_certificate_and_in_total() {
    let lab = Lab::new();
    let client = lab.client("sms");
    for (caps, shed) in [
        (Caps { connections: 9, per_address: 1, per_certificate: 9 }, Shed::Address),
        (Caps { connections: 1, per_address: 9, per_certificate: 9 }, Shed::Total),
        (Caps { connections: 9, per_address: 9, per_certificate: 1 }, Shed::Certificate),
    ] {
        let mut served = start(&lab, Deadlines::default(), caps).await;
        let mut first = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
        get(&mut first, "/").await.unwrap();
        assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
        if shed == Shed::Certificate {
            // Known only once the handshake is done.
            let mut second = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
            closed(&mut second).await;
        } else {
            let mut second = TcpStream::connect(served.address).await.unwrap();
            closed(&mut second).await;
        }
        assert_eq!(served.event().await, Event::Shed(shed));
        drop(first);
        assert_eq!(served.event().await, Event::Closed(Protocol::Http1, CloseReason::Done));
        // The place is given back a moment after the event; trying again finds it.
        for _ in 0..100 {
            let third = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await;
            if let Ok(mut third) = third
                && get(&mut third, "/").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while served.event().await != Event::Opened(Protocol::Http1) {}
    }
}

#[tokio::test]
async fn a_drain_finishes_what_is_under_way_and_takes_no_more() {
    let lab = Lab::new();
    let mut served = start(&lab, Deadlines::default(), Caps::default()).await;
    let client = lab.client("sms");
    let mut idle = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    get(&mut idle, "/").await.unwrap();
    let mut busy = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    get(&mut busy, "/").await.unwrap();
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    busy.write_all(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    served.handler.holds().await;
    let (address, handler) = (served.address, std::sync::Arc::clone(&served.handler));
    let drained = served.stop();
    closed(&mut idle).await;
    assert!(TcpStream::connect(address).await.is_err(), "nothing may be accepted");
    handler.held.add_permits(1);
    let mut answer = String::new();
    timeout(PATIENCE, busy.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("held"), "{answer}");
    assert_eq!(timeout(PATIENCE, drained).await.unwrap().unwrap().aborted, 0);
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_finish() {
    let lab = Lab::new();
    let deadlines = Deadlines { drain: SHORT, ..Deadlines::default() };
    let mut served = start(&lab, deadlines, Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    stream.write_all(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    served.handler.holds().await;
    let drained = timeout(PATIENCE, served.stop()).await.unwrap().unwrap();
    assert_eq!(drained.aborted, 1);
    closed(&mut stream).await;
}

#[tokio::test]
async fn http2_limits_are_told_to_the_peer() {
    let lab = Lab::new();
    let served = start(&lab, Deadlines::default(), Caps::default()).await;
    let client = lab.client("sms");
    let mut stream = lab.connect(served.address, Some(&client), &[b"h2"]).await.unwrap();
    stream.write_all(&[PREFACE, NO_SETTINGS].concat()).await.unwrap();
    let mut head = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS (RFC 9113 3.4)");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    timeout(PATIENCE, stream.read_exact(&mut settings)).await.unwrap().unwrap();
    let value = |wanted: u16| {
        settings
            .chunks(6)
            .find(|entry| entry[..2] == wanted.to_be_bytes())
            .map(|entry| u32::from_be_bytes(entry[2..].try_into().unwrap()))
    };
    let limits = Limits::default().http2;
    assert_eq!(value(3), Some(limits.max_concurrent_streams));
    assert_eq!(value(5).unwrap_or(16_384), limits.max_frame_size);
    assert_eq!(value(6), Some(limits.max_header_list_size));
    assert_eq!(value(8).unwrap_or(0), 0, "no extended CONNECT (RFC 8441)");
}

#[tokio::test]
async fn an_http2_drain_finishes_what_is_under_way() {
    let lab = Lab::new();
    let served = start(&lab, Deadlines::default(), Caps::default()).await;
    let client = lab.client("sms");
    let stream = lab.connect(served.address, Some(&client), &[b"h2"]).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = |path: &str| {
        let body = http_body_util::Empty::<bytes::Bytes>::new();
        http::Request::get(format!("https://localhost{path}")).body(body).unwrap()
    };
    assert_eq!(sender.send_request(request("/")).await.unwrap().status(), 200);
    let held = tokio::spawn(sender.send_request(request("/hold")));
    served.handler.holds().await;
    let handler = std::sync::Arc::clone(&served.handler);
    let drained = served.stop();
    tokio::time::sleep(SHORT).await;
    handler.held.add_permits(1);
    assert_eq!(timeout(PATIENCE, held).await.unwrap().unwrap().unwrap().status(), 200);
    timeout(PATIENCE, connection).await.unwrap().unwrap().unwrap();
    assert_eq!(timeout(PATIENCE, drained).await.unwrap().unwrap().aborted, 0);
}

#[tokio::test]
async fn a_header_block_beyond_its_limit_is_refused() {
    let lab = Lab::new();
    let served = start(&lab, Deadlines::default(), Caps::default()).await;
    let client = lab.client("sms");
    for (fields, status) in [
        (format!("X: {}\r\n", "x".repeat(30_000)), "HTTP/1.1 200"),
        (format!("X: {}\r\n", "x".repeat(33_000)), "HTTP/1.1 431"),
        ("X: x\r\n".repeat(90), "HTTP/1.1 200"),
        ("X: x\r\n".repeat(101), "HTTP/1.1 431"),
    ] {
        let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // What was not read of the request may reset the connection after the answer.
        drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap());
        assert!(answer.starts_with(status.as_bytes()), "{}", String::from_utf8_lossy(&answer));
    }
}
