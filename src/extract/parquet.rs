//! A table as Parquet: typed columns in row groups, for a program to read a few columns of many rows.
//!
//! Only with the cargo feature `parquet`; without it a request for it says so. What is written depends on the rows
//! alone: the same rows are the same bytes.
//!
//! | column's type | Parquet |
//! |---|---|
//! | text | BYTE_ARRAY, String |
//! | integer | INT64 |
//! | number | DOUBLE, the nearest; beside it `NAME_written`, a String: the number as it is written |
//! | boolean | BOOLEAN |
//! | date | INT32, Date |
//!
//! Every column is optional: a missing value is null.

#[cfg(feature = "parquet")]
mod reading;
#[cfg(test)]
#[cfg(feature = "parquet")]
mod tests;
#[cfg(feature = "parquet")]
mod writing;

use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "parquet")]
pub(super) use self::reading::each_key;
#[cfg(feature = "parquet")]
pub(super) use self::writing::write;
use crate::policy::checked::ColumnType;
use crate::policy::checked::extract::Table;

/// What the name of a column ends in that has numbers as they are written.
pub const WRITTEN: &str = "_written";

/// Why a table cannot be written as Parquet, or read back.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    /// Built without it.
    #[error(
        "this tavs was built without Parquet: build it with `FEATURES=parquet packaging/build.sh` (docs/operating.md), or ask for another --format"
    )]
    Without,
    /// Two columns of one name.
    #[error(
        "`{table}.{column}` has the name that Parquet's column of `{number}` as it is written has: rename it, or ask for another --format"
    )]
    Named {
        /// The table.
        table: String,
        /// A column of the policy's.
        column: String,
        /// A column of numbers.
        number: String,
    },
    /// The system refused.
    #[error("cannot {doing} `{}`: {error}", path.display())]
    Io {
        /// Read or write.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// What is written cannot be coded, or what is read is not what was written.
    #[error("`{}` cannot be coded as Parquet, or is not as it was written", path.display())]
    Coding {
        /// Which file.
        path: PathBuf,
    },
}

/// Whether tables can be written as Parquet, before anything is read for them.
///
/// # Errors
/// This tavs cannot; two columns would have one name.
pub fn can_be_written(tables: &[Table]) -> Result<(), ParquetError> {
    if !cfg!(feature = "parquet") {
        return Err(ParquetError::Without);
    }
    for table in tables {
        let numbers = table.columns.iter().filter(|column| column.column_type == ColumnType::Number);
        for number in numbers {
            let written = format!("{}{WRITTEN}", number.name);
            if table.columns.iter().any(|column| column.name == written) {
                let (table, number) = (table.name.clone(), number.name.clone());
                return Err(ParquetError::Named { table, column: written, number });
            }
        }
    }
    Ok(())
}

#[cfg(not(feature = "parquet"))]
pub(super) fn write(
    _table: &Table,
    _rows: &mut super::write::Rows,
    _file: std::fs::File,
    _path: &Path,
) -> Result<(), super::run::RunError> {
    Err(ParquetError::Without.into())
}

#[cfg(not(feature = "parquet"))]
pub(super) fn each_key(
    _path: &Path,
    _keys: &[String],
    _take: &mut dyn FnMut(&str) -> Result<(), super::bundle::BundleError>,
) -> Result<(), super::bundle::BundleError> {
    Err(ParquetError::Without.into())
}

/// Never with the library's own words, which could quote a value.
#[cfg(feature = "parquet")]
fn failed(doing: &'static str, path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> ParquetError {
    let path = path.to_owned();
    move |error| {
        let parquet::errors::ParquetError::External(error) = error else {
            return ParquetError::Coding { path };
        };
        match error.downcast::<io::Error>() {
            Ok(error) => ParquetError::Io { doing, path, error: *error },
            Err(_other) => ParquetError::Coding { path },
        }
    }
}
