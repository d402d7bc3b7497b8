//! JSON documents in base64, through the proxy: by whom they leave, and what of them is kept.

use data_encoding::BASE64;
use serde_json::Value;
use tavs::store::RightKind;

use super::origin::json;
use super::stage::{Setting, Stage, policy};
use super::subjects::{change, person};

/// Official test numbers.
const NANCY: &str = "2512489996";
const OTHER: &str = "0201609995";

const MORE: &str = r#"
[[route]]
name = "letters"
methods = ["GET"]
path = "/letters"
upstream = "booking"
[route.response]
record = "$.letters[*]"
subject = ["$.cpr"]
[route.response.members]
"$.letters[*].x" = "keep"
"$.letters[*].data" = { decode = "json", shapes = ["Patient", "Observation"] }

[[shape]]
name = "Patient"
when = { resourceType = "Patient" }
subject = ["$.cpr"]
alias = ["$.id"]
[shape.members]
"$.cpr" = "pseudonymise"
"$.gender" = "keep"

[[shape]]
name = "Observation"
when = { resourceType = "Observation" }
subject = ["$.subject"]
[shape.members]
"$.status" = "keep"
"#;

fn patient(cpr: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"p1","gender":"female","cpr":"{cpr}","name":"Nancy Berggren"}}"#
    )
}

const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final","subject":"Patient/p1"}"#;

/// A letter to Nancy with this in it.
fn letter(document: &str) -> Vec<u8> {
    let data = BASE64.encode(document.as_bytes());
    json(&format!(r#"{{"letters":[{{"x":1,"cpr":"{NANCY}","data":"{data}"}}]}}"#))
}

/// What leaves of the document; `None` where the letter leaves without.
async fn left(stage: &Stage) -> Option<Value> {
    let reply = stage.get("/letters").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(answer["letters"][0]["x"], 1, "{answer}");
    let data = answer["letters"][0].get("data")?.as_str().unwrap().to_owned();
    Some(serde_json::from_slice(&BASE64.decode(data.as_bytes()).unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_leaves_by_the_rights_of_whom_it_names_and_nothing_of_it_is_learnt() {
    for scheme in ["keyed", "table"] {
        let sms = policy("sms").replace("scheme = \"keyed\"", &format!("scheme = \"{scheme}\"")) + MORE;
        let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
        let bundle =
            format!(r#"{{"entry":[{{"resource":{OBSERVATION}}},{{"resource":{}}}]}}"#, patient(OTHER));
        stage.origin.says(letter(&bundle));
        let first = left(&stage).await.unwrap();
        assert_eq!(first["entry"][0]["resource"], serde_json::json!({ "status": "final" }));
        let pseudonym = first["entry"][1]["resource"]["cpr"].as_str().unwrap().to_owned();
        assert!(pseudonym.starts_with(if scheme == "table" { "tvt1-" } else { "tvk1-" }), "{first}");
        assert_eq!(left(&stage).await.unwrap(), first, "the same again");
        let ledger = stage.ledger();
        let record = ledger.lines().last().unwrap();
        for cpr in [NANCY, OTHER] {
            let id = data_encoding::HEXLOWER.encode(&person(&stage, cpr).0);
            assert!(record.contains(&id), "{record}");
        }

        // Whose the API's own `Patient/p1` is, a letter does not say.
        stage.origin.says(letter(OBSERVATION));
        assert_eq!(left(&stage).await, None);
        assert_eq!(stage.metric("tavs_subject_ids").await, Some(0.0));

        change(&stage, RightKind::Restriction, OTHER, true);
        stage.origin.says(letter(&bundle));
        assert_eq!(left(&stage).await, None, "the letter's own person may be told of");
        stage.origin.says(letter(&patient(NANCY)));
        assert!(left(&stage).await.is_some());
        change(&stage, RightKind::Restriction, NANCY, true);
        assert_eq!(stage.get("/letters").await.text(), r#"{"letters":[]}"#);
    }
}
