//! What of a response may leave: whose data it is, whether that may leave now, and whether the
//! recipient may be told of so many.
//!
//! Stands between reading a body and recording what leaves. What must never happen here: a body
//! judged by rights that were changed before its record; an alias in force that the store has not; a
//! body that is no document believed about anybody.

use std::sync::Arc;

use bytes::Bytes;

use super::lookup::Asked;
use super::{Proxy, Records, State, quota, table};
use crate::http::Refusal;
use crate::http::fields::Accepted;
use crate::http::reply::Reply;
use crate::judge::Same;
use crate::policy::checked::{Consent, Linkability};
use crate::policy::decide::Permit;
use crate::policy::running::{RunningPolicy, RunningRoute};
use crate::pseudonym::{Known, NONE_KNOWN, Salt};
use crate::rewrite::{self, Echoes, Fault, FaultKind, Needs, Parted, Parting, Place, Rewriter, Survey};
use crate::subjects::{Circumstances, Learnt, SubjectJudge, Subjects, Weighed};
use crate::telemetry::metrics::{Alias as AliasLabels, Word};

/// Rewriting more than this leaves the threads that serve connections: it takes longer than a
/// millisecond.
const LONG_REWRITE: usize = 256 * 1024;
/// How often a body is judged before the exchange is refused: rights change once a minute at most,
/// so that a second time is rare and a third is not chance.
const JUDGEMENTS: usize = 3;

/// Rewrites a body, or a part of one, under the rights that are in force when its record is about to be
/// written, and reserves what telling of it takes.
pub(super) async fn disclose(
    proxy: &Proxy,
    state: &Arc<State>,
    reply: &mut Reply,
    permit: &Permit,
    content: &Content,
) -> Result<Parted, Refusal> {
    let Heard { same, asked, mut first } = who_is_who(proxy, state, permit, content).await?;
    let subjects = &proxy.records.subjects;
    for _ in 0..JUDGEMENTS {
        let generation = subjects.generation();
        let weighed = Arc::new(subjects.weigh(&same));
        let learn = || learn(proxy, permit, &same, &asked, &weighed);
        let (mut known, mut learnt) = (Known::default(), None);
        if table::is_table(&content.route) {
            let needs = content.needs(&weighed).await?;
            if needs.document_withheld {
                return Err(Refusal::SubjectWithheld);
            }
            // Whose a pseudonym is must stand before it does, or an erasure would miss it.
            learnt = Some(learn().await?);
            known = table::known(proxy, &content.route, needs.wanted).await?;
        }
        let parted = match first.take().filter(|first| first.holds(generation, &weighed)) {
            Some(first) => first.parted,
            None => content.rewritten(&weighed, known).await?,
        };
        let rewritten = &parted.rewritten;
        if rewritten.document_withheld {
            return Err(Refusal::SubjectWithheld);
        }
        let as_weighed = match learnt {
            Some(learnt) => learnt,
            None => learn().await?,
        };
        quota::reserve(proxy, reply, permit, &rewritten.disclosure.subjects).await?;
        if as_weighed && subjects.generation() == generation {
            return Ok(parted);
        }
    }
    tracing::error!("rights change faster than a body can be judged: nothing leaves");
    Err(Refusal::RegistryUnusable)
}

/// What the body, and then the upstream, tie together.
#[derive(Default)]
struct Heard {
    same: Arc<Vec<Same>>,
    /// Which ids the upstream was asked about.
    asked: Asked,
    /// Where the body was rewritten as it was heard.
    first: Option<First>,
}

/// A body as it was rewritten by what was known before it came. Most have no news, and this is it.
struct First {
    generation: u64,
    weighed: Arc<Weighed>,
    parted: Parted,
}

impl First {
    /// Whether it would be rewritten alike now.
    fn holds(&self, generation: u64, weighed: &Weighed) -> bool {
        self.generation == generation && weighed.has_no_news_since(&self.weighed)
    }
}

