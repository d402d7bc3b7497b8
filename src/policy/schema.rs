//! The JSON Schema (draft-07) of policy files, for editors: made from what the reader asks of policies that say all
//! that can be said, so that it knows no other names and words than the reader.
//!
//! It is wider than the language: forms of texts, rules between values and the law are `check`'s.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::policy::syntax::{Asked, Kind, SourceFile, Trace, Visit};
use crate::policy::written;

/// Places that are read by one and the same function, wherever they stand, and how the schema calls them.
const SHARED: [(&str, &str); 3] =
    [("/members/*", "action"), ("/query/*", "parameter"), ("/form/*", "parameter")];

/// The schema that files like these have. Together they must say all that the language has.
#[must_use]
pub fn of(policies: &[SourceFile], profiles: &[SourceFile]) -> Value {
    let mut trace = Trace::new();
    let policies = policies.iter().map(written::trace);
    for (place, asked) in policies.chain(profiles.iter().map(written::trace_profile)).flatten() {
        let own = trace.entry(shared(&place)).or_default();
        own.kinds.extend(asked.kinds);
        own.visits.extend(asked.visits);
    }
    let names: BTreeSet<&str> = SHARED.iter().map(|(_, name)| *name).collect();
    let definitions: Map<String, Value> =
        names.into_iter().map(|name| (name.to_owned(), schema(&trace, &format!("#{name}"), false))).collect();
    let mut root = schema(&trace, "", true);
    if let Some(root) = root.as_object_mut() {
        root.insert(String::from("$schema"), json!("http://json-schema.org/draft-07/schema#"));
        root.insert(String::from("title"), json!("A policy of tavs: one recipient; or a profile: shapes"));
        root.extend(which(&trace));
        root.insert(String::from("definitions"), Value::Object(definitions));
    }
    root
}

/// What must be in a policy, and what must and may be in a profile: a file with `profile` is one.
fn which(trace: &Trace) -> Map<String, Value> {
    let visits = trace.get("").map(|asked| asked.visits.as_slice()).unwrap_or_default();
    let (profiles, policies): (Vec<&Visit>, Vec<&Visit>) =
        visits.iter().partition(|visit| visit.asked.contains(&("profile", true)));
    let asked = |visits: &[&Visit]| -> BTreeSet<(&'static str, bool)> {
        visits.iter().flat_map(|visit| visit.asked.iter().copied()).collect()
    };
    let must = |visits: &[&Visit]| -> Vec<&'static str> {
        let always =
            |one: &(&'static str, bool)| one.1 && visits.iter().all(|visit| visit.asked.contains(one));
        asked(visits).into_iter().filter(always).map(|(name, _)| name).collect()
    };
    let may: BTreeSet<&str> = asked(&profiles).into_iter().map(|(name, _)| name).collect();
    let rules = [
        ("if", json!({ "required": ["profile"] })),
        ("then", json!({ "required": must(&profiles), "propertyNames": { "enum": may } })),
        ("else", json!({ "required": must(&policies) })),
    ];
    rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect()
}

/// A place, with what is before a shared place left away.
fn shared(place: &str) -> String {
    let slashed = format!("/{place}");
    let found = SHARED.iter().find_map(|(end, name)| {
        let (_, rest) = slashed.split_once(end)?;
        Some(format!("#{name}{rest}"))
    });
    found.unwrap_or_else(|| place.to_owned())
}

/// The schema of what stands at a place. `refer`: a shared place by its name.
fn schema(trace: &Trace, place: &str, refer: bool) -> Value {
    if let Some(name) = place.strip_prefix('#').filter(|name| refer && !name.contains('/')) {
        return json!({ "$ref": format!("#/definitions/{name}") });
    }
    let Some(asked) = trace.get(place) else { return json!({}) };
    let mut all: Vec<Value> = asked
        .kinds
        .iter()
        .filter(|kind| **kind != Kind::Table)
        .map(|kind| scalar(trace, place, kind))
        .collect();
    if asked.kinds.contains(&Kind::Table) || place.is_empty() {
        all.extend(tables(trace, place, asked));
    }
    match (all.len(), all.pop()) {
        (0, _) | (_, None) => json!({}),
        (1, Some(one)) => one,
        (_, Some(last)) => {
            all.push(last);
            json!({ "anyOf": all })
        }
    }
}

fn scalar(trace: &Trace, place: &str, kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        // TOML's days have no quotes; tools hand them to a schema as texts.
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::List => json!({ "type": "array", "items": schema(trace, &below(place, "[]"), true) }),
        Kind::Table => json!({ "type": "object" }),
    }
}

/// A table; several, if what may stand in it follows from which of some names does.
fn tables(trace: &Trace, place: &str, asked: &Asked) -> Vec<Value> {
    if asked.visits.iter().all(|visit| visit.asked.is_empty()) {
        let each = schema(trace, &shared(&below(place, "*")), true);
        return vec![json!({ "type": "object", "additionalProperties": each })];
    }
    if place.starts_with('#') && !place.contains('/') {
        let mut by_heads: BTreeMap<Vec<&'static str>, Vec<&Visit>> = BTreeMap::new();
        for visit in &asked.visits {
            by_heads.entry(heads(visit, asked)).or_default().push(visit);
        }
        return by_heads
            .iter()
            .map(|(heads, visits)| table(trace, place, visits, heads, &always(asked)))
            .collect();
    }
    vec![table(trace, place, &asked.visits.iter().collect::<Vec<_>>(), &[], &BTreeSet::new())]
}

/// Names that every look asks for.
fn always(asked: &Asked) -> BTreeSet<&'static str> {
    let mut visits =
        asked.visits.iter().map(|visit| visit.asked.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>());
    let first = visits.next().unwrap_or_default();
    visits.fold(first, |all, visit| all.intersection(&visit).copied().collect())
}

/// The names that stand there, of those that every look asks for: `keep`; `decode` and `scan`.
fn heads(visit: &Visit, asked: &Asked) -> Vec<&'static str> {
    always(asked).into_iter().filter(|name| visit.present.contains(*name)).collect()
}

fn table(
    trace: &Trace,
    place: &str,
    visits: &[&Visit],
    heads: &[&'static str],
    others: &BTreeSet<&'static str>,
) -> Value {
    // What must be there under one word of an option need not be under another, which does not ask for it.
    let must = |name: &'static str| visits.iter().all(|visit| visit.asked.contains(&(name, true)));
    let mut names: BTreeMap<&'static str, bool> = BTreeMap::new();
    for (name, _) in visits.iter().flat_map(|visit| &visit.asked) {
        let here = heads.contains(name);
        if here || !others.contains(name) {
            names.insert(name, here || must(name));
        }
    }
    let properties: Map<String, Value> = names
        .keys()
        .map(|name| ((*name).to_owned(), schema(trace, &shared(&below(place, name)), true)))
        .collect();
    let required: Vec<&str> =
        names.iter().filter(|(_, required)| **required).map(|(name, _)| *name).collect();
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Some(table) = table.as_object_mut().filter(|_| !required.is_empty()) {
        table.insert(String::from("required"), json!(required));
    }
    table
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") }
}
