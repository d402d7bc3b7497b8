//! For every entry, and for any bytes.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{entry, policy, records, settings};
use crate::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};
use crate::ledger::{
    Act, ActKind, Changed, Entry, Event, Grounds, Kind, Ledger, Note, PolicyRecord, PolicyRule, canonical,
};

/// Texts are from a policy's vocabulary, but the format must hold whatever they are.
fn entries() -> impl Strategy<Value = Entry> {
    let grounds = (any::<String>(), any::<Option<String>>(), any::<String>(), vec(any::<String>(), 0..3));
    let grounds = grounds.prop_map(|(recipient, route, purpose, basis)| Grounds {
        recipient: RecipientId::new(&recipient),
        route: route.map(Arc::from),
        purpose: Purpose::new(&purpose),
        basis: basis.into_iter().map(Cow::Owned).collect(),
        ..(*entry(0).grounds).clone()
    });
    let numbers = (0..1_u64 << 45, any::<u64>(), any::<u16>(), any::<[u8; 10]>());
    let lists = (vec(any::<[u8; 16]>(), 0..40), vec(0..4_u32, 0..40), prop::sample::select(&Kind::ALL));
    (grounds, numbers, lists).prop_map(
        |(grounds, (millis, count, status, random), (subjects, mut rules, kind))| {
            while rules.last() == Some(&0) {
                rules.pop(); // not written, so not read either
            }
            Entry {
                exchange: ExchangeId::new(millis, random),
                unix_millis: millis,
                kind,
                grounds: Arc::new(grounds),
                status,
                outcome: Cow::Borrowed("released"),
                bytes: count,
                subjects: subjects.into_iter().map(SubjectId).collect(),
                released_by_rule: rules,
                withheld: count >> 1,
                unfit: count >> 2,
                cpr_in_text: count >> 3,
                records: count >> 4,
                records_withheld: count >> 5,
            }
        },
    )
}

fn acts() -> impl Strategy<Value = Act> {
    let texts = (".{0,40}", ".{0,40}", any::<String>(), any::<Option<String>>(), any::<Option<String>>());
    let rest = (prop::sample::select(&ActKind::ALL), any::<Option<bool>>(), vec(any::<[u8; 16]>(), 0..4));
    let change = prop::option::of((any::<u64>(), prop::option::of(0..1_u64 << 45)));
    (texts, rest, any::<Option<[u8; 32]>>(), 0..1_u64 << 45, change).prop_map(
        |((who, why, what, purpose, recipient), (kind, begun, subjects), policy, unix_millis, changed)| {
            let act = Act {
                unix_millis,
                kind,
                what: Cow::Owned(what),
                begun,
                who,
                why,
                subjects: subjects.into_iter().map(SubjectId).collect(),
                purpose,
                recipient,
                policy: policy.map(PolicyVersion),
                change: None,
            };
            match changed {
                Some((number, until)) => Act {
                    kind: ActKind::Registry,
                    what: Cow::Borrowed("consent"),
                    begun: Some(begun.is_some()),
                    subjects: vec![SubjectId([1; 16])],
                    change: Some(Changed { number, until }),
                    ..act
                },
                None => act,
            }
        },
    )
}

fn policies() -> impl Strategy<Value = PolicyRecord> {
    let words = (any::<String>(), any::<Option<String>>(), vec(any::<String>(), 0..3));
    let rules = vec((any::<String>(), any::<u32>(), any::<String>(), any::<String>()), 0..4);
    (words, rules).prop_map(|((text, optional, basis), rules)| PolicyRecord {
        name: text.clone(),
        category: text,
        ground: optional.clone(),
        retention: optional,
        basis,
        who: None,
        rules: rules
            .into_iter()
            .map(|(route, rule, location, form)| PolicyRule { route, rule, location, form })
            .collect(),
        ..policy()
    })
}

proptest! {
    #[test]
    fn every_entry_reads_back_and_takes_one_line(entry in entries(), sequence in 1..u64::MAX) {
        let mut record = Vec::new();
        canonical::with_sequence(sequence, &canonical::encode(&entry).unwrap(), &mut record);
        prop_assert!(!record.contains(&b'\n') && !record.contains(&0));
        prop_assert_eq!(canonical::decode(&record), Some((sequence, Event::Exchange(entry))));
    }

    #[test]
    fn every_note_reads_back_and_takes_one_line(act in acts(), policy in policies(), sequence in 1..u64::MAX) {
        for (note, event) in [
            (Note::Act(act.clone()), Event::Act(act)),
            (Note::Policy(policy.clone()), Event::Policy(policy)),
        ] {
            let mut record = Vec::new();
            canonical::with_sequence(sequence, &canonical::encode_note(&note).unwrap(), &mut record);
            prop_assert!(!record.contains(&b'\n') && !record.contains(&0));
            prop_assert_eq!(canonical::decode(&record), Some((sequence, event)));
        }
    }

    #[test]
    fn any_bytes_are_refused_and_left_as_they_are(bytes in vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00000001.ledger");
        fs::write(&path, &bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        prop_assert!(Ledger::open(settings(folder.path())).is_err());
        prop_assert!(records(folder.path()).is_err());
        prop_assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}
