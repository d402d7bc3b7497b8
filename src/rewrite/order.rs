//! The order that members come in: a server names those of one kind of object in the same order, record after record.
//! What came behind a member before is looked for first, so that nearly every name is found by one comparison,
//! without being searched for its end, hashed and looked up. An order in which no name came twice is not searched
//! for duplicates again. Holds for one body.
//!
//! What must never happen here: an answer for another name than the one that stands there; what a policy says of a
//! name in another object; names taken for distinct of which two are the same, as they came or as they leave (G3).

use super::clean::SHORT_BODY;
use crate::json::{Reader, StringSpan};
use crate::policy::plan::{NameEntry, Node};

/// Steps that are remembered of one body, in 36 KB: those of a dozen kinds of objects in two orders each. Past it,
/// names are read, hashed and looked up each time.
const STEPS: usize = 512;
/// Nodes whose objects are remembered, by number modulo this; the first of two that meet there stays.
const NODES: usize = 64;

/// A name that was read, and what the policy lists for it.
pub(super) struct ReadName<'p, 'b> {
    /// Still escaped.
    pub(super) json: &'b str,
    pub(super) span: StringSpan,
    pub(super) hash: u64,
    pub(super) listed: Option<&'p NameEntry>,
}

/// The names of one object up to the one that was read last, as the number of the step that they lead to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trail(usize);

impl Trail {
    /// Of an object of which nothing is remembered from here on.
    pub(super) const UNKNOWN: Self = Self(usize::MAX);

    #[inline]
    const fn is_known(self) -> bool {
        self.0 != Self::UNKNOWN.0
    }
}

/// Which names came behind which in one body. No `Debug`: it holds the body.
pub(super) struct Order<'p, 'b> {
    remembers: bool,
    steps: Vec<Step<'p, 'b>>,
    /// Where the objects of a node begin.
    starts: Vec<Option<(&'p Node, Trail)>>,
}

/// A name behind others, or the beginning of an object.
///
/// INVARIANT: which names came before it never changes, so that it stands for exactly one sequence of names of one
/// node. `listed` and `distinct` rest on that.
struct Step<'p, 'b> {
    /// `"name":`.
    prefix: &'b str,
    /// What stands between the quotes of it.
    json: &'b str,
    hash: u64,
    listed: Option<&'p NameEntry>,
    /// Which came next, the last one first.
    next: [Trail; 2],
    /// No two names are the same from the beginning of the object up to here.
    distinct: bool,
}

impl<'p, 'b> Order<'p, 'b> {
    pub(super) const fn of(body: &str) -> Self {
        Self { remembers: body.len() >= SHORT_BODY, steps: Vec::new(), starts: Vec::new() }
    }

    /// The beginning of an object whose members a node decides.
    #[inline]
    pub(super) fn start(&mut self, node: Option<&'p Node>) -> Trail {
        match node {
            Some(node) if self.remembers => self.start_of(node),
            _ => Trail::UNKNOWN,
        }
    }

    fn start_of(&mut self, node: &'p Node) -> Trail {
        let at = node.number % NODES;
        match self.starts.get(at) {
            Some(Some((known, trail))) => {
                return if std::ptr::eq(*known, node) { *trail } else { Trail::UNKNOWN };
            }
            Some(None) => {}
            None => self.starts.resize(at.saturating_add(1), None),
        }
        let trail = self.add("", ("", 0), None);
        if let Some(start) = self.starts.get_mut(at) {
            *start = Some((node, trail));
        }
        trail
    }

    /// Reads the name at the reader's place, its colon, and the whitespace behind, if it came there before.
    ///
    /// PERF: a Bundle of 64 KB takes 4 to 8 % less, and one of 1 MB 6 to 8 %; 2 KB takes 1 % more.
    #[inline]
    pub(super) fn next(&mut self, trail: &mut Trail, reader: &mut Reader<'b>) -> Option<ReadName<'p, 'b>> {
        // No step has the number that stands for none.
        let [likely, other] = self.steps.get(trail.0)?.next;
        let rest = reader.rest_bytes();
        let stands_here =
            |at: &Trail| self.steps.get(at.0).filter(|step| begins_with(rest, step.prefix.as_bytes()));
        let (step, at) = match stands_here(&likely) {
            Some(step) => (step, likely),
            None => (stands_here(&other)?, other),
        };
        *trail = at;
        let start = reader.at.wrapping_add(1);
        reader.at = reader.at.wrapping_add(step.prefix.len());
        reader.whitespace();
        let span = StringSpan { start, end: start.wrapping_add(step.json.len()), escaped: false };
        Some(ReadName { json: step.json, span, hash: step.hash, listed: step.listed })
    }

