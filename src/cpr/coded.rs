//! Base64 and hexadecimal inside a text: decoded and searched, from fourteen characters on.
//!
//! Two questions are asked of each stretch of base64's characters:
//!
//! 1. Does it hold a number in digits, at any alignment, whatever stands around it? Three digits
//!    become four characters of which each has few choices, so that one look at each byte tells.
//! 2. Where the stretch stands alone (the whole text, or between white space, quotes, brackets,
//!    `,`, `;`, `:` or `|`) and obeys the rules of its coding: is what it decodes to text, and
//!    does that hold a number in any form? If it is no text, nobody can say what it holds.
//!
//! Lines of one length, as mail and PEM break base64, are one stretch.
//!
//! What is taken for binary without being it: identifiers of random characters whose length and
//! last bits happen to fit, and hashes, for they are binary. Never: letters only, digits only,
//! UUIDs, words with numbers behind them (`appointment-12345`, `Patient/tvk1-bcd…`), and what
//! lacks capitals or lower case. What is not found: other codings than these two, base64 broken
//! by anything but lines, and in a stretch that does not stand alone, other forms than digits
//! with separators.

use std::ops::Range;

use super::gate::{is_mark, is_token, is_token_or_code};
use super::{Find, Number, run, search_at};

/// Searches all coded stretches; whether one of them is binary. Below `depth` nothing is decoded
/// any more: what is still coded there counts as binary.
pub(super) fn all(text: &str, depth: usize, finds: &mut Vec<Find>) -> bool {
    let bytes = text.as_bytes();
    let mut binary = false;
    let mut at = 0;
    while let Some(stretch) = next_stretch(bytes, at, is_token) {
        let alone = stands_alone(bytes, &stretch);
        let lines = if alone { lines(bytes, &stretch) } else { None };
        let (span, token) = match &lines {
            Some((span, joined)) => (span.clone(), joined.as_slice()),
            None => (stretch.clone(), bytes.get(stretch).unwrap_or_default()),
        };
        at = span.end;
        if is_plain_word(token) {
            continue;
        }
        let inside = if alone { alone_inside(token, depth) } else { Inside::default() };
        binary |= inside.binary;
        if let Some(number) = inside.number.or_else(|| digits_at_any_place(token)) {
            finds.push(Find { span, number });
        }
    }
    binary
}

/// What a stretch holds that stands alone. What could be a word before a UUID could be base64 as
/// well, so both readings count, unless the rest is plainly an identifier.
fn alone_inside(token: &[u8], depth: usize) -> Inside {
    let mut inside = whole(token, depth);
    let id = without_words(token);
    if id.len() < token.len() {
        let of_id = whole(id, depth);
        let harmless = of_id.is_text || id.len() < SHORTEST || is_uuid(id) || is_words(id);
        inside.binary = !inside.is_text && of_id.binary || inside.binary && !harmless;
        inside.number = inside.number.or(of_id.number);
    }
    inside
}

/// The lines that continue a stretch: all of its length, a multiple of four, but for the last,
/// which may be shorter.
fn lines(bytes: &[u8], first: &Range<usize>) -> Option<(Range<usize>, Vec<u8>)> {
    if !matches!(bytes.get(first.end), Some(b'\r' | b'\n')) || is_words(bytes.get(first.clone())?) {
        return None;
    }
    let mut joined = Vec::new();
    let mut line = first.clone();
    loop {
        let rest = bytes.get(line.end..)?;
        let width = match rest {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        };
        let next = rest.get(width..)?.iter().take_while(|byte| is_token(**byte)).count();
        let goes_on = width > 0 && (1..=first.len()).contains(&next);
        if joined.is_empty() && !(goes_on && first.len().is_multiple_of(4)) {
            return None;
        }
        joined.extend_from_slice(bytes.get(line.clone())?);
        if !goes_on || line.len() < first.len() {
            return stands_alone(bytes, &(first.start..line.end)).then_some((first.start..line.end, joined));
        }
        let start = line.end.checked_add(width)?;
        line = start..start.checked_add(next)?;
    }
}

