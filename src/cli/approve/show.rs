//! `tavs approve show`: the policies that were approved last, whose texts the store keeps, as files: what
//! `sign` holds a new set against.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::super::{FINDINGS, USAGE, diff};
use super::{Stop, configured, no_approvals, opened, stop};
use crate::app::approved_texts;
use crate::policy::difference::set_version;

/// Write the policies that were approved last, for `sign --against`.
///
/// Exit code 0: written; 1: nothing has been approved, or the configuration has errors; 2: wrong usage, or
/// something that cannot be read or written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
    /// The folder to write to, which must not exist.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

pub(super) fn write(args: &Args) -> Result<String, Stop> {
    let config = configured(&args.config)?;
    if config.approvals.is_none() {
        return Err(no_approvals());
    }
    let store = opened(&config)?;
    let approved = store.approved().map_err(|error| stop(USAGE, error))?;
    let Some(approved) = approved else { return Err(stop(FINDINGS, "nothing has been approved here")) };
    let files = approved_texts(&approved);
    let failed = |path: &Path, error| stop(USAGE, format!("cannot write `{}`: {error}", path.display()));
    fs::create_dir(&args.to).map_err(|error| failed(&args.to, error))?;
    for (name, text) in &files {
        // The store could be another's: nothing is written out of the folder.
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(stop(FINDINGS, "the store names a file of the approved policies that is none"));
        }
        let path = args.to.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        }
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    let to = args.to.display().to_string();
    let same = diff::read(&to, Path::new("")).is_ok_and(|read| set_version(&read) == approved.version);
    if !same {
        let what = format!(
            "`{to}` has what was approved, which this version of tavs reads otherwise: `sign` will not take it"
        );
        return Err(stop(FINDINGS, what));
    }
    let count = files.len();
    Ok(format!(
        "wrote {count} files to {to}: approved by {}, serial number {}\n",
        crate::visible::Visible(&approved.who),
        approved.serial
    ))
}
