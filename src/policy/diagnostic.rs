//! Mistakes of authors: what, where, and the mend.
//!
//! Every check reports all that it finds; nothing stops at the first. The same text is shown by
//! `tavs check`, on reload, and on the admin page.

use std::ops::Range;

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy cannot take effect.
    Error,
    /// It can, and its author should look.
    Warning,
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
    pub other: Option<(Range<usize>, String)>,
    /// What to do next.
    pub help: Option<String>,
}
