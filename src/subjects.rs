//! Who is who, and whose data may leave: aliases and the registry of rights, mirrored in memory.
//!
//! Stands beside the rewriter, which asks about each subject of a body (G8). The store is the truth;
//! a change is put there first and applied here before the next exchange looks. What must never
//! happen here: a subject id tied to a person by guess; a right that holds in the store and not here.

mod rights;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::rights::Circumstances;
use self::rights::Rights;
use crate::ids::{SubjectId, SubjectMap};
use crate::judge::{Judge, Judgement, Same};
use crate::store::{Alias, AliasSource, Change, Store, StoreError};

/// All that is known about subjects. One for the process; changes are seen by the next look.
#[derive(Debug, Default)]
pub struct Subjects {
    known: Mutex<Known>,
    /// Rises with every change that may turn a judgement.
    generation: AtomicU64,
    /// One body is believed at a time.
    learning: Mutex<()>,
    last_change: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// One step towards the id that stands for the person; that id itself is not in it.
    towards: SubjectMap<SubjectId>,
    /// By the id that stands for the person.
    rights: SubjectMap<Rights>,
}

impl Subjects {
    /// Reads all of the store.
    ///
    /// # Errors
    /// When the store cannot be read: nothing may be released then.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let subjects = Self::default();
        let mut known = subjects.known();
        store.each_alias(|subject, same_as| {
            known.tie(subject, same_as);
        })?;
        let mut last = 0;
        store.each_change(0, |change| {
            last = change.number;
            known.apply(&change);
        })?;
        store.each_tombstone(|tombstone| known.rights_of(tombstone.subject).erase())?;
        drop(known);
        subjects.last_change.store(last, Ordering::Release);
        Ok(subjects)
    }

    /// Which view of everybody's rights this is: an exchange that judged by an earlier one must judge
    /// again before its record is written.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The number of the last registry change that is in force here.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.last_change.load(Ordering::Acquire)
    }

    /// Puts a registry change in force that the store has. Changes come in their order.
    pub fn apply(&self, change: &Change) {
        self.known().apply(change);
        self.last_change.fetch_max(change.number, Ordering::AcqRel);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Ties two ids of one person together that the store has as an alias. A right of either is
    /// then a right of both, which counts as a change: exchanges under way look again.
    pub fn tie(&self, subject: SubjectId, same_as: SubjectId) {
        if self.known().tie(subject, same_as) {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Puts into the store, and in force, what a body ties together that was not known; on disk when
    /// this returns. Blocks. One at a time: of two bodies that contradict each other, the second is
    /// weighed against the first.
    ///
    /// Gives what came of it; where that is not as the caller weighed it, it must judge again.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing is in force either.
    pub fn learn(&self, store: &Store, same: &[Same], from: Learnt<'_>) -> Result<Weighed, StoreError> {
        let _turn = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        let weighed = self.weigh(same);
        let alias = |same: &Same| Alias {
            subject: same.alias,
            same_as: same.person,
            source: if from.asked.contains(&same.alias) {
                AliasSource::LookedUp
            } else {
                AliasSource::Learnt
            },
            at: from.at,
        };
        store.put_aliases(&weighed.new.iter().map(alias).collect::<Vec<_>>())?;
        weighed.new.iter().for_each(|same| self.tie(same.alias, same.person));
        Ok(weighed)
    }

    /// Puts an officer's alias into the store, and in force; on disk when this returns. Blocks. Not while
    /// a body is believed: what it says about the same id is weighed against this.
    ///
    /// # Errors
    /// When the store cannot be written; then it is not in force either.
    pub fn import(&self, store: &Store, alias: &Alias) -> Result<(), StoreError> {
        let _turn = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        store.put_aliases(std::slice::from_ref(alias))?;
        self.tie(alias.subject, alias.same_as);
        Ok(())
    }

    /// The id that stands for the person whom `id` names; `id` itself where nothing else is known.
    #[must_use]
    pub fn person(&self, id: SubjectId) -> SubjectId {
        self.known().person(id)
    }

    /// Whether `id` is tied to another: a person's number, unless it is one itself.
    #[must_use]
    pub fn is_tied(&self, id: SubjectId) -> bool {
        self.known().towards.contains_key(&id)
    }

    /// Which of a body's findings are new, and whether any contradicts what is known: an id that
    /// is tied to somebody else (GDPR art. 5(1)(d): whose data it is, is never guessed).
    #[must_use]
    pub fn weigh(&self, same: &[Same]) -> Weighed {
        let known = self.known();
        let mut weighed = Weighed { ties: known.towards.len(), ..Weighed::default() };
        for one in same {
            let tied = known.towards.contains_key(&one.alias);
            match (tied, known.person(one.alias) == known.person(one.person)) {
                (_, true) => {}
                (false, false) => weighed.new.push(*one),
                (true, false) => weighed.contradictions.push(one.alias),
            }
        }
        weighed.refuse_among_themselves();
        weighed
    }

    /// A judge for one exchange. `found` is what the body itself ties together.
    #[must_use]
    pub fn judge<'a>(&'a self, circumstances: Circumstances<'a>, found: &'a Weighed) -> SubjectJudge<'a> {
        SubjectJudge { subjects: self, circumstances, found }
    }

    /// How many ids are tied, and how many persons have an entry of any right.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        let known = self.known();
        (known.towards.len(), known.rights.len())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn person(&self, id: SubjectId) -> SubjectId {
        let mut person = id;
        // INVARIANT: `tie` never makes a ring.
        while let Some(next) = self.towards.get(&person) {
            person = *next;
        }
        person
    }

    /// Whether a right is now the right of an id whose it was not.
    fn tie(&mut self, subject: SubjectId, same_as: SubjectId) -> bool {
        let (one, other) = (self.person(subject), self.person(same_as));
        if one == other {
            return false;
        }
        self.towards.insert(one, other);
        if subject != one {
            // A shorter way than the one that was.
            self.towards.insert(subject, other);
        }
        let shared = self.rights.contains_key(&one) || self.rights.contains_key(&other);
        if let Some(rights) = self.rights.remove(&one) {
            self.rights.entry(other).or_default().join(rights);
        }
        shared
    }

    fn apply(&mut self, change: &Change) {
        self.rights_of(change.change.subject).apply(change);
    }

    fn rights_of(&mut self, id: SubjectId) -> &mut Rights {
        let person = self.person(id);
        self.rights.entry(person).or_default()
    }
}

