//! The index: rows made of ledger records. Applied in order and once, together with how far they
//! reach, so that a crash between two batches costs nothing but time.

use data_encoding::HEXLOWER;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Statement, Transaction};

use super::connect::Durability;
use super::disclosure_classes::DisclosureClasses;
use super::error::StoreError;
use super::quota::REFRESH;
use super::rows::{Act, Exchange, IndexRow, Log, Policy, Position};
use super::values::{int, join, join_ids, number, pairs};
use super::{Store, postings, registry, sql};
use crate::ids::SubjectId;

const DOING: &str = "write the index";
const READING: &str = "read the index";

/// What `meta` calls the log that a store belongs to.
const LOG: &str = "log";

impl Store {
    /// The log that the store belongs to, if it belongs to one yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn log(&self) -> Result<Option<String>, StoreError> {
        self.connections.read(READING, log)
    }

    /// Makes the store belong to a log, if it belongs to none yet.
    ///
    /// # Errors
    /// When it belongs to another, or cannot be written.
    pub fn bind(&self, log: Log) -> Result<(), StoreError> {
        self.connections.write_or_refuse(Durability::Synced, DOING, |t| bind(t, &log))
    }

    /// How far the index has come in a log; `None` if nothing of it is indexed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn position(&self, log: Log) -> Result<Option<Position>, StoreError> {
        self.connections.read(READING, |c| position(c, log))
    }

    /// Applies rows in order, and moves the position to `upto`, all in one step. Rows that are in the
    /// index already are passed over: applying a batch twice is the same as once.
    ///
    /// `begins` is the number of the record that the batch begins with: it must not leave one out. A store that belongs
    /// to no log yet belongs to this one from now on.
    ///
    /// # Errors
    /// When the rows do not follow the index, others stand in their place, the store belongs to another log, or it
    /// cannot be written.
    pub fn apply(&self, begins: u64, rows: &[IndexRow], upto: Position) -> Result<(), StoreError> {
        let applied =
            self.connections.write_or_refuse(Durability::Derived, DOING, |t| apply(t, begins, rows, upto));
        match applied {
            Err(StoreError::Database { source, .. })
                if source.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
            {
                Err(StoreError::Stray { source })
            }
            Ok(()) | Err(_) => applied,
        }
    }

    /// Takes out of the index what the ledger's retention has let go: the records up to a number, and
    /// who was told about whom last at that time. Policy versions stay: later records speak of them.
    ///
    /// # Errors
    /// When the store belongs to another log, or cannot be written.
    pub fn forget_index(&self, log: Log, upto: u64) -> Result<(), StoreError> {
        self.connections.write_or_refuse(Durability::Derived, DOING, |t| {
            if let Err(other) = bind(t, &log)? {
                return Ok(Err(other));
            }
            let last = t.query_row(sql::FORGOTTEN, (int(upto),), |row| number(row, 0)).optional()?;
            if let Some(at) = last {
                // One that was not written again may be older than the disclosure that it stands for.
                t.execute(sql::FORGET_RESERVED, (int(at.saturating_sub(REFRESH)),))?;
            }
            postings::forget(t, &log, upto)?;
            for text in [sql::FORGET_ACT_SUBJECT, sql::FORGET_ACT] {
                t.execute(text, (log, int(upto)))?;
            }
            t.execute(sql::FORGET_DISCLOSURE, (int(upto),))?;
            t.execute(sql::FORGET_CLASSES, ())?;
            Ok(Ok(()))
        })
    }

    /// Takes all out of the index, to make it anew.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn clear_index(&self) -> Result<(), StoreError> {
        self.connections.write(Durability::Derived, DOING, |t| {
            for text in [
                sql::CLEAR_POSITION,
                sql::CLEAR_ACT_SUBJECT,
                sql::CLEAR_ACT,
                sql::CLEAR_POLICY_RULE,
                sql::CLEAR_POLICY,
                sql::CLEAR_BLOCKS,
                sql::CLEAR_RUNS,
                sql::CLEAR_DISCLOSURE,
                sql::CLEAR_CLASSES,
            ] {
                t.execute(text, ())?;
            }
            Ok(())
        })
    }
}

fn log(c: &Connection) -> rusqlite::Result<Option<String>> {
    c.prepare_cached(sql::META)?.query_row((LOG,), |row| row.get(0)).optional()
}

/// Refuses another log than the store's; one that belongs to none yet, and has rows of none, is this one's from now on.
fn bind(t: &Transaction<'_>, log: &Log) -> rusqlite::Result<Result<(), StoreError>> {
    let given = HEXLOWER.encode(log);
    let stored = match self::log(t)? {
        Some(stored) => Some(stored),
        None => {
            let other = postings::logs(t)?.into_iter().find(|(indexed, _)| indexed != log);
            other.map(|(other, _)| HEXLOWER.encode(&other))
        }
    };
    if let Some(stored) = stored.filter(|stored| *stored != given) {
        return Ok(Err(StoreError::OtherLog { stored, given }));
    }
    t.prepare_cached(sql::PUT_META_ONCE)?.execute((LOG, &given))?;
    Ok(Ok(()))
}

