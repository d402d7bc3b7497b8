//! Upstreams that fail, lie or attack: the status of the table, tavs's own words, nothing of the
//! upstream's, and a connection that is still in step afterwards.

use std::io::Write as _;
use std::time::Duration;

use super::origin::{Step, answer, json};
use super::stage::{Dice, GOOD, PLANTED, Setting, Stage};

const JSON: &str = "content-type: application/json\r\n";

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(content).unwrap();
    coder.finish().unwrap()
}

/// Short deadlines, so that silence is found out soon.
fn impatient() -> Setting {
    Setting {
        booking: "[upstreams.booking.deadlines]\nfirst-byte = \"300 ms\"\nwhole = \"600 ms\"\nwait = \"50 ms\"\n\
                  [upstreams.booking.caps]\nconcurrency = 2\n",
        ..Setting::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_cut_at_any_byte_is_refused() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    for length in 0..GOOD.len() {
        let cut = GOOD.get(..length).unwrap();
        stage.origin.says(json(cut));
        wire.get("/appointments").await.is_problem("upstream-json", cut);
    }
    stage.origin.says(json(GOOD));
    assert_eq!(wire.get("/appointments").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_with_any_byte_broken_is_refused_or_leaks_nothing() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    for at in 0..GOOD.len() {
        let mut broken = GOOD.as_bytes().to_vec();
        broken[at] = 0x01;
        stage.origin.says(answer("200 OK", JSON, &broken));
        wire.get("/appointments").await.is_problem("upstream-json", &format!("control character at {at}"));
        broken[at] = 0xff;
        stage.origin.says(answer("200 OK", JSON, &broken));
        wire.get("/appointments").await.is_problem("upstream-json", &format!("no UTF-8 at {at}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_the_route_does_not_list_are_refused() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    let planted = format!(r#"{{"cpr":"{}","message":"planted"}}"#, PLANTED[0]);
    let good = |fields: &str| answer("200 OK", fields, GOOD.as_bytes());
    for (reason, says) in [
        ("upstream-media-type", good("")),
        ("upstream-media-type", good("content-type: text/html\r\n")),
        ("upstream-media-type", good("content-type: application/json; charset=latin1\r\n")),
        ("upstream-media-type", good("content-type: application/json\r\ncontent-type: application/json\r\n")),
        ("upstream-media-type", good("content-type: multipart/mixed; boundary=x\r\n")),
        ("upstream-coding", good("content-type: application/json\r\ncontent-encoding: br\r\n")),
        ("upstream-coding", good("content-type: application/json\r\ncontent-encoding: gzip, gzip\r\n")),
        ("upstream-coded", good("content-type: application/json\r\ncontent-encoding: gzip\r\n")),
        (
            "upstream-unexpected-status",
            answer(
                "206 Partial Content",
                "content-type: application/json\r\ncontent-range: bytes 0-1/9\r\n",
                b"{}",
            ),
        ),
        ("upstream-unexpected-status", answer("201 Created", JSON, GOOD.as_bytes())),
        ("upstream-unexpected-status", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ("upstream-redirect", answer("302 Found", "location: https://x/2512489996\r\n", b"")),
        ("upstream-redirect", b"HTTP/1.1 304 Not Modified\r\netag: \"2512489996\"\r\n\r\n".to_vec()),
        ("upstream-status", answer("500 planted", JSON, planted.as_bytes())),
        ("upstream-status", answer("400 planted", JSON, planted.as_bytes())),
        (
            "upstream-status",
            answer("401 planted", "www-authenticate: Basic realm=planted\r\n", planted.as_bytes()),
        ),
        ("upstream-status", answer("418 planted", JSON, planted.as_bytes())),
        ("upstream-status", answer("999 planted", JSON, planted.as_bytes())),
        ("upstream-not-found", answer("404 planted", JSON, planted.as_bytes())),
        ("upstream-not-found", answer("410 planted", JSON, planted.as_bytes())),
    ] {
        stage.origin.says(says.clone());
        wire.get("/appointments").await.is_problem(reason, &String::from_utf8_lossy(&says));
    }
    for (theirs, ours) in [(409, 409), (412, 412), (422, 422), (423, 409)] {
        stage.origin.says(answer(&format!("{theirs} planted"), JSON, planted.as_bytes()));
        let reply = wire.get("/appointments").await;
        assert_eq!(reply.status, ours);
        assert!(reply.text().contains("request-refused"), "{}", reply.text());
        reply.tells_nothing("a refusal of the upstream");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_heads_and_framing_are_refused() {
    let stage = Stage::set(impatient()).await;
    let mut wire = stage.wire().await;
    let says = |text: &str| vec![Step::Say(text.as_bytes().to_vec()), Step::Close];
    for (statuses, script) in [
        (
            &[502][..],
            says("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{}"),
        ),
        (
            &[502],
            says(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
            ),
        ),
        (&[502], says("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: x\r\n\r\n{}")),
        (
            &[502],
            says(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
            ),
        ),
        (
            &[502],
            says(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            ),
        ),
        (&[502], says("HTTP/1.1 101 Switching Protocols\r\nupgrade: planted\r\nconnection: upgrade\r\n\r\n")),
        (&[502], says("SSH-2.0-planted\r\n")),
        (&[502], says("HTTP/1.1 200 OK\r\nx y: planted\r\n\r\n")),
        (&[502], says("")),
        (&[502], vec![Step::Break]),
        (
            &[502],
            vec![
                Step::Say(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
                        .to_vec(),
                ),
                Step::Break,
            ],
        ),
        (&[504], vec![Step::Hold]),
        (
            &[504],
            vec![
                Step::Say(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
                        .to_vec(),
                ),
                Step::Hold,
            ],
        ),
    ] {
        stage.origin.plays(script.clone());
        let reply = wire.get("/appointments").await;
        assert!(statuses.contains(&reply.status), "{script:?}: {}", reply.text());
        reply.tells_nothing("broken framing");
        stage.origin.says(json(GOOD));
        assert_eq!(wire.get("/appointments").await.status, 200, "after {script:?}");
    }
    // What can be framed in two ways.
    for fields in [
        "transfer-encoding: chunked\r\ncontent-length: 12",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip, chunked",
        "content-length: 12\r\ncontent-length: 2",
        "content-length: +12",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}\r\n\r\n");
        stage.origin.plays(says(&(head + "2\r\n{}\r\n0\r\n\r\n")));
        wire.get("/appointments").await.is_problem("upstream-framing", fields);
    }
    // A body that drips, under the deadline of the whole.
    let drip = [vec![Step::Say(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{".to_vec(),
    )]]
    .into_iter()
    .chain((0..60).map(|_| vec![Step::Wait(Duration::from_millis(50)), Step::Say(b" ".to_vec())]));
    stage.origin.plays(drip.flatten().collect());
    wire.get("/appointments").await.is_problem("upstream-slow", "a drip");
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_trailers_and_surplus_bytes_do_not_pass() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    let early = b"HTTP/1.1 103 Early Hints\r\nlink: </2512489996>\r\nx-planted: 1\r\n\r\n";
    stage.origin.says([early.as_slice(), &json(GOOD)].concat());
    let reply = wire.get("/appointments").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.tells_nothing("an interim answer");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ntrailer: x-planted\r\n\r\n{:x}\r\n{GOOD}\r\n0\r\nx-planted: 2512489996\r\n\r\n",
        GOOD.len()
    );
    stage.origin.says(chunked);
    let reply = wire.get("/appointments").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.tells_nothing("trailers");
    // What follows the body is no answer to the next request: its connection is dropped.
    let first = stage.origin.seen().len();
    assert!(first > 0);
    stage.origin.says([json(GOOD), json(r#"{"appointments":[]}"#)].concat());
    assert_eq!(wire.get("/appointments").await.status, 200);
    let poisoned = stage.origin.seen()[0].connection;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.origin.says(json(GOOD));
    let reply = wire.get("/appointments").await;
    assert!(reply.text().contains("Nancy"), "{}", reply.text());
    assert_ne!(stage.origin.seen()[0].connection, poisoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_endless_and_exploding_bodies_are_refused() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    let pad = |bytes: usize| format!("{}{GOOD}", " ".repeat(bytes - GOOD.len()));
    stage.origin.says(json(&pad(64 * 1024)));
    assert_eq!(wire.get("/appointments").await.status, 200, "at the limit");
    stage.origin.says(json(&pad(64 * 1024 + 1)));
    wire.get("/appointments").await.is_problem("upstream-too-large", "limit and one");
    stage.origin.says(json(&pad(640 * 1024)));
    wire.get("/appointments").await.is_problem("upstream-too-large", "ten times the limit");
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    stage.origin.plays(vec![Step::Say(head.clone()), Step::SayForEver(vec![b' '; 4096])]);
    wire.get("/appointments").await.is_problem("upstream-too-large", "endless");
    stage.origin.plays(vec![Step::SayForEver(b"x-planted: 1\r\n".to_vec())]);
    assert_eq!(wire.get("/appointments").await.status, 502, "endless head");

    let coded = |content: &[u8]| {
        answer("200 OK", "content-type: application/json\r\ncontent-encoding: gzip\r\n", content)
    };
    stage.origin.says(coded(&gzip(pad(64 * 1024).as_bytes())));
    assert_eq!(wire.get("/appointments").await.status, 200, "gzip at the limit");
    stage.origin.says(coded(&gzip(&vec![b' '; 10 << 20])));
    let bomb = wire.get("/appointments").await;
    assert!(bomb.status == 502, "{}", bomb.text());
    let whole = gzip(GOOD.as_bytes());
    for (reason, content) in [
        ("upstream-coded", whole[..whole.len() - 1].to_vec()),
        ("upstream-coded", [whole.as_slice(), b"x"].concat()),
        ("upstream-coded", [whole.as_slice(), &whole].concat()),
        ("upstream-json", gzip(&whole)),
    ] {
        stage.origin.says(coded(&content));
        wire.get("/appointments").await.is_problem(reason, "odd gzip");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_that_cannot_be_trusted_or_reached_are_refused() {
    let stage = Stage::set(impatient()).await;
    let mut wire = stage.wire().await;
    wire.get("/nowhere").await.is_problem("upstream-unreachable", "a closed port");
    wire.get("/stranger").await.is_problem("upstream-tls", "a certificate of another CA");
    assert!(stage.origin.seen().is_empty());

    // Two places: the third exchange finds none.
    stage.origin.plays(vec![Step::Hold]);
    let (mut a, mut b) = (stage.wire().await, stage.wire().await);
    let request = b"GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n";
    a.send(request).await;
    b.send(request).await;
    while stage.origin.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let busy = wire.get("/appointments").await;
    busy.is_problem("upstream-busy", "two at once");
    assert!(busy.field("retry-after").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_goes_away_cancels_the_upstream_call() {
    let stage = Stage::new().await;
    stage.origin.plays(vec![Step::Hold]);
    let mut wire = stage.wire().await;
    wire.send(b"GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    while stage.origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(wire);
    stage.origin.left().await;
    assert_eq!(stage.metric("tavs_exchanges_in_flight").await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cpr_in_kept_text_refuses_the_response_where_the_policy_says_so() {
    let setting = Setting {
        sms: super::stage::policy("sms").replace("cpr = \"mask\"", "cpr = \"refuse\""),
        ..Setting::default()
    };
    let stage = Stage::set(setting).await;
    stage.get("/appointments").await.is_problem("cpr-in-text", "a note with a CPR");
    stage.origin.says(json(&GOOD.replace("251248-9996", "ingen")));
    assert_eq!(stage.get("/appointments").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooled_connection_is_used_again() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    for _ in 0..5 {
        assert_eq!(wire.get("/appointments").await.status, 200);
    }
    let connections: Vec<_> = stage.origin.seen().into_iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutation_of_an_answer_leaks_or_breaks_the_next_exchange() {
    let stage = Stage::set(impatient()).await;
    let good =
        answer("200 OK", "content-type: application/json\r\nx-planted: 2512489996\r\n", GOOD.as_bytes());
    let mut dice = Dice(0xd1ce);
    let mut wire = stage.wire().await;
    for _ in 0..250 {
        let says = dice.mutated(&good);
        let what = String::from_utf8_lossy(&says).into_owned();
        stage.origin.plays(vec![Step::Say(says), Step::Close]);
        let reply = wire.get("/appointments").await;
        assert!(matches!(reply.status, 200 | 404 | 409 | 412 | 422 | 502 | 504), "{what}: {}", reply.head);
        reply.tells_nothing(&what);
        assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_ok(), "{what}: {}", reply.text());
    }
    stage.origin.says(json(GOOD));
    assert_eq!(wire.get("/appointments").await.status, 200);
}
