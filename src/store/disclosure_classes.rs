//! Disclosure classes: what many disclosures have in common, kept once: the grounds of their ledger records
//! (`ledger::Grounds`), kind, status and outcome. Rows of the index name one by its number. All nine are words of a
//! policy or of tavs, or a status: there are as many classes as routes and ways that an exchange ends, however many
//! disclosures. What comes from a body, or differs from one exchange to the next, must not become a tenth.
//!
//! What must never happen here: a disclosure in a class that differs from it in any of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension as _, ToSql, Transaction};

use super::rows::Exchange;
use super::sql;
use super::values::{int, join, number};
use crate::ids::PolicyVersion;

/// The classes that the rows of one batch have, with their numbers.
#[derive(Debug, Default)]
pub(super) struct DisclosureClasses<'a> {
    known: HashMap<Class<'a>, u64>,
    /// The class of the row before. PERF: consecutive rows mostly share one, and hashing it takes a tenth of what
    /// indexing a disclosure takes.
    last: Option<(Class<'a>, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Class<'a> {
    recipient: &'a str,
    policy: PolicyVersion,
    route: Option<&'a str>,
    kind: &'a str,
    purpose: &'a str,
    basis: &'a [Cow<'static, str>],
    country: &'a str,
    status: u16,
    outcome: &'a str,
}

impl<'a> DisclosureClasses<'a> {
    /// The number of a row's class, which is written where it is new.
    pub(super) fn number(&mut self, t: &Transaction<'_>, row: &'a Exchange) -> rusqlite::Result<u64> {
        let class = Class::of(row);
        if let Some((last, number)) = self.last
            && last == class
        {
            return Ok(number);
        }
        let number = match self.known.entry(class) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(find_or_put(t, &class)?),
        };
        self.last = Some((class, number));
        Ok(number)
    }
}

impl<'a> Class<'a> {
    fn of(row: &'a Exchange) -> Self {
        Self {
            recipient: &row.recipient,
            policy: row.policy,
            route: row.route.as_deref(),
            kind: &row.kind,
            purpose: &row.purpose,
            basis: &row.basis,
            country: &row.country,
            status: row.status,
            outcome: &row.outcome,
        }
    }
}

/// The number of a class in the store, or the one that it is given there.
fn find_or_put(t: &Transaction<'_>, class: &Class<'_>) -> rusqlite::Result<u64> {
    let basis = join(class.basis);
    // The number comes last where it is put, so that both statements begin with the same.
    let key: &[&dyn ToSql] = rusqlite::params![
        class.recipient,
        class.policy,
        class.route,
        class.kind,
        class.purpose,
        basis,
        class.country,
        class.status,
        class.outcome
    ];
    let found = t.prepare_cached(sql::CLASS)?.query_row(key, |row| number(row, 0)).optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    let last = t.prepare_cached(sql::LAST_CLASS)?.query_row((), |row| number(row, 0)).optional()?;
    let next = last.unwrap_or(0).saturating_add(1);
    t.prepare_cached(sql::PUT_CLASS)?.execute([key, rusqlite::params![int(next)]].concat().as_slice())?;
    Ok(next)
}
