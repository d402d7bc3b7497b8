//! Rings that are read, and mistakes in them.

use super::*;

fn parse(text: &str) -> Result<KeyRing, RingError> {
    KeyRing::parse(text, at("2026-11-25T12:00:00Z"))
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn ring(secrets: &[(&str, &str, u32, char)]) -> String {
    let mut text = String::from("ring = 1\n");
    for (used, name, version, digit) in secrets {
        let secret: String = std::iter::repeat_n(*digit, 64).collect();
        text += &format!(
            "[[secret]]\nuse = \"{used}\"\nname = \"{name}\"\nversion = {version}\nstate = \"active\"\nsecret = \"{secret}\"\n"
        );
    }
    text
}

#[test]
fn a_ring_gives_the_keys_that_it_lists_and_no_others() {
    let ring = parse(&ring(&[("domain", "a", 2, 'a'), ("ledger-subjects", "", 1, 'b')])).unwrap();
    assert!(ring.has_domain("a") && !ring.has_domain("b"));
    assert!(ring.subject_key().is_ok());
    assert_eq!(ring.registry_key().unwrap_err(), RingError::NoRegistry);
    assert_eq!(ring.checkpoint_key().unwrap_err(), RingError::NoCheckpoints);
    assert_eq!(
        ring.pseudonymiser("b", Scheme::Keyed).unwrap_err(),
        RingError::NoDomain { domain: "b".into() }
    );
}

#[test]
fn mistakes_in_a_ring_are_named_by_place_and_never_quoted() {
    for (text, wanted) in [
        ("ring = 2".to_owned(), RingError::Format { found: 2 }),
        (ring(&[("domain", "a", 0, 'a')]), RingError::Version { number: 1 }),
        (ring(&[("domain", "a", 10000, 'a')]), RingError::Version { number: 1 }),
        (ring(&[("domain", "a", 1, 'x')]), RingError::Secret { number: 1 }),
        (ring(&[("domain", "a", 1, 'a'), ("domain", "b", 1, 'a')]), RingError::Repeated { number: 2 }),
        (ring(&[("domain", "a", 1, 'a'), ("domain", "a", 2, 'b')]), RingError::Twice { number: 2 }),
        (
            versions(&[(2, "", "a"), (2, "from = \"2026-11-26T00:00:00Z\"", "b")]),
            RingError::Twice { number: 2 },
        ),
        (
            versions(&[(2, "", "a"), (1, "from = \"2026-11-26T00:00:00Z\"", "b")]),
            RingError::Order { number: 2 },
        ),
        (versions(&[(1, "made = \"2026-11-25T12:00:01Z\"", "a")]), RingError::ClockBack { number: 1 }),
        (versions(&[(1, "", "")]), RingError::State { number: 1 }),
        (ring(&[("registry", "", 1, 'a'), ("registry", "", 2, 'b')]), RingError::Twice { number: 2 }),
    ] {
        assert_eq!(parse(&text).unwrap_err(), wanted);
    }
    assert!(matches!(parse("secret = 5"), Err(RingError::Syntax { .. })));
}

/// Versions of the domain `a`: number, more members, and the digit that the secret is made of.
fn versions(all: &[(u32, &str, &str)]) -> String {
    let mut text = String::from("ring = 1\n");
    for (version, more, digit) in all {
        let state = if more.contains("state") { "" } else { "state = \"active\"\n" };
        text += &format!("[[secret]]\nuse = \"domain\"\nname = \"a\"\nversion = {version}\n{state}{more}\n");
        if !digit.is_empty() {
            text += &format!("secret = \"{}\"\n", digit.repeat(64));
        }
    }
    text
}

#[test]
fn a_pending_version_that_is_destroyed_never_takes_over() {
    let now = at("2026-11-25T12:00:00Z");
    let text = versions(&[(1, "", "1"), (2, "from = \"2026-12-24T00:00:00Z\"", "2")]);
    let mut ring = KeyRing::parse(&text, now).unwrap();
    assert!(ring.destroy("a", 2, Said::default()));
    // The next one may begin before that one would have.
    let (name, from) = ("a".to_owned(), Some(at("2026-12-01T00:00:00Z")));
    let new = NewVersion { used: SecretUse::Domain, name, version: 3, made: now, from };
    ring.push(new, Secret::new([3; 32]), Said::default());
    for (time, wanted) in [
        ("2026-11-25T12:00:00Z", ["active", "destroyed", "pending"]),
        ("2026-12-01T00:00:00Z", ["resolve-only", "destroyed", "active"]),
        ("2026-12-25T00:00:00Z", ["resolve-only", "destroyed", "active"]),
    ] {
        let ring = KeyRing::parse(&ring.text(), at(time)).unwrap();
        let all = ring.versions().iter().map(|one| ring.standing(one).word()).collect::<Vec<_>>();
        assert_eq!(all, wanted, "{time}");
        assert!(ring.has_domain("a") && ring.next_cut_over() == from.filter(|from| *from > at(time)));
    }
    assert_eq!(ring.destroyed().collect::<Vec<_>>(), [("a", 2)]);
}

#[test]
fn one_version_makes_pseudonyms_at_any_instant_and_the_older_ones_resolve() {
    let text = versions(&[
        (1, "state = \"destroyed\"", ""),
        (2, "state = \"closed\"\nfrom = \"2026-01-01T00:00:00Z\"", "2"),
        (3, "from = \"2026-02-01T00:00:00Z\"", "3"),
        (4, "from = \"2026-03-01T00:00:00Z\"", "4"),
        (5, "from = \"2026-12-01T00:00:00Z\"", "5"),
    ]);
    let standings = |time: &str| {
        let ring = KeyRing::parse(&text, at(time)).unwrap();
        let all = ring.versions().iter().map(|one| ring.standing(one).word()).collect::<Vec<_>>();
        (all, ring.has_domain("a"), ring.next_cut_over())
    };
    let (all, has, next) = standings("2026-11-25T12:00:00Z");
    assert_eq!(all, ["destroyed", "closed", "resolve-only", "active", "pending"]);
    assert_eq!((has, next), (true, Some(at("2026-12-01T00:00:00Z"))));
    let (all, has, next) = standings("2026-12-01T00:00:00Z");
    assert_eq!(all, ["destroyed", "closed", "resolve-only", "resolve-only", "active"]);
    assert_eq!((has, next), (true, None));
    // What is closed or destroyed does not let an older one come back.
    assert!(!standings("2026-01-15T00:00:00Z").1);

    let ring = KeyRing::parse(&text, at("2026-11-25T12:00:00Z")).unwrap();
    let maker = ring.pseudonymiser("a", Scheme::Sealed).unwrap();
    let input = super::super::Input { kind: "cpr", resource_type: "", system: "", value: "2512489996" };
    for (version, opens) in [(2, false), (3, true), (4, true), (5, false)] {
        let mut out = Vec::new();
        let of = ring.pseudonymiser_of("a", Scheme::Sealed, version).unwrap();
        assert!(of.write(input, super::super::Linkage::Domain, &mut out));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            maker.resolve(&text, input, false, &crate::pseudonym::Rows::default()).is_some(),
            opens,
            "{text}"
        );
    }
    assert!(ring.pseudonymiser_of("a", Scheme::Sealed, 1).is_err());
}
