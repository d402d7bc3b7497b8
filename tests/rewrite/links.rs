//! FHIR references in all their forms: to one resource there is one pseudonym, wherever and however
//! it is named, and whose a record is follows only what a reference surely means.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tavs::absence;
use tavs::judge::Everyone;
use tavs::policy::checked::{Action, CprInText, Keep, Kind, Linkability, Policy, Shape, Subject};
use tavs::policy::location::Literal;
use tavs::policy::plan::Plan;
use tavs::pseudonym::{KeyRing, Scheme};
use tavs::rewrite::{rewrite, rewrite_lines};

use crate::build;
use crate::oracle::Oracle;
use crate::properties::{agreed, agreed_on_lines, compare};

const SALT: [u8; 16] = *b"salt of one body";
const UUID: &str = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";

fn keep() -> Action {
    Action::Keep(Keep::default())
}

/// What a FHIR policy says: ids and references as pseudonyms, whose it is by number or reference.
fn policy(linkability: Linkability, record: Option<&str>) -> Policy {
    let shape = |resource_type: &str, subject: &str| Shape {
        name: resource_type.into(),
        at: ["$", "$.entry[*].resource", "$.entry[*].resource.contained[*]", "$.contained[*]"]
            .map(build::at)
            .to_vec(),
        when: vec![("resourceType".into(), Literal::String(resource_type.into()))],
        subject: Subject::At(vec![build::at(subject)]),
        alias: Vec::new(),
        rules: vec![
            build::rule("$.resourceType", keep()),
            build::rule("$.id", Action::Pseudonymise(Kind::Id { resource_type: resource_type.into() })),
            build::rule("$.cpr", Action::Pseudonymise(Kind::Cpr)),
            build::rule("$.subject.reference", Action::Pseudonymise(Kind::Reference)),
        ],
    };
    let full_url = build::rule("$.entry[*].fullUrl", Action::Pseudonymise(Kind::Reference));
    let mut response = build::response(vec![full_url]);
    response.record = record.map(build::at);
    response.subject = Subject::Elsewhere;
    let shapes = vec![shape("Patient", "$.cpr"), shape("Observation", "$.subject.reference")];
    build::policy("links", (Scheme::Keyed, linkability), CprInText::Mask, shapes, response)
}

/// What one line says of a name within it holds for no other line, also where it was asked for last.
#[test]
fn each_line_means_its_own_entries() {
    let policy = policy(Linkability::Domain, None);
    let plan = Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
    let observation = json!({"resource": {"resourceType": "Observation", "subject": {"reference": UUID}}});
    let line = |patient: &str| {
        let patient = json!({"resourceType": "Patient", "id": patient, "cpr": "2512489996"});
        json!({"entry": [{"fullUrl": UUID, "resource": patient}, observation]}).to_string()
    };
    let none = json!({"entry": [observation]}).to_string();
    let subjects = |lines: &[&str]| {
        let done = rewrite_lines(&plan, lines.join("\n").as_bytes(), &SALT, &mut ()).unwrap();
        done.disclosure.subjects
    };
    let (one, other) = (line("p-1"), line("p-2"));
    let (of_one, of_other) = (subjects(&[&one]), subjects(&[&other]));
    assert_ne!(of_one, of_other);
    let both = subjects(&[&one, &other]);
    assert!(of_one.iter().chain(&of_other).all(|subject| both.contains(subject)), "{both:?}");
    assert_eq!(subjects(&[&one, &none]), of_one);
    agreed_on_lines(&policy, [one, other, none].join("\n").as_bytes()).unwrap();
}

fn rewritten(policy: &Policy, body: &Value) -> Value {
    let plan = Plan::compile(policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
    let body = body.to_string();
    agreed(policy, body.as_bytes()).unwrap();
    let done = rewrite(&plan, body.as_bytes(), &SALT, &mut ()).unwrap();
    assert!(absence::find_any(done.released.body(), &["2512489996"]).is_empty());
    serde_json::from_slice(done.released.body()).unwrap()
}

fn patient(id: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "cpr": "251248-9996"})
}

fn observation(reference: &str) -> Value {
    json!({"resourceType": "Observation", "subject": {"reference": reference}})
}

