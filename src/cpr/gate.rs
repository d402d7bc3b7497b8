//! The first look at a text: could it hold a number at all, and if so, in which forms?
//!
//! Every string that leaves passes here, eleven bytes on average, nearly all of them innocent.

/// What a text is suspected of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suspicion {
    /// Six characters or more that are digits or could be: no form of a number has fewer. A
    /// percent-coded, escaped or entity digit is written with at least one digit.
    pub(super) digits: bool,
    /// A byte that may begin a code.
    pub(super) escapes: bool,
    /// A stretch long enough for base64 or hexadecimal that is not plainly a word.
    pub(super) coded: bool,
}

impl Suspicion {
    /// Nothing to look for. A code alone is no reason: `&` and `%` are ordinary characters.
    pub(super) fn is_none(self) -> bool {
        !self.digits && !self.coded
    }
}

/// Fewer digits are in no form of a number: `251248-xxxx` has six.
const FEWEST_DIGITS: usize = 6;
/// The length from which on a stretch is taken for base64 or hexadecimal.
pub(super) const SHORTEST_CODED: usize = 14;

/// Looks at each byte once.
pub(super) fn look(text: &[u8]) -> Suspicion {
    let mut digits = 0_usize;
    let mut seen = 0_u8;
    let mut stretch = 0_usize;
    let mut marks = 0_usize;
    let mut coded = false;
    for byte in text {
        let class = class(*byte);
        seen |= class;
        digits = digits.wrapping_add(usize::from(class & DIGIT));
        if class & TOKEN == 0 {
            stretch = 0;
            marks = 0;
        } else {
            stretch = stretch.wrapping_add(1);
            marks = marks.wrapping_add(usize::from(class & MARK != 0));
            coded |= stretch >= SHORTEST_CODED && marks >= FEWEST_MARKS;
        }
    }
    Suspicion { digits: digits >= FEWEST_DIGITS, escapes: seen & ESCAPE != 0, coded }
}

/// A stretch with fewer digits and capitals is a word: lower-case letters alone cannot be base64
/// of a number, whose every third byte becomes a capital.
const FEWEST_MARKS: usize = 2;

/// A digit, or the first byte of a character that may be one.
const DIGIT: u8 = 1;
/// May begin a code.
const ESCAPE: u8 = 2;
/// Of the alphabets of base64, or of a code for one of their characters.
const TOKEN: u8 = 4;
/// A digit or a capital.
const MARK: u8 = 8;

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT | TOKEN | MARK,
            b'A'..=b'Z' => TOKEN | MARK,
            b'a'..=b'z' | b'+' | b'/' | b'-' | b'_' | b'=' => TOKEN,
            // A code can stand for a character of base64: `%2B`, `&#43;`, `\/`.
            b'%' | b'&' | b'\\' => ESCAPE | TOKEN,
            b'#' | b';' => TOKEN,
            b'<' => ESCAPE,
            // All characters with a digit value begin with one of these bytes; none of the
            // letters of the Nordic languages does.
            0xC2 | 0xD9 | 0xDB | 0xDF | 0xE0..=0xE2 | 0xEA | 0xEF..=0xF4 => DIGIT,
            _ => 0,
        };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};
