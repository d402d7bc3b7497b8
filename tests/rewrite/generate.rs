//! Policies and documents for the properties: a small vocabulary, so that rules hit, and values
//! that are hard to take.

use std::fmt;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tavs::json::Decimal;
use tavs::policy::checked::{
    Action, Basis, CodeSystem, CprInText, Epoch, EpochUnit, Generalise, Keep, Kind, Linkability, Mask,
    Policy, Precision, Round, Rule, Scan, Shape, Shift, Subject, Url,
};
use tavs::policy::location::{Comparison, Literal, Location, Step};
use tavs::policy::plan::{PlanError, mistakes};
use tavs::pseudonym::{Scheme, ValueKind};

use crate::build;
use crate::oracle::tree::quoted;

/// One generated policy with a document for it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) policy: Policy,
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", show(&self.policy))?;
        writeln!(f, "{}", String::from_utf8_lossy(&self.body))
    }
}

/// The policy much as one would write it.
pub(crate) fn show(policy: &Policy) -> String {
    let list =
        |locations: &[Location]| locations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let subject = |subject: &Subject| match subject {
        Subject::At(locations) => format!("subject = [{}]", list(locations)),
        Subject::Nobody { .. } => "no-subject".to_owned(),
        Subject::Elsewhere => "(subject elsewhere)".to_owned(),
    };
    let rules = |rules: &[Rule]| {
        rules.iter().map(|rule| format!("  \"{}\" = {:?}\n", rule.location, rule.action)).collect::<String>()
    };
    let response = &policy.routes[0].response;
    let mut text = format!("cpr = {:?}, pseudonyms = {:?}\n", policy.cpr_in_text, policy.pseudonyms);
    for shape in &policy.shapes {
        let when: Vec<String> = shape.when.iter().map(|(name, value)| format!("{name} == {value}")).collect();
        text += &format!(
            "[[shape]] at = [{}], when {}, {}\n",
            list(&shape.at),
            when.join(" && "),
            subject(&shape.subject)
        );
        text += &rules(&shape.rules);
    }
    let record = response.record.as_ref().map_or_else(|| "the document".to_owned(), ToString::to_string);
    text += &format!(
        "[route.response] record = {record}, {}\n{}",
        subject(&response.subject),
        rules(&response.rules)
    );
    text
}

/// A policy and a document that its rules are likely to hit; in some of which there are documents in base64.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    prop_oneof![4 => plain_case(), 1 => coded_case()]
}

/// Values that are put where a policy speaks of something.
type Grafts = Vec<(Index, Doc, Index)>;

fn grafts() -> impl Strategy<Value = Grafts> {
    vec((any::<Index>(), suited(), any::<Index>()), 0..12)
}

pub(crate) fn plain_case() -> impl Strategy<Value = Case> {
    (policy(), document(), grafts(), spaces()).prop_map(|(policy, mut document, grafts, spaces)| {
        graft_at(&mut document, &places(&policy), grafts);
        Case { policy, body: written(&document, &spaces).into_bytes() }
    })
}

fn graft_at(document: &mut Doc, places: &[(Vec<Step>, bool)], grafts: Grafts) {
    for (which, value, turn) in grafts {
        if !places.is_empty() {
            let (steps, is_subject) = &places[which.index(places.len())];
            let value = if *is_subject && turn.index(8) > 0 {
                Doc::Scalar(quoted(PERSONS[turn.index(PERSONS.len())]))
            } else {
                value
            };
            document.graft(steps, value, turn.index(1 << 16));
        }
    }
}

fn written(document: &Doc, spaces: &[u8]) -> String {
    let mut body = String::new();
    document.write(&mut body, &mut Spaces { pattern: spaces, at: 0 });
    body
}

