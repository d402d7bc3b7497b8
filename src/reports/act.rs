//! What officers and operators did, as reports show it.

use serde::Serialize;

use super::recipient::plain;
use super::text::{self, Text};
use super::time;
use crate::store::{Act, Millis};

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActEntry {
    /// The number of its ledger record.
    pub record: u64,
    /// When.
    #[serde(serialize_with = "time::rfc3339")]
    pub at: Millis,
    /// Which sort: `registry`, `lookup`, `key`, `operation`.
    pub kind: String,
    /// What was done, the record's word.
    pub what: String,
    /// Whether something was begun or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun: Option<bool>,
    /// Who did it; left out where the reader has no claim to know (C-579/21).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why, in their words.
    pub why: String,
    /// About how many persons' ids.
    pub subjects: usize,
    /// For which purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// About which recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

impl ActEntry {
    pub(super) fn new(act: Act, names_staff: bool) -> Self {
        Self {
            record: act.sequence,
            at: act.at,
            kind: act.kind,
            what: act.what,
            begun: act.begun,
            who: names_staff.then_some(act.who),
            why: act.why,
            subjects: act.subjects.len(),
            purpose: act.purpose,
            recipient: act.recipient,
        }
    }

    /// What was done, in words.
    pub(super) fn words(&self, text: &Text) -> String {
        let what = what(&self.kind, &self.what, self.begun, text);
        match &self.recipient {
            Some(recipient) => format!("{what} ({recipient})"),
            None => what,
        }
    }
}

/// `Samtykke (artikel 7): givet`; `indsigtsrapport`.
pub(super) fn what(kind: &str, what: &str, begun: Option<bool>, text: &Text) -> String {
    if kind == "registry"
        && let Some(right) = text::known(text.words.rights, what)
    {
        let turn = begun.map(|begun| if begun { text.words.begun } else { text.words.ended });
        return match turn.and_then(|turn| text::known(turn, what)) {
            Some(turn) => format!("{right}: {turn}"),
            None => right.to_owned(),
        };
    }
    text::known(text.words.acts, what).map_or_else(|| plain(what), str::to_owned)
}
