//! The codebook: what each column is, where its values come from, and what was done to them.

use serde::{Deserialize, Serialize};

use super::BundleError;
use crate::extract::parquet::WRITTEN;
use crate::extract::write::Counted;
use crate::policy::checked::extract::{Column, Extract, From, Table};
use crate::policy::checked::{ColumnType, Policy};
use crate::policy::{sources, words};
use crate::reports::Recoded;

/// What all tables are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Codebook {
    /// In the order of the policy.
    pub tables: Vec<CodedTable>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CodedTable {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What a row is.
    pub description: String,
    /// How many rows there are.
    pub rows: u64,
    /// Its columns, in their order.
    pub columns: Vec<CodedColumn>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CodedColumn {
    /// Its name.
    pub name: String,
    /// `text`, `integer`, `number`, `boolean` or `date`.
    #[serde(rename = "type")]
    pub column_type: String,
    /// What it is.
    pub description: String,
    /// Where the values stand in the source's documents.
    pub source: String,
    /// What the policy does to them, in its own words.
    pub action: String,
    /// The rung that disclosure control took it to, or `missing`.
    pub coarser: Option<String>,
    /// Whether it is a pseudonym that links rows and tables.
    pub key: bool,
    /// Whether k was counted over it.
    pub quasi_identifier: bool,
    /// Rows in which it has no value.
    pub missing: u64,
}

impl Codebook {
    /// Of a policy's tables: `written` are the names of their files, with what was counted of the rows in them;
    /// `coarser` is what disclosure control did.
    pub fn of<'a>(
        policy: &Policy,
        extract: &Extract,
        written: impl IntoIterator<Item = (&'a str, &'a Counted)>,
        coarser: &[Recoded],
    ) -> Self {
        let mut tables = Vec::new();
        for (table, (file, counted)) in extract.tables.iter().zip(written) {
            let columns = table.columns.iter().zip(&counted.missing).map(|(column, missing)| {
                let recoded = coarser.iter().find(|one| one.table == table.name && one.column == column.name);
                CodedColumn {
                    coarser: recoded.map(|one| one.to.clone().unwrap_or_else(|| "missing".to_owned())),
                    missing: *missing,
                    ..CodedColumn::of(policy, extract, table, column)
                }
            });
            tables.push(CodedTable {
                name: table.name.clone(),
                file: file.to_owned(),
                description: table.description.clone(),
                rows: counted.rows,
                columns: columns.collect(),
            });
        }
        Self { tables }
    }

    /// With the columns that Parquet has besides: each number as it is written.
    #[must_use]
    pub fn with_written(mut self) -> Self {
        for table in &mut self.tables {
            let columns = std::mem::take(&mut table.columns).into_iter().flat_map(|column| {
                let written = (column.column_type == ColumnType::Number.word()).then(|| CodedColumn {
                    name: format!("{}{WRITTEN}", column.name),
                    column_type: ColumnType::Text.word().to_owned(),
                    description: format!("{}, as it is written", column.description),
                    ..column.clone()
                });
                [column].into_iter().chain(written)
            });
            table.columns = columns.collect();
        }
        self
    }

    pub(super) fn json(&self) -> Result<String, BundleError> {
        let json = serde_json::to_string_pretty(self).map_err(|_never| BundleError::Coding)?;
        Ok(json + "\n")
    }

    /// One row a column, for a spreadsheet (RFC 4180).
    pub(super) fn csv(&self) -> Result<Vec<u8>, BundleError> {
        let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let mut row = |cells: [&str; 12]| csv.write_record(cells).map_err(|_never| BundleError::Coding);
        row([
            "table",
            "column",
            "type",
            "description",
            "source",
            "action",
            "coarser",
            "key",
            "quasi-identifier",
            "missing",
            "rows",
            "file",
        ])?;
        let yes = |is: bool| if is { "yes" } else { "no" };
        for table in &self.tables {
            for column in &table.columns {
                row([
                    &table.name,
                    &column.name,
                    &column.column_type,
                    &column.description,
                    &column.source,
                    &column.action,
                    column.coarser.as_deref().unwrap_or_default(),
                    yes(column.key),
                    yes(column.quasi_identifier),
                    &column.missing.to_string(),
                    &table.rows.to_string(),
                    &table.file,
                ])?;
            }
        }
        csv.into_inner().map_err(|_never| BundleError::Coding)
    }
}

impl CodedColumn {
    fn of(policy: &Policy, extract: &Extract, table: &Table, column: &Column) -> Self {
        let below = match column.from {
            From::Row => table.rows.join(&column.path),
            From::Element => column.path.clone(),
        };
        let places: Vec<String> = table.at.iter().map(|at| at.join(&below).to_string()).collect();
        let mut actions: Vec<String> = sources::of_column(policy, extract, table, column)
            .iter()
            .map(|source| words::form(&source.rule.action))
            .collect();
        actions.sort();
        actions.dedup();
        Self {
            name: column.name.clone(),
            column_type: column.column_type.word().to_owned(),
            description: column.description.clone(),
            source: places.join("; "),
            action: actions.join("; "),
            coarser: None,
            key: column.key,
            quasi_identifier: column.quasi_identifier,
            missing: 0,
        }
    }
}