    /// Remembers a name that has been read, and gives it back.
    #[inline(always)]
    pub(super) fn note(
        &mut self,
        trail: &mut Trail,
        name: ReadName<'p, 'b>,
        reader: &Reader<'b>,
    ) -> ReadName<'p, 'b> {
        if trail.is_known() {
            // Not the reader itself, which would leave its registers for it.
            let prefix = reader.slice(name.span.start.saturating_sub(1), name.span.end.saturating_add(2));
            *trail = self.step(*trail, &name, prefix);
        }
        name
    }

    #[inline(never)]
    fn step(&mut self, before: Trail, name: &ReadName<'p, 'b>, prefix: &'b str) -> Trail {
        // An escape may mean what policies name, and a colon behind white space is rare: no second form of either.
        if name.span.escaped || !prefix.ends_with(':') {
            return Trail::UNKNOWN;
        }
        let trail = self.add(prefix, (name.json, name.hash), name.listed);
        // Past the bound what is remembered stays.
        if let Some(before) = self.steps.get_mut(before.0).filter(|_| trail.is_known()) {
            let [last, _] = before.next;
            before.next = [trail, last];
        }
        trail
    }

    fn add(&mut self, prefix: &'b str, (json, hash): (&'b str, u64), listed: Option<&'p NameEntry>) -> Trail {
        if self.steps.len() >= STEPS {
            return Trail::UNKNOWN;
        }
        self.steps.push(Step { prefix, json, hash, listed, next: [Trail::UNKNOWN; 2], distinct: false });
        Trail(self.steps.len().saturating_sub(1))
    }

    /// Whether an object whose names came in this order is known to name no member twice.
    #[inline]
    pub(super) fn is_distinct(&self, trail: Trail) -> bool {
        trail.is_known() && self.steps.get(trail.0).is_some_and(|step| step.distinct)
    }

    /// Remembers that an object whose names came in this order names no member twice.
    #[inline]
    pub(super) fn note_distinct(&mut self, trail: Trail) {
        if let Some(step) = self.steps.get_mut(trail.0) {
            step.distinct = true;
        }
    }
}

