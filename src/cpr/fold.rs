//! Brings every way of writing a character down to one byte, character by character: Unicode
//! digits to ASCII digits, dashes to `-`, spaces to ` `, invisible characters to nothing.

/// A character after folding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    /// A digit, an upper-case letter, [`SPACE`], [`DASH`], [`DOT`], [`SLASH`], [`LOW_LINE`],
    /// [`JOIN`], [`MASK`] or [`OTHER`].
    pub(super) fold: u8,
    /// Where the character begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// Any white space.
pub(super) const SPACE: u8 = b' ';
/// Any dash or minus.
pub(super) const DASH: u8 = b'-';
/// Any full stop or middle dot.
pub(super) const DOT: u8 = b'.';
/// Any slash.
pub(super) const SLASH: u8 = b'/';
/// The low line of file names and the plus of queries.
pub(super) const LOW_LINE: u8 = b'_';
/// Marks that list or wrap: commas, colons, brackets, quotes.
pub(super) const JOIN: u8 = b',';
/// What stands for a hidden digit, besides the letter X.
pub(super) const MASK: u8 = b'*';
/// Whatever else.
pub(super) const OTHER: u8 = 0;
/// Nothing to be seen: the fold drops it.
const DROP: u8 = 1;

/// Walks the folded characters of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Units<'a> {
    /// Begins at a byte that begins a character.
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        loop {
            let start = self.at;
            let byte = *self.text.as_bytes().get(start)?;
            let fold = if byte < 0x80 {
                self.at = start.saturating_add(1);
                fold_ascii(byte)
            } else {
                let c = self.text.get(start..)?.chars().next()?;
                self.at = start.saturating_add(c.len_utf8());
                fold_wide(c)
            };
            if fold != DROP {
                return Some(Unit { fold, start, end: self.at });
            }
        }
    }
}

/// Whether a number goes on or ends here: the only digits there are after folding.
pub(super) fn is_digit(fold: u8) -> bool {
    fold.is_ascii_digit()
}

pub(super) fn fold_ascii(byte: u8) -> u8 {
    ASCII.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

const ASCII: [u8; 128] = {
    let mut folds = [OTHER; 128];
    let mut byte = 0_u8;
    while byte < 0x80 {
        folds[byte as usize] = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | DASH | DOT | SLASH | LOW_LINE | SPACE => byte,
            b'a'..=b'z' => byte.to_ascii_uppercase(),
            b'+' => LOW_LINE, // a space in a query
            b',' | b';' | b':' | b'|' | b'(' | b')' | b'[' | b']' | b'~' | b'^' | b'=' => JOIN,
            b'"' | b'\'' | b'`' => JOIN,
            b'\t' | b'\n' | 0x0B | 0x0C | b'\r' => SPACE,
            b'*' | b'#' | b'?' => MASK,
            0..0x20 | 0x7F => DROP,
            _ => OTHER,
        };
        byte += 1;
    }
    folds
};

