//! `tavs extract` as a researcher's data manager runs it: over an export, beside a running proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tavs::ledger::{Entry, Event, Kind};
use tempfile::TempDir;

use super::served::{Served, configured};
use super::{Said, tavs, tavs_reading};

/// Official test numbers (CPR-kontoret): serials 99xx.
pub(super) const NANCY: &str = "2512489996";
const ELSE: &str = "0201919990";
const BRUNO: &str = "2509479989";
const RUTH: &str = "1109859996";
const KARL: &str = "2103009996";

/// A configuration that serves research, too. Without quasi-identifiers there is nothing to examine.
pub(super) fn research(examined: bool) -> (TempDir, Served) {
    let folder = unserved(examined);
    let served = Served::start(folder.path());
    (folder, served)
}

pub(super) fn unserved(examined: bool) -> TempDir {
    let folder = configured();
    let here = folder.path();
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for name in ["research.toml", "profiles/fhir.toml", "profiles/fhir/persons.toml"] {
        fs::create_dir_all(here.join("policies").join(name).parent().unwrap()).unwrap();
        fs::copy(policies.join(name), here.join("policies").join(name)).unwrap();
    }
    for entry in fs::read_dir(policies.join("profiles/fhir")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), here.join("policies/profiles/fhir").join(entry.file_name())).unwrap();
    }
    let path = here.join("policies/research.toml");
    // Its agreement ends some day.
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("2027-08-31", "2099-08-31")
        .replace("2026-09-01", "2099-01-01");
    fs::write(&path, &text).unwrap();
    if !examined {
        let left = |line: &&str| !line.starts_with("coarsen ") && !line.starts_with("quasi-identifier ");
        fs::write(&path, text.lines().filter(left).collect::<Vec<_>>().join("\n")).unwrap();
    }
    let config = fs::read_to_string(here.join("tavs.toml")).unwrap();
    let emr = "[upstreams.emr]\nurl = \"http://127.0.0.1:9\"\nunprotected = true\n\n[upstreams.booking]";
    fs::write(here.join("tavs.toml"), config.replacen("[upstreams.booking]", emr, 1)).unwrap();
    let keys = ["keys", "new", "keys/ring.toml", "--add", "--policies", "policies", "--why", "research"];
    let said = tavs(here, keys);
    assert_eq!(said.code, 0, "{}", said.err);
    folder
}

#[test]
fn whoever_has_never_served_is_told_to() {
    let folder = unserved(true);
    let here = folder.path();
    export(here);
    let said = extract(here, "extract", &["--dry-run", "crowd.ndjson"]);
    assert!(said.code == 2 && said.err.contains("run `tavs serve` once"), "{}", said.err);
    let said = extract(here, "extract", &["crowd.ndjson"]);
    assert!(said.code != 0 && said.err.contains("let `tavs serve` take it up first"), "{}", said.err);
    for name in ["extract", "extract.tavs-part"] {
        assert!(!here.join(name).exists(), "{name}");
    }
}

pub(super) fn extract(folder: &Path, output: &str, more: &[&str]) -> Said {
    let args = ["extract", "--policy", "policies/research.toml", "--why", "protocol 17", "--output", output];
    tavs(folder, args.iter().chain(more))
}

pub(super) fn patient(id: &str, cpr: &str, name: &str, born: &str) -> Value {
    json!({
        "resourceType": "Patient", "id": id, "gender": "female", "birthDate": born,
        "identifier": [{ "system": "urn:oid:1.2.208.176.1.2", "value": cpr }],
        "name": [{ "family": name }], "telecom": [{ "system": "phone", "value": "20304050" }],
    })
}

pub(super) fn observation(id: &str, of: &str, value: f64) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final", "subject": { "reference": format!("Patient/{of}") },
        "code": { "coding": [{ "system": "urn:oid:1.2.208.176.2.1", "code": "NPU22089" }] },
        "effectiveDateTime": "2026-02-17T08:15:00+01:00", "valueQuantity": { "value": value, "unit": "mmol/L" },
        "note": [{ "text": format!("ringede fra 20304050, {NANCY}") }],
    })
}

pub(super) fn lines(all: &[Value]) -> String {
    all.iter().fold(String::new(), |mut text, one| {
        writeln!(text, "{one}").unwrap();
        text
    })
}

/// Every byte below a path.
pub(super) fn all_bytes(path: &Path) -> String {
    if path.is_file() {
        return String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    }
    fs::read_dir(path).unwrap().map(|entry| all_bytes(&entry.unwrap().path())).collect()
}