#[test]
fn one_resource_has_one_pseudonym_however_it_is_named() {
    let policy = policy(Linkability::Domain, Some("$.entry[*]"));
    let body = json!({"resourceType": "Bundle", "entry": [
        {"fullUrl": UUID, "resource": patient("p-1")},
        {"fullUrl": "https://emr.example/fhir/Patient/p-1", "resource": patient("p-1")},
        {"resource": observation("Patient/p-1")},
        {"resource": observation("https://emr.example/fhir/Patient/p-1/_history/3")},
        {"resource": observation(UUID)},
        {"fullUrl": "urn:uuid:1c3151bd-1cbf-4d64-b04d-cd9187a4c6e1", "resource": observation("Patient/p-1")},
    ]});
    let left = rewritten(&policy, &body);
    let entries = left["entry"].as_array().unwrap();
    let id = entries[0]["resource"]["id"].as_str().unwrap();
    let wanted = json!(format!("Patient/{id}"));
    assert!(id.starts_with("tvk1-"));
    assert_eq!((&entries[0]["fullUrl"], &entries[1]["fullUrl"]), (&wanted, &wanted));
    for entry in &entries[2..] {
        assert_eq!(entry["resource"]["subject"]["reference"], wanted);
    }
    // An entry without an id goes by that of its fullUrl.
    let observation = entries[5]["fullUrl"].as_str().unwrap();
    assert!(observation.starts_with("Observation/tvk1-"), "{observation}");
}

#[test]
fn a_contained_resource_is_its_own_containers_and_says_whose_the_record_is() {
    let policy = policy(Linkability::Domain, Some("$.entry[*]"));
    let with = |contained: Value, reference: &str| {
        let mut resource = observation(reference);
        resource["contained"] = contained;
        json!({ "resource": resource })
    };
    let body = json!({"entry": [
        with(json!([patient("p1")]), "#p1"),
        with(json!([patient("p2")]), "#p1"),
        with(json!([{"resourceType": "Patient", "id": "p1"}]), "#p1"),
        with(json!([patient("p1"), patient("p1")]), "#p1"),
        {"resource": observation("#p1")},
        with(json!([patient("p1")]), "#"),
        {"resource": patient("p1")},
        // What the same text means nothing in above, it means here.
        with(json!([patient("p1")]), "#p1"),
    ]});
    let left = rewritten(&policy, &body);
    let entries = left["entry"].as_array().unwrap();
    // Of what is not there, says nothing of whom it is, or could be two, nobody knows whose it is.
    assert_eq!(entries.len(), 3, "{left}");
    let own = entries[0]["resource"]["contained"][0]["id"].as_str().unwrap();
    assert_eq!(entries[0]["resource"]["subject"]["reference"], json!(format!("#{own}")));
}

/// As large as a response may be: what grew with the square of it took minutes.
#[test]
fn a_record_with_very_many_contained_persons_is_judged_all_the_same() {
    let count = 60_000;
    let contained: Vec<Value> = (0..count).map(|n| patient(&format!("p{n}"))).collect();
    let subjects: Vec<Value> = (0..count).map(|n| json!({"reference": format!("#p{n}")})).collect();
    let body =
        json!({"resourceType": "Observation", "contained": contained, "subject": subjects}).to_string();
    let mut policy = policy(Linkability::Domain, None);
    policy.shapes[1].subject = Subject::At(vec![build::at("$.subject[*].reference")]);
    let plan = Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
    let done = rewrite(&plan, body.as_bytes(), &SALT, &mut ()).unwrap();
    let left: Value = serde_json::from_slice(done.released.body()).unwrap();
    assert_eq!(left["contained"].as_array().map(Vec::len), Some(count));
    assert_eq!(done.disclosure.subjects.len(), 1);
}

