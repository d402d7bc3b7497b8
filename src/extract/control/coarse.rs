//! Coarser forms of a cell: the rungs of a column's ladder.

use std::num::NonZeroU32;

use crate::extract::row::Cell;
use crate::policy::checked::Coarser;

/// The rung as a policy writes it.
pub(super) fn written(rung: Coarser) -> String {
    match rung {
        Coarser::Step(step) => format!("step = {step}"),
        Coarser::Prefix(characters) => format!("prefix = {characters}"),
    }
}

/// A value that the rung cannot take is missing afterwards: it must not stay finer than the others.
fn apply(rung: Coarser, cell: &Cell) -> Cell {
    match (rung, cell) {
        (Coarser::Step(step), Cell::Number(text)) => floor(text, step).map_or(Cell::Missing, Cell::Number),
        (Coarser::Step(step), Cell::Text(text)) => floor(text, step).map_or(Cell::Missing, Cell::Text),
        (Coarser::Prefix(characters), Cell::Text(text) | Cell::Number(text)) => {
            let characters = usize::try_from(characters.get()).unwrap_or(usize::MAX);
            Cell::Text(text.chars().take(characters).collect::<String>().into())
        }
        (_, Cell::Missing | Cell::Boolean(_)) => Cell::Missing,
    }
}

/// The cell at a level of a ladder: 0 is as it is, above the last rung it is missing.
pub(super) fn at_level(cell: &Cell, ladder: &[Coarser], level: usize) -> Cell {
    match level.checked_sub(1) {
        None => cell.clone(),
        Some(rung) => ladder.get(rung).map_or(Cell::Missing, |rung| apply(*rung, cell)),
    }
}

/// `None` if the text is no decimal number without an exponent, or larger than any that is rounded so.
fn floor(text: &str, step: NonZeroU32) -> Option<Box<str>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    // `-0.5` is below 0, and so is `-7.5` below -7.
    let below = text.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
    let number = if below { number.checked_sub(1)? } else { number };
    let step = i64::from(step.get());
    let multiple = number.checked_div_euclid(step)?.checked_mul(step)?;
    Some(multiple.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_never_lets_a_value_stay_finer() {
        let step = |by| Coarser::Step(NonZeroU32::new(by).unwrap());
        let prefix = |characters| Coarser::Prefix(NonZeroU32::new(characters).unwrap());
        let number = |text: &str| Cell::Number(text.into());
        let text = |text: &str| Cell::Text(text.into());
        for (rung, cell, wanted) in [
            (step(5), number("1987"), number("1985")),
            (step(5), number("1985"), number("1985")),
            (step(5), text("1989"), text("1985")),
            (step(10), number("-1"), number("-10")),
            (step(10), number("-10.0"), number("-10")),
            (step(10), number("-0.5"), number("-10")),
            (step(10), number("99.9"), number("90")),
            (step(10), number("1e3"), Cell::Missing),
            (step(10), number("99999999999999999999"), Cell::Missing),
            (step(5), text("1987-05"), Cell::Missing),
            (prefix(2), text("8000"), text("80")),
            (prefix(2), text("Ærø"), text("Ær")),
            (prefix(2), number("8000"), text("80")),
            (prefix(2), Cell::Boolean(true), Cell::Missing),
        ] {
            assert!(apply(rung, &cell) == wanted, "{rung:?}");
        }
        let ladder = [step(5)];
        assert!(at_level(&number("7"), &ladder, 0) == number("7"));
        assert!(at_level(&number("7"), &ladder, 1) == number("5"));
        assert!(at_level(&number("7"), &ladder, 2) == Cell::Missing);
    }
}
