//! W3C Trace Context, as much as passes: `traceparent` of version 00, nothing of `tracestate` or
//! `baggage`, which carry what others put in.

use std::ops::Range;

use ::http::HeaderValue;
use data_encoding::HEXLOWER;

/// Where the ids stand in the field's value.
const TRACE: Range<usize> = 3..35;
const SPAN: Range<usize> = 36..52;

/// One hop of a trace: its id is the recipient's where that was good, its span id always ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traceparent {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

impl Traceparent {
    /// Continues the trace of a request, or begins one, with random bytes for what is new.
    /// Anything but exactly one valid field begins a new trace.
    #[must_use]
    pub fn continued(fields: &::http::HeaderMap, random: [u8; 24]) -> Self {
        let mut values = fields.get_all("traceparent").iter();
        let theirs = match (values.next(), values.next()) {
            (Some(one), None) => Self::parse(one.as_bytes()),
            _ => None,
        };
        let [ours @ .., _, _, _, _, _, _, _, _] = random;
        let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, span @ ..] = random;
        Self {
            trace: theirs.map_or_else(|| non_zero(ours), |theirs| theirs.trace),
            span: non_zero(span),
            sampled: theirs.is_some_and(|theirs| theirs.sampled),
        }
    }

    /// Reads the 55 bytes of version 00: `00-{32 hex}-{16 hex}-{2 hex}`, lower case, ids not zero.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.len() != 55 {
            return None;
        }
        let rest = value.strip_prefix(b"00-")?;
        let (trace, rest) = rest.split_at_checked(32)?;
        let (span, rest) = rest.strip_prefix(b"-")?.split_at_checked(16)?;
        let flags = rest.strip_prefix(b"-")?;
        let (trace, span, [flags]) = (hex::<16>(trace)?, hex::<8>(span)?, hex::<1>(flags)?);
        if trace == [0; 16] || span == [0; 8] {
            return None;
        }
        // of the flags only `sampled` is known
        Some(Self { trace, span, sampled: flags & 1 == 1 })
    }

    /// The field's value; `None` cannot happen. PERF: put together in place: formatted, it cost two fifths of
    /// building the request.
    #[must_use]
    pub fn value(self) -> Option<HeaderValue> {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        HEXLOWER.encode_mut(&self.trace, text.get_mut(TRACE)?);
        HEXLOWER.encode_mut(&self.span, text.get_mut(SPAN)?);
        *text.last_mut()? = if self.sampled { b'1' } else { b'0' };
        HeaderValue::from_bytes(&text).ok()
    }
}

fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    HEXLOWER.decode(digits).ok()?.try_into().ok()
}

/// An id of zeros means none.
fn non_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id == [0; N]
        && let Some(last) = id.last_mut()
    {
        *last = 1;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn fields(values: &[&str]) -> ::http::HeaderMap {
        values.iter().map(|v| (::http::HeaderName::from_static("traceparent"), v.parse().unwrap())).collect()
    }

    #[test]
    fn a_good_trace_is_continued_under_a_new_span() {
        let next = Traceparent::continued(&fields(&[GOOD]), [7; 24]).value().unwrap();
        assert_eq!(next, "00-4bf92f3577b34da6a3ce929d0e0e4736-0707070707070707-01");
    }

    #[test]
    fn anything_else_begins_a_new_trace() {
        let cases: [&[&str]; 8] = [
            &[],
            &[GOOD, GOOD],
            &["01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"],
        ];
        for case in cases {
            let begun = Traceparent::continued(&fields(case), [0; 24]).value().unwrap();
            assert_eq!(begun, "00-00000000000000000000000000000001-0000000000000001-00", "{case:?}");
        }
    }
}
