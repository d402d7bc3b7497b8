//! Routes, shapes and tests beside each other.

use super::included::is_included;
use super::{Findings, members};
use crate::policy::checked::{Action, PathSegment, Pattern, Wanted};
use crate::policy::codes::{self, Code};
use crate::policy::location::{Location, Step};
use crate::policy::syntax::{At, nearest};
use crate::policy::written::{Policy, Query, Response, Route, Rule, Shape, Subject, Test};
use crate::pseudonym::Scheme;

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    unique(policy.routes.iter().filter_map(|route| route.name.as_ref()), "routes", findings);
    unique(policy.shapes.iter().filter_map(|shape| shape.name.as_ref()), "shapes", findings);
    overlaps(&policy.routes, findings);
    shapes(policy, findings);
    for route in &policy.routes {
        subject(policy, &route.response, findings);
        disclosure(policy, &route.response, findings);
        for query in &route.query {
            selection(policy, &route.response, query, findings);
        }
    }
    for test in &policy.tests {
        check_test(policy, test, findings);
    }
    sizes(policy, findings);
    novelty(policy, findings);
}

pub(super) fn unique<'n>(
    names: impl Iterator<Item = &'n At<String>>,
    what: &str,
    findings: &mut Findings<'_>,
) {
    let mut seen: Vec<&At<String>> = Vec::new();
    for name in names {
        if let Some(first) = seen.iter().find(|other| other.value == name.value) {
            findings.add_with(
                &codes::DUPLICATE_NAME,
                &name.span,
                format!("two {what} are named `{}`", name.value),
                ("the same name", "give each its own"),
                (&first.span, "first here"),
            );
        }
        seen.push(name);
    }
}

fn overlaps(routes: &[Route], findings: &mut Findings<'_>) {
    let all: Vec<(&Route, &At<Vec<PathSegment>>)> =
        routes.iter().filter_map(|route| Some((route, route.path.as_ref()?))).collect();
    for (i, (later, path)) in all.iter().enumerate() {
        for (earlier, other) in all.iter().take(i) {
            let shared =
                later.methods.iter().any(|one| earlier.methods.iter().any(|other| other.value == one.value));
            if shared && overlap(&path.value, &other.value) {
                findings.add_with(
                    &codes::OVERLAPPING_ROUTES,
                    &path.span,
                    format!("a request could match `{}` and `{}`", earlier.path_text, later.path_text),
                    ("overlaps", "make the paths differ, or the patterns exclude each other"),
                    (&other.span, "with this"),
                );
            }
        }
    }
}

/// Whether some path fits both.
fn overlap(one: &[PathSegment], other: &[PathSegment]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| meet(a, b))
}

fn meet(one: &PathSegment, other: &PathSegment) -> bool {
    match (one, other) {
        (PathSegment::Literal(a), PathSegment::Literal(b)) => a == b,
        (PathSegment::Literal(text), PathSegment::Named { wanted, .. })
        | (PathSegment::Named { wanted, .. }, PathSegment::Literal(text)) => match wanted {
            Wanted::Pattern(pattern) => could_fit(pattern, text),
            Wanted::Pseudonym(_) => Scheme::could_be_resolved(text),
        },
        (PathSegment::Named { wanted: a, .. }, PathSegment::Named { wanted: b, .. }) => match (a, b) {
            (Wanted::Pattern(a), Wanted::Pattern(b)) => meet_patterns(a, b),
            (Wanted::Pattern(pattern), Wanted::Pseudonym(_))
            | (Wanted::Pseudonym(_), Wanted::Pattern(pattern)) => match pattern {
                Pattern::OneOf(words) => words.iter().any(|word| Scheme::could_be_resolved(word)),
                Pattern::Word | Pattern::Token => true,
                Pattern::Date | Pattern::FhirDate | Pattern::Instant | Pattern::Integer | Pattern::Uuid => {
                    false
                }
            },
            (Wanted::Pseudonym(_), Wanted::Pseudonym(_)) => true,
        },
    }
}

