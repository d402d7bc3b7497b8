//! The subject report: who received what about me, when, why, on which basis, where and in which form
//! (GDPR art. 15(1)(a)-(d), (h); the actual recipients, C-154/21).
//!
//! One report may be about several persons (the asker and their children): each disclosure says whom
//! of them it is about, and the registry's entries stand apart by person.

mod html;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::act::ActEntry;
use super::csv::Csv;
use super::member::{Member, Policies};
use super::recipient::{Profile, Under};
use super::{Format, Frame, Language, time};
use crate::ids::{ExchangeId, SubjectId};
use crate::store::{Change, Disclosed, Millis, Notification, Store, StoreError};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct SubjectAsk {
    /// The head of the report.
    pub frame: Frame,
    /// Whom it is about, in the order in which they are to stand.
    pub persons: Vec<Person>,
    /// From when on there are records, if the caller knows: retention lets older ones go.
    pub since: Option<Millis>,
    /// Whether staff who looked the person up or changed the registry are named. Without a reason to:
    /// no (C-579/21).
    pub names_staff: bool,
}

/// One person of a report.
#[derive(Clone)]
pub struct Person {
    /// Who they are to the asker.
    pub role: Role,
    /// The name, as it is to stand in the report.
    pub name: Option<String>,
    /// The CPR, as it is to stand in the heading: nowhere else, and only if it is given here.
    pub cpr: Option<String>,
    /// Every id of the person, as `Store::ids_of` gives them.
    pub ids: Vec<SubjectId>,
}

/// SECURITY: no log shows who it is (G10).
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Who somebody is to the person who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The asker.
    Own,
    /// A child of whom the asker has custody.
    Child,
    /// Somebody whom the asker may act for.
    Ward,
}

impl Role {
    const fn id(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Child => "child",
            Self::Ward => "ward",
        }
    }
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectReport {
    #[serde(flatten)]
    frame: Frame,
    #[serde(serialize_with = "time::rfc3339_or_none")]
    records_since: Option<Millis>,
    persons: Vec<Heading>,
    recipients: Vec<Received>,
    rights: Vec<RightEntry>,
    look_ups: Vec<LookUp>,
    notices: Vec<Notice>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct Heading {
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpr: Option<String>,
}

/// SECURITY: no log shows who it is (G10).
impl fmt::Debug for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heading").field("role", &self.role).finish_non_exhaustive()
    }
}

/// What one recipient received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Received {
    #[serde(flatten)]
    profile: Profile,
    #[serde(serialize_with = "time::rfc3339")]
    first: Millis,
    #[serde(serialize_with = "time::rfc3339")]
    last: Millis,
    withheld: Withheld,
    disclosures: Vec<Disclosure>,
}

/// What responses about nobody else lacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Withheld {
    members: u64,
    unfit: u64,
    cpr_in_text: u64,
}

/// One response, or one request that brought data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Disclosure {
    #[serde(serialize_with = "time::rfc3339")]
    at: Millis,
    exchange: String,
    kind: String,
    /// Whom of the report's persons it is about, counted from 0.
    about: Vec<usize>,
    /// How many persons it is about in all.
    persons: u64,
    purpose: String,
    basis: Vec<String>,
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    policy: String,
    members: Vec<Member>,
    /// Not said of responses that others are in, too: it may be about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<Withheld>,
}

