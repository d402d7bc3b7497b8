//! What a pass counted, as the report has it.

use super::classes::{Class, Counted, Levels, TableCounted, class_of, count};
use super::coarse::at_level;
use super::persons::Set;
use super::reduced::Reduced;
use super::tally::Group;
use super::{ControlError, Settings, Table};
use crate::extract::row::Cell;
use crate::reports::{Examined, LinkedCounts, Rare, TableCounts, Value};

pub(super) fn examine(
    reduced: &Reduced<'_>,
    levels: &Levels,
    settings: &Settings,
) -> Result<Examined, ControlError> {
    let counted = count(reduced, levels, settings)?;
    let mut wanted = Wanted::of(&counted, reduced.tables.len());
    wanted.look_up(reduced, levels)?;
    let tables: Vec<TableCounts> = reduced
        .tables
        .iter()
        .zip(&counted.tables)
        .enumerate()
        .filter(|(_, (table, _))| !table.quasi.is_empty())
        .map(|(number, (table, counts))| table_counts(number, table, counts, &wanted))
        .collect();
    let links = || reduced.tables.iter().filter(|table| table.key.is_some());
    let linked = links().any(|table| !table.quasi.is_empty()).then(|| LinkedCounts {
        tables: links().map(|table| table.name.clone()).collect(),
        persons: counted.persons,
        combinations: counted.linked.classes,
        smallest: counted.linked.smallest,
        small: counted.linked.small,
        sizes: counted.linked.sizes(),
        rarest: counted.rarest.iter().map(|(group, shown)| set(group, shown, &wanted)).collect(),
    });
    let met = tables.iter().all(|table| table.small.combinations == 0)
        && linked.as_ref().is_none_or(|linked| linked.small.combinations == 0);
    let not_examined = reduced.tables.iter().filter(|table| table.quasi.is_empty());
    Ok(Examined {
        k: settings.k,
        met,
        tables,
        linked,
        not_examined: not_examined.map(|table| table.name.clone()).collect(),
        counted_together: reduced.together,
    })
}

fn table_counts(number: usize, table: &Table, counts: &TableCounted, wanted: &Wanted) -> TableCounts {
    let rare = |group: &Group| Rare {
        persons: group.persons,
        rows: group.rows,
        values: wanted.values(number, &group.class),
        more_values: 0,
    };
    TableCounts {
        table: table.name.clone(),
        quasi_identifiers: table.quasi.iter().map(|quasi| quasi.name.clone()).collect(),
        rows: counts.rows,
        rows_of_nobody: counts.of_nobody,
        persons: counts.persons,
        combinations: counts.tally.classes,
        smallest: counts.tally.smallest,
        small: counts.tally.small,
        sizes: counts.tally.sizes(),
        rarest: counts.rarest.iter().map(rare).collect(),
    }
}

fn set(group: &Group, shown: &Set, wanted: &Wanted) -> Rare {
    let values = shown.first.iter().flat_map(|(table, class)| wanted.values(*table, class)).collect();
    Rare { persons: group.persons, rows: group.rows, values, more_values: shown.more }
}

/// Classes whose values a report shows, and the values once they are found.
struct Wanted {
    tables: Vec<Vec<(Class, Vec<Value>)>>,
}

impl Wanted {
    fn of(counted: &Counted, tables: usize) -> Self {
        let mut wanted = Self { tables: vec![Vec::new(); tables] };
        for (number, table) in counted.tables.iter().enumerate() {
            table.rarest.iter().for_each(|group| wanted.add(number, group.class));
        }
        for (table, class) in counted.rarest.iter().flat_map(|(_, set)| &set.first) {
            wanted.add(*table, *class);
        }
        wanted
    }

    fn add(&mut self, table: usize, class: Class) {
        if let Some(classes) = self.tables.get_mut(table)
            && !classes.iter().any(|(known, _)| *known == class)
        {
            classes.push((class, Vec::new()));
        }
    }

    /// Reads the rows until each class has been met: a class is a hash, and its values stand only there.
    fn look_up(&mut self, reduced: &Reduced<'_>, levels: &Levels) -> Result<(), ControlError> {
        let mut coded = Vec::new();
        for (number, table) in reduced.tables.iter().enumerate() {
            let Some(classes) = self.tables.get_mut(number).filter(|classes| !classes.is_empty()) else {
                continue;
            };
            reduced.each(number, |cells, _owner| {
                let class = class_of(cells, table, levels.of(number), &mut coded);
                let found = classes.iter_mut().find(|(wanted, values)| *wanted == class && values.is_empty());
                if let Some((_, values)) = found {
                    *values = shown(table, cells, levels.of(number));
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn values(&self, table: usize, class: &Class) -> Vec<Value> {
        let classes = self.tables.get(table).into_iter().flatten();
        classes.filter(|(wanted, _)| wanted == class).flat_map(|(_, values)| values.clone()).collect()
    }
}

fn shown(table: &Table, cells: &[Cell], levels: &[usize]) -> Vec<Value> {
    let columns = cells.iter().zip(&table.quasi).zip(levels);
    columns
        .map(|((cell, quasi), level)| Value {
            table: table.name.clone(),
            column: quasi.name.clone(),
            value: match at_level(cell, &quasi.ladder, *level) {
                Cell::Missing => None,
                Cell::Boolean(is) => Some(is.to_string()),
                Cell::Number(text) | Cell::Text(text) => Some(text.into()),
            },
        })
        .collect()
}
