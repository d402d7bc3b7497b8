//! The tables that stand once: who, why, where to, how much.

use std::ops::RangeInclusive;

use super::{Agreement, Identity, Limits, Pseudonyms, Purpose, Recipient, Transfer, names};
use crate::identity::Presented;
use crate::policy::checked::{
    Basis, Category, Consent, CprInText, Linkability, NoveltyAnswer, Relation, TransferKind,
};
use crate::policy::codes;
use crate::policy::location::Location;
use crate::policy::syntax::{At, Table, Value, parse_rate};
use crate::pseudonym::Scheme;

/// What a recipient can be in law.
const RELATIONS: &[(&str, Relation)] = &[
    ("processor", Relation::Processor),
    ("controller", Relation::Controller),
    ("research", Relation::Research),
];

/// The three categories of the clinics' privacy policy.
const CATEGORIES: &[(&str, Category)] = &[
    ("service", Category::Service),
    ("improvement", Category::Improvement),
    ("legitimate-interest", Category::LegitimateInterest),
];

const CONSENTS: &[(&str, Consent)] =
    &[("not-required", Consent::NotRequired), ("required", Consent::Required)];

const GROUNDS: &[(&str, TransferKind)] = &[
    ("adequacy", TransferKind::Adequacy),
    ("dpf", TransferKind::Dpf),
    ("scc", TransferKind::Scc),
    ("bcr", TransferKind::Bcr),
    ("art-49", TransferKind::Art49),
];

const NOVELTY_ANSWERS: &[(&str, NoveltyAnswer)] =
    &[("alarm", NoveltyAnswer::Alarm), ("refuse", NoveltyAnswer::Refuse)];

const LINKABILITIES: &[(&str, Linkability)] =
    &[("domain", Linkability::Domain), ("document", Linkability::Document), ("none", Linkability::None)];

const SCHEMES: &[(&str, Scheme)] = &[
    ("keyed", Scheme::Keyed),
    ("sealed", Scheme::Sealed),
    ("table", Scheme::Table),
    ("digits", Scheme::Digits),
];

const CPR_IN_TEXT: &[(&str, CprInText)] =
    &[("mask", CprInText::Mask), ("pseudonymise", CprInText::Pseudonymise), ("refuse", CprInText::Refuse)];

macro_rules! bases {
    ($($id:literal $health:literal),* $(,)?) => { &[$(($id, Basis { id: $id, health: $health })),*] };
}

/// The legal bases: GDPR art. 6(1) and 9(2), Databeskyttelsesloven (`dbl`) and Sundhedsloven
/// (`sul`). `true`: a basis for health data, art. 9(2) or Danish law made under it.
const BASES: &[(&str, Basis)] = bases![
    "gdpr-6-1-a" false, "gdpr-6-1-b" false, "gdpr-6-1-c" false,
    "gdpr-6-1-d" false, "gdpr-6-1-e" false, "gdpr-6-1-f" false,
    "gdpr-9-2-a" true, "gdpr-9-2-b" true, "gdpr-9-2-c" true, "gdpr-9-2-d" true, "gdpr-9-2-e" true,
    "gdpr-9-2-f" true, "gdpr-9-2-g" true, "gdpr-9-2-h" true, "gdpr-9-2-i" true, "gdpr-9-2-j" true,
    "dbl-7-1" true, "dbl-7-2" true, "dbl-7-3" true, "dbl-7-4" true, "dbl-10" true,
    "sul-41" true, "sul-43" true, "sul-46" true, "sul-47" true,
];

pub(super) fn recipient(root: &mut Table<'_>) -> Recipient {
    let Some(mut table) = root.required_table("recipient", "id = \"sms-reminders\"") else {
        return Recipient::default();
    };
    let id = table.required("id", "\"sms-reminders\"");
    let recipient = Recipient {
        id: id.and_then(|id| id.parsed(&codes::BAD_VALUE, names::name)),
        name: table.required_str("name", "\"Påmind ApS\""),
        relation: table.required_word("relation", RELATIONS, &[]),
        contact: table.required_str("contact", "\"gdpr@paamind.example\""),
    };
    table.finish();
    recipient
}

