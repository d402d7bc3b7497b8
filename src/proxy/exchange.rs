//! The steps of an exchange, in their order. Each gives what the next one needs, or a refusal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LOCATION, HeaderName, HeaderValue, LOCATION};
use hyper::http::{request, response};
use hyper::{Request, Response, StatusCode, Version};

use super::arriving::Arriving;
use super::disclose::{Content, disclose, salt_of};
use super::outcome::{Refused, Who};
use super::send::{self, Intent, Sending};
use super::stream::Streaming;
use super::{Answer, MAX_CLOCK_BACK, Proxy, State, bearer, guards, release, table};
use crate::http::body::{self, BodyFault};
use crate::http::fields::{self, Accepted, judge_change, judge_response};
use crate::http::forward::{self, Forward};
use crate::http::problem::Problems;
use crate::http::reply::Reply;
use crate::http::trace::Traceparent;
use crate::http::{self, Refusal, Target};
use crate::identity::Recipient;
use crate::judge::Everyone;
use crate::ledger::index::MAX_LAG;
use crate::ledger::{Entry, Kind, Receipt};
use crate::limits::{Admitted, Exhausted};
use crate::net::listener::Connection;
use crate::net::{UpstreamBody, UpstreamError};
use crate::policy::decide::{Asked, Denied, Permit};
use crate::policy::running::RunningPolicy;
use crate::pseudonym::NONE_KNOWN;
use crate::random;
use crate::rewrite::{Disclosure, Echoes, Parted, Rewriter};
use crate::telemetry::metrics::{Outcomes, Phase};

/// An exchange that went well.
pub(super) struct Done {
    pub(super) response: Response<Answer>,
    pub(super) who: Who,
    pub(super) outcome: &'static str,
}

/// One exchange, from the request's head to the answer's.
pub(super) async fn exchange(
    proxy: &Arc<Proxy>,
    state: &Arc<State>,
    reply: &mut Reply,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Done, Refused> {
    let mut timer = Timer::started(proxy);
    let (head, content) = request.into_parts();
    let recipient = identify(proxy, state, connection).map_err(Refused::nobody)?;
    let policy = state.policies.get(recipient.id()).ok_or_else(|| Refused::nobody(Refusal::NoPolicy))?;
    let refused = |refusal| Refused::of(policy, refusal);
    // Before the token, so that guesses at it count against the quota too.
    let admitted = limit(state, reply, &recipient).map_err(refused)?;
    second_factor(policy, &head).map_err(refused)?;
    let target = http::admit(&head, &content, &state.names).map_err(refused)?;
    if let Some(page) = Problems::page(target.path()) {
        let response = release::page(reply, page, admitted);
        return Ok(Done { response, who: Who::of(policy), outcome: "problem-page" });
    }
    let permit = decide(proxy, state, reply, policy, (&head, &target)).await.map_err(refused)?;
    let permit = Arc::new(permit);
    answerable(proxy).map_err(|refusal| Refused::under(&permit, refusal))?;
    let under_permit = |refusal| Refused::under(&permit, guards::absent(proxy, &permit, refusal));
    guards::enumeration(proxy, reply, &permit).map_err(under_permit)?;
    timer.lap(Phase::Decide);

    let sending = send::take(proxy, &permit, &head, content).await.map_err(under_permit)?;
    let mut intent = send::intend(proxy, state, reply, &permit, &sending).await.map_err(under_permit)?;
    let base = format!("https://{}", target.authority());
    let (head, sending, base) = (&head, &sending, base.as_str());
    let asking = Asking { proxy, state, connection, permit: &permit, head, sending, base, timer };
    match asking.answer(reply, &mut intent, admitted).await {
        Ok(response) => Ok(Done { response, who: Who::under(&permit), outcome: "released" }),
        Err(refusal) => Err(Refused::after(&permit, guards::absent(proxy, &permit, refusal), intent)),
    }
}

/// A request that may be forwarded now, its intent on record where it needs one.
struct Asking<'a> {
    proxy: &'a Arc<Proxy>,
    state: &'a Arc<State>,
    connection: &'a Arc<Connection>,
    permit: &'a Arc<Permit>,
    head: &'a request::Parts,
    sending: &'a Sending,
    /// How our URLs begin, as the recipient calls us.
    base: &'a str,
    timer: Timer<'a>,
}

