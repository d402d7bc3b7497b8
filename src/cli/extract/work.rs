//! The work directory of an extract, and how the extract appears: by one rename.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::USAGE;
use super::super::policy_files::Stop;
use super::{skipped_beside, stop};
use crate::ids::ExchangeId;

/// A work directory that no other run has.
#[derive(Debug)]
pub(super) struct Work {
    path: PathBuf,
    output: PathBuf,
    /// Whether what was broken off here can be gone on with.
    resumable: bool,
    /// Held for as long as this process works in it.
    _lock: File,
}

/// A path beside the extract, of its name and an end.
pub(super) fn beside(output: &Path, end: &str) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(end);
    output.with_file_name(name)
}

impl Work {
    /// Opens the work directory of an extract, or makes it. `resumable`: what is broken off in it can be gone on with.
    pub(super) fn open(output: &Path, resumes: bool, resumable: bool) -> Result<Self, Stop> {
        if output.file_name().is_none() {
            return Err(stop(USAGE, format!("`{}` is no name for a directory", output.display())));
        }
        // A link that leads nowhere, too: nothing can be renamed over it.
        if output.symlink_metadata().is_ok() {
            let text = format!("`{}` exists: an extract is never made over another", output.display());
            return Err(stop(USAGE, text));
        }
        let path = beside(output, ".tavs-part");
        match (path.exists(), resumes) {
            (true, false) => {
                let way = if resumable { "go on with --resume, or remove" } else { "remove" };
                let text = format!(
                    "an extract was begun in `{}` and not ended: {way} the directory",
                    path.display()
                );
                return Err(stop(USAGE, text));
            }
            (false, true) => {
                return Err(stop(USAGE, format!("there is nothing to resume: no `{}`", path.display())));
            }
            (true, true) => {}
            (false, false) => {
                DirBuilder::new().mode(0o700).create(&path).map_err(|error| cannot("make", &path, &error))?;
            }
        }
        let lock = File::open(&path).map_err(|error| cannot("open", &path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, output: output.to_owned(), resumable, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(stop(USAGE, format!("another extract works in `{}`", path.display())))
            }
            Err(TryLockError::Error(error)) => Err(cannot("lock", &path, &error)),
        }
    }

    /// What the extract is called, and when it was begun: as `new` says, or as it was said when what is gone on
    /// with was begun, so that going on gives the same to the byte.
    pub(super) fn begun(
        &self,
        new: impl FnOnce() -> Result<(ExchangeId, Timestamp), Stop>,
    ) -> Result<(ExchangeId, Timestamp), Stop> {
        let path = self.path.join("begun");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let read = text
                    .split_once(' ')
                    .and_then(|(id, made)| Some((ExchangeId::parse(id)?, made.trim_end().parse().ok()?)));
                read.ok_or_else(|| {
                    let text = "is not of this version: remove its directory, and run the extract anew without --resume";
                    stop(USAGE, format!("`{}` {text}", path.display()))
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (id, made) = new()?;
                let written = std::fs::write(&path, format!("{id} {made}\n"))
                    .and_then(|()| File::open(&path)?.sync_all());
                written.map_err(|error| cannot("write", &path, &error))?;
                Ok((id, made))
            }
            Err(error) => Err(cannot("read", &path, &error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the work directory that does not exist: what a run before left there goes.
    pub(super) fn again(&self, name: &str) -> Result<PathBuf, Stop> {
        fresh(self.path.join(name))
    }

    /// The same of a file of the extract.
    pub(super) fn fresh_output(&self, name: &str) -> Result<PathBuf, Stop> {
        fresh(self.out().join(name))
    }

    /// Takes away all of the extract that a run before wrote there, in whatever form: what is left of that would be
    /// listed and signed with the rest.
    pub(super) fn empty_out(&self) -> Result<(), Stop> {
        let out = self.out();
        let remove = || -> io::Result<()> {
            std::fs::read_dir(&out)?.try_for_each(|entry| std::fs::remove_file(entry?.path()))
        };
        remove().map_err(|error| cannot("empty", &out, &error))
    }

    /// Where the extract stands until it appears.
    pub(super) fn out(&self) -> PathBuf {
        self.path.join("out")
    }

    /// Bytes of the extract's files.
    pub(super) fn bytes(&self) -> Result<u64, Stop> {
        let out = self.out();
        let sum = || -> io::Result<u64> {
            std::fs::read_dir(&out)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
        };
        sum().map_err(|error| cannot("read", &out, &error))
    }

    /// Takes everything away.
    pub(super) fn remove(self) -> Result<(), Stop> {
        std::fs::remove_dir_all(&self.path).map_err(|error| cannot("remove", &self.path, &error))
    }

    /// What a run leaves that was stopped, and says: nothing where the input or the rights are wrong, for that no
    /// resuming mends.
    pub(super) fn stopped(self, Stop(code, text): Stop) -> Stop {
        if code == USAGE && self.resumable {
            return Stop(code, text);
        }
        match self.remove() {
            Ok(()) => Stop(code, text),
            Err(Stop(_, also)) => Stop(code, text + &also),
        }
    }

    /// The work directory itself is what was to be made.
    pub(super) fn becomes_partition(self) -> Result<(), Stop> {
        std::fs::rename(&self.path, &self.output)
            .and_then(|()| sync_parent(&self.output))
            .map_err(|error| cannot("make", &self.output, &error))
    }

    /// The extract appears; the positions of what was passed over go beside it.
    pub(super) fn appear(self, skipped: &Path, has_skipped: bool) -> Result<(), Stop> {
        let (out, output) = (self.out(), &self.output);
        // What an extract of this name passed over before is not of this one.
        let beside = fresh(skipped_beside(output))?;
        let done = || -> io::Result<()> {
            if has_skipped {
                std::fs::rename(skipped, beside)?;
            }
            std::fs::set_permissions(&out, Permissions::from_mode(0o700))?;
            File::open(&out)?.sync_all()?;
            std::fs::rename(&out, output)?;
            sync_parent(output)
        };
        done().map_err(|error| cannot("make", output, &error))?;
        self.remove()
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn fresh(path: PathBuf) -> Result<PathBuf, Stop> {
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
        Err(error) => Err(cannot("remove", &path, &error)),
    }
}

fn cannot(doing: &str, path: &Path, error: &io::Error) -> Stop {
    stop(USAGE, format!("cannot {doing} `{}`: {error}", path.display()))
}
