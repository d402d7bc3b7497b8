//! What policies include: every profile of a folder, read once, its shapes put beside a policy's own.
//!
//! A policy and its profiles are several files, and a place is still one range of numbers: those of
//! profiles begin past every policy's, each profile's at a number of its own, as if the texts stood
//! one after the other. So whatever compares places needs to know nothing of files; at the end
//! [`Shelf::settle`] says of each finding which file it is about.

mod shapes;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

pub(super) use self::shapes::put_together;
use super::lines::Lines;
use super::{Findings, build, meeting, members, requests};
use crate::policy::codes;
use crate::policy::diagnostic::{Diagnostic, Place};
use crate::policy::syntax::{At, Grammar, Profiles, SourceFile, nearest};
use crate::policy::written::{self, Includes, Shape};

/// Where the places of profiles begin. No policy is as long.
const BEYOND: usize = 1 << 30;

/// So many profiles may include one another in a row: nobody reads further.
const DEEPEST: usize = 8;

/// The profiles of a folder.
#[derive(Debug, Default)]
pub(super) struct Shelf<'a> {
    books: Vec<Book<'a>>,
    by_name: HashMap<&'a str, usize>,
    unreadable: HashMap<&'a str, &'a str>,
}

/// One profile.
#[derive(Debug)]
pub(super) struct Book<'a> {
    pub(super) name: &'a str,
    pub(super) file: &'a SourceFile,
    path: Arc<str>,
    lines: Lines,
    /// Where its places begin.
    start: usize,
    includes: Includes,
    shapes: Vec<Shape>,
    grammar: Grammar,
    progress: Progress,
    /// How many stand in a row below it, itself counted.
    height: usize,
    /// All that it brings, by number: itself, what it includes, and so on.
    brings: BTreeSet<usize>,
    /// What is wrong with it by itself, settled.
    pub(super) findings: Vec<Diagnostic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Unopened,
    Open,
    Done,
}

/// What a policy includes.
#[derive(Debug, Default)]
pub(super) struct Included {
    /// For each profile, by number, the line of `include` that it comes in by.
    by: HashMap<usize, Range<usize>>,
    /// All of them, by number, in order.
    pub(super) all: BTreeSet<usize>,
    /// Some include leads nowhere, or to what cannot be read whole: what is absent means nothing.
    pub(super) has_gaps: bool,
}

impl<'a> Shelf<'a> {
    /// Reads every profile.
    pub(super) fn of(profiles: &'a Profiles) -> Self {
        let mut shelf = Self::default();
        let mut start = BEYOND;
        for (name, file) in profiles.iter() {
            match file {
                Ok(file) => {
                    shelf.by_name.insert(name, shelf.books.len());
                    shelf.books.push(Book::read(name, file, start));
                    start = start.saturating_add(file.text.len()).saturating_add(1);
                }
                Err(why) => drop(shelf.unreadable.insert(name, why.as_str())),
            }
        }
        for number in 0..shelf.books.len() {
            shelf.complete(number);
        }
        shelf
    }

    /// Every profile that could be read.
    pub(super) fn books(&self) -> &[Book<'a>] {
        &self.books
    }

    /// What the rules of a profile have wrong by themselves, each shape taken alone.
    pub(super) fn alone(&self, book: &Book<'a>) -> Vec<Diagnostic> {
        let policy = written::Policy { shapes: book.shapes.clone(), ..written::Policy::default() };
        let mut findings = Findings { file: &book.file.path, list: Vec::new() };
        members::check(&policy, &mut findings);
        requests::check(&policy, &mut findings);
        meeting::check(&build::of_shapes(book.file, &policy, self), &mut findings);
        findings.list.sort_by_key(|one| one.span.start);
        findings.list.into_iter().map(|one| self.settle(one, None)).collect()
    }

    /// The shapes that these profiles have, in order.
    pub(super) fn shapes<'s>(&'s self, numbers: &'s BTreeSet<usize>) -> impl Iterator<Item = &'s Shape> {
        numbers.iter().filter_map(|number| self.books.get(*number)).flat_map(|book| &book.shapes)
    }

