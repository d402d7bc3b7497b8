//! A good policy, and what one edit of it brings.

use std::fs;
use std::path::Path;

use jiff::civil::{Date, date};
use tavs::policy::check::check;
use tavs::policy::diagnostic::{Diagnostic, render};
use tavs::policy::syntax::SourceFile;

/// Every test looks at policies on this day.
pub(crate) const TODAY: Date = date(2026, 6, 1);

/// A policy without mistakes that says all that a policy can say.
pub(crate) const BASE: &str = include_str!("base.toml");

/// An edit that gives the base an `[extract]` that says all that one can.
pub(crate) const EXTRACT: (&str, &str) = ("[[test]]", concat!(include_str!("extract.toml"), "\n[[test]]"));

/// An edit that gives the base an `[extract]` of its patients, with a column of what only its observations have.
pub(crate) const EXTRACT_OF_PATIENTS: (&str, &str) = (
    "[[test]]",
    "[extract]
routes = [\"patients\"]

[[extract.table]]
name        = \"patients\"
description = \"One row for each patient\"
when        = { resourceType = \"Patient\" }
column      = [
    { name = \"id\", path = \"$.id\", type = \"text\", description = \"Pseudonym\", key = true },
    { name = \"type\", path = \"$.resourceType\", type = \"text\", description = \"Type\", quasi-identifier = true },
    { name = \"value\", path = \"$.valueQuantity.value\", type = \"number\", description = \"Value\" },
]

[[test]]",
);

/// The base with edits: each replaces the first place of a text, which must be there.
pub(crate) fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BASE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the base has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// A file of this text.
pub(crate) fn file(text: impl Into<String>) -> SourceFile {
    SourceFile::new("policy.toml", text)
}

/// What is found in one policy.
pub(crate) fn found(text: &str) -> Vec<Diagnostic> {
    check(&[file(text)], TODAY).1
}

/// Code and underlined text of each diagnostic.
pub(crate) fn underlined<'t>(text: &'t str, found: &[Diagnostic]) -> Vec<(&'static str, &'t str)> {
    found.iter().map(|one| (one.code, text.get(one.span.clone()).unwrap())).collect()
}

/// The page that an author would see, for the message of a failed test.
pub(crate) fn page(text: &str, found: &[Diagnostic]) -> String {
    render(found, &[file(text)], false)
}

/// Holds a text against its file, of which the path begins at the package's root, or writes the file anew.
pub(crate) fn hold(path: &str, found: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("TAVS_WRITE_DOCS").is_some() {
        fs::write(&full, found).unwrap();
    }
    let held = fs::read_to_string(&full).unwrap_or_default();
    let stale = format!("{path} is stale: TAVS_WRITE_DOCS=1 cargo nextest run --test policies");
    for ((found, held), line) in found.lines().zip(held.lines()).zip(1..) {
        assert_eq!(found, held, "line {line}: {stale}");
    }
    assert!(found == held, "{stale}");
}
