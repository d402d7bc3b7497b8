//! Asks an upstream whose one of its ids is, where neither the body nor the store says so.
//!
//! What is learnt is a person's keyed id; the number in the answer is read, keyed and dropped. What
//! must never happen here: a question for what the policy has not brought up; an answer believed that
//! names two persons or none; an exchange that asks without end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Request;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::exchange::fault_of;
use super::{Proxy, State};
use crate::clock::Clock;
use crate::http::fields::judge_response;
use crate::http::{Refusal, body, forward};
use crate::ids::SubjectId;
use crate::judge::Same;
use crate::policy::checked::MediaType;
use crate::policy::decide::Permit;
use crate::policy::location::Location;
use crate::policy::running::RunningRoute;
use crate::rewrite::{self, Reference};
use crate::telemetry::metrics::{Alias as Labels, Word};

/// Questions of one exchange, unless tavs.toml says: a page of a search names a handful of persons
/// who are new, and each question costs the upstream a request. Past it, records are withheld.
pub const DEFAULT_MOST: u32 = 16;
/// Questions at the same time, of all exchanges: well under an upstream's own cap, so that they do
/// not keep exchanges from it.
const AT_ONCE: usize = 8;
/// All questions of one exchange together; what is known by then is used.
const DEADLINE: Duration = Duration::from_secs(5);
/// A large `Patient` with its contacts and links.
const MOST_BYTES: usize = 256 * 1024;
/// How long an id that is nobody's is not asked for again: a list that names it is polled every
/// minute, and a patient who was just entered is found soon.
const ABSENT_FOR: Duration = Duration::from_mins(1);
/// Ids that are remembered as nobody's.
const MOST_ABSENT: usize = 10_000;

/// `[upstreams.NAME] subject-lookup`: where an upstream says whose an id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectLookup {
    before: String,
    after: String,
    cpr: Location,
    resource_type: String,
    most: usize,
}

impl SubjectLookup {
    /// A path in which one segment is `{id}`, and where in its answer the number stands; for ids of
    /// one resource type. `None` if the path is none.
    #[must_use]
    pub fn new(path: &str, cpr: Location, resource_type: String, most: u32) -> Option<Self> {
        let plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let good = segments.iter().all(|segment| *segment == ID || plain(segment));
        let (before, after) = path.split_once(ID)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let (before, after) = (before.to_owned(), after.to_owned());
        (good && !after.contains(ID)).then_some(Self { before, after, cpr, resource_type, most })
    }

    fn path(&self, id: &str) -> String {
        // A segment that `is_plain` needs no percent-coding.
        format!("{}{id}{}", self.before, self.after)
    }

    /// Asks about those that are worth it. What the upstream does not say is not said.
    pub(super) async fn ask(
        &self,
        proxy: &Proxy,
        state: &Arc<State>,
        permit: &Permit,
        mut references: Vec<Reference>,
    ) -> Asked {
        let upstream = &permit.route().checked().upstream;
        let count = |outcome, number: usize| {
            let labels = Labels { upstream: Word::configured(upstream), outcome: Word::own(outcome) };
            proxy.metrics.lookups.get_or_create(&labels).inc_by(u64::try_from(number).unwrap_or(u64::MAX));
        };
        references.retain(|one| one.resource_type == self.resource_type && is_plain(&one.value));
        references.retain(|one| !proxy.lookups.is_absent(upstream, one.id));
        let over = references.len().saturating_sub(self.most);
        if over > 0 {
            count("over", over);
            tracing::warn!(over, "more unknown persons than an exchange may ask the upstream about");
        }
        let mut questions = JoinSet::new();
        for reference in references.into_iter().take(self.most) {
            let question = Question {
                state: Arc::clone(state),
                route: Arc::clone(permit.route()),
                path: self.path(&reference.value),
                cpr: self.cpr.clone(),
                places: Arc::clone(&proxy.lookups.places),
            };
            questions.spawn(async move { (reference.id, question.answer().await) });
        }
        let mut asked = Asked::default();
        let mut left = questions.len();
        let answers = async {
            while let Some(answered) = questions.join_next().await {
                let Ok((alias, answer)) = answered else { continue };
                left = left.saturating_sub(1);
                match answer {
                    Ok(Some(person)) => asked.same.push(Same { alias, person }),
                    Ok(None) | Err(Refusal::UpstreamNotFound) => {
                        count("absent", 1);
                        proxy.lookups.note_absent(upstream, alias);
                    }
                    Err(refusal) => {
                        count("failed", 1);
                        tracing::warn!(
                            reason = refusal.verdict().reason,
                            "the upstream does not say whose an id is"
                        );
                    }
                }
            }
        };
        // Late answers are dropped with the set.
        let late = timeout(DEADLINE, answers).await.is_err();
        count("found", asked.same.len());
        if late {
            count("failed", left);
            tracing::warn!(left, "the upstream takes too long to say whose ids are");
        }
        asked
    }
}

