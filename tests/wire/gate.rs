//! Malformed requests as raw bytes over TLS: each gets the status of the table, and nothing is
//! forwarded. The vectors are those of the gate itself; here hyper, TLS and the proxy are around it.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;

use super::stage::{Dice, Reply, Stage, Wire};

/// Reads `verdict TAB request` lines with their escapes undone.
fn vectors(text: &str) -> Vec<(String, Vec<u8>)> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let (verdict, request) = line.split_once('\t').unwrap();
            (verdict.to_owned(), unescaped(request))
        })
        .collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, used) = match (first, after.first()) {
            (b'\\', Some(b'r')) => (b'\r', 1),
            (b'\\', Some(b'n')) => (b'\n', 1),
            (b'\\', Some(b't')) => (b'\t', 1),
            (b'\\', Some(b'\\')) => (b'\\', 1),
            (b'\\', Some(b'x')) => {
                let digits = std::str::from_utf8(&after[1..3]).unwrap();
                (u8::from_str_radix(digits, 16).unwrap(), 3)
            }
            _ => (first, 0),
        };
        bytes.push(byte);
        rest = &after[used..];
    }
    bytes
}

/// Sends each request, on one connection as long as it stays open, and judges the answers by
/// the verdicts.
async fn judge(stage: &Stage, all: Vec<(String, Vec<u8>)>) {
    let mut open: Option<Wire> = None;
    for (verdict, request) in all {
        let what = String::from_utf8_lossy(&request).into_owned();
        // What the parser refuses gets a connection of its own, to see how it ends.
        let kept = open.take().filter(|_| verdict != "parser");
        let mut wire = match kept {
            Some(wire) => wire,
            None => stage.wire().await,
        };
        let head = request.starts_with(b"HEAD");
        let reply = if head { wire.ask_head(&request).await } else { wire.ask(&request).await };
        match (verdict.as_str(), reply) {
            // hyper's own refusals have no body; or it closes without a word.
            ("parser", None) => {}
            ("parser", Some(reply)) => {
                assert!(matches!(reply.status, 400 | 431 | 414 | 501 | 505), "{what}: {}", reply.head);
                assert!(reply.body.is_empty() && wire.is_closed().await, "{what}");
            }
            (_, None) => panic!("no answer to {what}"),
            (verdict, Some(reply)) => {
                match verdict {
                    // The gate lets it in; the policy has no such route, or does not list the method.
                    "admitted" => assert!(matches!(reply.status, 404 | 405), "{what}: {}", reply.head),
                    reason => refused(&reply, reason, &what),
                }
                let once = what.contains("HTTP/1.0") || what.contains("close") || what.len() > 4096;
                open = Some(wire).filter(|wire| !once && wire.is_open_after(&reply));
            }
        }
        assert!(stage.origin.seen().is_empty(), "forwarded: {what}");
    }
}

