//! A policy's rules in words, as the ledger records them when a version takes effect: years later a
//! report says from these what a rule number of a disclosure meant. Also what a name of a member
//! says about the value below it, which reports sort by.
//!
//! The words are a format: `reports` reads them back out of old records. Add to them, never change one.

use super::check::{countries, health, known};
use super::checked::{
    Action, Category, CprInText, Generalise, Keep, Kind, Linkability, Mask, Policy, Precision, Relation,
    Round, Route, Scan, Shape, TransferKind, Url,
};
use super::location::{Literal, Location};
use super::plan::RuleRef;
use super::running::RunningPolicy;
use crate::pseudonym::Scheme;
use crate::store::PolicyRule;

/// Every rule of a policy by which something can leave, by route and number.
#[must_use]
pub fn rules(policy: &RunningPolicy) -> Vec<PolicyRule> {
    let mut rules = Vec::new();
    for route in policy.routes() {
        for number in 0_u32.. {
            let Ok(index) = usize::try_from(number) else { break };
            let Some(reference) = route.plan().rule(index) else { break };
            let place = |reference| rule(policy.checked(), route.checked(), reference);
            let Some((mut location, action)) = place(reference) else { continue };
            if let Some((around, _)) = route.plan().decoded_by(index).and_then(place) {
                location = format!("{around}{DECODED}{location}");
            }
            if *action != Action::Withhold {
                let (route, form) = (route.checked().name.clone(), form(action));
                rules.push(PolicyRule { route, rule: number, location, form });
            }
        }
    }
    rules
}

/// Between the location of a code and one in the document that it is the code of.
pub const DECODED: &str = " → ";

fn rule<'a>(policy: &'a Policy, route: &'a Route, reference: RuleRef) -> Option<(String, &'a Action)> {
    let Some(shape) = reference.shape else {
        let rule = route.response.rules.get(reference.rule)?;
        return Some((rule.location.to_string(), &rule.action));
    };
    let shape = policy.shapes.get(shape)?;
    let rule = shape.rules.get(reference.rule)?;
    Some((format!("{} {}", element(shape), rule.location), &rule.action))
}

/// What a shape's elements are: their resource type, or else the author's name.
pub(super) fn element(shape: &Shape) -> &str {
    let literal = shape.when.iter().find(|(name, _)| name == "resourceType").map(|(_, literal)| literal);
    match literal {
        Some(Literal::String(text)) => text,
        Some(Literal::Integer(_) | Literal::Bool(_) | Literal::Null) | None => &shape.name,
    }
}

/// An action in the policy language's own words: `keep`, `mask first-word`, `generalise year`.
#[must_use]
pub fn form(action: &Action) -> String {
    match action {
        Action::Withhold => "withhold".to_owned(),
        Action::Keep(Keep { clear_cpr: Some(ground), .. }) => format!("keep clear-cpr {ground}"),
        Action::Keep(_) => "keep".to_owned(),
        Action::Pseudonymise(Kind::Cpr) => "pseudonymise cpr".to_owned(),
        Action::Pseudonymise(Kind::Id { .. }) => "pseudonymise id".to_owned(),
        Action::Pseudonymise(Kind::Reference) => "pseudonymise reference".to_owned(),
        Action::Pseudonymise(Kind::Value(kind)) => format!("pseudonymise {}", kind.word()),
        Action::Mask(mask) => format!("mask {}", mask_word(*mask)),
        Action::Generalise(Generalise::Year { .. }) => "generalise year".to_owned(),
        Action::Generalise(Generalise::Month) => "generalise month".to_owned(),
        Action::Generalise(Generalise::Week) => "generalise week".to_owned(),
        Action::Generalise(Generalise::Decade { .. }) => "generalise decade".to_owned(),
        Action::Generalise(Generalise::Age { .. }) => "generalise age".to_owned(),
        Action::Generalise(Generalise::AgeBand { width, .. }) => format!("generalise age-band-{width}"),
        Action::Generalise(Generalise::Step(_)) => "generalise step".to_owned(),
        Action::Generalise(Generalise::Bands(_)) => "generalise bands".to_owned(),
        Action::Generalise(Generalise::PostcodeRegion { .. }) => "generalise postcode-region".to_owned(),
        Action::Generalise(Generalise::Postcode2) => "generalise postcode-2".to_owned(),
        Action::Generalise(Generalise::CodePrefix { .. }) => "generalise code-prefix".to_owned(),
        Action::Round(Round::Instant { to: Precision::Hour, .. }) => "round hour".to_owned(),
        Action::Round(Round::Instant { to: Precision::Day, .. }) => "round day".to_owned(),
        Action::Round(Round::Digits(_)) => "round digits".to_owned(),
        Action::Shift(_) => "shift".to_owned(),
        Action::Replace(constant) => format!("replace {constant}"),
        Action::Scan(scan) => scan_words("scan cpr", scan),
        Action::Decode(scan) => scan_words("decode text scan cpr", scan),
        Action::DecodeJson(_) => "decode json".to_owned(),
        Action::Count => "count".to_owned(),
        Action::Resolve(_) => "resolve".to_owned(),
        Action::Url(Url::Route) => "url".to_owned(),
        Action::Url(Url::Templates(_)) => "url template".to_owned(),
    }
}

fn scan_words(first: &str, scan: &Scan) -> String {
    let found = [("phone", scan.phone), ("email", scan.email), ("names", !scan.names.is_empty())];
    found.iter().filter(|(_, on)| *on).fold(first.to_owned(), |text, (word, _)| text + " " + word)
}

const fn mask_word(mask: Mask) -> &'static str {
    match mask {
        Mask::FirstWord => "first-word",
        Mask::Initials => "initials",
        Mask::Last4 => "last-4",
        Mask::All => "all",
        Mask::Email => "email",
        Mask::Cpr => "cpr",
    }
}

