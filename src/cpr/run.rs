//! Finds numbers in folded text: from each maximal run of digits on, is this a number?
//!
//! A run is maximal after folding, so that eleven digits are never a number, also where something
//! invisible stands between them. Whatever else may stand beside a number: letters, `_`, `#`,
//! `/`, `:` and `|` do in FHIR narratives, file names and tokens.

use std::ops::Range;

use super::fold::{self, Unit, Units};
use super::plain::{self, Plain};
use super::{Find, Kind, Number, gate, groups, uuid};

/// Separators between the birth date and the rest: ` -- ` has four.
const MAX_SEPARATORS: usize = 4;
/// White space that is one separator: the end of a line and the indentation of the next.
const MAX_BLANKS: usize = 40;
/// Characters that hide the last four: some write one or two too many. Ten of them are the
/// form that the national infrastructure prescribes for a number that is gone.
const MAX_MASKS: usize = 6;

/// The number that the text is, without anything but white space around it.
///
/// PERF: nearly all stand as `251248-9996`, or without the hyphen; the fold takes ten times as long for these.
pub(super) fn whole(text: &str) -> Option<Number> {
    match plain::look(text.as_bytes(), 0) {
        Plain::Number { number, end, .. } if end == text.len() && !number.is_nobody() => Some(number),
        Plain::Number { .. } | Plain::Nothing { .. } | Plain::Unclear => whole_folded(text),
    }
}

/// The same, as the fold alone judges.
pub(super) fn whole_folded(text: &str) -> Option<Number> {
    let first = Units::new(text, 0).find(|unit| unit.fold != fold::SPACE)?;
    let Some(found) = at_run(text, first.start, &Run::read(text, first)) else {
        return nobody(text);
    };
    let rest_is_blank = Units::new(text, found.end).all(|unit| unit.fold == fold::SPACE);
    (rest_is_blank && !found.number.is_nobody()).then_some(found.number)
}

/// All numbers of the text, in order.
pub(super) fn all(text: &str, finds: &mut Vec<Find>) {
    each(text, |find| {
        push(finds, find);
        true
    });
}

/// Whether the text holds a number.
pub(super) fn any(text: &str) -> bool {
    let mut found = false;
    each(text, |_| {
        found = true;
        false
    });
    found
}

/// All numbers, as the fold alone judges: what [`plain`] must never differ from.
#[cfg(test)]
pub(super) fn all_folded(text: &str, finds: &mut Vec<Find>) {
    let take = |find| {
        push(finds, find);
        true
    };
    each_by(|_, _| Plain::Unclear, text, take);
}

/// Hands over number by number, until the taker has enough.
fn each(text: &str, take: impl FnMut(Find) -> bool) {
    each_by(plain::look, text, take);
}

fn each_by(look: impl Fn(&[u8], usize) -> Plain, text: &str, mut take: impl FnMut(Find) -> bool) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = gate::next_digit(bytes, at) {
        let found = match look(bytes, start) {
            Plain::Nothing { end } => {
                at = end;
                continue;
            }
            Plain::Number { number, end, run_end } => {
                at = run_end;
                Some((start, Found { number, end }))
            }
            Plain::Unclear => {
                // Where the fold drops something, the next unit comes later.
                let Some(first) = Units::new(text, start).next() else { return };
                if !fold::is_digit(first.fold) {
                    at = first.end;
                    continue;
                }
                let run = Run::read(text, first);
                at = run.end;
                at_run(text, first.start, &run).map(|found| (first.start, found))
            }
        };
        if let Some((start, Found { number, end })) = found
            && !in_uuid(bytes, &(start..end))
            && !take(Find { span: start..end, number })
        {
            return;
        }
    }
}

/// Adds a find that does not begin before the last one; what overlaps becomes one.
pub(super) fn push(finds: &mut Vec<Find>, find: Find) {
    match finds.last_mut() {
        Some(last) if last.span.end > find.span.start => {
            last.span.end = last.span.end.max(find.span.end);
            if last.number.is_nobody() {
                last.number = find.number;
            }
        }
        _ => finds.push(find),
    }
}