impl Asking<'_> {
    /// Forwards, reads, rewrites, records and releases. The intent is taken when its outcome is on
    /// record.
    async fn answer(
        mut self,
        reply: &mut Reply,
        intent: &mut Option<Intent>,
        admitted: Admitted,
    ) -> Result<Response<Answer>, Refusal> {
        let Self { proxy, state, permit, head, sending, base, .. } = self;
        let kind = if intent.is_some() { Kind::Outcome } else { Kind::Disclosure };
        let (answered, accepted, body) = forward(state, permit, head, sending).await?;
        let status = answered.status;
        let echoes = Echoes::of(&sending.resolved);
        let Some(accepted) = accepted else {
            reply.places = places(proxy, permit, &answered, (&echoes, base)).await?;
            let nothing = Telling { kind, status, bytes: 0, disclosure: &Disclosure::default() };
            let receipt = record(proxy, state, reply, permit, nothing).await?;
            intent.take().into_iter().for_each(Intent::close);
            return release::done(reply, status, receipt, admitted);
        };
        // In HTTP/1.0 the end of the connection is all that ends such content, whole or broken off.
        let in_parts = head.version > Version::HTTP_10;
        let body = match read(permit, accepted, in_parts, body).await? {
            Came::Whole(body) => body,
            Came::More(arriving) => {
                self.timer.lap(Phase::Upstream);
                let content = Content::of(proxy, permit, (accepted, Bytes::new(), echoes, base))?;
                let shared = (proxy, state, self.connection, permit);
                let streaming = Streaming::new(shared, reply, content, arriving);
                let begun = streaming.begin((kind, status, accepted.media_type), admitted).await?;
                intent.take().into_iter().for_each(Intent::close);
                return Ok(begun);
            }
        };
        self.timer.lap(Phase::Upstream);
        let content = Content::of(proxy, permit, (accepted, body, echoes, base))?;
        let Parted { rewritten, .. } = disclose(proxy, state, reply, permit, &content).await?;
        // PERF: the record is waited for by many at once, and what came need not wait with them.
        drop(content);
        // Only now: what is refused draws no pseudonym.
        let echoes = Echoes::of(&sending.resolved);
        reply.places = places(proxy, permit, &answered, (&echoes, base)).await?;
        self.timer.lap(Phase::Rewrite);
        let (bytes, disclosure) = (rewritten.released.body().len(), &rewritten.disclosure);
        let telling = Telling { kind, status, bytes, disclosure };
        let receipt = record(proxy, state, reply, permit, telling).await?;
        intent.take().into_iter().for_each(Intent::close);
        self.timer.lap(Phase::Record);
        if !reply.head {
            count(proxy, state, permit, &rewritten.disclosure);
        }
        release::released(reply, (status, accepted.media_type), rewritten.released, receipt, admitted)
    }
}

/// Who is it? The certificate is looked at again, for it may have ended or been revoked since the
/// handshake (G9).
fn identify(proxy: &Proxy, state: &State, connection: &Connection) -> Result<Recipient, Refusal> {
    let seconds = proxy.records.clock.unix_millis().checked_div(1000).unwrap_or_default();
    if connection.peer().check(&state.tls, seconds).is_err() {
        connection.close();
        return Err(Refusal::CertificateLapsed);
    }
    state.register.identify(connection.peer()).map_err(|_nobody| Refusal::NoPolicy)
}

