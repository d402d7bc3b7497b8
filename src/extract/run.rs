//! A run up to the point where all that may leave stands in the work directory: surveyed, rewritten, staged.
//!
//! What must never happen here: output of two readings of the rights in one extract; a checkpoint that counts on
//! bytes that are not on disk.

use std::path::PathBuf;

use data_encoding::HEXLOWER;

use super::bundle::Listed;
use super::checkpoint::{Checkpoint, CheckpointError, Terms};
use super::input::{Form, Input, InputError};
use super::outputs::{Finished, Outputs};
use super::parquet::ParquetError;
use super::pool;
use super::reading::Reading;
use super::select::{SelectError, Selection};
use super::staged::StagedError;
use super::survey::{self, Ties};
use super::tally::Counts;
use super::work::{self, Desk, Done};
use crate::ids::SubjectId;
use crate::judge::{Judge as _, Judgement, Same};
use crate::policy::checked::extract::Extract;
use crate::policy::checked::{Consent, MediaType, Policy};
use crate::policy::plan::Plan;
use crate::pseudonym::Salt;
use crate::rewrite::FaultKind;
use crate::subjects::{Circumstances, Subjects, Weighed};

/// A route's plan, and what it takes.
#[derive(Debug, Clone, Copy)]
pub struct Ruled<'a> {
    /// The rules, compiled.
    pub plan: &'a Plan,
    /// Content types of the route.
    pub media_types: &'a [MediaType],
}

/// The first of an extract's routes that takes files of this form, and its number among them.
pub(super) fn by_form<'a>(plans: &[Ruled<'a>], form: Form) -> Option<(usize, &'a Plan)> {
    let takes = |ruled: &Ruled<'_>| ruled.media_types.iter().any(|one| one.is_lines() == form.is_lines());
    let number = plans.iter().position(takes)?;
    plans.get(number).map(|ruled| (number, ruled.plan))
}

/// What tells the keys of an extract's routes from others, in hexadecimal digits.
pub fn keys<'a>(plans: impl Iterator<Item = &'a Plan>) -> String {
    plans.map(|plan| HEXLOWER.encode(&plan.keys())).collect()
}

/// How a run goes about it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that rewrite.
    pub threads: usize,
    /// Whether what cannot be rewritten is passed over, and said.
    pub skips: bool,
    /// Whether to go on from the last checkpoint.
    pub resumes: bool,
    /// Bytes of input after which a checkpoint is made.
    pub checkpoint: u64,
    /// Bytes of a piece of lines.
    pub piece: usize,
    /// Bytes of a line or document, at most: the policy's `response`.
    pub most: usize,
}

/// What is extracted, by what, and whose rights hold.
#[derive(Debug)]
pub struct Run<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Its `[extract]`.
    pub extract: &'a Extract,
    /// Of the extract's routes, in their order.
    pub plans: &'a [Ruled<'a>],
    /// Who is who, and whose data may leave.
    pub subjects: &'a Subjects,
    /// The time, in milliseconds since the Unix epoch: rights have last days.
    pub now: u64,
    /// Random, for pseudonyms that may not be linkable.
    pub salt: Salt,
    /// How.
    pub settings: Settings,
    /// The work directory: mode 0700, and no other run's.
    pub work: PathBuf,
}

