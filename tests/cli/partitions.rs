//! An extract in partitions, as a job array makes it: each by itself, then one of all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::extract::{NANCY, all_bytes, disclosures, export, extract, lines, patient, research, subject};
use super::{Said, tavs, tavs_reading};

const WHO: [&str; 4] = ["--who-is-who", "patients.ndjson", "--who-is-who", "crowd.ndjson"];

/// The observations of the export in two files, and three partitions of all of it.
fn split(here: &Path) {
    export(here);
    let text = fs::read_to_string(here.join("observations.ndjson")).unwrap();
    let (first, second): (Vec<_>, Vec<_>) = text.lines().enumerate().partition(|(number, _)| *number < 3);
    for (name, lines) in [("first.ndjson", first), ("second.ndjson", second)] {
        fs::write(here.join(name), lines.iter().map(|(_, line)| format!("{line}\n")).collect::<String>())
            .unwrap();
    }
}

fn partition(here: &Path, output: &str, more: &[&str]) -> Said {
    let args = ["extract", "partition", "--policy", "policies/research.toml", "--output", output];
    tavs(here, args.iter().chain(more))
}

fn merge(here: &Path, output: &str, more: &[&str]) -> Said {
    let args = ["extract", "merge", "--policy", "policies/research.toml", "--why", "protocol 17", "--output"];
    tavs(here, args.iter().chain(&[output]).chain(more))
}

/// The manifest, but for what is an extract's own.
fn manifest(here: &Path, output: &str) -> Value {
    let text = fs::read(here.join(output).join("manifest.json")).unwrap();
    let mut read: Value = serde_json::from_slice(&text).unwrap();
    for own in ["extract", "made"] {
        read[own] = Value::Null;
    }
    read["files"].as_array_mut().unwrap().retain(|file| file["name"] != "README.md");
    read
}

