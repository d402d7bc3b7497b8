//! The record of an extract: made here, before its files appear (G5, G8).
//!
//! An extract is a disclosure like any other: its persons are judged by the rights that are in force now, whatever
//! was in force when the files were read, and each part of them is on record before the answer. It takes the policy
//! version that is in force and has been on record, so that an extract cannot have what nobody approved.
//!
//! Nobody asks over the network: who makes an extract holds the key ring and the files on this machine.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::ask::{Said, json};
use super::problem::{INTERNAL, NOT_FOUND, Problem, RIGHTS, UNAVAILABLE, UNKNOWN, VALUE};
use super::registrar::blocking;
use super::told::RecordTold;
use super::{Caller, Office, Told, cannot};
use crate::ids::{ExchangeId, PolicyVersion, SubjectId, SubjectSet};
use crate::judge::{Judge as _, Judgement};
use crate::ledger::{Act, ActKind, Entry, Grounds, Kind};
use crate::policy::checked::{Agreement, Consent, Lapse, Policy, Transfer};
use crate::subjects::{Circumstances, Weighed};

/// Persons of one part: of one record in the ledger, and one request.
pub const MAX_PERSONS: usize = 4_000;
/// Rules of a route, at most: more than a policy of 64 KiB can write.
const MAX_RULES: usize = 10_000;

/// What the office knows of a policy in force that allows extracts.
#[derive(Debug, Clone)]
pub(super) struct Extracting {
    version: PolicyVersion,
    agreement: Agreement,
    transfer: Transfer,
    consent_required: bool,
    /// By the extract's routes.
    grounds: Vec<Arc<Grounds>>,
}

impl Extracting {
    /// Of a policy with `[extract]`.
    pub(super) fn of(policy: &Policy) -> Option<Self> {
        let extract = policy.extract.as_ref()?;
        let grounds = |route: &usize| {
            let route = policy.routes.get(*route)?;
            Some(Arc::new(Grounds {
                recipient: policy.recipient.id.clone(),
                policy: policy.version,
                route: Some(Arc::from(route.name.as_str())),
                purpose: policy.purpose.id.clone(),
                basis: policy.purpose.basis.iter().map(|basis| Cow::Borrowed(basis.id)).collect(),
                country: Arc::from(policy.transfer.country.as_str()),
            }))
        };
        Some(Self {
            version: policy.version,
            agreement: policy.agreement.clone(),
            transfer: policy.transfer.clone(),
            consent_required: policy.purpose.consent == Consent::Required,
            grounds: extract.routes.iter().filter_map(grounds).collect(),
        })
    }

    fn recipient(&self) -> &str {
        self.grounds.first().map_or("", |grounds| grounds.recipient.as_str())
    }
}

/// `POST /v1/extracts`, of the admin socket only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    who: Option<String>,
    why: String,
    recipient: String,
    policy: String,
    route: String,
    /// Which part of the extract, from 1.
    part: u32,
    /// Whether it is put on record, or only judged.
    record: bool,
    subjects: Vec<String>,
    bytes: u64,
    released_by_rule: Vec<u32>,
    withheld: u64,
    unfit: u64,
    cpr_in_text: u64,
    records: u64,
    records_withheld: u64,
}

impl Office {
    /// Judges a part of an extract's persons, and puts it on record.
    pub(super) async fn extract(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        let Caller::Local { .. } = caller else { return Err(Problem::new(&NOT_FOUND, "")) };
        let written: Written = json(body)?;
        let said = Said::read(written.who.clone(), &written.why)?;
        let names = self.names.load_full();
        let extracting = names.extracting().iter().find(|one| one.recipient() == written.recipient);
        let extracting = extracting.ok_or_else(|| Problem::new(&UNKNOWN, NO_EXTRACTS))?;
        let grounds = extracting
            .grounds
            .iter()
            .find(|grounds| grounds.route.as_deref() == Some(written.route.as_str()))
            .ok_or_else(|| Problem::new(&UNKNOWN, "the policy's `[extract]` has no such route"))?;
        if extracting.version.to_string() != written.policy {
            return Err(Problem::new(&UNKNOWN, OTHER_VERSION));
        }
        let today = self.registrar.clock().today();
        match Lapse::of(&extracting.agreement, &extracting.transfer, today) {
            Some(Lapse::Agreement) => return Err(Problem::new(&RIGHTS, AGREEMENT)),
            Some(Lapse::Transfer) => return Err(Problem::new(&RIGHTS, TRANSFER)),
            None => {}
        }
        let subjects = subjects_of(&written)?;
        self.was_in_force(extracting.version).await?;
        self.judge_again(extracting, grounds, &subjects)?;
        if !written.record {
            return Told::good(&RecordTold { record: 0 });
        }
        if written.part <= 1 {
            let who = caller.who(said.who.as_deref());
            let act = Act {
                recipient: Some(written.recipient.clone()),
                purpose: Some(grounds.purpose.as_str().to_owned()),
                policy: Some(extracting.version),
                ..self.registrar.act(ActKind::Operation, "extract", who, said.why)
            };
            self.registrar.note(act).await.map_err(|error| cannot(error.into()))?;
        }
        let entry = self.entry(grounds, subjects.clone(), written)?;
        let record = self.registrar.disclose(&entry).await.map_err(|error| cannot(error.into()))?;
        // Whoever was restricted while the record was on its way is found: the files do not appear then.
        self.judge_again(extracting, grounds, &subjects)?;
        tracing::info!(record, persons = subjects.len(), "an extract is on record");
        Told::good(&RecordTold { record })
    }

