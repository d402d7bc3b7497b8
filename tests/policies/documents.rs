//! The documents that are written from the code, held to it. `TAVS_WRITE_DOCS=1` writes what is
//! generated anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use tavs::policy::check::{check, check_profiles, vocabulary};
use tavs::policy::codes::{self, Code};
use tavs::policy::diagnostic::Severity;
use tavs::policy::syntax::{Profiles, SourceFile};

use crate::support::{EXTRACT, TODAY, edited, file, hold};

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

const HEAD: &str = "# Diagnostics

What `tavs check` finds in policies, and what is found in `tavs.toml`: each code with its reason, an example and
the mend. `tavs check --explain TAVS0102` prints the same. Errors keep a file from taking effect; warnings do not,
unless `--deny-warnings` is given. A code is never used again for something else.

This page is written from `src/policy/codes`; a test fails when it is stale.

";

/// docs/diagnostics.md as it must be.
fn diagnostics_page() -> String {
    let mut page = String::from(HEAD);
    page += "| code | | what |\n|---|---|---|\n";
    for code in codes::all() {
        let severity = if code.severity == Severity::Error { "error" } else { "warning" };
        page += &format!("| [{0}](#{1}) | {severity} | {2} |\n", code.id, code.id.to_lowercase(), code.title);
    }
    for Code { id, title, explanation, bad, good, .. } in codes::all() {
        page += &format!(
            "\n<a id=\"{}\"></a>\n## {id}: {title}\n\n{explanation}\n\n```toml\n# wrong\n{bad}\n```\n\n```toml\n# right\n{good}\n```\n",
            id.to_lowercase()
        );
    }
    page
}

#[test]
fn the_page_of_diagnostics_is_written_from_the_codes() {
    hold("docs/diagnostics.md", &diagnostics_page());
}

#[test]
fn codes_are_in_order_and_say_what_they_must() {
    let ids: Vec<&str> = codes::all().map(|code| code.id).collect();
    let sorted: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids, sorted.into_iter().collect::<Vec<_>>(), "each once, and in order");
    for code in codes::all() {
        assert!(!code.title.ends_with('.') && code.explanation.ends_with('.'), "{}", code.id);
        assert!(!code.bad.is_empty() && code.bad != code.good, "{}", code.id);
        assert_eq!(codes::find(&code.id.to_lowercase()), Some(code));
    }
}

/// Policies that together say everything that a policy can say: the base, and edits of it.
pub(crate) fn texts() -> Vec<String> {
    vec![
        edited(&[]),
        edited(&[EXTRACT]),
        edited(&[EXTRACT, ("rows            = \"$\"", "when = { start = \"x\" }")]),
        edited(&[("{ replace = \"booking\" }", "{ pseudonymise = \"reference\" }")]),
        edited(&[("{ replace = \"booking\" }", "{ decode = \"text\", scan = [\"phone\"] }")]),
        edited(&[("{ replace = \"booking\" }", "{ keep = true, unscanned = true, reason = \"x\" }")]),
        edited(&[("{ replace = \"booking\" }", "{ decode = \"json\", shapes = [\"Patient\"] }")]),
        edited(&[("{ replace = \"booking\" }", "{ url = [\"/a/{id}\"] }")]),
        edited(&[("{ pattern = \"integer\" }", "{ one-of = [\"1\"] }")]),
        edited(&[("{ mask = \"first-word\" }", "{ generalise = \"step\", step = 5 }")]),
        edited(&[("{ mask = \"first-word\" }", "{ generalise = \"bands\", bands = [18] }")]),
        edited(&[(
            "{ mask = \"first-word\" }",
            "{ generalise = \"code-prefix\", classification = \"sks\", length = 3 }",
        )]),
        edited(&[("{ mask = \"first-word\" }", "{ round = \"hour\", unit = \"seconds\" }")]),
        edited(&[(
            "{ mask = \"first-word\" }",
            "{ shift = true, days = 30, weekday = true, time-of-day = true }",
        )]),
        edited(&[("{ mask = \"first-word\" }", "{ round = \"digits\", digits = 1 }")]),
        edited(&[(
            "[[test]]",
            "[[shape]]\nname = \"X\"\nlike = \"Patient\"\nwithout = [\"$.a\"]\nmembers = { \"$.a\" = \"keep\" }\n\n[[test]]",
        )]),
    ]
}

