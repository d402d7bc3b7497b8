use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::absence;
use crate::authoring::draft;

/// Everything that comes out of samples.
fn told(documents: &[Value]) -> (Vec<Part>, String) {
    let mut learner = Learner::new(Names::new([]));
    for document in documents {
        learner.document(document).unwrap();
    }
    let parts = learner.parts();
    let text = format!("{parts:?}\n{}", draft::policy(&parts, Some("lab"), &[]));
    (parts, text)
}

fn place<'p>(parts: &'p [Part], location: &str) -> &'p Place {
    let places = parts.iter().flat_map(|part| &part.places);
    let found = places.into_iter().find(|place| place.location == location);
    found.unwrap_or_else(|| panic!("{location} in {parts:?}"))
}

#[test]
fn locations_come_with_types_lengths_and_classes() {
    let (parts, text) = told(&[
        json!({"aftaler": [{"navn": "Nancy", "antal": 2, "start": "2026-03-04T09:20:00+01:00"}, {"navn": "Else Test"}]}),
        json!({"aftaler": []}),
    ]);
    let name = place(&parts, "$.aftaler[*].navn");
    assert_eq!(name.facts.lengths, Some((5, 9)));
    assert_eq!(name.facts.classes, BTreeMap::from([(Class::Name, 2)]));
    assert_eq!(place(&parts, "$.aftaler").facts.count, 2);
    assert_eq!(place(&parts, "$.aftaler[*].antal").class(), Some(Class::Number));
    assert!(text.contains("# \"$.aftaler[*].start\" = { generalise = \"month\" }"), "{text}");
}

#[test]
fn resources_are_learnt_by_their_kind_and_identifiers_by_their_system() {
    let patient = json!({"resourceType": "Patient", "birthDate": "1948-12-25", "identifier": [
        {"system": "urn:oid:1.2.208.176.1.2", "value": "2512489996"}, {"system": "urn:x", "value": "A-1"}]});
    let (parts, text) = told(&[
        json!({"resourceType": "Bundle", "total": 1, "entry": [{"resource": patient}]}),
        json!({"resourceType": "Nancy", "x": 1}),
    ]);
    assert_eq!(parts.iter().map(|part| part.resource).collect::<Vec<_>>(), [None, Some("Patient")]);
    place(&parts, "$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value");
    // Not those of the system above: a rule for both would be a second one for the same value.
    place(&parts, "$.identifier[?@.system!='urn:oid:1.2.208.176.1.2'].value");
    assert!(
        text.contains("# record  = \"$.entry[*]\"") && text.contains("# shapes  = [\"Bundle\", \"Patient\"]"),
        "{text}"
    );
    assert!(!text.contains("include"), "{text}");
    let shipped = draft::policy(&parts, None, &["Patient"]);
    assert!(
        shipped.contains("# include = [\"profiles/fhir.toml\"]") && shipped.contains("`like = \"Patient\"`"),
        "{shipped}"
    );
    assert!(
        text.contains("# subject = [\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\"]"),
        "{text}"
    );
    assert!(text.contains("# \"$.birthDate\""), "{text}");
    assert!(!text.contains("Nancy") && !text.contains("urn:x"), "{text}");
}

#[test]
fn too_many_names_are_no_names() {
    let words: Vec<&str> =
        include_str!("../names/words.txt").lines().skip(2).flat_map(str::split_whitespace).collect();
    let many: Map<String, Value> =
        words.iter().take(300).map(|word| ((*word).to_owned(), json!(1))).collect();
    let (parts, _) = told(&[Value::Object(many)]);
    assert_eq!(place(&parts, "$.{dynamic}").facts.count, 100);
    let mut learner = Learner::new(Names::new([]));
    let wide: Map<String, Value> =
        words.iter().take(150).map(|word| ((*word).to_owned(), json!({}))).collect();
    let wider: Map<String, Value> =
        words.iter().take(150).map(|word| ((*word).to_owned(), json!(wide))).collect();
    assert_eq!(learner.document(&json!(wider)), Err(TooManyPaths));
}

/// What must not come out, as it may stand in samples.
const PLANTED: &[&str] = &[
    "2512489996",
    "251248-9996",
    "0703921VJ4",
    "6512489996",
    "Nancy",
    "Nancy Ann Berggren",
    "berggren",
    "ELMER",
    "A-88120",
    "3f2b8c1e-9d4a-4c5b-8e7f-0a1b2c3d4e5f",
    "nancy.berggren@example.dk",
    "20304050",
    "+45 20 30 40 51",
    "1948-12-25",
    "Tårnhøjvej 47",
    "87.54.1.2",
    "patient-2512489996",
    "005ML",
    "Xqzwv",
];

fn planted() -> impl Strategy<Value = String> {
    proptest::sample::select(PLANTED).prop_map(str::to_owned)
}

fn plain_name() -> impl Strategy<Value = String> {
    proptest::sample::select(
        &["patient", "navn", "cpr", "aftaleId", "entry", "resource", "tekst", "items"][..],
    )
    .prop_map(str::to_owned)
}

/// Documents with planted names and values at any depth.
fn documents() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        planted().prop_map(Value::from),
        planted().prop_map(|text| text.parse::<u64>().map_or(Value::Null, Value::from)),
        (planted(), planted()).prop_map(|(a, b)| Value::from(format!("{a} og {b}"))),
        Just(json!(true)),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        let name = prop_oneof![plain_name(), planted(), planted().prop_map(|text| format!("navn_{text}"))];
        let kind = prop_oneof![Just(String::from("Patient")), planted()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((name, inner.clone()), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            (kind, planted(), inner).prop_map(|(kind, system, inner)| {
                json!({"resourceType": kind, "identifier": [{"system": system, "value": system}], "name": inner})
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_of_a_person_comes_out(document in documents()) {
        let (_, text) = told(&[document]);
        // What is the same in every draft is no sample's: only lines with locations are searched.
        let text: String = text.lines().filter(|line| line.contains('$')).collect();
        let found = absence::find_any(text.as_bytes(), PLANTED);
        let found: Vec<&str> = found.into_iter().filter_map(|index| PLANTED.get(index).copied()).collect();
        prop_assert!(found.is_empty(), "{found:?} in {text}");
    }
}
