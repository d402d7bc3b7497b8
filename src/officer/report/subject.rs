//! The subject report: who received what about me (GDPR art. 15).

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Head, MAX_SHOWN, WrittenHead, document};
use crate::ledger::{Act, ActKind};
use crate::officer::ask::json;
use crate::officer::caller::Deed;
use crate::officer::in_force::InForce;
use crate::officer::problem::{Problem, VALUE};
use crate::officer::subject::Subject;
use crate::officer::{Caller, Office, Told, words};
use crate::reports::{Person, Role, SubjectAsk, SubjectReport};
use crate::store::StoreError;

/// Persons of one report: a guardian and the children.
const MAX_PERSONS: usize = 20;

/// `POST /v1/reports/subject`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSubjectReport {
    head: WrittenHead,
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
    pub(in crate::officer) async fn report_subject(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<Told, Problem> {
        self.permit(caller, Deed::Report).await?;
        let written: WrittenSubjectReport = json(body)?;
        let head = Head::read(written.head)?;
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
}
