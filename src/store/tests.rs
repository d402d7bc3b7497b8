//! Tests of the store as its callers see it.

mod index;
mod opening;
mod postings;
mod pseudonyms;
mod quota;
mod registry;
mod statements;

use std::path::Path;

use tempfile::TempDir;

use super::{Alias, AliasSource, Exchange, NewChange, RightKind, Store};
use crate::ids::{ExchangeId, PolicyVersion, SubjectId};

/// A store in a folder of its own, which goes with the second.
fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Store::open_or_make(&folder.path().join("tavs.db")).unwrap(), folder)
}

/// The n-th invented subject.
pub(crate) const fn subject(n: u8) -> SubjectId {
    SubjectId([n; 16])
}

/// That subject's erasure.
pub(crate) fn erasure(n: u8) -> NewChange {
    NewChange {
        subject: subject(n),
        kind: RightKind::Erasure,
        purpose: None,
        recipient: None,
        begun: true,
        at: 1_772_600_000_000,
        until: None,
        reason: "asked by letter".to_owned(),
        who: "officer".to_owned(),
        sealed_cpr: None,
    }
}

/// That two of them are one person.
pub(crate) fn alias(one: u8, other: u8) -> Alias {
    Alias { subject: subject(one), same_as: subject(other), source: AliasSource::Learnt, at: 1 }
}

/// Makes a store one of schema 8, in which each disclosure had all that it shares with others now.
fn back_to_schema_8(path: &Path) {
    let older = "ALTER TABLE disclosure RENAME TO newer;
        CREATE TABLE disclosure (log BYTEA, seq BIGINT, at BIGINT, kind TEXT, exchange BYTEA, recipient TEXT,
            policy BYTEA, route TEXT, purpose TEXT, basis TEXT, country TEXT, status SMALLINT, outcome TEXT,
            bytes BIGINT, subjects BIGINT, subject_ids BYTEA, released TEXT, withheld BIGINT, unfit BIGINT,
            cpr_in_text BIGINT, records BIGINT, records_withheld BIGINT, PRIMARY KEY (log, seq));
        CREATE INDEX disclosure_recipient ON disclosure (recipient, at);
        INSERT INTO disclosure SELECT (SELECT log FROM position), seq, at, kind, exchange, recipient, policy,
            route, purpose, basis, country, status, outcome, bytes, subjects, subject_ids, released, withheld,
            unfit, cpr_in_text, records, records_withheld
            FROM newer JOIN disclosure_class ON class = number ORDER BY seq;
        DROP TABLE newer;
        DROP TABLE disclosure_class;
        UPDATE meta SET value = '8' WHERE name = 'schema'";
    rusqlite::Connection::open(path).unwrap().execute_batch(older).unwrap();
}

/// An invented disclosure.
fn exchange(sequence: u64, at: u64, recipient: &str, subjects: &[u8]) -> Exchange {
    Exchange {
        sequence,
        at,
        kind: "disclosure".into(),
        exchange: ExchangeId::new(at, [7; 10]),
        recipient: recipient.into(),
        policy: PolicyVersion([0xab; 32]),
        route: Some("appointments".into()),
        purpose: "appointment-reminders".into(),
        basis: vec!["gdpr-6-1-b".into(), "gdpr-9-2-h".into()],
        country: "DK".into(),
        status: 200,
        outcome: "released".into(),
        bytes: 318,
        subjects: subjects.iter().map(|n| subject(*n)).collect(),
        released: vec![(0, 2), (2, 1)],
        withheld: 9,
        unfit: 1,
        cpr_in_text: 1,
        records: 2,
        records_withheld: 1,
    }
}
