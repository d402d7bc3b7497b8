use std::fs;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;
use crate::extract::row::Cell;
use crate::ids::SubjectId;

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        proptest::strategy::Just(Cell::Missing),
        any::<bool>().prop_map(Cell::Boolean),
        "-?[0-9]{1,20}".prop_map(|text| Cell::Number(text.into())),
        ".{0,200}".prop_map(|text| Cell::Text(text.into())),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let persons = proptest::collection::vec(any::<[u8; 16]>().prop_map(SubjectId), 0..3);
    let row = (proptest::collection::vec(cell(), 3), persons);
    proptest::collection::vec(row.prop_map(|(cells, persons)| Row { cells, persons }), 0..40)
}

fn read_all(path: &Path) -> Result<Vec<Row>, StagedError> {
    let mut reader = Reader::open(path, 3)?;
    let (mut rows, mut row) = (Vec::new(), Row::default());
    while reader.read(&mut row)? {
        rows.push(row.clone());
    }
    Ok(rows)
}

proptest! {
    // Each case syncs a file.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rows_come_back_as_they_were_and_a_torn_or_damaged_file_never_does(
        before in rows(), after in rows(), block in rows(), cut in any::<u64>(), at in any::<u64>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows");
        let mut writer = Writer::create(&path, 3).unwrap();
        before.iter().for_each(|row| writer.push(row).unwrap());
        let (kept, _file) = writer.mark().unwrap();
        // What a killed run leaves behind the last checkpoint.
        after.iter().rev().for_each(|row| writer.push(row).unwrap());
        writer.flush().unwrap();
        drop(writer);
        let torn = matches!(read_all(&path), Err(StagedError::Torn { .. }));
        prop_assert!(torn);

        let mut writer = Writer::resume(&path, 3, kept).unwrap();
        after.iter().for_each(|row| writer.push(row).unwrap());
        let mut coded = Block::new(3);
        block.iter().for_each(|row| coded.push(row).unwrap());
        writer.append(&coded).unwrap();
        writer.finish().unwrap();
        let wanted: Vec<Row> = [before, after, block].concat();
        prop_assert!(read_all(&path).unwrap() == wanted);
        let mut some = Reader::open_for(&path, 3, |column| cut >> column & 1 == 1).unwrap();
        let mut row = Row::default();
        for mut wanted in wanted {
            let unread = wanted.cells.iter_mut().enumerate().filter(|(column, _)| cut >> column & 1 == 0);
            unread.for_each(|(_, cell)| *cell = Cell::Missing);
            prop_assert!(some.read(&mut row).unwrap() && row == wanted);
        }
        prop_assert!(!some.read(&mut row).unwrap());

        let whole = fs::read(&path).unwrap();
        let cut = usize::try_from(cut % whole.len() as u64).unwrap();
        fs::write(&path, &whole[..cut]).unwrap();
        let torn = matches!(read_all(&path), Err(StagedError::Torn { .. } | StagedError::Foreign { .. }));
        prop_assert!(torn, "cut at {} of {}", cut, whole.len());

        let at = usize::try_from(at % whole.len() as u64).unwrap();
        let mut changed = whole;
        changed[at] ^= 1 << (at % 8);
        fs::write(&path, &changed).unwrap();
        prop_assert!(read_all(&path).is_err(), "changed at {}", at);
        prop_assert_eq!(Writer::resume(&path, 4, kept).is_err(), true);
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows");
    let mut writer = Writer::create(&path, 2).unwrap();
    let row = Row { cells: vec![Cell::Missing], persons: vec![] };
    let error = writer.push(&row).unwrap_err().to_string();
    assert!(error.starts_with("a row has 1 cells for 2 columns"), "{error}");
    assert!(writer.append(&Block::new(3)).is_err());
    writer.push(&Row { cells: vec![Cell::Missing, Cell::Boolean(true)], persons: vec![] }).unwrap();
    let (length, _file) = writer.mark().unwrap();
    drop(writer);
    let error = Writer::resume(&path, 2, length + 1).unwrap_err().to_string();
    assert!(error.contains("and the checkpoint counts on"), "{error}");
    assert!(Writer::create(&path, 2).is_err(), "an old file must not be written over");
}
