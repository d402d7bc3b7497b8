//! Text in, checked policies out, and every mistake of every file in one run.
//!
//! Runs before a policy can take effect: at start, on reload, and in `tavs check`. What it lets
//! through is what the proxy does, so whatever is unclear here is an error.

mod across;
mod attachments;
mod build;
pub(super) mod countries;
pub(super) mod health;
mod identifiers;
pub(super) mod known;
mod law;
mod meeting;
mod members;
mod requests;
mod routes;
mod schemes;
mod shifts;
mod siblings;

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::civil::Date;

use crate::policy::checked::Policy;
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::{Diagnostic, Severity};
use crate::policy::syntax::{self, Grammar, SourceFile};
use crate::policy::written;

/// Checks policy files together, as of the day `at`: mistakes of each, and between them.
///
/// A policy comes out for every file without errors; warnings do not hold it back. Diagnostics are
/// in the order of `files`, and in each in the order of its text.
#[must_use]
pub fn check(files: &[SourceFile], at: Date) -> (Vec<Policy>, Vec<Diagnostic>) {
    let mut sheets: Vec<Sheet<'_>> = files.iter().map(|file| Sheet::read(file, at)).collect();
    across::check(&mut sheets);
    let mut policies = Vec::new();
    let mut diagnostics = Vec::new();
    for mut sheet in sheets {
        if !sheet.findings.list.iter().any(Diagnostic::is_error) {
            policies.push(sheet.policy);
        }
        sheet.findings.list.sort_by_key(|one| one.span.start);
        diagnostics.append(&mut sheet.findings.list);
    }
    (policies, diagnostics)
}

/// Checks policies as `tavs check` does, but for lapsed agreements: they are served, which means
/// that everything is refused (G9), and do not keep the other policies from taking effect.
#[must_use]
pub fn check_to_serve(files: &[SourceFile], today: Date) -> (Vec<Policy>, Vec<Diagnostic>) {
    let (mut policies, mut found) = check(files, today);
    let lapsed: Vec<String> =
        found.iter().filter(|one| one.code == codes::LAPSED.id).map(|one| one.file.clone()).collect();
    for one in &mut found {
        if one.code == codes::LAPSED.id {
            one.severity = Severity::Warning;
        }
    }
    for file in files.iter().filter(|file| lapsed.contains(&file.path)) {
        let Some(last_day) = last_day(file) else { continue };
        let (checked, _same_findings) = check(std::slice::from_ref(file), last_day);
        policies.extend(checked);
    }
    (policies, found)
}

/// The last day of the agreement, as the file has it.
fn last_day(file: &SourceFile) -> Option<Date> {
    let expires = |mut root: syntax::Table<'_>| root.optional_table("agreement")?.optional_date("expires");
    syntax::read(file, expires).value.map(|at| at.value)
}

/// Every name and word of the language that reading `file` asks for, whether the file has it or not:
/// what docs/policy.md must explain.
#[must_use]
pub fn vocabulary(file: &SourceFile) -> BTreeSet<&'static str> {
    written::read(file).known
}

/// One file on the desk: as written, as checked so far, and what was found.
#[derive(Debug)]
struct Sheet<'a> {
    file: &'a SourceFile,
    written: written::Policy,
    /// Has placeholders where the file has errors.
    policy: Policy,
    findings: Findings<'a>,
}

impl<'a> Sheet<'a> {
    fn read(file: &'a SourceFile, at: Date) -> Self {
        let reading = written::read(file);
        let written = reading.value;
        let mut findings = Findings { file: &file.path, list: Vec::new() };
        law::check(&written, at, &mut findings);
        members::check(&written, &mut findings);
        health::check(&written, &mut findings);
        identifiers::check(&written, &mut findings);
        schemes::check(&written, &mut findings);
        shifts::check(&written, &mut findings);
        siblings::check(&written, &mut findings);
        attachments::check(&written, &mut findings);
        routes::check(&written, &mut findings);
        requests::check(&written, &mut findings);
        let policy = build::policy(file, &written);
        meeting::check(&policy, &mut findings);
        match reading.grammar {
            Grammar::Whole => {}
            Grammar::Gaps => findings.list.retain(|one| !BY_ABSENCE.iter().any(|code| code.id == one.code)),
            Grammar::Displaced => findings.list.clear(),
        }
        findings.list.extend(reading.diagnostics);
        Self { file, written, policy, findings }
    }
}

/// What is only wrong because something is not there: not reported of a file that could be read in
/// part, where it may be there.
const BY_ABSENCE: [&Code; 14] = [
    &codes::THIRD_COUNTRY_WITHOUT_GROUND,
    &codes::GROUND_WITHOUT_EVIDENCE,
    &codes::LINKABLE_IMPROVEMENT,
    &codes::RESEARCH_WITHOUT_PERMIT,
    &codes::HEALTH_WITHOUT_BASIS,
    &codes::SUBJECT_UNSAID,
    &codes::SHIFT_WITHOUT_SUBJECT,
    &codes::NOTHING_DISCLOSED,
    &codes::SELECTS_ON_WITHHELD,
    &codes::UNKNOWN_SHAPE,
    &codes::UNUSED_SHAPE,
    &codes::UNKNOWN_ROUTE,
    &codes::REQUEST_CONTENT,
    &codes::SCHEME_CANNOT,
];

/// Collects what is found in one file.
#[derive(Debug)]
struct Findings<'a> {
    file: &'a str,
    list: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        code: &'static Code,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.list.push(Diagnostic::new(code, self.file, span.clone(), message, label).help(help));
    }

    /// The same with a second place.
    fn add_with(
        &mut self,
        code: &'static Code,
        span: &Range<usize>,
        message: impl Into<String>,
        (label, help): (&str, &str),
        (other, other_label): (&Range<usize>, &str),
    ) {
        let one = Diagnostic::new(code, self.file, span.clone(), message, label);
        self.list.push(one.help(help).other(other.clone(), other_label));
    }
}
