//! Mistakes of authors: what, where, and the mend.
//!
//! Every check reports all that it finds; nothing stops at the first. The same text is shown by
//! `tavs check`, on reload, and on the admin page.

mod json;

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

pub use self::json::to_json;
use crate::policy::codes::Code;
use crate::policy::syntax::{SourceFile, line_of};

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy cannot take effect.
    Error,
    /// It can, and its author should look.
    Warning,
}

/// A place in a file, and a word for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file as the author named it.
    pub file: String,
    /// What to underline, in bytes.
    pub span: Range<usize>,
    /// What stands under the underline.
    pub label: String,
}

/// One mistake in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Stable, such as `TAVS0102`; documented in docs/diagnostics.md.
    pub code: &'static str,
    /// One line, lower case, no full stop.
    pub message: String,
    /// The file as the author named it.
    pub file: String,
    /// What to underline, in bytes, and a short word for it.
    pub span: Range<usize>,
    /// What stands under the underline.
    pub label: String,
    /// A second place that belongs to it, with its own word.
    pub other: Option<Place>,
    /// Of a mistake in a profile: the line of the policy that includes it.
    pub included: Option<Place>,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake of the kind `code`, at `span` of `file`.
    #[must_use]
    pub fn new(
        code: &'static Code,
        file: &str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            severity: code.severity,
            code: code.id,
            message: message.into(),
            file: file.to_owned(),
            span,
            label: label.into(),
            other: None,
            included: None,
            help: None,
        }
    }

    /// The same with a line that says what to do next.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same with a second place of the same file.
    #[must_use]
    pub fn other(self, span: Range<usize>, label: impl Into<String>) -> Self {
        let other = Place { file: self.file.clone(), span, label: label.into() };
        Self { other: Some(other), ..self }
    }

    /// Whether the file cannot take effect.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Shows diagnostics with the lines that they are about, as a compiler would. `files` must hold
/// the texts, themselves or as profiles; a diagnostic of another file is shown without its line.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for one in diagnostics {
        let file = SourceFile::find(files, &one.file);
        out.push_str(&renderer.render(&[report(one, file, files)]));
        // Without lines of a file above it, the renderer's help hangs on nothing.
        if let (None, Some(help)) = (file, &one.help) {
            out.push_str("\n  = help: ");
            out.push_str(help);
        }
        out.push_str("\n\n");
    }
    out
}

fn report<'a>(one: &'a Diagnostic, file: Option<&'a SourceFile>, files: &'a [SourceFile]) -> Group<'a> {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(one.message.as_str()).id(one.code);
    let mut group = Group::with_title(title);
    let Some(file) = file else { return group };
    let (near, far): (Vec<&Place>, Vec<&Place>) =
        [&one.other, &one.included].into_iter().flatten().partition(|place| place.file == one.file);
    let window = Window::around(
        &file.text,
        near.iter().fold(one.span.clone(), |all, place| {
            all.start.min(place.span.start)..all.end.max(place.span.end)
        }),
    );
    let primary = AnnotationKind::Primary.span(window.place(&one.span)).label(one.label.as_str());
    let beside = near.into_iter().map(|place| context(&window, place));
    group = group.element(window.snippet(&file.path).annotation(primary).annotations(beside));
    for place in far {
        if let Some(file) = SourceFile::find(files, &place.file) {
            let window = Window::around(&file.text, place.span.clone());
            group = group.element(window.snippet(&file.path).annotation(context(&window, place)));
        }
    }
    if let Some(help) = &one.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

fn context<'a>(window: &Window<'_>, place: &'a Place) -> Annotation<'a> {
    AnnotationKind::Context.span(window.place(&place.span)).label(place.label.as_str())
}

/// The lines of a file that a diagnostic is about: all that the renderer has to look at.
struct Window<'t> {
    text: &'t str,
    start: usize,
    /// Its first line, from 1.
    line: usize,
}

impl<'t> Window<'t> {
    fn around(text: &'t str, span: Range<usize>) -> Self {
        let first = text.floor_char_boundary(span.start);
        let last = text.ceil_char_boundary(span.end);
        let start = text.get(..first).and_then(|t| t.rfind('\n')).map_or(0, |at| at.saturating_add(1));
        let rest = text.get(last..).and_then(|t| t.find('\n'));
        let end = rest.map_or(text.len(), |at| last.saturating_add(at).saturating_add(1));
        let line = usize::try_from(line_of(text, start)).unwrap_or(usize::MAX);
        Self { text: text.get(start..end).unwrap_or_default(), start, line }
    }

    fn snippet(&self, path: &'t str) -> Snippet<'t, Annotation<'t>> {
        Snippet::source(self.text).line_start(self.line).path(path)
    }

    /// A span of the file as one of the window, cut to what it holds: the renderer does not
    /// forgive others.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let end = self.text.floor_char_boundary(span.end.saturating_sub(self.start));
        self.text.floor_char_boundary(span.start.saturating_sub(self.start).min(end))..end
    }
}
