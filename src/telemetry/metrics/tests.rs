use std::fmt::Write as _;

use super::*;

/// One sample of every metric, so that all of them appear in the text.
fn sampled() -> Metrics {
    let metrics = Metrics::new();
    let recipient = Word::from(&RecipientId::new("sms-reminders"));
    let outcome = Outcome { recipient: recipient.clone(), outcome: Word::own("withheld") };
    metrics.requests.get_or_create(&Request { recipient, route: Word::none(), code: 404 }).inc();
    metrics
        .refusals
        .get_or_create(&Refused { fault: Word::own("recipient"), reason: Word::own("no-route") })
        .inc();
    for phase in Phase::ALL {
        metrics.duration.observe(phase, Duration::from_millis(1));
    }
    metrics.members.get_or_create(&outcome).inc_by(7);
    metrics.records.get_or_create(&outcome).inc();
    metrics.handshake_failures.get_or_create(&Handshake { class: Word::own("revoked") }).inc();
    let upstream = Upstream { upstream: Word::configured("booking"), reason: Word::own("upstream-tls") };
    metrics.upstream_errors.get_or_create(&upstream).inc();
    let recipient = Recipient { recipient: Word::configured("sms") };
    metrics.novel.get_or_create(&recipient).inc();
    metrics.novelty_alarms.get_or_create(&recipient).inc();
    let alias = Alias { upstream: Word::configured("booking"), outcome: Word::own("learnt") };
    metrics.aliases.get_or_create(&alias).inc();
    metrics.lookups.get_or_create(&alias).inc();
    metrics.ledger_sync.observe(0.002);
    metrics.reloads.get_or_create(&Reload { result: Word::own("success") }).inc();
    metrics
        .certificate_ends
        .get_or_create(&Certificate { certificate: Word::own("listen") })
        .set(1_800_000_000);
    metrics
}

#[test]
fn every_described_metric_is_scraped_under_its_name_with_its_labels() {
    let text = sampled().text();
    assert!(text.ends_with("# EOF\n"));
    for described in DESCRIBED {
        let series = if described.kind == "histogram" {
            format!("{}_count", described.name)
        } else {
            described.name.to_owned()
        };
        let line = text
            .lines()
            .find(|line| line.strip_prefix(&*series).is_some_and(|rest| rest.starts_with([' ', '{'])))
            .unwrap_or_else(|| panic!("{series} is not scraped"));
        let labels = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
        let names: Vec<&str> =
            labels.split(',').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name).collect();
        assert_eq!(names.join(", "), described.labels, "{series}");
    }
    let families = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(families, DESCRIBED.len(), "a metric is registered and not described");
}

#[test]
fn clones_count_together() {
    let metrics = Metrics::new();
    let other = metrics.clone();
    other.panics.inc();
    assert!(metrics.text().contains("tavs_panics_total 1\n"));
}

#[test]
fn a_label_cannot_break_the_text() {
    let metrics = Metrics::new();
    let upstream = Upstream { upstream: Word::configured("a\"b\\c\nd"), reason: Word::own("x") };
    metrics.upstream_errors.get_or_create(&upstream).inc();
    assert!(metrics.text().contains(r#"upstream="a\"b\\c\nd""#), "{}", metrics.text());
}

/// docs/metrics.md, as it must be.
fn written() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         Generated from `src/telemetry/metrics.rs`; `TAVS_WRITE_DOCS=1 cargo test docs_` writes it anew.\n\n\
         OpenMetrics text at `/metrics` of the admin listener. Labels hold names out of policies and the\n\
         configuration, and words of closed sets: `reason` is one of docs/problems.md. Never a value from a message.\n\n\
         | metric | kind | labels | what |\n|---|---|---|---|\n",
    );
    for described in DESCRIBED {
        let labels = if described.labels.is_empty() { "" } else { described.labels };
        writeln!(text, "| `{}` | {} | {labels} | {} |", described.name, described.kind, described.help)
            .unwrap();
    }
    text
}

#[test]
fn docs_metrics_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    if std::env::var_os("TAVS_WRITE_DOCS").is_some() {
        std::fs::write(path, written()).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, written(), "docs/metrics.md is stale: TAVS_WRITE_DOCS=1 cargo test docs_");
}

#[test]
fn what_is_held_counts_under_its_own_label() {
    let metrics = Metrics::new();
    metrics.counters_of(&RecipientId::new("sms")).add(Outcomes {
        released: 1,
        withheld: 2,
        unfit: 3,
        cpr_in_text: 4,
        address_protected: 5,
        records_released: 6,
        records_withheld: 7,
    });
    for (phase, times) in Phase::ALL.into_iter().zip(1..) {
        (0..times).for_each(|_| metrics.duration.observe(phase, Duration::from_millis(1)));
    }
    let text = metrics.text();
    for (outcome, number) in MEMBERS.into_iter().zip(1..) {
        let line = format!("tavs_members_total{{recipient=\"sms\",outcome=\"{outcome}\"}} {number}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    for (outcome, number) in RECORDS.into_iter().zip(6..) {
        let line = format!("tavs_records_total{{recipient=\"sms\",outcome=\"{outcome}\"}} {number}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    for (phase, times) in ["decide", "upstream", "rewrite", "record", "whole"].into_iter().zip(1..) {
        let line = format!("tavs_request_duration_seconds_count{{phase=\"{phase}\"}} {times}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
}
