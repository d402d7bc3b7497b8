//! Kept containers that come again: codings, categories, units and reference ranges are the same in record after
//! record. Some of those of one body are remembered for as long as that is walked over.
//!
//! A JSON container says itself where it ends, so that none is the beginning of another: where the text goes on with
//! the bytes of one that may leave as it stands ([`plain`](super::plain)), the same one stands there again.
//!
//! What must never happen here: an answer for any container but one with the very same bytes, at the same depth, or
//! one that outlives its body.

use super::clean::SHORT_BODY;
use crate::json::Reader;

/// Rules whose containers are remembered at a time: few keep containers, and a rule takes the place of one whose number
/// differs by so many.
const RULES: usize = 64;
/// Containers that are remembered of one rule: as many as a panel of laboratory tests has codes.
const OF_A_RULE: usize = 8;
/// Shorter containers are looked through as soon as looked up, and longer ones do not repeat.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=1024;
/// Of a rule whose containers differ, as measured values do, none is looked up any more after so many.
const TRIES: u32 = 32;
/// They differ where fewer than one in so many came again.
const ONE_IN: u32 = 8;

/// What was looked through in one body and may leave as it stands. No `Debug`: it holds the body.
pub(super) struct Repeats<'b> {
    remembers: bool,
    /// By number of the rule that keeps them.
    places: Vec<Remembered<'b>>,
}

/// Containers of one rule at one depth.
#[derive(Clone, Default)]
struct Remembered<'b> {
    of: (u32, u32),
    containers: [&'b str; OF_A_RULE],
    /// How many were remembered, those that others took the place of too.
    noted: usize,
    tries: u32,
    hits: u32,
}

impl<'b> Repeats<'b> {
    pub(super) const fn of(body: &str) -> Self {
        Self { remembers: body.len() >= SHORT_BODY, places: Vec::new() }
    }

    /// How long the container at the reader's place is, if it is one that is remembered.
    ///
    /// PERF: a Bundle of 64 KB takes a tenth less.
    pub(super) fn find(&mut self, rule: u32, depth: u32, reader: &Reader<'b>) -> Option<usize> {
        let place = self.places.get_mut(place_of(rule)?)?;
        if place.is_given_up() {
            return None;
        }
        place.tries = place.tries.saturating_add(1);
        if place.of != (rule, depth) {
            return None;
        }
        let rest = reader.rest_bytes();
        let is_here = |container: &&&str| {
            let container = container.as_bytes();
            let here = rest.get(..container.len()).unwrap_or_default();
            // The ends first: codings of one system begin alike.
            container.last_chunk::<8>().is_some_and(|end| here.ends_with(end)) && here == container
        };
        let found = place.containers.iter().find(is_here)?.len();
        place.hits = place.hits.saturating_add(1);
        Some(found)
    }

    /// Remembers a container that may leave as it stands.
    pub(super) fn note(&mut self, rule: u32, depth: u32, container: &'b str) {
        let Some(at) = place_of(rule) else { return };
        if !self.remembers || !LENGTHS.contains(&container.len()) {
            return;
        }
        if at >= self.places.len() {
            self.places.resize(at.saturating_add(1), Remembered::default());
        }
        let Some(place) = self.places.get_mut(at).filter(|place| !place.is_given_up()) else { return };
        if place.of != (rule, depth) {
            let Remembered { tries, hits, .. } = *place;
            *place = Remembered { of: (rule, depth), tries, hits, ..Remembered::default() };
        }
        if let Some(oldest) = place.containers.get_mut(place.noted % OF_A_RULE) {
            *oldest = container;
        }
        place.noted = place.noted.wrapping_add(1);
    }
}

fn place_of(rule: u32) -> Option<usize> {
    Some(usize::try_from(rule).ok()? % RULES)
}