    fn entry(
        &self,
        grounds: &Arc<Grounds>,
        subjects: Vec<SubjectId>,
        written: Written,
    ) -> Result<Entry, Problem> {
        let now = self.registrar.clock().unix_millis();
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|_none| Problem::new(&INTERNAL, ""))?;
        Ok(Entry {
            exchange: ExchangeId::new(now, random),
            unix_millis: now,
            kind: Kind::Disclosure,
            grounds: Arc::clone(grounds),
            status: 200,
            outcome: Cow::Borrowed("released"),
            bytes: written.bytes,
            subjects,
            released_by_rule: written.released_by_rule,
            withheld: written.withheld,
            unfit: written.unfit,
            cpr_in_text: written.cpr_in_text,
            records: written.records,
            records_withheld: written.records_withheld,
        })
    }

    /// Refuses a policy version that has never served: its rules are on record in no words, and where approval is
    /// required nobody has approved it.
    async fn was_in_force(&self, version: PolicyVersion) -> Result<(), Problem> {
        let store = self.registrar.store().clone();
        let known = blocking(move || store.policy(version)).await.map_err(cannot)?;
        match known.map_err(|error| cannot(error.into()))? {
            Some(_) => Ok(()),
            None => Err(Problem::new(&UNAVAILABLE, NEVER_SERVED)),
        }
    }

    /// Refuses if anybody's data may not leave any more (G8).
    fn judge_again(
        &self,
        extracting: &Extracting,
        grounds: &Grounds,
        subjects: &[SubjectId],
    ) -> Result<(), Problem> {
        let nothing = Weighed::default();
        let circumstances = Circumstances {
            recipient: grounds.recipient.as_str(),
            purpose: grounds.purpose.as_str(),
            consent_required: extracting.consent_required,
            now: self.registrar.clock().unix_millis(),
        };
        let judge = self.registrar.subjects().judge(circumstances, &nothing);
        // Whose an id is, the files may have told: here it stands for a person.
        let may_leave = |id: &SubjectId| !matches!(judge.judge(*id, true), Judgement::Withheld);
        if subjects.iter().all(may_leave) { Ok(()) } else { Err(Problem::new(&RIGHTS, CHANGED)) }
    }
}

fn subjects_of(written: &Written) -> Result<Vec<SubjectId>, Problem> {
    if written.subjects.len() > MAX_PERSONS || written.released_by_rule.len() > MAX_RULES {
        let detail = format!("at most {MAX_PERSONS} `subjects` and {MAX_RULES} rules at a time");
        return Err(Problem::new(&VALUE, detail));
    }
    let id = |text: &String| {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        Some(SubjectId(bytes.try_into().ok()?))
    };
    let all: Option<Vec<SubjectId>> = written.subjects.iter().map(id).collect();
    let all = all.ok_or_else(|| Problem::new(&VALUE, "`subjects` holds ids of 32 hexadecimal digits"))?;
    let mut seen = SubjectSet::default();
    if !all.iter().all(|id| seen.insert(*id)) {
        return Err(Problem::new(&VALUE, "`subjects` names somebody twice"));
    }
    Ok(all)
}

const AGREEMENT: &str = "the agreement has lapsed, or is not signed yet";
const TRANSFER: &str = "the ground of transfer out of the EU has lapsed";
const NO_EXTRACTS: &str = "no policy in force for this recipient has `[extract]`";
const OTHER_VERSION: &str =
    "another version of the recipient's policy is in force: extract by that one, or let `tavs serve` reload";
const NEVER_SERVED: &str = "this version of the policy has not been in force yet, so that its rules are not on record: let `tavs serve` take it up first";
const CHANGED: &str =
    "the rights of somebody in the extract have changed since its files were read: run it again";
