//! Pieces, the tree, and what is selected of it.

use std::fs;

use super::input::{Form, Input, InputError, Place};
use super::row::{Cell, Row};
use super::select::{CellCounts, Selected, Selection};
use super::staged::{Reader, Writer};
use super::write::{self, Dialect, Format, ToWrite};
use crate::ids::SubjectId;
use crate::policy::checked::ColumnType;
use crate::policy::checked::extract::{Column, Enforce, From, Table};
use crate::policy::location::{Literal, Location};
use crate::rewrite::RecordAt;

fn at(text: &str) -> Location {
    Location::parse(text).unwrap()
}

fn column(path: &str, column_type: ColumnType) -> Column {
    Column {
        name: "x".into(),
        path: at(path),
        from: From::Row,
        column_type,
        description: String::new(),
        key: false,
        quasi_identifier: false,
        coarsen: Vec::new(),
        line: 1,
    }
}

fn table(at_: &[&str], when: &[(&str, &str)], rows: &str, columns: Vec<Column>) -> Table {
    Table {
        name: "t".into(),
        description: String::new(),
        at: at_.iter().map(|text| at(text)).collect(),
        when: when.iter().map(|(name, is)| ((*name).into(), Literal::String((*is).into()))).collect(),
        rows: at(rows),
        enforce: Enforce::Suppress,
        columns,
        line: 1,
    }
}

/// A row's cells in words, and its persons.
type Words = (Vec<String>, Vec<u8>);

/// Rows of one document.
fn selected(table: Table, text: &str, records: &[RecordAt]) -> (Vec<Words>, CellCounts) {
    let tables = [table];
    let [selected, of_all] = [Selection::of(&tables), Selection::of_all(&tables)].map(|selection| {
        let mut selected = Selected::new(&tables);
        selected.document(&selection, (text, 0, text.len()), (records, None)).unwrap();
        selected
    });
    assert!(rows_of(&selected, &tables) == rows_of(&of_all, &tables) && selected.cells == of_all.cells);
    (rows_of(&selected, &tables), selected.cells[0][0])
}

fn rows_of(selected: &Selected, tables: &[Table]) -> Vec<Words> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let columns = tables[0].columns.len();
    let mut writer = Writer::create(&path, columns).unwrap();
    writer.append(&selected.blocks[0]).unwrap();
    writer.finish().unwrap();
    let mut reader = Reader::open(&path, columns).unwrap();
    let (mut row, mut rows) = (Row::default(), Vec::new());
    while reader.read(&mut row).unwrap() {
        let word = |cell: &Cell| match cell {
            Cell::Missing => "-".to_owned(),
            Cell::Boolean(is) => is.to_string(),
            Cell::Number(number) => format!("#{number}"),
            Cell::Text(text) => text.to_string(),
        };
        rows.push((row.cells.iter().map(word).collect(), row.persons.iter().map(|id| id.0[0]).collect()));
    }
    rows
}

#[test]
fn tables_are_the_same_whoever_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [ColumnType::Text, ColumnType::Number];
    let tables: Vec<Table> =
        (0..5).map(|_| table(&["$"], &[], "$", kinds.map(|kind| column("$.x", kind)).into())).collect();
    let staged: Vec<_> = (0..5_u8).map(|number| folder.path().join(format!("{number}.staged"))).collect();
    for (number, path) in (0..5_u8).zip(&staged) {
        let mut writer = Writer::create(path, 2).unwrap();
        for row in 0..200_u8 {
            let key = Cell::Text(format!("k{}", row.wrapping_mul(37) % 23).into());
            let value = if row % 7 == number { Cell::Missing } else { Cell::Number(row.to_string().into()) };
            let persons = vec![SubjectId([row.wrapping_add(number); 16])];
            writer.push(&Row { cells: vec![key, value], persons }).unwrap();
        }
        writer.finish().unwrap();
    }
    let written = |threads: usize| {
        let file = |number: usize, end: &str| folder.path().join(format!("{number}.{threads}.{end}"));
        let sorted = |number: usize| number.is_multiple_of(2).then(|| (0, file(number, "sorted")));
        let all: Vec<ToWrite<'_>> = (0..5)
            .map(|number| ToWrite {
                table: &tables[number],
                staged: staged[number].clone(),
                sorted: sorted(number),
                path: file(number, "csv"),
            })
            .collect();
        let (counted, persons) = write::tables(&all, Format::Csv(Dialect::Danish), threads).unwrap();
        let counted: Vec<_> = counted.into_iter().map(|one| (one.rows, one.missing)).collect();
        let files: Vec<_> = all.iter().map(|one| fs::read_to_string(&one.path).unwrap()).collect();
        (files, counted, persons)
    };
    let (files, counted, persons) = written(1);
    assert_eq!(persons.len(), 204);
    assert_eq!(counted[1], (200, vec![0, 29]));
    assert!(files[1].starts_with("\u{feff}x;x\r\nk0;0\r\nk14;\r\n"), "{}", files[1]);
    assert!(written(3) == (files, counted, persons));
}

