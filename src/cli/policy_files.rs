//! What the tools for policy authors share: finding policy files, reading and checking them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use crate::clock::Clock;
use crate::config::{self, PROFILES};
use crate::policy::check::{check, check_profiles};
use crate::policy::checked::Policy;
use crate::policy::diagnostic::{Diagnostic, render};
use crate::policy::syntax::{Profiles, SourceFile};

/// How many folders below each other are looked into.
const DEEPEST: u32 = 8;

/// Policies, and what was found in them and in profiles.
#[derive(Debug)]
pub(super) struct Checked {
    /// Every text that a finding can be about.
    pub(super) files: Vec<SourceFile>,
    /// How many policies were read, good or not.
    pub(super) read: usize,
    /// How many profiles were checked by themselves.
    pub(super) profiles: usize,
    pub(super) policies: Vec<Policy>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Why there is nothing to be shown, and the exit code that goes with it.
#[derive(Debug)]
pub(super) struct Stop(pub(super) u8, pub(super) String);

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether standard output gets colours.
    pub(super) fn on_output(self) -> bool {
        match self {
            Self::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON array.
    Json,
}

/// Reads `paths`, files or folders, and checks them together as of `at`, or today.
///
/// # Errors
/// A line for each path that is not there, or is none of policies.
pub(super) fn load(paths: &[PathBuf], at: Option<Date>) -> Result<Checked, String> {
    let Read { mut files, shelves, unreadable } = read(paths)?;
    let day = at.unwrap_or_else(|| Clock::system().today());
    let (policies, found) = check(&files, day);
    let read = files.len().saturating_add(unreadable.len());
    let mut diagnostics = unreadable;
    diagnostics.extend(found);
    let mut profiles: usize = 0;
    for (shelf, names) in &shelves {
        profiles = profiles.saturating_add(names.as_ref().map_or(shelf.len(), BTreeSet::len));
        let alone = check_profiles(shelf, names.as_ref());
        let is_new = |one: &Diagnostic| {
            let same =
                |told: &Diagnostic| (told.code, &told.file, &told.span) == (one.code, &one.file, &one.span);
            !diagnostics.iter().any(same)
        };
        let alone: Vec<Diagnostic> = alone.into_iter().filter(is_new).collect();
        diagnostics.extend(alone);
    }
    files.extend(shelves.iter().flat_map(|(shelf, _)| shelf.readable()).cloned());
    Ok(Checked { files, read, profiles, policies, diagnostics })
}

/// Reads the policies at `paths`, files or folders, each with what it can include.
///
/// # Errors
/// A line for each file or folder that cannot be read.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<SourceFile>, String> {
    let Read { files, unreadable, .. } = read(paths)?;
    if unreadable.is_empty() { Ok(files) } else { Err(render(&unreadable, &[], super::colour())) }
}

/// The policies at `paths`, files or folders, and the profiles that are asked for by themselves.
///
/// # Errors
/// A line for each file or folder that cannot be read.
pub(super) fn sources(paths: &[PathBuf]) -> Result<(Vec<SourceFile>, Vec<SourceFile>), String> {
    let Read { files, shelves, unreadable } = read(paths)?;
    let mut profiles = Vec::new();
    let mut faults = render(&unreadable, &[], super::colour());
    for (shelf, names) in &shelves {
        for (name, file) in shelf.iter() {
            match file {
                _ if names.as_ref().is_some_and(|names| !names.contains(name)) => {}
                Ok(file) => profiles.push(file.clone()),
                Err(why) => faults.push_str(&format!("error: `{name}` cannot be read: {why}\n")),
            }
        }
    }
    if faults.is_empty() { Ok((files, profiles)) } else { Err(faults) }
}

/// Policies, and profiles that are asked for by themselves: of a folder these names, or all.
#[derive(Debug)]
struct Read {
    files: Vec<SourceFile>,
    shelves: Vec<(Arc<Profiles>, Option<BTreeSet<String>>)>,
    /// Files that are there, and cannot be read.
    unreadable: Vec<Diagnostic>,
}

fn read(paths: &[PathBuf]) -> Result<Read, String> {
    let mut found = Found::default();
    let mut faults = String::new();
    for path in paths {
        if let Err(fault) = find(path, &mut found) {
            faults.push_str(&fault);
        }
    }
    let mut shelves = Shelves::default();
    let mut files: Vec<SourceFile> = Vec::new();
    let mut unreadable: Vec<Diagnostic> = Vec::new();
    for path in found.paths {
        match config::read_text(&path) {
            Ok(text) if config::is_key_ring(&text) => {
                faults.push_str(&format!("error: `{}` is a key ring and no policy\n", path.display()));
            }
            Ok(text) if is_profile(&text) => match place_of_profile(&path) {
                Some((folder, name)) => {
                    let wanted = found.shelves.entry(folder).or_insert_with(|| Some(BTreeSet::new()));
                    wanted.iter_mut().for_each(|names| names.extend([name.clone()]));
                }
                None => faults.push_str(&format!(
                    "error: `{}` is a profile, and stands in no folder `profiles` beside policies\n",
                    path.display()
                )),
            },
            Ok(text) => {
                let profiles = shelves.beside(path.parent().unwrap_or_else(|| Path::new("")));
                files.push(SourceFile::new(path.display().to_string(), text).with(&profiles));
            }
            Err(error) => unreadable.push(config::unreadable(&path, &error)),
        }
    }
    let shelves: Vec<_> =
        found.shelves.into_iter().map(|(folder, names)| (shelves.beside(&folder), names)).collect();
    for (shelf, names) in &shelves {
        for name in names.iter().flatten().filter(|name| shelf.get(name).is_none()) {
            faults.push_str(&format!("error: no `include` can name `{name}`: it is hidden, or too deep\n"));
        }
    }
    if faults.is_empty()
        && files.is_empty()
        && unreadable.is_empty()
        && shelves.iter().all(|(shelf, _)| shelf.is_empty())
    {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        faults = format!("error: no policy files (*.toml) in {}\n", names.join(", "));
    }
    if faults.is_empty() { Ok(Read { files, shelves, unreadable }) } else { Err(faults) }
}

/// The profiles beside each folder's policies, read once.
#[derive(Debug, Default)]
struct Shelves(BTreeMap<PathBuf, Arc<Profiles>>);

impl Shelves {
    fn beside(&mut self, folder: &Path) -> Arc<Profiles> {
        let shelf = self.0.entry(folder.to_owned()).or_insert_with(|| config::read_profiles(folder));
        Arc::clone(shelf)
    }
}

/// Whether the text says that it is a profile: its first line that says anything is `profile = 1`.
fn is_profile(text: &str) -> bool {
    let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let first = text.lines().map(str::trim).find(says).unwrap_or_default();
    first.strip_prefix("profile").is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// The folder of policies that a profile is beside, and its name there.
fn place_of_profile(path: &Path) -> Option<(PathBuf, String)> {
    let place = |path: &Path| {
        let is_folder = |one: &&Path| one.file_name().is_some_and(|name| name == PROFILES);
        let profiles = path.ancestors().skip(1).find(is_folder)?;
        let name = path.strip_prefix(profiles).ok()?.to_str()?;
        Some((profiles.parent()?.to_owned(), format!("{PROFILES}/{name}")))
    };
    // From inside that folder its name is not in the path.
    place(path).or_else(|| place(&fs::canonicalize(path).ok()?))
}

fn fault(path: &Path, error: &io::Error) -> String {
    format!("error: cannot read `{}`: {error}\n", path.display())
}

/// The policy files at `path`, each once: itself, or every `*.toml` below it that is neither
/// hidden nor a profile.
fn find(path: &Path, found: &mut Found) -> Result<(), String> {
    let is_folder = fs::metadata(path).map_err(|error| fault(path, &error))?.is_dir();
    if !is_folder {
        if path.file_name().is_some_and(|name| name == CONFIGURATION) {
            return Err(configuration(path, path.parent().unwrap_or_else(|| Path::new(""))));
        }
        add(path.to_owned(), found);
        return Ok(());
    }
    if fs::canonicalize(path).is_ok_and(|real| real.file_name().is_some_and(|name| name == PROFILES)) {
        let beside = if path.file_name().is_some() { path.parent() } else { None };
        found.shelves.insert(beside.map_or_else(|| path.join(".."), Path::to_owned), None);
        return Ok(());
    }
    descend(path, DEEPEST, found)
}

/// What `tavs serve` reads, and beside it the folder of its policies.
const CONFIGURATION: &str = "tavs.toml";

fn configuration(path: &Path, folder: &Path) -> String {
    format!(
        "error: `{}` is a configuration: `tavs check {}` checks its policies, \
         `tavs serve --check --config {}` all of it\n",
        path.display(),
        folder.join("policies").display(),
        folder.join(CONFIGURATION).display(),
    )
}

/// Adds a file, unless it is there by another name: a policy beside itself would claim its own
/// identity twice.
fn add(path: PathBuf, found: &mut Found) {
    let real = fs::canonicalize(&path).unwrap_or_else(|_error| path.clone());
    if found.real.insert(real) {
        found.paths.push(path);
    }
}

/// Files in the order of finding, and where they really are.
#[derive(Debug, Default)]
struct Found {
    paths: Vec<PathBuf>,
    /// Folders with profiles beside their policies, and which are asked for: by default all.
    shelves: BTreeMap<PathBuf, Option<BTreeSet<String>>>,
    real: HashSet<PathBuf>,
}

fn descend(folder: &Path, depth: u32, found: &mut Found) -> Result<(), String> {
    let fail = |error: io::Error| fault(folder, &error);
    if folder.join(CONFIGURATION).is_file() {
        return Err(configuration(folder, folder));
    }
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        entries.push(entry.map_err(fail)?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            // A link may lead back up.
            if path.is_symlink() {
                continue;
            }
            if name == PROFILES {
                found.shelves.insert(folder.to_owned(), None);
            } else if depth > 0 {
                descend(&path, depth.saturating_sub(1), found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            add(path, found);
        }
    }
    Ok(())
}

/// Reads a day of the command line.
///
/// # Errors
/// What a day looks like.
pub(super) fn day(text: &str) -> Result<Date, &'static str> {
    text.parse().map_err(|_not_a_day| "a day is written as 2026-03-01")
}

/// `3 policies`, `1 policy`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
