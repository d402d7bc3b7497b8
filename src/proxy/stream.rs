//! A response that leaves in parts: each is judged, rewritten, recorded and only then released, as a whole
//! response is (G4, G5). The first part is ready before the answer's head leaves, so that what is refused by
//! then is refused in words; a later fault breaks the body off, which a recipient can tell from its end.
//!
//! Stands where `exchange` stands for whole responses. What must never happen here: a part released without
//! its own record, or to a recipient who may not ask any more; a fault after which the body ends as if it were
//! whole.

use std::sync::Arc;
use std::time::Instant;

use hyper::{Response, StatusCode};
use tracing::Instrument as _;

use super::arriving::Arriving;
use super::disclose::{Content, disclose};
use super::exchange::{Telling, count, may_go_on, record};
use super::release::{self, Gone, Parts};
use super::{Answer, Proxy, State, outcome};
use crate::http::Refusal;
use crate::http::reply::Reply;
use crate::ledger::{Kind, Receipt};
use crate::limits::Admitted;
use crate::net::listener::Connection;
use crate::policy::checked::MediaType;
use crate::policy::decide::Permit;
use crate::rewrite::{Parted, Released};
use crate::telemetry::logs::exchange_span;

/// A response whose content is still coming.
pub(super) struct Streaming {
    proxy: Arc<Proxy>,
    state: Arc<State>,
    connection: Arc<Connection>,
    permit: Arc<Permit>,
    reply: Reply,
    content: Content,
    arriving: Box<Arriving>,
    begun: Instant,
}

/// Why it stopped.
enum Stopped {
    Refused(Refusal),
    Gone,
}

impl From<Gone> for Stopped {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl Streaming {
    pub(super) fn new(
        (proxy, state, connection, permit): (&Arc<Proxy>, &Arc<State>, &Arc<Connection>, &Arc<Permit>),
        reply: &Reply,
        content: Content,
        arriving: Box<Arriving>,
    ) -> Self {
        let begun = proxy.records.clock.instant();
        let (proxy, state, permit) = (Arc::clone(proxy), Arc::clone(state), Arc::clone(permit));
        let connection = Arc::clone(connection);
        Self { proxy, state, connection, permit, reply: reply.clone(), content, arriving, begun }
    }

    /// Gives the answer as soon as its first part may leave; the others follow on their own.
    pub(super) async fn begin(
        mut self,
        (kind, status, media_type): (Kind, StatusCode, MediaType),
        admitted: Admitted,
    ) -> Result<Response<Answer>, Refusal> {
        let Some((first, receipt)) = self.part(kind, status).await? else {
            return Err(Refusal::UpstreamJson);
        };
        if self.reply.head {
            return release::released(&self.reply, (status, media_type), first, receipt, admitted);
        }
        let (response, parts) = release::in_parts(&self.reply, (status, media_type), admitted);
        parts.release(first, receipt).await.map_err(|_gone| Refusal::Internal)?;
        drop(tokio::spawn(async move {
            let span = exchange_span(self.reply.exchange);
            self.rest(parts, status).instrument(span).await;
        }));
        Ok(response)
    }

    /// All that follows the first part.
    async fn rest(mut self, parts: Parts, status: StatusCode) {
        match self.release_all(&parts, status).await {
            Ok(()) => drop(parts.end().await),
            Err(Stopped::Gone) => tracing::info!("the recipient went away within a response"),
            Err(Stopped::Refused(refusal)) => {
                let took = self.proxy.records.clock.instant().saturating_duration_since(self.begun);
                let Self { proxy, state, reply, permit, .. } = &self;
                // Broken off first: the recipient need not wait for the record of that.
                drop(parts);
                outcome::broken_off(proxy, state, reply, permit, (refusal, took)).await;
            }
        }
    }

    async fn release_all(&mut self, parts: &Parts, status: StatusCode) -> Result<(), Stopped> {
        loop {
            let next = tokio::select! {
                biased;
                () = parts.gone() => return Err(Stopped::Gone),
                next = self.part(Kind::Disclosure, status) => next.map_err(Stopped::Refused)?,
            };
            match next {
                Some((part, receipt)) => parts.release(part, receipt).await?,
                None => return Ok(()),
            }
        }
    }

    /// The next part, on record; `None` once there is none.
    async fn part(&mut self, kind: Kind, status: StatusCode) -> Result<Option<(Released, Receipt)>, Refusal> {
        let Self { proxy, state, connection, permit, reply, content, arriving, .. } = self;
        let Some(piece) = arriving.next(permit.route().plan()).await? else { return Ok(None) };
        // The part before may have left long ago.
        may_go_on(proxy, connection)?;
        let (place, parting) = (piece.place(), piece.parting);
        let content = content.part(proxy, (piece.into_document().into(), parting, place))?;
        let Parted { rewritten, has_records } = disclose(proxy, state, reply, permit, &content).await?;
        if has_records {
            arriving.records_left();
        }
        let (bytes, disclosure) = (rewritten.released.body().len(), &rewritten.disclosure);
        let receipt =
            record(proxy, state, reply, permit, Telling { kind, status, bytes, disclosure }).await?;
        if !reply.head {
            count(proxy, state, permit, disclosure);
        }
        Ok(Some((rewritten.released, receipt)))
    }
}