/// PERF: eight bytes from each end are all of a text of sixteen, without a call to compare; longer ones are compared
/// whole where both ends agree. The figure is that of [`Order::next`].
#[inline]
fn begins_with(text: &[u8], start: &[u8]) -> bool {
    let Some(text) = text.get(..start.len()) else { return false };
    match (text.first_chunk::<8>(), start.first_chunk::<8>(), text.last_chunk::<8>(), start.last_chunk::<8>())
    {
        (Some(one), Some(other), Some(one_end), Some(other_end)) => {
            one == other && one_end == other_end && (start.len() <= 16 || text == start)
        }
        _ => text == start,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::checked::{Action, CprInText, Keep};
    use crate::policy::plan::{NameTable, Plan, Slot, name_hash};
    use crate::pseudonym::KeyRing;
    use crate::rewrite::tests::policy;
    use crate::rewrite::{Fault, FaultKind, rewrite_lines};

    /// Members of an object, each in three ways: another value, white space before the colon, or an escape in the name.
    const WAYS: [[&str; 3]; 8] = [
        [r#""a":1"#, r#""a" :1"#, r#""\u0061":1"#],
        [r#""aa":[{"a":1},{"b":0,"a":2}]"#, r#""aa":[]"#, r#""aa": [{"a":3,"b":0}]"#],
        [r#""b":{"a":1,"c":2}"#, r#""b":{"c":2,"a":1}"#, r#""b":{"c":2,"d":3, "a":1}"#],
        [r#""d":{"a":1,"c":2}"#, r#""d":{"c":2,"a":1}"#, r#""d":{"c":2,"d":3, "a":1}"#],
        [
            r#""a-name-of-which-the-ends-are-the-same":1"#,
            r#""a-name-of-which-the-ends-are-the-same":2"#,
            "\"a-name-of-which-the-ends-are-the-same\"\t:3",
        ],
        [
            r#""a-name-of-which-the-ENDS-are-the-same":1"#,
            r#""a-name-of-which-the-ENDS-are-the-same":2"#,
            "\"a-name-of-which-the-ENDS-are-the-same\"\t:3",
        ],
        [
            r#""w":{"x":1,"251248-9996":2}"#,
            r#""w":{"251248-9996":2,"x":1}"#,
            r#""w":{"x":1,"25124\u0038\u002d9996":2}"#,
        ],
        [r#""":1"#, r#""":"a""#, r#""" :1"#],
    ];

    fn plan() -> Plan {
        let kept = ["$.a", "$.aa[*].a", "$.b.a", "$.w[*]", "$['a-name-of-which-the-ends-are-the-same']"];
        let policy = policy(&kept.map(|location| (location, Action::Keep(Keep::default()))));
        Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([1; 32])).unwrap()
    }

    fn rewritten(plan: &Plan, lines: &str) -> Result<Vec<u8>, Fault> {
        rewrite_lines(plan, lines.as_bytes(), &[0; 16], &mut ()).map(|done| done.released.into_body())
    }

    /// What comes of each line alone, which is too short for anything to be remembered.
    fn each_alone(plan: &Plan, lines: &[String]) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        let mut at = 0;
        for line in lines {
            let alone = rewritten(plan, line);
            out.extend(alone.map_err(|fault| Fault { offset: fault.offset + at, ..fault })?);
            at += line.len() + 1;
        }
        Ok(out)
    }

    fn object() -> impl Strategy<Value = String> {
        let members = prop::sample::subsequence((0..WAYS.len()).collect::<Vec<_>>(), 0..=WAYS.len());
        let ways = prop::array::uniform8(0..3_usize);
        (members.prop_shuffle(), ways).prop_map(|(members, ways)| {
            let members: Vec<&str> = members.iter().map(|at| WAYS[*at][ways[*at]]).collect();
            format!("{{{}}}", members.join(","))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn objects_of_one_body_leave_as_each_of_them_alone(
            kinds in prop::collection::vec(object(), 1..8),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 200..600),
            twice in prop::option::of((any::<prop::sample::Index>(), 0..WAYS.len(), 0..3_usize)),
        ) {
            let mut lines: Vec<String> = picks.iter().map(|pick| pick.get(&kinds).clone()).collect();
            if let Some((line, member, way)) = twice {
                let line = line.index(lines.len());
                let comma = if lines[line] == "{}" { "" } else { "," };
                let more = format!("{comma}{}}}", WAYS[member][way]);
                lines[line].pop();
                lines[line].push_str(&more);
            }
            let body = lines.join("\n");
            prop_assume!(body.len() >= SHORT_BODY);
            let plan = plan();
            prop_assert_eq!(rewritten(&plan, &body), each_alone(&plan, &lines));
        }
    }

    fn node(number: usize) -> Node {
        let slot = Slot::State(u32::try_from(number).unwrap());
        let names = NameTable::new([("a".to_owned(), slot)].into_iter());
        Node {
            number,
            names,
            other_names: Slot::Withheld,
            indices: Vec::new(),
            other_indices: Slot::Withheld,
        }
    }

    /// Reads `names` as members of an object; says of each what is listed for it, and whether it was expected.
    fn read<'p, 'b>(order: &mut Order<'p, 'b>, node: &'p Node, body: &'b str) -> Vec<(Option<Slot>, bool)> {
        let mut trail = order.start(Some(node));
        let mut reader = Reader::new(body);
        let mut read = Vec::new();
        while !reader.rest_bytes().is_empty() {
            let known = order.next(&mut trail, &mut reader);
            let expected = known.is_some();
            let name = known.unwrap_or_else(|| {
                let span = reader.name().unwrap();
                let text = reader.slice(span.start, span.end);
                let hash = name_hash(text.as_bytes());
                let name = ReadName { json: text, span, hash, listed: node.names.find(hash, text) };
                order.note(&mut trail, name, &reader)
            });
            read.push((name.listed.map(|entry| entry.slot), expected));
        }
        read
    }

    fn remembers<'p, 'b>() -> Order<'p, 'b> {
        Order::of(&" ".repeat(SHORT_BODY))
    }

    #[test]
    fn what_is_listed_for_one_kind_is_no_answer_for_another() {
        // Their places are the same.
        let (one, other) = (node(3), node(3 + NODES));
        let mut order = remembers();
        let own = |node: &Node| Some(Slot::State(u32::try_from(node.number).unwrap()));
        for (node, expected) in [(&one, false), (&one, true), (&other, false), (&other, false), (&one, true)]
        {
            assert_eq!(read(&mut order, node, r#""a":"x":"#), [(own(node), expected), (None, expected)]);
        }
    }

    #[test]
    fn two_orders_are_expected_and_only_the_very_same_bytes() {
        let node = node(0);
        let mut order = remembers();
        fn expected<'p>(order: &mut Order<'p, 'static>, node: &'p Node, body: &'static str) -> Vec<bool> {
            read(order, node, body).into_iter().map(|(_, expected)| expected).collect()
        }
        for _ in 0..2 {
            expected(&mut order, &node, r#""a":"b":"c":"#);
            expected(&mut order, &node, r#""a":"d":"c":"#);
        }
        assert_eq!(expected(&mut order, &node, r#""a":"b":"c":"#), [true; 3]);
        assert_eq!(expected(&mut order, &node, r#""a":"d":"c":"#), [true; 3]);
        assert_eq!(expected(&mut order, &node, r#""a":"d":"#), [true; 2]);
        assert_eq!(expected(&mut order, &node, r#""a":"b" :"e":"#), [true, false, false], "no second form");
        for _ in 0..2 {
            assert_eq!(
                expected(&mut order, &node, r#""\u0061":"b":"#),
                [false; 2],
                "what it means is not what stands there"
            );
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let body: String = (0..2 * STEPS).map(|n| format!("\"{n}\":")).collect();
        let node = node(0);
        let mut order = remembers();
        for turn in 0..2 {
            let read = read(&mut order, &node, &body);
            assert!(
                read.iter().enumerate().all(|(n, (_, expected))| *expected == (turn == 1 && n + 1 < STEPS))
            );
        }
        assert_eq!(order.steps.len(), STEPS);
        for other in [r#""x":"#, r#""y":"#, r#""0":"x":"#, r#""0":"y":"#] {
            read(&mut order, &node, other);
        }
        assert!(
            read(&mut order, &node, r#""0":"1":"#).iter().all(|(_, expected)| *expected),
            "what is remembered stays"
        );
    }

    #[test]
    fn a_name_that_becomes_another_is_compared_each_time() {
        let mut policy = policy(&[("$[*]", Action::Keep(Keep::default()))]);
        policy.cpr_in_text = CprInText::Pseudonymise;
        let plan = Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([1; 32])).unwrap();
        let renamed = rewritten(&plan, r#"{"251248-9996":1}"#).unwrap();
        let renamed = std::str::from_utf8(&renamed).unwrap().trim_end().trim_end_matches(":1}");
        let renamed = renamed.trim_start_matches('{');
        // In all lines but the last the first member is withheld, and its new name does not count; in the last it leaves
        // under the name of the second.
        let withheld = format!("{{\"251248-9996\":2512489996,{renamed}:1}}\n").repeat(100);
        assert!(withheld.len() >= SHORT_BODY);
        let kept = format!("{{\"251248-9996\":1,{renamed}:1}}\n");
        assert_eq!(rewritten(&plan, &withheld).unwrap(), format!("{{{renamed}:1}}\n").repeat(100).as_bytes());
        let fault = rewritten(&plan, &(withheld + &kept)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::DuplicateName);
    }

    #[test]
    fn names_of_which_nothing_left_are_not_known_to_differ() {
        let policy = policy(&[("$[*]", Action::Keep(Keep::default()))]);
        let plan = Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([1; 32])).unwrap();
        let nothing_left = "{\"b\":2512489996,\"b\":2512489996}\n".repeat(200);
        assert_eq!(rewritten(&plan, &nothing_left), Ok(Vec::new()));
        let fault = rewritten(&plan, &(nothing_left + "{\"b\":1,\"b\":1}\n")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::DuplicateName);
    }
}