/// A policy that decodes documents by its shapes, and a document with some of them.
pub(crate) fn coded_case() -> impl Strategy<Value = Case> {
    let place = select(&["$.data", "$.list[*].data", "$.a.data", "$[*]['data']"][..]);
    let base = || prop_oneof![1 => document(), 3 => Just(Doc::Object(Vec::new()))];
    let inner = vec((select(&LITERALS[..2]), base(), grafts(), spaces(), 0..12_u8), 1..4);
    (policy(), vec(inner_shape(), 1..3), place, inner, any::<bool>(), (base(), grafts())).prop_map(
        |(mut policy, shapes, place, inner, are_listed, (mut document, around))| {
            policy.shapes = shapes;
            for (shape, name) in policy.shapes.iter_mut().zip(SHAPES) {
                (*name).clone_into(&mut shape.name);
            }
            let response = &mut policy.routes[0].response;
            response.shapes = if are_listed { (0..policy.shapes.len()).collect() } else { Vec::new() };
            let all = policy.shapes.iter().map(|shape| shape.name.clone()).collect();
            // The first of two rules in conflict is the one that stays.
            response.rules.insert(0, build::rule(place, Action::DecodeJson(all)));
            without_conflicts(&mut policy);
            graft_at(&mut document, &places(&policy), around);
            let mut shapes_only = policy.clone();
            shapes_only.routes[0].response = build::response(Vec::new());
            for (at, (kind, mut inner, grafts, spaces, how)) in inner.into_iter().enumerate() {
                inner.graft(&build::at("$.kind").steps, Doc::Scalar(quoted(kind)), 0);
                graft_at(&mut inner, &places(&shapes_only), grafts);
                let coded = data_encoding::BASE64.encode(written(&inner, &spaces).as_bytes());
                let coded = match how {
                    0 => format!(" {coded}\n"),
                    1 => data_encoding::BASE64.encode(coded.as_bytes()),
                    _ => coded,
                };
                document.graft(&build::at(place).steps, Doc::Scalar(quoted(&coded)), at);
            }
            Case { policy, body: written(&document, &[]).into_bytes() }
        },
    )
}

fn inner_shape() -> impl Strategy<Value = Shape> {
    const PLACES: &[&[&str]] = &[&["$"], &["$", "$.list[*]"], &["$.list[*]"]];
    let places = select(PLACES);
    (shape(), places, select(&LITERALS[..2])).prop_map(|(shape, places, kind)| Shape {
        at: places.iter().map(|place| build::at(place)).collect(),
        when: vec![("kind".to_owned(), Literal::String(kind.to_owned()))],
        ..shape
    })
}

/// Every place that the policy speaks of, from the root, and whether it says whose data it is.
fn places(policy: &Policy) -> Vec<(Vec<Step>, bool)> {
    let response = &policy.routes[0].response;
    let mut places: Vec<(Vec<Step>, bool)> =
        response.rules.iter().map(|rule| (rule.location.steps.clone(), false)).collect();
    if let Subject::At(locations) = &response.subject {
        let record = response.record.clone().unwrap_or_default();
        // twice as likely: most records should have one
        places.extend(locations.iter().chain(locations).map(|location| (record.join(location).steps, true)));
    }
    for shape in &policy.shapes {
        for at in &shape.at {
            places.extend(shape.rules.iter().map(|rule| (at.join(&rule.location).steps, false)));
            for (name, literal) in &shape.when {
                let filter = Comparison { member: name.clone(), equal: true, literal: literal.clone() };
                let mut steps = at.steps.clone();
                if steps.is_empty() {
                    continue;
                }
                steps.pop();
                steps.push(Step::Filter(vec![filter]));
                places.push((steps, false));
            }
            if let Subject::At(locations) = &shape.subject {
                places.extend(locations.iter().map(|location| (at.join(location).steps, true)));
            }
        }
    }
    places
}

// ---- policies ----

const NAMES: &[&str] =
    &["a", "b", "c", "id", "cpr", "navn", "list", "system", "value", "kind", "æ ø", "x\"y\\", "\u{1}"];