/// Hears the body, and asks the upstream what neither the body nor the store can tell.
async fn who_is_who(
    proxy: &Proxy,
    state: &Arc<State>,
    permit: &Permit,
    content: &Content,
) -> Result<Heard, Refusal> {
    let lookup = state.lookups.get(&permit.route().checked().upstream);
    let plan = permit.route().plan();
    if !plan.has_aliases() && (lookup.is_none() || !plan.has_subjects()) {
        return Ok(Heard::default());
    }
    let subjects = &proxy.records.subjects;
    let (Survey { mut same, mut references }, first) = if table::is_table(&content.route) {
        (content.surveyed().await?, None)
    } else {
        let (generation, weighed) = (subjects.generation(), Arc::new(subjects.weigh(&[])));
        let (parted, survey) = content.rewritten_and_surveyed(&weighed).await?;
        (survey, Some(First { generation, weighed, parted }))
    };
    references.retain(|reference| !subjects.is_tied(reference.id));
    let asked = match lookup {
        Some(lookup) if !references.is_empty() => lookup.ask(proxy, state, permit, references).await,
        Some(_) | None => Asked::default(),
    };
    same.extend(&asked.same);
    Ok(Heard { same: Arc::new(same), asked, first })
}

/// Keeps what is new about who is who; says whether it still is as it was weighed. Called after a
/// faultless rewrite.
async fn learn(
    proxy: &Proxy,
    permit: &Permit,
    same: &Arc<Vec<Same>>,
    asked: &Asked,
    weighed: &Weighed,
) -> Result<bool, Refusal> {
    let upstream = Word::configured(&permit.route().checked().upstream);
    let count = |outcome, number: usize| {
        let labels = AliasLabels { upstream: upstream.clone(), outcome: Word::own(outcome) };
        proxy.metrics.aliases.get_or_create(&labels).inc_by(u64::try_from(number).unwrap_or(u64::MAX));
    };
    let contradictions = weighed.contradictions.len();
    if contradictions > 0 {
        tracing::warn!(
            contradictions,
            "ids of the upstream stand beside another person's number than before"
        );
        count("contradicted", contradictions);
    }
    if weighed.new.is_empty() {
        return Ok(true);
    }
    let Records { store, subjects, clock, .. } = &proxy.records;
    let (store, subjects, at) = (store.clone(), Arc::clone(subjects), clock.unix_millis());
    let (same, asked) = (Arc::clone(same), asked.ids());
    let learnt =
        proxy.blocking.run(move || subjects.learn(&store, &same, Learnt { asked: &asked, at })).await?;
    count("learnt", learnt.new.len());
    // What another exchange has learnt meanwhile, and alike, is as good.
    Ok(learnt.contradictions == weighed.contradictions)
}

/// A body and how it is to be rewritten. Cheap to clone.
#[derive(Clone)]
pub(super) struct Content {
    policy: Arc<RunningPolicy>,
    route: Arc<RunningRoute>,
    subjects: Arc<Subjects>,
    now: u64,
    body: Bytes,
    /// The body is a part of the one that comes, and where it stands in that.
    parting: Option<Parting>,
    place: Option<Place>,
    lines: bool,
    salt: Salt,
    /// What the request resolved, and must not come back in clear (G7).
    echoes: Arc<Echoes>,
    /// How our URLs begin, as the recipient calls us.
    base: Arc<str>,
}

impl Content {
    pub(super) fn of(
        proxy: &Proxy,
        permit: &Permit,
        (accepted, body, echoes, base): (Accepted, Bytes, Echoes, &str),
    ) -> Result<Self, Refusal> {
        Ok(Self {
            policy: Arc::clone(permit.policy()),
            route: Arc::clone(permit.route()),
            subjects: Arc::clone(&proxy.records.subjects),
            now: proxy.records.clock.unix_millis(),
            body,
            parting: None,
            place: None,
            lines: accepted.media_type.is_lines(),
            salt: salt_of(permit.policy().checked().pseudonyms.linkability)?,
            echoes: Arc::new(echoes),
            base: base.into(),
        })
    }

    /// A part of the same body. Pseudonyms of one document stay the same in all of its parts; where no two
    /// may be alike, each part has its own salt.
    pub(super) fn part(
        &self,
        proxy: &Proxy,
        (body, parting, place): (Bytes, Option<Parting>, Place),
    ) -> Result<Self, Refusal> {
        let linkability = self.policy.checked().pseudonyms.linkability;
        let salt = if linkability == Linkability::None { salt_of(linkability)? } else { self.salt };
        let now = proxy.records.clock.unix_millis();
        Ok(Self { body, parting, place: Some(place), salt, now, ..self.clone() })
    }

