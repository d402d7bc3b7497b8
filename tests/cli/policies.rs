//! `tavs check`, `tavs test` and `tavs rewrite`, as an author calls them.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::{Said, said, tavs};

/// A policy without mistakes.
pub(crate) const GOOD: &str = include_str!("../policies/base.toml");
pub(crate) const AT: [&str; 2] = ["--at", "2026-06-01"];
const INPUT: &str = r#"{"appointments": [{"id": "a1", "start": "2026-03-04", "text": "ring 20304050",
  "patient": {"cpr": "251248-9996", "navn": "Nancy Berggren", "adresse": "x"}}]}"#;

const PROFILE: &str = "profile = 1\n[[shape]]\nname = \"Person\"\nwhen = { resourceType = \"Person\" }\nmembers.\"$.id\" = \"keep\"\n";

/// A folder with files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs `tavs` with something on standard input.
fn fed(folder: &Path, args: &[&str], input: &[u8]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tavs"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A refused policy does not read its input.
    let _closed_early = child.stdin.take().unwrap().write_all(input);
    said(child.wait_with_output().unwrap())
}

fn rewrite(policy: &str, more: &[&str], input: &[u8]) -> Said {
    let folder = folder(&[("p.toml", policy)]);
    let mut args = vec!["rewrite", "--policy", "p.toml", "--route", "appointments"];
    args.extend(if more.contains(&"--at") { &[][..] } else { &AT[..] });
    args.extend(more);
    fed(folder.path(), &args, input)
}

#[test]
fn check_sums_up_and_fails_on_errors() {
    let bad = GOOD.replace("\"sms-reminders\"", "\"other\"").replace("relation =", "relaton =");
    let overdue = GOOD.replace("2027-01-15", "2026-05-01");
    for (files, more, code, sums) in [
        (&[("policies/a.toml", GOOD)][..], &[][..], 0, "1 policy, 0 errors, 0 warnings\n"),
        (
            &[("policies/a.toml", GOOD), ("policies/deep/b.toml", &bad)],
            &[],
            1,
            "2 policies, 2 errors, 0 warnings\n",
        ),
        (&[("policies/a.toml", &overdue)], &[], 0, "1 policy, 0 errors, 1 warning\n"),
        (&[("policies/a.toml", &overdue)], &["--deny-warnings"], 1, "1 policy, 0 errors, 1 warning\n"),
        (
            &[("policies/a.toml", GOOD), ("policies/profiles/.x.toml", "x"), ("policies/.b.toml", "x")],
            &[],
            0,
            "1 policy, 0 errors, 0 warnings\n",
        ),
        (
            &[
                ("policies/a.toml", GOOD),
                ("policies/profiles/x.toml", PROFILE),
                ("policies/profiles/y/z.toml", "x"),
            ],
            &[],
            1,
            "1 policy, 2 profiles, 1 error, 0 warnings\n",
        ),
        (&[("a.toml", GOOD)], &["a.toml", "a.toml"], 0, "1 policy, 0 errors, 0 warnings\n"),
    ] {
        let folder = folder(files);
        let said = tavs(folder.path(), ["check"].iter().chain(&AT).chain(more));
        assert_eq!((said.code, said.err.as_str()), (code, ""), "{}", said.out);
        assert!(said.out.ends_with(sums), "{}", said.out);
    }
}

#[test]
fn check_reads_each_file_once() {
    let folder = folder(&[("policies/a.toml", GOOD)]);
    std::os::unix::fs::symlink(".", folder.path().join("policies/loop")).unwrap();
    std::os::unix::fs::symlink("a.toml", folder.path().join("policies/b.toml")).unwrap();
    let said = tavs(folder.path(), ["check", "policies", "./policies/a.toml"].iter().chain(&AT));
    assert_eq!((said.code, said.out.as_str()), (0, "1 policy, 0 errors, 0 warnings\n"));
}

