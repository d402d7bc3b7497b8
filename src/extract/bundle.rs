//! The bundle: what a researcher gets besides the data, so that they can be read, understood, checked and
//! brought up to date.
//!
//! | file | what |
//! |---|---|
//! | `TABLE.csv`, `TABLE.ndjson`, `TABLE.parquet` | the data |
//! | `codebook.json`, `codebook.csv` | each column: type, source, action, missing values |
//! | `deleted.csv` | pseudonyms of the extract before that are no longer in this one |
//! | `README.md` | how to open it in R, Python and Stata |
//! | `manifest.json`, `manifest.sig` | every file with its SHA-256, and the signature |
//!
//! What must never happen here: a subject id, or anything that says why somebody is no longer in it; a file
//! that the manifest does not list.

mod codebook;
mod deleted;
mod manifest;
mod readme;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

pub use self::codebook::{Codebook, CodedColumn, CodedTable};
pub use self::deleted::{Keyed, Previous, deleted};
pub(super) use self::manifest::list;
pub use self::manifest::{Counts, Form, Listed, Manifest, ManifestTable, PolicyFile, Protection};
pub use self::verify::{Finding, Verified, verify};
use super::parquet::ParquetError;
use super::sort::SortError;
use super::staged::StagedError;
use crate::pseudonym::CheckpointKey;

/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";
/// Its signature's.
pub const SIGNATURE: &str = "manifest.sig";
/// The list of pseudonyms that are no longer in the extract.
pub const DELETED: &str = "deleted.csv";

/// Why a bundle cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The system refused.
    #[error("cannot {doing} `{}`: {error}", path.display())]
    Io {
        /// Read, write, …
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The manifest is none.
    #[error("`{}` is no manifest of an extract that this tavs knows: {why}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// What is wrong, never with a value.
        why: String,
    },
    /// The extract before is another's.
    #[error("`{}` is an extract for another recipient, purpose or domain: pseudonyms cannot be compared", path.display())]
    OtherExtract {
        /// Which directory.
        path: PathBuf,
    },
    /// The extract before is not as it was made.
    #[error("`{}` is not as it was made ({finding}): `tavs extract verify` says what is wrong", path.display())]
    Changed {
        /// Which directory.
        path: PathBuf,
        /// The first finding.
        finding: Finding,
    },
    /// A data file cannot be read as what the manifest says.
    #[error("`{}`, row {row}: it has no value in a key column, or is not as the manifest says", path.display())]
    Data {
        /// Which file.
        path: PathBuf,
        /// Which row, from 1.
        row: u64,
    },
    /// Staged rows cannot be read.
    #[error(transparent)]
    Staged(#[from] StagedError),
    /// A table cannot be read as Parquet.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// The work directory fails.
    #[error(transparent)]
    Work(#[from] SortError),
    /// A document cannot be coded, which cannot happen with text and numbers.
    #[error("cannot code a document of the bundle: a fault of tavs, please report it")]
    Coding,
}

/// What is known of an extract whose data files stand in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The extract's id.
    pub extract: String,
    /// When it was made (RFC 3339).
    pub made: String,
    /// The recipient's id, and its name.
    pub recipient: (String, String),
    /// The purpose's id.
    pub purpose: String,
    /// The pseudonymisation domain.
    pub domain: String,
    /// The policy.
    pub policy: PolicyFile,
    /// The form of the data files.
    pub form: Form,
    /// Whether rows are sorted by their key, and not as the input has them.
    pub sorted: bool,
    /// What was examined; `None` if nothing was.
    pub protection: Option<Protection>,
    /// What was counted.
    pub counts: Counts,
    /// The tables, each with its file; none where released records leave as they are.
    pub codebook: Codebook,
    /// The id of the extract before, whose pseudonyms `deleted.csv` is about.
    pub previous: Option<String>,
}

/// Writes what belongs to the data files that stand in a directory (and nothing else does), signs it, and
/// syncs all of it. `hashed`: files of it that are synced already, and were hashed while they were written.
///
/// # Errors
/// What the system says.
pub fn write(
    directory: &Path,
    bundle: &Bundle,
    hashed: &[Listed],
    key: &CheckpointKey,
) -> Result<Manifest, BundleError> {
    if !bundle.codebook.tables.is_empty() {
        put(directory, "codebook.json", bundle.codebook.json()?.as_bytes())?;
        put(directory, "codebook.csv", &bundle.codebook.csv()?)?;
    }
    put(directory, "README.md", readme::readme(bundle, &key.public()).as_bytes())?;
    let hashed: HashMap<&str, &Listed> = hashed.iter().map(|file| (file.name.as_str(), file)).collect();
    let mut files = Vec::new();
    for name in names(directory)? {
        files.push(match hashed.get(name.as_str()) {
            Some(file) if is_as_long(directory, file) => (*file).clone(),
            _ => list(directory, name)?,
        });
    }
    let manifest = Manifest::of(bundle, files, key.public());
    let json = manifest.json()?;
    put(directory, MANIFEST, json.as_bytes())?;
    let signature = key.sign_extract(json.as_bytes()).ok_or(BundleError::Coding)?;
    put(directory, SIGNATURE, manifest::signature_line(&key.public(), &signature).as_bytes())?;
    File::open(directory).and_then(|folder| folder.sync_all()).map_err(cannot("sync", directory))?;
    Ok(manifest)
}

/// Whether a file is still as long as when it was hashed; a manifest tells of what stands there.
fn is_as_long(directory: &Path, file: &Listed) -> bool {
    fs::metadata(directory.join(&file.name)).is_ok_and(|found| found.len() == file.bytes)
}

/// The names of all that stands in a directory, in order; what is no UTF-8 shows as such and is found by
/// no manifest.
fn names(directory: &Path) -> Result<Vec<String>, BundleError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(cannot("read", directory))? {
        let entry = entry.map_err(cannot("read", directory))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn put(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
    let path = directory.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(cannot("make", &path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot("write", &path))
}

fn cannot(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_owned();
    move |error| BundleError::Io { doing, path, error }
}
