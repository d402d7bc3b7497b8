//! For every entry, and for any bytes.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{entry, records, settings};
use crate::ids::{ExchangeId, Purpose, RecipientId, SubjectId};
use crate::ledger::{Entry, Grounds, Kind, Ledger, canonical};

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
    let lists = (vec(any::<[u8; 16]>(), 0..40), vec(0..4_u32, 0..40), any::<bool>());
    (grounds, numbers, lists).prop_map(
        |(grounds, (millis, count, status, random), (subjects, mut rules, left))| {
            while rules.last() == Some(&0) {
                rules.pop(); // not written, so not read either
            }
            Entry {
                exchange: ExchangeId::new(millis, random),
                unix_millis: millis,
                kind: if left { Kind::Disclosure } else { Kind::Refusal },
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

proptest! {
    #[test]
    fn every_entry_reads_back_and_takes_one_line(entry in entries(), sequence in 1..u64::MAX) {
        let mut record = Vec::new();
        canonical::with_sequence(sequence, &canonical::encode(&entry).unwrap(), &mut record);
        prop_assert!(!record.contains(&b'\n') && !record.contains(&0));
        prop_assert_eq!(canonical::decode(&record), Some((sequence, entry)));
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
