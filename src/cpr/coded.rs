//! Base64 and hexadecimal inside a text: decoded and searched, from fourteen characters on.
//!
//! Three questions are asked of each stretch of base64's characters, whatever stands beside it:
//!
//! 1. Does it hold a number in digits, at any alignment? Three digits become four characters of
//!    which each has few choices, so that one look at each byte tells.
//! 2. Does all of it obey the rules of its coding: is what it decodes to text, and does that hold
//!    a number in any form? If it is no text, nobody can say what it holds.
//! 3. Else, and unless it reads as words: does what it decodes to hold a number in any form, from
//!    whichever character on? Padding, alphabet and what is joined to it by `=`, `/`, `-` or `_`
//!    do not matter. What is found so is decoded once more, and no deeper.
//!
//! Lines of one length, as mail and PEM break base64, are one stretch, indented or not.
//!
//! What is taken for binary without being it: identifiers of random characters whose length and
//! last bits happen to fit, and hashes, for they are binary. Never: letters only, digits only,
//! UUIDs, words with numbers behind them (`appointment-12345`, `Patient/tvk1-bcd…`), and what
//! lacks capitals or lower case. What is not found: other codings than these two, base64 broken
//! by anything but lines, and hexadecimal whose pairs are parted.

use std::ops::Range;

use super::bytes::{self, NEVER, as_text, base64_bytes, base64_value, hex_bytes};
use super::gate::{is_mark, is_token, is_token_or_code};
use super::{Find, Number, escape, run, search_at, uuid};

/// Searches all coded stretches; whether one of them is binary. Below `depth` nothing is decoded
/// any more: what is still coded there counts as binary.
pub(super) fn all(text: &str, depth: usize, finds: &mut Vec<Find>) -> bool {
    let bytes = text.as_bytes();
    let mut binary = false;
    let mut at = 0;
    while let Some(stretch) = next_stretch(bytes, at, is_token) {
        let lines = lines(bytes, &stretch);
        let (span, token) = match &lines {
            Some((span, joined)) => (span.clone(), joined.as_slice()),
            None => (stretch.clone(), bytes.get(stretch).unwrap_or_default()),
        };
        at = span.end;
        if is_plain_word(token) {
            continue;
        }
        let cut = is_cut(bytes, &span);
        let inside = if cut { Inside::default() } else { whole_or_id(token, depth) };
        binary |= inside.binary;
        if let Some((place, number)) = uuid::number_in(token) {
            let in_text = span.start.saturating_add(place.start)..span.start.saturating_add(place.end);
            finds.push(Find { span: if lines.is_some() { span.clone() } else { in_text }, number });
        }
        let harmless = inside.binary || inside.is_text || is_name_like(token) || uuid::has_shape(token);
        let number = inside.number.or_else(|| digits_at_any_place(token));
        let number = number.or_else(|| if harmless { None } else { at_any_alignment(token, depth) });
        if let Some(number) = number {
            finds.push(Find { span, number });
        }
    }
    binary
}

/// Whether a code begins or ends right beside a stretch: what it belongs to shows behind the codes.
fn is_cut(bytes: &[u8], span: &Range<usize>) -> bool {
    let before = span.start.checked_sub(1).and_then(|before| bytes.get(before));
    matches!(before, Some(b'\\' | b'%')) || bytes.get(span.end..).is_some_and(escape::begins_with_code)
}

/// What a stretch holds by the rules of its coding. What could be a word before a UUID could be
/// base64 as well, so both readings count, unless the rest is plainly an identifier.
fn whole_or_id(token: &[u8], depth: usize) -> Inside {
    let mut inside = whole(token, depth);
    let id = without_words(token);
    if id.len() < token.len() {
        let of_id = whole(id, depth);
        let harmless = of_id.is_text || id.len() < SHORTEST || uuid::has_shape(id) || is_words(id);
        inside.binary = !inside.is_text && of_id.binary || inside.binary && !harmless;
        inside.number = inside.number.or(of_id.number);
        inside.is_text |= of_id.is_text;
    }
    inside
}

/// Layers of coding that are undone inside what was found at some alignment: each of four
/// readings of one stretch has four again.
const DEPTH_AT_ANY_ALIGNMENT: usize = 1;