#[test]
fn check_says_what_cannot_be_read() {
    let empty = folder(&[("policies/readme.txt", "")]);
    assert_eq!(tavs(empty.path(), ["init", "clinic"]).code, 0);
    for (args, wanted) in [
        (&["check"][..], "error: no policy files (*.toml) in `policies`"),
        (&["check", "nowhere"], "error: cannot read `nowhere`: No such file"),
        (
            &["check", "--at", "2026-3-1"],
            "error: invalid value '2026-3-1' for '--at <DATE>': a day is written as 2026-03-01",
        ),
        (&["check", "--explain", "TAVS012"], "error: there is no code `TAVS012`; did you mean `TAVS"),
        (&["check", "--explain", "x"], "error: there is no code `x`; docs/diagnostics.md lists them"),
        (&["test", "nowhere"], "error: cannot read `nowhere`"),
        (&["check", "clinic/keys"], "error: `clinic/keys/ring.toml` is a key ring and no policy"),
        (
            &["check", "clinic"],
            "error: `clinic` is a configuration: `tavs check clinic/policies` checks its policies, \
             `tavs serve --check --config clinic/tavs.toml` all of it\n",
        ),
        (&["check", "clinic/tavs.toml"], "error: `clinic/tavs.toml` is a configuration"),
    ] {
        let said = tavs(empty.path(), args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}");
        assert!(said.err.starts_with(wanted), "{}", said.err);
    }
}

#[test]
fn a_policy_that_cannot_be_read_is_a_finding_beside_the_others() {
    let folder = folder(&[("policies/a.toml", GOOD), ("policies/large.toml", "")]);
    let policies = folder.path().join("policies");
    fs::write(policies.join("latin.toml"), b"policy = 1\nname = \"P\xe5mind\"").unwrap();
    fs::OpenOptions::new().write(true).open(policies.join("large.toml")).unwrap().set_len(10 << 20).unwrap();
    std::os::unix::fs::symlink("nowhere", policies.join("gone.toml")).unwrap();
    let said = tavs(folder.path(), ["check", "policies"].iter().chain(&AT));
    assert_eq!(said.code, 1, "{}", said.err);
    for wanted in [
        "error[TAVS0601]: cannot read `policies/gone.toml`: No such file",
        "error[TAVS0601]: cannot read `policies/large.toml`: it has 10485760 bytes, and a policy has at most 1048576\n  \
         = help: put the shapes",
        "error[TAVS0601]: cannot read `policies/latin.toml`: line 2 is not UTF-8\n  = help: save it as UTF-8",
        "4 policies, 3 errors, 0 warnings\n",
    ] {
        assert!(said.out.contains(wanted), "{wanted}\n{}", said.out);
    }
    let json = tavs(folder.path(), ["check", "policies/latin.toml", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, found[0]["code"].as_str()), (1, Some("TAVS0601")));
    assert_eq!(tavs(folder.path(), ["policy", "fmt", "policies"]).code, 2);
}

#[test]
fn profiles_are_read_from_their_folder_and_nowhere_else() {
    let including = |names: &str| GOOD.replacen("policy = 1", &format!("policy = 1\ninclude = [{names}]"), 1);
    let all = "\"profiles/good.toml\", \"profiles/out.toml\", \"profiles/in.toml\", \"profiles/latin.toml\", \
               \"profiles/large.toml\", \"profiles/ring.toml\", \"profiles/pipe.toml\", \"profiles/gone.toml\"";
    let folder = folder(&[
        ("p/a.toml", &including(all)),
        ("p/profiles/good.toml", PROFILE),
        ("p/profiles/ring.toml", "[[secret]]\nsecret = \"0123\""),
        ("p/.data/in.toml", &PROFILE.replace("\"Person\"\nwhen", "\"Other\"\nwhen")),
        ("elsewhere.toml", "out = \"4711-outside\""),
    ]);
    let path = |name: &str| folder.path().join("p/profiles").join(name);
    std::os::unix::fs::symlink("../../elsewhere.toml", path("out.toml")).unwrap();
    std::os::unix::fs::symlink("../.data/in.toml", path("in.toml")).unwrap();
    std::os::unix::fs::symlink("../../..", path("loop")).unwrap();
    fs::write(path("latin.toml"), b"profile = 1\n# P\xe5mind").unwrap();
    fs::write(path("large.toml"), vec![b'#'; 10 << 20]).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe.toml")).status().unwrap().success());
    let said = tavs(folder.path(), ["check", "p/a.toml"].iter().chain(&AT));
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{}", said.out);
    let found: Vec<&str> = said.out.lines().filter(|line| line.starts_with("error[")).collect();
    let wanted = [
        "`profiles/out.toml` cannot be read: it is a link that leads out of the folder of policies",
        "`profiles/latin.toml` cannot be read: line 2 is not UTF-8",
        "`profiles/large.toml` cannot be read: it has 10485760 bytes, and a policy has at most 1048576",
        "`profiles/ring.toml` cannot be read: it is a key ring",
        "`profiles/pipe.toml` cannot be read: it is no file",
        "there is no `profiles/gone.toml`",
    ];
    assert_eq!(found, wanted.map(|line| format!("error[TAVS0109]: {line}")), "{}", said.out);
    assert!(!said.out.contains("0123") && !said.out.contains("4711"), "{}", said.out);
    // Profiles by themselves, from anywhere.
    for (place, args) in [
        ("", &["check", "p/profiles/good.toml"][..]),
        ("p/profiles", &["check", "good.toml"]),
        ("p", &["check", "./profiles/good.toml", "profiles/in.toml"]),
    ] {
        let said = tavs(&folder.path().join(place), args);
        let sums = format!(
            "0 policies, {}, 0 errors, 0 warnings\n",
            if args.len() == 2 { "1 profile" } else { "2 profiles" }
        );
        assert_eq!((said.code, said.out.as_str()), (0, &*sums), "{place}: {}", said.err);
    }
    for (place, name) in [("", "p/profiles"), ("p/profiles", "."), ("p", "profiles/")] {
        let said = tavs(&folder.path().join(place), ["check", name]);
        assert!(
            said.code == 1 && said.out.contains("0 policies, 7 profiles, 5 errors"),
            "{place} {name}: {}",
            said.out
        );
    }
    fs::write(folder.path().join("stray.toml"), PROFILE).unwrap();
    let said = tavs(folder.path(), ["check", "stray.toml"]);
    assert!(said.code == 2 && said.err.contains("stands in no folder `profiles`"), "{}", said.err);
    fs::write(path(".hidden.toml"), PROFILE).unwrap();
    let said = tavs(folder.path(), ["check", "p/profiles/.hidden.toml"]);
    assert!(said.code == 2 && said.err.contains("no `include` can name"), "{}", said.err);
    let said = tavs(folder.path(), ["rewrite", "--policy", "p/profiles/good.toml", "--route", "x"]);
    assert_eq!((said.code, said.err.as_str()), (2, "error: --policy wants one policy file\n"));
}