/// Whether there is a stretch that becomes coded once the codes in it are undone: `%2B` and `\/`
/// can stand for a character of base64.
pub(super) fn any_behind_codes(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(stretch) = next_stretch(text, at, is_token_or_code) {
        at = stretch.end;
        if text.get(stretch).is_some_and(|token| !is_plain_word(token)) {
            return true;
        }
    }
    false
}

/// The next long stretch of bytes of a kind.
///
/// PERF: looks first at where a stretch of this length would have to end; where that byte is of
/// another kind, none of those before it can begin one.
fn next_stretch(bytes: &[u8], mut start: usize, is_part: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    loop {
        let window = bytes.get(start..start.checked_add(SHORTEST)?)?;
        match window.iter().rposition(|byte| !is_part(*byte)) {
            Some(last) => start = start.checked_add(last)?.checked_add(1)?,
            None => {
                let rest = bytes.get(start.checked_add(SHORTEST)?..)?;
                let more = rest.iter().take_while(|byte| is_part(**byte)).count();
                return Some(start..start.checked_add(SHORTEST)?.checked_add(more)?);
            }
        }
    }
}

/// The length from which on a stretch is taken for base64 or hexadecimal.
pub(super) const SHORTEST: usize = 14;

/// Hardly any digits and capitals: base64 of a number has more, for every third byte of it
/// becomes a capital.
fn is_plain_word(token: &[u8]) -> bool {
    token.iter().filter(|byte| is_mark(**byte)).nth(1).is_none()
}

fn stands_alone(bytes: &[u8], stretch: &Range<usize>) -> bool {
    let is_border = |neighbour: Option<&u8>| {
        neighbour.is_none_or(|byte| {
            byte.is_ascii_whitespace()
                || matches!(byte, b',' | b';' | b':' | b'|' | b'"' | b'\'' | b'`')
                || matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>')
        })
    };
    is_border(stretch.start.checked_sub(1).and_then(|before| bytes.get(before)))
        && is_border(bytes.get(stretch.end))
}

/// The shape of a UUID, `8-4-4-4-12`. Some make up theirs with letters that are no hexadecimal;
/// base64 has its dashes at these places by no chance.
fn is_uuid(token: &[u8]) -> bool {
    token.len() == UUID_LEN
        && token.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        })
}

/// A UUID with a version and the variant of RFC 9562 section 4.
pub(super) fn is_standard_uuid(token: &[u8]) -> bool {
    is_uuid(token) && token.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') && has_version(token)
}

