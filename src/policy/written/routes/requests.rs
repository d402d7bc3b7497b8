//! `[route.request]`, and what may stand in the place of a value that the recipient chooses.

use super::super::{Query, Request, actions, header, names};
use super::pattern;
use crate::policy::checked::{Kind, MediaType, Sought, Wanted};
use crate::policy::codes;
use crate::policy::syntax::{At, Flaw, Table, Value};

/// Content types of requests: one document each.
const MEDIA_TYPES: [MediaType; 2] = [MediaType::Json, MediaType::FhirJson];

/// Header fields that mean something to tavs or to the connection, and beginnings of such.
const OWN_FIELDS: [&str; 19] = [
    "host",
    "connection",
    "keep-alive",
    "content-",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "range",
    "authorization",
    "proxy-",
    "cookie",
    "via",
    "forwarded",
    "x-forwarded-",
    "x-http-method",
    "accept",
    "trace",
];

pub(super) fn read(route: &mut Table<'_>) -> Option<Request> {
    let mut table = route.optional_table("request")?;
    let types = MEDIA_TYPES.map(|media_type| (media_type.essence(), media_type));
    let media_types = table.optional("content-types").map_or_else(
        || vec![MediaType::Json],
        |list| {
            let elements = list.elements("a list of content types");
            elements.iter().filter_map(|one| one.word(&types, &[])).map(|word| word.value).collect()
        },
    );
    let fields = table.optional_table("fields").map(|fields| fields_of(&fields)).unwrap_or_default();
    let form = table.optional_table("form").map(|form| parameters(&form));
    let no_body = table.optional_bool("no-body").is_some_and(|no_body| no_body.value);
    let limit = table.optional_size("limit", header::caps::CONTENT);
    let has_members = table.has("members");
    let (rules, _unread) = actions::members(&mut table, "");
    let request = Request {
        header: table.span(),
        fields,
        form,
        members: has_members.then_some(rules),
        no_body,
        media_types,
        limit,
    };
    table.not_yet(&["shapes"]);
    table.finish();
    Some(request)
}

/// `query`, `form`.
pub(in crate::policy::written) fn parameters(table: &Table<'_>) -> Vec<Query> {
    table.entries().into_iter().filter_map(|(name, value)| parameter(&name, &value)).collect()
}

fn parameter(name: &At<&str>, value: &Value<'_>) -> Option<Query> {
    let mut table = value.table()?;
    let wanted = wanted(&mut table, value);
    let selects = if table.has("resolve") { None } else { table.optional("selects") };
    let selects = selects.and_then(|text| text.parsed(&codes::BAD_LOCATION, names::location));
    table.finish();
    let name = At::new(name.value.to_owned(), name.span.clone());
    Some(Query { name, wanted: At::new(wanted?, value.span()), selects })
}

fn fields_of(table: &Table<'_>) -> Vec<Query> {
    let field = |(name, value): (At<&str>, Value<'_>)| {
        let is_token = !name.value.is_empty()
            && name.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        let own = OWN_FIELDS.iter().any(|own| name.value.starts_with(own));
        if own || !is_token {
            let message = format!("`{}` cannot be passed on", name.value);
            let flaw = Flaw::new(message, "a field of the API's own, in lower case, such as `x-patient-id`");
            value.flaw(&codes::BAD_VALUE, name.span, &flaw);
            return None;
        }
        let mut table = value.table()?;
        let wanted = wanted(&mut table, &value);
        table.finish();
        let name = At::new(name.value.to_owned(), name.span);
        Some(Query { name, wanted: At::new(wanted?, value.span()), selects: None })
    };
    table.entries().into_iter().filter_map(field).collect()
}

/// `pattern`, `one-of`, or `resolve`.
pub(super) fn wanted(table: &mut Table<'_>, whole: &Value<'_>) -> Option<Wanted> {
    match table.optional("resolve") {
        Some(word) => sought(&word, table).map(Wanted::Pseudonym),
        None => pattern(table, whole).map(Wanted::Pattern),
    }
}

/// What the pseudonym must stand for: the word of `resolve`, with what belongs to it.
pub(in crate::policy::written) fn sought(word: &Value<'_>, table: &mut Table<'_>) -> Option<Sought> {
    const KINDS: &[(&str, u8)] = &[("cpr", 0), ("id", 1), ("reference", 2)];
    let kind = match word.word(KINDS, &["phone", "email", "text"])?.value {
        0 => Kind::Cpr,
        1 => {
            let given = table.optional("type").and_then(|text| text.parsed(&codes::BAD_VALUE, names::word));
            let resource_type = given.map_or_else(String::new, |text| text.value);
            return Some(Sought { kind: Kind::Id { resource_type }, system: None });
        }
        _ => Kind::Reference,
    };
    let system = table.optional("system").and_then(|text| text.parsed(&codes::BAD_VALUE, names::uri));
    Some(Sought { kind, system: system.map(|system| system.value) })
}
