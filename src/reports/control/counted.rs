//! What was counted, as plain data; its JSON is the report's.

use serde::Serialize;

/// What disclosure control found in an extract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Examined {
    /// How many persons must share each combination.
    pub k: u32,
    /// Whether all do.
    pub met: bool,
    /// Each table that has quasi-identifiers.
    pub tables: Vec<TableCounts>,
    /// All that the tables with a key say of one person, put together; `None` if no such table has
    /// quasi-identifiers.
    pub linked: Option<LinkedCounts>,
    /// Tables of which nothing was counted: they have no quasi-identifiers.
    pub not_examined: Vec<String>,
    /// Persons whose record is another's too. They are counted as one with those.
    pub counted_together: u64,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TableCounts {
    /// Its name.
    pub table: String,
    /// Its quasi-identifiers.
    pub quasi_identifiers: Vec<String>,
    /// Rows.
    pub rows: u64,
    /// Rows that are about nobody who is known; they count for nobody.
    pub rows_of_nobody: u64,
    /// Different persons.
    pub persons: u64,
    /// Combinations of quasi-identifiers.
    pub combinations: u64,
    /// How many persons share the rarest; `None` without rows.
    pub smallest: Option<u64>,
    /// Combinations that fewer than k persons share, and the rows and persons in them; who is in
    /// several counts in each.
    pub small: Small,
    /// How many combinations are shared by how many persons.
    pub sizes: Vec<Size>,
    /// The rarest combinations, the rarest first.
    pub rarest: Vec<Rare>,
}

/// What too few persons share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Small {
    /// Combinations.
    pub combinations: u64,
    /// Persons in them.
    pub persons: u64,
    /// Rows in them.
    pub rows: u64,
}

/// Combinations that are shared by so many persons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Size {
    /// The fewest persons.
    pub from: u64,
    /// The most; `None`: there is no bound.
    pub to: Option<u64>,
    /// Combinations.
    pub combinations: u64,
    /// Persons in them.
    pub persons: u64,
}

/// A rare combination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rare {
    /// Persons that share it.
    pub persons: u64,
    /// Its rows; of linked tables all rows of one of the persons.
    pub rows: u64,
    /// The values.
    pub values: Vec<Value>,
    /// Values that are left out, as there are too many to read.
    pub more_values: u64,
}

/// One value of a combination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Value {
    /// Of which table.
    pub table: String,
    /// Of which column.
    pub column: String,
    /// As it would leave; `None`: the value is missing.
    pub value: Option<String>,
}

/// The tables that a key links, person by person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LinkedCounts {
    /// The tables.
    pub tables: Vec<String>,
    /// Different persons.
    pub persons: u64,
    /// Different sets of combinations that a person has.
    pub combinations: u64,
    /// How many persons share the rarest; `None` without persons.
    pub smallest: Option<u64>,
    /// Sets that fewer than k persons share.
    pub small: Small,
    /// How many sets are shared by how many persons.
    pub sizes: Vec<Size>,
    /// The rarest sets.
    pub rarest: Vec<Rare>,
}

/// A way to reach k, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Way {
    /// Columns that become coarser; empty: rows are suppressed, and nothing else is done.
    pub coarser: Vec<Recoded>,
    /// How much of the detail of the quasi-identifiers is lost, in per cent: the mean of each column's
    /// level by the height of its ladder (Sweeney 2002).
    pub detail_lost_percent: u32,
    /// Rows that must be suppressed besides.
    pub rows_suppressed: u64,
    /// Rows in all.
    pub rows: u64,
    /// The same, table by table.
    pub tables: Vec<TableCost>,
    /// Persons of whom nothing is left in the tables with a key.
    pub persons_lost: u64,
    /// Persons in those tables.
    pub persons: u64,
}

/// A column that becomes coarser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Recoded {
    /// Of which table.
    pub table: String,
    /// Which column.
    pub column: String,
    /// The rung of its ladder, as the policy writes it; `None`: all its values are missing.
    pub to: Option<String>,
}

/// What a way costs one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TableCost {
    /// The table.
    pub table: String,
    /// Rows that must be suppressed.
    pub rows_suppressed: u64,
    /// Its rows.
    pub rows: u64,
}

/// What `--enforce` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Enforced {
    /// The way that was taken.
    pub way: Way,
    /// What was found afterwards.
    pub after: Examined,
}
