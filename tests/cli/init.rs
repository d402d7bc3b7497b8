//! `tavs init`, and that what it makes works.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{tavs, tavs_reading};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// Every file below a folder, relative to it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn it_makes_a_private_folder_and_says_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let said = tavs(folder.path(), ["init", "clinic"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let clinic = folder.path().join("clinic");
    assert_eq!(mode_of(&clinic), 0o700);
    assert_eq!(mode_of(&clinic.join("ledger")), 0o700);
    for file in files(&clinic).iter().filter(|name| name.ends_with(".key") || name.contains("ring")) {
        assert_eq!(mode_of(&clinic.join(file)), 0o600, "{file}");
    }
    for step in ["tavs check", "tavs test", "tavs rewrite", "tavs serve", "curl"] {
        assert!(said.out.contains(step), "no {step} in\n{}", said.out);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn an_empty_folder_is_filled_and_one_that_is_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["init", "."]).code, 0);
    let before = files(folder.path());
    assert!(before.contains(&"tavs.toml".to_owned()), "{before:?}");
    let said = tavs(folder.path(), ["init", "."]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("is not empty"), "{}", said.err);
    assert_eq!(files(folder.path()), before);
    let said = tavs(folder.path(), ["init", "nowhere/clinic"]);
    assert!(said.code == 2 && said.err.contains("nowhere/clinic"), "{}", said.err);
}

#[test]
fn its_policy_is_checked_tested_and_rewrites_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["init", "."]).code, 0);
    for (command, says) in
        [("check", "1 policy, 6 profiles, 0 errors, 0 warnings"), ("test", "1 passed, 0 failed")]
    {
        let said = tavs(folder.path(), [command, "policies"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.out.contains(says) || said.err.contains(says), "{}{}", said.out, said.err);
    }
    assert_eq!(tavs(folder.path(), ["policy", "fmt", "--check", "policies"]).code, 0);
    let sample = "policies/tests/sms-reminders/appointments.json";
    let rewrite = ["rewrite", "--policy", "policies/sms-reminders.toml", "--route", "appointments"];
    let said = tavs_reading(folder.path(), rewrite, &folder.path().join(sample));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("Nancy") && !said.out.contains("Berggren"), "{}", said.out);
}
