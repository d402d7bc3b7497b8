//! Judges runs of ASCII digits without folding: nearly all digits in a document are parts of
//! dates, times and identifiers, and nearly all numbers are plain.

use super::{Number, run};

/// What a run of ASCII digits is.
#[derive(Debug)]
pub(super) enum Plain {
    /// No number begins with it.
    Nothing {
        /// Where the run ends.
        end: usize,
    },
    /// A number begins with it.
    Number {
        number: Number,
        /// Where the number ends.
        end: usize,
        /// Where the run ends.
        run_end: usize,
    },
    /// The fold must decide.
    Unclear,
}

/// Judges the run that begins here.
pub(super) fn look(text: &[u8], start: usize) -> Plain {
    let rest = text.get(start..).unwrap_or_default();
    let len = digits(rest);
    let end = start.saturating_add(len);
    let next = rest.get(len).copied();
    if len == 0 || !next.is_none_or(is_plain) {
        return Plain::Unclear;
    }
    let may_begin = match (len, next) {
        (10, _) => return ten(rest, end).unwrap_or(Plain::Nothing { end }),
        (6, Some(b' ' | b'-')) if digits(rest.get(7..).unwrap_or_default()) == 4 => {
            return six_and_four(rest, start).unwrap_or(Plain::Unclear);
        }
        (2, Some(gap @ (b' ' | b'-' | b'.' | b'/'))) => is_broken(rest, gap),
        (4, Some(b' ' | b'-' | b'.' | b'/')) => true,
        (6, Some(b' ' | b'-' | b'.' | b'/' | b'_' | b'+')) => true,
        (6..=9, Some(b'*' | b'#' | b'?' | b'x' | b'X')) => true,
        (7, Some(next)) => next.is_ascii_alphabetic(),
        _ => false,
    };
    if may_begin && run::plausible_part(rest.get(..len.min(4)).unwrap_or_default()).is_some() {
        Plain::Unclear
    } else {
        Plain::Nothing { end }
    }
}

fn ten(rest: &[u8], end: usize) -> Option<Plain> {
    let number = run::number(*rest.first_chunk::<10>()?)?;
    Some(Plain::Number { number, end, run_end: end })
}

/// `251248-9996` and nothing after it that the fold could make into a digit.
fn six_and_four(rest: &[u8], start: usize) -> Option<Plain> {
    if !rest.get(11).copied().is_none_or(is_plain) {
        return None;
    }
    let mut text = [0; 10];
    let (date, serial) = text.split_at_mut_checked(6)?;
    date.copy_from_slice(rest.get(..6)?);
    serial.copy_from_slice(rest.get(7..11)?);
    let run_end = start.checked_add(6)?;
    Some(match run::number(text) {
        Some(number) => Plain::Number { number, end: start.checked_add(11)?, run_end },
        None => Plain::Nothing { end: run_end },
    })
}

/// After two digits and a gap come two digits and then the same gap or more digits; or the fold
/// has something to say.
fn is_broken(rest: &[u8], gap: u8) -> bool {
    let may_be_digit = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || !is_plain(*byte));
    may_be_digit(rest.get(3))
        && may_be_digit(rest.get(4))
        && (rest.get(5) == Some(&gap) || may_be_digit(rest.get(5)))
}

/// What the fold neither drops nor takes for a digit.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'/' | b':'..=b'~')
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
