//! An [`Entry`] as canonical bytes, and back: JSON with a fixed order of members and one way to
//! write each value, so that equal records have equal bytes and a second implementer needs
//! docs/ledger.md only.

use std::borrow::Cow;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Grounds, Kind};
use crate::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId, SubjectId};

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

/// Appends the canonical bytes of an entry, but for its number; `None` if it has none.
pub(super) fn encode(entry: &Entry) -> Option<Vec<u8>> {
    if entry.released_by_rule.len() > MAX_RULE {
        return None;
    }
    let grounds = &*entry.grounds;
    let body = Body {
        time: Cow::Owned(write_time(entry.unix_millis)),
        kind: Cow::Borrowed(write_kind(entry.kind)),
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

/// Puts the number in front of an encoded entry.
pub(super) fn with_sequence(sequence: u64, encoded: &[u8], line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"seq\":");
    line.extend_from_slice(sequence.to_string().as_bytes());
    line.push(b',');
    line.extend_from_slice(encoded.get(1..).unwrap_or_default());
}

/// Reads a record: its number and entry. `None` for anything that [`encode`] does not write.
pub(super) fn decode(record: &[u8]) -> Option<(u64, Entry)> {
    let (number, rest) = split_sequence(record)?;
    let mut encoded = Vec::with_capacity(rest.len().saturating_add(1));
    encoded.push(b'{');
    encoded.extend_from_slice(rest);
    let entry = entry_of(serde_json::from_slice(&encoded).ok()?)?;
    // One way only to write a record: what reads alike but is written otherwise is not ours.
    (encode(&entry)? == encoded).then_some((number, entry))
}

/// The number of a record that may otherwise be anything, and what follows it.
pub(super) fn split_sequence(record: &[u8]) -> Option<(u64, &[u8])> {
    let rest = record.strip_prefix(b"{\"seq\":")?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let digits = std::str::from_utf8(rest.get(..comma)?).ok()?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some((number, rest.get(comma.checked_add(1)?..)?))
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
        kind: read_kind(&body.kind)?,
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

const fn write_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Disclosure => "disclosure",
        Kind::Refusal => "refusal",
    }
}

fn read_kind(word: &str) -> Option<Kind> {
    [Kind::Disclosure, Kind::Refusal].into_iter().find(|kind| write_kind(*kind) == word)
}

/// RFC 3339 in UTC with three decimals; a time past the year 9999 becomes the last that can be
/// written.
fn write_time(unix_millis: u64) -> String {
    let time = i64::try_from(unix_millis)
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn read_time(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

pub(super) fn bytes_of_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if HEXLOWER.decode_len(text.len()).ok()? != N {
        return None;
    }
    HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

/// A subject's id as 32 lower-case hexadecimal digits.
struct Subject(SubjectId);

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 32];
        HEXLOWER.encode_mut(&self.0.0, &mut digits);
        serializer.serialize_str(std::str::from_utf8(&digits).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = bytes_of_hex(&text).ok_or_else(|| serde::de::Error::custom("not a subject id"))?;
        Ok(Self(SubjectId(bytes)))
    }
}