#[cold]
fn fold_wide(c: char) -> u8 {
    let code = u32::from(c);
    if let Some(value) = digit_value(code) {
        return b'0'.saturating_add(value);
    }
    if is_invisible(code) {
        return DROP;
    }
    match code {
        _ if c.is_whitespace() => SPACE,
        0x2800 => SPACE,
        0x058A | 0x05BE | 0x1400 | 0x1806 | 0x2010..=0x2015 | 0x2043 | 0x207B | 0x208B | 0x2212 => DASH,
        0x02D7 | 0x23AF | 0x2500 | 0x2501 | 0x2796 | 0x2E17 | 0x2E1A | 0x2E3A | 0x2E3B | 0x2E40 => DASH,
        0x2E5D | 0x301C | 0x3030 | 0x30A0 | 0x30FC | 0xFE31 | 0xFE32 | 0xFE58 | 0xFE63 | 0xFF0D => DASH,
        0x10EAD | 0xAF | 0x203E | 0xFFE3 => DASH,
        0xB7 | 0x2024 | 0x2027 | 0x2219 | 0x22C5 | 0x30FB | 0xFE52 | 0xFF0E | 0xFF65 | 0x3002 => DOT,
        0x2044 | 0x2215 | 0x29F8 | 0xFF0F => SLASH,
        0xFF3F => LOW_LINE,
        0x2018..=0x201F | 0xAB | 0xBB | 0x2039 | 0x203A | 0x3001 | 0xFF0C | 0xFF1A | 0xFF1B => JOIN,
        0xFF08 | 0xFF09 | 0x2223 | 0xFF5C | 0xFF1D => JOIN,
        0xD7 => b'X',
        0x2022 | 0x25CF | 0x25CB | 0x25A0 | 0x2588 | 0x2217 | 0x2731 | 0xFF0A | 0xFF03 | 0xFF1F => MASK,
        0xFF21..=0xFF3A => latin(code, 0xFF21),
        0xFF41..=0xFF5A => latin(code, 0xFF41),
        0x24B6..=0x24CF => latin(code, 0x24B6),
        0x24D0..=0x24E9 => latin(code, 0x24D0),
        0x1D400..=0x1D6A3 => latin((code - 0x1D400) % 26, 0),
        _ => OTHER,
    }
}

/// The upper-case letter at a place in an alphabet that begins at `first`.
fn latin(code: u32, first: u32) -> u8 {
    u8::try_from(code.saturating_sub(first)).map_or(OTHER, |place| b'A'.saturating_add(place))
}

/// The decimal value of what Unicode calls a digit (`Numeric_Type` Decimal or Digit): Arabic,
/// Indic and full-width digits, superscripts, encircled ones.
fn digit_value(code: u32) -> Option<u8> {
    let after = DIGITS.partition_point(|(first, _, _)| *first <= code);
    let (first, value, count) = DIGITS.get(after.checked_sub(1)?)?;
    let place = u8::try_from(code - first).ok()?;
    (place < *count).then(|| value.saturating_add(place))
}

/// Format characters (`Cf`), C1 controls, combining marks, variation selectors and fillers.
fn is_invisible(code: u32) -> bool {
    let after = INVISIBLE.partition_point(|(first, _)| *first <= code);
    after.checked_sub(1).and_then(|at| INVISIBLE.get(at)).is_some_and(|(_, last)| code <= *last)
}

