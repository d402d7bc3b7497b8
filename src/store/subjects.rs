//! Aliases: which subject ids are one person's.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::connect::Durability;
use super::error::StoreError;
use super::rows::Alias;
use super::values::{int, number};
use super::{Store, pseudonyms, sql};
use crate::ids::SubjectId;

const READING: &str = "read aliases";
const CHANGING: &str = "change aliases";

impl Store {
    /// Adds aliases; those that are known already are left alone. Gives how many are new; on disk
    /// when this returns.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn put_aliases(&self, aliases: &[Alias]) -> Result<usize, StoreError> {
        let (new, erased) = self.connections.write(Durability::Synced, CHANGING, |t| {
            let last = t.prepare_cached(sql::LAST_ALIAS)?.query_row((), |row| number(row, 0)).optional()?;
            let mut next = last.unwrap_or(0).saturating_add(1);
            let mut put = t.prepare_cached(sql::PUT_ALIAS)?;
            let (mut new, mut tied, mut erased) = (0_usize, BTreeSet::new(), false);
            for alias in aliases {
                let values = (alias.subject, alias.same_as, alias.source, int(alias.at), int(next));
                if put.execute(values)? > 0 {
                    next = next.saturating_add(1);
                    new = new.saturating_add(1);
                    tied.insert(alias.same_as);
                }
            }
            // Once a person, for each time looks at all of her ids.
            for person in tied {
                erased |= pseudonyms::tied(t, person)?;
            }
            Ok((new, erased))
        })?;
        if erased {
            self.connections.wipe();
        }
        Ok(new)
    }

    /// Takes an alias back that was a mistake. `false` if there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn remove_alias(&self, subject: SubjectId, same_as: SubjectId) -> Result<bool, StoreError> {
        self.connections.write(Durability::Synced, CHANGING, |t| {
            Ok(t.prepare_cached(sql::REMOVE_ALIAS)?.execute((subject, same_as))? > 0)
        })
    }

    /// Every alias, as a subject id and the one that it is the same person as, in the order in
    /// which they became known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn each_alias(&self, mut each: impl FnMut(SubjectId, SubjectId)) -> Result<(), StoreError> {
        self.connections.read(READING, |c| {
            let mut statement = c.prepare_cached(sql::ALIASES)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                each(row.get(0)?, row.get(1)?);
            }
            Ok(())
        })
    }

    /// Every id of the person whom an id names, that one first: what a report asks by.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ids_of(&self, id: SubjectId) -> Result<Vec<SubjectId>, StoreError> {
        self.connections.read(READING, |c| ids_of(c, id))
    }

    /// The aliases that name a subject id, on either side.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn aliases_of(&self, subject: SubjectId) -> Result<Vec<Alias>, StoreError> {
        self.connections.read(READING, |c| aliases_of(c, subject))
    }
}

/// Every id of the person whom an id names, that one first.
pub(super) fn ids_of(c: &Connection, id: SubjectId) -> rusqlite::Result<Vec<SubjectId>> {
    let mut found = vec![id];
    let mut seen = HashSet::from([id]);
    let mut looked = 0;
    while let Some(next) = found.get(looked).copied() {
        for alias in aliases_of(c, next)? {
            let others = [alias.subject, alias.same_as];
            found.extend(others.into_iter().filter(|other| seen.insert(*other)));
        }
        looked = looked.saturating_add(1);
    }
    Ok(found)
}

fn aliases_of(c: &Connection, subject: SubjectId) -> rusqlite::Result<Vec<Alias>> {
    let mut found = Vec::new();
    for text in [sql::ALIASES_FROM, sql::ALIASES_TO] {
        for row in c.prepare_cached(text)?.query_map((subject,), alias)? {
            found.push(row?);
        }
    }
    Ok(found)
}

fn alias(row: &Row<'_>) -> rusqlite::Result<Alias> {
    Ok(Alias { subject: row.get(0)?, same_as: row.get(1)?, source: row.get(2)?, at: number(row, 3)? })
}
