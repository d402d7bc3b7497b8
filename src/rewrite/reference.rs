//! FHIR references: literal ones (R4 section 2.3.0.1), `Type/id`, alone or at the end of a URL; and
//! conditional ones (section 3.1.0.12.1), `Patient?identifier=system|number`.

use std::fmt;

use super::links::is_local;
use super::walk::Walk;
use super::{Judge, Watch};
use crate::cpr::{self, Number};
use crate::pseudonym::{Input, REGIONAL_SYSTEMS};
use crate::uri;

/// A FHIR id is 1 to 64 of these (R4 section 2.24.0.1).
const MAX_ID: usize = 64;

/// What a reference points to. `Debug` shows nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    pub(super) resource_type: &'a str,
    pub(super) id: &'a str,
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target(…)")
    }
}

impl<'a> Target<'a> {
    /// What the target's pseudonym is made of: the same as its own `id` member's.
    pub(super) fn input(self) -> Input<'a> {
        Input::id(self.resource_type, self.id)
    }

    /// Bytes of `Type/id`.
    pub(super) fn len(self) -> usize {
        self.resource_type.len().saturating_add(self.id.len()).saturating_add(1)
    }
}

/// Reads a literal reference, relative or absolute; a version (`/_history/2`) is left out. References
/// to contained resources, UUIDs and searches are none of these.
pub(super) fn parse(text: &str) -> Option<Target<'_>> {
    let text = match text.rsplit_once("/_history/") {
        Some((unversioned, version)) if is_id(version) => unversioned,
        Some(_) => return None,
        None => text,
    };
    let (rest, id) = text.rsplit_once('/')?;
    let (base, resource_type) = match rest.rsplit_once('/') {
        Some((base, resource_type)) => (Some(base), resource_type),
        None => (None, rest),
    };
    let good = base.is_none_or(is_base) && is_type(resource_type) && is_id(id);
    good.then_some(Target { resource_type, id })
}

/// A conditional reference to a person by number.
pub(super) struct Conditional<'a> {
    resource_type: &'a str,
    /// One of those that persons' numbers have; copied to the output.
    pub(super) system: String,
    pub(super) number: Number,
}

/// Identifier systems of CPR numbers and X-eCPRs; D-eCPRs have [`REGIONAL_SYSTEMS`].
const SYSTEMS: [&str; 2] = ["urn:oid:1.2.208.176.1.2", "urn:oid:1.2.208.176.1.6.1.1"];

/// Reads `Type?identifier=system|number`, alone or at the end of a URL, in any coding of a query.
/// One with another parameter, or of another system, is none.
pub(super) fn conditional(text: &str) -> Option<Conditional<'_>> {
    let (target, query) = text.split_once('?')?;
    let resource_type = match target.rsplit_once('/') {
        Some((base, resource_type)) => Some(resource_type).filter(|_| is_base(base))?,
        None => target,
    };
    let pairs = uri::decode_query(query).ok()?;
    let [(name, token)] = pairs.as_slice() else { return None };
    let (system, value) = token.split_once('|')?;
    let good = is_type(resource_type) && name == "identifier" && is_persons(system);
    let number = cpr::parse(value).filter(|_| good)?;
    Some(Conditional { resource_type, system: system.to_owned(), number })
}

/// Whether an identifier system is one of persons' numbers.
pub(super) fn is_persons(system: &str) -> bool {
    let region = |rest: &str| match rest.strip_prefix('.') {
        Some(digits) => (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => rest.is_empty(),
    };
    SYSTEMS.contains(&system) || system.strip_prefix(REGIONAL_SYSTEMS).is_some_and(region)
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// Writes the content of a reference that stands at `at`, with the pseudonym that its target's id
    /// or number has everywhere. `false`, and nothing of it may stay, if it points to nothing known.
    pub(super) fn write_reference(&mut self, text: &str, at: usize) -> bool {
        if let Some(target) = parse(text) {
            return self.write_target(target);
        }
        if is_local(text) {
            return self.links.entry(text).is_some_and(|resource| self.write_target(resource.target()));
        }
        if let Some(id) = text.strip_prefix('#') {
            self.out.push(b'#');
            // Alone it is the resource around (FHIR R4 section 2.3.0.1).
            return id.is_empty()
                || self
                    .links
                    .contained(at, id)
                    .is_some_and(|(resource, _)| self.write_pseudonym(resource.target().input()));
        }
        conditional(text).is_some_and(|one| {
            let Conditional { resource_type, system, number } = &one;
            self.out.extend_from_slice(format!("{resource_type}?identifier={system}|").as_bytes());
            self.write_person_of(number, system)
        })
    }

    fn write_target(&mut self, target: Target<'_>) -> bool {
        self.out.extend_from_slice(target.resource_type.as_bytes());
        self.out.push(b'/');
        self.write_pseudonym(target.input())
    }
}

fn is_base(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'))
    })
}