/// Whether a find is a part of a UUID that was made by chance.
fn in_uuid(text: &[u8], span: &Range<usize>) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let before = text
        .get(..span.start)
        .unwrap_or_default()
        .iter()
        .rev()
        .take(uuid::LEN)
        .take_while(|b| is_part(b))
        .count();
    let after =
        text.get(span.end..).unwrap_or_default().iter().take(uuid::LEN).take_while(|b| is_part(b)).count();
    let around = span.start.saturating_sub(before)..span.end.saturating_add(after);
    text.get(around).is_some_and(uuid::is_random)
}

pub(super) struct Found {
    pub(super) number: Number,
    pub(super) end: usize,
}

/// A maximal run of digits, with the characters that the fold drops in between.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The first ten.
    digits: [u8; 10],
    pub(super) count: usize,
    /// Where the last digit ends.
    pub(super) end: usize,
    pub(super) after: Units<'a>,
}

impl<'a> Run<'a> {
    pub(super) fn read(text: &'a str, first: Unit) -> Self {
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

    pub(super) fn digits(&self) -> &[u8] {
        self.digits.get(..self.count).unwrap_or_default()
    }
}

/// The number that begins with this run.
fn at_run(text: &str, start: usize, run: &Run<'_>) -> Option<Found> {
    let mut draft = Draft::default();
    match run.count {
        10 => Some(Found { number: number(run.digits)?, end: run.end }),
        6..=9 => {
            date_kind(run.digits())?;
            draft.take(run.digits())?;
            let with_century = || serial(text, Draft::without_century(run.digits())?, run.after);
            match run.count {
                6 => serial(text, draft, run.after),
                8 => unbroken(draft, run.after).or_else(with_century),
                _ => unbroken(draft, run.after),
            }
        }
        1..=4 => groups::read(text, start, run),
        _ => None,
    }
}

/// The characters of a number, as they come.
#[derive(Clone, Copy, Default)]
pub(super) struct Draft {
    pub(super) text: [u8; 10],
    len: usize,
}

impl Draft {
    pub(super) fn take(&mut self, more: &[u8]) -> Option<()> {
        let end = self.len.checked_add(more.len())?;
        self.text.get_mut(self.len..end)?.copy_from_slice(more);
        self.len = end;
        Some(())
    }

