//! The bundle of an extract as its receiver has it, and the report as the officer who lets it go out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::extract::{
    FILES, NANCY, export, extract, far, lines, observation, patient, research, rows, subject, unserved,
};
use super::served::Served;
use super::tavs;

fn public_key(here: &Path) -> String {
    let said = tavs(here, ["keys", "show-checkpoint-key", "keys/ring.toml"]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.out.trim().to_owned()
}

fn pseudonyms(here: &Path, output: &str) -> Vec<String> {
    let patients = rows(&here.join(output).join("patients.ndjson"));
    patients.iter().map(|row| row["patient"].as_str().unwrap().to_owned()).collect()
}

/// By name; and it is nothing to compare with.
fn what_is_changed_is_found(here: &Path, key: &str) {
    let data = here.join("february/patients.ndjson");
    fs::write(&data, fs::read_to_string(&data).unwrap().replace("1948", "1949")).unwrap();
    let said = tavs(here, ["extract", "verify", "february", "--key", key]);
    assert_eq!(said.code, 1);
    assert!(said.out.starts_with("changed: `patients.ndjson` is not as it was made\n"), "{}", said.out);
    let said = tavs(here, ["extract", "verify", "january", "--key", &"0".repeat(64)]);
    assert_eq!((said.code, said.out.starts_with("other-key: ")), (1, true), "{}", said.out);
    assert_eq!(tavs(here, ["extract", "verify", "march", "--key", key]).code, 2);
    let said = extract(here, "march", &["--previous", "february", "crowd.ndjson", "more.ndjson"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("`february` is not as it was made"), "{}", said.err);
    assert!(!here.join("march").exists());
}

#[test]
fn a_researcher_verifies_and_opens_the_bundle_and_learns_who_is_gone() {
    let (folder, served) = research(true);
    let here = folder.path();
    export(here);
    // What was begun in another form, and stopped late, leaves nothing of that form.
    let said = extract(here, "january", &["--format", "csv", "--previous", "nowhere", "crowd.ndjson"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(here.join("january.tavs-part/out/patients.csv").exists());
    let said = extract(here, "january", &["--resume", "--language", "en", "crowd.ndjson"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!here.join("january/patients.csv").exists());
    let key = public_key(here);
    let said = tavs(here, ["extract", "verify", "january", "--key", &key]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.ends_with(&format!("signed by {key}\ngood\n")), "{}", said.out);
    assert!(tavs(here, ["extract", "verify", "january"]).out.contains("no key was given"));

    // What the README says is run as it says it.
    let readme = fs::read_to_string(here.join("january/README.md")).unwrap();
    let (_, snippet) = readme.split_once("```python\n").unwrap();
    let snippet = snippet.split("```").next().unwrap();
    let ran =
        Command::new("python3").args(["-c", snippet]).current_dir(here.join("january")).output().unwrap();
    let counts = String::from_utf8(ran.stdout).unwrap();
    assert!(counts.lines().all(|line| line.ends_with("\t5") || line.ends_with("\t10")), "{counts}");
    assert!(!counts.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let codebook: Value =
        serde_json::from_slice(&fs::read(here.join("january/codebook.json")).unwrap()).unwrap();
    let year = codebook["tables"][0]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == "birth_year")
        .unwrap();
    assert_eq!(year["action"], "generalise year", "{year}");
    assert_eq!(
        (&year["type"], &year["quasi-identifier"], &year["missing"]),
        (&"integer".into(), &true.into(), &0.into())
    );
    assert!(year["source"].as_str().unwrap().contains("birthDate"), "{year}");
    let manifest: Value =
        serde_json::from_slice(&fs::read(here.join("january/manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["counts"]["persons"], &manifest["protection"]["k"]), (&10.into(), &5.into()));

    // Two more come, and one is gone: of her the researcher learns the pseudonym, and no more.
    let more = lines(&[
        patient("p1", NANCY, "Berggren", "1948-12-25"),
        patient("p5", "2103009996", "Karlsen", "2000-03-21"),
    ]);
    fs::write(here.join("more.ndjson"), more).unwrap();
    subject(here, "2512489901", &["erase", "--why", "letter", "--yes"]);
    let said = extract(here, "february", &["--previous", "january", "crowd.ndjson", "more.ndjson"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (before, now) = (pseudonyms(here, "january"), pseudonyms(here, "february"));
    let gone: Vec<&String> = before.iter().filter(|pseudonym| !now.contains(pseudonym)).collect();
    assert_eq!((before.len(), now.len(), gone.len()), (10, 11, 1));
    let deleted = fs::read_to_string(here.join("february/deleted.csv")).unwrap();
    assert_eq!(deleted, format!("pseudonym\r\n{}\r\n", gone[0]));
    assert_eq!(tavs(here, ["extract", "verify", "february", "--key", &key]).code, 0);

    what_is_changed_is_found(here, &key);
    served.stop();
}

#[test]
fn an_officer_reads_why_it_may_not_go_out_and_what_enforcing_cost() {
    let (folder, served) = research(true);
    let here = folder.path();
    export(here);
    // What stands where the report goes is replaced: a link is not followed, and what all may read is no more.
    fs::write(here.join("elsewhere"), "kept").unwrap();
    std::os::unix::fs::symlink("elsewhere", here.join("extract.control.html")).unwrap();
    fs::write(here.join("extract.control.json"), "old").unwrap();
    let said = extract(here, "extract", &[&["--language", "en"], &FILES[..]].concat());
    assert_eq!(said.code, 4, "{}", said.err);
    assert_eq!(fs::read_to_string(here.join("elsewhere")).unwrap(), "kept");
    let json = fs::metadata(here.join("extract.control.json")).unwrap();
    assert_eq!(json.permissions().mode() & 0o777, 0o600);
    let page = here.join("extract.control.html");
    assert_eq!(fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("k = 5 is not met, and nothing was written."));
    assert!(
        text.contains("suppress rows only") && text.contains("birth_year = 1985"),
        "what is rare, and a way"
    );
    assert!(!text.contains("mmol/L") && !text.contains(NANCY), "no other column");
    let said = extract(here, "extract", &[&["--enforce"], &FILES[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let report: Value =
        serde_json::from_slice(&fs::read(here.join("extract.control.json")).unwrap()).unwrap();
    assert_eq!((&report["found"]["met"], &report["enforced"]["after"]["met"]), (&false.into(), &true.into()));
    let manifest: Value =
        serde_json::from_slice(&fs::read(here.join("extract/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["protection"]["rows-suppressed"], report["enforced"]["way"]["rows-suppressed"]);
    // Whose rows were suppressed, has not been disclosed.
    let persons = manifest["counts"]["persons"].as_u64().unwrap();
    let recorded: usize = super::extract::disclosures(here).iter().map(|entry| entry.subjects.len()).sum();
    assert_eq!(recorded as u64, persons);
    let names: Vec<_> =
        fs::read_dir(here.join("extract")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("control")), "{names:?}");
    served.stop();
}

/// A configuration whose research policy has no tables: records leave as they were released.
fn without_tables() -> (tempfile::TempDir, Served) {
    let folder = unserved(false);
    let path = folder.path().join("policies/research.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, tables) = text.split_once("[[extract.table]]").unwrap();
    let (_, tests) = tables.split_once("[[test]]").unwrap();
    let before = before.replace("order  = \"pseudonym\"", "");
    fs::write(&path, format!("{before}[[test]]{tests}")).unwrap();
    let served = Served::start(folder.path());
    (folder, served)
}

/// Kills an extract once a checkpoint counts on so many bytes of its files.
fn killed_behind(here: &Path, output: &str, files: &[&str], bytes: u64) {
    let mut run = Command::new(env!("CARGO_BIN_EXE_tavs"))
        .args(["extract", "--policy", "policies/research.toml", "--why", "x", "--output", output])
        .args(files)
        .current_dir(here)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let checkpoint = here.join(format!("{output}.tavs-part/checkpoint.json"));
    let is_there = (0..30_000).any(|_| {
        std::thread::sleep(Duration::from_millis(2));
        far(&checkpoint) > bytes || run.try_wait().unwrap().is_some()
    });
    assert!(is_there && run.try_wait().unwrap().is_none(), "it ended before {bytes}");
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn records_as_they_are_verify_also_where_a_run_was_gone_on_with() {
    let (folder, served) = without_tables();
    let here = folder.path();
    // More files than are kept open, one in which the run is killed, and one behind it.
    let small: Vec<String> = (0..140).map(|number| format!("p{number}.ndjson")).collect();
    for (number, name) in small.iter().enumerate() {
        let text = lines(&[patient(&format!("p{number}"), NANCY, "Berggren", "1948-12-25")]);
        fs::write(here.join(name), text).unwrap();
    }
    let many: Vec<Value> = (0..6000_u32)
        .map(|number| observation(&format!("o{number}"), &format!("p{}", number % 140), f64::from(number)))
        .collect();
    fs::write(here.join("many.ndjson"), lines(&many)).unwrap();
    fs::write(here.join("last.ndjson"), lines(&many[..9])).unwrap();
    let options = ["--checkpoint", "32 KiB", "many.ndjson", "last.ndjson"];
    let files: Vec<&str> = small.iter().map(String::as_str).chain(options).collect();
    assert_eq!(extract(here, "whole", &files).code, 0);
    killed_behind(here, "killed", &files, fs::metadata(here.join("many.ndjson")).unwrap().len() / 2);
    let said = extract(here, "killed", &[&["--resume"], &files[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let key = public_key(here);
    let mut compared = 0;
    for name in ["whole", "killed"] {
        let said = tavs(here, ["extract", "verify", name, "--key", &key]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
    for file in fs::read_dir(here.join("whole")).unwrap() {
        let name = file.unwrap().file_name();
        if name.to_string_lossy().ends_with(".ndjson") {
            let read = |folder: &str| fs::read(here.join(folder).join(&name)).unwrap();
            assert!(read("whole") == read("killed"), "{name:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 142);
    served.stop();
}
