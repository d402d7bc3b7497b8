//! Whether policies may take effect, where `tavs.toml` wants them approved: the set is held against the
//! one that was approved last, whose texts the store keeps.
//!
//! A set that lets out nothing more takes effect by itself, for closing must not wait; the approved one
//! stays what it is, so that going back to it is no widening. What must never happen here: a set
//! that is wider and served because something could not be read.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::noted::{self, NoteError};
use crate::config::{Approvals, Config};
use crate::ids::PolicySetVersion;
use crate::ledger::{Act, ActKind, AppendError, Note};
use crate::officer::{Approval, Asked, LARGEST_APPROVAL, LONGEST_APPROVAL, Unapproved};
use crate::policy::check::check_to_serve;
use crate::policy::checked::Policy;
use crate::policy::difference::{Change, compare, set_version, widens};
use crate::policy::syntax::{Profiles, SourceFile};
use crate::proxy::{Records, State};
use crate::store::{ApprovedSet, Store, StoreError, Window};

/// Why policies may not take effect. Holds nothing of a message.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// Nobody has approved anything here.
    #[error(
        "no policies have been approved here, and tavs.toml wants them approved; prepare an approval with `tavs approve prepare`, let two officers sign it, and put it at `{}`", at.display()
    )]
    First {
        /// Where an approval is looked for.
        at: PathBuf,
    },
    /// More may leave, and nobody has agreed to it.
    #[error(
        "the policies let out more than those that were approved ({wider} changes, of {recipients}); `tavs approve prepare` shows what, two officers must sign it; put it at `{}`, or put the approved policies back", at.display()
    )]
    Wider {
        /// How many changes count as wider.
        wider: usize,
        /// Whose they are.
        recipients: String,
        /// Where an approval is looked for.
        at: PathBuf,
    },
    /// An approval is there, and is not good.
    #[error("the approval `{}` is not good: {why}", at.display())]
    Bad {
        /// Where it is.
        at: PathBuf,
        /// What stands against it.
        why: Unapproved,
    },
    /// An approval is there and cannot be read.
    #[error("cannot read the approval `{}`: {source}", at.display())]
    Unreadable {
        /// Where it is.
        at: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger does not take the record of the approval.
    #[error("the ledger does not take the record of the approval: {0}")]
    Ledger(#[from] AppendError),
    /// What must be on record before policies serve.
    #[error(transparent)]
    Noting(#[from] NoteError),
    /// No randomness for a new deployment's id.
    #[error("the system gives no random bytes")]
    Random,
}

/// What has been approved, and what is to serve.
#[derive(Debug)]
pub struct Standing {
    /// This deployment's id.
    pub deployment: String,
    /// What was approved last.
    pub approved: Option<ApprovedSet>,
    /// The set that is to serve.
    pub version: PolicySetVersion,
    /// What changes against the approved set.
    pub changes: Vec<Change>,
    /// The serial number of the last approval that was used, by the store or the ledger: a store that was put
    /// back from a backup knows of fewer.
    pub last: u64,
}

impl Standing {
    /// Holds policies against the approved ones of a store. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn read(store: &Store, policies: &[Policy], today: jiff::civil::Date) -> Result<Self, ApprovalError> {
        let mut new_id = [0; 16];
        getrandom::fill(&mut new_id).map_err(|_none| ApprovalError::Random)?;
        let deployment = store.deployment(new_id)?;
        let approved = store.approved()?;
        let version = set_version(policies);
        let kept = approved.as_ref().map_or(0, |approved| approved.serial);
        let last = match on_record(store, today)? {
            // What is asked now was put on record, and a crash kept it from the store: it is good still.
            Some((serial, why))
                if why == words(serial, approved.as_ref().map(|one| one.version), version) =>
            {
                kept.max(serial.saturating_sub(1))
            }
            Some((serial, _other)) => kept.max(serial),
            None => kept,
        };
        let changes = match &approved {
            Some(approved) if approved.version == version => Vec::new(),
            Some(approved) => compare(&again(approved, today), policies),
            None => compare(&[], policies),
        };
        Ok(Self { deployment, approved, version, changes, last })
    }

    /// Whether more may leave than was approved.
    #[must_use]
    pub fn wider(&self) -> bool {
        let same = self.approved.as_ref().is_some_and(|approved| approved.version == self.version);
        !same && (self.approved.is_none() || widens(&self.changes))
    }

    /// What an approval would be held against.
    #[must_use]
    pub fn asked(&self, now: jiff::Timestamp) -> Asked<'_> {
        Asked {
            deployment: &self.deployment,
            last: self.last,
            old: self.approved.as_ref().map(|approved| approved.version),
            new: self.version,
            wider: self.wider(),
            now,
        }
    }
}

