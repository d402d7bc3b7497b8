//! `tavs subject`: what an officer enters holds for the next exchange, is on record, and names nobody.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tavs::ledger::{Act, ActKind, Event};

use super::served::{Served, configured, serve};
use super::{Said, tavs, tavs_reading};

/// In the sample of `tavs init`, and Nancy's.
const NANCY: &str = "2512489996";

/// Runs `tavs subject` with a line on standard input; it repeats nothing of it.
fn subject(folder: &Path, line: &str, args: &[&str]) -> Said {
    let said = tavs_reading_line(folder, line, args);
    let told = said.out.clone() + &said.err;
    for form in ["2512489996", "251248-9996", "251248 9996"] {
        assert!(!told.contains(form), "{told}");
    }
    said
}

fn tavs_reading_line(folder: &Path, line: &str, args: &[&str]) -> Said {
    let mut input = tempfile::NamedTempFile::new().unwrap();
    input.write_all(line.as_bytes()).unwrap();
    tavs_reading(folder, ["subject"].iter().chain(args), input.path())
}

fn done(folder: &Path, line: &str, args: &[&str]) -> String {
    let said = subject(folder, line, args);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
    said.out
}

/// Whether the recipient is told of Nancy, and of the other patient.
fn released(served: &Served) -> (bool, bool) {
    let answer = served.get("/appointments", "");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    (answer.contains("Nancy"), answer.contains("Else"))
}

/// What officers did; that a key is there is on record from the first start on.
fn acts(folder: &Path) -> Vec<Act> {
    let records = tavs::ledger::read(&folder.join("ledger")).unwrap().map(Result::unwrap);
    let acts = records.filter_map(|record| match record.event {
        Event::Act(act) if act.kind != ActKind::Key => Some(act),
        Event::Act(_) | Event::Exchange(_) | Event::Policy(_) => None,
    });
    acts.collect()
}

#[test]
fn what_is_entered_while_serving_holds_for_the_next_exchange() {
    let (folder, served) = serve();
    let folder = folder.path();
    let before = released(&served);
    assert!(before.0, "the sample has Nancy");
    let out = done(folder, NANCY, &["restrict", "--why", "letter of 4 March"]);
    assert_eq!(out.split_whitespace().take(2).collect::<Vec<_>>(), ["change", "1"]);
    assert_eq!(released(&served), (false, before.1));
    let out = done(folder, NANCY, &["show", "--why", "she asked"]);
    assert!(out.contains("restriction begun, holds") && out.contains("letter of 4 March"), "{out}");
    done(folder, "251248-9996\n", &["lift", "restriction", "--why", "settled"]);
    assert_eq!(released(&served), before);
    done(folder, NANCY, &["object", "--purpose", "appointment-reminders", "--why", "telephone"]);
    assert_eq!(released(&served), (false, before.1));
    done(folder, NANCY, &["lift", "objection", "--purpose", "appointment-reminders", "--why", "telephone"]);
    done(folder, NANCY, &["frabedt", "--recipient", "sms-reminders", "--why", "at the desk"]);
    assert_eq!(released(&served), (false, before.1));
    // An old number of hers is entered under; the new one is tied to it.
    done(folder, NANCY, &["lift", "frabedt", "--recipient", "sms-reminders", "--why", "at the desk"]);
    done(folder, "0504909995", &["restrict", "--why", "letter under the old number"]);
    assert_eq!(released(&served), before);
    done(folder, "0504909995 = 2512489996", &["alias", "--why", "CPR-kontoret"]);
    assert_eq!(released(&served), (false, before.1));
    served.stop();

    let acts = acts(folder);
    let whats: Vec<_> = acts.iter().map(|act| (act.what.as_ref(), act.begun)).collect();
    assert_eq!(
        whats,
        [
            ("restriction", Some(true)),
            ("show", None),
            ("restriction", Some(false)),
            ("objection", Some(true)),
            ("objection", Some(false)),
            ("frabedt", Some(true)),
            ("frabedt", Some(false)),
            ("restriction", Some(true)),
            ("alias", None),
        ]
    );
    assert!(acts.iter().all(|act| act.who.contains("uid ")), "{acts:?}");
}