#[test]
fn check_explains_codes_and_speaks_json() {
    let folder = folder(&[("p.toml", &GOOD.replace("\"DK\"", "\"US\""))]);
    let explained = tavs(folder.path(), ["check", "--explain", "tavs0303"]);
    assert_eq!(explained.code, 0);
    assert!(explained.out.contains("C-311/18"), "{}", explained.out);
    assert!(explained.out.lines().all(|line| line.chars().count() <= 100), "{}", explained.out);
    let said = tavs(folder.path(), ["check", "p.toml", "--format", "json"].iter().chain(&AT));
    assert_eq!(said.code, 1);
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found[0]["code"], "TAVS0304");
    let coloured = tavs(folder.path(), ["check", "p.toml", "--color", "always"].iter().chain(&AT));
    assert!(coloured.out.contains("\u{1b}["));
}

#[test]
fn test_compares_looks_for_absent_values_and_updates() {
    let tests = "[[test]]\nroute = \"appointments\"\ninput = \"in.json\"\noutput = \"out.json\"\nabsent = [\"2512489996\", \"Berggren\"]\n";
    let policy = GOOD.to_owned() + "\n" + tests;
    let folder = folder(&[("p.toml", &policy), ("in.json", INPUT)]);
    let run = |more: &[&str]| tavs(folder.path(), ["test", "p.toml"].iter().chain(&AT).chain(more));
    let said = run(&[]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("output: cannot read `out.json`"), "{}", said.out);
    let said = run(&["--update"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("updated sms-reminders appointments in.json  (p.toml:"), "{}", said.out);
    let written = fs::read_to_string(folder.path().join("out.json")).unwrap();
    assert!(written.starts_with("{\n  \"appointments\": [\n") && written.ends_with("}\n"), "{written}");
    let said = run(&[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.ends_with("2 tests, 2 passed, 0 failed\n"), "{}", said.out);

    fs::write(folder.path().join("out.json"), written.replace("2026-03-04", "2026-03-05")).unwrap();
    let said = run(&[]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("-       \"start\": \"2026-03-05\",\n"), "{}", said.out);
    assert!(said.out.contains("+       \"start\": \"2026-03-04\",\n"), "{}", said.out);
    assert!(said.out.contains("if the change is meant: `tavs test --update`"), "{}", said.out);
    let said = run(&["--format", "json"]);
    let results: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&results[0]["passed"], &results[1]["passed"]), (&true.into(), &false.into()));

    fs::write(folder.path().join("p.toml"), policy.replace("\"Berggren\"", "\"Nancy\"")).unwrap();
    assert!(run(&[]).out.contains("`Nancy` is in the output"));
}