/// First code point, its value, how many follow each other: Unicode 16, in order.
const DIGITS: &[(u32, u8, u8)] = &[
    (0xB2, 2, 2),
    (0xB9, 1, 1),
    (0x660, 0, 10),
    (0x6F0, 0, 10),
    (0x7C0, 0, 10),
    (0x966, 0, 10),
    (0x9E6, 0, 10),
    (0xA66, 0, 10),
    (0xAE6, 0, 10),
    (0xB66, 0, 10),
    (0xBE6, 0, 10),
    (0xC66, 0, 10),
    (0xCE6, 0, 10),
    (0xD66, 0, 10),
    (0xDE6, 0, 10),
    (0xE50, 0, 10),
    (0xED0, 0, 10),
    (0xF20, 0, 10),
    (0x1040, 0, 10),
    (0x1090, 0, 10),
    (0x1369, 1, 9),
    (0x17E0, 0, 10),
    (0x1810, 0, 10),
    (0x1946, 0, 10),
    (0x19D0, 0, 10),
    (0x19DA, 1, 1),
    (0x1A80, 0, 10),
    (0x1A90, 0, 10),
    (0x1B50, 0, 10),
    (0x1BB0, 0, 10),
    (0x1C40, 0, 10),
    (0x1C50, 0, 10),
    (0x2070, 0, 1),
    (0x2074, 4, 6),
    (0x2080, 0, 10),
    (0x2460, 1, 9),
    (0x2474, 1, 9),
    (0x2488, 1, 9),
    (0x24EA, 0, 1),
    (0x24F5, 1, 9),
    (0x24FF, 0, 1),
    (0x2776, 1, 9),
    (0x2780, 1, 9),
    (0x278A, 1, 9),
    (0xA620, 0, 10),
    (0xA8D0, 0, 10),
    (0xA900, 0, 10),
    (0xA9D0, 0, 10),
    (0xA9F0, 0, 10),
    (0xAA50, 0, 10),
    (0xABF0, 0, 10),
    (0xFF10, 0, 10),
    (0x104A0, 0, 10),
    (0x10A40, 1, 4),
    (0x10D30, 0, 10),
    (0x10D40, 0, 10),
    (0x10E60, 1, 9),
    (0x11052, 1, 9),
    (0x11066, 0, 10),
    (0x110F0, 0, 10),
    (0x11136, 0, 10),
    (0x111D0, 0, 10),
    (0x112F0, 0, 10),
    (0x11450, 0, 10),
    (0x114D0, 0, 10),
    (0x11650, 0, 10),
    (0x116C0, 0, 10),
    (0x116D0, 0, 10),
    (0x116DA, 0, 10),
    (0x11730, 0, 10),
    (0x118E0, 0, 10),
    (0x11950, 0, 10),
    (0x11BF0, 0, 10),
    (0x11C50, 0, 10),
    (0x11D50, 0, 10),
    (0x11DA0, 0, 10),
    (0x11F50, 0, 10),
    (0x16130, 0, 10),
    (0x16A60, 0, 10),
    (0x16AC0, 0, 10),
    (0x16B50, 0, 10),
    (0x16D70, 0, 10),
    (0x1CCF0, 0, 10),
    (0x1D7CE, 0, 10),
    (0x1D7D8, 0, 10),
    (0x1D7E2, 0, 10),
    (0x1D7EC, 0, 10),
    (0x1D7F6, 0, 10),
    (0x1E140, 0, 10),
    (0x1E2F0, 0, 10),
    (0x1E4F0, 0, 10),
    (0x1E5F1, 0, 10),
    (0x1E950, 0, 10),
    (0x1F100, 0, 1),
    (0x1F101, 0, 10),
    (0x1FBF0, 0, 10),
];

/// First and last code point, in order.
const INVISIBLE: &[(u32, u32)] = &[
    (0x80, 0x84),
    (0x86, 0x9F),
    (0xAD, 0xAD),
    (0x300, 0x36F),
    (0x483, 0x489),
    (0x591, 0x5BD),
    (0x600, 0x605),
    (0x610, 0x61A),
    (0x61C, 0x61C),
    (0x64B, 0x65F),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),
    (0x3164, 0x3164),
    (0xA670, 0xA672),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x13440),
    (0x13447, 0x13455),
    (0x1BCA0, 0x1BCA3),
    (0x1D165, 0x1D169),
    (0x1D16D, 0x1D182),
    (0xE0000, 0xE0FFF),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        Units::new(text, 0).map(|unit| char::from(unit.fold)).collect()
    }

    #[test]
    fn the_tables_are_in_order() {
        assert!(DIGITS.is_sorted_by(|a, b| a.0 + u32::from(a.2) <= b.0));
        assert!(INVISIBLE.is_sorted_by(|a, b| a.0 <= a.1 && a.1 < b.0));
    }

    #[test]
    fn digits_of_every_script_are_digits() {
        assert_eq!(folded("٢٥१२४８²₉①𝟵"), "2512482919");
        assert_eq!(folded("ａＺⓑ𝐂"), "AZBC");
    }

    #[test]
    fn what_cannot_be_seen_is_dropped() {
        assert_eq!(folded("2\u{200B}5\u{AD}1\u{FEFF}2\u{0}4\u{336}8\u{FE0F}\u{20E3}"), "251248");
        assert_eq!(folded("1\u{A0}2\u{2009}3\t4\u{2011}5\u{2212}6"), "1 2 3 4-5-6");
    }
}
