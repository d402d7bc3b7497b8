//! What a record says, as rows of the index.

use crate::ledger::read::Record;
use crate::ledger::{Entry, Kind};
use crate::store::{Exchange, IndexRow};

/// Appends the rows of a record, and gives how many rows of tables they are: what a batch is
/// measured by.
pub(super) fn push_rows(record: Record, rows: &mut Vec<IndexRow>) -> usize {
    let exchange = exchange(record.sequence, record.entry);
    let weight = exchange.subjects.len().saturating_add(1);
    rows.push(IndexRow::Exchange(exchange));
    weight
}

fn exchange(sequence: u64, entry: Entry) -> Exchange {
    let grounds = &*entry.grounds;
    let numbered = (0_u32..).zip(&entry.released_by_rule);
    Exchange {
        sequence,
        at: entry.unix_millis,
        kind: word(entry.kind).to_owned(),
        exchange: entry.exchange,
        recipient: grounds.recipient.as_str().to_owned(),
        policy: grounds.policy,
        route: grounds.route.as_deref().map(str::to_owned),
        purpose: grounds.purpose.as_str().to_owned(),
        basis: grounds.basis.iter().map(|word| word.clone().into_owned()).collect(),
        country: grounds.country.to_string(),
        status: entry.status,
        outcome: entry.outcome.into_owned(),
        bytes: entry.bytes,
        released: numbered
            .filter(|(_, count)| **count > 0)
            .map(|(rule, count)| (rule, u64::from(*count)))
            .collect(),
        subjects: entry.subjects,
        withheld: entry.withheld,
        unfit: entry.unfit,
        cpr_in_text: entry.cpr_in_text,
        records: entry.records,
        records_withheld: entry.records_withheld,
    }
}

/// The kinds as docs/ledger.md words them.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Disclosure => "disclosure",
        Kind::Refusal => "refusal",
    }
}
