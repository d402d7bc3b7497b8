//! The tools of policy authors beyond `check`, `test` and `rewrite`: coverage, generated tests, `learn`, `assess`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::policies::{AT, GOOD, folder};
use crate::tavs;

/// One appointment that says the same name and number twice.
const INPUT: &str = r#"{"appointments": [{"id": "a-1234", "start": "2026-03-04", "text": "ring 20304050",
  "patient": {"cpr": "251248-9996", "navn": "Nancy Berggren", "adresse": "x"}, "2512489996": 1}]}"#;

const ROUTE_TEST: &str = "\n[[test]]\nroute = \"appointments\"\ninput = \"in.json\"\n";

fn sms_reminders() -> tempfile::TempDir {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");
    let read = |name: &str| fs::read_to_string(format!("{root}/{name}")).unwrap();
    let input = read("tests/sms-reminders/appointments.json");
    folder(&[
        ("p.toml", &read("sms-reminders.toml")),
        ("tests/sms-reminders/appointments.json", &input),
        ("tests/sms-reminders/appointments.out.json", &read("tests/sms-reminders/appointments.out.json")),
    ])
}

#[test]
fn coverage_names_rules_without_a_test_and_members_without_a_rule() {
    let policy = format!("{GOOD}{ROUTE_TEST}absent = [\"Berggren\"]\n");
    let folder = folder(&[("p.toml", &policy), ("in.json", INPUT)]);
    let run = |more: &[&str]| tavs(folder.path(), ["test", "p.toml"].iter().chain(&AT).chain(more));
    let said = run(&["--coverage"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("    no test reaches  p.toml:"), "{}", said.out);
    assert!(said.out.contains("    no rule decides  $.appointments[*].{dynamic}  (1)\n"), "{}", said.out);
    assert!(!said.out.contains("2512489996") && !said.out.contains("Nancy"), "{}", said.out);

    let said = run(&["--coverage-threshold", "100", "--format", "json"]);
    assert_eq!(said.code, 1);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let (rules, reached) = (&found["coverage"][0]["rules"], &found["coverage"][0]["reached"]);
    assert!(rules.as_u64() > reached.as_u64() && reached.as_u64() > Some(0), "{}", said.out);
    assert_eq!(found["tests"][1]["passed"], true);
    assert!(said.err.starts_with("error: the tests of `p.toml` reach "), "{}", said.err);
    assert_eq!(run(&["--coverage-threshold", "1"]).code, 0);
    assert_eq!(run(&["--coverage-threshold", "101"]).code, 2);
}

#[test]
fn coverage_tells_a_policys_own_rules_from_those_of_its_profiles() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let said =
        tavs(&policies, ["test", "research.toml", "--coverage", "--format", "json", "--at", "2026-03-01"]);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let one = &found["coverage"][0];
    assert!(
        one["rules"].as_u64() > Some(0) && one["profile-rules"].as_u64() > one["rules"].as_u64(),
        "{one}"
    );
    let files: BTreeSet<&str> =
        one["not-reached"].as_array().unwrap().iter().map(|rule| rule["file"].as_str().unwrap()).collect();
    assert!(files.iter().any(|file| file.starts_with("profiles/fhir/")), "{files:?}");
}

