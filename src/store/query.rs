//! What reports ask the index: by subject, by recipient and time, by time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row};

use super::error::StoreError;
use super::rows::{
    Act, Affected, Disclosed, Exchange, Given, Log, Millis, Policy, PolicyRule, Volume, Window,
};
use super::values::{conversion, int, number, read_ids, read_pairs, split};
use super::{Store, postings, sql};
use crate::ids::{ExchangeId, PolicyVersion, SubjectId};

const DOING: &str = "read the index";

/// Recipient, policy version and route: what a sum is of.
type GivenUnder = (String, PolicyVersion, Option<String>);

/// Adds up what was given under the same grounds.
#[derive(Debug, Default)]
struct Sums(BTreeMap<(String, [u8; 32], Option<String>), Sum>);

#[derive(Debug)]
struct Sum {
    disclosures: u64,
    first: Millis,
    last: Millis,
    released: BTreeMap<u32, u64>,
}

impl Store {
    /// Every disclosure about any of the subject ids (all ids of one person), each once, oldest
    /// first: who received what, when, why and where (GDPR art. 15(1)(c)).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn disclosures_of(&self, ids: &[SubjectId]) -> Result<Vec<Disclosed>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut found: BTreeMap<(Millis, u64), Disclosed> = BTreeMap::new();
            let mut statement = c.prepare_cached(sql::DISCLOSURE)?;
            for sequence in postings::of(c, ids)? {
                let disclosed = statement.query_row((int(sequence),), |row| {
                    Ok(Disclosed { exchange: exchange(row)?, persons: number(row, 19)? })
                });
                // Retention may have let it go while its run still stands.
                if let Some(disclosed) = disclosed.optional()? {
                    found.insert((disclosed.exchange.at, sequence), disclosed);
                }
            }
            Ok(found.into_values().collect())
        })
    }

    /// How the database answers [`disclosures_of`](Self::disclosures_of), step by step: for whoever
    /// measures it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn plan_of_disclosures(&self) -> Result<Vec<String>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut steps = Vec::new();
            for text in [sql::BLOCKS_DOWN_FROM, sql::UNSORTED_FROM, sql::DISCLOSURE] {
                let mut statement = c.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
                let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
                let found = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))?;
                steps.append(&mut found.collect::<rusqlite::Result<_>>()?);
            }
            Ok(steps)
        })
    }

    /// What each recipient was given about any of the subject ids: whom to tell of a rectification,
    /// erasure or restriction (art. 19).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn given_about(&self, ids: &[SubjectId]) -> Result<Vec<Given>, StoreError> {
        let mut sums = Sums::default();
        for Disclosed { exchange, .. } in self.disclosures_of(ids)? {
            let route = exchange.route.as_deref().map(str::to_owned);
            let under = (exchange.recipient.to_string(), exchange.policy, route);
            sums.add(under, exchange.at, &exchange.released);
        }
        Ok(sums.into_given())
    }

    /// Whom a recipient was told about in a window, one subject id at a time (art. 33, 34).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn each_affected(
        &self,
        recipient: &str,
        window: Window,
        each: impl FnMut(Affected),
    ) -> Result<(), StoreError> {
        let found = self.connections.read(DOING, |c| {
            let mut found: BTreeMap<[u8; 16], Affected> = BTreeMap::new();
            let mut statement = c.prepare_cached(sql::TOLD_TO)?;
            let mut rows = statement.query((recipient, int(window.from), int(window.to)))?;
            while let Some(row) = rows.next()? {
                let at = number(row, 0)?;
                for subject in read_ids(row, 1)? {
                    let none = Affected { subject, disclosures: 0, first: at, last: at };
                    let one = found.entry(subject.0).or_insert(none);
                    one.disclosures = one.disclosures.saturating_add(1);
                    one.first = one.first.min(at);
                    one.last = one.last.max(at);
                }
            }
            Ok(found)
        })?;
        found.into_values().for_each(each);
        Ok(())
    }

    /// What a recipient was given in a window, by policy version and route: the categories of
    /// data in a breach.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn given_to(&self, recipient: &str, window: Window) -> Result<Vec<Given>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut sums = Sums::default();
            let mut statement = c.prepare_cached(sql::GIVEN_TO)?;
            let mut rows = statement.query((recipient, int(window.from), int(window.to)))?;
            while let Some(row) = rows.next()? {
                let under = (recipient.to_owned(), row.get(0)?, row.get(1)?);
                sums.add(under, number(row, 2)?, &read_pairs(row, 3)?);
            }
            Ok(sums.into_given())
        })
    }

    /// Volumes of a window by recipient, kind and outcome: for supervision.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn volumes(&self, window: Window) -> Result<Vec<Volume>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut found = Vec::new();
            let mut next = c.prepare_cached(sql::NEXT_RECIPIENT)?;
            let mut volumes = c.prepare_cached(sql::VOLUMES)?;
            // No recipient's id is empty.
            let mut recipient = String::new();
            while let Some(one) = next.query_row((&recipient,), |row| row.get(0)).optional()? {
                recipient = one;
                for one in volumes.query_map((&recipient, int(window.from), int(window.to)), volume)? {
                    found.push(one?);
                }
            }
            Ok(found)
        })
    }

    /// What officers and operators did in a window, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn acts(&self, window: Window) -> Result<Vec<Act>, StoreError> {
        self.acts_by(sql::ACTS, (int(window.from), int(window.to)))
    }

    /// What officers did about any of the subject ids, each once, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn acts_of(&self, ids: &[SubjectId]) -> Result<Vec<Act>, StoreError> {
        let mut found = Vec::new();
        for id in ids {
            found.append(&mut self.acts_by(sql::ACTS_OF, (id,))?);
        }
        found.sort_by_key(|act| (act.at, act.sequence));
        found.dedup();
        Ok(found)
    }

    /// Every act of one kind, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn acts_of_kind(&self, kind: &str) -> Result<Vec<Act>, StoreError> {
        self.acts_by(sql::ACTS_OF_KIND, (kind,))
    }

    fn acts_by(&self, text: &str, parameters: impl rusqlite::Params) -> Result<Vec<Act>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut subjects = c.prepare_cached(sql::ACT_SUBJECTS)?;
            let mut statement = c.prepare_cached(text)?;
            let mut rows = statement.query(parameters)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let (log, sequence): (Log, i64) = (row.get(0)?, row.get(1)?);
                let about = subjects.query_map((log, sequence), |row| row.get(0))?;
                found.push(act(row, about.collect::<rusqlite::Result<_>>()?)?);
            }
            Ok(found)
        })
    }

    /// A policy version in words; `None` if no record told of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn policy(&self, policy: PolicyVersion) -> Result<Option<Policy>, StoreError> {
        self.connections.read(DOING, |c| {
            let found =
                c.prepare_cached(sql::POLICY)?.query_row((policy,), |row| head(row, policy)).optional()?;
            let Some(mut found) = found else { return Ok(None) };
            let mut statement = c.prepare_cached(sql::POLICY_RULES)?;
            found.rules = statement.query_map((policy,), rule)?.collect::<rusqlite::Result<_>>()?;
            Ok(Some(found))
        })
    }

    /// The policy versions that took effect first in a window, oldest first, without their rules.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn policies(&self, window: Window) -> Result<Vec<Policy>, StoreError> {
        self.connections.read(DOING, |c| {
            let mut statement = c.prepare_cached(sql::POLICIES)?;
            let found =
                statement.query_map((int(window.from), int(window.to)), |row| head(row, row.get(13)?))?;
            found.collect()
        })
    }
}

