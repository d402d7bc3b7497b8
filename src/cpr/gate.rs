//! The first look at a text: could it hold a number at all?
//!
//! Every string that leaves passes here, eleven bytes on average, nearly all of them innocent.

use super::{coded, plain, run, uuid};

/// What a text is suspected of. Each suspicion may be unfounded; none may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suspicion {
    /// A number may stand in it as it is.
    pub(super) numbers: bool,
    /// Digits enough for a number in any form but base64: a percent-coded, escaped or entity
    /// digit is written with at least one digit.
    pub(super) digits: bool,
    /// Something in it may be base64 or hexadecimal.
    pub(super) coded: bool,
    /// Something in it may be a code of another kind.
    pub(super) codes: bool,
}

const NONE: Suspicion = Suspicion { numbers: false, digits: false, coded: false, codes: false };

/// Looks at a text for the first time.
pub(super) fn look(text: &[u8]) -> Suspicion {
    if text.len() < SHORTEST {
        return NONE;
    }
    if text.len() <= MAX_SHORT {
        return look_at_short(text);
    }
    let digits = has_digits(text);
    Suspicion { numbers: digits, digits, coded: true, codes: holds(text, may_begin_code) }
}

/// PERF: one walk that counts eight things at once, each in one byte of a word, without branches:
/// 6 instructions a byte. A count that is asked "how many?" begins so that bit 7 says "enough".
fn look_at_short(text: &[u8]) -> Suspicion {
    let mut counts = COUNTS_BEGIN;
    let mut enough = 0_u64;
    for byte in text {
        let (keep, add) = COUNTS.get(usize::from(*byte)).copied().unwrap_or((0, 0));
        counts = (counts & keep).wrapping_add(add);
        enough |= counts;
    }
    let is_enough = |lane: u32| enough & (0x80 << (8 * lane)) != 0;
    let hyphens = counts >> (8 * HYPHENS);
    let alone = text.len() == uuid::LEN && !is_enough(NOT_HEX) && hyphens == 4;
    if ends_in_uuid(text) && (alone && uuid::has_version(text) && has_letters(counts) || is_uuid(text)) {
        return NONE;
    }
    let digits = is_enough(DIGITS);
    Suspicion {
        numbers: digits && (is_enough(DIGIT_RUN) || is_enough(UNPLAIN) || has_groups(text)),
        digits,
        coded: is_enough(STRETCH) && is_enough(MARKS),
        codes: is_enough(CODES),
    }
}

