//! What hangs on whose record it is: the days by which its dates are moved, and whether name and
//! address leave at all.

use tavs::judge::Everyone;
use tavs::policy::checked::{
    Action, Basis, CprInText, Keep, Kind, Linkability, Policy, Response, Shift, Subject,
};
use tavs::policy::plan::Plan;
use tavs::pseudonym::{KeyRing, NONE_KNOWN, Scheme, ValueKind};
use tavs::rewrite::{Disclosure, FaultKind, NO_BASE, NO_ECHOES, Rewriter, rewrite};

use crate::build::{at, policy, response, rule};
use crate::properties::{in_table, live_keys};

fn of_records(linkability: Linkability, rules: Vec<tavs::policy::checked::Rule>) -> Policy {
    let response = Response {
        record: Some(at("$[*]")),
        subject: Subject::At(vec![at("$.cpr"), at("$.mor.cpr")]),
        ..response(rules)
    };
    policy("a", (Scheme::Keyed, linkability), CprInText::Mask, Vec::new(), response)
}

fn run(policy: &Policy, body: &str, salt: u8) -> (Vec<serde_json::Value>, Disclosure) {
    let plan = Plan::compile(policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
    let rewritten = rewrite(&plan, body.as_bytes(), &[salt; 16], &mut ()).unwrap();
    (serde_json::from_slice(rewritten.released.body()).unwrap(), rewritten.disclosure)
}

fn shifts(linkability: Linkability) -> Policy {
    let shift = || Action::Shift(Shift { days: 3660, ..Shift::DEFAULT });
    of_records(linkability, vec![rule("$[*].a", shift()), rule("$[*].b", shift())])
}

/// How far apart the two dates of each record are, and its first date.
fn dates(policy: &Policy, body: &str, salt: u8) -> Vec<(i32, String)> {
    let (records, _) = run(policy, body, salt);
    let day = |record: &serde_json::Value, name: &str| -> jiff::civil::Date {
        record[name].as_str().unwrap().parse().unwrap()
    };
    records
        .iter()
        .map(|record| {
            let (a, b) = (day(record, "a"), day(record, "b"));
            (a.until(b).unwrap().get_days(), a.to_string())
        })
        .collect()
}

/// The subject stands before, between and after the dates, in two spellings; the last is another's.
const RECORDS: &str = r#"[{"cpr":"2512489996","a":"2026-03-04","b":"2026-03-14"},
    {"a":"2026-03-04","cpr":"251248-9996","b":"2026-03-14"},
    {"a":"2026-03-04","b":"2026-03-14","cpr":2512489996},
    {"a":"2026-03-04","b":"2026-03-14","cpr":"0201609995"}]"#;

