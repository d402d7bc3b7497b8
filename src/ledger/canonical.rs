//! An [`Event`] as canonical bytes, and back: JSON with a fixed order of members and one way to
//! write each value, so that equal records have equal bytes and a second implementer needs
//! docs/ledger.md only.

mod act;
mod exchange;
mod policy;

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize};

pub(super) use self::exchange::encode;
use super::note::{Event, Note};
use crate::ids::SubjectId;

/// The bytes of a note, but for its number; `None` if it has none.
pub(super) fn encode_note(note: &Note) -> Option<Vec<u8>> {
    match note {
        Note::Act(act) => act::encode(act),
        Note::Policy(policy) => policy::encode(policy),
    }
}

/// Puts the number in front of an encoded record.
pub(super) fn with_sequence(sequence: u64, encoded: &[u8], line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"seq\":");
    line.extend_from_slice(sequence.to_string().as_bytes());
    line.push(b',');
    line.extend_from_slice(encoded.get(1..).unwrap_or_default());
}

/// Reads a record: its number and event. `None` for anything that no tavs of this format writes.
pub(super) fn decode(record: &[u8]) -> Option<(u64, Event)> {
    let (number, event) = decode_own(record)?;
    // One way only to write a record: what reads alike but is written otherwise is not ours.
    let again = encode_event(&event)?;
    let (_, rest) = split_sequence(record)?;
    (again.get(1..) == Some(rest)).then_some((number, event))
}

/// [`decode`] of what this process or one before it wrote, for whoever follows the chain: how it is written is
/// not held against the one way to write it, as `verify` does. So no record is written a second time for the index.
pub(super) fn decode_own(record: &[u8]) -> Option<(u64, Event)> {
    let (number, rest) = split_sequence(record)?;
    let mut encoded = Vec::with_capacity(rest.len().saturating_add(1));
    encoded.push(b'{');
    encoded.extend_from_slice(rest);
    let kind = kind_of(&encoded)?;
    let event = if exchange::is_kind(kind) {
        Event::Exchange(exchange::decode(&encoded)?)
    } else if kind == policy::KIND {
        Event::Policy(policy::decode(&encoded)?)
    } else {
        Event::Act(act::decode(&encoded)?)
    };
    Some((number, event))
}

/// The bytes of an event, but for its number; `None` if it has none.
pub(super) fn encode_event(event: &Event) -> Option<Vec<u8>> {
    match event {
        Event::Exchange(entry) => encode(entry),
        Event::Act(act) => act::encode(act),
        Event::Policy(policy) => policy::encode(policy),
    }
}

/// The number of a record that may otherwise be anything, and what follows it.
pub(super) fn split_sequence(record: &[u8]) -> Option<(u64, &[u8])> {
    let rest = record.strip_prefix(b"{\"seq\":")?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let digits = std::str::from_utf8(rest.get(..comma)?).ok()?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some((number, rest.get(comma.checked_add(1)?..)?))
}

/// Every record begins with its time and kind, so that the kind is known before the rest is read.
fn kind_of(encoded: &[u8]) -> Option<&str> {
    let (_time, rest) = until_quote(encoded.strip_prefix(b"{\"time\":\"")?)?;
    let (kind, _) = until_quote(rest.strip_prefix(b",\"kind\":\"")?)?;
    std::str::from_utf8(kind).ok()
}

fn until_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = text.iter().position(|byte| *byte == b'"')?;
    Some((text.get(..quote)?, text.get(quote.checked_add(1)?..)?))
}

/// RFC 3339 in UTC with three decimals; a time past the year 9999 becomes the last that can be
/// written.
pub(super) fn write_time(unix_millis: u64) -> String {
    let mut text = Vec::new();
    push_time(unix_millis, &mut text).and_then(|()| String::from_utf8(text).ok()).unwrap_or_default()
}

/// Appends [`write_time`]'s text. `None` cannot happen.
fn push_time(unix_millis: u64, text: &mut Vec<u8>) -> Option<()> {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    PRINTER.print_timestamp(&timestamp(unix_millis), text).ok()
}

fn timestamp(unix_millis: u64) -> jiff::Timestamp {
    let millis = i64::try_from(unix_millis).ok();
    millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()).unwrap_or(jiff::Timestamp::MAX)
}

/// The time that [`read_time`] gives of what [`write_time`] wrote.
pub(super) fn as_written(unix_millis: u64) -> u64 {
    u64::try_from(timestamp(unix_millis).as_millisecond()).unwrap_or(unix_millis)
}

/// Appends bytes as a string of lower-case hexadecimal digits.
fn push_hex(bytes: &[u8], line: &mut Vec<u8>) {
    line.push(b'"');
    let begin = line.len();
    line.resize(begin.saturating_add(HEXLOWER.encode_len(bytes.len())), 0);
    if let Some(digits) = line.get_mut(begin..) {
        HEXLOWER.encode_mut(bytes, digits);
    }
    line.push(b'"');
}

/// [`write_time`], but `None` where another time would be read back: the registry is put back from it.
fn write_time_exactly(unix_millis: u64) -> Option<String> {
    let text = write_time(unix_millis);
    (read_time(&text) == Some(unix_millis)).then_some(text)
}

pub(super) fn read_time(text: &str) -> Option<u64> {
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