impl Sums {
    fn add(&mut self, (recipient, policy, route): GivenUnder, at: Millis, released: &[(u32, u64)]) {
        let sum = self.0.entry((recipient, policy.0, route)).or_insert_with(|| Sum {
            disclosures: 0,
            first: at,
            last: at,
            released: BTreeMap::new(),
        });
        sum.disclosures = sum.disclosures.saturating_add(1);
        sum.first = sum.first.min(at);
        sum.last = sum.last.max(at);
        for (rule, count) in released {
            let total = sum.released.entry(*rule).or_default();
            *total = total.saturating_add(*count);
        }
    }

    fn into_given(self) -> Vec<Given> {
        let given = self.0.into_iter().map(|((recipient, policy, route), sum)| Given {
            recipient,
            policy: PolicyVersion(policy),
            route,
            disclosures: sum.disclosures,
            first: sum.first,
            last: sum.last,
            released: sum.released.into_iter().collect(),
        });
        given.collect()
    }
}

fn exchange(row: &Row<'_>) -> rusqlite::Result<Exchange> {
    let basis: String = row.get(8)?;
    Ok(Exchange {
        sequence: number(row, 0)?,
        at: number(row, 1)?,
        kind: Cow::Owned(row.get(2)?),
        exchange: ExchangeId::from_bytes(row.get(3)?),
        recipient: row.get(4)?,
        policy: row.get(5)?,
        route: row.get(6)?,
        purpose: row.get(7)?,
        basis: split(&basis).into_iter().map(Cow::Owned).collect(),
        country: row.get(9)?,
        status: row.get(10)?,
        outcome: Cow::Owned(row.get(11)?),
        bytes: number(row, 12)?,
        subjects: Vec::new(),
        released: read_pairs(row, 13)?,
        withheld: number(row, 14)?,
        unfit: number(row, 15)?,
        cpr_in_text: number(row, 16)?,
        records: number(row, 17)?,
        records_withheld: number(row, 18)?,
    })
}