/// One entry of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct RightEntry {
    about: usize,
    change: u64,
    kind: &'static str,
    begun: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    #[serde(serialize_with = "time::rfc3339")]
    at: Millis,
    #[serde(serialize_with = "time::rfc3339_or_none", skip_serializing_if = "Option::is_none")]
    until: Option<Millis>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    in_force: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct LookUp {
    about: usize,
    #[serde(flatten)]
    act: ActEntry,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Notice {
    recipient: String,
    subject: String,
    #[serde(serialize_with = "time::rfc3339")]
    at: Millis,
    #[serde(serialize_with = "time::rfc3339_or_none")]
    acknowledged: Option<Millis>,
}

impl SubjectReport {
    /// Reads the report's rows. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(store: &Store, ask: SubjectAsk) -> Result<Self, StoreError> {
        let SubjectAsk { frame, persons, since, names_staff } = ask;
        let mut found = Found::default();
        let (mut rights, mut look_ups, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        for (about, person) in persons.iter().enumerate() {
            found.add(store.disclosures_of(&person.ids)?, about);
            let mut changes = Vec::new();
            for id in &person.ids {
                changes.append(&mut store.changes_of(*id)?);
                notices.extend(store.notifications_of(*id)?.into_iter().map(Notice::new));
            }
            rights.append(&mut entries(changes, about, frame.made, names_staff));
            // A change of the registry is told as that.
            let acts = store.acts_of(&person.ids)?.into_iter().filter(|act| act.kind != "registry");
            look_ups.extend(acts.map(|act| LookUp { about, act: ActEntry::new(act, names_staff) }));
        }
        notices.sort_by(|one, other| (one.at, &one.recipient).cmp(&(other.at, &other.recipient)));
        look_ups.sort_by_key(|one| (one.act.at, one.act.record));
        let recipients = found.by_recipient(store)?;
        let persons = persons.into_iter().map(|Person { role, name, cpr, .. }| Heading { role, name, cpr });
        let persons = persons.collect();
        Ok(Self { frame, records_since: since, persons, recipients, rights, look_ups, notices })
    }

    /// Writes the report.
    ///
    /// # Errors
    /// When it cannot be written as JSON; that would be a mistake of this program.
    pub fn render(&self, format: Format, language: Language) -> Result<String, serde_json::Error> {
        match format {
            Format::Html => Ok(html::page(self, language.text())),
            Format::Json => serde_json::to_string_pretty(self),
            Format::Csv => Ok(self.csv()),
        }
    }

    /// Every disclosure, one a row.
    fn csv(&self) -> String {
        let mut table = Csv::begin(&[
            "time",
            "recipient",
            "name",
            "country",
            "transfer_ground",
            "purpose",
            "basis",
            "relation",
            "retention",
            "agreement",
            "kind",
            "about",
            "persons",
            "members",
            "route",
            "policy",
            "exchange",
        ]);
        for received in &self.recipients {
            let profile = &received.profile;
            let joined =
                |set: &std::collections::BTreeSet<String>| Vec::from_iter(set.iter().cloned()).join("; ");
            for one in &received.disclosures {
                let about = one.about.iter().filter_map(|at| self.persons.get(*at));
                let about: Vec<String> = about
                    .zip(&one.about)
                    .map(|(p, at)| format!("{}-{}", p.role.id(), at.saturating_add(1)))
                    .collect();
                let members = one.members.iter().map(|member| format!("{} {}", member.location, member.form));
                table.row(&[
                    time::utc(one.at),
                    profile.recipient.clone(),
                    profile.name.clone().unwrap_or_default(),
                    one.country.clone(),
                    joined(&profile.grounds),
                    one.purpose.clone(),
                    one.basis.join("; "),
                    joined(&profile.relations),
                    joined(&profile.retention),
                    joined(&profile.agreements),
                    one.kind.clone(),
                    about.join("; "),
                    one.persons.to_string(),
                    Vec::from_iter(members).join("; "),
                    one.route.clone().unwrap_or_default(),
                    one.policy.clone(),
                    one.exchange.clone(),
                ]);
            }
        }
        table.end()
    }
}

/// Disclosures about any of the persons, each once, oldest first.
#[derive(Debug, Default)]
struct Found(BTreeMap<(Millis, ExchangeId, u64), (Disclosed, Vec<usize>)>);

impl Found {
    fn add(&mut self, disclosed: Vec<Disclosed>, about: usize) {
        for one in disclosed {
            let key = (one.exchange.at, one.exchange.exchange, one.exchange.sequence);
            self.0.entry(key).or_insert_with(|| (one, Vec::new())).1.push(about);
        }
    }

    /// By recipient, those that received last first.
    fn by_recipient(self, store: &Store) -> Result<Vec<Received>, StoreError> {
        let mut policies = Policies::default();
        let mut all: BTreeMap<Arc<str>, Received> = BTreeMap::new();
        for (one, about) in self.0.into_values() {
            policies.learn(store, one.exchange.policy)?;
            let received = all.entry(Arc::clone(&one.exchange.recipient)).or_insert_with(|| Received {
                profile: Profile::new(&one.exchange.recipient),
                first: one.exchange.at,
                last: one.exchange.at,
                withheld: Withheld::default(),
                disclosures: Vec::new(),
            });
            received.add(one, about, &policies);
        }
        let mut all: Vec<Received> = all.into_values().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.last));
        Ok(all)
    }
}

