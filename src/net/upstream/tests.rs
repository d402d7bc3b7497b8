//! What is taken for a response, and what becomes of its connection. Each response that is taken, hyper reads alike,
//! however its bytes come; not each that hyper reads is taken.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::coop::{consume_budget, has_budget_remaining};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::connect::Duplex;
use super::head;
use super::pool::{Lease, Pool};
use super::wire::Wire;
use super::{Upstream, UpstreamCa, UpstreamError, UpstreamSettings};
use crate::clock::Clock;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: origin.test\r\n\r\n";
const MAX_HEAD: usize = 8192;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A response, as far as both clients tell it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: StatusCode,
    content: Vec<u8>,
}

impl Duplex for DuplexStream {
    fn has_news(&self) -> bool {
        false
    }
}

/// An upstream that says `bytes`, `step` at a time, and closes.
fn says(bytes: &[u8], step: usize) -> DuplexStream {
    let (ours, mut theirs) = duplex(step);
    let bytes = bytes.to_vec();
    tokio::spawn(async move {
        let mut asked = vec![0; REQUEST.len()];
        if theirs.read_exact(&mut asked).await.is_ok() && theirs.write_all(&bytes).await.is_ok() {
            drop(theirs.shutdown().await);
            // What is still asked is read, or it would be a fault.
            drop(tokio::io::copy(&mut theirs, &mut tokio::io::sink()).await);
        }
    });
    ours
}

/// As our client takes it; and whether another exchange may follow.
async fn ours(stream: DuplexStream) -> Result<(Told, bool), UpstreamError> {
    let mut wire = Wire::new(Box::new(stream));
    let mut head = wire.ask(REQUEST, &Method::GET, MAX_HEAD).await?;
    let mut content = Vec::new();
    while let Some(piece) = wire.gather(&mut head.framing, 4).await? {
        content.extend_from_slice(&piece);
    }
    Ok((Told { status: head.response.status(), content }, head.keep && !wire.has_surplus()))
}

/// As hyper's client takes it.
async fn hypers(stream: DuplexStream) -> Option<Told> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let driven = tokio::spawn(connection);
    let request = Request::get("/").header("host", "origin.test").body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.ok()?;
    let status = response.status();
    let content = response.into_body().collect().await.ok()?.to_bytes().to_vec();
    driven.abort();
    Some(Told { status, content })
}

fn response() -> impl Strategy<Value = Vec<u8>> {
    let status = select(vec![
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 404 ",
        "HTTP/1.1 500",
        "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK",
        "HTTP/1.1 999 Odd",
        "HTTP/2 200 OK",
    ]);
    let field = select(vec![
        "Content-Length: 5",
        "content-length: 5",
        "Content-Length: 05",
        "Content-Length: +5",
        "Content-Length: 5, 5",
        "Content-Length: 3",
        "Content-Length: 18446744073709551616",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: Chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Connection: close",
        "Connection: keep-alive, Close",
        "Content-Type: application/json",
        "X : y",
        " folded",
        ": nameless",
        "X: \u{e5}",
    ]);
    let content = select(vec![
        "hello",
        "5\r\nhello\r\n0\r\n\r\n",
        "05;a=\"b\"\r\nhello\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n",
        "3 \r\nhel\r\n2\r\nlo\r\n000\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\r\n\r\n\r\n",
        "5\nhello\n0\n\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "\r\n",
        "",
    ]);
    let after = select(vec!["", "", "", "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"]);
    let fields = prop::collection::vec(field, 0..4);
    let changed = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (status, fields, content, after, changed).prop_map(|(status, fields, content, after, changed)| {
        let lines: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let mut bytes = format!("{status}\r\n{lines}\r\n{content}{after}").into_bytes();
        if let Some((index, byte)) = changed {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_is_taken_for_a_response_hyper_takes_for_the_same(bytes in response(), step in 1_usize..200) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let taken = timeout(PATIENCE, ours(says(&bytes, step))).await.unwrap();
            if let Ok((told, _)) = taken {
                let hypers = timeout(PATIENCE, hypers(says(&bytes, step.max(REQUEST.len())))).await.unwrap();
                prop_assert_eq!(Some(told), hypers);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_connection_is_kept_where_its_response_ends_for_sure() {
    for (response, content, kept) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n",
            "hello",
            true,
        ),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n\r\nhello", "hello", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", false),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "hello", false),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "", false),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\r\npoison", "hello", false),
        ("HTTP/1.1 204 No Content\r\n\r\npoison", "", false),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\npoison",
            "",
            false,
        ),
    ] {
        for step in [1, 7, 4096] {
            let (told, keep) = ours(says(response.as_bytes(), step)).await.unwrap();
            assert_eq!(String::from_utf8(told.content).unwrap(), content, "{response:?}");
            // Surplus is seen here where it came with the rest; else before the next exchange.
            let surplus = response.ends_with("poison");
            assert!(keep == kept || surplus && step < response.len(), "{response:?} by {step}");
        }
    }
}

