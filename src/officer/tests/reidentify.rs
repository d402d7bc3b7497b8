//! Two officers' papers, and nobody else's, once each; the record before anything else.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::officer::paper::tests::{key, officers, request};
use crate::officer::paper::{Paper, Request};
use crate::pseudonym::{Input, KeyRing, Linkage, Scheme, Wanted};
use crate::table;

const LOCAL: Caller = Caller::Local { uid: 7 };
const LOG: &str = "01010101010101010101010101010101";

fn ring() -> KeyRing {
    let one = |used: &str, rest: &str, digit: &str| {
        format!(
            "[[secret]]\nuse = \"{used}\"\n{rest}version = 1\nstate = \"active\"\nsecret = \"{}\"\n",
            digit.repeat(64)
        )
    };
    let text = "ring = 1\n".to_owned()
        + &one("domain", "name = \"sms\"\n", "a")
        + &one("domain", "name = \"research\"\n", "b")
        + &one("ledger-subjects", "", "c")
        + &one("registry", "", "d")
        + &one("checkpoints", "", "e");
    KeyRing::parse(&text, Timestamp::now()).unwrap()
}

fn pseudonym(domain: &str, scheme: Scheme, input: Input<'_>, linkage: Linkage<'_>) -> String {
    let mut out = Vec::new();
    assert!(ring().pseudonymiser(domain, scheme).unwrap().write(input, linkage, &mut out));
    String::from_utf8(out).unwrap()
}

fn nancy(scheme: Scheme) -> String {
    let input = Input { kind: "cpr", resource_type: "", system: "", value: NANCY };
    pseudonym("sms", scheme, input, Linkage::Domain)
}

fn desk() -> Desk {
    Desk::open_with(in_force::tests::of_ring(&ring(), officers()))
}

fn asked(pseudonym: &str, now: Timestamp) -> Request {
    let request = request("anna", pseudonym, now);
    Request { log: LOG.into(), domain: Some("sms".into()), ..request }
}

fn approved(request: Request) -> String {
    let at = request.asked;
    Paper::ask(request, &key(1)).unwrap().approve("bodil", &key(2), at).unwrap().text()
}

fn body(paper: &str) -> String {
    serde_json::json!({ "paper": paper }).to_string()
}

impl Desk {
    async fn execute(&self, caller: &Caller, paper: &str) -> (u16, String) {
        self.ask(caller, "/v1/reidentifications", body(paper)).await
    }
}

#[tokio::test]
async fn two_officers_use_is_on_record_once_and_in_the_persons_report() {
    let desk = desk();
    let now = Timestamp::now();
    let paper = approved(asked(&nancy(Scheme::Sealed), now));
    // Two at once: one of them.
    let both = futures(desk.execute(&LOCAL, &paper), desk.execute(&LOCAL, &paper)).await;
    let mut statuses = [both.0.0, both.1.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{both:?}");
    assert!(!format!("{both:?}").contains("2512"), "{both:?}");
    assert_eq!(desk.execute(&LOCAL, &paper).await.0, 409);
    let acts = desk.acts();
    assert_eq!(acts.len(), 1);
    let (what, _, who, why) = &acts[0];
    assert_eq!((what.as_str(), who.as_str()), ("reidentify", "anna, bodil (uid 7)"));
    assert_eq!(
        *why,
        format!("urgent finding, case 2026-88 (domain sms) [{}]", Paper::read(&paper).unwrap().reference())
    );

    let report = format!(
        r#"{{"head":{{"why":"letter","format":"json"}},"names_staff":true,"persons":[{{"subject":"{NANCY}"}}]}}"#
    );
    let (status, report) = desk.ask(&LOCAL, "/v1/reports/subject", report).await;
    assert_eq!(status, 200);
    assert!(report.contains("\"reidentify\"") && report.contains("anna, bodil"), "{report}");

    // The same request, asked and approved anew, is another one.
    let again = approved(asked(&nancy(Scheme::Sealed), now + SignedDuration::from_secs(1)));
    assert_eq!(desk.execute(&LOCAL, &again).await.0, 200);
}

async fn futures<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    tokio::join!(one, other)
}

