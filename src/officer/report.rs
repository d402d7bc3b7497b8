//! Reports: whoever asks is permitted and on record first, then the index is waited for, and only
//! then anything is read.

mod breach;
mod notify;
mod subject;
mod supervision;

use serde::Deserialize;

use super::ask::Said;
use super::problem::{INTERNAL, Problem, UNAVAILABLE, VALUE};
use super::registrar::blocking;
use super::{Caller, Office, Told, cannot, words};
use crate::clock::Clock;
use crate::ledger::Act;
use crate::reports::{Format, Frame, Language};
use crate::store::{Millis, Store, StoreError};

/// Bytes of a name or address that is to stand in a report.
const MAX_SHOWN: usize = 300;

/// What every report is asked with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHead {
    who: Option<String>,
    why: String,
    format: String,
    language: Option<String>,
    controller: Option<String>,
    reference: Option<String>,
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

impl Office {
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

/// A day, or a time of a day, on a clock in Denmark; of a day, its beginning or its end.
fn instant(name: &str, given: &str, at_end: bool, clock: &Clock) -> Result<Millis, Problem> {
    clock.written(given, at_end).ok_or_else(|| {
        Problem::new(
            &VALUE,
            format!("`{name}` is neither a day such as 2026-03-31 nor a time such as 2026-03-31T14:30"),
        )
    })
}
