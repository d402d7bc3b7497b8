//! The rows of several files as one: those of an extract's partitions.

use std::path::{Path, PathBuf};

use super::{Reader, StagedError, Writer};

/// Writes the rows of all files, in their order, into one that must not exist; block by block, as they were checked.
///
/// # Errors
/// A file cannot be read; what the system says.
pub fn join(columns: usize, from: &[PathBuf], to: &Path) -> Result<(), StagedError> {
    let mut writer = Writer::create(to, columns)?;
    for path in from {
        let mut reader = Reader::open(path, columns)?;
        loop {
            reader.next_block()?;
            if reader.ended {
                break;
            }
            writer.append(&reader.block)?;
        }
    }
    writer.finish()
}
