//! The rights of one person, and whether they hold a disclosure back.

use crate::store::{Change, RightKind};

/// Who would receive what for, and when.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The recipient's id.
    pub recipient: &'a str,
    /// The policy's purpose.
    pub purpose: &'a str,
    /// Whether the policy wants each subject's consent.
    pub consent_required: bool,
    /// Milliseconds since the Unix epoch.
    pub now: u64,
}

/// What a person's registry entries come to.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// The latest change of each kind, purpose and recipient.
    entries: Vec<Entry>,
    erased: bool,
}

#[derive(Debug)]
struct Entry {
    kind: RightKind,
    purpose: Option<String>,
    recipient: Option<String>,
    begun: bool,
    until: Option<u64>,
    /// The change's number: of two persons that turn out to be one, the later change holds.
    number: u64,
}

impl Rights {
    /// Erased for good (GDPR art. 17): no later change lifts it.
    pub(super) fn erase(&mut self) {
        self.erased = true;
    }

    pub(super) fn apply(&mut self, change: &Change) {
        let new = &change.change;
        self.erased |= new.kind == RightKind::Erasure;
        self.put(Entry {
            kind: new.kind,
            purpose: new.purpose.clone(),
            recipient: new.recipient.clone(),
            begun: new.begun,
            until: new.until,
            number: change.number,
        });
    }

    /// The rights of the same person under another id.
    pub(super) fn join(&mut self, other: Self) {
        self.erased |= other.erased;
        other.entries.into_iter().for_each(|entry| self.put(entry));
    }

    fn put(&mut self, entry: Entry) {
        let same = |known: &&mut Entry| {
            known.kind == entry.kind && known.purpose == entry.purpose && known.recipient == entry.recipient
        };
        match self.entries.iter_mut().find(same) {
            Some(known) if known.number > entry.number => {}
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    /// Whether the person's data must stay.
    pub(super) fn withhold(&self, case: &Circumstances<'_>) -> bool {
        let holds = |entry: &&Entry| entry.begun && entry.until.is_none_or(|until| case.now < until);
        let mut holding = self.entries.iter().filter(holds);
        let consented = || {
            let mut holding = self.entries.iter().filter(holds);
            holding
                .any(|entry| entry.kind == RightKind::Consent && of(entry.purpose.as_deref(), case.purpose))
        };
        self.erased
            || holding.any(|entry| match entry.kind {
                RightKind::Restriction | RightKind::Erasure => true,
                RightKind::Objection => of(entry.purpose.as_deref(), case.purpose),
                RightKind::Frabedt => of(entry.recipient.as_deref(), case.recipient),
                RightKind::Consent => false,
            })
            || case.consent_required && !consented()
    }
}

/// What names nothing is about everything.
fn of(named: Option<&str>, actual: &str) -> bool {
    named.is_none_or(|named| named == actual)
}
