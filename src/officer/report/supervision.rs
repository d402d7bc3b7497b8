//! The supervision report of a month: "logning og tilsyn" (GDPR art. 5(2), 24, 32(1)(d)).

use serde::Deserialize;

use super::{Head, WrittenHead, document};
use crate::ledger::ActKind;
use crate::ledger::verify::{Against, verify};
use crate::officer::ask::json;
use crate::officer::caller::Deed;
use crate::officer::problem::{Problem, VALUE};
use crate::officer::registrar::blocking;
use crate::officer::{Caller, Office, Told, cannot};
use crate::reports::{
    AgreementState, Checkpoint, Condition, Month, SupervisionAsk, SupervisionReport, Verified,
};

/// `POST /v1/reports/supervision`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    head: WrittenHead,
    month: String,
    /// Whether the whole ledger is verified for it, which takes seconds for each million records.
    #[serde(default)]
    verify: bool,
}

impl Office {
    /// Volumes, refusals, look-ups, changes, agreements, and whether the records are whole.
    pub(in crate::officer) async fn report_supervision(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<Told, Problem> {
        self.permit(caller, Deed::Report).await?;
        let written: Written = json(body)?;
        let head = Head::read(written.head)?;
        let month = Month::parse(&written.month)
            .ok_or_else(|| Problem::new(&VALUE, "`month` is not a month such as 2026-03"))?;
        let act = self.registrar.act(ActKind::Lookup, "supervision", String::new(), String::new());
        self.record(caller, &head.said, act).await?;
        let names = self.names.load_full();
        let agreements = names.policies().iter().map(|served| AgreementState {
            recipient: served.recipient.clone(),
            name: served.name.clone(),
            reference: served.agreement.reference.clone(),
            review: served.agreement.review,
            expires: served.agreement.expires,
        });
        let agreements = agreements.collect();
        let condition = self.condition(written.verify).await?;
        let frame = head.frame(caller, self.registrar.clock().unix_millis());
        let ask = SupervisionAsk { frame, month, agreements, condition };
        let report = self.read(move |store| SupervisionReport::read(store, ask)).await?;
        document(&head, report.render(head.format, head.language))
    }

    async fn condition(&self, wanted: bool) -> Result<Condition, Problem> {
        let indexed = self.registrar.indexed();
        if !wanted {
            return Ok(Condition { checkpoint: None, indexed, verified: Verified::NotDone });
        }
        let (directory, at) = (self.ledger.clone(), self.registrar.clock().unix_millis());
        let key = [self.names.load().checkpoints()];
        let found = blocking(move || verify(&directory, Against { keys: &key, anchor: None })).await;
        let (checkpoint, verified) = match found.map_err(cannot)? {
            Ok(found) => {
                let checkpoint = found.signed.map(|(sequence, at)| Checkpoint { at, sequence });
                let records = found.last.saturating_add(1).saturating_sub(found.first);
                let verified = match found.findings.first() {
                    None => Verified::Whole { at, records },
                    Some(finding) => Verified::Broken { at, problem: finding.to_string() },
                };
                (checkpoint, verified)
            }
            Err(error) => (None, Verified::Broken { at, problem: error.to_string() }),
        };
        Ok(Condition { checkpoint, indexed, verified })
    }
}
