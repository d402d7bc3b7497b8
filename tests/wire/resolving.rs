//! Pseudonyms back in: what the origin gets, what the recipient sees, what is on record before.

use serde_json::Value;
use tavs::pseudonym::{Input, KeyRing, Linkage, Scheme};
use tavs::store::RightKind;
use tokio::sync::Notify;

use super::origin::{Step, answer, json};
use super::stage::{Reply, Setting, Stage, TODAY, policy};
use super::subjects::change;

pub(super) const NANCY: &str = "2512489996";
pub(super) const SYSTEM: &str = "urn:oid:1.2.208.176.1.2";
pub(super) const ID: &str = "AFT-KQ7";

/// Routes of a recipient that may resolve.
pub(super) const MORE: &str = r#"
[[route]]
name = "patients"
methods = ["GET"]
path = "/fhir/Patient"
upstream = "booking"
query = { identifier = { resolve = "cpr", system = "urn:oid:1.2.208.176.1.2" } }
[route.request]
fields = { x-patient-id = { resolve = "cpr" } }
[route.response]
record = "$.entry[*]"
subject = ["$.cpr"]
[route.response.members]
"$.entry[*].id" = { pseudonymise = "id", type = "Patient" }
"$.entry[*].cpr" = "pseudonymise"
"$.entry[*].note" = "keep"
"$.entry[*].number" = { keep = true, number = "not-cpr" }
"$.link" = "keep"

[[route]]
name = "patient"
methods = ["GET", "PUT", "DELETE"]
path = "/fhir/Patient/{id}"
path-members = { id = { resolve = "id", type = "Patient" } }
upstream = "booking"
request = { no-body = true }
[route.response]
subject = ["$.cpr"]
[route.response.members]
"$.id" = { pseudonymise = "id", type = "Patient" }
"$.note" = "keep"

[[route]]
name = "search"
methods = ["POST"]
path = "/fhir/Patient/_search"
upstream = "booking"
[route.request]
form = { identifier = { resolve = "cpr", system = "urn:oid:1.2.208.176.1.2" }, _count = { pattern = "integer" } }
[route.response]
record = "$.entry[*]"
subject = ["$.cpr"]
[route.response.members]
"$.entry[*].id" = { pseudonymise = "id", type = "Patient" }

[[route]]
name = "result"
methods = ["POST"]
path = "/fhir/Observation"
upstream = "booking"
[route.request]
limit = "4 KiB"
[route.request.members]
"$.resourceType" = "keep"
"$.subject.reference" = { resolve = "reference" }
"$.subject.identifier.value" = "resolve"
"$.valueQuantity" = "keep"
[route.response]
no-subject = "whether it was taken"
[route.response.members]
"$.status" = "keep"
"$.subject.reference" = { pseudonymise = "reference" }
"$.text" = "keep"
"#;

async fn stage() -> Stage {
    let sms = policy("sms").replace("scheme = \"keyed\"", "scheme = \"sealed\"") + MORE;
    Stage::set(Setting { sms, ..Setting::default() }).await
}

/// The domain's secret of the stage.
pub(super) fn ring(domain: &str, secret: &str) -> KeyRing {
    let secret = secret.repeat(32);
    let text = format!(
        "ring = 1\n[[secret]]\nuse = \"domain\"\nname = \"{domain}\"\nversion = 1\nstate = \"active\"\nsecret = \"{secret}\"\n"
    );
    let now = TODAY.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    KeyRing::parse(&text, now).unwrap()
}

fn sealed(ring: &KeyRing, domain: &str, input: Input<'_>) -> String {
    let mut out = Vec::new();
    assert!(ring.pseudonymiser(domain, Scheme::Sealed).unwrap().write(input, Linkage::Domain, &mut out));
    String::from_utf8(out).unwrap()
}

pub(super) fn nancy() -> Input<'static> {
    Input { kind: "cpr", resource_type: "", system: "", value: NANCY }
}

pub(super) fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).unwrap()
}

pub(super) fn request(method: &str, target: &str, fields: &str, content: &str) -> Vec<u8> {
    let length = content.len();
    format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\n{fields}content-length: {length}\r\n\r\n{content}"
    )
    .into_bytes()
}

pub(super) fn post(target: &str, content: &str) -> Vec<u8> {
    request("POST", target, "content-type: application/json\r\n", content)
}

