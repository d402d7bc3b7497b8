//! `tavs reidentify`: a pseudonym becomes the identifier again by two officers, once, on record.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use tavs::ledger::{Act, Event};
use tavs::pseudonym::{Input, KeyRing, Linkage, Scheme};

use super::served::{Served, configured};
use super::{Said, tavs, tavs_reading};

/// In the sample of `tavs init`, and Nancy's.
const NANCY: &str = "2512489996";

/// A configuration with two officers, and Nancy's pseudonym in its one domain.
fn clinic() -> (tempfile::TempDir, String) {
    let folder = configured();
    let mut config = fs::read_to_string(folder.path().join("tavs.toml")).unwrap();
    for (name, role) in [("anna", "reidentify-requester"), ("bodil", "reidentify-approver")] {
        let made = tavs(folder.path(), ["officers", "new-key", &format!("{name}.key")]);
        assert_eq!(made.code, 0, "{}", made.err);
        let public = made.out.lines().find(|line| line.starts_with("public-key")).unwrap().to_owned();
        config += &format!("\n[officers.{name}]\n{public}\nroles = [\"{role}\"]\n");
    }
    fs::write(folder.path().join("tavs.toml"), config).unwrap();
    let ring = fs::read_to_string(folder.path().join("keys/ring.toml")).unwrap();
    let ring = KeyRing::parse(&ring, jiff::Timestamp::now()).unwrap();
    let nancy = Input { kind: "cpr", resource_type: "", system: "", value: NANCY };
    let mut out = Vec::new();
    let maker = ring.pseudonymiser("sms-reminders", Scheme::Sealed).unwrap();
    assert!(maker.write(nancy, Linkage::Domain, &mut out));
    (folder, String::from_utf8(out).unwrap())
}

fn run(folder: &Path, line: &str, args: &[&str]) -> Said {
    let mut input = tempfile::NamedTempFile::new().unwrap();
    input.write_all(line.as_bytes()).unwrap();
    tavs_reading(folder, ["reidentify"].iter().chain(args), input.path())
}

/// Asked for and approved, as two officers would; the file's name.
fn approved(folder: &Path, pseudonym: &str) -> &'static str {
    let verified = tavs(folder, ["ledger", "verify"]).out;
    let log = verified.lines().find_map(|line| line.strip_prefix("log ")).unwrap().split(':').next().unwrap();
    let asked = run(
        folder,
        pseudonym,
        &[
            "request",
            "--officer",
            "anna",
            "--key",
            "anna.key",
            "--log",
            log,
            "--recipient",
            "sms-reminders",
            "--why",
            "urgent finding, case 2026-88",
            "--hours",
            "2",
        ],
    );
    assert_eq!(asked.code, 0, "{}", asked.err);
    fs::write(folder.join("request"), asked.out).unwrap();
    let looked = run(folder, "", &["approve", "request", "--officer", "bodil", "--key", "bodil.key"]);
    assert!(
        looked.code == 2 && looked.out.is_empty() && looked.err.contains("case 2026-88"),
        "{}",
        looked.err
    );
    let approve = ["approve", "request", "--officer", "bodil", "--key", "bodil.key", "--yes"];
    let approved = run(folder, "", &approve);
    assert_eq!(approved.code, 0, "{}", approved.err);
    assert!(!approved.out.contains(NANCY) && !approved.err.contains(pseudonym));
    fs::write(folder.join("approved"), approved.out).unwrap();
    "approved"
}

fn acts(folder: &Path) -> Vec<Act> {
    let records = tavs::ledger::read(&folder.join("ledger")).unwrap().map(Result::unwrap);
    let acts = records.filter_map(|record| match record.event {
        Event::Act(act) if act.what.starts_with("reidentify") => Some(act),
        Event::Act(_) | Event::Exchange(_) | Event::Policy(_) => None,
    });
    acts.collect()
}

#[test]
fn two_officers_learn_once_whose_a_pseudonym_is_and_it_is_on_record() {
    let (folder, pseudonym) = clinic();
    let folder = folder.path();
    let served = Served::start(folder);
    let paper = approved(folder, &pseudonym);
    let unapproved = run(folder, "", &["execute", "request"]);
    assert_eq!((unapproved.code, unapproved.out.as_str()), (1, ""));
    assert!(unapproved.err.contains("not approved"), "{}", unapproved.err);
    let told = run(folder, "", &["execute", paper]);
    assert_eq!((told.code, told.out.as_str()), (0, "2512489996\n"), "{}", told.err);
    assert!(!told.err.contains("2512") && told.err.contains("on record as"), "{}", told.err);
    let again = run(folder, "", &["execute", paper]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert!(again.err.contains("has been used"), "{}", again.err);
    let log = served.stop();
    assert!(!log.contains(NANCY) && !log.contains(&pseudonym), "{log}");

    // Nor does it work a second time while nothing serves; another does.
    let again = run(folder, "", &["execute", paper]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    std::thread::sleep(std::time::Duration::from_secs(1)); // a request of another second is another one
    assert_eq!(run(folder, "", &["execute", approved(folder, &pseudonym)]).out, "2512489996\n");
    let acts = acts(folder);
    let done: Vec<_> = acts.iter().filter(|act| act.what == "reidentify").collect();
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|act| act.who.starts_with("anna, bodil (uid ") && act.subjects.len() == 1));
    assert_eq!(acts.len(), 3, "and the attempt without a second officer");
}

