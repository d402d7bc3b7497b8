//! `[extract]`: what leaves as files. A table selects from what the routes' rules let out, and those are compared
//! by themselves; here it is what is selected, and how it is kept from telling of one person.

use super::{Direction, Pair, Topic, more_is_wider};
use crate::policy::checked::extract::{Column, Csv, Enforce, Extract, From, Order, Table};
use crate::policy::checked::{Coarser, Policy};
use crate::policy::location::Location;

use Direction::{Narrower, Neutral, Unclear, Wider};

pub(super) fn compare(pair: &mut Pair<'_>, old: Option<&Extract>, new: Option<&Extract>) {
    match (old, new) {
        (None, None) => {}
        (None, Some(new)) => {
            let words = "extracts to files are allowed".to_owned();
            pair.only_new(Topic::Extract, Wider, words, Some(new.line));
        }
        (Some(old), None) => {
            let words = "extracts to files are not allowed any more".to_owned();
            pair.only_old(Topic::Extract, Narrower, words, Some(old.line));
        }
        (Some(old), Some(new)) => both(pair, old, new),
    }
}

fn both(pair: &mut Pair<'_>, old: &Extract, new: &Extract) {
    // Which line it begins on says nothing.
    let Extract { routes: _, k, order, csv, tables, line: _ } = new;
    routes(pair, old, new);
    let to = |k: u32| k.to_string();
    pair.words(Topic::Extract, "k of extracts", &to(old.k), &to(*k), || more_is_wider(&old.k, k).reversed());
    pair.words(Topic::Extract, "the order of extracts", order_word(old.order), order_word(*order), || {
        match order {
            // The order of the input can identify.
            Order::Input => Wider,
            Order::Pseudonym => Narrower,
        }
    });
    let csv_words = |csv: &Option<Csv>| match csv {
        None => "not read".to_owned(),
        Some(Csv { numbers }) => format!("read, with the numbers {}", numbers.join(", ")),
    };
    pair.words(Topic::Extract, "CSV in extracts", &csv_words(&old.csv), &csv_words(csv), || {
        if csv.is_none() { Narrower } else { Unclear }
    });
    match (old.tables.is_empty(), tables.is_empty()) {
        (true, false) => {
            let words = "extracts are tables instead of whole records".to_owned();
            pair.changed(Topic::Extract, Narrower, words);
        }
        (false, true) => {
            let words = "extracts are whole records instead of tables".to_owned();
            pair.changed(Topic::Extract, Wider, words);
        }
        (true, true) | (false, false) => all_tables(pair, &old.tables, tables),
    }
}

fn routes(pair: &mut Pair<'_>, old: &Extract, new: &Extract) {
    let names = |policy: &Policy, extract: &Extract| -> Vec<String> {
        let routes = extract.routes.iter().filter_map(|number| policy.routes.get(*number));
        routes.map(|route| route.name.clone()).collect()
    };
    let (before, after) = (names(pair.old, old), names(pair.new, new));
    for name in after.iter().filter(|name| !before.contains(name)) {
        let words = format!("extracts are made by the rules of the route `{name}`, too");
        pair.only_new(Topic::Extract, Wider, words, Some(new.line));
    }
    for name in before.iter().filter(|name| !after.contains(name)) {
        let words = format!("extracts are made by the rules of the route `{name}` no more");
        // A form of files that it took may now be another route's.
        pair.only_old(
            Topic::Extract,
            if after.is_empty() { Narrower } else { Unclear },
            words,
            Some(old.line),
        );
    }
    let kept = |names: &[String], other: &[String]| -> Vec<String> {
        names.iter().filter(|name| other.contains(name)).cloned().collect()
    };
    if kept(&before, &after) != kept(&after, &before) {
        let words = "extracts look at their routes in another order".to_owned();
        pair.changed(Topic::Extract, Unclear, words);
    }
}

const fn order_word(order: Order) -> &'static str {
    match order {
        Order::Input => "input",
        Order::Pseudonym => "pseudonym",
    }
}

