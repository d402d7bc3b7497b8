//! Rows into row groups.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, date};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError as Fault, Result as Coded};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{WRITTEN, failed};
use crate::extract::row::{Cell, Row};
use crate::extract::run::RunError;
use crate::extract::write::Rows;
use crate::policy::checked::ColumnType;
use crate::policy::checked::extract::Table;

/// Bytes of values after which a row group ends: what is held in memory, about; large enough that a reader skips
/// through a file in few steps.
const GROUP_BYTES: usize = 32 << 20;
/// Bytes that a value takes in memory beside its text.
const VALUE_BYTES: usize = 40;

/// Writes the rows of a table. Synced.
pub(in crate::extract) fn write(
    table: &Table,
    rows: &mut Rows,
    file: File,
    path: &Path,
) -> Result<(), RunError> {
    in_groups(table, rows, (file, path), GROUP_BYTES)
}

pub(super) fn in_groups(
    table: &Table,
    rows: &mut Rows,
    (file, path): (File, &Path),
    group_bytes: usize,
) -> Result<(), RunError> {
    let coding = || failed("write", path);
    let mut columns = columns(table);
    let schema = schema(table, &columns).map_err(coding())?;
    let properties = Arc::new(properties(table).map_err(coding())?);
    let mut writer = SerializedFileWriter::new(file, schema, properties).map_err(coding())?;
    let (mut row, mut held) = (Row::default(), 0_usize);
    while rows.read(&mut row)? {
        for column in &mut columns {
            held = held.saturating_add(column.push(row.cells.get(column.cell).unwrap_or(&Cell::Missing)));
        }
        if held >= group_bytes {
            group(&mut writer, &mut columns).map_err(coding())?;
            held = 0;
        }
    }
    if held > 0 {
        group(&mut writer, &mut columns).map_err(coding())?;
    }
    writer.finish().map_err(coding())?;
    writer.inner().sync_all().map_err(|error| failed("sync", path)(Fault::External(Box::new(error))))?;
    Ok(())
}

/// Ends a row group with what the columns hold.
fn group(writer: &mut SerializedFileWriter<File>, columns: &mut [Column]) -> Coded<()> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let to = group.next_column()?.ok_or_else(|| Fault::General(String::new()))?;
        column.write(to)?;
    }
    group.close().map(|_metadata| ())
}

/// A column of the file, and its values since the last row group.
struct Column {
    name: String,
    description: String,
    /// Which of a row's cells.
    cell: usize,
    values: Values,
    /// Of each row: 1 where there is a value.
    present: Vec<i16>,
}

/// Values of a kind, the missing ones left out.
enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Date(Vec<i32>),
}

fn columns(table: &Table) -> Vec<Column> {
    let mut all = Vec::new();
    for (cell, column) in table.columns.iter().enumerate() {
        let mut add = |name: String, description: String, values| {
            all.push(Column { name, description, cell, values, present: Vec::new() });
        };
        let (name, description) = (column.name.clone(), column.description.clone());
        match column.column_type {
            ColumnType::Text => add(name, description, Values::Text(Vec::new())),
            ColumnType::Integer => add(name, description, Values::Integer(Vec::new())),
            ColumnType::Number => {
                let written = format!("{name}{WRITTEN}");
                add(name, description.clone(), Values::Double(Vec::new()));
                add(written, format!("{description}, as it is written"), Values::Text(Vec::new()));
            }
            ColumnType::Boolean => add(name, description, Values::Boolean(Vec::new())),
            ColumnType::Date => add(name, description, Values::Date(Vec::new())),
        }
    }
    all
}

fn schema(table: &Table, columns: &[Column]) -> Coded<TypePtr> {
    let fields = columns.iter().map(|column| {
        let (physical, logical) = match column.values {
            Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Integer(_) => (Physical::INT64, None),
            Values::Double(_) => (Physical::DOUBLE, None),
            Values::Boolean(_) => (Physical::BOOLEAN, None),
            Values::Date(_) => (Physical::INT32, Some(LogicalType::Date)),
        };
        let field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        field.build().map(Arc::new)
    });
    let fields = fields.collect::<Coded<Vec<_>>>()?;
    Type::group_type_builder(&table.name).with_fields(fields).build().map(Arc::new)
}

/// The descriptions are the file's own metadata: `description` of the table, `description.NAME` of a column.
fn properties(table: &Table) -> Coded<WriterProperties> {
    let columns = columns(table);
    let of_columns = columns
        .iter()
        .map(|column| KeyValue::new(format!("description.{}", column.name), column.description.clone()));
    let all =
        [KeyValue::new("description".to_owned(), table.description.clone())].into_iter().chain(of_columns);
    Ok(WriterProperties::builder()
        .set_created_by(concat!("tavs ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_key_value_metadata(Some(all.collect()))
        .build())
}

impl Column {
    /// Takes a value over; gives what it takes in memory, about.
    fn push(&mut self, cell: &Cell) -> usize {
        let before = self.values.len();
        self.values.push(cell);
        self.present.push(i16::from(self.values.len() > before));
        match cell {
            Cell::Text(text) | Cell::Number(text) => text.len().saturating_add(VALUE_BYTES),
            Cell::Missing | Cell::Boolean(_) => VALUE_BYTES,
        }
    }

    /// Hands over what it holds, and holds nothing then.
    fn write(&mut self, mut to: SerializedColumnWriter<'_>) -> Coded<()> {
        let present = Some(self.present.as_slice());
        match &mut self.values {
            Values::Text(values) => {
                to.typed::<ByteArrayType>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Integer(values) => {
                to.typed::<Int64Type>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Double(values) => {
                to.typed::<DoubleType>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Boolean(values) => {
                to.typed::<BoolType>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Date(values) => {
                to.typed::<Int32Type>().write_batch(values, present, None)?;
                values.clear();
            }
        }
        self.present.clear();
        to.close()
    }
}

impl Values {
    const fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::Date(values) => values.len(),
        }
    }

    /// A value that is none of the column's type is missing, and there is none: rows were selected by type.
    fn push(&mut self, cell: &Cell) {
        match (self, cell) {
            (Self::Text(values), Cell::Text(text) | Cell::Number(text)) => {
                values.push(ByteArray::from(text.as_bytes().to_vec()));
            }
            (Self::Integer(values), Cell::Number(text)) => values.extend(text.parse::<i64>().ok()),
            // Beyond what a double holds there is none that is near.
            (Self::Double(values), Cell::Number(text)) => {
                values.extend(text.parse::<f64>().ok().filter(|value| value.is_finite()));
            }
            (Self::Boolean(values), Cell::Boolean(is)) => values.push(*is),
            (Self::Date(values), Cell::Text(text)) => values.extend(days(text)),
            (
                Self::Text(_) | Self::Integer(_) | Self::Double(_) | Self::Boolean(_) | Self::Date(_),
                Cell::Missing | Cell::Boolean(_) | Cell::Number(_) | Cell::Text(_),
            ) => {}
        }
    }
}

/// Days since 1970-01-01.
fn days(text: &str) -> Option<i32> {
    const EPOCH: Date = date(1970, 1, 1);
    let day: Date = text.parse().ok()?;
    Some(day.since(EPOCH).ok()?.get_days())
}
