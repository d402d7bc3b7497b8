//! As written → checked. Where the file has errors a placeholder stands, so that the rules can
//! still be compared with each other; a policy with placeholders never leaves `check`.

use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::included::{Included, Shelf};
use super::lines::Lines;
use crate::identity::Presented;
use crate::ids::{PolicyVersion, Purpose, RecipientId};
use crate::policy::checked::extract as checked_extract;
use crate::policy::checked::{
    Agreement, Category, ColumnType, Consent, Content, CprInText, From, Identity, Limits, Linkability,
    NoveltyAnswer, Order, Parameter, Policy, PolicyTest, Pseudonyms, PurposeInfo, RecipientInfo, Relation,
    Request, Response, Route, Rule, Shape, Subject, TestText, Transfer, TransferGround,
};
use crate::policy::syntax::{At, SourceFile};
use crate::policy::written;
use crate::pseudonym::Scheme;

/// Limits where a policy does not say: enough for one clinic's traffic, and soon felt if not.
pub(crate) mod defaults {
    /// Requests a second.
    pub(crate) const REQUESTS: u32 = 10;
    /// Requests at once beyond that.
    pub(crate) const BURST: u32 = 20;
    /// Exchanges at the same time.
    pub(crate) const CONCURRENCY: u32 = 16;
    /// Different subjects in 24 hours.
    pub(crate) const SUBJECTS: u32 = 1000;
    /// Bytes judged whole.
    pub(crate) const BUFFER: u64 = 1 << 20;
    /// Bytes of the largest response.
    pub(crate) const RESPONSE: u64 = 16 << 20;
    /// How many persons must share what an extract tells of each.
    pub(crate) const K: u32 = 5;
    /// Bytes of a request's content.
    pub(crate) const CONTENT: u64 = 1 << 20;
}

pub(super) fn policy(
    file: &SourceFile,
    written: &written::Policy,
    shelf: &Shelf<'_>,
    included: &Included,
) -> Policy {
    let lines = &Places { file: file.path.as_str().into(), lines: Lines::of(&file.text), shelf };
    Policy {
        file: file.path.clone(),
        version: version(file, shelf, included),
        profiles: included
            .all
            .iter()
            .filter_map(|number| shelf.books().get(*number))
            .map(|book| book.file.path.clone())
            .collect(),
        recipient: RecipientInfo {
            id: RecipientId::new(&text(written.recipient.id.as_ref())),
            name: text(written.recipient.name.as_ref()),
            relation: value(written.recipient.relation.as_ref(), Relation::Processor),
            contact: text(written.recipient.contact.as_ref()),
        },
        identity: identity(&written.identity),
        agreement: agreement(&written.agreement),
        purpose: purpose(&written.purpose),
        transfer: transfer(&written.transfer),
        pseudonyms: Pseudonyms {
            domain: text(written.pseudonyms.domain.as_ref()),
            scheme: value(written.pseudonyms.scheme.as_ref(), Scheme::Keyed),
            linkability: value(written.pseudonyms.linkability.as_ref(), Linkability::Domain),
        },
        limits: limits(&written.limits),
        cpr_in_text: value(written.cpr_in_text.as_ref(), CprInText::Mask),
        address_markers: written.address_markers.clone(),
        shapes: written.shapes.iter().map(|one| shape(one, lines)).collect(),
        routes: written.routes.iter().map(|one| route(one, written, lines)).collect(),
        extract: written.extract.as_ref().map(|one| extract(one, written, lines)),
        tests: written.tests.iter().map(|one| test(one, written, lines)).collect(),
    }
}

/// A policy of nothing but shapes, each with a route of its own: what can be compared of a profile.
pub(super) fn of_shapes(file: &SourceFile, written: &written::Policy, shelf: &Shelf<'_>) -> Policy {
    let mut policy = policy(file, written, shelf, &Included::default());
    let route = |shape: usize| Route {
        name: String::new(),
        methods: Vec::new(),
        path: Vec::new(),
        path_text: String::new(),
        query: Vec::new(),
        upstream: String::new(),
        accept_clear: None,
        request: None,
        response: Response {
            record: None,
            subject: Subject::Elsewhere,
            media_types: Vec::new(),
            shapes: vec![shape],
            rules: Vec::new(),
            status_map: Vec::new(),
            base: Vec::new(),
            location: false,
        },
        line: 0,
    };
    policy.routes = (0..policy.shapes.len()).map(route).collect();
    policy
}

/// Turns places into file and line.
struct Places<'a> {
    file: Arc<str>,
    lines: Lines,
    shelf: &'a Shelf<'a>,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> (Arc<str>, u32) {
        let profile = self.shelf.line_at(offset);
        let (file, line) = profile.unwrap_or_else(|| (&self.file, self.lines.at(offset)));
        (Arc::clone(file), line)
    }

    fn line(&self, offset: usize) -> u32 {
        self.lines.at(offset)
    }
}

