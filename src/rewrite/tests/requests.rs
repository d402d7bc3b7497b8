//! Requests, and what of them must not come back.

use super::{keep, plan, policy, rules};
use crate::judge::Everyone;
use crate::policy::checked::{Action, Keep, Kind, Mask, Policy, Scan, Sought};
use crate::policy::plan::Plan;
use crate::pseudonym::{Input, KeyRing, Linkage, NONE_KNOWN, Rows, Scheme};
use crate::rewrite::{Echoes, NO_BASE, Refused, Rewriter, take};

/// A pseudonym of `policy`'s domain, sealed with its ring.
fn sealed(input: Input<'_>) -> String {
    let mut out = Vec::new();
    let maker = KeyRing::throw_away([1; 32]).pseudonymiser("test", Scheme::Sealed).unwrap();
    assert!(maker.write(input, Linkage::Domain, &mut out));
    String::from_utf8(out).unwrap()
}

const NANCY: Input<'_> = Input { kind: "cpr", resource_type: "", system: "", value: "2512489996" };

fn sealing(list: &[(&str, Action)]) -> Policy {
    let mut policy = policy(list);
    policy.pseudonyms.scheme = Scheme::Sealed;
    policy
}

fn resolve(kind: Kind) -> Action {
    Action::Resolve(Sought { kind, system: None })
}

fn request_plan() -> Plan {
    let lines = rules(&[
        ("$.resourceType", keep()),
        ("$.subject.identifier.value", resolve(Kind::Cpr)),
        ("$.subject.reference", resolve(Kind::Reference)),
        ("$.value", keep()),
        ("$.value.secret", Action::Withhold),
        ("$.list[*].code", keep()),
    ]);
    Plan::compile_request(&sealing(&[]), &lines, &KeyRing::throw_away([1; 32])).unwrap()
}

#[test]
fn what_a_request_lists_is_passed_on_and_its_pseudonyms_resolved() {
    let reference = sealed(Input::id("Patient", "AFT-KQ7"));
    let body = format!(
        r#"{{ "resourceType":"Observation", "subject":{{"identifier":{{"value":"{}"}},"reference":"Patient/{reference}"}},
             "value":{{"a":[1,{{}}],"b":null}}, "list":[{{"code":"x"}},{{"code":2}}] }}"#,
        sealed(NANCY)
    );
    let taken = take(&request_plan(), body.as_bytes(), &Rows::default()).unwrap();
    assert_eq!(
        String::from_utf8(taken.body.into_inner()).unwrap(),
        r#"{"resourceType":"Observation","subject":{"identifier":{"value":"2512489996"},"reference":"Patient/AFT-KQ7"},"value":{"a":[1,{}],"b":null},"list":[{"code":"x"},{"code":2}]}"#
    );
    assert_eq!(taken.resolved.len(), 2);
}