#[test]
fn test_refuses_policies_with_errors_but_runs_the_others() {
    let bad = GOOD.replace("\"processor\"", "\"procesor\"");
    let bad =
        bad.replace("\"sms-reminders\"", "\"other\"").replace("recipient:sms-reminders", "recipient:other");
    let folder = folder(&[("policies/a.toml", &bad), ("policies/b.toml", GOOD)]);
    let said = tavs(folder.path(), ["test"].iter().chain(&AT));
    assert_eq!(said.code, 1);
    assert!(said.err.contains("TAVS0104"), "{}", said.err);
    assert!(said.out.ends_with("passed, 0 failed; 1 policy not run because of errors\n"), "{}", said.out);
}

#[test]
fn rewrite_writes_what_the_route_lets_out_and_counts() {
    let said = rewrite(GOOD, &[], INPUT.as_bytes());
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("\"navn\":\"Nancy\"") && said.out.contains("ring [phone]"), "{}", said.out);
    for known in ["251248", "Berggren", "adresse", "20304050"] {
        assert!(!said.out.contains(known), "{}", said.out);
    }
    assert!(
        said.err.starts_with("values: 5 released, 1 withheld, 0 unfit; records: 1 released"),
        "{}",
        said.err
    );
    let again = rewrite(GOOD, &[], INPUT.as_bytes());
    assert_ne!(said.out, again.out, "throw-away keys are other ones each time");
}

#[test]
fn rewrite_refuses_bad_input_with_its_place_and_no_output() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let twice = r#"{"appointments":[{"start":"1","start":"2"}]}"#;
    for (input, wanted) in [
        (
            &b"{\"a\":1,\n  \"b\":}"[..],
            "error: the input is not JSON\n  --> standard input, line 2, column 7 (byte 14)\n",
        ),
        (
            b"{\"a\":\"\xff\"}",
            "error: the input is not UTF-8\n  --> standard input, line 1, column 7 (byte 6)\n",
        ),
        (
            b"{} {}",
            "error: there is something after the document\n  --> standard input, line 1, column 4 (byte 3)\n",
        ),
        (b"", "error: the input ends inside a value\n"),
        (deep.as_bytes(), "error: containers are nested deeper than 128\n"),
        (twice.as_bytes(), "error: an object has two members of one name\n"),
    ] {
        let said = rewrite(GOOD, &[], input);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{wanted}");
        assert!(said.err.starts_with(wanted), "{}", said.err);
    }
}

#[test]
fn rewrite_refuses_lapsed_policies_and_wrong_arguments() {
    for (more, code, wanted) in [
        (&["--at", "2028-01-15"][..], 1, "error[TAVS0301]: the agreement lapsed on 2028-01-14\n"),
        (
            &["--content-type", "text/html"],
            1,
            "error: the route does not take `text/html`: only `application/json`\n",
        ),
        (&["--ring", "nowhere.toml"], 2, "error: "),
    ] {
        let said = rewrite(GOOD, more, INPUT.as_bytes());
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{}", said.err);
        assert!(said.err.starts_with(wanted), "{}", said.err);
    }
    let folder = folder(&[("p.toml", GOOD)]);
    let args = ["rewrite", "--policy", "p.toml", "--route", "appointment", "--at", "2026-06-01"];
    let said = fed(folder.path(), &args, b"{}");
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "error: `p.toml` has no route `appointment`; did you mean `appointments`?\n")
    );
}

#[test]
fn rewrite_takes_lines_and_real_keys() {
    let lines = format!("{}\n\n{}\n", INPUT.replace('\n', " "), INPUT.replace('\n', " "));
    let folder = folder(&[("p.toml", GOOD)]);
    let made = tavs(folder.path(), ["keys", "new", "ring.toml", "--domain", "sms-reminders"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let args = ["rewrite", "--policy", "p.toml", "--route", "appointments", "--lines", "--ring", "ring.toml"];
    let args: Vec<&str> = args.into_iter().chain(AT).collect();
    let said = fed(folder.path(), &args, lines.as_bytes());
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
    assert_eq!(fed(folder.path(), &args, INPUT.replace('\n', " ").as_bytes()).out.trim_end(), lines[0]);
}
