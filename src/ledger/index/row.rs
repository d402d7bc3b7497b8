//! What a record says, as rows of the index.

use std::sync::Arc;

use crate::ledger::read::Record;
use crate::ledger::{Act, Entry, Event, PolicyRecord, canonical};
use crate::store::{self, Exchange, IndexRow, NewChange, Policy, RightKind};

/// Appends the rows of a record, and gives how many rows of tables they are: what a batch is
/// measured by.
pub(super) fn push_rows(record: Record, rows: &mut Vec<IndexRow>) -> usize {
    let sequence = record.sequence;
    match record.event {
        Event::Exchange(entry) => {
            let weight = entry.subjects.len().saturating_add(1);
            rows.push(IndexRow::Exchange(exchange(sequence, entry)));
            weight
        }
        Event::Policy(record) => {
            let weight = record.rules.len().saturating_add(1);
            rows.push(IndexRow::Policy(policy(sequence, record)));
            weight
        }
        Event::Act(record) => {
            let weight = record.subjects.len().saturating_add(2);
            if let Some((number, change)) = change(&record) {
                let (change, ids) = (Box::new(change), record.subjects.clone());
                rows.push(IndexRow::Change { sequence, number, change, ids });
            }
            rows.push(IndexRow::Act(act(sequence, record)));
            weight
        }
    }
}

fn exchange(sequence: u64, entry: Entry) -> Exchange {
    let grounds = &*entry.grounds;
    let numbered = (0_u32..).zip(&entry.released_by_rule).filter(|(_, count)| **count > 0);
    // Room for those: a policy may have many rules of which few let out anything.
    let mut released = Vec::with_capacity(numbered.clone().count());
    released.extend(numbered.map(|(rule, count)| (rule, u64::from(*count))));
    Exchange {
        sequence,
        // As it would be read back.
        at: canonical::as_written(entry.unix_millis),
        kind: entry.kind.word().into(),
        exchange: entry.exchange,
        recipient: grounds.recipient.shared(),
        policy: grounds.policy,
        route: grounds.route.clone(),
        purpose: grounds.purpose.shared(),
        basis: grounds.basis.clone(),
        country: Arc::clone(&grounds.country),
        status: entry.status,
        outcome: entry.outcome,
        bytes: entry.bytes,
        released,
        subjects: entry.subjects,
        withheld: entry.withheld,
        unfit: entry.unfit,
        cpr_in_text: entry.cpr_in_text,
        records: entry.records,
        records_withheld: entry.records_withheld,
    }
}

fn policy(sequence: u64, record: PolicyRecord) -> Policy {
    Policy {
        sequence,
        at: record.unix_millis,
        policy: record.policy,
        recipient: record.recipient,
        name: record.name,
        relation: record.relation,
        purpose: record.purpose,
        category: record.category,
        basis: record.basis,
        country: record.country,
        ground: record.ground,
        retention: record.retention,
        agreement: record.agreement,
        who: record.who,
        rules: record.rules,
    }
}

/// The change of the registry that an act tells of, so that a store that lacks it gets it again.
fn change(act: &Act) -> Option<(u64, NewChange)> {
    let changed = act.change?;
    let change = NewChange {
        subject: *act.subjects.first()?,
        kind: RightKind::of_word(&act.what)?,
        purpose: act.purpose.clone(),
        recipient: act.recipient.clone(),
        begun: act.begun?,
        at: act.unix_millis,
        until: changed.until,
        reason: act.why.clone(),
        who: act.who.clone(),
        sealed_cpr: None,
    };
    Some((changed.number, change))
}

fn act(sequence: u64, act: Act) -> store::Act {
    store::Act {
        sequence,
        at: act.unix_millis,
        kind: act.kind.word().to_owned(),
        what: act.what.into_owned(),
        begun: act.begun,
        who: act.who,
        why: act.why,
        subjects: act.subjects,
        purpose: act.purpose,
        recipient: act.recipient,
        policy: act.policy,
    }
}
