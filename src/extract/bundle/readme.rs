//! The README of a bundle: what it is, how to open it, and what its reader owes the persons in it.

use std::fmt::Write as _;

use super::codebook::{CodedColumn, CodedTable};
use super::manifest::Form;
use super::{Bundle, DELETED};
use crate::pseudonym::PublicKey;

pub(super) fn readme(bundle: &Bundle, key: &PublicKey) -> String {
    let mut text = String::new();
    let Bundle { extract, made, recipient: (id, name), purpose, .. } = bundle;
    let (policy, version) = (&bundle.policy.file, &bundle.policy.version);
    let (records, persons) = (bundle.counts.records, bundle.counts.persons);
    put(
        &mut text,
        format_args!(
            "# Extract {extract}

Made {made} for {} (`{id}`), for the purpose `{purpose}`, by the policy `{policy}` (version `{version}`):
from {records} records, about {persons} persons.

**This is personal data.** Names and numbers of persons were replaced by pseudonyms, which is not the same as
anonymous (GDPR art. 4(5)). Use it for the purpose only, keep it as the agreement says, and do not try to find
out who somebody is.
",
            inline(name)
        ),
    );
    files(bundle, &mut text);
    if let Some(protection) = &bundle.protection {
        let k = protection.k;
        put(
            &mut text,
            format_args!(
                "
Each combination of quasi-identifiers (`codebook.json`) is shared by at least {k} persons. For that
{} rows were left out{}.
",
                protection.rows_suppressed,
                match protection.coarser.as_slice() {
                    [] => String::new(),
                    coarser => format!(", and columns were made coarser: {}", coarser.join(", ")),
                }
            ),
        );
    }
    if bundle.counts.skipped > 0 {
        let skipped = bundle.counts.skipped;
        put(
            &mut text,
            format_args!(
                "\n{skipped} lines or documents of the source could not be read and are not in it.\n"
            ),
        );
    }
    if let Some(table) = bundle.codebook.tables.first() {
        match bundle.form {
            Form::Parquet => duckdb(table, &mut text),
            Form::Ndjson | Form::CsvDanish | Form::CsvInternational => python(bundle.form, table, &mut text),
        }
        pandas(bundle.form, table, &mut text);
        r(bundle.form, table, &mut text);
        stata(bundle.form, table, &mut text);
    }
    put(
        &mut text,
        format_args!(
            "
## Is it whole?

`manifest.json` lists every file with its SHA-256, and `manifest.sig` is its signature. Ask the sender for the
public key by another way than this file; it should be the one below.

```sh
tavs extract verify . --key {key}
```
"
        ),
    );
    text
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _never_fails = text.write_fmt(what);
}

fn files(bundle: &Bundle, text: &mut String) {
    text.push_str("\n## Files\n\n| file | what | rows |\n|---|---|---|\n");
    for CodedTable { file, description, rows, .. } in &bundle.codebook.tables {
        put(text, format_args!("| `{file}` | {} | {rows} |\n", inline(description)));
    }
    if bundle.codebook.tables.is_empty() {
        text.push_str("| `records-….ndjson`, `records-….json` | the released records | |\n");
    } else {
        text.push_str(
            "| `codebook.json`, `codebook.csv` | each column: type, source, action, missing values | |\n",
        );
    }
    if let Some(previous) = &bundle.previous {
        put(
            text,
            format_args!(
                "| `{DELETED}` | pseudonyms of the extract `{previous}` that are not in this one: delete their rows in all that you made of it | |\n"
            ),
        );
    }
    let keyed: Vec<String> = bundle
        .codebook
        .tables
        .iter()
        .filter_map(|table| key_of(table).map(|key| format!("`{}.{}`", table.name, key.name)))
        .collect();
    if keyed.len() > 1 {
        put(text, format_args!("\nOne person has one pseudonym in all tables: {}.\n", keyed.join(", ")));
    }
    let form = match bundle.form {
        Form::Ndjson => "One JSON object a line, UTF-8; a missing value is `null`.",
        Form::CsvDanish => {
            "CSV in UTF-8 with a byte order mark, `;` between values and a comma before decimals; a missing value is empty."
        }
        Form::CsvInternational => {
            "CSV in UTF-8 (RFC 4180), `,` between values and a point before decimals; a missing value is empty."
        }
        Form::Parquet => {
            "Parquet; a missing value is null. A number is the nearest double, and in a column beside it, `…_written`, the digits that were written: `6.30` is not `6.3` where precision matters."
        }
    };
    put(text, format_args!("\n{form}"));
    if matches!(bundle.form, Form::CsvDanish | Form::CsvInternational) {
        text.push_str(
            " A text that begins with `=`, `+`, `-` or `@` has an apostrophe before it, so that no spreadsheet runs it.",
        );
    }
    text.push('\n');
}

