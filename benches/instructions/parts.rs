//! The parts of an exchange that are counted, each to be run a number of times.

use std::fs;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use tavs::cpr;
use tavs::ids::{ExchangeId, PolicyVersion};
use tavs::judge::Everyone;
use tavs::ledger::{Entry, Grounds, Kind, Ledger, Limits, Settings};
use tavs::policy::checked::{Policy, Subject};
use tavs::policy::decide::Asked;
use tavs::policy::location::Location;
use tavs::policy::plan::Plan;
use tavs::policy::running::PolicySet;
use tavs::pseudonym::{Input, KeyRing, Linkage, NONE_KNOWN, Rows, Scheme};
use tavs::rewrite::{NO_BASE, NO_ECHOES, Rewriter, rewrite};
use tavs::telemetry::logs::{self, DEFAULT_LEVEL, Ended, exchange_span};
use tokio::runtime::Builder;
use tracing::Level;

use crate::{documents, policy};

/// A part: what it is called, how many times tell it from chance, and how it is run.
type Part = (&'static str, u64, fn(u64));

pub(crate) const PARTS: &[Part] = &[
    ("rewrite 2 KB", 100, |times| {
        rewritten(&(0..8).map(documents::patient_alone).collect::<Vec<_>>(), times);
    }),
    ("rewrite 64 KB", 8, |times| rewritten(&[documents::bundle(1, 33), documents::bundle(2, 33)], times)),
    ("search 64 KB of prose for CPRs", 20, searched),
    ("pseudonym: keyed", 2000, |times| pseudonyms(Scheme::Keyed, times)),
    ("pseudonym: sealed", 500, |times| pseudonyms(Scheme::Sealed, times)),
    ("pseudonym: digits", 20, |times| pseudonyms(Scheme::Digits, times)),
    ("compile a plan", 10, compiled),
    ("log line of an exchange", 200, logged),
    ("exchange in memory, 2 KB", 100, |times| exchanges(&documents::patient_alone(3), times)),
    ("exchange in memory, 64 KB", 8, |times| exchanges(&documents::bundle(3, 33), times)),
];

fn keys() -> KeyRing {
    KeyRing::throw_away([1; 32])
}

/// The rewriter's policy, with subjects.
fn with_subjects() -> Policy {
    let mut policy = policy::policy();
    let at = |text: &str| Subject::At(vec![Location::parse(text).unwrap()]);
    for shape in &mut policy.shapes {
        shape.subject = match shape.name.as_str() {
            "Patient" => at("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value"),
            "Observation" => at("$.subject.identifier.value"),
            _ => Subject::Nobody { reason: "bench".into() },
        };
    }
    let response = &mut policy.routes[0].response;
    response.subject = Subject::Elsewhere;
    response.record = Some(Location::parse("$.entry[*]").unwrap());
    policy
}

fn rewritten(documents: &[Vec<u8>], times: u64) {
    let policy = policy::policy();
    let plan = Plan::compile(&policy, &policy.routes[0], &keys()).unwrap();
    for (_, document) in (0..times).zip(documents.iter().cycle()) {
        black_box(rewrite(&plan, black_box(document), &[0; 16], &mut ()).unwrap());
    }
}

fn searched(times: u64) {
    let sentence = "Patienten ringede kl. 9.15 den 3. marts 2026 om svar på blodprøve 4,2 mmol/l; henvist til 70 20 30 40, cpr 251248-9996. ";
    let text = sentence.repeat(64 * 1024 / sentence.len());
    let mut finds = Vec::new();
    for _ in 0..times {
        finds.clear();
        black_box(cpr::search(black_box(&text), &mut finds));
        assert!(!finds.is_empty());
    }
}

fn pseudonyms(scheme: Scheme, times: u64) {
    let maker = keys().pseudonymiser(policy::DOMAIN, scheme).unwrap();
    let numbers: Vec<_> = (1..29).map(|day| cpr::parse(&format!("{day:02}12489996")).unwrap()).collect();
    let mut out = Vec::with_capacity(64);
    for (_, number) in (0..times).zip(numbers.iter().cycle()) {
        out.clear();
        black_box(maker.write(Input::number(number, ""), Linkage::Domain, &mut out));
    }
}

fn compiled(times: u64) {
    let (policy, keys) = (with_subjects(), keys());
    for _ in 0..times {
        black_box(Plan::compile(black_box(&policy), &policy.routes[0], &keys).unwrap());
    }
}

/// An exchange's span, and the line that it ends with; where the line goes is not counted.
fn logged(times: u64) {
    let ended = Ended {
        recipient: Some("sms-reminders"),
        route: Some("appointments"),
        purpose: Some("appointment-reminders"),
        policy: Some(PolicyVersion([7; 32])),
        upstream: Some("booking"),
        status: 200,
        reason: "released",
        took: Duration::from_micros(700),
    };
    let subscriber = logs::subscriber(DEFAULT_LEVEL, std::io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        for at in 0..times {
            exchange_span(ExchangeId::new(at, [7; 10])).in_scope(|| black_box(ended).log(Level::INFO));
        }
    });
}

/// All that an exchange does but connections: decide, judge, rewrite and hear who is who, record. The disk is a real one:
/// what the system does is not counted.
fn exchanges(document: &[u8], times: u64) {
    let mut policy = with_subjects();
    if !document.starts_with(b"{\"resourceType\":\"Bundle\"") {
        policy.routes[0].response.record = None;
    }
    let recipient = policy.recipient.id.clone();
    let grounds = Arc::new(Grounds {
        recipient: recipient.clone(),
        policy: policy.version,
        route: Some("bench".into()),
        purpose: policy.purpose.id.clone(),
        basis: vec!["gdpr-6-1-b".into()],
        country: "DK".into(),
    });
    let set = PolicySet::build(vec![policy], &keys()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let directory = folder.path().to_owned();
    let settings = Settings { directory, node: "bench".into(), new_log: [1; 16], limits: Limits::default() };
    let (segments, rows) = (["fhir".to_owned()], Rows::default());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ledger, _) = Ledger::open(settings).unwrap();
        for _ in 0..times {
            let asked = Asked {
                method: "GET",
                path: "/fhir",
                segments: &segments,
                query: &[],
                fields: &[],
                rows: &rows,
            };
            let permit = set.decide(&recipient, date(2026, 3, 4), asked).unwrap();
            let plan = permit.route().plan();
            let rewriter = Rewriter {
                plan,
                salt: &[0; 16],
                judge: &Everyone,
                echoes: &NO_ECHOES,
                base: NO_BASE,
                known: &NONE_KNOWN,
                lines: false,
            };
            let (done, survey) = rewriter.run_and_survey(document).unwrap();
            black_box(survey);
            let disclosure = &done.disclosure;
            assert!(!disclosure.subjects.is_empty());
            let exchange = ExchangeId::new(1_772_000_000_000, [7; 10]);
            let entry = Entry {
                kind: Kind::Disclosure,
                bytes: 2000,
                subjects: disclosure.subjects.clone(),
                released_by_rule: disclosure.released_by_rule.clone(),
                ..Entry::refusal(exchange, 1_772_000_000_000, Arc::clone(&grounds), 200, "released")
            };
            black_box(ledger.append(&entry).await.unwrap());
        }
    });
}