#[tokio::test]
async fn a_response_that_can_be_framed_in_two_ways_is_refused() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 05",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: ",
        "Content-Length: 18446744073709551616",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "X : y\r\nContent-Length: 5",
        "Content-Length: 5\r\n folded",
        "Content-Length: 5\nX: y",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(ours(says(response.as_bytes(), 4096)).await, Err(UpstreamError::Malformed), "{fields:?}");
    }
    let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(ours(says(old.as_bytes(), 4096)).await, Err(UpstreamError::Malformed));
}

#[tokio::test]
async fn chunks_are_bounded_and_have_one_spelling() {
    let endless = |line: &str| format!("{line}{}", "x".repeat(10_000));
    for content in [
        "\r\n".to_owned(),
        " 5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5;a\nb\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5\r\nhello!\r\n0\r\n\r\n".to_owned(),
        "5\r\nhello0\r\n\r\n".to_owned(),
        "10000000000000000\r\nhello".to_owned(),
        "0\r\nX: y\n\r\n".to_owned(),
        "0\r\nX : y\r\n\r\n".to_owned(),
        endless("5;"),
        endless("0\r\nX: "),
        "0\r\n".to_owned() + &"X: y\r\n".repeat(33) + "\r\n",
        "5\r\nhel".to_owned(),
    ] {
        let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{content}");
        assert_eq!(ours(says(response.as_bytes(), 4096)).await, Err(UpstreamError::Broke), "{content:?}");
    }
}