/// May an exchange go on that was begun while it could be? What it began by can end while its parts leave: the
/// certificate, the policy, its agreement, what is needed to say afterwards who was told what (G9).
pub(super) fn may_go_on(proxy: &Proxy, connection: &Connection) -> Result<(), Refusal> {
    let now = proxy.state();
    let recipient = identify(proxy, &now, connection)?;
    now.policies.holds(recipient.id(), proxy.records.clock.today()).map_err(refusal_of)?;
    answerable(proxy)
}

/// The bearer token, where the policy wants one.
fn second_factor(policy: &RunningPolicy, head: &request::Parts) -> Result<(), Refusal> {
    match &policy.checked().identity.token_sha256 {
        Some(wanted) if !bearer::bears(&head.headers, wanted) => Err(Refusal::TokenRefused),
        Some(_) | None => Ok(()),
    }
}

/// May it now?
fn limit(state: &State, reply: &mut Reply, recipient: &Recipient) -> Result<Admitted, Refusal> {
    let limiter = state.limits.of(recipient.id()).ok_or(Refusal::NoPolicy)?;
    match limiter.admit() {
        Ok(admitted) => {
            reply.standing = Some(admitted.standing.clone());
            Ok(admitted)
        }
        Err(exceeded) => {
            reply.standing = Some(exceeded.standing);
            Err(match exceeded.quota {
                Exhausted::Requests => Refusal::OverRate,
                Exhausted::Concurrency => Refusal::OverConcurrency,
            })
        }
    }
}

/// Which route of its policy?
async fn decide(
    proxy: &Proxy,
    state: &State,
    reply: &mut Reply,
    policy: &RunningPolicy,
    (head, target): (&request::Parts, &Target),
) -> Result<Permit, Refusal> {
    let fields = fields::pairs(head);
    let values = target.segments().iter().chain(target.query().iter().map(|(_, value)| value));
    let values = values.map(String::as_str).chain(fields.iter().map(|(_, value)| *value));
    let rows = table::rows(proxy, policy.routes().first(), values).await?;
    let asked = Asked {
        method: target.method().as_str(),
        path: target.path(),
        segments: target.segments(),
        query: target.query(),
        fields: &fields,
        rows: &rows,
    };
    let recipient = &policy.checked().recipient.id;
    let decided = state.policies.decide(recipient, proxy.records.clock.today(), asked);
    if matches!(decided, Err(Denied::Method)) {
        reply.allow = state.policies.methods(recipient, target.segments());
    }
    decided.map_err(refusal_of)
}

pub(super) const fn refusal_of(denied: Denied) -> Refusal {
    match denied {
        Denied::NoPolicy => Refusal::NoPolicy,
        Denied::Lapsed => Refusal::AgreementLapsed,
        Denied::TransferLapsed => Refusal::TransferLapsed,
        Denied::NoRoute => Refusal::NoRoute,
        Denied::Method => Refusal::MethodNotAllowed,
        Denied::Unlisted => Refusal::QueryUnlisted,
        Denied::Repeated => Refusal::QueryRepeated,
        Denied::Pattern => Refusal::PatternMismatch,
        Denied::FieldRepeated => Refusal::FieldRepeated,
        Denied::ClearIdentifier => Refusal::ClearIdentifier,
        Denied::Pseudonym => Refusal::PseudonymRefused,
    }
}

/// Can we say afterwards who was told what, and when? Past its lag the index cannot, and nobody can by a
/// clock that has run back.
fn answerable(proxy: &Proxy) -> Result<(), Refusal> {
    let now = proxy.records.clock.unix_millis();
    let latest = proxy.latest.fetch_max(now, Ordering::Relaxed);
    if latest.saturating_sub(now) > MAX_CLOCK_BACK {
        tracing::error!("the clock has run back: nothing leaves until it is set");
        return Err(Refusal::LedgerUnusable);
    }
    let indexer = &proxy.records.indexer;
    if indexer.within(MAX_LAG) {
        return Ok(());
    }
    tracing::error!(lag = indexer.lag(), "the index is too far behind the ledger: nothing leaves");
    Err(Refusal::StoreUnusable)
}