pub(super) fn identity(root: &mut Table<'_>) -> Identity {
    let Some(mut table) = root.required_table("identity", "anchor = \"partners\"") else {
        return Identity::default();
    };
    let anchor = table.required("anchor", "\"partners\"");
    let certificate = table.required("certificate", "{ uri = \"urn:tavs:recipient:sms-reminders\" }");
    let token = table.optional("token-sha256");
    table.finish();
    Identity {
        anchor: anchor.and_then(|anchor| anchor.parsed(&codes::BAD_VALUE, names::name)),
        presented: certificate.and_then(|certificate| presented(&certificate)),
        token_sha256: token.and_then(|token| token.parsed(&codes::BAD_VALUE, names::sha256)),
    }
}

/// The one identifier that a certificate is known by.
pub(crate) fn presented(certificate: &Value<'_>) -> Option<At<Presented>> {
    const ONE: &str = "write one of `uri`, `dns` and `spki-sha256`";
    let mut table = certificate.table()?;
    let forms = [table.optional("uri"), table.optional("dns"), table.optional("spki-sha256")];
    table.finish();
    if forms.iter().flatten().count() != 1 {
        let message = "a certificate is known by exactly one identifier";
        certificate.fault(&codes::BAD_VALUE, message, "one of three", Some(ONE.to_owned()));
        return None;
    }
    let [uri, dns, spki] = forms;
    let code = &codes::BAD_VALUE;
    let read = uri.and_then(|text| text.parsed(code, |t| names::uri(t).map(Presented::Uri)));
    let read = read.or_else(|| dns?.parsed(code, |t| names::dns(t).map(Presented::Dns)));
    let read = read.or_else(|| spki?.parsed(code, |t| names::sha256(t).map(Presented::SpkiSha256)));
    read.map(|read| At::new(read.value, certificate.span()))
}

pub(super) fn agreement(root: &mut Table<'_>) -> Agreement {
    let Some(mut table) = root.required_table("agreement", "reference = \"DBA-2026-007\"") else {
        return Agreement::default();
    };
    let agreement = Agreement {
        reference: table.required_str("reference", "\"DBA-2026-007\""),
        signed: table.required_date("signed", "2026-01-15"),
        review: table.required_date("review", "2027-01-15"),
        expires: table.required_date("expires", "2028-01-14"),
    };
    table.finish();
    agreement
}

pub(super) fn purpose(root: &mut Table<'_>) -> Purpose {
    let Some(mut table) = root.required_table("purpose", "id = \"appointment-reminders\"") else {
        return Purpose::default();
    };
    let id = table.required("id", "\"appointment-reminders\"");
    let basis = table.required("basis", "[\"gdpr-6-1-b\", \"gdpr-9-2-h\"]");
    let elements = basis.as_ref().map(|list| list.elements("a list of bases")).unwrap_or_default();
    if let Some(list) = basis.as_ref().filter(|list| list.raw().as_array().is_some_and(|a| a.is_empty())) {
        let help = String::from("such as `[\"gdpr-6-1-b\", \"gdpr-9-2-h\"]`");
        list.fault(&codes::BAD_VALUE, "`basis` is empty", "nothing may be disclosed without one", Some(help));
    }
    let purpose = Purpose {
        id: id.and_then(|id| id.parsed(&codes::BAD_VALUE, names::name)),
        category: table.required_word("category", CATEGORIES, &[]),
        basis: elements.iter().filter_map(|one| one.word(BASES, &[])).collect(),
        basis_at: basis.filter(|list| list.raw().is_array()).map(|list| list.span()),
        consent: table.required_word("consent", CONSENTS, &[]),
        retention: table.required_str("retention", "\"30 days\""),
    };
    table.finish();
    purpose
}

pub(super) fn transfer(root: &mut Table<'_>) -> Transfer {
    let Some(mut table) = root.required_table("transfer", "country = \"DK\"") else {
        return Transfer::default();
    };
    for (name, value) in table.entries() {
        if names_privacy_shield(name.value) || value.as_str().is_some_and(names_privacy_shield) {
            value.fault(
                &codes::PRIVACY_SHIELD,
                "Privacy Shield is not a ground for transfer",
                "void since 16 July 2020",
                Some(String::from(
                    "the EU Court of Justice declared it invalid (C-311/18); \
                     if the recipient is certified, write `ground = \"dpf\"` with evidence and date",
                )),
            );
        }
    }
    let country = table.required("country", "\"DK\"");
    let transfer = Transfer {
        country: country.and_then(|country| country.parsed(&codes::BAD_VALUE, names::country)),
        has_ground: table.has("ground"),
        ground: table.optional_word("ground", GROUNDS, &[]),
        has_evidence: table.has("evidence"),
        evidence: table.optional_str("evidence"),
        has_verified: table.has("verified"),
        verified: table.optional_date("verified"),
        expires: table.optional_date("expires"),
        has_permit: table.has("permit"),
    };
    table.optional_str("permit");
    table.finish();
    transfer
}