/// Version and variant, where a UUID has them.
pub(super) fn has_version(uuid: &[u8]) -> bool {
    matches!(uuid.get(14), Some(b'1'..=b'8'))
        && matches!(uuid.get(19), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'))
}

/// The length of a written UUID.
pub(super) const UUID_LEN: usize = 36;

/// The id of `Observation/1a2b3c` or `Composition_1a2b3c`, the value of `id=1a2b3c`; else all.
fn without_words(mut token: &[u8]) -> &[u8] {
    while let Some(at) = token.iter().position(|byte| !byte.is_ascii_alphanumeric())
        && let Some((word, [separator, id @ ..])) = token.split_at_checked(at)
        && !id.starts_with(b"=")
        && !id.is_empty()
        && (*separator == b'=' || word.len() >= SHORTEST_WORD && is_name(word))
    {
        token = id;
    }
    token
}

/// Letters with capitals only where words begin, as in `DocumentReference`.
fn is_name(word: &[u8]) -> bool {
    let mut small = 2_usize;
    word.iter().all(|byte| {
        let capital = byte.is_ascii_uppercase();
        let fits = byte.is_ascii_lowercase() || capital && small >= 2;
        small = if capital { 0 } else { small.saturating_add(1) };
        fits
    }) && small >= 2
}

/// Fewer letters before a separator are as well the beginning of base64.
const SHORTEST_WORD: usize = 4;

/// What a coded stretch holds.
#[derive(Debug, Default)]
struct Inside {
    number: Option<Number>,
    binary: bool,
    /// Some coding makes text of it.
    is_text: bool,
}

/// Reads a stretch that stands alone by the rules of each coding.
fn whole(token: &[u8], depth: usize) -> Inside {
    let mut inside = Inside::default();
    if token.len() < SHORTEST || is_uuid(token) {
        return inside;
    }
    if is_hex(token) {
        inside.take(hex_bytes(token), is_mixed(token), depth);
    }
    if !inside.binary
        && inside.number.is_none()
        && let Some(body) = base64_body(token)
    {
        inside.take(base64_bytes(body), looks_random(body), depth);
    }
    inside
}

impl Inside {
    fn take(&mut self, decoded: impl Iterator<Item = u8> + Clone, plausible: bool, depth: usize) {
        let Some(deeper) = depth.checked_sub(1) else {
            self.binary |= plausible;
            return;
        };
        let Some(text) = as_text(decoded) else {
            self.binary |= plausible;
            return;
        };
        self.is_text = true;
        let mut finds = Vec::new();
        self.binary |= search_at(&text, deeper, &mut finds);
        self.number = finds.first().map(|find| find.number);
    }
}

/// Collects decoded bytes if they are text: UTF-8 without control characters. Most words fail at
/// their first bytes, before anything is allocated.
fn as_text(decoded: impl Iterator<Item = u8> + Clone) -> Option<String> {
    let mut continuing = 0_u8;
    for byte in decoded.clone().take(12) {
        continuing = match (continuing, byte) {
            (1.., 0x80..=0xBF) => continuing.wrapping_sub(1),
            (0, b' '..=b'~' | b'\t' | b'\n' | b'\r') => 0,
            (0, 0xC2..=0xDF) => 1,
            (0, 0xE0..=0xEF) => 2,
            (0, 0xF0..=0xF4) => 3,
            _ => return None,
        };
    }
    let text = String::from_utf8(decoded.collect()).ok()?;
    (!text.bytes().any(is_control)).then_some(text)
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r')
}

fn is_hex(token: &[u8]) -> bool {
    token.len().is_multiple_of(2) && token.iter().all(u8::is_ascii_hexdigit)
}

/// Letters and digits: a long number is no hexadecimal, and neither is a word.
fn is_mixed(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit) && token.iter().any(u8::is_ascii_alphabetic)
}

fn hex_bytes(token: &[u8]) -> impl Iterator<Item = u8> + Clone {
    token.chunks_exact(2).map(|pair| hex_byte(pair).unwrap_or(NEVER))
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let mut value = 0_u32;
    for digit in pair {
        value = value.checked_mul(16)?.checked_add(char::from(*digit).to_digit(16)?)?;
    }
    u8::try_from(value).ok()
}

/// Stands for a pair that is no hexadecimal; part of no number.
const NEVER: u8 = b'~';

/// The characters of a stretch without the padding, if they obey all of RFC 4648: one alphabet, a
/// length that can be, the right padding or none, no stray bits at the end.
fn base64_body(token: &[u8]) -> Option<&[u8]> {
    let body_len = token.iter().rposition(|byte| *byte != b'=')?.checked_add(1)?;
    let (body, padding) = token.split_at_checked(body_len)?;
    let last = base64_value(*body.last()?);
    let (right_padding, stray) = match body.len() % 4 {
        0 => (0, 0),
        2 => (2, last & 0xF),
        3 => (1, last & 0x3),
        _ => return None,
    };
    if stray != 0 || !padding.is_empty() && padding.len() != right_padding {
        return None;
    }
    let (mut standard, mut url_safe, mut inner_padding) = (false, false, false);
    for byte in body {
        standard |= (*byte == b'+') | (*byte == b'/');
        url_safe |= (*byte == b'-') | (*byte == b'_');
        inner_padding |= *byte == b'=';
    }
    let mixed = standard && url_safe;
    (!mixed && !inner_padding).then_some(body)
}