/// The names of a policy's shapes, in order.
const SHAPES: &[&str] = &["first", "second"];
const LITERALS: &[&str] = &["x", "y", "Patient", "Observation"];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => select(&NAMES[..6]),
        4 => select(NAMES),
    ]
    .prop_map(str::to_owned)
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        6 => select(LITERALS).prop_map(|text| Literal::String(text.to_owned())),
        1 => (0..3_i64).prop_map(Literal::Integer),
        1 => any::<bool>().prop_map(Literal::Bool),
        1 => Just(Literal::Null),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    (select(&["kind", "system", "a"][..]), prop::bool::weighted(0.75), literal())
        .prop_map(|(member, equal, literal)| Comparison { member: member.to_owned(), equal, literal })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => name().prop_map(Step::Name),
        3 => Just(Step::Wildcard),
        1 => (0..3_u32).prop_map(Step::Index),
        2 => vec(comparison(), 1..3).prop_map(Step::Filter),
    ]
}

pub(crate) fn location(steps: std::ops::Range<usize>) -> impl Strategy<Value = Location> {
    vec(step(), steps).prop_map(|steps| Location { steps })
}

fn keep() -> impl Strategy<Value = Keep> {
    let rarely = || prop::bool::weighted(0.1);
    (rarely(), rarely(), weighted(0.1, Just("dbl-11-2-3")), rarely()).prop_map(
        |(number_not_cpr, unscanned, clear_cpr, string_not_cpr)| Keep {
            number_not_cpr,
            unscanned,
            clear_cpr,
            string_not_cpr,
        },
    )
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        18 => keep().prop_map(Action::Keep),
        1 => Just(Action::Withhold),
        6 => kind().prop_map(Action::Pseudonymise),
        2 => select(&[Mask::FirstWord, Mask::Initials, Mask::Last4, Mask::All, Mask::Email, Mask::Cpr][..]).prop_map(Action::Mask),
        3 => generalise().prop_map(Action::Generalise),
        1 => round().prop_map(Action::Round),
        2 => shift().prop_map(Action::Shift),
        1 => select(&["\"urn:x\"", "1", "2.50", "true", "\"\\u0001\""][..]).prop_map(|text| Action::Replace(text.to_owned())),
        1 => Just(Action::Count),
        1 => Just(Action::Url(Url::Route)),
        2 => (any::<bool>(), any::<bool>(), vec(location(1..3), 0..2))
            .prop_map(|(phone, email, names)| Action::Scan(Scan { phone, email, names })),
        2 => (any::<bool>(), vec(location(1..3), 0..2))
            .prop_map(|(phone, names)| Action::Decode(Scan { phone, email: true, names })),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Cpr),
        select(&["", "Patient"][..])
            .prop_map(|resource_type| Kind::Id { resource_type: resource_type.to_owned() }),
        Just(Kind::Reference),
        select(&[ValueKind::Phone, ValueKind::Email, ValueKind::Text][..]).prop_map(Kind::Value),
    ]
}

