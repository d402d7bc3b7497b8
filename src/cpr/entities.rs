//! HTML's character references: by number, and by the names that can stand in, before or after a
//! number (HTML 13.5).

use super::escape::Taken;

/// `&#48;`, `&#x30;`, with or without the semicolon and however many zeros, and names.
pub(super) fn read(rest: &[u8]) -> Taken {
    let body = rest.get(1..)?;
    match body {
        [b'#', b'x' | b'X', digits @ ..] => by_number(digits, 16, 3),
        [b'#', digits @ ..] => by_number(digits, 10, 2),
        _ => by_name(body),
    }
}

fn by_number(digits: &[u8], radix: u32, before: usize) -> Taken {
    let mut value = 0_u32;
    let mut len = 0_usize;
    for digit in digits.iter().map_while(|byte| char::from(*byte).to_digit(radix)) {
        value = value.saturating_mul(radix).saturating_add(digit);
        len = len.saturating_add(1);
    }
    let c = char::from_u32(value).filter(|_| len > 0)?;
    let semicolon = usize::from(digits.get(len) == Some(&b';'));
    Some((Some(c), len.checked_add(before)?.checked_add(semicolon)?))
}

fn by_name(body: &[u8]) -> Taken {
    let len = body.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = std::str::from_utf8(body.get(..len)?).ok()?;
    if body.get(len) == Some(&b';')
        && let Some((_, c)) = OPEN.iter().chain(CLOSED).find(|(known, _)| *known == name)
    {
        return Some((Some(*c), len.checked_add(2)?));
    }
    let (known, c) = OPEN.iter().find(|(known, _)| name.starts_with(known))?;
    Some((Some(*c), known.len().checked_add(1)?))
}

/// Longer than the longest name: `NegativeVeryThinSpace`.
const LONGEST: usize = 24;

/// Also read without their semicolon.
const OPEN: &[(&str, char)] = &[
    ("nbsp", '\u{A0}'),
    ("shy", '\u{AD}'),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("middot", '\u{B7}'),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("macr", '\u{AF}'),
    ("times", '\u{D7}'),
    ("sup1", '\u{B9}'),
    ("sup2", '\u{B2}'),
    ("sup3", '\u{B3}'),
    ("laquo", '\u{AB}'),
    ("raquo", '\u{BB}'),
];

/// Read with their semicolon only.
const CLOSED: &[(&str, char)] = &[
    ("NonBreakingSpace", '\u{A0}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("horbar", '\u{2015}'),
    ("hyphen", '\u{2010}'),
    ("dash", '\u{2010}'),
    ("minus", '\u{2212}'),
    ("hybull", '\u{2043}'),
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
    ("bull", '\u{2022}'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("equals", '='),
    ("Tab", '\t'),
    ("NewLine", '\n'),
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
    ("CenterDot", '\u{B7}'),
    ("sdot", '\u{22C5}'),
    ("strns", '\u{AF}'),
    ("boxh", '\u{2500}'),
    ("HorizontalLine", '\u{2500}'),
    ("UnderBar", '_'),
    ("OverBar", '\u{203E}'),
    ("oline", '\u{203E}'),
    ("frasl", '\u{2044}'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("verbar", '|'),
    ("vert", '|'),
    ("VerticalLine", '|'),
    ("Hat", '^'),
    ("grave", '`'),
    ("DiacriticalGrave", '`'),
    ("quest", '?'),
    ("lsquo", '\u{2018}'),
    ("rsquo", '\u{2019}'),
    ("ldquo", '\u{201C}'),
    ("rdquo", '\u{201D}'),
    ("lowast", '\u{2217}'),
    ("cir", '\u{25CB}'),
    ("squf", '\u{25A0}'),
    ("block", '\u{2588}'),
    ("ThickSpace", '\u{205F}'),
    ("bullet", '\u{2022}'),
];
