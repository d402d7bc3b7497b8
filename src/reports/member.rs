//! What a rule number of a disclosure meant, in plain words: which value, in which form.

use std::collections::HashMap;

use serde::Serialize;

use super::text::{self, Text};
use crate::ids::PolicyVersion;
use crate::policy::location::{Location, Step};
use crate::policy::words;
use crate::store::{Policy, Store, StoreError};

/// One sort of value that left, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Member {
    /// What the value is about; a guess over names.
    pub category: DataCategory,
    /// Where it stands: the location as the policy had it, behind the kind of element if it has one.
    pub location: String,
    /// In what form it left, in the policy language's words.
    pub form: String,
}

/// Categories of personal data (GDPR art. 15(1)(b), 33(3)(a)), those that weigh most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataCategory {
    /// Art. 9: diagnoses, medicine, findings.
    Health,
    /// CPR and other numbers that point to one person, and pseudonyms of them.
    Identification,
    /// Name, address, telephone, e-mail.
    Contact,
    /// Age, sex.
    Demographic,
    /// When.
    Appointment,
    /// Invoices and services.
    Payment,
    /// Who treats.
    Care,
    /// All else.
    Other,
}

impl DataCategory {
    /// The word in JSON.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Identification => "identification",
            Self::Contact => "contact",
            Self::Demographic => "demographic",
            Self::Appointment => "appointment",
            Self::Payment => "payment",
            Self::Care => "care",
            Self::Other => "other",
        }
    }
}

impl Member {
    pub(super) fn of(location: &str, form: &str) -> Self {
        Self { category: category(location), location: location.to_owned(), form: form.to_owned() }
    }

    /// Whether the value can point to a person directly, in whole or in part: a name, a number or a way
    /// to reach them that no pseudonym or constant stands for, or free text.
    pub(super) fn points_to_a_person(&self) -> bool {
        let direct = matches!(self.category, DataCategory::Identification | DataCategory::Contact);
        match self.bare_form().split(' ').next().unwrap_or_default() {
            // What leaves of a decoded document has members of its own.
            "pseudonymise" | "replace" | "count" | "resolve" | "decode" => false,
            "scan" => true,
            _ => {
                (direct || self.form.starts_with("keep clear-cpr"))
                    && !matches!(
                        &*self.form,
                        "mask all" | "mask cpr" | "generalise postcode-region" | "generalise postcode-2"
                    )
            }
        }
    }

    /// `CPR-nummer (patient): pseudonymiseret`.
    pub(super) fn words(&self, text: &Text) -> String {
        format!("{}: {}", self.what(text), self.form_words(text))
    }

    /// `CPR-nummer (patient)`; of a value in a decoded document both, with an arrow between.
    pub(super) fn what(&self, text: &Text) -> String {
        let inner = innermost(&self.location);
        let outer = self.location.strip_suffix(inner).and_then(|outer| outer.strip_suffix(words::DECODED));
        match outer {
            Some(outer) => what(outer, text) + words::DECODED + &what(inner, text),
            None => what(inner, text),
        }
    }

    /// `pseudonymiseret`.
    pub(super) fn form_words(&self, text: &Text) -> String {
        let forms = text.words.forms;
        if let Some(ground) = self.form.strip_prefix("keep clear-cpr ") {
            let ground = text::word(text.words.cpr_grounds, ground);
            return text::fill(text::word(forms, "keep clear-cpr"), &[("ground", ground)]);
        }
        for open in ["replace", "scan"] {
            if self.bare_form().split(' ').next() == Some(open) {
                return text::word(forms, open).to_owned();
            }
        }
        text::word(forms, &self.form).to_owned()
    }

    /// The form of what is in a code of text, for that is what leaves.
    fn bare_form(&self) -> &str {
        self.form.strip_prefix("decode text ").unwrap_or(&self.form)
    }
}

/// `CPR-nummer (patient)`, of a location that is in no other.
fn what(location: &str, text: &Text) -> String {
    let (element, names) = parts(location);
    let known = |name: &str| text::known(text.words.members, &words::plain(name));
    let Some((last, above)) = names.split_last() else {
        return element.unwrap_or("$").to_owned();
    };
    let what = known(last).unwrap_or(last);
    // The nearest name above that says something, or else the kind of element.
    let of = above.iter().rev().find_map(|name| known(name)).filter(|of| *of != what);
    let of = of.or_else(|| element.map(|element| known(element).unwrap_or(element)));
    of.map_or_else(|| what.to_owned(), |of| format!("{what} ({of})"))
}