#[test]
fn what_is_entered_while_nothing_serves_holds_from_the_start() {
    let folder = configured();
    let folder = folder.path();
    done(folder, NANCY, &["frabedt", "--why", "at the desk", "--who", "Anna"]);
    let out = done(folder, NANCY, &["show", "--why", "control", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["changes"][0]["holds"], true);
    assert!(shown["changes"][0]["who"].as_str().unwrap().starts_with("Anna (uid "));
    let served = Served::start(folder);
    assert!(!released(&served).0);
    // Killed, it leaves its socket behind: the next question goes past it, and the next start takes it.
    served.stop();
    assert!(folder.join("admin.sock").exists());
    done(folder, NANCY, &["lift", "frabedt", "--why", "at the desk"]);
    let served = Served::start(folder);
    assert!(released(&served).0);
    assert_eq!(fs::metadata(folder.join("admin.sock")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_erasure_is_meant_and_for_good() {
    let (folder, served) = serve();
    let folder = folder.path();
    let said = subject(folder, NANCY, &["erase", "--why", "letter"]);
    assert!(said.code == 2 && said.err.contains("--yes"), "{}", said.err);
    done(folder, NANCY, &["erase", "--yes", "--why", "letter"]);
    assert!(!released(&served).0);
    let out = done(folder, NANCY, &["show", "--why", "control"]);
    assert!(out.contains("withheld for good"), "{out}");
    served.stop();
    let served = Served::start(folder);
    assert!(!released(&served).0);
}

#[test]
fn what_cannot_be_entered_changes_nothing_and_repeats_nothing() {
    let folder = configured();
    let folder = folder.path();
    let reminders = "appointment-reminders";
    for (line, args, code, wanted) in [
        ("251248999", &["restrict", "--why", "x"][..], 1, "neither a CPR"),
        ("251248 9996", &["restrict", "--why", "x"], 1, "neither a CPR"),
        ("", &["restrict", "--why", "x"], 1, "empty"),
        ("2512489996\n0201609995\n", &["restrict", "--why", "x"], 1, "more than one line"),
        ("0000000000", &["restrict", "--why", "x"], 1, "nobody"),
        (NANCY, &["restrict", "--why", "for 251248-9996"], 1, "could be a CPR"),
        (NANCY, &["restrict", "--why", ""], 1, "empty"),
        (NANCY, &["restrict", "--why", "x", "--who", "2512489996"], 1, "could be a CPR"),
        (NANCY, &["restrict", "--why", "x", "--until", "2001-01-01"], 1, "over"),
        (
            NANCY,
            &["object", "--why", "x", "--purpose", "apointment-reminders"],
            1,
            "did you mean `appointment-reminders`",
        ),
        (NANCY, &["frabedt", "--why", "x", "--recipient", "2512489996"], 1, "there is: `sms-reminders`"),
        (NANCY, &["lift", "restriction", "--why", "x"], 1, "Nothing to change"),
        (NANCY, &["lift", "objection", "--why", "x", "--purpose", reminders], 1, "Nothing to change"),
        (NANCY, &["alias", "--why", "x"], 1, "OLD = NEW"),
        (NANCY, &["restrict"], 2, "--why"),
    ] {
        let said = subject(folder, line, args);
        assert_eq!(said.code, code, "{args:?} {}", said.err);
        assert!(said.err.contains(wanted) && said.out.is_empty(), "{args:?}: {}", said.err);
    }
    assert_eq!(acts(folder), []);
}

#[test]
fn consents_come_from_a_file_all_or_none() {
    let folder = configured();
    let folder = folder.path();
    let import = |lines: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "{lines}").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        tavs(folder, ["subject", "import", path.as_str(), "--why", "forms of March"])
    };
    let said = import(
        "cpr;purpose;consent;until\r\n2512489996;appointment-reminders;given;\r\n\r\n251248999;appointment-reminders;given;\r\n0201609995;elsewhere;given;\r\n",
    );
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(
        said.err.contains("line 4: neither a CPR") && said.err.contains("line 5: no policy"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("251248"), "{}", said.err);
    for (lines, wanted) in [
        (
            "cpr,purpose,consent,until\n2512489996,appointment-reminders,yes,\n",
            "line 2: `consent` is neither",
        ),
        ("cpr,purpose,consent,until\n2512489996,appointment-reminders\n", "line 2: does not have four"),
        ("2512489996,appointment-reminders,given,\n", "line 1: must be"),
        ("cpr,purpose,consent,until\n", "1 to 5000 lines"),
        ("cpr,purpose,consent,until\n0000000000,appointment-reminders,given,\n", "line 2: "),
    ] {
        let said = import(lines);
        assert_eq!(said.code, 1, "{lines}");
        assert!(said.err.contains(wanted) && !said.err.contains("251248"), "{}", said.err);
    }
    assert_eq!(acts(folder), []);
    let said = import(
        "cpr,purpose,consent,until\n\"2512489996\",appointment-reminders,given,2199-12-31\n020160-9995,appointment-reminders,given,\n0504909995,appointment-reminders,withdrawn,\n",
    );
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.starts_with("3 changes, 1 to 3,"), "{}", said.out);
    assert_eq!(acts(folder).iter().filter(|act| act.begun == Some(true)).count(), 2);
}

#[test]
fn no_number_is_left_in_any_file_or_log() {
    let (folder, served) = serve();
    let folder = folder.path();
    done(folder, NANCY, &["restrict", "--why", "letter"]);
    done(folder, NANCY, &["show", "--why", "letter"]);
    subject(folder, NANCY, &["lift", "frabedt", "--why", "letter"]);
    subject(folder, "251248-99961", &["restrict", "--why", "letter"]);
    let log = served.stop();
    done(folder, "251248-9996", &["erase", "--yes", "--why", "letter"]);
    let mut looked = 0;
    let mut grep = |place: String, bytes: &[u8]| {
        looked += 1;
        for form in ["2512489996", "251248-9996", "251248 9996", "MjUxMjQ4OTk5Ng", "32353132343839393936"] {
            let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "{form} in {place}");
        }
        // Packed into a number of four or eight bytes.
        let packed = 2_512_489_996_u64;
        for form in [packed.to_be_bytes(), packed.to_le_bytes()] {
            assert!(!bytes.windows(8).any(|window| window == form), "packed in {place}");
        }
    };
    grep("the log".to_owned(), log.as_bytes());
    for place in ["tavs.db", "tavs.db-wal", "ledger/00000001.ledger"] {
        if let Ok(bytes) = fs::read(folder.join(place)) {
            grep(place.to_owned(), &bytes);
        }
    }
    assert!(looked >= 3, "{looked}");
    let ring = folder.join("keys/ring.toml");
    let text = fs::read_to_string(&ring).unwrap();
    let without = text.split("\n[[secret]]").filter(|part| !part.contains("use = \"registry\""));
    fs::write(&ring, without.collect::<Vec<_>>().join("\n[[secret]]")).unwrap();
    let said = subject(folder, NANCY, &["restrict", "--why", "letter"]);
    assert!(said.code == 1 && said.err.contains("no secret for `registry`"), "{}", said.err);
    assert!(said.err.contains("tavs keys new") && said.err.contains("--add"), "{}", said.err);
}

#[test]
fn a_client_of_the_api_may_what_its_role_is_for() {
    let folder = configured();
    let path = folder.path().join("tavs.toml");
    let api = "\n[api]\naddress = \"127.0.0.1:0\"\ncertificate = \"certs/server.pem\"\nkey = \"certs/server.key\"\n\
               anchor = \"partners\"\n[[api.client]]\nname = \"journal\"\n\
               certificate = { uri = \"urn:tavs:recipient:sms-reminders\" }\nroles = [\"registrar\"]\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + api).unwrap();
    let served = Served::start(folder.path());
    let change = |kind: &str, more: &str| {
        let one = format!(r#"{{"subject":"{NANCY}","kind":"{kind}","begun":true{more}}}"#);
        format!(r#"{{"why":"form 17","who":"Anna","changes":[{one}]}}"#)
    };
    let purpose = r#","purpose":"appointment-reminders""#;
    for (target, body, status, wanted) in [
        ("POST /v1/changes", change("consent", purpose), 200, r#""changes":[{"change":1,"#),
        ("POST /v1/changes", change("frabedt", ""), 200, r#""changes":[{"change":2,"#),
        ("POST /v1/changes", change("restriction", ""), 403, "urn:tavs:problem:role"),
        ("POST /v1/changes", change("erasure", ""), 403, "urn:tavs:problem:role"),
        ("POST /v1/changes", change("objection", ""), 422, "urn:tavs:problem:value"),
        ("POST /v1/changes", change("2512489996", ""), 422, "urn:tavs:problem:value"),
        ("POST /v1/changes", "{".to_owned(), 400, "line 1, column 1"),
        ("POST /v1/subjects/show", format!(r#"{{"why":"x","subject":"{NANCY}"}}"#), 403, "role"),
        ("POST /v1/reload", String::new(), 403, "role"),
        ("GET /v1/health", String::new(), 403, "role"),
        ("GET /v1/changes", String::new(), 405, "method"),
        ("POST /v1/changes?2512489996", String::new(), 404, "not-found"),
        ("POST /v1/2512489996", String::new(), 404, "not-found"),
    ] {
        let answer = served.ask_api(target, &body);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(wanted),
            "{target} {answer}"
        );
        assert!(!answer.contains("251248"), "{answer}");
    }
    let answer = served.ask_api_announcing("POST /v1/changes", 2 << 20, "");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("too-large"), "{answer}");
    let log = served.stop();
    assert!(log.contains("not with this role") && !log.contains("251248"), "{log}");
    let acts = acts(folder.path());
    let told: Vec<_> =
        acts.iter().map(|act| (act.what.as_ref(), act.who.as_str(), act.why.as_str())).collect();
    let refused = |deed| ("role-refused", "journal", deed);
    assert_eq!(
        told,
        [
            ("consent", "Anna (journal)", "form 17"),
            ("frabedt", "Anna (journal)", "form 17"),
            refused("restriction"),
            refused("erasure"),
            refused("show"),
            refused("reload"),
            refused("health"),
        ]
    );
}

#[test]
fn a_report_tells_who_received_what_and_only_after_it_is_on_record() {
    let (folder, served) = serve();
    let folder = folder.path();
    let answer = served.get("/appointments", "");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let report = ["report", "--why", "she asked, case 2026-140", "--who", "Anna", "--format", "json"];
    let out = done(folder, NANCY, &report);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["recipients"][0]["recipient"], "sms-reminders", "{out}");
    assert_eq!(told["recipients"][0]["disclosures"].as_array().unwrap().len(), 1);
    assert_eq!(told["look_ups"].as_array().unwrap().len(), 1, "this one");
    let page = done(
        folder,
        NANCY,
        &["report", "--why", "she asked", "--language", "en", "--name", "Nancy Berggren"],
    );
    assert!(page.starts_with("<!doctype html>") && page.contains("Nancy Berggren"), "{page}");
    let shown = tavs_reading_line(folder, NANCY, &["report", "--why", "x", "--show-cpr"]);
    assert!(shown.out.contains("2512489996") || shown.out.contains("251248-9996"), "{}", shown.out);
    let nobody = done(folder, "0504909995", &["report", "--why", "he asked", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&nobody).unwrap();
    assert_eq!(told["recipients"].as_array().unwrap().len(), 0);

    drop(served);
    let whats: Vec<_> = acts(folder).into_iter().map(|act| act.what.into_owned()).collect();
    assert_eq!(whats, ["report"; 4]);
}

#[test]
fn who_received_is_told_of_an_erasure_and_a_breach_names_whom_the_registry_can() {
    let (folder, served) = serve();
    let folder = folder.path();
    assert!(served.get("/appointments", "").starts_with("HTTP/1.1 200 "));
    let out = done(folder, NANCY, &["erase", "--yes", "--why", "letter"]);
    assert!(out.contains("to be told of it: sms-reminders"), "{out}");
    let notice = ["notify", "--about", "erasure", "--why", "letter", "--format", "json"];
    let out = done(folder, NANCY, &notice);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["recipients"][0]["recipient"], "sms-reminders");
    assert!(told["recipients"][0]["pseudonyms"][0].as_str().unwrap().starts_with("tvk1-"), "{out}");

    let window = ["--from", "2020-01-01", "--to", "2199-12-31", "--why", "their call", "--format", "json"];
    let breach = ["ledger", "breach", "--recipient", "sms-reminders"];
    let plain = tavs(folder, breach.iter().chain(&window));
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    let told: serde_json::Value = serde_json::from_str(&plain.out).unwrap();
    assert_eq!(told["persons"].as_array().unwrap().len(), 2, "{}", plain.out);
    assert!(!plain.out.contains(NANCY));
    // Her number is still sealed; the other patient's was never entered.
    let named = tavs(folder, breach.iter().chain(&window).chain(&["--name-persons"]));
    assert_eq!(named.out.matches(NANCY).count(), 1, "{}", named.out);
    assert!(!named.out.contains("0201919990"), "{}", named.out);
    let wrong = tavs(folder, ["ledger", "breach", "--recipient", "sms-reminder"].iter().chain(&window));
    assert!(wrong.code == 1 && wrong.err.contains("did you mean `sms-reminders`"), "{}", wrong.err);

    let tell = ["notify", "--acknowledged", "sms-reminders", "--why", "their letter"];
    assert_eq!(done(folder, NANCY, &tell), "acknowledged: 1\n");
    assert_eq!(subject(folder, NANCY, &tell).code, 1);
    let named = tavs(folder, breach.iter().chain(&window).chain(&["--name-persons"]));
    assert!(!named.out.contains(NANCY), "it is not kept any more");

    let month =
        ["report", "supervision", "--month", "2199-01", "--verify", "--why", "monthly", "--format", "json"];
    let said = tavs(folder, month);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&told["agreements"], &told["condition"]["verified"]["result"]), (&1.into(), &"whole".into()));
    drop(served);
    let whats: Vec<_> = acts(folder).into_iter().map(|act| act.what.into_owned()).collect();
    let wanted =
        ["erasure", "notify", "breach", "breach", "breach-named", "acknowledged", "breach", "supervision"];
    assert_eq!(whats, wanted);
    // That her number was opened shows in her own report.
    let opened = acts(folder).into_iter().find(|act| act.what == "breach-named").unwrap();
    assert_eq!((opened.subjects.len(), opened.recipient.as_deref()), (1, Some("sms-reminders")));
}