/// Every number of a document that is one record is everybody's in it; of a list of records each one's own.
#[test]
fn a_record_of_very_many_persons_and_their_telephone_numbers_is_refused() {
    let one = |n: u32| {
        let (day, month, year) = (n % 28 + 1, n / 28 % 12 + 1, n / 336 + 30);
        format!(r#"{{"cpr":"{day:02}{month:02}{year}9991","phone":"+45{}"}}"#, 20_000_000 + n)
    };
    let body = |count: u32| format!(r#"{{"p":[{}]}}"#, (0..count).map(one).collect::<Vec<_>>().join(","));
    let needs = |record: Option<&str>, subject: &str, count: u32| {
        let phone = rule("$.p[*].phone", Action::Pseudonymise(Kind::Value(ValueKind::Phone)));
        let subject = Subject::At(vec![at(subject)]);
        let response = Response { record: record.map(at), subject, ..response(vec![phone]) };
        let table = (Scheme::Table, Linkability::Domain);
        let policy = in_table(policy("a", table, CprInText::Mask, Vec::new(), response));
        let plan = Plan::compile(&policy, &policy.routes[0], &live_keys()).unwrap();
        let rewriter = Rewriter {
            plan: &plan,
            salt: &[1; 16],
            judge: &Everyone,
            echoes: &NO_ECHOES,
            base: NO_BASE,
            known: &NONE_KNOWN,
            lines: false,
        };
        let needs = rewriter.needs(body(count).as_bytes());
        needs.map(|needs| needs.wanted.iter().map(|one| one.subjects.len()).sum::<usize>())
    };
    assert_eq!(needs(None, "$.p[*].cpr", 100), Ok(100 + 100 * 100));
    assert_eq!(needs(None, "$.p[*].cpr", 1100).unwrap_err().kind, FaultKind::TooManyTies);
    assert_eq!(needs(Some("$.p[*]"), "$.cpr", 1100), Ok(2 * 1100));
}

#[test]
fn one_person_s_dates_are_moved_alike_as_far_as_linkability_goes() {
    let domain = dates(&shifts(Linkability::Domain), RECORDS, 1);
    assert!(domain.iter().all(|(apart, _)| *apart == 10), "{domain:?}");
    assert!(domain[0] == domain[1] && domain[1] == domain[2] && domain[2] != domain[3], "{domain:?}");
    assert_ne!(domain[0].1, "2026-03-04");
    assert_eq!(domain, dates(&shifts(Linkability::Domain), RECORDS, 2));
    let document = dates(&shifts(Linkability::Document), RECORDS, 1);
    assert!(document[0] == document[2] && document.iter().all(|(apart, _)| *apart == 10), "{document:?}");
    assert_ne!(document, dates(&shifts(Linkability::Document), RECORDS, 2));
    let none = dates(&shifts(Linkability::None), RECORDS, 1);
    assert!(none.iter().any(|(apart, _)| *apart != 10) && none[0] != none[1], "{none:?}");
}

#[test]
fn nobody_s_dates_and_those_of_two_persons_stay() {
    let two = r#"[{"cpr":"2512489996","mor":{"cpr":"0201609995"},"a":"2026-03-04"}]"#;
    let (records, disclosure) = run(&shifts(Linkability::Domain), two, 1);
    assert!(records.is_empty() && disclosure.unfit == 1, "{records:?}");
    let same = two.replace("0201609995", "251248-9996");
    let (records, _) = run(&shifts(Linkability::Domain), &same, 1);
    assert_eq!(records.len(), 1, "one person named twice");
    let mut nobodys = shifts(Linkability::Domain);
    nobodys.routes[0].response.subject = Subject::Nobody { reason: "test".into() };
    let (records, disclosure) = run(&nobodys, r#"[{"a":"2026-03-04"}]"#, 1);
    assert!(records.is_empty() && disclosure.unfit == 1, "{records:?}");
}

/// Every form in which a name, an address and a telecom could be let out.
fn contact() -> Vec<tavs::policy::checked::Rule> {
    vec![
        rule("$[*].id", Action::Keep(Keep::default())),
        rule("$[*].name", Action::Keep(Keep::default())),
        rule("$[*].patient", Action::Keep(Keep::default())),
        rule("$[*].contained[*].postnr", Action::Generalise(tavs::policy::checked::Generalise::Postcode2)),
        rule("$[*].telecom[*].value", Action::Pseudonymise(Kind::Value(ValueKind::Phone))),
        rule("$[*].note", Action::Keep(Keep::default())),
    ]
}

fn person(mark: &str) -> String {
    format!(
        r#"{{"cpr":"2512489996","id":"1","name":[{{"family":"Berggren"}}],"note":"x",
        "patient":{{"navn":"Nancy","alder":[{{"display":"Nancy"}},7]}},"telecom":[{{"value":"20123456"}}],
        "contained":[{{"postnr":"8000"{mark}}}]}}"#
    )
}

#[test]
fn a_protected_name_and_address_stay_wherever_the_mark_stands() {
    let policy = of_records(Linkability::Domain, contact());
    let marked = person(r#","meta":{"security":[{"code":"N"},{"system":"v3","code":"R"}]}"#);
    let escaped = marked.replace("security", "s\\u0065curity");
    let body = format!("[{},{marked},{escaped}]", person(""));
    let (records, disclosure) = run(&policy, &body, 1);
    let open = records[0].to_string();
    for told in ["Berggren", "Nancy", "tvk", "\"80\""] {
        assert!(open.contains(told), "{told} in {open}");
    }
    let wanted: serde_json::Value =
        serde_json::from_str(r#"{"id":"1","note":"x","patient":{"alder":[7]}}"#).unwrap();
    assert_eq!(records[1..], [wanted.clone(), wanted]);
    assert_eq!(disclosure.address_protected, 10, "five each");
}

/// On a route of records an upstream may answer with one resource, or put others beside the records.
#[test]
fn a_protected_name_stays_also_where_no_record_is() {
    let rules = ["$.name", "$.id", "$.contained[*].name", "$.entry[*].name"];
    let rules = rules.map(|location| rule(location, Action::Keep(Keep::default()))).into();
    let mut policy = of_records(Linkability::Domain, rules);
    let response = &mut policy.routes[0].response;
    response.record = Some(at("$.entry[*]"));
    response.subject = Subject::Nobody { reason: "test".into() };
    let mark = r#""meta":{"security":[{"code":"R"}]}"#;
    for (body, wanted) in [
        (format!(r#"{{"id":"1",{mark},"name":"Nancy"}}"#), r#"{"id":"1"}"#),
        (format!(r#"{{"id":"1","name":"Nancy","contained":[{{"name":"Ann",{mark}}}]}}"#), r#"{"id":"1"}"#),
        (
            format!(r#"{{"name":"Klinik","entry":[ {{"name":"Nancy",{mark}}} , {{"name":"Ann"}} ]}}"#),
            r#"{"name":"Klinik","entry":[{"name":"Ann"}]}"#,
        ),
        (
            format!(r#"{{"entry":[{{"name":"Nancy"}}],"contained":{{"x":{{"name":"Ann",{mark}}}}}}}"#),
            r#"{"entry":[{"name":"Nancy"}]}"#,
        ),
    ] {
        let plan = Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([7; 32])).unwrap();
        let rewritten = rewrite(&plan, body.as_bytes(), &[1; 16], &mut ()).unwrap();
        assert_eq!(String::from_utf8_lossy(rewritten.released.body()), wanted, "{body}");
    }
}

#[test]
fn a_policy_says_where_else_the_mark_stands_and_who_treats_is_told() {
    let mut policy = of_records(Linkability::Domain, contact());
    policy.address_markers = vec![at("$.patient.beskyttet")];
    let with = |value: &str| person("").replace("\"navn\"", &format!("\"beskyttet\":{value},\"navn\""));
    for (value, is_told) in
        [("false", true), ("null", true), ("true", false), ("\"nej\"", false), ("{}", false)]
    {
        let body = format!("[{}]", with(value));
        assert_eq!(run(&policy, &body, 1).0[0].to_string().contains("Berggren"), is_told, "{value}");
    }
    policy.purpose.basis = vec![Basis { id: "sul-41", health: true }];
    assert!(run(&policy, &format!("[{}]", with("true")), 1).0[0].to_string().contains("Berggren"));
}
