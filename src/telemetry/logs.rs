//! Log set-up: JSON lines on standard error, and the span of an exchange.

use std::str::FromStr as _;
use std::time::Duration;

use tracing::{Level, Span, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ids::{ExchangeId, PolicyVersion};

/// Where the level is read from when no option gives it, such as `info` or `tavs=debug`.
pub const LEVEL_VARIABLE: &str = "TAVS_LOG";

/// The default: what tavs says from `info` on, and what its parts say from `warn` on. hyper, h2
/// and rustls are held at `warn` by [`start`] whatever is asked for: below it they write header
/// fields and targets.
pub const DEFAULT_LEVEL: &str = "warn,tavs=info";

/// Parts that would log what is in messages, and the most that they may say.
const HELD: [&str; 5] = ["hyper=warn", "hyper_util=warn", "h2=warn", "rustls=warn", "tokio_rustls=warn"];

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
    subscriber(wanted, std::io::stderr)?.try_init().map_err(|_already| LogError::Started)
}

/// One JSON object a line: time, level, target, the event's fields, and the exchange it is of.
fn subscriber<W>(wanted: &str, writer: W) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    Ok(tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter(wanted)?)
        .with_writer(writer)
        .finish())
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

/// The span of one exchange: whatever is logged in it says whose it is, at any level.
#[must_use]
pub fn exchange_span(exchange: ExchangeId) -> Span {
    tracing::error_span!("exchange", exchange = %exchange)
}

/// The line that each exchange ends with. Its fields are a closed list, out of policies and closed sets only.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Whose exchange it was, where that was known.
    pub recipient: Option<&'a str>,
    /// On which route of its policy.
    pub route: Option<&'a str>,
    /// For which purpose.
    pub purpose: Option<&'a str>,
    /// Under which text of the policy: eight digits are written.
    pub policy: Option<PolicyVersion>,
    /// Which upstream was asked.
    pub upstream: Option<&'a str>,
    /// Our status code.
    pub status: u16,
    /// The word of docs/problems.md, or `released`.
    pub reason: &'static str,
    /// From the request's head to the answer's.
    pub took: Duration,
}

impl Ended<'_> {
    /// Writes it.
    pub fn log(self, level: Level) {
        let Self { recipient, route, purpose, policy, upstream, status, reason, took } = self;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let policy = policy.map(|version| tracing::field::display(version.short()));
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    recipient, route, purpose, policy, upstream, status, reason, micros, "exchange"
                )
            };
        }
        match level {
            Level::ERROR => line!(error),
            Level::WARN => line!(warn),
            _ => line!(info),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_json_with_the_exchange_it_is_of() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = subscriber(DEFAULT_LEVEL, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let ended = Ended {
                recipient: Some("sms-reminders"),
                route: None,
                purpose: None,
                policy: Some(PolicyVersion([0xab; 32])),
                upstream: None,
                status: 404,
                reason: "no-route",
                took: Duration::from_micros(7),
            };
            exchange_span(ExchangeId::new(1, [7; 10])).in_scope(|| ended.log(Level::INFO));
            tracing::info!(target: "hyper::proto", "not ours");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "exchange");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["span"]["exchange"], ExchangeId::new(1, [7; 10]).to_string());
        assert_eq!(line["recipient"], "sms-reminders");
        assert_eq!(line["policy"], "abababab");
        assert_eq!(line["status"], 404);
        assert_eq!(line["reason"], "no-route");
        assert_eq!(line["micros"], 7);
        assert_eq!(line.get("route"), None);
    }

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
