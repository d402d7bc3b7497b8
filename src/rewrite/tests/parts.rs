//! Documents that are judged in parts come to what they come to whole.

use super::{Known, at, keep, plan, policy, rules};
use crate::ids::SubjectId;
use crate::judge::{Judge, Judgement};
use crate::policy::checked::{Action, Kind, Policy, Shape, Subject};
use crate::policy::location::Literal;
use crate::policy::plan::Plan;
use crate::pseudonym::NONE_KNOWN;
use crate::rewrite::{Disclosure, FaultKind, NO_BASE, NO_ECHOES, Parted, Pieces, Rewriter, Rewritten};

/// Persons in a bundle, and a member of the bundle's own before and behind them.
fn bundle() -> Policy {
    let shape = |name: &str, at_: &[&str], subject, list: &[(&str, Action)]| Shape {
        name: name.into(),
        at: at_.iter().map(|text| at(text)).collect(),
        when: vec![("resourceType".into(), Literal::String(name.into()))],
        subject,
        alias: Vec::new(),
        rules: rules(list),
    };
    let mut policy = policy(&[]);
    policy.shapes = vec![
        shape(
            "Bundle",
            &["$"],
            Subject::Nobody { reason: "test".into() },
            &[("$.resourceType", keep()), ("$.type", keep()), ("$.total", Action::Count), ("$.link", keep())],
        ),
        shape(
            "Patient",
            &["$", "$.entry[*].resource"],
            Subject::At(vec![at("$.cpr")]),
            &[("$.cpr", Action::Pseudonymise(Kind::Cpr)), ("$.x", keep())],
        ),
    ];
    let response = &mut policy.routes[0].response;
    response.shapes = vec![0, 1];
    response.record = Some(at("$.entry[*]"));
    response.subject = Subject::Elsewhere;
    policy
}

/// Official test numbers.
const NUMBERS: [&str; 4] = ["2512489996", "2509479989", "0201919990", "0308239999"];

fn entry(number: usize) -> String {
    let cpr = NUMBERS[number % 4];
    format!(
        r#"{{"fullUrl":"æ\ud83d\ude00]","resource":{{"resourceType":"Patient","cpr":"{cpr}","x":{number}}}}}"#
    )
}

struct Whole {
    out: String,
    disclosure: Disclosure,
    parts: usize,
}

/// All parts, put together: what a recipient would have.
fn in_parts(
    plan: &Plan,
    judge: &impl Judge,
    body: &str,
    (cut, most): (usize, usize),
) -> Result<Whole, FaultKind> {
    joined(plan, judge, (body, cut, most), false)
}

fn joined(
    plan: &Plan,
    judge: &impl Judge,
    (body, cut, most): (&str, usize, usize),
    held_back: bool,
) -> Result<Whole, FaultKind> {
    let pieces = Pieces::new(plan, false, most).unwrap();
    let mut pieces = if held_back { pieces.held_back() } else { pieces };
    let mut whole = Whole { out: String::new(), disclosure: Disclosure::default(), parts: 0 };
    whole.disclosure.released_by_rule = vec![0; plan.rules.len()];
    let mut coming = body.as_bytes().chunks(cut);
    loop {
        let came = coming.next();
        pieces.push(came.unwrap_or_default());
        while let Some(piece) = pieces.next(plan, came.is_none()).map_err(|fault| fault.kind)? {
            let parting = piece.parting.unwrap();
            let rewriter = Rewriter {
                plan,
                salt: &[0; 16],
                judge,
                echoes: &NO_ECHOES,
                base: NO_BASE,
                known: &NONE_KNOWN,
                lines: false,
            };
            let document = piece.into_document();
            let part = match held_back {
                true => rewriter.part_held_back(&document, parting).map(|(part, ..)| part),
                false => rewriter.part(&document, parting),
            };
            let Parted { rewritten, has_records } = part.map_err(|fault| fault.kind)?;
            if has_records {
                pieces.records_left();
            }
            whole.out.push_str(std::str::from_utf8(rewritten.released.body()).unwrap());
            add(&mut whole.disclosure, rewritten.disclosure);
            whole.parts += 1;
        }
        if came.is_none() {
            return Ok(whole);
        }
    }
}

