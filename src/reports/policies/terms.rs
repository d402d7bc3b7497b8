//! The terms on which one recipient receives, as its policy has them on a day.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Serialize;

use super::super::member::{DataCategory, Member};
use super::super::recipient::{country, plain};
use super::super::text::{self, Text, fill};
use super::super::time;
use crate::policy::checked::{
    Action, Agreement, Consent, Content, Keep, Method, Parameter, PathSegment, Policy, Route, Subject, Wanted,
};
use crate::policy::running::RunningPolicy;
use crate::policy::words;

/// One recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Terms {
    pub(super) recipient: String,
    pub(super) name: String,
    pub(super) relation: &'static str,
    pub(super) contact: String,
    pub(super) country: String,
    pub(super) third_country: bool,
    pub(super) transfer: Option<Transfer>,
    pub(super) purpose: String,
    pub(super) category: &'static str,
    pub(super) basis: Vec<&'static str>,
    pub(super) consent_required: bool,
    pub(super) retention: String,
    pub(super) agreement: Agreed,
    pub(super) second_factor: bool,
    pub(super) domain: String,
    pub(super) scheme: &'static str,
    pub(super) linkability: &'static str,
    pub(super) subjects_per_day: Option<u32>,
    pub(super) cpr_in_text: &'static str,
    pub(super) routes: Vec<RouteTerms>,
    pub(super) members: BTreeSet<Member>,
    /// Something that cannot be searched for CPRs may leave.
    pub(super) unscanned: bool,
}

/// On which ground data go to a third country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Transfer {
    pub(super) ground: &'static str,
    pub(super) evidence: String,
    #[serde(serialize_with = "time::date")]
    pub(super) verified: Date,
    /// The last day on which it holds, where one is named.
    pub(super) expires: Option<Date>,
    pub(super) lapsed: bool,
}

/// The agreement, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Agreed {
    pub(super) reference: String,
    #[serde(serialize_with = "time::date")]
    pub(super) signed: Date,
    #[serde(serialize_with = "time::date")]
    pub(super) review: Date,
    #[serde(serialize_with = "time::date")]
    pub(super) expires: Date,
    /// `not-signed`, `in-force`, `review-overdue`, `lapsed`.
    pub(super) state: &'static str,
}

/// One thing that the recipient may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RouteTerms {
    pub(super) name: String,
    pub(super) methods: Vec<&'static str>,
    pub(super) path: String,
    pub(super) upstream: String,
    /// Pseudonyms are resolved on the way in.
    pub(super) resolves: bool,
    /// A clear identifier is accepted, on this ground.
    pub(super) accept_clear: Option<String>,
    /// The records are said to be nobody's.
    pub(super) nobody: bool,
}

impl Terms {
    pub(super) fn of(running: &RunningPolicy, day: Date) -> Self {
        let policy = running.checked();
        let Policy { recipient, purpose, transfer, agreement, pseudonyms, limits, .. } = policy;
        let members = words::rules(running).into_iter().map(|rule| Member::of(&rule.location, &rule.form));
        Self {
            recipient: recipient.id.as_str().to_owned(),
            name: recipient.name.clone(),
            relation: words::relation(recipient.relation),
            contact: recipient.contact.clone(),
            country: transfer.country.clone(),
            third_country: words::is_third_country(&transfer.country),
            transfer: transfer.ground.as_ref().map(|ground| Transfer {
                ground: words::ground(ground.kind),
                evidence: ground.evidence.clone(),
                verified: ground.verified,
                expires: transfer.expires,
                lapsed: transfer.expires.is_some_and(|expires| day > expires),
            }),
            purpose: purpose.id.as_str().to_owned(),
            category: words::category(purpose.category),
            basis: purpose.basis.iter().map(|basis| basis.id).collect(),
            consent_required: purpose.consent == Consent::Required,
            retention: purpose.retention.clone(),
            agreement: Agreed::of(agreement, day),
            second_factor: policy.identity.token_sha256.is_some(),
            domain: pseudonyms.domain.clone(),
            scheme: words::scheme(pseudonyms.scheme),
            linkability: words::linkability(pseudonyms.linkability),
            subjects_per_day: limits.subjects_per_day,
            cpr_in_text: words::cpr_in_text(policy.cpr_in_text),
            routes: routes(policy),
            members: members.collect(),
            unscanned: has_unscanned(policy),
        }
    }

    /// The categories of data, those that weigh most first.
    pub(super) fn categories(&self) -> BTreeSet<DataCategory> {
        self.members.iter().map(|member| member.category).collect()
    }

