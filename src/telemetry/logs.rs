//! Log set-up: JSON lines on standard error, and the span of an exchange.

mod line;

use std::str::FromStr as _;
use std::time::Duration;

use tracing::{Level, Metadata, Span, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::line::{Fields, Line};
use crate::clock::Clock;
use crate::ids::{ExchangeId, PolicyVersion};

/// Where the level is read from when no option gives it, such as `info` or `tavs=debug`.
pub const LEVEL_VARIABLE: &str = "TAVS_LOG";

/// The default: what tavs says from `info` on, and what its parts say from `warn` on.
pub const DEFAULT_LEVEL: &str = "warn,tavs=info";

/// Parts that are held at `warn` whatever is asked for: below it they write header fields and targets.
const HELD: [&str; 5] = ["hyper", "hyper_util", "h2", "rustls", "tokio_rustls"];

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

/// What [`start`] logs with: one JSON object a line, with time, level, the event's fields, target, and the exchange
/// that it is of.
///
/// # Errors
/// A level that is none.
pub fn subscriber<W>(wanted: &str, writer: W) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::from_str(wanted).map_err(|error| LogError::Level(wanted.to_owned(), error))?;
    Ok(tracing_subscriber::fmt()
        .fmt_fields(Fields)
        .event_format(Line(Clock::system()))
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
        .with(filter_fn(may_be_said)))
}

/// SECURITY: a filter of its own, which no directive reaches: of those that hold, the one that says most exactly of
/// what it speaks wins (`h2::frame=trace`), and one of a span speaks of all that happens in it (`[poll]=trace`).
fn may_be_said(about: &Metadata<'_>) -> bool {
    let part = about.target().split("::").next().unwrap_or_default();
    *about.level() <= Level::WARN || !HELD.contains(&part)
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

    /// What is logged meanwhile, line by line.
    fn lines(wanted: &str, log: impl FnOnce()) -> Vec<serde_json::Value> {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = subscriber(wanted, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_json_with_the_exchange_it_is_of() {
        let lines = lines(DEFAULT_LEVEL, || {
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
        let [line] = lines.try_into().unwrap();
        assert_eq!(line["message"], "exchange");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["span"]["exchange"], ExchangeId::new(1, [7; 10]).to_string());
        assert_eq!(line["recipient"], "sms-reminders");
        assert_eq!(line["policy"], "abababab");
        assert_eq!(line["status"], 404);
        assert_eq!(line["reason"], "no-route");
        assert_eq!(line["micros"], 7);
        assert_eq!(line.get("route"), None);
        assert_eq!(line["span"]["name"], "exchange");
        assert_eq!(line["target"], "tavs::telemetry::logs");
        let time = line["timestamp"].as_str().unwrap();
        assert_eq!((time.len(), time.ends_with('Z')), ("2026-03-04T14:30:00.000000Z".len(), true));
    }

    #[test]
    fn no_value_ends_its_line_or_begins_a_member() {
        const HOSTILE: &str = "a\"b\\c\n{\"level\":\"NONE\"}\r\0\u{1f}\u{7f}æ\u{2028}\\";
        let lines = lines(DEFAULT_LEVEL, || {
            let span = tracing::error_span!("exchange", hostile = HOSTILE, shown = %HOSTILE);
            let _entered = span.enter();
            let (least, most, none) = (i64::MIN, u64::MAX, f64::NAN);
            tracing::error!(r#type = ?HOSTILE, HOSTILE, least, most, half = 0.5, one = 1.0, none, is = true, "{HOSTILE}");
            let error = io::Error::other(HOSTILE);
            tracing::warn!(error = &error as &dyn std::error::Error, parts = ?[1, 2]);
        });
        let [first, second] = lines.try_into().unwrap();
        assert_eq!(first["message"], HOSTILE);
        assert_eq!(first["HOSTILE"], HOSTILE);
        assert_eq!(first["type"], format!("{HOSTILE:?}"));
        assert_eq!(first["level"], "ERROR");
        assert_eq!((&first["least"], &first["most"]), (&i64::MIN.into(), &u64::MAX.into()));
        assert_eq!((&first["half"], &first["is"]), (&0.5.into(), &true.into()));
        assert!(first["none"].is_null() && first["one"].is_f64());
        for line in [first, second.clone()] {
            assert_eq!(line["span"]["hostile"], HOSTILE);
            assert_eq!(line["span"]["shown"], HOSTILE);
        }
        assert_eq!((&second["error"], &second["parts"]), (&HOSTILE.into(), &"[1, 2]".into()));
    }

    #[test]
    fn a_span_that_is_told_more_later_stays_valid() {
        struct Unwritable;
        impl std::fmt::Debug for Unwritable {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("half")?;
                Err(std::fmt::Error)
            }
        }
        let lines = lines(DEFAULT_LEVEL, || {
            let span = tracing::error_span!("exchange", first = 1, later = tracing::field::Empty);
            span.record("later", tracing::field::debug(Unwritable));
            span.in_scope(|| tracing::error!("without"));
            span.record("later", "said");
            span.in_scope(|| tracing::error!("with"));
        });
        let [without, with] = lines.try_into().unwrap();
        assert_eq!((&without["span"]["first"], without["span"].get("later")), (&1.into(), None));
        assert_eq!((&with["span"]["first"], &with["span"]["later"]), (&1.into(), &"said".into()));
    }

    #[test]
    fn parts_that_would_log_messages_stay_quiet_whatever_is_asked_for() {
        for wanted in [
            "trace",
            "tavs=info,hyper=trace",
            "h2=debug",
            "h2::frame=trace",
            "[poll]=trace",
            "h2::frame[poll]=trace",
        ] {
            let lines = lines(wanted, || {
                let _entered = tracing::error_span!("poll").entered();
                tracing::trace!(target: "h2::frame::headers", "a value");
                tracing::debug!(target: "h2", "a value");
                tracing::info!(target: "hyper", "a value");
                tracing::info!(target: "hyper_util::client", "a value");
                tracing::debug!(target: "rustls::server", "a value");
                tracing::info!(target: "tokio_rustls", "a value");
            });
            assert_eq!(lines, Vec::<serde_json::Value>::new(), "{wanted}");
        }
        let warned = lines("warn", || tracing::warn!(target: "h2::proto", "that it is in trouble"));
        assert_eq!(warned.len(), 1);
        assert!(subscriber("tavs=loud", io::sink).is_err());
    }
}
