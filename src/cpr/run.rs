//! Finds numbers in folded text: from each maximal run of digits on, is this a number?

use super::fold::{self, Unit, Units};
use super::{Find, Kind, Number};

/// Separator characters between the birth date and the rest: ` - ` has three.
const MAX_SEPARATORS: usize = 3;

/// The number that the text is, without anything but white space around it.
pub(super) fn whole(text: &str) -> Option<Number> {
    let mut units = Units::new(text, 0);
    let first = units.find(|unit| unit.fold != fold::SPACE)?;
    let found = at_run(text, first).filter(|find| !find.is_masked()).or_else(|| nobody(text, first))?;
    Units::new(text, found.end).all(|unit| unit.fold == fold::SPACE).then_some(found.number)
}

/// All numbers of the text, in order.
pub(super) fn all(text: &str, finds: &mut Vec<Find>) {
    let mut units = Units::new(text, 0);
    while let Some(first) = units.find(|unit| fold::is_digit(unit.fold)) {
        if let Some(found) = at_run(text, first) {
            push(finds, Find { span: first.start..found.end, number: found.number });
        }
        units = Run::read(text, first).after;
    }
}

/// Adds a find that does not begin before the last one; what overlaps becomes one.
fn push(finds: &mut Vec<Find>, find: Find) {
    match finds.last_mut() {
        Some(last) if last.span.end > find.span.start => {
            last.span.end = last.span.end.max(find.span.end);
        }
        _ => finds.push(find),
    }
}

struct Found {
    number: Number,
    end: usize,
}

impl Found {
    fn is_masked(&self) -> bool {
        self.number.text.contains(&b'x')
    }
}

/// A maximal run of digits, with the characters that the fold drops in between.
struct Run<'a> {
    /// The first ten.
    digits: [u8; 10],
    count: usize,
    /// Where the last digit ends.
    end: usize,
    after: Units<'a>,
}

impl<'a> Run<'a> {
    fn read(text: &'a str, first: Unit) -> Self {
        let mut run =
            Self { digits: [0; 10], count: 0, end: first.end, after: Units::new(text, first.start) };
        let mut ahead = run.after;
        while let Some(unit) = ahead.next().filter(|unit| fold::is_digit(unit.fold)) {
            if let Some(place) = run.digits.get_mut(run.count) {
                *place = unit.fold;
            }
            run.count = run.count.saturating_add(1);
            run.end = unit.end;
            run.after = ahead;
        }
        run
    }
}

/// The number that begins with the run that begins here.
fn at_run(text: &str, first: Unit) -> Option<Found> {
    let run = Run::read(text, first);
    match run.count {
        10 => Some(Found { number: number(run.digits)?, end: run.end }),
        _ => None,
    }
}

fn nobody(text: &str, first: Unit) -> Option<Found> {
    let run = Run::read(text, first);
    (run.count == 10 && run.digits == *b"0000000000")
        .then_some(Found { number: Number { kind: Kind::Cpr, text: run.digits }, end: run.end })
}

/// Ten digits whose birth date can be one.
pub(super) fn number(digits: [u8; 10]) -> Option<Number> {
    date_kind(&digits).map(|kind| Number { kind, text: digits })
}

/// Whether six digits are a day, a month and a year without century. 29 February always is one:
/// the century hangs on the seventh digit, and missing a person is worse.
pub(super) fn date_kind(digits: &[u8]) -> Option<Kind> {
    let [d1, d2, m1, m2, ..] = digits else { return None };
    let two = |a: &u8, b: &u8| a.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(b.wrapping_sub(b'0'));
    let (day, month) = (two(d1, d2), two(m1, m2));
    let (kind, day) = if day > 60 { (Kind::Replacement, day - 60) } else { (Kind::Cpr, day) };
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then_some(kind)
}
