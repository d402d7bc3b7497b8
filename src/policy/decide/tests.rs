use jiff::civil::date;

use super::*;
use crate::ids::{PolicyVersion, Purpose};
use crate::policy::checked::{
    Agreement, Category, Consent, CprInText, Identity, Kind, Limits, Linkability, Policy, Pseudonyms,
    PurposeInfo, RecipientInfo, Relation, Request, Response, Sought, Subject, Transfer,
};
use crate::pseudonym::{Input, KeyRing, Linkage};

fn policy(routes: Vec<Route>) -> Policy {
    Policy {
        file: "policies/sms.toml".into(),
        profiles: vec![],
        version: PolicyVersion([0; 32]),
        recipient: RecipientInfo {
            id: RecipientId::new("sms"),
            name: "Påmind ApS".into(),
            relation: Relation::Processor,
            contact: "x@y.example".into(),
        },
        identity: Identity {
            anchor: "partners".into(),
            presented: crate::identity::Presented::Uri("urn:x".into()),
            token_sha256: None,
        },
        agreement: Agreement {
            reference: "D".into(),
            signed: date(2026, 1, 1),
            review: date(2027, 1, 1),
            expires: date(2028, 1, 14),
        },
        purpose: PurposeInfo {
            id: Purpose::new("reminders"),
            category: Category::Service,
            basis: Vec::new(),
            consent: Consent::NotRequired,
            retention: "30 days".into(),
        },
        transfer: Transfer { country: "DK".into(), ground: None, expires: None },
        pseudonyms: Pseudonyms {
            domain: "sms".into(),
            scheme: Scheme::Keyed,
            linkability: Linkability::Domain,
        },
        limits: Limits {
            requests_per_second: 50,
            burst: 100,
            concurrency: 64,
            subjects_per_day: None,
            novelty: None,
            novelty_answer: crate::policy::checked::NoveltyAnswer::Alarm,
            absent: None,
            buffer: 1 << 20,
            response: 1 << 20,
        },
        cpr_in_text: CprInText::Mask,
        address_markers: Vec::new(),
        shapes: Vec::new(),
        routes,
        extract: None,
        tests: Vec::new(),
    }
}

fn route(name: &str, path: &[(&str, Option<Pattern>)], query: &[(&str, Pattern)]) -> Route {
    let segment = |(text, pattern): &(&str, Option<Pattern>)| match pattern {
        None => PathSegment::Literal((*text).to_owned()),
        Some(pattern) => {
            PathSegment::Named { name: (*text).to_owned(), wanted: Wanted::Pattern(pattern.clone()) }
        }
    };
    Route {
        name: name.to_owned(),
        methods: vec![Method::Get],
        path: path.iter().map(segment).collect(),
        path_text: String::new(),
        query: query
            .iter()
            .map(|(name, pattern)| Parameter {
                name: (*name).to_owned(),
                wanted: Wanted::Pattern(pattern.clone()),
                selects: None,
            })
            .collect(),
        upstream: "booking".into(),
        accept_clear: None,
        request: None,
        response: Response {
            record: None,
            subject: Subject::Nobody { reason: "none".into() },
            media_types: Vec::new(),
            shapes: Vec::new(),
            rules: Vec::new(),
            status_map: Vec::new(),
            base: Vec::new(),
            location: false,
        },
        line: 1,
    }
}

fn set(policy: Policy) -> PolicySet {
    PolicySet::build(vec![policy], &KeyRing::throw_away([1; 32])).unwrap()
}

fn routes() -> Vec<Route> {
    vec![
        route("one", &[("appointments", None), ("id", Some(Pattern::Uuid))], &[]),
        route("word", &[("appointments", None), ("code", Some(Pattern::Word))], &[]),
        route("today", &[("appointments", None), ("today", None)], &[]),
        route(
            "list",
            &[("appointments", None)],
            &[("from", Pattern::Date), ("code", Pattern::Token), ("name", Pattern::Word)],
        ),
        route(
            "number",
            &[("numbers", None), ("number", Some(Pattern::Integer))],
            &[("at", Pattern::FhirDate)],
        ),
        route("root", &[], &[]),
    ]
}

