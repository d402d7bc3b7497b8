//! Diagnostics for other programs.

use serde_json::{Value, json};

use super::{Diagnostic, Severity};
use crate::policy::syntax::{SourceFile, line_of};

/// Diagnostics as a JSON array: `severity`, `code`, `message`, `file`, `line`, `column` (from 1,
/// in characters), `start`, `end` (bytes), `label`, `other` (the same for a second place), `help`.
/// Members are added over time, never changed.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic], files: &[SourceFile]) -> String {
    let all: Vec<Value> = diagnostics.iter().map(|one| object(one, files)).collect();
    format!("{:#}", Value::Array(all))
}

fn object(one: &Diagnostic, files: &[SourceFile]) -> Value {
    let text = files.iter().find(|file| file.path == one.file).map_or("", |file| file.text.as_str());
    let (line, column) = place(text, one.span.start);
    let severity = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let other = one.other.as_ref().map(|(span, label)| {
        let (line, column) = place(text, span.start);
        json!({"line": line, "column": column, "start": span.start, "end": span.end, "label": label})
    });
    json!({
        "severity": severity,
        "code": one.code,
        "message": one.message,
        "file": one.file,
        "line": line,
        "column": column,
        "start": one.span.start,
        "end": one.span.end,
        "label": one.label,
        "other": other,
        "help": one.help,
    })
}

/// Line and column, both from 1.
fn place(text: &str, offset: usize) -> (u32, usize) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let column = before.get(start..).unwrap_or_default().chars().count().saturating_add(1);
    (line_of(text, offset), column)
}
