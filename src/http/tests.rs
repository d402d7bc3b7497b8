//! The vectors of `tests/vectors/http`, through hyper where hyper stands before us.

use std::convert::Infallible;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version};
use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::http::fields::{Coding, MAX_FIELD_BYTES, MAX_FIELDS, judge_response};
use crate::policy::checked::MediaType;
use crate::uri;

fn own_names() -> OwnNames {
    OwnNames::new(["tavs.example", "ported.example:8443"]).unwrap()
}

fn verdict(judged: &Result<Target, Refusal>) -> &'static str {
    match judged {
        Ok(_) => "admitted",
        Err(refusal) => refusal.verdict().reason,
    }
}

/// The cases of a file: line number, verdict, request.
fn cases(file: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    file.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(
        |(at, line)| {
            let (verdict, request) = line.split_once('\t').unwrap();
            (at + 1, verdict, request)
        },
    )
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().unwrap() {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => panic!("unknown escape {other}"),
        });
    }
    bytes
}

/// Sends bytes to hyper's HTTP/1 server with the gate behind it; `parser` if hyper refused them
/// itself.
async fn through_hyper(raw: &[u8]) -> String {
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let judge = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let word = verdict(&admit(&head, &body, &own_names()));
        Ok::<_, Infallible>(Response::builder().header("verdict", word).body(Empty::<Bytes>::new()).unwrap())
    });
    let server = tokio::spawn(async move {
        // a parse error is what some cases are about
        drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), judge).await);
    });
    ours.write_all(raw).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let read = tokio::time::timeout(Duration::from_secs(20), ours.read_buf(&mut answer)).await;
        assert_ne!(read.expect("an answer").unwrap(), 0, "closed without an answer");
    }
    server.abort();
    let answer = String::from_utf8(answer).unwrap();
    match answer.lines().find_map(|line| line.strip_prefix("verdict: ")) {
        Some(word) => word.to_owned(),
        None => {
            assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 431"), "{answer}");
            "parser".to_owned()
        }
    }
}

async fn hold(cases: impl Iterator<Item = (usize, &str, Vec<u8>)>) {
    let mut wrong = Vec::new();
    for (line, expected, raw) in cases {
        let found = through_hyper(&raw).await;
        if found != expected {
            wrong.push(format!("line {line}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_target_has_its_verdict() {
    let file = include_str!("../../tests/vectors/http/targets.txt");
    hold(cases(file).map(|(line, expected, target)| {
        let raw = [b"GET ", &*unescape(target), b" HTTP/1.1\r\nHost: tavs.example\r\n\r\n"].concat();
        (line, expected, raw)
    }))
    .await;
}

#[tokio::test]
async fn every_request_has_its_verdict() {
    let file = include_str!("../../tests/vectors/http/requests.txt");
    hold(cases(file).map(|(line, expected, request)| (line, expected, unescape(request)))).await;
}

fn fields(text: &str) -> HeaderMap {
    let pairs = text.split("; ").filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once(':').unwrap();
        let value = value.trim_start().replace('~', ";");
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap())
    });
    let mut fields = HeaderMap::new();
    for (name, value) in pairs {
        fields.append(name, value);
    }
    fields
}

#[test]
fn every_http2_request_has_its_verdict() {
    for (line, expected, request) in cases(include_str!("../../tests/vectors/http/http2.txt")) {
        let mut words = request.splitn(5, ' ');
        let mut word = || words.next().filter(|word| *word != "-");
        let (method, scheme, authority, path) = (word().unwrap(), word(), word(), word());
        let mut uri = ::http::uri::Parts::default();
        uri.scheme = scheme.map(|scheme| scheme.parse().unwrap());
        uri.authority = authority.map(|authority| authority.parse().unwrap());
        uri.path_and_query = path.map(|path| path.parse().unwrap());
        let mut request = Request::new(());
        *request.method_mut() = method.parse().unwrap();
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = Uri::from_parts(uri).unwrap();
        *request.headers_mut() = fields(words.next().unwrap_or_default());
        let (head, ()) = request.into_parts();
        assert_eq!(verdict(&admit(&head, &Empty::<Bytes>::new(), &own_names())), expected, "line {line}");
    }
}

#[test]
fn every_response_has_its_verdict() {
    for (line, expected, response) in cases(include_str!("../../tests/vectors/http/responses.txt")) {
        let (status, rest) = response.split_once(' ').unwrap_or((response, ""));
        let mut response = Response::new(());
        *response.status_mut() = status.parse().unwrap();
        *response.headers_mut() = fields(rest);
        let (head, ()) = response.into_parts();
        let listed = [MediaType::Json, MediaType::FhirJson, MediaType::Ndjson];
        let found = match judge_response(&head, &listed, &[(423, 409), (418, 404), (500, 422)]) {
            Ok(good) => {
                let name = match good.media_type {
                    MediaType::Json => "json",
                    MediaType::FhirJson => "fhir-json",
                    MediaType::Ndjson => "ndjson",
                    MediaType::FhirNdjson => "fhir-ndjson",
                };
                format!("{name}{}", if good.coding == Coding::Gzip { "+gzip" } else { "" })
            }
            Err(refusal @ Refusal::UpstreamRefused(status)) => {
                format!("{} {status}", refusal.verdict().reason)
            }
            Err(refusal) => refusal.verdict().reason.to_owned(),
        };
        assert_eq!(found, expected, "line {line}");
    }
}

fn head_of(target: &str) -> Option<::http::request::Parts> {
    let uri = Uri::try_from(target).ok()?;
    Some(Request::builder().uri(uri).header("host", "tavs.example").body(()).ok()?.into_parts().0)
}

fn judge(target: &str) -> &'static str {
    verdict(&Target::parse(&head_of(target).unwrap(), &own_names()))
}