fn generalise() -> impl Strategy<Value = Generalise> {
    let day = jiff::civil::date(2026, 1, 1);
    select(vec![
        Generalise::Year { reference: None },
        Generalise::Year { reference: Some(day) },
        Generalise::Month,
        Generalise::Week,
        Generalise::Decade { reference: None },
        Generalise::Decade { reference: Some(day) },
        Generalise::Age { reference: day },
        Generalise::AgeBand { width: 5, reference: day },
        Generalise::AgeBand { width: 10, reference: day },
        Generalise::Step(decimal("5")),
        Generalise::Step(decimal("0.25")),
        Generalise::Bands(vec![decimal("0"), decimal("18"), decimal("65.5")]),
        Generalise::PostcodeRegion { reference: day },
        Generalise::PostcodeRegion { reference: jiff::civil::date(2027, 1, 1) },
        Generalise::Postcode2,
        Generalise::CodePrefix { system: CodeSystem::Icd10, length: 3 },
        Generalise::CodePrefix { system: CodeSystem::Sks, length: 4 },
        Generalise::CodePrefix { system: CodeSystem::Icpc2, length: 1 },
        Generalise::CodePrefix { system: CodeSystem::Atc, length: 5 },
    ])
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn round() -> impl Strategy<Value = Round> {
    let instant = (select(&[Precision::Hour, Precision::Day][..]), weighted(0.5, epoch()))
        .prop_map(|(to, epoch)| Round::Instant { to, epoch });
    prop_oneof![2 => instant, 1 => select(&[0, 1, 3][..]).prop_map(Round::Digits)]
}

fn shift() -> impl Strategy<Value = Shift> {
    (select(&[1, 10, 182][..]), any::<bool>(), any::<bool>(), weighted(0.2, epoch())).prop_map(
        |(days, weekday, time_of_day, epoch)| Shift {
            days: if weekday { days.max(7) } else { days },
            weekday,
            time_of_day,
            epoch,
        },
    )
}

fn epoch() -> impl Strategy<Value = Epoch> {
    (select(&[EpochUnit::Seconds, EpochUnit::Milliseconds][..]), any::<bool>())
        .prop_map(|(unit, number_not_cpr)| Epoch { unit, number_not_cpr })
}

fn rules(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Rule>> {
    let rule = (location(1..4), action()).prop_map(|(location, action)| Rule {
        location,
        action,
        span: 0..0,
        file: "test.toml".into(),
        line: 1,
    });
    vec(rule, count)
}

pub(crate) fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        6 => Just(Subject::Nobody { reason: "generated".into() }),
        1 => vec(location(1..3), 1..2).prop_map(Subject::At),
        1 => select(&["$.cpr", "$.a.cpr", "$[*].cpr"][..]).prop_map(|text| Subject::At(vec![build::at(text)])),
        1 => Just(Subject::Elsewhere),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        prop_oneof![
            3 => Just(vec![build::at("$.list[*]")]),
            2 => Just(vec![build::at("$"), build::at("$.list[*].a")]),
            1 => location(0..3).prop_map(|location| vec![location]),
        ],
        prop_oneof![
            4 => select(LITERALS).prop_map(|text| vec![("kind".to_owned(), Literal::String(text.to_owned()))]),
            1 => vec((select(&["kind", "a", "system"][..]).prop_map(str::to_owned), literal()), 1..3),
        ],
        subject(),
        rules(1..4),
    )
        .prop_map(|(at, when, subject, rules)| Shape {
            name: "generated".into(),
            at,
            when,
            subject,
            alias: Vec::new(),
            rules,
        })
}

/// A policy that compiles: rules that conflict with others are left out.
pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    (
        select(&[CprInText::Mask, CprInText::Mask, CprInText::Pseudonymise, CprInText::Refuse][..]),
        select(
            &[
                (Scheme::Keyed, Linkability::Domain),
                (Scheme::Keyed, Linkability::Document),
                (Scheme::Keyed, Linkability::None),
                (Scheme::Sealed, Linkability::Domain),
                (Scheme::Sealed, Linkability::Document),
                (Scheme::Sealed, Linkability::None),
                (Scheme::Digits, Linkability::Domain),
            ][..],
        ),
        vec(shape(), 0..3),
        weighted(0.5, prop_oneof![Just(build::at("$.list[*]")), Just(build::at("$[*]")), location(1..3)]),
        subject(),
        rules(1..6),
        (vec(location(1..3), 0..2), prop::bool::weighted(0.1)),
    )
        .prop_map(|(cpr_in_text, mut made, shapes, record, subject, rules, (markers, treatment))| {
            if made == (Scheme::Keyed, Linkability::Domain) && rules.len().is_multiple_of(2) {
                made = (Scheme::Table, Linkability::Domain);
            }
            let mut response = build::response(rules);
            response.record = record;
            response.subject = subject;
            let mut policy = build::policy("generated", made, cpr_in_text, shapes, response);
            for (shape, name) in policy.shapes.iter_mut().zip(SHAPES) {
                (*name).clone_into(&mut shape.name);
            }
            policy.address_markers = markers;
            if treatment {
                policy.purpose.basis = vec![Basis { id: "sul-41", health: true }];
            }
            without_conflicts(&mut policy);
            policy
        })
}