/// Where new aliases come from.
#[derive(Debug, Clone, Copy)]
pub struct Learnt<'a> {
    /// Those that the upstream was asked about; the others stood in the body.
    pub asked: &'a [SubjectId],
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// What a body says about who is who, held against what is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// Not known before.
    pub new: Vec<Same>,
    /// Ids that are tied to somebody else, or to two persons at once: nobody's until an officer
    /// says whose.
    pub contradictions: Vec<SubjectId>,
    /// How many ids were tied then. None is ever untied, so that an equal number means the same ties.
    ties: usize,
}

impl Weighed {
    /// Whether a body says nothing that was not known already when `before` was weighed: then it has been
    /// judged by all there is.
    #[must_use]
    pub fn has_no_news_since(&self, before: &Self) -> bool {
        self.new.is_empty() && self.contradictions.is_empty() && self.ties == before.ties
    }

    fn refuse_among_themselves(&mut self) {
        self.new.sort_by_key(|same| (same.alias, same.person));
        self.new.dedup();
        let twice = |pair: &[Same]| match pair {
            [one, other] if one.alias == other.alias => Some(one.alias),
            _ => None,
        };
        self.contradictions.extend(self.new.windows(2).filter_map(twice));
        let contradictions = &self.contradictions;
        self.new.retain(|same| !contradictions.contains(&same.alias));
    }
}

/// Judges the subjects of one exchange.
#[derive(Debug)]
pub struct SubjectJudge<'a> {
    subjects: &'a Subjects,
    circumstances: Circumstances<'a>,
    found: &'a Weighed,
}

impl Judge for SubjectJudge<'_> {
    fn judge(&self, id: SubjectId, is_number: bool) -> Judgement {
        if self.found.contradictions.contains(&id) {
            return Judgement::Unknown;
        }
        let at = self.found.new.binary_search_by_key(&id, |same| same.alias).ok();
        let found = at.and_then(|at| self.found.new.get(at)).map(|same| same.person);
        let known = self.subjects.known();
        if !is_number && found.is_none() && !known.towards.contains_key(&id) {
            return Judgement::Unknown;
        }
        let person = known.person(found.unwrap_or(id));
        // A right may have been entered under the upstream's id before it was tied.
        let own = (found.is_some()).then(|| known.rights.get(&id)).flatten();
        let withheld = match (known.rights.get(&person), own) {
            (None, None) => Rights::default().withhold(&self.circumstances),
            (one, other) => one.into_iter().chain(other).any(|rights| rights.withhold(&self.circumstances)),
        };
        if withheld { Judgement::Withheld } else { Judgement::Person(person) }
    }
}
