//! Judges runs of ASCII digits without folding: nearly all digits in a document are parts of
//! dates, times and identifiers, and nearly all numbers are plain.

use super::fold::{JOIN, fold_ascii};
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
    let part = rest.get(..len.min(4)).unwrap_or_default();
    let may_begin = match (len, next) {
        (10, _) => return ten(rest, end).unwrap_or(Plain::Nothing { end }),
        (6, Some(b' ' | b'-')) if digits(rest.get(7..).unwrap_or_default()) == 4 => {
            return six_and_four(rest, start).unwrap_or(Plain::Unclear);
        }
        (1..=4, Some(_)) => may_be_grouped(rest, len),
        (6 | 8, Some(next)) => parts(next) || hides(next),
        (7, Some(next)) => next.is_ascii_alphabetic() || hides(next),
        (9, Some(next)) => hides(next),
        _ => false,
    };
    if may_begin && run::plausible_part(part).is_some() { Plain::Unclear } else { Plain::Nothing { end } }
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

/// Whether digits in groups, of which the first has `len`, could be a number; what the fold has
/// something to say about could. The forms are those of [`groups`](super::groups).
///
/// PERF: tells nearly all times and object identifiers from a number by their first groups. Reading all of one through
/// the fold takes 2,500 instructions.
pub(super) fn may_be_grouped(rest: &[u8], len: usize) -> bool {
    let second = Next::after(rest, len);
    if second.is_unclear {
        return true;
    }
    if second.gap.is_empty() {
        return false;
    }
    // No birth date is joined so.
    let joined = second.gap.iter().any(|byte| fold_ascii(*byte) == JOIN);
    match (len, second.len) {
        (3, 3) => !joined && second.end < rest.len(),
        (2, 2) => !joined && second.goes_on(rest, &[&[2, 4, 6]]),
        (1, 1) => !joined && second.goes_on(rest, &[&[1][..]; 4]),
        (1, 3) => second.goes_on(rest, &[&[3][..]; 2]),
        (2, 4) | (4, 2 | 6) => second.gap.first() == Some(&b' '),
        _ => false,
    }
}

/// What comes after a group of digits: the bytes between, and the next group.
struct Next<'a> {
    gap: &'a [u8],
    len: usize,
    end: usize,
    /// What stands behind the gap or the group is the fold's to judge.
    is_unclear: bool,
}

impl<'a> Next<'a> {
    fn after(rest: &'a [u8], from: usize) -> Self {
        let after = rest.get(from..).unwrap_or_default();
        let (gap, group) = after.split_at(after.iter().take_while(|byte| parts(**byte)).count());
        let len = digits(group);
        let end = from.saturating_add(gap.len()).saturating_add(len);
        Self { gap, len, end, is_unclear: rest.get(end).is_some_and(|byte| !is_plain(*byte)) }
    }

    /// Whether groups of one of these lengths each come after this one, with what stands before it between them.
    fn goes_on(&self, rest: &'a [u8], lens: &[&[usize]]) -> bool {
        let mut end = self.end;
        for fitting in lens {
            let next = Self::after(rest, end);
            if next.is_unclear {
                return true;
            }
            let alike = match (self.gap, next.gap) {
                (_, []) => false,
                ([one], [other]) => fold_ascii(*one) == fold_ascii(*other),
                _ => true,
            };
            if !alike || !fitting.contains(&next.len) {
                return false;
            }
            end = next.end;
        }
        true
    }
}

/// Stands between the parts of a number.
fn parts(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'_' | b'+' | b',' | b';' | b':' | b'|' | b'~' | b'^' | b'=')
        || matches!(byte, b'(' | b')' | b'[' | b']' | b'"' | b'\'' | b'`')
}

/// Stands for a digit that is not shown.
fn hides(byte: u8) -> bool {
    matches!(byte, b'*' | b'#' | b'?' | b'x' | b'X')
}

/// What the fold neither drops nor takes for a digit.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'/' | b':'..=b'~')
}

/// Digits in a row.
pub(super) fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
