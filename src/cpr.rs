//! Recognises CPR numbers, replacement numbers and e-CPRs in text and in JSON numbers.
//!
//! Stands below the rewriter, which asks it about every string, name and number that is to leave
//! (G2). It never asks for a valid modulus 11: numbers without one have been given out since
//! 2007 (cpr.dk, "Personnumre uden kontrolciffer"), and every official test number lacks it.
//! Nothing here may print, log or keep a number.
//!
//! A text is searched as it came, folded (digits of any script, every separator, nothing that
//! cannot be seen), and again behind each layer of coding, four deep: percent-coding, entities,
//! escapes, tags, quoted-printable, base64 and hexadecimal of UTF-8 or UTF-16. Numbers of JSON
//! in it are judged as those of a document. `tests/vectors/cpr.txt` lists the forms;
//! `tests/rewrite/planted.rs` multiplies them.
//!
//! What is *not* recognised in a text, and must be known to whoever keeps free text: words
//! between the halves of a number or in the place of its digits; the order year, month, day; nine
//! digits that lost their zero (in JSON and in requests they are recognised); numbers inside
//! other numbers, eleven digits and more; groups that no list here names, and those that are a
//! part of more groups with the same mark; a number among random letters in a UUID; codings other
//! than those above (base32, base85, uuencode, rot13, hexadecimal whose pairs are parted, base64
//! broken by anything but lines, UTF-16 of other than plain digits inside these; compression and
//! encryption: what is compressed or encrypted and then put into base64 is [`Search::Binary`]);
//! more than two layers where something is joined to the code; and whatever is said in other
//! ways, such as in pictures.
//!
//! What is recognised and may be something else: one in 27 random numbers of ten digits, nearly
//! every `DDMMYYhhmm`, one in 2.5 P-numbers, six digits before four (a date and a postcode), ten
//! digits in pairs (a foreign telephone number). A rule can exempt a member that holds these.

mod bytes;
mod coded;
mod entities;
mod escape;
mod fold;
mod gate;
mod groups;
mod json_number;
mod json_text;
mod plain;
mod request;
mod run;
mod uuid;

use std::fmt;
use std::ops::Range;

use escape::Layer;
pub use json_number::{number_could_be_cpr, parse_number};
pub use request::could_be_in_request;

/// What sort of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A CPR number.
    Cpr,
    /// A replacement number as the CPR office recommends it: the day is raised by 60.
    Replacement,
    /// An e-CPR, national (X) or regional (D): letters at positions 8 and 9. A regional one is
    /// unique only within its identifier system.
    Ecpr,
}

/// One number in canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    /// What sort of number it is.
    pub kind: Kind,
    text: [u8; 10],
}

impl Number {
    /// Ten characters without separator; the letters of an e-CPR in upper case.
    ///
    /// A masked form such as `251248-xxxx` is `251248xxxx`: it names nobody, but holds a birth
    /// date.
    #[must_use]
    pub fn canonical(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Names no one person: `0000000000`, which the public schemas use for "unknown", and masked
    /// forms. A pseudonym of it would link all whose number is unknown, so it becomes a constant.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.text == *b"0000000000" || self.text.contains(&b'x')
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({:?}, …)", self.kind)
    }
}

/// A number within a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// The bytes of the text from the first to the last character of the number; all of the
    /// coded token where the number was found inside base64 or hexadecimal.
    pub span: Range<usize>,
    /// The number.
    pub number: Number,
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// No number in any form.
    Clean,
    /// One number or more.
    Found,
    /// Something in it reads as base64 or hexadecimal and decodes to what is no text, so that
    /// nobody can say what it holds. There may be finds as well.
    Binary,
}

/// Layers of coding that are undone, one inside the other: percent-coded twice and then put as
/// JSON into base64 is four.
const CODING_DEPTH: usize = 4;

/// The longest that one number is written: each character coded twice.
const MAX_WRITTEN: usize = 1000;

/// Reads a text that is one number, in any accepted written form, and nothing else.
#[must_use]
pub fn parse(text: &str) -> Option<Number> {
    if let Some(number) = run::whole(text) {
        return Some(number);
    }
    if text.len() > MAX_WRITTEN {
        return None;
    }
    let mut decoded = escape::decode(text, Layer::Usual)?;
    for _ in 1..CODING_DEPTH {
        match escape::decode(&decoded.text, Layer::Usual) {
            Some(deeper) => decoded = deeper,
            None => break,
        }
    }
    run::whole(&decoded.text)
}

/// Whether a text is shorter than any form of a number, so that a search finds it clean.
#[inline]
pub(crate) const fn is_too_short(text: &str) -> bool {
    text.len() < gate::SHORTEST
}

/// Searches a text for numbers in every form; `finds` is emptied first and comes back in order,
/// without overlap.
pub fn search(text: &str, finds: &mut Vec<Find>) -> Search {
    finds.clear();
    if search_at(text, CODING_DEPTH, finds) {
        Search::Binary
    } else if finds.is_empty() {
        Search::Clean
    } else {
        Search::Found
    }
}

/// Searches a text that may hold `depth` more layers; whether something in it is binary.
fn search_at(text: &str, depth: usize, finds: &mut Vec<Find>) -> bool {
    let suspicion = gate::look(text.as_bytes());
    if suspicion.numbers {
        run::all(text, finds);
    }
    if suspicion.digits && json_text::may_stand_in(text.as_bytes()) {
        json_text::all(text, finds);
    }
    let mut binary = suspicion.coded && coded::all(text, depth, finds);
    if suspicion.codes && (suspicion.digits || coded::any_behind_codes(text.as_bytes())) {
        binary |= search_behind(text, Layer::Usual, depth, finds);
        // An equals sign before two digits is mostly no code: nothing is binary on its account.
        search_behind(text, Layer::QuotedPrintable, depth, finds);
    }
    if finds.len() > 1 {
        in_order(finds);
    }
    binary
}

/// Searches what a text is without one layer of codes; whether something in it is binary.
fn search_behind(text: &str, layer: Layer, depth: usize, finds: &mut Vec<Find>) -> bool {
    let Some(decoded) = escape::decode(text, layer) else { return false };
    let Some(deeper) = depth.checked_sub(1) else { return true };
    let mut inner = Vec::new();
    let binary = search_at(&decoded.text, deeper, &mut inner);
    finds.extend(inner.into_iter().map(|find| Find { span: decoded.origin(&find.span), ..find }));
    binary
}

/// Sorts finds from several layers and makes one of those that overlap.
fn in_order(finds: &mut Vec<Find>) {
    finds.sort_by_key(|find| (find.span.start, find.span.end));
    finds.dedup_by(|next, find| {
        let overlap = next.span.start < find.span.end;
        if overlap {
            find.span.end = find.span.end.max(next.span.end);
            if find.number.is_nobody() {
                find.number = next.number;
            }
        }
        overlap
    });
}

#[cfg(test)]
mod tests;