/// Decides a GET of a plain target on an ordinary day.
fn decide(set: &PolicySet, method: &str, target: &str) -> Result<Permit, Denied> {
    decide_on(set, date(2028, 1, 14), method, target)
}

fn decide_on(set: &PolicySet, today: Date, method: &str, target: &str) -> Result<Permit, Denied> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<String> = path.split('/').skip(1).filter(|s| !s.is_empty()).map(Into::into).collect();
    let query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let asked =
        Asked { method, path, segments: &segments, query: &query, fields: &[], rows: &Rows::default() };
    set.decide(&RecipientId::new("sms"), today, asked)
}

#[test]
fn a_path_picks_its_most_literal_fitting_route() {
    let set = set(policy(routes()));
    for (target, wanted) in [
        ("/appointments/0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49", "one"),
        ("/appointments/abc", "word"),
        ("/appointments/today", "today"),
        ("/appointments?from=2026-03-04&code=a|b", "list"),
        ("/", "root"),
    ] {
        let permit = decide(&set, "GET", target).unwrap();
        assert_eq!(permit.route().checked().name, wanted, "{target}");
        assert_eq!(permit.path(), target.split('?').next().unwrap());
        assert!(decide(&set, "HEAD", target).is_ok());
    }
}

#[test]
fn what_the_policy_does_not_name_is_denied_in_the_order_of_the_table() {
    let set = set(policy(routes()));
    for (method, target, wanted) in [
        ("GET", "/Appointments", Denied::NoRoute),
        ("GET", "/appointments/a/b", Denied::NoRoute),
        ("POST", "/nowhere", Denied::NoRoute),
        ("POST", "/appointments", Denied::Method),
        ("get", "/appointments", Denied::Method),
        ("DELETE", "/appointments?x=1", Denied::Method),
        ("GET", "/appointments?x=1", Denied::Unlisted),
        ("GET", "/appointments?From=2026-03-04", Denied::Unlisted),
        ("GET", "/appointments/today?from=2026-03-04", Denied::Unlisted),
        ("GET", "/appointments?from=2026-03-04&from=2026-03-05", Denied::Repeated),
        ("GET", "/appointments?from=tomorrow", Denied::Pattern),
        ("GET", "/appointments?from=", Denied::Pattern),
        ("GET", "/appointments/a b", Denied::Pattern),
    ] {
        assert_eq!(decide(&set, method, target).unwrap_err(), wanted, "{method} {target}");
    }
}

#[test]
fn a_cpr_in_clear_is_refused_wherever_the_recipient_puts_it() {
    let set = set(policy(routes()));
    for target in [
        "/appointments/2512489996",
        "/appointments/251248-9996",
        "/appointments?name=251248-9996",
        "/appointments?from=2512489996",
        "/appointments?code=urn:oid:1.2.208.176.1.2|2512489996",
        "/appointments/504909995",
        "/appointments/00504909995",
        "/appointments/50490-9995",
        "/appointments/50490.9995",
        "/appointments/x504909995",
        "/appointments/25-12-48-9996",
        "/appointments/25121948-9996",
        "/appointments/2512-48-9996",
        "/appointments/251-2489-996",
        "/appointments/%32%35%31%32%34%38%39%39%39%36",
        "/appointments/%35%30%34909995",
        "/appointments/25%2D1248%2D9996",
        "/appointments/MjUxMjQ4LTk5OTY",
        "/appointments/00000000-0000-4000-8000-002512489996",
        "/appointments?name=504909995",
        "/appointments?from=504909995",
        "/appointments?code=504909995",
        "/appointments?code=urn:oid:1.2.208.176.1.2|504909995",
        "/appointments?code=urn:oid:1.2.208.176.1.2|0504909995",
        "/appointments?code=http://snomed.info/sct|504909995",
        "/appointments?code=http://snomed.info/sct|2512489996",
        "/numbers/504909995",
        "/numbers/2512489996",
        "/numbers/000504909995",
    ] {
        assert_eq!(decide(&set, "GET", target).unwrap_err(), Denied::ClearIdentifier, "{target}");
    }
}

