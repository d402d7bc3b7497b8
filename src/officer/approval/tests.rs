//! Every way in which an approval is not good.

use super::*;
use crate::secret::Secret;

const NOW: Timestamp = Timestamp::constant(1_780_000_000, 0);
const LATER: Timestamp = Timestamp::constant(1_780_086_400, 0);

fn set(byte: u8) -> PolicySetVersion {
    PolicySetVersion([byte; 32])
}

fn key(byte: u8) -> OfficerKey {
    OfficerKey::parse(&OfficerKey::text(&Secret::new([byte; 32]))).unwrap()
}

fn officers() -> Vec<SigningOfficer> {
    let officer = |name: &str, byte, role| SigningOfficer {
        name: name.to_owned(),
        key: key(byte).public(),
        roles: vec![role],
    };
    vec![
        officer("anna", 1, SigningRole::PolicyApprover),
        officer("bent", 2, SigningRole::PolicyApprover),
        officer("carl", 3, SigningRole::Approver),
    ]
}

fn terms() -> Terms {
    Terms { deployment: "d1".into(), serial: 4, old: Some(set(1)), new: set(2), expires: LATER }
}

fn asked() -> Asked<'static> {
    Asked { deployment: "d1", last: 3, old: Some(set(1)), new: set(2), wider: true, now: NOW }
}

fn signed(terms: Terms, by: &[(&str, u8)]) -> Approval {
    let mut approval = Approval::unsigned(terms);
    for (name, byte) in by {
        assert!(approval.sign(name, &key(*byte)));
    }
    approval
}

const BOTH: &[(&str, u8)] = &[("anna", 1), ("bent", 2)];

#[test]
fn two_officers_approve_more_and_one_less() {
    let both = signed(terms(), BOTH);
    let names = both.approves(&asked(), &officers());
    assert_eq!(names, Ok(vec!["anna".to_owned(), "bent".to_owned()]));
    let one = signed(terms(), &BOTH[..1]);
    assert_eq!(one.approves(&asked(), &officers()), Err(Unapproved::TooFew { wanted: 2, signed: 1 }));
    let less = Asked { wider: false, ..asked() };
    assert_eq!(one.approves(&less, &officers()), Ok(vec!["anna".to_owned()]));
    let none = Approval::unsigned(terms());
    assert_eq!(none.approves(&less, &officers()), Err(Unapproved::TooFew { wanted: 1, signed: 0 }));
    // The first set of all has none before it.
    let first = Terms { old: None, ..terms() };
    assert!(signed(first, BOTH).approves(&Asked { old: None, ..asked() }, &officers()).is_ok());
}

#[test]
fn what_was_agreed_for_another_case_is_not_good_here() {
    let far = NOW + jiff::SignedDuration::from_hours(24 * 32);
    for (terms, asked, wanted) in [
        (Terms { deployment: "d2".into(), ..terms() }, asked(), Unapproved::Deployment),
        (terms(), Asked { deployment: "d2", ..asked() }, Unapproved::Deployment),
        (terms(), Asked { last: 4, ..asked() }, Unapproved::Serial { serial: 4, last: 4 }),
        (Terms { old: Some(set(9)), ..terms() }, asked(), Unapproved::Old),
        (Terms { old: None, ..terms() }, asked(), Unapproved::Old),
        (terms(), Asked { new: set(9), ..asked() }, Unapproved::New),
        (Terms { expires: NOW, ..terms() }, asked(), Unapproved::Expired { at: NOW }),
        (Terms { expires: far, ..terms() }, asked(), Unapproved::TooLong { at: far }),
    ] {
        assert_eq!(signed(terms, BOTH).approves(&asked, &officers()), Err(wanted));
    }
}

#[test]
fn only_different_officers_with_the_role_agree() {
    let name = |name: &str| name.to_owned();
    for (by, wanted) in [
        (&[("anna", 1), ("dora", 4)][..], Unapproved::Unknown { name: name("dora") }),
        (&[("anna", 1), ("carl", 3)], Unapproved::Unknown { name: name("carl") }),
        (&[("anna", 1), ("bent", 1)], Unapproved::BadSignature { name: name("bent") }),
        (&[("anna", 1), ("anna", 1)], Unapproved::TooFew { wanted: 2, signed: 1 }),
    ] {
        assert_eq!(signed(terms(), by).approves(&asked(), &officers()), Err(wanted), "{by:?}");
    }
    let mut twice = signed(terms(), &BOTH[..1]);
    twice.signatures.push(twice.signatures[0].clone());
    assert_eq!(twice.approves(&asked(), &officers()), Err(Unapproved::Twice { name: name("anna") }));
}

#[test]
fn terms_that_were_changed_after_signing_are_refused() {
    for change in [
        |terms: &mut Terms| terms.serial = 5,
        |terms: &mut Terms| terms.expires = NOW + jiff::SignedDuration::from_hours(2),
    ] {
        let mut approval = signed(terms(), BOTH);
        change(&mut approval.terms);
        let refused = approval.approves(&asked(), &officers());
        assert_eq!(refused, Err(Unapproved::BadSignature { name: "anna".to_owned() }));
    }
}

#[test]
fn a_file_reads_back_and_nothing_else_reads() {
    let approval = signed(terms(), BOTH);
    let text = approval.text();
    assert_eq!(Approval::parse(&text), Ok(approval));
    for bad in [
        String::new(),
        "{}".to_owned(),
        text.replace("\"approval\": 1", "\"approval\": 2"),
        text.replace("\"serial\": 4", "\"serial\": -4"),
        text.replace("\"serial\"", "\"serial\": 4, \"serial\""),
        text.replace("\"new\": \"02", "\"new\": \"0"),
        text.replace("\"deployment\"", "\"more\": 1, \"deployment\""),
    ] {
        assert_eq!(Approval::parse(&bad), Err(Unapproved::NotOne), "{bad}");
    }
}