fn all_tables(pair: &mut Pair<'_>, old: &[Table], new: &[Table]) {
    for table in new {
        match old.iter().find(|other| other.name == table.name) {
            Some(other) => one_table(pair, other, table),
            None => {
                let words = format!("extracts have a table `{}`", table.name);
                pair.only_new(Topic::Extract, Wider, words, Some(table.line));
            }
        }
    }
    for table in old.iter().filter(|table| !new.iter().any(|other| other.name == table.name)) {
        let words = format!("extracts have no table `{}` any more", table.name);
        pair.only_old(Topic::Extract, Narrower, words, Some(table.line));
    }
}

fn one_table(pair: &mut Pair<'_>, old: &Table, new: &Table) {
    let Table { name, description, at, when, rows, enforce, columns, line: _ } = new;
    if (&old.at, &old.when, &old.rows) != (at, when, rows) {
        let words = format!("the table `{name}` is made of other elements");
        pair.changed(Topic::Extract, Unclear, words);
    }
    if old.description != *description {
        let words = format!("the table `{name}` is described in other words");
        pair.changed(Topic::Extract, Neutral, words);
    }
    let enforce_words = |enforce: Enforce| match enforce {
        Enforce::Suppress => "suppress".to_owned(),
        Enforce::Coarsen { most_suppressed } => format!("coarsen, {most_suppressed} %"),
    };
    let what = format!("what `--enforce` does to the table `{name}`:");
    pair.words(Topic::Extract, &what, &enforce_words(old.enforce), &enforce_words(*enforce), || Unclear);
    for column in columns {
        match old.columns.iter().find(|other| other.name == column.name) {
            Some(other) => one_column(pair, name, other, column),
            None => {
                let words = format!("the table `{name}` has a column `{}`", column.name);
                pair.only_new(Topic::Extract, Wider, words, Some(column.line));
            }
        }
    }
    for column in &old.columns {
        if !columns.iter().any(|other| other.name == column.name) {
            let words = format!("the table `{name}` has no column `{}` any more", column.name);
            pair.only_old(Topic::Extract, Narrower, words, Some(column.line));
        }
    }
}

fn one_column(pair: &mut Pair<'_>, table: &str, old: &Column, new: &Column) {
    let Column { name, path, from, column_type, description, key, quasi_identifier, coarsen, line: _ } = new;
    let which = format!("the column `{name}` of the table `{table}`");
    let place = |from: From, path: &Location| match from {
        From::Row => path.to_string(),
        From::Element => format!("{path} of the element"),
    };
    let (before, after) = (place(old.from, &old.path), place(*from, path));
    pair.words(Topic::Extract, &format!("{which} comes from another place:"), &before, &after, || Unclear);
    let (before, after) = (old.column_type.word(), column_type.word());
    pair.words(Topic::Extract, &format!("the type of {which}"), before, after, || Unclear);
    if old.description != *description {
        pair.changed(Topic::Extract, Neutral, format!("{which} is described in other words"));
    }
    if old.key != *key {
        let words = if *key { "becomes a key" } else { "is no key any more" };
        pair.changed(Topic::Extract, Unclear, format!("{which} {words}"));
    }
    match (old.quasi_identifier, quasi_identifier) {
        (true, false) => {
            let words = format!("{which} is no quasi-identifier any more: k is not counted over it");
            pair.changed(Topic::Extract, Wider, words);
        }
        (false, true) => {
            pair.changed(Topic::Extract, Narrower, format!("{which} becomes a quasi-identifier"));
        }
        (true, true) | (false, false) => {}
    }
    // A ladder without a quasi-identifier is none.
    if old.quasi_identifier && *quasi_identifier {
        pair.words(
            Topic::Extract,
            &format!("the ladder of {which}"),
            &ladder(&old.coarsen),
            &ladder(coarsen),
            || Unclear,
        );
    }
}

fn ladder(rungs: &[Coarser]) -> String {
    let words = rungs.iter().map(|rung| match rung {
        Coarser::Step(step) => format!("step {step}"),
        Coarser::Prefix(length) => format!("prefix {length}"),
    });
    words.collect::<Vec<_>>().join(", ")
}
