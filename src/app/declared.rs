//! What the ledger must say of keys and officers before they serve: which secret of the ring is in which
//! state, and whose signature counts, since when, by whom and why. Never a secret, nor a key.
//!
//! A ring is changed by `tavs keys` without the ledger at hand, by a restored backup, or by hand. So what
//! is there is held against what is on record, whenever a configuration is read, and each difference
//! becomes an act.

use std::collections::BTreeMap;
use std::time::Duration;

use super::noted::NoteError;
use crate::ledger::{Act, ActKind, Note};
use crate::officer::{self, SigningOfficer, SigningRole};
use crate::proxy::Records;
use crate::pseudonym::{KeyRing, Said};

/// What one key, or one officer, is declared to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// `domain sms-reminders version 2`, `officer anna`.
    label: String,
    /// `active from 2026-12-01T02:00:00Z`, `closed`.
    state: String,
    said: Said,
}

/// A key or officer that was on record and is not there any more.
const GONE: &str = "gone";
/// Between label and state, in the reason of an act.
const IS: &str = " is ";
/// Between state and reason.
const SAID: &str = ": ";
/// Who changed what does not say who changed it.
const NOBODY: &str = "configuration";
/// The index is behind by some milliseconds.
const CATCH_UP: Duration = Duration::from_secs(10);

/// Of a ring and its officers.
pub(super) fn of(ring: &KeyRing, officers: &[SigningOfficer]) -> Vec<Declared> {
    let key = |one: &crate::pseudonym::KeyVersion| Declared {
        label: one.label(),
        state: one.state(),
        // By hand, anything can stand there.
        said: officer::recordable(&one.said).unwrap_or_default(),
    };
    let officer = |one: &SigningOfficer| {
        let word = |role: &SigningRole| SigningRole::WORDS.iter().find(|(_, other)| other == role);
        let roles: Vec<&str> = one.roles.iter().filter_map(word).map(|(word, _)| *word).collect();
        let state = format!("known by key {} as {}", one.key.fingerprint(), roles.join(", "));
        Declared { label: format!("officer {}", one.name), state, said: Said::default() }
    };
    ring.versions().iter().map(key).chain(officers.iter().map(officer)).collect()
}

/// Puts on record what is not yet, before it serves.
///
/// # Errors
/// When it cannot be recorded; the state must not serve then.
pub(super) async fn note(records: &Records, declared: &[Declared]) -> Result<(), NoteError> {
    let Records { ledger, store, indexer, clock, .. } = records;
    // Behind, it may be noted twice: that says the same.
    let on_record = tokio::task::block_in_place(|| {
        let _behind = indexer.catch_up(CATCH_UP);
        store.acts_of_kind(ActKind::Key.word())
    })?;
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for act in &on_record {
        if let Some((label, state)) = act.why.split_once(IS) {
            known.insert(label, state.split_once(SAID).map_or(state, |(state, _)| state));
        }
    }
    let gone = known
        .iter()
        .filter(|(label, state)| **state != GONE && !declared.iter().any(|one| one.label == **label));
    let gone = gone.map(|(label, _)| Declared {
        label: (*label).to_owned(),
        state: GONE.to_owned(),
        said: Said::default(),
    });
    let new = declared.iter().filter(|one| known.get(one.label.as_str()) != Some(&one.state.as_str()));
    let new: Vec<Declared> = new.cloned().chain(gone).collect();
    let note = |one: &Declared| {
        let before = known.get(one.label.as_str()).copied();
        Note::Act(act_of(one, before, clock.unix_millis()))
    };
    let notes: Vec<Note> = new.iter().map(note).collect();
    for (one, noted) in new.into_iter().zip(ledger.note_all(&notes).await) {
        noted.map_err(|error| NoteError::Ledger { what: one.label.clone(), error })?;
        tracing::info!(key = one.label, state = one.state, "a change of keys or officers is on record");
    }
    Ok(())
}

fn act_of(one: &Declared, before: Option<&str>, now: u64) -> Act {
    let Declared { label, state, said } = one;
    let why = said.why.as_ref().map_or_else(String::new, |why| format!("{SAID}{why}"));
    Act {
        unix_millis: now,
        kind: ActKind::Key,
        what: what(label, state, before).into(),
        begun: None,
        who: said.who.clone().unwrap_or_else(|| NOBODY.to_owned()),
        why: format!("{label}{IS}{state}{why}"),
        subjects: Vec::new(),
        purpose: None,
        recipient: None,
        policy: None,
        change: None,
    }
}

/// The word of the act.
fn what(label: &str, state: &str, before: Option<&str>) -> &'static str {
    let ended = |state: &str| state == "closed" || state == "destroyed" || state == GONE;
    match (state, before) {
        (GONE, _) => "remove",
        _ if label.starts_with("officer ") => "officer",
        ("closed", Some("destroyed")) => "restore",
        ("closed", _) => "close",
        ("destroyed", _) => "destroy",
        (_, Some(before)) if ended(before) => "restore",
        (active, _) if active.starts_with("active from ") => "rotate",
        _ => "new",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_the_word_of_the_command_that_made_it() {
        let key = "domain sms version 2";
        for (label, state, before, wanted) in [
            ("domain sms version 1", "active", None, "new"),
            (key, "active from 2026-12-01T02:00:00Z", None, "rotate"),
            (key, "closed", Some("active"), "close"),
            (key, "destroyed", Some("closed"), "destroy"),
            (key, "active", Some("closed"), "restore"),
            (key, "closed", Some("destroyed"), "restore"),
            (key, "active", Some("gone"), "restore"),
            (key, "gone", Some("active"), "remove"),
            ("officer anna", "known by key abc as policy-approver", None, "officer"),
            ("officer anna", "gone", Some("known by key abc as policy-approver"), "remove"),
        ] {
            assert_eq!(what(label, state, before), wanted, "{label} {state} {before:?}");
        }
    }
}
