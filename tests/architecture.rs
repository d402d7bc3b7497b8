//! Holds the table of `src/lib.rs`: a module imports only from rows below its own, what decides
//! or transforms touches no socket, file or clock, and no file grows past what can be read.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that it cannot read")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Row and top-level module, as in `src/lib.rs`.
const ROWS: &[(u8, &[&str])] = &[
    (9, &["cli"]),
    (8, &["demo"]),
    (7, &["app"]),
    (6, &["config"]),
    (5, &["proxy", "admin", "officer", "authoring", "extract"]),
    (4, &["rewrite", "http", "ledger", "subjects", "reports"]),
    (3, &["policy", "table"]),
    (2, &["pseudonym", "identity", "limits", "store"]),
    (1, &["json", "uri", "cpr", "absence", "judge", "net", "telemetry"]),
    (0, &["ids", "secret", "clock", "random", "visible"]),
];

/// Bytes in, bytes out: these decide or transform, so that a test can hand them everything.
const PURE: &[&str] =
    &["json", "uri", "cpr", "absence", "pseudonym", "policy", "rewrite", "judge", "reports", "authoring"];

/// Paths that a pure module must not name.
const IMPURE: &[&[&str]] = &[
    &["tokio"],
    &["hyper"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["crate", "clock"],
    &["crate", "random"],
    &["getrandom"],
];

/// Most lines of a file, tests at its end not counted.
const MAX_LINES: usize = 500;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[
    ("reports/text/da.rs", "one language: all of its wording in one place, for a lawyer to read"),
    ("reports/text/en.rs", "one language: all of its wording in one place, for a lawyer to read"),
];

#[test]
fn modules_import_only_from_rows_below() {
    let mut wrong = String::new();
    for file in sources() {
        let Some(own) = file.module.first() else { continue };
        for path in paths(&file) {
            let Some(other) = path.resolved.first().filter(|other| *other != own) else { continue };
            let (from, to) = (row(own), row(other));
            if to >= from {
                writeln!(
                    wrong,
                    "src/{}:{}: `{own}` (row {from}) imports `{other}` (row {to}); only rows below {from} may be used",
                    file.name, path.line
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the table of src/lib.rs:\n{wrong}");
}

#[test]
fn deciding_modules_name_no_socket_file_or_clock() {
    let mut wrong = String::new();
    for file in sources() {
        if !file.module.first().is_some_and(|own| PURE.contains(&own.as_str())) {
            continue;
        }
        for path in paths(&file) {
            for banned in IMPURE.iter().filter(|banned| path.written.starts_with_all(banned)) {
                writeln!(
                    wrong,
                    "src/{}:{}: names `{}`; pass bytes, or the time, as an argument",
                    file.name,
                    path.line,
                    banned.join("::")
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "modules that decide or transform stay pure:\n{wrong}");
}

#[test]
fn a_file_is_one_idea() {
    let mut wrong = String::new();
    for file in sources() {
        if file.name.ends_with("mod.rs") {
            writeln!(wrong, "src/{}: write `thing.rs` beside `thing/`", file.name).unwrap();
        }
        let allowed = LONGER.iter().any(|(name, _)| *name == file.name);
        if file.lines > MAX_LINES && !allowed {
            writeln!(
                wrong,
                "src/{}: {} lines without its tests; split it, or list it in LONGER with the reason",
                file.name, file.lines
            )
            .unwrap();
        }
        if file.lines <= MAX_LINES && allowed {
            writeln!(wrong, "src/{}: is listed in LONGER and is not longer", file.name).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_table_names_every_module() {
    let lib = fs::read_to_string(root().join("lib.rs")).unwrap();
    for line in lib.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        row(line.trim_end_matches(';'));
    }
    for (number, modules) in ROWS {
        let line = lib.lines().find(|line| line.starts_with(&format!("//! | {number} |"))).unwrap();
        for module in *modules {
            assert!(
                line.contains(&format!("`{module}`")),
                "src/lib.rs does not show `{module}` in row {number}"
            );
        }
    }
}

#[test]
fn the_reader_of_paths_sees_what_hides() {
    let text = r##"
        //! crate::no
        use crate::{a, b::{c, self}, d as e};
        pub(crate) fn f() { let _ = ("crate::no", r#"crate::no"#, 'c', crate::g::h()); }
        mod inner { use super::super::i; use super::j; fn g<'a>(x: &'a super::super::super::k::T) {} }
        #[cfg(test)] mod tests { use crate::no; }
    "##;
    let file = Source {
        name: "x/y.rs".into(),
        module: vec!["x".into(), "y".into()],
        lines: 0,
        tokens: tokens(text),
    };
    let found: Vec<String> =
        paths(&file).into_iter().filter_map(|path| path.resolved.first().cloned()).collect();
    assert_eq!(found, ["a", "b", "b", "d", "g", "x", "x", "k"]);
}

// ---- files ----

struct Source {
    /// Relative to `src`, with `/`.
    name: String,
    /// `src/policy/plan.rs` is `policy`, `plan`; `lib.rs` and `main.rs` are empty.
    module: Vec<String>,
    /// Without the tests.
    lines: usize,
    tokens: Vec<Token>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    gather(&root(), &mut found);
    assert!(found.len() > 10, "no sources in {}", root().display());
    found
}

fn gather(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            let module = match name.strip_suffix(".rs").unwrap() {
                "lib" | "main" => Vec::new(),
                stem => stem.split('/').map(str::to_owned).collect(),
            };
            let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
            found.push(Source { name, module, lines, tokens: tokens(&text) });
        }
    }
}

fn row(module: &str) -> u8 {
    ROWS.iter()
        .find(|(_, modules)| modules.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` stands in no row: add it to ROWS and to src/lib.rs"))
        .0
}

// ---- paths ----

struct Named {
    line: usize,
    /// As it stands, groups spread out.
    written: Vec<String>,
    /// From the crate's root, if it begins with `crate` or `super`; else empty.
    resolved: Vec<String>,
}

trait StartsWithAll {
    fn starts_with_all(&self, words: &[&str]) -> bool;
}

impl StartsWithAll for Vec<String> {
    fn starts_with_all(&self, words: &[&str]) -> bool {
        self.len() >= words.len() && self.iter().zip(words).all(|(own, word)| own == word)
    }
}

/// Every path of the file outside `#[cfg(test)]`, with what it means from the crate's root.
fn paths(file: &Source) -> Vec<Named> {
    let mut found = Vec::new();
    let mut inner: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < file.tokens.len() {
        if is_test_attribute(&file.tokens[at..]) {
            at = after_item(&file.tokens, at);
            continue;
        }
        let token = &file.tokens[at];
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|(_, opened)| *opened <= depth);
            }
            "mod" if text(&file.tokens, at + 2) == "{" => {
                inner.push((text(&file.tokens, at + 1).to_owned(), depth + 1));
                at += 1;
            }
            word if is_word(word) && (at == 0 || text(&file.tokens, at - 1) != "::") => {
                let module: Vec<&String> =
                    file.module.iter().chain(inner.iter().map(|(name, _)| name)).collect();
                let mut written = Vec::new();
                at = spread(&file.tokens, at, &mut Vec::new(), &mut written);
                found.extend(written.into_iter().map(|written| Named {
                    line: token.line,
                    resolved: resolve(&module, &written),
                    written,
                }));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads a path at `at`, with `{…}` groups spread into one path each; says where it ends.
fn spread(tokens: &[Token], mut at: usize, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let kept = before.len();
    loop {
        if text(tokens, at) == "{" {
            at += 1;
            while !matches!(text(tokens, at), "}" | "") {
                at = spread(tokens, at, before, found);
                if text(tokens, at) == "as" {
                    at += 2;
                }
                if text(tokens, at) == "," {
                    at += 1;
                }
            }
            before.truncate(kept);
            return at + 1;
        }
        before.push(text(tokens, at).to_owned());
        at += 1;
        let goes_on = text(tokens, at) == "::"
            && (is_word(text(tokens, at + 1)) || matches!(text(tokens, at + 1), "{" | "*"));
        if !goes_on {
            found.push(before.clone());
            before.truncate(kept);
            return at;
        }
        at += 1;
    }
}

fn resolve(module: &[&String], written: &[String]) -> Vec<String> {
    let mut base: Vec<String> = match written.first().map(String::as_str) {
        Some("crate") => Vec::new(),
        Some("super" | "self") => module.iter().map(|name| (*name).clone()).collect(),
        _ => return Vec::new(),
    };
    for word in written {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            word => base.push(word.to_owned()),
        }
    }
    base
}

fn is_test_attribute(tokens: &[Token]) -> bool {
    ["#", "[", "cfg", "(", "test", ")", "]"].iter().enumerate().all(|(i, word)| text(tokens, i) == *word)
}

/// Past the item that an attribute at `at` stands on: to its `;`, or the `}` of its block.
fn after_item(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    loop {
        match text(tokens, at) {
            "" => return at,
            ";" if depth == 0 => return at + 1,
            "{" => depth += 1,
            "}" if depth <= 1 => return at + 1,
            "}" => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

// ---- tokens ----

struct Token {
    text: String,
    line: usize,
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs; comments, strings and character literals are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let is = |at: usize, wanted: &str| wanted.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let from = at;
        let c = chars[at];
        if is(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if is(at, "/*") {
            at += 2;
            while at < chars.len() && !is(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if c == '"' {
            at = after_string(&chars, at);
        } else if c.is_alphanumeric() || c == '_' {
            at += chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
            let word: String = chars[from..at].iter().collect();
            let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
            if matches!(word.as_str(), "r" | "br") && chars.get(at + hashes) == Some(&'"') {
                let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                at += hashes + 1;
                while at < chars.len() && !is(at, &end) {
                    at += 1;
                }
                at += hashes + 1;
            } else {
                found.push(Token { text: word, line });
            }
        } else if c == '\'' && chars.get(at + 1) == Some(&'\\') {
            at += 3 + chars[at + 3..].iter().take_while(|c| **c != '\'').count() + 1;
        } else if c == '\'' && chars.get(at + 2) == Some(&'\'') {
            at += 3;
        } else if is(at, "::") {
            found.push(Token { text: "::".into(), line });
            at += 2;
        } else {
            if !c.is_whitespace() {
                found.push(Token { text: c.to_string(), line });
            }
            at += 1;
        }
        line += chars[from..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn after_string(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}
