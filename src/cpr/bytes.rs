//! Base64 and hexadecimal to bytes, and bytes to the text that they could be.

use super::{Number, search_at};

/// What bytes are as a text, if they are all text: UTF-8, or UTF-16 in either order, without
/// control characters.
pub(super) fn as_text(decoded: impl Iterator<Item = u8> + Clone) -> Option<String> {
    if begins_as_utf8(decoded.clone()) {
        let text = String::from_utf8(decoded.collect()).ok()?;
        return (!text.chars().any(is_control)).then_some(text);
    }
    let mut first = decoded.clone();
    let order = match (first.next()?, first.next()?) {
        (0, _) | (0xFE, 0xFF) => Order::BigEndian,
        (_, 0) | (0xFF, 0xFE) => Order::LittleEndian,
        _ => return None,
    };
    let bytes: Vec<u8> = decoded.collect();
    let text = String::from_utf16(&units(&bytes, 0, order)).ok()?;
    // Any bytes are units of some kind: those of a text are mostly plain.
    let plain = text.chars().filter(char::is_ascii).count().saturating_mul(2) >= text.chars().count();
    (plain && bytes.len().is_multiple_of(2) && !text.chars().any(is_control)).then_some(text)
}

/// Most words fail at their first bytes, before anything is allocated.
fn begins_as_utf8(decoded: impl Iterator<Item = u8>) -> bool {
    let mut continuing = 0_u8;
    for byte in decoded.take(12) {
        continuing = match (continuing, byte) {
            (1.., 0x80..=0xBF) => continuing.wrapping_sub(1),
            (0, b' '..=b'~' | b'\t' | b'\n' | b'\r') => 0,
            (0, 0xC2..=0xDF) => 1,
            (0, 0xE0..=0xEF) => 2,
            (0, 0xF0..=0xF4) => 3,
            _ => return false,
        };
    }
    true
}

fn is_control(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// A number anywhere in bytes of which parts may be text of any kind.
pub(super) fn number(bytes: &[u8], depth: usize) -> Option<Number> {
    let wide = utf16_digits(bytes).into_iter().flat_map(|(little, big)| {
        [(little, Order::LittleEndian), (big, Order::BigEndian)]
            .map(|(from, order)| String::from_utf16_lossy(&units(bytes, from, order)))
    });
    std::iter::once(narrow(bytes)).chain(wide).find_map(|text| {
        let mut finds = Vec::new();
        // Whether bytes around the text are binary is not asked: they are not its own.
        search_at(&text, depth, &mut finds);
        finds.first().map(|find| find.number)
    })
}

/// UTF-8, and Latin-1 for the bytes that belong to no character.
fn narrow(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
    }
    text
}

#[derive(Clone, Copy)]
enum Order {
    LittleEndian,
    BigEndian,
}

/// Where UTF-16 in either order would begin, if two digits of it stand side by side.
fn utf16_digits(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = bytes.windows(3).position(|three| matches!(three, [b'0'..=b'9', 0, b'0'..=b'9']))?;
    Some((at % 2, at.wrapping_add(1) % 2))
}

fn units(bytes: &[u8], from: usize, order: Order) -> Vec<u16> {
    let pairs = bytes.get(from..).unwrap_or_default().as_chunks::<2>().0;
    let unit = |pair: &[u8; 2]| match order {
        Order::LittleEndian => u16::from_le_bytes(*pair),
        Order::BigEndian => u16::from_be_bytes(*pair),
    };
    pairs.iter().map(unit).filter(|unit| *unit != BYTE_ORDER_MARK).collect()
}

const BYTE_ORDER_MARK: u16 = 0xFEFF;

/// Hexadecimal digits, two for a byte, decoded one by one.
pub(super) fn hex_bytes(token: &[u8]) -> impl Iterator<Item = u8> + Clone {
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
pub(super) const NEVER: u8 = b'~';

/// Base64 in either alphabet, decoded one by one; anything else in it counts as `A`.
pub(super) fn base64_bytes(body: &[u8]) -> impl Iterator<Item = u8> + Clone {
    let mut held = 0_u32;
    let mut bits = 0_u32;
    body.iter().filter_map(move |byte| {
        held = ((held << 6) | base64_value(*byte)) & 0xFFFF;
        bits = if bits < 2 { bits.wrapping_add(6) } else { bits.wrapping_sub(2) };
        let complete = bits < 6;
        complete.then(|| u8::try_from((held >> bits) & 0xFF).ok())?
    })
}

/// The six bits of a character of base64.
pub(super) fn base64_value(byte: u8) -> u32 {
    u32::from(match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => 0,
    })
}
