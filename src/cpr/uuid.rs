//! UUIDs: which of them hold ten digits by chance, and which were made up around a number.
//!
//! One in about a thousand random UUIDs holds ten digits that could be a number, most of them in
//! the last group; nobody put them there, and whoever masked them would break one reference in a
//! thousand. So what stands in a UUID is no number if its version and variant are those of
//! RFC 9562 section 4 and it has [`LETTERS`] letters: of the UUIDs that hold a number by chance
//! fewer than 3 % have so few. What only has the shape, `00000000-0000-4000-8000-002512489996`
//! or `25124899-96ab-…`, is searched, also across its hyphens.
//!
//! A number that somebody puts among random letters under a right version cannot be told from
//! chance, and is not found.

use std::ops::Range;

use super::{Number, bytes, run};

/// The length of a written UUID.
pub(super) const LEN: usize = 36;
/// Fewer letters, of 32 digits and letters, are no chance.
pub(super) const LETTERS: usize = 4;
/// The digits and letters of a UUID.
pub(super) const NIBBLES: usize = 32;

/// The shape, `8-4-4-4-12`. Some make up theirs with letters that are no hexadecimal; base64 has
/// its dashes at these places by no chance.
pub(super) fn has_shape(token: &[u8]) -> bool {
    token.len() == LEN
        && has_hyphens(token)
        && token
            .iter()
            .enumerate()
            .all(|(place, byte)| is_hyphen_place(place) || byte.is_ascii_alphanumeric())
}

/// Made by the standard, and by chance.
pub(super) fn is_random(token: &[u8]) -> bool {
    is_hex(token) && has_version(token) && letters(token) >= LETTERS
}

/// Version and variant, where a UUID has them.
pub(super) fn has_version(uuid: &[u8]) -> bool {
    matches!(uuid.get(14), Some(b'1'..=b'8'))
        && matches!(uuid.get(19), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'))
}

/// Whether the hyphens of a UUID that begins here are in their places.
pub(super) fn has_hyphens(text: &[u8]) -> bool {
    [text.get(8), text.get(13), text.get(18), text.get(23)].iter().all(|byte| *byte == Some(&b'-'))
}

/// Where a number stands in UUIDs that were not made by chance: ten digits in a row, hyphens
/// overlooked, or their hexadecimal. Where there are hardly any letters, whatever stands beside
/// the ten.
pub(super) fn number_in(token: &[u8]) -> Option<(Range<usize>, Number)> {
    token.windows(LEN).enumerate().find_map(|(start, uuid)| {
        if !has_hyphens(uuid) || !is_hex(uuid) || is_random(uuid) {
            return None;
        }
        let (span, number) = number_in_one(uuid)?;
        Some((start.checked_add(span.start)?..start.checked_add(span.end)?, number))
    })
}

fn number_in_one(uuid: &[u8]) -> Option<(Range<usize>, Number)> {
    let nibbles: Vec<(usize, u8)> =
        uuid.iter().copied().enumerate().filter(|(_, byte)| *byte != b'-').collect();
    let anywhere = letters(uuid) < LETTERS;
    let is_digit = |place: Option<usize>| {
        place.and_then(|place| nibbles.get(place)).is_some_and(|(_, byte)| byte.is_ascii_digit())
    };
    let in_digits = nibbles.windows(10).enumerate().find_map(|(place, ten)| {
        let bounded = !is_digit(place.checked_sub(1)) && !is_digit(place.checked_add(10));
        if !anywhere && !bounded {
            return None;
        }
        let ten = ten.first_chunk::<10>().filter(|ten| ten.iter().all(|(_, byte)| byte.is_ascii_digit()))?;
        let [(first, _), .., (last, _)] = *ten;
        Some((first..last.checked_add(1)?, run::number(ten.map(|(_, byte)| byte))?))
    });
    let in_hex = || {
        let digits: Vec<u8> = nibbles.iter().map(|(_, byte)| *byte).collect();
        bytes::number(&bytes::hex_bytes(&digits).collect::<Vec<u8>>(), 0).map(|number| (0..LEN, number))
    };
    in_digits.or_else(in_hex)
}

fn is_hex(token: &[u8]) -> bool {
    token.len() == LEN
        && token.iter().enumerate().all(|(place, byte)| is_hyphen_place(place) || byte.is_ascii_hexdigit())
        && has_hyphens(token)
}

fn is_hyphen_place(place: usize) -> bool {
    matches!(place, 8 | 13 | 18 | 23)
}

fn letters(uuid: &[u8]) -> usize {
    uuid.iter().filter(|byte| byte.is_ascii_alphabetic()).count()
}