#[test]
fn generated_tests_find_what_leaves_by_another_way() {
    let folder = sms_reminders();
    let run = |more: &[&str]| tavs(folder.path(), ["test", "p.toml"].iter().chain(&AT).chain(more));
    let said = run(&["--generate"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains(" identifiers of the inputs looked for"), "{}", said.out);

    // The name leaves by its first word only; but the reason for the visit, once kept, tells the doctor's.
    let path = folder.path().join("p.toml");
    let line = "\"$.aftaler[*].klinik.navn\"   = \"keep\"";
    let policy = fs::read_to_string(&path).unwrap();
    assert!(policy.contains(line));
    fs::write(&path, policy.replace(line, &format!("{line}\n\"$.aftaler[*].aarsag\" = \"keep\""))).unwrap();
    let input = folder.path().join("tests/sms-reminders/appointments.json");
    let text = fs::read_to_string(&input).unwrap().replacen("Kontrol KOL", "Kontrol KOL, Berggren", 1);
    fs::write(input, text).unwrap();
    let said = run(&["--generate"]);
    assert_eq!(said.code, 1, "{}", said.out);
    let wanted = "a value of `$.aftaler[*].patient.navn` (name) is in the output: `$.aftaler[*].aarsag`";
    assert!(said.out.contains(wanted), "{}", said.out);
}

#[test]
fn needs_are_what_a_test_may_say_instead_of_an_output() {
    let policy = format!(
        "{GOOD}{ROUTE_TEST}[test.needs]\n\"$.appointments[*].start\" = \"instant\"\n\"$.appointments[*].nothing\" = \"present\"\n"
    );
    let folder = folder(&[("p.toml", &policy), ("in.json", INPUT)]);
    let said = tavs(folder.path(), ["test", "p.toml"].iter().chain(&AT));
    assert_eq!(said.code, 1);
    for wanted in [
        "`$.appointments[*].start` is needed (instant), and 1 of 1 have no time",
        "`$.appointments[*].nothing` is needed (present), and nothing of it is in the output",
    ] {
        assert!(said.out.contains(wanted), "{}", said.out);
    }
}

#[test]
fn learn_tells_no_value_and_writes_a_policy_that_discloses_nothing() {
    let folder =
        folder(&[("in.json", INPUT), ("more.ndjson", "{\"Nancy\":{\"navn\":\"Nancy\"}}\n\n{\"frob\":2}\n")]);
    let said =
        tavs(folder.path(), ["learn", "in.json", "more.ndjson", "--name", "frob", "--policy", "lab.toml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.starts_with("3 documents\n"), "{}", said.out);
    for wanted in
        ["$.appointments[*].patient.cpr ", "$.{dynamic}.navn ", "$.frob ", "1 string of 11: CPR 1\n"]
    {
        assert!(said.out.contains(wanted), "{wanted}: {}", said.out);
    }
    let policy = fs::read_to_string(folder.path().join("lab.toml")).unwrap();
    for secret in ["Nancy", "Berggren", "9996", "20304050", "a-1234", "2026-03-04"] {
        assert!(!said.out.contains(secret) && !policy.contains(secret), "{secret}: {}{policy}", said.out);
    }
    assert!(policy.contains("# \"$.appointments[*].patient.cpr\""), "{policy}");

    // What only people know is asked for, by name; nothing else is wrong.
    let checked = tavs(folder.path(), ["check", "lab.toml", "--format", "json"].iter().chain(&AT));
    let found: Value = serde_json::from_str(&checked.out).unwrap();
    let codes: Vec<&str> =
        found.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.iter().all(|code| ["TAVS0101", "TAVS0209", "TAVS0210"].contains(code)), "{}", checked.out);
    assert!(checked.out.contains("`[agreement]` has no `reference`"), "{}", checked.out);

    let again = tavs(folder.path(), ["learn", "in.json", "--policy", "lab.toml", "--format", "json"]);
    assert_eq!(again.code, 2);
    assert!(again.err.starts_with("error: cannot write `lab.toml`: File exists"), "{}", again.err);
    assert_eq!(tavs(folder.path(), ["learn", "in.json", "--name", "2512489996"]).code, 2);
    fs::write(folder.path().join("bad.json"), "{\"a\": 2512489996 2}").unwrap();
    let bad = tavs(folder.path(), ["learn", "bad.json"]);
    assert_eq!((bad.code, bad.err.as_str()), (1, "error: `bad.json` is not JSON at line 1, column 18\n"));
}

/// Every line of a draft taken as it stands: no two of them decide the same.
fn all_decided(folder: &Path, draft: &str) -> Vec<Value> {
    let (head, _) = GOOD.split_once("[[route]]").unwrap();
    let (_, lines) = draft.split_once("[[route]]").unwrap();
    let (lines, _) = lines.split_once("\n# What must come out").unwrap();
    let decided = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.starts_with(['[', '"']) || rest.contains(" = ") => rest.replace('…', "x"),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = lines.lines().filter(|line| !line.contains("`like = ")).map(decided).collect();
    let lines = lines.join("\n").replace("path     = \"/x\"", "path = \"/x\"");
    fs::write(folder.join("all.toml"), format!("{head}[[route]]{lines}\n")).unwrap();
    let checked = tavs(folder, ["check", "all.toml", "--format", "json"].iter().chain(&AT));
    let found: Vec<Value> = serde_json::from_str(&checked.out).unwrap();
    found.into_iter().filter(|one| one["severity"] == "error").collect()
}

#[test]
fn what_learn_drafts_of_fhir_can_be_decided() {
    let folder = folder(&[]);
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/tests/research");
    let samples = ["patients", "message", "observations"].map(|name| format!("{samples}/{name}.json"));
    let args = ["learn", "--policy", "lab.toml"].into_iter().chain(samples.iter().map(String::as_str));
    let said = tavs(folder.path(), args);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let draft = fs::read_to_string(folder.path().join("lab.toml")).unwrap();
    for wanted in
        ["# include = [\"profiles/fhir.toml\"]", "# record  = \"$.entry[*]\"", "# shapes  = [\"Bundle\", "]
    {
        assert!(draft.contains(wanted), "{wanted}: {draft}");
    }
    assert!(!draft.contains("no line for"), "{draft}");
    assert_eq!(all_decided(folder.path(), &draft), Vec::<Value>::new());
}

/// Names that are data stand beside names that are none, and below them.
#[test]
fn what_learn_drafts_of_names_that_are_data_can_be_decided() {
    let sample = r#"{"patient": {"cpr": "251248-9996"},
        "patients": {"total": 2, "251248-9996": {"navn": "Nancy", "mobil": "20304050"}}}"#;
    let folder = folder(&[("in.json", sample)]);
    let said = tavs(folder.path(), ["learn", "in.json", "--policy", "lab.toml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let draft = fs::read_to_string(folder.path().join("lab.toml")).unwrap();
    let wanted = "#   no line for $.patients[*].navn: `$.patients.total` decides some of the same;";
    assert!(draft.contains(wanted) && draft.contains("# \"$.patients.total\""), "{draft}");
    assert_eq!(all_decided(folder.path(), &draft), Vec::<Value>::new(), "{draft}");
    // Decided the other way, as the note says.
    let (known, _) = draft.split_once("# \"$.patients.total\"").unwrap();
    let other = format!("{known}\"$.patients[*].navn\" = {{ mask = \"initials\" }}\n\n# What must come out");
    assert_eq!(all_decided(folder.path(), &other), Vec::<Value>::new(), "{other}");
}

#[test]
fn assess_says_which_weaker_forms_the_tests_accept() {
    let folder = sms_reminders();
    let path = folder.path().join("p.toml");
    let report =
        |more: &[&str]| tavs(folder.path(), ["assess", "--policy", "p.toml"].iter().chain(&AT).chain(more));
    let unexamined = report(&[]);
    assert_eq!(unexamined.code, 0, "{}", unexamined.err);
    assert!(unexamined.out.contains("unknown: no test says what is needed"), "{}", unexamined.out);

    let needs = "\n[[test]]\nroute = \"appointments\"\ninput = \"tests/sms-reminders/appointments.json\"\n[test.needs]\n\
        \"$.aftaler[*].start\" = \"date\"\n\"$.aftaler[*].patient.mobil\" = \"unchanged\"\n\"$.aftaler[*].aftaleId\" = \"stable\"\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + needs).unwrap();
    let said = report(&["--format", "json", "tests/sms-reminders/appointments.json"]);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let of = |location: &str| {
        let members = found["members"].as_array().unwrap();
        members.iter().find(|one| one["location"] == location).unwrap().clone()
    };
    // The need is a day: a moved one and a rounded one have one, a month has none.
    let days = serde_json::json!(["shift (up to 182 days)", "round day", "round hour"]);
    assert_eq!(of("$.aftaler[*].start")["weaker"], days, "{}", said.out);
    assert_eq!(of("$.aftaler[*].patient.mobil")["verdict"], "needed", "{}", said.out);
    assert_eq!(of("$.aftaler[*].klinik.navn")["weaker"][0], "withhold", "{}", said.out);
    assert_eq!(found["weaker-linkability"], serde_json::json!([]), "{}", said.out);
    assert_eq!(found["date"], "2026-06-01");
    let text = report(&[]);
    assert!(
        text.out.starts_with("# Could less do? Påmind ApS\n\n2026-06-01. Policy `p.toml`"),
        "{}",
        text.out
    );
    let page = report(&["--format", "html"]).out;
    assert!(
        page.starts_with("<!doctype html>") && page.contains("Kunne mindre gøre det? Påmind ApS"),
        "{page}"
    );
    assert!(page.contains("1. juni 2026") && page.contains("ingen: nødvendigt, som det er"), "{page}");
    let english = report(&["--format", "html", "--language", "en"]).out;
    assert!(english.contains("<html lang=\"en\">") && english.contains("none: needed as it is"), "{english}");
    for secret in ["Nancy", "Berggren", "4520304050", "A-88120"] {
        assert!(!page.contains(secret) && !english.contains(secret), "{secret}: {page}");
        assert!(!text.out.contains(secret) && !said.out.contains(secret), "{secret}: {}", text.out);
    }
    assert_eq!(report(&["other=x.json"]).code, 2);

    // A need that the policy does not meet itself: no form could, and nothing would have been examined.
    fs::write(&path, fs::read_to_string(&path).unwrap() + "\"$.aftaler[*].nothing\" = \"present\"\n")
        .unwrap();
    let unmet = report(&[]);
    assert_eq!((unmet.code, unmet.out.as_str()), (1, ""));
    assert!(unmet.err.contains("does not pass its own tests"), "{}", unmet.err);
}

#[test]
fn assess_says_in_which_file_a_rule_of_a_profile_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = ["assess", "--policy", "policies/research.toml", "--at", "2026-03-01"];
    let said = tavs(root, args);
    assert_eq!(said.code, 0, "{}", said.err);
    let place = |location: &str| {
        let row = said.out.lines().find(|line| line.starts_with(&format!("| `{location}` |"))).unwrap();
        row.split('|').nth(2).unwrap().trim().to_owned()
    };
    // The policy's own line comes first, then those of the profiles.
    assert!(place("$.birthDate").starts_with("shape Participant, line "), "{}", said.out);
    let of = place("$.managingOrganization.reference");
    assert!(of.starts_with("shape Participant, policies/profiles/fhir/persons.toml:"), "{of}");
}

#[test]
fn fmt_lays_policies_out_and_says_what_would_change() {
    let untidy = "# a policy\npolicy=1\n\n\n[agreement]\n  signed=2026-01-15 # then\nreference = \"x\"\n[recipient]\nid=\"a\"\n";
    let folder = folder(&[("p.toml", untidy), ("bad.toml", "policy =")]);
    let fmt = |args: &[&str]| tavs(folder.path(), ["policy", "fmt"].iter().chain(args));
    let said = fmt(&["--check", "p.toml"]);
    assert_eq!((said.code, said.out.as_str()), (1, "p.toml\n1 policy, 1 would change\n"), "{}", said.err);
    let said = fmt(&["--diff", "p.toml"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("- policy=1\n+ policy = 1\n") || said.out.contains("+ policy = 1\n"),
        "{}",
        said.out
    );
    assert_eq!(fs::read_to_string(folder.path().join("p.toml")).unwrap(), untidy);
    let said = fmt(&["p.toml"]);
    assert_eq!((said.code, said.out.as_str()), (0, "p.toml\n1 policy, 1 changed\n"), "{}", said.err);
    let wanted = "# a policy\npolicy = 1\n\n[recipient]\nid = \"a\"\n\n[agreement]\nsigned    = 2026-01-15  # then\nreference = \"x\"\n";
    assert_eq!(fs::read_to_string(folder.path().join("p.toml")).unwrap(), wanted);
    assert_eq!(fmt(&["--check", "p.toml"]).code, 0);
    let said = fmt(&["bad.toml"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (1, "error: `bad.toml`: it is no TOML; `tavs check` says where\n")
    );
    assert_eq!(fmt(&["nowhere"]).code, 2);
}

#[test]
fn the_policy_of_a_new_configuration_is_laid_out() {
    let made = tempfile::tempdir().unwrap();
    assert_eq!(tavs(made.path(), ["init", "clinic"]).code, 0);
    let said = tavs(made.path(), ["policy", "fmt", "--diff", "clinic/policies"]);
    assert_eq!(said.code, 0, "{}", said.out);
}

#[test]
fn list_names_who_receives_what_until_when() {
    let folder = sms_reminders();
    let list =
        |more: &[&str]| tavs(folder.path(), ["policy", "list", "p.toml"].iter().chain(&AT).chain(more));
    let said = list(&[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let wanted = "sms-reminders: Påmind ApS (processor), DK\n    file     p.toml\n    purpose  appointment-reminders (service), gdpr-6-1-b, gdpr-9-2-h\n    until    2028-01-14, to be reviewed 2027-01-15\n    tests    2 tests\n    may      GET /appointments\n";
    assert_eq!(said.out, wanted);
    let found: Value = serde_json::from_str(&list(&["--format", "json"]).out).unwrap();
    assert_eq!(
        (&found[0]["routes"][0], &found[0]["expires"]),
        (&"GET /appointments".into(), &"2028-01-14".into())
    );
    fs::write(folder.path().join("p.toml"), "policy = 1\n").unwrap();
    assert_eq!(list(&[]).code, 1);
}

#[test]
fn schema_is_printed_as_it_is_documented() {
    let said = tavs(std::env::temp_dir().as_path(), ["policy", "schema"]);
    assert_eq!(said.code, 0);
    assert_eq!(said.out, include_str!("../../docs/policy.schema.json"));
}