/// A type is copied to the output, so that it must be one that FHIR has.
pub(super) fn is_type(text: &str) -> bool {
    TYPES.binary_search(&text).is_ok()
}

pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// The resource types of FHIR R4, in order.
const TYPES: &[&str] = &[
    "Account",
    "ActivityDefinition",
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "AuditEvent",
    "Basic",
    "Binary",
    "BiologicallyDerivedProduct",
    "BodyStructure",
    "Bundle",
    "CapabilityStatement",
    "CarePlan",
    "CareTeam",
    "CatalogEntry",
    "ChargeItem",
    "ChargeItemDefinition",
    "Claim",
    "ClaimResponse",
    "ClinicalImpression",
    "CodeSystem",
    "Communication",
    "CommunicationRequest",
    "CompartmentDefinition",
    "Composition",
    "ConceptMap",
    "Condition",
    "Consent",
    "Contract",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "DetectedIssue",
    "Device",
    "DeviceDefinition",
    "DeviceMetric",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "EffectEvidenceSynthesis",
    "Encounter",
    "Endpoint",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "EpisodeOfCare",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "GraphDefinition",
    "Group",
    "GuidanceResponse",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "ImplementationGuide",
    "InsurancePlan",
    "Invoice",
    "Library",
    "Linkage",
    "List",
    "Location",
    "Measure",
    "MeasureReport",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationKnowledge",
    "MedicationRequest",
    "MedicationStatement",
    "MedicinalProduct",
    "MedicinalProductAuthorization",
    "MedicinalProductContraindication",
    "MedicinalProductIndication",
    "MedicinalProductIngredient",
    "MedicinalProductInteraction",
    "MedicinalProductManufactured",
    "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect",
    "MessageDefinition",
    "MessageHeader",
    "MolecularSequence",
    "NamingSystem",
    "NutritionOrder",
    "Observation",
    "ObservationDefinition",
    "OperationDefinition",
    "OperationOutcome",
    "Organization",
    "OrganizationAffiliation",
    "Parameters",
    "Patient",
    "PaymentNotice",
    "PaymentReconciliation",
    "Person",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RequestGroup",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "ResearchStudy",
    "ResearchSubject",
    "RiskAssessment",
    "RiskEvidenceSynthesis",
    "Schedule",
    "SearchParameter",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Subscription",
    "Substance",
    "SubstanceNucleicAcid",
    "SubstancePolymer",
    "SubstanceProtein",
    "SubstanceReferenceInformation",
    "SubstanceSourceMaterial",
    "SubstanceSpecification",
    "SupplyDelivery",
    "SupplyRequest",
    "Task",
    "TerminologyCapabilities",
    "TestReport",
    "TestScript",
    "ValueSet",
    "VerificationResult",
    "VisionPrescription",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_in_order() {
        assert!(TYPES.is_sorted());
    }

    #[test]
    fn reads_literal_references_and_nothing_else() {
        for (text, wanted) in [
            ("Patient/123", Some(("Patient", "123"))),
            ("Patient/123/_history/4", Some(("Patient", "123"))),
            ("https://api.example/fhir/Patient/a-b.c", Some(("Patient", "a-b.c"))),
            ("http://api.example/Patient/1", Some(("Patient", "1"))),
            ("MjUxMjQyOTkzNg/1", None),
            ("NancyBerggren/1", None),
            ("Patient", None),
            ("Patient/", None),
            ("/Patient/1", None),
            ("patient/1", None),
            ("fhir/Patient/1", None),
            ("#p1", None),
            ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", None),
            ("Patient?identifier=x", None),
            ("Patient/1?x=/Patient/2", None),
            ("https://a?b/Patient/1", None),
            ("Patient/a b", None),
            ("Patient/1/_history/", None),
        ] {
            let got = parse(text).map(|target| (target.resource_type, target.id));
            assert_eq!(got, wanted, "{text}");
        }
    }
}