fn refused(reply: &Reply, reason: &str, what: &str) {
    if reply.body.is_empty() {
        let wanted =
            tavs::http::Refusal::ALL.iter().map(|r| r.verdict()).find(|v| v.reason == reason).unwrap();
        assert_eq!(reply.status, wanted.status, "{what}");
    } else {
        reply.is_problem(reason, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_malformed_request_is_refused_and_none_forwarded() {
    let stage = Stage::new().await;
    let all = vectors(include_str!("../vectors/http/requests.txt"));
    assert!(all.len() > 60, "{}", all.len());
    judge(&stage, all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ambiguous_target_is_refused_and_none_forwarded() {
    let stage = Stage::new().await;
    let all = vectors(include_str!("../vectors/http/targets.txt"));
    assert!(all.len() > 60, "{}", all.len());
    // The routes of this policy are among the good ones.
    let all = all
        .into_iter()
        .filter(|(verdict, target)| verdict != "admitted" || !target.starts_with(b"/appointments"));
    let request =
        |target: Vec<u8>| [b"GET ", &target[..], b" HTTP/1.1\r\nHost: tavs.example\r\n\r\n"].concat();
    judge(&stage, all.map(|(verdict, target)| (verdict, request(target))).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_does_not_name_is_refused_and_not_forwarded() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    for (target, reason) in [
        ("/", "no-route"),
        ("/Appointments", "no-route"),
        ("/appointments/a/b", "no-route"),
        ("/appointments?x=1", "query-unlisted"),
        ("/appointments?from=yesterday", "pattern-mismatch"),
        ("/appointments?from=2026-03-04&from=2026-03-05", "query-repeated"),
        ("/appointments/251248-9996", "clear-identifier"),
        ("/appointments/2512489996", "clear-identifier"),
        ("/appointments?code=251248-9996", "clear-identifier"),
        ("/appointments?from=2512489996", "clear-identifier"),
        ("/appointments?code=MjUxMjQ4OTk5Ng", "clear-identifier"),
    ] {
        wire.get(target).await.is_problem(reason, target);
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "GETX"] {
        let request =
            format!("{method} /appointments HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
        let reply = wire.ask(request.as_bytes()).await.unwrap();
        reply.is_problem("method-not-allowed", method);
        assert_eq!(reply.field("allow"), Some("GET, HEAD"), "{method}");
    }
    assert!(stage.origin.seen().is_empty());
    assert_eq!(wire.get("/appointments").await.status, 200, "the connection is still of use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_in_one_write_gets_the_second_answer() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    let one = "GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let two = "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let first = wire.ask(format!("{one}{two}{one}").as_bytes()).await.unwrap();
    let second = wire.ask(b"").await.unwrap();
    let third = wire.ask(b"").await.unwrap();
    assert_eq!([first.status, second.status, third.status], [200, 404, 200]);
    assert_eq!(stage.origin.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_cannot_become_a_request() {
    let stage = Stage::new().await;
    let smuggled = "GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (fields, body) in [
        (format!("content-length: {}", smuggled.len()), smuggled.to_owned()),
        ("transfer-encoding: chunked".to_owned(), format!("0\r\n\r\n{smuggled}")),
        ("content-length: 5\r\ntransfer-encoding: chunked".to_owned(), format!("0\r\n\r\n{smuggled}")),
    ] {
        for method in ["GET", "POST"] {
            let mut wire = stage.wire().await;
            let request =
                format!("{method} /appointments HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n\r\n{body}");
            let reply = wire.ask(request.as_bytes()).await.unwrap();
            assert!(matches!(reply.status, 400 | 405), "{method} {fields}: {}", reply.head);
            if fields.contains("chunked") || method == "GET" {
                assert!(wire.is_closed().await, "{method} {fields}");
            }
            assert!(stage.origin.seen().is_empty(), "{method} {fields}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_requests_are_judged_alike() {
    let stage = Stage::new().await;
    for (target, fields, status) in [
        ("https://localhost/appointments", &[][..], 200),
        ("https://localhost/appointments", &[("host", "other.example")][..], 400),
        ("https://other.example/appointments", &[][..], 421),
        ("http://localhost/appointments", &[][..], 400),
        ("https://localhost/appointments?x=1", &[][..], 400),
        ("https://localhost/a/%2e%2e/appointments", &[][..], 400),
        ("https://localhost/appointments", &[("expect", "x")][..], 417),
    ] {
        let mut request = Request::get(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let reply = stage.get_h2(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(reply.status(), status, "{target} {fields:?}");
        assert_eq!(stage.origin.seen().len(), usize::from(status == 200), "{target}");
    }
    // A length that the frames do not have never gets as far as the gate.
    let request = Request::get("https://localhost/appointments").header("content-length", "5");
    assert!(stage.get_h2(request.body(Empty::<Bytes>::new()).unwrap()).await.is_none());
    assert!(stage.origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutation_of_a_request_is_forwarded_as_anything_odd() {
    let stage = Stage::new().await;
    let good = b"GET /appointments?from=2026-03-04 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut dice = Dice(0x5eed);
    for _ in 0..400 {
        let request = dice.mutated(good);
        let what = String::from_utf8_lossy(&request).into_owned();
        let mut wire = stage.wire().await;
        for reply in wire.ask_and_close(&request).await {
            reply.tells_nothing(&what);
        }
        for seen in stage.origin.seen() {
            let mut lines: Vec<&str> = seen.head.trim_end().split("\r\n").collect();
            let first = lines.remove(0);
            let query =
                first.strip_prefix("GET /appointments").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
            let fits = match query {
                Some("") => true,
                Some(query) => query.starts_with("?from=2") && query.len() == "?from=2026-03-04".len(),
                None => false,
            };
            assert!(fits, "{what} became {first}");
            let mut names: Vec<&str> = lines.iter().filter_map(|line| line.split(':').next()).collect();
            names.sort_unstable();
            assert_eq!(names, ["accept", "accept-encoding", "host", "traceparent", "via"], "{what}");
        }
    }
}
