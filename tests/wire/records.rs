//! Ledger, store and index together: starting with what is there, and what is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tavs::app::StartError;
use tavs::ids::SubjectId;
use tavs::ledger::index::IndexError;
use tavs::store::{NewChange, RightKind, Store, StoreError};

use super::origin::json;
use super::stage::{GOOD, Setting, Stage, policy};

/// All that SQLite has in files beside the database goes into it.
fn settle(dir: &Path) {
    let store = rusqlite::Connection::open(dir.join("tavs.db")).unwrap();
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_row| Ok(())).unwrap();
}

/// A stage that has released something, and so has a ledger and a store.
async fn used() -> Stage {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/appointments").await.status, 200);
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_only_with_the_store_that_belongs_to_the_ledger() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, &str); 6] = [
        ("missing", |dir| fs::remove_file(dir.join("tavs.db")).unwrap(), "tavs ledger reindex"),
        ("empty", |dir| fs::write(dir.join("tavs.db"), "").unwrap(), "from the backup"),
        ("no database", |dir| fs::write(dir.join("tavs.db"), "nothing").unwrap(), "is not a store of tavs"),
        (
            "open to others",
            |dir| fs::set_permissions(dir.join("tavs.db"), fs::Permissions::from_mode(0o644)).unwrap(),
            "chmod 600",
        ),
        (
            "newer",
            |dir| {
                let store = rusqlite::Connection::open(dir.join("tavs.db")).unwrap();
                store.execute("UPDATE meta SET value = '99' WHERE name = 'schema'", ()).unwrap();
            },
            "use the newer tavs",
        ),
        (
            "of another ledger",
            |dir| {
                fs::remove_dir_all(dir.join("ledger")).unwrap();
                fs::create_dir(dir.join("ledger")).unwrap();
                fs::set_permissions(dir.join("ledger"), fs::Permissions::from_mode(0o700)).unwrap();
            },
            "give the ledger its own store, or put the right ledger back",
        ),
    ];
    for (what, spoil, mend) in cases {
        let stage = used().await;
        let Err((error, _lab)) = stage
            .restarted_after(|dir| {
                settle(dir);
                spoil(dir);
            })
            .await
        else {
            panic!("{what}: started")
        };
        let line = error.to_string();
        assert!(line.contains(mend) && !line.contains('\n'), "{what}: {line}");
        assert!(
            matches!(&error, StartError::Store(_))
                || matches!(&error, StartError::Indexing(index) if matches!(**index, IndexError::Store(StoreError::OtherLog { .. }))),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_per_day_outlive_a_restart_and_the_loss_of_their_table() {
    let sms = policy("sms").replace("subjects = \"5000/day\"", "subjects = \"1/day\"");
    let stage = Stage::set(Setting { sms, ..Setting::default() }).await;
    assert_eq!(stage.get("/appointments").await.status, 200);
    let other = GOOD.replace("2512489996", "0201919990");
    let forget = |dir: &Path| {
        let store = rusqlite::Connection::open(dir.join("tavs.db")).unwrap();
        assert_eq!(store.execute("DELETE FROM reservation", ()).unwrap(), 1);
    };
    let stage = stage.restarted().await;
    let stage = stage.restarted_after(forget).await.map_err(|(error, _)| error).unwrap();
    stage.origin.says(json(&other));
    let reply = stage.get("/appointments").await;
    reply.is_problem("over-subjects", "another person");
    let wait: u64 = reply.field("retry-after").unwrap().parse().unwrap();
    assert!((86_000..=88_000).contains(&wait), "{wait}");
    assert!(reply.field("ratelimit").unwrap().starts_with("\"subjects\";r=0;"), "{}", reply.head);
    assert!(reply.field("ratelimit-policy").unwrap().contains("\"subjects\";q=1"), "{}", reply.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_how_far_the_index_is() {
    let stage = used().await;
    let indexer = std::sync::Arc::clone(&stage.running.records().indexer);
    let caught_up = tokio::task::spawn_blocking(move || {
        let caught_up = indexer.catch_up(super::lab::PATIENCE);
        indexer.stop();
        caught_up
    });
    assert!(caught_up.await.unwrap());
    assert_eq!(stage.metric("tavs_index_lag_records").await, Some(0.0));
    let ready = stage.admin("/readyz").await;
    assert!(ready.status == 503 && ready.text().starts_with("store: "), "{}", ready.text());
    // What cannot be answered for afterwards does not leave.
    stage.origin.seen();
    stage.get("/appointments").await.is_problem("store-unusable", "no index");
    assert!(stage.origin.seen().is_empty());
}

/// How many records of a kind the ledger holds.
fn kinds(stage: &Stage, kind: &str) -> usize {
    stage.ledger().matches(&format!("\"kind\":\"{kind}\"")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_version_is_on_record_in_words_before_it_serves() {
    let stage = used().await;
    let ledger = stage.ledger();
    let (noted, disclosure) = (ledger.find("\"kind\":\"policy\""), ledger.find("\"kind\":\"disclosure\""));
    assert!(noted.unwrap() < disclosure.unwrap(), "{ledger}");
    let words = r#"["appointments",3,"$.appointments[*].patient.name","mask first-word"]"#;
    assert!(ledger.contains(words) && ledger.contains(r#""name":"Påmind ApS""#), "{ledger}");

    let stage = stage.restarted().await;
    stage.running.reloader().reload().unwrap();
    assert_eq!(kinds(&stage, "policy"), 1, "once a version");
    stage.lab.write("policies/sms.toml", &policy("sms").replace("\"first-word\"", "\"initials\""));
    stage.running.reloader().reload().unwrap();
    assert_eq!(kinds(&stage, "policy"), 2);
    assert!(stage.ledger().contains("mask initials"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_crash_left_without_its_record_gets_it_at_the_next_start() {
    let change = NewChange {
        subject: SubjectId([7; 16]),
        kind: RightKind::Restriction,
        purpose: None,
        recipient: None,
        begun: true,
        at: 1,
        until: None,
        reason: "case 26-17".into(),
        who: "Inge Bo".into(),
        sealed_cpr: None,
    };
    let stage = used().await;
    let put =
        |dir: &Path| assert_eq!(Store::open(&dir.join("tavs.db")).unwrap().put_change(&change).unwrap(), 1);
    let stage = stage.restarted_after(put).await.map_err(|(error, _)| error).unwrap();
    assert_eq!(kinds(&stage, "registry"), 1);
    assert_eq!(stage.running.records().subjects.last_change(), 1);
    let stage = stage.restarted().await;
    assert_eq!(kinds(&stage, "registry"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_names_nobody_new_does_without_the_database() {
    let stage = used().await;
    let other = rusqlite::Connection::open(stage.lab.path("tavs.db")).unwrap();
    for table in ["alias", "reservation", "registry"] {
        other.execute_batch(&format!("ALTER TABLE {table} RENAME TO away_{table}")).unwrap();
    }
    assert_eq!(stage.get("/appointments").await.status, 200);
    stage.origin.says(json(&GOOD.replace("2512489996", "0201919990")));
    stage.get("/appointments").await.is_problem("store-unusable", "another person");
}
