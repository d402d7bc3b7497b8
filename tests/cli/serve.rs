//! `tavs serve`, as `tavs init` sets it up, before an API and over mutual TLS.

use std::fs;
use std::sync::Arc;

use tavs::ids::{ExchangeId, PolicyVersion, Purpose, RecipientId};
use tavs::ledger::{Entry, Event, Grounds, Kind, Ledger, Limits, Settings};

use super::served::{Served, configured, serve};
use super::tavs;

/// What stands in the sample, and in what the broken answer and the bad requests hold.
const PERSONAL: [&str; 9] = [
    "2512489996",
    "251248-9996",
    "0201919990",
    "Nancy",
    "Berggren",
    "Lauridsen",
    "4520304050",
    "A-88120",
    "COPD",
];

#[test]
fn it_serves_an_api_and_records_what_left() {
    let (folder, served) = serve();
    let answer = served.get("/appointments", "");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(body.contains("Nancy") && !body.contains("2512489996") && !body.contains("Berggren"), "{body}");
    assert!(served.get("/patients", "").starts_with("HTTP/1.1 404 "));
    served.stop();

    let records = tavs::ledger::read(&folder.path().join("ledger")).unwrap();
    // That each key of the ring is there is on record first.
    let records: Vec<_> =
        records.map(Result::unwrap).filter(|one| !matches!(one.event, Event::Act(_))).collect();
    assert_eq!(records.len(), 3);
    assert!(matches!(&records[0].event, Event::Policy(policy) if policy.recipient == "sms-reminders"));
    let (released, refused) = (records[1].entry().unwrap(), records[2].entry().unwrap());
    assert!(head.contains(&format!("tavs-exchange: {}", released.exchange)), "{head}");
    assert_eq!((released.kind, released.records, released.subjects.len()), (Kind::Disclosure, 2, 2));
    assert_eq!(released.bytes, u64::try_from(body.len()).unwrap());
    assert_eq!((refused.kind, refused.status), (Kind::Refusal, 404));

    let verified = tavs(folder.path(), ["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}

#[test]
fn its_check_finds_what_only_a_start_would_tell() {
    let folder = configured();
    let check = || tavs(folder.path(), ["serve", "--check"]);
    assert_eq!((check().code, check().err.as_str()), (0, "the configuration is good\n"));
    fs::remove_dir(folder.path().join("ledger")).unwrap();
    let said = check();
    assert_eq!(said.code, 1);
    assert!(said.err.contains("to begin a ledger there: mkdir -m 700 ledger"), "{}", said.err);
    let nowhere = tavs(&folder.path().join("policies"), ["serve", "--check"]);
    let told = "error[TAVS0601]: cannot read `tavs.toml`: No such file or directory (os error 2)\n  \
                = help: `tavs init DIR` makes a working configuration\n\n";
    assert_eq!((nowhere.code, nowhere.err.as_str()), (1, told));
}

/// An author has the configuration, and no keys.
#[test]
fn what_policies_name_of_a_configuration_is_found_without_its_keys() {
    let folder = configured();
    let check = || tavs(folder.path(), ["check", "--config", "tavs.toml"]);
    fs::remove_dir_all(folder.path().join("keys")).unwrap();
    assert_eq!((check().code, check().out.as_str()), (0, "1 policy, 6 profiles, 0 errors, 0 warnings\n"));
    let config = fs::read_to_string(folder.path().join("tavs.toml")).unwrap();
    fs::write(folder.path().join("tavs.toml"), config.replace("[upstreams.booking]", "[upstreams.bookings]"))
        .unwrap();
    let said = check();
    assert_eq!(said.code, 1);
    assert!(said.out.starts_with("error[TAVS0606]: tavs.toml has no upstream `booking`\n"), "{}", said.out);
    assert!(said.out.contains("did you mean `bookings`?"), "{}", said.out);
    // So a start says, whatever it says of the keys.
    let said = tavs(folder.path(), ["serve", "--check"]);
    assert!(said.code == 1 && said.err.contains("error[TAVS0606]"), "{}", said.err);
    fs::write(folder.path().join("tavs.toml"), "x").unwrap();
    assert_eq!((check().code, check().out.contains("--> tavs.toml:1:1")), (1, true), "{}", check().out);
}

#[test]
fn its_check_online_runs_beside_it() {
    let (folder, served) = serve();
    let said = tavs(folder.path(), ["check", "--online", "--deny-warnings"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.ends_with("10 things tried, 0 errors, 0 warnings\n"), "{}", said.out);
    served.stop();
    fs::write(folder.path().join("certs/partners.crl"), "none").unwrap();
    let said = tavs(folder.path(), ["check", "--online", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, json["diagnostics"][0]["code"].as_str()), (1, Some("TAVS0602")), "{}", said.out);
    let tried = json["tried"].as_array().unwrap();
    assert!(tried.iter().any(|one| one["what"] == "upstreams.booking" && one["outcome"] == "good"));
    assert!(tried.iter().any(|one| one["what"] == "policies" && one["outcome"] == "error"));
    assert_eq!(tavs(folder.path(), ["check", "--online", "policies"]).code, 2);
    let nowhere = tavs(folder.path(), ["check", "--online", "--config", "nowhere.toml"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.out.contains("error[TAVS0601]"), "{}", nowhere.out);
}

#[test]
fn nothing_personal_reaches_log_metrics_or_ledger() {
    let (folder, served) = serve();
    for (path, fields, status) in [
        ("/appointments", "", 200),
        // The API's answer is cut short in the middle of a record.
        ("/appointments?from=2026-03-04", "", 502),
        ("/appointments/251248-9996", "", 404),
        ("/appointments?from=2512489996", "", 400),
        ("/appointments?2512489996=Nancy", "", 400),
        ("/%32512489996/..", "", 400),
        ("/appointments", "x-cpr: 2512489996\r\n2512489996: Nancy\r\n", 200),
        ("/appointments", "expect: 2512489996\r\n", 417),
        ("/appointments", "authorization: Bearer 2512489996\r\ntraceparent: Berggren\r\n", 200),
    ] {
        let answer = served.get(path, fields);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {fields}\n{answer}");
    }
    let metrics = served.metrics();
    assert!(metrics.contains("sms-reminders") && metrics.ends_with("# EOF\n"), "{metrics}");
    let log = served.stop();
    assert!(log.matches("\"exchange\"").count() >= 9, "{log}");
    let ledger = fs::read_to_string(folder.path().join("ledger/00000001.ledger")).unwrap();
    for (place, text) in [("metrics", metrics), ("log", log), ("ledger", ledger)] {
        let found: Vec<_> = PERSONAL.iter().filter(|value| text.contains(**value)).collect();
        assert!(found.is_empty(), "{found:?} in the {place}:\n{text}");
    }
}

#[test]
fn no_core_dump_can_hold_a_key() {
    let (_folder, served) = serve();
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{line}");
}

#[test]
fn a_key_ring_comes_from_a_credential_or_a_command_as_well() {
    let folder = configured();
    let path = folder.path().join("tavs.toml");
    let config = fs::read_to_string(&path).unwrap();
    let ring = config.lines().find(|line| line.starts_with("ring")).unwrap().to_owned();
    let keys = folder.path().join("keys").display().to_string();
    for (line, environment) in [
        (format!("command = [\"cat\", \"{keys}/ring.toml\"]"), &[][..]),
        ("credential = \"ring.toml\"".to_owned(), &[("CREDENTIALS_DIRECTORY", keys.as_str())]),
    ] {
        fs::write(&path, config.replace(&ring, &line)).unwrap();
        let served = Served::try_start(folder.path(), environment).unwrap_or_else(|said| panic!("{said}"));
        assert!(served.get("/appointments", "").contains("tvk1-"));
    }
    fs::write(&path, config.replace(&ring, "command = [\"/nowhere\"]")).unwrap();
    let said = Served::try_start(folder.path(), &[]).err().unwrap();
    assert!(said.contains("cannot run `/nowhere`"), "{said}");
}

#[test]
fn a_clock_that_has_run_back_starts_nothing_and_is_named() {
    let folder = configured();
    let clock = tavs::clock::Clock::system();
    let settings = Settings {
        directory: folder.path().join("ledger"),
        node: "test".to_owned(),
        new_log: [1; 16],
        limits: Limits::default(),
    };
    let grounds = Arc::new(Grounds {
        recipient: RecipientId::new("sms-reminders"),
        policy: PolicyVersion([1; 32]),
        route: None,
        purpose: Purpose::new("appointment-reminders"),
        basis: Vec::new(),
        country: "DK".into(),
    });
    let ahead = clock.unix_millis() + 3_600_000;
    let entry = Entry::refusal(ExchangeId::new(ahead, [1; 10]), ahead, grounds, 404, "no-route");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (ledger, _) = Ledger::open(settings).unwrap();
        ledger.append(&entry).await.unwrap();
        ledger.close().await.unwrap();
    });
    let said = Served::try_start(folder.path(), &[]).err().unwrap();
    assert!(said.contains("before the last record of the ledger; set the clock"), "{said}");
}
