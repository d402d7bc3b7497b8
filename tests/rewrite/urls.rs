//! URLs: each part that leaves is a route's, a template's, admitted by a pattern, or a pseudonym.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tavs::absence;
use tavs::judge::Everyone;
use tavs::policy::checked::{
    Action, CprInText, Kind, Linkability, Parameter, PathSegment, Pattern, Policy, Route, Sought, Template,
    Templates, Url, Wanted,
};
use tavs::policy::plan::Plan;
use tavs::pseudonym::{KeyRing, Scheme};
use tavs::rewrite::rewrite;

use crate::build;
use crate::generate::PERSONS;
use crate::oracle::Oracle;
use crate::properties::{agreed, compare};

const SALT: [u8; 16] = *b"salt of one body";
const CPR: &str = "urn:oid:1.2.208.176.1.2";

fn parameter(name: &str, wanted: Wanted) -> Parameter {
    Parameter { name: name.into(), wanted, selects: None }
}

fn resolve(kind: Kind, system: Option<&str>) -> Wanted {
    Wanted::Pseudonym(Sought { kind, system: system.map(str::to_owned) })
}

fn literal(text: &str) -> PathSegment {
    PathSegment::Literal(text.into())
}

fn of_patient() -> Kind {
    Kind::Id { resource_type: "Patient".into() }
}

/// A recipient with a few routes, and a rule for each way of handling URLs.
fn policy(bases: &[&str]) -> Policy {
    let template = |text: &str, segments: &[Option<&str>]| Template {
        text: text.into(),
        segments: segments.iter().map(|segment| segment.map(str::to_owned)).collect(),
    };
    let templates = Templates {
        paths: vec![
            template("/patient/{id}/booking", &[Some("patient"), None, Some("booking")]),
            template("/login", &[Some("login")]),
        ],
        query: vec![parameter("ref", Wanted::Pattern(Pattern::Word))],
    };
    let mut response = build::response(vec![
        build::rule("$.id", Action::Pseudonymise(of_patient())),
        build::rule("$.cpr", Action::Pseudonymise(Kind::Cpr)),
        build::rule("$.urls[*]", Action::Url(Url::Route)),
        build::rule("$.seen[*]", Action::Url(Url::Templates(templates))),
    ]);
    response.base = bases.iter().map(|base| (*base).to_owned()).collect();
    let made = (Scheme::Sealed, Linkability::Domain);
    let mut policy = build::policy("urls", made, CprInText::Mask, Vec::new(), response);
    let mut route = policy.routes[0].clone();
    route.path = vec![
        literal("fhir"),
        literal("Patient"),
        PathSegment::Named { name: "id".into(), wanted: resolve(of_patient(), None) },
    ];
    policy.routes.push(route.clone());
    route.path.pop();
    route.query = vec![
        parameter("identifier", resolve(Kind::Cpr, Some(CPR))),
        parameter("subject", resolve(Kind::Reference, Some(CPR))),
        parameter("_id", resolve(of_patient(), None)),
        parameter("_offset", Wanted::Pattern(Pattern::Integer)),
        parameter("name", Wanted::Pattern(Pattern::Word)),
    ];
    policy.routes.push(route.clone());
    route.path = vec![literal("fhir")];
    route.query = vec![
        parameter("_getpages", Wanted::Pattern(Pattern::Uuid)),
        parameter("_bundletype", Wanted::Pattern(Pattern::OneOf(vec!["searchset".into()]))),
    ];
    policy.routes.push(route.clone());
    route.path = vec![
        literal("visits"),
        PathSegment::Named { name: "day".into(), wanted: Wanted::Pattern(Pattern::Word) },
    ];
    route.query.clear();
    policy.routes.push(route.clone());
    route.path = vec![literal("other")];
    route.upstream = "another".into();
    policy.routes.push(route);
    policy
}

