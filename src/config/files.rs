//! The folder of policies.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::profiles::read_profiles;
use super::{Config, Findings};
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{self, SourceFile};

/// The largest policy file, in bytes: the longest known has 20 KiB.
pub(crate) const LARGEST_POLICY: u64 = 1 << 20;

/// What stands in the folder of policies.
#[derive(Debug, Default)]
pub struct PolicyFiles {
    /// Every `*.toml`, in the order of names; profiles and tests in folders below are not
    /// policies.
    pub files: Vec<SourceFile>,
    /// What could not be read.
    pub findings: Vec<Diagnostic>,
}

/// Reads every policy file of the configured folder.
#[must_use]
pub fn read_policies(config: &Config) -> PolicyFiles {
    let folder = &config.policies;
    let mut found = PolicyFiles::default();
    let paths = match policy_paths(&folder.value) {
        Ok(paths) => paths,
        Err(error) => {
            let message = format!("cannot read the folder `{}`: {error}", folder.value.display());
            found.findings.push(config.fault(&codes::FILE_UNREADABLE, folder, message));
            return found;
        }
    };
    if paths.is_empty() {
        let message = format!("there is no policy in `{}`", folder.value.display());
        found.findings.push(config.fault(&codes::NO_POLICY, folder, message));
    }
    let profiles = read_profiles(&folder.value);
    for path in paths {
        let name = path.display().to_string();
        match read_text(&path) {
            Ok(text) => found.files.push(SourceFile::new(name, text).with(&profiles)),
            Err(error) => found.findings.push(unreadable(&path, &error)),
        }
    }
    found
}

/// The pseudonymisation domains that a folder's policies name, whatever else is wrong with them:
/// keys are made before a policy is complete.
///
/// # Errors
/// Every policy that cannot be read or names no domain.
pub fn policy_domains(folder: &Path) -> Result<BTreeSet<String>, Findings> {
    let mut domains = BTreeSet::new();
    let mut findings = Findings::default();
    let paths = policy_paths(folder).unwrap_or_else(|error| {
        findings.diagnostics.push(unreadable(folder, &TextError::Io(error)));
        Vec::new()
    });
    for path in paths {
        let file = match read_text(&path) {
            Ok(text) => SourceFile::new(path.display().to_string(), text),
            Err(error) => {
                findings.diagnostics.push(unreadable(&path, &error));
                continue;
            }
        };
        let reading = syntax::read(&file, |mut root| {
            let pseudonyms = root.required_table("pseudonyms", "domain = \"…\"");
            pseudonyms.and_then(|mut table| table.required_str("domain", "\"…\""))
        });
        domains.extend(reading.value.map(|domain| domain.value));
        if reading.diagnostics.iter().any(Diagnostic::is_error) {
            findings.diagnostics.extend(reading.diagnostics);
            findings.files.push(file);
        }
    }
    if findings.has_errors() { Err(findings) } else { Ok(domains) }
}

/// Every policy file of a folder.
///
/// # Errors
/// What the system says of the folder.
pub fn policy_paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "toml") && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Why a policy or a profile cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    /// What the system says.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A folder, a pipe or a device.
    #[error("it is no file")]
    NoFile,
    /// Larger than any policy that somebody could read.
    #[error("it has {size} bytes, and a policy has at most {LARGEST_POLICY}")]
    TooLarge {
        /// How large.
        size: u64,
    },
    /// Not UTF-8.
    #[error("line {line} is not UTF-8")]
    NotText {
        /// Its first line that is not.
        line: usize,
    },
}

impl TextError {
    const fn help(&self) -> &'static str {
        match self {
            Self::Io(_) => "let the user that runs tavs read it",
            Self::NoFile => "put the text itself there, or take the name away",
            Self::TooLarge { .. } => {
                "put the shapes that several policies use into `profiles/`, or one recipient into each file"
            }
            Self::NotText { .. } => {
                "save it as UTF-8, such as by `iconv -f ISO-8859-1 -t UTF-8`: `æ`, `ø` and `å` are two bytes each"
            }
        }
    }
}

/// A file that cannot be read, with the mend.
pub(crate) fn unreadable(path: &Path, error: &TextError) -> Diagnostic {
    let name = path.display().to_string();
    let message = format!("cannot read `{name}`: {error}");
    Diagnostic::new(&codes::FILE_UNREADABLE, &name, 0..0, message, "").help(error.help())
}

/// Reads a policy or a profile.
///
/// # Errors
/// What the system says; that it is no file, too large, or not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, TextError> {
    let found = std::fs::metadata(path)?;
    // Of a pipe or a device no end may come.
    if !found.is_file() {
        return Err(TextError::NoFile);
    }
    let mut bytes = Vec::new();
    // One byte more than may be: it may have grown since.
    std::fs::File::open(path)?.take(LARGEST_POLICY.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_POLICY {
        return Err(TextError::TooLarge { size: found.len() });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = memchr::memchr_iter(b'\n', error.as_bytes().get(..good).unwrap_or_default()).count();
        TextError::NotText { line: before.saturating_add(1) }
    })
}

/// SECURITY: findings show lines of the file, and those of a key ring are secrets.
pub(crate) fn is_key_ring(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("[[secret]]"))
}

impl PolicyFiles {
    /// As findings, together with the diagnostics of a check.
    #[must_use]
    pub fn into_findings(self, config: &Config, checked: Vec<Diagnostic>) -> Findings {
        let mut files = self.files;
        files.push(config.source.clone());
        let mut diagnostics = self.findings;
        diagnostics.extend(checked);
        Findings { diagnostics, files }
    }
}