    async fn surveyed(&self) -> Result<Survey, Refusal> {
        self.run(|content| rewrite::survey(content.route.plan(), &content.body, content.lines)).await
    }

    /// The pseudonyms that have to be looked up first.
    async fn needs(&self, weighed: &Arc<Weighed>) -> Result<Needs, Refusal> {
        let weighed = Arc::clone(weighed);
        self.run(move |content| {
            content.rewriter(&weighed, &NONE_KNOWN, |rewriter, body| rewriter.needs(body))
        })
        .await
    }

    /// Minimised and pseudonymised, under the route's plan and the subjects' rights.
    async fn rewritten(&self, weighed: &Arc<Weighed>, known: Known) -> Result<Parted, Refusal> {
        let weighed = Arc::clone(weighed);
        let run = move |content: &Self| {
            content.rewriter(&weighed, &known, |rewriter, body| match content.parting {
                Some(parting) => rewriter.part(body, parting),
                None => rewriter.run(body, &mut ()).map(|rewritten| Parted { rewritten, has_records: true }),
            })
        };
        self.run(run).await
    }

    /// The same, by what is known without the body, and what the body says about who is who.
    async fn rewritten_and_surveyed(&self, weighed: &Arc<Weighed>) -> Result<(Parted, Survey), Refusal> {
        let weighed = Arc::clone(weighed);
        let run = move |content: &Self| {
            content.rewriter(&weighed, &NONE_KNOWN, |rewriter, body| match content.parting {
                Some(parting) => rewriter.part_and_survey(body, parting),
                None => rewriter
                    .run_and_survey(body)
                    .map(|(rewritten, survey)| (Parted { rewritten, has_records: true }, survey)),
            })
        };
        self.run(run).await
    }

    fn rewriter<T>(
        &self,
        weighed: &Weighed,
        known: &Known,
        work: impl FnOnce(&Rewriter<'_, SubjectJudge<'_>>, &[u8]) -> T,
    ) -> T {
        let checked = self.policy.checked();
        let circumstances = Circumstances {
            recipient: checked.recipient.id.as_str(),
            purpose: checked.purpose.id.as_str(),
            consent_required: checked.purpose.consent == Consent::Required,
            now: self.now,
        };
        let judge = self.subjects.judge(circumstances, weighed);
        let Self { route, salt, echoes, base, lines, body, .. } = self;
        let plan = route.plan();
        work(&Rewriter { plan, salt, judge: &judge, echoes, base, known, lines: *lines }, body)
    }

    /// Does what takes long beside the threads that serve connections.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = if self.body.len() > LONG_REWRITE {
            let content = self.clone();
            match tokio::task::spawn_blocking(move || work(&content)).await {
                Ok(done) => done,
                // The exchange ends as it would have here.
                Err(failed) => match failed.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_cancelled) => return Err(Refusal::Draining),
                },
            }
        } else {
            work(self)
        };
        done.map_err(|fault| refusal_of(self.place.map_or(fault, |place| place.of(fault))))
    }
}

/// A body that cannot be rewritten.
pub(super) fn refusal_of(fault: Fault) -> Refusal {
    tracing::warn!(kind = %fault.kind, offset = fault.offset, "the upstream's body cannot be rewritten");
    match fault.kind {
        FaultKind::CprInText => Refusal::CprInText,
        FaultKind::TooLarge | FaultKind::NotParted | FaultKind::SubjectElsewhere => Refusal::UpstreamTooLarge,
        FaultKind::NotUtf8
        | FaultKind::ByteOrderMark
        | FaultKind::Syntax
        | FaultKind::UnexpectedEnd
        | FaultKind::TrailingBytes
        | FaultKind::LoneSurrogate
        | FaultKind::TooDeep
        | FaultKind::DuplicateName
        | FaultKind::TooManyTies => Refusal::UpstreamJson,
    }
}

/// What pseudonyms of a body are salted with.
///
/// PERF: where they are those of the domain, nothing is drawn: that is a call into the kernel, 0.4 us of some 40.
pub(super) fn salt_of(linkability: Linkability) -> Result<Salt, Refusal> {
    let mut salt = Salt::default();
    match linkability {
        Linkability::Domain => {}
        Linkability::Document | Linkability::None => {
            getrandom::fill(&mut salt).map_err(|_none| Refusal::Internal)?;
        }
    }
    Ok(salt)
}
