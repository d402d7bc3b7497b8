//! How an exchange ended: the answer, the log line, the metrics, and the record of a refusal.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response};
use tracing::{Instrument as _, Level};

use super::exchange::{Done, exchange};
use super::send::Intent;
use super::{Answer, Proxy, State, release};
use crate::http::Refusal;
use crate::http::problem::{Fault, Verdict};
use crate::http::reply::Reply;
use crate::ids::RecipientId;
use crate::ledger::{Entry, Kind};
use crate::net::listener::Connection;
use crate::policy::decide::Permit;
use crate::policy::running::RunningPolicy;
use crate::telemetry::logs::{Ended, exchange_span};
use crate::telemetry::metrics::{Phase, Refused as RefusedLabels, Request as RequestLabels};
use crate::telemetry::metrics::{Upstream as UpstreamLabels, Word};

/// How long a refusal waits for its record. It is answered all the same: nothing left.
const REFUSAL_RECORD: Duration = Duration::from_secs(1);

/// Whose exchange it was, as far as that was known.
#[derive(Debug, Clone, Default)]
pub(super) struct Who {
    recipient: Option<RecipientId>,
    route: Option<String>,
    upstream: Option<String>,
}

impl Who {
    pub(super) fn of(policy: &RunningPolicy) -> Self {
        Self { recipient: Some(policy.checked().recipient.id.clone()), ..Self::default() }
    }

    pub(super) fn under(permit: &Permit) -> Self {
        let route = permit.route().checked();
        Self {
            route: Some(route.name.clone()),
            upstream: Some(route.upstream.clone()),
            ..Self::of(permit.policy())
        }
    }
}

/// An exchange that was refused.
#[derive(Debug)]
pub(super) struct Refused {
    refusal: Refusal,
    who: Who,
    /// What was forwarded all the same, or was about to be.
    intent: Option<Intent>,
}

impl Refused {
    /// Before it was known whose exchange it is.
    pub(super) fn nobody(refusal: Refusal) -> Self {
        Self { refusal, who: Who::default(), intent: None }
    }

    /// A known recipient's.
    pub(super) fn of(policy: &RunningPolicy, refusal: Refusal) -> Self {
        Self { refusal, who: Who::of(policy), intent: None }
    }

    /// On a known route.
    pub(super) fn under(permit: &Permit, refusal: Refusal) -> Self {
        Self { refusal, who: Who::under(permit), intent: None }
    }

    /// The same, with its intent on record or none needed.
    pub(super) fn after(permit: &Permit, refusal: Refusal, intent: Option<Intent>) -> Self {
        Self { refusal, who: Who::under(permit), intent }
    }
}