pub(crate) fn without_conflicts(policy: &mut Policy) {
    loop {
        let wrong = match mistakes(policy, &policy.routes[0]).into_iter().next() {
            None => return,
            Some(PlanError::Conflict(conflict)) => conflict.second,
            Some(PlanError::TooManyCombinations { rule, .. }) => rule,
            Some(other) => panic!("{other}"),
        };
        match wrong.shape {
            None => drop(policy.routes[0].response.rules.remove(wrong.rule)),
            Some(shape) => drop(policy.shapes[shape].rules.remove(wrong.rule)),
        }
    }
}

// ---- documents ----

/// A document before it is written. Names and scalars are JSON text already.
#[derive(Debug, Clone)]
pub(crate) enum Doc {
    Scalar(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Where insignificant whitespace goes, and which.
pub(crate) struct Spaces<'a> {
    pub(crate) pattern: &'a [u8],
    pub(crate) at: usize,
}

impl Spaces<'_> {
    fn next(&mut self, out: &mut String) {
        if self.pattern.is_empty() {
            return;
        }
        out.push_str(
            ["", "", "", "", " ", "\n", "\t\r ", ""]
                [usize::from(self.pattern[self.at % self.pattern.len()] % 8)],
        );
        self.at += 1;
    }
}

impl Doc {
    pub(crate) fn write(&self, out: &mut String, spaces: &mut Spaces<'_>) {
        spaces.next(out);
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    element.write(out, spaces);
                }
                spaces.next(out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    spaces.next(out);
                    out.push_str(name);
                    spaces.next(out);
                    out.push(':');
                    value.write(out, spaces);
                }
                spaces.next(out);
                out.push('}');
            }
        }
        spaces.next(out);
    }

    /// Puts a value where the steps lead, making what is missing on the way.
    fn graft(&mut self, steps: &[Step], value: Self, turn: usize) {
        let Some((first, rest)) = steps.split_first() else {
            *self = value;
            return;
        };
        let is_object = match first {
            Step::Name(_) => true,
            Step::Index(_) => false,
            Step::Wildcard | Step::Filter(_) => matches!(self, Self::Object(_)) || turn.is_multiple_of(5),
        };
        match self {
            Self::Object(_) if is_object => {}
            Self::Array(_) if !is_object => {}
            _ => *self = if is_object { Self::Object(Vec::new()) } else { Self::Array(Vec::new()) },
        }
        let child = match self {
            Self::Object(members) => {
                let name = match first {
                    Step::Name(name) => quoted(name),
                    _ => quoted(NAMES[turn % 5]),
                };
                Self::of_name(members, name)
            }
            Self::Array(elements) => {
                let index = match first {
                    Step::Index(index) => usize::try_from(*index).unwrap(),
                    _ => turn % 3,
                };
                while elements.len() <= index {
                    elements.push(Self::Scalar("null".to_owned()));
                }
                &mut elements[index]
            }
            Self::Scalar(_) => unreachable!("made a container above"),
        };
        if let Step::Filter(all) = first {
            for one in all.iter().filter(|one| one.equal != turn.is_multiple_of(7)) {
                if !matches!(child, Self::Object(_)) {
                    *child = Self::Object(Vec::new());
                }
                if let Self::Object(members) = child {
                    *Self::of_name(members, quoted(&one.member)) = Self::Scalar(match &one.literal {
                        Literal::String(text) => quoted(text),
                        other => other.to_string(),
                    });
                }
            }
            if rest.is_empty() {
                return;
            }
        }
        child.graft(rest, value, turn / 3);
    }

    fn of_name(members: &mut Vec<(String, Self)>, name: String) -> &mut Self {
        let at = members.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            members.push((name, Self::Object(Vec::new())));
            members.len() - 1
        });
        &mut members[at].1
    }
}

/// Numbers of no living person: official test numbers, a replacement number, e-CPRs.
pub(crate) const PERSONS: &[&str] =
    &["2512489996", "2509479989", "0201609995", "0504909995", "6704909995", "0703921VJ4", "1206550VK9"];

