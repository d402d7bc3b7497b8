//! JSON documents in base64.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, HEXLOWER};

use super::{Known, at, keep, plan, policy, rules, run};
use crate::cpr;
use crate::ids::SubjectId;
use crate::judge::Judgement;
use crate::policy::checked::{Action, CprInText, Kind, Policy, Scan, Shape, Sought, Subject};
use crate::policy::location::Literal;
use crate::policy::plan::PlanError;
use crate::pseudonym::{Input, KeyRing, Linkage, NONE_KNOWN, Rows, Scheme};
use crate::rewrite::{
    Decision, Echoes, FaultKind, NO_BASE, NO_ECHOES, Rewriter, Rewritten, Watch, rewrite, survey,
};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"1","cpr":"2512489996","x":1,"navn":"Nancy"}"#;

fn shape(name: &str, subject: Subject, list: &[(&str, Action)]) -> Shape {
    Shape {
        name: name.into(),
        at: vec![at("$"), at("$.entry[*].resource"), at("$.contained[*]")],
        when: vec![("resourceType".into(), Literal::String(name.into()))],
        subject,
        alias: vec![at("$.id")],
        rules: rules(list),
    }
}

/// Documents of three kinds at `$.data`, and a member beside.
fn letters() -> Policy {
    let names = ["Patient", "Observation", "Basic"].map(str::to_owned).to_vec();
    let mut policy = policy(&[("$.data", Action::DecodeJson(names)), ("$.navn", keep())]);
    let note = Action::Scan(Scan { phone: true, email: false, names: vec![at("$.author")] });
    policy.shapes = vec![
        shape(
            "Patient",
            Subject::At(vec![at("$.cpr")]),
            &[("$.x", keep()), ("$.navn", keep()), ("$.id", Action::Pseudonymise(Kind::Cpr))],
        ),
        shape("Observation", Subject::At(vec![at("$.subject")]), &[("$.x", keep())]),
        shape("Basic", Subject::Nobody { reason: "test".into() }, &[("$.note", note), ("$.list", keep())]),
    ];
    policy
}

