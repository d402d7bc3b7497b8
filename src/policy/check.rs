//! Text in, checked policies out, and every mistake of every file in one run.
//!
//! Runs before a policy can take effect: at start, on reload, and in `tavs check`. What it lets
//! through is what the proxy does, so whatever is unclear here is an error.

mod across;
mod attachments;
mod build;
pub(super) mod countries;
mod extract;
pub(super) mod health;
mod identifiers;
mod included;
pub(super) mod known;
mod law;
mod lines;
mod meeting;
mod members;
mod requests;
mod routes;
mod schemes;
mod shifts;
mod siblings;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZero;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use jiff::civil::Date;

use self::included::{Included, Shelf};
use crate::policy::checked::Policy;
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::{Diagnostic, Severity};
use crate::policy::syntax::{Grammar, Profiles, Reading, SourceFile};
use crate::policy::written;

/// Checks policy files together, as of the day `at`: mistakes of each, and between them.
///
/// A policy comes out for every file without errors, its own and of what it includes; warnings do
/// not hold it back. Diagnostics are in the order of `files`, and in each in the order of its text,
/// then of its profiles. What is wrong with a profile itself is told once.
#[must_use]
pub fn check(files: &[SourceFile], at: Date) -> (Vec<Policy>, Vec<Diagnostic>) {
    let read: Vec<_> = side_by_side(files.iter().collect(), |file| (file, written::read(file)));
    let mut shelves: HashMap<usize, Shelf<'_>> = HashMap::new();
    for (file, _) in read.iter().filter(|(_, reading)| !reading.value.includes.names.is_empty()) {
        shelves.entry(Arc::as_ptr(&file.profiles).addr()).or_insert_with(|| Shelf::of(&file.profiles));
    }
    let none = Shelf::default();
    let shelf = |file: &SourceFile| shelves.get(&Arc::as_ptr(&file.profiles).addr()).unwrap_or(&none);
    let mut sheets = side_by_side(read, |(file, reading)| Sheet::of(file, reading, shelf(file), at));
    across::check(&mut sheets);
    let mut policies = Vec::new();
    let mut diagnostics = Vec::new();
    let mut told = HashSet::new();
    for sheet in sheets {
        let (policy, found) = sheet.settled();
        policies.extend(policy);
        // A profile's own mistake comes with every policy that includes it.
        diagnostics.extend(found.into_iter().filter(|one| {
            one.included.is_none()
                || told.insert((one.code, one.file.clone(), one.span.clone(), one.other.clone()))
        }));
    }
    (policies, diagnostics)
}

/// Checks policies as `tavs check` does, but for lapsed agreements and grounds of transfer: they are served,
/// which means that everything is refused (G9), and do not keep the other policies from taking effect.
#[must_use]
pub fn check_to_serve(files: &[SourceFile], today: Date) -> (Vec<Policy>, Vec<Diagnostic>) {
    let (mut policies, mut found) = check(files, today);
    let lapsed: Vec<String> =
        found.iter().filter(|one| is_lapse(one.code)).map(|one| one.file.clone()).collect();
    for one in &mut found {
        if is_lapse(one.code) {
            one.severity = Severity::Warning;
        }
    }
    for file in files.iter().filter(|file| lapsed.contains(&file.path)) {
        // Before all days nothing has lapsed; of what else depends on the day there are only warnings.
        let (checked, _same_findings) = check(std::slice::from_ref(file), Date::MIN);
        policies.extend(checked);
    }
    (policies, found)
}

/// Whether a finding says that nothing may be disclosed any more: the agreement has lapsed, or the ground of
/// the transfer.
#[must_use]
pub fn is_lapse(code: &str) -> bool {
    code == codes::LAPSED.id || code == codes::TRANSFER_LAPSED.id
}

/// Does the same to each of many, on as many threads as there are processors, and keeps their order.
fn side_by_side<I: Send, T: Send>(items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(processors.min(MOST_THREADS)).max(LEAST_SHARE);
    if items.len() <= share {
        return items.into_iter().map(work).collect();
    }
    let work = &work;
    let mut items = items.into_iter();
    thread::scope(|scope| {
        let mut running = Vec::new();
        loop {
            let some: Vec<I> = items.by_ref().take(share).collect();
            if some.is_empty() {
                break;
            }
            running.push(scope.spawn(move || some.into_iter().map(work).collect::<Vec<T>>()));
        }
        // What went wrong there goes wrong here, as if there were no threads.
        let done = running.into_iter().map(|one| one.join().unwrap_or_else(|cause| resume_unwind(cause)));
        done.flatten().collect()
    })
}

