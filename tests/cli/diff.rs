//! `tavs diff`, as a reviewer calls it: folders, files and revisions.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::tavs;

const GOOD: &str = include_str!("../policies/base.toml");

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn git(folder: &Path, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository whose last commit lets more out, and the commit before less than the first.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    for text in [
        GOOD.to_owned(),
        GOOD.replace("\"5000/day\"", "\"500/day\""),
        GOOD.replace("\"5000/day\"", "\"500/day\"").replace("{ mask = \"first-word\" }", "\"keep\""),
    ] {
        write(folder.path(), "policies/a.toml", &text);
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "-q", "-m", "x"]);
    }
    folder
}

#[test]
fn a_widening_is_told_apart_and_exits_with_3() {
    let folder = repository();
    let narrower = tavs(folder.path(), ["diff", "HEAD~2", "HEAD~1"]);
    assert_eq!((narrower.code, narrower.err.as_str()), (0, ""), "{}", narrower.out);
    let wanted = "sms-reminders\n  narrower:\n    different people in 24 hours: 5000 becomes 500  \
        (HEAD~1:policies/a.toml)\n1 change: 0 wider, 0 not proven to be narrower, 1 narrower; nothing more may leave than before\n";
    assert_eq!(narrower.out, wanted);
    // The folder against a revision.
    let wider = tavs(folder.path(), ["diff", "git:HEAD~1", "policies"]);
    assert_eq!((wider.code, wider.err.as_str()), (3, ""));
    assert!(
        wider.out.contains("  wider:\n    route `appointments`: `$.appointments[*].patient.navn`: `mask first-word` becomes `keep`  (policies/a.toml:68)\n"),
        "{}",
        wider.out
    );
    let same = tavs(folder.path(), ["diff", "HEAD", "policies/a.toml"]);
    assert_eq!((same.code, same.out.as_str()), (0, "nothing changes\n"));
    let json = tavs(folder.path(), ["diff", "HEAD~2", "HEAD", "--format", "json"]);
    assert_eq!(json.code, 3);
    let changes: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let directions: Vec<_> = changes.as_array().unwrap().iter().map(|one| &one["direction"]).collect();
    assert_eq!(directions, ["wider", "narrower"]);
    assert_eq!(changes[0]["old"]["file"], "HEAD~2:policies/a.toml");
    assert_eq!(changes[0]["topic"], "members");
}

#[test]
fn what_cannot_be_read_is_said_and_runs_nothing() {
    let folder = repository();
    for (old, code, message) in [
        ("HEAD~7", 2, "no revision of git that has the folder `policies`"),
        ("git:--help", 2, "`--help` is no file or folder here"),
        ("git:--output=x", 2, "no revision of git"),
        ("git:", 2, "no revision of git"),
        ("absent/", 2, "no revision of git"),
    ] {
        let said = tavs(folder.path(), ["diff", old, "policies"]);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{old}");
        assert!(said.err.contains(message), "{old}: {}", said.err);
    }
    assert!(!folder.path().join("x").exists());
    let elsewhere = tavs(folder.path(), ["diff", "HEAD", "policies", "--path", "none"]);
    assert!(elsewhere.err.contains("the folder `none`"), "{}", elsewhere.err);
    write(folder.path(), "bad/a.toml", &GOOD.replace("relation =", "relaton ="));
    let said = tavs(folder.path(), ["diff", "bad", "policies"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("relaton"), "{}", said.err);
}

#[test]
fn a_link_in_a_revision_is_not_followed() {
    let folder = repository();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("policies/b.toml")).unwrap();
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-q", "-m", "x"]);
    let said = tavs(folder.path(), ["diff", "HEAD", "HEAD~1"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("`b.toml` of the revision is no plain file"), "{}", said.err);
}

#[test]
fn the_renewal_of_a_lapsed_agreement_can_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "old/a.toml",
        &GOOD.replace("2028-01-14", "2026-01-20").replace("2027-01-15", "2026-01-19"),
    );
    write(folder.path(), "new/a.toml", GOOD);
    let said = tavs(folder.path(), ["diff", "old", "new"]);
    assert_eq!((said.code, said.err.as_str()), (3, ""));
    assert!(said.out.contains("the agreement's last day `2026-01-20` becomes `2028-01-14`"), "{}", said.out);
}