#[test]
fn limits_hold_at_the_limit_and_not_past_it() {
    let path = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    let segments = |count: usize| "/a".repeat(count);
    let query = |bytes: usize| format!("/a?x={}", "y".repeat(bytes - 2));
    let parameters = |count: usize| {
        let pairs: Vec<String> = (0..count).map(|number| format!("x{number}=y")).collect();
        format!("/a?{}", pairs.join("&"))
    };
    type Case<'a> = (&'a dyn Fn(usize) -> String, usize, &'a str);
    let table: [Case<'_>; 4] = [
        (&path, uri::MAX_PATH, "target-too-long"),
        (&segments, uri::MAX_SEGMENTS, "target-too-long"),
        (&query, uri::MAX_QUERY, "query-too-long"),
        (&parameters, uri::MAX_PARAMETERS, "query-too-long"),
    ];
    for (make, limit, refused) in table {
        assert_eq!(judge(&make(limit)), "admitted");
        assert_eq!(judge(&make(limit + 1)), refused);
        assert_eq!(judge(&make(limit * 10)), refused);
    }

    let with_fields = |names: usize, bytes: usize| {
        let mut head = head_of("/a").unwrap();
        head.headers.clear();
        for number in 0..names {
            let name: HeaderName = format!("x-{number:04}").parse().unwrap();
            head.headers.append(name, HeaderValue::from_str(&"y".repeat(bytes)).unwrap());
        }
        fields::check_request(&head).err().map(|refusal| refusal.verdict().reason)
    };
    assert_eq!(with_fields(MAX_FIELDS, 1), None);
    assert_eq!(with_fields(MAX_FIELDS + 1, 1), Some("fields-too-large"));
    assert_eq!(with_fields(1, MAX_FIELD_BYTES - 6), None);
    assert_eq!(with_fields(1, MAX_FIELD_BYTES - 5), Some("fields-too-large"));
    assert_eq!(with_fields(10, MAX_FIELD_BYTES), Some("fields-too-large"));
}

#[test]
fn content_of_a_get_is_refused_without_a_length_too() {
    let head = head_of("/a").unwrap();
    assert_eq!(verdict(&admit(&head, &Full::new(Bytes::from("x")), &own_names())), "unexpected-body");
    assert_eq!(verdict(&admit(&head, &Empty::<Bytes>::new(), &own_names())), "admitted");
}

#[test]
fn a_target_shows_no_value() {
    let target = Target::parse(&head_of("/a/2512489996?cpr=2512489996").unwrap(), &own_names()).unwrap();
    assert!(!format!("{target:?}").contains("2512489996"));
}

/// Targets that come close: pieces that matter, in any order.
fn targets() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,4}",
        2 => Just("/".to_owned()),
        1 => "[!-~]",
        1 => "%[0-9A-Fa-f]{2}",
        1 => prop::sample::select(vec![
            ".", "..", "//", "%2e", "%2F", "%5C", "%00", "%25", "%C3%A5", "%c3%a5", "\\", ";", "?", "&", "=", "+", "x=1", "#", "å",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn what_is_accepted_is_written_again_as_it_came(target in targets()) {
        let Some(head) = head_of(&target) else { return Ok(()) };
        let Ok(accepted) = Target::parse(&head, &own_names()) else { return Ok(()) };
        let sent = head.uri.path();
        prop_assert_eq!(accepted.path(), sent);
        // written again from the decoded segments, by the rule of RFC 3986 section 3.3
        let again: String = accepted.segments().iter().map(|segment| {
            let coded: String = segment.bytes().map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            }).collect();
            format!("/{coded}")
        }).collect();
        prop_assert_eq!(if again.is_empty() { "/" } else { &again }, sent);
        for (name, value) in accepted.query() {
            prop_assert!(!name.is_empty());
            prop_assert!(!value.chars().any(|c| c.is_control() || c == '%'));
        }
        let forwarded = uri::encode_query(accepted.query());
        let reread = Target::parse(&head_of(&format!("/?{forwarded}")).unwrap(), &own_names());
        if !accepted.query().is_empty() {
            let reread = reread.unwrap();
            prop_assert_eq!(reread.query(), accepted.query());
        }
    }

    #[test]
    fn what_is_accepted_holds_nothing_that_is_forbidden(target in targets()) {
        let Some(head) = head_of(&target) else { return Ok(()) };
        let Ok(accepted) = Target::parse(&head, &own_names()) else { return Ok(()) };
        let lower = accepted.path().to_ascii_lowercase();
        for forbidden in ["//", "/./", "/../", "%2f", "%5c", "%00", "%25", "%2e", ";", "\\", "#", "?", "%0", "%1", "%3b"] {
            prop_assert!(!lower.contains(forbidden), "{} in {}", forbidden, lower);
        }
        prop_assert!(!lower.ends_with("/.") && !lower.ends_with("/..") && lower.is_ascii());
        for segment in accepted.segments() {
            prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
            prop_assert!(!segment.contains(['/', '\\', '%', '?', '#', ';']) && !segment.chars().any(char::is_control));
        }
    }

    #[test]
    fn no_head_makes_the_gate_panic(
        target in "\\PC{0,40}", host in prop::collection::vec(any::<u8>(), 0..30), version in 0..3_usize, method in "[A-Z]{1,7}",
    ) {
        let Ok(uri) = Uri::try_from(target) else { return Ok(()) };
        let Ok(host) = HeaderValue::from_bytes(&host) else { return Ok(()) };
        let version = [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2][version];
        let method: Method = method.parse().unwrap();
        let built = Request::builder().uri(uri).version(version).method(method).header("host", host).body(());
        let (head, ()) = built.unwrap().into_parts();
        drop(admit(&head, &Empty::<Bytes>::new(), &own_names()));
    }
}
