//! A table that is being read: asks for names, and knows which were never asked for.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{At, Page, Value, Visit, nearest};
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;

/// A cursor over one table. Ask for every name that may stand in it, then [`Table::finish`],
/// which reports the others.
#[derive(Debug)]
#[must_use = "unknown names are reported by `finish`"]
pub struct Table<'a> {
    page: &'a Page<'a>,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    /// How a message calls it: "`[recipient]`", "this file".
    title: String,
    /// Where it stands, if the questions are written down.
    place: String,
    asked: Vec<&'static str>,
    /// Those of `asked` that must be there.
    wanted: Vec<&'static str>,
    not_yet: Vec<&'static str>,
    /// Names that must be there and are not: reported at the end, unless one is only misspelt.
    missing: Vec<(&'static str, String)>,
}

/// A table that is given up half-way still reports what it lacks.
impl Drop for Table<'_> {
    fn drop(&mut self) {
        self.report_missing(&[]);
        if let Some(trace) = &self.page.trace {
            let asked = self.asked.iter().map(|name| (*name, self.wanted.contains(name))).collect();
            let present = self.entries.iter().map(|(key, _)| key.get_ref().to_string()).collect();
            trace.borrow_mut().entry(self.place.clone()).or_default().visits.push(Visit { asked, present });
        }
    }
}

impl<'a> Table<'a> {
    pub(super) fn root(page: &'a Page<'a>, entries: &'a DeTable<'a>) -> Self {
        let first_line = page.file.text.lines().next().map_or(0, str::len);
        Self::new(page, entries, 0..first_line, String::from("this file"), String::new())
    }

