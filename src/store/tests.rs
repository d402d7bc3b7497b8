//! Tests of the store as its callers see it.

mod index;
mod opening;
mod postings;
mod pseudonyms;
mod quota;
mod registry;
mod statements;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::connect::Make;
use super::{Alias, AliasSource, Exchange, NewChange, RightKind, Store, schema};
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

/// Makes a store one of schema 8, in which each disclosure had all that its class has now.
fn back_to_schema_8(path: &Path) {
    let older = path.with_extension("older");
    let mut raw = rusqlite::Connection::open(&older).unwrap();
    schema::migrate(&older, &mut raw, &schema::MIGRATIONS[..8], Make::Yes).unwrap();
    raw.execute("ATTACH $1 AS newer", (path.to_str(),)).unwrap();
    let rows = "INSERT INTO meta SELECT * FROM newer.meta WHERE name <> 'schema';
        INSERT INTO position SELECT * FROM newer.position;
        INSERT INTO posting_run SELECT * FROM newer.posting_run;
        INSERT INTO posting_block SELECT * FROM newer.posting_block;
        INSERT INTO disclosure SELECT (SELECT log FROM position), seq, at, kind, exchange, recipient, policy,
            route, purpose, basis, country, status, outcome, bytes, subjects, subject_ids, released, withheld,
            unfit, cpr_in_text, records, records_withheld
            FROM newer.disclosure JOIN newer.disclosure_class ON class = number ORDER BY seq";
    raw.execute_batch(rows).unwrap();
    raw.execute_batch("DETACH newer").unwrap();
    drop(raw);
    fs::set_permissions(&older, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(older, path).unwrap();
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
