//! Undoes one layer of coding in a text: percent-coding, HTML entities, JSON escapes, and the
//! tags that can stand inside a number.
//!
//! The finder searches a text as it came *and* after each layer: `%2512489996` holds a number
//! only as it came, `%32%35…` only afterwards.

use std::ops::Range;

use super::gate;

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

/// Undoes one layer; `None` if nothing in the text is coded.
pub(super) fn decode(coded: &str) -> Option<Decoded> {
    let mut decoder = Decoder { coded, done: 0, out: Decoded { text: String::new(), pieces: Vec::new() } };
    let mut tag_ends = TagEnds::default();
    let mut at = 0;
    while let Some(code) = gate::next_code(coded.as_bytes(), at) {
        at = code;
        let rest = coded.as_bytes().get(at..)?;
        let taken = match rest.first()? {
            b'%' => percent(rest),
            b'&' => entity(rest),
            b'\\' => backslash(rest),
            _ => tag(rest, tag_ends.after(coded.as_bytes(), at)),
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
type Taken = Option<(Option<char>, usize)>;

fn hex(bytes: &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for byte in bytes {
        value = value.checked_mul(16)?.checked_add(char::from(*byte).to_digit(16)?)?;
    }
    (!bytes.is_empty()).then_some(value)
}

/// `%XX` for one byte of UTF-8; a byte that belongs to no character is taken as Latin-1. Also
/// `%uXXXX`, which old scripts write.
fn percent(rest: &[u8]) -> Taken {
    if rest.get(1) == Some(&b'u') {
        return Some((char::from_u32(hex(rest.get(2..6)?)?), 6));
    }
    let byte = |place: usize| {
        let at = place.checked_mul(3)?;
        let [b'%', digits @ ..] = rest.get(at..at.checked_add(3)?)? else { return None };
        u8::try_from(hex(digits)?).ok()
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

/// The longest body of an entity: `#x0000010FFFF`, `NegativeMediumSpace`.
const MAX_ENTITY: usize = 24;

/// `&#48;`, `&#x30;`, with or without the semicolon, and the names that can stand in a number.
fn entity(rest: &[u8]) -> Taken {
    let body = rest.get(1..)?;
    if let [b'#', body @ ..] = body {
        let (mark, digits, radix) = match body {
            [b'x' | b'X', digits @ ..] => (3, digits, 16),
            digits => (2, digits, 10),
        };
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let len = digits.iter().take(MAX_ENTITY).take_while(is_digit).count();
        let value = std::str::from_utf8(digits.get(..len)?).ok()?;
        let c = u32::from_str_radix(value, radix).ok().and_then(char::from_u32)?;
        let semicolon = usize::from(digits.get(len) == Some(&b';'));
        return Some((Some(c), len.checked_add(mark)?.checked_add(semicolon)?));
    }
    let len = body.iter().take(MAX_ENTITY).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = std::str::from_utf8(body.get(..len)?).ok()?;
    if body.get(len) == Some(&b';')
        && let Some((_, c)) = ENTITIES.iter().find(|(known, _)| *known == name)
    {
        return Some((Some(*c), len.checked_add(2)?));
    }
    let (known, c) = ENTITIES.iter().take(WITHOUT_SEMICOLON).find(|(known, _)| name.starts_with(known))?;
    Some((Some(*c), known.len().checked_add(1)?))
}

/// JSON's escapes, and what scripts add: `\xXX`, `\u{…}`, and a backslash before a mark.
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
        mark if mark.is_ascii_punctuation() => char::from(*mark),
        _ => return None,
    };
    Some((Some(c), 2))
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

/// The longest tag that is looked through.
const MAX_TAG: usize = 200;

/// Where tags end: found once for all that begin before it, or `<b<b<b…` would take for ever.
#[derive(Default)]
struct TagEnds {
    next: Option<usize>,
}

impl TagEnds {
    /// The first `>` from a place on, counted from there.
    fn after(&mut self, coded: &[u8], at: usize) -> Option<usize> {
        if self.next.is_none_or(|next| next < at) {
            let rest = coded.get(at..)?;
            let offset = rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len());
            self.next = Some(at.saturating_add(offset));
        }
        self.next.filter(|next| *next < coded.len())?.checked_sub(at)
    }
}

/// Tags that change how characters look and do not part them, and comments: `251248-<b>9996</b>`.
fn tag(rest: &[u8], end: Option<usize>) -> Taken {
    if rest.starts_with(b"<!--") {
        let body = rest.get(4..)?;
        let end = body.iter().take(MAX_TAG).zip(body.iter().skip(1)).position(|two| two == (&b'-', &b'-'))?;
        return (body.get(end.checked_add(2)?) == Some(&b'>')).then_some((None, end.checked_add(7)?));
    }
    let body = rest.get(1..)?;
    let body = body.strip_prefix(b"/").unwrap_or(body);
    let len = body.iter().take(MAX_INLINE).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = body.get(..len)?;
    if !INLINE.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return None;
    }
    Some((None, end.filter(|end| *end <= MAX_TAG)?.checked_add(1)?))
}

/// Longer than the longest name of those below.
const MAX_INLINE: usize = 7;

/// HTML's phrasing elements that draw no space around themselves.
const INLINE: &[&[u8]] = &[
    b"a", b"abbr", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"em", b"font", b"i",
    b"ins", b"kbd", b"mark", b"q", b"s", b"samp", b"small", b"span", b"strike", b"strong", b"sub", b"sup",
    b"time", b"tt", b"u", b"var", b"wbr", b"nobr",
];

/// So many of the first entities are also read without their semicolon (HTML 13.5).
const WITHOUT_SEMICOLON: usize = 7;

/// Named entities that can stand in, before or after a number (HTML 13.5).
const ENTITIES: &[(&str, char)] = &[
    ("nbsp", '\u{A0}'),
    ("shy", '\u{AD}'),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("middot", '\u{B7}'),
    ("NonBreakingSpace", '\u{A0}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("horbar", '\u{2015}'),
    ("hyphen", '\u{2010}'),
    ("dash", '\u{2010}'),
    ("minus", '\u{2212}'),
    ("hybull", '\u{2043}'),
    ("AMP", '&'),
    ("apos", '\''),
    ("num", '#'),
    ("percnt", '%'),
    ("bsol", '\\'),
    ("sol", '/'),
    ("period", '.'),
    ("centerdot", '\u{B7}'),
    ("lowbar", '_'),
    ("plus", '+'),
    ("ast", '*'),
    ("midast", '*'),
    ("times", '\u{D7}'),
    ("bull", '\u{2022}'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("equals", '='),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("sup1", '\u{B9}'),
    ("sup2", '\u{B2}'),
    ("sup3", '\u{B3}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("emsp13", '\u{2004}'),
    ("emsp14", '\u{2005}'),
    ("numsp", '\u{2007}'),
    ("puncsp", '\u{2008}'),
    ("thinsp", '\u{2009}'),
    ("ThinSpace", '\u{2009}'),
    ("hairsp", '\u{200A}'),
    ("VeryThinSpace", '\u{200A}'),
    ("MediumSpace", '\u{205F}'),
    ("ZeroWidthSpace", '\u{200B}'),
    ("NegativeVeryThinSpace", '\u{200B}'),
    ("NegativeThinSpace", '\u{200B}'),
    ("NegativeMediumSpace", '\u{200B}'),
    ("NegativeThickSpace", '\u{200B}'),
    ("zwnj", '\u{200C}'),
    ("zwj", '\u{200D}'),
    ("lrm", '\u{200E}'),
    ("rlm", '\u{200F}'),
    ("NoBreak", '\u{2060}'),
    ("ApplyFunction", '\u{2061}'),
    ("af", '\u{2061}'),
    ("InvisibleTimes", '\u{2062}'),
    ("it", '\u{2062}'),
    ("InvisibleComma", '\u{2063}'),
    ("ic", '\u{2063}'),
];
