//! What each policy does against risks, and what risk is left (GDPR art. 32(2), 35(7)(c), (d)).
//!
//! Risks are found by rule from what the policy says, and weighed by rule: so that two readers find the
//! same, and a change of a policy shows. They remind; a person decides.

use serde::Serialize;

use super::super::document::Document;
use super::super::member::{DataCategory, Member};
use super::super::text::{self, Text, fill};
use super::terms::Terms;

/// A recipient with the risks that are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Assessed {
    #[serde(flatten)]
    terms: Terms,
    /// The greatest of the risks; `None` where there is none.
    weight: Option<Weight>,
    risks: Vec<Risk>,
}

/// A risk that is left, as the policy shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Risk {
    id: &'static str,
    weight: Weight,
}

/// How much a risk weighs: a rule's opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Weight {
    Low,
    Medium,
    High,
}

impl Weight {
    const fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

pub(super) fn assess(recipients: Vec<Terms>) -> Vec<Assessed> {
    // Recipients that share a domain can join what they know.
    let domains: Vec<String> = recipients.iter().map(|terms| terms.domain.clone()).collect();
    let shares = |terms: &Terms| domains.iter().filter(|domain| **domain == terms.domain).count() > 1;
    let assessed = |terms: Terms| {
        let risks = risks(&terms, shares(&terms));
        Assessed { weight: risks.iter().map(|risk| risk.weight).max(), terms, risks }
    };
    recipients.into_iter().map(assessed).collect()
}

fn risks(terms: &Terms, shares_domain: bool) -> Vec<Risk> {
    use Weight::{High, Low, Medium};
    let any = |test: &dyn Fn(&Member) -> bool| terms.members.iter().any(test);
    let health = any(&|member| member.category == DataCategory::Health);
    let direct = any(&Member::points_to_a_person);
    let pseudonyms = any(&|member| member.form.starts_with("pseudonymise"));
    let exact = |member: &Member| {
        matches!(member.category, DataCategory::Demographic) && member.form.starts_with("keep")
    };
    let transfer = match terms.transfer.as_ref().map(|transfer| transfer.ground) {
        _ if !terms.third_country => None,
        Some("adequacy") => Some(Low),
        Some("art-49") | None => Some(High),
        Some(_) => Some(Medium),
    };
    let when = |holds: bool, weight: Weight| holds.then_some(weight);
    let found = [
        ("clear-cpr", when(any(&|member| member.form.starts_with("keep clear-cpr")), High)),
        ("health-with-identity", when(health && direct, High)),
        ("direct-identifiers", when(direct && !health, Medium)),
        ("third-country", transfer),
        ("stable-pseudonyms", when(pseudonyms && terms.linkability == "domain", Medium)),
        ("shared-domain", when(pseudonyms && shares_domain, High)),
        ("resolvable", when(terms.routes.iter().any(|route| route.resolves), Medium)),
        ("accept-clear", when(terms.routes.iter().any(|route| route.accept_clear.is_some()), Medium)),
        ("free-text", when(any(&|member| member.form.starts_with("scan")), Medium)),
        ("unscanned", when(terms.unscanned, Medium)),
        ("exact-quasi-identifiers", when(any(&exact), Medium)),
        ("nobody", when(terms.routes.iter().any(|route| route.nobody), Low)),
        ("review-overdue", when(terms.agreement.state == "review-overdue", Medium)),
        ("many-subjects", when(terms.subjects_per_day.is_none(), Medium)),
    ];
    let mut risks: Vec<Risk> =
        found.into_iter().filter_map(|(id, weight)| Some(Risk { id, weight: weight? })).collect();
    risks.sort_by_key(|risk| std::cmp::Reverse(risk.weight));
    risks
}

pub(super) fn write(document: &mut Document, recipients: &[Assessed], text: &Text) {
    let words = &text.policies;
    document.paragraph(words.risk_intro);
    let weight =
        |weight: Option<Weight>| text::word(words.weights, weight.map_or("none", Weight::id)).to_owned();
    let columns = [text.common.recipient, text.common.country, words.categories, words.risk_left];
    let overview = recipients.iter().map(|one| {
        let categories = one.terms.categories().into_iter();
        let categories =
            categories.map(|category| text::word(text.words.categories, category.id()).to_owned());
        let country = super::super::recipient::country(&one.terms.country, text);
        vec![one.terms.name.clone(), country, categories.collect::<Vec<_>>().join(", "), weight(one.weight)]
    });
    document.table(columns.map(str::to_owned).to_vec(), overview.collect());
    for Assessed { terms, risks, .. } in recipients {
        document.heading(2, terms.name.as_str());
        if terms.agreement.state == "lapsed" {
            document.alert(words.lapsed);
        }
        document.facts(terms.facts(text));
        document.heading(3, words.categories);
        document.list(super::processing::categories(terms, text));
        document.heading(3, words.safeguards);
        document.list(safeguards(terms, text));
        document.heading(3, words.risk_left);
        let line = |risk: &Risk| {
            let values = [
                ("weight", text::word(words.weights, risk.weight.id())),
                ("risk", text::word(words.risks, risk.id)),
            ];
            fill(words.risk, &values)
        };
        if risks.is_empty() {
            document.paragraph(words.no_risk);
        }
        document.list(risks.iter().map(line).collect());
    }
    document.heading(2, words.own_heading);
    document.paragraph(words.own_intro);
    document.list(words.risk_own.iter().map(|own| (*own).to_owned()).collect());
}

/// What stands against the risks, as far as the policy says it.
pub(super) fn safeguards(terms: &Terms, text: &Text) -> Vec<String> {
    let words = &text.policies;
    let safeguard = |id: &str| text::word(words.safeguard, id).to_owned();
    let members = terms.members.len().to_string();
    let mut all = vec![
        fill(&safeguard("allow-list"), &[("members", &members)]),
        safeguard(if terms.second_factor { "two-factors" } else { "certificate" }),
    ];
    if terms.members.iter().any(|member| member.form.starts_with("pseudonymise")) {
        all.push(fill(
            &safeguard(&format!("linkability-{}", terms.linkability)),
            &[("domain", &terms.domain), ("scheme", terms.scheme)],
        ));
    }
    all.push(safeguard(&format!("cpr-{}", terms.cpr_in_text)));
    if terms.consent_required {
        all.push(safeguard("consent"));
    }
    if let Some(most) = terms.subjects_per_day {
        all.push(fill(&safeguard("subjects"), &[("most", &most.to_string())]));
    }
    all.extend([safeguard("ledger"), safeguard("rights"), safeguard("expiry")]);
    all
}