/// The kind of element before `$`, if any, and the names below it.
fn parts(location: &str) -> (Option<&str>, Vec<String>) {
    let (element, path) = match location.split_once(" $") {
        Some((element, _)) => (Some(element), location.get(element.len().saturating_add(1)..)),
        None => (None, Some(location)),
    };
    let parsed = path.and_then(|path| Location::parse(path).ok()).unwrap_or_default();
    let names = parsed.steps.into_iter().filter_map(|step| match step {
        Step::Name(name) => Some(name),
        Step::Wildcard | Step::Index(_) | Step::Filter(_) => None,
    });
    (element, names.collect())
}

/// The location in the document that is decoded, where the words are of one.
fn innermost(location: &str) -> &str {
    let is_location = |inner: &&str| {
        let path = inner.get(inner.find('$').unwrap_or(inner.len())..).unwrap_or_default();
        Location::parse(path).is_ok()
    };
    let inner = location.rsplit_once(words::DECODED).map(|(_, inner)| inner);
    inner.filter(is_location).unwrap_or(location)
}

/// A guess, as `tavs check` makes it: over names, and the kinds of FHIR resources. What a value in a
/// decoded document is, the place of the code does not say.
fn category(location: &str) -> DataCategory {
    let location = innermost(location);
    let (element, names) = parts(location);
    let path = location.get(location.find('$').unwrap_or(0)..).unwrap_or_default();
    if Location::parse(path).is_ok_and(|path| words::holds_cpr(&path)) {
        return DataCategory::Identification;
    }
    let plain: Vec<String> = names.iter().map(|name| words::plain(name)).collect();
    let last = plain.last().map(String::as_str).unwrap_or_default();
    if names.iter().any(|name| words::is_health_name(name)) {
        return DataCategory::Health;
    }
    let by_last = NAMES.iter().find(|(_, names)| names.contains(&last)).map(|(category, _)| *category);
    match element {
        Some(element) if words::is_health_resource(element) => match by_last {
            Some(known @ (DataCategory::Identification | DataCategory::Appointment)) => known,
            _ if ENVELOPE.contains(&last) => DataCategory::Other,
            _ => DataCategory::Health,
        },
        Some("Practitioner" | "PractitionerRole" | "Organization" | "Location") => DataCategory::Care,
        _ => {
            let by_any = || {
                let found = plain.iter().rev().find_map(|name| {
                    NAMES
                        .iter()
                        .find(|(_, names)| names.contains(&name.as_str()))
                        .map(|(category, _)| *category)
                });
                found.unwrap_or(DataCategory::Other)
            };
            match plain.iter().find(|name| CARE.contains(&name.as_str())) {
                Some(_) => DataCategory::Care,
                None => by_last.unwrap_or_else(by_any),
            }
        }
    }
}

/// Below these, names and addresses are a clinic's or its staff's.
const CARE: &[&str] = &["klinik", "clinic", "laege", "læge", "practitioner", "performer", "organization"];

/// Members of a resource about health that say nothing of health by themselves.
const ENVELOPE: &[&str] = &["meta", "resourcetype", "status", "total", "type"];

/// Last names, without case, `-` and `_`.
const NAMES: &[(DataCategory, &[&str])] = &[
    (
        DataCategory::Identification,
        &["aftaleid", "ecpr", "fullurl", "id", "identifier", "patientid", "reference", "subject"],
    ),
    (
        DataCategory::Contact,
        &[
            "address",
            "adresse",
            "by",
            "city",
            "efternavn",
            "email",
            "epost",
            "family",
            "fornavn",
            "given",
            "line",
            "mail",
            "mobil",
            "mobile",
            "name",
            "navn",
            "phone",
            "postalcode",
            "postnr",
            "postnummer",
            "telecom",
            "telefon",
            "tlf",
            "vej",
        ],
    ),
    (
        DataCategory::Demographic,
        &["age", "alder", "birthdate", "foedselsdato", "fødselsdato", "gender", "koen", "køn", "sex"],
    ),
    (
        DataCategory::Appointment,
        &["aftale", "appointment", "dato", "date", "end", "period", "slut", "start", "tid", "tidspunkt"],
    ),
    (
        DataCategory::Payment,
        &[
            "amount",
            "antal",
            "beloeb",
            "beløb",
            "betaling",
            "fakturanr",
            "invoice",
            "konto",
            "linjer",
            "payment",
            "pris",
            "regnr",
            "timestamp",
            "ydelseskode",
        ],
    ),
    (DataCategory::Care, &["autorisationsid", "klinik", "laege", "læge", "sor", "ydernr", "ydernummer"]),
];

/// The policy versions that a report speaks of, in words.
#[derive(Debug, Default)]
pub(super) struct Policies(HashMap<[u8; 32], Option<Known>>);

#[derive(Debug)]
struct Known {
    policy: Policy,
    members: HashMap<String, HashMap<u32, Member>>,
}

impl Policies {
    /// Reads a version, unless it has been read.
    pub(super) fn learn(&mut self, store: &Store, version: PolicyVersion) -> Result<(), StoreError> {
        if self.0.contains_key(&version.0) {
            return Ok(());
        }
        let known = store.policy(version)?.map(Known::new);
        self.0.insert(version.0, known);
        Ok(())
    }

