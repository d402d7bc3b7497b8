//! Reads TOML into whatever the caller asks for, and reports every mistake on the way.
//!
//! [`read`] parses a file with recovery, so that all syntax errors are found at once, and hands its
//! root [`Table`] to the caller. Each getter names what it looks for; a wrong type, a missing or
//! unknown name becomes a [`Diagnostic`] with the bytes to underline, and reading goes on.
//! Policies and `tavs.toml` are both read with it; it knows the words of neither.
//!
//! ```
//! use tavs::policy::syntax::{self, SourceFile};
//!
//! let file = SourceFile::new("tavs.toml", "[listen]\nadress = \"0.0.0.0:8443\"\n");
//! let reading = syntax::read(&file, |mut root| {
//!     let address = root.required_table("listen", "address = \"…\"").and_then(|mut listen| {
//!         let address = listen.required_str("address", "\"0.0.0.0:8443\"");
//!         listen.finish();
//!         address
//!     });
//!     root.finish();
//!     address
//! });
//! assert!(reading.value.is_none());
//! assert_eq!(reading.diagnostics.len(), 1); // `adress` is unknown: `address` is meant, and so not missing
//! ```

mod grammar;
mod source;
mod table;
mod trace;
mod units;
mod value;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use toml::de::DeTable;

use self::grammar::Faults;
pub use self::source::{Profiles, SourceFile};
pub use self::table::Table;
pub use self::trace::{Asked, Kind, Trace, Visit};
pub use self::units::{parse_duration, parse_rate, parse_size};
pub use self::value::Value;
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::visible::is_hidden;

/// Something, and where it stands in its file, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub span: Range<usize>,
}

impl<T> At<T> {
    /// A value and its place.
    pub const fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }

    /// Another value at the same place.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At { value: f(self.value), span: self.span }
    }
}

/// What is wrong inside a string, for [`Value::parsed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The offending bytes of the string's value; `None` means all of it.
    pub at: Option<Range<usize>>,
    /// One line, lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Flaw {
    /// A flaw of the whole string.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at: None, message: message.into(), help: Some(help.into()) }
    }
}

/// What came of reading a file.
#[derive(Debug)]
pub struct Reading<T> {
    /// What the caller made of it.
    pub value: T,
    /// How much of the file `value` could come from.
    pub grammar: Grammar,
    /// All that is wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Every name and word that the caller asked for, present or not: the language that it knows.
    pub known: BTreeSet<&'static str>,
}

/// How much of a file could be read as TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// All of it.
    Whole,
    /// Some lines could not be read: that something is absent means nothing.
    Gaps,
    /// A header could not be read: what stands below it may have landed elsewhere.
    Displaced,
}

