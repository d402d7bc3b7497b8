use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::Path;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::extract::row::{Cell, Row};
use crate::extract::staged::{Reader, Writer};
use crate::ids::SubjectId;
use crate::policy::checked::Coarser;

const K: u32 = 3;

/// A row of a test: birth year, municipality, and whose it is.
type Plain = (u32, u8, Vec<u8>);

fn person(number: u8) -> SubjectId {
    SubjectId([number.wrapping_add(1); 16])
}

fn row((year, place, persons): &Plain) -> Row {
    let cells = vec![
        Cell::Text(format!("pseudonym-{:?}", persons.first()).into()),
        Cell::Number(year.to_string().into()),
        if *place == 0 { Cell::Missing } else { Cell::Text(format!("0{place}00").into()) },
    ];
    Row { cells, persons: persons.iter().map(|number| person(*number)).collect() }
}

fn stage(work: &Path, name: &str, rows: &[Plain]) -> PathBuf {
    let path = work.join(name);
    let mut writer = Writer::create(&path, 3).unwrap();
    rows.iter().for_each(|plain| writer.push(&row(plain)).unwrap());
    writer.finish().unwrap();
    path
}

fn table(name: &str, staged: PathBuf, columns: &[usize], linked: bool, rule: Enforce) -> Table {
    let key = linked.then_some(0);
    let quasi = columns.iter().map(|column| match column {
        1 => Quasi {
            column: 1,
            name: "birth_year".into(),
            ladder: vec![
                Coarser::Step(NonZeroU32::new(5).unwrap()),
                Coarser::Step(NonZeroU32::new(10).unwrap()),
            ],
        },
        _ => Quasi {
            column: *column,
            name: "municipality".into(),
            ladder: vec![Coarser::Prefix(NonZeroU32::new(1).unwrap())],
        },
    });
    Table { name: name.into(), staged: vec![staged], columns: 3, quasi: quasi.collect(), key, rule }
}

fn settings(run_bytes: usize) -> Settings {
    Settings { run_bytes, ..Settings::new(K) }
}

fn read(path: &Path) -> Vec<Row> {
    let mut reader = Reader::open(path, 3).unwrap();
    let (mut rows, mut row) = (Vec::new(), Row::default());
    while reader.read(&mut row).unwrap() {
        rows.push(row.clone());
    }
    rows
}

/// What is slow and obvious: fewest persons of any class of any table, and of any set of a person; `None`
/// where there is no class. Rows of several persons make all of those one, and their rows are told apart by
/// the key.
fn oracle(tables: &[(Vec<Row>, Vec<usize>, bool)]) -> (Vec<Option<usize>>, Option<usize>) {
    let mut families: Vec<BTreeSet<SubjectId>> = Vec::new();
    for row in tables.iter().flat_map(|(rows, _, _)| rows) {
        let mut family: BTreeSet<SubjectId> = row.persons.iter().copied().collect();
        families.retain(|other| {
            let apart = other.is_disjoint(&family);
            if !apart {
                family.extend(other);
            }
            apart
        });
        families.push(family);
    }
    let unit = |row: &Row| {
        let first = row.persons.first()?;
        families.iter().position(|family| family.contains(first))
    };
    let key = |row: &Row, columns: &[usize]| -> Vec<Cell> {
        columns.iter().map(|column| row.cells[*column].clone()).collect()
    };
    let smallest = |classes: BTreeMap<Vec<Cell>, BTreeSet<usize>>| classes.values().map(BTreeSet::len).min();
    let by_table = tables.iter().map(|(rows, columns, _)| {
        let mut classes: BTreeMap<Vec<Cell>, BTreeSet<usize>> = BTreeMap::new();
        for row in rows.iter().filter(|_| !columns.is_empty()) {
            classes.entry(key(row, columns)).or_default().extend(unit(row));
        }
        smallest(classes)
    });
    let by_table = by_table.collect();
    type Set = BTreeSet<(usize, Vec<Cell>)>;
    let mut sets: BTreeMap<(usize, Option<Cell>), Set> = BTreeMap::new();
    for (number, (rows, columns, _)) in tables.iter().enumerate().filter(|(_, (_, _, linked))| *linked) {
        for row in rows {
            let Some(unit) = unit(row) else { continue };
            let key_of_several = (families[unit].len() > 1).then(|| row.cells[0].clone());
            let set = sets.entry((unit, key_of_several)).or_default();
            if !columns.is_empty() {
                set.insert((number, key(row, columns)));
            }
        }
    }
    let mut shared: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for ((unit, _), set) in &sets {
        shared.entry(set).or_default().insert(*unit);
    }
    let is_examined = tables.iter().any(|(_, columns, linked)| *linked && !columns.is_empty());
    (by_table, shared.values().map(BTreeSet::len).min().filter(|_| is_examined))
}