/// Asks the upstream, and judges the head of what it answers.
async fn forward(
    state: &State,
    permit: &Permit,
    head: &request::Parts,
    sending: &Sending,
) -> Result<(response::Parts, Option<Accepted>, UpstreamBody), Refusal> {
    let random = random::name().map_err(|_none| Refusal::Internal)?;
    let trace = Traceparent::continued(&head.headers, random);
    let request = forward::request(&Forward::of(permit, sending.content_type, trace))?;
    let route = permit.route().checked();
    // `config` has checked that every route's upstream is there.
    let upstream = state.upstreams.get(&route.upstream).ok_or(Refusal::Internal)?;
    let answered = upstream.send(request.map(|()| sending.body.clone())).await.map_err(fault_of)?;
    let (mut head, body) = answered.into_parts();
    let (listed, statuses) = (&route.response.media_types, &route.response.status_map);
    if permit.method().is_safe() {
        let accepted = judge_response(&head, listed, statuses)?;
        head.status = StatusCode::OK;
        return Ok((head, Some(accepted), body));
    }
    let (status, accepted) = judge_change(&head, body.is_over(), listed, statuses)?;
    head.status = status;
    Ok((head, accepted, body))
}

/// Where what the request made or changed is found, by the recipient's own routes; nothing where the
/// policy does not say so, or a URL is of none of them.
async fn places(
    proxy: &Proxy,
    permit: &Permit,
    head: &response::Parts,
    (echoes, base): (&Echoes, &str),
) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    if permit.method().is_safe() || !permit.route().checked().response.location {
        return Ok(Vec::new());
    }
    let salt = salt_of(permit.policy().checked().pseudonyms.linkability)?;
    let plan = permit.route().plan();
    let judge = &Everyone;
    let rewriter = Rewriter { plan, salt: &salt, judge, echoes, base, known: &NONE_KNOWN, lines: false };
    let only = |name: HeaderName| {
        let mut values = head.headers.get_all(&name).iter();
        let only = values.next().filter(|_| values.next().is_none())?;
        Some((name, only.to_str().ok()?))
    };
    let came: Vec<(HeaderName, &str)> = [LOCATION, CONTENT_LOCATION].into_iter().filter_map(only).collect();
    let wanted = match table::is_table(permit.route()) {
        true => came.iter().flat_map(|(_, url)| rewriter.needs_of_url(url)).collect(),
        false => Vec::new(),
    };
    let known = table::known(proxy, permit.route(), wanted).await?;
    let rewriter = Rewriter { known: &known, ..rewriter };
    let remade = |(name, url)| Some((name, HeaderValue::try_from(rewriter.url(url)?).ok()?));
    Ok(came.into_iter().filter_map(remade).collect())
}

/// What came of the content.
enum Came {
    Whole(Bytes),
    /// More than is judged whole, on a route whose records can be judged one by one.
    More(Box<Arriving>),
}

/// Reads the content whole, within the policy's buffer, and takes off its coding; what is more, only where it may
/// leave `in_parts`.
async fn read(
    permit: &Permit,
    accepted: Accepted,
    in_parts: bool,
    mut body: UpstreamBody,
) -> Result<Came, Refusal> {
    let most = permit.policy().checked().limits.buffer;
    let whole = |content| body::decode(accepted.coding, content, most);
    let Some(arriving) = Arriving::of(permit, accepted).filter(|_| in_parts) else {
        let content = body.read(most).await.map_err(fault_of)?;
        return whole(content).map(Came::Whole).map_err(BodyFault::of_upstream);
    };
    let content = body.read_past(most).await.map_err(fault_of)?;
    if content.len() <= most {
        match whole(content.clone()) {
            Err(BodyFault::TooLarge) => {}
            done => return done.map(Came::Whole).map_err(BodyFault::of_upstream),
        }
    }
    Ok(Came::More(Box::new(arriving.begun(content, body))))
}

