//! Members that look like data concerning health (GDPR art. 4(15)), and the basis that they need.
//!
//! A heuristic over names: it reminds an author, it does not decide what is health data.

use super::Findings;
use super::known::plain;
use crate::policy::checked::Action;
use crate::policy::codes;
use crate::policy::location::{Literal, Step};
use crate::policy::syntax::At;
use crate::policy::written::{Policy, Rule, Shape};

/// Whole names, Danish and English, of APIs around a clinic.
const NAMES: &[&str] = &[
    "anamnese",
    "atc",
    "behandling",
    "behandlinger",
    "blodsukker",
    "blodtryk",
    "blodtype",
    "cave",
    "diagnose",
    "dosering",
    "dosis",
    "epikrise",
    "helbred",
    "icd",
    "icpc",
    "journalnotat",
    "journaltekst",
    "labsvar",
    "note",
    "notat",
    "notater",
    "noter",
    "npu",
    "prescription",
    "prescriptions",
    "proevesvar",
    "prøvesvar",
    "recept",
    "recepter",
    "sks",
    "sygdom",
    "sygdomme",
    "treatment",
];

/// Ends of names: the reason for a visit.
const ENDS: &[&str] = &["aarsag", "årsag"];

/// Beginnings of names.
const BEGINNINGS: &[&str] = &[
    "allerg",
    "diagnos",
    "icd10",
    "icpc2",
    "indikation",
    "laegemid",
    "lægemid",
    "medicin",
    "medication",
    "symptom",
    "vaccin",
];

/// FHIR resource types that say something of a subject's health.
pub(in crate::policy) const RESOURCES: &[&str] = &[
    "AllergyIntolerance",
    "CarePlan",
    "ClinicalImpression",
    "Composition",
    "Condition",
    "DetectedIssue",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "FamilyMemberHistory",
    "Goal",
    "Immunization",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "QuestionnaireResponse",
    "RiskAssessment",
    "ServiceRequest",
    "Specimen",
];

/// Members of such a resource that say nothing of health by themselves.
const ENVELOPE: &[&str] = &["resourceType", "id", "meta", "identifier", "subject", "patient", "status"];

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    let Some(basis) = &policy.purpose.basis_at else { return };
    if policy.purpose.basis.is_empty() || policy.purpose.basis.iter().any(|basis| basis.value.health) {
        return;
    }
    let places: Vec<(&Rule, String)> = health_rules(policy).collect();
    let Some(((first, word), rest)) = places.split_first() else { return };
    let more = match rest.len() {
        0 => String::new(),
        1 => String::from("; so is one more member of this policy"),
        n => format!("; so are {n} more members of this policy"),
    };
    let help = format!("add a basis of art. 9(2), such as `gdpr-9-2-h`, or withhold the member{more}");
    findings.add_with(
        &codes::HEALTH_WITHOUT_BASIS,
        &first.location.span,
        format!("{word} looks like health data, and `basis` has no ground for that"),
        ("health data", &help),
        (basis, "no ground of art. 9(2)"),
    );
}

/// The released rules about health, each with the word that gives it away.
fn health_rules(policy: &Policy) -> impl Iterator<Item = (&Rule, String)> {
    let in_shapes = policy.shapes.iter().flat_map(|shape| {
        let resource = health_resource(shape);
        shape.rules.iter().filter_map(move |rule| {
            let by_resource = resource.filter(|_| !is_envelope(rule)).map(|name| format!("`{name}`"));
            Some((rule, by_resource.or_else(|| by_name(rule))?))
        })
    });
    let in_routes = policy.routes.iter().flat_map(|route| &route.response.rules);
    in_shapes
        .chain(in_routes.filter_map(|rule| Some((rule, by_name(rule)?))))
        .filter(|(rule, _)| is_released(rule))
}

fn health_resource(shape: &Shape) -> Option<&'static str> {
    shape.when.iter().find_map(|(name, literal)| match literal {
        Literal::String(text) if name == "resourceType" => RESOURCES.iter().find(|one| *one == text).copied(),
        Literal::String(_) | Literal::Integer(_) | Literal::Bool(_) | Literal::Null => None,
    })
}

fn is_envelope(rule: &Rule) -> bool {
    let first = rule.location.value.steps.first();
    matches!(first, Some(Step::Name(name)) if ENVELOPE.contains(&name.as_str()))
}

fn by_name(rule: &Rule) -> Option<String> {
    rule.location.value.steps.iter().find_map(|step| match step {
        Step::Name(name) => is_health_name(name).then(|| format!("`{name}`")),
        Step::Wildcard | Step::Index(_) | Step::Filter(_) => None,
    })
}

/// Whether a member's name says that its value concerns health.
pub(in crate::policy) fn is_health_name(name: &str) -> bool {
    let plain = plain(name);
    NAMES.contains(&plain.as_str())
        || BEGINNINGS.iter().any(|beginning| plain.starts_with(beginning))
        || ENDS.iter().any(|end| plain.ends_with(end))
}

/// Whether something of the value leaves: a pseudonym or a constant says nothing of it.
fn is_released(rule: &Rule) -> bool {
    let At { value: action, .. } = &rule.action;
    match action {
        Action::Keep(_)
        | Action::Mask(_)
        | Action::Generalise(_)
        | Action::Round(_)
        | Action::Shift(_)
        | Action::Scan(_)
        | Action::Decode(_) => true,
        Action::Withhold
        | Action::Pseudonymise(_)
        | Action::Replace(_)
        // What of the document leaves, the rules of its shapes say.
        | Action::DecodeJson(_)
        | Action::Count
        | Action::Resolve(_)
        | Action::Url(_) => false,
    }
}
