//! JSON inside a text: its numbers are judged as a document's own would be, for there a CPR has
//! lost its zero or got an exponent.

use super::{Find, gate, json_number};

/// Whether there could be JSON with a value in it.
pub(super) fn may_stand_in(text: &[u8]) -> bool {
    gate::holds(text, |byte| (byte == b'{') | (byte == b'['))
}

/// All of a JSON's numbers that could be a person's.
pub(super) fn all(text: &str, finds: &mut Vec<Find>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(digit) = gate::next_digit(bytes, at) {
        let signed = digit.checked_sub(1).filter(|before| bytes.get(*before) == Some(&b'-'));
        let start = signed.unwrap_or(digit).max(at);
        let rest = bytes.get(digit..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| is_part(**byte)).count();
        let end = digit.saturating_add(len);
        at = end.max(digit.saturating_add(1));
        if len >= SHORTEST
            && is_value(bytes.get(..start).unwrap_or_default(), bytes.get(end..).unwrap_or_default())
            && let Some(number) = bytes.get(start..end).and_then(json_number::person)
        {
            finds.push(Find { span: start..end, number });
        }
    }
}

/// `250948e4`.
const SHORTEST: usize = 8;

fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')
}

/// Whether JSON, or what scripts write like it, has a value between these: behind a name and a
/// colon or in a list, and before the end of either.
fn is_value(before: &[u8], after: &[u8]) -> bool {
    let ends = matches!(after.trim_ascii_start().first(), None | Some(b',' | b'}' | b']'));
    let (last, before) = match before.trim_ascii_end() {
        [before @ .., last] => (*last, before.trim_ascii_end()),
        [] => return false,
    };
    let begins = match last {
        b'[' | b',' => true,
        b':' => before
            .last()
            .is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'_') || byte.is_ascii_alphanumeric()),
        _ => false,
    };
    begins && ends
}
