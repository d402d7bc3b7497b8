//! What the law does not permit, as far as the head of a file can tell.

use jiff::civil::Date;

use super::{Findings, countries};
use crate::policy::checked::{Category, Consent, Linkability, Relation, TransferKind};
use crate::policy::codes;
use crate::policy::syntax::At;
use crate::policy::written::{Agreement, Policy, Transfer};

/// A certification under the Data Privacy Framework is renewed each year.
const DPF_DAYS: i32 = 365;

pub(super) fn check(policy: &Policy, at: Date, findings: &mut Findings<'_>) {
    agreement(&policy.agreement, at, findings);
    improvement(policy, findings);
    transfer(&policy.transfer, at, findings);
    abroad(policy, findings);
}

fn agreement(agreement: &Agreement, at: Date, findings: &mut Findings<'_>) {
    let Agreement { signed, review, expires, .. } = agreement;
    let lapsed = expires.as_ref().filter(|expires| expires.value < at);
    if let Some(expires) = lapsed {
        let message = format!("the agreement lapsed on {}", expires.value);
        let label = format!("before {at}");
        findings.add(
            &codes::LAPSED,
            &expires.span,
            message,
            label,
            "renew the agreement and write its new last day",
        );
    }
    if let Some(review) = review.as_ref().filter(|review| review.value < at && lapsed.is_none()) {
        let message = format!("the agreement was due for review on {}", review.value);
        let help = "look at the agreement again, and write the day of the next review";
        findings.add(&codes::REVIEW_OVERDUE, &review.span, message, format!("before {at}"), help);
    }
    if let Some(signed) = signed.as_ref().filter(|signed| signed.value > at) {
        let help = "write the day on which it was signed";
        findings.add(
            &codes::NOT_YET_SIGNED,
            &signed.span,
            "the agreement is not signed yet",
            format!("after {at}"),
            help,
        );
    }
    in_order(signed.as_ref(), expires.as_ref(), ("signed", "expires"), findings);
    in_order(signed.as_ref(), review.as_ref(), ("signed", "review"), findings);
    in_order(review.as_ref(), expires.as_ref(), ("review", "expires"), findings);
}

/// That `later` is not before `earlier`.
fn in_order(
    earlier: Option<&At<Date>>,
    later: Option<&At<Date>>,
    names: (&str, &str),
    findings: &mut Findings<'_>,
) {
    let (Some(earlier), Some(later)) = (earlier, later) else { return };
    if later.value < earlier.value {
        let message = format!("`{}` lies before `{}`", names.1, names.0);
        let help = "an agreement is signed, then reviewed, then expires";
        findings.add_with(
            &codes::DATES_OUT_OF_ORDER,
            &later.span,
            message,
            ("too early", help),
            (&earlier.span, "after this"),
        );
    }
}

/// The category `improvement`: consent, and no stable pseudonyms.
fn improvement(policy: &Policy, findings: &mut Findings<'_>) {
    let Some(category) = policy.purpose.category.as_ref().filter(|c| c.value == Category::Improvement) else {
        return;
    };
    if let Some(consent) = policy.purpose.consent.as_ref().filter(|c| c.value == Consent::NotRequired) {
        findings.add_with(
            &codes::IMPROVEMENT_WITHOUT_CONSENT,
            &consent.span,
            "improvement needs each subject's consent",
            ("must be `\"required\"`", "write `consent = \"required\"`"),
            (&category.span, "because of this"),
        );
    }
    const HELP: &str = "write `linkability = \"document\"` or `\"none\"` under `[pseudonyms]`";
    match &policy.pseudonyms.linkability {
        Some(linkability) if linkability.value == Linkability::Domain => findings.add_with(
            &codes::LINKABLE_IMPROVEMENT,
            &linkability.span,
            "stable pseudonyms let a profile grow, and improvement may not have that",
            ("stable across responses", HELP),
            (&category.span, "because of this"),
        ),
        None => findings.add(
            &codes::LINKABLE_IMPROVEMENT,
            &category.span,
            "stable pseudonyms let a profile grow, and improvement may not have that",
            "pseudonyms are stable unless the policy says otherwise",
            HELP,
        ),
        Some(_) => {}
    }
}