    /// The profile whose place this is.
    fn book_at(&self, at: usize) -> Option<&Book<'a>> {
        let after = self.books.partition_point(|book| book.start <= at);
        self.books.get(after.checked_sub(1)?)
    }

    /// File and line of a place past the policies'.
    pub(super) fn line_at(&self, at: usize) -> Option<(&Arc<str>, u32)> {
        let book = self.book_at(at)?;
        Some((&book.path, book.lines.at(at.saturating_sub(book.start))))
    }

    /// What `include` lines bring, and what is wrong with them.
    pub(super) fn include(&self, lines: &Includes, findings: &mut Findings<'_>) -> Included {
        let mut included = Included { has_gaps: lines.has_unread, ..Included::default() };
        for line in &lines.names {
            let Some(number) = self.find(line, findings) else {
                included.has_gaps = true;
                continue;
            };
            for number in self.books.get(number).into_iter().flat_map(|book| &book.brings) {
                included.by.entry(*number).or_insert_with(|| line.span.clone());
                included.all.insert(*number);
            }
        }
        let whole = |number: &usize| self.books.get(*number).is_none_or(Book::is_whole);
        included.has_gaps |= !included.all.iter().all(whole);
        included
    }

    /// The profile of this name, or what is wrong with the line.
    fn find(&self, line: &At<String>, findings: &mut Findings<'_>) -> Option<usize> {
        let name = line.value.as_str();
        if let Some(number) = self.by_name.get(name) {
            return Some(*number);
        }
        if let Some(why) = self.unreadable.get(name) {
            let message = format!("`{name}` cannot be read: {why}");
            let help = "put the profile there as a file of UTF-8 text";
            findings.add(&codes::INCLUDE, &line.span, message, "cannot be read", help);
            return None;
        }
        let known: Vec<&str> = self.by_name.keys().chain(self.unreadable.keys()).copied().collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => String::from("there is no folder `profiles` beside this policy"),
            None => String::from("`ls profiles` beside the policies shows what there is"),
        };
        findings.add(&codes::INCLUDE, &line.span, format!("there is no `{name}`"), "no such profile", help);
        None
    }

    /// Follows what a profile includes, and puts its shapes together.
    fn complete(&mut self, number: usize) {
        let Some(book) = self.books.get_mut(number).filter(|book| book.progress == Progress::Unopened) else {
            return;
        };
        book.progress = Progress::Open;
        let path = &book.file.path;
        let (lines, shapes) = (std::mem::take(&mut book.includes), std::mem::take(&mut book.shapes));
        let mut findings = Findings { file: path, list: Vec::new() };
        let (mut height, mut has_gaps) = (1, !book.is_whole() || lines.has_unread);
        let mut brings = BTreeSet::from([number]);
        for line in &lines.names {
            let Some(other) = self.find(line, &mut findings) else {
                has_gaps = true;
                continue;
            };
            self.complete(other);
            let Some(below) = self.books.get(other) else { continue };
            has_gaps |= !below.is_whole();
            if below.progress == Progress::Open {
                let message = format!("`{}` includes itself in the end", below.name);
                let help = "take this line out, or the one that leads here";
                findings.add(&codes::INCLUDE_CYCLE, &line.span, message, "leads back", help);
                has_gaps = true;
            } else if below.height >= DEEPEST {
                let message = format!("more than {DEEPEST} profiles include each other in a row");
                let help = "include what is needed directly";
                findings.add(&codes::INCLUDE_CYCLE, &line.span, message, "too deep", help);
                has_gaps = true;
            } else {
                height = height.max(below.height.saturating_add(1));
                brings.extend(&below.brings);
            }
        }
        let others: BTreeSet<usize> = brings.iter().copied().filter(|one| *one != number).collect();
        let shapes = shapes::complete(shapes, &self.shapes(&others).collect::<Vec<_>>(), &mut findings);
        if has_gaps {
            findings.list.retain(|one| one.code != codes::UNKNOWN_SHAPE.id);
        }
        let found: Vec<Diagnostic> = findings.list.into_iter().map(|one| self.settle(one, None)).collect();
        if let Some(book) = self.books.get_mut(number) {
            book.grammar = if has_gaps { Grammar::Gaps } else { Grammar::Whole };
            (book.shapes, book.height, book.brings, book.progress) = (shapes, height, brings, Progress::Done);
            book.findings.extend(found);
            book.findings.sort_by_key(|one| one.span.start);
        }
    }

    /// A finding with places as in files: past the policy's text, they are a profile's. `included`
    /// is what the policy of this path includes.
    pub(super) fn settle(&self, found: Diagnostic, included: Option<(&str, &Included)>) -> Diagnostic {
        let mut found = found;
        let line = |start: usize| {
            let (policy, included) = included?;
            let by =
                included.by.get(&self.books.partition_point(|book| book.start <= start).checked_sub(1)?)?;
            Some(Place { file: policy.to_owned(), span: by.clone(), label: String::from("included here") })
        };
        if found.span.start >= BEYOND {
            found.included = line(found.span.start);
            (found.file, found.span) = self.local(&found.span, found.file);
        }
        if let Some(place) = found.other.take() {
            let Place { file, span, label } = place;
            if span.start >= BEYOND {
                found.included = found.included.or_else(|| line(span.start));
            }
            let (file, span) = self.local(&span, file);
            found.other = Some(Place { file, span, label });
        }
        found
    }

    /// What profiles of these numbers have wrong by themselves, each with the line that includes it.
    pub(super) fn findings_of(&self, included: &Included, policy: &str) -> Vec<Diagnostic> {
        let of = |number: &usize| {
            let place = included.by.get(number).map(|span| Place {
                file: policy.to_owned(),
                span: span.clone(),
                label: String::from("included here"),
            });
            let all = self.books.get(*number).map(|book| book.findings.clone()).unwrap_or_default();
            all.into_iter().map(move |one| Diagnostic { included: place.clone(), ..one })
        };
        included.all.iter().flat_map(of).collect()
    }

    fn local(&self, span: &Range<usize>, file: String) -> (String, Range<usize>) {
        match self.book_at(span.start) {
            Some(book) => {
                let local = |at: usize| at.saturating_sub(book.start);
                (book.file.path.clone(), local(span.start)..local(span.end))
            }
            None => (file, span.clone()),
        }
    }
}

impl<'a> Book<'a> {
    fn read(name: &'a str, file: &'a SourceFile, start: usize) -> Self {
        let reading = written::read_profile(file);
        let written::Profile { mut includes, mut shapes } = reading.value;
        includes.names.iter_mut().for_each(|line| shift(&mut line.span, start));
        shapes.iter_mut().for_each(|shape| shapes::shift(shape, start));
        Self {
            name,
            file,
            path: file.path.as_str().into(),
            lines: Lines::of(&file.text),
            start,
            includes,
            shapes,
            grammar: reading.grammar,
            progress: Progress::Unopened,
            height: 1,
            brings: BTreeSet::new(),
            findings: reading.diagnostics,
        }
    }

    fn is_whole(&self) -> bool {
        self.grammar == Grammar::Whole
    }
}

/// Whether a place is a profile's.
pub(super) const fn is_included(span: &Range<usize>) -> bool {
    span.start >= BEYOND
}

/// A place of a text that begins at `by`.
fn shift(span: &mut Range<usize>, by: usize) {
    *span = span.start.saturating_add(by)..span.end.saturating_add(by);
}
