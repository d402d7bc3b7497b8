//! Pseudonyms that stand in the store of a running `tavs serve`, from the command line: one engine, one
//! store, and an erasure that all of it sees.

use std::fs;
use std::path::Path;

use super::served::{Served, configured};
use super::{Said, tavs, tavs_reading};

const NANCY: &str = "2512489996";
const SAMPLE: &str = "policies/tests/sms-reminders/appointments.json";

/// A configuration whose recipient gets pseudonyms of the scheme `table`, of persons too.
fn clinic() -> tempfile::TempDir {
    let folder = configured();
    let path = folder.path().join("policies/sms-reminders.toml");
    let policy = fs::read_to_string(&path).unwrap();
    let policy = policy.replace("scheme      = \"keyed\"", "scheme      = \"table\"").replace(
        "\"$.appointments[*].start\"          =",
        "\"$.appointments[*].patient.cpr\" = \"pseudonymise\"\n\"$.appointments[*].start\"          =",
    );
    fs::write(&path, policy).unwrap();
    folder
}

fn rewrite(folder: &Path, more: &[&str]) -> Said {
    let words = ["rewrite", "--policy", "policies/sms-reminders.toml", "--route", "appointments"];
    tavs_reading(folder, words.iter().chain(more), &folder.join(SAMPLE))
}

fn subject(folder: &Path, words: &[&str]) -> String {
    fs::write(folder.join("line"), NANCY).unwrap();
    let said = tavs_reading(folder, ["subject"].iter().chain(words), &folder.join("line"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.out
}

/// The pseudonyms of persons in an answer.
fn persons(answer: &str) -> Vec<&str> {
    let parts = answer.split("\"cpr\":\"").skip(1);
    parts.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_proxy_and_the_command_line_have_one_store_and_one_pseudonym_a_person() {
    let folder = clinic();
    let folder = folder.path();
    let live = ["--ring", "keys/ring.toml", "--store", "tavs.db"];
    let served = Served::start(folder);
    let first = rewrite(folder, &live);
    assert_eq!(first.code, 0, "{}", first.err);
    let answer = served.get("/appointments", "");
    let known = persons(&answer);
    assert!(known.len() == 2 && known.iter().all(|one| one.starts_with("tvt1-")), "{answer}");
    assert_eq!(persons(&first.out), known, "drawn by the one, found by the other");
    let without = rewrite(folder, &live[..2]);
    assert!(without.code == 2 && without.err.contains("--store tavs.db"), "{}", without.err);
    let throw_away = rewrite(folder, &[]);
    assert!(persons(&throw_away.out).len() == 2 && persons(&throw_away.out) != known);

    // A new key version, and what the recipient has of the old one.
    let keys = |words: &str| tavs(folder, std::iter::once("keys").chain(words.split(' ')));
    assert_eq!(keys("rotate keys/ring.toml --domain sms-reminders").code, 0);
    fs::write(folder.join("old"), known.join("\n")).unwrap();
    let map = "map keys/ring.toml --domain sms-reminders --scheme table --from 1 --to 2 --old old";
    assert!(keys(map).code == 2, "it needs the store");
    let mapped = keys(&format!("{map} --store tavs.db"));
    let pairs: Vec<(&str, &str)> =
        mapped.out.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
    assert_eq!(pairs.iter().map(|(old, _)| *old).collect::<Vec<_>>(), known, "{}", mapped.err);
    assert!(pairs.iter().all(|(_, new)| new.starts_with("tvt2-")));
    assert_eq!(keys(&format!("{map} --store tavs.db")).out, mapped.out);

    // The recipient may have either by now; the running tavs knows of both versions once it has read the ring.
    let both = "tavs_config_reloads_total{result=\"success\"} 2";
    while !served.metrics().contains(both) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }

    assert_erasure_is_seen(folder, served, &pairs, &known);
}

/// She is erased: the recipient has to be told by what it knows, and nothing else knows it.
fn assert_erasure_is_seen(folder: &Path, served: Served, pairs: &[(&str, &str)], known: &[&str]) {
    let live = ["--ring", "keys/ring.toml", "--store", "tavs.db"];
    let erased = subject(folder, &["erase", "--yes", "--why", "letter"]);
    assert!(erased.contains("to be told of it: sms-reminders"), "{erased}");
    let shown = subject(folder, &["show", "--why", "letter"]);
    for hers in [pairs[0].0, pairs[0].1] {
        assert!(shown.contains(&format!("knows this person as {hers}")), "{shown}");
    }
    let notices = subject(folder, &["notify", "--about", "erasure", "--format", "json", "--why", "letter"]);
    assert!(notices.contains(pairs[0].0) && notices.contains(pairs[0].1), "{notices}");
    assert_eq!(persons(&served.get("/appointments", "")), known[1..]);
    assert_eq!(persons(&rewrite(folder, &live).out), known[1..], "no pseudonym is drawn for her");
    let map = "keys map keys/ring.toml --domain sms-reminders --scheme table --from 1 --to 2 --old old --store tavs.db";
    let refused = tavs(folder, map.split(' '));
    assert!(
        refused.code == 1 && refused.out.is_empty() && refused.err.contains("lines 1"),
        "{}",
        refused.err
    );
    subject(folder, &["notify", "--acknowledged", "sms-reminders", "--why", "their letter"]);
    assert!(!subject(folder, &["show", "--why", "letter"]).contains("knows this person"));
    assert!(!served.stop().contains(pairs[0].0), "no log tells of a pseudonym");
}
