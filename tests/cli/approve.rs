//! Policies that officers must approve: from the first start to a widening under way, as those who run
//! it would do it.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::served::{Served, configured};
use crate::{Said, tavs};

/// A configuration that wants approvals of two officers, whose keys lie beside it.
fn wants_approvals() -> tempfile::TempDir {
    let folder = configured();
    let mut officers = String::new();
    for name in ["anna", "bent"] {
        let said = tavs(folder.path(), ["officers", "new-key", &format!("{name}.key")]);
        assert_eq!(said.code, 0, "{}", said.err);
        let public = tavs(folder.path(), ["officers", "show-key", &format!("{name}.key")]).out;
        officers += &format!(
            "\n[officers.{name}]\npublic-key = \"{}\"\nroles = [\"policy-approver\"]\n",
            public.trim()
        );
    }
    let path = folder.path().join("tavs.toml");
    let config = fs::read_to_string(&path).unwrap();
    let config = config.replace("[policies]\n", "[policies]\napproval = \"required\"\n") + &officers;
    fs::write(&path, config).unwrap();
    folder
}

fn prepare(folder: &Path) -> String {
    let said = tavs(folder, ["approve", "prepare"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    said.out
}

fn sign(folder: &Path, name: &str, against: &[&str]) -> String {
    let (key, mut args) = (format!("{name}.key"), vec!["approve", "sign", "approval.json"]);
    args.extend(["--officer", name, "--key", &key, "--policies", "policies"]);
    args.extend(against);
    let unread = tavs(folder, args.clone());
    assert!(unread.code == 2 && unread.err.contains("add --yes"), "{}", unread.err);
    args.push("--yes");
    let said = tavs(folder, args);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    said.out
}

fn sign_by_anna(folder: &Path, policies: &[&str]) -> Said {
    let args = ["approve", "sign", "approval.json", "--officer", "anna", "--key", "anna.key"];
    tavs(folder, args.iter().chain(policies))
}

/// `prepare` for programs.
fn is_prepared_as_json(folder: &Path) {
    let said = tavs(folder, ["approve", "prepare", "--format", "json"]).out;
    let object: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&object["approved"], &object["signatures-wanted"]), (&false.into(), &2.into()), "{said}");
    assert_eq!(object["changes"][0]["recipient"], "sms-reminders", "{said}");
}

/// `sign` for programs, of the second officer.
fn is_signed_as_json(said: &str) {
    let object: serde_json::Value = serde_json::from_str(said).unwrap();
    assert_eq!((&object["serial"], &object["signed-by"][1]), (&2.into(), &"bent".into()), "{said}");
    assert_eq!(object["changes"][0]["direction"], "wider", "{said}");
}

