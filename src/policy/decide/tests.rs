use jiff::civil::date;

use super::*;
use crate::ids::{PolicyVersion, Purpose};
use crate::policy::checked::{
    Agreement, Category, CprInText, Identity, Limits, Linkability, Policy, Pseudonyms, PurposeInfo,
    QueryParameter, RecipientInfo, Relation, Response, Subject, Transfer,
};
use crate::pseudonym::{KeyRing, Scheme};

fn policy(routes: Vec<Route>) -> Policy {
    Policy {
        file: "policies/sms.toml".into(),
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
        transfer: Transfer { country: "DK".into(), ground: None },
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
            buffer: 1 << 20,
            response: 1 << 20,
        },
        cpr_in_text: CprInText::Mask,
        shapes: Vec::new(),
        routes,
        tests: Vec::new(),
    }
}

fn route(name: &str, path: &[(&str, Option<Pattern>)], query: &[(&str, Pattern)]) -> Route {
    let segment = |(text, pattern): &(&str, Option<Pattern>)| match pattern {
        None => PathSegment::Literal((*text).to_owned()),
        Some(pattern) => PathSegment::Keep { name: (*text).to_owned(), pattern: pattern.clone() },
    };
    Route {
        name: name.to_owned(),
        methods: vec![Method::Get],
        path: path.iter().map(segment).collect(),
        path_text: String::new(),
        query: query
            .iter()
            .map(|(name, pattern)| QueryParameter {
                name: (*name).to_owned(),
                pattern: pattern.clone(),
                selects: None,
            })
            .collect(),
        upstream: "booking".into(),
        accept_clear: None,
        response: Response {
            record: None,
            subject: Subject::Nobody { reason: "none".into() },
            media_types: Vec::new(),
            shapes: Vec::new(),
            rules: Vec::new(),
            status_map: Vec::new(),
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
    let asked = Asked { method, path, segments: &segments, query: &query };
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
    ] {
        assert_eq!(decide(&set, "GET", target).unwrap_err(), Denied::ClearIdentifier, "{target}");
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
fn a_policy_that_needs_consent_is_closed_while_there_is_no_register_of_it() {
    let mut needy = policy(routes());
    needy.purpose.consent = Consent::Required;
    let set = set(needy);
    assert_eq!(decide(&set, "GET", "/").unwrap_err(), Denied::ConsentUnavailable);
}

#[test]
fn a_stranger_has_no_policy() {
    let set = set(policy(routes()));
    let asked = Asked { method: "GET", path: "/", segments: &[], query: &[] };
    let denied = set.decide(&RecipientId::new("other"), date(2026, 1, 1), asked).unwrap_err();
    assert_eq!(denied, Denied::NoPolicy);
}