/// What the ledger calls the use of an approval, and how the reason begins.
const APPROVAL: &str = "policy-approval";
const SERIAL: &str = "serial ";
/// What the kept name of a profile begins with: the rest is what `include` calls it.
const INCLUDED: &str = "include:";

/// Path and text of each policy, and of each profile that they can include.
fn texts(files: &[SourceFile]) -> Vec<(String, String)> {
    let own = files.iter().map(|file| (file.path.clone(), file.text.clone()));
    // One folder of policies has one folder of profiles.
    let profiles = files.first().into_iter().flat_map(|file| file.profiles.iter());
    let included = profiles.filter_map(|(name, file)| {
        file.as_ref().ok().map(|file| (format!("{INCLUDED}{name}"), file.text.clone()))
    });
    own.chain(included).collect()
}

/// The files of an approved set as they stood in the folder of policies: name and text of each, profiles
/// where `include` looks for them.
#[must_use]
pub fn approved_texts(approved: &ApprovedSet) -> Vec<(String, String)> {
    let is_own = |path: &&String| !path.starts_with(INCLUDED);
    let mut folders = approved
        .files
        .iter()
        .map(|(path, _)| path)
        .filter(is_own)
        .filter_map(|path| Path::new(path).parent());
    let first = folders.next().unwrap_or_else(|| Path::new(""));
    // The empty path begins every other.
    let folder = folders.fold(first, |folder, other| {
        folder.ancestors().find(|folder| other.starts_with(folder)).unwrap_or(folder)
    });
    let name = |path: &String| {
        let own = || Path::new(path).strip_prefix(folder).map(|name| name.display().to_string());
        let included = path.strip_prefix(INCLUDED).map(str::to_owned);
        included.unwrap_or_else(|| own().unwrap_or_else(|_elsewhere| path.clone()))
    };
    approved.files.iter().map(|(path, text)| (name(path), text.clone())).collect()
}

/// The approved policies, read again. One that this version of tavs, or this day, does not take any more
/// counts as absent: whatever takes its place is new.
fn again(approved: &ApprovedSet, today: jiff::civil::Date) -> Vec<Policy> {
    let mut profiles = Profiles::default();
    let mut files = Vec::new();
    for (path, text) in &approved.files {
        match path.strip_prefix(INCLUDED) {
            Some(name) => profiles.add(name, Ok(SourceFile::new(name, text.clone()))),
            None => files.push(SourceFile::new(path.clone(), text.clone())),
        }
    }
    let profiles = Arc::new(profiles);
    let files: Vec<SourceFile> = files.into_iter().map(|file| file.with(&profiles)).collect();
    let (policies, found) = check_to_serve(&files, today);
    let broken = |policy: &Policy| found.iter().any(|one| one.is_error() && one.file == policy.file);
    policies.into_iter().filter(|policy| !broken(policy)).collect()
}

/// The last step before a state may serve: its policies are approved where they must be, and on record.
///
/// # Errors
/// Why it may not serve.
pub(super) async fn take_effect(
    config: &Config,
    records: &Records,
    state: &State,
    files: &[SourceFile],
) -> Result<(), ApprovalError> {
    let policies: Vec<Policy> = state.policies().iter().map(|policy| policy.checked().clone()).collect();
    let approved = tokio::task::block_in_place(|| judge(config, records, &policies, files))?;
    noted::policies(records, state, approved.who.as_deref()).await?;
    put(records, approved).await
}

/// What is to be put down before the policies serve.
#[derive(Debug, Default)]
struct Approved {
    /// Who approved the set, where somebody did.
    who: Option<String>,
    /// A set that becomes the approved one.
    new: Option<(ApprovedSet, Act)>,
}