/// The country, and the ground on which data go there.
fn transfer(transfer: &Transfer, at: Date, findings: &mut Findings<'_>) {
    if let Some(expires) = transfer.expires.as_ref().filter(|expires| expires.value < at) {
        let message = format!("the ground for the transfer lapsed on {}", expires.value);
        let help = "make sure that it holds again, and write its new last day; else take the recipient out";
        findings.add(&codes::TRANSFER_LAPSED, &expires.span, message, format!("before {at}"), help);
    }
    let Some(country) = &transfer.country else { return };
    let code = country.value.as_str();
    if !countries::exists(code) {
        let help = "two letters of ISO 3166-1, such as `DK`; the United Kingdom is `GB`, Greece `GR`";
        let message = format!("there is no country `{code}`");
        findings.add(&codes::UNKNOWN_COUNTRY, &country.span, message, "unknown country", help);
        return;
    }
    if countries::is_third(code) && !transfer.has_ground {
        let help = match code {
            "US" => {
                "if the recipient is certified: `ground = \"dpf\"` with `evidence` and `verified`; else `scc`"
            }
            _ if countries::is_adequate(code) => "add `ground = \"adequacy\"` with `evidence` and `verified`",
            _ => "add `ground = \"scc\"` (or `bcr`, `art-49`) with `evidence` and `verified`",
        };
        let message = format!("`{code}` is a third country, and no ground for the transfer is given");
        findings.add(
            &codes::THIRD_COUNTRY_WITHOUT_GROUND,
            &country.span,
            message,
            "outside the EU and EEA",
            help,
        );
    }
    let Some(ground) = &transfer.ground else { return };
    let missing: Vec<&str> = [("evidence", transfer.has_evidence), ("verified", transfer.has_verified)]
        .into_iter()
        .filter_map(|(name, there)| (!there).then_some(name))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join("` and `");
        let message = format!("a transfer ground without `{missing}`");
        let help = "add `evidence = \"where it is filed\"` and `verified = 2026-05-01`, the day it was last looked up";
        findings.add(&codes::GROUND_WITHOUT_EVIDENCE, &ground.span, message, format!("no `{missing}`"), help);
    }
    let applies = match ground.value {
        TransferKind::Dpf => code == "US",
        TransferKind::Adequacy => countries::is_adequate(code),
        TransferKind::Scc | TransferKind::Bcr | TransferKind::Art49 => true,
    };
    if !applies {
        let (message, help) = if ground.value == TransferKind::Dpf {
            (
                "the Data Privacy Framework covers the USA only",
                "use `scc`, `bcr` or, where decided, `adequacy`",
            )
        } else {
            ("there is no adequacy decision for this country", "use `scc` or `bcr`; for the USA `dpf`")
        };
        let (label, other) = (("does not apply", help), (&country.span, "to this country"));
        findings.add_with(&codes::GROUND_DOES_NOT_APPLY, &ground.span, message, label, other);
    }
    if let (TransferKind::Dpf, Some(verified)) = (ground.value, &transfer.verified) {
        let days = at.since(verified.value).map_or(0, |span| span.get_days());
        if days > DPF_DAYS {
            let message = format!("the certification was last looked up {days} days ago");
            let help = "look it up again, and write the day";
            findings.add(&codes::DPF_EVIDENCE_OLD, &verified.span, message, "more than a year ago", help);
        }
    }
}

/// What else a recipient outside the EEA needs.
fn abroad(policy: &Policy, findings: &mut Findings<'_>) {
    let third =
        |country: &&At<String>| countries::exists(&country.value) && countries::is_third(&country.value);
    let Some(country) = policy.transfer.country.as_ref().filter(third) else { return };
    let relation = policy.recipient.relation.as_ref().map(|relation| relation.value);
    if relation == Some(Relation::Controller)
        && let Some(consent) = policy.purpose.consent.as_ref().filter(|c| c.value == Consent::NotRequired)
    {
        findings.add_with(
            &codes::CONTROLLER_WITHOUT_CONSENT,
            &consent.span,
            "a controller in a third country needs each subject's consent",
            ("must be `\"required\"`", "write `consent = \"required\"`"),
            (&country.span, "because of this"),
        );
    }
    if relation == Some(Relation::Research) && !policy.transfer.has_permit {
        findings.add(
            &codes::RESEARCH_WITHOUT_PERMIT,
            &country.span,
            "research data may go to a third country only with Datatilsynet's permission",
            "outside the EU and EEA",
            "add `permit = \"Datatilsynet 2026-42-1234\"` (Databeskyttelsesloven § 10(3))",
        );
    }
}
