//! A number planted in a text, however it is written, coded and surrounded, is seen: by the finder
//! that the rewriter asks, and by the independent one, which knows what it looks for.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use proptest::prelude::*;
use proptest::sample::select;
use tavs::absence;
use tavs::cpr::{self, Search};

/// Ten digits that no chance puts beside each other.
fn number() -> impl Strategy<Value = String> {
    (1..=28_u32, 1..=12_u32, 37..=57_u32, 0..=9999_u32, any::<bool>()).prop_map(
        |(day, month, year, serial, replaced)| {
            format!("{:02}{month:02}{year:02}{serial:04}", day + if replaced { 60 } else { 0 })
        },
    )
}

/// What may stand between birth date and serial.
const SEPARATORS: &[&str] = &[
    "",
    "-",
    " ",
    "/",
    ".",
    "\t",
    " - ",
    " -- ",
    " \u{2013} ",
    "\u{2011}",
    "\u{2212}",
    "\u{a0}",
    "\u{2009}",
    "_",
    "__",
    "+",
    ",",
    ", ",
    ";",
    ":",
    "|",
    "~",
    "^",
    "=",
    ") ",
    " (",
    "\": \"",
    "\n",
    "\r\n    ",
    "      ",
    "\u{200b}",
    "\u{ad}",
    "\u{3001}",
    "</td><td>",
    "</b>\n  <td class=\"a > b\">",
    "<br/>",
    "<b>",
    "<!-- x -->",
    "&nbsp;",
    "&#0000000000000000000000000045;",
    "&#x000000000000000000000000002d;",
    "&comma;",
    "&period;",
    "&hyphen;",
    "&sol;",
    "&shy;",
    "&ensp;",
    "%2D",
    "%20",
    "%E2%80%93",
    "=2D",
    "=\n",
    "\\u002d",
    "\\055",
];

/// Ways of grouping the digits, each with marks that may stand between the groups.
const GROUPINGS: &[(&[usize], &[&str])] = &[
    (&[2, 2, 2, 4], &["-", ".", "/", " ", "\u{a0}", "_", " - "]),
    (&[2, 2, 2, 2, 2], &["-", ".", " ", "\u{2009}"]),
    (&[3, 3, 4], &["-", ".", " ", "\u{2011}"]),
    (&[1, 3, 3, 3], &[".", " ", ",", "'"]),
    (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &[" ", "-", "."]),
    (&[2, 4, 4], &[" "]),
    (&[4, 2, 4], &[" "]),
    (&[4, 6], &[" "]),
];

/// The number as somebody could write it.
fn written(number: &str) -> impl Strategy<Value = String> + use<> {
    let (date, serial) = (number[..6].to_owned(), number[6..].to_owned());
    let all = number.to_owned();
    let grouped = select(GROUPINGS).prop_flat_map(move |(lens, marks)| {
        let all = all.clone();
        select(marks).prop_map(move |mark| {
            let mut rest = all.as_str();
            let mut groups = Vec::new();
            for len in lens {
                let (group, after) = rest.split_at(*len);
                groups.push(group);
                rest = after;
            }
            groups.join(mark)
        })
    });
    let with_century = {
        let (date, serial) = (date.clone(), serial.clone());
        (select(&["18", "19", "20"][..]), select(&["-", " ", ": ", "</td><td>"][..])).prop_map(
            move |(century, separator)| format!("{}{century}{}{separator}{serial}", &date[..4], &date[4..]),
        )
    };
    let parted =
        (select(SEPARATORS), select(&['0', '0', '０', '٠'][..])).prop_map(move |(separator, zero)| {
            let digit = |c: char| char::from_u32(u32::from(zero) + u32::from(c) - u32::from('0')).unwrap();
            let part = |part: &str| part.chars().map(digit).collect::<String>();
            format!("{}{separator}{}", part(&date), part(&serial))
        });
    prop_oneof![4 => parted, 2 => grouped, 1 => with_century]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    None,
    Percent,
    QuotedPrintable,
    Entities,
    HexEntities,
    Escapes,
    Octal,
    Json,
    Base64(u8),
    Base64OfUtf16(bool, u8),
    Hex(bool),
    HexOfUtf16(bool),
}

