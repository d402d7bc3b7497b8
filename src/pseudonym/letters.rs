//! Bytes as letters only, so that no pseudonym holds a run of digits that a scanner could take for
//! a CPR. One way only to write each value: what is written otherwise is not read.

/// Sixteen consonants, a half byte each: few words.
const CONSONANTS: &[u8; 16] = b"bcdfghjklmnpqrst";
/// Bytes of a whole block, and the letters that it takes: 26^14 > 2^64.
const BLOCK: usize = 8;
/// Letters that so many bytes take, by their number.
const LETTERS_OF: [usize; BLOCK + 1] = [0, 2, 4, 6, 7, 9, 11, 12, 14];

/// Appends two letters for each byte.
pub(super) fn write_wide(bytes: &[u8], out: &mut Vec<u8>) {
    let letter = |nibble: u8| CONSONANTS.get(usize::from(nibble)).copied().unwrap_or(b'b');
    out.extend(bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]));
}

/// Appends fourteen letters for each eight bytes; fewer for the rest.
pub(super) fn write_dense(bytes: &[u8], out: &mut Vec<u8>) {
    for block in bytes.chunks(BLOCK) {
        let mut value = block.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let begin = out.len();
        for _ in 0..LETTERS_OF.get(block.len()).copied().unwrap_or_default() {
            let [digit, ..] = (value % 26).to_le_bytes();
            out.push(b'a'.saturating_add(digit));
            value /= 26;
        }
        if let Some(written) = out.get_mut(begin..) {
            written.reverse();
        }
    }
}

/// Reads what [`write_dense`] writes; upper and lower case are the same.
pub(super) fn read_dense(letters: &[u8]) -> Option<Vec<u8>> {
    let whole = LETTERS_OF.last().copied()?;
    let mut bytes = Vec::with_capacity(letters.len());
    for block in letters.chunks(whole) {
        let length = LETTERS_OF.iter().position(|letters| *letters == block.len())?;
        let mut value = 0_u128;
        for letter in block {
            let digit = letter.to_ascii_lowercase().checked_sub(b'a').filter(|digit| *digit < 26)?;
            value = value.checked_mul(26)?.checked_add(u128::from(digit))?;
        }
        let all = value.to_be_bytes();
        let (above, own) = all.split_at_checked(all.len().checked_sub(length)?)?;
        if above.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(own);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_come_back_and_nothing_else_reads_as_them(bytes in prop::collection::vec(any::<u8>(), 0..33), at: usize) {
            let mut out = Vec::new();
            write_dense(&bytes, &mut out);
            prop_assert!(out.len() <= 56 && out.iter().all(u8::is_ascii_lowercase));
            prop_assert_eq!(read_dense(&out), Some(bytes.clone()));
            prop_assert_eq!(read_dense(&out.to_ascii_uppercase()), Some(bytes.clone()));
            if !out.is_empty() {
                let at = at % out.len();
                let mut other = out;
                other[at] = if other[at] == b'z' { b'a' } else { other[at] + 1 };
                prop_assert_ne!(read_dense(&other), Some(bytes));
            }
        }
    }

    #[test]
    fn what_no_bytes_are_written_as_is_not_read() {
        for wrong in ["a", "zz", "aaa", "zzzzzzzzzzzzzz", "a1", "æø"] {
            assert_eq!(read_dense(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