#[tokio::test]
async fn no_role_and_no_one_person_gets_anything() {
    let desk = desk();
    let now = Timestamp::now();
    let good = asked(&nancy(Scheme::Sealed), now);
    let paper = approved(good.clone());
    // Over the network there is no such thing, whatever the role, and whatever is signed.
    for role in [Role::Operator, Role::Registrar, Role::Officer] {
        let caller = Caller::Client { name: "ops".into(), roles: vec![role] };
        assert_eq!(desk.execute(&caller, &paper).await.0, 404, "{role:?}");
    }
    // On this machine there is nothing without two officers.
    let alone = Paper::ask(good.clone(), &key(1)).unwrap();
    let carl = Paper::ask(Request { requester: "carl".into(), ..good.clone() }, &key(3)).unwrap();
    let expired = now - SignedDuration::from_hours(3);
    for (what, paper) in [
        ("unapproved", alone.text()),
        ("its own", carl.text() + &paper.lines().skip(2).collect::<Vec<_>>().join("\n")),
        ("not the role", alone.clone().approve("dorte", &key(4), now).unwrap().text()),
        ("pseudonym changed", paper.replacen("tvs1-", "tvs1-a", 1)),
        ("reason changed", paper.replacen("case 2026-88", "case 2026-89", 1)),
        ("expired", approved(asked(&nancy(Scheme::Sealed), expired))),
        ("another log", approved(Request { log: "02".repeat(16), ..good.clone() })),
        ("no paper", "{}".to_owned()),
    ] {
        let (status, told) = desk.execute(&LOCAL, &paper).await;
        assert_eq!(status, 422, "{what}: {told}");
        assert!(told.contains("problem:approval") && !told.contains("tvs1"), "{what}: {told}");
    }
    let refused = desk.acts();
    assert!(refused.iter().all(|act| act.0 == "reidentify-refused"), "{refused:?}");
    assert_eq!(refused.len(), 8, "each attempt shows in the supervision report");
    // What was refused did not use it up.
    assert_eq!(desk.execute(&LOCAL, &paper).await.0, 200);
}

#[tokio::test]
async fn what_does_not_resolve_says_so_and_what_is_not_on_disk_is_not_told() {
    let desk = desk();
    let now = Timestamp::now();
    let id = Input { kind: "id", resource_type: "Patient", system: "", value: "123" };
    let patient = pseudonym("sms", Scheme::Sealed, id, Linkage::Document(&[5; 16]));
    let patient = Request { kind: "id".into(), of: "Patient".into(), ..asked(&patient, now) };
    for (request, said) in [
        (asked(&nancy(Scheme::Keyed), now), "one of `keyed`"),
        (asked(&nancy(Scheme::Digits), now), "one of `digits`"),
        (asked("tvt1-erhozovofvojmlexjgnvtkmobwfn", now), "one of `table`"),
        (Request { domain: Some("research".into()), ..asked(&nancy(Scheme::Sealed), now) }, "does not open"),
        (Request { domain: Some("gone".into()), ..asked(&nancy(Scheme::Sealed), now) }, "no secret"),
        (Request { domain: None, ..asked(&nancy(Scheme::Sealed), now) }, "no policy in force"),
        (Request { kind: "ecpr".into(), ..asked(&nancy(Scheme::Sealed), now) }, "does not open"),
        (Request { of: "Person".into(), ..patient.clone() }, "does not open"),
        (asked("tvs1-aaaaaaaa", now), "does not open"),
        (asked("nobody", now), "does not open"),
    ] {
        let (status, told) = desk.execute(&LOCAL, &approved(request)).await;
        assert!(status == 422 && told.contains(said), "{status} {told}");
    }
    assert_eq!(desk.acts(), []);
    let opened =
        in_force::tests::of_ring(&ring(), officers()).open(&patient, || Ok(desk.store.clone())).unwrap();
    assert_eq!(opened.identifier.as_str(), "Patient/123");
    assert_eq!(desk.execute(&LOCAL, &approved(patient)).await.0, 200);

    let erase =
        format!(r#"{{"why":"letter","changes":[{{"subject":"{NANCY}","kind":"erasure","begun":true}}]}}"#);
    let nancy = approved(asked(&nancy(Scheme::Sealed), now));
    let other = Input { kind: "cpr", resource_type: "", system: "", value: "0201609995" };
    let other = approved(asked(&pseudonym("sms", Scheme::Sealed, other, Linkage::Domain), now));
    assert_eq!(desk.ask(&LOCAL, "/v1/changes", erase).await.0, 200);
    assert_eq!(desk.execute(&LOCAL, &nancy).await.0, 409, "erased is for good");
    desk.fails.store(true, Ordering::SeqCst);
    assert_eq!(desk.execute(&LOCAL, &other).await.0, 503);
}

/// Drawn as an exchange draws it; the row goes with Nancy.
fn drawn(desk: &Desk, input: Input<'_>) -> String {
    let ring = ring();
    let maker = ring.pseudonymiser("sms", Scheme::Table).unwrap();
    let Input { kind, resource_type, system, value } = input;
    let wanted = Wanted {
        by_value: maker.table().unwrap().by_value(input),
        kind: kind.into(),
        resource_type: resource_type.into(),
        system: system.into(),
        value: value.into(),
        subjects: vec![ring.subject_key().unwrap().id(nancy_as_cpr())],
    };
    let held = table::Held::new(desk.store.clone());
    let known = table::known(&held, &maker, std::slice::from_ref(&wanted)).unwrap();
    let mut out = Vec::new();
    maker.write_drawn(known.of(&wanted.by_value).unwrap(), &mut out);
    String::from_utf8(out).unwrap()
}

fn nancy_as_cpr() -> Input<'static> {
    Input { kind: "cpr", resource_type: "", system: "", value: NANCY }
}

