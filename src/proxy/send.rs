//! What a request brings: read whole, judged, and its pseudonyms resolved, before any of it is
//! forwarded; and the record of that it will be (G5, G7).
//!
//! What must never happen here: content forwarded that was not judged; a request that resolves or
//! changes something forwarded before its intent is durable; an intent whose outcome is lost while
//! the process lives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::http::request;
use tokio::time::timeout;

use super::exchange::refusal_of;
use super::{Proxy, State, table};
use crate::http::reply::Reply;
use crate::http::{Refusal, fields};
use crate::ids::SubjectId;
use crate::judge::{Judge as _, Judgement};
use crate::ledger::{Entry, Grounds, Kind, Ledger};
use crate::policy::checked::{Consent, Content, MediaType, Request};
use crate::policy::decide::Permit;
use crate::policy::resolve::Resolved;
use crate::pseudonym::Rows;
use crate::rewrite::{self, Refused};
use crate::subjects::{Circumstances, Weighed};
use crate::uri;

/// How long content may take to come: the largest that a policy takes, over a slow line.
const CONTENT_TIME: Duration = Duration::from_secs(30);

/// A record's word for a request of which nobody can say what became.
const UNKNOWN: &str = "unknown";

/// What goes to the upstream beside path, query and fields. `Debug` shows nothing of it.
#[derive(Default)]
pub(super) struct Sending {
    pub(super) body: Bytes,
    pub(super) content_type: Option<&'static str>,
    /// All that this exchange resolved, in whatever place.
    pub(super) resolved: Vec<Resolved>,
}

impl std::fmt::Debug for Sending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sending({} bytes)", self.body.len())
    }
}

/// Reads and judges the content of a request.
pub(super) async fn take(
    proxy: &Proxy,
    permit: &Permit,
    head: &request::Parts,
    content: Incoming,
) -> Result<Sending, Refusal> {
    let mut sending = Sending { resolved: permit.resolved().to_vec(), ..Sending::default() };
    let route = permit.route();
    let request = match &route.checked().request {
        Some(request) if !permit.method().is_safe() => request,
        // `http::admit` has seen to it that GET brings none.
        Some(_) | None => return Ok(sending),
    };
    match (&request.content, route.request()) {
        (Content::Json { media_types, .. }, Some(plan)) => {
            let media_type = fields::judge_content(head, media_types)?;
            let body = read(request, content).await?;
            let rows = match table::is_table(route) {
                true => {
                    let texts = rewrite::strings(&body);
                    table::rows(proxy, Some(route), texts.iter().map(String::as_str)).await?
                }
                false => Rows::default(),
            };
            let taken = rewrite::take(plan, &body, &rows).map_err(|refused| match refused {
                Refused::NotJson => Refusal::ContentJson,
                Refused::Unlisted => Refusal::ContentUnlisted,
                Refused::Unfit => Refusal::ContentUnfit,
                Refused::Clear => Refusal::ClearIdentifier,
                Refused::Pseudonym => Refusal::PseudonymRefused,
            })?;
            sending.content_type = Some(MediaType::essence(media_type));
            sending.body = taken.body.into_inner().into();
            sending.resolved.extend(taken.resolved);
        }
        (Content::Form(_), _) => {
            fields::judge_form(head)?;
            let body = read(request, content).await?;
            let text = std::str::from_utf8(&body).map_err(|_unread| Refusal::QueryCoding)?;
            let pairs = if text.is_empty() { Vec::new() } else { uri::decode_query(text)? };
            let rows = table::rows(proxy, Some(route), pairs.iter().map(|(_, value)| value.as_str())).await?;
            let form = permit.form(&pairs, &rows).map_err(refusal_of)?;
            sending.content_type = Some(fields::FORM);
            sending.body = uri::encode_query(&form.pairs).into();
            sending.resolved.extend(form.resolved);
        }
        (Content::Nothing, _) if content.is_end_stream() => {}
        (Content::Nothing, _) => return Err(Refusal::UnexpectedBody),
        (Content::Json { .. }, None) => return Err(Refusal::Internal),
    }
    Ok(sending)
}

