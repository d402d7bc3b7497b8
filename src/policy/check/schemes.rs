//! What a pseudonymisation scheme cannot do: said to the author, not found at run time.

use super::Findings;
use super::members::rules;
use crate::policy::checked::{Action, Kind, Linkability};
use crate::policy::codes;
use crate::policy::location::{Literal, Location, Step};
use crate::policy::written::Policy;
use crate::pseudonym::{Scheme, ValueKind};

/// What the identifier systems of e-CPRs begin with.
const ECPR_SYSTEMS: &str = "urn:oid:1.2.208.176.1.6.";

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    let Some(scheme) = &policy.pseudonyms.scheme else { return };
    let changing = policy.pseudonyms.linkability.as_ref().filter(|one| one.value != Linkability::Domain);
    let fixed = match scheme.value {
        Scheme::Digits => Some((
            "pseudonyms of ten digits do not change",
            "there is one permutation of the numbers",
            "one permutation for each key version",
        )),
        Scheme::Table => Some((
            "pseudonyms that stand in the store do not change",
            "a value has one row in the store",
            "one pseudonym for each value and key version",
        )),
        Scheme::Keyed | Scheme::Sealed => None,
    };
    if let (Some((message, label, why)), Some(linkability)) = (fixed, changing) {
        let help = "write `linkability = \"domain\"`, or choose `keyed`";
        let at = &linkability.span;
        findings.add_with(&codes::SCHEME_CANNOT, at, message, (label, help), (&scheme.span, why));
    }
    for rule in rules(policy) {
        let Action::Pseudonymise(kind) = &rule.action.value else { continue };
        let is_number = matches!(kind, Kind::Cpr);
        let why = match scheme.value {
            Scheme::Digits if matches!(kind, Kind::Value(_)) => "only a CPR has a place among ten digits",
            Scheme::Sealed if matches!(kind, Kind::Value(ValueKind::Email | ValueKind::Text)) => {
                "most of them are longer than the 16 bytes that can be sealed"
            }
            Scheme::Digits if !is_number => "an id has no place among ten digits",
            Scheme::Digits if is_ecpr(&rule.location.value) => {
                "an e-CPR has letters, and no place among ten digits"
            }
            Scheme::Sealed if !is_number && changing.is_some() => {
                "this and what changes with each response do not fit into 64 characters"
            }
            Scheme::Keyed | Scheme::Sealed | Scheme::Table | Scheme::Digits => continue,
        };
        findings.add_with(
            &codes::SCHEME_CANNOT,
            &rule.location.span,
            why,
            ("would be withheld from every response", "choose `scheme = \"keyed\"`, or withhold it"),
            (&scheme.span, "the scheme of every pseudonym of this policy"),
        );
    }
}

/// Whether a filter names an e-CPR's identifier system.
fn is_ecpr(location: &Location) -> bool {
    location.steps.iter().any(|step| match step {
        Step::Filter(all) => all.iter().any(|one| {
            let system = match &one.literal {
                Literal::String(text) => text.starts_with(ECPR_SYSTEMS),
                Literal::Integer(_) | Literal::Bool(_) | Literal::Null => false,
            };
            one.equal && system
        }),
        Step::Name(_) | Step::Wildcard | Step::Index(_) => false,
    })
}