/// Edits the sample policy.
fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("policies/sms-reminders.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Asks until the answer is as wanted; a change of files is noticed within a second.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

const MASKED: &str = "name\"   = { mask = \"first-word\" }";
const KEPT: &str = "name\"   = \"keep\"";

#[test]
#[expect(clippy::cognitive_complexity, reason = "one story, told in its order")]
fn what_lets_out_more_waits_for_two_officers() {
    let folder = wants_approvals();
    let folder = folder.path();
    let refused = Served::try_start(folder, &[]).err().unwrap();
    assert!(refused.contains("no policies have been approved here"), "{refused}");

    // The first set of all: whatever leaves is more than nothing.
    assert!(prepare(folder).contains("is a new recipient"));
    sign(folder, "anna", &[]);
    let one = Served::try_start(folder, &[]).err().unwrap();
    assert!(
        one.contains(
            "2 officers of tavs.toml with the role `policy-approver` must have signed it, and 1 did"
        ),
        "{one}"
    );
    assert!(prepare(folder).contains("is prepared: 1 of 2 signed"));
    assert!(sign(folder, "bent", &[]).contains("signed by anna, bent; serial number 1"));
    let served = Served::start(folder);
    assert!(served.get("/appointments", "").contains("\"Nancy\""));
    assert_eq!(prepare(folder), "these policies are approved\n");

    // A widening while it runs: the old state stays, and the log says why.
    copy(&folder.join("policies"), &folder.join("before"));
    edit(folder, MASKED, KEPT);
    until("a reload is refused", || {
        served.metrics().contains("tavs_config_reloads_total{result=\"failure\"} 1")
    });
    assert!(!served.get("/appointments", "").contains("Nancy Ann"));
    let shown = prepare(folder);
    assert!(shown.contains("`mask first-word` becomes `keep`"), "{shown}");
    is_prepared_as_json(folder);
    let blind = sign_by_anna(folder, &["--policies", "policies"]);
    assert!(blind.code == 2 && blind.err.contains("see what changes before you sign"), "{}", blind.err);
    let other = sign_by_anna(folder, &["--policies", "before", "--against", "before"]);
    assert!(
        other.code == 1 && other.err.contains("has other policies than those that are to be approved"),
        "{}",
        other.err
    );
    let prepared = fs::read(folder.join("approval.json")).unwrap();
    // Whoever has no copy is given one: the very texts, so that `sign` takes them.
    let shown = tavs(folder, ["approve", "show", "--to", "approved"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{}", shown.out);
    assert!(shown.out.contains("approved by anna, bent, serial number 1"), "{}", shown.out);
    let text = |folder_of: &str| fs::read(folder.join(folder_of).join("sms-reminders.toml")).unwrap();
    assert!(text("approved") == text("before") && text("approved") != text("policies"));
    let again = tavs(folder, ["approve", "show", "--to", "approved"]);
    assert!(again.code == 2 && again.err.contains("cannot write `approved`"), "{}", again.err);
    let shown = sign(folder, "anna", &["--against", "approved"]);
    assert!(shown.contains("`mask first-word` becomes `keep`"), "{shown}");
    assert_ne!(fs::read(folder.join("approval.json")).unwrap(), prepared);
    let shown = sign(folder, "bent", &["--against", "before", "--format", "json"]);
    is_signed_as_json(&shown);
    until("the approved change serves", || served.get("/appointments", "").contains("Nancy Ann"));

    // A narrowing needs nobody, and does not become what is approved. What else lies there does not hinder it.
    let given = fs::read(folder.join("approval.json")).unwrap();
    fs::write(folder.join("approval.json"), [0xff, 0xfe]).unwrap();
    edit(folder, KEPT, MASKED);
    until("the narrowing serves", || !served.get("/appointments", "").contains("Nancy Ann"));
    fs::remove_file(folder.join("approval.json")).unwrap();
    let shown = prepare(folder);
    assert!(shown.contains("nothing more leaves: these policies serve without approval"), "{shown}");
    fs::write(folder.join("approval.json"), given).unwrap();
    edit(folder, MASKED, KEPT);
    until("the approved set serves again", || served.get("/appointments", "").contains("Nancy Ann"));
    let log = served.stop();
    assert!(log.contains("policies not approved") && log.contains("TAVS0612"), "{log}");
    assert!(log.contains("the policies let out nothing more and serve"), "{log}");

    let tail = tavs(folder, ["ledger", "tail", "-n", "2000"]);
    assert_eq!(tail.out.matches("\"policy-approval\"").count(), 2, "{}", tail.out);
    assert!(tail.out.contains("\"who\":\"anna, bent\""), "{}", tail.out);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            let _bytes = fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn approvals_that_could_never_be_given_are_a_mistake_of_the_configuration() {
    let folder = wants_approvals();
    let path = folder.path().join("tavs.toml");
    let config = fs::read_to_string(&path).unwrap();
    let (before, _) = config.split_once("\n[officers.bent]").unwrap();
    fs::write(&path, before).unwrap();
    let said = tavs(folder.path(), ["serve", "--check"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("needs two officers with the role `policy-approver`"), "{}", said.err);
    let off = config.replace("approval = \"required\"\n", "");
    fs::write(&path, off).unwrap();
    let said = tavs(folder.path(), ["approve", "prepare"]);
    assert!(said.code == 1 && said.err.contains("tavs.toml wants no approvals"), "{}", said.err);
    let served = Served::start(folder.path());
    assert!(served.stop().contains("policies take effect without anybody's approval"));
}