#[test]
fn a_value_that_cannot_be_a_cpr_goes_on_working() {
    let set = set(policy(routes()));
    for target in [
        "/appointments/0b5e1f6a-2f7e-4e57-9e0f-0d8f1c2b3a49",
        "/appointments/1a2b3c4d-5e6f-4a7b-8c9d-5f2512489996",
        "/appointments/ab251248-9996-4abc-8abc-abcdefabcdef",
        "/appointments/12345678",
        "/appointments/appointment-12345",
        "/appointments/2026-000317",
        "/appointments/994909995",
        "/appointments/tvk1-bcdfghjklmnpqrstbcdfghjklmnpqrst",
        "/appointments?from=1948-12-25",
        "/appointments?code=http://loinc.org|8480-6",
        "/appointments?code=http://snomed.info/sct|110483000",
        "/appointments?code=urn:oid:1.2.208.176.1.2|tvk1-bcdfghjklmnpqrstbcdfghjklmnpqrst",
        "/appointments?code=urn:oid:1.2.208.176.2.4|DE119",
        "/numbers/12345678",
        "/numbers/00000012",
        "/numbers/1?at=2012-12-12T10:15:00.251248999Z",
        "/numbers/1?at=ge2025-12-04",
    ] {
        assert!(decide(&set, "GET", target).is_ok(), "{target}");
    }
}

#[test]
fn a_route_that_accepts_clear_identifiers_says_so() {
    let mut routes = routes();
    routes[1].accept_clear = Some("dbl-11-2-3".into());
    let set = set(policy(routes));
    assert!(decide(&set, "GET", "/appointments/251248-9996").is_ok());
    assert_eq!(decide(&set, "GET", "/appointments?name=251248-9996").unwrap_err(), Denied::ClearIdentifier);
}

#[test]
fn an_agreement_is_closed_before_its_first_and_after_its_last_day_whatever_is_asked() {
    let set = set(policy(routes()));
    assert!(decide_on(&set, date(2026, 1, 1), "GET", "/").is_ok());
    assert_eq!(decide_on(&set, date(2025, 12, 31), "GET", "/").unwrap_err(), Denied::Lapsed);
    assert!(decide_on(&set, date(2028, 1, 14), "GET", "/").is_ok());
    for target in ["/", "/nowhere", "/appointments?x=1"] {
        assert_eq!(decide_on(&set, date(2028, 1, 15), "GET", target).unwrap_err(), Denied::Lapsed);
    }
}

#[test]
fn a_transfer_is_closed_after_its_last_day() {
    let mut policy = policy(routes());
    policy.transfer.expires = Some(date(2026, 9, 30));
    let set = set(policy);
    assert!(decide_on(&set, date(2026, 9, 30), "GET", "/").is_ok());
    for target in ["/", "/nowhere"] {
        assert_eq!(decide_on(&set, date(2026, 10, 1), "GET", target).unwrap_err(), Denied::TransferLapsed);
    }
    assert_eq!(decide_on(&set, date(2028, 1, 15), "GET", "/").unwrap_err(), Denied::Lapsed);
}

#[test]
fn debug_shows_no_value_of_a_request() {
    let set = set(policy(routes()));
    let permit = decide(&set, "GET", "/appointments/abc?").unwrap();
    assert_eq!(format!("{permit:?}"), "Permit { route: \"word\", .. }");
    let segments = ["abc".to_owned()];
    let asked = Asked {
        method: "GET",
        path: "/abc",
        segments: &segments,
        query: &[],
        fields: &[("x", "abc")],
        rows: &Rows::default(),
    };
    assert_eq!(format!("{asked:?}"), "Asked { segments: 1, .. }");
    let form = Form { pairs: vec![("a".to_owned(), "abc".to_owned())], resolved: Vec::new() };
    assert_eq!(format!("{form:?}"), "Form(…)");
}