impl Coding {
    fn code(self, text: &str) -> String {
        let bytes = |mark: &str| text.bytes().map(|byte| format!("{mark}{byte:02X}")).collect::<String>();
        let chars =
            |code: &dyn Fn(u32) -> String| text.chars().map(|c| code(u32::from(c))).collect::<String>();
        let base64 = |kind: u8, bytes: &[u8]| match kind {
            0 => BASE64.encode(bytes),
            1 => BASE64_NOPAD.encode(bytes),
            2 => BASE64URL.encode(bytes),
            _ => BASE64URL_NOPAD.encode(bytes),
        };
        let utf16 = |little: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect()
        };
        match self {
            Self::None => text.to_owned(),
            Self::Percent => bytes("%"),
            Self::QuotedPrintable => bytes("="),
            Self::Entities => chars(&|c| format!("&#000000000000000000000000000{c};")),
            Self::HexEntities => chars(&|c| format!("&#x{c:x};")),
            Self::Escapes => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
            Self::Octal => chars(&|c| if c < 128 { format!("\\{c:03o}") } else { format!("\\u{{{c:x}}}") }),
            Self::Json => serde_json::json!({ "a": text }).to_string(),
            Self::Base64(kind) => base64(kind, text.as_bytes()),
            Self::Base64OfUtf16(little, kind) => base64(kind, &utf16(little)),
            Self::Hex(true) => HEXUPPER.encode(text.as_bytes()),
            Self::Hex(false) => HEXLOWER.encode(text.as_bytes()),
            Self::HexOfUtf16(little) => HEXLOWER.encode(&utf16(little)),
        }
    }

    /// UTF-16 is known by its plain digits.
    fn can_code(self, text: &str) -> bool {
        !matches!(self, Self::Base64OfUtf16(..) | Self::HexOfUtf16(_))
            || !text.contains(|c: char| c.is_numeric() && !c.is_ascii())
    }

    /// To bytes, of which nobody can say where they begin if more of their characters stand beside.
    fn is_of_bytes(self) -> bool {
        matches!(self, Self::Base64(_) | Self::Base64OfUtf16(..) | Self::Hex(_) | Self::HexOfUtf16(_))
    }
}

fn coding() -> impl Strategy<Value = Coding> {
    prop_oneof![
        3 => Just(Coding::None),
        1 => Just(Coding::Percent),
        1 => Just(Coding::QuotedPrintable),
        1 => Just(Coding::Entities),
        1 => Just(Coding::HexEntities),
        1 => Just(Coding::Escapes),
        1 => Just(Coding::Octal),
        1 => Just(Coding::Json),
        3 => (0..4_u8).prop_map(Coding::Base64),
        2 => (any::<bool>(), 0..4_u8).prop_map(|(little, kind)| Coding::Base64OfUtf16(little, kind)),
        1 => any::<bool>().prop_map(Coding::Hex),
        1 => any::<bool>().prop_map(Coding::HexOfUtf16),
    ]
}

/// What may stand beside it.
const BESIDE: &[(&str, &str)] = &[
    ("", ""),
    (" ", " "),
    ("\"", "\""),
    ("'", "'"),
    ("=", "&"),
    ("?", "?"),
    (".", "."),
    (":", ":"),
    ("|", "|"),
    (",", ","),
    ("(", ")"),
    ("@", "#"),
    ("æ", "ø"),
    ("token=", "&x=y"),
    ("https://x.dk/?data=", "&"),
    ("<td>", "</td>"),
];
/// And, beside codes of bytes, what could be a part of the code.
const JOINED: &[(&str, &str)] = &[
    ("/", ""),
    ("-", "-"),
    ("_", "_"),
    ("tvk1-", ""),
    ("tvk", ""),
    ("a.b_", ".c"),
    ("x/y/", "/z"),
    ("=", "="),
    ("data:text/plain;base64,", ""),
];

/// What the search of a text comes to, and whether it holds the number.
fn seen(text: &str, number: &str) -> (Search, bool) {
    let mut finds = Vec::new();
    let search = cpr::search(text, &mut finds);
    (search, finds.iter().any(|find| find.number.canonical() == number))
}