fn meet_patterns(one: &Pattern, other: &Pattern) -> bool {
    match (one, other) {
        (Pattern::OneOf(words), pattern) | (pattern, Pattern::OneOf(words)) => {
            words.iter().any(|text| could_fit(pattern, text))
        }
        (a, b) => !(has_dashes(a) && *b == Pattern::Integer || has_dashes(b) && *a == Pattern::Integer),
    }
}

const fn has_dashes(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Date | Pattern::Uuid)
}

/// Whether `text` may fit; `false` only where it surely does not.
fn could_fit(pattern: &Pattern, text: &str) -> bool {
    let of = |allowed: fn(char) -> bool| text.chars().all(allowed);
    match pattern {
        Pattern::Date => text.len() == 10 && of(|c| c.is_ascii_digit() || c == '-'),
        Pattern::Integer => text.len() <= 9 && of(|c| c.is_ascii_digit()),
        Pattern::Uuid => text.len() == 36 && of(|c| c.is_ascii_hexdigit() || c == '-'),
        Pattern::Word => {
            text.len() <= 64 && of(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        }
        Pattern::OneOf(words) => words.iter().any(|word| word == text),
        Pattern::FhirDate | Pattern::Instant | Pattern::Token => true,
    }
}

fn shapes(policy: &Policy, findings: &mut Findings<'_>) {
    let named = policy.shapes.iter().filter_map(|shape| shape.name.as_ref());
    let known: Vec<&str> = named.map(|name| name.value.as_str()).collect();
    let listed = || listed(policy);
    // A shape whose name could not be read may be the one.
    if known.len() == policy.shapes.len() {
        for name in listed().filter(|name| !known.contains(&name.value.as_str())) {
            let known: Vec<&str> =
                known.iter().copied().chain(policy.offered.iter().map(String::as_str)).collect();
            unknown(&codes::UNKNOWN_SHAPE, "shape", name, &known, findings);
        }
    }
    let own = policy.shapes.iter().filter(|shape| !is_included(&shape.header));
    for name in own.filter_map(|shape| shape.name.as_ref()) {
        if !listed().any(|used| used.value == name.value) {
            let message = format!("no route uses the shape `{}`", name.value);
            let help = format!("list it: `shapes = [\"{}\"]` under `[route.response]`", name.value);
            findings.add(&codes::UNUSED_SHAPE, &name.span, message, "has no effect", help);
        }
    }
}

pub(super) fn unknown(
    code: &'static Code,
    what: &str,
    name: &At<String>,
    known: &[&str],
    findings: &mut Findings<'_>,
) {
    let near = known.iter().find(|one| one.eq_ignore_ascii_case(&name.value)).copied();
    let help = match near.or_else(|| nearest(&name.value, known.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("this file has no {what}s"),
        None => format!("this file has `{}`", known.join("`, `")),
    };
    findings.add(
        code,
        &name.span,
        format!("there is no {what} `{}`", name.value),
        format!("unknown {what}"),
        help,
    );
}

/// Every name of a shape that a route or a rule lists.
pub(super) fn listed(policy: &Policy) -> impl Iterator<Item = &At<String>> {
    let by_routes = policy.routes.iter().flat_map(|route| &route.response.shapes);
    by_routes.chain(members::rules(policy).flat_map(|rule| &rule.shapes))
}

/// The shapes that apply to a response, or to documents that are decoded of it.
pub(super) fn all_shapes<'p>(policy: &'p Policy, response: &'p Response) -> Vec<&'p Shape> {
    let mut all: Vec<&Shape> = used_shapes(policy, response).collect();
    let rules = all.iter().flat_map(|shape| &shape.rules).chain(&response.rules);
    let decoded: Vec<&str> = rules.flat_map(|rule| &rule.shapes).map(|name| name.value.as_str()).collect();
    let is_new = |shape: &&Shape| !all.iter().any(|one| std::ptr::eq(*one, *shape));
    let is_decoded = |shape: &&Shape| shape.name.as_ref().is_some_and(|name| decoded.contains(&&*name.value));
    let more: Vec<&Shape> = policy.shapes.iter().filter(|one| is_decoded(one) && is_new(one)).collect();
    all.extend(more);
    all
}

/// The shapes that apply to a response itself.
pub(super) fn used_shapes<'p>(policy: &'p Policy, response: &'p Response) -> impl Iterator<Item = &'p Shape> {
    policy.shapes.iter().filter(|shape| {
        let name = shape.name.as_ref().map(|name| name.value.as_str());
        response.shapes.iter().any(|used| Some(used.value.as_str()) == name)
    })
}

/// The rules of these shapes and of a response that are `wanted`, with their locations from the document's root.
pub(super) fn placed<'p>(
    shapes: impl IntoIterator<Item = &'p Shape>,
    response: &'p Response,
    wanted: impl Fn(&Rule) -> bool,
) -> Vec<(Location, &'p Rule)> {
    let root = Location::default();
    let mut all = Vec::new();
    let of_shapes = shapes.into_iter().flat_map(|shape| shape.at.iter().map(move |at| (at, &shape.rules)));
    for (at, rules) in of_shapes.chain([(&root, &response.rules)]) {
        let wanted = rules.iter().filter(|rule| wanted(rule));
        all.extend(wanted.map(|rule| (at.join(&rule.location.value), rule)));
    }
    all
}

/// That either the response or each of its shapes says whose data it is.
fn subject(policy: &Policy, response: &Response, findings: &mut Findings<'_>) {
    const HELP: &str = "add `subject = [\"$.patient.cpr\"]`, within the record, or `no-subject = \"reason\"`";
    if !matches!(response.subject, Subject::Unsaid) {
        return;
    }
    if response.shapes.is_empty() {
        let message = "it is not said whose data the records are";
        findings.add(&codes::SUBJECT_UNSAID, &response.header, message, "no `subject`", HELP);
    }
    let unsaid = |shape: &&Shape| matches!(shape.subject, Subject::Unsaid);
    for shape in all_shapes(policy, response).into_iter().filter(unsaid) {
        let message = "neither the shape nor the response says whose data this is";
        findings.add_with(
            &codes::SUBJECT_UNSAID,
            &shape.header,
            message,
            ("no `subject`", HELP),
            (&response.header, "used here, where none is said either"),
        );
    }
}

fn disclosure(policy: &Policy, response: &Response, findings: &mut Findings<'_>) {
    let rules = used_shapes(policy, response).flat_map(|shape| &shape.rules).chain(&response.rules);
    let says_something = rules.into_iter().any(|rule| rule.action.value != Action::Withhold);
    if !says_something && !has_unread(policy, response) {
        let help = "name what may leave under `[route.response.members]`, or list a shape";
        let message = "this route discloses nothing";
        findings.add(&codes::NOTHING_DISCLOSED, &response.header, message, "every response is empty", help);
    }
}

/// Whether rules of the response or its shapes could not be read: then what no rule says means
/// nothing.
fn has_unread(policy: &Policy, response: &Response) -> bool {
    let unknown_shapes = response.shapes.len() > used_shapes(policy, response).count();
    response.has_unread || unknown_shapes || used_shapes(policy, response).any(|shape| shape.has_unread)
}

/// That a query selects only on what is kept as it came.
fn selection(policy: &Policy, response: &Response, query: &Query, findings: &mut Findings<'_>) {
    let Some(selects) = &query.selects else { return };
    let rules = placed(used_shapes(policy, response), response, |_| true);
    let at = &selects.value.steps;
    let verdict = rules.iter().find_map(|(location, rule)| {
        let how = weakened(&rule.action.value)?;
        location.meets(&selects.value).then_some((*rule, how))
    });
    let kept = rules.iter().any(|(location, rule)| {
        matches!(rule.action.value, Action::Keep(_)) && includes(&location.steps, at)
    });
    let message = format!("`{}` selects on what is not disclosed as it is", query.name.value);
    let help = "asking for a value and seeing what comes back would reveal it: keep the member, or take \
                the parameter out";
    match verdict {
        Some((rule, how)) => findings.add_with(
            &codes::SELECTS_ON_WITHHELD,
            &selects.span,
            message,
            (&format!("this member is {how}"), help),
            (&rule.location.span, "here"),
        ),
        None if !kept && !has_unread(policy, response) => {
            let label = "no rule keeps this member";
            findings.add(&codes::SELECTS_ON_WITHHELD, &selects.span, message, label, help);
        }
        None => {}
    }
}

/// Whether all that `at` matches stands where `rule` does, or below.
fn includes(rule: &[Step], at: &[Step]) -> bool {
    let step = |(rule, at): (&Step, &Step)| *rule == Step::Wildcard || rule == at;
    rule.len() <= at.len() && rule.iter().zip(at).all(step)
}

const fn weakened(action: &Action) -> Option<&'static str> {
    match action {
        Action::Keep(_) => None,
        Action::Withhold => Some("withheld"),
        Action::Pseudonymise(_) => Some("pseudonymised"),
        Action::Mask(_) => Some("masked"),
        Action::Generalise(_) => Some("generalised"),
        Action::Round(_) => Some("rounded"),
        Action::Shift(_) => Some("shifted"),
        Action::Replace(_) => Some("replaced"),
        Action::Scan(_) => Some("scanned"),
        Action::Count => Some("corrected"),
        Action::Resolve(_) => Some("resolved"),
        Action::Url(_) => Some("remade"),
        Action::Decode(_) => Some("scanned"),
        Action::DecodeJson(_) => Some("rewritten inside"),
    }
}

