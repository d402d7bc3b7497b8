//! Looks for known values in bytes, in any form: the check that is independent of the rewriter.
//!
//! Shares no code with `cpr` or `rewrite`, and goes about it the other way round: it knows what
//! it looks for, undoes every coding it can think of, reduces both sides to bare letters and
//! digits, and compares. Slow and obvious. It would rather find too much than too little.

use std::collections::{HashMap, HashSet};

use data_encoding::{BASE64_NOPAD, Encoding};
use serde_json::Value;

/// Codings inside each other that are undone.
const DEPTH: usize = 5;
/// Fewer digits are a part of too many things to be looked for as digits.
const DIGITS_THAT_TELL: usize = 6;
/// Separators that may stand between two digits of one value; white space in a row is one.
const WIDEST_GAP: usize = 4;
/// The shortest stretch that is taken for base64 or hexadecimal.
const SHORTEST_STRETCH: usize = 8;

/// Which of the known values occur in the output, in whatever form: their indices, in order.
///
/// The output is JSON, lines of JSON, or any text. Values compare without regard to case, to
/// digits' script, to what cannot be seen, and, from six digits on, to separators; as a JSON
/// number also without leading zeros and with any exponent.
#[must_use]
pub fn find_any(output: &[u8], known: &[&str]) -> Vec<usize> {
    let known: Vec<Known> = known.iter().map(|value| Known::new(value)).collect();
    let mut search = Search { found: vec![false; known.len()], known, seen: HashMap::new() };
    let text = String::from_utf8_lossy(output);
    search.text(&text, DEPTH);
    // Read exactly: serde_json takes some numbers with an exponent for their neighbours.
    text.lines()
        .filter_map(|line| line.trim().parse().ok())
        .for_each(|number: f64| search.number(number.abs()));
    match serde_json::from_slice::<Value>(output) {
        Ok(document) => search.document(&document),
        Err(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).for_each(|line: Value| {
            search.document(&line);
        }),
    }
    search.found.iter().enumerate().filter(|(_, found)| **found).map(|(index, _)| index).collect()
}

/// A value to look for.
struct Known {
    /// In lower case, without what cannot be seen.
    plain: String,
    /// Letters and digits only, if there are enough digits; and where it may begin with a birth
    /// date, also with each century in the year.
    bare: Vec<String>,
    /// The digits without leading zeros, if it is a number of sufficient length.
    number: Option<String>,
}

impl Known {
    fn new(value: &str) -> Self {
        let plain = reduce(value).trim().to_owned();
        let bare = squeeze(&plain).replace(' ', "");
        let digits = bare.chars().filter(char::is_ascii_digit).count();
        let number = bare.trim_start_matches('0').to_owned();
        let is_number = digits == bare.len() && number.len() >= DIGITS_THAT_TELL;
        Self {
            plain,
            number: is_number.then_some(number),
            bare: if digits >= DIGITS_THAT_TELL { with_centuries(bare) } else { Vec::new() },
        }
    }
}

fn with_centuries(bare: String) -> Vec<String> {
    let parts = bare.split_at_checked(4).filter(|_| bare.len() == 10);
    let long = |(day, rest): (&str, &str)| ["18", "19", "20"].map(|century| format!("{day}{century}{rest}"));
    let mut all: Vec<String> = parts.map(long).into_iter().flatten().collect();
    all.push(bare);
    all
}

struct Search {
    known: Vec<Known>,
    found: Vec<bool>,
    /// Texts that have been looked at, and how deep.
    seen: HashMap<String, usize>,
}

