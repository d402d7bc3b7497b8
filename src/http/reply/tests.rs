use std::num::NonZeroU32;

use super::*;
use crate::clock::Clock;
use crate::ids::RecipientId;
use crate::limits::{Limits, Numbers};

fn reply() -> Reply {
    Reply {
        exchange: ExchangeId::new(1, [7; 10]),
        head: false,
        http1: true,
        standing: None,
        places: Vec::new(),
        allow: vec!["GET", "HEAD"],
    }
}

fn standing() -> Standing {
    let one = NonZeroU32::MIN;
    let id = RecipientId::new("r");
    let limits = Limits::new(Clock::system())
        .rebuilt([(id.clone(), Numbers { requests_per_second: one, burst: one, concurrency: one })]);
    let limiter = limits.of(&id).unwrap();
    drop(limiter.admit().unwrap());
    limiter.admit().unwrap_err().standing
}

fn names(fields: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = fields.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn an_answer_has_these_fields_and_no_other() {
    let common = ["cache-control", "content-type", "tavs-exchange", "via", "x-content-type-options"];
    let released = reply().released(StatusCode::OK, MediaType::FhirJson);
    assert_eq!(names(released.headers()), common);
    assert_eq!(released.headers()[CONTENT_TYPE], "application/fhir+json");
    assert_eq!(released.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(released.headers()[VIA], "1.1 tavs");
    assert_eq!(released.headers()[EXCHANGE], ExchangeId::new(1, [7; 10]).to_string());

    let limited = Reply { standing: Some(standing()), ..reply() };
    let expected = [
        "cache-control",
        "content-type",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "tavs-exchange",
        "via",
        "x-content-type-options",
    ];
    let problems = Problems::at("tavs.example");
    assert_eq!(names(limited.problem(&problems, Refusal::OverRate).headers()), expected);
}

#[test]
fn a_problem_says_what_its_status_asks_for() {
    let problems = Problems::at("tavs.example");
    for &refusal in Refusal::ALL {
        let answer = reply().problem(&problems, refusal);
        let fields = answer.headers();
        assert_eq!(answer.status().as_u16(), refusal.verdict().status);
        assert_eq!(fields[CONTENT_TYPE], "application/problem+json");
        assert_eq!(fields.contains_key(ALLOW), answer.status() == 405, "{refusal:?}");
        assert_eq!(fields.contains_key(RETRY_AFTER), answer.status() == 503, "{refusal:?}");
        assert_eq!(fields.contains_key(CONNECTION), refusal.closes_connection(), "{refusal:?}");
        let over_http2 = Reply { http1: false, ..reply() }.problem(&problems, refusal);
        assert!(!over_http2.headers().contains_key(CONNECTION));
    }
}

#[test]
fn an_answer_to_head_has_no_content() {
    let head = Reply { head: true, ..reply() };
    let problems = Problems::at("tavs.example");
    assert!(head.problem(&problems, Refusal::NoRoute).body().is_empty());
    assert!(head.page(Problems::page("/.well-known/tavs/problems").unwrap()).body().is_empty());
    assert!(!reply().problem(&problems, Refusal::NoRoute).body().is_empty());
}