    pub(super) fn new(
        page: &'a Page<'a>,
        entries: &'a DeTable<'a>,
        span: Range<usize>,
        title: String,
        place: String,
    ) -> Self {
        let (asked, wanted, not_yet, missing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { page, entries, span, title, place, asked, wanted, not_yet, missing }
    }

    /// Where it stands: its header, or its braces.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether `name` is written, whatever it is. Does not count as asking for it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// What stands under `name`, if anything.
    pub fn optional(&mut self, name: &'static str) -> Option<Value<'a>> {
        self.asked.push(name);
        self.page.knows(name);
        let (key, value) = self.entries.get_key_value(name)?;
        let place = self.page.below(&self.place, name);
        Some(Value::new(self.page, key.get_ref(), key.span(), value, place))
    }

    /// What stands under `name`, which must be there; `example` is a value that it could have.
    pub fn required(&mut self, name: &'static str, example: &str) -> Option<Value<'a>> {
        self.wanted.push(name);
        let value = self.optional(name);
        if value.is_none() {
            self.missing.push((name, format!("add `{name} = {example}`")));
        }
        value
    }

    /// Reports what must be there and is not, but for the names that were found `misspelt`.
    fn report_missing(&mut self, misspelt: &[&str]) {
        for (name, help) in std::mem::take(&mut self.missing) {
            if misspelt.contains(&name) {
                continue;
            }
            let message = format!("{} has no `{name}`", self.title);
            let label = format!("`{name}` is missing");
            let file = &self.page.file.path;
            self.page
                .report(Diagnostic::new(&codes::MISSING_NAME, file, self.span(), message, label).help(help));
        }
    }

    /// A string that must be there and not be empty.
    pub fn required_str(&mut self, name: &'static str, example: &str) -> Option<At<String>> {
        self.required(name, example).and_then(|value| value.string())
    }

    /// A string that may be there, and then is not empty.
    pub fn optional_str(&mut self, name: &'static str) -> Option<At<String>> {
        self.optional(name).and_then(|value| value.string())
    }

    /// A list of strings; empty if it is absent.
    pub fn strings(&mut self, name: &'static str) -> Vec<At<String>> {
        self.optional(name).map(|value| value.strings()).unwrap_or_default()
    }

    /// A date that must be there.
    pub fn required_date(&mut self, name: &'static str, example: &str) -> Option<At<jiff::civil::Date>> {
        self.required(name, example).and_then(|value| value.date())
    }

    /// A date that may be there.
    pub fn optional_date(&mut self, name: &'static str) -> Option<At<jiff::civil::Date>> {
        self.optional(name).and_then(|value| value.date())
    }

    /// `true` or `false`, if it is there.
    pub fn optional_bool(&mut self, name: &'static str) -> Option<At<bool>> {
        self.optional(name).and_then(|value| value.boolean())
    }

    /// A whole number within `range`, if it is there.
    pub fn optional_integer(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<At<u64>> {
        self.optional(name).and_then(|value| value.integer(range))
    }

    /// A duration such as `"500 ms"` within `range`, if it is there.
    pub fn optional_duration(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<std::time::Duration>,
    ) -> Option<At<std::time::Duration>> {
        self.optional(name).and_then(|value| value.duration(range))
    }

    /// A size in bytes such as `"1 MiB"` within `range`, if it is there.
    pub fn optional_size(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<At<u64>> {
        self.optional(name).and_then(|value| value.size(range))
    }

    /// One of a closed list of words, which must be there.
    pub fn required_word<T: Clone>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
        not_yet: &[&'static str],
    ) -> Option<At<T>> {
        let example = words.first().map_or_else(String::new, |(word, _)| format!("\"{word}\""));
        self.required(name, &example).and_then(|value| value.word(words, not_yet))
    }

    /// One of a closed list of words, if it is there.
    pub fn optional_word<T: Clone>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
        not_yet: &[&'static str],
    ) -> Option<At<T>> {
        self.optional(name).and_then(|value| value.word(words, not_yet))
    }

    /// `[name]`, if it is there.
    pub fn optional_table(&mut self, name: &'static str) -> Option<Self> {
        self.optional(name).and_then(|value| value.table())
    }

    /// `[name]`, which must be there; `example` is a line that it could hold.
    pub fn required_table(&mut self, name: &'static str, example: &str) -> Option<Self> {
        self.wanted.push(name);
        let value = self.optional(name);
        if value.is_none() {
            self.missing.push((name, format!("add a table `[{name}]` with `{example}`")));
        }
        value.and_then(|value| value.table())
    }

    /// Every `[[name]]`, in the order of the file, of which there must be one; `example` is a line
    /// that it could hold.
    pub fn required_tables(&mut self, name: &'static str, example: &str) -> Vec<Self> {
        self.wanted.push(name);
        let value = self.optional(name);
        if value.is_none() {
            self.missing.push((name, format!("add a table `[[{name}]]` with `{example}`")));
        }
        value.map(|value| value.tables()).unwrap_or_default()
    }

    /// Every `[[name]]`, in the order of the file; none if there is none.
    pub fn tables(&mut self, name: &'static str) -> Vec<Self> {
        self.optional(name).map(|value| value.tables()).unwrap_or_default()
    }

    /// All that stands in it, in the order of the file, for tables whose names are free.
    #[must_use]
    pub fn entries(&self) -> Vec<(At<&'a str>, Value<'a>)> {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| {
                let name = At::new(key.get_ref().as_ref(), key.span());
                let place = self.page.below(&self.place, "*");
                (name, Value::new(self.page, key.get_ref(), key.span(), value, place))
            })
            .collect();
        all.sort_by_key(|(name, _)| name.span.start);
        all
    }

    /// Names that belong to the language but that this version does not do yet: standing here,
    /// they are reported as that.
    pub fn not_yet(&mut self, names: &[&'static str]) {
        self.not_yet.extend_from_slice(names);
    }

    /// Reports the names that nobody asked for, and those that must be there and are not.
    pub fn finish(mut self) {
        let mut misspelt = Vec::new();
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let diagnostic = if self.not_yet.contains(&name) {
                self.page.not_yet(name, key.span())
            } else {
                let absent = self.asked.iter().filter(|asked| !self.has(asked));
                let near = nearest(name, absent.chain(&self.not_yet).copied());
                misspelt.extend(near);
                self.unknown(name, key.span(), near)
            };
            self.page.report(diagnostic);
        }
        self.report_missing(&misspelt);
    }

    fn unknown(&self, name: &str, span: Range<usize>, near: Option<&str>) -> Diagnostic {
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: `{}`", self.asked.join("`, `")),
        };
        let message = format!("{} has no place for `{name}`", self.title);
        Diagnostic::new(&codes::UNKNOWN_NAME, &self.page.file.path, span, message, "unknown name").help(help)
    }

    /// Reports a mistake of the caller's own finding in this file.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.page.report(diagnostic);
    }
}

impl Page<'_> {
    pub(super) fn not_yet(&self, word: &str, span: Range<usize>) -> Diagnostic {
        let message = format!("`{word}` is not in this version");
        Diagnostic::new(&codes::NOT_IN_THIS_VERSION, &self.file.path, span, message, "not in this version")
            .help("the word is kept for it; take it out until a version that does it")
    }
}

/// How a value is called in a message.
pub(super) const fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
