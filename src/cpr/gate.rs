//! The first look at a text: could it hold a number at all?
//!
//! Every string that leaves passes here, eleven bytes on average, nearly all of them innocent.

use super::coded;

/// Whether there are digits enough for a number in any form but base64: a percent-coded, escaped
/// or entity digit is written with at least one digit.
pub(super) fn has_digits(text: &[u8]) -> bool {
    let count =
        |block: &[u8; BLOCK]| u32::from(block.iter().map(|byte| u8::from(may_be_digit(*byte))).sum::<u8>());
    let mut digits = 0_u32;
    if let Some(tail) = text.last_chunk::<BLOCK>() {
        // The last block and the tail may overlap: what is counted twice only costs time.
        for block in text.as_chunks::<BLOCK>().0 {
            digits = digits.wrapping_add(count(block));
            if digits >= FEWEST_DIGITS {
                return true;
            }
        }
        return digits.wrapping_add(count(tail)) >= FEWEST_DIGITS;
    }
    for byte in text {
        digits = digits.wrapping_add(u32::from(class(*byte) & DIGIT));
    }
    digits >= FEWEST_DIGITS
}

/// Whether anything may begin a code.
pub(super) fn has_codes(text: &[u8]) -> bool {
    let any = |block: &[u8; BLOCK]| block.iter().fold(false, |any, byte| any | may_begin_code(*byte));
    match text.last_chunk::<BLOCK>() {
        Some(tail) => text.as_chunks::<BLOCK>().0.iter().any(any) || any(tail),
        None => text.iter().any(|byte| class(*byte) & START != 0),
    }
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
    (byte == b'%') | (byte == b'&') | (byte == b'\\') | (byte == b'<')
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

/// A text without codes that ends in a UUID of the standard and begins with nothing or a word:
/// `Patient/…`, `urn:uuid:…`.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    let Some(head) = text.len().checked_sub(coded::UUID_LEN).filter(|head| *head < coded::SHORTEST) else {
        return false;
    };
    text.split_at_checked(head).is_some_and(|(head, uuid)| {
        coded::is_standard_uuid(uuid)
            && head.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b':'))
            && !head.last().is_some_and(u8::is_ascii_alphabetic)
    })
}

/// Bytes that are looked at together.
const BLOCK: usize = 16;
/// Bytes that are looked at one by one before whole blocks are.
const NEAR: usize = 8;
/// Fewer digits are in no form of a number: `251248-xxxx` has six.
const FEWEST_DIGITS: u32 = 6;
/// No form of a number is shorter.
pub(super) const SHORTEST: usize = 10;