/// What stands in the work directory then.
#[derive(Debug)]
pub struct Staged {
    /// What was counted.
    pub counts: Counts,
    /// Whose data leaves, by the extract's routes.
    pub persons: Vec<Vec<SubjectId>>,
    /// What the files say of who is who.
    pub ties: Ties,
    /// Of the files of records, those that were hashed while they were written; all are synced.
    pub hashed: Vec<Listed>,
    /// Of the rows of each table.
    pub tables: Vec<PathBuf>,
    /// Where the positions of what was passed over stand.
    pub skipped: PathBuf,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A line or document cannot be rewritten.
    #[error("`{}`, line {line} (byte {offset}): {kind}; mend the file, or pass over what is broken with `--on-error skip`", path.display())]
    Fault {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// The first byte that cannot stand, from 0.
        offset: u64,
        /// What is wrong.
        kind: FaultKind,
    },
    /// A document in parts cannot be rewritten.
    #[error("`{}`, line {line} (byte {offset}): {kind}; a document larger than the policy's `[limits] response` is rewritten in parts, and is not passed over: mend it, leave it out, or raise `response`", path.display())]
    Part {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// The first byte that cannot stand, from 0.
        offset: u64,
        /// What is wrong.
        kind: FaultKind,
    },
    /// A row of CSV cannot be one.
    #[error("`{}`, line {line} or later: {why}; mend the file, or pass over what is broken with `--on-error skip`", path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// The line, where no value before holds an end of line.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// No route takes files of this form.
    #[error("`{}`: no route of the policy's `[extract]` takes {}: add one whose `content-types` do", path.display(), if *lines { "lines (NDJSON)" } else { "documents" })]
    NoRoute {
        /// Which file.
        path: PathBuf,
        /// Lines, or else documents.
        lines: bool,
    },
    /// More persons than memory is kept for.
    #[error("the files name more than {most} ids of persons: extract them in partitions")]
    TooManyPersons {
        /// How many.
        most: usize,
    },
    /// Rows cannot be selected or staged.
    #[error(transparent)]
    Staged(#[from] StagedError),
    /// What was released cannot be read again.
    #[error("what was released cannot be read again: a fault of tavs, please report it")]
    Released,
    /// The work directory.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A table cannot be written as Parquet.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
}

impl From<SelectError> for RunError {
    fn from(error: SelectError) -> Self {
        match error {
            // Not of what is judged whole.
            SelectError::Released | SelectError::Around => Self::Released,
            SelectError::Staged(error) => Self::Staged(error),
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// So many bytes more were surveyed.
    Surveyed(u64),
    /// So many bytes more were rewritten, and so many records left.
    Rewritten {
        /// Bytes of input.
        bytes: u64,
        /// Records released.
        records: u64,
    },
}

impl Run<'_> {
    /// Surveys and rewrites all files. `consulted` only tell who is who. What leaves stands in the work directory
    /// then, and nowhere else.
    ///
    /// # Errors
    /// The first thing that keeps it from being whole. What is in the work directory can be gone on from.
    pub fn stage(
        &self,
        inputs: &[Input],
        consulted: &[Input],
        told: &mut dyn FnMut(Step),
    ) -> Result<Staged, RunError> {
        let all = [inputs, consulted].concat();
        for input in &all {
            if by_form(self.plans, input.form).is_none() {
                let lines = input.form.is_lines();
                return Err(RunError::NoRoute { path: input.path.clone(), lines });
            }
        }
        let terms = self.terms(inputs, consulted);
        let begun = self.settings.resumes.then(|| Checkpoint::read(&self.work, &terms)).transpose()?;
        let (salt, now) = begun.as_ref().map_or((self.salt, self.now), |begun| (begun.salt, begun.now));
        let ties =
            survey::survey(&all, self.plans, &self.settings, &mut |bytes| told(Step::Surveyed(bytes)))?;
        let weighed = tied(self.subjects, &ties.same);
        let checkpoint = begun.unwrap_or_else(|| Checkpoint::new(terms, salt, now, self.extract));
        let next = checkpoint.next;
        let desk = Desk {
            plans: self.plans,
            inputs,
            selection: Selection::of(&self.extract.tables),
            linkability: self.policy.pseudonyms.linkability,
            subjects: self.subjects,
            circumstances: circumstances(self.policy, now),
            weighed: &weighed,
            salt: &salt,
            skips: self.settings.skips,
            most: self.settings.most,
        };
        let mut outputs = Outputs::open(&self.work, checkpoint, self.extract)?;
        let mut pieces = Reading::new(inputs, self.plans, next, &self.settings);
        pool::in_order(
            self.settings.threads,
            || pieces.next(),
            |piece| work::work(&desk, piece),
            |done: Result<Done, RunError>| {
                let done = done?;
                told(Step::Rewritten { bytes: done.length, records: done.tally.records });
                outputs.take(done, self.settings.checkpoint)
            },
        )?;
        for input in &all {
            input.check()?;
        }
        let Finished { counts, persons, hashed } = outputs.finish()?;
        Ok(Staged {
            counts,
            persons,
            ties,
            hashed,
            tables: (0..self.extract.tables.len()).map(|number| Outputs::table(&self.work, number)).collect(),
            skipped: Outputs::skipped(&self.work),
        })
    }

    /// What a run that is gone on with must have in common with the one that was begun.
    fn terms(&self, inputs: &[Input], consulted: &[Input]) -> Terms {
        Terms {
            policy: self.policy.version.to_string(),
            keys: keys(self.plans.iter().map(|ruled| ruled.plan)),
            inputs: inputs.to_vec(),
            consulted: consulted.to_vec(),
            skips: self.settings.skips,
            piece: self.settings.piece,
            last_change: self.subjects.last_change(),
            ties: self.subjects.sizes().0,
        }
    }
}

/// Who receives what for.
fn circumstances(policy: &Policy, now: u64) -> Circumstances<'_> {
    Circumstances {
        recipient: policy.recipient.id.as_str(),
        purpose: policy.purpose.id.as_str(),
        consent_required: policy.purpose.consent == Consent::Required,
        now,
    }
}

/// Whether nobody of these is kept back by rights that are in force by now, also under an id that only the files tie
/// to them. `subjects` are read anew; what the files say is in force in them then.
#[must_use]
pub fn still_may_leave(
    policy: &Policy,
    (same, persons): (&[Same], &[Vec<SubjectId>]),
    subjects: &Subjects,
    now: u64,
) -> bool {
    let weighed = tied(subjects, same);
    let judge = subjects.judge(circumstances(policy, now), &weighed);
    let held = |id: &SubjectId| judge.judge(*id, true) == Judgement::Withheld;
    !persons.iter().flatten().any(held)
}

/// Puts what the files say of who is who in force in this process's own view: a right under any of a person's ids
/// is then a right of all. What contradicts what is known stays nobody's.
pub(super) fn tied(subjects: &Subjects, same: &[Same]) -> Weighed {
    let mut weighed = subjects.weigh(same);
    weighed.new.drain(..).for_each(|same| subjects.tie(same.alias, same.person));
    weighed
}
