//! What a recipient is told about its quotas: the `RateLimit` and `RateLimit-Policy` fields of
//! draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` (RFC 9110 section 10.2.3).

use std::sync::Arc;
use std::time::Duration;

use super::Numbers;

/// A recipient's numbers, and how `RateLimit-Policy` tells them. PERF: worded once, not for each exchange.
#[derive(Debug)]
pub(super) struct Quotas {
    pub(super) numbers: Numbers,
    policy: Arc<str>,
}

impl Quotas {
    pub(super) fn of(numbers: Numbers) -> Self {
        let (burst, concurrency) = (numbers.burst, numbers.concurrency);
        let window = u64::from(burst.get()).div_ceil(u64::from(numbers.requests_per_second.get()));
        let policy = format!(
            r#""requests";q={burst};w={window}, "concurrency";q={concurrency};qu="concurrent-requests""#
        );
        Self { numbers, policy: policy.into() }
    }
}

/// Where a recipient stood with its quotas when an exchange was admitted or refused.
///
/// The bucket is told as it is: `q` requests at once, all of them back after `w` seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    policy: Arc<str>,
    /// The quota that `RateLimit` speaks of: the one nearest its end.
    quota: &'static str,
    remaining: u32,
    refilled_after: u64,
    retry_after: Option<u64>,
}

impl Standing {
    /// Admitted, with so many requests left at once.
    pub(super) fn good(quotas: &Quotas, remaining: u32) -> Self {
        let Quotas { numbers, policy } = quotas;
        let rate = u64::from(numbers.requests_per_second.get());
        let refilled_after = u64::from(numbers.burst.get().saturating_sub(remaining)).div_ceil(rate);
        let policy = Arc::clone(policy);
        Self { policy, quota: "requests", remaining, refilled_after, retry_after: None }
    }

    /// Refused for the rate: worth trying again after `wait`, and never at once.
    pub(super) fn over_rate(quotas: &Quotas, wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        Self { retry_after: Some(seconds), ..Self::good(quotas, 0) }
    }

    /// Refused for the concurrency: worth trying again when an exchange has ended.
    pub(super) fn over_concurrency(quotas: &Quotas) -> Self {
        Self { quota: "concurrency", refilled_after: 1, ..Self::over_rate(quotas, Duration::from_secs(1)) }
    }

    /// Refused for a quota that is looked at later in an exchange, such as `subjects`: `most` of it,
    /// and worth trying again after `wait`.
    #[must_use]
    pub fn over(self, quota: &'static str, most: u32, wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        let policy = format!(r#"{}, "{quota}";q={most}"#, self.policy).into();
        Self { policy, quota, remaining: 0, refilled_after: seconds, retry_after: Some(seconds) }
    }

    /// The value of `RateLimit-Policy`.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The value of `RateLimit`.
    #[must_use]
    pub fn state(&self) -> String {
        let (mut remaining, mut after) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (remaining, after) = (remaining.format(self.remaining), after.format(self.refilled_after));
        ["\"", self.quota, "\";r=", remaining, ";t=", after].concat()
    }

    /// The value of `Retry-After`, in seconds, if the exchange was refused.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }
}
