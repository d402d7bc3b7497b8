use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::*;
use crate::ids::ExchangeId;

fn document(refusal: Refusal) -> serde_json::Value {
    let written = Problems::at("tavs.example:8443").document(refusal, ExchangeId::new(1, [7; 10]));
    serde_json::from_slice(&written).unwrap()
}

#[test]
fn every_document_is_json_with_the_members_of_rfc_9457_and_a_page_behind_its_type() {
    for &refusal in Refusal::ALL {
        let document = document(refusal);
        let verdict = refusal.verdict();
        assert_eq!(document["status"], verdict.status, "{refusal:?}");
        assert_eq!(document["title"], verdict.kind.title);
        assert_eq!(document["instance"], format!("urn:uuid:{}", ExchangeId::new(1, [7; 10])));
        let path = document["type"].as_str().unwrap().strip_prefix("https://tavs.example:8443").unwrap();
        let page = Problems::page(path).unwrap();
        assert!(page.html.contains(&verdict.status.to_string()) || verdict.status == 409, "{refusal:?}");
        let known = ["type", "title", "status", "detail", "instance", "violated-policies"];
        assert!(document.as_object().unwrap().keys().all(|name| known.contains(&name.as_str())));
    }
}

#[test]
fn what_may_not_be_told_apart_is_equal_byte_for_byte() {
    let alike = [
        [Refusal::NoRoute, Refusal::UpstreamNotFound, Refusal::SubjectWithheld],
        [Refusal::NoPolicy, Refusal::CertificateLapsed, Refusal::TokenRefused],
        [Refusal::LedgerUnusable, Refusal::RegistryUnusable, Refusal::KeyUnusable],
        [Refusal::UpstreamJson, Refusal::CprInText, Refusal::UpstreamBomb],
    ];
    for [one, others @ ..] in alike {
        for other in others {
            assert_eq!(document(one), document(other), "{one:?} and {other:?}");
        }
    }
}

#[test]
fn a_used_up_quota_is_named() {
    for (refusal, quota) in [
        (Refusal::OverRate, "requests"),
        (Refusal::OverConcurrency, "concurrency"),
        (Refusal::OverSubjects, "subjects"),
        (Refusal::OverNovelty, "novelty"),
        (Refusal::OverAbsent, "absent"),
    ] {
        let document = document(refusal);
        assert_eq!(document["violated-policies"], serde_json::json!([quota]));
        assert!(document["detail"].as_str().unwrap().contains(quota));
    }
}

#[test]
fn statuses_are_those_of_the_fault_table() {
    let by_kind: [(&str, &[u16]); 23] = [
        ("no-policy", &[403]),
        ("agreement-lapsed", &[403]),
        ("transfer-lapsed", &[403]),
        ("quota-exceeded", &[429]),
        ("header-fields", &[400]),
        ("framing", &[400]),
        ("expectation", &[417]),
        ("content-too-large", &[413]),
        ("media-type", &[415]),
        ("authority", &[400]),
        ("misdirected", &[421]),
        ("method-not-allowed", &[405]),
        ("target", &[400]),
        ("query", &[400]),
        ("clear-identifier", &[400]),
        ("pseudonym-refused", &[400]),
        ("not-found", &[404]),
        ("request-refused", &[409]),
        ("upstream", &[502]),
        ("upstream-slow", &[504]),
        ("content", &[400]),
        ("unavailable", &[503]),
        ("internal", &[500]),
    ];
    let mut found: HashMap<&str, HashSet<u16>> = HashMap::new();
    for refusal in Refusal::ALL {
        let verdict = refusal.verdict();
        found.entry(verdict.kind.slug).or_default().insert(verdict.status);
    }
    assert_eq!(found.len(), by_kind.len());
    for (slug, statuses) in by_kind {
        assert_eq!(found[slug], statuses.iter().copied().collect(), "{slug}");
    }
    assert_eq!(Refusal::UpstreamRefused(422).verdict().status, 422);
}

#[test]
fn words_are_words_and_no_reason_stands_twice() {
    let mut reasons = HashSet::new();
    for refusal in Refusal::ALL {
        let verdict = refusal.verdict();
        assert!(reasons.insert(verdict.reason), "{} twice", verdict.reason);
        assert!(verdict.reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(verdict.kind.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(!verdict.detail.ends_with('.'));
    }
    assert_eq!(kinds::ALL.len(), kinds::ALL.iter().map(|kind| kind.slug).collect::<HashSet<_>>().len());
}

#[test]
fn only_type_pages_are_pages() {
    let good = ["/.well-known/tavs/problems", "/.well-known/tavs/problems/not-found"];
    let bad = [
        "/",
        "/.well-known/tavs",
        "/.well-known/tavs/problems/",
        "/.well-known/tavs/problemsnot-found",
        "/.well-known/tavs/problems/not-found/",
        "/.well-known/tavs/problems/nothing",
    ];
    for path in good {
        let page = Problems::page(path).unwrap();
        assert!(page.html.starts_with("<!doctype html>") && page.html.matches('`').count() == 0);
    }
    for path in bad {
        assert_eq!(Problems::page(path), None, "{path}");
    }
}

#[test]
fn an_unclear_end_of_the_request_closes_the_connection() {
    for refusal in
        [Refusal::Chunked, Refusal::TransferEncoding, Refusal::UnexpectedBody, Refusal::BodyTooLarge]
    {
        assert!(refusal.closes_connection(), "{refusal:?}");
    }
    for refusal in [Refusal::NoRoute, Refusal::OverRate, Refusal::UpstreamJson, Refusal::DotSegment] {
        assert!(!refusal.closes_connection(), "{refusal:?}");
    }
}

/// docs/problems.md, as it must be.
fn written() -> String {
    let mut text = String::from(
        "# Problems\n\n\
         Generated from `src/http/problem.rs`; `TAVS_WRITE_DOCS=1 cargo test docs_` writes it anew.\n\n\
         A refusal is an `application/problem+json` document (RFC 9457). Its `type` is\n\
         `https://<authority>/.well-known/tavs/problems/<type>`, where a page says what is written here; its `instance`\n\
         is the exchange's id, which stands in our log and ledger too. A recipient sees type, title, status and detail.\n\
         Reason and fault stand in logs and metrics only.\n\n\
         ## Types\n\n| type | status | title | meaning | what to do |\n|---|---|---|---|---|\n",
    );
    for kind in kinds::ALL {
        let cells = [kind.slug, &pages::statuses(kind), kind.title, kind.meaning, kind.remedy];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text.push_str("\n## Reasons\n\n| reason | type | status | fault | log level | detail |\n|---|---|---|---|---|---|\n");
    for refusal in Refusal::ALL {
        let verdict = refusal.verdict();
        let status = if matches!(refusal, Refusal::UpstreamRefused(_)) {
            "409, 412, 422, or as the route maps it".to_owned()
        } else {
            verdict.status.to_string()
        };
        let level = verdict.level.to_string().to_lowercase();
        let cells =
            [verdict.reason, verdict.kind.slug, &status, verdict.fault.as_str(), &level, verdict.detail];
        writeln!(text, "| {} |", cells.join(" | ").trim_end()).unwrap();
    }
    text
}

#[test]
fn docs_problems_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/problems.md");
    if std::env::var_os("TAVS_WRITE_DOCS").is_some() {
        std::fs::write(path, written()).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, written(), "docs/problems.md is stale: TAVS_WRITE_DOCS=1 cargo test docs_");
}
