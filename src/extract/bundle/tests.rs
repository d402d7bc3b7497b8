use std::process::Command;

use super::*;
use crate::extract::row::{Cell, Row};
use crate::extract::staged::Writer;
use crate::pseudonym::KeyRing;

fn key() -> CheckpointKey {
    KeyRing::throw_away([7; 32]).checkpoint_key().unwrap()
}

fn column(name: &str, column_type: &str, key: bool, quasi_identifier: bool) -> CodedColumn {
    CodedColumn {
        name: name.into(),
        column_type: column_type.into(),
        description: "what it is".into(),
        source: format!("$.{name}"),
        action: "keep".into(),
        coarser: None,
        key,
        quasi_identifier,
        missing: 1,
    }
}

fn bundle(form: Form, previous: Option<&str>) -> Bundle {
    let file = if form == Form::Ndjson { "visits.ndjson" } else { "visits.csv" };
    Bundle {
        extract: "01920000-0000-7000-8000-000000000000".into(),
        made: "2026-11-28T23:00:00Z".into(),
        recipient: ("registry".into(), "Registry *North*".into()),
        purpose: "research".into(),
        domain: "project".into(),
        policy: PolicyFile { file: "research.toml".into(), version: "00".repeat(32) },
        form,
        sorted: false,
        protection: Some(Protection {
            k: 5,
            rows_suppressed: 3,
            coarser: vec!["visits.age: step = 5".into()],
        }),
        counts: Counts { records: 4, persons: 3, skipped: 1 },
        codebook: Codebook {
            tables: vec![CodedTable {
                name: "visits".into(),
                file: file.into(),
                description: "One row | a visit".into(),
                rows: 4,
                columns: vec![
                    column("patient", "text", true, false),
                    column("age", "integer", false, true),
                    column("value", "number", false, false),
                    column("emergency", "boolean", false, false),
                ],
            }],
        },
        previous: previous.map(str::to_owned),
    }
}

/// A bundle of the pseudonyms given, a row each.
fn made(form: Form, patients: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut data = String::new();
    match form {
        Form::Ndjson => {
            for patient in patients {
                data +=
                    &format!("{{\"patient\":\"{patient}\",\"age\":45,\"value\":7.5,\"emergency\":false}}\n");
            }
        }
        Form::CsvDanish => {
            data += "\u{feff}patient;age;value;emergency\r\n";
            patients.iter().for_each(|patient| data += &format!("{patient};45;7,5;false\r\n"));
        }
        Form::CsvInternational => {
            data += "patient,age,value,emergency\r\n";
            patients.iter().for_each(|patient| data += &format!("{patient},45,7.5,false\r\n"));
        }
        // Its own tests write and read it.
        Form::Parquet => {}
    }
    let bundle = bundle(form, None);
    fs::write(directory.path().join(&bundle.codebook.tables[0].file), data).unwrap();
    write(directory.path(), &bundle, &[], &key()).unwrap();
    directory
}

const FORMS: [Form; 3] = [Form::Ndjson, Form::CsvDanish, Form::CsvInternational];

#[test]
fn a_bundle_verifies_until_anything_in_it_changes() {
    let trusted = [key().public()];
    let found = |directory: &Path, keys: &[_]| {
        let verified = verify(directory, keys).unwrap();
        (verified.trusted, verified.findings.iter().map(Finding::to_string).collect::<Vec<_>>())
    };
    let directory = made(Form::Ndjson, &["aaaa", "bbbb"]);
    let directory = directory.path();
    assert_eq!(found(directory, &trusted), (true, vec![]));
    assert_eq!(found(directory, &[]), (false, vec![]), "whole, by a key that nobody vouches for");
    let other = KeyRing::throw_away([8; 32]).checkpoint_key().unwrap();
    assert!(found(directory, &[other.public()]).1[0].starts_with("it is signed by another key"));

    let data = directory.join("visits.ndjson");
    let before = fs::read(&data).unwrap();
    fs::write(&data, [before.as_slice(), b"\n"].concat()).unwrap();
    fs::write(directory.join("more.txt"), "").unwrap();
    fs::remove_file(directory.join("codebook.csv")).unwrap();
    let wanted = [
        "`codebook.csv` is missing",
        "`visits.ndjson` is not as it was made",
        "`more.txt` does not belong to it",
    ];
    assert_eq!(found(directory, &trusted).1, wanted);
    let mut changed = before;
    changed[2] ^= 1;
    fs::remove_file(&data).unwrap();
    fs::write(directory.join("more.txt"), changed).unwrap();
    std::os::unix::fs::symlink(directory.join("more.txt"), &data).unwrap();
    assert_eq!(found(directory, &trusted).1[1], "`visits.ndjson` is not as it was made", "a link");

    let manifest = directory.join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"records\": 4", "\"records\": 5")).unwrap();
    assert!(found(directory, &trusted).1[0].starts_with("the signature does not fit"));
    fs::write(directory.join(SIGNATURE), "signed").unwrap();
    assert!(found(directory, &trusted).1[0].starts_with("`manifest.sig` is missing or is no signature"));
    fs::write(&manifest, "{}").unwrap();
    assert!(verify(directory, &trusted).unwrap_err().to_string().contains("is no manifest of an extract"));
}