fn plain() -> impl Strategy<Value = Vec<Plain>> {
    let persons = proptest::collection::vec(0_u8..12, 0..=1);
    let family = proptest::collection::vec(0_u8..30, 2);
    let persons = proptest::prop_oneof![9 => persons, 1 => family];
    proptest::collection::vec((1980_u32..1990, 0_u8..3, persons), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn counts_are_those_of_the_obvious_way_and_what_is_enforced_holds(
        patients in plain(), visits in plain(), others in plain(), bare in plain(),
        coarsen in any::<bool>(), visits_by_year in any::<bool>(),
    ) {
        let work = tempfile::tempdir().unwrap();
        let rule = if coarsen { Enforce::Coarsen { most_suppressed: 30 } } else { Enforce::Suppress };
        let columns: &[usize] = if visits_by_year { &[1] } else { &[2] };
        let tables = [
            table("patients", stage(work.path(), "patients", &patients), &[1, 2], true, rule),
            table("visits", stage(work.path(), "visits", &visits), columns, true, Enforce::Suppress),
            table("others", stage(work.path(), "others", &others), &[2], false, Enforce::Suppress),
            table("bare", stage(work.path(), "bare", &bare), &[], true, Enforce::Suppress),
        ];
        let rows_of = |tables: &[Table]| -> Vec<(Vec<Row>, Vec<usize>, bool)> {
            tables.iter().map(|table| {
                let columns = table.quasi.iter().map(|quasi| quasi.column).collect();
                (read(&table.staged[0]), columns, table.key.is_some())
            }).collect()
        };
        let found = examine(&tables, &settings(1 << 20), work.path()).unwrap();
        let (wanted, linked) = oracle(&rows_of(&tables));
        let smallest: Vec<Option<usize>> =
            found.tables.iter().map(|table| table.smallest.map(|persons| usize::try_from(persons).unwrap())).collect();
        prop_assert_eq!(&smallest[..], &wanted[..3]);
        let found_linked = found.linked.as_ref().unwrap().smallest.map(|persons| usize::try_from(persons).unwrap());
        prop_assert_eq!(found_linked, linked);
        prop_assert_eq!(&examine(&tables, &settings(100), work.path()).unwrap(), &found, "with little memory");

        let output: Vec<PathBuf> = (0..4).map(|number| work.path().join(format!("out{number}"))).collect();
        let enforced = match enforce(&tables, &settings(200), work.path(), &output) {
            Err(ControlError::Unreachable { .. }) if coarsen => return Ok(()),
            enforced => enforced.unwrap(),
        };
        prop_assert!(enforced.after.met);
        let after: Vec<Table> = tables.iter().zip(&output)
            .map(|(table, path)| Table { staged: vec![path.clone()], ..table.clone() }).collect();
        let left = rows_of(&after);
        let (by_table, linked) = oracle(&left);
        for smallest in by_table.iter().chain([&linked]).flatten() {
            prop_assert!(*smallest >= 3, "{} of {}", smallest, K);
        }
        let suppressed: usize = tables.iter().zip(&left).map(|(table, left)| read(&table.staged[0]).len() - left.0.len()).sum();
        prop_assert_eq!(enforced.way.rows_suppressed, suppressed as u64);
        if found.met {
            prop_assert!(suppressed == 0 && enforced.way.coarser.is_empty(), "nothing to enforce");
        }
    }
}

/// Ten persons a year of birth, but one born in 1931, who also was the only one seen in Læsø.
fn small_town(work: &Path, rule: Enforce) -> [Table; 2] {
    let patients: Vec<Plain> = (0..30_u8)
        .map(|number| (1980 + u32::from(number % 3), 1, vec![number]))
        .chain([(1931, 1, vec![90])])
        .collect();
    let visits: Vec<Plain> =
        (0..30_u8).map(|number| (0, 1, vec![number])).chain([(0, 2, vec![90]), (0, 2, vec![0])]).collect();
    [
        table("patients", stage(work, "patients", &patients), &[1], true, rule),
        table("visits", stage(work, "visits", &visits), &[2], true, Enforce::Suppress),
    ]
}

#[test]
fn a_report_shows_combinations_of_quasi_identifiers_and_nothing_else() {
    let work = tempfile::tempdir().unwrap();
    let tables = small_town(work.path(), Enforce::Suppress);
    let found = examine(&tables, &settings(1 << 20), work.path()).unwrap();
    assert!(!found.met);
    let patients = &found.tables[0];
    assert_eq!((patients.rows, patients.persons, patients.combinations), (31, 31, 4));
    assert_eq!(patients.small, crate::reports::Small { combinations: 1, persons: 1, rows: 1 });
    assert_eq!(patients.rarest[0].values[0].value.as_deref(), Some("1931"));
    let visits = &found.tables[1];
    assert_eq!((visits.smallest, visits.rarest[0].values[0].value.as_deref()), (Some(2), Some("0200")));
    let linked = found.linked.as_ref().unwrap();
    // 1931 with Læsø, and somebody of 1980 with Læsø.
    assert_eq!((linked.persons, linked.small.combinations, linked.small.persons), (31, 2, 2));
    let values: Vec<_> = linked.rarest[0].values.iter().map(|value| value.table.as_str()).collect();
    assert!(values.starts_with(&["patients", "visits"]), "{values:?}");
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("pseudonym") && !json.contains("5b5b5b"), "{json}");
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 2, "only the staged rows are left");
}

