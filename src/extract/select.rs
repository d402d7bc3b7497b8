//! Rows of the policy's tables, selected from what the rewriter released.

use jiff::civil::Date;

use super::asked::Asked;
use super::row::{Cell, Row};
use super::staged::{Block, StagedError};
use super::tree::{Node, Value, unescaped};
use crate::policy::checked::ColumnType;
use crate::policy::checked::extract::{Column, From, Table};
use crate::policy::location::{Location, Step};
use crate::rewrite::RecordAt;

/// The policy's tables, and what they ask of documents.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    pub(super) tables: &'a [Table],
    asked: Asked,
}

impl<'a> Selection<'a> {
    pub(super) fn of(tables: &'a [Table]) -> Self {
        Self { tables, asked: Asked::of(tables) }
    }

    /// The same, with everything in a document asked for.
    #[cfg(test)]
    pub(super) fn of_all(tables: &'a [Table]) -> Self {
        let mut asked = Asked::default();
        asked.lead_to(&vec![Step::Wildcard; 16]);
        Self { tables, asked }
    }
}

/// What was selected of a piece of input.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// Coded rows, by the table's number.
    pub(super) blocks: Vec<Block>,
    /// By table and column.
    pub(super) cells: Vec<Vec<CellCounts>>,
    /// Rows, by the table's number.
    pub(super) rows: Vec<u64>,
}

/// What became of the values of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CellCounts {
    /// Values that are none of the column's type: missing.
    pub unfit: u64,
    /// Values beyond the first of a row: they do not leave.
    pub further: u64,
}

impl CellCounts {
    /// Adds those of another piece.
    pub(super) fn add(&mut self, other: Self) {
        self.unfit = self.unfit.saturating_add(other.unfit);
        self.further = self.further.saturating_add(other.further);
    }
}

impl Selected {
    pub(super) fn new(tables: &[Table]) -> Self {
        Self {
            blocks: tables.iter().map(|table| Block::new(table.columns.len())).collect(),
            cells: tables.iter().map(|table| vec![CellCounts::default(); table.columns.len()]).collect(),
            rows: vec![0; tables.len()],
        }
    }