#[test]
fn with_the_ring_and_the_machine_but_one_officers_key_nothing_is_shown() {
    let (folder, pseudonym) = clinic();
    let folder = folder.path();
    drop(Served::start(folder).stop()); // there is a ledger
    let paper = approved(folder, &pseudonym);
    let text = fs::read_to_string(folder.join(paper)).unwrap();
    let alone = run(folder, "", &["approve", "request", "--officer", "bodil", "--key", "anna.key", "--yes"]);
    assert!(alone.code == 1 && alone.err.contains("cannot be who approves"), "{}", alone.err);
    for changed in [
        text.replacen("case 2026-88", "case 2026-89", 1),
        text.replacen("\"recipient\":\"sms-reminders\"", "\"recipient\":\"others\"", 1),
        text.lines().take(2).collect::<Vec<_>>().join("\n"),
    ] {
        fs::write(folder.join("changed"), changed).unwrap();
        let told = run(folder, "", &["execute", "changed"]);
        assert_eq!((told.code, told.out.as_str()), (1, ""), "{}", told.err);
        assert!(!told.err.contains(NANCY) && !told.err.contains(&pseudonym), "{}", told.err);
    }
    // Nor under the name of a recipient whose pseudonyms are another domain's; who approves sees which.
    let request = fs::read_to_string(folder.join("request")).unwrap();
    let (_, log) = request.split_once("\"log\":\"").unwrap();
    let log = log.split('"').next().unwrap();
    let asked = run(
        folder,
        &pseudonym,
        &[
            "request",
            "--officer",
            "anna",
            "--key",
            "anna.key",
            "--log",
            log,
            "--recipient",
            "sms-reminders",
            "--domain",
            "research",
            "--why",
            "case 1",
        ],
    );
    fs::write(folder.join("elsewhere"), asked.out).unwrap();
    let signed =
        run(folder, "", &["approve", "elsewhere", "--officer", "bodil", "--key", "bodil.key", "--yes"]);
    assert!(signed.code == 0 && signed.err.contains("domain    research"), "{}", signed.err);
    fs::write(folder.join("elsewhere"), signed.out).unwrap();
    let told = run(folder, "", &["execute", "elsewhere"]);
    assert_eq!((told.code, told.out.as_str()), (1, ""), "{}", told.err);
    assert!(told.err.contains("has another pseudonymisation domain"), "{}", told.err);
    // A clear number is no pseudonym, and no request ever holds one.
    let asked = run(
        folder,
        NANCY,
        &[
            "request",
            "--officer",
            "anna",
            "--key",
            "anna.key",
            "--log",
            "x",
            "--recipient",
            "r",
            "--why",
            "x",
        ],
    );
    assert!(asked.code == 1 && asked.out.is_empty() && !asked.err.contains(NANCY), "{}", asked.err);
}

/// Of `table`: found in the store of a tavs that serves, and gone with the person.
#[test]
fn a_pseudonym_that_stands_in_the_store_opens_until_its_person_is_erased() {
    let (folder, _) = clinic();
    let folder = folder.path();
    let path = folder.join("policies/sms-reminders.toml");
    let policy = fs::read_to_string(&path).unwrap();
    let policy = policy.replace("scheme      = \"keyed\"", "scheme      = \"table\"").replace(
        "\"$.appointments[*].start\"          =",
        "\"$.appointments[*].patient.cpr\" = \"pseudonymise\"\n\"$.appointments[*].start\"          =",
    );
    fs::write(&path, policy).unwrap();
    let served = Served::start(folder);
    let answer = served.get("/appointments", "");
    let pseudonym = answer.split("\"cpr\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(pseudonym.starts_with("tvt1-"), "{answer}");
    let told = run(folder, "", &["execute", approved(folder, pseudonym)]);
    assert_eq!((told.code, told.out.as_str()), (0, "2512489996\n"), "{}", told.err);
    let again = run(folder, "", &["execute", "approved"]);
    assert!(again.code == 1 && again.out.is_empty() && again.err.contains("has been used"), "{}", again.err);

    fs::write(folder.join("line"), NANCY).unwrap();
    let erase = ["subject", "erase", "--yes", "--why", "letter"];
    assert_eq!(tavs_reading(folder, erase, &folder.join("line")).code, 0);
    std::thread::sleep(std::time::Duration::from_secs(1)); // a request of another second is another one
    let paper = approved(folder, pseudonym);
    let gone = |told: Said| {
        assert_eq!((told.code, told.out.as_str()), (1, ""));
        assert!(told.err.contains("the person is erased") && !told.err.contains(pseudonym), "{}", told.err);
    };
    gone(run(folder, "", &["execute", paper]));
    assert_eq!(served.get("/appointments", "").matches("\"cpr\":\"").count(), 1, "it serves on");
    assert!(!served.stop().contains(pseudonym));
    gone(run(folder, "", &["execute", paper]));
}