impl Search {
    fn document(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                self.text(&number.to_string(), 0);
                if let Some(number) = number.as_f64() {
                    self.number(number.abs());
                }
            }
            Value::String(text) => self.text(text, DEPTH),
            Value::Array(elements) => elements.iter().for_each(|element| self.document(element)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.text(name, DEPTH);
                    self.document(value);
                }
            }
        }
    }

    /// A number's integer part, and its digits wherever the point stands.
    fn number(&mut self, number: f64) {
        let integer = format!("{:.0}", number.trunc());
        let digits = number.to_string().replace('.', "");
        for (known, found) in self.known.iter().zip(&mut self.found) {
            let Some(wanted) = &known.number else { continue };
            *found |= *wanted == integer || wanted.trim_matches('0') == digits.trim_matches('0');
        }
    }

    /// What could be numbers of JSON in a text.
    fn numbers(&mut self, text: &str) {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
        if text.contains(['{', '[']) {
            let parts = text.split(|c| !is_part(c)).filter(|part| part.len() >= DIGITS_THAT_TELL);
            parts.filter_map(|part| part.parse().ok()).for_each(|number: f64| self.number(number.abs()));
        }
    }

    fn text(&mut self, text: &str, depth: usize) {
        if text.is_empty() || self.seen.get(text).is_some_and(|seen| *seen >= depth) {
            return;
        }
        self.seen.insert(text.to_owned(), depth);
        self.compare(text);
        self.numbers(text);
        let Some(deeper) = depth.checked_sub(1) else { return };
        let undone = without_entities(&without_marked(&without_escapes(text), '%'));
        self.text(&without_tags(&undone), deeper);
        self.text(&without_quoted_tags(&undone), deeper);
        self.text(&without_marked(&text.replace("=\r\n", "").replace("=\n", ""), '='), deeper);
        for decoded in decoded_stretches(text) {
            self.utf16(&decoded, deeper);
            // UTF-16 of plain characters is these with a zero beside each.
            let decoded: Vec<u8> = decoded.into_iter().filter(|byte| *byte != 0).collect();
            let decoded_text = String::from_utf8_lossy(&decoded);
            if is_readable(&decoded_text) {
                self.text(&decoded_text, deeper);
            } else {
                self.compare(&decoded_text);
            }
        }
    }

    /// Bytes of which some are zero, as UTF-16 of either order from either byte.
    fn utf16(&mut self, bytes: &[u8], depth: usize) {
        let starts = if bytes.contains(&0) { 0..2 } else { 0..0 };
        for pairs in starts.filter_map(|from| Some(bytes.get(from..)?.as_chunks::<2>().0)) {
            for order in [u16::from_le_bytes, u16::from_be_bytes] {
                let text =
                    String::from_utf16_lossy(&pairs.iter().map(|pair| order(*pair)).collect::<Vec<_>>());
                self.compare(&text);
                if text.chars().filter(char::is_ascii).count() > text.chars().count() / 2 {
                    self.text(&text, depth);
                }
            }
        }
    }

    fn compare(&mut self, text: &str) {
        let plain = reduce(text);
        let bare = squeeze(&plain);
        for (known, found) in self.known.iter().zip(&mut self.found) {
            *found |= !known.plain.is_empty() && plain.contains(&known.plain)
                || known.bare.iter().any(|digits| bare.contains(digits));
        }
    }
}

/// Lower case, digits of any script as ASCII, without control and format characters and accents.
fn reduce(text: &str) -> String {
    let mut reduced = String::with_capacity(text.len());
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            reduced.push(digit);
        } else if c.is_whitespace() {
            if !reduced.ends_with(' ') {
                reduced.push(' ');
            }
        } else if !is_unseen(c) {
            reduced.extend(letter(c).to_lowercase());
        }
    }
    reduced
}

/// Letters and digits, a space wherever more than a separator stood.
fn squeeze(plain: &str) -> String {
    let mut bare = String::with_capacity(plain.len());
    let mut gap = 0_usize;
    for c in plain.chars() {
        if c.is_alphanumeric() {
            if gap > WIDEST_GAP {
                bare.push(' ');
            }
            gap = 0;
            bare.push(c);
        } else {
            gap = gap.saturating_add(1);
        }
    }
    bare
}

