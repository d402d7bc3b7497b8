//! The answers, as JSON.

use std::collections::BTreeSet;

use serde::Serialize;

use super::problem::{INTERNAL, Problem};
use super::registrar::Entered;
use crate::store::Volume;

/// An answer; a problem document where the status says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The status code.
    pub status: u16,
    /// What the content is.
    pub media_type: &'static str,
    /// The content.
    pub body: Vec<u8>,
}

impl Told {
    /// What was asked for.
    pub(super) fn good<T: Serialize>(answer: &T) -> Result<Self, Problem> {
        let body = serde_json::to_vec(answer).map_err(|_unwritable| Problem::new(&INTERNAL, ""))?;
        Ok(Self { status: 200, media_type: "application/json", body })
    }
}

impl From<Problem> for Told {
    fn from(problem: Problem) -> Self {
        Self { status: problem.kind().status(), media_type: Problem::MEDIA_TYPE, body: problem.document() }
    }
}

/// Changes, in the order in which they were asked for.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    changes: Vec<ChangedOne>,
    /// Recipients that must be told of them; null where the index is too far behind to know.
    to_tell: Option<BTreeSet<String>>,
}

/// How many notices were acknowledged.
#[derive(Debug, Serialize)]
pub(super) struct AcknowledgedTold {
    pub(super) acknowledged: usize,
}

#[derive(Debug, Serialize)]
struct ChangedOne {
    change: u64,
    record: u64,
}

impl Changed {
    pub(super) fn new(entered: &[Entered], to_tell: Option<BTreeSet<String>>) -> Self {
        let one = |one: &Entered| ChangedOne { change: one.change, record: one.record };
        Self { changes: entered.iter().map(one).collect(), to_tell }
    }
}

/// An alias; without a record it was known before.
#[derive(Debug, Serialize)]
pub(super) struct Tied {
    pub(super) record: Option<u64>,
}

/// The number of the record.
#[derive(Debug, Serialize)]
pub(super) struct RecordTold {
    pub(super) record: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Health {
    pub(super) ready: bool,
    pub(super) reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Reloaded {
    pub(super) reloaded: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Volumes {
    pub(super) volumes: Vec<VolumeTold>,
}

#[derive(Debug, Serialize)]
pub(super) struct VolumeTold {
    recipient: String,
    kind: String,
    outcome: String,
    exchanges: u64,
    bytes: u64,
    subjects: u64,
    records: u64,
    records_withheld: u64,
    withheld: u64,
    unfit: u64,
    cpr_in_text: u64,
}

impl From<Volume> for VolumeTold {
    fn from(volume: Volume) -> Self {
        Self {
            recipient: volume.recipient,
            kind: volume.kind,
            outcome: volume.outcome,
            exchanges: volume.exchanges,
            bytes: volume.bytes,
            subjects: volume.subjects,
            records: volume.records,
            records_withheld: volume.records_withheld,
            withheld: volume.withheld,
            unfit: volume.unfit,
            cpr_in_text: volume.cpr_in_text,
        }
    }
}