pub(super) fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(super) fn subject(folder: &Path, line: &str, args: &[&str]) -> String {
    let mut input = tempfile::NamedTempFile::new().unwrap();
    input.write_all(line.as_bytes()).unwrap();
    let said = tavs_reading(folder, ["subject"].iter().chain(args), input.path());
    assert_eq!(said.code, 0, "{}", said.err);
    said.out
}

pub(super) fn disclosures(folder: &Path) -> Vec<Entry> {
    let records = tavs::ledger::read(&folder.join("ledger")).unwrap().map(Result::unwrap);
    let entries = records.filter_map(|record| match record.event {
        Event::Exchange(entry) if entry.kind == Kind::Disclosure => Some(entry),
        Event::Exchange(_) | Event::Act(_) | Event::Policy(_) => None,
    });
    entries.collect()
}

/// An export of five patients: in files of their own what each type of resource has, and one Bundle.
pub(super) fn export(folder: &Path) {
    let patients = [
        patient("p1", NANCY, "Berggren", "1948-12-25"),
        patient("p2", ELSE, "Lauridsen", "1991-01-02"),
        patient("p3", BRUNO, "Hansen", "1947-09-25"),
        patient("p4", RUTH, "Ruthsen", "1985-09-11"),
    ];
    // Before its patient is known, and of nobody who is known.
    let observations = [
        observation("o1", "p1", 5.4),
        observation("o2", "p2", 6.1),
        observation("o3", "p3", 7.25),
        observation("o4", "p4", 4.0),
        observation("o5", "p1", 5.9),
        observation("o6", "p9", 1.5),
    ];
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "resource": patient("p5", KARL, "Karlsen", "2000-03-21") },
        { "resource": observation("o7", "p5", 3.5) },
    ]});
    fs::write(folder.join("observations.ndjson"), lines(&observations)).unwrap();
    fs::write(folder.join("patients.ndjson"), lines(&patients)).unwrap();
    // With five others each, who share all that the tables tell of them but their pseudonym.
    let crowd: Vec<Value> = (1..=5)
        .flat_map(|n| {
            [
                patient(&format!("c{n}"), &format!("251248990{n}"), "Mængde", "1948-05-01"),
                patient(&format!("d{n}"), &format!("210300990{n}"), "Mængde", "2000-05-01"),
            ]
        })
        .collect();
    fs::write(folder.join("crowd.ndjson"), lines(&crowd)).unwrap();
    fs::write(folder.join("bundle.json"), serde_json::to_string_pretty(&bundle).unwrap()).unwrap();
}

pub(super) const FILES: [&str; 4] = ["observations.ndjson", "patients.ndjson", "bundle.json", "crowd.ndjson"];