/// Ways to write a ten-digit number into text.
const FORMS: &[fn(&str) -> String] = &[
    str::to_owned,
    |n| format!("{}-{}", &n[..6], &n[6..]),
    |n| format!("{} {}", &n[..6], &n[6..]),
    |n| format!("{}\u{a0}{}", &n[..6], &n[6..]),
    |n| format!("{}\u{2013}{}", &n[..6], &n[6..]),
    |n| format!("{} - {}", &n[..6], &n[6..]),
    |n| format!("{} {} {}-{}", &n[..2], &n[2..4], &n[4..6], &n[6..]),
    |n| format!("{}\u{ad}{}", &n[..6], &n[6..]),
    |n| format!("CPR {}-{}, igen {n}.", &n[..6], &n[6..]),
    |n| format!("urn:oid:1.2.208.176.1.2#{n}"),
    |n| format!("urn%3Aoid%3A1.2.208.176.1.2%7C{n}"),
    |n| format!("{}&#45;{}", &n[..6], &n[6..]),
    |n| format!("{}&nbsp;{}", &n[..6], &n[6..]),
    |n| format!("labsvar_{n}.pdf"),
    |n| format!("{{\"cpr\":\"{n}\"}}"),
    |n| n.to_lowercase(),
    |n| data_encoding::BASE64.encode(format!("Patienten har {n}").as_bytes()),
    |n| data_encoding::HEXLOWER.encode(format!("cpr {n}").as_bytes()),
    |n| n.chars().map(|c| c.to_digit(10).map_or(c, |d| char::from_u32(0xff10 + d).unwrap())).collect(),
    |n| n.chars().flat_map(|c| [c, '\u{200b}']).collect(),
    |n| format!("Patient/{n}"),
    |n| format!("{n}@example.invalid"),
];

fn with_person() -> impl Strategy<Value = String> {
    (select(FORMS), select(PERSONS)).prop_map(|(form, number)| form(number))
}

const TEXTS: &[&str] = &[
    "",
    "x",
    "y",
    "Patient",
    "Observation",
    "Nancy Ann Berggren",
    "  Magnus  Lauridsen ",
    "Mikkel",
    "æøå 🙂",
    "1948-12-25",
    "1948-12",
    "1948",
    "1931-01-01",
    "2026-03-04T10:00:00+01:00",
    "2026-03-04T23:59:60Z",
    "2026-02-30",
    "48-12-25",
    "2026-03-04T10:00",
    "2026-03-04T23:20:31.123-05:30",
    "8000",
    "DK-2100",
    "3900",
    "FO-100",
    "E11.9",
    "DE119",
    "T90",
    "A10BA02",
    "A10B",
    "-2.75",
    "64.999",
    "1e3",
    "251248.99951",
    "Patient/123",
    "Patient/a-b.c/_history/2",
    "https://ehr.example/fhir/Patient/123",
    "#p1",
    "urn:uuid:4bd5e7f0-6a3b-4b3a-9f57-0b3f5c1d2e3f",
    "Patient/",
    "patient/1",
    "/generated",
    "https://emr.example/generated",
    "generated?x=1",
    "0000000000",
    "000000-0000",
    "3102509000",
    "+45 20 12 34 56",
    "ring 20123456 nu",
    "nancy@example.invalid",
    "+45 20-12-34-56",
    "4520123456",
    "Nancy@Example.Invalid",
    "A\u{30a}ge  Berg",
    "Åge Berg",
    "Nancy skrev: nancy@example.invalid, tlf. 20 12 34 56",
    "AAECAwQFBgcICQoLDA0ODw==",
    "00010203040506070809",
    "4bd5e7f0-6a3b-4b3a-9f57-0b3f5c1d2e3f",
    "Sm91cm5hbCBmb3IgTmFuY3ksIGtvbnRyb2xsZXJldA==",
    "TmFuY3ksIGNwciAyNTEyNDgtOTk5NiwgdGxmLiAyMCAxMiAzNCA1Ng==",
    "U2tyaXYgdGlsCmFAYi5kawo=",
    "JVBERi0xLjcgMjUxMjQ4OTk5Ng==",
    "<b>fed & dum</b>",
    "kontonummer 1234567890123456",
    "a\"b\\c\n\u{1}\u{7f}",
    "\u{2028}",
    "tvk1-bcdfghjklmnpqrstbcdfghjklmnpqrst",
];

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "2",
    "1.0",
    "1e0",
    "2.50",
    "-1.5E+10",
    "12345678",
    "20123456",
    "2512489996",
    "504909995",
    "2512489996.0",
    "2.512489996e9",
    "-2512489996",
    "25124899960e-1",
    "123456789012",
    "1e400",
    "1E-400",
    "0.0000000000000000001",
    "123456789",
    "1234567890",
    "6704909995",
    "1772612345",
    "1712000000.5",
    "1772612345678",
    "253402300799999",
    "8000",
    "100",
    "-2.749",
    "65.50",
    "0.05",
    "251248.99951",
    "999999999999999999.9",
    "25e-1",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(TEXTS).prop_map(str::to_owned),
        3 => with_person(),
        1 => ".{0,10}",
        1 => (with_person(), with_person()).prop_map(|(one, two)| format!("{one} og {two}")),
    ]
}

