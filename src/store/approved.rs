//! The set of policies that officers have approved last, with its texts: what a new set is held
//! against.
//!
//! Kept among the store's own facts, for there is one of each. It cannot be rebuilt: the ledger has
//! who approved which versions, not their texts.

use rusqlite::OptionalExtension as _;
use serde::{Deserialize, Serialize};

use super::connect::Durability;
use super::error::StoreError;
use super::{Store, sql};
use crate::ids::PolicySetVersion;

const DOING: &str = "keep the approved policies";
/// The name of the deployment's id.
const DEPLOYMENT: &str = "deployment";
/// The name of the approved set.
const APPROVED: &str = "approved-policies";

/// An approved set of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedSet {
    /// The serial number of its approval.
    pub serial: u64,
    /// Which set.
    pub version: PolicySetVersion,
    /// Who approved it.
    pub who: String,
    /// Path and text of each of its files.
    pub files: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    serial: u64,
    version: String,
    who: String,
    files: Vec<(String, String)>,
}

impl Store {
    /// This deployment's id: `given` if it has none yet.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn deployment(&self, given: [u8; 16]) -> Result<String, StoreError> {
        let given = data_encoding::HEXLOWER.encode(&given);
        self.connections.write(Durability::Synced, DOING, |t| {
            t.prepare_cached(sql::PUT_META_ONCE)?.execute((DEPLOYMENT, &given))?;
            t.prepare_cached(sql::META)?.query_row((DEPLOYMENT,), |row| row.get(0))
        })
    }

    /// The set that was approved last.
    ///
    /// # Errors
    /// When the store cannot be read, or what it has is not understood.
    pub fn approved(&self) -> Result<Option<ApprovedSet>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut statement = c.prepare_cached(sql::META)?;
            let text: Option<String> = statement.query_row((APPROVED,), |row| row.get(0)).optional()?;
            // What is not understood is not read as none: every set would then be the first.
            text.map(|text| read(&text).ok_or_else(not_understood)).transpose()
        })
    }

    /// Keeps a newly approved set. On disk when this returns.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn put_approved(&self, set: &ApprovedSet) -> Result<(), StoreError> {
        let ApprovedSet { serial, version, who, files } = set.clone();
        let kept = Kept { serial, version: version.to_string(), who, files };
        self.connections.write(Durability::Synced, DOING, |t| {
            let text = serde_json::to_string(&kept).map_err(|_error| not_understood())?;
            t.prepare_cached(sql::PUT_META)?.execute((APPROVED, &text)).map(drop)
        })
    }
}

fn read(text: &str) -> Option<ApprovedSet> {
    let Kept { serial, version, who, files } = serde_json::from_str(text).ok()?;
    Some(ApprovedSet { serial, version: PolicySetVersion::parse(&version)?, who, files })
}

fn not_understood() -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, "value".to_owned(), rusqlite::types::Type::Text)
}
