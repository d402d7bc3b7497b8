//! The supervision report of a month: "logning og tilsyn" (GDPR art. 5(2), 24, 32(1)(d)).
//!
//! Volumes and refusals, who looked what up, what was changed in the registry, in policies and keys, which
//! agreements lapse, and whether the records are whole. What only the running parts know (policies in
//! force, checkpoints, the last verification) the caller hands in.

mod html;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;

use super::act::ActEntry;
use super::csv::Csv;
use super::time::Month;
use super::{Format, Frame, Language, time};
use crate::store::{Act, Millis, Policy, Store, StoreError, Volume, Window};

/// How long before its review or end an agreement stands in the report: one report comes in time.
const NOTICE_DAYS: i32 = 60;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct SupervisionAsk {
    /// The head of the report.
    pub frame: Frame,
    /// Which month.
    pub month: Month,
    /// The agreements of all policies in force.
    pub agreements: Vec<AgreementState>,
    /// Whether the records are whole.
    pub condition: Condition,
}

/// One policy's agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgreementState {
    /// The recipient's id.
    pub recipient: String,
    /// Its legal name.
    pub name: String,
    /// The agreement's reference.
    pub reference: String,
    /// When it is due for review.
    #[serde(serialize_with = "time::date")]
    pub review: Date,
    /// Its last day.
    #[serde(serialize_with = "time::date")]
    pub expires: Date,
}

/// What is known of ledger and index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// When the last checkpoint was signed, and after which record.
    pub checkpoint: Option<Checkpoint>,
    /// The last record that is in the index.
    pub indexed: u64,
    /// What verifying the chain came to.
    pub verified: Verified,
}

/// The last checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// When it was signed.
    #[serde(serialize_with = "time::rfc3339")]
    pub at: Millis,
    /// The last record that it covers.
    pub sequence: u64,
}

/// What verifying the chain came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Verified {
    /// Every record is as it was written.
    Whole {
        /// When that was found.
        #[serde(serialize_with = "time::rfc3339")]
        at: Millis,
        /// How many records there are.
        records: u64,
    },
    /// Something is not.
    Broken {
        /// When that was found.
        #[serde(serialize_with = "time::rfc3339")]
        at: Millis,
        /// What, in the ledger's words.
        problem: String,
    },
    /// Nobody looked for this report.
    NotDone,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SupervisionReport {
    #[serde(flatten)]
    frame: Frame,
    month: Month,
    recipients: Vec<Traffic>,
    refusals: Vec<Refused>,
    look_ups: Vec<ActEntry>,
    changes: Vec<Changes>,
    operations: Vec<ActEntry>,
    policies: Vec<NewPolicy>,
    agreements: usize,
    agreements_due: Vec<Due>,
    open_notices: usize,
    #[serde(serialize_with = "time::rfc3339_or_none")]
    oldest_notice: Option<Millis>,
    condition: Condition,
}

/// What one recipient was given, sent and refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Traffic {
    recipient: String,
    name: Option<String>,
    disclosures: u64,
    /// Requests that were put on record before they were sent: pushed, changed or resolved something.
    intents: u64,
    refusals: u64,
    /// Different persons' ids.
    persons: u64,
    records: u64,
    records_withheld: u64,
    withheld: u64,
    unfit: u64,
    cpr_in_text: u64,
    bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Refused {
    recipient: String,
    reason: String,
    count: u64,
}

