//! What a value probably is: guessed from how it is written and from the names above it. A guess, to
//! sort by; where two classes fit, the one that says more of a person.

use data_encoding::BASE64;
use serde_json::Value;

use crate::cpr;
use crate::policy::words::plain;

/// A class of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A CPR, replacement or e-CPR number, or a number that could be one.
    Cpr,
    /// Text with a CPR number in it.
    TextWithCpr,
    /// Base64 of text.
    Encoded,
    /// A person's or place's name.
    Name,
    /// An address or a part of one.
    Address,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// An identifier of the API's own.
    Id,
    /// A UUID.
    Uuid,
    /// A day, month or year; or an instant that is somebody's birth.
    Date,
    /// A day with a time.
    Instant,
    /// A postcode.
    Postcode,
    /// The name of a system of codes or identifiers.
    CodeSystem,
    /// A URL.
    Url,
    /// A word or code without spaces.
    Code,
    /// A JSON document in base64.
    CodedDocument,
    /// Several words.
    FreeText,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`, or an empty text or container.
    Nothing,
}

impl Class {
    /// As reports call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpr => "CPR",
            Self::TextWithCpr => "text with CPR",
            Self::Encoded => "base64 of text",
            Self::Name => "name",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Email => "e-mail",
            Self::Id => "id",
            Self::Uuid => "UUID",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Postcode => "postcode",
            Self::CodeSystem => "code system",
            Self::Url => "URL",
            Self::Code => "code",
            Self::CodedDocument => "JSON in base64",
            Self::FreeText => "free text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Nothing => "nothing",
        }
    }

    /// Whether a value of it names somebody by itself.
    #[must_use]
    pub const fn identifies(self) -> bool {
        matches!(self, Self::Cpr | Self::Name | Self::Phone | Self::Email | Self::Id | Self::Uuid)
    }
}

/// Longer is text, not a code or a name.
const LONGEST_WORD: usize = 40;

/// Whether a text is base64 of a JSON object or array.
fn is_coded_document(text: &str) -> bool {
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let json = BASE64.decode(&compact).ok().and_then(|json| serde_json::from_slice(&json).ok());
    matches!(json, Some(Value::Object(_) | Value::Array(_)))
}

/// The class of a string below these names, the nearest last.
#[must_use]
pub fn string(names: &[&str], text: &str) -> Class {
    let text = text.trim();
    let hint = Hint::of(names);
    if text.is_empty() {
        return Class::Nothing;
    }
    if is_coded_document(text) {
        return Class::CodedDocument;
    }
    if is_encoded(text) {
        return Class::Encoded;
    }
    if is_url(text) && cpr::search(text, &mut Vec::new()) == cpr::Search::Found {
        return Class::Url;
    }
    if cpr::search(text, &mut Vec::new()) == cpr::Search::Found {
        return if text.chars().count() <= 16 { Class::Cpr } else { Class::TextWithCpr };
    }
    if uuid::Uuid::try_parse(text).is_ok() {
        return Class::Uuid;
    }
    if is_url(text) {
        return if hint == Hint::System || text.starts_with("urn:oid:") {
            Class::CodeSystem
        } else {
            Class::Url
        };
    }
    if is_email(text) {
        return Class::Email;
    }
    if let Some(class) = date(text) {
        return class;
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let only_digits = digits == text.len();
    let is_phone =
        (8..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || "+ ()-.".contains(c));
    match hint {
        Hint::Cpr => return Class::Cpr,
        Hint::Phone => return Class::Phone,
        Hint::Postcode => return Class::Postcode,
        Hint::Address => return Class::Address,
        Hint::Name => return Class::Name,
        Hint::Text => return Class::FreeText,
        Hint::Id => return Class::Id,
        Hint::Code if !text.contains(' ') => return Class::Code,
        Hint::Email => return Class::Email,
        Hint::System => return Class::CodeSystem,
        Hint::Code | Hint::None => {}
    }
    if is_phone && (only_digits && digits == 8 || text.starts_with('+') || text.contains(' ')) {
        return Class::Phone;
    }
    let words = text.split_whitespace().count();
    let capital =
        |word: &str| word.starts_with(char::is_uppercase) && word.chars().skip(1).any(char::is_lowercase);
    if words > 1
        && words <= 5
        && text.split_whitespace().filter(|word| capital(word)).count() >= 2
        && digits == 0
    {
        return Class::Name;
    }
    if words > 1 || text.chars().count() > LONGEST_WORD { Class::FreeText } else { Class::Code }
}

/// The class of a JSON number, as it is written.
#[must_use]
pub fn number(names: &[&str], text: &str) -> Class {
    let is_phone =
        text.len() == 10 && text.starts_with("45") && text.bytes().all(|byte| byte.is_ascii_digit());
    let hint = Hint::of(names);
    if hint == Hint::Phone || is_phone {
        return Class::Phone;
    }
    if hint == Hint::Cpr || cpr::number_could_be_cpr(text.as_bytes()) {
        return Class::Cpr;
    }
    match hint {
        Hint::Id => Class::Id,
        Hint::Postcode => Class::Postcode,
        Hint::Cpr
        | Hint::Phone
        | Hint::Name
        | Hint::Address
        | Hint::Email
        | Hint::Text
        | Hint::Code
        | Hint::System
        | Hint::None => Class::Number,
    }
}

/// Whether the names say that a date is of somebody's birth or death.
#[must_use]
pub fn is_of_life(names: &[&str]) -> bool {
    names.last().is_some_and(|name| {
        let name = plain(name);
        ["birth", "foedsel", "fødsel", "dob", "born", "foedt", "født", "deceased", "doed", "død"]
            .iter()
            .any(|word| name.contains(word))
    })
}

/// What the nearest name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    Cpr,
    Name,
    Address,
    Phone,
    Email,
    Postcode,
    Text,
    Id,
    Code,
    System,
    None,
}

impl Hint {
    /// Ends of names, in the order of trust.
    const ENDS: &'static [(Self, &'static [&'static str])] = &[
        (
            Self::Phone,
            &[
                "mobil",
                "mobile",
                "mobilnr",
                "mobilnummer",
                "msisdn",
                "telefon",
                "telefonnr",
                "telefonnummer",
                "phone",
                "phonenumber",
                "tlf",
                "tlfnr",
                "fax",
            ],
        ),
        (Self::Email, &["email", "mail", "epost"]),
        (Self::Postcode, &["postnr", "postnummer", "postalcode", "postcode", "zip", "zipcode"]),
        (Self::Name, &["navn", "name", "names", "given", "family", "surname", "fornavn", "efternavn"]),
        (
            Self::Address,
            &[
                "adresse",
                "address",
                "vej",
                "vejnavn",
                "gade",
                "street",
                "line",
                "city",
                "by",
                "bynavn",
                "postdistrikt",
            ],
        ),
        (
            Self::Text,
            &[
                "tekst",
                "text",
                "besked",
                "message",
                "note",
                "notes",
                "notat",
                "notater",
                "bemaerkning",
                "bemærkning",
                "kommentar",
                "comment",
                "aarsag",
                "årsag",
                "beskrivelse",
                "description",
                "div",
                "conclusion",
            ],
        ),
        (Self::System, &["system", "codesystem"]),
        (
            Self::Code,
            &[
                "code", "kode", "status", "type", "icpc", "icd", "icd10", "atc", "sks", "npu", "use", "unit",
                "diagnose", "cvr", "sor",
            ],
        ),
        (
            Self::Id,
            &["id", "ids", "nr", "nummer", "number", "uuid", "guid", "reference", "ref", "ip", "konto"],
        ),
    ];

    fn of(names: &[&str]) -> Self {
        let Some(name) = names.last() else { return Self::None };
        let named = crate::policy::location::Location {
            steps: vec![crate::policy::location::Step::Name((*name).to_owned())],
        };
        if crate::policy::words::holds_cpr(&named) {
            return Self::Cpr;
        }
        let name = plain(name);
        let is = |ends: &[&str]| {
            ends.iter().any(|end| if end.len() > 3 { name.ends_with(end) } else { name == *end })
        };
        let found = Self::ENDS.iter().find(|(_, ends)| is(ends)).map(|(hint, _)| *hint);
        found.unwrap_or_else(|| {
            if ["id", "nr"].iter().any(|end| name.ends_with(end)) && name.len() > 3 {
                Self::Id
            } else {
                Self::None
            }
        })
    }
}

fn is_url(text: &str) -> bool {
    let urn = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    !text.contains(char::is_whitespace) && (urn || text.contains("://"))
}

/// Base64 (RFC 4648, padded) of text in several words: what a document or a note in an attachment is.
fn is_encoded(text: &str) -> bool {
    let long = text.len() >= LEAST_ENCODED && text.len().checked_rem(4) == Some(0);
    let decoded = if long { BASE64.decode(text.as_bytes()).ok() } else { None };
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .is_some_and(|text| text.contains(' ') && !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
}

/// Shorter is a word that only looks like base64.
const LEAST_ENCODED: usize = 16;

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace)
}

/// Dates and instants of ISO 8601, whole or in part, and days as Danes write them.
fn date(text: &str) -> Option<Class> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match shape.as_str() {
        "0000-00-00" | "0000-00" | "00-00-0000" | "00.00.0000" | "00/00/0000" => Some(Class::Date),
        _ if shape.starts_with("0000-00-00T") || shape.starts_with("0000-00-00 00:00") => {
            Some(Class::Instant)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sorted_by_form_and_name() {
        for (name, text, class) in [
            ("x", "251248-9996", Class::Cpr),
            ("x", "0703921VJ4", Class::Cpr),
            ("x", "Kontrol KOL, cpr 2512489996", Class::TextWithCpr),
            ("navn", "Nancy", Class::Name),
            ("x", "Nancy Ann Berggren", Class::Name),
            ("adresse", "Tårnhøjvej 47, 9220 Aalborg Øst", Class::Address),
            ("x", "+45 20 30 40 50", Class::Phone),
            ("x", "20304050", Class::Phone),
            ("x", "nancy@example.dk", Class::Email),
            ("aftaleId", "A-88120", Class::Id),
            ("x", "3f2b8c1e-9d4a-4c5b-8e7f-0a1b2c3d4e5f", Class::Uuid),
            ("foedselsdato", "1990-04-05", Class::Date),
            ("start", "2026-03-04T09:20:00+01:00", Class::Instant),
            ("postnr", "3400", Class::Postcode),
            ("system", "urn:oid:1.2.208.176.1.2", Class::CodeSystem),
            ("url", "https://x.example/y", Class::Url),
            ("diagnose", "R95", Class::Code),
            ("status", "booked", Class::Code),
            ("aarsag", "Hoste", Class::FreeText),
            ("x", "Attest, depression", Class::FreeText),
            // {"cpr":"2512489996"}, and a number.
            ("data", "eyJjcHIiOiIyNTEyNDg5OTk2In0=", Class::CodedDocument),
            ("data", "MTIz", Class::Code),
            ("x", " ", Class::Nothing),
            ("data", "S29udHJvbCBLT0wsIGNwciAyNTEyNDg5OTk2", Class::Encoded),
            ("x", "Kontrolskema2026", Class::Code),
            ("url", "https://x.example/Patient?identifier=2512489996", Class::Url),
        ] {
            assert_eq!(string(&[name], text), class, "{name}: {text}");
        }
        for (name, text, class) in [
            ("mobil", "4520304050", Class::Phone),
            ("x", "504909995", Class::Cpr),
            ("antal", "2", Class::Number),
            ("patientId", "77", Class::Id),
        ] {
            assert_eq!(number(&[name], text), class, "{name}: {text}");
        }
        assert!(is_of_life(&["patient", "foedselsdato"]) && !is_of_life(&["dato"]));
    }
}
