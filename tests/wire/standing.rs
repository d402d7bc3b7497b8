//! Who may call, and how much: certificates, tokens, agreements, rates, subjects.

use std::time::Duration;

use jiff::civil::date;
use tavs::net::pki::Usage;

use super::lab::{days, uri};
use super::origin::{Step, json};
use super::stage::{GOOD, Setting, Stage, policy};

const GET: &[u8] = b"GET /appointments HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_without_policy_is_told_nothing_of_routes() {
    let stage = Stage::new().await;
    let mut wire = stage.wire_of(&stage.lab.client("stranger")).await;
    for target in ["/appointments", "/nothing", "/.well-known/tavs/problems/no-policy"] {
        wire.get(target).await.is_problem("no-policy", target);
    }
    assert!(stage.origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_expired_foreign_and_absent_certificates_get_no_answer() {
    let stage = Stage::new().await;
    let lab = &stage.lab;
    let revoked = lab.client("sms");
    let list = lab.partners.revocation_list(2, std::slice::from_ref(&revoked.serial), days(-2, 7)).unwrap();
    lab.write("partners.crl", &list);
    stage.running.reloader().reload().unwrap();
    let expired = lab.partners.issue("sms", &[uri("sms")], Usage::Client, days(-10, -1)).unwrap();
    let foreign = lab.clinic.issue("sms", &[uri("sms")], Usage::Client, days(-1, 30)).unwrap();
    let server = lab.partners.issue("sms", &[uri("sms")], Usage::Server, days(-1, 30)).unwrap();
    for (client, class) in [
        (Some(&revoked), "revoked"),
        (Some(&expired), "expired"),
        (Some(&foreign), "unknown-issuer"),
        (Some(&server), "wrong-usage"),
        (None, "no-certificate"),
    ] {
        // Under TLS 1.3 the client may learn of the refusal only when it reads.
        if let Ok(mut stream) = lab.connect(stage.running.address(), client, &[b"http/1.1"]).await {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            drop(stream.write_all(GET).await);
            let mut bytes = Vec::new();
            drop(stream.read_to_end(&mut bytes).await);
            assert!(bytes.is_empty(), "{class}");
        }
        let line = format!("tavs_handshake_failures_total{{class=\"{class}\"}}");
        assert_eq!(stage.metric(&line).await, Some(1.0), "{class}");
    }
    assert!(stage.origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_revoked_while_connected_is_refused_at_its_next_request() {
    let stage = Stage::new().await;
    let client = stage.lab.client("sms");
    let mut wire = stage.wire_of(&client).await;
    assert_eq!(wire.get("/appointments").await.status, 200);
    let list =
        stage.lab.partners.revocation_list(2, std::slice::from_ref(&client.serial), days(-2, 7)).unwrap();
    stage.lab.write("partners.crl", &list);
    stage.running.reloader().reload().unwrap();
    stage.origin.seen();
    wire.get("/appointments").await.is_problem("certificate-lapsed", "revoked meanwhile");
    assert!(wire.is_closed().await && stage.origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_lapses_at_midnight_on_an_open_connection() {
    let stage = Stage::new().await;
    let mut wire = stage.wire().await;
    stage.clock.move_to(date(2028, 1, 14));
    assert_eq!(wire.get("/appointments").await.status, 200);
    stage.clock.move_to(date(2028, 1, 15));
    stage.origin.seen();
    for target in ["/appointments", "/nothing"] {
        wire.get(target).await.is_problem("agreement-lapsed", target);
    }
    assert!(stage.origin.seen().is_empty());
    // It lapses alone: a reload after it takes effect for all others.
    stage.running.reloader().reload().unwrap();
    wire.get("/appointments").await.is_problem("agreement-lapsed", "after a reload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ground_of_transfer_lapses_at_midnight_on_an_open_connection() {
    let ground = "country = \"US\"\nground = \"dpf\"\nevidence = \"T-12\"\nverified = 2026-05-01\nexpires = 2026-09-30";
    let sms = policy("sms").replace("country = \"DK\"", ground);
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    let mut wire = stage.wire().await;
    stage.clock.move_to(date(2026, 9, 30));
    assert_eq!(wire.get("/appointments").await.status, 200);
    stage.clock.move_to(date(2026, 10, 1));
    stage.origin.seen();
    for target in ["/appointments", "/nothing"] {
        wire.get(target).await.is_problem("transfer-lapsed", target);
    }
    // It lapses alone, as an agreement does.
    stage.running.reloader().reload().unwrap();
    wire.get("/appointments").await.is_problem("transfer-lapsed", "after a reload");
    assert!(stage.origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_is_wanted_beside_the_certificate() {
    // SHA-256 of `token`.
    let hash = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";
    let sms = policy("sms")
        .replace("anchor = \"partners\"\n", &format!("anchor = \"partners\"\ntoken-sha256 = \"{hash}\"\n"));
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    let mut wire = stage.wire().await;
    for token in ["", "authorization: Bearer other\r\n", "authorization: Basic token\r\n"] {
        let request = format!("GET /appointments HTTP/1.1\r\nhost: localhost\r\n{token}\r\n");
        wire.ask(request.as_bytes()).await.unwrap().is_problem("token-refused", token);
    }
    assert!(stage.origin.seen().is_empty());
    let request = b"GET /appointments HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer token\r\n\r\n";
    assert_eq!(wire.ask(request).await.unwrap().status, 200);
    assert!(!stage.origin.seen()[0].head.to_lowercase().contains("authorization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_its_rate_a_recipient_is_told_when_to_come_back() {
    let sms = policy("sms").replace("requests = \"1000/s\"\nburst = 5000", "requests = \"1/s\"\nburst = 3");
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    let mut wire = stage.wire().await;
    for left in [2, 1, 0] {
        let reply = wire.get("/appointments").await;
        assert_eq!(reply.status, 200);
        assert!(reply.field("ratelimit").unwrap().contains(&format!("r={left};")), "{}", reply.head);
        assert!(reply.field("ratelimit-policy").unwrap().contains("q=3"), "{}", reply.head);
    }
    let reply = wire.get("/appointments").await;
    reply.is_problem("over-rate", "the fourth");
    assert!(reply.field("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    assert!(reply.text().contains(r#""violated-policies":["requests"]"#), "{}", reply.text());
    // A reload is no way to a fresh quota, and malformed requests count, too.
    stage.running.reloader().reload().unwrap();
    wire.get("/appointments").await.is_problem("over-rate", "after a reload");
    wire.get("/a/../b").await.is_problem("over-rate", "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_its_concurrency_a_recipient_is_refused_at_once() {
    let sms = policy("sms").replace("concurrency = 64", "concurrency = 1");
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    stage.origin.plays(vec![Step::Hold]);
    let mut held = stage.wire().await;
    held.send(GET).await;
    while stage.origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut wire = stage.wire().await;
    let reply = wire.get("/appointments").await;
    reply.is_problem("over-concurrency", "the second");
    assert!(reply.field("retry-after").is_some());
    // The place is free again once the other has gone.
    drop(held);
    stage.origin.left().await;
    stage.origin.says(json(GOOD));
    while wire.get("/appointments").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_its_subjects_a_day_a_recipient_is_told_of_no_more_people() {
    let sms = policy("sms").replace("subjects = \"5000/day\"", "subjects = \"1/day\"");
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    let mut wire = stage.wire().await;
    for _ in 0..3 {
        assert_eq!(wire.get("/appointments").await.status, 200, "the same person again");
    }
    stage.origin.says(json(&GOOD.replace("2512489996", "0201919990")));
    let reply = wire.get("/appointments").await;
    reply.is_problem("over-subjects", "another person");
    assert!(reply.text().contains(r#""violated-policies":["subjects"]"#), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_about_more_new_people_than_expected_raises_the_alarm_or_is_refused() {
    let of = |answer: &str| {
        policy("sms").replace("[limits]\n", &format!("[limits]\nnovelty = \"1/hour\"\n{answer}"))
    };
    let other = json(&GOOD.replace("2512489996", "0201919990"));
    for (answer, refuses) in [("", false), ("novelty-answer = \"refuse\"\n", true)] {
        let stage = Stage::set(Setting { sms: of(answer), ..Setting::default() }).await;
        for _ in 0..3 {
            assert_eq!(stage.get("/appointments").await.status, 200, "the same person again");
        }
        let alarms = "tavs_novelty_alarms_total{recipient=\"sms\"}";
        assert_eq!(stage.metric(alarms).await, None);
        stage.origin.says(other.clone());
        let reply = stage.get("/appointments").await;
        if refuses {
            reply.is_problem("over-novelty", "another person");
            assert!(reply.text().contains(r#""violated-policies":["novelty"]"#), "{}", reply.text());
            let wait: u64 = reply.field("retry-after").unwrap().parse().unwrap();
            assert!((3500..=3600).contains(&wait), "{wait}");
            stage.origin.says(json(GOOD));
            assert_eq!(stage.get("/appointments").await.status, 200, "who is known is still told about");
            continue;
        }
        assert_eq!(reply.status, 200);
        assert_eq!(stage.metric(alarms).await, Some(1.0));
        assert_eq!(stage.metric("tavs_new_subjects_total{recipient=\"sms\"}").await, Some(2.0));
        // Whom it was told about long ago is not new: the index knows.
        let stage = stage.restarted().await;
        stage.clock.move_to(date(2026, 3, 9));
        assert_eq!(stage.get("/appointments").await.status, 200);
        assert_eq!(stage.metric("tavs_new_subjects_total{recipient=\"sms\"}").await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_one_id_after_another_is_stopped() {
    let sms = policy("sms").replace("[limits]\n", "[limits]\nabsent = \"2/min\"\n");
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    // One is not there, the other's person is not known: both count.
    stage.origin.says(super::origin::answer("404 Not Found", "", b""));
    stage.get("/appointments/A-1").await.is_problem("upstream-not-found", "absent");
    stage.origin.says(json(r#"{"start":"2026-03-01"}"#));
    stage.get("/appointments/A-2").await.is_problem("subject-withheld", "withheld");
    stage.origin.seen();
    let reply = stage.get("/appointments/A-3").await;
    reply.is_problem("over-absent", "the third");
    assert!(reply.text().contains(r#""violated-policies":["absent"]"#), "{}", reply.text());
    assert!((1..=60).contains(&reply.field("retry-after").unwrap().parse::<u64>().unwrap()));
    assert!(stage.origin.seen().is_empty(), "before the upstream is asked");
    stage.origin.says(json(GOOD));
    assert_eq!(stage.get("/appointments").await.status, 200, "a list is not about one");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_recipients_never_share_a_pseudonym() {
    let setting = Setting { policies: vec![("books", policy("books"))], ..Setting::default() };
    let stage = Stage::set(setting).await;
    let sms = stage.get("/appointments").await;
    let books = stage.wire_of(&stage.lab.client("books")).await.get("/appointments").await;
    assert_eq!((sms.status, books.status), (200, 200));
    let pseudonym = |text: &str| text.split('"').find(|part| part.starts_with("tvk1-")).unwrap().to_owned();
    assert_ne!(pseudonym(sms.text()), pseudonym(books.text()));
}

#[tokio::test(flavor = "multi_thread")]
async fn problem_pages_are_served_to_recipients() {
    let stage = Stage::new().await;
    let reply = stage.get("/nothing").await;
    let document: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let page = document["type"].as_str().unwrap().strip_prefix("https://localhost").unwrap();
    let page = stage.get(page).await;
    assert_eq!((page.status, page.field("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("What to do"));
    stage.get("/.well-known/tavs/problems/no-such").await.is_problem("no-route", "an unknown page");
    assert!(stage.origin.seen().is_empty());
}