/// Runs an exchange in its span, and sees to it that its end is logged, counted and, where it was
/// refused, recorded.
pub(super) async fn observed(
    proxy: &Arc<Proxy>,
    mut reply: Reply,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Answer> {
    let span = exchange_span(reply.exchange);
    let _in_flight = InFlight::begun(proxy);
    let begun = proxy.records.clock.instant();
    async {
        let state = proxy.state();
        let (response, who, verdict, outcome) =
            match exchange(proxy, &state, &mut reply, connection, request).await {
                Ok(Done { response, who, outcome }) => (response, who, None, outcome),
                Err(Refused { refusal, who, intent }) => {
                    let verdict = refusal.verdict();
                    record(proxy, &state, &reply, &who, (refusal, intent)).await;
                    let response = release::refused(&reply, &state.problems, refusal, None);
                    (response, who, Some(verdict), verdict.reason)
                }
            };
        let took = proxy.records.clock.instant().saturating_duration_since(begun);
        proxy.metrics.duration.observe(Phase::Whole, took);
        count(proxy, &who, response.status().as_u16(), verdict);
        log(&state, &who, response.status().as_u16(), outcome, verdict, took);
        response
    }
    .instrument(span)
    .await
}

/// A response of which parts have left already was broken off: counted, recorded and logged like a refusal.
pub(super) async fn broken_off(
    proxy: &Proxy,
    state: &State,
    reply: &Reply,
    permit: &Permit,
    (refusal, took): (Refusal, Duration),
) {
    let (who, verdict) = (Who::under(permit), refusal.verdict());
    record(proxy, state, reply, &who, (refusal, None)).await;
    count(proxy, &who, verdict.status, Some(verdict));
    log(state, &who, verdict.status, verdict.reason, Some(verdict), took);
}

/// Records a refusal of a known recipient. A ledger that fails or is slow does not hold it up.
///
/// SECURITY: what exceeds a quota is counted and logged only: nothing bounds how often it comes,
/// so its records could fill the disk, and then nobody is served.
async fn record(
    proxy: &Proxy,
    state: &State,
    reply: &Reply,
    who: &Who,
    (refusal, intent): (Refusal, Option<Intent>),
) {
    let Some(recipient) = &who.recipient else { return };
    let Some(grounds) = state.grounds(recipient, who.route.as_deref()) else { return };
    let unbounded = matches!(refusal, Refusal::OverRate | Refusal::OverConcurrency);
    if unbounded || refusal == Refusal::LedgerUnusable || proxy.records.ledger.usable().is_err() {
        return;
    }
    let verdict = refusal.verdict();
    let now = proxy.records.clock.unix_millis();
    let refused = |word| Entry::refusal(reply.exchange, now, Arc::clone(&grounds), verdict.status, word);
    let entry = match &intent {
        Some(_) => Entry { kind: Kind::Outcome, ..refused(Intent::outcome(refusal)) },
        None => refused(verdict.reason),
    };
    let recorded = tokio::time::timeout(REFUSAL_RECORD, proxy.records.ledger.append(&entry)).await;
    // The record is written, or the ledger takes none: then the intent stands alone.
    intent.into_iter().for_each(Intent::close);
    if matches!(recorded, Ok(Ok(_))) {
        proxy.metrics.ledger_records.inc();
    } else {
        tracing::error!("a refusal could not be recorded");
    }
}

fn count(proxy: &Proxy, who: &Who, code: u16, verdict: Option<Verdict>) {
    let recipient = who.recipient.as_ref().map_or_else(Word::none, Word::from);
    let route = who.route.as_deref().map_or_else(Word::none, Word::configured);
    proxy.metrics.requests.get_or_create(&RequestLabels { recipient, route, code }).inc();
    let Some(Verdict { fault, reason, .. }) = verdict else { return };
    let (fault_word, reason) = (Word::own(fault.as_str()), Word::own(reason));
    proxy.metrics.refusals.get_or_create(&RefusedLabels { fault: fault_word, reason: reason.clone() }).inc();
    if let (Fault::Upstream, Some(upstream)) = (fault, &who.upstream) {
        let upstream = Word::configured(upstream);
        proxy.metrics.upstream_errors.get_or_create(&UpstreamLabels { upstream, reason }).inc();
    }
}

/// One line an exchange. Its fields are names of policies, words of closed sets, and numbers; in one event,
/// because a span's fields are written anew at each that is recorded (a quarter of an exchange's instructions).
fn log(
    state: &State,
    who: &Who,
    status: u16,
    reason: &'static str,
    verdict: Option<Verdict>,
    took: Duration,
) {
    let policy =
        who.recipient.as_ref().and_then(|recipient| state.policies.get(recipient)).map(|p| p.checked());
    let ended = Ended {
        recipient: who.recipient.as_ref().map(RecipientId::as_str),
        route: who.route.as_deref(),
        purpose: policy.map(|policy| policy.purpose.id.as_str()),
        policy: policy.map(|policy| policy.version),
        upstream: who.upstream.as_deref(),
        status,
        reason,
        took,
    };
    ended.log(verdict.map_or(Level::INFO, |verdict| verdict.level));
}

/// Counts an exchange while it lasts, also if its recipient goes away.
struct InFlight<'p> {
    proxy: &'p Proxy,
}

impl<'p> InFlight<'p> {
    fn begun(proxy: &'p Proxy) -> Self {
        proxy.metrics.in_flight.inc();
        Self { proxy }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.proxy.metrics.in_flight.dec();
    }
}
