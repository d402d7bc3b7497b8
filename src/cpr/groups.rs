//! Numbers whose digits are written in groups: `25 12 48-9996`, `251 248 9996`, `25.12.1948 9996`,
//! `25 12 48 99 96`, `2.512.489.996`, digit by digit.
//!
//! Dates, times, telephone numbers, addresses of computers and object identifiers are groups of
//! digits as well. What tells them apart: a number's groups have one mark between them, and are
//! not a part of more groups with that mark; a time behind a date (`04.03.26 09.20`) has another
//! mark than the white space before it.

use super::fold::{self, Unit, Units};
use super::run::{Draft, Found, Run, date_kind, number, plausible_part, serial as serial_after};

/// Ten digits, each by itself.
const MOST_GROUPS: usize = 10;
/// Characters between two groups: a mark with white space on both sides.
const WIDEST_GAP: usize = 3;

/// The number that begins with this run of up to four digits.
pub(super) fn read(text: &str, start: usize, first: &Run<'_>) -> Option<Found> {
    plausible_part(first.digits())?;
    let groups = Groups::read(text, start, *first);
    groups.as_date_and_rest(text).or_else(|| groups.as_ten(text))
}

/// The last four digits in groups of two or one. Between them is a space, or what stood before
/// them and between the groups of the date too.
pub(super) fn serial(text: &str, mut draft: Draft, parted: Option<u8>, first: &Run<'_>) -> Option<Found> {
    let groups = Groups::read(text, first.end, *first);
    let count = match *groups.lens() {
        [2, 2, ..] => 2,
        [1, 1, 1, 1, ..] => 4,
        _ => return None,
    };
    let style = groups.style(count)?;
    let last = groups.get(count.checked_sub(1)?)?;
    if style != fold::SPACE && parted != Some(style) || goes_on_after(last.run.after, style) {
        return None;
    }
    draft.take(groups.digits(count)?.taken())?;
    Some(Found { number: number(draft.text)?, end: last.run.end })
}

#[derive(Clone, Copy)]
struct Group<'a> {
    run: Run<'a>,
    /// What stands before it.
    gap: u8,
}

struct Groups<'a> {
    start: usize,
    groups: [Group<'a>; MOST_GROUPS],
    lens: [usize; MOST_GROUPS],
    count: usize,
}

impl<'a> Groups<'a> {
    /// Groups up to ten digits, or to where something else stands between two.
    fn read(text: &'a str, start: usize, first: Run<'a>) -> Self {
        let mut groups = Self {
            start,
            groups: [Group { run: first, gap: fold::OTHER }; MOST_GROUPS],
            lens: [first.count; MOST_GROUPS],
            count: 1,
        };
        let mut digits = first.count;
        let mut after = first.after;
        while digits < 10
            && let Some((gap, unit)) = gap(after)
        {
            let run = Run::read(text, unit);
            let places = groups.groups.get_mut(groups.count).zip(groups.lens.get_mut(groups.count));
            let Some((group, len)) = places else { break };
            *group = Group { run, gap };
            *len = run.count;
            groups.count = groups.count.saturating_add(1);
            digits = digits.saturating_add(run.count);
            after = run.after;
        }
        groups
    }

    fn all(&self) -> &[Group<'a>] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    fn lens(&self) -> &[usize] {
        self.lens.get(..self.count).unwrap_or_default()
    }

