//! The vectors of `tests/vectors/cpr.txt`, and what holds of every text.

use super::*;

const VECTORS: &str = include_str!("../../tests/vectors/cpr.txt");

struct Vector {
    line: usize,
    verdict: &'static str,
    canonical: &'static str,
    text: String,
    spans: Vec<Range<usize>>,
}

/// Reads the file; the brackets around what a find covers are taken out of the text.
fn vectors() -> Vec<Vector> {
    let mut all = Vec::new();
    for (index, line) in VECTORS.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (head, json) = line.split_once(" \"").unwrap();
        let (verdict, canonical) = head.split_once(' ').unwrap_or((head, ""));
        let marked: String = serde_json::from_str(&format!("\"{json}")).unwrap();
        let (mut text, mut spans) = (String::new(), Vec::new());
        for c in marked.chars() {
            match c {
                '⟦' => spans.push(text.len()..text.len()),
                '⟧' => spans.last_mut().unwrap().end = text.len(),
                c => text.push(c),
            }
        }
        all.push(Vector { line: index + 1, verdict, canonical, text, spans });
    }
    all
}

#[test]
fn every_vector_gets_its_verdict() {
    let mut wrong = Vec::new();
    for Vector { line, verdict, canonical, text, spans } in vectors() {
        let mut finds = Vec::new();
        let search = search(&text, &mut finds);
        let found: Vec<_> = finds.iter().map(|find| find.span.clone()).collect();
        let right = match verdict {
            "find" => {
                search == Search::Found
                    && found == spans
                    && finds.iter().all(|find| find.number.canonical() == canonical)
            }
            "clean" => search == Search::Clean && finds.is_empty(),
            "binary" => search == Search::Binary,
            "parse" => parse(&text).is_some_and(|number| number.canonical() == canonical),
            "no-number" => parse(&text).is_none(),
            _ => false,
        };
        if !right {
            let numbers: Vec<_> = finds.iter().map(|find| find.number.canonical()).collect();
            wrong.push(format!(
                "line {line}: {verdict} {canonical} {text:?} {spans:?}: {search:?} {found:?} {numbers:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

mod properties {
    use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::*;

    /// A number in canonical form: any kind, any date.
    fn number() -> impl Strategy<Value = String> {
        let date = (1..=28_u32, 1..=12_u32, 0..=99_u32);
        let serial = prop_oneof![
            3 => (0..=9999_u32).prop_map(|serial| format!("{serial:04}")),
            1 => "[0-9][A-Z]{2}[0-9]",
        ];
        (date, serial, any::<bool>()).prop_map(|((day, month, year), serial, replaced)| {
            let is_ecpr = serial.bytes().any(|byte| byte.is_ascii_uppercase());
            let day = if replaced && !is_ecpr { day + 60 } else { day };
            format!("{day:02}{month:02}{year:02}{serial}")
        })
    }

    const SEPARATORS: &[&str] =
        &["", "-", " ", "/", ".", "\t", " - ", " – ", "\u{2011}", "\u{2212}", "\u{A0}", "\u{2009}", "_", "·"];
    const UNSEEN: &[&str] = &["", "", "", "", "\u{200B}", "\u{AD}", "\u{FEFF}", "\u{2060}", "\u{336}"];
    const ZEROS: &[char] = &['0', '0', '0', '0', '０', '٠', '०', '𝟬'];

    /// The number as somebody could write it.
    fn written() -> impl Strategy<Value = (String, String)> {
        let unseen = proptest::collection::vec(select(UNSEEN), 10);
        let zeros = proptest::collection::vec(select(ZEROS), 10);
        (number(), select(SEPARATORS), select(&["", " ", "\u{A0}"][..]), any::<bool>(), unseen, zeros)
            .prop_map(|(number, separator, part, lower, unseen, zeros)| {
                let mut text = String::new();
                for (place, c) in number.chars().enumerate() {
                    match place {
                        6 if part.is_empty() => text.push_str(separator),
                        6 => text.push_str(if separator.is_empty() { "-" } else { separator }),
                        2 | 4 => text.push_str(part),
                        _ => {}
                    }
                    let c = match c.to_digit(10) {
                        Some(digit) => char::from_u32(u32::from(zeros[place]) + digit).unwrap(),
                        None if lower => c.to_ascii_lowercase(),
                        None => c,
                    };
                    text.push(c);
                    if place < 9 {
                        text.push_str(unseen[place]);
                    }
                }
                (number, text)
            })
    }

    /// A number in groups that some form has, or in others: a year may have its century.
    fn grouped() -> impl Strategy<Value = String> {
        const LENS: &[&[usize]] = &[
            &[2, 2, 2, 4],
            &[2, 2, 4, 4],
            &[2, 2, 2, 2, 2],
            &[2, 2, 6],
            &[4, 6],
            &[3, 3, 4],
            &[2, 4, 4],
            &[4, 2, 4],
            &[1, 3, 3, 3],
            &[1; 10],
            &[6, 2, 2],
            &[3, 3, 2, 2],
            &[2, 2, 3, 3],
            &[1, 1, 2, 3, 3],
        ];
        const MARKS: &[&str] = &[
            ".",
            " ",
            "-",
            ":",
            "/",
            "_",
            "+",
            ",",
            "  ",
            ", ",
            " - ",
            "--",
            " –",
            " ·",
            " \u{200B}-",
            " \t.",
        ];
        let other = proptest::option::weighted(0.3, (0..8_usize, select(MARKS)));
        let unseen = (0..16_usize, select(UNSEEN));
        (number(), select(LENS), select(MARKS), other, unseen).prop_map(
            |(number, lens, mark, other, unseen)| {
                let mut digits = number.chars();
                let mut text = String::new();
                for (place, len) in lens.iter().enumerate() {
                    let other = other.filter(|(at, _)| *at + 1 == place).map(|(_, other)| other);
                    text.push_str(if place == 0 { "" } else { other.unwrap_or(mark) });
                    text.push_str(if *lens == [2, 2, 4, 4] && place == 2 { "19" } else { "" });
                    let own = if *lens == [2, 2, 4, 4] && place == 2 { 2 } else { *len };
                    text.extend(digits.by_ref().take(own));
                }
                let at = text.floor_char_boundary(unseen.0);
                text.insert_str(at, unseen.1);
                text
            },
        )
    }

    #[derive(Debug, Clone, Copy)]
    enum Coding {
        PercentMarks,
        PercentAll,
        Entities,
        HexEntities,
        Escapes,
        Json,
        Base64(u8),
        Hex(bool),
    }

    impl Coding {
        fn code(self, text: &str) -> String {
            let each = |f: &dyn Fn(char) -> String| text.chars().map(f).collect::<String>();
            let percent = |c: char| {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
            };
            match self {
                Self::PercentMarks => {
                    each(&|c| if c.is_ascii_alphanumeric() { c.into() } else { percent(c) })
                }
                Self::PercentAll => each(&percent),
                Self::Entities => each(&|c| format!("&#{};", u32::from(c))),
                Self::HexEntities => each(&|c| format!("&#x{:X};", u32::from(c))),
                Self::Escapes => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
                Self::Json => serde_json::to_string(&serde_json::json!({ "a": text })).unwrap(),
                Self::Base64(0) => BASE64.encode(text.as_bytes()),
                Self::Base64(1) => BASE64_NOPAD.encode(text.as_bytes()),
                Self::Base64(2) => BASE64URL.encode(text.as_bytes()),
                Self::Base64(_) => BASE64URL_NOPAD.encode(text.as_bytes()),
                Self::Hex(false) => HEXLOWER.encode(text.as_bytes()),
                Self::Hex(true) => HEXUPPER.encode(text.as_bytes()),
            }
        }

        /// Needs a border around it to be told from what stands beside it.
        fn wants_border(self) -> bool {
            matches!(self, Self::Base64(_) | Self::Hex(_))
        }
    }

    fn coding() -> impl Strategy<Value = Coding> {
        prop_oneof![
            Just(Coding::PercentMarks),
            Just(Coding::PercentAll),
            Just(Coding::Entities),
            Just(Coding::HexEntities),
            Just(Coding::Escapes),
            Just(Coding::Json),
            (0..4_u8).prop_map(Coding::Base64),
            any::<bool>().prop_map(Coding::Hex),
        ]
    }

    fn cut_out(text: &str, span: Range<usize>) -> String {
        let mut cut = text.to_owned();
        cut.replace_range(span, "¤");
        cut
    }

    fn canonical_in(text: &str, number: &str) -> Option<Find> {
        let mut finds = Vec::new();
        let search = search(text, &mut finds);
        assert!(search != Search::Clean || finds.is_empty());
        finds.into_iter().find(|find| find.number.canonical() == number)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Beside anything but a digit, a number in any written form is found, and nothing of it
        /// is left once what the find covers is cut out.
        #[test]
        fn a_written_number_is_found_beside_anything(
            (number, text) in written(),
            before in "\\PC{0,20}",
            left in "[^\\p{N}\\p{M}\\p{C}0-9]",
            right in "[^\\p{N}\\p{M}\\p{C}0-9A-Za-zａ-ｚＡ-Ｚ*#?•●]",
            after in "\\PC{0,20}",
        ) {
            let whole = format!("{before}{left}{text}{right}{after}");
            let planted = before.len() + left.len()..before.len() + left.len() + text.len();
            let mut finds = Vec::new();
            let _search = search(&whole, &mut finds);
            let covers = |find: &Find| find.span.start <= planted.start && find.span.end >= planted.end;
            let find = finds.into_iter().find(covers);
            prop_assert!(find.is_some(), "{whole:?}");
            let Find { span, number: found } = find.unwrap();
            // Behind codes it can be a part of another, which then stands for both: `10%0101000000`.
            prop_assert!(found.canonical() == number || span != planted, "{whole:?} {found:?}");
            let cut = cut_out(&whole, span);
            prop_assert_eq!(canonical_in(&cut, &number), None);
            prop_assert_eq!(parse(&text).map(|parsed| parsed.canonical().to_owned()), Some(number));
        }

        /// Coded up to three times, it is found, and the find covers the number's code.
        #[test]
        fn a_coded_number_is_found(
            (number, text) in written(),
            codings in proptest::collection::vec(coding(), 1..=3),
            before in "[a-zæøå .]{0,12}",
            after in "[a-zæøå .]{0,12}",
        ) {
            let mut coded = text;
            for coding in &codings {
                coded = coding.code(&coded);
            }
            let border = if codings.iter().any(|coding| coding.wants_border()) { ":" } else { "" };
            let mut whole = format!("{before}{border}{coded}{border}{after}");
            let mut finds = Vec::new();
            let found = search(&whole, &mut finds);
            prop_assert!(found != Search::Clean, "{whole:?}");
            // Codes can hold another number by chance, which then stands for the whole.
            for find in finds.iter().rev() {
                whole = cut_out(&whole, find.span.clone());
            }
            prop_assert_eq!(canonical_in(&whole, &number), None, "{}", coded);
        }

        /// Nothing makes the finder stop, and its finds are in order and on character borders.
        #[test]
        fn any_text_is_searched(
            parts in proptest::collection::vec(
                prop_oneof![
                    "\\PC{0,6}",
                    any::<char>().prop_map(String::from),
                    "[0-9]{1,7}",
                    "[%&\\\\#;xu<>/=-]{1,4}[0-9a-fA-F]{0,6}",
                    "[A-Za-z0-9+/]{10,30}={0,2}",
                    select(&["&nbsp", "&shy;", "<b>", "<!--", "-->", "\\ud835", "%E2%80", "\u{200B}", "25", "1248", "xxxx"][..])
                        .prop_map(String::from),
                ],
                0..12,
            ),
        ) {
            let text = parts.concat();
            let mut finds = Vec::new();
            let search = search(&text, &mut finds);
            prop_assert!(search != Search::Clean || finds.is_empty());
            prop_assert!(search != Search::Found || !finds.is_empty());
            for find in &finds {
                prop_assert!(text.get(find.span.clone()).is_some_and(|covered| !covered.is_empty()), "{text:?} {find:?}");
            }
            for (one, next) in finds.iter().zip(finds.iter().skip(1)) {
                prop_assert!(one.span.end <= next.span.start);
            }
            let _parsed = parse(&text);
        }

        /// What is judged without folding is judged as with it.
        #[test]
        fn plain_runs_are_judged_as_the_fold_does(
            parts in proptest::collection::vec(
                prop_oneof![
                    6 => grouped(),
                    1 => written().prop_map(|(_, text)| text),
                    2 => "[0-3][0-9]{0,2}|[0-9]{1,4}|[0-9]{6}|[0-9]{10}",
                    2 => select(&[".", " ", "-", ":", "/", "_", "+", ",", "(", "  "][..]).prop_map(String::from),
                    1 => select(UNSEEN).prop_map(String::from),
                    1 => "[a-zT*x#]{1,4}",
                ],
                1..6,
            ),
        ) {
            let text = parts.concat();
            let (mut plainly, mut folded) = (Vec::new(), Vec::new());
            run::all(&text, &mut plainly);
            run::all_folded(&text, &mut folded);
            prop_assert_eq!(&plainly, &folded, "{:?}", text);
            prop_assert_eq!(run::whole(&text), run::whole_folded(&text), "{:?}", text);
            prop_assert!(gate::look(text.as_bytes()).numbers || folded.is_empty(), "{:?}", text);
        }

        /// The first look misses nothing that a closer one would see.
        #[test]
        fn the_first_look_misses_nothing(
            parts in proptest::collection::vec(
                prop_oneof![
                    "[0-9]{2}[ ./-][0-9]{2}[ ./-]?[0-9]{2}",
                    "[0-9]{1,10}",
                    "[ ./_+-]{1,2}",
                    "[xX*]{4}",
                    "[A-Za-z0-9+/_-]{4,20}",
                    select(UNSEEN).prop_map(String::from),
                    select(SEPARATORS).prop_map(String::from),
                    written().prop_map(|(_, text)| text),
                    "[a-zæøå:,é]{1,6}",
                    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                ],
                0..7,
            ),
        ) {
            let text = parts.concat();
            let look = gate::look(text.as_bytes());
            let mut finds = Vec::new();
            run::all(&text, &mut finds);
            prop_assert!(look.numbers || finds.is_empty(), "{text:?}");
            finds.clear();
            let binary = coded::all(&text, CODING_DEPTH, &mut finds);
            prop_assert!(look.coded || (!binary && finds.is_empty()), "{text:?}");
        }

        /// Any bytes at all are answered for, quickly and without panic.
        #[test]
        fn any_number_is_judged(json in "-?[0-9]{0,12}(\\.[0-9]{0,12})?([eE][+-]?[0-9]{0,12})?", bytes: Vec<u8>) {
            if parse_number(json.as_bytes()).is_some() {
                prop_assert!(number_could_be_cpr(json.as_bytes()));
            }
            let _could = number_could_be_cpr(&bytes);
            let _parsed = parse_number(&bytes);
        }
    }
}

/// A gap of which the fold must judge a part: only the first byte of it is plain.
#[test]
fn a_number_in_groups_is_found_where_a_gap_is_not_plain() {
    for text in [
        "2-5-1-2-4 –8-9996",
        "2.512.489 ·996",
        "0-1-0-1-0 \u{200B}-1-1234",
        "0;101;011 ，234",
        "25-12 –48-9996",
        "25.12 ·48-9996",
        "25-12 \u{AD}-48-9996",
        "25.12 \t.48-9996",
        "25-12 \n-48-9996",
        "2.512 ·489.996",
        "25.12 · 1948 · 9996",
        "25_12+48-9996",
    ] {
        let mut finds = Vec::new();
        assert_eq!(search(text, &mut finds), Search::Found, "{text:?}");
        let mut folded = Vec::new();
        run::all_folded(text, &mut folded);
        assert_eq!(finds, folded, "{text:?}");
    }
}

/// Some digits with thin spaces between them are capitals only, which words can be, too.
#[test]
fn utf_16_in_base64_is_no_word_of_capitals() {
    let code = "ADYAMSAJADAANCAJADQANSAJADAANCAJADIANQ";
    for text in [code.to_owned(), format!("{code}=="), format!("={code}="), format!("x={code}")] {
        let mut finds = Vec::new();
        assert_eq!(search(&text, &mut finds), Search::Found, "{text}");
        assert_eq!(
            finds.first().map(|find| find.number.canonical().to_owned()).as_deref(),
            Some("6104450425")
        );
    }
    let mut finds = Vec::new();
    assert_eq!(search("SYGESIKRINGENDANMARK/ORDINATIONSKODE", &mut finds), Search::Clean);
}