fn base64_value(byte: u8) -> u32 {
    u32::from(match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => 0,
    })
}

fn base64_bytes(body: &[u8]) -> impl Iterator<Item = u8> + Clone {
    let mut held = 0_u32;
    let mut bits = 0_u32;
    body.iter().filter_map(move |byte| {
        held = ((held << 6) | base64_value(*byte)) & 0xFFFF;
        bits = if bits < 2 { bits.wrapping_add(6) } else { bits.wrapping_sub(2) };
        let complete = bits < 6;
        complete.then(|| u8::try_from((held >> bits) & 0xFF).ok())?
    })
}

/// Whether base64 could look like this by more than chance: both cases, a digit or a symbol, and
/// not words with numbers behind them.
fn looks_random(body: &[u8]) -> bool {
    body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase)
        && !body.iter().all(u8::is_ascii_alphabetic)
        && !is_words(body)
}

/// Words, perhaps with numbers behind them, and nothing else between separators.
fn is_words(body: &[u8]) -> bool {
    body.split(|byte| !byte.is_ascii_alphanumeric()).all(is_word)
}

/// Letters that are hardly mixed in case, then digits; or digits, then letters.
fn is_word(segment: &[u8]) -> bool {
    let pairs = || segment.iter().zip(segment.iter().skip(1));
    let turns = pairs().filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit()).count();
    let humps = pairs().filter(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase()).count();
    turns <= 1 && humps <= segment.len() / 4
}

/// How many bytes are decoded before and after what looks like digits: enough for any form of a
/// number, and for eleven digits to be seen.
const BEFORE: usize = 24;
const AFTER: usize = 48;
/// How far into a window a number may begin and still lie in it whole.
const COVERED: usize = 24;

/// A number in digits within base64 or hexadecimal, at any alignment.
fn digits_at_any_place(token: &[u8]) -> Option<Number> {
    let mut at = 0;
    while let Some(byte) = token.get(at) {
        let step = match byte {
            b'M'..=b'O' if begins_base64_digits(token, at) => {
                let from = at.saturating_sub((at / 4).min(BEFORE / 3).saturating_mul(4));
                let number = first_number(base64_bytes(token.get(from..)?));
                if number.is_some() {
                    return number;
                }
                COVERED / 3 * 4
            }
            b'3' if begins_hex_digits(token, at) => {
                let from = at.saturating_sub((at / 2).min(BEFORE).saturating_mul(2));
                let number = first_number(hex_bytes(token.get(from..)?));
                if number.is_some() {
                    return number;
                }
                COVERED * 2
            }
            _ => 1,
        };
        at = at.saturating_add(step);
    }
    None
}

/// Three ASCII digits, 0011xxxx 0011xxxx 0011xxxx, in groups of six bits.
fn begins_base64_digits(token: &[u8], at: usize) -> bool {
    matches!(
        token.get(at..).and_then(<[u8]>::first_chunk::<4>),
        Some(
            [
                b'M'..=b'O',
                b'D' | b'T' | b'j' | b'z',
                b'A' | b'E' | b'I' | b'M' | b'Q' | b'U' | b'Y' | b'c' | b'g' | b'k',
                b'0'..=b'5' | b'w'..=b'z',
            ],
        )
    )
}

/// Six ASCII digits in hexadecimal.
fn begins_hex_digits(token: &[u8], at: usize) -> bool {
    let twelve = token.get(at..).and_then(<[u8]>::first_chunk::<12>);
    twelve.is_some_and(|six| six.chunks_exact(2).all(|pair| matches!(pair, [b'3', b'0'..=b'9'])))
}

fn first_number(decoded: impl Iterator<Item = u8>) -> Option<Number> {
    let mut window = [NEVER; BEFORE + AFTER];
    for (place, byte) in window.iter_mut().zip(decoded) {
        *place = byte;
    }
    let mut finds = Vec::new();
    run::all(&String::from_utf8_lossy(&window), &mut finds);
    finds.first().map(|find| find.number)
}
