//! Pseudonyms that stand in the store: met, resolved, and destroyed for one person.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tavs::pseudonym::{Input, KeyRing, Random, Scheme};
use tavs::store::{Alias, AliasSource, RightKind};

use super::origin::json;
use super::resolving::{ID, MORE, NANCY, SYSTEM, kinds, nancy, post, request, ring, text};
use super::stage::{Setting, Stage, policy};
use super::subjects::{self, change};

const OTHER: &str = "0201609995";

async fn stage() -> Stage {
    let sms = policy("sms").replace("scheme = \"keyed\"", "scheme = \"table\"") + MORE;
    Stage::set(Setting { sms, ..Setting::default() }).await
}

/// Patients with their numbers.
fn patients(of: &[(&str, &str)]) -> Vec<u8> {
    let all: Vec<String> = of.iter().map(|(id, cpr)| format!(r#"{{"id":"{id}","cpr":"{cpr}"}}"#)).collect();
    json(&format!(r#"{{"entry":[{}]}}"#, all.join(",")))
}

/// What the recipient sees of them: id and number.
async fn listed(stage: &Stage) -> Vec<(String, String)> {
    let reply = stage.get("/fhir/Patient").await;
    assert_eq!(reply.status, 200, "{}", reply.head);
    let list: Value = serde_json::from_slice(&reply.body).unwrap();
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let entries = list["entry"].as_array().unwrap();
    entries.iter().map(|entry| (word(entry, "id"), word(entry, "cpr"))).collect()
}

fn rows(directory: &Path) -> i64 {
    let store = rusqlite::Connection::open(directory.join("tavs.db")).unwrap();
    store.query_row("SELECT COUNT(*) FROM pseudonym_of_value", (), |row| row.get(0)).unwrap()
}

/// Everything sealed that stands in the store.
fn sealed(directory: &Path) -> Vec<Vec<u8>> {
    let store = rusqlite::Connection::open(directory.join("tavs.db")).unwrap();
    let mut all = Vec::new();
    for text in
        ["SELECT sealed_pseudonym FROM pseudonym_of_value", "SELECT sealed_value FROM value_of_pseudonym"]
    {
        let mut statement = store.prepare(text).unwrap();
        let found = statement.query_map((), |row| row.get::<_, Vec<u8>>(0)).unwrap();
        all.extend(found.map(Result::unwrap));
    }
    all
}

/// Whether any of the bytes stand in any of the store's files.
fn stand_in(directory: &Path, all: &[Vec<u8>]) -> bool {
    ["tavs.db", "tavs.db-wal", "tavs.db-shm"].iter().any(|name| {
        let file = fs::read(directory.join(name)).unwrap_or_default();
        all.iter().any(|bytes| file.windows(bytes.len()).any(|window| window == bytes))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_works_by_pseudonyms_that_stand_in_the_store() {
    let stage = stage().await;
    stage.origin.says(patients(&[(ID, "251248-9996"), ("AFT-KQ8", OTHER)]));
    let first = listed(&stage).await;
    let (id, cpr) = first[0].clone();
    assert!(id.starts_with("tvt1-") && cpr.starts_with("tvt1-") && id != cpr, "{first:?}");
    assert!(id.len() == 33 && !first.contains(&(id.clone(), first[1].1.clone())));
    let stage = stage.restarted().await;
    assert_eq!(listed(&stage).await, first);
    assert_eq!(rows(&stage.lab.path("")), 4);
    stage.origin.seen();

    // By path, in upper case, too; by query, by field, by form, in content.
    stage.origin.says(json(&format!(r#"{{"id":"{ID}","cpr":"{NANCY}","note":"journal af {ID}"}}"#)));
    for id in [id.clone(), id.to_uppercase()] {
        let one = stage.get(&format!("/fhir/Patient/{id}")).await;
        assert_eq!((one.status, text(&one)), (200, format!(r#"{{"id":"{}"}}"#, first[0].0)));
        assert!(stage.origin.seen()[0].head.starts_with(&format!("GET /fhir/Patient/{ID} HTTP/1.1\r\n")));
    }
    stage.origin.says(patients(&[(ID, NANCY)]));
    let told = format!(r#"{{"entry":[{{"id":"{id}","cpr":"{cpr}"}}]}}"#);
    let found = stage.get(&format!("/fhir/Patient?identifier={SYSTEM}%7C{cpr}")).await;
    assert_eq!(text(&found), told);
    assert!(stage.origin.seen()[0].head.contains("identifier=urn%3Aoid%3A1.2.208.176.1.2%7C2512489996 "));
    let mut wire = stage.wire().await;
    let field = format!("x-patient-id: {cpr}\r\n");
    assert_eq!(text(&wire.ask(&request("GET", "/fhir/Patient", &field, "")).await.unwrap()), told);
    assert!(stage.origin.seen()[0].head.contains("\r\nx-patient-id: 2512489996\r\n"));
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let content = format!("_count=5&identifier={SYSTEM}|{cpr}");
    let found = wire.ask(&request("POST", "/fhir/Patient/_search", form, &content)).await.unwrap();
    assert_eq!(found.status, 200);
    assert_eq!(
        stage.origin.seen()[0].content,
        "_count=5&identifier=urn%3Aoid%3A1.2.208.176.1.2%7C2512489996"
    );
    stage.origin.says(json(&format!(r#"{{"status":"final","text":"til {NANCY}, Patient/{ID}"}}"#)));
    let content = format!(
        r#"{{"resourceType":"Observation","subject":{{"reference":"Patient\/{id}","identifier":{{"value":"{cpr}"}}}}}}"#
    );
    let posted = wire.ask(&post("/fhir/Observation", &content)).await.unwrap();
    assert_eq!((posted.status, text(&posted)), (200, r#"{"status":"final"}"#.to_owned()));
    let seen = stage.origin.seen();
    assert!(seen[0].content.contains(&format!("Patient/{ID}")) && seen[0].content.contains(NANCY));

    assert_eq!(kinds(&stage).len(), 12, "an intent and an outcome each");
    for clear in [NANCY, ID, &id, &cpr] {
        assert!(!stage.ledger().contains(clear), "{clear}");
    }
    let numbers = [NANCY, OTHER].map(|number| number.as_bytes().to_vec());
    assert!(!stand_in(&stage.lab.path(""), &numbers));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pseudonym_that_stands_for_nothing_is_refused_in_the_same_bytes() {
    let stage = stage().await;
    stage.origin.says(patients(&[(ID, NANCY)]));
    let (id, cpr) = listed(&stage).await.remove(0);
    let mut forged = id.clone();
    forged.replace_range(6..7, if id.as_bytes()[6] == b'q' { "r" } else { "q" });
    let foreign = |ring: &KeyRing, domain: &str| {
        let maker = ring.pseudonymiser(domain, Scheme::Table).unwrap();
        let random = Random { pseudonym: [7; 16], nonces: [[8; 12]; 2] };
        maker.written(&maker.table().unwrap().draw(nancy(), &random).unwrap().0).unwrap()
    };
    let mut bodies = Vec::new();
    for id in [
        forged,
        foreign(&ring("sms", "00"), "sms"),
        foreign(&ring("other", "00"), "other"),
        cpr,
        id.replace("tvt1", "tvt2"),
        id.replace("tvt1", "tvs1"),
        id.chars().take(20).collect(),
        "tvt1-".into(),
        "x".into(),
    ] {
        let reply = stage.get(&format!("/fhir/Patient/{id}")).await;
        assert_eq!(reply.status, 400, "{id}");
        let content = format!(r#"{{"subject":{{"reference":"Patient/{id}"}}}}"#);
        let posted = stage.wire().await.ask(&post("/fhir/Observation", &content)).await.unwrap();
        for reply in [reply, posted] {
            let mut problem: Value = serde_json::from_slice(&reply.body).unwrap();
            problem["instance"].take();
            bodies.push((problem.to_string(), reply.body.len()));
        }
    }
    bodies.dedup();
    assert!(bodies.len() == 1 && bodies[0].0.contains("/pseudonym-refused"), "{bodies:?}");
    // A number in clear is said to be one.
    stage.get(&format!("/fhir/Patient/{NANCY}")).await.is_problem("clear-identifier", "clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_met_first_by_two_exchanges_at_once_has_one_pseudonym() {
    let stage = stage().await;
    let people: Vec<(String, String)> =
        (10..60).map(|n| (format!("AFT-{n}"), format!("0201{n}9{n}5"))).collect();
    let people: Vec<(&str, &str)> = people.iter().map(|(id, cpr)| (id.as_str(), cpr.as_str())).collect();
    stage.origin.says(patients(&people));
    let asks = (0..8).map(|_| listed(&stage));
    let seen = futures_together(asks.collect()).await;
    assert!(seen[0].len() == 50 && seen.iter().all(|one| *one == seen[0]));
    assert_eq!(rows(&stage.lab.path("")), 100);
}

async fn futures_together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// List, resolve, erase, refused; also after a backup from before is put back.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_erased_is_gone_from_the_store_for_good() {
    let stage = stage().await;
    change(&stage, RightKind::Restriction, OTHER, true);
    // As `tavs subject alias` does, or a document that carries both.
    let id = subjects::ring(&stage).subject_key().unwrap().id(Input::id("Patient", ID));
    let same_as = subjects::person(&stage, NANCY);
    let records = stage.running.records();
    let alias = Alias { subject: id, same_as, source: AliasSource::Imported, at: 1 };
    records.subjects.import(&records.store, &alias).unwrap();
    stage.origin.says(patients(&[(ID, NANCY), ("AFT-KQ8", OTHER), ("AFT-KQ9", "0504909995")]));
    let before = listed(&stage).await;
    assert_eq!(before.len(), 2, "who is withheld is not listed");
    assert_eq!(rows(&stage.lab.path("")), 4, "nor has a pseudonym");
    let by_id = format!("/fhir/Patient/{}", before[0].0);
    let by_cpr = format!("/fhir/Patient?identifier={SYSTEM}%7C{}", before[0].1);
    assert_eq!(stage.get(&by_cpr).await.status, 200);
    let hers = sealed(&stage.lab.path(""));
    let stage = stage
        .restarted_after(|directory| {
            fs::copy(directory.join("tavs.db"), directory.join("backup")).map(drop).unwrap();
        })
        .await
        .map_err(|(error, _)| error)
        .unwrap();
    assert!(stand_in(&stage.lab.path(""), &hers));

    change(&stage, RightKind::Erasure, NANCY, true);
    let gone = async |stage: &Stage| {
        for refused in [&by_id, &by_cpr] {
            stage.get(refused).await.is_problem("pseudonym-refused", refused);
        }
        assert_eq!(listed(stage).await, before[1..], "nobody else's pseudonym changes");
        let directory = stage.lab.path("");
        let left = sealed(&directory);
        let hers: Vec<Vec<u8>> = hers.iter().filter(|bytes| !left.contains(bytes)).cloned().collect();
        assert_eq!((left.len(), hers.len()), (4, 4));
        assert!(!stand_in(&directory, &hers));
    };
    gone(&stage).await;
    // The start puts the erasure on record; then the store is put back from before.
    let stage = stage.restarted().await;
    gone(&stage).await;
    let put_back = |directory: &Path| {
        fs::copy(directory.join("backup"), directory.join("tavs.db")).unwrap();
        assert_eq!(rows(directory), 4);
    };
    let stage = stage.restarted_after(put_back).await.map_err(|(error, _)| error).unwrap();
    gone(&stage).await;
}

/// What the upstream says it made, and whose data that turns out to be.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_withheld_persons_data_stands_has_no_pseudonym_either() {
    let put = "request = { no-body = true }\n[route.response]\nsubject";
    let sms = policy("sms").replace("scheme = \"keyed\"", "scheme = \"table\"")
        + &MORE.replacen(
            put,
            "request = { no-body = true }\n[route.response]\nlocation = \"url\"\nsubject",
            1,
        );
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    stage.origin.says(patients(&[(ID, NANCY)]));
    let id = listed(&stage).await.remove(0).0;
    change(&stage, RightKind::Restriction, OTHER, true);
    let put = request("PUT", &format!("/fhir/Patient/{id}"), "", "");
    let said = |id: &str, cpr: &str| {
        let fields = format!("content-type: application/json\r\nlocation: /fhir/Patient/{id}\r\n");
        let body = format!(r#"{{"id":"{id}","cpr":"{cpr}"}}"#);
        super::origin::answer("200 OK", &fields, body.as_bytes())
    };
    stage.origin.says(said("AFT-KQ8", OTHER));
    let refused = stage.wire().await.ask(&put).await.unwrap();
    assert_eq!((refused.status, refused.field("location")), (404, None), "{}", refused.head);
    assert_eq!(rows(&stage.lab.path("")), 2);
    stage.origin.says(said("AFT-KQ9", NANCY));
    let told = stage.wire().await.ask(&put).await.unwrap();
    assert!(
        told.field("location").is_some_and(|place| place.starts_with("/fhir/Patient/tvt1-")),
        "{}",
        told.head
    );
    assert_eq!(rows(&stage.lab.path("")), 3);
}

/// A telephone number is everybody's in whose record it ever stood, whoever had it first.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_erased_person_shared_goes_with_her_whoever_had_it_first() {
    const LIST: &str = r#"
[[route]]
name = "numbers"
methods = ["GET"]
path = "/numbers"
upstream = "booking"
[route.response]
no-subject = "numbers that are known to nobody as anybody's"
[route.response.members]
"$.numbers[*].phone" = { pseudonymise = "phone" }
"#;
    let sms = policy("sms").replace("scheme = \"keyed\"", "scheme = \"table\"")
        + &MORE.replacen(
            "\"$.entry[*].note\" = \"keep\"",
            "\"$.entry[*].phone\" = { pseudonymise = \"phone\" }",
            1,
        )
        + LIST;
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    let phones = async |target: &str, body: String| {
        stage.origin.says(json(&body));
        let reply = stage.get(target).await;
        assert_eq!(reply.status, 200, "{}", reply.head);
        let list: Value = serde_json::from_slice(&reply.body).unwrap();
        let entries = list["entry"].as_array().or_else(|| list["numbers"].as_array()).unwrap().clone();
        entries.iter().map(|entry| entry["phone"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of = |all: &[(&str, &str)]| {
        let one = |(cpr, phone): &(&str, &str)| format!(r#"{{"cpr":"{cpr}","phone":"{phone}"}}"#);
        format!(r#"{{"entry":[{}]}}"#, all.iter().map(one).collect::<Vec<_>>().join(","))
    };
    let [earlier, beside, listed, others] = ["+4520000001", "+4520000002", "+4520000003", "+4520000004"];
    let numbers = format!(r#"{{"numbers":[{{"phone":"{listed}"}}]}}"#);
    let all_others = of(&[(OTHER, earlier), (OTHER, beside), (OTHER, listed), (OTHER, others)]);

    phones("/fhir/Patient", of(&[(OTHER, earlier)])).await;
    phones("/numbers", numbers).await;
    phones("/fhir/Patient", of(&[(OTHER, beside), (NANCY, beside)])).await;
    let before = phones("/fhir/Patient", all_others.clone()).await;
    let hers = phones("/fhir/Patient", of(&[(NANCY, earlier), (NANCY, listed)])).await;
    assert_eq!(hers, [before[0].clone(), before[2].clone()], "one value has one pseudonym");
    assert_eq!(rows(&stage.lab.path("")), 6, "two numbers and four telephone numbers");

    change(&stage, RightKind::Erasure, NANCY, true);
    assert_eq!(rows(&stage.lab.path("")), 2, "the other's number, and what was never in a record of hers");
    let after = phones("/fhir/Patient", all_others).await;
    assert!((0..3).all(|at| after[at] != before[at]) && after[3] == before[3], "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_version_gives_new_pseudonyms_and_the_old_ones_resolve_until_they_are_closed() {
    let stage = stage().await;
    stage.origin.says(patients(&[(ID, NANCY)]));
    let old = listed(&stage).await;
    let ring = fs::read_to_string(stage.lab.path("ring.toml")).unwrap();
    let new = format!(
        "[[secret]]\nuse = \"domain\"\nname = \"sms\"\nversion = 2\nstate = \"active\"\nfrom = \"2026-01-01T00:00:00Z\"\nsecret = \"{}\"\n",
        "77".repeat(32)
    );
    let rewritten = |text: &str| {
        stage.lab.write("ring.toml", text);
        stage.running.reloader().reload().unwrap();
    };
    rewritten(&format!("{ring}{new}"));
    let young = listed(&stage).await;
    assert!(young[0].0.starts_with("tvt2-") && young == listed(&stage).await, "{young:?}");
    let status = async |pseudonym: &str| {
        let reply = stage.get(&format!("/fhir/Patient?identifier={SYSTEM}%7C{pseudonym}")).await;
        assert_ne!(reply.status, 503, "{}", String::from_utf8_lossy(&reply.body));
        reply.status
    };
    assert_eq!((status(&old[0].1).await, status(&young[0].1).await), (200, 200));
    let first = "version = 1\nstate = \"active\"\nsecret = \"0000";
    assert!(ring.contains(first));
    rewritten(&format!("{}{new}", ring.replacen(first, &first.replace("active", "closed"), 1)));
    assert_eq!((status(&old[0].1).await, status(&young[0].1).await), (400, 200));
    assert_eq!(rows(&stage.lab.path("")), 4);
    // Without its secret nobody can open the old rows: they go.
    let secret = format!("{}{}\"\n", first, "00".repeat(30));
    rewritten(&format!("{}{new}", ring.replacen(&secret, "version = 1\nstate = \"destroyed\"\n", 1)));
    assert_eq!((status(&old[0].1).await, status(&young[0].1).await), (400, 200));
    assert_eq!(rows(&stage.lab.path("")), 2);
}
