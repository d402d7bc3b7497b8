//! An exchange that goes well: what is forwarded, what leaves, what is recorded.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;

use super::origin::json;
use super::stage::{GOOD, LEAVES, PLANTED, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_receives_exactly_what_its_policy_names() {
    let stage = Stage::new().await;
    let reply = stage.get("/appointments?from=2026-03-04").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.text();
    let pseudonym = text.strip_prefix(r#"{"appointments":[{"id":""#).unwrap();
    let (pseudonym, rest) = pseudonym.split_at(pseudonym.find('"').unwrap());
    assert!(pseudonym.starts_with("tvk1-"), "{pseudonym}");
    assert_eq!(rest.trim_start_matches('"'), LEAVES);
    reply.tells_nothing("a good answer");

    let again = stage.get("/appointments").await;
    assert_eq!(again.body, reply.body, "one id has one pseudonym");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forwarded_request_is_built_anew() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    let request = "GET /appointments?from=2026-03-04 HTTP/1.1\r\n\
        Host: LOCALHOST\r\n\
        Accept: text/html\r\nAccept-Encoding: br\r\nAuthorization: Bearer x\r\nBaggage: patient=2512489996\r\n\
        Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nCookie: a=b\r\nExpect: 100-continue\r\nForwarded: for=1.2.3.4\r\n\
        If-None-Match: \"x\"\r\nKeep-Alive: timeout=5\r\nProxy-Authorization: x\r\nRange: bytes=0-1\r\nReferer: http://x/2512489996\r\n\
        TE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nUser-Agent: x\r\nVia: 1.1 x\r\nX-Forwarded-For: 1.2.3.4\r\n\
        X-Forwarded-Host: x\r\nX-HTTP-Method-Override: DELETE\r\nX_Forwarded_Host: x\r\ntracestate: a=b\r\n\
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
    let reply = wire.ask(request.as_bytes()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = stage.origin.seen();
    assert_eq!(seen.len(), 1);
    let head = seen[0].head.to_lowercase();
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "get /appointments?from=2026-03-04 http/1.1");
    lines.sort_unstable();
    let trace = lines.iter().position(|line| line.starts_with("traceparent: ")).unwrap();
    let trace = lines.remove(trace);
    // The trace goes on, with a span of our own.
    assert!(trace.starts_with("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"), "{trace}");
    assert!(trace.ends_with("-01") && !trace.contains("b7ad6b7169203331"), "{trace}");
    let host = format!("host: localhost:{}", stage.origin.address.port());
    assert_eq!(lines, ["accept-encoding: identity", "accept: application/json", &host, "via: 1.1 tavs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_our_fields_only() {
    let stage = Stage::new().await;
    let fields = "content-type: application/json; charset=UTF-8\r\netag: \"2512489996\"\r\nset-cookie: a=planted\r\n\
        server: planted\r\nlocation: https://x/2512489996\r\nlink: </2512489996>; rel=next\r\nlast-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\
        content-disposition: attachment; filename=planted\r\ncontent-location: /2512489996\r\ndigest: x\r\ncontent-md5: x\r\naccept-ranges: bytes\r\n\
        x-planted: 2512489996\r\ncontent-language: da\r\nserver-timing: db;desc=planted\r\naccess-control-allow-origin: *\r\n";
    stage.origin.says(super::origin::answer("200 Planted-Reason", fields, GOOD.as_bytes()));
    let reply = stage.get("/appointments").await;
    assert_eq!(reply.status, 200);
    reply.tells_nothing("odd fields");
    let mut names: Vec<_> = reply
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':').map(|(name, _)| name.to_lowercase()))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "cache-control",
            "content-length",
            "content-type",
            "date",
            "ratelimit",
            "ratelimit-policy",
            "tavs-exchange",
            "via",
            "x-content-type-options"
        ]
    );
    assert_eq!(reply.field("content-type"), Some("application/json"));
    assert_eq!(reply.field("cache-control"), Some("no-store"));
    assert!(reply.head.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_asked_as_get_and_answered_without_body_or_length() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    let reply = wire.ask_head(b"HEAD /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.field("content-length"), None);
    assert_eq!(reply.field("transfer-encoding"), None);
    assert!(stage.origin.seen()[0].head.starts_with("GET /appointments HTTP/1.1\r\n"));
    // The connection is in step: the next answer is the next request's.
    assert_eq!(wire.get("/appointments").await.status, 200);
    let missing = wire.ask_head(b"HEAD /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_eq!((missing.status, missing.field("content-length")), (404, None));
    assert_eq!(wire.get("/appointments").await.status, 200);

    let request = Request::head("https://localhost/appointments").body(Empty::<Bytes>::new()).unwrap();
    let reply = stage.get_h2(request).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert!(reply.body().is_empty() && !reply.headers().contains_key("content-length"));
    let ledger = stage.ledger();
    let heads = ledger.lines().filter(|line| line.contains(r#""bytes":0,"subjects":[""#)).count();
    assert_eq!(heads, 2, "HEAD is recorded as telling nothing but whom it is about: {ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_gives_the_same_as_http1() {
    let stage = Stage::new().await;
    let request = Request::get("https://localhost/appointments").body(Empty::<Bytes>::new()).unwrap();
    let h2 = stage.get_h2(request).await.unwrap();
    let h1 = stage.get("/appointments").await;
    assert_eq!(h2.status(), 200);
    assert_eq!(h2.body(), &h1.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn ndjson_leaves_line_by_line() {
    let stage = Stage::new().await;
    let lines = "{\"a\":1,\"b\":2}\n{\"b\":3}\n{\"a\":\"251248-9996\"}\n";
    stage.origin.says(super::origin::answer(
        "200 OK",
        "content-type: application/x-ndjson\r\n",
        lines.as_bytes(),
    ));
    let reply = stage.get("/lines").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.text(), "{\"a\":1}\n{\"a\":\"xxxxxxxxxx\"}\n");
    assert_eq!(reply.field("content-type"), Some("application/x-ndjson"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_body_is_decoded_before_it_is_judged() {
    use std::io::Write as _;
    let stage = Stage::new().await;
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(GOOD.as_bytes()).unwrap();
    let coded = coder.finish().unwrap();
    let fields = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    stage.origin.says(super::origin::answer("200 OK", fields, &coded));
    let reply = stage.get("/appointments").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.field("content-encoding"), None);
    assert!(reply.text().ends_with(LEAVES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_subject_is_not_known_is_withheld() {
    let stage = Stage::new().await;
    stage.origin.says(json(r#"{"appointments":[{"id":"A-1","start":"2026-03-04"},{"id":"A-2","start":"2026-03-05","patient":{"cpr":"2512489996"}}]}"#));
    let reply = stage.get("/appointments").await;
    assert_eq!(reply.text().matches("start").count(), 1);
    // A response about one person whose it is not known is not to be told from an absent one.
    stage.origin.says(json(r#"{"start":"2026-03-04"}"#));
    let withheld = stage.get("/appointments/A-1").await;
    stage.origin.says(super::origin::answer("404 Not Found", "", b""));
    let absent = stage.get("/appointments/A-1").await;
    let plain = |reply: &super::stage::Reply| {
        let id = reply.field("tavs-exchange").unwrap().to_owned();
        (reply.status, reply.text().replace(&id, "ID"))
    };
    assert_eq!(plain(&withheld), plain(&absent));
    assert_eq!(withheld.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_is_in_the_ledger_by_keyed_ids_and_numbers() {
    let stage = Stage::new().await;
    let reply = stage.get("/appointments").await;
    let id = reply.field("tavs-exchange").unwrap();
    let ledger = stage.ledger();
    let record = ledger.lines().find(|line| line.contains(id)).unwrap();
    for wanted in [
        r#""kind":"disclosure""#,
        r#""recipient":"sms""#,
        r#""route":"appointments""#,
        r#""country":"DK""#,
        r#""status":200"#,
        &format!(r#""bytes":{}"#, reply.body.len()),
        r#""cpr-in-text":1"#,
        r#""records":1"#,
    ] {
        assert!(record.contains(wanted), "{wanted} not in {record}");
    }
    for planted in PLANTED {
        assert!(!ledger.contains(planted));
    }
    let nothing = stage.get("/appointments/a/b").await;
    let id = nothing.field("tavs-exchange").unwrap();
    let ledger = stage.ledger();
    let record = ledger.lines().find(|line| line.contains(id)).unwrap();
    assert!(record.contains(r#""kind":"refusal""#) && record.contains(r#""outcome":"no-route""#), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_rewritten_beside_the_threads_that_serve() {
    let sms = super::stage::policy("sms").replace("\"64 KiB\"", "\"4 MiB\"");
    let stage = Stage::set(super::stage::Setting { sms, ..Default::default() }).await;
    let one = GOOD.strip_prefix(r#"{"appointments":["#).unwrap().strip_suffix("]}").unwrap();
    let many = vec![one; 2000].join(",");
    stage.origin.says(json(&format!(r#"{{"appointments":[{many}]}}"#)));
    let reply = stage.get("/appointments").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text().matches("Nancy").count(), 2000);
    assert!(PLANTED.iter().all(|planted| !reply.text().contains(planted)));
}