/// Whether the independent finder sees it where the text is a document's member.
fn known(text: &str, number: &str) -> bool {
    !absence::find_any(serde_json::json!({ "a": text }).to_string().as_bytes(), &[number]).is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_number_is_seen_in_every_form(
        (number, text) in number().prop_flat_map(|number| (Just(number.clone()), written(&number))),
        codings in proptest::collection::vec(coding(), 1..=2),
        (left, right) in select(BESIDE),
    ) {
        prop_assume!(codings.iter().all(|coding| coding.can_code(&text)));
        let coded = codings.iter().fold(text, |text, coding| coding.code(&text));
        let whole = format!("{left}{coded}{right}");
        let (search, found) = seen(&whole, &number);
        // Codes can hold another number by chance, which then stands for the whole.
        let coded = codings.iter().any(|coding| *coding != Coding::None);
        prop_assert!(found || search == Search::Found && coded, "{search:?}: {whole}");
        prop_assert!(known(&whole, &number), "only the independent finder misses {whole}");
    }

    /// What could be a part of a code beside it can make the whole read as binary, which is
    /// withheld; unseen it never leaves.
    #[test]
    fn a_planted_number_is_seen_whatever_is_joined_to_its_code(
        (number, text) in number().prop_flat_map(|number| (Just(number.clone()), written(&number))),
        coding in coding().prop_filter("of bytes", |coding| coding.is_of_bytes()),
        (left, right) in select(JOINED),
    ) {
        prop_assume!(coding.can_code(&text));
        let whole = format!("{left}{}{right}", coding.code(&text));
        let (search, _) = seen(&whole, &number);
        prop_assert!(search != Search::Clean, "{whole}");
        prop_assert!(known(&whole, &number), "only the independent finder misses {whole}");
    }

    /// JSON in a string is judged as JSON is.
    #[test]
    fn a_planted_json_number_is_seen_in_every_scaling(
        number in number(),
        (before, after) in select(&[("{\"cpr\":", "}"), ("{'a': ", ", 'b': 1}"), ("[1, ", "]"), ("x={\"a\" :\n ", "\n}")][..]),
        minus in any::<bool>(),
        point in 0..=10_usize,
        exponent in -12..=12_i32,
        zeros in 0..4_usize,
        coding in coding(),
    ) {
        let digits = number.trim_start_matches('0');
        let (whole, rest) = digits.split_at(point.min(digits.len()));
        let json = match (whole, rest) {
            ("", rest) => format!("0.{rest}"),
            (whole, "") => format!("{whole}{}", "0".repeat(zeros)),
            (whole, rest) => format!("{whole}.{rest}{}", "0".repeat(zeros)),
        };
        let json = format!("{}{json}", if minus { "-" } else { "" });
        let json = if exponent == 0 { json } else { format!("{json}e{exponent}") };
        // What also lost zeros at its end could be many a number.
        prop_assume!(!digits.ends_with('0') && digits.len() > 8);
        prop_assert!(cpr::number_could_be_cpr(json.as_bytes()), "{json}");
        prop_assert!(!absence::find_any(json.as_bytes(), &[&number]).is_empty(), "only the independent finder misses {json}");
        let text = coding.code(&format!("{before}{json}{after}"));
        prop_assert_eq!(seen(&text, &number).0, Search::Found, "{}", text);
        prop_assert!(known(&text, &number), "only the independent finder misses {text}");
    }

    /// In a request no separator, coding or lost zero makes a number another one.
    #[test]
    fn a_planted_number_is_seen_in_a_request(
        number in number(),
        zeros in 0..3_usize,
        at in 1..9_usize,
        mark in select(&["", "-", ".", "/", " ", "_", "%2D", "%20", "&nbsp;"][..]),
        coding in coding().prop_filter("not of bytes", |coding| !coding.is_of_bytes()),
    ) {
        let digits = number.trim_start_matches('0');
        let (first, last) = digits.split_at(at.min(digits.len() - 1));
        let value = coding.code(&format!("{}{first}{mark}{last}", "0".repeat(zeros)));
        prop_assert!(cpr::could_be_in_request(&value), "{value}");
    }
}
