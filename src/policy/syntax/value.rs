//! One value that is being read: says what it must be, and reports what it is not.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::table::kind_of;
use super::{At, Flaw, Kind, Page, Table, nearest, parse_duration, parse_size};
use crate::json::Decimal;
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::Diagnostic;
use crate::visible::is_hidden;

/// A value under its name.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    page: &'a Page<'a>,
    name: &'a str,
    key: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
    /// Where it stands, if the questions are written down.
    place: String,
}

impl<'a> Value<'a> {
    pub(super) const fn new(
        page: &'a Page<'a>,
        name: &'a str,
        key: Range<usize>,
        value: &'a Spanned<DeValue<'a>>,
        place: String,
    ) -> Self {
        Self { page, name, key, value, place }
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// Where its name stands.
    #[must_use]
    pub fn key(&self) -> Range<usize> {
        self.key.clone()
    }

    /// Its text, if it is a string; reports nothing.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        self.value.get_ref().as_str()
    }

    /// What it is, as TOML has it; reports nothing.
    #[must_use]
    pub fn raw(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// Reports that it is not `wanted`.
    pub fn wrong_type(&self, wanted: &str) {
        let message = format!("`{}` is {}, and must be {wanted}", self.name, kind_of(self.raw()));
        self.fault(&codes::WRONG_TYPE, message, format!("expected {wanted}"), None);
    }

    /// Reports a mistake in it.
    pub fn fault(
        &self,
        code: &'static Code,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let mut diagnostic = Diagnostic::new(code, &self.page.file.path, self.span(), message, label);
        diagnostic.help = help;
        self.page.report(diagnostic);
    }

    /// A string that is not empty.
    #[must_use]
    pub fn string(&self) -> Option<At<String>> {
        self.page.asks(&self.place, || Kind::Text);
        self.text()
    }

    fn text(&self) -> Option<At<String>> {
        match self.as_str() {
            None => {
                self.wrong_type("a string");
                None
            }
            Some(text) if text.trim().is_empty() => {
                self.fault(&codes::BAD_VALUE, format!("`{}` is empty", self.name), "nothing in it", None);
                None
            }
            Some(text) => self.visible(text),
        }
    }

    /// SECURITY: whoever reviews or approves what an author wrote must see all of it, and nothing else.
    fn visible(&self, text: &str) -> Option<At<String>> {
        let Some((at, hidden)) = text.char_indices().find(|(_, c)| is_hidden(*c)) else {
            return Some(At::new(text.to_owned(), self.span()));
        };
        let code = u32::from(hidden);
        let flaw = Flaw {
            at: Some(at..at.saturating_add(hidden.len_utf8())),
            message: format!("`{}` holds a character that does not show: U+{code:04X}", self.name),
            help: Some(
                "take it out; a text is one line, without characters of control or direction".to_owned(),
            ),
        };
        self.flaw(&codes::BAD_VALUE, self.span(), &flaw);
        None
    }

    /// A document inside a string, of as many lines as it has, that `parse` understands.
    #[must_use]
    pub fn document<T>(
        &self,
        code: &'static Code,
        parse: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<At<T>> {
        let is_space = |c: char| matches!(c, '\n' | '\r' | '\t');
        match self.as_str() {
            Some(text) if text.contains(is_space) && !text.contains(|c| is_hidden(c) && !is_space(c)) => {
                self.page.asks(&self.place, || Kind::Text);
                self.understood(code, At::new(text.to_owned(), self.span()), parse)
            }
            _ => self.parsed(code, parse),
        }
    }

    /// A string that `parse` understands; its flaws are underlined inside the string.
    #[must_use]
    pub fn parsed<T>(
        &self,
        code: &'static Code,
        parse: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<At<T>> {
        self.understood(code, self.string()?, parse)
    }

    fn understood<T>(
        &self,
        code: &'static Code,
        text: At<String>,
        parse: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<At<T>> {
        match parse(&text.value) {
            Ok(value) => Some(At::new(value, text.span)),
            Err(flaw) => {
                self.page.report(flaw_at(self.page, code, text.span, &flaw));
                None
            }
        }
    }

    /// A date without a time.
    #[must_use]
    pub fn date(&self) -> Option<At<Date>> {
        self.page.asks(&self.place, || Kind::Date);
        let date = match self.raw() {
            DeValue::Datetime(moment) if moment.time.is_none() && moment.offset.is_none() => moment.date,
            DeValue::String(_) => {
                let help = "write it as 2026-01-31, without quotes";
                let message = format!("`{}` is a string, and must be a date", self.name);
                self.fault(&codes::WRONG_TYPE, message, "expected a date", Some(help.to_owned()));
                return None;
            }
            DeValue::Datetime(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let read = date.and_then(|date| {
            let year = i16::try_from(date.year).ok()?;
            Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
        });
        if read.is_none() {
            self.wrong_type("a date without a time");
        }
        read.map(|date| At::new(date, self.span()))
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(&self) -> Option<At<bool>> {
        self.page.asks(&self.place, || Kind::Boolean);
        let read = self.raw().as_bool();
        if read.is_none() {
            self.wrong_type("`true` or `false`");
        }
        read.map(|value| At::new(value, self.span()))
    }

    /// A whole number within `range`.
    #[must_use]
    pub fn integer(&self, range: RangeInclusive<u64>) -> Option<At<u64>> {
        self.page.asks(&self.place, || Kind::Integer(*range.start(), *range.end()));
        let Some(number) = self.raw().as_integer() else {
            self.wrong_type("a whole number");
            return None;
        };
        let read = u64::from_str_radix(number.as_str(), number.radix()).ok();
        self.within(read, &range, |n| n.to_string())
    }

    /// A number, exactly as it is written.
    #[must_use]
    pub fn decimal(&self) -> Option<At<Decimal>> {
        self.page.asks(&self.place, || Kind::Number);
        let text = match self.raw() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            DeValue::Integer(_)
            | DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_type("a decimal number");
                return None;
            }
        };
        let read = Decimal::parse(text.strip_prefix('+').unwrap_or(text));
        if read.is_none() {
            let message =
                format!("`{}` is no number of at most 18 digits before and after the point", self.name);
            self.fault(&codes::BAD_VALUE, message, "not such a number", None);
        }
        read.map(|number| At::new(number, self.span()))
    }

    /// A duration such as `"2 s"` within `range`.
    #[must_use]
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<At<Duration>> {
        let read = self.parsed(&codes::BAD_VALUE, parse_duration)?;
        self.within(Some(read.value), &range, |d| format!("{d:?}"))
    }

    /// A size in bytes such as `"1 MiB"` within `range`.
    #[must_use]
    pub fn size(&self, range: RangeInclusive<u64>) -> Option<At<u64>> {
        let read = self.parsed(&codes::BAD_VALUE, parse_size)?;
        self.within(Some(read.value), &range, super::units::show_size)
    }

    fn within<T: PartialOrd + Copy>(
        &self,
        read: Option<T>,
        range: &RangeInclusive<T>,
        show: impl Fn(T) -> String,
    ) -> Option<At<T>> {
        match read {
            Some(value) if range.contains(&value) => Some(At::new(value, self.span())),
            _ => {
                let (low, high) = (show(*range.start()), show(*range.end()));
                let message = format!("`{}` is out of range", self.name);
                self.fault(&codes::OUT_OF_RANGE, message, format!("must be from {low} to {high}"), None);
                None
            }
        }
    }

    /// A list of strings that are not empty.
    #[must_use]
    pub fn strings(&self) -> Vec<At<String>> {
        self.elements("a list of strings").iter().filter_map(Self::string).collect()
    }

    /// The elements of a list. One string alone is reported with the mend.
    #[must_use]
    pub fn elements(&self, wanted: &str) -> Vec<Self> {
        self.page.asks(&self.place, || Kind::List);
        let Some(list) = self.raw().as_array() else {
            let message = format!("`{}` is {}, and must be {wanted}", self.name, kind_of(self.raw()));
            let help = self.as_str().map(|text| format!("write `[\"{text}\"]`, with square brackets"));
            self.fault(&codes::WRONG_TYPE, message, format!("expected {wanted}"), help);
            return Vec::new();
        };
        let element = |value| {
            let place = self.page.below(&self.place, "[]");
            Value { value, key: self.key.clone(), place, ..*self }
        };
        list.iter().map(element).collect()
    }

    /// One of a closed list of words. Words of `not_yet` are reported as not in this version.
    #[must_use]
    pub fn word<T: Clone>(&self, words: &[(&'static str, T)], not_yet: &[&'static str]) -> Option<At<T>> {
        words.iter().for_each(|(word, _)| self.page.knows(word));
        self.page.asks(&self.place, || Kind::Word(words.iter().map(|(word, _)| *word).collect()));
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(At::new(value.clone(), text.span));
        }
        if not_yet.contains(&text.value.as_str()) {
            self.page.report(self.page.not_yet(&text.value, text.span));
            return None;
        }
        let known = words.iter().map(|(word, _)| *word);
        let help = nearest(&text.value, known.clone()).map_or_else(
            || format!("one of: {}", known.map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("`{}` is no value of `{}`", text.value, self.name);
        self.fault(&codes::UNKNOWN_WORD, message, "unknown word", Some(help));
        None
    }

    /// A table.
    #[must_use]
    pub fn table(&self) -> Option<Table<'a>> {
        self.page.asks(&self.place, || Kind::Table);
        let Some(entries) = self.raw().as_table() else {
            self.wrong_type("a table");
            return None;
        };
        let header = self.page.file.text.get(self.span()).unwrap_or_default();
        let title = if header.starts_with('[') { format!("`{header}`") } else { format!("`{}`", self.name) };
        Some(Table::new(self.page, entries, self.span(), title, self.place.clone()))
    }

    /// A list of tables.
    #[must_use]
    pub fn tables(&self) -> Vec<Table<'a>> {
        if self.raw().is_array() {
            return self.elements("a list of tables").iter().filter_map(Self::table).collect();
        }
        let message = format!("`{}` is {}, and must be a list of tables", self.name, kind_of(self.raw()));
        let help = format!("write `[[{}]]`, with two brackets", self.name);
        self.fault(&codes::WRONG_TYPE, message, "expected a list of tables", Some(help));
        Vec::new()
    }

    /// Reports a mistake of the caller's own finding in this file.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.page.report(diagnostic);
    }

    /// The file's path, for diagnostics of the caller's own.
    #[must_use]
    pub fn file(&self) -> &'a str {
        &self.page.file.path
    }

    /// Reports a flaw of a text that stands at `span`: the value, or its name.
    pub fn flaw(&self, code: &'static Code, span: Range<usize>, flaw: &Flaw) {
        self.page.report(flaw_at(self.page, code, span, flaw));
    }
}

fn flaw_at(page: &Page<'_>, code: &'static Code, span: Range<usize>, flaw: &Flaw) -> Diagnostic {
    let span = flaw.at.as_ref().map_or_else(|| span.clone(), |at| inside(&page.file.text, &span, at));
    let mut diagnostic = Diagnostic::new(code, &page.file.path, span, flaw.message.clone(), "here");
    diagnostic.help.clone_from(&flaw.help);
    diagnostic
}

/// The bytes of the file for the bytes `at` of a string that stands at `span`. Exact where the
/// string is quoted simply; with escapes in it, the whole string.
fn inside(text: &str, span: &Range<usize>, at: &Range<usize>) -> Range<usize> {
    let written = text.get(span.clone()).unwrap_or_default();
    let content: Cow<'_, str> = match (written.chars().next(), written.contains('\\')) {
        (Some('"'), true) => return span.clone(),
        (Some('"' | '\''), _) => Cow::Borrowed(written.trim_matches(['"', '\''])),
        _ => return span.clone(),
    };
    if written.starts_with("\"\"\"") || written.starts_with("'''") || content.len() < at.start {
        return span.clone();
    }
    let start = span.start.saturating_add(1);
    let last = span.end.saturating_sub(1);
    let end = start.saturating_add(at.end).min(last).max(start.saturating_add(at.start));
    let from = start.saturating_add(at.start).min(last);
    // A flaw at the very end has nothing of its own to underline: the closing quote stands for it.
    if from == end { from..from.saturating_add(1).min(span.end) } else { from..end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaw_is_underlined_inside_its_string_where_that_is_exact() {
        for (written, at, wanted) in [
            ("\"abc\"", 1..2, "b"),
            ("\"abc\"", 0..3, "abc"),
            ("'abc'", 2..3, "c"),
            // At the end the closing quote stands for it, and nothing lies past that.
            ("\"abc\"", 3..3, "\""),
            ("\"abc\"", 1..1, "b"),
            ("\"abc\"", 1..9, "bc"),
            // What stands elsewhere in the file than in the text.
            ("\"abc\"", 4..5, "\"abc\""),
            ("\"a\\u0062c\"", 1..2, "\"a\\u0062c\""),
            ("'a\\c'", 1..2, "\\"),
            ("\"\"\"abc\"\"\"", 1..2, "\"\"\"abc\"\"\""),
            ("'''abc'''", 1..2, "'''abc'''"),
            ("abc", 1..2, "abc"),
            ("\"", 0..1, "\""),
        ] {
            let text = format!("a = {written}");
            let found = inside(&text, &(4..text.len()), &at);
            assert_eq!(text.get(found), Some(wanted), "{written} {at:?}");
        }
    }
}
