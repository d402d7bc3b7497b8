//! Retention: which segments may go, and what of them must be recorded again first.
//!
//! The chain cannot lose single records, so a segment goes when every record in it is past the
//! retention of its purpose, and only from the beginning. A checkpoint says so for each, so that what is left
//! still verifies. What later records or the registry still need is carried over: policy versions in
//! words, and changes of the registry, with the time that they were made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::checkpoint::{Checkpoint, Says, append, open};
use super::error::LedgerError;
use super::note::{ActKind, Event, Note};
use super::read::{End, Record, Walk};
use super::segment::{self, Hash, packed_path_of, path_of};
use super::{Anchor, AnchorError, Ledger};
use crate::ids::PolicyVersion;
use crate::pseudonym::CheckpointKey;

/// Days are Danish ones, as those of agreements.
const HOME: &str = "Europe/Copenhagen";

/// How long records are kept, by purpose.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Where nothing else is said.
    pub default: Span,
    /// By a purpose's id, or by a category of purposes; the id counts more.
    pub named: BTreeMap<String, Span>,
}

/// A segment that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its number.
    pub segment: u64,
    /// Its last record, and the hash of that.
    pub tip: (u64, Hash),
}

/// What retiring comes to.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The segments that go, oldest first.
    pub segments: Vec<Ended>,
    /// What is recorded again.
    pub carried: Vec<Note>,
    /// The last day of what keeps the next segment.
    pub kept_until: Option<Date>,
}

