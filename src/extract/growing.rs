//! A file of the work directory that only grows: what a run writes into it, and how much of it a checkpoint counts
//! on.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::bundle::Listed;
use super::checkpoint::{CheckpointError, Unsynced, cannot};
use super::sum::Sum;

/// The file.
#[derive(Debug)]
pub(super) struct Growing {
    file: File,
    path: PathBuf,
    length: u64,
    /// Of all that is in it; `None` where another run wrote some of it, or nobody wants to know.
    sum: Option<Sum>,
}

impl Growing {
    /// Opens it, and cuts it to the length that a checkpoint counts on.
    ///
    /// # Errors
    /// It is shorter; what the system says.
    pub(super) fn open(path: PathBuf, length: u64) -> Result<Self, CheckpointError> {
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = options.map_err(cannot("open", &path))?;
        if file.metadata().map_err(cannot("read", &path))?.len() < length {
            return Err(CheckpointError::Short { path });
        }
        file.set_len(length).map_err(cannot("cut", &path))?;
        file.seek(SeekFrom::Start(length)).map_err(cannot("write", &path))?;
        Ok(Self { file, path, length, sum: None })
    }

    /// Opens it empty. What is written is hashed meanwhile, so that a bundle need not read it again.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn create_hashed(path: PathBuf) -> Result<Self, CheckpointError> {
        Ok(Self { sum: Some(Sum::default()), ..Self::open(path, 0)? })
    }

    /// Writes what comes next.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.file.write_all(bytes).map_err(cannot("write", &self.path))?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
        Ok(())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its length, and what is to be synced before a checkpoint can count on that.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn mark(&self) -> Result<(u64, Unsynced), CheckpointError> {
        Ok((self.length, Unsynced::of(&self.file, &self.path)?))
    }

    /// What is to be synced of a file that is whole, and how a manifest lists it, if it was hashed.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn end(self) -> Result<(Unsynced, Option<Listed>), CheckpointError> {
        let unsynced = Unsynced::of(&self.file, &self.path)?;
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok((unsynced, name.zip(self.sum).map(|(name, sum)| sum.listed(name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hashed_meanwhile_is_what_the_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        for (number, pieces) in [&[][..], &["", "a"], &["abc", "", "d\u{e6}"]].into_iter().enumerate() {
            let path = folder.path().join(number.to_string());
            let mut growing = Growing::create_hashed(path.clone()).unwrap();
            for piece in pieces {
                growing.add(piece.as_bytes()).unwrap();
            }
            let (length, _unsynced) = growing.mark().unwrap();
            let (_unsynced, listed) = growing.end().unwrap();
            let held = Sum::of(File::open(&path).unwrap()).unwrap().listed(number.to_string());
            assert_eq!(listed.as_ref(), Some(&held));
            assert_eq!((length, held.bytes), (pieces.concat().len() as u64, length));
        }
    }

    #[test]
    fn what_another_run_began_is_cut_and_not_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        std::fs::write(&path, "kept, and what came later").unwrap();
        let mut growing = Growing::open(path.clone(), 4).unwrap();
        growing.add(b"!").unwrap();
        assert_eq!(growing.end().unwrap().1, None);
        assert_eq!(std::fs::read(&path).unwrap(), b"kept!");
        assert!(matches!(Growing::open(path, 6), Err(CheckpointError::Short { .. })));
    }
}
