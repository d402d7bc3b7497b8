//! One row of a table of an extract, as the rewriter released it, and whose data it is.

use std::fmt;

use crate::ids::SubjectId;

/// One value of a column.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cell {
    /// Not in the released record, or `null`.
    Missing,
    /// `true` or `false`.
    Boolean(bool),
    /// A number as it is written (RFC 8259 section 6), so that no digit is lost.
    Number(Box<str>),
    /// A text, without escapes.
    Text(Box<str>),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Row {
    /// A cell for each column of the table, in its order.
    pub cells: Vec<Cell>,
    /// Whom the record of the row is about. Disclosure control counts them; they never leave.
    pub persons: Vec<SubjectId>,
}

/// SECURITY: a row holds personal data, and must not reach a log or a panic by its `Debug`.
impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::Boolean(_) => "Boolean(…)",
            Self::Number(_) => "Number(…)",
            Self::Text(_) => "Text(…)",
        })
    }
}
