//! Reports: whoever asks is permitted and on record first, then the index is waited for, and only
//! then anything is read.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::ask::{Said, json};
use super::caller::Deed;
use super::in_force::InForce;
use super::problem::{INTERNAL, Problem, UNAVAILABLE, VALUE};
use super::registrar::blocking;
use super::subject::Subject;
use super::{Caller, Office, Told, cannot, words};
use crate::ledger::{Act, ActKind};
use crate::reports::{Format, Frame, Language, Person, Role, SubjectAsk, SubjectReport};
use crate::store::{Store, StoreError};

/// Persons of one report: a guardian and the children.
const MAX_PERSONS: usize = 20;
/// Bytes of a name or address that is to stand in a report.
const MAX_SHOWN: usize = 300;

/// What every report is asked with.
struct WrittenHead {
    who: Option<String>,
    why: String,
    format: String,
    language: Option<String>,
    controller: Option<String>,
    reference: Option<String>,
}

/// `POST /v1/reports/subject`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSubjectReport {
    who: Option<String>,
    why: String,
    format: String,
    language: Option<String>,
    controller: Option<String>,
    reference: Option<String>,
    persons: Vec<WrittenPerson>,
    #[serde(default)]
    names_staff: bool,
    #[serde(default)]
    shows_numbers: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPerson {
    subject: Zeroizing<String>,
    system: Option<String>,
    role: Option<String>,
    name: Option<String>,
}

/// Checked.
struct Head {
    said: Said,
    format: Format,
    language: Language,
    controller: Option<String>,
    reference: Option<String>,
}

impl Head {
    fn read(written: WrittenHead) -> Result<Self, Problem> {
        let WrittenHead { who, why, format, language, controller, reference } = written;
        let word = |what: &str| Problem::new(&VALUE, what);
        let format = match format.as_str() {
            "html" => Format::Html,
            "json" => Format::Json,
            "csv" => Format::Csv,
            _ => return Err(word("`format` is `html`, `json` or `csv`")),
        };
        let language = match language.as_deref() {
            None | Some("da") => Language::Da,
            Some("en") => Language::En,
            Some(_) => return Err(word("`language` is `da` or `en`")),
        };
        let shown = |name: &str, text: Option<String>| {
            text.map(|text| words::text(name, &text, MAX_SHOWN)).transpose()
        };
        let (controller, reference) = (shown("controller", controller)?, shown("reference", reference)?);
        Ok(Self { said: Said::read(who, &why)?, format, language, controller, reference })
    }

    fn frame(&self, caller: &Caller, now: u64) -> Frame {
        Frame {
            controller: self.controller.clone(),
            made: now,
            by: caller.who(self.said.who.as_deref()),
            reference: self.reference.clone(),
        }
    }

    const fn media_type(&self) -> &'static str {
        match self.format {
            Format::Html => "text/html; charset=utf-8",
            Format::Json => "application/json",
            Format::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// A person of a report, before the ids are known.
struct Asked {
    role: Role,
    name: Option<String>,
    number: Option<String>,
    subject: Subject,
}

impl Asked {
    fn read(written: WrittenPerson, names: &InForce, shows_number: bool) -> Result<Self, Problem> {
        let role = match written.role.as_deref() {
            None | Some("own") => Role::Own,
            Some("child") => Role::Child,
            Some("ward") => Role::Ward,
            Some(_) => return Err(Problem::new(&VALUE, "`role` is `own`, `child` or `ward`")),
        };
        let name = written.name.map(|name| words::text("name", &name, MAX_SHOWN)).transpose()?;
        let subject = names.subject(&written.subject, written.system.as_deref())?;
        let number = subject.number().filter(|_| shows_number).map(str::to_owned);
        Ok(Self { role, name, number, subject })
    }
}

impl Office {
    /// Who received what about me (GDPR art. 15).
    pub(super) async fn report_subject(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        self.permit(caller, Deed::Report).await?;
        let written: WrittenSubjectReport = json(body)?;
        let WrittenSubjectReport { who, why, format, language, controller, reference, .. } = written;
        let head = Head::read(WrittenHead { who, why, format, language, controller, reference })?;
        if written.persons.is_empty() || written.persons.len() > MAX_PERSONS {
            return Err(Problem::new(&VALUE, format!("`persons` holds 1 to {MAX_PERSONS} of them")));
        }
        let names = self.names.load_full();
        let asked = written.persons.into_iter().map(|one| Asked::read(one, &names, written.shows_numbers));
        let asked = asked.collect::<Result<Vec<_>, Problem>>()?;
        let ids = asked.iter().map(|one| one.subject.id()).collect();
        let act = self.registrar.act(ActKind::Lookup, "report", String::new(), String::new());
        self.record(caller, &head.said, Act { subjects: ids, ..act }).await?;
        let frame = head.frame(caller, self.registrar.clock().unix_millis());
        let names_staff = written.names_staff;
        let report = self.read(move |store| {
            let persons = asked.into_iter().map(|one| {
                let Asked { role, name, number: cpr, subject } = one;
                Ok(Person { role, name, cpr, ids: store.ids_of(subject.id())? })
            });
            let persons = persons.collect::<Result<Vec<_>, StoreError>>()?;
            SubjectReport::read(store, SubjectAsk { frame, persons, since: None, names_staff })
        });
        let report = report.await?;
        document(&head, report.render(head.format, head.language))
    }

    /// Records a look-up; only then may its answer be shown.
    pub(super) async fn record(&self, caller: &Caller, said: &Said, act: Act) -> Result<(), Problem> {
        let act = Act { who: caller.who(said.who.as_deref()), why: said.why.clone(), ..act };
        self.registrar.note(act).await.map(drop).map_err(|error| cannot(error.into()))
    }

    /// Reads from the index, once it has caught up with what is on record.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let registrar = self.registrar.clone();
        let read = blocking(move || registrar.catch_up().then(|| work(registrar.store())));
        match read.await.map_err(cannot)? {
            Some(read) => read.map_err(|error| cannot(error.into())),
            None => Err(Problem::new(
                &UNAVAILABLE,
                "the index is too far behind the ledger: ask again in a minute",
            )),
        }
    }
}

fn document(head: &Head, rendered: Result<String, serde_json::Error>) -> Result<Told, Problem> {
    let text = rendered.map_err(|_unwritable| Problem::new(&INTERNAL, ""))?;
    Ok(Told { status: 200, media_type: head.media_type(), body: text.into_bytes() })
}