fn around(document: &str) -> String {
    format!(r#"{{"navn":"Klinik","data":"{}"}}"#, BASE64.encode(document.as_bytes()))
}

/// What leaves of a document; `None` if its code does not leave.
fn inside(output: &[u8]) -> Option<String> {
    let output: serde_json::Value = serde_json::from_slice(output).unwrap();
    let coded = output.get("data")?.as_str().unwrap();
    Some(String::from_utf8(BASE64.decode(coded.as_bytes()).unwrap()).unwrap())
}

fn left(policy: &Policy, document: &str) -> Result<Option<String>, FaultKind> {
    run(policy, &around(document)).map(|output| inside(output.as_bytes()))
}

fn judged(policy: &Policy, judge: &Known, document: &str) -> Rewritten {
    let rewriter = Rewriter {
        plan: &plan(policy).unwrap(),
        salt: &[0; 16],
        judge,
        echoes: &NO_ECHOES,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines: false,
    };
    rewriter.run(around(document).as_bytes(), &mut ()).unwrap()
}

fn number(number: &str) -> SubjectId {
    let key = KeyRing::throw_away([1; 32]).subject_key().unwrap();
    key.id(Input::number(&cpr::parse(number).unwrap(), ""))
}

fn id(resource_type: &str, id: &str) -> SubjectId {
    KeyRing::throw_away([1; 32]).subject_key().unwrap().id(Input::id(resource_type, id))
}

#[test]
fn a_document_is_rewritten_by_its_shapes_and_coded_again() {
    let policy = letters();
    let done = rewrite(&plan(&policy).unwrap(), around(PATIENT).as_bytes(), &[0; 16], &mut ()).unwrap();
    assert_eq!(inside(done.released.body()).as_deref(), Some(r#"{"x":1,"navn":"Nancy"}"#));
    // The rule that decodes, the one beside, then those inside in the order of the shapes.
    assert_eq!(done.disclosure.released_by_rule, [1, 1, 1, 1, 0, 0, 0, 0]);
    assert_eq!(done.disclosure.subjects, [number("2512489996")]);
    // `resourceType`, `cpr`; `id` is no CPR number.
    assert_eq!((done.disclosure.withheld, done.disclosure.unfit), (2, 1));
    assert_eq!((done.disclosure.records, done.disclosure.records_withheld), (1, 0));

    let bundle = format!(r#"{{"entry":[{{"resource":{PATIENT}}},{{"resource":{{"x":2}}}},5]}}"#);
    assert_eq!(
        left(&policy, &bundle),
        Ok(Some(r#"{"entry":[{"resource":{"x":1,"navn":"Nancy"}}]}"#.to_owned()))
    );
    let spaced = format!(" {} \n", PATIENT.replace(':', " : "));
    assert_eq!(left(&policy, &spaced), Ok(Some(r#"{"x":1,"navn":"Nancy"}"#.to_owned())));
}

#[test]
fn what_is_no_document_never_leaves_as_it_came() {
    let policy = letters();
    let code = BASE64.encode(PATIENT.as_bytes());
    let twice = BASE64.encode(code.as_bytes());
    let (line, rest) = code.split_at(40);
    let folded = format!("{line}\\r\\n {rest}");
    let unlike = r#"{"resourceType":"Basic","list":["??>>~~ÿÿ"]}"#;
    let utf16: Vec<u8> = PATIENT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let coded = |text: &str| BASE64.encode(text.as_bytes());
    let basic = |list: &str| coded(&format!(r#"{{"resourceType":"Basic","list":{list}}}"#));
    for (data, leaves) in [
        (code.clone(), true),
        (folded, true),
        (basic("[1]"), true),
        (twice, false),
        (BASE64URL.encode(unlike.as_bytes()), false),
        (BASE64_NOPAD.encode(b"{\"resourceType\":\"Basic\",\"list\":[100]}"), false),
        // Bits at the end that nobody decodes.
        (BASE64.encode(b"{\"resourceType\":\"Basic\",\"list\":[100]}").replace("Q==", "R=="), false),
        (HEXLOWER.encode(PATIENT.as_bytes()), false),
        (code.clone() + "AAAA", false),
        (coded(&format!("{PATIENT}{PATIENT}")), false),
        (coded(&format!("{PATIENT}\n{PATIENT}")), false),
        (coded(&format!("{PATIENT},")), false),
        (coded(&format!("\u{feff}{PATIENT}")), false),
        (BASE64.encode(&utf16), false),
        (BASE64.encode(b"{\"resourceType\":\"Basic\",\"list\":[\"\xff\"]}"), false),
        (basic(r#"["\ud800"]"#), false),
        (basic("[1,]"), false),
        (basic(r#"[{"a":1,"a":2}]"#), false),
        (coded(r#"{"resourceType":"Basic","list":[1],"list":[2]}"#), false),
        // Two of a name: whose it is, the first reader and the second would not agree.
        (coded(r#"{"resourceType":"Basic","list":[1],"resourceType":"Patient"}"#), false),
        (coded(r#"{"resourceType":"Other","list":[1]}"#), false),
        (coded(r#"["resourceType","Basic"]"#), false),
        (coded("null"), false),
        (String::new(), false),
        ("2512489996".to_owned(), false),
    ] {
        let output = run(&policy, &format!(r#"{{"data":"{data}","navn":"Klinik"}}"#)).unwrap();
        assert_eq!(inside(output.as_bytes()).is_some(), leaves, "{data} gives {output}");
        assert!(leaves || output == r#"{"navn":"Klinik"}"#, "{data} gives {output}");
    }
    for data in ["1", "null", "true", "{\"x\":1}", "[\"e30=\"]"] {
        assert_eq!(run(&policy, &format!(r#"{{"data":{data}}}"#)).as_deref(), Ok("{}"), "{data}");
    }
}

#[test]
fn depth_goes_on_from_that_of_the_code() {
    let mut policy = letters();
    let deep = |depth: usize| {
        let list = "[".repeat(depth) + "1" + &"]".repeat(depth);
        format!(r#"{{"resourceType":"Basic","list":{list}}}"#)
    };
    // The object around the code and the document's own are open too.
    assert!(left(&policy, &deep(126)).unwrap().is_some());
    assert_eq!(left(&policy, &deep(127)), Ok(None));
    policy.cpr_in_text = CprInText::Refuse;
    assert_eq!(left(&policy, &deep(127)), Ok(None));
}

#[test]
fn numbers_and_names_inside_are_dealt_with_as_outside() {
    let mut policy = letters();
    let basic = |note: &str| format!(r#"{{"resourceType":"Basic","author":"Nancy Berg","note":"{note}"}}"#);
    assert_eq!(
        left(&policy, &basic("Nancy 251248-9996, 20 12 34 56")),
        Ok(Some(r#"{"note":"[name] xxxxxxxxxx, [phone]"}"#.to_owned()))
    );
    policy.cpr_in_text = CprInText::Pseudonymise;
    assert!(left(&policy, &basic("2512489996")).unwrap().unwrap().contains("tvk1-"));
    policy.cpr_in_text = CprInText::Refuse;
    assert_eq!(left(&policy, &basic("2512489996")), Err(FaultKind::CprInText));
    // What is no document refuses nothing: it does not leave.
    assert_eq!(left(&policy, &(basic("2512489996") + "x")), Ok(None));
}

#[test]
fn a_document_leaves_by_its_own_persons_or_not_at_all() {
    let policy = letters();
    let person = number("2512489996");
    let restricted = Known(vec![(person, Judgement::Withheld)]);
    let done = judged(&policy, &restricted, PATIENT);
    assert_eq!(done.released.body(), br#"{"navn":"Klinik"}"#);
    assert!(done.disclosure.subjects.is_empty() && !done.document_withheld);
    // A count of records knows nothing of it.
    assert_eq!((done.disclosure.withheld, done.disclosure.records_withheld), (1, 0));
    assert_eq!(done.disclosure.released_by_rule, [0, 1, 0, 0, 0, 0, 0, 0]);

    // One of several is enough.
    let other = r#"{"resourceType":"Patient","cpr":"0201609995","x":2}"#;
    let both = format!(r#"{{"entry":[{{"resource":{other}}},{{"resource":{PATIENT}}}]}}"#);
    assert_eq!(inside(judged(&policy, &restricted, &both).released.body()), None);
    let done = judged(&policy, &Known(Vec::new()), &both);
    assert_eq!(done.disclosure.subjects, [number("0201609995"), person]);

    for nobody in [
        r#"{"resourceType":"Patient","x":1}"#,
        r#"{"resourceType":"Patient","cpr":"0000000000","x":1}"#,
        r#"{"resourceType":"Patient","cpr":"x","x":1}"#,
        r#"{"resourceType":"Observation","subject":"Patient/7","x":1}"#,
    ] {
        assert_eq!(inside(judged(&policy, &Known(Vec::new()), nobody).released.body()), None, "{nobody}");
    }
    assert!(left(&policy, r#"{"resourceType":"Basic","list":[1]}"#).unwrap().is_some());
}

#[test]
fn a_record_that_is_withheld_takes_its_documents_along() {
    let mut policy = letters();
    policy.routes[0].response.subject = Subject::At(vec![at("$.cpr")]);
    let done = rewrite(&plan(&policy).unwrap(), around(PATIENT).as_bytes(), &[0; 16], &mut ()).unwrap();
    assert!(done.document_withheld && done.disclosure.subjects.is_empty());
    assert_eq!(done.disclosure.released_by_rule, [0; 8]);
}

#[test]
fn ids_of_a_document_are_its_own_where_it_says_whose_they_are() {
    let policy = letters();
    let person = number("2512489996");
    let observation = r#"{"resource":{"resourceType":"Observation","subject":"Patient/1","x":2}}"#;
    let known = format!(r#"{{"entry":[{{"resource":{PATIENT}}},{observation}]}}"#);
    let unknown = format!(r#"{{"entry":[{observation}]}}"#);
    let leaves = |judge: Vec<(SubjectId, Judgement)>, document: &str| {
        let done = judged(&policy, &Known(judge), document);
        (inside(done.released.body()).is_some(), done.disclosure.subjects)
    };
    assert_eq!(leaves(Vec::new(), &known), (true, vec![person]));
    assert_eq!(leaves(Vec::new(), &unknown), (false, Vec::new()));
    // Outside of it, and not inside: the API's own.
    let api = |person| vec![(id("Patient", "1"), Judgement::Person(person))];
    assert_eq!(leaves(api(person), &unknown), (true, vec![person]));
    assert_eq!(leaves(api(person), &known), (true, vec![person]));
    assert_eq!(leaves(api(number("0201609995")), &known), (false, Vec::new()));
    assert_eq!(leaves(vec![(id("Patient", "1"), Judgement::Withheld)], &known), (false, Vec::new()));
    let twice = known.replacen(
        "{\"entry\":[",
        &format!("{{\"entry\":[{{\"resource\":{}}},", PATIENT.replace("2512489996", "0201609995")),
        1,
    );
    assert_eq!(leaves(Vec::new(), &twice), (false, Vec::new()));

    // Nothing of it is learnt, and only what it does not tie itself is asked for.
    let surveyed =
        |document: &str| survey(&plan(&policy).unwrap(), around(document).as_bytes(), false).unwrap();
    assert_eq!((surveyed(&known).same.len(), surveyed(&known).references.len()), (0, 0));
    let asked: Vec<_> = surveyed(&unknown).references.into_iter().map(|one| one.value).collect();
    assert_eq!(asked, ["1"]);
}

#[test]
fn protection_of_a_record_or_of_a_document_in_it_is_that_of_both() {
    let policy = letters();
    let marked = PATIENT.replacen('{', r#"{"meta":{"security":[{"code":"R"}]},"#, 1);
    let done = rewrite(&plan(&policy).unwrap(), around(&marked).as_bytes(), &[0; 16], &mut ()).unwrap();
    assert_eq!(done.released.body(), format!("{{\"data\":\"{}\"}}", BASE64.encode(b"{\"x\":1}")).as_bytes());
    assert_eq!(done.disclosure.address_protected, 2);
    let outside = around(PATIENT).replacen('{', r#"{"meta":{"security":[{"code":"R"}]},"#, 1);
    let output = run(&policy, &outside).unwrap();
    assert_eq!(inside(output.as_bytes()).as_deref(), Some("{\"x\":1}"));

    let mut markers = policy;
    markers.address_markers = vec![at("$.hemmelig")];
    let marked = PATIENT.replacen('{', r#"{"hemmelig":true,"#, 1);
    assert_eq!(
        run(&markers, &around(&marked)).unwrap(),
        format!("{{\"data\":\"{}\"}}", BASE64.encode(b"{\"x\":1}"))
    );
}

#[test]
fn what_was_resolved_does_not_come_back_inside() {
    let mut policy = letters();
    policy.pseudonyms.scheme = Scheme::Sealed;
    let plan = plan(&policy).unwrap();
    let mut pseudonym = Vec::new();
    assert!(plan.pseudonymiser().write(Input::id("Patient", "a-88120x"), Linkage::Domain, &mut pseudonym));
    let sought = Sought { kind: Kind::Id { resource_type: "Patient".into() }, system: None };
    let resolved = plan.resolve(&sought, std::str::from_utf8(&pseudonym).unwrap(), &Rows::default());
    let echoes = Echoes::of(&[resolved.unwrap()]);
    let rewriter = Rewriter {
        plan: &plan,
        salt: &[0; 16],
        judge: &Known(Vec::new()),
        echoes: &echoes,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines: false,
    };
    let document = r#"{"resourceType":"Basic","list":["a-88120X",1]}"#;
    let done = rewriter.run(around(document).as_bytes(), &mut ()).unwrap();
    assert_eq!(inside(done.released.body()).as_deref(), Some(r#"{"list":[1]}"#));
}

#[test]
fn a_document_in_a_document_is_not_decoded() {
    let mut policy = letters();
    policy.shapes[2].rules =
        rules(&[("$.data", Action::DecodeJson(vec!["Patient".into()])), ("$.list", keep())]);
    let basic =
        format!(r#"{{"resourceType":"Basic","list":[1],"data":"{}"}}"#, BASE64.encode(PATIENT.as_bytes()));
    assert_eq!(left(&policy, &basic), Ok(Some("{\"list\":[1]}".to_owned())));
    // A text may be.
    policy.shapes[2].rules = rules(&[("$.data", Action::Decode(Scan::default()))]);
    let basic = format!(r#"{{"resourceType":"Basic","data":"{}"}}"#, BASE64.encode(b"cpr 251248-9996"));
    let wanted = format!("{{\"data\":\"{}\"}}", BASE64.encode(b"cpr xxxxxxxxxx"));
    assert_eq!(left(&policy, &basic), Ok(Some(wanted)));
}

#[test]
fn rules_of_a_document_meet_each_other_and_nothing_around() {
    let mut policy = letters();
    policy.routes[0].response.shapes = vec![0, 1, 2];
    policy.routes[0].response.rules.truncate(1);
    assert!(plan(&policy).is_ok());
    let same = shape("Patient", Subject::Elsewhere, &[("$.x", Action::Withhold)]);
    policy.shapes.push(Shape { name: "Other".into(), ..same });
    assert!(plan(&policy).is_ok());
    policy.routes[0].response.rules[0].action = Action::DecodeJson(vec!["Patient".into(), "Other".into()]);
    let errors = plan(&policy).unwrap_err();
    assert!(matches!(&errors[..], [PlanError::Conflict(_)]), "{errors:?}");
}

#[test]
fn a_watch_hears_of_what_is_inside_only_if_it_leaves() {
    struct Told(Vec<String>);
    impl Watch for Told {
        const ENABLED: bool = true;
        fn decided(&mut self, decision: &Decision<'_>) {
            self.0.push(format!("{} {:?}", decision.pointer, decision.outcome));
        }
    }
    let plan = plan(&letters()).unwrap();
    let told = |document: &str| {
        let mut told = Told(Vec::new());
        rewrite(&plan, around(document).as_bytes(), &[0; 16], &mut told).unwrap();
        told.0.split_off(1)
    };
    assert_eq!(
        told(r#"{"resourceType":"Observation","subject":"2512489996","x":1}"#),
        ["/data/resourceType Withheld", "/data/subject Withheld", "/data/x Kept", "/data Changed"]
    );
    assert_eq!(told(r#"{"resourceType":"Observation","x":1}"#), ["/data RecordWithheld"]);
    assert_eq!(told(r#"{"resourceType":"Observation","x":1,"x":1}"#), ["/data Unfit"]);
    assert_eq!(told(r#"{"resourceType":"Other","x":1}"#), ["/data Withheld"]);
}
