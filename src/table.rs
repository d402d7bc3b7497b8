//! The scheme `table` between key and store: pseudonyms are looked up in one batch, and drawn where a value
//! has none; what a request's pseudonyms stand for is looked up the same way. Pseudonyms of values that were
//! looked up before are [`Held`] in memory.
//!
//! Stands beside an exchange: the proxy calls it, on a thread that may block, before a body is rewritten
//! or a request decided, and both then go by a finished map. What must never happen here: a pseudonym
//! that is not on disk given out; a look-up that takes another way for what is unknown.

mod held;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use self::held::Held;

use crate::ids::SubjectId;
use crate::pseudonym::{
    Blind, Known, Pseudonymiser, Random, Rows, SealedPseudonym, SealedValue, Table, Wanted,
};
use crate::store::{NewPseudonym, PseudonymKey, PseudonymRow, Store, StoreError, ValueRow};

/// Rows of one transaction: some ten milliseconds of the store's one writer, which others wait for.
const BATCH: usize = 1024;
/// Pseudonyms of one request that are looked for: a bulk upload names some thousand persons. What comes
/// after them stands for nothing, and is refused.
const MOST_SOUGHT: usize = 10_000;

/// The pseudonyms of values, drawn where they have none yet, and on disk when this returns. A value of a
/// person who was erased has none. Blocks.
///
/// # Errors
/// When the store cannot be used, holds a row that the keys do not open, or there is no randomness.
pub fn known(held: &Held, maker: &Pseudonymiser, wanted: &[Wanted]) -> Result<Known, StoreError> {
    let Some(table) = maker.table() else { return Ok(Known::default()) };
    let mut known = held.standing(table, wanted)?;
    // Somebody else's telephone number, until it was met in this record too. Its own id was tied at once.
    let shared = wanted.iter().filter(|one| !one.identifies() && known.of(&one.by_value).is_some());
    let ties: Vec<(PseudonymKey<'_>, SubjectId)> = shared
        .flat_map(|one| one.subjects.iter().skip(1).map(|subject| (key(table, one.by_value), *subject)))
        .collect();
    for batch in ties.chunks(BATCH) {
        held.store().tie(batch)?;
    }
    let missing: Vec<&Wanted> = wanted.iter().filter(|one| known.of(&one.by_value).is_none()).collect();
    for batch in missing.chunks(BATCH) {
        let new: Result<Vec<_>, StoreError> = batch.iter().map(|one| drawn(table, one)).collect();
        known.extend(held.draw(table, &new?)?);
    }
    Ok(known)
}

/// What the store has of the pseudonyms in a request. Each text is looked at from its last `/`, `|` or
/// other character on that no pseudonym holds. Blocks.
///
/// # Errors
/// When the store cannot be read.
pub fn rows<'t>(
    store: &Store,
    maker: &Pseudonymiser,
    texts: impl IntoIterator<Item = &'t str>,
) -> Result<Rows, StoreError> {
    let sought = texts.into_iter().filter_map(|text| maker.table_of(last_word(text)));
    let mut seen = HashSet::new();
    let keys: Vec<PseudonymKey<'_>> = sought
        .map(|(table, pseudonym)| key(table, table.by_pseudonym(&pseudonym)))
        .filter(|key| seen.insert(key.index))
        .take(MOST_SOUGHT)
        .collect();
    let found = store.values_of(&keys)?.into_iter();
    let value_of = |ValueRow { by_value, by_pseudonym, sealed_value: sealed }| SealedValue {
        by_value,
        by_pseudonym,
        sealed,
    };
    Ok(found.map(value_of).collect())
}

/// Whether a text could hold a pseudonym that [`rows`] looks for.
#[must_use]
pub fn is_sought(maker: &Pseudonymiser, text: &str) -> bool {
    maker.table_of(last_word(text)).is_some()
}

fn last_word(text: &str) -> &str {
    text.rsplit(|one: char| !(one.is_ascii_alphanumeric() || one == '-')).next().unwrap_or_default()
}

fn key(table: &Table, index: Blind) -> PseudonymKey<'_> {
    PseudonymKey { domain: table.domain(), version: table.version(), index }
}

fn drawn(table: &Table, wanted: &Wanted) -> Result<NewPseudonym, StoreError> {
    let mut random = Random { pseudonym: [0; 16], nonces: [[0; 12]; 2] };
    let [one, other] = &mut random.nonces;
    for bytes in [random.pseudonym.as_mut_slice(), one, other] {
        getrandom::fill(bytes).map_err(StoreError::Random)?;
    }
    let (pseudonym, value) = table.draw(wanted.input(), &random).ok_or(StoreError::Unopened)?;
    let row = PseudonymRow {
        domain: table.domain().to_owned(),
        version: table.version(),
        by_value: pseudonym.by_value,
        by_pseudonym: pseudonym.by_pseudonym,
        kind: pseudonym.kind,
        sealed_pseudonym: pseudonym.sealed,
    };
    Ok(NewPseudonym { row, sealed_value: value.sealed, subjects: wanted.subjects.clone() })
}

/// A row of the store, to be opened.
#[must_use]
pub fn row_of(row: PseudonymRow) -> SealedPseudonym {
    SealedPseudonym {
        by_value: row.by_value,
        by_pseudonym: row.by_pseudonym,
        kind: row.kind,
        sealed: row.sealed_pseudonym,
    }
}
