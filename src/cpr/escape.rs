//! Undoes one layer of coding in a text: percent-coding, quoted-printable, HTML entities, the
//! escapes of JSON and scripts, and tags.
//!
//! The finder searches a text as it came *and* after each layer: `%2512489996` holds a number
//! only as it came, `%32%35…` only afterwards. Quoted-printable is a layer of its own, or
//! `q=251248%2D9996` would begin with a percent sign.

use std::ops::Range;

use super::{entities, gate, plain};

/// A text without its outermost layer of coding, and where each byte came from.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// In order of both texts.
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    /// Where it begins in the decoded text.
    at: usize,
    /// What it was in the coded text.
    from: Range<usize>,
    /// It came as it is, byte for byte; else it is one character.
    verbatim: bool,
}

impl Decoded {
    /// What a span of the decoded text covers in the coded one.
    pub(super) fn origin(&self, span: &Range<usize>) -> Range<usize> {
        let last = span.end.saturating_sub(1).max(span.start);
        let start = self.piece(span.start).map_or(0, |piece| match piece.verbatim {
            true => piece.from.start.saturating_add(span.start.saturating_sub(piece.at)),
            false => piece.from.start,
        });
        let end = self.piece(last).map_or(start, |piece| match piece.verbatim {
            true => piece.from.start.saturating_add(span.end.saturating_sub(piece.at)),
            false => piece.from.end,
        });
        start..end
    }

    fn piece(&self, at: usize) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.at <= at);
        self.pieces.get(after.checked_sub(1)?)
    }
}

/// Codings that are undone together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// All but quoted-printable.
    Usual,
    /// Quoted-printable.
    QuotedPrintable,
}

/// Undoes one layer; `None` if nothing in the text is coded so.
pub(super) fn decode(coded: &str, layer: Layer) -> Option<Decoded> {
    let mut decoder = Decoder { coded, done: 0, out: Decoded { text: String::new(), pieces: Vec::new() } };
    let mut tags = Tags::default();
    let mut at = 0;
    while let Some(code) = gate::next_code(coded.as_bytes(), at) {
        at = code;
        let rest = coded.as_bytes().get(at..)?;
        let taken = match rest.first()? {
            b'=' if layer == Layer::QuotedPrintable => {
                let before = at.checked_sub(1).and_then(|before| coded.as_bytes().get(before));
                quoted_printable(rest, before.copied())
            }
            _ if layer == Layer::QuotedPrintable => None,
            b'=' => None,
            b'%' => percent(rest),
            b'&' => entities::read(rest),
            b'\\' => backslash(rest),
            _ => tags.read(rest),
        };
        at = match taken {
            Some((c, len)) => {
                let end = at.saturating_add(len);
                decoder.put(c, at..end);
                end
            }
            None => at.saturating_add(1),
        };
    }
    decoder.finish()
}

/// Whether a code for a character stands first.
pub(super) fn begins_with_code(rest: &[u8]) -> bool {
    let code = match rest.first() {
        Some(b'%') => percent(rest),
        Some(b'&') => entities::read(rest),
        Some(b'\\') => backslash(rest),
        _ => None,
    };
    code.is_some()
}

struct Decoder<'a> {
    coded: &'a str,
    /// How far the coded text has been taken over.
    done: usize,
    out: Decoded,
}

impl Decoder<'_> {
    fn verbatim(&mut self, end: usize) {
        let from = self.done..end;
        if let Some(text) = self.coded.get(from.clone()).filter(|text| !text.is_empty()) {
            self.out.pieces.push(Piece { at: self.out.text.len(), from, verbatim: true });
            self.out.text.push_str(text);
        }
    }

    fn put(&mut self, c: Option<char>, from: Range<usize>) {
        self.verbatim(from.start);
        self.done = from.end;
        if let Some(c) = c {
            self.out.pieces.push(Piece { at: self.out.text.len(), from, verbatim: false });
            self.out.text.push(c);
        }
    }

    fn finish(mut self) -> Option<Decoded> {
        if self.done == 0 {
            return None;
        }
        self.verbatim(self.coded.len());
        Some(self.out)
    }
}

/// What stands there, if anything, and how many bytes it was written with.
pub(super) type Taken = Option<(Option<char>, usize)>;

fn hex(bytes: &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for byte in bytes {
        value = value.checked_mul(16)?.checked_add(char::from(*byte).to_digit(16)?)?;
    }
    (!bytes.is_empty()).then_some(value)
}

/// `%XX`, and `%uXXXX`, which old scripts write.
fn percent(rest: &[u8]) -> Taken {
    if rest.get(1) == Some(&b'u') {
        return Some((char::from_u32(hex(rest.get(2..6)?)?), 6));
    }
    marked_bytes(rest, b'%')
}

/// `=XX`, and the `=` at the end of a line that goes on (RFC 2045 section 6.7). Behind a letter
/// the latter is rather padding of base64, and before a birth date (`cpr=251248=2D9996`) the
/// former is no code.
fn quoted_printable(rest: &[u8], before: Option<u8>) -> Taken {
    match rest {
        [b'=', b'\n' | b'\r', ..] if before.is_none_or(|before| before.is_ascii_alphabetic()) => None,
        [b'=', b'\n', ..] => Some((None, 2)),
        [b'=', b'\r', b'\n', ..] => Some((None, 3)),
        [b'=', after @ ..] if matches!(plain::digits(after), 6 | 8) => None,
        _ => marked_bytes(rest, b'='),
    }
}

