//! Holds a bundle against its manifest, and the manifest against its signature.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::super::sum::Sum;
use super::manifest::{FORMAT, Manifest, read_signature};
use super::{BundleError, MANIFEST, SIGNATURE, cannot, names};
use crate::pseudonym::PublicKey;
use crate::visible::Visible;

/// The largest manifest: a hundred thousand files.
const LARGEST_MANIFEST: u64 = 32 << 20;
/// The longest signature's file.
const LARGEST_SIGNATURE: u64 = 1 << 10;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The manifest.
    pub manifest: Manifest,
    /// Whether a key that was given signed it.
    pub trusted: bool,
    /// What is wrong; empty: all is as it was made.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// There is no signature that can be read.
    Unsigned,
    /// The signature does not fit the manifest.
    Forged,
    /// It fits, under a key that was not given.
    OtherKey(PublicKey),
    /// A listed file is not there.
    Missing(String),
    /// A listed file is not as it was made.
    Changed(String),
    /// Something is there that is not listed.
    Unlisted(String),
}

impl Finding {
    /// One word for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Forged => "forged",
            Self::OtherKey(_) => "other-key",
            Self::Missing(_) => "missing",
            Self::Changed(_) => "changed",
            Self::Unlisted(_) => "unlisted",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => write!(f, "`{SIGNATURE}` is missing or is no signature"),
            Self::Forged => write!(f, "the signature does not fit `{MANIFEST}`: one of them was changed"),
            Self::OtherKey(key) => write!(f, "it is signed by another key than was given: {key}"),
            Self::Missing(name) => write!(f, "`{}` is missing", Visible(name)),
            Self::Changed(name) => write!(f, "`{}` is not as it was made", Visible(name)),
            Self::Unlisted(name) => write!(f, "`{}` does not belong to it", Visible(name)),
        }
    }
}

/// Verifies the bundle in a directory: the signature by one of the keys (by the key that the manifest names, if
/// none is given, which then says only that nothing broke), and every file.
///
/// # Errors
/// There is no manifest that can be read; what the system says.
pub fn verify(directory: &Path, keys: &[PublicKey]) -> Result<Verified, BundleError> {
    let path = directory.join(MANIFEST);
    let json = read(&path, LARGEST_MANIFEST)?;
    // The text of an error of serde could quote a value; its place does not.
    let manifest: Manifest = serde_json::from_slice(&json).map_err(|error| BundleError::Manifest {
        path: path.clone(),
        why: format!("line {}, column {}", error.line(), error.column()),
    })?;
    if manifest.tavs_extract != FORMAT {
        let why = format!("its format is {}, and {FORMAT} is known", manifest.tavs_extract);
        return Err(BundleError::Manifest { path, why });
    }
    let mut findings = Vec::new();
    let trusted = signature(directory, &json, &manifest, keys, &mut findings);
    files(directory, &manifest, &mut findings)?;
    Ok(Verified { manifest, trusted, findings })
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot("open", path))?;
    file.take(most).read_to_end(&mut bytes).map_err(cannot("read", path))?;
    Ok(bytes)
}

fn signature(
    directory: &Path,
    json: &[u8],
    manifest: &Manifest,
    keys: &[PublicKey],
    findings: &mut Vec<Finding>,
) -> bool {
    let text = read(&directory.join(SIGNATURE), LARGEST_SIGNATURE).unwrap_or_default();
    let Some((key, signature)) = std::str::from_utf8(&text).ok().and_then(read_signature) else {
        findings.push(Finding::Unsigned);
        return false;
    };
    if !key.verifies_extract(json, &signature) || key.to_string() != manifest.key {
        findings.push(Finding::Forged);
        return false;
    }
    let trusted = keys.contains(&key);
    if !trusted && !keys.is_empty() {
        findings.push(Finding::OtherKey(key));
    }
    trusted
}

fn files(directory: &Path, manifest: &Manifest, findings: &mut Vec<Finding>) -> Result<(), BundleError> {
    let mut listed: BTreeSet<&str> = [MANIFEST, SIGNATURE].into();
    for file in &manifest.files {
        // A name leads nowhere else, whoever wrote the manifest.
        let is_plain = !file.name.contains('/') && file.name != "..";
        if !is_plain || !listed.insert(&file.name) {
            findings.push(Finding::Changed(file.name.clone()));
            continue;
        }
        let path = directory.join(&file.name);
        // A link could lead out of the directory, and of a pipe no end may come.
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() && found.len() == file.bytes => {
                let opened = File::open(&path).map_err(cannot("open", &path))?;
                let found = Sum::of(opened).map_err(cannot("read", &path))?.listed(file.name.clone());
                if found != *file {
                    findings.push(Finding::Changed(file.name.clone()));
                }
            }
            Ok(_) => findings.push(Finding::Changed(file.name.clone())),
            Err(_) => findings.push(Finding::Missing(file.name.clone())),
        }
    }
    let unlisted = names(directory)?.into_iter().filter(|name| !listed.contains(name.as_str()));
    findings.extend(unlisted.map(Finding::Unlisted));
    Ok(())
}
