//! What a recipient does that its limits alone do not show: asking about persons who were never its
//! concern (novelty), and asking for one id after another until some exist (enumeration).
//!
//! Counted in memory, over sliding windows; a reload goes on counting, a restart begins anew.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Proxy;
use crate::http::Refusal;
use crate::http::reply::Reply;
use crate::ids::RecipientId;
use crate::policy::checked::{NoveltyAnswer, PathSegment};
use crate::policy::decide::Permit;
use crate::telemetry::metrics::{Recipient, Word};

/// The window of `novelty`.
const HOUR: u64 = 60 * 60 * 1000;
/// The window of `absent`.
const MINUTE: u64 = 60 * 1000;
/// A window is counted in so many parts: what is forgotten at its end is a part at a time, and it
/// never holds more than these.
const PARTS: u64 = 60;

/// The counts of all recipients.
#[derive(Debug, Default)]
pub(super) struct Guards {
    counts: Mutex<HashMap<RecipientId, Counts>>,
}

#[derive(Debug)]
struct Counts {
    novelty: Window,
    /// The alarm has been given, and the limit been passed since: it is logged once.
    alarmed: bool,
    absent: Window,
}

/// How much came lately, in parts of the window.
#[derive(Debug)]
struct Window {
    length: u64,
    /// When each part began, and what came in it.
    parts: VecDeque<(u64, u64)>,
}

impl Window {
    const fn of(length: u64) -> Self {
        Self { length, parts: VecDeque::new() }
    }

    /// What counts now.
    fn count(&mut self, now: u64) -> u64 {
        while self.parts.front().is_some_and(|(at, _)| at.saturating_add(self.length) <= now) {
            self.parts.pop_front();
        }
        self.parts.iter().map(|(_, number)| number).sum()
    }

    fn add(&mut self, now: u64, number: u64) {
        let part = self.length.checked_div(PARTS).unwrap_or(self.length);
        match self.parts.back_mut() {
            Some((at, sum)) if now < at.saturating_add(part) => *sum = sum.saturating_add(number),
            _ => self.parts.push_back((now, number)),
        }
    }

    /// How long until some of it is forgotten.
    fn wait(&self, now: u64) -> Duration {
        let at = self.parts.front().map_or(now, |(at, _)| at.saturating_add(self.length));
        Duration::from_millis(at.saturating_sub(now))
    }
}

impl Guards {
    fn counts(&self) -> MutexGuard<'_, HashMap<RecipientId, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, recipient: &RecipientId, of: impl FnOnce(&mut Counts) -> T) -> T {
        let new = || Counts { novelty: Window::of(HOUR), alarmed: false, absent: Window::of(MINUTE) };
        of(self.counts().entry(recipient.clone()).or_insert_with(new))
    }
}

/// Counts persons whom the recipient is told about for the first time, and refuses or gives the
/// alarm past the policy's `novelty`.
pub(super) fn novel(proxy: &Proxy, reply: &mut Reply, permit: &Permit, persons: u64) -> Result<(), Refusal> {
    let checked = permit.policy().checked();
    let (Some(most), 1..) = (checked.limits.novelty, persons) else { return Ok(()) };
    let (recipient, now) = (&checked.recipient.id, proxy.records.clock.unix_millis());
    let labels = Recipient { recipient: Word::from(recipient) };
    let refuse = checked.limits.novelty_answer == NoveltyAnswer::Refuse;
    let (over, first, wait) = proxy.guards.with(recipient, |counts| {
        let sum = counts.novelty.count(now).saturating_add(persons);
        let over = sum > u64::from(most);
        let before = std::mem::replace(&mut counts.alarmed, over);
        let first = over && !before;
        if !(over && refuse) {
            counts.novelty.add(now, persons);
        }
        (over, first, counts.novelty.wait(now))
    });
    if !(over && refuse) {
        proxy.metrics.novel.get_or_create(&labels).inc_by(persons);
    }
    if !over {
        return Ok(());
    }
    proxy.metrics.novelty_alarms.get_or_create(&labels).inc();
    if first {
        tracing::warn!(
            reason = "novelty",
            "a recipient is told about more new persons than its policy expects"
        );
    }
    if !refuse {
        return Ok(());
    }
    reply.standing = reply.standing.take().map(|standing| standing.over("novelty", most, wait));
    Err(Refusal::OverNovelty)
}

/// Whether the request is for one thing, which may be there or not: then an answer tells which.
fn asks_for_one(permit: &Permit) -> bool {
    let route = permit.route().checked();
    let chosen = |segment: &PathSegment| !matches!(segment, PathSegment::Literal(_));
    route.response.record.is_none() || route.path.iter().any(chosen)
}

/// Refuses to answer for one more thing, past the policy's `absent`. Before the upstream is asked:
/// how long an answer takes would tell as much.
pub(super) fn enumeration(proxy: &Proxy, reply: &mut Reply, permit: &Permit) -> Result<(), Refusal> {
    let checked = permit.policy().checked();
    let Some(most) = checked.limits.absent.filter(|_| asks_for_one(permit)) else { return Ok(()) };
    let now = proxy.records.clock.unix_millis();
    let wait = proxy.guards.with(&checked.recipient.id, |counts| {
        (counts.absent.count(now) >= u64::from(most)).then(|| counts.absent.wait(now))
    });
    let Some(wait) = wait else { return Ok(()) };
    reply.standing = reply.standing.take().map(|standing| standing.over("absent", most, wait));
    Err(Refusal::OverAbsent)
}

/// Counts an answer that says that nothing is there, whether that is so or the person is withheld.
pub(super) fn absent(proxy: &Proxy, permit: &Permit, refusal: Refusal) -> Refusal {
    let checked = permit.policy().checked();
    let is_absent = matches!(refusal, Refusal::UpstreamNotFound | Refusal::SubjectWithheld);
    if is_absent && checked.limits.absent.is_some() && asks_for_one(permit) {
        let now = proxy.records.clock.unix_millis();
        proxy.guards.with(&checked.recipient.id, |counts| counts.absent.add(now, 1));
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_what_is_older_than_it_and_holds_no_more_than_its_parts() {
        let mut window = Window::of(MINUTE);
        for at in 0..200 {
            window.add(at * 500, 1);
            window.count(at * 500);
        }
        assert!(window.parts.len() <= 61, "{}", window.parts.len());
        assert_eq!(window.count(199 * 500), 120);
        assert!(window.wait(199 * 500) <= Duration::from_secs(1));
        assert_eq!(window.count(199 * 500 + MINUTE), 0);
        assert_eq!(window.wait(1), Duration::ZERO);
    }
}
