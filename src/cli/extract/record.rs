//! The record of an extract, through the officer's door: judged whole first, then on record: the
//! first part, then the others, some of them at once.

use serde::Serialize;
use zeroize::Zeroizing;

use super::super::USAGE;
use super::super::policy_files::Stop;
use super::super::subject::ask;
use super::args::{Given, Leaving};
use super::{Desk, Ground, stop};
use crate::extract::run::Staged;
use crate::extract::tally::Tally;
use crate::ids::{ExchangeId, SubjectId};
use crate::officer::EXTRACT_PERSONS;
use crate::policy::checked::Policy;
use crate::policy::checked::extract::Extract;

/// One part, as `POST /v1/extracts` takes it.
#[derive(Serialize)]
struct Part<'a> {
    who: Option<&'a str>,
    why: &'a str,
    recipient: &'a str,
    policy: String,
    route: &'a str,
    part: usize,
    record: bool,
    subjects: Vec<String>,
    bytes: u64,
    released_by_rule: Vec<u32>,
    withheld: u64,
    unfit: u64,
    cpr_in_text: u64,
    records: u64,
    records_withheld: u64,
}

/// Asks whether an extract could be put on record now, before hours are spent on it: by this version of the policy, on
/// this day, for this reason.
///
/// # Errors
/// Why not, in the office's words.
pub(super) fn could(
    Ground { policy, extract, .. }: &Ground,
    given: &Given,
    args: &Leaving,
) -> Result<(), Stop> {
    let route = extract.routes.first().and_then(|number| policy.routes.get(*number));
    let who = who(args);
    let nothing = Part {
        who: who.as_deref(),
        // As long as that of the record.
        why: &why(args, ExchangeId::new(0, [0; 10])),
        recipient: policy.recipient.id.as_str(),
        policy: policy.version.to_string(),
        route: route.map_or("", |route| route.name.as_str()),
        part: 1,
        record: false,
        subjects: Vec::new(),
        bytes: 0,
        released_by_rule: Vec::new(),
        withheld: 0,
        unfit: 0,
        cpr_in_text: 0,
        records: 0,
        records_withheld: 0,
    };
    coded(&nothing)
        .and_then(|body| ask::ask(&given.config, "/v1/extracts", body))
        .map(|_told| ())
        .map_err(|refused| stop(refused.code, refused.text))
}

fn who(args: &Leaving) -> Option<String> {
    args.who.clone().or_else(|| std::env::var("USER").ok().filter(|name| !name.is_empty()))
}

/// So that a manifest finds its record.
fn why(args: &Leaving, extract: ExchangeId) -> String {
    format!("{} (extract {extract})", args.why)
}

fn coded(part: &Part<'_>) -> Result<Zeroizing<Vec<u8>>, super::super::subject::Stop> {
    let body = serde_json::to_vec(part);
    body.map(Zeroizing::new).map_err(|error| super::super::subject::Stop::new(USAGE, error.to_string()))
}

/// Puts all of an extract on record. Nothing is, if anybody's data may not leave any more by now; whoever loses a right
/// meanwhile keeps the extract from appearing.
pub(super) fn record(desk: &Desk<'_>, staged: &Staged, bytes: u64) -> Result<(), Stop> {
    let (args, policy) = (desk.leaving, &desk.ground.policy);
    let (who, why) = (who(args), why(args, desk.id));
    let parts = parts(policy, &desk.ground.extract, staged);
    let all = parts.len();
    let body = |(number, record): (usize, bool)| {
        let (route, persons, tally, (share, of)) =
            parts.get(number).ok_or_else(|| super::super::subject::Stop::new(USAGE, "no such part"))?;
        let share_of = |count: u64| share_of(count, *share, *of);
        let part = Part {
            who: who.as_deref(),
            why: &why,
            recipient: policy.recipient.id.as_str(),
            policy: policy.version.to_string(),
            route,
            part: number.saturating_add(1),
            record,
            subjects: persons.iter().map(|id| data_encoding::HEXLOWER.encode(&id.0)).collect(),
            bytes: share_of_all(bytes, number, all),
            // Each part tells its persons of every rule: which of them let out whose, is not told apart.
            released_by_rule: tally
                .released_by_rule
                .iter()
                .map(|count| u32::try_from(share_of(*count).max(u64::from(*count > 0))).unwrap_or(u32::MAX))
                .collect(),
            withheld: share_of(tally.withheld),
            unfit: share_of(tally.unfit),
            cpr_in_text: share_of(tally.cpr_in_text),
            records: share_of(tally.records),
            records_withheld: share_of(tally.records_withheld),
        };
        coded(&part)
    };
    // With the first part the office notes who made an extract and why; that stands before the others.
    let turns = [(0..all, false), (0..1, true), (1..all, true)];
    let turns =
        turns.into_iter().map(|(numbers, record)| numbers.map(move |number| (number, record)).map(&body));
    ask::ask_in_turns(&desk.given.config, "/v1/extracts", turns)
        .map_err(|refused| stop(refused.code, refused.text))
}

/// A route's name, persons of it, what was counted of it, and which share of that it is.
type Share<'a> = (&'a str, &'a [SubjectId], &'a Tally, (u64, u64));

fn parts<'a>(policy: &'a Policy, extract: &Extract, staged: &'a Staged) -> Vec<Share<'a>> {
    let mut parts = Vec::new();
    for ((number, tally), persons) in extract.routes.iter().zip(&staged.counts.routes).zip(&staged.persons) {
        let Some(route) = policy.routes.get(*number) else { continue };
        let chunks: Vec<&[SubjectId]> = persons.chunks(EXTRACT_PERSONS).collect();
        // What is nobody's is on record, too.
        let chunks = if chunks.is_empty() && tally.records > 0 { vec![&[][..]] } else { chunks };
        let of = chunks.len() as u64;
        let shares = (0..of).zip(chunks);
        parts.extend(shares.map(|(share, persons)| (route.name.as_str(), persons, tally, (share, of))));
    }
    // That nobody is in it any more is told, too.
    let first = extract.routes.first().and_then(|number| policy.routes.get(*number));
    if let (true, Some(route), Some(tally)) = (parts.is_empty(), first, staged.counts.routes.first()) {
        parts.push((route.name.as_str(), &[], tally, (0, 1)));
    }
    parts
}

/// The part of a count that falls on one of so many: all together are the count.
fn share_of(count: u64, share: u64, of: u64) -> u64 {
    let (each, rest) = (count.checked_div(of).unwrap_or_default(), count.checked_rem(of).unwrap_or_default());
    each.saturating_add(u64::from(share < rest))
}

fn share_of_all(count: u64, number: usize, all: usize) -> u64 {
    share_of(count, number as u64, all as u64)
}