/// Why segments were not retired. Those that are still there are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What must be recorded first could not be.
    #[error("what must be kept could not be recorded again: {0}")]
    Append(#[from] super::AppendError),
    /// Outside nobody would know.
    #[error("the anchor was not told, so nothing was retired: {0}")]
    Anchor(#[from] AnchorError),
    /// A file.
    #[error("cannot retire: {0}")]
    Io(#[from] io::Error),
}

impl Terms {
    /// The first day on which a record of a purpose may go. Of a category that is not known, the
    /// longest that it could be. `None` is never.
    fn ends(&self, unix_millis: u64, purpose: Option<&str>, category: Option<Option<&str>>) -> Option<Date> {
        let millis = i64::try_from(unix_millis).ok()?;
        let zone = TimeZone::get(HOME).unwrap_or(TimeZone::UTC);
        let made = Timestamp::from_millisecond(millis).ok()?.to_zoned(zone).date();
        let end = |span: &Span| made.checked_add(*span).ok();
        if let Some(span) = purpose.and_then(|purpose| self.named.get(purpose)) {
            return end(span);
        }
        match category {
            Some(Some(category)) => end(self.named.get(category).unwrap_or(&self.default)),
            // An act that has no purpose.
            None => end(&self.default),
            Some(None) => {
                let all = self.named.values().chain([&self.default]).map(end);
                all.collect::<Option<Vec<Date>>>()?.into_iter().max()
            }
        }
    }
}

/// Looks which segments may go on a day. `category` says which category a policy version's purpose
/// has. Blocks, and reads the whole ledger.
///
/// # Errors
/// When the ledger cannot be read, or is not what was written.
pub fn plan(
    directory: &Path,
    terms: &Terms,
    at: Date,
    category: impl Fn(PolicyVersion) -> Option<String>,
) -> Result<Plan, LedgerError> {
    let numbers = segment::list(directory)?;
    let last = numbers.last().copied().unwrap_or_default();
    let mut walk = Walk::new(directory, numbers, End::Prefix);
    let (mut plan, mut needs) = (Plan::default(), Needs::default());
    let mut going: Option<Ended> = None;
    // What the segment at hand would have carried over.
    let mut candidates = Vec::new();
    let mut keeping = false;
    while let Some(line) = walk.next()? {
        let number = walk.segment().map_or(last, |segment| segment.header().segment);
        if !keeping && going.as_ref().is_some_and(|ended| ended.segment != number) {
            plan.segments.extend(going.take());
            plan.carried.append(&mut candidates);
        }
        if !keeping {
            let end = kept_until(terms, &line.record, &category);
            keeping = number == last || end.is_none_or(|end| end > at);
            plan.kept_until = end.filter(|_| keeping);
        }
        if keeping {
            // The part of this segment that was looked at stays with it.
            for note in candidates.drain(..) {
                needs.there(&note);
            }
            needs.look(line.record);
        } else {
            going = Some(Ended { segment: number, tip: (line.record.sequence, line.hash) });
            candidates.extend(carried(line.record));
        }
    }
    needs.reduce(&mut plan.carried);
    Ok(plan)
}

/// Until when a record keeps its segment; `None` for ever.
fn kept_until(
    terms: &Terms,
    record: &Record,
    category: &impl Fn(PolicyVersion) -> Option<String>,
) -> Option<Date> {
    match &record.event {
        Event::Exchange(entry) => {
            let known = category(entry.grounds.policy);
            terms.ends(entry.unix_millis, Some(entry.grounds.purpose.as_str()), Some(known.as_deref()))
        }
        Event::Policy(policy) => {
            let (purpose, category) = (policy.purpose.as_str(), policy.category.as_str());
            terms.ends(policy.unix_millis, Some(purpose), Some(Some(category)))
        }
        Event::Act(act) => terms.ends(act.unix_millis, act.purpose.as_deref(), None),
    }
}

fn carried(record: Record) -> Option<Note> {
    match record.event {
        Event::Policy(policy) => Some(Note::Policy(policy)),
        Event::Act(act) if act.change.is_some() && act.kind == ActKind::Registry => Some(Note::Act(act)),
        Event::Act(_) | Event::Exchange(_) => None,
    }
}

/// What the records that stay speak of, and hold themselves.
#[derive(Debug, Default)]
struct Needs {
    named: BTreeSet<[u8; 32]>,
    policies: BTreeSet<[u8; 32]>,
    recipients: BTreeSet<String>,
    changes: BTreeSet<u64>,
}

impl Needs {
    fn look(&mut self, record: Record) {
        match &record.event {
            Event::Exchange(entry) => drop(self.named.insert(entry.grounds.policy.0)),
            Event::Act(act) => self.named.extend(act.policy.map(|policy| policy.0)),
            Event::Policy(_) => {}
        }
        if let Some(note) = carried(record) {
            self.there(&note);
        }
    }

    fn there(&mut self, note: &Note) {
        match note {
            Note::Policy(policy) => {
                self.policies.insert(policy.policy.0);
                self.recipients.insert(policy.recipient.clone());
            }
            Note::Act(act) => self.changes.extend(act.change.map(|change| change.number)),
        }
    }

    /// Leaves what is needed and not there, each once: a policy version that a record names or that
    /// is its recipient's last, and every change of the registry.
    fn reduce(mut self, notes: &mut Vec<Note>) {
        let mut kept = Vec::new();
        while let Some(note) = notes.pop() {
            let needed = match &note {
                Note::Policy(policy) => {
                    let last = !self.recipients.contains(&policy.recipient);
                    (last || self.named.contains(&policy.policy.0))
                        && !self.policies.contains(&policy.policy.0)
                }
                Note::Act(act) => act.change.is_some_and(|change| !self.changes.contains(&change.number)),
            };
            if needed {
                self.there(&note);
                kept.push(note);
            }
        }
        kept.reverse();
        *notes = kept;
    }
}

/// Records again what is carried over, and `act`; then says of each segment that it is retired, beside
/// the ledger and to the anchor. The segments are still there afterwards: [`remove`] is next.
///
/// # Errors
/// When any of it is not known to be on disk, or the anchor does not take it.
pub async fn announce(
    ledger: &Ledger,
    plan: &Plan,
    act: Note,
    key: &CheckpointKey,
    anchor: Option<&Anchor>,
    unix_millis: u64,
) -> Result<(), RetireError> {
    for note in plan.carried.iter().chain([&act]) {
        ledger.note(note).await?;
    }
    let (file, _last) = open(ledger.directory())?;
    for ended in &plan.segments {
        let (sequence, hash) = ended.tip;
        let checkpoint = Checkpoint {
            says: Says::Retired,
            log: ledger.log(),
            node: ledger.node().to_owned(),
            sequence,
            hash,
            unix_millis,
            key: key.public(),
        };
        let line = checkpoint.sign(key).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        append(&file, format!("{line}\n").as_bytes())?;
        if let Some(anchor) = anchor {
            anchor.send(&line).await?;
        }
    }
    Ok(())
}

/// Removes the segments of a plan, oldest first, so that a crash in between leaves one chain.
///
/// # Errors
/// What the system says; the same call goes on from there.
pub fn remove(directory: &Path, plan: &Plan) -> Result<(), RetireError> {
    for ended in &plan.segments {
        for path in [path_of(directory, ended.segment), packed_path_of(directory, ended.segment)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {} // it has one form only
            }
        }
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