fn check_test(policy: &Policy, test: &Test, findings: &mut Findings<'_>) {
    let known: Vec<&str> = policy
        .routes
        .iter()
        .filter_map(|route| route.name.as_ref())
        .map(|name| name.value.as_str())
        .collect();
    let all_read = known.len() == policy.routes.len();
    let unknown_route = test.route.as_ref().filter(|route| !known.contains(&route.value.as_str()));
    if let Some(route) = unknown_route.filter(|_| all_read) {
        unknown(&codes::UNKNOWN_ROUTE, "route", route, &known, findings);
    }
    if !test.says_more {
        let help = "add `output = \"tests/….out.json\"` or `absent = [\"2512489996\"]`";
        findings.add(
            &codes::TEST_PROVES_NOTHING,
            &test.header,
            "this test proves nothing",
            "nothing is expected",
            help,
        );
    }
}

fn sizes(policy: &Policy, findings: &mut Findings<'_>) {
    let (Some(buffer), Some(response)) = (&policy.limits.buffer, &policy.limits.response) else { return };
    if response.value < buffer.value {
        findings.add_with(
            &codes::OUT_OF_RANGE,
            &response.span,
            "`response` is smaller than `buffer`",
            ("too small", "responses are buffered up to `buffer`, and stream from there up to `response`"),
            (&buffer.span, "smaller than this"),
        );
    }
}

