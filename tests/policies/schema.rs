//! docs/policy.schema.json, made from the reader's own questions and held to policies good and bad.
//!
//! The small validator here knows what the schema uses of draft-07; `tests/policies/validate.py` says the same with a
//! real one (test.sh).

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what its small validator does not know, and any value may stand in a schema"
)]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tavs::policy::schema;

use crate::documents::{language, texts};
use crate::support::{BASE, edited, file, hold};

/// Edits of the base that say what it and the shipped policies do not.
const ALSO: &[(&str, &str)] = &[
    ("{ uri = \"urn:tavs:recipient:sms-reminders\" }", "{ dns = \"a.example\" }\ntoken-sha256 = \"00\""),
    ("{ uri = \"urn:tavs:recipient:sms-reminders\" }", "{ spki-sha256 = \"00\" }"),
    (
        "country = \"DK\"",
        "country = \"US\"\nground = \"dpf\"\nevidence = \"x\"\nverified = 2026-01-01\nexpires = 2027-01-01\npermit = \"x\"",
    ),
    (
        "burst       = 100",
        "burst = 100\nnovelty = \"9/hour\"\nnovelty-answer = \"refuse\"\nabsent = \"9/min\"",
    ),
    ("upstream = \"booking\"", "upstream = \"booking\"\naccept-clear = \"dbl-11-2-1\""),
    ("{ keep = true, pattern = \"uuid\" }", "{ keep = true, one-of = [\"a\"] }"),
    ("{ keep = true, pattern = \"uuid\" }", "{ resolve = \"id\", type = \"X\" }"),
    ("{ pattern = \"integer\" }", "{ resolve = \"cpr\", system = \"urn:x\" }"),
    ("{ pattern = \"integer\" }", "{ one-of = [\"1\"] }"),
    ("subject = [\"$.patient.cpr\"]", "no-subject = \"x\""),
    ("absent = [\"2512489996\"]", "output = \"{}\""),
    ("{ replace = \"booking\" }", "{ decode = \"text\" }"),
    ("status = {", "location = \"url\"\nbase = [\"https://emr.example\"]\nstatus = {"),
    (
        "[route.response]",
        "[route.request]\nno-body = true\nlimit = \"1 KiB\"\ncontent-types = [\"application/json\"]\n\
         fields = { x-a = { resolve = \"id\", type = \"X\" }, x-b = { pattern = \"word\" }, x-c = { one-of = [\"a\"] } }\n\
         form = { a = { pattern = \"date\" } }\nmembers = { \"$.a\" = \"resolve\", \"$.b\" = { resolve = \"cpr\", system = \"urn:x\" } }\n\n[route.response]",
    ),
];

/// Policies that together say everything that can be said.
fn everything() -> Vec<String> {
    let shipped = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")).unwrap();
    let mut paths: Vec<_> = shipped.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    let shipped = paths.iter().map(|path| fs::read_to_string(path).unwrap());
    texts().into_iter().chain(ALSO.iter().map(|edit| edited(&[*edit]))).chain(shipped).collect()
}

/// Profiles that together say everything that a profile can say.
const PROFILES: [&str; 2] = [
    include_str!("../../policies/profiles/fhir.toml"),
    include_str!("../../policies/profiles/fhir/persons.toml"),
];

fn generated() -> Value {
    let files = |texts: Vec<String>| texts.into_iter().map(file).collect::<Vec<_>>();
    schema::of(&files(everything()), &files(PROFILES.map(String::from).into()))
}

/// Where a schema says nothing of a value.
fn silent(schema: &Value, place: &str, found: &mut Vec<String>) {
    let any = schema.as_array().into_iter().flatten().enumerate();
    any.for_each(|(number, one)| silent(one, &format!("{place}/{number}"), found));
    let Some(members) = schema.as_object() else { return };
    if members.is_empty() {
        found.push(place.to_owned());
    }
    members.iter().for_each(|(name, one)| silent(one, &format!("{place}/{name}"), found));
}

