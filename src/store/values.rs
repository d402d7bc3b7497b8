//! Our values as database values, and back. What does not read back is an error, never skipped: a
//! row of the registry that cannot be understood may be a restriction.

use std::borrow::Borrow;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Error, Row};

use super::rows::{AliasSource, RightKind};
use crate::ids::{PolicyVersion, SubjectId};

impl ToSql for SubjectId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for SubjectId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(Self)
    }
}

impl ToSql for PolicyVersion {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for PolicyVersion {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self)
    }
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $name {
            /// The word that stands for it in the store and in records.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// What a word stands for.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.word()))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::of_word(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    };
}

words!(AliasSource { Learnt = "learnt", LookedUp = "looked-up", Imported = "imported" });
words!(RightKind {
    Restriction = "restriction",
    Objection = "objection",
    Consent = "consent",
    Frabedt = "frabedt",
    Erasure = "erasure",
});

/// A number for the database, whose integers have 63 bits; what is larger counts as the largest.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of the database that cannot be below zero.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let found: i64 = row.get(column)?;
    u64::try_from(found).map_err(|_negative| Error::IntegralValueOutOfRange(column, found))
}

/// A number that may be absent.
pub(super) fn optional_number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    let found: Option<i64> = row.get(column)?;
    found
        .map(|found| u64::try_from(found).map_err(|_negative| Error::IntegralValueOutOfRange(column, found)))
        .transpose()
}

/// Words of a policy (`gdpr-6-1-b`) hold no space.
pub(super) fn join<W: Borrow<str>>(words: &[W]) -> String {
    words.join(" ")
}

/// The words that [`join`] put together.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Ids of subjects, 16 bytes each.
pub(super) fn join_ids(ids: &[SubjectId]) -> Vec<u8> {
    let mut all = Vec::with_capacity(ids.len().saturating_mul(16));
    for id in ids {
        all.extend_from_slice(&id.0);
    }
    all
}

/// The ids that [`join_ids`] put together.
pub(super) fn read_ids(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<SubjectId>> {
    Ok(read_chunks(row, column)?.into_iter().map(SubjectId).collect())
}

/// Bytes as pieces of one length; an error if they are cut short.
pub(super) fn read_chunks<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<[u8; N]>> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|error| conversion(column, error))?;
    let (pieces, rest) = bytes.as_chunks();
    if rest.is_empty() { Ok(pieces.to_vec()) } else { Err(conversion(column, FromSqlError::InvalidType)) }
}

/// `[[rule,count],…]`, as in a ledger record. PERF: without serde_json, which made it a twelfth of what a disclosure
/// costs the index.
pub(super) fn pairs(released: &[(u32, u64)]) -> String {
    let mut all = String::with_capacity(released.len().saturating_mul(PAIR).saturating_add(2));
    all.push('[');
    for (n, (rule, count)) in released.iter().enumerate() {
        let mut digits = itoa::Buffer::new();
        all.push_str(if n == 0 { "[" } else { ",[" });
        all.push_str(digits.format(*rule));
        all.push(',');
        all.push_str(digits.format(*count));
        all.push(']');
    }
    all.push(']');
    all
}

/// Bytes of most pairs, with their comma.
const PAIR: usize = 10;

/// What [`pairs`] wrote.
pub(super) fn read_pairs(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<(u32, u64)>> {
    let text = row.get_ref(column)?;
    let text = text.as_str().map_err(|error| conversion(column, error))?;
    serde_json::from_str(text).map_err(|error| conversion(column, error))
}

/// An error that names the column.
pub(super) fn conversion(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn pairs_are_what_serde_json_writes() {
        for all in [&[][..], &[(0, 1)], &[(0, u64::MAX), (7, 10), (u32::MAX, 0)]] {
            assert_eq!(pairs(all), serde_json::to_string(all).unwrap());
        }
    }
}