/// How often the registry was changed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Changes {
    what: String,
    begun: Option<bool>,
    count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NewPolicy {
    #[serde(serialize_with = "time::rfc3339")]
    at: Millis,
    recipient: String,
    name: String,
    policy: String,
    approved_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Due {
    #[serde(flatten)]
    agreement: AgreementState,
    state: &'static str,
}

impl SupervisionReport {
    /// Reads the report's rows. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(store: &Store, ask: SupervisionAsk) -> Result<Self, StoreError> {
        let SupervisionAsk { frame, month, agreements, condition } = ask;
        let window = month.window();
        let volumes = store.volumes(window)?;
        let policies = store.policies(window)?;
        let refusals = volumes.iter().filter(|one| one.kind == REFUSAL).map(Refused::new).collect();
        let recipients = traffic(store, &volumes, &policies, &agreements, window)?;
        let (mut look_ups, mut operations, mut changes) = (Vec::new(), Vec::new(), BTreeMap::new());
        for act in store.acts(window)? {
            match act.kind.as_str() {
                "lookup" => look_ups.push(ActEntry::new(act, true)),
                "registry" => count(&mut changes, act),
                _ => operations.push(ActEntry::new(act, true)),
            }
        }
        let open = store.open_notifications()?;
        let today = time::date_of(frame.made);
        Ok(Self {
            month,
            recipients,
            refusals,
            look_ups,
            changes: changes
                .into_iter()
                .map(|((what, begun), count)| Changes { what, begun, count })
                .collect(),
            operations,
            policies: policies.into_iter().map(NewPolicy::new).collect(),
            agreements: agreements.len(),
            agreements_due: due(agreements, today),
            open_notices: open.len(),
            oldest_notice: open.first().map(|one| one.at),
            condition,
            frame,
        })
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

    /// The volumes, one recipient a row.
    fn csv(&self) -> String {
        let mut table = Csv::begin(&[
            "month",
            "recipient",
            "name",
            "disclosures",
            "intents",
            "refusals",
            "persons",
            "records",
            "records_withheld",
            "withheld",
            "unfit",
            "cpr_in_text",
            "bytes",
        ]);
        for one in &self.recipients {
            let numbers = [
                one.disclosures,
                one.intents,
                one.refusals,
                one.persons,
                one.records,
                one.records_withheld,
                one.withheld,
                one.unfit,
                one.cpr_in_text,
                one.bytes,
            ];
            let mut row =
                vec![self.month.to_string(), one.recipient.clone(), one.name.clone().unwrap_or_default()];
            row.extend(numbers.map(|number| number.to_string()));
            table.row(&row);
        }
        table.end()
    }
}

const REFUSAL: &str = "refusal";

fn traffic(
    store: &Store,
    volumes: &[Volume],
    policies: &[Policy],
    agreements: &[AgreementState],
    window: Window,
) -> Result<Vec<Traffic>, StoreError> {
    let mut all: BTreeMap<&str, Traffic> = BTreeMap::new();
    for volume in volumes {
        all.entry(&volume.recipient).or_default().add(volume);
    }
    for (id, one) in &mut all {
        one.recipient = (*id).to_owned();
        let in_force =
            agreements.iter().find(|agreement| agreement.recipient == *id).map(|agreement| &agreement.name);
        let new = || policies.iter().rfind(|policy| policy.recipient == *id).map(|policy| &policy.name);
        one.name = in_force.or_else(new).cloned();
        store.each_affected(id, window, |_| one.persons = one.persons.saturating_add(1))?;
    }
    Ok(all.into_values().collect())
}

impl Traffic {
    fn add(&mut self, volume: &Volume) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        let exchanges = match volume.kind.as_str() {
            REFUSAL => Some(&mut self.refusals),
            "intent" => Some(&mut self.intents),
            "disclosure" => Some(&mut self.disclosures),
            // An outcome belongs to an intent.
            _ => None,
        };
        if let Some(exchanges) = exchanges {
            add(exchanges, volume.exchanges);
        }
        add(&mut self.records, volume.records);
        add(&mut self.records_withheld, volume.records_withheld);
        add(&mut self.withheld, volume.withheld);
        add(&mut self.unfit, volume.unfit);
        add(&mut self.cpr_in_text, volume.cpr_in_text);
        add(&mut self.bytes, volume.bytes);
    }
}

impl Refused {
    fn new(volume: &Volume) -> Self {
        let Volume { recipient, outcome, exchanges, .. } = volume;
        Self { recipient: recipient.clone(), reason: outcome.clone(), count: *exchanges }
    }
}

impl NewPolicy {
    fn new(policy: Policy) -> Self {
        let Policy { at, recipient, name, policy, who, .. } = policy;
        Self { at, recipient, name, policy: HEXLOWER.encode(&policy.0), approved_by: who }
    }
}

fn count(changes: &mut BTreeMap<(String, Option<bool>), u64>, act: Act) {
    let count = changes.entry((act.what, act.begun)).or_default();
    *count = count.saturating_add(1);
}

/// Those that are lapsed, or must be looked at soon, the most pressing first.
fn due(agreements: Vec<AgreementState>, today: Date) -> Vec<Due> {
    let soon = today.saturating_add(NOTICE_DAYS.days());
    let state = |agreement: &AgreementState| match agreement {
        one if one.expires < today => Some("lapsed"),
        one if one.review < today => Some("review-overdue"),
        one if one.expires <= soon => Some("expires-soon"),
        one if one.review <= soon => Some("review-due"),
        _ => None,
    };
    let mut due: Vec<Due> = agreements
        .into_iter()
        .filter_map(|agreement| state(&agreement).map(|state| Due { agreement, state }))
        .collect();
    due.sort_by_key(|one| one.agreement.review.min(one.agreement.expires));
    due
}
