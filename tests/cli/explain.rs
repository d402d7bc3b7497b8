//! `tavs explain`, as an author calls it: no value leaves by it.

use std::fs;

use tempfile::TempDir;

use crate::tavs;

const GOOD: &str = include_str!("../policies/base.toml");
const SAMPLE: &str = r#"{"appointments": [
  {"id": "a1", "start": "2026-03-04", "text": "ring 20304050", "born": "x", "2512489996": 1,
   "patient": {"cpr": "251248-9996", "navn": "Nancy Berggren", "adresse": "Vej 7"}},
  {"id": "a2", "start": "2026-03-05", "patient": {"cpr": "none"}}]}"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.toml"), GOOD).unwrap();
    let other = GOOD.replace("{ mask = \"first-word\" }", "\"withhold\"");
    fs::write(folder.path().join("other.toml"), other).unwrap();
    fs::write(folder.path().join("sample.json"), SAMPLE).unwrap();
    folder
}

const EXPLAIN: [&str; 8] =
    ["explain", "--policy", "p.toml", "--route", "appointments", "--at", "2026-06-01", "sample.json"];

#[test]
fn each_member_has_its_line_and_reason_and_no_value_is_shown() {
    let folder = folder();
    let said = tavs(folder.path(), EXPLAIN);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let json = tavs(folder.path(), EXPLAIN.iter().chain(&["--format", "json"]));
    let rows: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let line = |text: &str| GOOD.lines().position(|line| line.contains(text)).unwrap() + 1;
    let row = |member: &str| {
        let found = rows.as_array().unwrap().iter().find(|row| row["member"] == member);
        found.unwrap_or_else(|| panic!("no {member} in {rows:#}")).clone()
    };
    for (member, action, leaves, why, at) in [
        ("appointments[0].start", "keep", true, "as it came", Some(line(".start\"  "))),
        (
            "appointments[0].patient.navn",
            "mask first-word",
            true,
            "in another form",
            Some(line("first-word")),
        ),
        ("appointments[0].patient.adresse", "no rule", false, "no rule names it", None),
        (
            "appointments[0].born",
            "unfit: generalise age",
            false,
            "its rule cannot take the value",
            Some(line(".born\"")),
        ),
        (
            "appointments[1].start",
            "record withheld",
            false,
            "its record says of nobody whose data it is",
            None,
        ),
    ] {
        let row = row(member);
        assert_eq!(row["action"], action, "{member}");
        assert_eq!((&row["leaves"], &row["why"]), (&leaves.into(), &why.into()), "{member}");
        assert_eq!(row["line"].as_u64(), at.map(|at| at as u64), "{member}");
        assert!(row.get("before").is_none() && row.get("after").is_none());
    }
    for text in [&said.out, &json.out] {
        for value in ["Nancy", "251248", "2512489996", "20304050", "Vej", "2026-03-04", "a1"] {
            assert!(!text.contains(value), "{value} in {text}");
        }
        assert!(text.contains("{hidden"), "{text}");
    }
    // A record that is withheld tells of each of its members once.
    assert_eq!(json.out.matches("appointments[1].start").count(), 1);
    let shown = tavs(folder.path(), EXPLAIN.iter().chain(&["--show-values"]));
    assert_eq!((shown.code, shown.out.as_str()), (2, ""));
    assert!(shown.err.contains("values are shown on a terminal only"), "{}", shown.err);
}

#[test]
fn two_policies_are_told_apart_member_by_member() {
    let folder = folder();
    let said = tavs(folder.path(), EXPLAIN.iter().chain(&["--against", "other.toml"]));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let line = GOOD.lines().position(|line| line.contains("first-word")).unwrap() + 1;
    let wanted = format!(
        "appointments[0].patient.navn\n  p.toml:{line}: mask first-word (in another form)\n  \
         other.toml:{line}: withhold, does not leave (its rule withholds it)\n1 member differs\n"
    );
    assert_eq!(said.out, wanted);
    let same = tavs(folder.path(), EXPLAIN.iter().chain(&["--against", "p.toml"]));
    assert_eq!(same.out, "both make the same of it\n");
    let json = tavs(folder.path(), EXPLAIN.iter().chain(&["--against", "other.toml", "--format", "json"]));
    let rows: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&rows[0]["policy"]["leaves"], &rows[0]["other"]["leaves"]), (&true.into(), &false.into()));
}

#[test]
fn bad_input_is_said_by_its_place() {
    let folder = folder();
    fs::write(folder.path().join("sample.json"), "{\"a\": \"Nancy").unwrap();
    let said = tavs(folder.path(), EXPLAIN);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("sample.json") && !said.err.contains("Nancy"), "{}", said.err);
}