/// SHA-256 of the text; of a policy that includes profiles, of the lines that `sha256sum` would
/// print: the policy's digest alone, then digest and name of each profile, in the order of names.
fn version(file: &SourceFile, shelf: &Shelf<'_>, included: &Included) -> PolicyVersion {
    let hex = |text: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    if included.all.is_empty() {
        return PolicyVersion(Sha256::digest(file.text.as_bytes()).into());
    }
    let books = included.all.iter().filter_map(|number| shelf.books().get(*number));
    let lines = books
        .fold(hex(&file.text) + "\n", |lines, book| lines + &hex(&book.file.text) + "  " + book.name + "\n");
    PolicyVersion(Sha256::digest(lines.as_bytes()).into())
}

fn text(at: Option<&At<String>>) -> String {
    at.map(|at| at.value.clone()).unwrap_or_default()
}

fn value<T: Copy>(at: Option<&At<T>>, otherwise: T) -> T {
    at.map_or(otherwise, |at| at.value)
}

fn identity(written: &written::Identity) -> Identity {
    let nobody = || Presented::Uri(String::new());
    Identity {
        anchor: text(written.anchor.as_ref()),
        presented: written.presented.as_ref().map_or_else(nobody, |presented| presented.value.clone()),
        token_sha256: written.token_sha256.as_ref().map(|token| token.value),
    }
}

fn agreement(written: &written::Agreement) -> Agreement {
    Agreement {
        reference: text(written.reference.as_ref()),
        signed: value(written.signed.as_ref(), Date::ZERO),
        review: value(written.review.as_ref(), Date::ZERO),
        expires: value(written.expires.as_ref(), Date::ZERO),
    }
}

fn purpose(written: &written::Purpose) -> PurposeInfo {
    PurposeInfo {
        id: Purpose::new(&text(written.id.as_ref())),
        category: value(written.category.as_ref(), Category::Improvement),
        basis: written.basis.iter().map(|basis| basis.value).collect(),
        consent: value(written.consent.as_ref(), Consent::Required),
        retention: text(written.retention.as_ref()),
    }
}

fn transfer(written: &written::Transfer) -> Transfer {
    let ground = written.ground.as_ref().map(|ground| TransferGround {
        kind: ground.value,
        evidence: text(written.evidence.as_ref()),
        verified: value(written.verified.as_ref(), Date::ZERO),
    });
    let expires = written.expires.as_ref().map(|expires| expires.value);
    Transfer { country: text(written.country.as_ref()), ground, expires }
}

fn limits(written: &written::Limits) -> Limits {
    let size = |at: Option<&At<u64>>, otherwise| usize::try_from(value(at, otherwise)).unwrap_or(usize::MAX);
    let buffer = size(written.buffer.as_ref(), defaults::BUFFER);
    Limits {
        requests_per_second: value(written.requests.as_ref(), defaults::REQUESTS),
        burst: value(written.burst.as_ref(), defaults::BURST),
        concurrency: value(written.concurrency.as_ref(), defaults::CONCURRENCY),
        subjects_per_day: Some(value(written.subjects.as_ref(), defaults::SUBJECTS)),
        novelty: written.novelty.as_ref().map(|at| at.value),
        novelty_answer: value(written.novelty_answer.as_ref(), NoveltyAnswer::Alarm),
        absent: written.absent.as_ref().map(|at| at.value),
        buffer,
        response: size(written.response.as_ref(), defaults::RESPONSE).max(buffer),
    }
}

fn subject(written: &written::Subject) -> Subject {
    match written {
        written::Subject::At(locations) => Subject::At(locations.clone()),
        written::Subject::Nobody(reason) => Subject::Nobody { reason: reason.clone() },
        written::Subject::Unsaid | written::Subject::Unread => Subject::Elsewhere,
    }
}

fn rules(written: &[written::Rule], lines: &Places<'_>) -> Vec<Rule> {
    let rule = |rule: &written::Rule| {
        let (file, line) = lines.at(rule.location.span.start);
        Rule {
            location: rule.location.value.clone(),
            action: rule.action.value.clone(),
            span: rule.location.span.clone(),
            file,
            line,
        }
    };
    written.iter().map(rule).collect()
}

fn shape(written: &written::Shape, lines: &Places<'_>) -> Shape {
    Shape {
        name: text(written.name.as_ref()),
        at: written.at.clone(),
        when: written.when.clone(),
        subject: subject(&written.subject),
        alias: written.alias.clone(),
        rules: rules(&written.rules, lines),
    }
}

fn route(written: &written::Route, policy: &written::Policy, lines: &Places<'_>) -> Route {
    Route {
        name: text(written.name.as_ref()),
        methods: written.methods.iter().map(|method| method.value).collect(),
        path: written.path.as_ref().map(|path| path.value.clone()).unwrap_or_default(),
        path_text: written.path_text.clone(),
        query: written.query.iter().map(parameter).collect(),
        upstream: text(written.upstream.as_ref()),
        accept_clear: written.accept_clear.as_ref().map(|ground| ground.value.to_owned()),
        request: written.request.as_ref().map(|one| request(one, lines)),
        response: response(&written.response, policy, lines),
        line: lines.line(written.header.start),
    }
}