/// Judges policies, together with an approval if there is one.
///
/// # Errors
/// Why they may not serve.
fn judge(
    config: &Config,
    records: &Records,
    policies: &[Policy],
    files: &[SourceFile],
) -> Result<Approved, ApprovalError> {
    let Some(Approvals { file: at }) = &config.approvals else { return Ok(Approved::default()) };
    let Records { store, clock, .. } = records;
    let standing = Standing::read(store, policies, clock.today())?;
    if let Some(approved) = standing.approved.as_ref().filter(|one| one.version == standing.version) {
        return Ok(Approved { who: Some(approved.who.clone()), new: None });
    }
    let wider = standing.wider();
    let names = match read(at) {
        Err(error) => Err(error),
        Ok(None) => Err(unapproved(&standing, at)),
        Ok(Some(text)) => {
            let approval = Approval::parse(&text);
            let asked = standing.asked(clock.timestamp());
            let names = approval.and_then(|one| {
                let names = one.approves(&asked, &config.officers)?;
                Ok((one.terms.serial, names))
            });
            names.map_err(|why| ApprovalError::Bad { at: at.clone(), why })
        }
    };
    match names {
        Ok((serial, names)) => {
            let who = names.join(", ");
            let old = standing.approved.as_ref().map(|approved| approved.version);
            let act = act(&who, serial, old, standing.version, clock.unix_millis());
            let set =
                ApprovedSet { serial, version: standing.version, who: who.clone(), files: texts(files) };
            Ok(Approved { who: Some(who), new: Some((set, act)) })
        }
        Err(error) if wider => Err(error),
        // Nothing more may leave: an approval, of this set or of another, is not needed.
        Err(error) => {
            let is_none = matches!(
                &error,
                ApprovalError::Wider { .. } | ApprovalError::Bad { why: Unapproved::New, .. }
            );
            if !is_none {
                tracing::warn!(%error, "the policies let out nothing more and serve; the approved ones stay what they were");
            }
            Ok(Approved::default())
        }
    }
}

/// Puts down who approved what: in the ledger, then in the store.
///
/// # Errors
/// When either cannot be written; the policies must not serve then.
async fn put(records: &Records, approved: Approved) -> Result<(), ApprovalError> {
    let Some((set, act)) = approved.new else { return Ok(()) };
    records.ledger.note(&Note::Act(act)).await?;
    tokio::task::block_in_place(|| records.store.put_approved(&set))?;
    tracing::info!(serial = set.serial, who = set.who, "policies approved");
    Ok(())
}

fn act(who: &str, serial: u64, old: Option<PolicySetVersion>, new: PolicySetVersion, now: u64) -> Act {
    Act {
        unix_millis: now,
        kind: ActKind::Operation,
        what: Cow::Borrowed(APPROVAL),
        begun: None,
        who: who.to_owned(),
        why: words(serial, old, new),
        subjects: Vec::new(),
        purpose: None,
        recipient: None,
        policy: None,
        change: None,
    }
}

/// What the record of an approval says: which, and of which step.
fn words(serial: u64, old: Option<PolicySetVersion>, new: PolicySetVersion) -> String {
    let old = old.map_or_else(|| "none".to_owned(), |old| old.to_string());
    format!("{SERIAL}{serial}, from {old} to {new}")
}

/// The approval with the highest serial number that the ledger has of the days in which one can be used.
fn on_record(store: &Store, today: jiff::civil::Date) -> Result<Option<(u64, String)>, StoreError> {
    let days = i64::from(LONGEST_APPROVAL).saturating_add(2);
    let from = today.checked_sub(jiff::Span::new().days(days)).and_then(|day| day.to_zoned(TimeZone::UTC));
    let from = from.map_or(0, |day| u64::try_from(day.timestamp().as_millisecond()).unwrap_or_default());
    let acts = store.acts(Window { from, to: u64::MAX })?.into_iter().filter(|act| act.what == APPROVAL);
    let serials = acts.filter_map(|act| {
        let serial = act.why.strip_prefix(SERIAL)?.split(',').next()?.parse().ok()?;
        Some((serial, act.why))
    });
    Ok(serials.max())
}

fn unapproved(standing: &Standing, at: &Path) -> ApprovalError {
    if standing.approved.is_none() {
        return ApprovalError::First { at: at.to_owned() };
    }
    let wider = || standing.changes.iter().filter(|change| change.direction.counts_as_wider());
    let mut recipients: Vec<&str> = wider().map(|change| change.recipient.as_str()).collect();
    recipients.dedup();
    ApprovalError::Wider {
        wider: wider().count(),
        recipients: format!("`{}`", recipients.join("`, `")),
        at: at.to_owned(),
    }
}

/// The approval's text, if there is one.
fn read(at: &Path) -> Result<Option<String>, ApprovalError> {
    let unreadable = |source| ApprovalError::Unreadable { at: at.to_owned(), source };
    match fs::metadata(at) {
        Ok(about) if about.len() > LARGEST_APPROVAL => {
            Err(ApprovalError::Bad { at: at.to_owned(), why: Unapproved::NotOne })
        }
        Ok(_) => fs::read_to_string(at).map(Some).map_err(unreadable),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

#[cfg(test)]
mod tests;
