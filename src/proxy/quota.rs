//! How many different people a recipient may be told about in 24 hours.
//!
//! Reserved before a disclosure is recorded, so that exchanges at the same time cannot pass the
//! limit together. Outlives reloads; a restart begins anew (the ledger has the history).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ids::{RecipientId, SubjectId};

/// The window, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// For each recipient, when it was last told about whom. At most as many subjects as its quota.
#[derive(Debug, Default)]
pub(super) struct SubjectQuotas {
    seen: Mutex<HashMap<RecipientId, HashMap<SubjectId, u64>>>,
}

impl SubjectQuotas {
    /// Reserves what telling `recipient` about `subjects` needs of `most`, all or nothing.
    /// Subjects that it was told about within the last day are not counted again.
    pub(super) fn reserve(
        &self,
        recipient: &RecipientId,
        subjects: &[SubjectId],
        most: u32,
        now: u64,
    ) -> Result<(), Exceeded> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(recipient.clone()).or_default();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // Those of more than a day ago are looked for only when they matter: the lock is shared.
        if !fits(known, subjects, most) {
            known.retain(|_, told| now.saturating_sub(*told) < DAY);
            if !fits(known, subjects, most) {
                return Err(Exceeded);
            }
        }
        known.extend(subjects.iter().map(|subject| (*subject, now)));
        Ok(())
    }
}

fn fits(known: &HashMap<SubjectId, u64>, subjects: &[SubjectId], most: usize) -> bool {
    let new = subjects.iter().filter(|subject| !known.contains_key(subject)).count();
    known.len().saturating_add(new) <= most
}

/// More different subjects than the policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exceeded;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_count_once_a_day_and_all_or_nothing() {
        let quotas = SubjectQuotas::default();
        let (a, b) = (RecipientId::new("a"), RecipientId::new("b"));
        let subject = |number| SubjectId([number; 16]);
        assert_eq!(quotas.reserve(&a, &[subject(1), subject(2)], 3, 0), Ok(()));
        assert_eq!(quotas.reserve(&a, &[subject(2), subject(3)], 3, 10), Ok(()));
        assert_eq!(quotas.reserve(&a, &[subject(4)], 3, 20), Err(Exceeded));
        assert_eq!(quotas.reserve(&a, &[subject(3), subject(1)], 3, 30), Ok(()));
        assert_eq!(quotas.reserve(&b, &[subject(4)], 3, 30), Ok(()));
        // Subject 2 was last told about at 10.
        assert_eq!(quotas.reserve(&a, &[subject(4)], 3, DAY + 9), Err(Exceeded));
        assert_eq!(quotas.reserve(&a, &[subject(4)], 3, DAY + 10), Ok(()));
    }
}
