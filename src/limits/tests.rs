use std::time::Duration;

use governor::clock::FakeRelativeClock;

use super::*;

fn numbers(requests_per_second: u32, burst: u32, concurrency: u32) -> Numbers {
    let some = |number| NonZeroU32::new(number).unwrap();
    Numbers {
        requests_per_second: some(requests_per_second),
        burst: some(burst),
        concurrency: some(concurrency),
    }
}

#[test]
fn a_burst_passes_and_then_one_request_each_period() {
    let clock = FakeRelativeClock::default();
    let limiter = Limiter::new(numbers(2, 4, 100), clock.clone());
    for left in [3, 2, 1, 0] {
        let standing = limiter.admit().unwrap().standing;
        assert_eq!(standing.policy(), r#""requests";q=4;w=2, "concurrency";q=100;qu="concurrent-requests""#);
        assert!(standing.state().starts_with(&format!(r#""requests";r={left};t="#)), "{}", standing.state());
        assert_eq!(standing.retry_after(), None);
    }
    let exceeded = limiter.admit().unwrap_err();
    assert_eq!(exceeded.quota, Exhausted::Requests);
    assert_eq!(exceeded.standing.state(), r#""requests";r=0;t=2"#);
    assert_eq!(exceeded.standing.retry_after(), Some(1));

    clock.advance(Duration::from_millis(500));
    assert!(limiter.admit().is_ok());
    assert!(limiter.admit().is_err());
    clock.advance(Duration::from_secs(3600));
    for _ in 0..4 {
        assert!(limiter.admit().is_ok());
    }
    assert!(limiter.admit().is_err(), "an hour of silence is worth one burst");
}

#[test]
fn exchanges_at_the_same_time_are_counted_until_dropped() {
    let limiter = Limiter::new(numbers(1, 3, 2), FakeRelativeClock::default());
    let first = limiter.admit().unwrap();
    let _second = limiter.admit().unwrap();
    for _ in 0..10 {
        let exceeded = limiter.admit().unwrap_err();
        assert_eq!(exceeded.quota, Exhausted::Concurrency);
        assert_eq!(exceeded.standing.state(), r#""concurrency";r=0;t=1"#);
        assert_eq!(exceeded.standing.retry_after(), Some(1));
    }
    drop(first);
    assert!(limiter.admit().is_ok(), "those ten did not count against the rate");
    assert_eq!(limiter.admit().unwrap_err().quota, Exhausted::Requests);
}

#[test]
fn retry_after_is_rounded_up_to_whole_seconds() {
    let numbers = numbers(1, 1, 1);
    for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
        let standing = Standing::over_rate(&Quotas::of(numbers), Duration::from_millis(millis));
        assert_eq!(standing.retry_after(), Some(seconds), "{millis} ms");
    }
}

#[test]
fn a_reload_keeps_the_count_of_unchanged_numbers_only() {
    let (kept, changed, gone) =
        (RecipientId::new("kept"), RecipientId::new("changed"), RecipientId::new("gone"));
    let old = Limits::new(Clock::system()).rebuilt([
        (kept.clone(), numbers(1, 1, 1)),
        (changed.clone(), numbers(1, 1, 1)),
        (gone.clone(), numbers(1, 1, 1)),
    ]);
    let new = old.rebuilt([(kept.clone(), numbers(1, 1, 1)), (changed.clone(), numbers(1, 2, 1))]);
    assert!(Arc::ptr_eq(old.of(&kept).unwrap(), new.of(&kept).unwrap()));
    assert!(!Arc::ptr_eq(old.of(&changed).unwrap(), new.of(&changed).unwrap()));
    assert!(new.of(&gone).is_none());
}