/// The ASCII digit for a decimal digit. Every script has its ten in a row, and Unicode gives each
/// row one of these zeros.
fn digit(c: char) -> Option<char> {
    const ZEROS: &str =
        "0٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰０₀\u{1D7CE}\u{1D7D8}\u{1D7E2}\u{1D7EC}\u{1D7F6}\u{1FBF0}";
    const LISTED: [&str; 4] = ["⁰¹²³⁴⁵⁶⁷⁸⁹", "⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "🄀⒈⒉⒊⒋⒌⒍⒎⒏⒐"];
    let of_row = ZEROS.chars().find_map(|zero| {
        let place = u32::from(c).checked_sub(u32::from(zero)).filter(|place| *place < 10)?;
        char::from_digit(place, 10)
    });
    of_row.or_else(|| {
        LISTED.iter().find_map(|row| {
            let place = row.chars().position(|listed| listed == c)?;
            char::from_digit(u32::try_from(place).ok()?, 10)
        })
    })
}

/// Letters that are written in two ways, in one of them.
fn letter(c: char) -> char {
    match u32::from(c) {
        0xE4 | 0xE5 | 0xC4 | 0xC5 => 'a',
        0xF6 | 0xD6 => 'o',
        0xE9 | 0xC9 => 'e',
        0xFC | 0xDC => 'u',
        wide @ 0xFF01..=0xFF5E => wide.checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(c),
        _ => c,
    }
}

fn is_unseen(c: char) -> bool {
    let ranges = [
        0xAD..=0xAD,
        0x300..=0x36F,
        0x600..=0x605,
        0x61C..=0x61C,
        0x115F..=0x1160,
        0x180B..=0x180F,
        0x200B..=0x200F,
        0x202A..=0x202E,
        0x2060..=0x206F,
        0x20D0..=0x20FF,
        0x3164..=0x3164,
        0xFE00..=0xFE0F,
        0xFE20..=0xFE2F,
        0xFEFF..=0xFEFF,
        0xFFF9..=0xFFFB,
        0xE0000..=0xE0FFF,
    ];
    c.is_control() || ranges.iter().any(|range| range.contains(&u32::from(c)))
}

/// Reads a number in the middle of a text: `None` if there are no such digits.
fn code(text: &str, radix: u32) -> Option<char> {
    u32::from_str_radix(text, radix).ok().and_then(char::from_u32)
}

/// Backslash escapes of JSON and of scripts.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut undone = parts.next().unwrap_or_default().to_owned();
    let mut high = None;
    for part in parts {
        let hex = |from: usize, to: usize| {
            let digits = part.get(from..to)?;
            Some((u32::from_str_radix(digits, 16).ok()?, part.get(to..)?))
        };
        let braced = || {
            let (digits, rest) = part.strip_prefix("u{")?.split_once('}')?;
            Some((u32::from_str_radix(digits, 16).ok()?, rest))
        };
        let read = match part.chars().next() {
            Some('u') => braced().or_else(|| hex(1, 5)),
            Some('x') => hex(1, 3),
            Some('0'..='3') => octal(part),
            _ => None,
        };
        match (read, part.chars().next()) {
            (Some((value @ 0xD800..=0xDBFF, rest)), _) => {
                high = Some(value);
                undone.push_str(rest);
            }
            (Some((low @ 0xDC00..=0xDFFF, rest)), _) => {
                let pair = high.take().and_then(|high: u32| {
                    char::from_u32(0x1_0000 + (high - 0xD800) * 0x400 + (low - 0xDC00))
                });
                undone.extend(pair);
                undone.push_str(rest);
            }
            (Some((value, rest)), _) => {
                undone.extend(char::from_u32(value));
                undone.push_str(rest);
            }
            (None, Some(c @ ('n' | 'r' | 't' | 'b' | 'f'))) => {
                undone.push(' ');
                undone.push_str(part.get(c.len_utf8()..).unwrap_or_default());
            }
            (None, _) => undone.push_str(part),
        }
    }
    undone
}

/// Three octal digits, and what follows.
fn octal(part: &str) -> Option<(u32, &str)> {
    Some((u32::from_str_radix(part.get(..3)?, 8).ok()?, part.get(3..)?))
}