/// Reads `file` by handing its root table to `with`.
pub fn read<T>(file: &SourceFile, with: impl FnOnce(Table<'_>) -> T) -> Reading<T> {
    let (root, errors) = DeTable::parse_recoverable(&file.text);
    let page = Page::new(file, Faults::of(file, &errors), None);
    let value = with(Table::root(&page, root.get_ref()));
    let Page { found, known, faults, .. } = page;
    let mut diagnostics = faults.diagnostics;
    diagnostics.extend(found.into_inner());
    diagnostics.extend(unseen(file, &diagnostics));
    diagnostics.sort_by_key(|one| one.span.start);
    Reading { value, grammar: faults.grammar, diagnostics, known: known.into_inner() }
}

/// Characters that do not show, where nothing has been said of the line yet: comments.
///
/// SECURITY: whoever reviews a policy must see what is read. A direction in a comment can show a line of it in
/// another order, or as a part of the comment.
fn unseen(file: &SourceFile, told: &[Diagnostic]) -> Vec<Diagnostic> {
    let hides = |c: char| is_hidden(c) && !matches!(c, '\n' | '\r' | '\t');
    let mut told: Vec<usize> = told.iter().map(|one| one.span.start).collect();
    told.sort_unstable();
    let is_told = |line: &Range<usize>| {
        told.get(told.partition_point(|start| *start < line.start)).is_some_and(|start| *start < line.end)
    };
    let mut found = Vec::new();
    let mut from = 0_usize;
    for line in file.text.split_inclusive('\n') {
        let whole = from..from.saturating_add(line.len());
        from = whole.end;
        // Some editors write a mark of the order of bytes first.
        let mark = |at: usize, c: char| whole.start == 0 && at == 0 && c == '\u{feff}';
        let hidden = line.char_indices().find(|(at, c)| hides(*c) && !mark(*at, *c));
        if let Some((at, c)) = hidden.filter(|_| !is_told(&whole)) {
            let at = whole.start.saturating_add(at);
            let message = format!("this line holds a character that does not show: U+{:04X}", u32::from(c));
            let one = Diagnostic::new(
                &codes::BAD_VALUE,
                &file.path,
                at..at.saturating_add(c.len_utf8()),
                message,
                "here",
            );
            found.push(one.help("take it out: a reader would see something else than is read"));
        }
    }
    found
}

/// What the reader `with` asks of `file`.
pub fn trace(file: &SourceFile, with: impl FnOnce(Table<'_>)) -> Trace {
    let (root, errors) = DeTable::parse_recoverable(&file.text);
    let page = Page::new(file, Faults::of(file, &errors), Some(RefCell::default()));
    with(Table::root(&page, root.get_ref()));
    page.trace.map(RefCell::into_inner).unwrap_or_default()
}

/// The line, from 1, on which byte `offset` of `text` stands.
#[must_use]
pub fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let before = memchr::memchr_iter(b'\n', before).count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// The known name that `written` was probably meant to be.
#[must_use]
pub fn nearest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let written = written.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, name), name))
        .filter(|(distance, name)| distance.saturating_mul(3) <= name.chars().count().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A file that is being read: what was found in it so far.
#[derive(Debug)]
struct Page<'a> {
    file: &'a SourceFile,
    found: RefCell<Vec<Diagnostic>>,
    /// Where those found stand.
    places: RefCell<HashSet<(usize, usize)>>,
    known: RefCell<BTreeSet<&'static str>>,
    faults: Faults,
    /// All questions, if somebody wants to know them.
    trace: Option<RefCell<Trace>>,
}

impl<'a> Page<'a> {
    fn new(file: &'a SourceFile, faults: Faults, trace: Option<RefCell<Trace>>) -> Self {
        let (found, known) = (RefCell::new(Vec::new()), RefCell::new(BTreeSet::new()));
        Page { file, found, places: RefCell::default(), known, faults, trace }
    }

    fn report(&self, diagnostic: Diagnostic) {
        let start = diagnostic.span.start;
        // A name may be missing only because its line could not be read.
        let missing = diagnostic.code == codes::MISSING_NAME.id;
        let perhaps_unread = missing && self.faults.grammar != Grammar::Whole;
        let mut found = self.found.borrow_mut();
        // One value, one report: the first says the most.
        let reported = !missing && self.places.borrow().contains(&(start, diagnostic.span.end));
        if !(self.faults.hide(start) || reported || perhaps_unread) {
            self.places.borrow_mut().insert((start, diagnostic.span.end));
            found.push(diagnostic);
        }
    }

    /// Where something below `place` is; not worked out if nobody wants to know.
    fn below(&self, place: &str, name: &str) -> String {
        match (&self.trace, place) {
            (None, _) => String::new(),
            (Some(_), "") => name.to_owned(),
            (Some(_), _) => format!("{place}/{name}"),
        }
    }

    fn asks(&self, place: &str, kind: impl FnOnce() -> Kind) {
        if let Some(trace) = &self.trace {
            trace.borrow_mut().entry(place.to_owned()).or_default().kinds.insert(kind());
        }
    }

    fn knows(&self, name: &'static str) {
        self.known.borrow_mut().insert(name);
    }
}