#[test]
fn a_value_is_of_its_columns_type_or_missing_and_counted() {
    for (column_type, json, wanted) in [
        (ColumnType::Text, r#""a\"b\u00e6""#, "a\"bæ"),
        (ColumnType::Text, "2.50", "2.50"),
        (ColumnType::Text, "true", "true"),
        (ColumnType::Integer, "1948", "#1948"),
        (ColumnType::Integer, "\"1948\"", "#1948"),
        (ColumnType::Integer, "2.5", "-"),
        (ColumnType::Integer, "\"01\"", "-"),
        (ColumnType::Number, "2.50", "#2.50"),
        (ColumnType::Number, "\"-1e3\"", "#-1e3"),
        (ColumnType::Number, "\"2,5\"", "-"),
        (ColumnType::Number, "\"\"", "-"),
        (ColumnType::Boolean, "false", "false"),
        (ColumnType::Boolean, "\"true\"", "-"),
        (ColumnType::Date, "\"2026-02-17\"", "2026-02-17"),
        (ColumnType::Date, "\"2026-02-17T08:15:00+01:00\"", "2026-02-17"),
        (ColumnType::Date, "\"2026-02-30\"", "-"),
        (ColumnType::Date, "\"2026-02\"", "-"),
        (ColumnType::Date, "\"2026-02-17x\"", "-"),
        (ColumnType::Text, "{}", "-"),
    ] {
        let one = table(&["$"], &[], "$", vec![column("$.v", column_type)]);
        let (rows, counts) = selected(one, &format!("{{\"v\":{json}}}"), &[]);
        assert_eq!(rows, [(vec![wanted.to_owned()], vec![])], "{column_type:?} {json}");
        assert_eq!(counts.unfit, u64::from(wanted == "-"), "{column_type:?} {json}");
    }
    let one = table(&["$"], &[], "$", vec![column("$.v", ColumnType::Text)]);
    assert_eq!(
        selected(one, r#"{"v":null,"w":1}"#, &[]),
        (vec![(vec!["-".into()], vec![])], CellCounts::default())
    );
}

#[test]
fn rows_are_made_of_elements_that_match_and_are_their_records_persons() {
    let text = r#"{"entry":[{"resource":{"kind":"a","n":1,"c":[{"v":"x"},{"v":"y","w":"z"}]}},{"resource":{"kind":"b","n":2}},{"resource":{"kind":"a","n":3,"c":[{"v":"q"}]}}]}"#;
    let place = |of: &str| {
        let start = text.find(of).unwrap();
        start..start + of.len()
    };
    let records = [
        RecordAt {
            place: place(r#"{"resource":{"kind":"a","n":1,"c":[{"v":"x"},{"v":"y","w":"z"}]}}"#),
            subjects: vec![SubjectId([1; 16])],
        },
        RecordAt { place: place(r#"{"resource":{"kind":"b","n":2}}"#), subjects: vec![SubjectId([2; 16])] },
        RecordAt {
            place: place(r#"{"resource":{"kind":"a","n":3,"c":[{"v":"q"}]}}"#),
            subjects: vec![SubjectId([3; 16]), SubjectId([4; 16])],
        },
    ];
    let number = Column { from: From::Element, ..column("$.n", ColumnType::Integer) };
    let columns = vec![column("$.v", ColumnType::Text), number];
    let places = ["$", "$.entry[*].resource"];
    let (rows, _) = selected(table(&places, &[("kind", "a")], "$.c[*]", columns), text, &records);
    let row = |v: &str, n: &str, persons: &[u8]| (vec![v.to_owned(), n.to_owned()], persons.to_vec());
    assert_eq!(rows, [row("x", "#1", &[1]), row("y", "#1", &[1]), row("q", "#3", &[3, 4])]);
    // What stands around records is everybody's; of several values the first is taken.
    let all =
        table(&["$"], &[], "$", vec![column("$.entry[?@.kind!='c'].resource.c[*].v", ColumnType::Text)]);
    let (rows, counts) = selected(all, text, &records);
    assert_eq!(rows, [(vec!["x".to_owned()], vec![1, 2, 3, 4])]);
    assert_eq!(counts, CellCounts { unfit: 0, further: 2 });
    // A key is the pseudonym alone.
    let key = Column { key: true, ..column("$.r", ColumnType::Text) };
    let (rows, _) = selected(table(&["$"], &[], "$", vec![key]), r#"{"r":"Patient\/tvk1-abc"}"#, &[]);
    assert_eq!(rows, [(vec!["tvk1-abc".to_owned()], vec![])]);
}

#[test]
fn pieces_are_whole_lines_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.NDJSON");
    let text: String = (0..50_usize).map(|n| format!("{}\n", "x".repeat(n))).collect::<String>() + "last";
    fs::write(&path, &text).unwrap();
    let input = Input::open(&path, &super::source::Rows::default()).unwrap();
    assert_eq!(input.form, Form::Lines);
    for piece in [1, 7, 40, 100, 10_000] {
        let (mut pieces, mut read, mut line) =
            (input.pieces(Place::START, piece, 60).unwrap(), Vec::new(), 1);
        while let Some((at, bytes)) = pieces.advance().unwrap() {
            assert_eq!((at.offset, at.line), (read.len() as u64, line));
            line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            read.extend(bytes);
            assert!(read.ends_with(b"\n") || read.len() == text.len(), "{piece}");
        }
        assert!(read == text.as_bytes());
    }
    let mut pieces = input.pieces(Place::START, 7, 20).unwrap();
    let mut next = || pieces.advance();
    let error = std::iter::from_fn(|| next().transpose()).find_map(Result::err).unwrap();
    assert!(matches!(error, InputError::TooLong { .. }), "{error}");
    // However lines fall into pieces: so long a line is read, and no longer one.
    let long = folder.path().join("long.ndjson");
    for end in ["\n", ""] {
        for (length, fits) in [(20, true), (21, false), (30, false), (39, false), (41, false)] {
            fs::write(&long, format!("{{}}\n{}{end}", "x".repeat(length))).unwrap();
            let input = Input::open(&long, &super::source::Rows::default()).unwrap();
            for piece in [1, 7, 19, 20, 21, 100] {
                let mut pieces = input.pieces(Place::START, piece, 20).unwrap();
                let read: Result<Vec<_>, _> = std::iter::from_fn(|| pieces.advance().transpose()).collect();
                match read {
                    Ok(_) => assert!(fits, "{length} bytes in pieces of {piece}"),
                    Err(InputError::TooLong { line, most, .. }) => assert!(!fits && (line, most) == (2, 20)),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    // Another text of the same length, a moment later, is another file.
    fs::remove_file(&path).unwrap();
    fs::write(&path, text.replace("last", "tsal")).unwrap();
    assert!(matches!(input.check(), Err(InputError::Changed { .. })));
}

#[test]
fn what_is_compressed_or_rows_is_read_as_lines_from_any_place() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..300_usize).map(|n| format!("{{\"cpr\":\"2512489996\",\"n\":{n}}}\n")).collect();
    let rows: String = (0..300_usize).map(|n| format!("2512489996;{n}\n")).collect();
    let gzip = |text: &str| {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        coder.write_all(text.as_bytes()).unwrap();
        coder.finish().unwrap()
    };
    let rows = format!("cpr;n\n{rows}");
    let (first, second) = lines.split_at(lines.len() / 2);
    let read = super::source::Rows { numbers: vec!["n".into()], ..super::source::Rows::default() };
    for (name, bytes) in [
        ("a.ndjson", lines.clone().into_bytes()),
        ("a.ndjson.gz", gzip(&lines)),
        ("a.ndjson.gz", [gzip(first), gzip(second)].concat()),
        ("a.ndjson.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap()),
        ("a.csv", rows.clone().into_bytes()),
        ("a.csv.gz", gzip(&rows)),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let input = Input::open(&path, &read).unwrap();
        let (mut pieces, mut places) = (input.pieces(Place::START, 500, 1000).unwrap(), Vec::new());
        let mut whole = Vec::new();
        while let Some((at, bytes)) = pieces.advance().unwrap() {
            places.push(at);
            whole.extend(bytes);
        }
        assert_eq!(String::from_utf8(whole).unwrap(), lines, "{name}");
        for at in places.into_iter().step_by(5) {
            let mut pieces = input.pieces(at, 500, 1000).unwrap();
            let mut rest = Vec::new();
            while let Some((_, bytes)) = pieces.advance().unwrap() {
                rest.extend(bytes);
            }
            assert_eq!(
                rest,
                lines.as_bytes()[usize::try_from(at.offset).unwrap()..],
                "{name} from {}",
                at.offset
            );
        }
    }
    let path = folder.path().join("b.ndjson.gz");
    fs::write(&path, &gzip(&lines)[..100]).unwrap();
    let mut pieces = Input::open(&path, &read).unwrap().pieces(Place::START, 500, 1000).unwrap();
    assert!(std::iter::from_fn(|| pieces.advance().transpose()).any(|piece| piece.is_err()), "cut short");
}
