//! Name and address protection (CPR-loven § 28): which codes tell of it, and which members then stay.
//!
//! Both are judged by what stands there and not by a policy's rules: whatever these let out, a
//! protected person's name, address and ways to be reached go to nobody but who treats them.

use super::check::known::plain;

/// Codes of `meta.security` that tell of it: `R` and `V` (restricted, very restricted) of HL7's
/// v3-Confidentiality, and NSP's own word. Of whatever system they are said to be.
#[must_use]
pub fn marks(code: &str) -> bool {
    let code = code.trim().to_uppercase();
    matches!(code.as_str(), "R" | "V") || code.contains("ADRESSEBESKYTTE")
}

/// Whole names (without case, `-` and `_`) of members that tell a name, a place or a way to reach
/// somebody. `display` and `div` are FHIR's texts for people to read: of a reference, of a whole resource.
const NAMES: &[&str] = &[
    "adr",
    "by",
    "city",
    "co",
    "display",
    "district",
    "div",
    "doer",
    "dør",
    "epost",
    "etage",
    "family",
    "floor",
    "gade",
    "given",
    "husnr",
    "husnummer",
    "kommune",
    "kommunekode",
    "kommunenr",
    "lat",
    "latitude",
    "lng",
    "lon",
    "longitude",
    "municipality",
    "postcode",
    "street",
    "vej",
    "vejkode",
    "zip",
];

/// Ends of such names: `patientNavn`, `valueHumanName`, `mobile_phone`.
const ENDS: &[&str] = &[
    "address",
    "addresses",
    "adresse",
    "adresser",
    "contactpoint",
    "email",
    "emails",
    "mail",
    "mobil",
    "mobile",
    "mobilenumber",
    "mobilnr",
    "mobilnummer",
    "name",
    "names",
    "navn",
    "navne",
    "phone",
    "phonenumber",
    "phones",
    "postalcode",
    "postnr",
    "postnummer",
    "telecom",
    "telefon",
    "telefonnr",
    "telefonnummer",
    "tlf",
    "tlfnr",
    "zipcode",
];

/// Whether a member of this name tells a person's name, address or telecom.
#[must_use]
pub fn names_person(name: &str) -> bool {
    let name = plain(name);
    NAMES.contains(&name.as_str()) || ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_telecom_are_known_by_their_members_names() {
        for name in [
            "name",
            "navn",
            "_family",
            "valueHumanName",
            "address",
            "valueAddress",
            "patient_adresse",
            "postnr",
            "Post-Nr",
            "by",
            "telecom",
            "mobil",
            "mobilePhone",
            "email",
            "display",
            "div",
            "valueContactPoint",
        ] {
            assert!(names_person(name), "{name}");
        }
        for name in
            ["id", "identifier", "birthDate", "cpr", "start", "code", "value", "gender", "byg", "status"]
        {
            assert!(!names_person(name), "{name}");
        }
        assert!(
            marks("R") && marks(" v ") && marks("ADRESSEBESKYTTET") && marks("navne-og-adressebeskyttet")
        );
        assert!(!marks("N") && !marks("") && !marks("RESTRICTED"));
    }
}