#[test]
fn a_person_who_is_rare_in_one_table_stays_in_the_others_where_nothing_tells() {
    let work = tempfile::tempdir().unwrap();
    let tables = small_town(work.path(), Enforce::Suppress);
    let output = [work.path().join("a"), work.path().join("b")];
    let enforced = enforce(&tables, &settings(1 << 20), work.path(), &output).unwrap();
    // The row of 1931 and both of Læsø go; whoever was seen elsewhere too keeps that and the year.
    assert_eq!((read(&output[0]).len(), read(&output[1]).len()), (30, 30));
    assert_eq!((enforced.way.rows_suppressed, enforced.way.persons_lost), (3, 1));
}

#[test]
fn ladders_are_climbed_until_few_enough_rows_must_go() {
    let work = tempfile::tempdir().unwrap();
    let rows: Vec<Plain> = (0..20_u8).map(|number| (1980 + u32::from(number), 1, vec![number])).collect();
    let rule = Enforce::Coarsen { most_suppressed: 0 };
    let tables = [table("patients", stage(work.path(), "patients", &rows), &[1, 2], true, rule)];
    for most_nodes in [100, 5] {
        let settings = Settings { most_nodes, ..settings(1 << 20) };
        let output = [work.path().join(format!("out{most_nodes}"))];
        let enforced = enforce(&tables, &settings, work.path(), &output).unwrap();
        let coarser = enforced.way.coarser;
        assert_eq!(coarser.len(), 1, "{coarser:?}");
        assert_eq!((coarser[0].column.as_str(), coarser[0].to.as_deref()), ("birth_year", Some("step = 5")));
        assert_eq!((enforced.way.rows_suppressed, read(&output[0]).len()), (0, 20));
        assert!(read(&output[0])[7].cells[1] == Cell::Number("1985".into()));
        let ways = ways(&tables, &settings, work.path()).unwrap();
        assert!(ways[0].coarser.is_empty() && ways[0].rows_suppressed == 20, "suppression alone comes first");
        assert!(ways.iter().any(|way| way.rows_suppressed == 0 && way.coarser == coarser));
    }
    // Two persons never are three.
    let tables = [table("patients", stage(work.path(), "few", &rows[..2]), &[1], true, rule)];
    let error = enforce(&tables, &settings(1 << 20), work.path(), &[work.path().join("never")]).unwrap_err();
    assert!(
        error.to_string().starts_with("`patients` cannot reach k by its ladders with at most 0 %"),
        "{error}"
    );
}

#[test]
fn more_persons_in_common_records_than_are_told_apart_are_refused() {
    let work = tempfile::tempdir().unwrap();
    let rows: Vec<Plain> = (0..10_u8).map(|number| (1980, 1, vec![number, number + 10])).collect();
    let tables = [table("patients", stage(work.path(), "patients", &rows), &[1], true, Enforce::Suppress)];
    let found = examine(&tables, &settings(1 << 20), work.path()).unwrap();
    // A child and a guardian each: ten, not twenty.
    assert_eq!((found.counted_together, found.tables[0].smallest), (20, Some(10)));
    let settings = Settings { most_together: 19, ..settings(1 << 20) };
    let error = examine(&tables, &settings, work.path()).unwrap_err().to_string();
    assert!(error.starts_with("more than 19 persons share their record with another"), "{error}");
}
