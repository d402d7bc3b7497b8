//! Files that hold secrets: read only if nobody else can, written so that nobody else ever could.
//!
//! What is checked is the opened file itself, so that nothing can be put in its place between the
//! check and the reading. Symbolic links are followed: secret stores mount files as links, and the
//! checks bear on the file that they lead to and on the folder that it stands in.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The largest file that is read as a secret: a key ring of a thousand domains is a tenth of it.
pub const LARGEST: u64 = 1 << 20;

/// Why a file of secrets cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// It cannot be read or written.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It exists, and is never overwritten.
    #[error("`{}` exists and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can get at it.
    #[error("others can read or write `{}` (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others than its owner could put another file in its place.
    #[error("others can write to the folder `{}` (mode {mode:04o}); run: chmod go-w {}", path.display(), path.display())]
    OpenFolder {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a folder, a pipe or a device.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// It is larger than [`LARGEST`].
    #[error("`{}` is larger than {LARGEST} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not UTF-8.
    #[error("`{}` is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a file of secrets as text, which is wiped when dropped.
///
/// # Errors
///
/// When it cannot be read, when others than its owner can read or write it, or when others can
/// write to its folder.
pub fn read_private(path: &Path) -> Result<Zeroizing<String>, PrivateError> {
    let found = fs::metadata(path).map_err(|source| io_error("read", path, source))?;
    check(path, &found)?; // before opening: opening a pipe would wait for its other end
    let mut file = File::open(path).map_err(|source| io_error("read", path, source))?;
    let opened = file.metadata().map_err(|source| io_error("read", path, source))?;
    check(path, &opened)?;
    check_folder_of(&fs::canonicalize(path).map_err(|source| io_error("read", path, source))?)?;

    // Room for all of it, so that no half of the secrets stays behind when the buffer grows.
    let room = usize::try_from(opened.len().saturating_add(1)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    (&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(|source| io_error("read", path, source))?;
    let text = std::str::from_utf8(&bytes).map_err(|_not_utf8| not_text(path))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes a new file of secrets, with mode 0600 from its creation on, and syncs it.
///
/// # Errors
///
/// When it exists, cannot be written, or others can write to its folder.
pub fn create_private(path: &Path, text: &str) -> Result<(), PrivateError> {
    let folder = folder_of(path);
    check_folder(&folder)?;
    let written = create_new(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => sync_folder(&folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(PrivateError::Exists { path: path.to_owned() })
        }
        Err(source) => Err(io_error("write", path, source)),
    }
}

/// Puts a new text in the place of a file of secrets, all at once: after a crash either the old
/// or the new one is there, whole.
///
/// # Errors
///
/// When the file cannot be replaced, or others can get at it or at its folder.
pub fn replace_private(path: &Path, text: &str) -> Result<(), PrivateError> {
    let target = fs::canonicalize(path).map_err(|source| io_error("replace", path, source))?;
    let found = fs::metadata(&target).map_err(|source| io_error("replace", path, source))?;
    check(path, &found)?;
    let mut name = target.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    if let Err(error) = create_private(&new, text) {
        // Half a ring would keep the next change from being made. Another's change under way is left alone.
        if !matches!(error, PrivateError::Exists { .. }) {
            drop(fs::remove_file(&new));
        }
        return Err(error);
    }
    fs::rename(&new, &target).map_err(|source| io_error("replace", path, source))?;
    sync_folder(&folder_of(&target))
}

/// Makes a folder that only its owner can use.
///
/// # Errors
///
/// When it cannot be made, also because it exists.
pub fn create_private_folder(path: &Path) -> Result<(), PrivateError> {
    DirBuilder::new().mode(0o700).create(path).map_err(|source| io_error("make", path, source))
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn check(path: &Path, found: &fs::Metadata) -> Result<(), PrivateError> {
    if !found.is_file() {
        return Err(PrivateError::NotAFile { path: path.to_owned() });
    }
    if found.len() > LARGEST {
        return Err(PrivateError::TooLarge { path: path.to_owned() });
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PrivateError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

fn check_folder_of(path: &Path) -> Result<(), PrivateError> {
    check_folder(&folder_of(path))
}

/// Whoever can write to a folder can put another key ring in the place of this one, and then knows
/// its secrets. With the sticky bit (`/tmp`) only a file's owner can replace it.
fn check_folder(folder: &Path) -> Result<(), PrivateError> {
    let found = fs::metadata(folder).map_err(|source| io_error("use the folder", folder, source))?;
    let mode = found.mode() & 0o7777;
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return Err(PrivateError::OpenFolder { path: folder.to_owned(), mode });
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn sync_folder(folder: &Path) -> Result<(), PrivateError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| io_error("sync the folder", folder, source))
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> PrivateError {
    PrivateError::Io { doing, path: path.to_owned(), source }
}

fn not_text(path: &Path) -> PrivateError {
    PrivateError::NotText { path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_created_file_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.toml");
        create_private(&path, "ring = 1\n").unwrap();
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(read_private(&path).unwrap().as_str(), "ring = 1\n");
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.toml");
        create_private(&path, "old").unwrap();
        assert!(matches!(create_private(&path, "new"), Err(PrivateError::Exists { .. })));
        // Nor is one that a link leads to, be it there or not.
        let link = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &link).unwrap();
        assert!(matches!(create_private(&link, "new"), Err(PrivateError::Exists { .. })));
        assert_eq!(read_private(&path).unwrap().as_str(), "old");
    }

    #[test]
    fn a_file_that_others_can_get_at_is_refused_with_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.toml");
        create_private(&path, "x").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o644, 0o666] {
            set_mode(&path, mode);
            let refused = read_private(&path).unwrap_err();
            assert!(matches!(refused, PrivateError::Exposed { .. }), "{mode:o}");
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
            assert!(replace_private(&path, "y").is_err());
        }
        for mode in [0o600, 0o400] {
            set_mode(&path, mode);
            assert!(read_private(&path).is_ok());
        }
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.toml");
        create_private(&path, "x").unwrap();
        set_mode(folder.path(), 0o777);
        assert!(matches!(read_private(&path), Err(PrivateError::OpenFolder { .. })));
        assert!(matches!(
            create_private(&folder.path().join("two"), "x"),
            Err(PrivateError::OpenFolder { .. })
        ));
        set_mode(folder.path(), 0o1777); // sticky: others cannot replace what is not theirs
        assert!(read_private(&path).is_ok());
        set_mode(folder.path(), 0o700);
    }

    #[test]
    fn a_link_is_judged_by_the_file_that_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        create_private(&real, "x").unwrap();
        symlink(&real, &link).unwrap();
        assert!(read_private(&link).is_ok());
        set_mode(&real, 0o644);
        assert!(matches!(read_private(&link), Err(PrivateError::Exposed { .. })));
    }

    #[test]
    fn folders_large_files_and_binary_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_private(folder.path()), Err(PrivateError::NotAFile { .. })));
        let large = folder.path().join("large");
        create_private(&large, "").unwrap();
        File::options().write(true).open(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(matches!(read_private(&large), Err(PrivateError::TooLarge { .. })));
        let binary = folder.path().join("binary");
        create_private(&binary, "").unwrap();
        fs::write(&binary, b"\xff").unwrap();
        assert!(matches!(read_private(&binary), Err(PrivateError::NotText { .. })));
        let missing = read_private(&folder.path().join("missing"));
        assert!(matches!(missing, Err(PrivateError::Io { .. })));
    }

    #[test]
    fn a_replaced_file_is_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.toml");
        create_private(&path, "old").unwrap();
        replace_private(&path, "new").unwrap();
        assert_eq!(read_private(&path).unwrap().as_str(), "new");
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