#[test]
fn a_conditional_reference_names_a_person_by_the_pseudonym_of_the_number() {
    let policy = policy(Linkability::Domain, Some("$.entry[*]"));
    let cpr = "urn:oid:1.2.208.176.1.2";
    let entry = |reference: String| json!({ "resource": observation(&reference) });
    let body = json!({"entry": [
        {"resource": patient("p-1")},
        entry(format!("Patient?identifier={cpr}|2512489996")),
        entry(format!("https://emr.example/Patient?identifier={}%7C251248-9996", cpr.replace(':', "%3A"))),
        entry(format!("Patient?identifier={cpr}|2512489996&active=true")),
        entry(format!("Patient?identifier={cpr}%257C2512489996")),
        entry("Patient?identifier=https://other.example|2512489996".into()),
        entry(format!("Patient?identifier={cpr}|2512489996#x")),
        entry("Patient?name=2512489996".into()),
    ]});
    let left = rewritten(&policy, &body);
    let entries = left["entry"].as_array().unwrap();
    assert_eq!(entries.len(), 3, "{left}");
    let number = entries[0]["resource"]["cpr"].as_str().unwrap();
    for entry in &entries[1..] {
        let wanted = json!(format!("Patient?identifier={cpr}|{number}"));
        assert_eq!(entry["resource"]["subject"]["reference"], wanted);
    }
}

const REFERENCES: &[&str] = &[
    "Patient/a",
    "Patient/b/_history/1",
    "https://emr.example/fhir/Patient/a",
    UUID,
    "urn:uuid:1c3151bd-1cbf-4d64-b04d-cd9187a4c6e1",
    "#a",
    "#b",
    "#",
    "Patient?identifier=urn:oid:1.2.208.176.1.2|2512489996",
    "Patient?identifier=urn%3Aoid%3A1.2.208.176.1.2%7C0504909995",
    "Patient?identifier=urn:oid:1.2.208.176.1.6.1.3.181|0703921VJ4",
    "Patient?identifier=urn:oid:1.2.208.176.1.2|0000000000",
    "Patient?identifier=x|2512489996",
    "nothing",
];

fn some(
    key: &'static str,
    values: &'static [&'static str],
) -> impl Strategy<Value = Option<(String, Value)>> {
    proptest::option::weighted(0.9, select(values).prop_map(move |text| (key.to_owned(), json!(text))))
}

fn resource(deep: bool) -> BoxedStrategy<Value> {
    let contained = if deep { vec(resource(false), 0..3).boxed() } else { Just(Vec::new()).boxed() };
    (
        some("resourceType", &["Patient", "Observation", "Observation", "unknown"]),
        some("id", &["a", "b", "b", "not an id"]),
        some("cpr", &["251248-9996", "0504909995", "none"]),
        select(REFERENCES),
        contained,
    )
        .prop_map(|(resource_type, id, cpr, reference, contained)| {
            let members = resource_type.into_iter().chain(id).chain(cpr);
            let mut resource = Value::Object(members.collect());
            resource["subject"] = json!({ "reference": reference });
            if !contained.is_empty() {
                resource["contained"] = json!(contained);
            }
            resource
        })
        .boxed()
}

fn bundle() -> impl Strategy<Value = Value> {
    let entry = (some("fullUrl", REFERENCES), resource(true)).prop_map(|(full_url, resource)| {
        let mut entry = Value::Object(full_url.into_iter().collect());
        entry["resource"] = resource;
        entry
    });
    prop_oneof![4 => vec(entry, 0..5).prop_map(|entries| json!({ "entry": entries })), 1 => resource(true)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn they_agree_on_every_form_of_reference(
        body in bundle(),
        linkability in select(&[Linkability::Domain, Linkability::Document, Linkability::None][..]),
        record in select(&[None, Some("$.entry[*]"), Some("$.entry[*].resource.contained[*]")][..]),
    ) {
        let policy = policy(linkability, record);
        let keys = KeyRing::throw_away([7; 32]);
        let plan = Plan::compile(&policy, &policy.routes[0], &keys).unwrap();
        let body = body.to_string();
        let real = rewrite(&plan, body.as_bytes(), &SALT, &mut ());
        let oracle = Oracle::new(&policy, &policy.routes[0], &keys, &Everyone, SALT).rewrite(body.as_bytes());
        if let Err(difference) = compare(&policy, &real, oracle) {
            prop_assert!(false, "{}\n{}", body, difference);
        }
    }
}