#[test]
fn a_stranger_has_no_policy() {
    let set = set(policy(routes()));
    let asked =
        Asked { method: "GET", path: "/", segments: &[], query: &[], fields: &[], rows: &Rows::default() };
    let denied = set.decide(&RecipientId::new("other"), date(2026, 1, 1), asked).unwrap_err();
    assert_eq!(denied, Denied::NoPolicy);
}

const RING: [u8; 32] = [1; 32];
const CPR_SYSTEM: &str = "urn:oid:1.2.208.176.1.2";

fn sealed(ring: [u8; 32], domain: &str, input: Input<'_>) -> String {
    let mut out = Vec::new();
    let maker = KeyRing::throw_away(ring).pseudonymiser(domain, Scheme::Sealed).unwrap();
    assert!(maker.write(input, Linkage::Domain, &mut out));
    String::from_utf8(out).unwrap()
}

fn nancy() -> Input<'static> {
    Input { kind: "cpr", resource_type: "", system: "", value: "2512489996" }
}

/// One route that resolves in every place of a request's head.
fn resolving() -> PolicySet {
    resolving_by(None)
}

fn resolving_by(accept_clear: Option<&str>) -> PolicySet {
    let sought = |kind, system: Option<&str>| {
        Wanted::Pseudonym(Sought { kind, system: system.map(ToOwned::to_owned) })
    };
    let parameter = |name: &str, wanted| Parameter { name: name.to_owned(), wanted, selects: None };
    let patient = || Kind::Id { resource_type: "Patient".into() };
    let mut route = route("sealed", &[("Patient", None)], &[]);
    route.path.push(PathSegment::Named { name: "id".into(), wanted: sought(patient(), None) });
    route.query = vec![
        parameter("identifier", sought(Kind::Cpr, Some(CPR_SYSTEM))),
        parameter("subject", sought(Kind::Reference, Some(CPR_SYSTEM))),
    ];
    let fields = vec![parameter("x-patient", sought(Kind::Cpr, None))];
    route.request = Some(Request { fields, content: Content::Nothing, limit: 0 });
    route.accept_clear = accept_clear.map(Into::into);
    let mut create = route.clone();
    create.name = "other-method".into();
    create.methods = vec![Method::Post];
    let mut policy = policy(vec![create, route]);
    policy.pseudonyms.scheme = Scheme::Sealed;
    set(policy)
}

fn ask(set: &PolicySet, id: &str, query: &[(&str, &str)], fields: &[(&str, &str)]) -> Result<Permit, Denied> {
    let query: Vec<(String, String)> =
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (path, segments) = (format!("/Patient/{id}"), ["Patient".to_owned(), id.to_owned()]);
    let asked = Asked {
        method: "GET",
        path: &path,
        segments: &segments,
        query: &query,
        fields,
        rows: &Rows::default(),
    };
    set.decide(&RecipientId::new("sms"), date(2026, 3, 4), asked)
}

#[test]
fn pseudonyms_become_what_they_stand_for_wherever_the_route_takes_them() {
    let set = resolving();
    let id = sealed(RING, "sms", Input::id("Patient", "AFT-KQ7"));
    let cpr = sealed(RING, "sms", nancy());
    let token = format!("{CPR_SYSTEM}|{cpr}");
    for subject in [format!("Patient/{id}"), format!("Patient?identifier={token}")] {
        let query = [("identifier", token.as_str()), ("subject", subject.as_str())];
        let permit = ask(&set, &id.to_uppercase(), &query, &[("x-patient", &cpr), ("x-other", "1")]).unwrap();
        assert_eq!(permit.path(), "/Patient/AFT-KQ7");
        let clear = format!("{CPR_SYSTEM}|2512489996");
        let reference = if subject.contains('?') {
            format!("Patient?identifier={clear}")
        } else {
            "Patient/AFT-KQ7".into()
        };
        let wanted = [("identifier".to_owned(), clear), ("subject".to_owned(), reference)];
        assert_eq!(permit.query(), wanted);
        assert_eq!(permit.fields(), [("x-patient".to_owned(), "2512489996".to_owned())]);
        assert_eq!(permit.resolved().len(), 4);
        let key = KeyRing::throw_away(RING).subject_key().unwrap();
        assert!(permit.resolved().iter().any(|one| one.subject() == key.id(nancy()) && one.is_number()));
        assert!(permit.resolved().iter().any(|one| !one.is_number()));
        assert_eq!(format!("{:?}", permit.resolved()[0]), "Resolved(…)");
    }
}

