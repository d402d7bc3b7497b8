//! Changes of the registry and aliases, in the one order in which they hold whatever breaks between:
//! on disk in the store, in force if somebody is to be withheld, on record in the ledger, and only
//! then in force if somebody is to be disclosed again (G5, G8).
//!
//! A change that was stored and could not be recorded stands; its record is written at the next start.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::ids::SubjectId;
use crate::ledger::index::Indexer;
use crate::ledger::{Act, ActKind, AppendError, Changed, Entry, Ledger, Note};
use crate::store::{
    Alias, Change, ErasedPseudonym, NewChange, PseudonymRow, RightKind, Store, StoreError, Window,
};
use crate::subjects::Subjects;

/// What a person waits for at the most; the index is behind by some milliseconds.
const CATCH_UP: Duration = Duration::from_secs(10);

/// Milliseconds by which another machine's clock may be ahead of the record that follows.
const AHEAD: u64 = 10 * 60 * 1000;

/// Changes who may be told about.
#[derive(Debug, Clone)]
pub struct Registrar {
    ledger: Ledger,
    store: Store,
    subjects: Arc<Subjects>,
    indexer: Arc<Indexer>,
    clock: Clock,
    /// One at a time: changes are put in force in the order of their numbers.
    turn: Arc<Mutex<()>>,
}

/// A change that is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// Its number in the registry.
    pub change: u64,
    /// The ledger record about it.
    pub record: u64,
}

/// What became of an act that must be on record once only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// On disk now, as this record.
    Recorded(u64),
    /// It was on record before.
    Already,
    /// The index does not know yet what is on record.
    Behind,
}

/// Why a change was not made, or not whole.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// Nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was changed: the ledger does not take the record.
    #[error(transparent)]
    Ledger(#[from] AppendError),
    /// The store has the changes; those that withhold are in force.
    #[error("the change stands, and its record could not be written: {error}")]
    Unrecorded {
        /// The changes without a record.
        changes: Vec<u64>,
        /// Why.
        error: AppendError,
    },
    /// The process ends.
    #[error("stopped meanwhile")]
    Stopped,
}

impl Registrar {
    /// Over one open ledger and its store.
    #[must_use]
    pub fn new(
        ledger: Ledger,
        store: Store,
        subjects: Arc<Subjects>,
        indexer: Arc<Indexer>,
        clock: Clock,
    ) -> Self {
        Self { ledger, store, subjects, indexer, clock, turn: Arc::default() }
    }

    /// Waits until all that is on record can be asked for. Blocks; `false` if that takes too long.
    #[must_use]
    pub fn catch_up(&self) -> bool {
        self.indexer.catch_up(CATCH_UP)
    }

    /// The last record that can be asked for.
    #[must_use]
    pub fn indexed(&self) -> u64 {
        self.ledger.durable().sequence().saturating_sub(self.indexer.lag())
    }

    /// The store, to be read.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Who is who, now.
    #[must_use]
    pub fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// The time.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Makes changes, all or none. To be run to its end: dropped in between, what is in the store
    /// might not be in force.
    ///
    /// # Errors
    /// What was not done.
    pub async fn enter(&self, changes: Vec<NewChange>) -> Result<Vec<Entered>, EnterError> {
        self.enter_noting(changes, |_, _, _| Vec::new()).await
    }

    /// The same; before an erasure destroys pseudonyms, `note` says what recipients are told by.
    ///
    /// # Errors
    /// What was not done.
    pub async fn enter_noting(
        &self,
        changes: Vec<NewChange>,
        note: impl Fn(&NewChange, &[PseudonymRow], &[ErasedPseudonym]) -> Vec<ErasedPseudonym> + Send + 'static,
    ) -> Result<Vec<Entered>, EnterError> {
        let _turn = self.turn.lock().await;
        // Nothing is changed that could not be recorded at once.
        self.ledger.usable()?;
        let (store, new) = (self.store.clone(), changes.clone());
        let first = blocking(move || store.put_changes_noting(&new, note)).await??;
        let changes = (first..).zip(changes);
        let changes: Vec<Change> =
            changes.map(|(number, change)| Change { number, change, recorded: None }).collect();
        let restricting = changes.iter().filter(|change| restricts(&change.change));
        restricting.for_each(|change| self.subjects.apply(change));

        let mut unrecorded = Vec::new();
        let mut failure = None;
        let mut recorded = Vec::new();
        for (change, record) in changes.iter().zip(self.record(&changes).await) {
            match record {
                Ok(record) => recorded.push((change, record)),
                Err(error) => {
                    unrecorded.push(change.number);
                    failure.get_or_insert(error);
                }
            }
        }
        self.note_recorded(recorded.iter().map(|(change, record)| (change.number, *record)).collect()).await;
        let widening = recorded.iter().filter(|(change, _)| !restricts(&change.change));
        widening.for_each(|(change, _)| self.subjects.apply(change));
        match failure {
            None => {
                let entered = |(change, record): (&Change, u64)| Entered { change: change.number, record };
                Ok(recorded.into_iter().map(entered).collect())
            }
            Some(error) => Err(EnterError::Unrecorded { changes: unrecorded, error }),
        }
    }

