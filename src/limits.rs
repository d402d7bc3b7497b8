//! How much a recipient may ask for: requests per second with a burst, and exchanges at the same
//! time. Caps on connections belong to `net`.
//!
//! The state of a recipient outlives a reload as long as its numbers stay the same, so that a
//! reload is no way to a fresh quota.

mod standing;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use governor::clock::Clock as Ticks;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use standing::Quotas;
pub use standing::Standing;

use crate::clock::Clock;
use crate::ids::RecipientId;

/// A recipient's numbers, as its policy has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// Requests each second, sustained.
    pub requests_per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
    /// Exchanges at the same time.
    pub concurrency: NonZeroU32,
}

/// All recipients' limits.
#[derive(Debug, Clone)]
pub struct Limits {
    by_recipient: HashMap<RecipientId, Arc<Limiter>>,
    clock: Clock,
}

impl Limits {
    /// Nobody's limits yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { by_recipient: HashMap::new(), clock }
    }

    /// The limits of the next state: those whose numbers did not change keep their count.
    #[must_use]
    pub fn rebuilt(&self, recipients: impl IntoIterator<Item = (RecipientId, Numbers)>) -> Self {
        let by_recipient = recipients
            .into_iter()
            .map(|(id, numbers)| {
                let kept = self.by_recipient.get(&id).filter(|limiter| limiter.quotas.numbers == numbers);
                let limiter = kept
                    .map_or_else(|| Arc::new(Limiter::new(numbers, Steady(self.clock.clone()))), Arc::clone);
                (id, limiter)
            })
            .collect();
        Self { by_recipient, clock: self.clock.clone() }
    }

    /// The limiter of a recipient; none for one that has no policy.
    #[must_use]
    pub fn of(&self, recipient: &RecipientId) -> Option<&Arc<Limiter>> {
        self.by_recipient.get(recipient)
    }
}

/// Hands `governor` the time as [`Clock`] hands it to everything else.
#[derive(Debug, Clone)]
pub struct Steady(Clock);

impl Ticks for Steady {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.instant()
    }
}

/// One recipient's limits and where it stands with them.
#[derive(Debug)]
pub struct Limiter<C: Ticks = Steady> {
    quotas: Quotas,
    rate: RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>,
    clock: C,
    exchanges: Arc<Semaphore>,
}

/// An exchange that may go on; counts against the concurrency until it is dropped.
#[derive(Debug)]
pub struct Admitted {
    /// For the answer's `RateLimit` fields.
    pub standing: Standing,
    _exchange: OwnedSemaphorePermit,
}

/// An exchange that may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Which of the two.
    pub quota: Exhausted,
    /// For the answer's `RateLimit` and `Retry-After` fields.
    pub standing: Standing,
}

/// Which quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exhausted {
    /// Requests per second, and the burst.
    Requests,
    /// Exchanges at the same time.
    Concurrency,
}

impl<C: Ticks + Clone> Limiter<C> {
    fn new(numbers: Numbers, clock: C) -> Self {
        let quota = Quota::per_second(numbers.requests_per_second).allow_burst(numbers.burst);
        let concurrency = usize::try_from(numbers.concurrency.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            quotas: Quotas::of(numbers),
            rate: RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware(),
            clock,
            exchanges: Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Counts one more exchange. One that is refused for its concurrency does not count against
    /// the rate.
    ///
    /// # Errors
    /// The quota that is used up.
    pub fn admit(&self) -> Result<Admitted, Exceeded> {
        let Ok(exchange) = Arc::clone(&self.exchanges).try_acquire_owned() else {
            let standing = Standing::over_concurrency(&self.quotas);
            return Err(Exceeded { quota: Exhausted::Concurrency, standing });
        };
        match self.rate.check() {
            Ok(state) => {
                let standing = Standing::good(&self.quotas, state.remaining_burst_capacity());
                Ok(Admitted { standing, _exchange: exchange })
            }
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                let standing = Standing::over_rate(&self.quotas, wait);
                Err(Exceeded { quota: Exhausted::Requests, standing })
            }
        }
    }
}

#[cfg(test)]
mod tests;
