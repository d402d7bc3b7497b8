//! A partition of an extract: the work directory of a run over some of the files, whole and kept until
//! `tavs extract merge` makes one extract of all partitions.
//!
//! | file | what |
//! |---|---|
//! | `partition.json` | that it is one, and every other file with its SHA-256 |
//! | `checkpoint.json` | by which version of the policy, by which keys, of which files, and what was counted |
//! | `table-N.staged` or `out/records-…` | what was released |
//! | `persons-N` | whose data that is |
//! | `ties`, `whose` | what its files say of who is who, and whose each id in them was taken to be |
//!
//! Nobody's alone: it holds subject ids, and is its owner's only (mode 0700). It is no disclosure, for nothing of it
//! has left; that is examined and put on record when partitions are merged.
//!
//! What must never happen here: partitions in one extract that disagree about who is who, for one person would count
//! as two; or that were made by other keys or another policy.

mod error;
mod join;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::error::PartitionError;
pub use self::join::join;
use super::bundle::{self, Listed};
use super::checkpoint::{Checkpoint, CheckpointError, cannot, sync_folder};
use super::outputs::{OUT, Outputs};
use super::run::{Staged, still_may_leave, tied};
use super::survey::Ties;
use crate::ids::{SubjectId, SubjectSet};
use crate::judge::Same;
use crate::policy::checked::{Linkability, Policy};
use crate::subjects::Subjects;

/// The format that this tavs writes and reads.
const VERSION: u32 = 2;
const NAME: &str = "partition.json";
const TIES: &str = "ties";
const WHOSE: &str = "whose";
/// Bytes of two ids.
const PAIR: usize = 32;

/// `partition.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    files: Vec<Listed>,
}

/// Whether partitions of an extract by this policy can be joined.
///
/// # Errors
/// Their pseudonyms could not.
pub const fn can_be_parted(policy: &Policy) -> Result<(), PartitionError> {
    match policy.pseudonyms.linkability {
        Linkability::Document => Err(PartitionError::Document),
        Linkability::Domain | Linkability::None => Ok(()),
    }
}

/// Makes a partition of the work directory of a run that has staged everything. `subjects` are those of the run.
///
/// # Errors
/// What the system says.
pub fn keep(work: &Path, (staged, subjects): (&Staged, &Subjects)) -> Result<(), PartitionError> {
    put(&work.join(TIES), &pairs(staged.ties.same.iter().map(|same| (same.alias, same.person))))?;
    put(&work.join(WHOSE), &pairs(whose(&staged.ties, subjects)))?;
    let mut files = Vec::new();
    for name in names(work)? {
        files.push(bundle::list(work, name)?);
    }
    let json = serde_json::to_vec(&Written { version: VERSION, files });
    let path = work.join(NAME);
    put(&path, &json.map_err(|error| cannot("write", &path)(error.into()))?)?;
    Ok(sync_folder(work)?)
}

/// Whose each id is that the files tie or mention; its own where nobody knows.
fn whose<'a>(ties: &'a Ties, subjects: &'a Subjects) -> impl Iterator<Item = (SubjectId, SubjectId)> {
    let weighed = tied(subjects, &ties.same);
    let doubted: SubjectSet = weighed.contradictions.into_iter().collect();
    let ids = ties.mentioned.iter().copied().chain(ties.same.iter().map(|same| same.alias));
    ids.map(move |id| (id, if doubted.contains(&id) { id } else { subjects.person(id) }))
}

fn pairs(all: impl Iterator<Item = (SubjectId, SubjectId)>) -> Vec<u8> {
    all.flat_map(|(one, other)| [one.0, other.0]).flatten().collect()
}

fn read_pairs(path: &Path) -> Result<impl Iterator<Item = (SubjectId, SubjectId)> + use<>, CheckpointError> {
    let bytes = fs::read(path).map_err(cannot("read", path))?;
    let id = |bytes: &[u8]| SubjectId(bytes.first_chunk().copied().unwrap_or_default());
    Ok((0..bytes.len() / PAIR).filter_map(move |at| {
        let pair = bytes.get(at.saturating_mul(PAIR)..)?;
        Some((id(pair), id(pair.get(PAIR / 2..)?)))
    }))
}

/// SECURITY: for the owner alone.
fn put(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.map_err(cannot("make", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot("write", path))
}

/// The files of a partition but its list, those of what was released by their path.
fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let below = |path: &Path, within: &str| -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(format!("{within}{}", entry.file_name().to_string_lossy()));
            }
        }
        Ok(names)
    };
    let all = || -> io::Result<Vec<String>> {
        Ok([below(folder, "")?, below(&folder.join(OUT), &format!("{OUT}/"))?].concat())
    };
    let mut names = all().map_err(cannot("read", folder))?;
    names.retain(|name| name != NAME);
    names.sort();
    Ok(names)
}

