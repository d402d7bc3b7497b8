//! Who is who in all files together, before any is rewritten: an Observation in one file finds its Patient in
//! another.

use super::checkpoint::Next;
use super::input::{Form, Input};
use super::pool;
use super::run::{Reading, Ruled, RunError, Settings, by_form};
use super::work::Piece;
use crate::judge::Same;
use crate::policy::plan::Plan;
use crate::pseudonym::Salt;
use crate::rewrite::{self, Fault};

/// Ids of persons that the files tie together: some hundred bytes each, so that this is a gigabyte.
const MOST_TIES: usize = 10_000_000;
/// Ties are sorted and told apart whenever so many more have come.
const SOME_TIES: usize = 1 << 16;

/// What the files say of who is who. What cannot be read is passed over: rewriting finds it, with its place.
pub(super) fn survey(
    inputs: &[Input],
    plans: &[Ruled<'_>],
    settings: &Settings,
    told: &mut dyn FnMut(u64),
) -> Result<Vec<Same>, RunError> {
    let mut all = Vec::new();
    let mut tidy_at = SOME_TIES;
    let learns = |form: Form| by_form(plans, form).is_some_and(|(_, plan)| plan.has_aliases());
    let teaching: Vec<Input> = inputs.iter().filter(|input| learns(input.form)).cloned().collect();
    let mut pieces = Reading::new(&teaching, Next::START, settings);
    let found = |piece: Piece| {
        let mut found = Vec::new();
        if let Some((_, plan)) = by_form(plans, piece.form) {
            each(plan, &piece.bytes, piece.form.is_lines(), settings.skips, &mut found);
        }
        tidy(&mut found);
        (found, piece.bytes.len() as u64)
    };
    pool::in_order(
        settings.threads,
        || pieces.next(),
        found,
        |(found, bytes)| {
            all.extend(found);
            told(bytes);
            if all.len() >= tidy_at {
                tidy(&mut all);
                if all.len() > MOST_TIES {
                    return Err(RunError::TooManyPersons { most: MOST_TIES });
                }
                tidy_at = all.len().saturating_mul(2).max(SOME_TIES);
            }
            Ok(())
        },
    )?;
    tidy(&mut all);
    Ok(all)
}

fn tidy(all: &mut Vec<Same>) {
    all.sort_unstable_by_key(|same| (same.alias, same.person));
    all.dedup();
}

/// A piece. Where what is broken is passed over, it is not believed either: a document that cannot be rewritten says
/// nothing about anybody.
fn each(plan: &Plan, piece: &[u8], is_lines: bool, skips: bool, all: &mut Vec<Same>) {
    let mut rest = piece;
    while !rest.is_empty() {
        let Some(fault) = fault_of(plan, rest, is_lines, skips) else {
            if let Ok(found) = rewrite::survey(plan, rest, is_lines) {
                all.extend(found.same);
            }
            return;
        };
        if !is_lines {
            return;
        }
        let (before, _, after) = super::work::around(rest, fault.offset);
        if let Ok(found) = rewrite::survey(plan, before, true) {
            all.extend(found.same);
        }
        rest = after;
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
