//! The report of an extract that did not reach k as it was.

use super::super::golden::hold;
use super::*;

fn value(table: &str, column: &str, value: Option<&str>) -> Value {
    Value { table: table.into(), column: column.into(), value: value.map(str::to_owned) }
}

fn found(met: bool) -> Examined {
    let rare = Rare {
        persons: 1,
        rows: 1,
        values: vec![value("patients", "birth_year", Some("1931")), value("patients", "municipality", None)],
        more_values: 0,
    };
    let small = Small { combinations: 1, persons: 1, rows: 1 };
    let single = Size { from: 1, to: Some(1), combinations: 1, persons: 1 };
    let many = Size { from: 10, to: Some(19), combinations: 3, persons: 30 };
    let sizes = if met { vec![many] } else { vec![single, many] };
    Examined {
        k: 5,
        met,
        tables: vec![TableCounts {
            table: "patients".into(),
            quasi_identifiers: vec!["birth_year".into(), "municipality".into()],
            rows: 31,
            rows_of_nobody: 0,
            persons: 31,
            combinations: 4,
            smallest: Some(if met { 10 } else { 1 }),
            small: if met { Small::default() } else { small },
            sizes: sizes.clone(),
            rarest: vec![rare.clone()],
        }],
        linked: Some(LinkedCounts {
            tables: vec!["patients".into(), "observations".into()],
            persons: 31,
            combinations: 4,
            smallest: Some(if met { 10 } else { 1 }),
            small: if met { Small::default() } else { small },
            sizes,
            rarest: vec![Rare { rows: 7, more_values: 2, ..rare }],
        }),
        not_examined: vec!["observations".into()],
        counted_together: 2,
    }
}

fn way(coarser: Vec<Recoded>, rows_suppressed: u64) -> Way {
    Way {
        detail_lost_percent: u32::try_from(coarser.len()).unwrap() * 17,
        coarser,
        rows_suppressed,
        rows: 60,
        tables: vec![TableCost { table: "patients".into(), rows_suppressed, rows: 31 }],
        persons_lost: rows_suppressed,
        persons: 31,
    }
}

fn report(enforced: bool) -> ControlReport {
    let step = |to: Option<&str>| Recoded {
        table: "patients".into(),
        column: "birth_year".into(),
        to: to.map(str::to_owned),
    };
    ControlReport {
        recipient: "Registerforskning <Nord>".into(),
        purpose: "research-diabetes".into(),
        policy: "policies/research.toml".into(),
        policy_version: "00".repeat(32),
        extract: "01920000-0000-7000-8000-000000000000".into(),
        made: 1_790_000_000_000,
        found: found(false),
        ways: vec![way(vec![], 1), way(vec![step(Some("step = 10"))], 0), way(vec![step(None)], 0)],
        enforced: enforced.then(|| Enforced { way: way(vec![], 1), after: found(true) }),
    }
}

#[test]
fn pages_are_as_they_were_read_last() {
    hold("control.en.html", &report(false).html(Language::En));
    hold("control.da.html", &report(true).html(Language::Da));
    hold("control.json", &(report(true).json().unwrap() + "\n"));
}

#[test]
fn the_verdict_stands_first() {
    let verdict = |report: &ControlReport| {
        let page = report.html(Language::En);
        let alerts: Vec<&str> = page.split("<p class=\"alert\">").skip(1).collect();
        alerts[1].split_once("</p>").unwrap().0.to_owned()
    };
    assert!(verdict(&report(false)).starts_with("k = 5 is not met, and nothing was written."));
    assert!(verdict(&report(true)).contains("Rows suppressed: 1 of 60; persons of whom nothing is left: 1."));
    let mut good = report(false);
    good.found = found(true);
    assert!(verdict(&good).starts_with("k = 5 is met"));
    good.found.tables.clear();
    assert!(verdict(&good).starts_with("Nothing was examined"));
}
