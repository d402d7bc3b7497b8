//! The breach report: what a recipient that has lost data had received (GDPR art. 33, 34).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Head, WrittenHead, document, instant};
use crate::ids::SubjectId;
use crate::ledger::{Act, ActKind};
use crate::officer::ask::json;
use crate::officer::caller::Deed;
use crate::officer::problem::{Problem, VALUE};
use crate::officer::registrar::Registrar;
use crate::officer::{Caller, Office, Told};
use crate::pseudonym::RegistryKey;
use crate::reports::{BreachAsk, BreachReport, Named};
use crate::store::{StoreError, Window};

/// `POST /v1/reports/breach`. Days and times on a clock in Denmark.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    head: WrittenHead,
    recipient: String,
    from: String,
    to: String,
    known_at: Option<String>,
    #[serde(default)]
    names_persons: bool,
}

impl Office {
    /// What a recipient had received between two instants. Names only those whose number the registry
    /// still has sealed, and only if that is asked for.
    pub(in crate::officer) async fn report_breach(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<Told, Problem> {
        self.permit(caller, Deed::Report).await?;
        let written: Written = json(body)?;
        let head = Head::read(written.head)?;
        let (names, clock) = (self.names.load_full(), self.registrar.clock());
        let now = clock.unix_millis();
        let window = Window {
            from: instant("from", &written.from, false, clock)?,
            to: instant("to", &written.to, true, clock)?,
        };
        if window.from >= window.to {
            return Err(Problem::new(&VALUE, "`to` is not after `from`"));
        }
        let known_at = written.known_at.map(|known| instant("known_at", &known, false, clock)).transpose()?;
        // One that is in force no more may have lost what it received before.
        if let Err(unknown) = names.recipient(&written.recipient) {
            let recipient = written.recipient.clone();
            let all = Window { from: 0, to: u64::MAX };
            let given = self.read(move |store| store.given_to(&recipient, all)).await?;
            if given.is_empty() {
                return Err(unknown);
            }
        }
        let act = self.registrar.act(ActKind::Lookup, "breach", String::new(), String::new());
        self.record(caller, &head.said, Act { recipient: Some(written.recipient.clone()), ..act }).await?;
        let frame = head.frame(caller, now);
        let ask = BreachAsk {
            frame,
            recipient: written.recipient.clone(),
            window,
            known_at: known_at.unwrap_or(now),
        };
        let (registrar, wanted, recipient) =
            (self.registrar.clone(), written.names_persons, written.recipient);
        let read = self.read(move |store| {
            let report = BreachReport::read(store, ask, |id| registrar.subjects().person(id))?;
            let named =
                if wanted { named(&registrar, names.registry_key(), report.subjects())? } else { Vec::new() };
            Ok((report, named))
        });
        let (mut report, named) = read.await?;
        if !named.is_empty() {
            // Whose number was opened is on record, and in that person's own report, before it is shown.
            let act = self.registrar.act(ActKind::Lookup, "breach-named", String::new(), String::new());
            let subjects = named.iter().map(|one| one.subject).collect();
            self.record(caller, &head.said, Act { recipient: Some(recipient), subjects, ..act }).await?;
            report.name(named);
        }
        document(&head, report.render(head.format, head.language))
    }
}

/// Those of some persons whose number the registry has.
fn named(
    registrar: &Registrar,
    key: &RegistryKey,
    concerned: impl Iterator<Item = SubjectId>,
) -> Result<Vec<Named>, StoreError> {
    let mut numbers = BTreeMap::new();
    registrar.store().each_change(0, |change| {
        let change = change.change;
        let opened =
            change.sealed_cpr.and_then(|sealed| key.open(&sealed, change.subject, change.kind.word()));
        if let Some(number) = opened {
            numbers.insert(registrar.subjects().person(change.subject), number);
        }
    })?;
    let one = |subject: SubjectId| Some(Named { subject, cpr: numbers.get(&subject)?.as_str().to_owned() });
    Ok(concerned.filter_map(one).collect())
}
