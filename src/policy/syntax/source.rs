//! Texts that are read, and what they may include.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A text file, and the name under which its author knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as given; shown in diagnostics.
    pub path: String,
    /// What stands in it.
    pub text: String,
    /// Of a policy: what it can include. Shared by the policies of a folder.
    pub profiles: Arc<Profiles>,
}

/// The profiles beside a folder's policies, by the name under which `include` knows them, such as
/// `profiles/fhir-patient.toml`. One that cannot be read stands here with the reason, so that an
/// author is told at the line that asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles {
    files: BTreeMap<String, Result<SourceFile, String>>,
}

impl SourceFile {
    /// A file of this name and text, which can include nothing.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), profiles: Arc::default() }
    }

    /// The same file, which can include these.
    #[must_use]
    pub fn with(self, profiles: &Arc<Profiles>) -> Self {
        Self { profiles: Arc::clone(profiles), ..self }
    }

    /// Gives files, and the profiles that they can include, other paths.
    pub fn rename(files: &mut [Self], name: impl Fn(&str) -> String) {
        let renamed = |file: &Self| Self::new(name(&file.path), file.text.clone());
        let mut shelves: Vec<(Arc<Profiles>, Arc<Profiles>)> = Vec::new();
        for file in files {
            let same = shelves.iter().find(|(old, _)| Arc::ptr_eq(old, &file.profiles));
            let new = same.map_or_else(|| Arc::new(file.profiles.map(renamed)), |(_, new)| Arc::clone(new));
            let old = std::mem::replace(&mut file.profiles, Arc::clone(&new));
            file.path = name(&file.path);
            if same.is_none() {
                shelves.push((old, new));
            }
        }
    }

    /// The file of this path: one of `files`, or a profile that one of them can include.
    #[must_use]
    pub fn find<'f>(files: &'f [Self], path: &str) -> Option<&'f Self> {
        let own = files.iter().find(|file| file.path == path);
        own.or_else(|| files.iter().find_map(|file| file.profiles.readable().find(|one| one.path == path)))
    }
}

impl Profiles {
    /// Puts a profile in, or the reason why there is none to read.
    pub fn add(&mut self, name: impl Into<String>, file: Result<SourceFile, String>) {
        self.files.insert(name.into(), file);
    }

    fn map(&self, change: impl Fn(&SourceFile) -> SourceFile) -> Self {
        let change = |file: &Result<SourceFile, String>| file.as_ref().map(&change).map_err(Clone::clone);
        Self { files: self.files.iter().map(|(name, file)| (name.clone(), change(file))).collect() }
    }

    /// What stands under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Result<SourceFile, String>> {
        self.files.get(name)
    }

    /// Every name with what stands under it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Result<SourceFile, String>)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// Those that could be read.
    pub fn readable(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.values().filter_map(|file| file.as_ref().ok())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_get_other_paths_with_what_they_include() {
        let mut profiles = Profiles::default();
        assert!(profiles.is_empty());
        profiles.add("profiles/a.toml", Ok(SourceFile::new("p/profiles/a.toml", "x")));
        profiles.add("profiles/b.toml", Err("why".to_owned()));
        assert_eq!((profiles.len(), profiles.is_empty()), (2, false));
        let profiles = Arc::new(profiles);
        let mut files = ["p/1.toml", "p/2.toml"].map(|path| SourceFile::new(path, "y").with(&profiles));
        SourceFile::rename(&mut files, |path| format!("old:{path}"));
        let [one, two] = &files;
        assert_eq!((one.path.as_str(), two.path.as_str()), ("old:p/1.toml", "old:p/2.toml"));
        assert!(Arc::ptr_eq(&one.profiles, &two.profiles));
        let found: Vec<(&str, Option<&str>)> = one
            .profiles
            .iter()
            .map(|(name, file)| (name, file.as_ref().ok().map(|file| file.path.as_str())))
            .collect();
        let wanted = [("profiles/a.toml", Some("old:p/profiles/a.toml")), ("profiles/b.toml", None)];
        assert_eq!(found, wanted);
    }
}
