//! Every metric, once: its name, its labels, its help. `docs/metrics.md` is made from this.
//!
//! SECURITY: a label's value is a [`Word`]: a string of the program's own, or a name out of a
//! policy or the configuration. No value from a message can become one.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, MetricEncoder, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::ids::RecipientId;

/// A label's value: of a closed set.
#[derive(Debug, Clone)]
pub struct Word(Text);

/// Own words are not copied for each exchange that is counted.
#[derive(Debug, Clone)]
enum Text {
    Own(&'static str),
    Configured(Arc<str>),
}

impl Word {
    fn as_str(&self) -> &str {
        match &self.0 {
            Text::Own(word) => word,
            Text::Configured(name) => name,
        }
    }

    /// A word of the program's own.
    #[must_use]
    pub const fn own(word: &'static str) -> Self {
        Self(Text::Own(word))
    }

    /// A name out of a checked policy or the configuration: a route, an upstream, a certificate.
    #[must_use]
    pub fn configured(name: &str) -> Self {
        Self(Text::Configured(Arc::from(name)))
    }

    /// Where there is none: a request whose route is not known has the route `-`.
    #[must_use]
    pub const fn none() -> Self {
        Self::own("-")
    }
}

impl From<&RecipientId> for Word {
    fn from(recipient: &RecipientId) -> Self {
        Self(Text::Configured(recipient.shared()))
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Word {}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

/// Labels of `tavs_requests_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    /// The recipient's id; `-` for one without policy.
    pub recipient: Word,
    /// The route's name; `-` for none.
    pub route: Word,
    /// Our status code.
    pub code: u16,
}

/// Labels of `tavs_refusals_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refused {
    /// Whose doing.
    pub fault: Word,
    /// Why: the words of docs/problems.md.
    pub reason: Word,
}

/// Labels of `tavs_request_duration_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Timed {
    /// Which part of an exchange.
    pub phase: Phase,
}

/// A part of an exchange whose time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// From the request's head to the decision.
    Decide,
    /// From the decision to the last byte of the upstream's response.
    Upstream,
    /// Decoding and rewriting.
    Rewrite,
    /// Until the ledger is synced.
    Record,
    /// From the request's head to the answer's.
    Whole,
}

impl Phase {
    /// All, in the order of an exchange, which is that of the variants: [`Durations`] finds by it.
    pub const ALL: [Self; 5] = [Self::Decide, Self::Upstream, Self::Rewrite, Self::Record, Self::Whole];

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Upstream => "upstream",
            Self::Rewrite => "rewrite",
            Self::Record => "record",
            Self::Whole => "whole",
        }
    }
}

impl EncodeLabelValue for Phase {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

/// Labels of `tavs_members_total` and `tavs_records_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// The recipient's id.
    pub recipient: Word,
    /// `released`, `withheld`, `unfit`, `cpr-in-text`, `address-protected`; for records the first two.
    pub outcome: Word,
}

/// Labels of `tavs_new_subjects_total` and `tavs_novelty_alarms_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Recipient {
    /// The recipient's id.
    pub recipient: Word,
}

/// Labels of `tavs_subject_aliases_total` and `tavs_subject_lookups_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Alias {
    /// The upstream's name.
    pub upstream: Word,
    /// What came of it.
    pub outcome: Word,
}

/// Labels of `tavs_handshake_failures_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Handshake {
    /// Why it failed, such as `revoked`, `expired`, `unknown-issuer`, `none`, `timeout`.
    pub class: Word,
}

/// Labels of `tavs_config_reloads_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reload {
    /// `success` or `failure`.
    pub result: Word,
}

/// Labels of `tavs_cert_not_after_timestamp_seconds`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Certificate {
    /// Which, by its place in the configuration, such as `listen`.
    pub certificate: Word,
}

/// Labels of `tavs_upstream_errors_total`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Upstream {
    /// The upstream's name.
    pub upstream: Word,
    /// Why: the words of docs/problems.md.
    pub reason: Word,
}

/// One line of docs/metrics.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// The name as it is scraped.
    pub name: &'static str,
    /// `counter`, `gauge`, `histogram`, `info`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static str,
    /// What it counts.
    pub help: &'static str,
}

