//! The policy that both follow: Patients and Observations as the peers of `docs/performance.md`
//! let them out, two thirds withheld.

use jiff::civil::date;
use tavs::identity::Presented;
use tavs::ids::{PolicyVersion, Purpose, RecipientId};
use tavs::policy::checked::{
    Action, Agreement, Category, Consent, CprInText, Generalise, Identity, Keep, Kind, Limits, Linkability,
    MediaType, Method, PathSegment, Policy, Pseudonyms, PurposeInfo, RecipientInfo, Relation, Response,
    Route, Rule, Shape, Subject, Transfer,
};
use tavs::policy::location::{Literal, Location};
use tavs::pseudonym::Scheme;

/// The pseudonymisation domain.
pub(crate) const DOMAIN: &str = "bench";

/// An action of this policy.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    Keep,
    Pseudonymise,
    Year,
}

/// Locations and actions for each resource type.
pub(crate) const SHAPES: &[(&str, &[(&str, Word)])] = &[
    (BUNDLE, &[("$.resourceType", Word::Keep), ("$.type", Word::Keep), ("$.total", Word::Keep)]),
    (
        "Patient",
        &[
            ("$.resourceType", Word::Keep),
            ("$.identifier[*].use", Word::Keep),
            ("$.identifier[*].system", Word::Keep),
            ("$.identifier[*].value", Word::Pseudonymise),
            ("$.active", Word::Keep),
            ("$.gender", Word::Keep),
            ("$.birthDate", Word::Year),
            ("$.maritalStatus.coding", Word::Keep),
            ("$.communication", Word::Keep),
        ],
    ),
    (
        "Observation",
        &[
            ("$.resourceType", Word::Keep),
            ("$.status", Word::Keep),
            ("$.category", Word::Keep),
            ("$.code", Word::Keep),
            ("$.subject.type", Word::Keep),
            ("$.subject.identifier.system", Word::Keep),
            ("$.subject.identifier.value", Word::Pseudonymise),
            ("$.effectiveDateTime", Word::Keep),
            ("$.valueQuantity", Word::Keep),
            ("$.interpretation", Word::Keep),
            ("$.referenceRange", Word::Keep),
            ("$.component", Word::Keep),
        ],
    ),
];

/// What stands around the resources.
pub(crate) const BUNDLE: &str = "Bundle";
/// Where the others stand, in a Bundle or alone.
pub(crate) const PLACES: &[&str] = &["$", "$.entry[*].resource"];

/// The same for tavs.
pub(crate) fn policy() -> Policy {
    let owned =
        |rules: &[(&str, Word)]| rules.iter().map(|(location, word)| ((*location).into(), *word)).collect();
    with_shapes(SHAPES.iter().map(|(kind, rules)| shape(kind, owned(rules))).collect())
}

/// A policy of these shapes.
pub(crate) fn with_shapes(shapes: Vec<Shape>) -> Policy {
    Policy {
        file: "bench.toml".into(),
        profiles: Vec::new(),
        version: PolicyVersion([0; 32]),
        recipient: RecipientInfo {
            id: RecipientId::new("bench"),
            name: "Bench ApS".into(),
            relation: Relation::Research,
            contact: "gdpr@example.invalid".into(),
        },
        identity: Identity {
            anchor: "partners".into(),
            presented: Presented::Uri("urn:tavs:recipient:bench".into()),
            token_sha256: None,
        },
        agreement: Agreement {
            reference: "DBA-1".into(),
            signed: date(2026, 1, 1),
            review: date(2027, 1, 1),
            expires: date(2028, 1, 1),
        },
        purpose: PurposeInfo {
            id: Purpose::new("bench"),
            category: Category::Service,
            basis: Vec::new(),
            consent: Consent::NotRequired,
            retention: "1 day".into(),
        },
        transfer: Transfer { country: "DK".into(), ground: None, expires: None },
        pseudonyms: Pseudonyms {
            domain: DOMAIN.into(),
            scheme: Scheme::Keyed,
            linkability: Linkability::Domain,
        },
        limits: Limits {
            requests_per_second: 1,
            burst: 1,
            concurrency: 1,
            subjects_per_day: None,
            novelty: None,
            novelty_answer: tavs::policy::checked::NoveltyAnswer::Alarm,
            absent: None,
            buffer: 1 << 21,
            response: 1 << 21,
        },
        cpr_in_text: CprInText::Mask,
        address_markers: Vec::new(),
        shapes,
        routes: vec![route()],
        extract: None,
        tests: Vec::new(),
    }
}

fn route() -> Route {
    Route {
        name: "bench".into(),
        methods: vec![Method::Get],
        path: vec![PathSegment::Literal("fhir".into())],
        path_text: "/fhir".into(),
        query: Vec::new(),
        upstream: "bench".into(),
        accept_clear: None,
        request: None,
        response: Response {
            record: None,
            subject: Subject::Nobody { reason: "only the rewriter is measured".into() },
            media_types: vec![MediaType::FhirJson],
            shapes: (0..SHAPES.len()).collect(),
            rules: Vec::new(),
            status_map: Vec::new(),
            base: Vec::new(),
            location: false,
        },
        line: 1,
    }
}

/// What a policy says of one resource type.
pub(crate) fn shape(kind: &str, rules: Vec<(String, Word)>) -> Shape {
    let places = if kind == BUNDLE { &PLACES[..1] } else { PLACES };
    Shape {
        name: kind.into(),
        at: places.iter().map(|place| Location::parse(place).unwrap()).collect(),
        when: vec![("resourceType".into(), Literal::String(kind.into()))],
        subject: Subject::Elsewhere,
        alias: Vec::new(),
        rules: rules
            .into_iter()
            .map(|(location, word)| Rule {
                location: Location::parse(&location).unwrap(),
                action: match word {
                    Word::Keep => Action::Keep(Keep::default()),
                    Word::Pseudonymise => Action::Pseudonymise(Kind::Cpr),
                    Word::Year => Action::Generalise(Generalise::Year { reference: None }),
                },
                span: 0..0,
                file: "bench.toml".into(),
                line: 1,
            })
            .collect(),
    }
}