fn add(sum: &mut Disclosure, part: Disclosure) {
    for (sum, part) in sum.released_by_rule.iter_mut().zip(part.released_by_rule) {
        *sum += part;
    }
    sum.withheld += part.withheld;
    sum.unfit += part.unfit;
    sum.records += part.records;
    sum.records_withheld += part.records_withheld;
    let new = part.subjects.into_iter().filter(|id| !sum.subjects.contains(id)).collect::<Vec<SubjectId>>();
    sum.subjects.extend(new);
}

#[test]
fn parts_come_to_the_whole_however_a_document_is_cut() {
    let plan = plan(&bundle()).unwrap();
    let everyone = Known(Vec::new());
    let first = Rewriter {
        plan: &plan,
        salt: &[0; 16],
        judge: &everyone,
        echoes: &NO_ECHOES,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines: false,
    };
    let one = format!(r#"{{"resourceType":"Bundle","entry":[{}]}}"#, entry(0));
    let person = first.run(one.as_bytes(), &mut ()).unwrap().disclosure.subjects[0];
    let without_one = Known(vec![(person, Judgement::Withheld)]);
    let documents = [
        r#"{"resourceType":"Bundle","entry":[]}"#.to_owned(),
        r#" {"resourceType" : "Bundle" , "entry" : [ ] , "type":"searchset" } "#.to_owned(),
        one,
        format!(
            "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"x\":[1,{{\"entry\":[]}}],\"entry\":[ {} ],\"link\":[{{\"a\":\"b\"}}],\"y\":2}}\n",
            (0..40).map(entry).collect::<Vec<_>>().join(" ,\n ")
        ),
        format!(
            r#"{{"resourceType":"Bundle","\u0065ntry":[1,{},-2.5e3,"a]",{},null,[[]],true],"link":[]}}"#,
            entry(1),
            entry(5)
        ),
    ];
    for judge in [&everyone, &without_one] {
        for document in &documents {
            let whole = Rewriter { judge, ..first }.run(document.as_bytes(), &mut ()).unwrap();
            for cut in [1, 2, 3, 5, 17, 64, 1000, usize::MAX] {
                for most in [300, 1 << 20] {
                    let parts = in_parts(&plan, judge, document, (cut, most)).unwrap();
                    assert_eq!(
                        parts.out.as_bytes(),
                        whole.released.body(),
                        "cut {cut}, most {most}: {document}"
                    );
                    let Disclosure { cpr_in_text: 0, address_protected: 0, .. } = whole.disclosure else {
                        panic!("nothing of that is in these documents")
                    };
                    assert_eq!(parts.disclosure, whole.disclosure, "cut {cut}, most {most}: {document}");
                    assert!(parts.parts >= 2);
                }
            }
        }
    }
    let many = in_parts(&plan, &everyone, &documents[3], (64, 300)).unwrap();
    assert!(many.parts > 10, "{}", many.parts);
}

#[test]
fn a_count_of_records_is_withheld_where_nobody_knows_it_yet() {
    let plan = plan(&bundle()).unwrap();
    let document = format!(r#"{{"resourceType":"Bundle","total":1,"entry":[{}]}}"#, entry(2));
    let parts = in_parts(&plan, &Known(Vec::new()), &document, (7, 300)).unwrap();
    assert!(
        parts.out.starts_with(r#"{"resourceType":"Bundle","entry":[{"resource":{"cpr":"#),
        "{}",
        parts.out
    );
    assert_eq!(parts.disclosure.unfit, 1);
}

#[test]
fn what_could_change_the_rules_for_what_has_left_is_refused() {
    let plan = plan(&bundle()).unwrap();
    let body = (0..20).map(entry).collect::<Vec<_>>().join(",");
    let everyone = Known(Vec::new());
    let failed = |document: String, most| {
        for cut in [1, 3, 50, usize::MAX] {
            let failed = in_parts(&plan, &everyone, &document, (cut, most)).err();
            assert!(failed.is_some(), "cut {cut}: {document}");
            if cut == usize::MAX {
                return failed;
            }
        }
        None
    };
    for (document, kind) in [
        // The type of the document comes behind its records.
        (format!(r#"{{"entry":[{body}],"resourceType":"Bundle"}}"#), FaultKind::NotParted),
        // It is a document about a person.
        (
            format!(r#"{{"resourceType":"Patient","cpr":"2512489996","entry":[{body}]}}"#),
            FaultKind::NotParted,
        ),
        // Twice.
        (format!(r#"{{"resourceType":"Bundle","entry":[{body}],"entry":[]}}"#), FaultKind::DuplicateName),
        (
            format!(r#"{{"resourceType":"Bundle","entry":[{body}],"resourceType":"x"}}"#),
            FaultKind::DuplicateName,
        ),
        // Not there, or no array.
        (r#"{"resourceType":"Bundle","x":1}"#.into(), FaultKind::NotParted),
        (r#"{"resourceType":"Bundle","entry":{"a":1}}"#.into(), FaultKind::NotParted),
        ("[]".into(), FaultKind::NotParted),
        // No JSON.
        (format!(r#"{{"resourceType":"Bundle","entry":[{body},]}}"#), FaultKind::Syntax),
        (format!(r#"{{"resourceType":"Bundle","entry":[{body} 1]}}"#), FaultKind::Syntax),
        (format!(r#"{{"resourceType":"Bundle","entry":[,{body}]}}"#), FaultKind::Syntax),
        (format!(r#"{{"resourceType":"Bundle","entry":[{body}]"#), FaultKind::UnexpectedEnd),
        (format!(r#"{{"resourceType":"Bundle","entry":[{body}"#), FaultKind::UnexpectedEnd),
        (format!(r#"{{"resourceType":"Bundle","entry":[{body},"#), FaultKind::UnexpectedEnd),
        (format!(r#"{{"resourceType":"Bundle","entry":[{body}]}}x"#), FaultKind::TrailingBytes),
        (format!(r#"{{"resourceType":"Bundle","entry":[{body},"\ud83d"]}}"#), FaultKind::LoneSurrogate),
    ] {
        assert_eq!(failed(document.clone(), 1 << 20), Some(kind), "{document}");
    }
    let long = format!(r#"{{"resourceType":"Bundle","entry":[{body},"{}"]}}"#, "x".repeat(2000));
    assert_eq!(failed(long, 1000), Some(FaultKind::TooLarge));
    let behind = format!(r#"{{"resourceType":"Bundle","entry":[{body}],"y":"{}"}}"#, "x".repeat(2000));
    assert_eq!(failed(behind, 1000), Some(FaultKind::TooLarge));
    let before = format!(r#"{{"resourceType":"Bundle","y":"{}","entry":[{body}]}}"#, "x".repeat(2000));
    assert_eq!(failed(before, 1000), Some(FaultKind::TooLarge));
}

/// A bundle is no resource that contains others; where one does all the same, references in its records lead there.
#[test]
fn a_bundle_that_contains_resources_does_not_leave_in_parts() {
    let everyone = Known(Vec::new());
    let mut policy = bundle();
    policy.shapes[1].at.push(at("$.contained[*]"));
    let of_bundles = plan(&policy).unwrap();
    let body = (0..20).map(entry).collect::<Vec<_>>().join(",");
    let plain = format!(r#"{{"resourceType":"Bundle","x":[1],"entry":[{body}],"link":{{"a":1}}}}"#);
    let contained = r#""contained":[{"resourceType":"Patient","cpr":"2512489996"}]"#;
    let before = format!(r#"{{"resourceType":"Bundle",{contained},"entry":[{body}]}}"#);
    let escaped = contained.replacen('c', "\\u0063", 1);
    let behind = format!(r#"{{"resourceType":"Bundle","entry":[{body}],{escaped}}}"#);
    for (cut, held_back) in [1, 40, usize::MAX].into_iter().flat_map(|cut| [(cut, false), (cut, true)]) {
        let whole = run(&of_bundles, &everyone, &plain).released;
        let parts = joined(&of_bundles, &everyone, (&plain, cut, 1000), held_back).unwrap();
        assert_eq!(parts.out.as_bytes(), whole.body());
        let other = behind.replace(r#":[{"resourceType":"Patient","cpr":"2512489996"}]}"#, ":{}}");
        assert_ne!(other, behind);
        for document in [&before, &behind, &other] {
            let parts = joined(&of_bundles, &everyone, (document, cut, 1000), held_back);
            assert_eq!(parts.err(), Some(FaultKind::NotParted), "{document}");
        }
    }
    // Anything else contains what it may: of that nothing leaves before all has come.
    policy.shapes[0].when = vec![("resourceType".into(), Literal::String("List".into()))];
    let of_lists = plan(&policy).unwrap();
    for (of, parts) in [("List", Some(FaultKind::NotParted)), ("Bundle", None)] {
        let list = plain.replacen("Bundle", of, 1);
        assert_eq!(in_parts(&of_lists, &everyone, &list, (40, 1000)).err(), parts, "{of}");
        assert!(joined(&of_lists, &everyone, (&list, 40, 1000), true).is_ok());
    }
}

/// The first record of each part is another one; a number in one part would be that of ids in it, and not in others.
#[test]
fn rules_of_the_array_of_records_are_for_all_of_it() {
    let body = (0..20).map(entry).collect::<Vec<_>>().join(",");
    let document = format!(r#"{{"resourceType":"Bundle","entry":[{body}]}}"#);
    let everyone = Known(Vec::new());
    let mut first_only = bundle();
    first_only.routes[0].response.rules = rules(&[("$.entry[0].fullUrl", keep())]);
    let mut scope = bundle();
    scope.shapes.push(Shape {
        name: "all".into(),
        at: vec![at("$.entry")],
        when: Vec::new(),
        subject: Subject::Nobody { reason: "test".into() },
        alias: vec![at("$[*].fullUrl")],
        rules: Vec::new(),
    });
    scope.routes[0].response.shapes.push(2);
    for policy in [first_only, scope] {
        let plan = plan(&policy).unwrap();
        let whole = run(&plan, &everyone, &document).released;
        assert!(String::from_utf8_lossy(whole.body()).matches("fullUrl").count() <= 1);
        for held_back in [false, true] {
            let parts = joined(&plan, &everyone, (&document, 64, 1000), held_back);
            assert_eq!(parts.err(), Some(FaultKind::NotParted));
        }
    }
}

/// Two entries with one `fullUrl` could stand in two parts, and a record would be taken for one's.
#[test]
fn whose_a_record_is_is_not_looked_up_in_a_part_of_its_document() {
    struct Anybody;
    impl Judge for Anybody {
        fn judge(&self, id: SubjectId, _is_number: bool) -> Judgement {
            Judgement::Person(id)
        }
    }
    let mut policy = bundle();
    policy.shapes.push(Shape {
        name: "Observation".into(),
        at: vec![at("$.entry[*].resource")],
        when: vec![("resourceType".into(), Literal::String("Observation".into()))],
        subject: Subject::At(vec![at("$.subject"), at("$.cpr")]),
        alias: Vec::new(),
        rules: rules(&[("$.value", keep()), ("$.performer", Action::Pseudonymise(Kind::Reference))]),
    });
    policy.routes[0].response.shapes.push(2);
    let plan = plan(&policy).unwrap();
    let url = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";
    let document = format!(
        r#"{{"resourceType":"Bundle","entry":[
{{"fullUrl":"{url}","resource":{{"resourceType":"Patient","id":"p1","cpr":"2512489996"}}}},
{{"resource":{{"resourceType":"Observation","subject":"{url}","value":7}}}}]}}"#
    );
    // Nor is who measured it, though that is no subject.
    let elsewhere = document.replace("\"subject\":", "\"cpr\":\"2512489996\",\"performer\":");
    let left = |out: &str| out.matches("\"performer\":").count();
    let whole = run(&plan, &Anybody, &elsewhere);
    assert_eq!(left(&String::from_utf8_lossy(whole.released.body())), 1);
    let parts = in_parts(&plan, &Anybody, &elsewhere, (64, 1000)).unwrap();
    assert_eq!((left(&parts.out), parts.disclosure.unfit), (0, 1));
    let whole = run(&plan, &Anybody, &document);
    assert_eq!((whole.disclosure.records, whole.disclosure.records_withheld), (2, 0));
    let parts = in_parts(&plan, &Anybody, &document, (64, 1000)).unwrap();
    assert_eq!((parts.disclosure.records, parts.disclosure.records_withheld), (1, 1));
    let stopped = joined(&plan, &Anybody, (&document, 64, 1000), true);
    assert_eq!(stopped.err(), Some(FaultKind::SubjectElsewhere), "nothing is lost unsaid");
}

fn run(plan: &Plan, judge: &impl Judge, document: &str) -> Rewritten {
    let (salt, echoes, base, known) = (&[0; 16], &NO_ECHOES, NO_BASE, &NONE_KNOWN);
    let rewriter = Rewriter { plan, salt, judge, echoes, base, known, lines: false };
    rewriter.run(document.as_bytes(), &mut ()).unwrap()
}

#[test]
fn lines_are_cut_between_lines() {
    let plan = plan(&policy(&[("$.a", keep())])).unwrap();
    let body = "{\"a\":1}\n\n{\"a\":\"æ\"}\r\n{\"b\":1}\n{\"a\":3}";
    for (cut, most) in (1..body.len()).flat_map(|cut| [(cut, 15), (cut, 1000)]) {
        let mut pieces = Pieces::new(&plan, true, most).unwrap();
        let mut joined = Vec::new();
        for came in body.as_bytes().chunks(cut).map(Some).chain([None]) {
            pieces.push(came.unwrap_or_default());
            while let Some(piece) = pieces.next(&plan, came.is_none()).unwrap() {
                let document = piece.into_document();
                assert!(document.ends_with(b"\n") || came.is_none());
                joined.extend(document);
            }
        }
        assert_eq!(joined, body.as_bytes());
    }
    let mut pieces = Pieces::new(&plan, true, 10).unwrap();
    pieces.push(b"{\"a\":1}\n{\"a\":\"0123456789");
    assert_eq!(pieces.next(&plan, false).unwrap().unwrap().into_document(), b"{\"a\":1}\n");
    let fault = pieces.next(&plan, false).unwrap_err();
    assert_eq!((fault.kind, fault.offset), (FaultKind::TooLarge, 8));
}

/// What is held is gone through from its beginning each time, so the times must not grow with the bits that come.
#[test]
fn a_large_record_is_looked_at_a_few_times_only() {
    let plan = plan(&bundle()).unwrap();
    let most = 8 << 20;
    for (lines, begins) in [(false, r#"{"resourceType":"Bundle","entry":[{"x":""#), (true, r#"{"x":""#)] {
        let mut pieces = Pieces::new(&plan, lines, most).unwrap();
        pieces.push(begins.as_bytes());
        let (mut looked, mut came) = (0, 0);
        let fault = loop {
            pieces.push(&[b'x'; 1000]);
            came += 1000;
            if pieces.is_due() {
                looked += 1;
                match pieces.next(&plan, false) {
                    Ok(piece) => assert!(piece.is_none()),
                    Err(fault) => break fault,
                }
            }
        };
        assert_eq!(fault.kind, FaultKind::TooLarge);
        assert!(came < most + 2000, "{came} bytes are held");
        assert!(looked < 20, "{looked} times");
    }
}
