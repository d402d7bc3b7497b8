//! The record of a re-identification: made here, before the command shows anything (G5, G7).
//!
//! The paper is checked against the officers in force, its pseudonym opened only to know whom the record is
//! about, and the answer is the record's number: an identifier never leaves the office. Nobody asks over
//! the network, whatever the role: who executes a paper holds the key ring on this machine.

use std::sync::Arc;

use serde::Deserialize;

use super::ask::json;
use super::paper::{Approved, Paper, PaperError, Request};
use super::problem::{APPROVAL, FOR_GOOD, NOT_FOUND, Problem, SUBJECT, UNAVAILABLE, USED};
use super::registrar::{Once, blocking};
use super::told::RecordTold;
use super::{Caller, InForce, NotOpened, Office, Told, cannot, show};
use crate::ids::SubjectId;
use crate::ledger::{Act, ActKind};
use crate::store::RightKind;

/// `POST /v1/reidentifications`, of the admin socket only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    paper: String,
}

impl Office {
    /// Puts the use of a paper on record, once.
    pub(super) async fn reidentify(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        let Caller::Local { .. } = caller else { return Err(Problem::new(&NOT_FOUND, "")) };
        let written: Written = json(body)?;
        let names = self.names.load_full();
        let (log, now) = (self.registrar.log(), self.registrar.clock().timestamp());
        let approved =
            match Paper::read(&written.paper).and_then(|paper| paper.check(names.officers(), &log, now)) {
                Ok(approved) => approved,
                Err(error) => return Err(self.refused(caller, error).await),
            };
        let Approved { request, approver, why } = approved;
        let (request, subject) = self.whose(names, request).await?;
        self.not_erased(subject).await?;
        let who = format!("{}, {approver} ({})", request.requester, caller.who(None));
        let act = Act {
            subjects: vec![subject],
            recipient: Some(request.recipient),
            ..self.registrar.act(ActKind::Lookup, "reidentify", who, why)
        };
        let asked = u64::try_from(request.asked.as_millisecond()).unwrap_or_default();
        match self.registrar.note_once(act, asked).await.map_err(cannot)? {
            Once::Recorded(record) => {
                tracing::warn!(record, "a pseudonym becomes the identifier again, by two officers");
                Told::good(&RecordTold { record })
            }
            Once::Already => Err(Problem::new(&USED, "each approval is good once: ask anew")),
            Once::Behind => Err(Problem::new(
                &UNAVAILABLE,
                "the index is too far behind the ledger: ask again in a minute",
            )),
        }
    }

    /// Whom the record is to be about.
    async fn whose(&self, names: Arc<InForce>, request: Request) -> Result<(Request, SubjectId), Problem> {
        let store = self.registrar.store().clone();
        let opened = blocking(move || (names.open(&request, || Ok(store)), request)).await;
        match opened.map_err(cannot)? {
            (Ok(opened), request) => Ok((request, opened.subject)),
            (Err(NotOpened::Store(error)), _) => Err(cannot(error.into())),
            (Err(error), _) => Err(Problem::new(&SUBJECT, error.to_string())),
        }
    }

    /// Who tries without two officers shows in the supervision report.
    async fn refused(&self, caller: &Caller, error: PaperError) -> Problem {
        tracing::warn!(caller = caller.who(None), %error, "a re-identification was refused");
        let act =
            self.registrar.act(ActKind::Operation, "reidentify-refused", caller.who(None), error.to_string());
        if let Err(error) = self.registrar.note(act).await {
            tracing::error!(%error, "a refused re-identification could not be recorded");
        }
        Problem::new(&APPROVAL, error.to_string())
    }

    /// An erasure is for good: nobody learns again whose the pseudonym was.
    async fn not_erased(&self, subject: SubjectId) -> Result<(), Problem> {
        let registrar = self.registrar.clone();
        let changes =
            blocking(move || show::changes_of(&registrar, &registrar.store().ids_of(subject)?)).await;
        let changes = changes.map_err(cannot)?.map_err(|error| cannot(error.into()))?;
        if changes.iter().any(|change| change.change.kind == RightKind::Erasure) {
            return Err(Problem::new(&FOR_GOOD, "the person is erased, and stays withheld"));
        }
        Ok(())
    }
}