/// A relation as policies word it.
#[must_use]
pub const fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Processor => "processor",
        Relation::Controller => "controller",
        Relation::Research => "research",
    }
}

/// A category of purposes as policies word it.
#[must_use]
pub const fn category(category: Category) -> &'static str {
    match category {
        Category::Service => "service",
        Category::Improvement => "improvement",
        Category::LegitimateInterest => "legitimate-interest",
    }
}

/// A transfer ground as policies word it.
#[must_use]
pub const fn ground(kind: TransferKind) -> &'static str {
    match kind {
        TransferKind::Adequacy => "adequacy",
        TransferKind::Dpf => "dpf",
        TransferKind::Scc => "scc",
        TransferKind::Bcr => "bcr",
        TransferKind::Art49 => "art-49",
    }
}

/// A scheme of pseudonyms as policies word it.
#[must_use]
pub const fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Keyed => "keyed",
        Scheme::Sealed => "sealed",
        Scheme::Table => "table",
        Scheme::Digits => "digits",
    }
}

/// A linkability as policies word it.
#[must_use]
pub const fn linkability(linkability: Linkability) -> &'static str {
    match linkability {
        Linkability::Domain => "domain",
        Linkability::Document => "document",
        Linkability::None => "none",
    }
}

/// What becomes of CPRs in kept text, as policies word it.
#[must_use]
pub const fn cpr_in_text(what: CprInText) -> &'static str {
    match what {
        CprInText::Mask => "mask",
        CprInText::Pseudonymise => "pseudonymise",
        CprInText::Refuse => "refuse",
    }
}

/// Whether data leave the EU and EEA by going to a country (GDPR chapter V).
#[must_use]
pub fn is_third_country(code: &str) -> bool {
    countries::is_third(code)
}

/// Whether a member's name says that its value concerns health (art. 4(15)); a guess over names.
#[must_use]
pub fn is_health_name(name: &str) -> bool {
    health::is_health_name(name)
}

/// Whether resources of a type say something of a subject's health.
#[must_use]
pub fn is_health_resource(resource_type: &str) -> bool {
    health::RESOURCES.contains(&resource_type)
}

/// Whether a location says by itself that a CPR stands there.
#[must_use]
pub fn holds_cpr(location: &Location) -> bool {
    known::holds_cpr(location)
}

/// A name without case, `-` and `_`, as names of members are compared.
#[must_use]
pub fn plain(name: &str) -> String {
    known::plain(name)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;
    use crate::policy::check;
    use crate::policy::running::PolicySet;
    use crate::policy::syntax::{Profiles, SourceFile};
    use crate::pseudonym::KeyRing;

    fn shipped(name: &str) -> Vec<PolicyRule> {
        let path = format!("policies/{name}.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut profiles = Profiles::default();
        for file in ["fhir", "fhir/clinical", "fhir/messages", "fhir/persons", "fhir/staff"] {
            let name = format!("profiles/{file}.toml");
            let text = std::fs::read_to_string(format!("policies/{name}")).unwrap();
            profiles.add(name.clone(), Ok(SourceFile::new(name, text)));
        }
        let file = SourceFile::new(path, text).with(&profiles.into());
        let (policies, _) = check::check(&[file], Date::constant(2026, 3, 4));
        let set = PolicySet::build(policies, &KeyRing::throw_away([1; 32])).unwrap();
        set.iter().flat_map(rules).collect()
    }

    #[test]
    fn words_are_those_of_the_language() {
        let grounds = [
            TransferKind::Adequacy,
            TransferKind::Dpf,
            TransferKind::Scc,
            TransferKind::Bcr,
            TransferKind::Art49,
        ];
        assert_eq!(grounds.map(ground), ["adequacy", "dpf", "scc", "bcr", "art-49"]);
        let texts = [CprInText::Mask, CprInText::Pseudonymise, CprInText::Refuse];
        assert_eq!(texts.map(cpr_in_text), ["mask", "pseudonymise", "refuse"]);
        assert_eq!(["US", "DK"].map(is_third_country), [true, false]);
        assert_eq!(["diagnose", "start"].map(is_health_name), [true, false]);
        assert_eq!(["Condition", "Patient"].map(is_health_resource), [true, false]);
        assert_eq!(
            ["$.cpr", "$.start"].map(|text| holds_cpr(&Location::parse(text).unwrap())),
            [true, false]
        );
        assert_eq!(plain("Mors_CPR-Nr"), "morscprnr");
    }

    #[test]
    fn rules_stand_in_words_with_their_number_route_and_kind_of_element() {
        let flat = shipped("bookkeeping");
        let invoice = |location: &str| {
            flat.iter().find(|rule| rule.location == location).map(|rule| rule.form.as_str())
        };
        assert_eq!(invoice("$.fakturaer[*].dato"), Some("keep"));
        assert_eq!(invoice("$.fakturaer[*].patient.cpr"), Some("pseudonymise cpr"));
        assert_eq!(invoice("$.fakturaer[*].betaling.besked"), Some("scan cpr phone email names"));
        let constant = "$.fakturaer[*].linjer[?@.ydelseskode=='0101'].tekst";
        assert_eq!(invoice(constant), Some("replace \"Konsultation\""));
        let numbers: Vec<u32> = flat.iter().map(|rule| rule.rule).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");

        let fhir = shipped("research");
        let birth =
            fhir.iter().find(|rule| rule.location == "Patient $.birthDate" && rule.route == "patients");
        assert!(birth.unwrap().form.starts_with("generalise "), "{birth:?}");
        assert!(fhir.iter().any(|rule| rule.location.starts_with("Condition $.code")));
        assert!(fhir.iter().all(|rule| rule.form != "withhold"));
    }
}