fn key_of(table: &CodedTable) -> Option<&CodedColumn> {
    table.columns.iter().find(|column| column.key)
}

/// The column that the examples count: what is most likely to have few values.
fn counted(table: &CodedTable) -> &str {
    let quasi = table.columns.iter().find(|column| column.quasi_identifier);
    let other = || table.columns.iter().find(|column| !column.key);
    quasi.or_else(other).or_else(|| table.columns.first()).map_or("", |column| column.name.as_str())
}

const fn delimiter(form: Form) -> char {
    if matches!(form, Form::CsvDanish) { ';' } else { ',' }
}

fn python(form: Form, table: &CodedTable, text: &mut String) {
    let (name, column, delimiter) = (&table.name, counted(table), delimiter(form));
    let rows = if form == Form::Ndjson {
        "        for line in file:
            yield json.loads(line)"
            .to_owned()
    } else {
        let number = if form == Form::CsvDanish { "text.replace(\",\", \".\")" } else { "text" };
        format!(
            "        kinds = {{\"integer\": int, \"number\": lambda text: float({number}), \"boolean\": lambda text: text == \"true\"}}
        columns = [(column[\"name\"], kinds.get(column[\"type\"], str)) for column in table[\"columns\"]]
        for row in csv.DictReader(file, delimiter=\"{delimiter}\"):
            yield {{name: kind(row[name]) if row[name] else None for name, kind in columns}}"
        )
    };
    let imports = if form == Form::Ndjson {
        "import collections\nimport json"
    } else {
        "import collections\nimport csv\nimport json"
    };
    put(
        text,
        format_args!(
            "
## Python, with nothing but its standard library

Run in this directory; a table of counts:

```python
{imports}

def rows(name):
    \"\"\"The rows of a table as dictionaries; a missing value is None.\"\"\"
    with open(\"codebook.json\", encoding=\"utf-8\") as file:
        table = next(table for table in json.load(file)[\"tables\"] if table[\"name\"] == name)
    with open(table[\"file\"], encoding=\"utf-8-sig\", newline=\"\") as file:
{rows}

counts = collections.Counter(row[\"{column}\"] for row in rows(\"{name}\"))
for value, count in counts.most_common():
    print(value, count, sep=\"\\t\")
```
"
        ),
    );
}

/// Below what tests/read_extract.py has no program for.
const RUN_BY_NOBODY: &str =
    "Nobody has run these commands for you: look whether the number of rows is as above.\n";

fn duckdb(table: &CodedTable, text: &mut String) {
    let (file, column) = (&table.file, counted(table));
    put(
        text,
        format_args!(
            r#"
## Python with DuckDB

Run in this directory; a table of counts, and what each column is:

```python
import duckdb

counts = duckdb.sql("""SELECT "{column}", count(*) FROM '{file}' GROUP BY ALL ORDER BY ALL""")
for value, count in counts.fetchall():
    print(value, count, sep="\t")
columns = duckdb.sql("SELECT decode(key), decode(value) FROM parquet_kv_metadata('{file}')")
for name, description in columns.fetchall():
    print(name, description, sep="\t")
```
"#
        ),
    );
}

fn pandas(form: Form, table: &CodedTable, text: &mut String) {
    let (file, column) = (&table.file, counted(table));
    let (imports, read) = match form {
        // What its own reader of NDJSON makes of types changes from version to version.
        Form::Ndjson => (
            "import json\nimport pandas",
            format!("pandas.DataFrame([json.loads(line) for line in open(\"{file}\", encoding=\"utf-8\")])"),
        ),
        // Its usual types have no missing integer, and would make all of a column doubles.
        Form::Parquet => {
            ("import pandas", format!("pandas.read_parquet(\"{file}\", dtype_backend=\"numpy_nullable\")"))
        }
        Form::CsvDanish | Form::CsvInternational => {
            let decimal = if form == Form::CsvDanish { ", decimal=\",\"" } else { "" };
            let read = format!(
                "pandas.read_csv(\"{file}\", sep=\"{}\"{decimal}, encoding=\"utf-8-sig\", dtype={{{}}})",
                delimiter(form),
                texts(table).map(|name| format!("\"{name}\": \"string\"")).collect::<Vec<_>>().join(", ")
            );
            ("import pandas", read)
        }
    };
    put(
        text,
        format_args!(
            "
## Python with pandas

```python
{imports}

data = {read}
print(data[\"{column}\"].value_counts(dropna=False))
```
"
        ),
    );
}

/// Columns that a program would take for numbers: pseudonyms and codes.
fn texts(table: &CodedTable) -> impl Iterator<Item = &str> {
    table.columns.iter().filter(|column| column.column_type == "text").map(|column| column.name.as_str())
}

fn r(form: Form, table: &CodedTable, text: &mut String) {
    let (file, column) = (&table.file, counted(table));
    let read = match form {
        Form::Ndjson => format!("jsonlite::stream_in(file(\"{file}\", encoding = \"UTF-8\"))"),
        Form::Parquet => format!("arrow::read_parquet(\"{file}\")"),
        Form::CsvDanish | Form::CsvInternational => {
            let function = if form == Form::CsvDanish { "read.csv2" } else { "read.csv" };
            let classes: Vec<String> = texts(table).map(|name| format!("`{name}` = \"character\"")).collect();
            format!(
                "{function}(\"{file}\", fileEncoding = \"UTF-8-BOM\", na.strings = \"\", check.names = FALSE,\n  colClasses = c({}))",
                classes.join(", ")
            )
        }
    };
    put(
        text,
        format_args!("\n## R\n\n```r\ndata <- {read}\ntable(data[[\"{column}\"]], useNA = \"ifany\")\n```\n"),
    );
    if form == Form::Parquet {
        text.push('\n');
        text.push_str(RUN_BY_NOBODY);
    }
}

fn stata(form: Form, table: &CodedTable, text: &mut String) {
    text.push_str("\n## Stata\n\n");
    if matches!(form, Form::Ndjson | Form::Parquet) {
        text.push_str("Stata reads neither NDJSON nor Parquet: ask for the extract as CSV.\n");
        return;
    }
    let columns = table.columns.iter().enumerate();
    let texts: Vec<String> = columns
        .filter(|(_, column)| column.column_type == "text")
        .map(|(at, _)| at.saturating_add(1).to_string())
        .collect();
    // Stata takes `-` out of names.
    let stata = |name: &str| name.replace('-', "");
    let numbers: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.column_type == "number")
        .map(|column| stata(&column.name))
        .collect();
    put(
        text,
        format_args!(
            "```stata\nimport delimited using \"{}\", delimiters(\"{}\") varnames(1) encoding(\"UTF-8\") bindquotes(strict) case(preserve) stringcols({}) clear\n",
            table.file,
            delimiter(form),
            texts.join(" ")
        ),
    );
    if form == Form::CsvDanish && !numbers.is_empty() {
        put(text, format_args!("destring {}, replace dpcomma\n", numbers.join(" ")));
    }
    put(text, format_args!("tabulate {}, missing\n```\n\n", stata(counted(table))));
    text.push_str(RUN_BY_NOBODY);
}

/// What an author wrote, in a line of Markdown: nothing in it is markup.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&') {
            shown.push('\\');
        }
        shown.push(if c.is_control() { ' ' } else { c });
    }
    shown
}
