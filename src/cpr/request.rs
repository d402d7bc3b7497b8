//! Values in a request, which the recipient chose: anything that could be a person's number in
//! clear is one, for whoever may ask so could look up whose pseudonym is whose (G7).

use super::escape::{self, Layer};
use super::fold::{self, Units};
use super::{CODING_DEPTH, Number, Search, run, search, uuid};

/// Whether a value in path or query could be a person's number: in any form of [`search`], or
/// nine or ten digits, however they are parted and whatever zeros stand before them.
#[must_use]
pub fn could_be_in_request(value: &str) -> bool {
    let mut finds = Vec::new();
    search(value, &mut finds) == Search::Found || !finds.is_empty() || holds_one(value, CODING_DEPTH)
}

/// What is coded deeper than is undone is coded to hide something.
fn holds_one(text: &str, depth: usize) -> bool {
    let behind = |layer| {
        escape::decode(text, layer).is_some_and(|decoded| match depth.checked_sub(1) {
            Some(deeper) => holds_one(&decoded.text, deeper),
            None => true,
        })
    };
    holds_digits_of_one(text) || behind(Layer::Usual) || behind(Layer::QuotedPrintable)
}

fn holds_digits_of_one(text: &str) -> bool {
    if uuid::is_random(text.as_bytes()) {
        return false;
    }
    let text = text.strip_prefix(SNOMED).filter(|code| is_concept(code)).map_or(text, |_| "");
    let (mut run, mut parted) = (Digits::default(), Digits::default());
    for unit in Units::new(text, 0) {
        if fold::is_digit(unit.fold) {
            run.take(unit.fold);
            parted.take(unit.fold);
            continue;
        }
        if std::mem::take(&mut run).number().is_some() {
            return true;
        }
        let parts = matches!(unit.fold, fold::SPACE | fold::DASH | fold::DOT | fold::SLASH | fold::LOW_LINE);
        if !parts && std::mem::take(&mut parted).number().is_some() {
            return true;
        }
    }
    run.number().is_some() || parted.number().is_some()
}

/// The code system whose codes have nine digits and more.
const SNOMED: &str = "http://snomed.info/sct|";

/// A concept of SNOMED's core: the two digits before the check digit are its partition, 00.
fn is_concept(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_digit()) && matches!(code.as_bytes(), [.., b'0', b'0', _])
}

/// Digits without the zeros that come first.
#[derive(Default)]
struct Digits {
    digits: [u8; 10],
    count: usize,
}

impl Digits {
    fn take(&mut self, digit: u8) {
        if self.count == 0 && digit == b'0' {
            return;
        }
        if let Some(place) = self.digits.get_mut(self.count) {
            *place = digit;
        }
        self.count = self.count.saturating_add(1);
    }

    fn number(self) -> Option<Number> {
        match self.count {
            9 => {
                let mut digits = self.digits;
                digits.rotate_right(1);
                if let Some(first) = digits.first_mut() {
                    *first = b'0';
                }
                run::number(digits)
            }
            10 => run::number(self.digits),
            _ => None,
        }
    }
}
