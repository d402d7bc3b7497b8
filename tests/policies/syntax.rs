//! Text that is no TOML, or no TOML that was asked for: what is underlined, and what is kept silent.

use tavs::policy::codes;
use tavs::policy::diagnostic::Diagnostic;
use tavs::policy::syntax::{self, Grammar, SourceFile, line_of, nearest};

use crate::support::underlined;

/// Reads `[a]` with `x` and `y`, texts of which `x` must be there, and `n`, a whole number.
fn read(text: &str) -> (Grammar, Vec<(&'static str, String)>) {
    let file = SourceFile::new("x.toml", text);
    let reading = syntax::read(&file, |mut root| {
        if let Some(mut table) = root.optional_table("a") {
            table.required_str("x", "\"…\"");
            table.optional_str("y");
            table.optional_integer("n", 1..=9);
            table.finish();
        }
        root.finish();
    });
    let found = underlined(text, &reading.diagnostics);
    (reading.grammar, found.into_iter().map(|(code, at)| (code, at.to_owned())).collect())
}

#[test]
fn what_cannot_be_read_is_underlined_once_and_hides_what_hangs_on_it() {
    let mut failed = Vec::new();
    for (text, grammar, wanted) in [
        ("[a]\nx = \"1\"\n", Grammar::Whole, &[][..]),
        // A line: what is missing may stand on it, what is wrong elsewhere is told.
        ("[a]\nx = \n", Grammar::Gaps, &[("TAVS0001", "=")]),
        ("[a]\nx = \ny = 1\n", Grammar::Gaps, &[("TAVS0001", "="), ("TAVS0103", "1")]),
        ("[a]\nx = \"1\" \"2\" 3\n", Grammar::Gaps, &[("TAVS0001", "\"")]),
        // A header: nobody knows where its lines belong, so that names may stand twice.
        ("[a]\nx = \"1\"\n  [b\nx = \"1\"\n", Grammar::Displaced, &[("TAVS0001", "b"), ("TAVS0102", "x")]),
        ("[b\n[a]\nx = \n", Grammar::Displaced, &[("TAVS0001", "b"), ("TAVS0001", "=")]),
        // Names that stand twice are no gap.
        ("[a]\nx = \"1\"\nx = \"2\"\n", Grammar::Whole, &[("TAVS0107", "x")]),
        (
            "[a]\nx = \"1\"\n\"$.b\" = 1\n\"$.b\" = 1\n",
            Grammar::Whole,
            &[("TAVS0102", "\"$.b\""), ("TAVS0202", "\"$.b\"")],
        ),
        // Nothing at all to underline.
        ("=", Grammar::Gaps, &[("TAVS0001", "=")]),
        // Not seen, in a comment: once a line, and not where something has been said.
        ("\u{feff}[a]\nx = \"1\"\n", Grammar::Whole, &[]),
        ("[a]\u{feff}\nx = \"1\"\n", Grammar::Displaced, &[("TAVS0001", "]")]),
        ("# \u{feff}\n[a]\nx = \"1\"\n", Grammar::Whole, &[("TAVS0105", "\u{feff}")]),
        (
            "#\t\u{200b}\u{200b}\r\n[a]\nx = \"1\" # \u{202e}\n",
            Grammar::Whole,
            &[("TAVS0105", "\u{200b}"), ("TAVS0105", "\u{202e}")],
        ),
        (
            "[a]\nx = \"\u{202e}\" # \u{202e}\n#\u{202e}",
            Grammar::Whole,
            &[("TAVS0105", "\u{202e}"), ("TAVS0105", "\u{202e}")],
        ),
        ("z = 1 # \u{202e}\n", Grammar::Whole, &[("TAVS0102", "z")]),
        ("# \u{202e}\nz = 1\n", Grammar::Whole, &[("TAVS0105", "\u{202e}"), ("TAVS0102", "z")]),
        // One value, one report.
        (
            "[a]\nx = 1\nn = 0\nz = 1\n",
            Grammar::Whole,
            &[("TAVS0103", "1"), ("TAVS0106", "0"), ("TAVS0102", "z")],
        ),
        ("a = 1", Grammar::Whole, &[("TAVS0103", "1")]),
    ] {
        let (found_grammar, found) = read(text);
        let found: Vec<(&str, &str)> = found.iter().map(|(code, at)| (*code, at.as_str())).collect();
        if (found_grammar, found.as_slice()) != (grammar, wanted) {
            failed.push((text, found_grammar, format!("{found:?}")));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_reader_reports_mistakes_of_its_own_in_the_order_of_the_file() {
    let text = "[a]\nd = \"2 s\"\nv = 1\nw = 2\n";
    let file = SourceFile::new("x.toml", text);
    let second = std::time::Duration::from_secs(1);
    let reading = syntax::read(&file, |mut root| {
        let mut table = root.optional_table("a").unwrap();
        let duration = table.optional_duration("d", second..=second * 2).map(|at| at.value);
        let own = |at| Diagnostic::new(&codes::BAD_VALUE, "x.toml", at, "x", "y");
        let (v, w) = (table.optional("v").unwrap(), table.optional("w").unwrap());
        table.report(own(w.span()));
        v.report(Diagnostic::new(&codes::BAD_VALUE, v.file(), v.span(), "x", "y"));
        table.finish();
        root.finish();
        duration
    });
    assert_eq!(reading.value, Some(second * 2));
    let own = |at| Diagnostic::new(&codes::BAD_VALUE, "x.toml", at, "x", "y");
    assert_eq!(reading.diagnostics, [own(18..19), own(24..25)]);
}

#[test]
fn where_a_name_stood_first_is_shown() {
    for (text, first) in [
        ("[a]\nx = \"1\"\nx = \"2\"\n", Some(4..5)),
        ("[a]\n  x\t= \"1\"\nx = \"2\"\n", Some(6..7)),
        ("[a]\nx = \"1\"\n[a]\n", Some(1..2)),
        ("[[a]]\n[a]\n", Some(2..3)),
        // Not in another name, a value or a comment.
        ("[a]\nx = \"1\"\nxx = \"x = 1\" # x = 1\nx = \"2\"\n", Some(4..5)),
        ("a.x = \"1\"\na.x = \"2\"\n", None),
        ("a = { x = \"1\", x = \"2\" }\n", None),
    ] {
        let file = SourceFile::new("x.toml", text);
        let found = syntax::read(&file, |_| ()).diagnostics;
        let one = found.iter().find(|one| one.code == "TAVS0107");
        let other = one.and_then(|one| one.other.as_ref()).map(|place| place.span.clone());
        assert_eq!(other, first, "{text} {found:?}");
    }
}

#[test]
fn lines_are_counted_from_one_and_the_nearest_name_is_near() {
    for (offset, line) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (99, 3)] {
        assert_eq!(line_of("a\nb\nc", offset), line, "{offset}");
    }
    for (written, near) in [
        ("mask", Some("mask")),
        ("maks", Some("mask")),
        ("Free_Text", Some("free-text")),
        ("fre-txt", Some("free-text")),
        ("f-t", None),
        ("ab", Some("abc")),
        ("xyz", None),
    ] {
        assert_eq!(nearest(written, ["mask", "free-text", "abc"]), near, "{written}");
    }
}