#[test]
fn a_researcher_gets_tables_without_identifiers_or_persons_who_may_not_be_in_them() {
    let (folder, served) = research(true);
    let here = folder.path();
    export(here);
    // Under the upstream's id, which only the export ties to her number; under the number; for this purpose.
    subject(here, "Patient/p2\n", &["restrict", "--why", "letter"]);
    subject(here, BRUNO, &["object", "--purpose", "glucose-study", "--why", "letter"]);
    subject(here, RUTH, &["erase", "--why", "letter", "--yes"]);
    let said = extract(here, "extract", &FILES);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("records: 15 released of 12 persons"), "{}", said.err);
    assert!(!here.join("extract.tavs-part").exists());

    names_nobody(&[&all_bytes(&here.join("extract")), &said.err, &said.out]);
    let patients = rows(&here.join("extract/patients.ndjson"));
    let years: BTreeMap<&str, i64> = patients
        .iter()
        .map(|row| (row["patient"].as_str().unwrap(), row["birth_year"].as_i64().unwrap()))
        .collect();
    assert_eq!(years.values().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1948, 2000]));
    let observations = rows(&here.join("extract/observations.ndjson"));
    let mut values: Vec<(i64, String)> = observations
        .iter()
        .map(|row| (years[row["patient"].as_str().unwrap()], row["value"].to_string()))
        .collect();
    for table in [&patients, &observations] {
        assert!(table.is_sorted_by_key(|row| row["patient"].as_str().unwrap()), "{table:?}");
    }
    // A person's rows in the order of the export.
    values.sort_by_key(|(year, _)| *year);
    assert_eq!(values, [(1948, "5.4".into()), (1948, "5.9".into()), (2000, "3.5".into())]);
    assert!(observations.iter().all(|row| row["week"] == "2026-W08" && row["unit"] == "mmol/L"));

    is_on_record(here);

    // The next has the same pseudonyms; as CSV, and nothing serves.
    served.stop();
    let said = extract(here, "again", &[&["--format", "csv", "--csv", "danish"], &FILES[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let csv = fs::read_to_string(here.join("again/observations.csv")).unwrap();
    let head = "\u{feff}patient;code;value;unit;week\r\n";
    assert!(csv.starts_with(head) && csv.contains(";3,5;mmol/L;2026-W08\r\n"), "{csv}");
    let patients = fs::read_to_string(here.join("again/patients.csv")).unwrap();
    assert!(years.keys().all(|pseudonym| patients.contains(pseudonym)));
    assert_eq!(disclosures(here).len(), 4);
}

/// That no identifier of the export is in any of these texts.
fn names_nobody(texts: &[&str]) {
    for identifier in [
        NANCY,
        ELSE,
        BRUNO,
        RUTH,
        KARL,
        "251248-9996",
        "Berggren",
        "Lauridsen",
        "Hansen",
        "Ruthsen",
        "Karlsen",
        "Mængde",
        "25124899",
        "21030099",
        "20304050",
        "1948-12-25",
        "2026-02-17",
        "ringede",
        "Patient/",
        "\"p1\"",
        "\"o1\"",
    ] {
        assert!(!texts.iter().any(|text| text.contains(identifier)), "{identifier} is told");
    }
}

/// For each route, with whose data it is; who is in it is told, and who is not is not.
fn is_on_record(here: &Path) {
    let entries = disclosures(here);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.grounds.route.as_deref().unwrap(), entry.subjects.len(), entry.records))
        .collect();
    assert_eq!(told, [("export", 11, 13), ("bundles", 1, 2)]);
    assert!(entries.iter().all(|entry| entry.released_by_rule.iter().any(|count| *count > 0)));
    let args = ["report", "--why", "she asked", "--format", "json", "--language", "en"];
    let report: Value = serde_json::from_str(&subject(here, NANCY, &args)).unwrap();
    let recipient = &report["recipients"][0];
    assert_eq!(recipient["name"], "Glukoseprojektet, Syddansk Forskningsenhed");
    assert_eq!(recipient["purposes"][0]["id"], "glucose-study");
    let members = recipient["members"].to_string();
    assert!(members.contains("Observation $.valueQuantity.value"), "{members}");
    // Who is restricted is in none of it.
    let report: Value = serde_json::from_str(&subject(here, ELSE, &args)).unwrap();
    assert_eq!(report["recipients"], json!([]));
    assert_eq!(tavs(here, ["ledger", "verify"]).code, 0);
}