fn position(c: &Connection, log: Log) -> rusqlite::Result<Option<Position>> {
    c.prepare_cached(sql::POSITION)?
        .query_row((log,), |row| Ok(Position { log, sequence: number(row, 0)?, hash: row.get(1)? }))
        .optional()
}

fn apply(
    t: &Transaction<'_>,
    begins: u64,
    rows: &[IndexRow],
    upto: Position,
) -> rusqlite::Result<Result<(), StoreError>> {
    // A disclosure's key is its record's number alone: another log's rows would pass for this one's.
    if let Err(other) = bind(t, &upto.log)? {
        return Ok(Err(other));
    }
    let before = position(t, upto.log)?.map(|position| position.sequence);
    if let Some(at) = before {
        if begins > at.saturating_add(1) {
            return Ok(Err(StoreError::Gap { at, given: begins }));
        }
        if upto.sequence <= at {
            return Ok(Ok(()));
        }
    }
    let mut unsorted = postings::unsorted(t, &upto.log)?;
    let mut classes = DisclosureClasses::default();
    // Looked for once, not once a row: its text is long.
    let mut put = t.prepare_cached(sql::PUT_DISCLOSURE)?;
    for row in rows.iter().filter(|row| before.is_none_or(|at| row.sequence() > at)) {
        match row {
            IndexRow::Exchange(exchange) => {
                put_exchange(&mut put, exchange, classes.number(t, exchange)?)?;
                unsorted = postings::add(t, &upto.log, exchange, unsorted)?;
            }
            IndexRow::Policy(policy) => put_policy(t, &upto.log, policy)?,
            IndexRow::Act(act) => put_act(t, &upto.log, act)?,
            IndexRow::Change { sequence, number, change, ids } => {
                if !registry::replay(t, *number, change, (*sequence, ids))? {
                    return Ok(Err(StoreError::Conflict { number: *number }));
                }
            }
        }
    }
    let mut put = t.prepare_cached(sql::PUT_POSITION)?;
    put.execute((upto.log, int(upto.sequence), upto.hash, int(unsorted)))?;
    Ok(Ok(()))
}

impl Exchange {
    /// Whether nothing left.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.kind == "refusal"
    }

    /// Whom it told about: of a refusal nothing left.
    pub(super) fn told(&self) -> &[SubjectId] {
        if self.is_refusal() { &[] } else { &self.subjects }
    }
}

impl IndexRow {
    /// The number of the record that the row is made of.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        match self {
            Self::Exchange(exchange) => exchange.sequence,
            Self::Policy(policy) => policy.sequence,
            Self::Act(act) => act.sequence,
            Self::Change { sequence, .. } => *sequence,
        }
    }
}

fn put_exchange(put: &mut Statement<'_>, row: &Exchange, class: u64) -> rusqlite::Result<()> {
    put.execute((
        int(row.sequence),
        int(row.at),
        int(class),
        row.exchange.as_bytes(),
        int(row.bytes),
        int(u64::try_from(row.subjects.len()).unwrap_or(u64::MAX)),
        join_ids(row.told()),
        pairs(&row.released),
        int(row.withheld),
        int(row.unfit),
        int(row.cpr_in_text),
        int(row.records),
        int(row.records_withheld),
    ))?;
    Ok(())
}

/// A version that takes effect again keeps its first row: its text, and so its rules, are the same.
fn put_policy(t: &Transaction<'_>, log: &Log, row: &Policy) -> rusqlite::Result<()> {
    let mut put = t.prepare_cached(sql::PUT_POLICY)?;
    let new = put.execute((
        row.policy,
        log,
        int(row.sequence),
        int(row.at),
        &row.recipient,
        &row.name,
        &row.relation,
        &row.purpose,
        &row.category,
        join(&row.basis),
        &row.country,
        &row.ground,
        &row.retention,
        &row.agreement,
        &row.who,
    ))?;
    if new == 0 {
        return Ok(());
    }
    let mut put = t.prepare_cached(sql::PUT_POLICY_RULE)?;
    for rule in &row.rules {
        put.execute((row.policy, &rule.route, rule.rule, &rule.location, &rule.form))?;
    }
    Ok(())
}

fn put_act(t: &Transaction<'_>, log: &Log, row: &Act) -> rusqlite::Result<()> {
    let mut put = t.prepare_cached(sql::PUT_ACT)?;
    put.execute((
        log,
        int(row.sequence),
        int(row.at),
        &row.kind,
        &row.what,
        row.begun,
        &row.who,
        &row.why,
        &row.purpose,
        &row.recipient,
        row.policy,
    ))?;
    let mut put = t.prepare_cached(sql::PUT_ACT_SUBJECT)?;
    for subject in &row.subjects {
        put.execute((log, int(row.sequence), subject))?;
    }
    Ok(())
}
