//! What a reader asks of a file, written down while it reads: the language as the reader knows it, from which the
//! schema for editors is made.

use std::collections::{BTreeMap, BTreeSet};

/// What a value may be, as the reader asks for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A text.
    Text,
    /// A day.
    Date,
    /// `true` or `false`.
    Boolean,
    /// A whole number, from and to.
    Integer(u64, u64),
    /// A number, whole or with decimals.
    Number,
    /// One of these words.
    Word(Vec<&'static str>),
    /// A list; its elements are at `[]` below it.
    List,
    /// A table; its members are below it, by name, or at `*` if names are free.
    Table,
}

/// One look at a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The names that were asked for, in order, and whether each must be there. None: names are free.
    pub asked: Vec<(&'static str, bool)>,
    /// The names that stand in it.
    pub present: BTreeSet<String>,
}

/// All questions about the values at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// What it may be.
    pub kinds: BTreeSet<Kind>,
    /// The looks at it, if it is a table.
    pub visits: Vec<Visit>,
}

/// All questions about one file, by place: `route/[]/name`.
pub type Trace = BTreeMap<String, Asked>;
