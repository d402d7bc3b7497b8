//! Who is who, and what each right does.

use super::{Circumstances, Learnt, Subjects, Weighed};
use crate::ids::SubjectId;
use crate::judge::{Judge, Judgement, Same};
use crate::store::{AliasSource, Change, NewChange, RightKind, Store};

const CASE: Circumstances<'_> =
    Circumstances { recipient: "lab", purpose: "treatment", consent_required: false, now: 1000 };

fn id(number: u8) -> SubjectId {
    SubjectId([number; 16])
}

fn change(number: u64, subject: SubjectId, kind: RightKind) -> Change {
    let change = NewChange {
        subject,
        kind,
        purpose: None,
        recipient: None,
        begun: true,
        at: 0,
        until: None,
        reason: "test".into(),
        who: "test".into(),
        sealed_cpr: None,
    };
    Change { number, change, recorded: None }
}

fn judged(subjects: &Subjects, case: Circumstances<'_>, subject: SubjectId) -> Judgement {
    subjects.judge(case, &Weighed::default()).judge(subject, true)
}

#[test]
fn each_right_holds_back_what_it_is_about_from_the_next_look_on() {
    let other = Circumstances { recipient: "sms", purpose: "reminders", ..CASE };
    for (kind, named, here, there) in [
        (RightKind::Restriction, false, true, true),
        (RightKind::Erasure, false, true, true),
        (RightKind::Objection, true, true, false),
        (RightKind::Objection, false, true, true),
        (RightKind::Frabedt, true, true, false),
        (RightKind::Frabedt, false, true, true),
        (RightKind::Consent, true, false, false),
    ] {
        let subjects = Subjects::default();
        assert_eq!(judged(&subjects, CASE, id(1)), Judgement::Person(id(1)));
        let mut begun = change(1, id(1), kind);
        begun.change.purpose = (named && kind != RightKind::Frabedt).then(|| "treatment".into());
        begun.change.recipient = (named && kind == RightKind::Frabedt).then(|| "lab".into());
        subjects.apply(&begun);
        assert_eq!((subjects.generation(), subjects.last_change()), (1, 1));
        assert_eq!(judged(&subjects, CASE, id(1)) == Judgement::Withheld, here, "{kind:?}");
        assert_eq!(judged(&subjects, other, id(1)) == Judgement::Withheld, there, "{kind:?}");
        assert_eq!(judged(&subjects, CASE, id(2)), Judgement::Person(id(2)));

        let mut ended = begun.clone();
        ended.number = 2;
        ended.change.begun = false;
        subjects.apply(&ended);
        let for_good = kind == RightKind::Erasure;
        assert_eq!(judged(&subjects, CASE, id(1)) == Judgement::Withheld, for_good, "{kind:?} ended");
    }
}

#[test]
fn a_right_that_has_run_out_holds_nothing_back() {
    let subjects = Subjects::default();
    let mut restricted = change(1, id(1), RightKind::Restriction);
    restricted.change.until = Some(1000);
    subjects.apply(&restricted);
    assert_eq!(judged(&subjects, Circumstances { now: 999, ..CASE }, id(1)), Judgement::Withheld);
    assert_eq!(judged(&subjects, CASE, id(1)), Judgement::Person(id(1)));
}

#[test]
fn where_consent_is_required_only_who_gave_it_for_the_purpose_is_disclosed() {
    let subjects = Subjects::default();
    let required = Circumstances { consent_required: true, ..CASE };
    assert_eq!(judged(&subjects, required, id(1)), Judgement::Withheld);
    let mut given = change(1, id(1), RightKind::Consent);
    given.change.purpose = Some("treatment".into());
    subjects.apply(&given);
    assert_eq!(judged(&subjects, required, id(1)), Judgement::Person(id(1)));
    assert_eq!(judged(&subjects, Circumstances { purpose: "x", ..required }, id(1)), Judgement::Withheld);
    given.number = 2;
    given.change.begun = false;
    subjects.apply(&given);
    assert_eq!(judged(&subjects, required, id(1)), Judgement::Withheld);
}