/// What an upstream says before all of the request has left.
#[tokio::test]
async fn an_early_answer_ends_the_sending_only_if_it_refuses() {
    const LARGE: usize = 64 * 1024;
    let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
    let done = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    for (early, late, answer) in [
        (refusal, None, Ok((413, false))),
        (done, None, Err(UpstreamError::Broke)),
        ("HTTP/1.1 100 Continue\r\n\r\n", Some(done), Ok((201, true))),
        ("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", Some(refusal), Ok((413, true))),
    ] {
        let (ours, mut theirs) = duplex(1024);
        let origin = tokio::spawn(async move {
            theirs.write_all(early.as_bytes()).await.unwrap();
            if let Some(late) = late {
                theirs.read_exact(&mut vec![0; LARGE]).await.unwrap();
                theirs.write_all(late.as_bytes()).await.unwrap();
            }
            theirs
        });
        let mut wire = Wire::new(Box::new(ours));
        let request = vec![b'x'; LARGE];
        let asked = timeout(PATIENCE, wire.ask(&request, &Method::POST, MAX_HEAD)).await.unwrap();
        assert_eq!(asked.map(|head| (head.response.status().as_u16(), head.keep)), answer, "{early:?}");
        drop(origin.await.unwrap());
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let done = "HTTP/1.1 204 No Content\r\n\r\n";
    for (times, taken) in [(16, true), (17, false)] {
        let answered = ours(says((interim.repeat(times) + done).as_bytes(), 4096)).await;
        assert_eq!(answered.map(|_| ()), if taken { Ok(()) } else { Err(UpstreamError::Malformed) });
    }
    for (long, taken) in [(MAX_HEAD - 30, true), (MAX_HEAD, false)] {
        let head =
            format!("HTTP/1.1 204 No Content\r\nX: {}\r\n\r\n", "x".repeat(long - done.len() - 5 + 30));
        let answered = ours(says(head.as_bytes(), 4096)).await;
        assert_eq!(answered.is_ok(), taken, "{} bytes", head.len());
    }
    let fields = "HTTP/1.1 204 No Content\r\n".to_owned() + &"X: y\r\n".repeat(101) + "\r\n";
    assert_eq!(ours(says(fields.as_bytes(), 4096)).await, Err(UpstreamError::Malformed));
}

#[test]
fn a_request_says_how_much_content_it_has() {
    let host = http::HeaderValue::from_static("origin.test");
    for (method, content, length) in [
        (Method::GET, "", ""),
        (Method::DELETE, "", ""),
        (Method::POST, "", "content-length: 0\r\n"),
        (Method::POST, "{}", "content-length: 2\r\n"),
        (Method::GET, "{}", "content-length: 2\r\n"),
    ] {
        let request = Request::builder().method(&method).uri("/a?b=c").header("content-length", "7");
        let request = request.body(Bytes::from(content)).unwrap();
        let bytes = head::request(&request, "/base", &host).unwrap();
        assert_eq!(
            bytes,
            format!("{method} /base/a?b=c HTTP/1.1\r\nhost: origin.test\r\n{length}\r\n{content}")
        );
    }
    let everything = Request::options("*").body(Bytes::new()).unwrap();
    assert_eq!(head::request(&everything, "", &host), Err(UpstreamError::Request));
}

/// It closes without having read the request, which breaks the sending.
#[tokio::test]
async fn a_refusal_is_read_from_a_connection_that_is_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    stream.writable().await.unwrap();
    // Something that is never read makes a reset of the closing.
    assert!(stream.try_write(b"x").unwrap() > 0);
    std::io::Write::write_all(&mut &origin, b"HTTP/1.1 413 Content Too Large\r\n\r\n").unwrap();
    drop(origin);
    let mut wire = Wire::new(Box::new(stream));
    let head = wire.ask(REQUEST, &Method::POST, MAX_HEAD).await.unwrap();
    assert_eq!((head.response.status(), head.keep), (StatusCode::PAYLOAD_TOO_LARGE, false));
}

/// The runtime has had no turn to hear of it.
#[tokio::test]
async fn what_nobody_asked_for_is_seen_in_the_socket_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut wire = Wire::new(Box::new(stream));
    std::io::Write::write_all(&mut &origin, b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    let head = wire.ask(REQUEST, &Method::GET, MAX_HEAD).await.unwrap();
    assert!(head.keep && wire.is_silent());
    std::io::Write::write_all(&mut &origin, b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert!(!wire.is_silent());
}

/// It could not look whether connections are silent, and would close all of them.
#[tokio::test]
async fn a_task_that_has_had_its_turn_takes_no_idle_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let _origin = listener.accept().await.unwrap();
    let pool = Arc::new(Pool::new(1, PATIENCE, Clock::system()));
    let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    Lease::new(Wire::new(Box::new(stream)), true, place, &pool).give_back();
    let taken = poll_fn(|cx| {
        while has_budget_remaining() {
            assert!(pin!(consume_budget()).poll(cx).is_ready());
        }
        Poll::Ready(pool.take())
    });
    assert!(taken.await.is_none());
    yield_now().await;
    assert!(pool.take().is_some());
}

/// Also where no other exchange comes.
#[tokio::test]
async fn an_idle_connection_is_closed_when_its_time_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut settings = UpstreamSettings::new(&url, UpstreamCa::System);
    settings.unprotected = true;
    settings.deadlines.idle = Duration::from_millis(50);
    let upstream = Upstream::new(settings, &Clock::system()).unwrap();
    let origin = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut came = [0; 4096];
        assert!(stream.read(&mut came).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        stream.read(&mut came).await.unwrap()
    });
    let response = upstream.send(Request::new(Bytes::new())).await.unwrap();
    assert_eq!(response.into_body().read(2).await.unwrap(), "{}");
    assert_eq!(timeout(PATIENCE, origin).await.unwrap().unwrap(), 0, "closed");
}