/// An alarm that can never be given says nothing to its author, and neither does an answer to none.
fn novelty(policy: &Policy, findings: &mut Findings<'_>) {
    let limits = &policy.limits;
    match (&limits.novelty, &limits.novelty_answer, &limits.subjects) {
        (None, Some(answer), _) => findings.add(
            &codes::MISSING_NAME,
            &answer.span,
            "`novelty-answer` without `novelty`",
            "an answer to nothing",
            "add `novelty = \"200/hour\"`, or take this line out",
        ),
        (Some(novelty), _, Some(subjects)) if novelty.value > subjects.value => findings.add_with(
            &codes::OUT_OF_RANGE,
            &novelty.span,
            "`novelty` is larger than `subjects`",
            ("never reached", "fewer new people an hour than people a day"),
            (&subjects.span, "all that it is told about in a day"),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::checked::{Kind, Sought};

    fn keep(pattern: Pattern) -> PathSegment {
        PathSegment::Named { name: "x".into(), wanted: Wanted::Pattern(pattern) }
    }

    #[test]
    fn a_selection_needs_all_that_it_selects_on() {
        for (rule, at, all, some) in [
            ("$.a[*].b", "$.a[*].b", true, true),
            ("$.a", "$.a[*].b", true, true),
            ("$.a[*].b.c", "$.a[*].b", false, true),
            ("$.a[?@.x==1].b", "$.a[*].b", false, true),
            ("$.a[*].b", "$.a[?@.x==1].b", true, true),
            ("$.a[0].b", "$.a[*].b", false, true),
            ("$.a[*].b", "$.a[*].c", false, false),
        ] {
            let [rule, at] = [rule, at].map(|text| Location::parse(text).unwrap());
            assert_eq!((includes(&rule.steps, &at.steps), rule.meets(&at)), (all, some), "{rule} {at}");
        }
    }

    #[test]
    fn paths_meet_only_where_their_patterns_do() {
        let literal = |text: &str| PathSegment::Literal(text.into());
        let one_of = |word: &str| keep(Pattern::OneOf(vec![word.into()]));
        let resolve = || {
            let sought = Sought { kind: Kind::Cpr, system: None };
            PathSegment::Named { name: "x".into(), wanted: Wanted::Pseudonym(sought) }
        };
        let uuid = "0c4a6a6e-0b1f-4b7e-9e9a-6f3d3c3b2a19";
        let sealed = format!("{}x", Scheme::Sealed.prefix());
        let long = "a".repeat(65);
        for (one, other, wanted) in [
            (literal("a"), literal("a"), true),
            (literal("a"), literal("b"), false),
            (literal("a"), one_of("a"), true),
            (literal("a"), one_of("b"), false),
            (literal("2026-01-31"), keep(Pattern::Date), true),
            (literal("2026-01-3"), keep(Pattern::Date), false),
            (literal("2026-01-3x"), keep(Pattern::Date), false),
            (literal("2026"), keep(Pattern::FhirDate), true),
            (literal("12"), keep(Pattern::Integer), true),
            (literal("123456789"), keep(Pattern::Integer), true),
            (literal("1234567890"), keep(Pattern::Integer), false),
            (literal("1x"), keep(Pattern::Integer), false),
            (literal(uuid), keep(Pattern::Uuid), true),
            (literal("today"), keep(Pattern::Uuid), false),
            (literal(&uuid.replace('c', "x")), keep(Pattern::Uuid), false),
            (literal("0c4a6a6e"), keep(Pattern::Uuid), false),
            (literal("a-b.c_9"), keep(Pattern::Word), true),
            (literal("a:b"), keep(Pattern::Word), false),
            (literal(long.get(1..).unwrap_or_default()), keep(Pattern::Word), true),
            (literal(&long), keep(Pattern::Word), false),
            (keep(Pattern::Word), keep(Pattern::Uuid), true),
            (keep(Pattern::Integer), keep(Pattern::Uuid), false),
            (keep(Pattern::Date), keep(Pattern::Integer), false),
            (keep(Pattern::Date), keep(Pattern::Date), true),
            (keep(Pattern::Integer), keep(Pattern::Integer), true),
            (keep(Pattern::Integer), keep(Pattern::FhirDate), true),
            (one_of("a"), keep(Pattern::Integer), false),
            (one_of("7"), keep(Pattern::Integer), true),
            (resolve(), resolve(), true),
            (resolve(), keep(Pattern::Word), true),
            (resolve(), keep(Pattern::Uuid), false),
            (resolve(), one_of("search"), false),
            (resolve(), literal("search"), false),
            (resolve(), one_of(&sealed), true),
            (resolve(), literal(&sealed), true),
        ] {
            assert_eq!(meet(&one, &other), wanted, "{one:?} {other:?}");
            assert_eq!(meet(&other, &one), wanted, "{other:?} {one:?}");
        }
    }
}
