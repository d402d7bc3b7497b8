//! A checkpoint: a signed line that says how far a log had come, and with which hash.
//!
//! The chain shows any change inside a ledger; that its end was cut off, or that the whole of it was
//! written anew, shows only against a checkpoint kept elsewhere. A checkpoint covers every record
//! before it, so the newest one is enough.

mod keeper;
#[cfg(test)]
pub(super) mod tests;

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

pub use self::keeper::{Keeper, Keeping, MAX_ANCHOR_AGE};
pub(super) use self::keeper::{append, open};
use super::canonical::{bytes_of_hex, read_time, write_time};
use super::segment::Hash;
use crate::pseudonym::{CheckpointKey, PublicKey, Signature};
use crate::store::Log;

/// The format that this tavs writes and reads.
const FORMAT: u64 = 1;
/// The file of a ledger's directory that holds them.
pub(super) const FILE: &str = "checkpoints";
/// Bytes of a signature and a space.
const SIGNATURE_LEN: usize = 129;
/// What the JSON begins with.
const BEGIN: &[u8] = b"{\"tavs-checkpoint\":";
/// More bytes than a line can have: a name of a node has 64 at most.
pub(super) const MAX_LINE: usize = 1024;

/// What a checkpoint says of the records up to its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// They are in the ledger.
    Reached,
    /// They were in it, and were retired with their segments.
    Retired,
}

/// How far a log had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it says.
    pub says: Says,
    /// Of which log.
    pub log: Log,
    /// By which node.
    pub node: String,
    /// The number of the last record.
    pub sequence: u64,
    /// The hash that the record's line begins with.
    pub hash: Hash,
    /// When it was signed, in milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// The public key of its signature: tells apart the checkpoints of two key rings.
    pub key: PublicKey,
}

/// The order is that of the document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Body<'a> {
    tavs_checkpoint: u64,
    says: Cow<'a, str>,
    log: Cow<'a, str>,
    node: Cow<'a, str>,
    seq: u64,
    hash: Cow<'a, str>,
    time: Cow<'a, str>,
    key: Cow<'a, str>,
}

/// What a line of a file of checkpoints holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A checkpoint, signed by the key that it names.
    Good(Checkpoint),
    /// One whose signature does not fit.
    Forged,
    /// One of a newer tavs.
    Newer,
    /// Something that begins like one.
    Unreadable,
}

impl Says {
    const fn word(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Retired => "retired",
        }
    }
}

impl Checkpoint {
    /// The line, without its line feed: `signature SP json`. `None` cannot happen with a whole key.
    #[must_use]
    pub fn sign(&self, key: &CheckpointKey) -> Option<String> {
        let json = self.json()?;
        let signature = key.sign(json.as_bytes())?;
        Some(format!("{} {json}", HEXLOWER.encode(&signature)))
    }

    fn json(&self) -> Option<String> {
        let body = Body {
            tavs_checkpoint: FORMAT,
            says: Cow::Borrowed(self.says.word()),
            log: Cow::Owned(HEXLOWER.encode(&self.log)),
            node: Cow::Borrowed(&self.node),
            seq: self.sequence,
            hash: Cow::Owned(HEXLOWER.encode(&self.hash)),
            time: Cow::Owned(write_time(self.unix_millis)),
            key: Cow::Owned(self.key.to_string()),
        };
        serde_json::to_string(&body).ok()
    }

    fn parse(json: &[u8]) -> Option<Self> {
        let body: Body<'_> = serde_json::from_slice(json).ok()?;
        let says = [Says::Reached, Says::Retired].into_iter().find(|says| says.word() == body.says)?;
        let checkpoint = Self {
            says,
            log: bytes_of_hex(&body.log)?,
            node: body.node.into_owned(),
            sequence: body.seq,
            hash: bytes_of_hex(&body.hash)?,
            unix_millis: read_time(&body.time)?,
            key: PublicKey::parse(&body.key)?,
        };
        (checkpoint.json()?.as_bytes() == json).then_some(checkpoint)
    }
}

/// Reads the checkpoint of a line, which may hold more around it: what a syslog daemon or a web
/// server put before and after. `None` if there is none.
#[must_use]
pub fn find(line: &[u8]) -> Option<Line> {
    let begin = line.windows(BEGIN.len()).rposition(|window| window == BEGIN)?;
    let json = line.get(begin..)?;
    let Some(end) = json.iter().position(|byte| *byte == b'}') else { return Some(Line::Unreadable) };
    let json = json.get(..=end)?;
    if is_newer(json) {
        return Some(Line::Newer);
    }
    let signature = begin
        .checked_sub(SIGNATURE_LEN)
        .and_then(|start| line.get(start..begin))
        .and_then(|text| text.strip_suffix(b" "))
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(bytes_of_hex::<64>);
    let (Some(signature), Some(checkpoint)) = (signature, Checkpoint::parse(json)) else {
        return Some(Line::Unreadable);
    };
    let signature: Signature = signature;
    Some(if checkpoint.key.verifies(json, &signature) { Line::Good(checkpoint) } else { Line::Forged })
}

fn is_newer(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Format {
        tavs_checkpoint: u64,
    }
    serde_json::from_slice::<Format>(json).is_ok_and(|format| format.tavs_checkpoint > FORMAT)
}
