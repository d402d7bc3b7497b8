use super::*;
use crate::secret::Secret;

pub(in crate::officer) const LOG: &str = "0101010101010101";

pub(in crate::officer) fn key(digit: u8) -> OfficerKey {
    OfficerKey::parse(&OfficerKey::text(&Secret::new([digit; 32]))).unwrap()
}

/// Anna asks, Bodil approves, Carl may do both.
pub(in crate::officer) fn officers() -> Vec<SigningOfficer> {
    let one = |name: &str, digit, roles: &[SigningRole]| SigningOfficer {
        name: name.to_owned(),
        key: key(digit).public(),
        roles: roles.to_vec(),
    };
    vec![
        one("anna", 1, &[SigningRole::Requester]),
        one("bodil", 2, &[SigningRole::Approver]),
        one("carl", 3, &[SigningRole::Requester, SigningRole::Approver]),
        one("dorte", 4, &[SigningRole::PolicyApprover]),
    ]
}

pub(in crate::officer) fn request(requester: &str, pseudonym: &str, now: Timestamp) -> Request {
    let request = Request {
        requester: requester.to_owned(),
        log: LOG.to_owned(),
        pseudonym: pseudonym.to_owned(),
        recipient: "sms-reminders".to_owned(),
        kind: "cpr".to_owned(),
        why: "urgent finding, case 2026-88".to_owned(),
        ..Request::blank(now, now + SignedDuration::from_hours(1))
    };
    request.checked().unwrap()
}

#[test]
fn nothing_of_a_request_hides_from_whoever_approves_it() {
    let good = Request { kind: "id".into(), of: "Patient".into(), ..request("anna", "tvs1-abc", at(0)) };
    assert!(good.clone().checked().is_ok());
    for (bad, what) in [
        (Request { of: "Patient\u{1b}[2K".into(), ..good.clone() }, "of"),
        (Request { of: "a b".into(), ..good.clone() }, "of"),
        (Request { log: "0101\r".into(), ..good.clone() }, "log"),
        (Request { log: String::new(), ..good.clone() }, "log"),
        (Request { domain: Some("sms\u{202e}".into()), ..good.clone() }, "domain"),
        (Request { recipient: "sms\u{200b}".into(), ..good.clone() }, "recipient"),
        (Request { why: "case\u{2066} 88".into(), ..good }, "why"),
    ] {
        assert_eq!(bad.checked().unwrap_err(), PaperError::Value(what));
    }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_772_600_000 + minute * 60).unwrap()
}

fn approved() -> Paper {
    let paper = Paper::ask(request("anna", "tvs1-abc", at(0)), &key(1)).unwrap();
    paper.approve("bodil", &key(2), at(1)).unwrap()
}

fn check(text: &str) -> Result<Approved, PaperError> {
    Paper::read(text).and_then(|paper| paper.check(&officers(), LOG, at(2)))
}

#[test]
fn two_officers_signatures_are_good_in_one_log_until_it_expires() {
    let text = approved().text();
    let good = check(&text).unwrap();
    assert_eq!((good.request.requester.as_str(), good.approver.as_str()), ("anna", "bodil"));
    assert!(good.why.starts_with("urgent finding, case 2026-88 ["), "{}", good.why);
    let paper = Paper::read(&text).unwrap();
    for (log, when, wanted) in [
        ("0202020202020202", at(2), PaperError::Log),
        (LOG, at(60), PaperError::Expired),
        (LOG, at(-6), PaperError::Ahead),
    ] {
        assert_eq!(paper.check(&officers(), log, when).unwrap_err(), wanted);
    }
    assert!(paper.check(&officers(), LOG, at(59)).is_ok());
}

#[test]
fn whatever_is_changed_after_a_signature_makes_it_void() {
    let text = approved().text();
    for (from, to) in [
        ("tvs1-abc", "tvs1-abd"),
        ("case 2026-88", "case 2026-89"),
        ("sms-reminders", "bookkeeping"),
        ("\"cpr\"", "\"ecpr\""),
        (LOG, "0202020202020202"),
        ("requester\":\"anna", "requester\":\"carl"),
    ] {
        assert!(text.contains(from));
        assert_eq!(check(&text.replacen(from, to, 1)).unwrap_err(), PaperError::Requester, "{from}");
    }
    assert_eq!(check(&text.replace("bodil", "carl")).unwrap_err(), PaperError::Approver);
    // An approval belongs to one request, also beside one of the same officer's.
    let other = Paper::ask(request("anna", "tvs1-abd", at(0)), &key(1)).unwrap();
    let lines: Vec<&str> = text.lines().skip(2).collect();
    let moved = other.text() + &lines.join("\n");
    assert_eq!(check(&moved).unwrap_err(), PaperError::Approver);
    // Written otherwise, it was not signed.
    assert_eq!(check(&text.replacen(",\"log\"", ", \"log\"", 1)).unwrap_err(), PaperError::Requester);
}