    /// A version in words, if a record tells of it.
    pub(super) fn get(&self, version: PolicyVersion) -> Option<&Policy> {
        self.0.get(&version.0)?.as_ref().map(|known| &known.policy)
    }

    /// What a rule number of a route meant.
    pub(super) fn member(&self, version: PolicyVersion, route: Option<&str>, rule: u32) -> Option<&Member> {
        self.0.get(&version.0)?.as_ref()?.members.get(route?)?.get(&rule)
    }
}

impl Known {
    fn new(mut policy: Policy) -> Self {
        let mut members: HashMap<String, HashMap<u32, Member>> = HashMap::new();
        for rule in policy.rules.drain(..) {
            let member = Member::of(&rule.location, &rule.form);
            members.entry(rule.route).or_default().insert(rule.rule, member);
        }
        Self { policy, members }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::{DA, EN};
    use super::*;

    #[test]
    fn a_rule_is_told_in_plain_words_with_its_category() {
        let cases: &[(&str, &str, DataCategory, &str, &str)] = &[
            (
                "$.fakturaer[*].patient.cpr",
                "pseudonymise cpr",
                DataCategory::Identification,
                "CPR-nummer (patient): pseudonymiseret",
                "CPR number (patient): pseudonymised",
            ),
            (
                "$.appointments[*].patient.mobil",
                "keep",
                DataCategory::Contact,
                "mobilnummer (patient): i klar tekst",
                "mobile number (patient): in clear",
            ),
            (
                "$.appointments[*].klinik.navn",
                "keep",
                DataCategory::Care,
                "navn (klinik): i klar tekst",
                "name (clinic): in clear",
            ),
            (
                "Patient $.birthDate",
                "generalise year",
                DataCategory::Demographic,
                "fødselsdato (patient): kun året",
                "date of birth (patient): only the year",
            ),
            (
                "Condition $.code.coding[*].code",
                "keep",
                DataCategory::Health,
                "kode (diagnose): i klar tekst",
                "code (diagnosis): in clear",
            ),
            (
                "Condition $.subject.reference",
                "pseudonymise reference",
                DataCategory::Identification,
                "henvisning (patient): pseudonymiseret",
                "reference (patient): pseudonymised",
            ),
            (
                "Patient $.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value",
                "keep clear-cpr dbl-11-2-1",
                DataCategory::Identification,
                "værdi (identifikation): i klar tekst, også CPR-numre (databeskyttelseslovens § 11, stk. 2, nr. 1)",
                "value (identification): in clear, CPR numbers too (Data Protection Act s. 11(2)(1))",
            ),
            (
                "$.fakturaer[*].linjer[?@.ydelseskode=='2149'].tekst",
                "replace \"Attest\"",
                DataCategory::Payment,
                "tekst (fakturalinje): erstattet af en fast tekst",
                "text (invoice line): replaced by a constant",
            ),
            (
                "$.ukendt",
                "invented by a later version",
                DataCategory::Other,
                "ukendt: invented by a later version",
                "ukendt: invented by a later version",
            ),
            ("not a location", "keep", DataCategory::Other, "$: i klar tekst", "$: in clear"),
        ];
        for (location, form, category, danish, english) in cases {
            let member = Member::of(location, form);
            assert_eq!(member.category, *category, "{location}");
            assert_eq!(member.words(&DA), *danish);
            assert_eq!(member.words(&EN), *english);
        }
    }

    #[test]
    fn what_is_in_a_document_is_told_by_both_places_and_sorted_by_its_own() {
        for (location, form, category, danish, english) in [
            (
                "DocumentReference $.content[*].attachment.data → Patient $.birthDate",
                "generalise year",
                DataCategory::Demographic,
                "data (DocumentReference) → fødselsdato (patient): kun året",
                "data (DocumentReference) → date of birth (patient): only the year",
            ),
            (
                "$.notat.bilag",
                "decode json",
                DataCategory::Health,
                "bilag: et dokument, hvoraf kun det, der er nævnt for sig, er videregivet",
                "bilag: a document of which only what is named by itself was disclosed",
            ),
            (
                "$.brev.data",
                "decode text scan cpr phone",
                DataCategory::Other,
                "data: fritekst, renset for CPR-numre og det, som aftalen nævner",
                "data: free text, cleared of CPR numbers and of what the agreement names",
            ),
        ] {
            let member = Member::of(location, form);
            assert_eq!(member.category, category, "{location}");
            assert_eq!((member.words(&DA).as_str(), member.words(&EN).as_str()), (danish, english));
        }
        assert!(Member::of("$.brev.data", "decode text scan cpr").points_to_a_person());
        assert!(!Member::of("Patient $.photo.data", "decode json").points_to_a_person());
    }
}
