//! `{ url = ["/patient/{id}/booking"] }`: what may be left of URLs that nobody is to follow.

use super::routes::{paths, requests};
use crate::cpr;
use crate::policy::checked::{Parameter, Template, Templates, Wanted};
use crate::policy::codes;
use crate::policy::syntax::{Flaw, Table, Value};

/// Reads the list of templates, and `query` beside it.
pub(super) fn templates(word: &Value<'_>, table: &mut Table<'_>) -> Option<Templates> {
    let elements = word.elements("a list of paths");
    if elements.is_empty() && word.raw().is_array() {
        let help =
            Some(String::from("such as `[\"/patient/{id}/booking\"]`, or `\"url\"` for the routes' own"));
        word.fault(&codes::BAD_VALUE, "a list of paths is empty", "nothing in it", help);
    }
    let paths: Vec<Template> = elements
        .iter()
        .filter_map(|one| one.parsed(&codes::BAD_PATH, template))
        .map(|template| template.value)
        .collect();
    let listed = table.optional_table("query").map(|query| requests::parameters(&query)).unwrap_or_default();
    let mut query = Vec::new();
    for parameter in listed {
        if matches!(parameter.wanted.value, Wanted::Pseudonym(_)) {
            let flaw =
                Flaw::new("nobody sends this back", "write `{ one-of = [\"a\", \"b\"] }`, or leave it out");
            word.flaw(&codes::BAD_ACTION, parameter.wanted.span, &flaw);
            return None;
        }
        query.push(Parameter { name: parameter.name.value, wanted: parameter.wanted.value, selects: None });
    }
    Some(Templates { paths, query })
}

fn template(text: &str) -> Result<Template, Flaw> {
    let segments = paths::segments(text)?;
    if cpr::search(text, &mut Vec::new()) != cpr::Search::Clean {
        return Err(Flaw::new("the template could hold a CPR number", "write `{id}` in its place"));
    }
    Ok(Template { text: text.to_owned(), segments })
}