/// Percent-coding of UTF-8, or quoted-printable, by its mark; bytes that are none are Latin-1. What
/// stands behind an equals sign may be a date as it is.
fn without_marked(text: &str, mark: char) -> String {
    if !text.contains(mark) {
        return text.to_owned();
    }
    let mut parts = text.split(mark);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let wide = part.strip_prefix('u').and_then(|wide| Some((code(wide.get(..4)?, 16)?, wide.get(4..)?)));
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        let begins = bytes.last().is_none_or(u8::is_ascii);
        let is_date = mark == '=' && begins && matches!(digits, 6 | 8);
        let byte = part.get(..2).filter(|_| !is_date).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (wide, byte) {
            (Some((c, rest)), _) => bytes.extend(c.to_string().bytes().chain(rest.bytes())),
            (None, Some(byte)) => {
                bytes.push(byte);
                bytes.extend(part.get(2..).unwrap_or_default().bytes());
            }
            (None, None) => bytes.extend(format!("{mark}{part}").bytes()),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

/// Character references; a named one that is none of a few is a space.
fn without_entities(text: &str) -> String {
    let mut parts = text.split('&');
    let mut undone = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let body = part.strip_prefix('#');
        let (digits, radix) = match body.and_then(|body| body.strip_prefix(['x', 'X'])) {
            Some(hex) => (Some(hex), 16),
            None => (body, 10),
        };
        if let Some(digits) = digits {
            let len = digits.chars().take_while(|c| c.is_digit(radix)).count();
            undone.extend(digits.get(..len).and_then(|value| code(value, radix)));
            let rest = digits.get(len..).unwrap_or_default();
            undone.push_str(rest.strip_prefix(';').unwrap_or(rest));
            continue;
        }
        let name: String = part.chars().take_while(char::is_ascii_alphabetic).collect();
        let rest = part.get(name.len()..).unwrap_or_default();
        let rest = rest.strip_prefix(';').unwrap_or(rest);
        match name.as_str() {
            "amp" => undone.push('&'),
            "lt" => undone.push('<'),
            "gt" => undone.push('>'),
            "quot" => undone.push('"'),
            "num" => undone.push('#'),
            "percnt" => undone.push('%'),
            "bsol" => undone.push('\\'),
            "sup" => {}
            _ => undone.push(' '),
        }
        undone.push_str(rest);
    }
    undone
}

/// Tags and comments, and all that is in them.
fn without_tags(text: &str) -> String {
    let mut undone = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        undone.push_str(before);
        match tag.split_once('>') {
            Some((_, after)) => rest = after,
            None => {
                undone.push('<');
                rest = tag;
            }
        }
    }
    undone + rest
}

/// The same where what an attribute quotes may hold the end of a tag.
fn without_quoted_tags(text: &str) -> String {
    let mut undone = String::new();
    let (mut inside, mut quoted) = (false, false);
    for c in text.chars() {
        quoted ^= inside && c == '"';
        inside |= c == '<';
        if !inside {
            undone.push(c);
        }
        inside &= c != '>' || quoted;
    }
    undone
}

/// What each stretch of base64 or hexadecimal decodes to, wherever its first character is, and
/// also if it is broken into lines or by spaces.
fn decoded_stretches(text: &str) -> Vec<Vec<u8>> {
    let texts = HashSet::from([
        text.to_owned(),
        text.replace(['\r', '\n'], ""),
        text.split_whitespace().collect::<String>(),
        text.replace('-', ""),
    ]);
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let mut all = Vec::new();
    for text in &texts {
        for stretch in text.split(|c| !is_base64(c)).filter(|stretch| stretch.len() >= SHORTEST_STRETCH) {
            let standard = stretch.replace('-', "+").replace('_', "/");
            all.extend((0..4).filter_map(|skip| decode(&BASE64_NOPAD, standard.get(skip..)?)));
        }
        let is_other = |c: char| !c.is_ascii_hexdigit();
        for stretch in text.split(is_other).filter(|stretch| stretch.len() >= SHORTEST_STRETCH) {
            all.extend((0..2).filter_map(|skip| Some(bytes_of_hex(stretch.get(skip..)?))));
        }
    }
    all
}

fn bytes_of_hex(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks_exact(2).filter_map(byte).collect()
}

/// Decodes as much as makes whole groups; stray bits at the end are overlooked.
fn decode(coding: &Encoding, text: &str) -> Option<Vec<u8>> {
    let whole = text.len() - text.len() % 4;
    let mut decoded = coding.decode(text.get(..whole)?.as_bytes()).ok()?;
    let mut tail = text.get(whole..)?.to_owned();
    if tail.len() >= 2 {
        while tail.len() < 4 {
            tail.push('A');
        }
        decoded.extend(coding.decode(tail.as_bytes()).ok()?);
    }
    Some(decoded)
}

/// Mostly printable: worth another look for codings in it.
fn is_readable(text: &str) -> bool {
    let printable =
        text.chars().filter(|c| *c == '\n' || !c.is_control() && *c != char::REPLACEMENT_CHARACTER);
    printable.count().saturating_mul(10) >= text.chars().count().saturating_mul(7)
}

#[cfg(test)]
mod tests;
