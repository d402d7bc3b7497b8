//! An act's record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Subject, bytes_of_hex, read_time, write_time_exactly};
use crate::ids::PolicyVersion;
use crate::ledger::note::{Act, ActKind, Changed, MAX_WHO, MAX_WHY};
use crate::store::RightKind;

/// A record without its sequence number, in the order of the document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Body<'a> {
    time: Cow<'a, str>,
    kind: Cow<'a, str>,
    what: Cow<'a, str>,
    begun: Option<bool>,
    who: Cow<'a, str>,
    why: Cow<'a, str>,
    subjects: Vec<Subject>,
    purpose: Option<Cow<'a, str>>,
    recipient: Option<Cow<'a, str>>,
    policy: Option<Cow<'a, str>>,
    change: Option<Change<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Change<'a> {
    number: u64,
    until: Option<Cow<'a, str>>,
}

/// The canonical bytes of an act, but for its number; `None` if it has none.
pub(super) fn encode(act: &Act) -> Option<Vec<u8>> {
    let fits = act.who.len() <= MAX_WHO && act.why.len() <= MAX_WHY;
    if !fits || act.change.is_some() && !is_change(act) {
        return None;
    }
    let change = match act.change {
        Some(Changed { number, until: None }) => Some(Change { number, until: None }),
        Some(Changed { number, until: Some(until) }) => {
            Some(Change { number, until: Some(Cow::Owned(write_time_exactly(until)?)) })
        }
        None => None,
    };
    let body = Body {
        time: Cow::Owned(write_time_exactly(act.unix_millis)?),
        kind: Cow::Borrowed(act.kind.word()),
        what: Cow::Borrowed(&act.what),
        begun: act.begun,
        who: Cow::Borrowed(&act.who),
        why: Cow::Borrowed(&act.why),
        subjects: act.subjects.iter().copied().map(Subject).collect(),
        purpose: act.purpose.as_deref().map(Cow::Borrowed),
        recipient: act.recipient.as_deref().map(Cow::Borrowed),
        policy: act.policy.map(|policy| Cow::Owned(policy.to_string())),
        change,
    };
    serde_json::to_vec(&body).ok()
}

/// Whether an act has all that a change of the registry is put back from: of whom first, and of an erasure
/// all ids that were known as the person's.
fn is_change(act: &Act) -> bool {
    let erasure = act.what == RightKind::Erasure.word();
    act.kind == ActKind::Registry
        && RightKind::of_word(&act.what).is_some()
        && act.begun.is_some()
        && (act.subjects.len() == 1 || erasure && !act.subjects.is_empty())
}

/// Reads what [`encode`] wrote; the caller holds it against that.
pub(super) fn decode(encoded: &[u8]) -> Option<Act> {
    let body: Body<'_> = serde_json::from_slice(encoded).ok()?;
    let change = match body.change {
        Some(Change { number, until: None }) => Some(Changed { number, until: None }),
        Some(Change { number, until: Some(until) }) => {
            Some(Changed { number, until: Some(read_time(&until)?) })
        }
        None => None,
    };
    let policy = match body.policy {
        Some(digits) => Some(PolicyVersion(bytes_of_hex(&digits)?)),
        None => None,
    };
    Some(Act {
        unix_millis: read_time(&body.time)?,
        kind: ActKind::ALL.into_iter().find(|kind| kind.word() == body.kind)?,
        what: Cow::Owned(body.what.into_owned()),
        begun: body.begun,
        who: body.who.into_owned(),
        why: body.why.into_owned(),
        subjects: body.subjects.into_iter().map(|Subject(id)| id).collect(),
        purpose: body.purpose.map(Cow::into_owned),
        recipient: body.recipient.map(Cow::into_owned),
        policy,
        change,
    })
}