    /// What there is so far.
    pub(super) fn taken(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// A birth date whose year has its century.
    pub(super) fn without_century(date: &[u8]) -> Option<Self> {
        let (day_and_month, [b'1', b'8' | b'9', year @ ..] | [b'2', b'0', year @ ..]) =
            date.split_at_checked(4)?
        else {
            return None;
        };
        let mut draft = Self::default();
        draft.take(day_and_month)?;
        draft.take(year)?;
        Some(draft)
    }

    /// The draft with an `x` for each character that is hidden.
    fn masked(mut self) -> [u8; 10] {
        for place in self.text.iter_mut().skip(self.len) {
            *place = b'x';
        }
        self.text
    }
}

/// After a birth date: separators or none, then the last four.
pub(super) fn serial(text: &str, mut draft: Draft, after: Units<'_>) -> Option<Found> {
    let (parted, here) = separators(after)?;
    let mut units = here;
    let unit = units.next()?;
    if is_mask(unit.fold) {
        return unbroken(draft, here);
    }
    let run = Run::read(text, Some(unit).filter(|unit| fold::is_digit(unit.fold))?);
    if matches!(run.count, 1 | 2)
        && let Some(found) = groups::serial(text, draft, parted, &run)
    {
        return Some(found);
    }
    draft.take(run.digits())?;
    match run.count {
        4 => Some(Found { number: number(draft.text)?, end: run.end }),
        _ => unbroken(draft, run.after),
    }
}

/// The separators that come here, if they are not too many: what they are, if they are of one
/// kind or none, and what follows. White space counts as one, as table cells have a lot of it.
fn separators(mut units: Units<'_>) -> Option<(Option<u8>, Units<'_>)> {
    let (mut count, mut blanks) = (0_usize, 0_usize);
    let mut last = fold::OTHER;
    loop {
        let here = units;
        let fold = units.next()?.fold;
        if !is_separator(fold) {
            return Some((Some(last).filter(|_| count == 1), here));
        }
        blanks = if fold == fold::SPACE { blanks.saturating_add(1) } else { 0 };
        count = count.saturating_add(usize::from(blanks <= 1));
        if count > MAX_SEPARATORS || blanks > MAX_BLANKS {
            return None;
        }
        last = fold;
    }
}

/// What follows six to nine digits without a separator: the letters of an e-CPR, or masks.
fn unbroken(draft: Draft, after: Units<'_>) -> Option<Found> {
    if draft.len == 7
        && let Some(found) = ecpr(draft, after)
    {
        return Some(found);
    }
    let hidden = draft.text.len().checked_sub(draft.len)?;
    let mut masks = 0_usize;
    let mut end = 0;
    for unit in after {
        if fold::is_digit(unit.fold) {
            return None;
        }
        if !is_mask(unit.fold) {
            break;
        }
        masks = masks.saturating_add(1);
        end = unit.end;
    }
    let kind = date_kind(&draft.text)?;
    (masks >= hidden && (1..=MAX_MASKS).contains(&masks))
        .then(|| Found { number: Number { kind, text: draft.masked() }, end })
}

/// The letters and the last digit of an e-CPR. Position 7 may be any digit: the sources name
/// 0, 1, 5, 6 and 7, local systems keep to no list.
fn ecpr(mut draft: Draft, mut after: Units<'_>) -> Option<Found> {
    for _ in 0..2 {
        let letter = after.next().filter(|unit| unit.fold.is_ascii_uppercase())?;
        draft.take(&[letter.fold])?;
    }
    let last = after.next().filter(|unit| fold::is_digit(unit.fold))?;
    draft.take(&[last.fold])?;
    let bounded = after.next().is_none_or(|unit| !fold::is_digit(unit.fold));
    (bounded && date_kind(&draft.text) == Some(Kind::Cpr))
        .then_some(Found { number: Number { kind: Kind::Ecpr, text: draft.text }, end: last.end })
}

/// Turns away early what cannot begin a date: most groups of up to four digits are parts of
/// times, years and identifiers.
pub(super) fn plausible_part(digits: &[u8]) -> Option<()> {
    match *digits {
        [_] => Some(()),
        [a, b] => date_kind(&[a, b, b'0', b'1']).map(drop),
        [a, b, c @ (b'0' | b'1')] => date_kind(&[a, b, c, if c == b'0' { b'1' } else { b'0' }]).map(drop),
        _ => date_kind(digits).map(drop),
    }
}

/// `0000000000`, with or without a separator.
fn nobody(text: &str) -> Option<Number> {
    let mut zeros = 0_usize;
    for unit in Units::new(text, 0) {
        match unit.fold {
            b'0' => zeros = zeros.saturating_add(1),
            fold if is_separator(fold) => {}
            _ => return None,
        }
    }
    (zeros == 10).then_some(Number { kind: Kind::Cpr, text: [b'0'; 10] })
}

fn is_separator(fold: u8) -> bool {
    matches!(fold, fold::SPACE | fold::DASH | fold::DOT | fold::SLASH | fold::LOW_LINE | fold::JOIN)
}

fn is_mask(fold: u8) -> bool {
    matches!(fold, fold::MASK | b'X')
}

/// Ten digits whose birth date can be one.
pub(super) fn number(digits: [u8; 10]) -> Option<Number> {
    date_kind(&digits).map(|kind| Number { kind, text: digits })
}

/// Whether the first four digits are a day and a month. 29 February always is one: the century
/// hangs on the seventh digit, and missing a person is worse.
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
