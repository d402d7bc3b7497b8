//! What the tools for policy authors share: finding policy files, reading and checking them.

use std::collections::HashSet;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::clock::Clock;
use crate::config::LARGEST_POLICY;
use crate::policy::check::check;
use crate::policy::checked::Policy;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::SourceFile;

/// How many folders below each other are looked into.
const DEEPEST: u32 = 8;

/// Policies, and what was found in them.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) files: Vec<SourceFile>,
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
/// A line for each file or folder that cannot be read.
pub(super) fn load(paths: &[PathBuf], at: Option<Date>) -> Result<Checked, String> {
    let files = files(paths)?;
    let day = at.unwrap_or_else(|| Clock::system().today());
    let (policies, diagnostics) = check(&files, day);
    Ok(Checked { files, policies, diagnostics })
}

/// Reads the policies at `paths`, files or folders.
///
/// # Errors
/// A line for each file or folder that cannot be read.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<SourceFile>, String> {
    let mut found = Found::default();
    let mut faults = String::new();
    for path in paths {
        if let Err(fault) = find(path, &mut found) {
            faults.push_str(&fault);
        }
    }
    let mut files: Vec<SourceFile> = Vec::new();
    for path in found.paths {
        match read(&path) {
            Ok(text) if is_key_ring(&text) => {
                faults.push_str(&format!("error: `{}` is a key ring and no policy\n", path.display()));
            }
            Ok(text) => files.push(SourceFile::new(path.display().to_string(), text)),
            Err(error) => faults.push_str(&fault(&path, &error)),
        }
    }
    if faults.is_empty() && files.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        faults = format!("error: no policy files (*.toml) in {}\n", names.join(", "));
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

fn fault(path: &Path, error: &io::Error) -> String {
    format!("error: cannot read `{}`: {error}\n", path.display())
}

/// SECURITY: findings show lines of the file, and those of a key ring are secrets.
fn is_key_ring(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("[[secret]]"))
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
            if name != "profiles" && depth > 0 {
                descend(&path, depth.saturating_sub(1), found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            add(path, found);
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > LARGEST_POLICY {
        return Err(io::Error::other(format!(
            "it has {size} bytes, and a policy has at most {LARGEST_POLICY}"
        )));
    }
    fs::read_to_string(path)
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
