//! The policies of a revision of git, in a folder of their own that goes with the value.
//!
//! Asks the `git` of the system, and hands it nothing that it could take for an option: a revision
//! is first made the hash of a tree. What must never happen here: a file outside that folder.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::config::LARGEST_POLICY;

/// More files than a thousand policies with their profiles have.
const MOST_FILES: usize = 10_000;
/// The most bytes of all files together.
const MOST_BYTES: u64 = 256 << 20;

/// Why a revision cannot be read. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RevisionError {
    /// No such program, or it cannot be run.
    #[error("cannot run git: {0}; name files or folders instead of a revision")]
    NoGit(io::Error),
    /// Git does not know it.
    #[error(
        "`{written}` is no file or folder here, and no revision of git that has the folder `{folder}`; --path names the folder of policies in a revision"
    )]
    Unknown {
        /// As it was given.
        written: String,
        /// The folder asked for.
        folder: String,
    },
    /// A link, or a part that is another repository.
    #[error("`{path}` of the revision is no plain file: a policy is read as it stands in the repository")]
    NotPlain {
        /// Its path in the folder.
        path: String,
    },
    /// Too much.
    #[error(
        "the revision's folder has more than {MOST_FILES} policies, or one of more than {LARGEST_POLICY} bytes"
    )]
    TooMuch,
    /// Git says what was not asked.
    #[error("git gives no answer that is understood; is it a plain git?")]
    Answer,
    /// The folder for the files.
    #[error("cannot keep the revision's files: {0}")]
    Keep(io::Error),
}

/// A revision's folder of policies, on disk while this lives.
#[derive(Debug)]
pub(in crate::cli) struct Revision {
    written: String,
    kept: TempDir,
    folder: PathBuf,
}

impl Revision {
    /// Reads the folder of a revision; `folder` is relative to the current one.
    pub(in crate::cli) fn read(written: &str, folder: &Path) -> Result<Self, RevisionError> {
        let unknown =
            || RevisionError::Unknown { written: written.to_owned(), folder: folder.display().to_string() };
        let name = format!("{written}:./{}", folder.display());
        let said = git(["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
        let tree = String::from_utf8(said.stdout).map_err(|_not_text| RevisionError::Answer)?;
        let tree = tree.trim_end();
        let is_hash = tree.len() >= 40 && tree.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !said.status.success() || !is_hash {
            return Err(unknown());
        }
        let listed = git(["ls-tree", "-r", "-l", "-z", "--full-tree", tree])?;
        if !listed.status.success() {
            return Err(unknown());
        }
        let blobs = blobs(&listed.stdout)?;
        let kept = tempfile::tempdir().map_err(RevisionError::Keep)?;
        let folder = kept.path().join("policies");
        fs::create_dir(&folder).map_err(RevisionError::Keep)?;
        for (blob, text) in blobs.iter().zip(contents(&blobs)?) {
            let path = folder.join(&blob.path);
            let parent = path.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).and_then(|()| fs::write(&path, text)).map_err(RevisionError::Keep)?;
        }
        Ok(Self { written: written.to_owned(), kept, folder })
    }

    /// Where its files are.
    pub(in crate::cli) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a file of it is called: `HEAD~1:policies/booking.toml`.
    pub(in crate::cli) fn name_of(&self, path: &str) -> String {
        let own = Path::new(path).strip_prefix(self.kept.path()).unwrap_or_else(|_| Path::new(path));
        format!("{}:{}", self.written, own.display())
    }
}

/// A file of the folder.
#[derive(Debug)]
struct Blob {
    hash: String,
    path: PathBuf,
}

/// Reads what `ls-tree -l -z` lists: `mode type hash size TAB path NUL`; only what could be a policy or
/// profile.
fn blobs(listed: &[u8]) -> Result<Vec<Blob>, RevisionError> {
    let mut blobs = Vec::new();
    let mut total: u64 = 0;
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let line = std::str::from_utf8(line).map_err(|_not_text| RevisionError::Answer)?;
        let (about, name) = line.split_once('\t').ok_or(RevisionError::Answer)?;
        let path = PathBuf::from(name);
        if path.extension() != Some(OsStr::new("toml")) {
            continue;
        }
        let parts: Vec<&str> = about.split_whitespace().collect();
        let [mode, "blob", hash, size] = parts.as_slice() else {
            return Err(RevisionError::NotPlain { path: name.to_owned() });
        };
        let size: u64 = size.parse().map_err(|_no_number| RevisionError::Answer)?;
        total = total.saturating_add(size);
        if size > LARGEST_POLICY || total > MOST_BYTES || blobs.len() >= MOST_FILES {
            return Err(RevisionError::TooMuch);
        }
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || !mode.starts_with("100") {
            return Err(RevisionError::NotPlain { path: name.to_owned() });
        }
        blobs.push(Blob { hash: (*hash).to_owned(), path });
    }
    Ok(blobs)
}

/// The texts of files, in their order, from one process.
fn contents(blobs: &[Blob]) -> Result<Vec<Vec<u8>>, RevisionError> {
    let mut child = Command::new("git")
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(RevisionError::NoGit)?;
    let asked: String = blobs.iter().map(|blob| format!("{}\n", blob.hash)).collect();
    let stdin = child.stdin.take();
    // From another thread: git answers while it is asked, and neither may wait for the other.
    let asking = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(asked.as_bytes())));
    let output = child.wait_with_output().map_err(RevisionError::NoGit)?;
    drop(asking.join());
    let mut rest = output.stdout.as_slice();
    let mut texts = Vec::with_capacity(blobs.len());
    for _ in blobs {
        let (text, after) = content(rest).ok_or(RevisionError::Answer)?;
        texts.push(text.to_vec());
        rest = after;
    }
    Ok(texts)
}

/// One answer of `cat-file --batch`, `hash type size LF text LF`, and what is after it.
fn content(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let (head, rest) = answer.split_at_checked(end)?;
    let mut parts = std::str::from_utf8(head).ok()?.split(' ');
    let (_hash, "blob", size) = (parts.next()?, parts.next()?, parts.next()?) else { return None };
    let (text, rest) = rest.get(1..)?.split_at_checked(size.parse().ok()?)?;
    Some((text, rest.get(1..)?))
}

fn git<const N: usize>(args: [&str; N]) -> Result<Output, RevisionError> {
    Command::new("git").args(args).stdin(Stdio::null()).output().map_err(RevisionError::NoGit)
}
