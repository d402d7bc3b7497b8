//! Where a text is no TOML, in our own words: what to report of it, and what it hides.

use std::ops::Range;

use super::{Grammar, SourceFile};
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;

/// So many syntax errors of one file are reported: a file with more is no TOML at all.
const MOST_ERRORS: usize = 100;

/// The syntax errors of a file.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) grammar: Grammar,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Lines that could not be read: what recovery made of them is not worth a second report.
    pub(super) broken: Vec<Range<usize>>,
}

impl Faults {
    /// Sorts out what the parser found.
    pub(super) fn of(file: &SourceFile, errors: &[toml::de::Error]) -> Self {
        let text = file.text.as_str();
        let mut faults = Self { grammar: Grammar::Whole, diagnostics: Vec::new(), broken: Vec::new() };
        for error in errors.iter().take(MOST_ERRORS) {
            let span = visible(text, error.span().unwrap_or(0..0));
            let line = lines_around(text, &span);
            let in_header = text.get(line.clone()).is_some_and(|line| line.trim_start().starts_with('['));
            let repeated = error.message().starts_with("duplicate key");
            // What stands below a broken header landed in the table above it, where names repeat.
            if faults.broken.contains(&line) || (repeated && faults.grammar == Grammar::Displaced) {
                continue;
            }
            if repeated {
                faults.diagnostics.push(repetition(file, span));
                continue;
            }
            let lost = if in_header { Grammar::Displaced } else { Grammar::Gaps };
            if faults.grammar != Grammar::Displaced {
                faults.grammar = lost;
            }
            faults.diagnostics.push(syntax_error(file, error, span));
            faults.broken.push(line);
        }
        faults
    }

    /// Whether `offset` lies on a line that could not be read.
    pub(super) fn hide(&self, offset: usize) -> bool {
        self.broken.iter().any(|line| line.start <= offset && offset <= line.end)
    }
}

fn syntax_error(file: &SourceFile, error: &toml::de::Error, span: Range<usize>) -> Diagnostic {
    let text = error.message().lines().next().unwrap_or_default();
    let (message, expected) = text.split_once(", expected ").unwrap_or((text, ""));
    let label = if expected.is_empty() { String::from("here") } else { format!("expected {expected}") };
    Diagnostic::new(&codes::SYNTAX, &file.path, span, message.to_owned(), label)
}

/// A name that stands twice in one table; a location that does has two rules.
fn repetition(file: &SourceFile, span: Range<usize>) -> Diagnostic {
    let key = file.text.get(span.clone()).unwrap_or_default();
    let name = key.trim_matches(['"', '\'']);
    let (code, message) = if name.starts_with('$') {
        (&codes::CONFLICT, String::from("two rules decide this location"))
    } else {
        (&codes::DUPLICATE_NAME, format!("`{name}` stands twice in one table"))
    };
    let help = "there is no precedence: take one of them out";
    let first = first_of(&file.text, key, &span);
    let one = Diagnostic::new(code, &file.path, span, message, "the second time").help(help);
    match first {
        Some(first) => one.other(first, "the first"),
        None => one,
    }
}

/// Where the same name begins a line or header before, if that can be found.
fn first_of(text: &str, key: &str, second: &Range<usize>) -> Option<Range<usize>> {
    let begins_line = |at: usize| {
        let line = lines_around(text, &(at..at));
        text.get(line.start..at).is_some_and(|before| matches!(before.trim(), "" | "[" | "[["))
    };
    let ends_name = |at: usize| {
        let after = text.get(at.saturating_add(key.len())..).unwrap_or_default();
        after.trim_start_matches([' ', '\t']).starts_with(['=', '.', ']'])
    };
    let before = text.get(..second.start)?;
    before
        .rmatch_indices(key)
        .find(|(at, _)| begins_line(*at) && ends_name(*at))
        .map(|(at, key)| at..at.saturating_add(key.len()))
}

/// The whole lines that `span` touches.
fn lines_around(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.get(..span.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at.saturating_add(1));
    let rest = text.get(span.end..).and_then(|t| t.find('\n'));
    start..rest.map_or(text.len(), |at| span.end.saturating_add(at))
}

/// An empty span widened to the line's last visible character before it, so that something can
/// be underlined.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    if span.start < span.end {
        return span;
    }
    let line = lines_around(text, &span);
    let before = text.get(line.start..span.start).unwrap_or_default().trim_end();
    match before.char_indices().next_back() {
        Some((at, _)) => line.start.saturating_add(at)..line.start.saturating_add(before.len()),
        None => line,
    }
}