#[test]
fn whatever_would_be_left_out_refuses_the_whole_request() {
    let plan = request_plan();
    let mut forged = sealed(NANCY);
    forged.pop();
    for (body, wanted) in [
        (r#"{"value":1}"#, None),
        (r#"{"value":1,"unlisted":1}"#, Some(Refused::Unlisted)),
        (r#"{"value":{"a":1,"secret":2}}"#, Some(Refused::Unlisted)),
        (r#"{"subject":{}}"#, Some(Refused::Unlisted)),
        (r#"{"value":1,"list":[]}"#, Some(Refused::Unlisted)),
        (r#"{"list":[{"code":1},{}]}"#, Some(Refused::Unlisted)),
        (r#"{"subject":"x"}"#, Some(Refused::Unlisted)),
        ("{}", Some(Refused::Unlisted)),
        ("[]", Some(Refused::Unlisted)),
        ("3", Some(Refused::Unlisted)),
        (r#"{"value":2512489996}"#, Some(Refused::Unfit)),
        (r#"{"value":"251248-9996 kommer"}"#, Some(Refused::Clear)),
        (r#"{"value":{"251248-9996":1}}"#, Some(Refused::Clear)),
        (r#"{"subject":{"identifier":{"value":"251248-9996"}}}"#, Some(Refused::Clear)),
        (r#"{"subject":{"identifier":{"value":null}}}"#, Some(Refused::Unfit)),
        (r#"{"subject":{"identifier":{"value":7}}}"#, Some(Refused::Unfit)),
        (r#"{"subject":{"identifier":{"value":"x"}}}"#, Some(Refused::Pseudonym)),
        (&format!(r#"{{"subject":{{"identifier":{{"value":"{forged}"}}}}}}"#), Some(Refused::Pseudonym)),
        (&format!(r#"{{"subject":{{"reference":"Patient/{}"}}}}"#, sealed(NANCY)), Some(Refused::Pseudonym)),
        (r#"{"value":1,"value":1}"#, Some(Refused::NotJson)),
        (r#"{"value":1,}"#, Some(Refused::NotJson)),
        (r#"{"value":1} 2"#, Some(Refused::NotJson)),
        ("", Some(Refused::NotJson)),
    ] {
        assert_eq!(take(&plan, body.as_bytes(), &Rows::default()).err(), wanted, "{body}");
    }
    assert_eq!(take(&plan, b"{\"value\":\"\xff\"}", &Rows::default()).err(), Some(Refused::NotJson));
}

#[test]
fn what_was_resolved_comes_back_as_its_pseudonym_or_not_at_all() {
    let policy = sealing(&[
        ("$.cpr", Action::Pseudonymise(Kind::Cpr)),
        ("$.id", Action::Pseudonymise(Kind::Id { resource_type: "Patient".into() })),
        ("$.plain", keep()),
        ("$.number", Action::Keep(Keep { number_not_cpr: true, ..Keep::default() })),
        ("$.text", Action::Keep(Keep { string_not_cpr: true, ..Keep::default() })),
        ("$.clear", Action::Keep(Keep { clear_cpr: Some("dbl-11-2-1"), ..Keep::default() })),
        ("$.scan", Action::Scan(Scan::default())),
        ("$.mask", Action::Mask(Mask::FirstWord)),
        ("$.total", Action::Count),
        ("$.below", keep()),
        ("$.n", resolve(Kind::Cpr)),
    ]);
    let plan = plan(&policy).unwrap();
    let resolve =
        |kind, text: &str| plan.resolve(&Sought { kind, system: None }, text, &Rows::default()).unwrap();
    let patient = |id| {
        let kind = Kind::Id { resource_type: "Patient".into() };
        resolve(kind, &sealed(Input::id("Patient", id)))
    };
    let echoes = Echoes::of(&[resolve(Kind::Cpr, &sealed(NANCY)), patient("AFT-KQ7"), patient("88")]);
    let run = |body: &str| {
        let rewriter = Rewriter {
            plan: &plan,
            salt: &[0; 16],
            judge: &Everyone,
            echoes: &echoes,
            base: NO_BASE,
            known: &NONE_KNOWN,
            lines: false,
        };
        let done = rewriter.run(body.as_bytes(), &mut ()).unwrap();
        (String::from_utf8(done.released.into_body()).unwrap(), done.disclosure.unfit)
    };
    let (cpr, id) = (sealed(NANCY), sealed(Input::id("Patient", "AFT-KQ7")));
    for (body, wanted) in [
        (r#"{"cpr":"251248-9996","id":"AFT-KQ7"}"#, format!(r#"{{"cpr":"{cpr}","id":"{id}"}}"#)),
        (r#"{"plain":"see aft-kq7"}"#, "{}".into()),
        (r#"{"plain":"see aft-kq8"}"#, r#"{"plain":"see aft-kq8"}"#.into()),
        (r#"{"plain":"251248-9996"}"#, r#"{"plain":"xxxxxxxxxx"}"#.into()),
        (r#"{"plain":88}"#, "{}".into()),
        (r#"{"plain":8.8e1}"#, "{}".into()),
        (r#"{"plain":188}"#, r#"{"plain":188}"#.into()),
        (r#"{"plain":"Patient\u002f88"}"#, "{}".into()),
        (r#"{"number":2512489996}"#, "{}".into()),
        (r#"{"number":2512489997}"#, r#"{"number":2512489997}"#.into()),
        (r#"{"text":"2512489996"}"#, "{}".into()),
        (r#"{"text":"2512489997"}"#, r#"{"text":"2512489997"}"#.into()),
        (r#"{"clear":"251248-9996"}"#, "{}".into()),
        (r#"{"clear":2512489996}"#, "{}".into()),
        (r#"{"clear":"2512489997"}"#, r#"{"clear":"2512489997"}"#.into()),
        (r#"{"scan":"AFT-KQ7"}"#, "{}".into()),
        (r#"{"mask":"AFT-KQ7 x"}"#, "{}".into()),
        (r#"{"total":88}"#, "{}".into()),
        (r#"{"below":{"AFT-KQ7":1,"b":2}}"#, r#"{"below":{"b":2}}"#.into()),
        (r#"{"below":{"a":[{"c":"AFT-KQ7"}],"b":2}}"#, r#"{"below":{"b":2}}"#.into()),
    ] {
        let (out, unfit) = run(body);
        assert_eq!(out, wanted, "{body}");
        assert_eq!(unfit == 0, out != "{}" && !out.ends_with("{\"b\":2}}"), "{body}");
    }
    // A response is never the place to resolve, whatever its rules say.
    assert_eq!(run(&format!(r#"{{"n":"{cpr}"}}"#)).0, "{}");
}
