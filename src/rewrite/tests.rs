//! The semantics of policies, a line each. The oracle under `tests/rewrite` goes wider.

mod decoding;
mod documents;
mod parts;
mod requests;

use jiff::civil::date;

use super::{FaultKind, NO_BASE, NO_ECHOES, Rewriter, Watch, rewrite, rewrite_lines, survey};
use crate::identity::Presented;
use crate::ids::{PolicyVersion, Purpose, RecipientId, SubjectId};
use crate::judge::{Judge, Judgement};
use crate::policy::checked::{
    Action, Agreement, Basis, Category, Consent, CprInText, Identity, Keep, Kind, Limits, Linkability, Mask,
    MediaType, Method, Policy, Pseudonyms, PurposeInfo, RecipientInfo, Relation, Response, Route, Rule,
    Shape, Subject, Transfer,
};
use crate::policy::location::{Literal, Location};
use crate::policy::plan::{Plan, PlanError};
use crate::pseudonym::{KeyRing, NONE_KNOWN, Scheme};

fn keep() -> Action {
    Action::Keep(Keep::default())
}

fn at(text: &str) -> Location {
    Location::parse(text).unwrap()
}

fn rules(list: &[(&str, Action)]) -> Vec<Rule> {
    list.iter()
        .map(|(location, action)| Rule {
            location: at(location),
            action: action.clone(),
            span: 0..0,
            file: "test.toml".into(),
            line: 1,
        })
        .collect()
}

