//! `tavs check --online`: what works is said, what does not is a finding with the mend, and nothing is
//! changed by looking.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::SystemTime;

use tavs::app::{self, Online, Outcome};
use tavs::clock::Clock;
use tavs::config::Config;
use tavs::net::pki::{Authority, Name, Usage};
use tavs::policy::syntax::SourceFile;

use super::lab::{Lab, days};
use super::stage::{Setting, Stage, TODAY, ground};

async fn online(lab: &Lab, change: impl Fn(String) -> String) -> Online {
    let text = fs::read_to_string(lab.path("tavs.toml")).unwrap();
    // The stage has upstreams that do not answer, and names of others.
    let origin = text.split("[upstreams.booking]\nurl = ").nth(1).unwrap().split('\n').next().unwrap();
    let text = text.replace(r#""https://localhost:1""#, origin);
    let text = text.replace(
        r#"ca = "partners-ca.pem"

[policies]"#,
        "ca = \"clinic-ca.pem\"\n\n[policies]",
    );
    let text = text.replace(r#", "tavs.example", "ported.example:8443""#, "");
    let source = SourceFile::new("tavs.toml", change(text));
    let config = Config::parse(source, &lab.path("")).map_err(|found| found.render(false)).unwrap();
    app::online(&config, &Clock::fixed_on(TODAY)).await
}

fn as_it_is(text: String) -> String {
    text
}

/// Codes and what they say, one a line.
fn found(online: &Online) -> String {
    let line = |one: &tavs::policy::diagnostic::Diagnostic| {
        format!("{} {} | {}\n", one.code, one.message, one.help.as_deref().unwrap_or("-"))
    };
    online.findings.diagnostics.iter().map(line).collect()
}

fn outcome(online: &Online, what: &str) -> Outcome {
    let one = online.tried.iter().find(|one| one.what == what);
    one.unwrap_or_else(|| panic!("{what}: {:#?}", online.tried)).outcome
}

/// Every file below a folder, with its size and when it was last written.
fn files(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let found = entry.metadata().unwrap();
        all.insert(entry.path().display().to_string(), (found.len(), found.modified().unwrap()));
        if found.is_dir() {
            all.extend(files(&entry.path()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_is_said_and_nothing_is_changed_or_asked_for() {
    let more = "[ledger.anchor]\nsyslog = \"log.sock\"\n";
    let (lab, origin, _config) = ground(&Setting { more, ..Setting::default() }).await;
    let _daemon = UnixDatagram::bind(lab.path("log.sock")).unwrap();
    let before = files(&lab.path(""));
    let looked = online(&lab, as_it_is).await;
    assert_eq!(found(&looked), "");
    assert!(looked.tried.iter().all(|one| one.outcome == Outcome::Good), "{:#?}", looked.tried);
    for what in ["keys", "listen.certificate", "anchors.partners.crl", "upstreams.booking", "ledger.anchor"] {
        assert_eq!(outcome(&looked, what), Outcome::Good);
    }
    assert_eq!(files(&lab.path("")), before);
    assert!(origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_beside_a_proxy_that_serves_and_after_it() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/appointments").await.status, 200);
    let looked = online(&stage.lab, as_it_is).await;
    assert_eq!(found(&looked), "");
    assert_eq!(stage.get("/appointments").await.status, 200);
    let Stage { lab, running, .. } = stage;
    running.stop().await.ledger.unwrap();
    let before = files(&lab.path(""));
    assert_eq!(found(&online(&lab, as_it_is).await), "");
    assert_eq!(files(&lab.path("")), before);
    let last = online(&lab, as_it_is).await.tried.into_iter().find(|one| one.what == "ledger").unwrap();
    assert!(last.said.starts_with("record "), "{}", last.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_does_not_work_is_named_with_the_mend() {
    let more = "[ledger.anchor]\nfile = \"nowhere/tavs.anchor\"\n";
    let (lab, _origin, _config) = ground(&Setting { more, ..Setting::default() }).await;
    let stranger = Authority::new("Other CA", days(-1, 30)).unwrap();
    lab.write("clinic-ca.pem", stranger.certificate());
    let names = [Name::Dns("other.example".to_owned())];
    let mut valid = days(-80, 3);
    // Half a day more: a second that passes meanwhile is no day less.
    valid.until = valid.until.checked_add_signed(43_200).unwrap();
    let server = lab.clinic.issue("x", &names, Usage::Server, valid).unwrap();
    lab.write("server.pem", &server.certificate);
    lab.write("server.key", &server.key);
    lab.anchor_until("partners", &stranger, &[], days(-9, -2));
    lab.write("partners-ca.pem", lab.partners.certificate());
    fs::set_permissions(lab.path("ledger"), fs::Permissions::from_mode(0o777)).unwrap();
    lab.write("tavs.db", "no database, but long enough to be read as one: ".repeat(40).as_str());
    let looked = online(&lab, |text| {
        let gone = "[upstreams.gone]\nurl = \"https://127.0.0.1:1\"\nca = \"clinic-ca.pem\"\n[policies]";
        // 192.0.2.0/24 is nobody's (RFC 5737).
        text.replace("[policies]", gone).replacen("127.0.0.1:0", "192.0.2.1:8443", 1)
    })
    .await;
    let found = found(&looked);
    for wanted in [
        "TAVS0613 `upstreams.booking` cannot be used: the TLS handshake fails: unknown-issuer | name the CA",
        "TAVS0613 `upstreams.gone` cannot be used: the upstream cannot be connected to | look whether it runs",
        "TAVS0613 checkpoints cannot be anchored",
        "TAVS0613 nothing can listen on 192.0.2.1:8443",
        "TAVS0614 `anchors.partners.crl` ended on",
        "TAVS0615 `listen.certificate` ends in 3 days",
        "TAVS0616 our certificate is not for `localhost`",
        "TAVS0617 others can get at",
        "is not a store of tavs",
        "TAVS0618 a CA of anchor `partners` has no revocation list",
    ] {
        assert!(found.contains(wanted), "{wanted}\n{found}");
    }
    for (what, wanted) in [
        ("upstreams.gone", Outcome::Error),
        ("listen.certificate", Outcome::Warning),
        ("store", Outcome::Error),
        ("anchors.partners.ca", Outcome::Good),
    ] {
        assert_eq!(outcome(&looked, what), wanted, "{what}");
    }
    // Each is shown where tavs.toml says it.
    let shown = looked.findings.render(false);
    assert!(shown.contains("[upstreams.gone]") && shown.contains("server.pem"), "{shown}");
}
