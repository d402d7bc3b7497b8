//! The folder `profiles` beside policies: what they can include.
//!
//! Everything in it is looked at, and nothing outside: a link is followed only to what lies in the
//! folder of policies, however that is mounted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{TextError, is_key_ring, read_text};
use crate::policy::syntax::{Profiles, SourceFile};

/// The folder's name.
pub(crate) const PROFILES: &str = "profiles";

/// How many folders below each other are looked into.
const DEEPEST: u32 = 4;

/// How many files and folders are looked at: a hundred times what the shipped library has. Further
/// ones are not there for `include`.
const MOST: usize = 4096;

/// Where profiles are.
#[derive(Debug, Default)]
pub struct ProfilePaths {
    /// How many folders were looked into: `profiles`, and those below.
    folders: usize,
    /// Every `*.toml` in them that is not hidden, under the name that `include` gives it.
    pub files: Vec<(String, PathBuf)>,
}

/// Finds the profiles beside the policies of `folder`; none if there is no such folder.
#[must_use]
pub fn profile_paths(folder: &Path) -> ProfilePaths {
    let mut found = ProfilePaths::default();
    if let Some(bounds) = real(folder) {
        found.descend(&folder.join(PROFILES), PROFILES, &bounds, DEEPEST);
    }
    found
}

/// Reads the profiles beside the policies of `folder`.
#[must_use]
pub fn read_profiles(folder: &Path) -> Arc<Profiles> {
    let mut profiles = Profiles::default();
    let bounds = real(folder).unwrap_or_default();
    for (name, path) in profile_paths(folder).files {
        let text = read(&path, &bounds).map_err(|error| error.to_string());
        profiles.add(name, text.map(|text| SourceFile::new(path.display().to_string(), text)));
    }
    Arc::new(profiles)
}

impl ProfilePaths {
    fn descend(&mut self, folder: &Path, name: &str, bounds: &Path, depth: u32) {
        let inside = real(folder).is_some_and(|real| real.starts_with(bounds));
        let Some(entries) = fs::read_dir(folder).ok().filter(|_| inside) else { return };
        self.folders = self.folders.saturating_add(1);
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).take(MOST).collect();
        paths.sort();
        for path in paths {
            let own = path.file_name().and_then(|own| own.to_str()).filter(|own| !own.starts_with('.'));
            let Some(own) = own.filter(|_| self.folders.saturating_add(self.files.len()) < MOST) else {
                continue;
            };
            let name = format!("{name}/{own}");
            if !path.is_dir() {
                if path.extension().is_some_and(|extension| extension == "toml") {
                    self.files.push((name, path));
                }
            } else if depth > 0 {
                self.descend(&path, &name, bounds, depth.saturating_sub(1));
            }
        }
    }
}

fn real(folder: &Path) -> Option<PathBuf> {
    fs::canonicalize(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).ok()
}

fn read(path: &Path, bounds: &Path) -> Result<String, TextError> {
    if !fs::canonicalize(path)?.starts_with(bounds) {
        return Err(io::Error::other("it is a link that leads out of the folder of policies").into());
    }
    let text = read_text(path)?;
    if is_key_ring(&text) {
        return Err(io::Error::other("it is a key ring").into());
    }
    Ok(text)
}