/// In a path, where the id goes.
const ID: &str = "{id}";

/// An id that is one segment of a path in its only spelling.
fn is_plain(id: &str) -> bool {
    !matches!(id, "" | "." | "..")
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// What the upstream said.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) same: Vec<Same>,
}

impl Asked {
    /// The ids whose person it named.
    pub(super) fn ids(&self) -> Vec<SubjectId> {
        self.same.iter().map(|same| same.alias).collect()
    }
}

/// One question, on its way.
struct Question {
    state: Arc<State>,
    route: Arc<RunningRoute>,
    path: String,
    cpr: Location,
    places: Arc<Semaphore>,
}

impl Question {
    async fn answer(&self) -> Result<Option<SubjectId>, Refusal> {
        let _place = self.places.acquire().await.map_err(|_closed| Refusal::Draining)?;
        let upstream = self.state.upstreams.get(&self.route.checked().upstream).ok_or(Refusal::Internal)?;
        let request: Request<()> = forward::lookup(&self.path, ACCEPT)?;
        let answered = upstream.send(request.map(|()| Bytes::new())).await.map_err(fault_of)?;
        let (head, content) = answered.into_parts();
        let accepted = judge_response(&head, ACCEPT, &[])?;
        let content = content.read(MOST_BYTES).await.map_err(fault_of)?;
        let content =
            body::decode(accepted.coding, content, MOST_BYTES).map_err(body::BodyFault::of_upstream)?;
        rewrite::person_at(self.route.plan(), &content, &self.cpr).map_err(|_fault| Refusal::UpstreamJson)
    }
}

const ACCEPT: &[MediaType] = &[MediaType::Json, MediaType::FhirJson];

/// What all exchanges share about look-ups.
#[derive(Debug)]
pub(super) struct Lookups {
    places: Arc<Semaphore>,
    absent: Mutex<HashMap<String, HashMap<SubjectId, Instant>>>,
    clock: Clock,
}

impl Lookups {
    pub(super) fn new(clock: Clock) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), absent: Mutex::default(), clock }
    }

    fn is_absent(&self, upstream: &str, id: SubjectId) -> bool {
        let now = self.clock.instant();
        let since = self.absent().get(upstream).and_then(|ids| ids.get(&id)).copied();
        since.is_some_and(|since| now.saturating_duration_since(since) < ABSENT_FOR)
    }

    fn note_absent(&self, upstream: &str, id: SubjectId) {
        let now = self.clock.instant();
        let mut absent = self.absent();
        let ids = absent.entry(upstream.to_owned()).or_default();
        if ids.len() >= MOST_ABSENT {
            ids.retain(|_, since| now.saturating_duration_since(*since) < ABSENT_FOR);
        }
        if ids.len() < MOST_ABSENT {
            ids.insert(id, now);
        }
    }

    fn absent(&self) -> MutexGuard<'_, HashMap<String, HashMap<SubjectId, Instant>>> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_id_as_one_whole_segment() {
        let lookup = |path| SubjectLookup::new(path, Location::default(), "Patient".into(), 16);
        let found = lookup("/fhir/Patient/{id}/core").unwrap();
        assert_eq!(found.path("a-1.b"), "/fhir/Patient/a-1.b/core");
        for wrong in
            ["", "/", "/Patient", "Patient/{id}", "/{id}/{id}", "/p{id}", "/p//{id}", "/../{id}", "/p/{id}?x"]
        {
            assert!(lookup(wrong).is_none(), "{wrong}");
        }
        for (id, plain) in
            [("1", true), ("a-1.B", true), (".", false), ("..", false), ("", false), ("a/b", false)]
        {
            assert_eq!(is_plain(id), plain, "{id}");
        }
    }
}