#[test]
fn all_ids_of_a_person_share_rights_however_they_were_tied() {
    let subjects = Subjects::default();
    subjects.apply(&change(1, id(3), RightKind::Restriction));
    subjects.tie(id(1), id(2));
    subjects.tie(id(3), id(1));
    subjects.tie(id(2), id(3));
    for number in 1..=3 {
        assert_eq!(judged(&subjects, CASE, id(number)), Judgement::Withheld, "{number}");
        assert_eq!(subjects.person(id(number)), subjects.person(id(1)));
    }
    assert_eq!(judged(&subjects, CASE, id(4)), Judgement::Person(id(4)));
}

#[test]
fn a_reference_is_a_person_only_when_somebody_tied_it_to_one() {
    let subjects = Subjects::default();
    let nothing = Weighed::default();
    assert_eq!(subjects.judge(CASE, &nothing).judge(id(9), false), Judgement::Unknown);
    let found = subjects.weigh(&[Same { alias: id(9), person: id(1) }, Same { alias: id(9), person: id(1) }]);
    assert_eq!(found.new.len(), 1);
    assert_eq!(subjects.judge(CASE, &found).judge(id(9), false), Judgement::Person(id(1)));
    subjects.tie(id(9), id(1));
    assert_eq!(subjects.judge(CASE, &nothing).judge(id(9), false), Judgement::Person(id(1)));

    // The id now stands beside another person's number: nobody knows whose it is.
    let found = subjects.weigh(&[Same { alias: id(9), person: id(2) }]);
    assert_eq!((found.new.len(), &*found.contradictions), (0, &[id(9)][..]));
    assert_eq!(subjects.judge(CASE, &found).judge(id(9), false), Judgement::Unknown);
    // An officer says that the two numbers are one person's.
    subjects.tie(id(1), id(2));
    let as_now = subjects.weigh(&[]);
    let found = subjects.weigh(&[Same { alias: id(9), person: id(2) }]);
    assert!(found.has_no_news_since(&as_now));
    // What was judged before somebody else tied an id, was judged by less.
    subjects.tie(id(7), id(6));
    assert!(!subjects.weigh(&[Same { alias: id(7), person: id(6) }]).has_no_news_since(&as_now));

    let found = subjects.weigh(&[Same { alias: id(8), person: id(4) }, Same { alias: id(8), person: id(5) }]);
    assert_eq!((found.new.len(), &*found.contradictions), (0, &[id(8)][..]));
}

#[test]
fn of_two_bodies_that_contradict_each_other_the_first_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
    let subjects = Subjects::default();
    let from = Learnt { asked: &[id(8)], at: 1 };
    // Both were weighed before either was learnt.
    let (one, other) = (Same { alias: id(9), person: id(1) }, Same { alias: id(9), person: id(2) });
    let asked = Same { alias: id(8), person: id(1) };
    assert_eq!(subjects.learn(&store, &[one, asked], from).unwrap().new.len(), 2);
    assert_eq!(subjects.learn(&store, &[other], from).unwrap().contradictions, [id(9)]);
    assert_ne!(subjects.person(id(1)), subjects.person(id(2)));
    let sources: Vec<_> = store.aliases_of(id(1)).unwrap().into_iter().map(|alias| alias.source).collect();
    assert_eq!(sources, [AliasSource::LookedUp, AliasSource::Learnt]);
    let loaded = Subjects::load(&store).unwrap();
    assert_eq!(loaded.person(id(9)), loaded.person(id(1)));
}

#[test]
fn a_tie_is_a_change_where_it_makes_a_right_anothers() {
    let subjects = Subjects::default();
    subjects.tie(id(1), id(2));
    assert_eq!(subjects.generation(), 0);
    subjects.apply(&change(1, id(3), RightKind::Restriction));
    subjects.tie(id(2), id(3));
    assert_eq!((subjects.generation(), subjects.last_change()), (2, 1));
}