pub(super) fn policy(list: &[(&str, Action)]) -> Policy {
    let response = Response {
        record: None,
        subject: Subject::Nobody { reason: "test".into() },
        media_types: vec![MediaType::Json],
        shapes: Vec::new(),
        rules: rules(list),
        status_map: Vec::new(),
        base: Vec::new(),
        location: false,
    };
    let route = Route {
        name: "route".into(),
        methods: vec![Method::Get],
        path: Vec::new(),
        path_text: "/".into(),
        query: Vec::new(),
        upstream: "clinic".into(),
        accept_clear: None,
        request: None,
        response,
        line: 1,
    };
    let day = date(2026, 1, 1);
    Policy {
        file: "test.toml".into(),
        profiles: Vec::new(),
        version: PolicyVersion([0; 32]),
        recipient: RecipientInfo {
            id: RecipientId::new("test"),
            name: "Test".into(),
            relation: Relation::Processor,
            contact: String::new(),
        },
        identity: Identity {
            anchor: "partners".into(),
            presented: Presented::Uri("urn:x".into()),
            token_sha256: None,
        },
        agreement: Agreement { reference: String::new(), signed: day, review: day, expires: day },
        purpose: PurposeInfo {
            id: Purpose::new("test"),
            category: Category::Service,
            basis: vec![Basis { id: "gdpr-6-1-b", health: false }],
            consent: Consent::NotRequired,
            retention: String::new(),
        },
        transfer: Transfer { country: "DK".into(), ground: None, expires: None },
        pseudonyms: Pseudonyms {
            domain: "test".into(),
            scheme: Scheme::Keyed,
            linkability: Linkability::Domain,
        },
        limits: Limits {
            requests_per_second: 1,
            burst: 1,
            concurrency: 1,
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
        routes: vec![route],
        extract: None,
        tests: Vec::new(),
    }
}

pub(super) fn plan(policy: &Policy) -> Result<Plan, Vec<PlanError>> {
    Plan::compile(policy, policy.routes.first().unwrap(), &KeyRing::throw_away([1; 32]))
}

fn run(policy: &Policy, input: &str) -> Result<String, FaultKind> {
    let done =
        rewrite(&plan(policy).unwrap(), input.as_bytes(), &[0; 16], &mut ()).map_err(|fault| fault.kind)?;
    Ok(String::from_utf8(done.released.into_body()).unwrap())
}

/// What is known of some; all others are persons by their number only.
pub(super) struct Known(Vec<(SubjectId, Judgement)>);

impl Judge for Known {
    fn judge(&self, id: SubjectId, is_number: bool) -> Judgement {
        let known = self.0.iter().find(|(known, _)| *known == id);
        let stranger = if is_number { Judgement::Person(id) } else { Judgement::Unknown };
        known.map_or(stranger, |(_, judgement)| *judgement)
    }
}

#[test]
fn a_plan_knows_whether_it_has_subjects_and_ids_of_them() {
    let mut policy = policy(&[]);
    let knows = |policy: &Policy| {
        let plan = plan(policy).unwrap();
        (plan.has_subjects(), plan.has_aliases())
    };
    assert_eq!(knows(&policy), (false, false));
    for (alias, wanted) in [(Vec::new(), (true, false)), (vec![at("$.id")], (true, true))] {
        policy.shapes = vec![Shape {
            name: "Patient".into(),
            at: vec![at("$")],
            when: vec![
                ("status".into(), Literal::String("final".into())),
                ("resourceType".into(), Literal::String("Patient".into())),
            ],
            subject: Subject::At(vec![at("$.cpr")]),
            alias,
            rules: Vec::new(),
        }];
        policy.routes[0].response.shapes = vec![0];
        assert_eq!(knows(&policy), wanted);
        // What an id is of is the resource's type.
        assert!(!plan(&policy).unwrap().id_types.iter().any(|id_type| id_type == "final"));
    }
}

/// The identifier system of a region.
const REGIONAL: &str = "urn:oid:1.2.208.176.1.6.1.3.177";

/// An e-CPR of a region is nobody's without its system.
#[test]
fn a_rule_has_the_regional_system_that_its_filter_asks_for() {
    for (filter, wanted) in [
        (format!("@.use!='old' && @.system=='{REGIONAL}'"), REGIONAL),
        (format!("@.system!='{REGIONAL}'"), ""),
        (format!("@.use=='{REGIONAL}'"), ""),
        ("@.system=='urn:oid:1.2.208.176.1.2'".to_owned(), ""),
        ("@.system==1".to_owned(), ""),
    ] {
        let location = format!("$.identifier[?{filter}].value");
        let plan = plan(&policy(&[(&location, Action::Pseudonymise(Kind::Cpr))])).unwrap();
        assert_eq!(plan.system_of(0), Some(wanted), "{filter}");
    }
}

#[test]
fn what_no_rule_names_is_withheld_and_what_one_names_leaves_as_it_came() {
    let kept = policy(&[
        ("$.a", keep()),
        ("$.list[*].x", keep()),
        ("$.deep", keep()),
        ("$.deep.not", Action::Withhold),
    ]);
    for (input, wanted) in [
        ("{}", "{}"),
        ("[]", "[]"),
        ("\"text\"", "null"),
        (" { \"a\" : 2.50 , \"b\" : 1 } ", "{\"a\":2.50}"),
        ("{\"b\":1,\"a\":null}", "{\"a\":null}"),
        ("{\"\\u0061\":\"\\u0062\\/\"}", "{\"a\":\"\\u0062\\/\"}"),
        ("{\"list\":[{\"x\":1,\"y\":2},{\"y\":3},{\"x\":[]},4]}", "{\"list\":[{\"x\":1},{\"x\":[]}]}"),
        ("{\"list\":[]}", "{}"),
        ("{\"list\":[{}],\"a\":1}", "{\"a\":1}"),
        ("{\"deep\":{\"not\":1}}", "{}"),
        ("{\"deep\":{\"not\":1,\"b\":[{},[1 ]]}}", "{\"deep\":{\"b\":[{},[1]]}}"),
        ("{\"deep\":{\"l\":[2512489996,{\"x\":2512489996},1]}}", "{\"deep\":{\"l\":[1]}}"),
        ("{\"deep\":[{\"not\":1}]}", "{}"),
        ("{\"deep\":{\"2512489996\":1,\"b\":2}}", "{\"deep\":{\"b\":2}}"),
        ("{\"a\":\"cpr 251248-9996.\"}", "{\"a\":\"cpr xxxxxxxxxx.\"}"),
    ] {
        assert_eq!(run(&kept, input).as_deref(), Ok(wanted), "{input}");
    }
}

#[test]
fn what_is_not_strict_json_is_refused_wherever_it_stands() {
    let kept = policy(&[("$.a", keep())]);
    for (input, wanted) in [
        ("{\"a\":1,\"a\":2}", FaultKind::DuplicateName),
        ("{\"a\":1,\"b\":2,\"\\u0062\":3}", FaultKind::DuplicateName),
        ("{\"a\":{\"x\":1,\"x\":2}}", FaultKind::DuplicateName),
        ("{\"b\":\"\\ud800\"}", FaultKind::LoneSurrogate),
        ("{\"b\":[1,]}", FaultKind::Syntax),
        ("{\"a\":1}{", FaultKind::TrailingBytes),
        ("{\"a\":1", FaultKind::UnexpectedEnd),
        ("\u{feff}{}", FaultKind::ByteOrderMark),
    ] {
        assert_eq!(run(&kept, input), Err(wanted), "{input}");
    }
    assert_eq!(run(&kept, "{\"b\":{\"x\":1,\"x\":2}}").as_deref(), Ok("{}"));
    let deep = "[".repeat(129) + &"]".repeat(129);
    assert_eq!(run(&kept, &deep), Err(FaultKind::TooDeep));
    let plan = plan(&kept).unwrap();
    let fault = rewrite(&plan, b"{\"a\":\"\xff\"}", &[0; 16], &mut ()).unwrap_err();
    assert_eq!((fault.kind, fault.offset), (FaultKind::NotUtf8, 6));
}

#[test]
fn filters_and_shapes_see_members_wherever_they_stand() {
    let mut shaped = policy(&[
        ("$.id[?@.system=='urn:a'].value", keep()),
        ("$.id[?@.system=='urn:b'].value", Action::Pseudonymise(Kind::Cpr)),
        ("$.id[?@.system!='urn:a'].use", keep()),
        ("$.list[0]", keep()),
    ]);
    let input = "{\"id\":[{\"value\":\"1\",\"system\":\"urn:\\u0061\",\"use\":\"u\"},{\"value\":\"2\",\"use\":\"v\"},\
                 {\"value\":\"251248-9996\",\"system\":\"urn:b\"}],\"list\":[1,2]}";
    let output = run(&shaped, input).unwrap();
    assert!(output.starts_with("{\"id\":[{\"value\":\"1\"},{\"use\":\"v\"},{\"value\":\"tvk1-"), "{output}");
    assert!(output.ends_with("\"}],\"list\":[1]}"), "{output}");

    shaped.routes[0].response.rules = rules(&[("$.type", keep())]);
    shaped.routes[0].response.shapes = vec![0];
    shaped.shapes = vec![Shape {
        name: "Patient".into(),
        at: vec![at("$"), at("$.entry[*].resource")],
        when: vec![("resourceType".into(), Literal::String("Patient".into()))],
        subject: Subject::Elsewhere,
        alias: Vec::new(),
        rules: rules(&[
            ("$.id", Action::Pseudonymise(Kind::Id { resource_type: "Patient".into() })),
            ("$.gender", keep()),
        ]),
    }];
    let output = run(
        &shaped,
        "{\"type\":\"searchset\",\"entry\":[{\"resource\":{\"gender\":\"f\",\"resourceType\":\"Patient\"}},\
                      {\"resource\":{\"gender\":\"f\",\"resourceType\":\"Practitioner\"}}]}",
    );
    assert_eq!(
        output.as_deref(),
        Ok("{\"type\":\"searchset\",\"entry\":[{\"resource\":{\"gender\":\"f\"}}]}")
    );
    assert_eq!(
        run(&shaped, "{\"gender\":\"f\",\"resourceType\":\"Patient\",\"x\":1}").as_deref(),
        Ok("{\"gender\":\"f\"}")
    );
}

#[test]
fn rules_that_can_meet_are_a_conflict() {
    for (one, other, meet) in [
        ("$.a", "$.a", true),
        ("$.a.b", "$.a", true),
        ("$.a.b", "$.a.c", false),
        ("$.a[*].x", "$.a[0].x", true),
        ("$.a[*].x", "$.a[0].y", false),
        ("$.a[?@.t=='1'].x", "$.a[?@.t=='2'].x", false),
        ("$.a[?@.t=='1'].x", "$.a[?@.t!='1'].x", false),
        ("$.a[?@.t=='1'].x", "$.a[?@.u=='2'].x", true),
        ("$.a[?@.t=='1'].x", "$.a[*].x", true),
        ("$.a[?@.t=='1' && @.u=='1'].x", "$.a[?@.u=='2'].x", false),
        ("$[*]", "$.a", true),
    ] {
        let result = plan(&policy(&[(one, keep()), (other, Action::Mask(Mask::All))]));
        assert_eq!(result.is_err(), meet, "{one} {other}");
    }
    assert!(plan(&policy(&[("$.a", keep()), ("$.a.b", Action::Withhold)])).is_ok());
}

#[test]
fn a_record_without_a_person_is_withheld_whole() {
    let mut owned = policy(&[("$.list[*].x", keep()), ("$.n", keep())]);
    owned.routes[0].response.record = Some(at("$.list[*]"));
    owned.routes[0].response.subject = Subject::At(vec![at("$.cpr"), at("$.guardian")]);
    let input = "{\"n\":1,\"list\":[{\"x\":1,\"cpr\":\"2512489996\"},{\"x\":2},{\"x\":3,\"cpr\":\"0000000000\"},\
                 {\"x\":4,\"cpr\":\"nobody\",\"guardian\":\"2512489996\"},{\"x\":5,\"cpr\":null,\"guardian\":201609995},\
                 {\"x\":6,\"guardian\":\"251248-9996\"}]}";
    let done = rewrite(&plan(&owned).unwrap(), input.as_bytes(), &[0; 16], &mut ()).unwrap();
    assert_eq!(done.released.body(), b"{\"n\":1,\"list\":[{\"x\":1},{\"x\":5},{\"x\":6}]}");
    assert_eq!((done.disclosure.records, done.disclosure.records_withheld), (3, 3));
    assert_eq!(done.disclosure.subjects.len(), 2);
    assert_eq!(done.disclosure.released_by_rule, [3, 1]);
    assert!(!done.document_withheld);
    assert_eq!(run(&owned, "{\"list\":[{\"x\":2}]}").as_deref(), Ok("{\"list\":[]}"));

    owned.routes[0].response.record = None;
    let done = rewrite(&plan(&owned).unwrap(), b"{\"n\":1}", &[0; 16], &mut ()).unwrap();
    assert_eq!(done.released.body(), b"{}");
    assert!(done.document_withheld);
}

fn of<'a>(plan: &'a Plan, judge: &'a Known) -> Rewriter<'a, Known> {
    let (salt, echoes, known) = (&[0; 16], &NO_ECHOES, &NONE_KNOWN);
    Rewriter { plan, salt, judge, echoes, base: NO_BASE, known, lines: false }
}

#[test]
fn a_judge_ties_references_to_persons_and_withholds_whole_records() {
    let shape = |name: &str, subject: &str, alias: &[&str]| Shape {
        name: name.into(),
        at: vec![at("$.entry[*].resource"), at("$.entry[*].resource.contained[*]")],
        when: vec![("resourceType".into(), Literal::String(name.into()))],
        subject: Subject::At(vec![at(subject)]),
        alias: alias.iter().map(|text| at(text)).collect(),
        rules: rules(&[("$.x", keep())]),
    };
    let mut bundled = policy(&[("$.total", Action::Count)]);
    bundled.shapes = vec![shape("Patient", "$.cpr", &["$.id"]), shape("Observation", "$.subject", &[])];
    bundled.routes[0].response.shapes = vec![0, 1];
    bundled.routes[0].response.record = Some(at("$.entry[*]"));
    bundled.routes[0].response.subject = Subject::Elsewhere;
    let plan = plan(&bundled).unwrap();
    let body = br#"{"total":4,"entry":[
        {"resource":{"resourceType":"Patient","id":"1","cpr":"2512489996","x":1,
                     "contained":[{"resourceType":"Patient","id":"c","cpr":"2512489996"}]}},
        {"resource":{"resourceType":"Observation","subject":"Patient/1","x":2}},
        {"resource":{"resourceType":"Observation","subject":"https://x/Patient/2","x":3}},
        {"resource":{"resourceType":"Observation","subject":"Patient/c","x":4}}]}"#;
    let survey = survey(&plan, body, false).unwrap();
    assert_eq!(survey.same.len(), 1);
    let mut unknown: Vec<_> = survey.references.iter().map(|reference| reference.value.as_str()).collect();
    unknown.sort_unstable();
    assert_eq!(unknown, ["2", "c"]);

    let (alias, person) = (survey.same[0].alias, survey.same[0].person);
    let run = |judge: &Known| of(&plan, judge).run(body, &mut ()).unwrap();
    let tied = Known(vec![(alias, Judgement::Person(person))]);
    let done = run(&tied);
    let (again, records) = of(&plan, &tied).run_by_record(body).unwrap();
    assert_eq!(again.released.body(), done.released.body());
    let text = std::str::from_utf8(done.released.body()).unwrap();
    let stood: Vec<&str> = records.iter().map(|one| text.get(one.place.clone()).unwrap()).collect();
    assert_eq!(stood, [r#"{"resource":{"x":1}}"#, r#"{"resource":{"x":2}}"#]);
    assert!(records.iter().all(|one| one.subjects == [person]));
    assert_eq!(
        std::str::from_utf8(done.released.body()).unwrap(),
        r#"{"total":2,"entry":[{"resource":{"x":1}},{"resource":{"x":2}}]}"#
    );
    assert_eq!(done.disclosure.subjects, [person]);
    let done = run(&Known(vec![(alias, Judgement::Withheld), (person, Judgement::Withheld)]));
    assert_eq!(done.released.body(), br#"{"total":0,"entry":[]}"#);
    assert_eq!(done.disclosure.records_withheld, 4);
    assert!(done.disclosure.subjects.is_empty() && !done.document_withheld);
}

#[test]
fn lines_are_documents_and_an_empty_one_is_dropped() {
    let kept = policy(&[("$.a", keep())]);
    let plan = plan(&kept).unwrap();
    let done = rewrite_lines(&plan, b"{\"a\":1}\r\n\n{\"b\":1}\n{\"a\":2}", &[0; 16], &mut ()).unwrap();
    assert_eq!(done.released.body(), b"{\"a\":1}\n{\"a\":2}\n");
    let fault = rewrite_lines(&plan, b"{\"a\":1}\n{\"a\":}\n", &[0; 16], &mut ()).unwrap_err();
    assert_eq!((fault.kind, fault.offset), (FaultKind::Syntax, 13));
}

#[test]
fn linkability_decides_which_pseudonyms_are_equal() {
    let mut policy = policy(&[("$[*]", Action::Pseudonymise(Kind::Cpr))]);
    let mut pair = |linkability, salt| {
        policy.pseudonyms.linkability = linkability;
        let done =
            rewrite(&plan(&policy).unwrap(), b"[\"2512489996\",2512489996]", &[salt; 16], &mut ()).unwrap();
        let list: Vec<String> = serde_json::from_slice(done.released.body()).unwrap();
        (list[0].clone(), list[1].clone())
    };
    let (one, other) = pair(Linkability::Domain, 1);
    assert!(one == other && pair(Linkability::Domain, 2).0 == one);
    let (one, other) = pair(Linkability::Document, 1);
    assert!(one == other && pair(Linkability::Document, 2).0 != one);
    let (one, other) = pair(Linkability::None, 1);
    assert!(one != other && pair(Linkability::None, 2).0 != one);
}

/// The same characters name two people in two regions.
#[test]
fn one_regional_number_in_two_systems_has_two_pseudonyms_wherever_it_stands() {
    let other = format!("{REGIONAL}.1");
    let rules = [REGIONAL, &other].map(|system| format!("$[?@.system=='{system}'].value"));
    let cpr = Action::Pseudonymise(Kind::Cpr);
    let policy = policy(&[(&rules[0], cpr.clone()), (&rules[1], cpr)]);
    let input = |systems: &[&str]| {
        let entry = |system: &&str| format!("{{\"system\":\"{system}\",\"value\":\"0203291WQ3\"}}");
        format!("[{}]", systems.iter().map(entry).collect::<Vec<_>>().join(","))
    };
    let (one, two) = (run(&policy, &input(&[REGIONAL])).unwrap(), run(&policy, &input(&[&other])).unwrap());
    let inner = |list: &str| list.trim_matches(['[', ']']).to_owned();
    assert_ne!(one, two);
    let both = run(&policy, &input(&[REGIONAL, &other, REGIONAL, REGIONAL])).unwrap();
    assert_eq!(both, format!("[{0},{1},{0},{0}]", inner(&one), inner(&two)));
}

#[test]
fn a_number_as_a_name_becomes_its_pseudonym_and_two_forms_of_it_are_refused() {
    let mut policy = policy(&[("$[*]", keep())]);
    policy.cpr_in_text = CprInText::Pseudonymise;
    let output = run(&policy, "{\"251248-9996\":{\"x\":1},\"b\":1}").unwrap();
    assert!(output.starts_with("{\"tvk1-") && output.ends_with("\":{\"x\":1},\"b\":1}"), "{output}");
    assert_eq!(run(&policy, "{\"251248-9996\":{\"x\":1},\"2512489996\":1}"), Err(FaultKind::DuplicateName));
    policy.cpr_in_text = CprInText::Refuse;
    assert_eq!(run(&policy, "{\"x\":\"2512489996\"}"), Err(FaultKind::CprInText));
}

#[test]
fn a_watch_is_told_each_decision_and_changes_nothing() {
    struct Told(Vec<String>);
    impl Watch for Told {
        const ENABLED: bool = true;
        fn decided(&mut self, decision: &super::Decision<'_>) {
            let rule = decision.rule.map(|rule| rule.rule);
            self.0.push(format!("{} {rule:?} {:?}", decision.pointer, decision.outcome));
        }
    }
    let kept = policy(&[("$.a[*].x", keep()), ("$.b", Action::Mask(Mask::All))]);
    let mut told = Told(Vec::new());
    let input = b"{\"a\":[{\"x\":1,\"y/z\":2}],\"b\":\"secret\",\"c\":{}}";
    let done = rewrite(&plan(&kept).unwrap(), input, &[0; 16], &mut told).unwrap();
    assert_eq!(done.released.body(), run(&kept, std::str::from_utf8(input).unwrap()).unwrap().as_bytes());
    assert_eq!(
        told.0,
        ["/a/0/x Some(0) Kept", "/a/0/y~1z None Withheld", "/b Some(1) Changed", "/c None Withheld"]
    );
}

#[test]
fn what_a_rule_withholds_still_says_whose_the_record_is() {
    let mut policy = policy(&[("$[*].patient", Action::Withhold), ("$[*].start", keep())]);
    policy.routes[0].response.record = Some(at("$[*]"));
    policy.routes[0].response.subject = Subject::At(vec![at("$.patient.cpr")]);
    let one = "{\"patient\":{\"cpr\":\"2512489996\"},\"start\":1}";
    let nobody = "{\"patient\":{\"cpr\":\"0000000000\"},\"start\":2}";
    let unknown = "{\"patient\":{},\"start\":3}";
    let output = run(&policy, &format!("[{one},{nobody},{unknown}]"));
    assert_eq!(output.as_deref(), Ok("[{\"start\":1}]"));
}

#[test]
fn a_member_that_no_rule_reaches_is_withheld_whatever_its_name() {
    let mut policy = policy(&[("$[?@.kind=='x'].a", keep())]);
    policy.cpr_in_text = CprInText::Refuse;
    assert_eq!(run(&policy, "{\"2512489996\":{\"a\":1}}").as_deref(), Ok("{}"));
    assert_eq!(run(&policy, "{\"2512489996\":{\"kind\":\"x\",\"a\":1}}"), Err(FaultKind::CprInText));
}

#[test]
fn names_are_taken_out_of_text_of_their_own_record_only() {
    use crate::policy::checked::Scan;
    let scan = || Action::Scan(Scan { phone: false, email: false, names: vec![at("$.navn")] });
    let mut policy = policy(&[("$.list[*].note", scan()), ("$.note", scan())]);
    policy.routes[0].response.record = Some(at("$.list[*]"));
    let input = "{\"list\":[{\"note\":\"Nancy ringede\",\"navn\":\"Nancy\"}],\"note\":\"Nancy\"}";
    let output = run(&policy, input);
    assert_eq!(output.as_deref(), Ok("{\"list\":[{\"note\":\"[name] ringede\"}],\"note\":\"Nancy\"}"));
}

#[test]
fn a_reference_with_an_escaped_slash_is_a_reference() {
    let mut policy = policy(&[("$.subject", Action::Pseudonymise(Kind::Reference)), ("$.status", keep())]);
    policy.routes[0].response.subject = Subject::At(vec![at("$.subject")]);
    let plain = run(&policy, "{\"subject\":\"Patient/1\",\"status\":\"final\"}");
    assert!(plain.as_ref().is_ok_and(|output| output.contains("Patient/tvk1-")));
    assert_eq!(run(&policy, "{\"subject\":\"Patient\\/1\",\"status\":\"final\"}"), plain);
}
