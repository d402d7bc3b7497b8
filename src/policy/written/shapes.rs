//! `[[shape]]`, the profiles that bring some along, and whose data something is.

use toml::de::DeValue;

use super::{Includes, Like, Shape, Subject, actions, names};
use crate::policy::codes;
use crate::policy::location::{Literal, Location};
use crate::policy::syntax::{At, Table, Value};

/// Where FHIR puts resources: alone, in a Bundle, and contained in either.
const FHIR_PLACES: [&str; 4] =
    ["$", "$.entry[*].resource", "$.entry[*].resource.contained[*]", "$.contained[*]"];

pub(super) fn read(root: &mut Table<'_>) -> Vec<Shape> {
    root.tables("shape").into_iter().map(shape).collect()
}

/// The shapes of a profile, which has nothing else.
pub(super) fn read_some(root: &mut Table<'_>) -> Vec<Shape> {
    if root.has("include") {
        return read(root);
    }
    root.required_tables("shape", "name = \"Patient\"").into_iter().map(shape).collect()
}

/// `include`: the names of profiles.
pub(super) fn includes(root: &mut Table<'_>) -> Includes {
    let Some(list) = root.optional("include") else { return Includes::default() };
    let elements = list.elements("a list of profiles");
    let names: Vec<_> =
        elements.iter().filter_map(|one| one.parsed(&codes::INCLUDE, names::profile)).collect();
    Includes { has_unread: !list.raw().is_array() || names.len() < elements.len(), names }
}

fn shape(mut table: Table<'_>) -> Shape {
    let header = table.span();
    let name = table.required("name", "\"Patient\"");
    let name = name.and_then(|name| name.parsed(&codes::BAD_VALUE, names::word));
    if let Some(like) = table.optional("like") {
        let shape = like.parsed(&codes::BAD_VALUE, names::word);
        let without = table.optional("without").map(|list| locations(&list)).unwrap_or_default();
        // What ids are pseudonymised as, the included shape says.
        let (rules, has_unread) = actions::members(&mut table, "");
        table.finish();
        return Shape {
            header,
            name,
            like: Some(Like { shape, without }),
            at: Vec::new(),
            when: Vec::new(),
            subject: Subject::Unread,
            alias: Vec::new(),
            rules,
            has_unread,
        };
    }
    let when = table.required("when", "{ resourceType = \"Patient\" }").map(|when| conditions(&when));
    let when = when.unwrap_or_default();
    let (rules, has_unread) = actions::members(&mut table, resource_type(&when).unwrap_or_default());
    let shape = Shape {
        header,
        name,
        like: None,
        at: places(&mut table),
        subject: subject(&mut table),
        alias: alias(&mut table),
        rules,
        has_unread,
        when,
    };
    table.finish();
    shape
}

/// The type of the resources that a shape is about, where it says one.
pub(crate) fn resource_type(when: &[(String, Literal)]) -> Option<&str> {
    when.iter().find_map(|(name, literal)| match literal {
        Literal::String(text) if name == "resourceType" => Some(text.as_str()),
        Literal::String(_) | Literal::Integer(_) | Literal::Bool(_) | Literal::Null => None,
    })
}

pub(super) fn places(table: &mut Table<'_>) -> Vec<Location> {
    match table.optional("at") {
        Some(list) => locations(&list).into_iter().map(|location| location.value).collect(),
        None => FHIR_PLACES.into_iter().filter_map(|text| Location::parse(text).ok()).collect(),
    }
}

fn alias(table: &mut Table<'_>) -> Vec<Location> {
    let list = table.optional("alias").map(|list| locations(&list)).unwrap_or_default();
    list.into_iter().map(|location| location.value).collect()
}

fn locations(list: &Value<'_>) -> Vec<At<Location>> {
    let elements = list.elements("a list of locations");
    if elements.is_empty() && list.raw().is_array() {
        let help = Some(String::from("such as `[\"$.patient.cpr\"]`"));
        list.fault(&codes::BAD_VALUE, "a list of locations is empty", "nothing in it", help);
    }
    elements.iter().filter_map(|one| one.parsed(&codes::BAD_LOCATION, names::location)).collect()
}

/// What an element's members must be for the shape to apply.
pub(super) fn conditions(when: &Value<'_>) -> Vec<(String, Literal)> {
    let Some(table) = when.table() else { return Vec::new() };
    let entries = table.entries();
    if entries.is_empty() {
        let help = Some(String::from("such as `{ resourceType = \"Patient\" }`"));
        when.fault(&codes::BAD_VALUE, "`when` is empty", "would apply to everything", help);
    }
    entries.into_iter().filter_map(|(name, value)| Some((name.value.to_owned(), literal(&value)?))).collect()
}

fn literal(value: &Value<'_>) -> Option<Literal> {
    let literal = match value.raw() {
        DeValue::String(text) => Some(Literal::String(text.to_string())),
        DeValue::Boolean(value) => Some(Literal::Bool(*value)),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(Literal::Integer),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    if literal.is_none() {
        value.wrong_type("a string, a whole number, `true` or `false`");
    }
    literal
}

/// `subject` or `no-subject`, of a shape or a response.
pub(super) fn subject(table: &mut Table<'_>) -> Subject {
    let at = table.optional("subject");
    let nobody = table.optional("no-subject");
    match (at, nobody) {
        (None, None) => Subject::Unsaid,
        (Some(at), Some(_)) => {
            let help = Some(String::from("a record has subjects or none: take one of the two out"));
            at.fault(&codes::BAD_VALUE, "`subject` beside `no-subject`", "one or the other", help);
            Subject::Unread
        }
        (Some(at), None) => {
            let found = locations(&at);
            if found.is_empty() {
                return Subject::Unread;
            }
            Subject::At(found.into_iter().map(|location| location.value).collect())
        }
        (None, Some(reason)) => {
            reason.string().map_or(Subject::Unread, |reason| Subject::Nobody(reason.value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_of_the_type_that_it_says_and_of_no_other_text() {
        let text = |text: &str| Literal::String(text.to_owned());
        let of = |when: &[(&str, Literal)]| {
            let when: Vec<_> =
                when.iter().map(|(name, literal)| ((*name).to_owned(), literal.clone())).collect();
            resource_type(&when).map(str::to_owned)
        };
        let patient = ("resourceType", text("Patient"));
        assert_eq!(of(&[("kind", text("x")), patient]), Some("Patient".to_owned()));
        assert_eq!(of(&[("kind", text("x")), ("resourceType", Literal::Integer(1))]), None);
    }
}