pub(super) fn fault_of(error: UpstreamError) -> Refusal {
    match error {
        UpstreamError::Resolve | UpstreamError::Connect => Refusal::UpstreamUnreachable,
        UpstreamError::Tls => Refusal::UpstreamTls,
        UpstreamError::TimedOut(_) => Refusal::UpstreamSlow,
        UpstreamError::Busy => Refusal::UpstreamBusy,
        UpstreamError::Broke => Refusal::UpstreamBroken,
        UpstreamError::Malformed => Refusal::UpstreamFraming,
        UpstreamError::TooLarge => Refusal::UpstreamTooLarge,
        UpstreamError::Request => Refusal::Internal,
    }
}

/// What a record tells of an answer.
pub(super) struct Telling<'a> {
    pub(super) kind: Kind,
    pub(super) status: StatusCode,
    pub(super) bytes: usize,
    pub(super) disclosure: &'a Disclosure,
}

/// Writes down what is about to leave, and waits until that is durable (G5).
pub(super) async fn record(
    proxy: &Proxy,
    state: &State,
    reply: &Reply,
    permit: &Permit,
    telling: Telling<'_>,
) -> Result<Receipt, Refusal> {
    let recipient = &permit.policy().checked().recipient.id;
    let grounds = state.grounds(recipient, Some(&permit.route().checked().name)).ok_or(Refusal::Internal)?;
    let Telling { kind, status, bytes, disclosure } = telling;
    // HEAD tells that something is there, but nothing of what is in it.
    let (bytes, released_by_rule) =
        if reply.head { (0, Vec::new()) } else { (bytes, disclosure.released_by_rule.clone()) };
    let entry = Entry {
        exchange: reply.exchange,
        unix_millis: proxy.records.clock.unix_millis(),
        kind,
        grounds,
        status: status.as_u16(),
        outcome: "released".into(),
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        subjects: disclosure.subjects.clone(),
        released_by_rule,
        withheld: disclosure.withheld,
        unfit: disclosure.unfit,
        cpr_in_text: disclosure.cpr_in_text,
        records: disclosure.records,
        records_withheld: disclosure.records_withheld,
    };
    let recorded = proxy.records.ledger.append(&entry).await;
    if recorded.is_ok() {
        proxy.metrics.ledger_records.inc();
    }
    recorded.map_err(|error| {
        tracing::error!(%error, "the ledger does not take a record: nothing leaves");
        Refusal::LedgerUnusable
    })
}

/// Counts members and records by what became of them.
pub(super) fn count(proxy: &Proxy, state: &State, permit: &Permit, disclosure: &Disclosure) {
    let recipient = &permit.policy().checked().recipient.id;
    // None only of a recipient that this state lacks, and the permit is of this state.
    let Some(counters) = state.counters_of(recipient, &proxy.metrics) else { return };
    counters.add(Outcomes {
        released: disclosure.released_by_rule.iter().map(|count| u64::from(*count)).sum(),
        withheld: disclosure.withheld,
        unfit: disclosure.unfit,
        cpr_in_text: disclosure.cpr_in_text,
        address_protected: disclosure.address_protected,
        records_released: disclosure.records,
        records_withheld: disclosure.records_withheld,
    });
}

/// Measures the parts of an exchange.
struct Timer<'p> {
    proxy: &'p Proxy,
    last: Instant,
}

impl<'p> Timer<'p> {
    fn started(proxy: &'p Proxy) -> Self {
        Self { proxy, last: proxy.records.clock.instant() }
    }

    fn lap(&mut self, phase: Phase) {
        let now = self.proxy.records.clock.instant();
        let took = now.saturating_duration_since(self.last);
        self.proxy.metrics.duration.observe(phase, took);
        self.last = now;
    }
}