#[test]
fn what_too_few_share_does_not_leave() {
    let (folder, served) = research(true);
    let here = folder.path();
    export(here);
    // Bruno and Ruth are alone with their years.
    let said = extract(here, "extract", &FILES);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("k = 5 is not met"), "{}", said.err);
    assert!(!here.join("extract").exists() && !here.join("extract.tavs-part").exists());
    let report: Value =
        serde_json::from_slice(&fs::read(here.join("extract.control.json")).unwrap()).unwrap();
    assert_eq!(report["found"]["met"], false);
    assert_eq!(disclosures(here).len(), 0, "nothing has left");
    let said = extract(here, "extract", &[&["--enforce"], &FILES[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let mut shared = BTreeMap::new();
    for row in rows(&here.join("extract/patients.ndjson")) {
        *shared.entry((row["sex"].to_string(), row["birth_year"].to_string())).or_insert(0) += 1;
    }
    assert!(shared.values().all(|persons| *persons >= 5), "{shared:?}");
    served.stop();
}

#[test]
fn rights_that_change_before_the_record_are_judged_again() {
    let (folder, served) = research(true);
    let here = folder.path();
    export(here);
    assert_eq!(extract(here, "extract", &["crowd.ndjson"]).code, 0);
    let entry = disclosures(here).remove(0);
    let ask_about = |policy: &str, subjects: &[tavs::ids::SubjectId]| {
        let hex = |id: &tavs::ids::SubjectId| data_encoding::HEXLOWER.encode(&id.0);
        let body = json!({
            "why": "protocol 17", "recipient": "research", "policy": policy, "route": "export", "part": 1,
            "record": true, "subjects": subjects.iter().map(hex).collect::<Vec<_>>(), "bytes": 1,
            "released_by_rule": [1], "withheld": 0, "unfit": 0, "cpr_in_text": 0, "records": 1,
            "records_withheld": 0,
        })
        .to_string();
        let mut stream = UnixStream::connect(here.join("admin.sock")).unwrap();
        let head = "POST /v1/extracts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let ask = |policy: &str| ask_about(policy, &entry.subjects);
    let version = entry.grounds.policy.to_string();
    let twice = ask_about(&version, &[entry.subjects[0], entry.subjects[0]]);
    assert!(twice.starts_with("HTTP/1.1 422 ") && twice.contains("names somebody twice"), "{twice}");
    assert!(ask(&version).starts_with("HTTP/1.1 200 "));
    let before = disclosures(here).len();
    assert!(ask(&"0".repeat(64)).starts_with("HTTP/1.1 422 "), "no version but the one in force");
    subject(here, "2512489901", &["restrict", "--why", "letter"]);
    let refused = ask(&version);
    assert!(refused.starts_with("HTTP/1.1 409 ") && refused.contains("urn:tavs:problem:rights"), "{refused}");
    assert_eq!(disclosures(here).len(), before, "nothing is on record of it");
    served.stop();
}

#[test]
fn what_is_broken_stops_the_extract_or_is_passed_over_and_said() {
    let (folder, served) = research(false);
    let here = folder.path();
    let good = lines(&[patient("p1", NANCY, "Berggren", "1948-12-25")]);
    let broken = format!("{good}{{\"cpr\": \"{ELSE}\",,}}\n{}", lines(&[observation("o1", "p1", 5.5)]));
    fs::write(here.join("a.ndjson"), broken).unwrap();
    fs::write(here.join("b.json"), "{\"resourceType\": ").unwrap();
    let said = extract(here, "extract", &["a.ndjson"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("`a.ndjson`, line 2 (byte "), "{}", said.err);
    assert!(!said.err.contains(ELSE));
    assert!(!here.join("extract").exists() && !here.join("extract.tavs-part").exists());
    assert_eq!(disclosures(here).len(), 0);

    // What two members of one name say, nobody can tell: the patient is not believed, and whose the rest is, unknown.
    let twice = patient("p7", ELSE, "Lauridsen", "1991-01-02").to_string();
    let twice = twice.replacen("\"gender\":\"female\"", "\"gender\":\"female\",\"gender\":\"male\"", 1);
    let unknown = format!("{twice}\n{}", lines(&[observation("o7", "p7", 7.5)]));
    fs::write(here.join("d.ndjson"), unknown).unwrap();
    let said = extract(here, "unknown", &["--on-error", "skip", "d.ndjson"]);
    assert!(said.err.contains("records: 0 released") && said.err.contains("passed over: 1"), "{}", said.err);

    let said = extract(here, "extract", &["--on-error", "skip", "a.ndjson", "b.json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("passed over: 2"), "{}", said.err);
    assert_eq!(rows(&here.join("extract/observations.ndjson")).len(), 1);
    let skipped = fs::read_to_string(here.join("extract.skipped.csv")).unwrap();
    let places: Vec<&str> = skipped.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(places, ["file,line,byte", &format!("1,2,{}", good.len()), "2,1,0"]);
    // An extract is never made over another, and a name must say what a file holds.
    assert_eq!(extract(here, "extract", &["a.ndjson"]).code, 2);
    fs::write(here.join("c.txt"), "{}").unwrap();
    assert_eq!(extract(here, "other", &["c.txt"]).code, 2);
    let said = extract(here, "other", &["policies"]);
    assert!(said.code == 2 && said.err.contains("it is no file"), "{}", said.err);
    // Where a row ends behind a stray quote, nobody can say, so that nothing is passed over either.
    fs::write(here.join("e.csv"), "id;text\n1;\"12\" pipe\n2;\"3\n").unwrap();
    let said = extract(here, "other", &["--on-error", "skip", "e.csv"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("`e.csv`: line 2: something stands behind the quote"), "{}", said.err);
    assert!(!here.join("other.tavs-part").exists());
    // What the office would refuse in the end it refuses before a file is read.
    let args =
        ["extract", "--policy", "policies/research.toml", "--output", "other", "--why", ELSE, "a.ndjson"];
    let said = tavs(here, args);
    assert!(said.code == 1 && said.err.contains("`why` holds a number"), "{} {}", said.code, said.err);
    assert!(!here.join("other.tavs-part").exists());
    served.stop();
}

#[test]
fn a_file_is_taken_once_and_what_was_passed_over_before_is_not_of_the_next() {
    let (folder, served) = research(false);
    let here = folder.path();
    let good = lines(&[patient("p1", NANCY, "Berggren", "1948-12-25")]);
    fs::write(here.join("a.ndjson"), &good).unwrap();
    fs::write(here.join("b.ndjson"), good + "{,}\n").unwrap();
    assert_eq!(extract(here, "extract", &["--on-error", "skip", "b.ndjson"]).code, 0);
    let beside = here.join("extract.skipped.csv");
    assert!(beside.exists());
    fs::remove_dir_all(here.join("extract")).unwrap();
    assert_eq!(extract(here, "extract", &["a.ndjson"]).code, 0);
    assert!(!beside.exists());
    std::os::unix::fs::symlink("a.ndjson", here.join("c.ndjson")).unwrap();
    let said = extract(here, "other", &["a.ndjson", "c.ndjson"]);
    assert!(said.code == 2 && said.err.contains("`c.ndjson` and `a.ndjson` are one file"), "{}", said.err);
    assert!(!here.join("other.tavs-part").exists());
    served.stop();
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_bytes() {
    let (folder, served) = research(false);
    let here = folder.path();
    let patients: Vec<Value> =
        (0..40).map(|n| patient(&format!("p{n}"), NANCY, "Berggren", "1948-12-25")).collect();
    let observations: Vec<Value> = (0..3000_u32)
        .map(|n| observation(&format!("o{n}"), &format!("p{}", n % 40), f64::from(n) / 8.0))
        .collect();
    fs::write(here.join("patients.ndjson"), lines(&patients)).unwrap();
    fs::write(here.join("observations.ndjson"), lines(&observations)).unwrap();
    let files = ["--checkpoint", "16 KiB", "patients.ndjson", "observations.ndjson"];
    assert_eq!(extract(here, "whole", &files).code, 0);
    let total = fs::metadata(here.join("observations.ndjson")).unwrap().len();
    let start = |resume: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(["extract", "--policy", "policies/research.toml", "--why", "x", "--output", "killed"])
            .args(resume)
            .args(files)
            .current_dir(here)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    // A disk that takes no more: said, and nothing looks whole.
    let limited = format!(
        "trap '' XFSZ; ulimit -f 48; exec {} extract --policy policies/research.toml --why x --output killed \
         --checkpoint '16 KiB' patients.ndjson observations.ndjson",
        env!("CARGO_BIN_EXE_tavs")
    );
    let said = Command::new("bash").args(["-c", &limited]).current_dir(here).output().unwrap();
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(2) && err.contains("cannot write `killed.tavs-part/"), "{err}");
    // Half of it under other keys would link nobody with the other half.
    let ring = here.join("keys/ring.toml");
    let keys = fs::read_to_string(&ring).unwrap();
    fs::write(&ring, with_another_secret(&keys, "glucose-study")).unwrap();
    let said = extract(here, "killed", &[&["--resume"], &files[..]].concat());
    assert!(said.code == 2 && said.err.contains("other keys"), "{}", said.err);
    fs::write(&ring, keys).unwrap();
    let resume: &[&str] = &["--resume"];
    for part in [4_u64, 7] {
        let mut run = start(resume);
        let checkpoint = here.join("killed.tavs-part/checkpoint.json");
        let is_there = (0..30_000).any(|_| {
            std::thread::sleep(Duration::from_millis(2));
            far(&checkpoint) > total * part / 10
        });
        assert!(is_there && run.try_wait().unwrap().is_none(), "it ended before {part}");
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(!here.join("killed").exists());
    }
    // Without being told to go on, it does not begin anew over what there is.
    assert_eq!(extract(here, "killed", &files).code, 2);
    let begun = fs::read_to_string(here.join("killed.tavs-part/begun")).unwrap();
    let (id, made) = begun.trim_end().split_once(' ').unwrap();
    assert!(start(resume).wait().unwrap().success());
    let manifest = fs::read_to_string(here.join("killed/manifest.json")).unwrap();
    assert!(manifest.contains(id) && manifest.contains(made), "an extract keeps its id and time: {manifest}");
    for file in fs::read_dir(here.join("whole")).unwrap() {
        let name = file.unwrap().file_name();
        // The manifest and what is about the whole have the extract's own id and time.
        if !name.to_string_lossy().ends_with(".ndjson") {
            continue;
        }
        let read = |folder: &str| fs::read(here.join(folder).join(&name)).unwrap();
        assert!(read("whole") == read("killed"), "{name:?}");
    }
    assert_eq!(disclosures(here).len(), 2, "what was killed is on record once");
    served.stop();
}

/// A configuration whose reminders may leave as files, too: in its policy other lines stand for those that begin so.
fn reminders(changes: &[(&str, &str)]) -> (TempDir, Served) {
    let folder = configured();
    let here = folder.path();
    let path = here.join("policies/sms-reminders.toml");
    let text = fs::read_to_string(&path).unwrap();
    let other = |line: &str| changes.iter().find(|(name, _)| line.split_whitespace().next() == Some(name));
    let policy: Vec<&str> =
        text.lines().map(|line| other(line).map_or(line, |(_, instead)| instead)).collect();
    fs::write(&path, policy.join("\n") + "\n[extract]\nroutes = [\"appointments\"]\n").unwrap();
    fs::copy(here.join("policies/tests/sms-reminders/appointments.json"), here.join("sample.json")).unwrap();
    let served = Served::start(here);
    (folder, served)
}

const REMINDERS: &[&str] = &["extract", "--policy", "policies/sms-reminders.toml", "--why", "x", "--output"];

#[test]
fn consent_binds_files_as_it_binds_responses() {
    let (folder, served) = reminders(&[("consent", "consent = \"required\"")]);
    let here = folder.path();
    let over_http = || served.get("/appointments", "").split_once("\r\n\r\n").unwrap().1.to_owned();
    let consent =
        |what| subject(here, NANCY, &[what, "--purpose", "appointment-reminders", "--why", "form 17"]);
    consent("consent");
    let said = tavs(here, REMINDERS.iter().chain(&["given", "sample.json"]));
    assert_eq!(said.code, 0, "{}", said.err);
    let left = fs::read_to_string(here.join("given/records-00001.json")).unwrap();
    assert_eq!(left, over_http());
    assert_eq!(left.matches("\"start\"").count(), 1, "one appointment, of who has said yes: {left}");
    let withheld = fs::read_to_string(here.join("sample.json")).unwrap().matches("\"cpr\"").count() - 1;
    assert!(
        said.err.contains(&format!("records: 1 released of 1 person, {withheld} withheld;")),
        "{}",
        said.err
    );
    consent("withdraw");
    let said = tavs(here, REMINDERS.iter().chain(&["withdrawn", "sample.json"]));
    assert!(said.err.contains("records: 0 released of 0 persons"), "{}", said.err);
    assert_eq!(disclosures(here).last().unwrap().subjects.len(), 0, "also that nobody is in it is on record");
    let left = fs::read_to_string(here.join("withdrawn/records-00001.json")).unwrap();
    assert!(left == over_http() && !left.contains("start"), "{left}");
    served.stop();
}

#[test]
fn nothing_leaves_as_files_past_the_last_day_of_agreement_or_transfer() {
    let transfer =
        "country = \"US\"\nground = \"dpf\"\nevidence = \"T-1\"\nverified = 2026-01-15\nexpires = 2026-01-16";
    for (last, says) in [
        (("expires", "expires = 2026-01-16"), "the agreement has lapsed"),
        (("country", transfer), "the ground of transfer out of the EU has lapsed"),
    ] {
        let dates = [("signed", "signed = 2026-01-10"), ("review", "review = 2026-01-16")];
        let (folder, served) = reminders(&[&dates[..], &[last]].concat());
        let here = folder.path();
        // The command would see it, too, were it not told another day; the office knows what day it is.
        let said = tavs(here, REMINDERS.iter().chain(&["out", "--at", "2026-01-15", "sample.json"]));
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains(says), "{}", said.err);
        assert!(!here.join("out").exists() && !here.join("out.tavs-part").exists());
        assert_eq!(disclosures(here).len(), 0);
        served.stop();
    }
}

/// The ring, as if the domain had another secret.
fn with_another_secret(ring: &str, domain: &str) -> String {
    let named = format!("name = \"{domain}\"");
    let (before, of_domain) = ring.split_once(&named).unwrap();
    let (until, secret) = of_domain.split_once("secret = \"").unwrap();
    let other = if secret.starts_with('0') { '1' } else { '0' };
    let rest: String = secret.chars().skip(1).collect();
    format!("{before}{named}{until}secret = \"{other}{rest}")
}

/// How many bytes the last checkpoint has behind it.
pub(super) fn far(checkpoint: &Path) -> u64 {
    let Ok(text) = fs::read(checkpoint) else { return 0 };
    let read: Value = serde_json::from_slice(&text).unwrap_or_default();
    read["counts"]["bytes"].as_u64().unwrap_or_default()
}