/// A string as JSON, with more escapes than needed where the pattern says so.
fn escaped(text: &str, pattern: &[u8]) -> String {
    let plain = quoted(text);
    if pattern.is_empty() || plain.contains('\\') {
        return plain;
    }
    let mut out = String::from("\"");
    for (i, c) in text.chars().enumerate() {
        match pattern[i % pattern.len()] % 16 {
            0 => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            1 => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}"))),
            _ if c == '/' => out.push_str("\\/"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn string() -> impl Strategy<Value = String> {
    (text(), prop_oneof![2 => Just(Vec::new()), 1 => vec(any::<u8>(), 1..5)])
        .prop_map(|(text, pattern)| escaped(&text, &pattern))
}

fn scalar() -> impl Strategy<Value = Doc> {
    prop_oneof![
        8 => string(),
        3 => select(NUMBERS).prop_map(str::to_owned),
        2 => select(&["true", "false", "null"][..]).prop_map(str::to_owned),
    ]
    .prop_map(Doc::Scalar)
}

fn member_name() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => name().prop_map(|name| quoted(&name)),
        2 => (name(), vec(any::<u8>(), 1..3)).prop_map(|(name, pattern)| escaped(&name, &pattern)),
        1 => string(),
    ]
}

fn document() -> impl Strategy<Value = Doc> {
    scalar().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            3 => vec((member_name(), inner.clone()), 0..6).prop_map(without_most_duplicates).prop_map(Doc::Object),
            2 => vec(inner, 0..4).prop_map(Doc::Array),
        ]
    })
}

/// Duplicates are refused; few documents should be.
fn without_most_duplicates(mut members: Vec<(String, Doc)>) -> Vec<(String, Doc)> {
    let spared = members.len() == 5 && members[0].0.len() > 3;
    let mut seen: Vec<String> = Vec::new();
    members.retain(|(raw, _)| {
        let name: String = serde_json::from_str(raw).unwrap();
        let new = !seen.contains(&name);
        seen.push(name);
        new || spared
    });
    members
}

/// A value that some action can take.
fn suited() -> impl Strategy<Value = Doc> {
    prop_oneof![
        8 => scalar(),
        5 => select(PERSONS).prop_map(|number| Doc::Scalar(quoted(number))),
        3 => select(TEXTS).prop_map(|text| Doc::Scalar(quoted(text))),
        1 => document(),
        1 => (select(&["\"R\"", "\"N\"", "[\"v\"]", "\"\\u0052\""][..]), select(&["security", "s\\u0065curity", "tag"][..]), any::<bool>())
            .prop_map(|(code, name, list)| {
                let coding = Doc::Object(vec![("\"code\"".to_owned(), Doc::Scalar(code.to_owned()))]);
                let security = if list { Doc::Array(vec![coding]) } else { coding };
                let meta = Doc::Object(vec![(format!("\"{name}\""), security)]);
                Doc::Object(vec![
                    ("\"navn\"".to_owned(), Doc::Scalar("\"Nancy\"".to_owned())),
                    ("\"meta\"".to_owned(), meta),
                ])
            }),
    ]
}

fn spaces() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(any::<u8>(), 1..9)]
}
