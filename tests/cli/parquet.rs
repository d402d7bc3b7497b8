//! An extract as Parquet, where tavs was built with it.

use std::fs;

use super::extract::{export, extract, research, subject};
use super::tavs;

#[test]
fn tables_leave_as_parquet_or_it_says_how_to_get_a_tavs_that_can() {
    let (folder, served) = research(true);
    let here = folder.path();
    export(here);
    let said = extract(here, "january", &["--format", "parquet", "crowd.ndjson"]);
    if !cfg!(feature = "parquet") {
        assert!(said.code == 2 && said.err.contains("built without Parquet"), "{}", said.err);
        assert!(!here.join("january.tavs-part").exists());
        served.stop();
        return;
    }
    assert_eq!(said.code, 0, "{}", said.err);
    for table in ["patients", "observations", "conditions", "medication"] {
        let bytes = fs::read(here.join(format!("january/{table}.parquet"))).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{table}");
    }
    let read = |name: &str| fs::read_to_string(here.join("january").join(name)).unwrap();
    assert!(read("codebook.json").contains("\"value_written\""));
    assert!(read("README.md").contains("pandas.read_parquet(\"patients.parquet\", "));
    let key = tavs(here, ["keys", "show-checkpoint-key", "keys/ring.toml"]).out;
    assert_eq!(tavs(here, ["extract", "verify", "january", "--key", key.trim()]).code, 0);

    // Whoever is gone from the next is found in what was Parquet.
    fs::copy(here.join("crowd.ndjson"), here.join("more.ndjson")).unwrap();
    subject(here, "2512489901", &["restrict", "--why", "letter"]);
    let said =
        extract(here, "february", &["--enforce", "--format", "csv", "--previous", "january", "more.ndjson"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let deleted = fs::read_to_string(here.join("february/deleted.csv")).unwrap();
    // She alone. Four of her year are left, fewer than k, and most-suppressed = "5 %" lets no row of nine go: the rungs
    // of the year are climbed until all nine have one value, which is the missing one.
    assert_eq!(deleted.lines().count(), 1 + 1, "{deleted}");
    let patients = fs::read_to_string(here.join("february/patients.csv")).unwrap();
    let years: Vec<&str> = patients.lines().skip(1).filter_map(|row| row.rsplit(',').next()).collect();
    assert_eq!(years, [""; 9], "{patients}");
    served.stop();
}
