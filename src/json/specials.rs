//! Where the bytes stand that end a string or need a closer look: quotes, backslashes and control characters
//! (RFC 8259 section 7).
//!
//! Names and values are 11 bytes long on average, and how long each is, no processor can guess. So their ends are not
//! searched for one by one: a block of the text is looked through at once, without a branch, and its bits tell every end
//! in it.

use wide::u8x16;

/// Bytes of a block: one for each bit of a word.
const BLOCK: usize = 64;
const LANES: usize = 16;

/// The special bytes of one block of a text. Holds for the one text that it was made from, wherever a reader is moved
/// in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Specials {
    /// Where the block begins.
    from: usize,
    /// A bit for each byte of it, the lowest for the first.
    bits: u64,
}

impl Specials {
    /// Nothing is known: a block without special bytes tells nothing.
    pub(super) const UNKNOWN: Self = Self { from: 0, bits: 0 };

    /// Where the first special byte from `at` on stands; the end of the text if there is none.
    #[inline(always)]
    pub(super) fn next(&mut self, text: &[u8], at: usize) -> usize {
        // Of a block that begins behind `at` this is more than a block.
        let passed = at.wrapping_sub(self.from);
        let mut ahead = if passed < BLOCK { self.bits >> passed } else { 0 };
        let mut from = at;
        if ahead == 0 {
            *self = Self::beyond(text, at);
            (from, ahead) = (self.from, self.bits);
        }
        from + ahead.trailing_zeros() as usize
    }

    /// The first block from `at` on with a special byte; the last of the text always has one.
    ///
    /// PERF: 64 bytes take 46 instructions; a string in a block that is known, 8.
    #[inline(never)]
    fn beyond(text: &[u8], mut at: usize) -> Self {
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let Some(block) = rest.first_chunk() else {
                return Self::last(rest, at.min(text.len()));
            };
            let bits = special_bits(block);
            if bits != 0 {
                return Self { from: at, bits };
            }
            at += BLOCK;
        }
    }

    /// Less than a block is filled up with NUL, so that the end of the text is as special as a control character.
    fn last(rest: &[u8], from: usize) -> Self {
        let mut block = [0; BLOCK];
        if let Some(front) = block.get_mut(..rest.len()) {
            front.copy_from_slice(rest);
        }
        Self { from, bits: special_bits(&block) }
    }
}

/// With its second bit turned, a quote is 0x20, a control character stays one, and no other byte is as little: a byte
/// is no more than the most of these if the lesser of both is itself.
#[inline]
fn special_bits(block: &[u8; BLOCK]) -> u64 {
    let (turn, most, backslash) = (u8x16::splat(2), u8x16::splat(0x20), u8x16::splat(b'\\'));
    let (lanes, _) = block.as_chunks::<LANES>();
    lanes.iter().rev().fold(0, |bits, lane| {
        let lane = u8x16::new(*lane);
        let turned = lane ^ turn;
        let special = turned.min(most).simd_eq(turned) | lane.simd_eq(backslash);
        bits << LANES | u64::from(special.to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_each_byte_what_it_is() {
        for byte in 0..=u8::MAX {
            let special = matches!(byte, b'"' | b'\\' | 0..=0x1f);
            assert_eq!(special_bits(&[byte; BLOCK]), if special { u64::MAX } else { 0 }, "{byte}");
        }
    }

    #[test]
    fn finds_what_a_look_at_each_byte_finds_from_every_place_and_in_any_order() {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        for len in [0_usize, 1, 7, 63, 64, 65, 127, 128, 129, 300] {
            for spread in [1_usize, 2, 3, 17, 64, 100, 1000] {
                let text: Vec<u8> = (0..len)
                    .map(|at| match at % spread {
                        0 => [b'"', b'\\', 0, 0x1f][at % 4],
                        _ => [b' ', 0x7f, 0x80, 0xff, b'a', b'!', b'#', b'[', b']'][at % 9],
                    })
                    .collect();
                let mut specials = Specials::UNKNOWN;
                let forth = 0..=len;
                let back = (0..=len).rev().step_by(7);
                for at in forth.chain(back) {
                    let wanted = text[at..].iter().position(special).map_or(len, |offset| at + offset);
                    assert_eq!(specials.next(&text, at), wanted, "{len} {spread} {at}");
                }
            }
        }
    }
}