async fn read(request: &Request, content: Incoming) -> Result<Bytes, Refusal> {
    if content.size_hint().lower() > u64::try_from(request.limit).unwrap_or(u64::MAX) {
        return Err(Refusal::BodyTooLarge);
    }
    let whole = timeout(CONTENT_TIME, Limited::new(content, request.limit).collect()).await;
    match whole.map_err(|_elapsed| Refusal::BodySlow)? {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Err(_broken) => Err(Refusal::BodyBroken),
    }
}

/// Whom the request names, as far as that is known. Who is withheld is not there (G8).
pub(super) fn judge(proxy: &Proxy, permit: &Permit, sending: &Sending) -> Result<Vec<SubjectId>, Refusal> {
    let checked = permit.policy().checked();
    let nothing = Weighed::default();
    let circumstances = Circumstances {
        recipient: checked.recipient.id.as_str(),
        purpose: checked.purpose.id.as_str(),
        consent_required: checked.purpose.consent == Consent::Required,
        now: proxy.records.clock.unix_millis(),
    };
    let judge = proxy.records.subjects.judge(circumstances, &nothing);
    let mut named = Vec::new();
    for one in &sending.resolved {
        let subject = match judge.judge(one.subject(), one.is_number()) {
            Judgement::Person(person) => person,
            Judgement::Unknown => one.subject(),
            Judgement::Withheld => return Err(Refusal::SubjectWithheld),
        };
        if !named.contains(&subject) {
            named.push(subject);
        }
    }
    Ok(named)
}

/// Puts on record what is about to be sent, where that resolves or may change something; `None` where
/// it does neither.
pub(super) async fn intend(
    proxy: &Proxy,
    state: &State,
    reply: &Reply,
    permit: &Permit,
    sending: &Sending,
) -> Result<Option<Intent>, Refusal> {
    let subjects = judge(proxy, permit, sending)?;
    if sending.resolved.is_empty() && permit.method().is_safe() {
        return Ok(None);
    }
    let checked = permit.policy().checked();
    let name = &permit.route().checked().name;
    let grounds = state.grounds(&checked.recipient.id, Some(name)).ok_or(Refusal::Internal)?;
    let now = proxy.records.clock.unix_millis();
    let blank = Entry::refusal(reply.exchange, now, Arc::clone(&grounds), 0, "intended");
    let entry = Entry {
        kind: Kind::Intent,
        subjects,
        bytes: u64::try_from(sending.body.len()).unwrap_or(u64::MAX),
        records: u64::try_from(sending.resolved.len()).unwrap_or(u64::MAX),
        ..blank
    };
    proxy.records.ledger.append(&entry).await.map_err(|error| {
        tracing::error!(%error, "the ledger does not take an intent: nothing is forwarded");
        Refusal::LedgerUnusable
    })?;
    proxy.metrics.ledger_records.inc();
    Ok(Some(Intent { ledger: proxy.records.ledger.clone(), reply: reply.clone(), grounds, now, open: true }))
}

/// A request that is on record as intended, and whose outcome is not. Dropped, it is recorded that
/// nobody knows.
pub(super) struct Intent {
    ledger: Ledger,
    reply: Reply,
    grounds: Arc<Grounds>,
    now: u64,
    open: bool,
}

impl std::fmt::Debug for Intent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intent(…)")
    }
}

impl Intent {
    /// The outcome is recorded by whoever has it, or has failed to be.
    pub(super) fn close(mut self) {
        self.open = false;
    }

    /// The word for how it ended, where it was refused after all: what may have reached the upstream
    /// and was not answered is unknown.
    pub(super) const fn outcome(refusal: Refusal) -> &'static str {
        let unanswered =
            matches!(refusal, Refusal::UpstreamSlow | Refusal::UpstreamBroken | Refusal::UpstreamFraming);
        if unanswered { UNKNOWN } else { refusal.verdict().reason }
    }
}

impl Drop for Intent {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.open {
            return;
        }
        let refusal = Entry::refusal(self.reply.exchange, self.now, Arc::clone(&self.grounds), 0, UNKNOWN);
        let entry = Entry { kind: Kind::Outcome, ..refusal };
        let ledger = self.ledger.clone();
        drop(runtime.spawn(async move {
            if ledger.append(&entry).await.is_err() {
                tracing::error!("an outcome could not be recorded: the intent stands alone");
            }
        }));
    }
}
