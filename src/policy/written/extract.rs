//! `[extract]`: what leaves as files, and the tables made of it.

use std::num::NonZeroU32;
use std::ops::Range;

use super::{names, shapes};
use crate::policy::checked::{Coarser, ColumnType, Csv, From, Order};
use crate::policy::codes;
use crate::policy::location::{Literal, Location};
use crate::policy::syntax::{At, Flaw, Table, Value};

/// The least and the most of k: more than the most is a slip of the pen.
const K: std::ops::RangeInclusive<u64> = 2..=1000;
/// The steps and lengths of `coarsen`.
const RUNG: std::ops::RangeInclusive<u64> = 1..=1_000_000;

/// `[extract]`.
#[derive(Debug)]
pub(crate) struct Extract {
    pub(crate) header: Range<usize>,
    pub(crate) routes: Vec<At<String>>,
    pub(crate) k: Option<At<u64>>,
    pub(crate) order: Option<At<Order>>,
    pub(crate) csv: Option<Csv>,
    pub(crate) tables: Vec<OneTable>,
}

/// `[[extract.table]]`.
#[derive(Debug)]
pub(crate) struct OneTable {
    pub(crate) header: Range<usize>,
    pub(crate) name: Option<At<String>>,
    pub(crate) description: Option<At<String>>,
    pub(crate) at: Vec<Location>,
    pub(crate) when: Vec<(String, Literal)>,
    pub(crate) rows: Option<At<Location>>,
    pub(crate) enforce: Option<At<Enforcing>>,
    pub(crate) most_suppressed: Option<At<u32>>,
    pub(crate) columns: Vec<Column>,
}

/// `enforce`, without its option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enforcing {
    Suppress,
    Coarsen,
}

/// `[[extract.table.column]]`.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) header: Range<usize>,
    pub(crate) name: Option<At<String>>,
    pub(crate) path: Option<At<Location>>,
    pub(crate) from: Option<At<From>>,
    pub(crate) column_type: Option<At<ColumnType>>,
    pub(crate) description: Option<At<String>>,
    pub(crate) key: Option<At<bool>>,
    pub(crate) quasi_identifier: Option<At<bool>>,
    /// Whether a ladder is written, readable or not.
    pub(crate) has_coarsen: bool,
    pub(crate) coarsen: Vec<At<Coarser>>,
}

pub(super) fn read(root: &mut Table<'_>) -> Option<Extract> {
    let mut table = root.optional_table("extract")?;
    let header = table.span();
    let routes = table.required("routes", "[\"export\"]");
    if let Some(list) = routes.as_ref().filter(|list| list.raw().as_array().is_some_and(|all| all.is_empty()))
    {
        let help = Some(String::from("such as `[\"export\"]`"));
        list.fault(&codes::BAD_VALUE, "`routes` is empty", "no rules, so nothing would leave", help);
    }
    let routes = routes.map(|list| list.strings()).unwrap_or_default();
    let extract = Extract {
        routes,
        k: table.optional_integer("k", K),
        order: table.optional_word("order", &[("input", Order::Input), ("pseudonym", Order::Pseudonym)], &[]),
        csv: table.optional_table("csv").map(csv),
        tables: table.tables("table").into_iter().map(one_table).collect(),
        header,
    };
    table.finish();
    Some(extract)
}

fn csv(mut table: Table<'_>) -> Csv {
    let numbers = table.strings("numbers").into_iter().map(|name| name.value).collect();
    table.finish();
    Csv { numbers }
}

fn one_table(mut table: Table<'_>) -> OneTable {
    let header = table.span();
    let name = table.required("name", "\"observations\"");
    let enforce = table.optional_word(
        "enforce",
        &[("suppress", Enforcing::Suppress), ("coarsen", Enforcing::Coarsen)],
        &[],
    );
    // Only what coarsens stops at some share.
    let coarsens = enforce.as_ref().is_some_and(|one| one.value == Enforcing::Coarsen);
    let most_suppressed = if coarsens { table.required("most-suppressed", "\"5 %\"") } else { None };
    let rows = table.optional("rows");
    let one = OneTable {
        name: name.and_then(|name| name.parsed(&codes::BAD_VALUE, names::name)),
        description: table.required_str("description", "\"One row for each measured value\""),
        at: shapes::places(&mut table),
        when: table.optional("when").map(|when| shapes::conditions(&when)).unwrap_or_default(),
        rows: rows.and_then(|text| text.parsed(&codes::BAD_LOCATION, names::location)),
        enforce,
        most_suppressed: most_suppressed.and_then(|text| text.parsed(&codes::BAD_VALUE, per_cent)),
        columns: table.required_tables("column", "name = \"patient\"").into_iter().map(column).collect(),
        header,
    };
    table.finish();
    one
}

fn column(mut table: Table<'_>) -> Column {
    let header = table.span();
    let name = table.required("name", "\"patient\"");
    let path = table.required("path", "\"$.subject.reference\"");
    let types = ColumnType::ALL.map(|one| (one.word(), one));
    let rungs = table.optional("coarsen").map(|list| list.elements("a list of steps")).unwrap_or_default();
    let column = Column {
        name: name.and_then(|name| name.parsed(&codes::BAD_VALUE, names::word)),
        path: path.and_then(|path| path.parsed(&codes::BAD_LOCATION, names::location)),
        from: table.optional_word("from", &[("row", From::Row), ("element", From::Element)], &[]),
        column_type: table.required_word("type", &types, &[]),
        description: table.required_str("description", "\"Pseudonym of the patient\""),
        key: table.optional_bool("key"),
        quasi_identifier: table.optional_bool("quasi-identifier"),
        has_coarsen: table.has("coarsen"),
        coarsen: rungs.iter().filter_map(rung).collect(),
        header,
    };
    table.finish();
    column
}

/// `{ step = 5 }` or `{ prefix = 3 }`.
fn rung(value: &Value<'_>) -> Option<At<Coarser>> {
    let mut table = value.table()?;
    let (step, prefix) = (table.optional_integer("step", RUNG), table.optional_integer("prefix", RUNG));
    table.finish();
    let number = |at: At<u64>| u32::try_from(at.value).ok().and_then(NonZeroU32::new);
    let rung = match (step, prefix) {
        (Some(step), None) => number(step).map(Coarser::Step),
        (None, Some(prefix)) => number(prefix).map(Coarser::Prefix),
        (None, None) | (Some(_), Some(_)) => {
            let help = Some(String::from("write `{ step = 5 }` or `{ prefix = 3 }`"));
            value.fault(&codes::BAD_VALUE, "a rung is coarser in one way", "one of the two", help);
            None
        }
    };
    rung.map(|rung| At::new(rung, value.span()))
}

/// `"5 %"`.
fn per_cent(text: &str) -> Result<u32, Flaw> {
    let number = text.strip_suffix('%').map(str::trim_end).and_then(|number| number.parse().ok());
    number.filter(|number| *number <= 100).ok_or_else(|| {
        Flaw::new(format!("`{text}` is no share"), "write a whole number from 0 to 100, such as `\"5 %\"`")
    })
}