impl Received {
    fn add(&mut self, one: Disclosed, about: Vec<usize>, policies: &Policies) {
        let Disclosed { exchange, persons } = one;
        let under =
            Under { policy: exchange.policy, route: exchange.route.as_deref(), released: &exchange.released };
        self.profile.add(under, policies);
        let basis: Vec<String> = exchange.basis.iter().map(|word| word.clone().into_owned()).collect();
        self.profile.add_grounds(&exchange.purpose, &basis, &exchange.country);
        self.first = self.first.min(exchange.at);
        self.last = self.last.max(exchange.at);
        let alone = u64::try_from(about.len()).is_ok_and(|own| persons <= own);
        let withheld =
            Withheld { members: exchange.withheld, unfit: exchange.unfit, cpr_in_text: exchange.cpr_in_text };
        if alone {
            self.withheld.add(withheld);
        }
        let member =
            |(rule, _): &(u32, u64)| policies.member(exchange.policy, exchange.route.as_deref(), *rule);
        let mut members: Vec<Member> = exchange.released.iter().filter_map(member).cloned().collect();
        members.sort();
        members.dedup();
        self.disclosures.push(Disclosure {
            at: exchange.at,
            exchange: exchange.exchange.to_string(),
            kind: exchange.kind.into_owned(),
            about,
            persons,
            purpose: exchange.purpose.to_string(),
            basis,
            country: exchange.country.to_string(),
            route: exchange.route.as_deref().map(str::to_owned),
            policy: HEXLOWER.encode(&exchange.policy.0),
            members,
            withheld: alone.then_some(withheld),
        });
    }
}

impl Withheld {
    fn add(&mut self, other: Self) {
        self.members = self.members.saturating_add(other.members);
        self.unfit = self.unfit.saturating_add(other.unfit);
        self.cpr_in_text = self.cpr_in_text.saturating_add(other.cpr_in_text);
    }
}

/// A person's changes in the order in which they hold; the latest of each right says what is in force.
fn entries(mut changes: Vec<Change>, about: usize, now: Millis, names_staff: bool) -> Vec<RightEntry> {
    changes.sort_by_key(|change| change.number);
    let mut later = std::collections::HashSet::new();
    let mut entries: Vec<RightEntry> = Vec::new();
    for Change { number, change, .. } in changes.into_iter().rev() {
        let latest = later.insert((change.kind, change.purpose.clone(), change.recipient.clone()));
        entries.push(RightEntry {
            about,
            change: number,
            kind: change.kind.word(),
            begun: change.begun,
            in_force: latest && change.begun && change.until.is_none_or(|until| now < until),
            purpose: change.purpose,
            recipient: change.recipient,
            at: change.at,
            until: change.until,
            reason: change.reason,
            who: names_staff.then_some(change.who),
        });
    }
    entries.reverse();
    entries
}

impl Notice {
    fn new(one: Notification) -> Self {
        let acknowledged = one.acknowledged.map(|(at, _who)| at);
        Self { recipient: one.recipient, subject: one.about, at: one.at, acknowledged }
    }
}
