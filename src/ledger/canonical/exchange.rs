//! An exchange's record.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Subject, bytes_of_hex, read_time, write_time};
use crate::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId};
use crate::ledger::entry::{Entry, Grounds, Kind};

/// The largest rule number: far over what a policy of the largest size can have.
const MAX_RULE: usize = 1 << 16;

/// A record without its sequence number, in the order of the document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Body<'a> {
    time: Cow<'a, str>,
    kind: Cow<'a, str>,
    exchange: Cow<'a, str>,
    recipient: Cow<'a, str>,
    policy: Cow<'a, str>,
    route: Option<Cow<'a, str>>,
    purpose: Cow<'a, str>,
    basis: Vec<Cow<'a, str>>,
    country: Cow<'a, str>,
    status: u16,
    outcome: Cow<'a, str>,
    bytes: u64,
    subjects: Vec<Subject>,
    released: Vec<(usize, u32)>,
    withheld: u64,
    unfit: u64,
    cpr_in_text: u64,
    records: u64,
    records_withheld: u64,
}

/// The canonical bytes of an entry, but for its number; `None` if it has none.
pub(in crate::ledger) fn encode(entry: &Entry) -> Option<Vec<u8>> {
    if entry.released_by_rule.len() > MAX_RULE {
        return None;
    }
    let grounds = &*entry.grounds;
    let body = Body {
        time: Cow::Owned(write_time(entry.unix_millis)),
        kind: Cow::Borrowed(entry.kind.word()),
        exchange: Cow::Owned(entry.exchange.to_string()),
        recipient: Cow::Borrowed(grounds.recipient.as_str()),
        policy: Cow::Owned(grounds.policy.to_string()),
        route: grounds.route.as_deref().map(Cow::Borrowed),
        purpose: Cow::Borrowed(grounds.purpose.as_str()),
        basis: grounds.basis.iter().map(|word| Cow::Borrowed(&**word)).collect(),
        country: Cow::Borrowed(&grounds.country),
        status: entry.status,
        outcome: Cow::Borrowed(&entry.outcome),
        bytes: entry.bytes,
        subjects: entry.subjects.iter().copied().map(Subject).collect(),
        released: entry
            .released_by_rule
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .collect(),
        withheld: entry.withheld,
        unfit: entry.unfit,
        cpr_in_text: entry.cpr_in_text,
        records: entry.records,
        records_withheld: entry.records_withheld,
    };
    serde_json::to_vec(&body).ok()
}

/// Whether a record's kind is an exchange's.
pub(super) fn is_kind(word: &str) -> bool {
    kind_of_word(word).is_some()
}

/// Reads what [`encode`] wrote; the caller holds it against that.
pub(super) fn decode(encoded: &[u8]) -> Option<Entry> {
    entry_of(serde_json::from_slice(encoded).ok()?)
}

fn kind_of_word(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.word() == word)
}

fn entry_of(body: Body<'_>) -> Option<Entry> {
    let mut released_by_rule = Vec::new();
    for (rule, count) in body.released {
        if rule >= MAX_RULE || rule < released_by_rule.len() {
            return None;
        }
        released_by_rule.resize(rule, 0);
        released_by_rule.push(count);
    }
    Some(Entry {
        exchange: ExchangeId::parse(&body.exchange)?,
        unix_millis: read_time(&body.time)?,
        kind: kind_of_word(&body.kind)?,
        grounds: Arc::new(Grounds {
            recipient: RecipientId::new(&body.recipient),
            policy: PolicyVersion(bytes_of_hex(&body.policy)?),
            route: body.route.map(|name| Arc::from(&*name)),
            purpose: Purpose::new(&body.purpose),
            basis: body.basis.into_iter().map(|word| Cow::Owned(word.into_owned())).collect(),
            country: Arc::from(&*body.country),
        }),
        status: body.status,
        outcome: Cow::Owned(body.outcome.into_owned()),
        bytes: body.bytes,
        subjects: body.subjects.into_iter().map(|Subject(id)| id).collect(),
        released_by_rule,
        withheld: body.withheld,
        unfit: body.unfit,
        cpr_in_text: body.cpr_in_text,
        records: body.records,
        records_withheld: body.records_withheld,
    })
}
