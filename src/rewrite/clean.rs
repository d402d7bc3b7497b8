//! Texts that were searched and hold no number: coding systems, codes and units repeat with every record, and
//! those that are long or have digits are what the search takes longest for. Those of one body are remembered for
//! as long as that is walked over; the public names of coding systems, for good.
//!
//! What must never happen here: an answer for any text but one with the very same bytes, or a text of a body that
//! outlives it.

use std::sync::LazyLock;

use crate::cpr::{self, Find, Search};
use crate::policy::plan::name_hash;

/// Texts that are remembered, one for each value of a hash: a few records' worth of codings.
const SLOTS: usize = 64;
/// The same for a short body.
const FEW_SLOTS: usize = 16;
/// A shorter body is a record or two, in which little repeats.
pub(super) const SHORT_BODY: usize = 4096;
/// Shorter texts are searched sooner than looked up, and longer ones do not repeat.
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=256;

/// Coding and identifier systems of Danish FHIR, which nearly every resource names.
const SYSTEMS: [&str; 34] = [
    "http://hl7.org/fhir/sid/icd-10",
    "http://loinc.org",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/MedComDiagnosticReportCodes",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-careCommunication-categoryCodes",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-core-PractitionerRolesSKSadministrativ",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-core-interpretation-codes",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-activityCodes",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-destinationUse",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-eventCodes",
    "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-observation-codes",
    "http://snomed.info/sct",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
    "http://unitsofmeasure.org",
    "http://www.whocc.no/atc",
    "https://www.gs1.org/gln",
    "urn:ietf:bcp:47",
    "urn:ietf:rfc:3986",
    "urn:iso:std:iso:3166",
    "urn:oid:1.2.208.176.1.1",
    "urn:oid:1.2.208.176.1.2",
    "urn:oid:1.2.208.176.1.4",
    "urn:oid:1.2.208.176.2.1",
    "urn:oid:1.2.208.176.2.31",
    "urn:oid:1.2.208.176.2.4.12",
];

/// So many that few of [`SYSTEMS`] take each other's place.
const KNOWN_SLOTS: usize = 256;

/// Those of [`SYSTEMS`] of which the search itself says that they hold no number.
static KNOWN: LazyLock<[&str; KNOWN_SLOTS]> = LazyLock::new(|| {
    let mut known = [""; KNOWN_SLOTS];
    for system in SYSTEMS {
        if cpr::search(system, &mut Vec::new()) == Search::Clean
            && let Some(slot) = known.get_mut(place(hash(system), KNOWN_SLOTS))
        {
            *slot = system;
        }
    }
    known
});

fn hash(text: &str) -> u64 {
    name_hash(text.as_bytes())
}

/// The number of slots is a power of two, or none.
fn place(hash: u64, slots: usize) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default() & slots.wrapping_sub(1)
}

/// What was searched in vain. No `Debug`: it holds the body.
pub(super) struct Clean<'b> {
    /// None until one was.
    slots: Vec<&'b str>,
    /// How many are made then.
    count: usize,
}

impl<'b> Clean<'b> {
    pub(super) fn of(body: &str) -> Self {
        Self { slots: Vec::new(), count: if body.len() < SHORT_BODY { FEW_SLOTS } else { SLOTS } }
    }

    /// [`cpr::search`] of a text of the body.
    ///
    /// PERF: a quarter of the instructions of a Bundle of 64 KB, and more of an export; of a Patient alone, where
    /// little repeats, a tenth, by the names of coding systems.
    pub(super) fn search(&mut self, text: &'b str, finds: &mut Vec<Find>) -> Search {
        if !LENGTHS.contains(&text.len()) {
            return cpr::search(text, finds);
        }
        let hash = hash(text);
        let is_known =
            |slots: &[&str]| slots.get(place(hash, slots.len())).is_some_and(|known| *known == text);
        if is_known(&self.slots) || is_known(&*KNOWN) {
            finds.clear();
            return Search::Clean;
        }
        let search = cpr::search(text, finds);
        if search == Search::Clean {
            self.slots.resize(self.count, "");
            if let Some(slot) = self.slots.get_mut(place(hash, self.count)) {
                *slot = text;
            }
        }
        search
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_no_number_in_any_system() {
        for system in SYSTEMS {
            assert_eq!(cpr::search(system, &mut Vec::new()), Search::Clean, "{system}");
            assert_eq!(Clean::of("").search(system, &mut Vec::new()), Search::Clean, "{system}");
            assert!(LENGTHS.contains(&system.len()), "{system} is never looked up");
        }
        let found = KNOWN.iter().filter(|known| !known.is_empty()).count();
        assert!(found >= SYSTEMS.len() * 3 / 4, "{found} have a place");
    }

    #[test]
    fn says_of_each_text_what_a_search_says_however_often_it_comes() {
        let texts: Vec<String> = (0..500)
            .map(|n| match n % 5 {
                0 => format!("tekst nummer {n} uden fund"),
                1 => format!("cpr 251248-9996 i tekst {n}"),
                2 => "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation".to_owned(),
                3 => format!("urn:oid:1.2.208.176.2.{n}"),
                _ => "MjUxMjQ4OTk5Ng".to_owned(),
            })
            .collect();
        let (mut clean, mut kept, mut fresh) = (Clean::of(""), Vec::new(), Vec::new());
        for text in texts.iter().chain(&texts) {
            assert_eq!(clean.search(text, &mut kept), cpr::search(text, &mut fresh), "{text}");
            assert_eq!(kept, fresh, "{text}");
        }
    }
}
