//! `tavs policy fmt`.

use std::fs;
use std::path::PathBuf;

use crate::authoring::format::format;
use crate::cli::policy_files::{self, count};
use crate::cli::test::lines::difference;

/// Put policies and profiles into their one layout.
///
/// Spaces, blank lines and the order of tables are set. Comments, words and the order of lines within a table stay.
/// Files are written only if they change.
///
/// Exit code 0: good; 1: with --check or --diff, a file is laid out otherwise, or a file is no TOML; 2: wrong usage,
/// or a file that cannot be read or written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of *.toml (all below but hidden ones).
    #[arg(default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Write nothing; name the files that are laid out otherwise.
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change.
    #[arg(long)]
    diff: bool,
}

pub(crate) fn run(args: &Args) -> u8 {
    let (files, profiles) = match policy_files::sources(&args.paths) {
        Ok(sources) => sources,
        Err(faults) => {
            crate::cli::complain(&faults);
            return crate::cli::USAGE;
        }
    };
    let dry = args.check || args.diff;
    let mut text = String::new();
    let mut code = crate::cli::GOOD;
    let mut changed = 0_usize;
    for file in files.iter().chain(&profiles) {
        let formatted = match format(&file.text) {
            Ok(formatted) => formatted,
            Err(error) => {
                crate::cli::complain(&format!("error: `{}`: {error}\n", file.path));
                code = code.max(crate::cli::FINDINGS);
                continue;
            }
        };
        if formatted == file.text {
            continue;
        }
        changed = changed.saturating_add(1);
        if args.diff {
            text += &format!("{}\n{}\n", file.path, shown(&file.text, &formatted));
        } else if args.check {
            text += &format!("{}\n", file.path);
        } else if let Err(error) = fs::write(&file.path, &formatted) {
            crate::cli::complain(&format!("error: cannot write `{}`: {error}\n", file.path));
            code = crate::cli::USAGE;
        } else {
            text += &format!("{}\n", file.path);
        }
    }
    if dry && changed > 0 {
        code = code.max(crate::cli::FINDINGS);
    }
    let done = if dry { "would change" } else { "changed" };
    let mut looked_at = Vec::new();
    if !files.is_empty() {
        looked_at.push(count(files.len(), "policy", "policies"));
    }
    if !profiles.is_empty() {
        looked_at.push(count(profiles.len(), "profile", "profiles"));
    }
    text += &format!("{}, {changed} {done}\n", looked_at.join(" and "));
    match crate::cli::show(&text) {
        crate::cli::GOOD => code,
        other => other,
    }
}

/// The lines that differ, with a few around them.
fn shown(is: &str, would_be: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    difference(&lines(is), &lines(would_be), "- is, + would be")
}