impl Remembered<'_> {
    const fn is_given_up(&self) -> bool {
        self.tries >= TRIES && self.hits < self.tries / ONE_IN
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::checked::{Action, Keep};
    use crate::policy::plan::Plan;
    use crate::pseudonym::KeyRing;
    use crate::rewrite::tests::policy;
    use crate::rewrite::{rewrite, rewrite_lines};

    /// Alike at both ends, one the beginning of another but for its end, with a number, an escape, white space, or too short.
    const CONTAINERS: [&str; 15] = [
        r#"[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU19748","display":"Glukose"}]"#,
        r#"[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU19749","display":"Glukose"}]"#,
        r#"[{"system":"urn:oid:1.2.208.176.2.2","code":"NPU19748","display":"Glukose"}]"#,
        r#"[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU19748","display":"251248-9996"}]"#,
        r#"[{"system":"urn:oid:1.2.208.176.2.1", "code":"NPU19748","display":"Glukose"}]"#,
        r#"[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU\u00319748","display":"Glukose"}]"#,
        r#"["aaaaaaaaaaaaaaaa","bbbbbbbb"]"#,
        r#"["aaaaaaaaaaaaaaaa","bbbbbbbb","bbbbbbbb"]"#,
        r#"["aaaaaaaaaaaaaaaa",["bbbbbbbb"]]"#,
        r#"[["aaaaaaaaaaaaaaaa","bbbbbbbb"]]"#,
        r#"[["aaaaaaaaaaaaaaaa","bbbbbbbb"],["aaaaaaaaaaaaaaaa","bbbbbbbb"]]"#,
        r#"["aaaaaaaaaaaaaaaa","bbbbbbbb]"]"#,
        "[]",
        "[1.50]",
        "[2512489996]",
    ];

    fn plan(locations: [&str; 2]) -> Plan {
        let policy = policy(&locations.map(|location| (location, Action::Keep(Keep::default()))));
        Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([1; 32])).unwrap()
    }

    fn rewritten(records: &[&str]) -> String {
        let plan = plan(["$[*].code", "$[*].inner.code"]);
        let body = format!("[{}]", records.join(","));
        let done = rewrite(&plan, body.as_bytes(), &[0; 16], &mut ()).unwrap();
        String::from_utf8(done.released.into_body()).unwrap()
    }

    fn rewritten_lines(records: &[&str]) -> String {
        let plan = plan(["$.code", "$.inner.code"]);
        let done = rewrite_lines(&plan, records.join("\n").as_bytes(), &[0; 16], &mut ()).unwrap();
        String::from_utf8(done.released.into_body()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn records_of_one_body_leave_as_each_of_them_alone(
            picks in prop::collection::vec((0..CONTAINERS.len(), any::<bool>()), 100..300)
        ) {
            let record = |&(container, deeper): &(usize, bool)| match CONTAINERS[container] {
                code if deeper => format!(r#"{{"inner":{{"code":{code}}}}}"#),
                code => format!(r#"{{"code":{code}}}"#),
            };
            let records: Vec<String> = picks.iter().map(record).collect();
            let records: Vec<&str> = records.iter().map(String::as_str).collect();
            prop_assume!(records.iter().map(|record| record.len()).sum::<usize>() >= SHORT_BODY);
            let alone: Vec<String> = records
                .iter()
                .map(|record| rewritten(&[record]))
                .map(|alone| alone.trim_start_matches('[').trim_end_matches(']').to_owned())
                .filter(|alone| !alone.is_empty())
                .collect();
            let together = rewritten(&records);
            prop_assert_eq!(together, format!("[{}]", alone.join(",")));
            let lines: String = records.iter().map(|record| rewritten_lines(&[record])).collect();
            prop_assert_eq!(rewritten_lines(&records), lines);
        }
    }

    #[test]
    fn what_comes_again_is_found_and_nothing_else_is() {
        let body = CONTAINERS[..12].join(",") + &" ".repeat(SHORT_BODY);
        let mut repeats = Repeats::of(&body);
        let mut found = Vec::new();
        for _ in 0..3 {
            let mut at = 0;
            for container in &CONTAINERS[..OF_A_RULE] {
                let reader = Reader::within(&body, at, body.len());
                let known = repeats.find(2, 3, &reader);
                assert!(known.is_none_or(|len| len == container.len()));
                assert_eq!(repeats.find(2, 4, &reader), None, "another depth");
                assert_eq!(repeats.find(66, 3, &reader), None, "another rule");
                if known.is_none() {
                    repeats.note(2, 3, reader.slice(at, at + container.len()));
                }
                found.push(known.is_some());
                at += container.len() + 1;
            }
        }
        assert!(found[..OF_A_RULE].iter().all(|found| !found));
        assert!(found[OF_A_RULE..].iter().all(|found| *found));
        // Those that never repeat are looked up no more.
        let numbers: Vec<String> = (0..200).map(|n| format!("[{n:05},\"mmol/l\",\"x\"]")).collect();
        for number in &numbers {
            assert_eq!(repeats.find(0, 1, &Reader::new(number)), None);
            repeats.note(0, 1, number);
        }
        assert_eq!(repeats.places[0].tries, TRIES);
    }
}