/// Two hexadecimal digits behind a mark for each byte of UTF-8; a byte that belongs to no
/// character is taken as Latin-1.
fn marked_bytes(rest: &[u8], mark: u8) -> Taken {
    let byte = |place: usize| {
        let at = place.checked_mul(3)?;
        let [first, digits @ ..] = rest.get(at..at.checked_add(3)?)? else { return None };
        u8::try_from(hex(digits)?).ok().filter(|_| *first == mark)
    };
    let first = byte(0)?;
    let len: usize = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    let mut wide = [0_u8; 4];
    for (place, to) in wide.iter_mut().take(len).enumerate() {
        *to = byte(place).unwrap_or(0);
    }
    let c = wide.get(..len).and_then(|wide| std::str::from_utf8(wide).ok()).and_then(|s| s.chars().next());
    match c {
        Some(c) => Some((Some(c), len.checked_mul(3)?)),
        None => Some((Some(char::from(first)), 3)),
    }
}

/// JSON's escapes, and what scripts add: `\xXX`, `\u{…}`, `\062`, and a backslash before a mark.
fn backslash(rest: &[u8]) -> Taken {
    let c = match rest.get(1)? {
        b'n' | b'r' | b'f' | b'v' => '\n',
        b't' => '\t',
        b'b' => '\u{8}',
        b'x' => return Some((char::from_u32(hex(rest.get(2..4)?)?), 4)),
        b'u' if rest.get(2) == Some(&b'{') => {
            let len = rest.get(3..)?.iter().take(8).position(|byte| *byte == b'}')?;
            let c = char::from_u32(hex(rest.get(3..len.checked_add(3)?)?)?);
            return Some((c, len.checked_add(4)?));
        }
        b'u' => return unicode(rest),
        b'0'..=b'3' => return octal(rest),
        mark if mark.is_ascii_punctuation() => char::from(*mark),
        _ => return None,
    };
    Some((Some(c), 2))
}

fn octal(rest: &[u8]) -> Taken {
    let mut value = 0_u32;
    for digit in rest.get(1..4)? {
        value = value.checked_mul(8)?.checked_add(char::from(*digit).to_digit(8)?)?;
    }
    Some((char::from_u32(value), 4))
}

fn unicode(rest: &[u8]) -> Taken {
    let high = hex(rest.get(2..6)?)?;
    if let Some(c) = char::from_u32(high) {
        return Some((Some(c), 6));
    }
    let low = rest.get(6..12).filter(|low| low.starts_with(b"\\u")).and_then(|low| hex(low.get(2..)?));
    let pair = low.and_then(|low| {
        let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        char::from_u32(high.checked_sub(0xD800)?.checked_mul(0x400)?.checked_add(low)?.checked_add(0x1_0000)?)
    });
    Some(pair.map_or((None, 6), |c| (Some(c), 12)))
}

/// Reads tags and comments of any length, and each byte of them a few times at most.
#[derive(Default)]
struct Tags {
    /// No comment ends after one that has no end.
    no_comment_ends: bool,
}

impl Tags {
    /// Tags that change how characters look part nothing: `251248-<b>9996</b>`. Others, `</td>`,
    /// part what stands beside them as a space does.
    fn read(&mut self, rest: &[u8]) -> Taken {
        if let Some(body) = rest.strip_prefix(b"<!--") {
            let end = if self.no_comment_ends { None } else { body.windows(3).position(|end| end == b"-->") };
            self.no_comment_ends = end.is_none();
            return Some((None, end?.checked_add(7)?));
        }
        let body = rest.get(1..)?;
        let body = body.strip_prefix(b"/").unwrap_or(body);
        if !body.first()?.is_ascii_alphabetic() {
            return None;
        }
        let len = body.iter().take(MAX_INLINE).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = body.get(..len)?;
        let parts = !INLINE.iter().any(|known| name.eq_ignore_ascii_case(known));
        Some((parts.then_some(' '), tag_end(rest)?))
    }
}

/// Where a tag ends: at the first `>` that is not quoted, or, where quotes do not close, at the
/// first. Never beyond the next tag, or `<b<b<b…` would take for ever.
fn tag_end(rest: &[u8]) -> Option<usize> {
    let mut first = None;
    let mut quote = None;
    for (at, byte) in rest.iter().enumerate().skip(1) {
        match byte {
            b'>' if quote.is_none() => return at.checked_add(1),
            b'>' => first = first.or_else(|| at.checked_add(1)),
            b'<' if quote.is_none() => break,
            b'"' | b'\'' if quote == Some(*byte) => quote = None,
            b'"' | b'\'' if quote.is_none() => quote = Some(*byte),
            _ => {}
        }
    }
    first
}

/// Longer than the longest name of those below.
const MAX_INLINE: usize = 7;

/// HTML's phrasing elements that draw no space around themselves.
const INLINE: &[&[u8]] = &[
    b"a", b"abbr", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"em", b"font", b"i",
    b"ins", b"kbd", b"mark", b"q", b"s", b"samp", b"small", b"span", b"strike", b"strong", b"sub", b"sup",
    b"time", b"tt", b"u", b"var", b"wbr", b"nobr",
];