/// Whether a text speaks of Privacy Shield, however it is spelt.
fn names_privacy_shield(text: &str) -> bool {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    letters.contains("privacyshield")
}

pub(super) fn pseudonyms(root: &mut Table<'_>) -> Pseudonyms {
    let Some(mut table) = root.required_table("pseudonyms", "domain = \"sms-reminders\"") else {
        return Pseudonyms::default();
    };
    let domain = table.required("domain", "\"sms-reminders\"");
    let pseudonyms = Pseudonyms {
        domain: domain.and_then(|domain| domain.parsed(&codes::BAD_VALUE, names::name)),
        scheme: table.optional_word("scheme", SCHEMES, &[]),
        linkability: table.optional_word("linkability", LINKABILITIES, &[]),
    };
    table.finish();
    pseudonyms
}

/// The least and the most of every limit. The most keeps a slip of the pen from switching it off.
pub(crate) mod caps {
    use std::ops::RangeInclusive;

    pub(crate) const REQUESTS: RangeInclusive<u64> = 1..=10_000;
    pub(crate) const BURST: RangeInclusive<u64> = 1..=100_000;
    pub(crate) const CONCURRENCY: RangeInclusive<u64> = 1..=10_000;
    pub(crate) const SUBJECTS: RangeInclusive<u64> = 1..=1_000_000;
    pub(crate) const NOVELTY: RangeInclusive<u64> = 1..=1_000_000;
    pub(crate) const ABSENT: RangeInclusive<u64> = 1..=10_000;
    pub(crate) const BUFFER: RangeInclusive<u64> = 1024..=64 << 20;
    pub(crate) const RESPONSE: RangeInclusive<u64> = 1024..=4 << 30;
    pub(crate) const CONTENT: RangeInclusive<u64> = 1..=16 << 20;
}

pub(super) fn limits(root: &mut Table<'_>) -> Limits {
    let Some(mut table) = root.optional_table("limits") else { return Limits::default() };
    let limits = Limits {
        requests: rate(table.optional("requests"), "s", &caps::REQUESTS),
        burst: table.optional_integer("burst", caps::BURST).and_then(small),
        concurrency: table.optional_integer("concurrency", caps::CONCURRENCY).and_then(small),
        subjects: rate(table.optional("subjects"), "day", &caps::SUBJECTS),
        novelty: rate(table.optional("novelty"), "hour", &caps::NOVELTY),
        novelty_answer: table.optional_word("novelty-answer", NOVELTY_ANSWERS, &[]),
        absent: rate(table.optional("absent"), "min", &caps::ABSENT),
        buffer: table.optional_size("buffer", caps::BUFFER),
        response: table.optional_size("response", caps::RESPONSE),
    };
    table.finish();
    limits
}

fn rate(value: Option<Value<'_>>, per: &str, range: &RangeInclusive<u64>) -> Option<At<u32>> {
    let value = value?;
    let read = value.parsed(&codes::BAD_VALUE, |text| parse_rate(text, per))?;
    if range.contains(&read.value) {
        return small(read);
    }
    let label = format!("must be from {}/{per} to {}/{per}", range.start(), range.end());
    value.fault(&codes::OUT_OF_RANGE, "this rate is out of range", label, None);
    None
}

fn small(number: At<u64>) -> Option<At<u32>> {
    u32::try_from(number.value).ok().map(|value| At::new(value, number.span))
}

pub(super) fn free_text(root: &mut Table<'_>) -> Option<At<CprInText>> {
    let mut table = root.optional_table("free-text")?;
    let cpr = table.optional_word("cpr", CPR_IN_TEXT, &[]);
    table.finish();
    cpr
}

/// `[address-protection]`: where an API that is not FHIR tells of it.
pub(super) fn address_protection(root: &mut Table<'_>) -> Vec<Location> {
    let Some(mut table) = root.optional_table("address-protection") else { return Vec::new() };
    let markers = table.required("marker", "[\"$.patient.adressebeskyttet\"]");
    let markers = markers.map(|list| list.elements("a list of locations")).unwrap_or_default();
    table.finish();
    let read = markers.iter().filter_map(|one| one.parsed(&codes::BAD_LOCATION, names::location));
    read.map(|location| location.value).collect()
}
