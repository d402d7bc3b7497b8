//! What the demo does: real calls by each recipient, and what must hold of each answer.

mod consent;
mod laboratory;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;

use jiff::civil::Date;
use serde_json::Value;

use crate::absence::find_any;
use crate::clock::Clock;
use crate::cpr;
use crate::ids::SubjectId;
use crate::ledger::{self, LedgerError, Record};
use crate::officer::{EnterError, Registrar};
use crate::pseudonym::{Input, KeyRing, SubjectKey};
use crate::store::{NewChange, RightKind};

use super::caller::{CallError, Caller, Reply};
use super::clinics;
use super::origin::Asked;
use super::people::Person;
use super::stage::{LAPSING, POLICIES, REVOKED, Stage, StageError};
use super::story::{Broken, Call, Refusal, Row, Story, Sums};
use super::trace::{TraceError, trace};

/// Why the demo cannot go on. A promise that is broken is none of these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// Certificates.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A call that must be answered was not.
    #[error("{recipient} {target}")]
    Call {
        /// Who called.
        recipient: &'static str,
        /// What.
        target: &'static str,
        /// What happened.
        #[source]
        cause: CallError,
    },
    /// A right cannot be entered.
    #[error("a right cannot be entered")]
    Right(#[from] EnterError),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read")]
    Ledger(#[from] LedgerError),
    /// Its files cannot be read.
    #[error("the ledger's files cannot be read")]
    Files(#[from] std::io::Error),
    /// The engine, called directly, refuses what it should take.
    #[error("policy {recipient}")]
    Trace {
        /// Whose policy.
        recipient: &'static str,
        /// What is wrong.
        #[source]
        cause: TraceError,
    },
}

/// The running scene.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) proxy: SocketAddr,
    /// The proxy's own keys, to follow its decisions with.
    pub(crate) keys: &'a KeyRing,
    pub(crate) people: &'a [Person],
    /// What a clinic was last sent.
    pub(crate) taken: &'a Mutex<Option<Asked>>,
    /// As the clinic's officer enters rights.
    pub(crate) registrar: &'a Registrar,
    /// Whose rights they are.
    pub(crate) subject_key: &'a SubjectKey,
    /// The proxy's clock, which the play moves by a day.
    pub(crate) clock: &'a Clock,
    /// The day on which the play began.
    pub(crate) day: Date,
}

struct Script {
    recipient: &'static str,
    route: &'static str,
    target: &'static str,
    /// Where the first record stands.
    record: &'static str,
}

const CALLS: [Script; 7] = [
    Script { recipient: "sms-reminders", route: "appointments", target: APPOINTMENTS, record: "aftaler[0]." },
    Script { recipient: "bookkeeping", route: "invoices", target: INVOICES, record: "fakturaer[0]." },
    Script { recipient: "research", route: "patients", target: PATIENTS, record: "entry[0].resource." },
    Script {
        recipient: "research",
        route: "observations",
        target: OBSERVATIONS,
        record: "entry[0].resource.",
    },
    Script { recipient: "research", route: "export", target: "/fhir/export", record: "" },
    Script {
        recipient: "laboratory",
        route: "requisitions",
        target: REQUISITIONS,
        record: "entry[0].resource.",
    },
    Script { recipient: "analytics", route: "events", target: EVENTS, record: "" },
];

const APPOINTMENTS: &str = "/appointments?from=2026-03-02";
const INVOICES: &str = "/invoices";
const PATIENTS: &str = "/fhir/Patient";
const OBSERVATIONS: &str = "/fhir/Observation";
const REQUISITIONS: &str = "/fhir/laboratory/requisitions";
const EVENTS: &str = "/events";

/// For each recipient: the member of a line of its policy, and a careless line in its place.
const EDITS: [(&str, &str, &str); 5] = [
    ("sms-reminders", "$.aftaler[*].patient.navn", r#""$.aftaler[*].patient.navn" = "keep""#),
    (
        "bookkeeping",
        "$.fakturaer[*].patient.cpr",
        r#""$.fakturaer[*].patient.cpr" = { keep = true, cpr = "clear", cpr-ground = "dbl-11-2-3" }"#,
    ),
    ("research", "$.birthDate", r#""$.birthDate" = "keep""#),
    ("laboratory", "$.gender", r#""$.address[*].line[*]" = "keep""#),
    ("analytics", "$.event", r#""$.ip" = "keep""#),
];

impl Scene<'_> {
    /// Plays everything and says what was seen.
    pub(crate) async fn play(&self) -> Result<Story, ActError> {
        let mut story = Story::default();
        self.all_consent().await?;
        for script in &CALLS {
            self.call(script, &mut story).await?;
        }
        for edit in &EDITS {
            self.break_on_purpose(edit, &mut story)?;
        }
        self.one_person(&mut story).await?;
        self.results_by_pseudonym(&mut story).await?;
        self.consent_withdrawn(&mut story).await?;
        self.objection(&mut story).await?;
        self.refused(&mut story).await?;
        self.ledger(&mut story)?;
        Ok(story)
    }

    async fn call(&self, script: &Script, story: &mut Story) -> Result<(), ActError> {
        let Script { recipient, target, .. } = *script;
        let reply = self.get(recipient, target).await?;
        let before = self.upstream(target);
        let trace = self.trace(script, policy(recipient), before.as_bytes())?;
        let known = self.known(recipient, &before);
        let left = find(&reply.body, &known);
        let mut promise = |name: &str, held: bool, seen: String| {
            story.promise(format!("{recipient} {}: {name}", split(target).0), held, seen);
        };
        promise("answered with 200", reply.status == 200, format!("{} {}", reply.status, reply.text()));
        let made = |body: &[u8]| without_pseudonyms(&String::from_utf8_lossy(body));
        promise(
            "byte for byte what its policy makes of the clinic's body",
            reply.body == trace.body
                || !has_stable_pseudonyms(policy(recipient)) && made(&reply.body) == made(&trace.body),
            format!("{} bytes, and {} by the engine alone", reply.body.len(), trace.body.len()),
        );
        promise(
            "none of the known identifiers left, in any form",
            left.is_empty() && !known.is_empty(),
            left.join(", "),
        );
        let quiet = !reply.fields.iter().any(|(name, _)| name == "server" || name == "set-cookie");
        let uncached =
            reply.fields.iter().any(|(name, value)| name == "cache-control" && value == "no-store");
        promise("not to be cached", uncached, format!("{:?}", reply.fields));
        promise("no header field of the clinic's server", quiet, format!("{:?}", reply.fields));
        let sums = Sums {
            members_in: trace.rows.len(),
            members_out: trace.rows.iter().filter(|row| row.after.is_some()).count(),
            pseudonyms: pseudonyms(&reply.text()).len(),
            known_identifiers: known.len(),
            left: left.len(),
        };
        let first_record = first_record(&trace.rows, script.record);
        story.calls.push(Call { recipient, target, status: reply.status, sums, first_record });
        Ok(())
    }

    /// The finder must go red when a policy lets something out that it should not.
    fn break_on_purpose(
        &self,
        edit: &(&'static str, &'static str, &'static str),
        story: &mut Story,
    ) -> Result<(), ActError> {
        let (recipient, member, instead) = *edit;
        let Some(script) = CALLS.iter().find(|script| script.recipient == recipient) else { return Ok(()) };
        let before = self.upstream(script.target);
        let whole = policy(recipient);
        let begin = format!("\"{member}\"");
        // Without such a line nothing is broken, and the promise is not held.
        let line = whole.lines().find(|line| line.starts_with(&begin)).unwrap_or_default();
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        let broken = whole.replacen(line, instead, 1);
        let trace = self.trace(script, &broken, before.as_bytes())?;
        let known = self.known(recipient, &before);
        let left = find(&trace.body, &known).len();
        story.promise(
            format!("{recipient}: the finder sees it when a policy line is broken on purpose"),
            left > 0,
            "the finder saw nothing",
        );
        story.broken_on_purpose.push(Broken {
            recipient,
            line,
            instead,
            known_identifiers: known.len(),
            left,
        });
        Ok(())
    }

    /// One patient: one pseudonym with each recipient, another with the next.
    async fn one_person(&self, story: &mut Story) -> Result<(), ActError> {
        let mut promise = |name: &str, held: bool| story.promise(name, held, "the pseudonyms say otherwise");
        let bill = self.json("bookkeeping", INVOICES).await?;
        let again = self.json("bookkeeping", INVOICES).await?;
        let at_bookkeeping = word(&bill, "/fakturaer/0/patient/cpr");
        promise(
            "bookkeeping: one patient has one pseudonym over two calls",
            is_pseudonym(&at_bookkeeping) && at_bookkeeping == word(&again, "/fakturaer/0/patient/cpr"),
        );
        promise(
            "bookkeeping: the CPR number in the payer's message became the same pseudonym",
            word(&bill, "/fakturaer/0/betaling/besked").contains(&at_bookkeeping),
        );
        let patients = self.json("research", PATIENTS).await?;
        let observations = self.json("research", OBSERVATIONS).await?;
        let at_research = word(&patients, "/entry/0/resource/identifier/0/value");
        promise(
            "bookkeeping and research: one patient has two pseudonyms that differ",
            is_pseudonym(&at_research) && at_research != at_bookkeeping,
        );
        let id = word(&patients, "/entry/0/resource/id");
        promise(
            "research: a measurement's reference is the pseudonym of its patient's id",
            is_pseudonym(&id)
                && word(&observations, "/entry/0/resource/subject/reference") == format!("Patient/{id}"),
        );
        Ok(())
    }

    /// A patient objects to the study (GDPR art. 21): from the next answer on nothing about that
    /// person is in it, and no count tells.
    async fn objection(&self, story: &mut Story) -> Result<(), ActError> {
        let Some(number) = self.people.first().and_then(|person| cpr::parse(&person.cpr)) else {
            return Ok(());
        };
        let subject = self.subject_key.id(Input::number(&number, ""));
        let reason = "the demo's first patient objects";
        let objection = change(subject, RightKind::Objection, reason, self.clock.unix_millis());
        let of = |patients: &Value| {
            let entries = patients.pointer("/entry").and_then(Value::as_array);
            (word(patients, "/entry/0/resource/id"), entries.map_or(0, Vec::len))
        };
        let before = of(&self.json("research", PATIENTS).await?);
        self.registrar.enter(vec![objection]).await?;
        let after = self.json("research", PATIENTS).await?;
        let text = after.to_string();
        let left = of(&after).1;
        story.promise(
            "research: a patient who objects is not in the next answer, nor in a count",
            before.1 == left.saturating_add(1) && is_pseudonym(&before.0) && !text.contains(&before.0),
            format!("{} patients before, {left} after", before.1),
        );
        Ok(())
    }

    async fn refused(&self, story: &mut Story) -> Result<(), ActError> {
        const CPR_IN_QUERY: &str = "/appointments?from=2512489996";
        let last_day = self.get(LAPSING, APPOINTMENTS).await?.status;
        story.promise("an agreement holds on its last day", last_day == 200, last_day.to_string());
        if let Ok(next) = self.clock.today().tomorrow() {
            self.clock.move_to(next);
        }
        for (what, client, target, wanted) in [
            ("a revoked certificate", REVOKED, APPOINTMENTS, "TLS"),
            ("no certificate", "nobody", APPOINTMENTS, "TLS"),
            ("an agreement on the day after its last", LAPSING, APPOINTMENTS, "403"),
            ("a route that is another's", "sms-reminders", INVOICES, "404"),
            ("a CPR number in the query", "sms-reminders", CPR_IN_QUERY, "400"),
            ("the clinic fails, a CPR number in its words", "research", "/fhir/Encounter", "502"),
        ] {
            let (answer, words) = match self.caller(client)?.get(target).await {
                Ok(reply) => (reply.status.to_string(), reply.text()),
                Err(CallError::Tls(alert)) => ("TLS".to_owned(), alert),
                Err(other) => (other.to_string(), String::new()),
            };
            let silent =
                find(words.as_bytes(), &self.known("sms-reminders", &self.upstream(APPOINTMENTS))).is_empty();
            story.promise(
                format!("refused: {what} ({wanted})"),
                answer == wanted && silent,
                format!("{answer} {words}"),
            );
            let title = serde_json::from_str::<Value>(&words).ok().map(|problem| word(&problem, "/title"));
            story.refusals.push(Refusal { what, target, answer, words: title.unwrap_or(words) });
        }
        Ok(())
    }

    /// The ledger has a record of every answer, and nothing in it that a recipient may not see.
    fn ledger(&self, story: &mut Story) -> Result<(), ActError> {
        let directory = self.stage.root().join("ledger");
        let records: Vec<Record> = ledger::read(&directory)?.collect::<Result<_, _>>()?;
        let answered = |record: &&Record| record.entry().is_some_and(|entry| entry.status == 200);
        let answers = records.iter().filter(answered).count();
        // Each call once, four to compare pseudonyms, two by the laboratory, two around an objection, two
        // around a consent, one on an agreement's last day.
        let wanted = CALLS.len() + 4 + 2 + 2 + 2 + 1;
        story.promise(
            "the ledger has a record of every answer",
            answers == wanted,
            format!("{answers} records, {wanted} answers"),
        );
        let mut known = self.known("research", &self.upstream(PATIENTS));
        known.extend(self.known("sms-reminders", &self.upstream(APPOINTMENTS)));
        let mut left = Vec::new();
        for segment in std::fs::read_dir(&directory)? {
            left.extend(find(&std::fs::read(segment?.path())?, &known));
        }
        story.promise(
            format!("the ledger holds none of {} known identifiers", known.len()),
            left.is_empty(),
            left.join(", "),
        );
        story.ledger_record = records.iter().find(answered).and_then(parts).unwrap_or_default();
        Ok(())
    }

    fn caller(&self, name: &str) -> Result<Caller, ActError> {
        Ok(self.stage.caller(name, self.proxy)?)
    }

    async fn get(&self, recipient: &'static str, target: &'static str) -> Result<Reply, ActError> {
        self.caller(recipient)?.get(target).await.map_err(|cause| ActError::Call { recipient, target, cause })
    }

    async fn json(&self, recipient: &'static str, target: &'static str) -> Result<Value, ActError> {
        let reply = self.get(recipient, target).await?;
        Ok(serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    fn trace(&self, script: &Script, text: &str, body: &[u8]) -> Result<super::trace::Trace, ActError> {
        trace(text, self.day, script.route, self.keys, body)
            .map_err(|cause| ActError::Trace { recipient: script.recipient, cause })
    }

    /// What the clinic answers to a target: the same that the proxy was given.
    fn upstream(&self, target: &str) -> String {
        let (path, query) = split(target);
        let answer = if path.starts_with("/fhir/") {
            clinics::fhir(self.people, path)
        } else {
            clinics::booking(self.people, path, query)
        };
        answer.body
    }

    /// What a recipient must never see, of those things that the clinic's body holds.
    fn known(&self, recipient: &str, body: &str) -> Vec<String> {
        let mut known = BTreeSet::new();
        for person in self.people {
            known.insert(person.cpr.clone());
            match recipient {
                "sms-reminders" => known.extend([person.name(), person.street.clone()]),
                "bookkeeping" => known.extend([person.mobile.to_string()]),
                // Whose sample it is, it must know; where and how the patient lives, it must not.
                "laboratory" => {
                    known.remove(&person.cpr);
                    known.extend([person.street.clone(), person.mobile.to_string(), person.id.clone()]);
                }
                _ => known.extend([
                    person.name(),
                    person.street.clone(),
                    person.mobile.to_string(),
                    person.birth.clone(),
                    person.id.clone(),
                ]),
            }
        }
        if recipient == "sms-reminders" {
            known.extend((0..self.people.len()).map(clinics::appointment_id));
        }
        if recipient == "analytics" {
            known.extend((0..self.people.len()).map(clinics::client_address));
        }
        known.extend(clinics::SECRETS.iter().map(|secret| (*secret).to_owned()));
        known.retain(|value| body.contains(value) || body.contains(&with_hyphen(value)));
        known.into_iter().collect()
    }
}

/// The members of the first record: those below its place, until the first of them comes again.
fn first_record(rows: &[Row], place: &str) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    rows.iter()
        .filter_map(|row| Some(Row { member: row.member.strip_prefix(place)?.to_owned(), ..row.clone() }))
        .take_while(|row| seen.insert(row.member.clone()))
        .collect()
}

/// What a record says, in words.
fn parts(record: &Record) -> Option<Vec<(&'static str, String)>> {
    let entry = record.entry()?;
    let grounds = &entry.grounds;
    let subject = entry.subjects.first().map_or_else(String::new, |subject| format!("{subject:?}"));
    Some(vec![
        ("number", record.sequence.to_string()),
        ("exchange", entry.exchange.to_string()),
        ("recipient", grounds.recipient.to_string()),
        ("route", grounds.route.as_deref().unwrap_or("").to_owned()),
        ("purpose", grounds.purpose.to_string()),
        ("basis", grounds.basis.join(", ")),
        ("country", grounds.country.to_string()),
        ("policy, SHA-256", grounds.policy.to_string()),
        ("status, outcome", format!("{} {}", entry.status, entry.outcome)),
        ("subjects", format!("{}, the first is {subject}", entry.subjects.len())),
        ("released by rule", format!("{:?}", entry.released_by_rule)),
        ("withheld", format!("{} members, {} records", entry.withheld, entry.records_withheld)),
    ])
}

/// Path and query.
fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

fn policy(recipient: &str) -> &'static str {
    POLICIES.iter().find(|(name, _)| *name == recipient).map_or("", |(_, text)| text)
}

fn find(output: &[u8], known: &[String]) -> Vec<String> {
    let borrowed: Vec<&str> = known.iter().map(String::as_str).collect();
    find_any(output, &borrowed).into_iter().filter_map(|index| known.get(index).cloned()).collect()
}

fn with_hyphen(cpr: &str) -> String {
    cpr.split_at_checked(6).map_or_else(String::new, |(date, serial)| format!("{date}-{serial}"))
}

fn word(document: &Value, pointer: &str) -> String {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_pseudonym(text: &str) -> bool {
    pseudonyms(text).contains(text)
}

/// `tvk` or `tvs`, a key version, a hyphen, and letters: of `keyed` ones 32.
fn pseudonyms(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| {
            word.split_once('-').is_some_and(|(form, letters)| {
                form.starts_with("tvk") && letters.len() == 32
                    || form.starts_with("tvs") && letters.len() >= 32
            })
        })
        .collect()
}

/// The text with each pseudonym as one and the same word.
fn without_pseudonyms(text: &str) -> String {
    pseudonyms(text).into_iter().fold(text.to_owned(), |text, pseudonym| text.replace(pseudonym, "pseudonym"))
}

fn has_stable_pseudonyms(policy: &str) -> bool {
    policy.contains(r#"linkability = "domain""#)
}

/// A change of one person's rights, as the clinic's officer enters it.
fn change(subject: SubjectId, kind: RightKind, reason: &str, at: u64) -> NewChange {
    NewChange {
        subject,
        kind,
        purpose: None,
        recipient: None,
        begun: true,
        at,
        until: None,
        reason: reason.to_owned(),
        who: "the demo's officer".to_owned(),
        sealed_cpr: None,
    }
}