/// What a ledger's checkpoint signs is no manifest, and the other way round.
#[test]
fn a_signature_is_good_for_one_thing() {
    let (key, bytes) = (key(), b"{\"tavs-checkpoint\":1}");
    assert!(!key.public().verifies_extract(bytes, &key.sign(bytes).unwrap()));
    assert!(!key.public().verifies(bytes, &key.sign_extract(bytes).unwrap()));
}

/// The snippets are run as the README has them, in the bundle's own directory.
#[test]
fn the_readme_opens_the_data_in_python() {
    for form in FORMS {
        let directory = made(form, &["aaaa", "bbbb", "aaaa"]);
        let readme = fs::read_to_string(directory.path().join("README.md")).unwrap();
        let (_, snippet) = readme.split_once("```python\n").unwrap();
        let (snippet, _) = snippet.split_once("```").unwrap();
        let ran = Command::new("python3")
            .args(["-W", "error", "-c", snippet])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(said, "45\t3\n", "{form:?}: {}", String::from_utf8_lossy(&ran.stderr));
        // What the codebook calls a number is one.
        let sum = snippet.split("counts =").next().unwrap().to_owned()
            + "print(sum(row['value'] for row in rows('visits')), next(rows('visits'))['emergency'])";
        let ran = Command::new("python3").args(["-c", &sum]).current_dir(directory.path()).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), "22.5 False\n", "{form:?}");
        assert!(readme.contains("Registry \\*North\\*") && readme.contains("One row \\| a visit"));
    }
}

#[test]
fn pseudonyms_that_are_gone_are_listed_once_and_nothing_else_is() {
    let work = tempfile::tempdir().unwrap();
    let staged = work.path().join("now");
    let mut writer = Writer::create(&staged, 2).unwrap();
    for patient in ["cccc", "aaaa", "eeee"] {
        let cells = vec![Cell::Text(patient.into()), Cell::Missing];
        writer.push(&Row { cells, persons: vec![] }).unwrap();
    }
    writer.finish().unwrap();
    let now = [Keyed { staged, columns: 2, keys: vec![0] }];
    for form in FORMS {
        let before = made(form, &["dddd", "aaaa", "bbbb", "dddd", "cccc", "bbbb"]);
        let new = tempfile::tempdir().unwrap();
        let previous = Previous {
            directory: before.path(),
            key: key().public(),
            of: ("registry", "research", "project"),
        };
        let (extract, count) = deleted(&previous, &now, work.path(), new.path()).unwrap();
        assert_eq!((extract.as_str(), count), ("01920000-0000-7000-8000-000000000000", 2));
        assert_eq!(
            fs::read_to_string(new.path().join(DELETED)).unwrap(),
            "pseudonym\r\ndddd\r\nbbbb\r\n",
            "{form:?}"
        );
        let readme = readme::readme(&bundle(form, Some(&extract)), &key().public());
        assert!(readme.contains("| `deleted.csv` | pseudonyms of the extract `01920000"));

        let other = Previous { of: ("registry", "research", "other"), ..previous };
        let refused = deleted(&other, &now, work.path(), &new.path().join("x")).unwrap_err();
        assert!(refused.to_string().contains("for another recipient, purpose or domain"), "{refused}");
        fs::write(before.path().join("more"), "").unwrap();
        let refused = deleted(&previous, &now, work.path(), new.path()).unwrap_err();
        assert!(refused.to_string().contains("is not as it was made"), "{refused}");
    }
}
