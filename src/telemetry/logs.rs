//! Log set-up: JSON lines on standard error, and the span of an exchange.

use std::str::FromStr as _;

use tracing::Span;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ids::ExchangeId;

/// Where the level is read from when no option gives it, such as `info` or `tavs=debug`.
pub const LEVEL_VARIABLE: &str = "TAVS_LOG";

/// The default: what tavs says from `info` on, and what its parts say from `warn` on. hyper, h2
/// and rustls are held at `warn` by [`start`] whatever is asked for: below it they write header
/// fields and targets.
pub const DEFAULT_LEVEL: &str = "warn,tavs=info";

/// Parts that would log what is in messages, and the most that they may say.
const HELD: [&str; 6] =
    ["hyper=warn", "hyper_util=warn", "h2=warn", "rustls=warn", "tokio_rustls=warn", "notify=warn"];

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is none.
    #[error("`{0}` is no log level: write `error`, `warn`, `info`, `debug` or `tavs=debug`")]
    Level(String, #[source] ParseError),
    /// Logging runs already.
    #[error("logging was started twice")]
    Started,
}

/// Starts logging for the process: the option if given, else `TAVS_LOG`, else the default.
///
/// # Errors
/// A level that is none, or a second start.
pub fn start(option: Option<&str>) -> Result<(), LogError> {
    let from_environment = std::env::var(LEVEL_VARIABLE).ok();
    let wanted = option.or(from_environment.as_deref()).unwrap_or(DEFAULT_LEVEL);
    let filter = filter(wanted)?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish()
        .try_init()
        .map_err(|_already| LogError::Started)
}

fn filter(wanted: &str) -> Result<EnvFilter, LogError> {
    let mut filter =
        EnvFilter::from_str(wanted).map_err(|error| LogError::Level(wanted.to_owned(), error))?;
    for held in HELD {
        if let Ok(directive) = held.parse() {
            filter = filter.add_directive(directive);
        }
    }
    Ok(filter)
}

/// The span of one exchange. Its fields are a closed list; the ones that are not yet known are
/// recorded later, from policies and closed sets only: `recipient`, `route`, `purpose`, `policy`
/// (the version's first eight digits), `upstream`, `status`, `reason`.
#[must_use]
pub fn exchange_span(exchange: ExchangeId) -> Span {
    tracing::info_span!(
        "exchange",
        exchange = %exchange,
        recipient = tracing::field::Empty,
        route = tracing::field::Empty,
        purpose = tracing::field::Empty,
        policy = tracing::field::Empty,
        upstream = tracing::field::Empty,
        status = tracing::field::Empty,
        reason = tracing::field::Empty,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_would_log_messages_stay_quiet_whatever_is_asked_for() {
        for wanted in ["trace", "tavs=info,hyper=trace", "h2=debug"] {
            let shown = filter(wanted).unwrap().to_string();
            for held in HELD {
                assert!(shown.contains(held), "{held} in {shown}");
            }
            assert!(!shown.contains("hyper=trace") && !shown.contains("h2=debug"), "{shown}");
        }
        assert!(filter("tavs=loud").is_err());
    }
}
