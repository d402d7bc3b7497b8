//! Responses larger than `buffer`: they leave in parts, each on record before it leaves, and a fault breaks
//! them off so that nobody takes what has come for the whole (G4, G5).

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use jiff::civil::date;
use tavs::config::{SHIPPED_FOLDERS, SHIPPED_PROFILES};
use tokio::sync::Notify;

use super::faults::gzip;
use super::lab::days;
use super::operate::{FAILS, Weak};
use super::origin::{Step, answer, json};
use super::stage::{Setting, Stage, policy};

/// How many appointments: some 400 KB, six times what is judged whole.
const MANY: usize = 2000;

fn setting() -> Setting {
    let sms = policy("sms").replace(r#"response = "64 KiB""#, r#"response = "8 MiB""#);
    Setting { sms, ..Setting::default() }
}

fn appointment(number: usize) -> String {
    let cpr = ["2512489996", "2509479989", "0201919990"][number % 3];
    format!(
        r#"{{"id":"AFT-{number}","start":"2026-03-04T09:20:00+01:00","note":"{cpr} kommer","secret":"planted","patient":{{"cpr":"{cpr}","name":"Nancy Berggren"}}}}"#
    )
}

fn document(many: usize) -> String {
    let list: Vec<String> = (0..many).map(appointment).collect();
    format!(r#"{{"planted":1,"appointments":[{}],"next":"planted"}}"#, list.join(","))
}

const ASK: &[u8] = b"GET /appointments HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The head and the content of a chunked answer, and whether it came to its end (RFC 9112 section 7.1).
fn dechunked(bytes: &[u8]) -> (String, String, bool) {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    assert!(head.to_lowercase().contains("transfer-encoding: chunked"), "{head}");
    let (mut rest, mut content) = (&bytes[end..], Vec::new());
    while let Some(line) = rest.windows(2).position(|end| end == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if length == 0 {
            return (head, String::from_utf8(content).unwrap(), true);
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + length) else { break };
        content.extend_from_slice(chunk);
        rest = rest.get(line + 4 + length..).unwrap_or_default();
    }
    (head, String::from_utf8_lossy(&content).into_owned(), false)
}

async fn get(stage: &Stage) -> (String, String, bool) {
    let mut wire = stage.wire().await;
    wire.send(ASK).await;
    dechunked(wire.read_raw(usize::MAX).await)
}

async fn get_h2(stage: &Stage) -> Option<String> {
    let request = Request::get("https://localhost/appointments").body(Empty::<Bytes>::new()).unwrap();
    let response = stage.get_h2(request).await?;
    Some(String::from_utf8(response.into_body().to_vec()).unwrap())
}

fn tells_nothing(text: &str) {
    for known in ["2512489996", "2509479989", "0201919990", "Berggren", "planted"] {
        assert!(!text.contains(known), "{known} has left");
    }
}

/// The records of a kind, from the ledger.
fn recorded(stage: &Stage, kind: &str) -> Vec<serde_json::Value> {
    let ledger = stage.ledger();
    let records = ledger.lines().filter_map(|line| {
        let start = line.find("{\"")?;
        let mut records = serde_json::Deserializer::from_str(line.get(start..)?).into_iter();
        records.next()?.ok()
    });
    records.filter(|record: &serde_json::Value| record["kind"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_leaves_in_parts_each_on_record() {
    let stage = Stage::set(setting()).await;
    stage.origin.says(json(&document(MANY)));
    let (_, content, whole) = get(&stage).await;
    assert!(whole);
    tells_nothing(&content);
    let left: serde_json::Value = serde_json::from_str(&content).unwrap();
    let list = left["appointments"].as_array().unwrap();
    assert_eq!(list.len(), MANY);
    assert!(list.iter().all(|one| one["patient"]["name"] == "Nancy" && one["note"] == "xxxxxxxxxx kommer"));
    assert_eq!(left.as_object().unwrap().len(), 1, "nothing else leaves");

    let records = recorded(&stage, "disclosure");
    assert!(records.len() > 3, "{}", records.len());
    assert!(records.iter().all(|record| record["exchange"] == records[0]["exchange"]));
    let sum = |member: &str| records.iter().map(|record| record[member].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("bytes"), content.len() as u64);
    assert_eq!(sum("records"), MANY as u64);
    // `planted`, `next`, and of each appointment `secret` and the number.
    assert_eq!(sum("withheld"), 2 + 2 * MANY as u64);

    stage.origin.says(json(&document(MANY)));
    assert_eq!(get_h2(&stage).await.as_deref(), Some(content.as_str()), "the same over HTTP/2");
    let coded = gzip(document(MANY).as_bytes());
    stage.origin.says(answer(
        "200 OK",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
        &coded,
    ));
    assert_eq!(get(&stage).await.1, content, "the same from gzip");
    let records = recorded(&stage, "disclosure").len();
    let mut wire = stage.wire().await;
    stage.origin.says(json(&document(MANY)));
    let head = wire.ask_head(b"HEAD /appointments HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!((head.status, head.field("content-length")), (200, None));
    assert_eq!(recorded(&stage, "disclosure").len(), records + 1);
}

/// The policy of a researcher as it is shipped, before a FHIR server that answers with one large Bundle.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_leaves_in_parts_by_the_shipped_profiles() {
    let shipped = include_str!("../../policies/research.toml");
    let research = shipped.split_once("[[test]]").unwrap().0;
    let research = research.replace("glucose-study", "research").replace("\"emr\"", "\"booking\"");
    let research = research.replace("buffer      = \"8 MiB\"", "buffer = \"64 KiB\"");
    let setting = Setting { policies: vec![("research", research)], ..Setting::default() };
    let profiles = |lab: &Path| {
        for folder in SHIPPED_FOLDERS {
            fs::create_dir_all(lab.join("policies").join(folder)).unwrap();
        }
        for (name, text) in SHIPPED_PROFILES {
            fs::write(lab.join("policies").join(name), text).unwrap();
        }
    };
    let stage = Stage::try_set_spoilt(setting, profiles).await.map_err(|(error, _lab)| error).unwrap();
    let patient = |number: usize| {
        let cpr = ["2512489996", "2509479989", "0201919990"][number % 3];
        format!(
            r#"{{"fullUrl":"https://ehr.example.invalid/Patient/p{number}","resource":{{"resourceType":"Patient","id":"p{number}","gender":"female","birthDate":"1948-12-25","name":[{{"family":"Berggren"}}],"identifier":[{{"system":"urn:oid:1.2.208.176.1.2","value":"{cpr}"}}]}}}}"#
        )
    };
    let list = (0..MANY).map(patient).collect::<Vec<_>>().join(",");
    let ask = b"GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let get = async |document: &str| {
        stage.origin.says(json(document));
        let mut wire = stage.wire_of(&stage.lab.client("research")).await;
        wire.send(ask).await;
        dechunked(wire.read_raw(usize::MAX).await)
    };
    let (_, content, whole) =
        get(&format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{list}]}}"#)).await;
    assert!(whole);
    tells_nothing(&content);
    let left: serde_json::Value = serde_json::from_str(&content).unwrap();
    let entries = left["entry"].as_array().unwrap();
    assert_eq!(entries.len(), MANY);
    assert!(entries.iter().all(|entry| entry["resource"]["gender"] == "female"));
    assert!(recorded(&stage, "disclosure").len() > 3);

    // Nothing stands beside the entries of a Bundle but what FHIR lets stand there.
    let contained = r#""contained":[{"resourceType":"Patient","id":"p1"}]"#;
    let (_, content, whole) =
        get(&format!(r#"{{"resourceType":"Bundle","entry":[{list}],{contained}}}"#)).await;
    assert!(!whole, "it breaks off");
    tells_nothing(&content);
    stage.origin.says(json(&format!(r#"{{"resourceType":"Bundle",{contained},"entry":[{list}]}}"#)));
    let mut wire = stage.wire_of(&stage.lab.client("research")).await;
    assert_eq!(wire.get("/fhir/Patient").await.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_leave_in_parts() {
    let stage = Stage::set(setting()).await;
    let lines = "{\"a\":\"2512489996\",\"secret\":\"planted\"}\n".repeat(5000);
    stage.origin.says(answer("200 OK", "content-type: application/x-ndjson\r\n", lines.as_bytes()));
    let mut wire = stage.wire().await;
    wire.send(b"GET /lines HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let (_, content, whole) = dechunked(wire.read_raw(usize::MAX).await);
    assert!(whole);
    assert_eq!(content, "{\"a\":\"xxxxxxxxxx\"}\n".repeat(5000));
    assert!(recorded(&stage, "disclosure").len() > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_part_leaves_while_the_rest_is_still_to_come() {
    let stage = Stage::set(setting()).await;
    let whole = json(&document(MANY));
    let (first, rest) = whole.split_at(200_000);
    let go_on = Arc::new(Notify::new());
    let script = [Step::Say(first.to_vec()), Step::Until(Arc::clone(&go_on)), Step::Say(rest.to_vec())];
    stage.origin.plays(script.to_vec());
    let mut wire = stage.wire().await;
    wire.send(ASK).await;
    let early = String::from_utf8_lossy(wire.read_raw(20_000).await).into_owned();
    assert!(early.contains("AFT-") || early.contains("tvk1-"), "{early}");
    assert!(!recorded(&stage, "disclosure").is_empty(), "what has left is on record");
    go_on.notify_one();
    assert!(dechunked(wire.read_raw(usize::MAX).await).2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_breaks_the_response_off_where_all_can_see_it() {
    let stage = Stage::set(setting()).await;
    let good = document(MANY);
    let cut = good.len() - good.len() / 4;
    let (before, behind) = good.split_at(cut);
    let spoilt = format!("{before}}}{behind}");
    let endless = [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec(), before.into()];
    let twice = good.replace(r#","next""#, r#","appointments":[],"next""#);
    for (what, reason, script) in [
        ("no JSON", "upstream-json", vec![Step::Say(json(&spoilt))]),
        ("a second list", "upstream-json", vec![Step::Say(json(&twice))]),
        (
            "an end of the connection",
            "upstream-broken",
            vec![Step::Say(json(&good)[..cut].into()), Step::Break],
        ),
        (
            "more than `response`",
            "upstream-too-large",
            vec![Step::Say(endless.concat()), Step::SayForEver(vec![b' '; 65536])],
        ),
    ] {
        stage.origin.plays(script.clone());
        let before = recorded(&stage, "disclosure").len();
        let (head, content, whole) = get(&stage).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{what}: {head}");
        assert!(!whole, "{what}: passes for the whole");
        tells_nothing(&content);
        assert!(content.starts_with(r#"{"appointments":[{"id":"#), "{what}");
        let left = content.matches("\"start\"").count() as u64;
        let told = |stage: &Stage| {
            let records = recorded(stage, "disclosure").split_off(before);
            records.iter().map(|record| record["records"].as_u64().unwrap()).sum::<u64>()
        };
        assert!(told(&stage) >= left && left > 0, "{what}: {left} have left");
        let refused = || recorded(&stage, "refusal").last().is_some_and(|last| last["outcome"] == reason);
        for _ in 0..200 {
            if refused() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(refused(), "{what}: {:?}", recorded(&stage, "refusal").last());
        stage.origin.plays(script);
        assert_eq!(get_h2(&stage).await, None, "{what}: over HTTP/2");
    }
    // What is known before the first byte leaves is refused in words.
    let first = document(MANY).replacen("\"note\"", "\"note", 1);
    stage.origin.says(json(&first));
    stage.get("/appointments").await.is_problem("upstream-json", "a fault in the first part");
    stage.origin.says(json(&format!(r#"{{"start":"{}"}}"#, "x".repeat(100_000))));
    stage.get("/appointments/x").await.is_problem("upstream-too-large", "a route without records");
    stage.origin.says(json(&format!(r#"{{"appointments":[{}]}}"#, "[".repeat(100_000))));
    assert_eq!(stage.get("/appointments").await.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_leaves_once_the_ledger_takes_no_record() {
    let disk = Weak::default();
    let stage = Stage::set(Setting { disk: Box::new(disk.clone()), ..setting() }).await;
    let whole = json(&document(MANY));
    let (first, rest) = whole.split_at(200_000);
    let go_on = Arc::new(Notify::new());
    let script = [Step::Say(first.to_vec()), Step::Until(Arc::clone(&go_on)), Step::Say(rest.to_vec())];
    stage.origin.plays(script.to_vec());
    let mut wire = stage.wire().await;
    wire.send(ASK).await;
    let early = wire.read_raw(10_000).await.len();
    disk.is(FAILS);
    go_on.notify_one();
    let (_, content, ended) = dechunked(wire.read_raw(usize::MAX).await);
    assert!(!ended, "{early} bytes had come, {} in the end", content.len());
    let told = recorded(&stage, "disclosure");
    let told: u64 = told.iter().map(|record| record["bytes"].as_u64().unwrap()).sum();
    assert!(content.len() as u64 <= told, "{} bytes have left, {told} are on record", content.len());
}

/// The content of HTTP/1.0 ends with the connection, so that one that was broken off would pass for the whole.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_in_parts_over_http_1_0() {
    let stage = Stage::set(setting()).await;
    let ask = b"GET /appointments HTTP/1.0\r\nHost: localhost\r\n\r\n";
    stage.origin.says(json(&document(MANY)));
    stage.wire().await.ask(ask).await.unwrap().is_problem("upstream-too-large", "HTTP/1.0");
    assert!(recorded(&stage, "disclosure").is_empty());
    stage.origin.says(json(&document(3)));
    assert_eq!(stage.wire().await.ask(ask).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_any_more_breaks_off_what_was_asked_before() {
    let whole = json(&document(MANY));
    let (first, rest) = whole.split_at(200_000);
    for reason in ["agreement-lapsed", "certificate-lapsed", "no-policy"] {
        let stage = Stage::set(setting()).await;
        let go_on = Arc::new(Notify::new());
        let script = [Step::Say(first.to_vec()), Step::Until(Arc::clone(&go_on)), Step::Say(rest.to_vec())];
        stage.origin.plays(script.to_vec());
        let client = stage.lab.client("sms");
        let mut wire = stage.wire_of(&client).await;
        wire.send(ASK).await;
        wire.read_raw(10_000).await;
        match reason {
            "agreement-lapsed" => stage.clock.move_to(date(2028, 1, 15)),
            "certificate-lapsed" => {
                let list =
                    stage.lab.partners.revocation_list(2, std::slice::from_ref(&client.serial), days(-2, 7));
                stage.lab.write("partners.crl", &list.unwrap());
                stage.running.reloader().reload().unwrap();
            }
            _ => {
                fs::remove_file(stage.lab.path("policies/sms.toml")).unwrap();
                stage.lab.write(
                    "policies/other.toml",
                    &policy("sms").replace("urn:tavs:recipient:sms", "urn:x:y"),
                );
                stage.running.reloader().reload().unwrap();
            }
        }
        go_on.notify_one();
        let (_, content, ended) = dechunked(wire.read_raw(usize::MAX).await);
        assert!(!ended, "{reason}: {} bytes", content.len());
        for _ in 0..200 {
            if !recorded(&stage, "refusal").is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(recorded(&stage, "refusal")[0]["outcome"], reason);
    }
}
