//! `[extract]`: what a policy says about files that go to a researcher.
//!
//! The rules of the routes that it names decide what leaves, as they do for responses; a table only selects from
//! what they let out.

use std::num::NonZeroU32;

use crate::policy::location::{Literal, Location};

/// `[extract]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// Indices into [`Policy::routes`](super::Policy::routes): a file is rewritten by the first whose content types
    /// hold its form.
    pub routes: Vec<usize>,
    /// How many persons must share each combination of quasi-identifiers; at least 2.
    pub k: u32,
    /// The order of what leaves.
    pub order: Order,
    /// How rows of CSV become JSON objects; `None` where no CSV is read.
    pub csv: Option<Csv>,
    /// The tables; none means that the released records themselves leave, as NDJSON.
    pub tables: Vec<Table>,
    /// Which line of the file it begins on.
    pub line: u32,
}

/// `order`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the input has it; order can identify.
    Input,
    /// By the first key column of each table.
    Pseudonym,
}

/// `[extract.csv]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Csv {
    /// Columns that become numbers of JSON; all others become strings.
    pub numbers: Vec<String>,
}

/// `[[extract.table]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Also the name of its file.
    pub name: String,
    /// What a row is; for the codebook.
    pub description: String,
    /// Where the elements stand that rows are made of, within the released document.
    pub at: Vec<Location>,
    /// Members of such an element and the values that they must have; empty: any element.
    pub when: Vec<(String, Literal)>,
    /// Within the element: one row for each node.
    pub rows: Location,
    /// What `--enforce` does where k is not met.
    pub enforce: Enforce,
    /// In the order of the file.
    pub columns: Vec<Column>,
    /// Which line of the file it begins on.
    pub line: u32,
}

impl Table {
    /// The columns that link tables by a pseudonym, by their numbers.
    pub fn keys(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(|(_, column)| column.key).map(|(number, _)| number)
    }
}

/// `enforce` and `most-suppressed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforce {
    /// Rows of a combination that too few persons share do not leave.
    Suppress,
    /// Quasi-identifiers become coarser, by their own ladders, until at most so many rows must be suppressed.
    Coarsen {
        /// Per cent of the table's rows.
        most_suppressed: u32,
    },
}

/// `[[extract.table.column]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// Where its value stands.
    pub path: Location,
    /// What the path begins at.
    pub from: From,
    /// What its values are.
    pub column_type: ColumnType,
    /// For the codebook.
    pub description: String,
    /// A pseudonym that links rows and tables, and by which they are sorted.
    pub key: bool,
    /// Others may know it about a person: k is counted over these.
    pub quasi_identifier: bool,
    /// Coarser forms, each coarser than the one before; after the last comes the missing value.
    pub coarsen: Vec<Coarser>,
    /// Which line of the file it begins on.
    pub line: u32,
}

/// `from`: what a column's path begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The node of the row.
    Row,
    /// The element that the row is made of.
    Element,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Any text; numbers, `true` and `false` as written.
    Text,
    /// A whole number, also where it was written as a string.
    Integer,
    /// A number, also where it was written as a string; kept as written.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A day, `2026-01-31`; of an instant its day, as written.
    Date,
}

impl ColumnType {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Text, Self::Integer, Self::Number, Self::Boolean, Self::Date];

    /// The word of the policy language.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
        }
    }
}

/// One rung of `coarsen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coarser {
    /// `{ step = 5 }`: an integer or a number becomes the greatest multiple that is not above it.
    Step(NonZeroU32),
    /// `{ prefix = 3 }`: a text becomes its first characters.
    Prefix(NonZeroU32),
}