fn volume(row: &Row<'_>) -> rusqlite::Result<Volume> {
    Ok(Volume {
        recipient: row.get(0)?,
        kind: row.get(1)?,
        outcome: row.get(2)?,
        exchanges: number(row, 3)?,
        bytes: number(row, 4)?,
        subjects: number(row, 5)?,
        records: number(row, 6)?,
        records_withheld: number(row, 7)?,
        withheld: number(row, 8)?,
        unfit: number(row, 9)?,
        cpr_in_text: number(row, 10)?,
    })
}

fn act(row: &Row<'_>, subjects: Vec<SubjectId>) -> rusqlite::Result<Act> {
    Ok(Act {
        sequence: number(row, 1)?,
        at: number(row, 2)?,
        kind: row.get(3)?,
        what: row.get(4)?,
        begun: row.get(5)?,
        who: row.get(6)?,
        why: row.get(7)?,
        subjects,
        purpose: row.get(8)?,
        recipient: row.get(9)?,
        policy: row.get(10)?,
    })
}

fn head(row: &Row<'_>, policy: PolicyVersion) -> rusqlite::Result<Policy> {
    let basis: String = row.get(7)?;
    Ok(Policy {
        sequence: number(row, 0)?,
        at: number(row, 1)?,
        policy,
        recipient: row.get(2)?,
        name: row.get(3)?,
        relation: row.get(4)?,
        purpose: row.get(5)?,
        category: row.get(6)?,
        basis: split(&basis),
        country: row.get(8)?,
        ground: row.get(9)?,
        retention: row.get(10)?,
        agreement: row.get(11)?,
        who: row.get(12)?,
        rules: Vec::new(),
    })
}

fn rule(row: &Row<'_>) -> rusqlite::Result<PolicyRule> {
    let found = number(row, 1)?;
    Ok(PolicyRule {
        route: row.get(0)?,
        rule: u32::try_from(found).map_err(|error| conversion(1, error))?,
        location: row.get(2)?,
        form: row.get(3)?,
    })
}