    /// Selects from one released document, which stands at `start..end` of `text`. `records` are those of
    /// `text`, in their order. `parted`: the names on the way to its array of records, where the document is
    /// one of the parts of a larger one; what stands around the records is in each, and no row can be made of it.
    pub(super) fn document(
        &mut self,
        selection: &Selection<'_>,
        (text, start, end): (&str, usize, usize),
        (records, parted): (&[RecordAt], Option<&[String]>),
    ) -> Result<(), SelectError> {
        let root =
            Node::read(text, &selection.asked, start, end).map_err(|_no_json| SelectError::Released)?;
        for (number, table) in selection.tables.iter().enumerate() {
            let mut failed = None;
            for at in &table.at {
                let is_around = parted.is_some_and(|path| !is_of_any_record(at, path));
                root.at(at, |element| {
                    let meant = table
                        .when
                        .iter()
                        .all(|(name, literal)| element.member(name).is_some_and(|member| member.is(literal)));
                    if meant && failed.is_none() {
                        failed = if is_around {
                            Some(SelectError::Around)
                        } else {
                            self.element(number, table, element, records).err().map(SelectError::from)
                        };
                    }
                });
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }

    fn element(
        &mut self,
        number: usize,
        table: &Table,
        element: &Node<'_>,
        records: &[RecordAt],
    ) -> Result<(), StagedError> {
        let persons = persons(element, records);
        let mut failed = None;
        element.at(&table.rows, |node| {
            let mut row = Row { cells: Vec::with_capacity(table.columns.len()), persons: persons.clone() };
            for (at, column) in table.columns.iter().enumerate() {
                let root = match column.from {
                    From::Row => node,
                    From::Element => element,
                };
                let (cell, counts) = cell(column, root);
                row.cells.push(cell);
                if let Some(own) = self.cells.get_mut(number).and_then(|own| own.get_mut(at)) {
                    own.add(counts);
                }
            }
            if let Some(count) = self.rows.get_mut(number) {
                *count = count.saturating_add(1);
            }
            if let Some(block) = self.blocks.get_mut(number).filter(|_| failed.is_none()) {
                failed = block.push(&row).err();
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// Why nothing can be selected of a document.
#[derive(Debug, thiserror::Error)]
pub(super) enum SelectError {
    /// The rewriter wrote no JSON: a fault of tavs.
    #[error("what was released cannot be read again: report this")]
    Released,
    /// Of a document in parts: a row would be of what stands around its records.
    #[error("a row would be made of what stands around the records")]
    Around,
    /// A row that is too large.
    #[error(transparent)]
    Staged(#[from] StagedError),
}

/// Whether a location is within an element of the array of records, whichever.
fn is_of_any_record(at: &Location, path: &[String]) -> bool {
    let (names, below) = at.steps.split_at(path.len().min(at.steps.len()));
    let leads_there = names.len() == path.len()
        && names.iter().zip(path).all(|(step, own)| matches!(step, Step::Name(name) if name == own));
    leads_there && matches!(below.first(), Some(Step::Wildcard | Step::Filter(_)))
}

/// Whose data an element is: of every record that it is a part of, or that is a part of it.
fn persons(element: &Node<'_>, records: &[RecordAt]) -> Vec<crate::ids::SubjectId> {
    // Records are in the order of their ends, and only the document around them can hold another.
    let first = records.partition_point(|record| record.place.end <= element.place.start);
    let around = records.get(first..).unwrap_or_default();
    let meets = |record: &&RecordAt| record.place.start < element.place.end;
    let document = around.last().filter(meets);
    let inner = around.iter().take_while(meets).chain(document);
    let mut persons: Vec<_> = inner.flat_map(|record| &record.subjects).copied().collect();
    persons.sort_unstable();
    persons.dedup();
    persons
}

/// The first value at a column's path that is none of `null`.
fn cell(column: &Column, root: &Node<'_>) -> (Cell, CellCounts) {
    let mut cell = Cell::Missing;
    let mut counts = CellCounts::default();
    root.at(&column.path, |node| {
        if matches!(node.value, Value::Null) {
            return;
        }
        if cell != Cell::Missing {
            counts.further = counts.further.saturating_add(1);
            return;
        }
        match of_type(column.column_type, &node.value) {
            Some(Cell::Text(text)) if column.key => cell = Cell::Text(pseudonym(&text).into()),
            Some(value) => cell = value,
            None => counts.unfit = counts.unfit.saturating_add(1),
        }
    });
    (cell, counts)
}

/// The pseudonym in a key: `Patient/tvk1-…` is joined with the `tvk1-…` that the patient has for an id.
fn pseudonym(text: &str) -> &str {
    text.rsplit_once('/').map_or(text, |(_, behind)| behind)
}

/// The value as one of the type, if it is one.
fn of_type(column_type: ColumnType, value: &Value<'_>) -> Option<Cell> {
    match (column_type, value) {
        (ColumnType::Text, Value::String(content)) => Some(Cell::Text(unescaped(content).into())),
        (ColumnType::Text, Value::Number(written)) => Some(Cell::Text((*written).into())),
        (ColumnType::Text, Value::Bool(true)) => Some(Cell::Text("true".into())),
        (ColumnType::Text, Value::Bool(false)) => Some(Cell::Text("false".into())),
        (ColumnType::Integer, Value::Number(text) | Value::String(text)) => {
            is_integer(text).then(|| Cell::Number((*text).into()))
        }
        (ColumnType::Number, Value::Number(text)) => Some(Cell::Number((*text).into())),
        (ColumnType::Number, Value::String(text)) => {
            crate::json::is_number(text).then(|| Cell::Number((*text).into()))
        }
        (ColumnType::Boolean, Value::Bool(is)) => Some(Cell::Boolean(*is)),
        (ColumnType::Date, Value::String(text)) => day(text).map(|day| Cell::Text(day.into())),
        (_, _) => None,
    }
}

/// Whole, as RFC 8259 writes it, and within 64 bits: what Parquet, R and Stata take for one.
fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

/// The day of a date or an instant, as it is written there.
fn day(text: &str) -> Option<&str> {
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    let is_day = day.as_bytes().get(4) == Some(&b'-') && day.parse::<Date>().is_ok();
    (is_day && (rest.is_empty() || rest.starts_with('T'))).then_some(day)
}
