//! The manifest: every file with its SHA-256, from which policy it was made and how, signed.

use std::fs::File;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::super::sum::Sum;
use super::{Bundle, BundleError, cannot};
use crate::pseudonym::{PublicKey, Signature};

/// The format that this tavs writes and reads.
pub(super) const FORMAT: u32 = 1;
/// What the line of a signature begins with.
const SIGNATURE_WORD: &str = "tavs-extract-signature-1";

/// What an extract is, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// The format's version.
    pub tavs_extract: u32,
    /// The extract's id.
    pub extract: String,
    /// When it was made (RFC 3339).
    pub made: String,
    /// The recipient's id.
    pub recipient: String,
    /// The purpose's id.
    pub purpose: String,
    /// The pseudonymisation domain: pseudonyms of extracts of one domain can be compared.
    pub domain: String,
    /// From which policy.
    pub policy: PolicyFile,
    /// The form of the data files.
    pub form: Form,
    /// Whether rows are sorted by their key.
    pub sorted: bool,
    /// What disclosure control examined; `null`: nothing.
    pub protection: Option<Protection>,
    /// What was counted.
    pub counts: Counts,
    /// The tables.
    pub tables: Vec<ManifestTable>,
    /// The extract that `deleted.csv` compares with.
    pub previous: Option<String>,
    /// The public key of the signature.
    pub key: String,
    /// Every file but this one and its signature.
    pub files: Vec<Listed>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PolicyFile {
    /// Its file's name.
    pub file: String,
    /// Its version: a SHA-256.
    pub version: String,
}

/// The form of data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// One JSON object a line.
    Ndjson,
    /// `;` between values, a comma before decimals, a byte order mark.
    CsvDanish,
    /// `,` between values, a point before decimals.
    CsvInternational,
    /// Typed columns.
    Parquet,
}

/// What disclosure control did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Protection {
    /// Persons who share each combination of quasi-identifiers, at least.
    pub k: u32,
    /// Rows that were suppressed for it.
    pub rows_suppressed: u64,
    /// Columns that were made coarser for it: `table.column: step = 5`.
    pub coarser: Vec<String>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Counts {
    /// Records that left, before disclosure control.
    pub records: u64,
    /// Persons whom the records are about.
    pub persons: u64,
    /// Lines and documents of the input that could not be rewritten, and were passed over.
    pub skipped: u64,
}

/// A table of the extract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ManifestTable {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// The columns that hold pseudonyms which link rows.
    pub keys: Vec<String>,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    pub(super) fn of(bundle: &Bundle, files: Vec<Listed>, key: PublicKey) -> Self {
        let Bundle { extract, made, recipient, purpose, domain, policy, previous, protection, .. } =
            bundle.clone();
        let tables = bundle.codebook.tables.iter().map(|table| ManifestTable {
            name: table.name.clone(),
            file: table.file.clone(),
            rows: table.rows,
            keys: table.columns.iter().filter(|one| one.key).map(|one| one.name.clone()).collect(),
        });
        Self {
            tavs_extract: FORMAT,
            extract,
            made,
            recipient: recipient.0,
            purpose,
            domain,
            policy,
            form: bundle.form,
            sorted: bundle.sorted,
            protection,
            counts: bundle.counts,
            tables: tables.collect(),
            previous,
            key: key.to_string(),
            files,
        }
    }

    pub(super) fn json(&self) -> Result<String, BundleError> {
        let json = serde_json::to_string_pretty(self).map_err(|_never| BundleError::Coding)?;
        Ok(json + "\n")
    }
}

/// `tavs-extract-signature-1 KEY SIGNATURE`.
pub(super) fn signature_line(key: &PublicKey, signature: &Signature) -> String {
    format!("{SIGNATURE_WORD} {key} {}\n", HEXLOWER.encode(signature))
}

/// Reads such a line.
pub(super) fn read_signature(text: &str) -> Option<(PublicKey, Signature)> {
    let mut words = text.strip_suffix('\n')?.split(' ');
    let (word, key, signature, end) = (words.next()?, words.next()?, words.next()?, words.next());
    let signature = HEXLOWER.decode(signature.as_bytes()).ok()?.try_into().ok()?;
    (word == SIGNATURE_WORD && end.is_none()).then_some((PublicKey::parse(key)?, signature))
}

/// A file as the manifest lists it; synced before, whoever wrote it.
pub(in crate::extract) fn list(directory: &Path, name: String) -> Result<Listed, BundleError> {
    let path = directory.join(&name);
    let file = File::open(&path).map_err(cannot("open", &path))?;
    file.sync_all().map_err(cannot("sync", &path))?;
    let sum = Sum::of(file).map_err(cannot("read", &path))?;
    Ok(sum.listed(name))
}
