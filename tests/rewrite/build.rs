//! Checked policies made by hand: only what the rewriter looks at differs.

use jiff::civil::date;
use tavs::identity::Presented;
use tavs::ids::{PolicyVersion, Purpose, RecipientId};
use tavs::policy::checked::{
    Action, Agreement, Category, Consent, CprInText, Identity, Limits, Linkability, MediaType, Method,
    PathSegment, Policy, Pseudonyms, PurposeInfo, RecipientInfo, Relation, Response, Route, Rule, Shape,
    Subject, Transfer,
};
use tavs::policy::location::Location;
use tavs::pseudonym::Scheme;

/// A policy with one route, which lists all the shapes.
pub(crate) fn policy(
    domain: &str,
    (scheme, linkability): (Scheme, Linkability),
    cpr_in_text: CprInText,
    shapes: Vec<Shape>,
    response: Response,
) -> Policy {
    Policy {
        file: "generated.toml".into(),
        profiles: Vec::new(),
        version: PolicyVersion([0; 32]),
        recipient: RecipientInfo {
            id: RecipientId::new("generated"),
            name: "Generated ApS".into(),
            relation: Relation::Processor,
            contact: "gdpr@example.invalid".into(),
        },
        identity: Identity {
            anchor: "partners".into(),
            presented: Presented::Uri("urn:tavs:recipient:generated".into()),
            token_sha256: None,
        },
        agreement: Agreement {
            reference: "DBA-1".into(),
            signed: date(2026, 1, 1),
            review: date(2027, 1, 1),
            expires: date(2028, 1, 1),
        },
        purpose: PurposeInfo {
            id: Purpose::new("generated"),
            category: Category::Service,
            basis: Vec::new(),
            consent: Consent::NotRequired,
            retention: "30 days".into(),
        },
        transfer: Transfer { country: "DK".into(), ground: None, expires: None },
        pseudonyms: Pseudonyms { domain: domain.into(), scheme, linkability },
        limits: Limits {
            requests_per_second: 1,
            burst: 1,
            concurrency: 1,
            subjects_per_day: None,
            novelty: None,
            novelty_answer: tavs::policy::checked::NoveltyAnswer::Alarm,
            absent: None,
            buffer: 1 << 20,
            response: 1 << 20,
        },
        cpr_in_text,
        address_markers: Vec::new(),
        routes: vec![Route {
            name: "generated".into(),
            methods: vec![Method::Get],
            path: vec![PathSegment::Literal("generated".into())],
            path_text: "/generated".into(),
            query: Vec::new(),
            upstream: "generated".into(),
            accept_clear: None,
            request: None,
            response: Response { shapes: (0..shapes.len()).collect(), ..response },
            line: 1,
        }],
        shapes,
        extract: None,
        tests: Vec::new(),
    }
}

/// A response whose subject is nobody, with these rules.
pub(crate) fn response(rules: Vec<Rule>) -> Response {
    Response {
        record: None,
        subject: Subject::Nobody { reason: "generated".into() },
        media_types: vec![MediaType::Json],
        shapes: Vec::new(),
        rules,
        status_map: Vec::new(),
        base: Vec::new(),
        location: false,
    }
}

/// One line of `members`.
pub(crate) fn rule(location: &str, action: Action) -> Rule {
    Rule { location: at(location), action, span: 0..0, file: "test.toml".into(), line: 1 }
}

pub(crate) fn at(location: &str) -> Location {
    Location::parse(location).unwrap()
}