    fn get(&self, at: usize) -> Option<&Group<'a>> {
        self.all().get(at)
    }

    /// What stands between the first so many groups, if it is the same everywhere.
    fn style(&self, count: usize) -> Option<u8> {
        let style = self.get(1)?.gap;
        self.all().iter().take(count).skip(1).all(|group| group.gap == style).then_some(style)
    }

    /// The digits of the first so many groups.
    fn digits(&self, count: usize) -> Option<Draft> {
        let mut draft = Draft::default();
        for group in self.all().iter().take(count) {
            draft.take(group.run.digits())?;
        }
        Some(draft)
    }

    /// A birth date in groups, and what may follow one. Where more groups of the date's style could
    /// be mistaken for it, there must be none.
    fn as_date_and_rest(&self, text: &str) -> Option<Found> {
        let (count, style, draft) = self.date()?;
        let mut after = self.get(count.checked_sub(1)?)?.run.after;
        let found = serial_after(text, draft, after)?;
        let rest_is_short = self.lens().get(count).is_some_and(|len| *len < 4);
        let rest_in_groups =
            rest_is_short && found.number.canonical().bytes().all(|byte| byte.is_ascii_digit());
        let dash_follows =
            after.find(|unit| unit.fold != fold::SPACE).is_some_and(|unit| unit.fold == fold::DASH);
        let clear = match *self.lens() {
            [2, 2, 2, ..] => style == fold::SPACE || dash_follows,
            [2, 4, ..] | [4, 2, ..] => true,
            _ => false,
        };
        (clear && !rest_in_groups || self.is_all(text, found.end, style)).then_some(found)
    }

    /// How many of the first groups are a birth date, what stands between them, and the date.
    fn date(&self) -> Option<(usize, u8, Draft)> {
        let (count, spaced) = match *self.lens() {
            [2, 2, 2 | 4, ..] => (3, false),
            [1, 1, 1, 1, 1, 1, ..] => (6, false),
            [3, 3, ..] => (2, false),
            [2, 4, ..] | [4, 2, ..] => (2, true),
            _ => return None,
        };
        let style = self.style(count)?;
        if style == fold::JOIN || spaced && style != fold::SPACE {
            return None;
        }
        let mut draft = self.digits(count)?;
        if matches!(*self.lens(), [2, 2, 4, ..]) {
            draft = Draft::without_century(draft.text.get(..8)?)?;
        }
        date_kind(&draft.text)?;
        Some((count, style, draft))
    }

    /// Groups that do not end where the birth date does.
    fn as_ten(&self, text: &str) -> Option<Found> {
        let style = self.style(self.count)?;
        let (fits, clear) = match *self.lens() {
            [2, 2, 6] => (style == fold::SPACE, true),
            [4, 6] => (style == fold::SPACE, false),
            [1, 3, 3, 3] => (matches!(style, fold::SPACE | fold::DOT | fold::JOIN), false),
            _ => (false, false),
        };
        let last = self.get(self.count.checked_sub(1)?)?;
        let found = Found { number: number(self.digits(self.count)?.text)?, end: last.run.end };
        (fits && (clear || self.is_all(text, found.end, style))).then_some(found)
    }

    /// Whether no more groups of this style come before or after.
    fn is_all(&self, text: &str, end: usize, style: u8) -> bool {
        !goes_on_before(text, self.start, style) && !goes_on_after(Units::new(text, end), style)
    }
}

/// What stands here between two groups of digits, and the first digit of the second: white space,
/// or one mark with or without.
fn gap(units: Units<'_>) -> Option<(u8, Unit)> {
    let mut style = fold::SPACE;
    for (place, unit) in units.enumerate() {
        match unit.fold {
            fold if fold::is_digit(fold) => return (place > 0).then_some((style, unit)),
            fold::SPACE if place < WIDEST_GAP => {}
            fold::DASH | fold::DOT | fold::SLASH | fold::LOW_LINE | fold::JOIN
                if place < WIDEST_GAP && style == fold::SPACE =>
            {
                style = unit.fold;
            }
            _ => return None,
        }
    }
    None
}

fn goes_on_after(after: Units<'_>, style: u8) -> bool {
    gap(after).is_some_and(|(gap, _)| gap == style)
}

fn goes_on_before(text: &str, start: usize, style: u8) -> bool {
    let mut before = text.get(..start).unwrap_or_default().chars().rev().take(2);
    let gap = before.next().and_then(|c| {
        let mut buffer = [0; 4];
        Units::new(c.encode_utf8(&mut buffer), 0).next().map(|unit| unit.fold)
    });
    gap == Some(style) && before.next().is_some_and(|c| c.is_ascii_digit())
}
