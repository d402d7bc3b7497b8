//! What operators see of tavs running: logs, one span for each exchange, and metrics.
//!
//! Nothing here takes a value from a message: no path, query, body, field value, pseudonym or
//! subject. What stands in logs and labels comes from policies, from closed sets, or is a number.

pub mod logs;
pub mod metrics;

pub use metrics::Metrics;
