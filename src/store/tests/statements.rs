//! Every statement: PostgreSQL reads it, too, its parameters stand in order, and its plan uses an
//! index.

use std::fmt::Write as _;

use rusqlite::Connection;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::store::{schema, sql};

/// Statements that may read a whole table, each with its reason.
const WHOLE: &[(&str, &str)] = &[
    ("ALIASES", "loads every alias"),
    ("TOMBSTONES", "loads every tombstone"),
    ("CLEAR_ACT_SUBJECT", "empties the table"),
    ("CLEAR_ACT", "empties the table"),
    ("CLEAR_POLICY_RULE", "empties the table"),
    ("CLEAR_POLICY", "empties the table"),
    ("CLEAR_BLOCKS", "empties the table"),
    ("CLEAR_RUNS", "empties the table"),
    ("RUNS", "a run for 16,000 postings"),
    ("LOGS", "one row: a store belongs to one log"),
    ("FORGET_RESERVED", "once for each retirement of segments"),
    ("CLEAR_DISCLOSURE", "empties the table"),
    ("CLEAR_CLASSES", "empties the table"),
    ("FORGET_CLASSES", "once for each retirement of segments"),
    ("LAST_CLASS", "the last row of the table"),
    ("CLEAR_POSITION", "empties the table"),
    ("ACTS_OF_KIND", "what is on record of keys, at a start or reload"),
    ("LAST_CHANGE", "the last entry of the index"),
    ("LAST_ALIAS", "the last entry of the index"),
];

/// Statements that sort what they found, each with its reason.
const SORTED: &[(&str, &str)] = &[
    ("VOLUMES", "one recipient's in a window, by kind and outcome"),
    ("ACTS", "a window: equal times by number"),
    ("ACTS_OF", "one person's"),
    ("ACTS_OF_KIND", "equal times by number"),
    ("POLICIES", "a window: equal times by recipient"),
    ("NOTIFICATIONS_OF", "one person's: equal times by notice"),
    ("NOTIFICATIONS_OPEN", "equal times by notice"),
];

/// One recipient's classes, by which its disclosures in a window are found.
const CLASSES: &str = "SEARCH c USING INDEX disclosure_class_recipient (recipient=?)";
/// Those of one class.
const WITHIN: &str = "SEARCH d USING INDEX disclosure_class_time (class=? AND at>? AND at<?)";

/// The queries that reports wait for, and the index that each must use.
const BY_INDEX: &[(&str, &[&str])] = &[
    (
        "BLOCKS_DOWN_FROM",
        &["SEARCH posting_block USING INDEX sqlite_autoindex_posting_block_1 (log=? AND run=? AND least<?)"],
    ),
    ("UNSORTED_FROM", &["SEARCH disclosure USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]),
    (
        "DISCLOSURE",
        &["SEARCH d USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)"],
    ),
    ("TOLD_TO", &["SEARCH c USING COVERING INDEX disclosure_class_recipient (recipient=?)", WITHIN]),
    ("GIVEN_TO", &[CLASSES, WITHIN]),
    ("VOLUMES", &[CLASSES, WITHIN]),
    (
        "NEXT_RECIPIENT",
        &["SEARCH disclosure_class USING COVERING INDEX disclosure_class_recipient (recipient>?)"],
    ),
    (
        "CLASS",
        &[
            "SEARCH disclosure_class USING INDEX disclosure_class_recipient (recipient=? AND policy=? AND route=?)",
        ],
    ),
    ("ACTS", &["SEARCH act USING INDEX act_time (at>? AND at<?)"]),
    ("POLICIES", &["SEARCH policy_version USING INDEX policy_version_time (at>? AND at<?)"]),
    ("ACTS_OF", &["SEARCH s USING COVERING INDEX act_subject_subject (subject=?)"]),
    ("RESERVED", &["SEARCH reservation USING INDEX reservation_time (recipient=? AND at>?)"]),
    (
        "TOLD",
        &[
            "SEARCH reservation USING COVERING INDEX sqlite_autoindex_reservation_1 (recipient=? AND subject=?)",
        ],
    ),
    ("LAST_RESERVED", &["SEARCH reservation USING COVERING INDEX reservation_time (recipient=?)"]),
    (
        "PSEUDONYM_OF_VALUE",
        &["SEARCH pseudonym_of_value USING PRIMARY KEY (domain=? AND version=? AND by_value=?)"],
    ),
    (
        "VALUE_OF_PSEUDONYM",
        &["SEARCH value_of_pseudonym USING PRIMARY KEY (domain=? AND version=? AND by_pseudonym=?)"],
    ),
    ("PSEUDONYMS_OF_SUBJECT", &["SEARCH s USING COVERING INDEX pseudonym_subject_subject (subject=?)"]),
    ("CHANGES_OF", &["SEARCH registry USING INDEX registry_subject (subject=?)"]),
    ("CHANGES_UNRECORDED", &["SEARCH registry USING INDEX registry_recorded (recorded=?)"]),
    ("NOTIFICATIONS_OPEN", &["SEARCH notification USING INDEX notification_open (acknowledged=?)"]),
];

fn schema() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for migration in schema::MIGRATIONS {
        connection.execute_batch(&schema::for_sqlite(migration)).unwrap();
    }
    connection
}

fn plan(connection: &Connection, text: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
    let details = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
    details.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn every_statement_and_migration_is_postgresql_too() {
    for (name, text) in sql::ALL {
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, text);
        assert_eq!(parsed.map(|found| found.len()), Ok(1), "{name}");
    }
    for text in schema::MIGRATIONS {
        Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap();
        // What PostgreSQL passes over is this one clause; `schema::NUMBERED` is put in the place of its own words later.
        let text = text.replace("/* SQLite: WITHOUT ROWID */", "");
        assert!(!text.contains("/*"));
        for own in ["WITHOUT ROWID", "AUTOINCREMENT", "STRICT", " BLOB", " INTEGER", "PRAGMA"] {
            assert!(!text.to_uppercase().contains(own), "{own} is SQLite's own");
        }
    }
}

#[test]
fn parameters_are_numbered_in_the_order_in_which_they_are_bound() {
    let connection = schema();
    for (name, text) in sql::ALL {
        let statement = connection.prepare(text).unwrap();
        for index in 1..=statement.parameter_count() {
            assert_eq!(statement.parameter_name(index), Some(format!("${index}").as_str()), "{name}");
        }
    }
}

#[test]
fn no_statement_reads_a_whole_table_or_sorts_but_those_listed() {
    let connection = schema();
    let mut wrong = String::new();
    for (name, text) in sql::ALL {
        let plan = plan(&connection, text);
        let listed = |list: &[(&str, &str)]| list.iter().any(|(listed, _)| listed == name);
        for step in &plan {
            let whole = step.starts_with("SCAN") && !listed(WHOLE);
            if whole || (step.contains("TEMP B-TREE") && !listed(SORTED)) {
                writeln!(wrong, "{name}: {step}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_reports_wait_for_uses_its_index() {
    let connection = schema();
    for (name, wanted) in BY_INDEX {
        let text = sql::ALL.iter().find(|(named, _)| named == name).unwrap().1;
        let plan = plan(&connection, text);
        for step in *wanted {
            assert!(plan.iter().any(|found| found == step), "{name}: no `{step}` in {plan:#?}");
        }
    }
}