/// TOML as a schema sees it: days are texts.
fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(value) => json!(value),
        toml::Value::Datetime(moment) => json!(moment.to_string()),
        toml::Value::Array(all) => all.into_iter().map(as_json).collect(),
        toml::Value::Table(all) => {
            Value::Object(all.into_iter().map(|(name, one)| (name, as_json(one))).collect())
        }
    }
}

fn fits(schema: &Value, text: &str) -> bool {
    let document = as_json(toml::Value::Table(text.parse().unwrap()));
    valid(schema, schema, &document)
}

fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        return valid(root, root.pointer(name.trim_start_matches('#')).unwrap(), value);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|one| valid(root, one, value));
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value);
    }
    if schema.get("if").is_some() {
        let part = if value.get("profile").is_some() { "then" } else { "else" };
        let must = schema[part]["required"].as_array().unwrap();
        let may = schema[part]["propertyNames"]["enum"].as_array();
        let members = value.as_object().unwrap();
        let is_good = must.iter().all(|name| members.contains_key(name.as_str().unwrap()))
            && may.is_none_or(|may| members.keys().all(|name| may.contains(&json!(name))));
        if !is_good {
            return false;
        }
    }
    match schema["type"].as_str() {
        None => true,
        Some("string") => value.as_str().is_some_and(|text| !text.is_empty()),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.as_u64().is_some_and(|number| {
            schema["minimum"].as_u64() <= Some(number) && Some(number) <= schema["maximum"].as_u64()
        }),
        Some("array") => {
            value.as_array().is_some_and(|all| all.iter().all(|one| valid(root, &schema["items"], one)))
        }
        Some("object") => value.as_object().is_some_and(|members| {
            let required = schema["required"].as_array();
            required.is_none_or(|names| names.iter().all(|name| members.contains_key(name.as_str().unwrap())))
                && members.iter().all(|(name, one)| match &schema["properties"][name] {
                    Value::Null => match &schema["additionalProperties"] {
                        Value::Bool(false) => false,
                        others => valid(root, others, one),
                    },
                    known => valid(root, known, one),
                })
        }),
        Some(other) => panic!("the small validator does not know {other}"),
    }
}

#[test]
fn the_schema_is_written_from_the_reader() {
    let wanted = format!("{:#}\n", generated());
    hold("docs/policy.schema.json", &wanted);
    let missing: Vec<&str> =
        language().into_iter().filter(|word| !wanted.contains(&format!("\"{word}\""))).collect();
    assert!(missing.is_empty(), "the schema does not know {missing:?}");
}

#[test]
fn policies_without_mistakes_fit_the_schema() {
    let schema = generated();
    assert!(fits(&schema, BASE));
    for text in everything() {
        assert!(fits(&schema, &text), "{text}");
    }
}

#[test]
fn profiles_fit_the_schema_and_have_nothing_of_a_policy() {
    let schema = generated();
    for text in PROFILES {
        assert!(fits(&schema, text), "{text}");
    }
    assert!(!fits(&schema, "profile = 1\nshape = []\n\n[recipient]\nid = \"a\"\n"));
    assert!(!fits(&schema, "include = [\"profiles/fhir.toml\"]\n"), "neither a policy nor a profile");
}

#[test]
fn the_schema_is_silent_only_where_any_value_may_stand() {
    let mut found = Vec::new();
    silent(&generated(), "", &mut found);
    found.retain(|place| !place.ends_with("/replace") && !place.ends_with("/when/additionalProperties"));
    assert!(found.is_empty(), "no policy of this test says {found:?}");
}

#[test]
fn unknown_names_and_words_do_not() {
    let schema = generated();
    let mut tried = 0;
    for (code, edits, _) in crate::bad::CASES {
        let text = edited(edits);
        // Which option goes with which word is a rule between values: `check` knows it.
        let between_values = edits.iter().any(|(_, new)| *new == "{ generalise = \"month\", step = 5 }");
        let by_name = matches!(*code, "TAVS0102" | "TAVS0104") && !between_values;
        if by_name && text.parse::<toml::Table>().is_ok() {
            tried += 1;
            assert!(!fits(&schema, &text), "{code} {edits:?}");
        }
    }
    assert!(tried >= 6, "{tried} cases");
}
