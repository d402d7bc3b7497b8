//! Connections to one upstream that wait for their next exchange.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::has_budget_remaining;
use tokio::time::sleep;

use super::wire::Wire;
use crate::clock::Clock;

/// The idle connections of an upstream.
#[derive(Debug)]
pub(super) struct Pool {
    max_idle: usize,
    idle_for: Duration,
    clock: Clock,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// With when their last exchange ended. The last used is taken first: so that few are kept warm and the rest
    /// run out.
    wires: Vec<(Wire, Instant)>,
    /// A task closes what runs out.
    sweeping: bool,
}

impl Pool {
    pub(super) fn new(max_idle: usize, idle_for: Duration, clock: Clock) -> Self {
        Self { max_idle, idle_for, clock, idle: Mutex::default() }
    }

    /// A connection that is open and silent, as far as can be known.
    pub(super) fn take(&self) -> Option<Wire> {
        let now = self.clock.instant();
        // A task that has had its turn could not look, and would close all of them.
        while has_budget_remaining() {
            let (mut wire, since) = self.idle().wires.pop()?;
            if self.is_kept(since, now) && wire.is_silent() {
                return Some(wire);
            }
        }
        None
    }

    fn put(self: &Arc<Self>, wire: Wire) {
        let now = self.clock.instant();
        let mut idle = self.idle();
        idle.wires.push((wire, now));
        if idle.wires.len() > self.max_idle {
            // The oldest: the upstream closes it first.
            drop(idle.wires.remove(0));
        }
        if let (false, Ok(runtime)) = (idle.sweeping, Handle::try_current()) {
            idle.sweeping = true;
            runtime.spawn(sweep(Arc::downgrade(self), self.idle_for.checked_div(SWEEPS).unwrap_or_default()));
        }
    }

    /// Closes what has run out, and what the upstream has closed. Whether any is left.
    fn close_spent(&self) -> bool {
        let now = self.clock.instant();
        let mut idle = self.idle();
        idle.wires.retain(|(wire, since)| self.is_kept(*since, now) && !wire.has_news());
        idle.sweeping = !idle.wires.is_empty();
        idle.sweeping
    }

    fn is_kept(&self, since: Instant, now: Instant) -> bool {
        now.saturating_duration_since(since) < self.idle_for
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many times within the deadline for idle connections is looked which of them have run out: they do a quarter late
/// at most.
const SWEEPS: u32 = 4;

/// Ends with the last idle connection, or the pool.
async fn sweep(pool: Weak<Pool>, pause: Duration) {
    loop {
        sleep(pause).await;
        let left = pool.upgrade().is_some_and(|pool| pool.close_spent());
        if !left {
            return;
        }
    }
}

/// A connection with an exchange on it, and that exchange's place among the concurrent ones.
/// Dropped, it closes the connection: only [`Lease::give_back`] keeps it.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) wire: Wire,
    keep: bool,
    _place: OwnedSemaphorePermit,
    pool: Arc<Pool>,
}

impl Lease {
    pub(super) fn new(wire: Wire, keep: bool, place: OwnedSemaphorePermit, pool: &Arc<Pool>) -> Self {
        Self { wire, keep, _place: place, pool: Arc::clone(pool) }
    }

    /// Keeps the connection for the next exchange, now that its response has been read to the end: unless the
    /// upstream will close it, or has sent anything after that.
    pub(super) fn give_back(self) {
        if self.keep && !self.wire.has_surplus() {
            self.pool.put(self.wire);
        }
    }
}