#[test]
fn one_person_alone_and_who_has_not_the_role_approve_nothing() {
    let asked = |name: &str, digit| Paper::ask(request(name, "tvs1-abc", at(0)), &key(digit)).unwrap();
    assert_eq!(check(&asked("anna", 1).text()).unwrap_err(), PaperError::NotApproved);
    // Who holds both roles, with their one key, also under another's name.
    assert_eq!(asked("carl", 3).approve("carl", &key(3), at(1)).unwrap_err(), PaperError::OnePerson);
    assert_eq!(asked("carl", 3).approve("bodil", &key(3), at(1)).unwrap_err(), PaperError::OnePerson);
    assert_eq!(asked("carl", 3).approve("carl", &key(2), at(1)).unwrap_err(), PaperError::OnePerson);
    // The same by hand, past the command's own check.
    let mut by_hand = asked("carl", 3);
    let line = serde_json::to_string(&Approval { approver: "carl".into(), approved: at(1) }).unwrap();
    let signed = by_hand.requested() + &line;
    let signature = key(3).sign(SigningContext::ReidentifyApproval, signed.as_bytes()).unwrap();
    by_hand.approval = Some((Approval { approver: "carl".into(), approved: at(1) }, line, signature));
    assert_eq!(check(&by_hand.text()).unwrap_err(), PaperError::OnePerson);
    for (requester, asks, approver, approves, wanted) in [
        ("anna", 9, "bodil", 2, PaperError::Requester),
        ("bodil", 2, "carl", 3, PaperError::Requester),
        ("dorte", 4, "bodil", 2, PaperError::Requester),
        ("erik", 5, "bodil", 2, PaperError::Requester),
        ("carl", 3, "anna", 1, PaperError::Approver),
        ("anna", 1, "bodil", 9, PaperError::Approver),
        ("anna", 1, "dorte", 4, PaperError::Approver),
        ("anna", 1, "erik", 5, PaperError::Approver),
    ] {
        let paper = asked(requester, asks).approve(approver, &key(approves), at(1)).unwrap();
        assert_eq!(check(&paper.text()).unwrap_err(), wanted, "{requester} {approver}");
    }
    let approved = approved();
    assert_eq!(approved.approve("carl", &key(3), at(1)).unwrap_err(), PaperError::ApprovedAlready);
    assert_eq!(asked("anna", 1).approve("bodil", &key(2), at(60)).unwrap_err(), PaperError::Expired);
}

#[test]
fn a_request_holds_no_identifier_and_nothing_that_cannot_be_recorded() {
    let good = request("anna", "tvs1-abc", at(0));
    let hour = SignedDuration::from_hours(1);
    for (bad, what) in [
        (Request { pseudonym: "2512489996".into(), ..good.clone() }, "pseudonym"),
        (Request { pseudonym: "251248-9996".into(), ..good.clone() }, "pseudonym"),
        (Request { pseudonym: "tvs1 abc".into(), ..good.clone() }, "pseudonym"),
        (Request { pseudonym: String::new(), ..good.clone() }, "pseudonym"),
        (Request { why: "for 251248-9996".into(), ..good.clone() }, "why"),
        (Request { why: String::new(), ..good.clone() }, "why"),
        (Request { why: "x ".repeat(300), ..good.clone() }, "why"),
        (Request { recipient: "2512489996".into(), ..good.clone() }, "recipient"),
        (Request { kind: "phone".into(), ..good.clone() }, "kind"),
        (Request { of: "Patient".into(), ..good.clone() }, "of"),
        (Request { expires: good.asked + hour * 25, ..good.clone() }, "expires"),
        (Request { expires: good.asked, ..good.clone() }, "expires"),
    ] {
        assert_eq!(bad.clone().checked().unwrap_err(), PaperError::Value(what));
        // Nor is one read that was signed all the same.
        let text = Paper::ask(bad, &key(1)).unwrap().text();
        assert_eq!(Paper::read(&text).unwrap_err(), PaperError::Value(what));
    }
    for bad in ["", "x", "x\ny", "{}\nAAAA\n", &"x".repeat(MAX_PAPER + 1)] {
        assert_eq!(Paper::read(bad).unwrap_err(), PaperError::Form);
    }
    assert_eq!(format!("{good:?}"), "Request(…)");
}