/// The records of the ledger of the kinds that this file is about.
pub(super) fn records(stage: &Stage) -> Vec<Value> {
    let ledger = stage.ledger();
    let lines = ledger.lines().filter_map(|line| line.get(line.find('{')?..));
    let values = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values.filter(|record| matches!(record["kind"].as_str(), Some("intent" | "outcome"))).collect()
}

pub(super) fn kinds(stage: &Stage) -> Vec<(String, String)> {
    let word = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    records(stage).iter().map(|record| (word(record, "kind"), word(record, "outcome"))).collect()
}

const CREATE: &str = r#"
[[route]]
name = "create"
methods = ["POST"]
path = "/fhir/Patient"
upstream = "booking"
request = { no-body = true }
[route.response]
no-subject = "where it stands"
base = ["https://emr.example"]
location = "url"
members = { "$.link[*].url" = "url" }
"#;

/// Where what was made stands, and the next page: followed as they came.
#[tokio::test(flavor = "multi_thread")]
async fn a_url_leads_back_through_the_proxy() {
    let sms = policy("sms").replace("scheme = \"keyed\"", "scheme = \"sealed\"") + MORE + CREATE;
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    let fields = format!(
        "location: https://emr.example/fhir/Patient/{ID}/_history/1\r\ncontent-location: https://emr.example/made/{NANCY}\r\n"
    );
    stage.origin.says(answer("201 Created", &fields, b""));
    let mut wire = stage.wire().await;
    let create = request("POST", "/fhir/Patient", "", "");
    let created = wire.ask(&create).await.unwrap();
    assert_eq!((created.status, created.field("content-location")), (201, None));
    let place = created.field("location").unwrap();
    let path = place.strip_prefix("https://localhost").unwrap();
    assert!(path.starts_with("/fhir/Patient/tvs1-"), "{path}");
    stage.origin.seen();
    stage.origin.says(json(&format!(r#"{{"id":"{ID}","cpr":"{NANCY}"}}"#)));
    assert_eq!(stage.get(path).await.status, 200);
    assert!(stage.origin.seen()[0].head.starts_with(&format!("GET /fhir/Patient/{ID} HTTP/1.1\r\n")));

    let link = format!(
        r#"{{"link":[{{"url":"https://emr.example/fhir/Patient?identifier={SYSTEM}%7C{NANCY}"}},{{"url":"https://emr.example/{NANCY}"}}]}}"#
    );
    stage.origin.says(answer("200 OK", "content-type: application/json\r\n", link.as_bytes()));
    let linked: Value = serde_json::from_slice(&wire.ask(&create).await.unwrap().body).unwrap();
    let url = linked["link"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix("https://localhost").unwrap();
    assert_eq!(linked["link"].as_array().unwrap().len(), 1, "{linked}");
    stage.origin.seen();
    stage.origin.says(json(r#"{"entry":[]}"#));
    assert_eq!(stage.get(path).await.status, 200);
    assert!(stage.origin.seen()[0].head.contains("identifier=urn%3Aoid%3A1.2.208.176.1.2%7C2512489996 "));
}

/// As an integration partner would: a list, one of it, a search, a result for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_works_by_pseudonyms_and_the_origin_by_identifiers() {
    let stage = stage().await;
    stage.origin.says(json(&format!(
        r#"{{"link":"https://emr/Patient?identifier={NANCY}","entry":[{{"id":"{ID}","cpr":"251248-9996"}}]}}"#
    )));
    let list = stage.get("/fhir/Patient").await;
    assert_eq!(list.status, 200);
    assert!(records(&stage).is_empty());
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    let (id, cpr) = (list["entry"][0]["id"].as_str().unwrap(), list["entry"][0]["cpr"].as_str().unwrap());
    stage.origin.seen();

    // One of it, whose answer repeats what was asked for.
    stage.origin.says(json(&format!(r#"{{"id":"{ID}","cpr":"{NANCY}","note":"journal af {ID}"}}"#)));
    let one = stage.get(&format!("/fhir/Patient/{id}")).await;
    assert_eq!((one.status, text(&one)), (200, format!(r#"{{"id":"{id}"}}"#)));
    assert!(stage.origin.seen()[0].head.starts_with(&format!("GET /fhir/Patient/{ID} HTTP/1.1\r\n")));

    // A search, by query, by field, by form.
    let echo = format!(
        r#"{{"link":"?identifier={NANCY}","entry":[{{"id":"{ID}","cpr":"{NANCY}","note":"251248-9996","number":{NANCY}}}]}}"#
    );
    stage.origin.says(json(&echo));
    let found = stage.get(&format!("/fhir/Patient?identifier={SYSTEM}%7C{cpr}")).await;
    let told = format!(
        r#"{{"link":"?identifier=xxxxxxxxxx","entry":[{{"id":"{id}","cpr":"{cpr}","note":"xxxxxxxxxx"}}]}}"#
    );
    assert_eq!(text(&found), told);
    assert!(stage.origin.seen()[0].head.contains("identifier=urn%3Aoid%3A1.2.208.176.1.2%7C2512489996 "));
    let mut wire = stage.wire().await;
    let field = format!("x-patient-id: {cpr}\r\n");
    assert_eq!(text(&wire.ask(&request("GET", "/fhir/Patient", &field, "")).await.unwrap()), told);
    assert!(stage.origin.seen()[0].head.contains("\r\nx-patient-id: 2512489996\r\n"));
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let content = format!("_count=5&identifier={SYSTEM}|{cpr}");
    let found = wire.ask(&request("POST", "/fhir/Patient/_search", form, &content)).await.unwrap();
    assert_eq!(text(&found), format!(r#"{{"entry":[{{"id":"{id}"}}]}}"#));
    let seen = stage.origin.seen();
    assert_eq!(seen[0].content, "_count=5&identifier=urn%3Aoid%3A1.2.208.176.1.2%7C2512489996");

    // A result for it; the answer repeats it, and a place.
    let created = format!(
        r#"{{"status":"final","subject":{{"reference":"Patient/{ID}"}},"text":"til {NANCY}, Patient/{ID}"}}"#
    );
    let fields = format!("content-type: application/json\r\nlocation: /Patient/{ID}\r\n");
    stage.origin.says(answer("201 Created", &fields, created.as_bytes()));
    let content = format!(
        r#"{{"resourceType":"Observation","subject":{{"reference":"Patient/{id}","identifier":{{"value":"{cpr}"}}}},"valueQuantity":{{"value":7.2}}}}"#
    );
    let posted = wire.ask(&post("/fhir/Observation", &content)).await.unwrap();
    let told = format!(r#"{{"status":"final","subject":{{"reference":"Patient/{id}"}}}}"#);
    assert_eq!((posted.status, text(&posted)), (201, told));
    assert_eq!(posted.field("location"), None);
    let seen = stage.origin.seen();
    assert!(seen[0].head.contains("\r\ncontent-type: application/json\r\n"));
    assert_eq!(seen[0].content, content.replace(id, ID).replace(cpr, NANCY));

    // Without content: a change that has none, either way.
    stage.origin.says("HTTP/1.1 204 No Content\r\n\r\n");
    let gone = wire.ask(&request("DELETE", &format!("/fhir/Patient/{id}"), "", "")).await.unwrap();
    assert_eq!((gone.status, gone.body.len(), gone.field("content-type")), (204, 0, None));

    let pair = [("intent".to_owned(), "intended".to_owned()), ("outcome".to_owned(), "released".to_owned())];
    assert_eq!(kinds(&stage), pair.iter().cycle().take(12).cloned().collect::<Vec<_>>());
    assert!(records(&stage)[0]["subjects"][0].is_string());
    for clear in [NANCY, ID, id, cpr] {
        assert!(!stage.ledger().contains(clear), "{clear}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_open_is_refused_in_the_same_bytes() {
    let stage = stage().await;
    stage.origin.says(json("{}"));
    let (own, foreign) = (ring("sms", "00"), ring("other", "00"));
    let good = sealed(&own, "sms", Input::id("Patient", ID));
    let mut forged = good.clone();
    forged.replace_range(5..6, if good.as_bytes()[5] == b'q' { "r" } else { "q" });
    let mut bodies = Vec::new();
    for id in [
        forged,
        sealed(&foreign, "other", Input::id("Patient", ID)),
        sealed(&ring("sms", "01"), "sms", Input::id("Patient", ID)),
        sealed(&own, "sms", Input::id("Observation", ID)),
        sealed(&own, "sms", nancy()),
        "tvk1-bcdfghjklmnpqrstbcdfghjklmnpqrst".into(),
        good.replace("tvs1", "tvs2"),
        "x".into(),
    ] {
        let reply = stage.get(&format!("/fhir/Patient/{id}")).await;
        assert_eq!(reply.status, 400, "{id}");
        let mut problem: Value = serde_json::from_slice(&reply.body).unwrap();
        problem["instance"].take();
        let content = format!(r#"{{"subject":{{"reference":"Patient/{id}"}}}}"#);
        let posted = stage.wire().await.ask(&post("/fhir/Observation", &content)).await.unwrap();
        let mut other: Value = serde_json::from_slice(&posted.body).unwrap();
        other["instance"].take();
        assert_eq!(problem, other, "{id}");
        bodies.push((problem.to_string(), reply.body.len(), posted.body.len()));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].0.contains("/pseudonym-refused"));
    assert!(stage.origin.seen().is_empty() && records(&stage).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_the_route_does_not_list_is_refused_and_not_forwarded() {
    let stage = stage().await;
    stage.origin.says(json("{}"));
    let large = format!(r#"{{"valueQuantity":"{}"}}"#, "x ".repeat(3000));
    for (content, status, slug) in [
        (r#"{"resourceType":"Observation","unlisted":"hemmelig"}"#, 400, "content"),
        (r#"{"valueQuantity":2512489996}"#, 400, "content"),
        (r#"{"valueQuantity":1"#, 400, "content"),
        ("", 400, "content"),
        (r#"{"valueQuantity":"251248-9996"}"#, 400, "clear-identifier"),
        (r#"{"subject":{"identifier":{"value":"251248-9996"}}}"#, 400, "clear-identifier"),
        (&large, 413, "content-too-large"),
    ] {
        let reply = stage.wire().await.ask(&post("/fhir/Observation", content)).await.unwrap();
        let told = text(&reply);
        assert_eq!(reply.status, status, "{content}");
        assert!(told.contains(&format!("/{slug}\"")) && !told.contains("hemmelig"), "{told}");
    }
    let asks = [
        (request("POST", "/fhir/Observation", "content-type: text/plain\r\n", "{}"), 415),
        (request("POST", "/fhir/Observation", "", "{}"), 415),
        (
            request(
                "POST",
                "/fhir/Observation",
                "content-type: application/json\r\ncontent-encoding: gzip\r\n",
                "{}",
            ),
            415,
        ),
        (request("PATCH", "/fhir/Observation", "content-type: application/json\r\n", "{}"), 405),
        (post("/fhir/Patient/_search", "{}"), 415),
    ];
    for (bytes, status) in asks {
        let reply = stage.wire().await.ask(&bytes).await.unwrap();
        assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&bytes));
        if status == 405 {
            assert_eq!(reply.field("allow"), Some("POST"));
        }
    }
    assert!(stage.origin.seen().is_empty() && records(&stage).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_reached_the_upstream_unanswered_is_on_record_as_unknown() {
    let stage = stage().await;
    let content = r#"{"valueQuantity":1}"#;
    for (script, outcome) in [
        (vec![Step::Break], "unknown"),
        (vec![Step::Say(answer("409 Conflict", "", b""))], "upstream-refused"),
        (vec![Step::Say(json("{"))], "upstream-json"),
    ] {
        stage.origin.plays(script);
        let reply = stage.wire().await.ask(&post("/fhir/Observation", content)).await.unwrap();
        assert!(reply.status >= 409, "{outcome}");
        assert_eq!(kinds(&stage).last().unwrap(), &("outcome".to_owned(), outcome.to_owned()));
    }
    // A recipient that goes away.
    let held = std::sync::Arc::new(Notify::new());
    stage.origin.plays(vec![Step::Until(held)]);
    let before = records(&stage).len();
    let mut wire = stage.wire().await;
    let bytes = post("/fhir/Observation", content);
    let asked = tokio::time::timeout(std::time::Duration::from_millis(500), wire.ask(&bytes));
    assert!(asked.await.is_err());
    drop(wire);
    while records(&stage).len() < before + 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(kinds(&stage).last().unwrap(), &("outcome".to_owned(), "unknown".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_withheld_is_not_there_and_nothing_is_forwarded() {
    let stage = stage().await;
    stage.origin.says(json(r#"{"entry":[]}"#));
    let own = ring("sms", "00");
    let target = format!("/fhir/Patient?identifier={SYSTEM}%7C{}", sealed(&own, "sms", nancy()));
    assert_eq!(stage.get(&target).await.status, 200);
    stage.origin.seen();
    change(&stage, RightKind::Restriction, NANCY, true);
    let absent = stage.get("/absent").await;
    let reply = stage.get(&target).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.body.len(), absent.body.len());
    assert!(stage.origin.seen().is_empty());
    assert_eq!(kinds(&stage).len(), 2);
}
