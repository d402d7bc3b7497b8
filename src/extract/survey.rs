//! Who is who in all files together, before any is rewritten: an Observation in one file finds its Patient in
//! another.

use super::checkpoint::Next;
use super::input::{Form, Input};
use super::pool;
use super::reading::Reading;
use super::rest::Rest;
use super::run::{Ruled, RunError, Settings, by_form};
use super::work::Piece;
use crate::ids::SubjectId;
use crate::judge::Same;
use crate::policy::plan::Plan;
use crate::pseudonym::Salt;
use crate::rewrite::{self, Fault};

/// Ids of persons that the files tie together, or mention: some hundred bytes each, so that this is a gigabyte.
const MOST_TIES: usize = 10_000_000;
/// Ties are sorted and told apart whenever so many more have come.
const SOME_TIES: usize = 1 << 16;

/// What files say of who is who.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties {
    /// Which ids are one person's, in order of the ids.
    pub same: Vec<Same>,
    /// Ids by which records name whom they are about, in their order.
    pub mentioned: Vec<SubjectId>,
}

impl Ties {
    /// Adds those of another piece, or partition.
    pub(super) fn join(&mut self, other: Self) {
        self.same.extend(other.same);
        self.mentioned.extend(other.mentioned);
    }

    /// Puts them in order, each once.
    pub(super) fn tidy(&mut self) {
        self.same.sort_unstable_by_key(|same| (same.alias, same.person));
        self.same.dedup();
        self.mentioned.sort_unstable();
        self.mentioned.dedup();
    }

    /// No more than memory is kept for.
    pub(super) const fn bound(&self) -> Result<(), RunError> {
        if self.len() > MOST_TIES { Err(RunError::TooManyPersons { most: MOST_TIES }) } else { Ok(()) }
    }

    const fn len(&self) -> usize {
        self.same.len().saturating_add(self.mentioned.len())
    }

    fn add(&mut self, found: rewrite::Survey) {
        self.same.extend(found.same);
        self.mentioned.extend(found.references.iter().map(|reference| reference.id));
    }
}

/// What the files say of who is who. What cannot be read is passed over: rewriting finds it, with its place.
pub(super) fn survey(
    inputs: &[Input],
    plans: &[Ruled<'_>],
    settings: &Settings,
    told: &mut dyn FnMut(u64),
) -> Result<Ties, RunError> {
    let mut all = Ties::default();
    let mut tidy_at = SOME_TIES;
    if !plans.iter().any(|ruled| ruled.plan.has_aliases()) {
        return Ok(all);
    }
    let mut pieces = Reading::new(inputs, plans, Next::START, settings);
    let found = |piece: Piece| {
        let mut found = Ties::default();
        if let Some((_, plan)) = by_form(plans, piece.form) {
            // A fault in a document in parts stops the run, whatever is passed over.
            let skips = settings.skips && piece.parted.is_none();
            each(plan, &piece.bytes, piece.form, skips, &mut found);
        }
        found.tidy();
        (found, piece.length)
    };
    pool::in_order(
        settings.threads,
        || pieces.next(),
        found,
        |(found, bytes)| {
            all.join(found);
            told(bytes);
            if all.len() >= tidy_at {
                all.tidy();
                all.bound()?;
                tidy_at = all.len().saturating_mul(2).max(SOME_TIES);
            }
            Ok(())
        },
    )?;
    all.tidy();
    Ok(all)
}

/// A piece. Where what is broken is passed over, it is not believed either: a document that cannot be rewritten says
/// nothing about anybody.
fn each(plan: &Plan, piece: &[u8], form: Form, skips: bool, all: &mut Ties) {
    let is_lines = form.is_lines();
    let mut learn = |bytes| {
        if let Ok(found) = rewrite::survey(plan, bytes, is_lines) {
            all.add(found);
        }
    };
    let mut rest = Rest::of(piece, form);
    loop {
        let tried = rest.next();
        match fault_of(plan, tried, is_lines, skips) {
            None => {
                learn(tried);
                if !rest.went_well(tried) {
                    return;
                }
            }
            Some(fault) if is_lines => learn(rest.without(tried, fault.offset).0),
            Some(_) => return,
        }
    }
}

/// What keeps a piece from being rewritten. Looked for only where the run goes on all the same.
fn fault_of(plan: &Plan, piece: &[u8], is_lines: bool, skips: bool) -> Option<Fault> {
    if !skips {
        return None;
    }
    let salt = Salt::default();
    let done = if is_lines {
        rewrite::rewrite_lines(plan, piece, &salt, &mut ())
    } else {
        rewrite::rewrite(plan, piece, &salt, &mut ())
    };
    done.err()
}
