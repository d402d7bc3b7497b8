//! `[[route]]` and `[[test]]`.

pub(super) mod paths;
pub(super) mod requests;

use super::{Response, Route, Subject, Test, actions, names, shapes};
use crate::policy::checked::{MediaType, Method, Need, Pattern, TestText, Wants};
use crate::policy::codes;
use crate::policy::syntax::{At, Flaw, Table, Value};

/// HEAD comes with GET.
const METHODS: &[(&str, Method)] = &[
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];

const PATTERNS: &[(&str, Pattern)] = &[
    ("date", Pattern::Date),
    ("fhir-date", Pattern::FhirDate),
    ("instant", Pattern::Instant),
    ("integer", Pattern::Integer),
    ("uuid", Pattern::Uuid),
    ("word", Pattern::Word),
    ("token", Pattern::Token),
];

pub(super) fn read(root: &mut Table<'_>) -> Vec<Route> {
    root.required_tables("route", "name = \"appointments\"").into_iter().map(route).collect()
}

fn route(mut table: Table<'_>) -> Route {
    let header = table.span();
    let name = table.required("name", "\"appointments\"");
    let methods = table.required("methods", "[\"GET\"]");
    let path = table.required("path", "\"/appointments/{id}\"");
    let path_members = table.optional("path-members");
    let upstream = table.required("upstream", "\"booking\"");
    let path_text = path.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    let route = Route {
        name: name.and_then(|name| name.parsed(&codes::BAD_VALUE, names::name)),
        methods: methods.map(|list| methods_of(&list)).unwrap_or_default(),
        path: path.and_then(|path| paths::read(&path, path_members.as_ref())),
        path_text,
        upstream: upstream.and_then(|upstream| upstream.parsed(&codes::BAD_VALUE, names::name)),
        query: table.optional_table("query").map(|query| requests::parameters(&query)).unwrap_or_default(),
        accept_clear: table.optional_word("accept-clear", actions::CPR_GROUNDS, &[]),
        request: requests::read(&mut table),
        response: response(&mut table, header.clone()),
        header,
    };
    table.finish();
    route
}

fn methods_of(list: &Value<'_>) -> Vec<At<Method>> {
    let elements = list.elements("a list of methods");
    if elements.is_empty() && list.raw().is_array() {
        let help = Some(String::from("write `[\"GET\"]`"));
        list.fault(&codes::BAD_VALUE, "`methods` is empty", "nothing in it", help);
    }
    elements.iter().filter_map(|one| one.word(METHODS, &[])).collect()
}

/// `pattern` or `one-of`: what a value in a query or path must look like.
fn pattern(table: &mut Table<'_>, whole: &Value<'_>) -> Option<Pattern> {
    let pattern = table.optional("pattern");
    let one_of = table.optional("one-of");
    match (pattern, one_of) {
        (Some(word), None) => word.word(PATTERNS, &[]).map(|word| word.value),
        (None, Some(list)) => {
            let words: Vec<String> = list.strings().into_iter().map(|word| word.value).collect();
            (!words.is_empty()).then_some(Pattern::OneOf(words))
        }
        _ => {
            let help = Some(String::from("write `{ pattern = \"date\" }` or `{ one-of = [\"a\", \"b\"] }`"));
            let message = "a value passes only if it has a pattern";
            whole.fault(&codes::BAD_VALUE, message, "one of `pattern` and `one-of`", help);
            None
        }
    }
}

fn response(route: &mut Table<'_>, header: std::ops::Range<usize>) -> Response {
    let Some(mut table) = route.required_table("response", "no-subject = \"…\"") else {
        return Response {
            header,
            record: None,
            subject: Subject::Unread,
            media_types: vec![MediaType::Json],
            shapes: Vec::new(),
            status_map: Vec::new(),
            base: Vec::new(),
            location: None,
            rules: Vec::new(),
            has_unread: true,
        };
    };
    let types = MediaType::ALL.map(|media_type| (media_type.essence(), media_type));
    let media_types = table.optional("content-types").map_or_else(
        || vec![MediaType::Json],
        |list| {
            let elements = list.elements("a list of content types");
            elements.iter().filter_map(|one| one.word(&types, &[])).map(|word| word.value).collect()
        },
    );
    let record = table.optional("record");
    let base = table.optional("base").map(|list| list.elements("a list of URLs")).unwrap_or_default();
    let location = table.optional_word("location", &[("url", true)], &[]);
    let (rules, has_unread) = actions::members(&mut table, "");
    let response = Response {
        header: table.span(),
        record: record.and_then(|text| text.parsed(&codes::BAD_LOCATION, names::location)),
        subject: shapes::subject(&mut table),
        media_types,
        shapes: table.strings("shapes"),
        base: base.iter().filter_map(|one| one.parsed(&codes::BAD_VALUE, names::base)).collect(),
        location,
        status_map: table.optional_table("status").map(|map| statuses(&map)).unwrap_or_default(),
        rules,
        has_unread,
    };
    table.finish();
    response
}

/// `{ "423" = 409 }`: the upstream's client errors as others of ours.
fn statuses(map: &Table<'_>) -> Vec<(u16, u16)> {
    map.entries()
        .into_iter()
        .filter_map(|(key, value)| {
            let ours = value.integer(400..=499)?;
            let theirs = key.value.parse::<u16>().ok().filter(|status| (400..=599).contains(status));
            if theirs.is_none() {
                let flaw = Flaw::new(format!("`{}` is no error status", key.value), "from 400 to 599");
                value.flaw(&codes::BAD_VALUE, key.span, &flaw);
            }
            Some((theirs?, u16::try_from(ours.value).ok()?))
        })
        .collect()
}

pub(super) fn tests(root: &mut Table<'_>) -> Vec<Test> {
    root.tables("test").into_iter().map(test).collect()
}

fn test(mut table: Table<'_>) -> Test {
    let header = table.span();
    let input = table.required("input", "\"tests/appointments.json\"");
    let output = table.optional("output");
    let says_more = output.is_some() || table.has("absent") || table.has("needs");
    let test = Test {
        route: table.required_str("route", "\"appointments\""),
        input: input.and_then(|text| text.document(&codes::BAD_VALUE, test_text)),
        output: output.and_then(|text| text.document(&codes::BAD_VALUE, test_text)),
        absent: table.strings("absent"),
        needs: table.optional_table("needs").map(|needs| needs_of(&needs)).unwrap_or_default(),
        says_more,
        header,
    };
    table.finish();
    test
}

/// `{ "$.start" = "date" }`: locations in the input, and how much of them the recipient needs.
fn needs_of(table: &Table<'_>) -> Vec<Need> {
    let words = Wants::ALL.map(|wants| (wants.word(), wants));
    let need = |(key, value): (At<&str>, Value<'_>)| {
        let location = actions::location_of_key(&key, &value);
        let wants = value.word(&words, &[]);
        Some(Need { location: location?.value, wants: wants?.value })
    };
    table.entries().into_iter().filter_map(need).collect()
}

/// JSON begins with a bracket; anything else is the name of a file beside the policy.
fn test_text(text: &str) -> Result<TestText, Flaw> {
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(TestText::Inline(text.to_owned()));
    }
    let inside = !text.starts_with('/') && !text.contains('\\') && !text.split('/').any(|part| part == "..");
    if inside {
        return Ok(TestText::File(text.to_owned()));
    }
    let help = "a path below the policy file's folder, or the JSON itself";
    Err(Flaw::new("a test's files stand beside the policy", help))
}