macro_rules! metrics {
    ($( $field:ident: $type:ty = $make:expr => $kind:literal $name:literal $suffix:literal $labels:literal $help:literal; )+) => {
        /// All metrics, registered. Cheap to clone; clones count together.
        #[derive(Debug, Clone)]
        pub struct Metrics {
            $( #[doc = $help] pub $field: $type, )+
            registry: Arc<Registry>,
        }

        /// Every metric, in the order of the documentation.
        pub const DESCRIBED: &[Described] = &[
            $( Described { name: concat!($name, $suffix), kind: $kind, labels: $labels, help: $help }, )+
            Described {
                name: "tavs_build_info",
                kind: "info",
                labels: "version",
                help: "Which version runs.",
            },
        ];

        impl Metrics {
            /// Registers every metric.
            #[must_use]
            pub fn new() -> Self {
                let mut registry = Registry::default();
                $(
                    let $field: $type = $make;
                    // the registry puts a full stop after the help text itself
                    registry.register($name, $help.trim_end_matches('.'), $field.clone());
                )+
                let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
                registry.register("tavs_build", "Which version runs", build);
                Self { $( $field, )+ registry: Arc::new(registry) }
            }
        }
    };
}

/// How long each part of an exchange takes. PERF: its histograms are held by phase, not looked for five times an
/// exchange.
#[derive(Debug, Clone)]
pub struct Durations {
    family: Family<Timed, Histogram, fn() -> Histogram>,
    by_phase: [Histogram; Phase::ALL.len()],
}

impl Durations {
    fn new() -> Self {
        let family = Family::new_with_constructor(durations as fn() -> Histogram);
        let by_phase = Phase::ALL.map(|phase| Histogram::clone(&family.get_or_create(&Timed { phase })));
        Self { family, by_phase }
    }

    /// Counts one that took so long.
    pub fn observe(&self, phase: Phase, took: Duration) {
        if let Some(histogram) = self.by_phase.get(phase as usize) {
            histogram.observe(took.as_secs_f64());
        }
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.family.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        self.family.metric_type()
    }
}

/// A recipient's counters of what becomes of members and records. PERF: looked for once, not seven times an
/// exchange.
#[derive(Debug)]
pub struct RecipientCounters {
    members: [Counter; MEMBERS.len()],
    records: [Counter; RECORDS.len()],
}

/// What became of the members, elements and records of one document, each under the label of its name.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "each is a label of `tavs_members_total` or `tavs_records_total`")]
pub struct Outcomes {
    pub released: u64,
    pub withheld: u64,
    pub unfit: u64,
    pub cpr_in_text: u64,
    pub address_protected: u64,
    pub records_released: u64,
    pub records_withheld: u64,
}

/// Labels, in the order in which [`RecipientCounters::add`] takes the outcomes.
const MEMBERS: [&str; 5] = ["released", "withheld", "unfit", "cpr-in-text", "address-protected"];
const RECORDS: [&str; 2] = ["released", "withheld"];

impl RecipientCounters {
    /// Adds what became of a document.
    pub fn add(&self, of: Outcomes) {
        let members = [of.released, of.withheld, of.unfit, of.cpr_in_text, of.address_protected];
        let records = [of.records_released, of.records_withheld];
        for (counter, number) in self.members.iter().zip(members).chain(self.records.iter().zip(records)) {
            counter.inc_by(number);
        }
    }
}

metrics! {
    requests: Family<Request, Counter> = Family::default() =>
        "counter" "tavs_requests" "_total" "recipient, route, code"
        "Exchanges answered.";
    refusals: Family<Refused, Counter> = Family::default() =>
        "counter" "tavs_refusals" "_total" "fault, reason"
        "Exchanges refused, by whose doing and why.";
    duration: Durations = Durations::new() =>
        "histogram" "tavs_request_duration_seconds" "" "phase"
        "How long the parts of exchanges take.";
    in_flight: Gauge = Gauge::default() =>
        "gauge" "tavs_exchanges_in_flight" "" ""
        "Exchanges that are not yet answered.";
    connections: Gauge = Gauge::default() =>
        "gauge" "tavs_connections" "" ""
        "Downstream connections that are open.";
    members: Family<Outcome, Counter> = Family::default() =>
        "counter" "tavs_members" "_total" "recipient, outcome"
        "Members and elements, by what became of them. `address-protected` ones are among `withheld` too.";
    records: Family<Outcome, Counter> = Family::default() =>
        "counter" "tavs_records" "_total" "recipient, outcome"
        "Records, by what became of them.";
    handshake_failures: Family<Handshake, Counter> = Family::default() =>
        "counter" "tavs_handshake_failures" "_total" "class"
        "TLS handshakes that failed; the recipient sees an alert only.";
    upstream_errors: Family<Upstream, Counter> = Family::default() =>
        "counter" "tavs_upstream_errors" "_total" "upstream, reason"
        "Exchanges that an upstream failed.";
    ledger_sync: Histogram = durations() =>
        "histogram" "tavs_ledger_sync_seconds" "" ""
        "How long a group commit of the ledger takes.";
    ledger_records: Counter = Counter::default() =>
        "counter" "tavs_ledger_records" "_total" ""
        "Ledger records synced.";
    ledger_errors: Counter = Counter::default() =>
        "counter" "tavs_ledger_errors" "_total" ""
        "Ledger writes or syncs that failed; each refuses its exchanges.";
    ledger_checkpoints: Counter = Counter::default() =>
        "counter" "tavs_ledger_checkpoints" "_total" ""
        "Checkpoints of the ledger signed and synced.";
    ledger_checkpoint_failures: Counter = Counter::default() =>
        "counter" "tavs_ledger_checkpoint_failures" "_total" ""
        "Checkpoints that could not be written beside the ledger.";
    ledger_anchor_failures: Counter = Counter::default() =>
        "counter" "tavs_ledger_anchor_failures" "_total" ""
        "Attempts to keep a checkpoint elsewhere that failed; the newest is tried again every 10 s.";
    ledger_anchored: Gauge<f64, AtomicU64> = Gauge::default() =>
        "gauge" "tavs_ledger_anchored_timestamp_seconds" "" ""
        "When a checkpoint was last anchored, since the Unix epoch; 0 if none was.";
    index_lag: Gauge = Gauge::default() =>
        "gauge" "tavs_index_lag_records" "" ""
        "Ledger records that are not in the store's index yet; past 50000 nothing is released.";
    subject_ids: Gauge = Gauge::default() =>
        "gauge" "tavs_subject_ids" "" ""
        "Identifiers that are known to be a person's beside a number: upstreams' ids, old CPRs.";
    subject_rights: Gauge = Gauge::default() =>
        "gauge" "tavs_subject_rights" "" ""
        "Persons with an entry in the registry of rights, ended ones too.";
    registry_changes: Gauge = Gauge::default() =>
        "gauge" "tavs_registry_changes" "" ""
        "The number of the last change of the registry that is in force.";
    novel: Family<Recipient, Counter> = Family::default() =>
        "counter" "tavs_new_subjects" "_total" "recipient"
        "Persons whom a recipient was told about for the first time, where its policy has `novelty`.";
    novelty_alarms: Family<Recipient, Counter> = Family::default() =>
        "counter" "tavs_novelty_alarms" "_total" "recipient"
        "Exchanges past the policy's `novelty`, answered or refused.";
    aliases: Family<Alias, Counter> = Family::default() =>
        "counter" "tavs_subject_aliases" "_total" "upstream, outcome"
        "Ids of an upstream that were learnt to be a person's, or that contradicted what was known (nobody's, until an officer says whose).";
    lookups: Family<Alias, Counter> = Family::default() =>
        "counter" "tavs_subject_lookups" "_total" "upstream, outcome"
        "Questions to an upstream whose an id is: found, absent, failed, or over the bound and not asked.";
    reloads: Family<Reload, Counter> = Family::default() =>
        "counter" "tavs_config_reloads" "_total" "result"
        "Reloads of policies, keys and certificates; a failed one changes nothing.";
    last_reload: Gauge<f64, AtomicU64> = Gauge::default() =>
        "gauge" "tavs_config_last_reload_success_timestamp_seconds" "" ""
        "When the running state was built, since the Unix epoch.";
    policies: Gauge = Gauge::default() =>
        "gauge" "tavs_policies" "" ""
        "Policies in force.";
    certificate_ends: Family<Certificate, Gauge> = Family::default() =>
        "gauge" "tavs_cert_not_after_timestamp_seconds" "" "certificate"
        "When a certificate or CRL of the configuration ends, since the Unix epoch.";
    panics: Counter = Counter::default() =>
        "counter" "tavs_panics" "_total" ""
        "Exchanges that ended in a panic. Any is a mistake in tavs: report it.";
}

impl Metrics {
    /// The media type of [`Metrics::text`].
    pub const MEDIA_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// The counters of a recipient; after a reload they go on.
    #[must_use]
    pub fn counters_of(&self, recipient: &RecipientId) -> RecipientCounters {
        let recipient = Word::from(recipient);
        let of = |family: &Family<Outcome, Counter>, outcome| {
            let labels = Outcome { recipient: recipient.clone(), outcome: Word::own(outcome) };
            Counter::clone(&family.get_or_create(&labels))
        };
        RecipientCounters {
            members: MEMBERS.map(|outcome| of(&self.members, outcome)),
            records: RECORDS.map(|outcome| of(&self.records, outcome)),
        }
    }

    /// All metrics as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        match text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            // writing to a `String` cannot fail; half a page would read as a whole one
            Err(std::fmt::Error) => String::new(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// From half a millisecond to 16 seconds, each bucket twice the one before.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

#[cfg(test)]
mod tests;