fn left(policy: &Policy, body: &Value) -> Value {
    let plan = Plan::compile(policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
    let body = body.to_string();
    agreed(policy, body.as_bytes()).unwrap();
    let done = rewrite(&plan, body.as_bytes(), &SALT, &mut ()).unwrap();
    serde_json::from_slice(done.released.body()).unwrap()
}

#[test]
fn a_url_is_the_recipients_own_with_the_pseudonyms_that_its_routes_take() {
    let policy = policy(&["https://emr.example"]);
    let left_of = |url: &str| left(&policy, &json!({"id": "123", "cpr": "2512489996", "urls": [url]}));
    let ids = left_of("");
    let (id, cpr) = (ids["id"].as_str().unwrap(), ids["cpr"].as_str().unwrap());
    let token = format!("urn%3Aoid%3A1.2.208.176.1.2%7C{cpr}");
    let page = "0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49";
    for (url, wanted) in [
        ("https://emr.example/fhir/Patient/123", format!("https://proxy.invalid/fhir/Patient/{id}")),
        (
            "https://emr.example/fhir/Patient/123/_history/2",
            format!("https://proxy.invalid/fhir/Patient/{id}"),
        ),
        ("/fhir/Patient/123", format!("/fhir/Patient/{id}")),
        ("Patient/123", format!("Patient/{id}")),
        ("Patient?identifier=urn:oid:1.2.208.176.1.2|2512489996", format!("Patient?identifier={token}")),
        (
            "https://emr.example/fhir/Patient?identifier=urn%3aoid%3a1.2.208.176.1.2%7c251248-9996&_offset=20",
            format!("https://proxy.invalid/fhir/Patient?identifier={token}&_offset=20"),
        ),
        ("Patient?subject=Patient/123", format!("Patient?subject=Patient%2F{id}")),
        (
            "Patient?subject=Patient%3Fidentifier%3Durn:oid:1.2.208.176.1.2%7C2512489996",
            format!("Patient?subject=Patient%3Fidentifier%3D{token}"),
        ),
        (
            "https://emr.example/fhir?_getpages=0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49&_bundletype=searchset",
            format!("https://proxy.invalid/fhir?_getpages={page}&_bundletype=searchset"),
        ),
        ("/visits/today", "/visits/today".to_owned()),
    ] {
        assert_eq!(left_of(url)["urls"], json!([wanted]), "{url}");
    }
}

#[test]
fn what_no_route_of_the_recipient_explains_does_not_leave() {
    let policy = policy(&["https://emr.example"]);
    for url in [
        "https://other.example/fhir/Patient/123",
        "https://emr.example.evil/fhir/Patient/123",
        "https://emr.example@evil.example/fhir/Patient/123",
        "//emr.example/fhir/Patient/123",
        "https://emr.example/fhir/Patient/123#2512489996",
        "https://emr.example/fhir/Patient/123;cpr=2512489996",
        "https://emr.example/fhir/Patient/123/",
        "https://emr.example/fhir/Patient/../Patient/123",
        "https://emr.example/fhir/Patient/%31%32%33",
        "https://emr.example/fhir/Patient/2512489996%2F",
        "https://emr.example/fhir/Patient?identifier=urn:oid:1.2.208.176.1.2%257C2512489996",
        "https://emr.example/fhir/Patient?identifier=2512489996",
        "https://emr.example/fhir/Patient?identifier=https://other|2512489996",
        "https://emr.example/fhir/Patient?_offset=20&cpr=2512489996",
        "https://emr.example/fhir/Patient?name=2512489996",
        "https://emr.example/fhir/Patient?name=%32512489996",
        "https://emr.example/fhir/Patient?name=a&name=b",
        "https://emr.example/fhir/Patient?subject=%23p1",
        "https://emr.example/fhir/Observation/123",
        "https://emr.example/Patient/123",
        "/visits/2512489996",
        "/visits/251248-9996",
        "/other",
        "visits",
        "mailto:2512489996@clinic.example",
        "",
    ] {
        assert_eq!(left(&policy, &json!({"urls": [url]})), json!({}), "{url}");
    }
}

#[test]
fn a_url_that_nobody_follows_leaves_as_the_template_that_it_fits() {
    let policy = policy(&[]);
    for (url, wanted) in [
        ("/patient/0504909995/booking?ref=sms", Some("/patient/{id}/booking?ref=sms")),
        (
            "https://clinic.example/patient/0504909995/booking?ref=sms&u=1",
            Some("/patient/{id}/booking?ref=sms"),
        ),
        ("/patient/0504909995/booking?ref=0504909995", Some("/patient/{id}/booking")),
        ("/login", Some("/login")),
        ("/patient/0504909995", None),
        ("/patient/0504909995/booking#0504909995", None),
        ("/login/0504909995", None),
    ] {
        let left = left(&policy, &json!({"seen": [url]}));
        assert_eq!(left["seen"][0].as_str(), wanted, "{url}");
    }
}

/// Routes that take as they are what the others resolve, or resolve it as something else.
fn rivals(policy: &Policy) -> Vec<Route> {
    let named = |wanted| PathSegment::Named { name: "id".into(), wanted };
    let word = || Wanted::Pattern(Pattern::Word);
    let route = |path: &[PathSegment], query: &[Parameter]| Route {
        path: path.to_vec(),
        query: query.to_vec(),
        ..policy.routes[0].clone()
    };
    let patient = [literal("fhir"), literal("Patient")];
    let below = |wanted| [&patient[..], &[named(wanted)]].concat();
    vec![
        route(&below(word()), &[]),
        route(&below(word()), &[parameter("name", word())]),
        route(&below(Wanted::Pattern(Pattern::OneOf(vec!["123".into()]))), &[]),
        route(&patient, &[parameter("_id", word()), parameter("x", word())]),
        route(&below(resolve(Kind::Id { resource_type: "Person".into() }, None)), &[]),
        route(&[literal("fhir"), named(word()), named(resolve(of_patient(), None))], &[]),
        route(&[named(word()), literal("visits"), named(resolve(of_patient(), None))], &[]),
        route(&[literal("r4"), literal("fhir"), literal("Patient"), named(resolve(of_patient(), None))], &[]),
        route(&[literal("fhir"), literal("Patient"), literal("123")], &[]),
    ]
}

#[test]
fn what_one_route_resolves_leaves_by_no_other_whatever_their_order() {
    let own = policy(&[]);
    let all = rivals(&own);
    // Longer than what the scheme `sealed` takes, and no id of the resource type that is asked for.
    let long = "an-id-of-more-than-16-bytes";
    let pseudonym = left(&own, &json!({"urls": ["/fhir/Patient/123"]}))["urls"][0].clone();
    for (rivals, url, wanted) in [
        (&all[..1], "/fhir/Patient/123", Some(&pseudonym)),
        (&all[..1], "/fhir/Patient/123/_history/2", Some(&pseudonym)),
        (&all[1..3], "/fhir/Patient/123", Some(&pseudonym)),
        (&all[..1], &format!("/fhir/Patient/{long}"), None),
        (&all[..1], &format!("/fhir/Patient/{long}/_history/2"), None),
        (&all[..1], &format!("Patient/{long}"), None),
        // By the rival's own query.
        (&all[1..2], "/fhir/Patient/123?name=x", None),
        (&all[3..4], "/fhir/Patient?_id=123&x=y", None),
        (&all[3..4], &format!("/fhir/Patient?_id={long}"), None),
        // Nobody knows of which type the id is.
        (&all[4..5], "/fhir/Patient/123", None),
        // Below a base that the URL does not show.
        (&all[6..7], "visits/123", None),
    ] {
        for front in [false, true] {
            let mut policy = own.clone();
            let at = if front { 1 } else { policy.routes.len() };
            policy.routes.splice(at..at, rivals.iter().cloned());
            let left = left(&policy, &json!({"urls": [url]}));
            assert_eq!(left["urls"].get(0), wanted, "{url}, rivals in front: {front}");
        }
    }
}

const BASES: &[&[&str]] =
    &[&[], &["https://emr.example"], &["https://emr.example", "http://emr.example:8443/r4"]];
const BEFORE: &[&str] =
    &["https://emr.example", "http://emr.example:8443/r4", "", "", "https://a@emr.example", "//x", "https:"];
const SEGMENTS: &[&str] = &[
    "fhir",
    "fhir",
    "fhir",
    "Patient",
    "Patient",
    "123",
    "visits",
    "patient",
    "booking",
    "login",
    "r4",
    "_history",
    "2",
    "a b",
    "%C3%A5",
    "..",
    "",
    "x;y=1",
    "%2F",
    "a%31",
    "2512489996",
    "251248-9996",
    "%32512489996",
];
const QUERIES: &[&str] = &[
    "identifier=urn:oid:1.2.208.176.1.2|2512489996",
    "identifier=urn%3Aoid%3A1.2.208.176.1.2%7C2512489996",
    "identifier=2512489996",
    "subject=Patient/123",
    "subject=Patient%3Fidentifier=urn:oid:1.2.208.176.1.2%7C0504909995",
    "_id=123",
    "_id=a%20b",
    "_offset=10",
    "_offset=2512489996",
    "name=Nancy",
    "name=2512489996",
    "ref=sms",
    "_getpages=0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49",
    "x",
    "x=1#2",
    "%2532=1",
];

fn url() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        3 => vec(select(SEGMENTS), 0..4),
        2 => select(SEGMENTS).prop_map(|id| vec!["fhir", "Patient", id]),
        1 => select(SEGMENTS).prop_map(|id| vec!["patient", id, "booking"]),
        1 => Just(vec!["fhir", "Patient"]),
        1 => select(SEGMENTS).prop_map(|id| vec!["fhir", "Patient", id, "_history", "2"]),
    ];
    (select(BEFORE), any::<bool>(), path, vec(select(QUERIES), 0..3)).prop_map(
        |(before, root, path, query)| {
            let slash = if root || !before.is_empty() { "/" } else { "" };
            let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
            format!("{before}{slash}{}{query}", path.join("/"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn they_agree_on_urls_and_no_number_leaves_in_one(
        urls in vec(url(), 1..6),
        bases in select(BASES),
        places in vec(any::<Index>(), 9),
        used in vec(proptest::bool::weighted(0.3), 9),
    ) {
        let mut policy = policy(bases);
        let rivals = rivals(&policy).into_iter().zip(used).filter_map(|(route, used)| used.then_some(route));
        for (route, place) in rivals.zip(places) {
            let at = 1 + place.index(policy.routes.len());
            policy.routes.insert(at, route);
        }
        let mut backwards = policy.clone();
        backwards.routes[1..].reverse();
        let keys = KeyRing::throw_away([7; 32]);
        let plan = Plan::compile(&policy, &policy.routes[0], &keys).unwrap();
        let body = json!({"urls": urls, "seen": urls}).to_string();
        let real = rewrite(&plan, body.as_bytes(), &SALT, &mut ());
        let oracle = Oracle::new(&policy, &policy.routes[0], &keys, &Everyone, SALT).rewrite(body.as_bytes());
        match compare(&policy, &real, oracle) {
            Err(difference) => prop_assert!(false, "{}\n{}", body, difference),
            Ok(left) => {
                let left = left.unwrap();
                let plan = Plan::compile(&backwards, &backwards.routes[0], &keys).unwrap();
                let again = rewrite(&plan, body.as_bytes(), &SALT, &mut ()).unwrap();
                prop_assert_eq!(again.released.body(), left.as_slice(), "the order of routes means something");
                let found = absence::find_any(&left, PERSONS);
                prop_assert!(found.is_empty(), "{:?} in {}", found, String::from_utf8_lossy(&left));
            }
        }
    }
}