    /// Where the store cannot note it, the ledger has the records all the same: the index finds them
    /// there, and the start does.
    async fn note_recorded(&self, pairs: Vec<(u64, u64)>) {
        let store = self.store.clone();
        let noted = match blocking(move || store.set_all_recorded(&pairs)).await {
            Ok(noted) => noted.map_err(EnterError::from),
            Err(stopped) => Err(stopped),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "the store could not note which changes are on record");
        }
    }

    /// Ties two ids together: recorded first, for from then on records of either are disclosed, and
    /// withheld, as those of one person.
    ///
    /// # Errors
    /// What was not done; the same can be asked again.
    pub async fn tie(&self, alias: Alias, who: String, why: String) -> Result<u64, EnterError> {
        let _turn = self.turn.lock().await;
        let act = Act {
            subjects: vec![alias.subject, alias.same_as],
            ..self.act(ActKind::Registry, "alias", who, why)
        };
        let record = self.ledger.note(&Note::Act(act)).await?;
        let (store, subjects) = (self.store.clone(), Arc::clone(&self.subjects));
        blocking(move || subjects.import(&store, &alias)).await??;
        Ok(record)
    }

    /// Records an act that changes nothing here.
    ///
    /// # Errors
    /// When it is not on disk: what it is about must not be done or shown then.
    pub async fn note(&self, act: Act) -> Result<u64, AppendError> {
        self.ledger.note(&Note::Act(act)).await
    }

    /// Records a disclosure that was made by no exchange, and gives the record's number.
    ///
    /// # Errors
    /// When it is not on disk: nothing may leave then.
    pub async fn disclose(&self, entry: &Entry) -> Result<u64, AppendError> {
        self.ledger.append(entry).await.map(|receipt| receipt.sequence())
    }

    /// Records an act that must be on record once only. `since` is before any like it can have been: those
    /// after it are looked through for one that says the same.
    ///
    /// # Errors
    /// When it is not on disk: what it is about must not be shown then.
    pub async fn note_once(&self, act: Act, since: u64) -> Result<Once, EnterError> {
        let _turn = self.turn.lock().await;
        let registrar = self.clone();
        let same = move |one: &crate::store::Act, act: &Act| {
            (one.kind.as_str(), one.what.as_str(), one.why.as_str())
                == (act.kind.word(), act.what.as_ref(), act.why.as_str())
        };
        let sought = act.clone();
        let found = blocking(move || {
            if !registrar.catch_up() {
                return Ok::<_, StoreError>(None);
            }
            let window = Window { from: since.saturating_sub(AHEAD), to: u64::MAX };
            Ok(Some(registrar.store.acts(window)?.iter().any(|one| same(one, &sought))))
        });
        match found.await?? {
            None => Ok(Once::Behind),
            Some(true) => Ok(Once::Already),
            Some(false) => Ok(Once::Recorded(self.note(act).await?)),
        }
    }

    /// Which log records are in, in hexadecimal digits.
    #[must_use]
    pub fn log(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.ledger.log())
    }

    /// An act about nobody, as of now.
    #[must_use]
    pub fn act(&self, kind: ActKind, what: impl Into<Cow<'static, str>>, who: String, why: String) -> Act {
        Act {
            unix_millis: self.clock.unix_millis(),
            kind,
            what: what.into(),
            begun: None,
            who,
            why,
            subjects: Vec::new(),
            purpose: None,
            recipient: None,
            policy: None,
            change: None,
        }
    }

    /// Records changes; they share the ledger's syncs.
    async fn record(&self, changes: &[Change]) -> Vec<Result<u64, AppendError>> {
        let mut notes = Vec::with_capacity(changes.len());
        for change in changes {
            let (store, own) = (self.store.clone(), change.clone());
            let ids = blocking(move || ids_in_record(&store, &own)).await;
            // Without the others the person's own id is on record, and they can be told from that.
            let ids = ids.ok().and_then(Result::ok).unwrap_or_default();
            notes.push(Note::Act(act_of(change, &ids)));
        }
        self.ledger.note_all(&notes).await
    }
}

/// Whether a change holds something back from now on. One that only shortens what holds counts too:
/// it releases nothing before its end, and that is later than its record.
const fn restricts(change: &NewChange) -> bool {
    change.begun != matches!(change.kind, RightKind::Consent)
}

/// The ids beside a change's own that its record names: of an erasure every one of the person's, so that a
/// store which is put back from an older backup loses all that stands under any of them. Blocks.
///
/// # Errors
/// When the store cannot be read.
pub fn ids_in_record(store: &Store, change: &Change) -> Result<Vec<SubjectId>, StoreError> {
    if change.change.kind != RightKind::Erasure {
        return Ok(Vec::new());
    }
    let mut ids = store.ids_of(change.change.subject)?;
    ids.retain(|id| *id != change.change.subject);
    Ok(ids)
}

/// The act by which the ledger tells of a change, also of one that a crash left without. `ids` are those
/// beside the change's own.
#[must_use]
pub fn act_of(change: &Change, ids: &[SubjectId]) -> Act {
    let Change { number, change, .. } = change;
    let subjects = std::iter::once(&change.subject).chain(ids).copied().collect();
    Act {
        unix_millis: change.at,
        kind: ActKind::Registry,
        what: Cow::Borrowed(change.kind.word()),
        begun: Some(change.begun),
        who: change.who.clone(),
        why: change.reason.clone(),
        subjects,
        purpose: change.purpose.clone(),
        recipient: change.recipient.clone(),
        policy: None,
        change: Some(Changed { number: *number, until: change.until }),
    }
}

/// Does something that blocks, on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EnterError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => Err(EnterError::Stopped),
        },
    }
}