/// A number in any form that a part of the stretch decodes to.
fn at_any_alignment(token: &[u8], depth: usize) -> Option<Number> {
    let deeper = depth.checked_sub(1)?.min(DEPTH_AT_ANY_ALIGNMENT);
    let in_base64 = (0..4).filter_map(|skip| {
        let decoded: Vec<u8> = base64_bytes(token.get(skip..)?).collect();
        bytes::number(&decoded, deeper)
    });
    let in_hex = hex_runs(token).flat_map(|run| {
        (0..2)
            .filter_map(move |skip| bytes::number(&hex_bytes(run.get(skip..)?).collect::<Vec<u8>>(), deeper))
    });
    in_base64.chain(in_hex).next()
}

fn hex_runs(token: &[u8]) -> impl Iterator<Item = &[u8]> {
    token.split(|byte| !byte.is_ascii_hexdigit()).filter(|run| run.len() >= SHORTEST_HEX)
}

/// Ten characters, two digits each.
const SHORTEST_HEX: usize = 20;

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
        let break_width = match rest {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        };
        let indent = rest.get(break_width..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let width = if break_width > 0 { break_width.checked_add(indent)? } else { 0 };
        let next = rest.get(width..)?.iter().take_while(|byte| is_token(**byte)).count();
        let goes_on = width > 0 && (1..=first.len()).contains(&next);
        if joined.is_empty() && !(goes_on && first.len().is_multiple_of(4)) {
            return None;
        }
        joined.extend_from_slice(bytes.get(line.clone())?);
        if !goes_on || line.len() < first.len() {
            return Some((first.start..line.end, joined));
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
    if token.len() < SHORTEST || uuid::has_shape(token) {
        return inside;
    }
    if is_hex(token) {
        inside.take(hex_bytes(token), || is_mixed(token), depth);
    }
    if !inside.binary
        && inside.number.is_none()
        && let Some(body) = base64_body(token)
    {
        inside.take(base64_bytes(body), || looks_random(body), depth);
    }
    inside
}

impl Inside {
    fn take(
        &mut self,
        decoded: impl Iterator<Item = u8> + Clone,
        plausible: impl Fn() -> bool,
        depth: usize,
    ) {
        let Some(deeper) = depth.checked_sub(1) else {
            self.binary |= plausible();
            return;
        };
        let Some(text) = as_text(decoded) else {
            self.binary |= plausible();
            return;
        };
        self.is_text = true;
        let mut finds = Vec::new();
        self.binary |= search_at(&text, deeper, &mut finds);
        self.number = finds.first().map(|find| find.number);
    }
}

fn is_hex(token: &[u8]) -> bool {
    token.len().is_multiple_of(2) && token.iter().all(u8::is_ascii_hexdigit)
}

/// Letters and digits: a long number is no hexadecimal, with an exponent or without, and neither
/// is a word.
fn is_mixed(token: &[u8]) -> bool {
    let mut letters = token.iter().filter(|byte| byte.is_ascii_alphabetic());
    let is_number = matches!((letters.next(), letters.next()), (None, _) | (Some(b'e' | b'E'), None));
    !is_number && token.iter().any(u8::is_ascii_digit)
}

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
    segments(body).all(|segment| is_word(segment, 4))
}

/// Words of which none can be hexadecimal or base64 of text, not even of UTF-16, where each second byte is 0 and
/// nearly each second character a capital.
fn is_name_like(token: &[u8]) -> bool {
    segments(token).all(|segment| {
        let capitals = segment.iter().filter(|byte| byte.is_ascii_uppercase()).count();
        let small = segment.iter().filter(|byte| byte.is_ascii_lowercase()).count();
        let short = small == 0 && segment.len() < SHORTEST_WIDE;
        is_word(segment, 8) && (capitals <= small || short) && hex_runs(segment).next().is_none()
    })
}

/// Ten digits of UTF-16 in base64, without the 0 at one end: all of it can be capitals.
const SHORTEST_WIDE: usize = 26;

fn segments(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| !byte.is_ascii_alphanumeric())
}

/// Letters of which at most one in so many is a capital behind a small one, then digits; or
/// digits, then letters.
fn is_word(segment: &[u8], letters_for_capital: usize) -> bool {
    let pairs = || segment.iter().zip(segment.iter().skip(1));
    let turns = pairs().filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit()).count();
    let humps = pairs().filter(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase()).count();
    turns <= 1 && humps.saturating_mul(letters_for_capital) <= segment.len()
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
