//! Whose data may leave: each right in the next exchange and after a restart, and who is who.

use std::sync::Arc;

use tavs::ids::SubjectId;
use tavs::pseudonym::{Input, KeyRing};
use tavs::store::{Alias, AliasSource, Change, NewChange, RightKind};
use tokio::sync::Notify;

use super::origin::{Step, answer, json};
use super::stage::{Reply, Setting, Stage, policy};

/// Official test numbers.
const NANCY: &str = "2512489996";
const OTHER: &str = "0201609995";
const THIRD: &str = "0201919990";

/// More of a policy: FHIR with references, and records with two subjects.
const MORE: &str = r#"
[[route]]
name = "children"
methods = ["GET"]
path = "/children"
upstream = "booking"
[route.response]
record = "$.children[*]"
subject = ["$.cpr", "$.guardian.cpr"]
[route.response.members]
"$.children[*].x" = "keep"

[[route]]
name = "observations"
methods = ["GET"]
path = "/fhir/Observation"
upstream = "booking"
[route.response]
record = "$.entry[*]"
shapes = ["Patient", "Observation"]
[route.response.members]
"$.total" = "count"

[[shape]]
name = "Patient"
when = { resourceType = "Patient" }
subject = ["$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value"]
alias = ["$.id"]
[shape.members]
"$.gender" = "keep"

[[shape]]
name = "Observation"
when = { resourceType = "Observation" }
subject = ["$.subject.reference"]
[shape.members]
"$.status" = "keep"
"#;

fn setting() -> Setting {
    Setting { sms: policy("sms") + MORE, ..Setting::default() }
}

pub(super) fn ring(stage: &Stage) -> KeyRing {
    KeyRing::parse(&std::fs::read_to_string(stage.lab.path("ring.toml")).unwrap(), stage.clock.timestamp())
        .unwrap()
}

/// A person's id.
pub(super) fn person(stage: &Stage, cpr: &str) -> SubjectId {
    let number = tavs::cpr::parse(cpr).unwrap();
    ring(stage).subject_key().unwrap().id(Input::number(&number, ""))
}

/// Begins or ends a right, for this policy's purpose and recipient where the kind has one.
pub(crate) fn change(stage: &Stage, kind: RightKind, cpr: &str, begun: bool) {
    let purpose =
        matches!(kind, RightKind::Objection | RightKind::Consent).then(|| "appointment-reminders".to_owned());
    let change = NewChange {
        subject: person(stage, cpr),
        kind,
        purpose,
        recipient: (kind == RightKind::Frabedt).then(|| "sms".to_owned()),
        begun,
        at: stage.clock.unix_millis(),
        until: None,
        reason: "case 26-17".into(),
        who: "Inge Bo".into(),
        sealed_cpr: None,
    };
    let records = stage.running.records();
    let number = records.store.put_change(&change).unwrap();
    records.subjects.apply(&Change { number, change, recorded: None });
}

