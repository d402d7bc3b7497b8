//! What is wrong with a partition.

use std::path::PathBuf;

use crate::extract::bundle::BundleError;
use crate::extract::checkpoint::CheckpointError;
use crate::extract::run::RunError;
use crate::extract::staged::StagedError;

/// Why a partition cannot be made, or is none that can be merged.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The work directory.
    #[error(transparent)]
    Work(#[from] CheckpointError),
    /// A file of it cannot be listed.
    #[error(transparent)]
    Listed(#[from] BundleError),
    /// Staged rows cannot be joined.
    #[error(transparent)]
    Staged(#[from] StagedError),
    /// More is counted than can be.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Pseudonyms of one extract, where each partition is one.
    #[error(
        "the policy's `linkability = \"document\"` makes an extract one document, and partitions are several: run it whole"
    )]
    Document,
    /// No partition, or of another tavs.
    #[error("`{}` is no partition of an extract that this tavs knows: `tavs extract partition` makes them", path.display())]
    Foreign {
        /// Which directory.
        path: PathBuf,
    },
    /// Others can read it.
    #[error("`{}` holds personal data and others may enter it: find out who did, and `chmod 700` it", path.display())]
    Open {
        /// Which directory.
        path: PathBuf,
    },
    /// It was made with something else.
    #[error("`{}` was made with {what}: make it anew", path.display())]
    Other {
        /// Which directory.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// It is not as it was made.
    #[error("`{}` is not as it was made (`{file}`): make it anew", path.display())]
    Changed {
        /// Which directory.
        path: PathBuf,
        /// Which file of it.
        file: String,
    },
    /// Given twice.
    #[error("`{}` is given twice", path.display())]
    Twice {
        /// Which directory.
        path: PathBuf,
    },
    /// What another partition was made of.
    #[error(
        "`{}` was made of `{}`, as another partition was: its rows would be in the extract twice",
        path.display(), input.display()
    )]
    SameFile {
        /// Which directory.
        path: PathBuf,
        /// The file.
        input: PathBuf,
    },
    /// It takes an id for another person's than all together do.
    #[error(
        "`{}` did not know who somebody is of whom another partition's files, or the registry by now, tell: make it anew, with `--who-is-who` for the files that tell it",
        path.display()
    )]
    WhoIsWho {
        /// Which directory.
        path: PathBuf,
    },
    /// A right holds by now.
    #[error("the rights of somebody in `{}` have changed since it was made: make it anew", path.display())]
    Rights {
        /// Which directory.
        path: PathBuf,
    },
}