/// `check` sees to it that one way to say the content is written.
fn request(written: &written::Request, lines: &Places<'_>) -> Request {
    let parameters = |list: &[written::Query]| list.iter().map(parameter).collect();
    let limit = value(written.limit.as_ref(), defaults::CONTENT);
    let content = match (&written.members, &written.form) {
        (Some(members), _) => {
            Content::Json { media_types: written.media_types.clone(), rules: rules(members, lines) }
        }
        (None, Some(form)) => Content::Form(parameters(form)),
        (None, None) => Content::Nothing,
    };
    Request {
        fields: parameters(&written.fields),
        content,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

fn parameter(written: &written::Query) -> Parameter {
    Parameter {
        name: written.name.value.clone(),
        wanted: written.wanted.value.clone(),
        selects: written.selects.as_ref().map(|selects| selects.value.clone()),
    }
}

fn response(written: &written::Response, policy: &written::Policy, lines: &Places<'_>) -> Response {
    let index_of = |name: &At<String>| {
        policy.shapes.iter().position(|shape| shape.name.as_ref().is_some_and(|n| n.value == name.value))
    };
    let mut shapes: Vec<usize> = written.shapes.iter().filter_map(index_of).collect();
    shapes.sort_unstable();
    shapes.dedup();
    Response {
        record: written.record.as_ref().map(|record| record.value.clone()),
        subject: subject(&written.subject),
        media_types: written.media_types.clone(),
        shapes,
        rules: rules(&written.rules, lines),
        status_map: written.status_map.clone(),
        base: written.base.iter().map(|base| base.value.clone()).collect(),
        location: written.location.is_some(),
    }
}

fn extract(
    written: &written::Extract,
    policy: &written::Policy,
    lines: &Places<'_>,
) -> checked_extract::Extract {
    let number = |name: &At<String>| {
        let named = |route: &written::Route| route.name.as_ref().is_some_and(|own| own.value == name.value);
        policy.routes.iter().position(named)
    };
    checked_extract::Extract {
        routes: written.routes.iter().filter_map(number).collect(),
        k: written.k.as_ref().and_then(|k| u32::try_from(k.value).ok()).unwrap_or(defaults::K),
        order: value(written.order.as_ref(), Order::Input),
        csv: written.csv.clone(),
        tables: written.tables.iter().map(|one| table(one, lines)).collect(),
        line: lines.line(written.header.start),
    }
}

fn table(written: &written::OneTable, lines: &Places<'_>) -> checked_extract::Table {
    let most_suppressed = value(written.most_suppressed.as_ref(), 0);
    checked_extract::Table {
        name: text(written.name.as_ref()),
        description: text(written.description.as_ref()),
        at: written.at.clone(),
        when: written.when.clone(),
        rows: written.rows.as_ref().map(|rows| rows.value.clone()).unwrap_or_default(),
        enforce: match value(written.enforce.as_ref(), written::Enforcing::Suppress) {
            written::Enforcing::Suppress => checked_extract::Enforce::Suppress,
            written::Enforcing::Coarsen => checked_extract::Enforce::Coarsen { most_suppressed },
        },
        columns: written.columns.iter().map(|one| column(one, lines)).collect(),
        line: lines.line(written.header.start),
    }
}

fn column(written: &written::Column, lines: &Places<'_>) -> checked_extract::Column {
    checked_extract::Column {
        name: text(written.name.as_ref()),
        path: written.path.as_ref().map(|path| path.value.clone()).unwrap_or_default(),
        from: value(written.from.as_ref(), From::Row),
        column_type: value(written.column_type.as_ref(), ColumnType::Text),
        description: text(written.description.as_ref()),
        key: value(written.key.as_ref(), false),
        quasi_identifier: value(written.quasi_identifier.as_ref(), false),
        coarsen: written.coarsen.iter().map(|rung| rung.value).collect(),
        line: lines.line(written.header.start),
    }
}

fn test(written: &written::Test, policy: &written::Policy, lines: &Places<'_>) -> PolicyTest {
    let name = text(written.route.as_ref());
    let route = policy.routes.iter().position(|route| route.name.as_ref().is_some_and(|n| n.value == name));
    let empty = || TestText::Inline(String::new());
    PolicyTest {
        route: route.unwrap_or_default(),
        input: written.input.as_ref().map_or_else(empty, |input| input.value.clone()),
        output: written.output.as_ref().map(|output| output.value.clone()),
        absent: written.absent.iter().map(|text| text.value.clone()).collect(),
        needs: written.needs.clone(),
        line: lines.line(written.header.start),
    }
}