/// Digits in groups: only these make a number without six digits in a row.
fn has_groups(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(first) = rest.first() {
        let len = plain::digits(rest).max(1);
        let part = rest.get(..len.min(4)).unwrap_or_default();
        let may_begin = first.is_ascii_digit() && run::plausible_part(part).is_some();
        if may_begin && plain::may_be_grouped(rest, len) {
            return true;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    false
}

/// Whether a UUID of which the digits were counted has as many letters as one made by chance.
fn has_letters(counts: u64) -> bool {
    let digits = ((counts >> (8 * DIGITS)) & 0xFF).wrapping_add(FEWEST_DIGITS.into()).wrapping_sub(0x80);
    digits <= (uuid::NIBBLES - uuid::LETTERS) as u64
}

/// The places of the hyphens, for a quick no.
fn ends_in_uuid(text: &[u8]) -> bool {
    let head = text.len().checked_sub(uuid::LEN);
    head.and_then(|head| text.get(head..)).is_some_and(uuid::has_hyphens)
}

/// Texts up to here are short: no count overflows.
const MAX_SHORT: usize = 64;

/// Digits in a row: six.
const DIGIT_RUN: u32 = 0;
/// Characters of base64 in a row: fourteen.
const STRETCH: u32 = 1;
/// Digits, or first bytes of what may be one: six.
const DIGITS: u32 = 2;
/// Digits and capitals: two.
const MARKS: u32 = 3;
/// First bytes of codes: one.
const CODES: u32 = 4;
/// Bytes of characters that the fold may drop or make something else of: one.
const UNPLAIN: u32 = 5;
/// What stands in no UUID: one.
const NOT_HEX: u32 = 6;
/// Hyphens.
const HYPHENS: u32 = 7;

/// Where each count begins, so that bit 7 is set at the number wanted.
const COUNTS_BEGIN: u64 = u64::from_le_bytes([
    0x80 - FEWEST_DIGITS,
    0x80 - SHORTEST_STRETCH,
    0x80 - FEWEST_DIGITS,
    0x80 - 2,
    0x80 - 1,
    0x80 - 1,
    0x80 - 1,
    0,
]);

/// For each byte, which counts go on and what is added.
const COUNTS: [(u64, u64); 256] = {
    let mut counts = [(0, 0); 256];
    let begin = COUNTS_BEGIN.to_le_bytes();
    let mut byte = 0_u8;
    loop {
        let class = CLASSES[byte as usize];
        let is_digit = byte.is_ascii_digit();
        let is_token = class & TOKEN != 0;
        let is_unplain = byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte >= 0xC4;
        let is_hex = byte.is_ascii_hexdigit() || byte == b'-';
        let keep =
            [if is_digit { 0xFF } else { 0 }, if is_token { 0xFF } else { 0 }, 255, 255, 255, 255, 255, 255];
        let add = [
            if is_digit { 1 } else { begin[0] },
            if is_token { 1 } else { begin[1] },
            (class & DIGIT != 0) as u8,
            (class & MARK != 0) as u8,
            (class & START != 0) as u8,
            is_unplain as u8,
            !is_hex as u8,
            (byte == b'-') as u8,
        ];
        counts[byte as usize] = (u64::from_le_bytes(keep), u64::from_le_bytes(add));
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    counts
};

/// Whether there are as many digits as a number has, in a text longer than a block.
fn has_digits(text: &[u8]) -> bool {
    let count = |block: &[u8; BLOCK]| block.iter().map(|byte| u8::from(may_be_digit(*byte))).sum::<u8>();
    let mut digits = 0_u8;
    for block in text.as_chunks::<BLOCK>().0 {
        digits = digits.saturating_add(count(block));
        if digits >= FEWEST_DIGITS {
            return true;
        }
    }
    // The last block and the tail may overlap: what is counted twice only costs time.
    digits.saturating_add(text.last_chunk::<BLOCK>().map_or(0, count)) >= FEWEST_DIGITS
}

/// Whether a text holds any byte of a kind: whole blocks are asked without branches.
pub(super) fn holds(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> bool {
    let any = |block: &[u8]| block.iter().fold(false, |any, byte| any | is_wanted(*byte));
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().any(|block| any(block)) || any(rest)
}

/// The first byte, from a place on, of what may be a digit.
pub(super) fn next_digit(text: &[u8], at: usize) -> Option<usize> {
    next(text, at, DIGIT, may_be_digit)
}

/// The first byte, from a place on, that may begin a code.
pub(super) fn next_code(text: &[u8], at: usize) -> Option<usize> {
    next(text, at, START, may_begin_code)
}

/// PERF: what is near is found byte by byte; what is far, by asking whole blocks without
/// branches, which the compiler turns into vector instructions.
fn next(text: &[u8], mut at: usize, wanted: u8, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    loop {
        for byte in text.get(at..)?.iter().take(NEAR) {
            if class(*byte) & wanted != 0 {
                return Some(at);
            }
            at = at.wrapping_add(1);
        }
        while let Some(block) = text.get(at..)?.first_chunk::<BLOCK>()
            && !block.iter().fold(false, |any, byte| any | is_wanted(*byte))
        {
            at = at.wrapping_add(BLOCK);
        }
        if at >= text.len() {
            return None;
        }
    }
}

const fn may_begin_code(byte: u8) -> bool {
    (byte == b'%') | (byte == b'&') | (byte == b'\\') | (byte == b'<') | (byte == b'=')
}

/// A digit, or the first byte of a character that may be one. All characters with a digit value
/// begin with 0xC2 or a byte from 0xD9 on; Danish letters begin with 0xC3.
const fn may_be_digit(byte: u8) -> bool {
    (byte.wrapping_sub(b'0') < 10) | (byte == 0xC2) | (byte >= 0xD9)
}

/// Of the alphabets of base64.
pub(super) fn is_token(byte: u8) -> bool {
    class(byte) & TOKEN != 0
}

/// Of the alphabets of base64, or of a code for one of their characters: `%2B`, `&#43;`, `\/`.
pub(super) fn is_token_or_code(byte: u8) -> bool {
    class(byte) & (TOKEN | CODE) != 0
}

/// A digit or a capital.
pub(super) fn is_mark(byte: u8) -> bool {
    class(byte) & MARK != 0
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

const DIGIT: u8 = 1;
const TOKEN: u8 = 2;
const CODE: u8 = 4;
const MARK: u8 = 8;
const START: u8 = 16;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let digit = if may_be_digit(byte) { DIGIT } else { 0 };
        let start = if may_begin_code(byte) { START } else { 0 };
        classes[byte as usize] = digit
            | start
            | match byte {
                b'0'..=b'9' | b'A'..=b'Z' => TOKEN | MARK,
                b'a'..=b'z' | b'+' | b'/' | b'-' | b'_' | b'=' => TOKEN,
                b'%' | b'&' | b'\\' | b'#' | b';' => CODE,
                _ => 0,
            };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};

/// A text without codes that ends in a UUID made by chance and begins with nothing or a word:
/// `Patient/…`, `urn:uuid:…`.
fn is_uuid(text: &[u8]) -> bool {
    let Some(head) = text.len().checked_sub(uuid::LEN).filter(|head| *head < coded::SHORTEST) else {
        return false;
    };
    text.split_at_checked(head).is_some_and(|(head, uuid)| {
        uuid::is_random(uuid)
            && head.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b':'))
            && !head.last().is_some_and(u8::is_ascii_alphabetic)
    })
}

/// Bytes that are looked at together.
const BLOCK: usize = 16;
/// Bytes that are looked at one by one before whole blocks are.
const NEAR: usize = 8;
/// Fewer digits are in no form of a number: `251248-xxxx` has six.
const FEWEST_DIGITS: u8 = 6;
/// As [`coded::SHORTEST`].
const SHORTEST_STRETCH: u8 = 14;
/// No form of a number is shorter.
pub(super) const SHORTEST: usize = 10;