/// More threads than this gain nothing: a thousand policies take two of them half a second.
const MOST_THREADS: usize = 8;
/// Fewer than this are done before a thread has begun.
const LEAST_SHARE: usize = 16;

/// What is wrong with profiles by themselves, whatever policies make of them: with those of `names`,
/// or with all.
#[must_use]
pub fn check_profiles(profiles: &Profiles, names: Option<&BTreeSet<String>>) -> Vec<Diagnostic> {
    let shelf = Shelf::of(profiles);
    let wanted = |name: &str| names.is_none_or(|names| names.contains(name));
    let mut found = Vec::new();
    for (name, file) in profiles.iter().filter(|(name, _)| wanted(name)) {
        if let Err(why) = file {
            let message = format!("`{name}` cannot be read: {why}");
            found.push(Diagnostic::new(&codes::INCLUDE, name, 0..0, message, ""));
        }
    }
    found.extend(shelf.books().iter().filter(|book| wanted(book.name)).flat_map(|book| {
        let alone = shelf.alone(book);
        book.findings.iter().cloned().chain(alone)
    }));
    found
}

/// Every name and word of the language that reading `file` as a policy and as a profile asks for,
/// whether the file has it or not: what docs/policy.md must explain.
#[must_use]
pub fn vocabulary(file: &SourceFile) -> BTreeSet<&'static str> {
    let (policy, profile) = (written::read(file), written::read_profile(file));
    policy.known.into_iter().chain(profile.known).collect()
}

/// One file on the desk: as written, as checked so far, and what was found.
#[derive(Debug)]
struct Sheet<'a> {
    file: &'a SourceFile,
    shelf: &'a Shelf<'a>,
    included: Included,
    written: written::Policy,
    /// Has placeholders where the file has errors.
    policy: Policy,
    findings: Findings<'a>,
}

impl<'a> Sheet<'a> {
    fn of(file: &'a SourceFile, reading: Reading<written::Policy>, shelf: &'a Shelf<'a>, at: Date) -> Self {
        let mut written = reading.value;
        let mut findings = Findings { file: &file.path, list: Vec::new() };
        let included = shelf.include(&written.includes, &mut findings);
        included::put_together(&mut written, shelf, &included, &mut findings);
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
        let policy = build::policy(file, &written, shelf, &included);
        meeting::check(&policy, &mut findings);
        extract::check(&written, &policy, &mut findings);
        match reading.grammar {
            Grammar::Whole if !included.has_gaps => {}
            Grammar::Whole | Grammar::Gaps => {
                findings.list.retain(|one| !BY_ABSENCE.iter().any(|code| code.id == one.code));
            }
            Grammar::Displaced => findings.list.clear(),
        }
        findings.list.extend(reading.diagnostics);
        Self { file, shelf, included, written, policy, findings }
    }

    /// The policy, if nothing is wrong with it, and what was found: each finding in its file.
    fn settled(mut self) -> (Option<Policy>, Vec<Diagnostic>) {
        self.findings.list.sort_by_key(|one| one.span.start);
        let path = self.file.path.as_str();
        let included = Some((path, &self.included));
        let found = self.findings.list.into_iter().map(|one| self.shelf.settle(one, included));
        let mut found: Vec<Diagnostic> = found.collect();
        found.extend(self.shelf.findings_of(&self.included, path));
        found.sort_by(|one, other| {
            let key = |one: &Diagnostic| (one.file != path, one.span.start);
            (key(one), &one.file).cmp(&(key(other), &other.file))
        });
        let sound = !found.iter().any(Diagnostic::is_error);
        (sound.then_some(self.policy), found)
    }
}

/// What is only wrong because something is not there: not reported of a file that could be read in
/// part, where it may be there.
const BY_ABSENCE: [&Code; 17] = [
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
    &codes::NOT_RELEASED,
    &codes::WITHOUT_KEY,
    &codes::NO_QUASI_IDENTIFIER,
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