/// The words of the language.
pub(crate) fn language() -> BTreeSet<&'static str> {
    texts().into_iter().flat_map(|text| vocabulary(&file(text))).collect()
}

#[test]
fn the_reference_explains_every_word_of_the_language() {
    let page = fs::read_to_string(document("policy.md")).unwrap_or_default();
    // Every second piece between backticks is code.
    let code = page.split('`').skip(1).step_by(2);
    let name = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '+'));
    let explained: BTreeSet<&str> = code.flat_map(|code| code.split(name)).collect();
    assert!(language().is_superset(&["policy", "profile", "keep"].into()));
    let missing: Vec<&str> = language().into_iter().filter(|word| !explained.contains(word)).collect();
    assert!(missing.is_empty(), "docs/policy.md does not explain {missing:?}");
}

/// The base with the tables of an example in the place of its own; routes come before its shapes.
fn with_example(example: &str) -> String {
    if let Some(include) = example.strip_prefix("include = ") {
        return edited(&[("policy = 1", &format!("policy = 1\ninclude = {include}"))]);
    }
    let mut text = edited(&[(".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\"")]);
    if example.starts_with("[[route]]") {
        if example.contains("resolve") {
            text = text.replacen("\"keyed\"", "\"sealed\"", 1);
        }
        return text.replacen("[[shape]]", &format!("{example}\n\n[[shape]]"), 1);
    }
    if example.starts_with("[extract]") {
        return edited(&[("[[test]]", &format!("{example}\n\n[[test]]"))]);
    }
    for table in example.split("\n\n") {
        let from = text.find(table.lines().next().unwrap()).unwrap();
        let to = text[from..].find("\n\n").map_or(text.len(), |end| from + end);
        text.replace_range(from..to, table);
    }
    text
}

#[test]
fn the_reference_lists_every_shape_of_the_shipped_profiles() {
    let page = fs::read_to_string(document("policy.md")).unwrap();
    let files = tavs::config::SHIPPED_PROFILES;
    assert_eq!(check_profiles(&tavs::config::shipped_profiles(), None), []);
    for (name, text) in files.iter().filter(|(_, text)| text.contains("[[shape]]")) {
        let shapes = text.lines().filter(|line| line.starts_with("name "));
        let shapes: Vec<String> =
            shapes.map(|line| format!("`{}`", line.split('"').nth(1).unwrap())).collect();
        let row = format!("| `{name}` | {} |", shapes.join(", "));
        assert!(page.contains(&row), "docs/policy.md lacks {row}");
    }
}

#[test]
fn the_examples_of_the_reference_are_good() {
    let page = fs::read_to_string(document("policy.md")).unwrap();
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"))
        .map(|(one, _)| one)
        .collect();
    assert!(examples.len() >= 2, "{examples:?}");
    // The profile of the page, and the shape that begins with its own.
    let texts: Vec<&str> =
        page.split("```text\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    let [person, based] = texts.as_slice() else { panic!("{texts:?}") };
    let mut profiles = Profiles::default();
    profiles.add("profiles/person.toml", Ok(SourceFile::new("profiles/person.toml", *person)));
    let including = "include = [\"profiles/person.toml\"]\nprofile = 1\n";
    profiles.add(
        "profiles/based.toml",
        Ok(SourceFile::new("profiles/based.toml", format!("{including}{based}"))),
    );
    assert_eq!(check_profiles(&profiles, None), []);
    let profiles = std::sync::Arc::new(profiles);
    for example in examples {
        let text = with_example(example);
        let found = check(&[file(&*text).with(&profiles)], TODAY).1;
        assert!(
            found.iter().all(|one| !one.is_error()),
            "{example}\n{}",
            crate::support::page(&text, &found)
        );
    }
}