#[test]
fn partitions_merge_to_the_bytes_of_one_run_over_their_files() {
    let (folder, served) = research(true);
    let here = folder.path();
    split(here);
    let files = ["first.ndjson", "second.ndjson", "bundle.json", "patients.ndjson", "crowd.ndjson"];
    let said = extract(here, "whole", &[&["--enforce"], &files[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);

    let args = ["extract", "partition", "--policy", "policies/research.toml", "--output", "p1", "--stdin"];
    let args = args.iter().chain(&["ndjson"]).chain(&WHO);
    let said = tavs_reading(here, args, &here.join("first.ndjson"));
    assert_eq!(said.code, 0, "{}", said.err);
    let said = partition(here, "p2", &[&WHO[..], &["second.ndjson", "bundle.json"]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let said = partition(here, "p3", &["patients.ndjson", "crowd.ndjson"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for part in ["p1", "p2", "p3"] {
        let path = here.join(part);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let held = all_bytes(&path);
        // Not even what was read from standard input is left.
        assert!(![NANCY, "Berggren", "ringede", "1948-12-25"].iter().any(|one| held.contains(one)), "{part}");
        assert!(!here.join(format!("{part}.tavs-part")).exists());
    }
    assert_eq!(disclosures(here).len(), 2, "no partition is a disclosure");

    // No partition alone could say whether k is met; all together do not meet it, and stay for another try.
    let said = merge(here, "merged", &["p1", "p2", "p3"]);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(!here.join("merged").exists() && !here.join("merged.tavs-part").exists());
    let read = |path: &str| -> Value { serde_json::from_slice(&fs::read(here.join(path)).unwrap()).unwrap() };
    let (whole, merged) = (read("whole.control.json"), read("merged.control.json"));
    assert_eq!(whole["found"], merged["found"], "the same report");
    let said = merge(here, "merged", &["--enforce", "p1", "p2", "p3"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!["p1", "p2", "p3"].iter().any(|part| here.join(part).exists()), "they hold persons' ids");

    assert_eq!(manifest(here, "whole"), manifest(here, "merged"), "every file has the same bytes");
    let entries = disclosures(here);
    let (whole, merged) = entries.split_at(2);
    for (one, other) in whole.iter().zip(merged) {
        assert_eq!((&one.subjects, one.records), (&other.subjects, other.records), "the same is on record");
    }
    assert_eq!((whole.len(), merged.len()), (2, 2));
    served.stop();
}

#[test]
fn partitions_that_do_not_fit_together_are_refused() {
    let (folder, served) = research(false);
    let here = folder.path();
    split(here);
    let refused = |said: &Said, code: i32, word: &str| {
        assert!(said.code == code && said.err.contains(word), "{} {}", said.code, said.err);
        assert!(!here.join("out").exists() && !here.join("out.tavs-part").exists());
        assert_eq!(disclosures(here).len(), 0);
    };
    // Of whom these observations are, only the patients' file says: they were withheld, and nobody would know.
    assert_eq!(partition(here, "unknowing", &["first.ndjson"]).code, 0);
    assert_eq!(partition(here, "persons", &["patients.ndjson"]).code, 0);
    refused(&merge(here, "out", &["unknowing", "persons"]), 1, "`unknowing` did not know who somebody is");
    assert_eq!(partition(here, "knowing", &[&WHO[..], &["first.ndjson"]].concat()).code, 0);
    refused(&merge(here, "out", &["knowing", "knowing"]), 2, "given twice");
    refused(&merge(here, "out", &["knowing", "policies"]), 2, "`policies` is no partition");
    assert_eq!(partition(here, "again", &[&WHO[..], &["second.ndjson", "first.ndjson"]].concat()).code, 0);
    refused(&merge(here, "out", &["knowing", "again"]), 2, "`again` was made of `first.ndjson`");

    // An id that two partitions tie to two persons is nobody's; the first had believed its own file.
    fs::write(here.join("other.ndjson"), lines(&[patient("p1", "1109859996", "Ruthsen", "1985-09-11")]))
        .unwrap();
    assert_eq!(partition(here, "other", &["other.ndjson"]).code, 0);
    refused(&merge(here, "out", &["persons", "other"]), 1, "`persons` did not know who somebody is");

    fs::set_permissions(here.join("knowing"), fs::Permissions::from_mode(0o750)).unwrap();
    refused(&merge(here, "out", &["knowing", "persons"]), 2, "chmod 700");
    fs::set_permissions(here.join("knowing"), fs::Permissions::from_mode(0o700)).unwrap();
    let kept = fs::read(here.join("knowing/table-1.staged")).unwrap();
    fs::write(here.join("knowing/table-1.staged"), &kept[..kept.len() - 1]).unwrap();
    refused(&merge(here, "out", &["knowing", "persons"]), 1, "`knowing` is not as it was made");
    fs::write(here.join("knowing/table-1.staged"), kept).unwrap();

    // A right that has been entered since, under an id that only the files tie.
    subject(here, "Patient/p2\n", &["restrict", "--why", "letter"]);
    refused(&merge(here, "out", &["knowing", "persons"]), 1, "rights of somebody in `knowing`");
    for part in ["knowing", "persons"] {
        fs::remove_dir_all(here.join(part)).unwrap();
    }
    assert_eq!(partition(here, "knowing", &[&WHO[..], &["first.ndjson"]].concat()).code, 0);
    assert_eq!(partition(here, "persons", &["patients.ndjson"]).code, 0);
    assert_eq!(merge(here, "out", &["--keep", "knowing", "persons"]).code, 0);
    assert!(here.join("knowing").exists() && here.join("out/observations.ndjson").exists());
    served.stop();
}

#[test]
fn the_office_is_asked_before_partitions_are_looked_at() {
    let (folder, served) = research(false);
    served.stop();
    let path = folder.path().join("policies/research.toml");
    let policy = fs::read_to_string(&path).unwrap();
    fs::write(&path, policy.replacen("k      = 5", "k      = 6", 1)).unwrap();
    let said = merge(folder.path(), "out", &["nowhere"]);
    assert!(said.code != 0 && said.err.contains("let `tavs serve` take it up first"), "{}", said.err);
    let said = merge(folder.path(), "out", &["--dry-run", "nowhere"]);
    assert!(said.code == 2 && said.err.contains("`nowhere`"), "{}", said.err);
}

#[test]
fn standard_input_is_an_extract_too() {
    let (folder, served) = research(false);
    let here = folder.path();
    export(here);
    let args = ["extract", "--policy", "policies/research.toml", "--why", "x", "--output"];
    let said =
        tavs_reading(here, args.iter().chain(&["one", "--stdin", "ndjson"]), &here.join("crowd.ndjson"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(extract(here, "other", &["crowd.ndjson"]).code, 0);
    assert_eq!(manifest(here, "one"), manifest(here, "other"));
    // What is broken is said by its line, and nothing of it is left, for it cannot be gone on with.
    fs::write(here.join("broken.ndjson"), "{\"resourceType\": \"Patient\"}\n{,}\n").unwrap();
    let said =
        tavs_reading(here, args.iter().chain(&["two", "--stdin", "ndjson"]), &here.join("broken.ndjson"));
    assert!(said.code == 1 && said.err.contains("stdin.ndjson`, line 2"), "{}", said.err);
    assert!(!here.join("two").exists() && !here.join("two.tavs-part").exists());
    assert_eq!(extract(here, "three", &["--stdin", "ndjson", "crowd.ndjson"]).code, 2);
    served.stop();
}