#[tokio::test]
async fn a_pseudonym_that_stands_in_the_store_opens_until_its_person_is_erased() {
    let desk = desk();
    let now = Timestamp::now();
    let cpr = asked(&drawn(&desk, nancy_as_cpr()), now);
    let id = Input { kind: "id", resource_type: "Patient", system: "", value: "an id too long to be sealed" };
    let id = Request { kind: "id".into(), of: "Patient".into(), ..asked(&drawn(&desk, id), now) };
    for (request, said) in [
        (Request { of: "Person".into(), ..id.clone() }, "does not open"),
        (Request { kind: "ecpr".into(), ..cpr.clone() }, "does not open"),
        (Request { domain: Some("research".into()), ..cpr.clone() }, "stands in the store no more"),
        (asked(&cpr.pseudonym.replacen("tvt1", "tvt2", 1), now), "stands in the store no more"),
    ] {
        let (status, told) = desk.execute(&LOCAL, &approved(request)).await;
        assert!(status == 422 && told.contains(said), "{status} {told}");
    }
    assert_eq!(desk.acts(), []);
    let names = in_force::tests::of_ring(&ring(), officers());
    let open = |request: &Request| names.open(request, || Ok(desk.store.clone()));
    assert_eq!(open(&cpr).unwrap().identifier.as_str(), NANCY);
    assert_eq!(open(&id).unwrap().identifier.as_str(), "Patient/an id too long to be sealed");
    for (request, about) in [(&cpr, open(&cpr).unwrap().subject), (&id, open(&id).unwrap().subject)] {
        assert_eq!(desk.execute(&LOCAL, &approved(request.clone())).await.0, 200);
        assert_eq!(desk.execute(&LOCAL, &approved(request.clone())).await.0, 409, "once");
        let acts = crate::ledger::read(&desk.folder.path().join("ledger")).unwrap().filter_map(|record| {
            let Event::Act(act) = record.unwrap().event else { return None };
            (act.what == "reidentify").then_some(act.subjects)
        });
        assert_eq!(acts.last().unwrap(), [about], "whose it is has it in the report");
    }
    let erase =
        format!(r#"{{"why":"letter","changes":[{{"subject":"{NANCY}","kind":"erasure","begun":true}}]}}"#);
    assert_eq!(desk.ask(&LOCAL, "/v1/changes", erase).await.0, 200);
    for request in [cpr, id] {
        let (status, told) = desk.execute(&LOCAL, &approved(request)).await;
        assert!(status == 422 && told.contains("the person is erased"), "{status} {told}");
    }
}