#[test]
fn what_does_not_open_is_denied_alike() {
    let set = resolving();
    let good = sealed(RING, "sms", Input::id("Patient", "AFT-KQ7"));
    let mut forged = good.clone();
    let last = if forged.ends_with('q') { "r" } else { "q" };
    forged.replace_range(forged.len() - 1.., last);
    for id in [
        forged,
        sealed(RING, "other", Input::id("Patient", "AFT-KQ7")),
        sealed([2; 32], "sms", Input::id("Patient", "AFT-KQ7")),
        sealed(RING, "sms", Input::id("Observation", "AFT-KQ7")),
        sealed(RING, "sms", nancy()),
        // What an upstream's id may be, and a segment of a path may not.
        sealed(RING, "sms", Input::id("Patient", "..")),
        sealed(RING, "sms", Input::id("Patient", "a/b")),
        "tvk1-bcdfghjklmnpqrstbcdfghjklmnpqrst".into(),
        "tvs1-".into(),
        "AFT-KQ7".into(),
        format!("{good},{good}"),
    ] {
        assert_eq!(ask(&set, &id, &[], &[]).unwrap_err(), Denied::Pseudonym, "{id}");
    }
    let cpr = sealed(RING, "sms", nancy());
    for value in [
        cpr.clone(),
        format!("|{cpr}"),
        format!("urn:oid:1.2.208.176.1.3|{cpr}"),
        format!("{CPR_SYSTEM}|{good}"),
        format!("{CPR_SYSTEM}|{cpr},{CPR_SYSTEM}|{cpr}"),
    ] {
        assert_eq!(
            ask(&set, &good, &[("identifier", &value)], &[]).unwrap_err(),
            Denied::Pseudonym,
            "{value}"
        );
    }
    for value in [
        good.clone(),
        format!("Observation/{good}"),
        format!("https://x/Patient/{good}"),
        format!("?identifier={CPR_SYSTEM}|{cpr}"),
        format!("Pa-tient?identifier={CPR_SYSTEM}|{cpr}"),
    ] {
        assert_eq!(ask(&set, &good, &[("subject", &value)], &[]).unwrap_err(), Denied::Pseudonym, "{value}");
    }
    let clear = format!("{CPR_SYSTEM}|2512489996");
    assert_eq!(ask(&set, &good, &[("identifier", &clear)], &[]).unwrap_err(), Denied::ClearIdentifier);
    assert_eq!(ask(&set, "251248-9996", &[], &[]).unwrap_err(), Denied::ClearIdentifier);
    let twice = [("x-patient", cpr.as_str()), ("x-patient", cpr.as_str())];
    assert_eq!(ask(&set, &good, &[], &twice).unwrap_err(), Denied::FieldRepeated);
    // Where clear numbers are accepted, one that stands for a pseudonym is none all the same.
    let accepting = resolving_by(Some("dbl-11-2-3"));
    assert_eq!(ask(&accepting, "251248-9996", &[], &[]).unwrap_err(), Denied::Pseudonym);
}

#[test]
fn the_methods_of_a_path_are_those_of_all_its_routes() {
    let set = resolving();
    let segments = ["Patient".to_owned(), "x".to_owned()];
    assert_eq!(set.methods(&RecipientId::new("sms"), &segments), ["GET", "HEAD", "POST"]);
    assert!(set.methods(&RecipientId::new("sms"), &[]).is_empty());
}