    /// Who it is, why and on which grounds it receives.
    pub(super) fn facts(&self, text: &Text) -> Vec<(&'static str, Vec<String>)> {
        let (common, tables, own) = (&text.common, &text.words, &text.policies);
        let purpose = format!("{} ({})", plain(&self.purpose), text::word(tables.purposes, self.category));
        let consent = if self.consent_required { own.consent_required } else { own.consent_not_required };
        vec![
            (own.contact, vec![self.contact.clone()]),
            (common.relation, vec![text::word(tables.relations, self.relation).to_owned()]),
            (common.country, vec![country(&self.country, text)]),
            (common.ground, self.transfer_words(text)),
            (common.purpose, vec![purpose]),
            (common.basis, self.basis.iter().map(|id| text::word(tables.bases, id).to_owned()).collect()),
            (own.consent, vec![consent.to_owned()]),
            (common.retention, vec![self.retention.clone()]),
            (common.agreement, vec![self.agreement.words(text)]),
        ]
    }

    fn transfer_words(&self, text: &Text) -> Vec<String> {
        let common = &text.common;
        match &self.transfer {
            None if self.third_country => vec![common.no_ground.to_owned()],
            None => vec![common.within_eea.to_owned()],
            Some(Transfer { ground, evidence, verified, expires, lapsed }) => {
                let ground = text::word(text.words.grounds, ground);
                let verified = time::long_date(*verified, text);
                let values = [("ground", ground), ("evidence", evidence.as_str()), ("day", &*verified)];
                let own = &text.policies;
                let until = if *lapsed { own.transfer_lapsed } else { own.transfer_until };
                let until = expires.map(|day| fill(until, &[("day", &time::long_date(day, text))]));
                std::iter::once(fill(own.transfer, &values)).chain(until).collect()
            }
        }
    }
}

impl Agreed {
    fn of(agreement: &Agreement, day: Date) -> Self {
        let Agreement { reference, signed, review, expires } = agreement;
        let state = if day < *signed {
            "not-signed"
        } else if day > *expires {
            "lapsed"
        } else if day > *review {
            "review-overdue"
        } else {
            "in-force"
        };
        Self { reference: reference.clone(), signed: *signed, review: *review, expires: *expires, state }
    }

    fn words(&self, text: &Text) -> String {
        let date = |date| time::long_date(date, text);
        let (signed, review, expires) = (date(self.signed), date(self.review), date(self.expires));
        let values = [
            ("reference", self.reference.as_str()),
            ("signed", &*signed),
            ("review", &*review),
            ("expires", &*expires),
            ("state", text::word(text.policies.states, self.state)),
        ];
        fill(text.policies.agreement, &values)
    }
}

fn routes(policy: &Policy) -> Vec<RouteTerms> {
    let nobody = |subject: &Subject| matches!(subject, Subject::Nobody { .. });
    policy
        .routes
        .iter()
        .map(|route| RouteTerms {
            name: route.name.clone(),
            methods: route.methods.iter().copied().map(Method::as_str).collect(),
            path: route.path_text.clone(),
            upstream: route.upstream.clone(),
            resolves: resolves(route),
            accept_clear: route.accept_clear.clone(),
            nobody: nobody(&route.response.subject),
        })
        .collect()
}

/// Whether pseudonyms that the recipient sends are resolved, wherever they stand.
fn resolves(route: &Route) -> bool {
    let sought = |wanted: &Wanted| matches!(wanted, Wanted::Pseudonym(_));
    let any = |parameters: &[Parameter]| parameters.iter().any(|parameter| sought(&parameter.wanted));
    let in_path = route.path.iter().any(|segment| match segment {
        PathSegment::Named { wanted, .. } => sought(wanted),
        PathSegment::Literal(_) => false,
    });
    let in_content = route.request.as_ref().is_some_and(|request| {
        any(&request.fields)
            || match &request.content {
                Content::Nothing => false,
                Content::Form(parameters) => any(parameters),
                Content::Json { rules, .. } => {
                    rules.iter().any(|rule| matches!(rule.action, Action::Resolve(_)))
                }
            }
    });
    in_path || any(&route.query) || in_content
}

fn has_unscanned(policy: &Policy) -> bool {
    let of_routes = policy.routes.iter().flat_map(|route| &route.response.rules);
    let of_shapes = policy.shapes.iter().flat_map(|shape| &shape.rules);
    of_routes.chain(of_shapes).any(|rule| matches!(&rule.action, Action::Keep(Keep { unscanned: true, .. })))
}
