//! What is written is read back by the library's own reader.

use std::fs::{self, File};
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::writing::in_groups;
use super::{ParquetError, can_be_written, each_key};
use crate::extract::row::{Cell, Row};
use crate::extract::staged::Writer;
use crate::extract::write::Rows;
use crate::policy::checked::ColumnType;
use crate::policy::checked::extract::{Column, Enforce, From, Table};
use crate::policy::location::Location;

fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.into(),
        path: Location::parse("$.v").unwrap(),
        from: From::Row,
        column_type,
        description: format!("the {name}"),
        key: name == "patient",
        quasi_identifier: false,
        coarsen: Vec::new(),
        line: 1,
    }
}

fn table() -> Table {
    Table {
        name: "visits".into(),
        description: "One row a visit".into(),
        at: Vec::new(),
        when: Vec::new(),
        rows: Location::parse("$").unwrap(),
        enforce: Enforce::Suppress,
        columns: vec![
            column("patient", ColumnType::Text),
            column("age", ColumnType::Integer),
            column("value", ColumnType::Number),
            column("emergency", ColumnType::Boolean),
            column("day", ColumnType::Date),
        ],
        line: 1,
    }
}

/// Gives how many rows were written.
fn write(staged: &Path, to: &Path, group_bytes: usize) -> u64 {
    let file = File::create(to).unwrap();
    let mut rows = Rows::open(staged, 5).unwrap();
    in_groups(&table(), &mut rows, (file, to), group_bytes).unwrap();
    rows.counted.rows
}

#[test]
fn rows_are_read_back_as_they_are_typed_and_digits_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let (staged, one, again) =
        (folder.path().join("staged"), folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    let number = |text: &str| Cell::Number(text.into());
    let text = |text: &str| Cell::Text(text.into());
    let mut writer = Writer::create(&staged, 5).unwrap();
    for cells in [
        vec![text("tvk1-æ"), number("45"), number("6.30"), Cell::Boolean(true), text("1969-12-31")],
        vec![text("tvk1-b"), Cell::Missing, Cell::Missing, Cell::Missing, Cell::Missing],
        vec![
            text("tvk1-c"),
            number("-9223372036854775808"),
            number("1e999"),
            Cell::Boolean(false),
            text("2026-02-28"),
        ],
    ] {
        writer.push(&Row { cells, persons: Vec::new() }).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(write(&staged, &one, 1), 3);
    assert_eq!(write(&staged, &again, 1), 3);
    assert!(fs::read(&one).unwrap() == fs::read(&again).unwrap(), "the same rows are the same bytes");

    let reader = SerializedFileReader::new(File::open(&one).unwrap()).unwrap();
    assert_eq!(reader.num_row_groups(), 3, "no more is held than was allowed");
    let rows: Vec<String> =
        reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string().replace('"', "")).collect();
    assert_eq!(
        rows,
        [
            "{patient: tvk1-æ, age: 45, value: 6.3, value_written: 6.30, emergency: true, day: 1969-12-31}",
            "{patient: tvk1-b, age: null, value: null, value_written: null, emergency: null, day: null}",
            "{patient: tvk1-c, age: -9223372036854775808, value: null, value_written: 1e999, emergency: false, day: 2026-02-28}",
        ]
    );
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let of = |key: &str| metadata.iter().find(|one| one.key == key).unwrap().value.clone().unwrap();
    assert_eq!((of("description"), of("description.age")), ("One row a visit".into(), "the age".into()));
    assert_eq!(of("description.value_written"), "the value, as it is written");

    let mut keys = Vec::new();
    let mut take = |key: &str| {
        keys.push(key.to_owned());
        Ok(())
    };
    each_key(&one, &["patient".into()], &mut take).unwrap();
    assert_eq!(keys, ["tvk1-æ", "tvk1-b", "tvk1-c"]);
    assert!(each_key(&one, &["nothing".into()], &mut |_| Ok(())).is_err());
    fs::write(&one, "PAR1 and no more").unwrap();
    assert!(each_key(&one, &["patient".into()], &mut |_| Ok(())).is_err());
}

#[test]
fn no_row_is_a_file_too_and_two_columns_of_one_name_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let (staged, to) = (folder.path().join("staged"), folder.path().join("a.parquet"));
    Writer::create(&staged, 5).unwrap().finish().unwrap();
    assert_eq!(write(&staged, &to, 1 << 20), 0);
    assert_eq!(SerializedFileReader::new(File::open(&to).unwrap()).unwrap().num_row_groups(), 0);
    assert!(can_be_written(&[table()]).is_ok());
    let mut twice = table();
    twice.columns.push(column("value_written", ColumnType::Text));
    assert!(matches!(can_be_written(&[twice]), Err(ParquetError::Named { .. })));
}