/// A partition that is to be merged.
#[derive(Debug)]
pub struct Partition {
    path: PathBuf,
    checkpoint: Checkpoint,
    persons: Vec<Vec<SubjectId>>,
    ties: Vec<Same>,
}

impl Partition {
    /// Opens a partition, and holds it against what it was when it was made, and against the policy and
    /// [keys](super::run::keys) by which all are merged.
    ///
    /// # Errors
    /// It is none, not as it was made, or made by others.
    pub fn open(path: &Path, policy: &Policy, keys: &str) -> Result<Self, PartitionError> {
        let owned = || path.to_owned();
        let metadata = fs::metadata(path).map_err(cannot("read", path))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(PartitionError::Open { path: owned() });
        }
        let text = fs::read(path.join(NAME)).map_err(|_none| PartitionError::Foreign { path: owned() })?;
        let written: Written = serde_json::from_slice(&text)
            .ok()
            .filter(|written: &Written| written.version == VERSION)
            .ok_or_else(|| PartitionError::Foreign { path: owned() })?;
        let listed: Vec<&str> = written.files.iter().map(|file| file.name.as_str()).collect();
        if let Some(file) = names(path)?.into_iter().find(|name| !listed.contains(&name.as_str())) {
            return Err(PartitionError::Changed { path: owned(), file });
        }
        for file in &written.files {
            let found = bundle::list(path, file.name.clone());
            if found.ok().as_ref() != Some(file) {
                return Err(PartitionError::Changed { path: owned(), file: file.name.clone() });
            }
        }
        let checkpoint = Checkpoint::last(path)?;
        if checkpoint.terms.policy != policy.version.to_string() {
            return Err(PartitionError::Other { path: owned(), what: "another version of the policy" });
        }
        if checkpoint.terms.keys != keys {
            return Err(PartitionError::Other { path: owned(), what: "other keys than are active now" });
        }
        let persons = (0..checkpoint.lengths.persons.len()).map(|number| Outputs::persons(path, number));
        let persons = persons.collect::<Result<_, _>>()?;
        let ties = read_pairs(&path.join(TIES))?.map(|(alias, person)| Same { alias, person }).collect();
        Ok(Self { path: owned(), checkpoint, persons, ties })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many files it was made of.
    #[must_use]
    pub const fn files(&self) -> usize {
        self.checkpoint.terms.inputs.len()
    }

    /// Whether it took every id for whose it is by now, as the registry and the files of all partitions tell; both
    /// are in force in `subjects`, and contradict each other about `doubted`.
    fn knew(&self, subjects: &Subjects, doubted: &SubjectSet) -> Result<bool, CheckpointError> {
        let now = |id: SubjectId| if doubted.contains(&id) { id } else { subjects.person(id) };
        let mut told = read_pairs(&self.path.join(WHOSE))?;
        Ok(told.all(|(id, person)| now(id) == person)
            && self.persons.iter().flatten().all(|person| subjects.person(*person) == *person))
    }
}

/// Refuses partitions that disagree about who is who, or hold data that may not leave any more. `subjects` are read
/// anew. Gives what all files say of who is who.
///
/// # Errors
/// Which partition must be made anew.
pub fn agree(
    partitions: &[Partition],
    policy: &Policy,
    subjects: &Subjects,
    now: u64,
) -> Result<Ties, PartitionError> {
    let mut seen = HashSet::new();
    let mut ties = Ties::default();
    let mut read = HashSet::new();
    for partition in partitions {
        let path = fs::canonicalize(&partition.path).map_err(cannot("read", &partition.path))?;
        if !seen.insert(path) {
            return Err(PartitionError::Twice { path: partition.path.clone() });
        }
        for input in &partition.checkpoint.terms.inputs {
            if !read.insert(input.identity()) {
                let (path, input) = (partition.path.clone(), input.path.clone());
                return Err(PartitionError::SameFile { path, input });
            }
        }
        ties.join(Ties { same: partition.ties.clone(), mentioned: Vec::new() });
        ties.tidy();
        ties.bound()?;
    }
    let doubted: SubjectSet = tied(subjects, &ties.same).contradictions.into_iter().collect();
    for partition in partitions {
        if !partition.knew(subjects, &doubted)? {
            return Err(PartitionError::WhoIsWho { path: partition.path.clone() });
        }
        if !still_may_leave(policy, (&[], &partition.persons), subjects, now) {
            return Err(PartitionError::Rights { path: partition.path.clone() });
        }
    }
    Ok(ties)
}
