//! Diagnostics for other programs.

use serde_json::{Value, json};

use super::{Diagnostic, Place, Severity};
use crate::policy::syntax::{SourceFile, line_of};

/// Diagnostics as a JSON array: `severity`, `code`, `message`, `file`, `line`, `column` (from 1,
/// in characters), `start`, `end` (bytes), `label`, `other` (the same for a second place, and its
/// `file`), `included` (the same for the line that includes the profile), `help`.
/// Members are added over time, never changed.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic], files: &[SourceFile]) -> String {
    let all: Vec<Value> = diagnostics.iter().map(|one| object(one, files)).collect();
    format!("{:#}", Value::Array(all))
}

fn object(one: &Diagnostic, files: &[SourceFile]) -> Value {
    let (line, column) = position(files, &one.file, one.span.start);
    let severity = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = |place: &Place| {
        let Place { file, span, label } = place;
        let (line, column) = position(files, file, span.start);
        json!({"file": file, "line": line, "column": column, "start": span.start, "end": span.end, "label": label})
    };
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
        "other": one.other.as_ref().map(place),
        "included": one.included.as_ref().map(place),
        "help": one.help,
    })
}

/// Line and column, both from 1.
fn position(files: &[SourceFile], path: &str, offset: usize) -> (u32, usize) {
    let text = SourceFile::find(files, path).map_or("", |file| file.text.as_str());
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let column = before.get(start..).unwrap_or_default().chars().count().saturating_add(1);
    (line_of(text, offset), column)
}