/// Appointments of these persons, and of nobody.
fn appointments(of: &[&str]) -> Vec<u8> {
    let one = |(n, cpr): (usize, &&str)| format!(r#"{{"start":"2026-03-0{n}","patient":{{"cpr":"{cpr}"}}}}"#);
    let list: Vec<_> = (1..).zip(of).map(one).collect();
    json(&format!(r#"{{"appointments":[{}]}}"#, list.join(",")))
}

/// The days of the appointments that left.
async fn days(stage: &Stage) -> Vec<String> {
    let reply = stage.get("/appointments").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let document: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let list = document["appointments"].as_array().unwrap();
    list.iter().map(|one| one["start"].as_str().unwrap().to_owned()).collect()
}

const FIRST: &str = "2026-03-01";
const SECOND: &str = "2026-03-02";

#[tokio::test(flavor = "multi_thread")]
async fn each_right_holds_from_the_next_exchange_on_and_across_restarts() {
    for kind in [RightKind::Restriction, RightKind::Objection, RightKind::Frabedt, RightKind::Erasure] {
        let stage = Stage::new().await;
        stage.origin.says(appointments(&[NANCY, OTHER]));
        assert_eq!(days(&stage).await, [FIRST, SECOND]);
        change(&stage, kind, NANCY, true);
        assert_eq!(days(&stage).await, [SECOND], "{kind:?}");
        assert_eq!(stage.metric("tavs_registry_changes").await, Some(1.0));
        let stage = stage.restarted().await;
        assert_eq!(days(&stage).await, [SECOND], "{kind:?} after a restart");
        if kind == RightKind::Erasure {
            continue;
        }
        change(&stage, kind, NANCY, false);
        assert_eq!(days(&stage).await, [FIRST, SECOND], "{kind:?} ended");
        let stage = stage.restarted().await;
        assert_eq!(days(&stage).await, [FIRST, SECOND], "{kind:?} ended, after a restart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_needs_consent_releases_who_gave_it_until_it_is_withdrawn() {
    let sms = policy("sms").replace("consent = \"not-required\"", "consent = \"required\"");
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    stage.origin.says(appointments(&[NANCY, OTHER]));
    assert!(days(&stage).await.is_empty());
    change(&stage, RightKind::Consent, NANCY, true);
    assert_eq!(days(&stage).await, [FIRST]);
    let stage = stage.restarted().await;
    assert_eq!(days(&stage).await, [FIRST]);
    change(&stage, RightKind::Consent, NANCY, false);
    assert!(days(&stage).await.is_empty());
    let stage = stage.restarted().await;
    assert!(days(&stage).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_about_one_withheld_person_is_not_to_be_told_from_an_absent_one() {
    let stage = Stage::new().await;
    let one = json(r#"{"start":"2026-03-01","patient":{"cpr":"2512489996"}}"#);
    stage.origin.says(one);
    assert_eq!(stage.get("/appointments/A-1").await.status, 200);
    change(&stage, RightKind::Restriction, NANCY, true);
    let withheld = stage.get("/appointments/A-1").await;
    stage.origin.says(answer("404 Not Found", "", b""));
    let absent = stage.get("/appointments/A-1").await;
    assert_eq!(withheld.status, 404);
    let plain = |reply: &Reply| {
        let id = reply.field("tavs-exchange").unwrap();
        let head: Vec<_> = reply.head.lines().filter(|line| !line.starts_with("date:")).collect();
        (head.join("\n").replace(id, "ID"), reply.text().replace(id, "ID"))
    };
    assert_eq!(plain(&withheld), plain(&absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_and_a_new_number_are_one_person() {
    let stage = Stage::new().await;
    stage.origin.says(appointments(&[NANCY, OTHER, THIRD]));
    let alias = Alias {
        subject: person(&stage, NANCY),
        same_as: person(&stage, OTHER),
        source: AliasSource::Imported,
        at: 1,
    };
    let records = stage.running.records();
    records.store.put_aliases(std::slice::from_ref(&alias)).unwrap();
    records.subjects.tie(alias.subject, alias.same_as);
    assert_eq!(days(&stage).await.len(), 3);
    let ledger = stage.ledger();
    let subjects =
        ledger.lines().last().unwrap().split("\"subjects\":[").nth(1).unwrap().split(']').next().unwrap();
    assert_eq!(subjects.split(',').count(), 2, "three numbers, two persons: {subjects}");
    change(&stage, RightKind::Restriction, NANCY, true);
    assert_eq!(days(&stage).await, ["2026-03-03"]);
    let stage = stage.restarted().await;
    assert_eq!(days(&stage).await, ["2026-03-03"]);
    change(&stage, RightKind::Restriction, OTHER, false);
    assert_eq!(days(&stage).await.len(), 3, "either number ends it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_about_two_persons_leaves_only_if_both_may() {
    let stage = Stage::set(setting()).await;
    stage.origin.says(json(
        r#"{"children":[{"x":1,"cpr":"0201919990","guardian":{"cpr":"2512489996"}},{"x":2,"cpr":"0201609995"},{"x":3,"cpr":"0201609995","guardian":{"cpr":"0000000000"}}]}"#,
    ));
    assert_eq!(
        stage.get("/children").await.text(),
        r#"{"children":[{"x":1},{"x":2}]}"#,
        "nobody is no guardian"
    );
    for (who, left) in [(NANCY, r#"{"children":[{"x":2}]}"#), (OTHER, r#"{"children":[]}"#)] {
        change(&stage, RightKind::Restriction, who, true);
        assert_eq!(stage.get("/children").await.text(), left);
    }
}

const PATIENT: &str = r#"{"resource":{"resourceType":"Patient","id":"p1","gender":"female","identifier":[{"system":"urn:oid:1.2.208.176.1.2","value":"2512489996"}]}}"#;
const OBSERVATION: &str =
    r#"{"resource":{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/p1"}}}"#;

fn bundle(entries: &[&str]) -> Vec<u8> {
    let (total, entries) = (entries.len(), entries.join(","));
    json(&format!(r#"{{"resourceType":"Bundle","total":{total},"entry":[{entries}]}}"#))
}

async fn observed(stage: &Stage) -> String {
    let reply = stage.get("/fhir/Observation").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text().to_owned()
}

const NOTHING: &str = r#"{"total":0,"entry":[]}"#;
const OBSERVED: &str = r#"{"total":1,"entry":[{"resource":{"status":"final"}}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_is_resolved_through_the_bundle_and_then_through_the_store() {
    let stage = Stage::set(setting()).await;
    stage.origin.says(bundle(&[OBSERVATION]));
    assert_eq!(observed(&stage).await, NOTHING, "nobody knows whose it is");
    stage.origin.says(bundle(&[OBSERVATION, PATIENT]));
    let both = r#"{"total":2,"entry":[{"resource":{"status":"final"}},{"resource":{"gender":"female"}}]}"#;
    assert_eq!(observed(&stage).await, both);
    assert_eq!(stage.metric("tavs_subject_ids").await, Some(1.0));
    stage.origin.says(bundle(&[OBSERVATION]));
    assert_eq!(observed(&stage).await, OBSERVED);
    let stage = stage.restarted().await;
    assert_eq!(observed(&stage).await, OBSERVED, "after a restart");
    let id = data_encoding::HEXLOWER.encode(&person(&stage, NANCY).0);
    assert!(stage.ledger().lines().last().unwrap().contains(&id), "recorded as the person's own id");

    // The same id beside another number: nobody's, until an officer says whose.
    stage.origin.says(bundle(&[OBSERVATION, &PATIENT.replace(NANCY, OTHER)]));
    assert_eq!(observed(&stage).await, r#"{"total":1,"entry":[{"resource":{"gender":"female"}}]}"#);
    let line = "tavs_subject_aliases_total{upstream=\"booking\",outcome=\"contradicted\"}";
    assert_eq!(stage.metric(line).await, Some(1.0));

    change(&stage, RightKind::Restriction, NANCY, true);
    stage.origin.says(bundle(&[OBSERVATION, PATIENT]));
    assert_eq!(observed(&stage).await, NOTHING, "and no count of what is withheld");
    stage.origin.says(bundle(&[OBSERVATION]));
    assert_eq!(observed(&stage.restarted().await).await, NOTHING);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_body_says_about_anybody_is_not_believed() {
    let stage = Stage::set(setting()).await;
    let body = format!(r#"{{"entry":[{PATIENT},{OBSERVATION}],"total":2"#);
    stage.origin.says(json(&body));
    stage.get("/fhir/Observation").await.is_problem("upstream-json", "cut");
    stage.origin.says(bundle(&[OBSERVATION]));
    assert_eq!(observed(&stage).await, NOTHING);
    assert_eq!(stage.metric("tavs_subject_ids").await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_is_asked_whose_an_id_is_within_bounds() {
    let booking = r#"subject-lookup = { path = "/fhir/Patient/{id}", cpr = "$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value", most = 2 }"#;
    let stage = Stage::set(Setting { booking, ..setting() }).await;
    let patient = |cpr: &str| {
        json(&format!(r#"{{"identifier":[{{"system":"urn:oid:1.2.208.176.1.2","value":"{cpr}"}}]}}"#))
    };
    stage.origin.says(bundle(&[OBSERVATION]));
    stage.origin.says_at("/fhir/Patient/p1", patient(NANCY));
    assert_eq!(observed(&stage).await, OBSERVED);
    let seen = stage.origin.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].head.starts_with("GET /fhir/Patient/p1 HTTP/1.1\r\n"), "{}", seen[1].head);
    // Known from then on, also after a restart.
    let stage = stage.restarted().await;
    assert_eq!(observed(&stage).await, OBSERVED);
    assert_eq!(stage.origin.seen().len(), 1);
    change(&stage, RightKind::Restriction, NANCY, true);
    assert_eq!(observed(&stage).await, NOTHING);
    stage.origin.seen();

    // Answers that name nobody, and no answer: withheld, and what is absent is not asked for again.
    let of = |id: &str| OBSERVATION.replace("p1", id);
    for (id, said, asked_again) in [
        ("a1", patient("0000000000"), 0),
        ("a2", answer("404 Not Found", "", b""), 0),
        (
            "a3",
            json(
                r#"{"identifier":[{"system":"urn:oid:1.2.208.176.1.2","value":"2512489996"},{"system":"urn:oid:1.2.208.176.1.2","value":"0201609995"}]}"#,
            ),
            0,
        ),
        ("a4", json("{"), 1),
        ("a5", answer("500 Oh", "", b""), 1),
        ("a6", answer("200 OK", "content-type: text/html\r\n", b"{}"), 1),
    ] {
        stage.origin.says(bundle(&[&of(id)]));
        stage.origin.says_at(&format!("/fhir/Patient/{id}"), said);
        assert_eq!(observed(&stage).await, NOTHING, "{id}");
        assert_eq!(stage.origin.seen().len(), 2, "{id}");
        assert_eq!(observed(&stage).await, NOTHING, "{id}");
        assert_eq!(stage.origin.seen().len(), 1 + asked_again, "{id} again");
    }
    // At most two questions an exchange; other types, and what is no plain segment, not at all.
    for id in ["b1", "b2", "b3"] {
        stage.origin.says_at(&format!("/fhir/Patient/{id}"), patient(OTHER));
    }
    stage.origin.says(bundle(&[
        &of("b1"),
        &of("b2"),
        &of("b3"),
        &of(".."),
        &of("c").replace("Patient/", "Group/"),
    ]));
    assert!(observed(&stage).await.starts_with(r#"{"total":2,"#));
    assert_eq!(stage.origin.seen().len(), 3);
    assert!(observed(&stage).await.starts_with(r#"{"total":3,"#));
    assert!(!stage.ledger().contains(OTHER) && !stage.ledger().contains(NANCY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_entered_while_an_exchange_waits_holds_for_it() {
    let stage = Stage::new().await;
    let go_on = Arc::new(Notify::new());
    stage.origin.plays(vec![Step::Until(Arc::clone(&go_on)), Step::Say(appointments(&[NANCY, OTHER]))]);
    let meanwhile = async {
        while stage.origin.seen().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        change(&stage, RightKind::Restriction, NANCY, true);
        go_on.notify_one();
    };
    let (left, ()) = tokio::join!(days(&stage), meanwhile);
    assert_eq!(left, [SECOND]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_no_person() {
    let stage = Stage::new().await;
    stage.origin.says(appointments(&["0000000000", "000000-0000", OTHER]));
    assert_eq!(days(&stage).await, ["2026-03-03"]);
    let withheld = "tavs_records_total{recipient=\"sms\",outcome=\"withheld\"}";
    assert_eq!(stage.metric(withheld).await, Some(2.0));
}
