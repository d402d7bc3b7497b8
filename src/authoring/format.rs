//! Policies in one layout, so that a difference between two is a difference in what they say.
//!
//! Spaces, blank lines and the order of the tables are set; words, comments and the order of lines within a table
//! are the author's, as comments head groups of lines. Works on the text, line by line, and asks the TOML reader
//! only where values begin and end: no line can get lost, and what comes out is read again to see that it says the
//! same.

use std::ops::Range;

use toml_edit::{Document, Item, Table, Value};

/// The tables of a policy, in the order of docs/policy.md.
const ORDER: [&str; 13] = [
    "recipient",
    "identity",
    "agreement",
    "purpose",
    "transfer",
    "pseudonyms",
    "limits",
    "free-text",
    "push",
    "route",
    "shape",
    "extract",
    "test",
];

/// Names longer than this are not lined up with others.
const WIDEST_NAME: usize = 72;

/// Why a text is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is no TOML.
    #[error("it is no TOML; `tavs check` says where")]
    NoToml,
    /// What came out would have said something else: a fault of the formatter, and nothing is written.
    #[error("it cannot be formatted without changing what it says")]
    WouldChange,
}

/// The text in its one layout.
///
/// # Errors
/// A [`FormatError`]; the text then stays as it is.
pub fn format(text: &str) -> Result<String, FormatError> {
    let text = text.replace("\r\n", "\n");
    let written = lines(&text)?;
    let comments = comments(&written);
    // An order that a table's parts do not bear, as with quoted names in headers, is left as it is.
    for is_sorted in [true, false] {
        let formatted = layout(sections(written.clone(), is_sorted));
        let same = |text: &str| text.parse::<toml::Table>().ok();
        let kept = lines(&formatted).is_ok_and(|lines| self::comments(&lines) == comments);
        if kept && same(&formatted) == same(&text) {
            return Ok(formatted);
        }
    }
    Err(FormatError::WouldChange)
}

/// All comments of lines, sorted.
fn comments(lines: &[Line]) -> Vec<String> {
    let comment = |line: &Line| match line {
        Line::Comment(comment) | Line::Entry { comment: Some((comment, _)), .. } => Some(comment.clone()),
        Line::Header(header) => Some(header.clone()),
        Line::Blank | Line::Entry { comment: None, .. } => None,
    };
    let mut all: Vec<String> = lines.iter().filter_map(comment).collect();
    all.sort();
    all
}

/// Where values stand, and their text in one layout.
fn collect(table: &Table, values: &mut Vec<(Range<usize>, Option<String>)>) {
    for (_, item) in table {
        match item {
            Item::Value(value) => {
                let Some(span) = value.span() else { continue };
                let mut tidied = value.clone();
                tidy(&mut tidied);
                tidied.decor_mut().clear();
                values.push((span, Some(tidied.to_string())));
            }
            Item::Table(table) => collect(table, values),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| collect(table, values)),
            Item::None => {}
        }
    }
}

fn tidy(value: &mut Value) {
    match value {
        Value::Array(array) => {
            array.iter_mut().for_each(tidy);
            array.fmt();
            array.set_trailing_comma(false);
        }
        Value::InlineTable(table) => {
            // Names keep their quotes; only the space around them goes.
            for (mut name, value) in table.iter_mut() {
                tidy(value);
                name.leaf_decor_mut().clear();
                name.dotted_decor_mut().clear();
                value.decor_mut().clear();
            }
            table.set_trailing("");
            table.set_trailing_comma(false);
        }
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// A line, or a value of several lines as one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Blank,
    Comment(String),
    Header(String),
    Entry {
        name: String,
        value: String,
        /// With its mark, and the column where it stands.
        comment: Option<(String, usize)>,
    },
}

/// The lines of a text.
fn lines(text: &str) -> Result<Vec<Line>, FormatError> {
    let document = Document::parse(text).map_err(|_not_toml| FormatError::NoToml)?;
    let mut values = Vec::new();
    collect(document.as_table(), &mut values);
    Ok(split(text, &values))
}

fn split(text: &str, values: &[(Range<usize>, Option<String>)]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0_usize;
    while at < text.len() {
        let end = end_of_line(text, at);
        let written = text.get(at..end).unwrap_or_default();
        // Line breaks of a value belong to it.
        let value = values.iter().find(|(span, _)| span.start >= at && span.start < end);
        match value {
            Some((span, tidied)) if !written.trim_start().starts_with('#') => {
                let name = text.get(at..span.start).unwrap_or_default().trim();
                let name = name.strip_suffix('=').unwrap_or(name).trim_end().to_owned();
                let raw = text.get(span.clone()).unwrap_or_default();
                let one_line = !raw.contains('\n');
                let value = tidied.clone().filter(|_| one_line).unwrap_or_else(|| raw.to_owned());
                let end = end_of_line(text, span.end);
                let rest = text.get(span.end..end).unwrap_or_default();
                let comment = rest.find('#').map(|mark| {
                    let start = span.end.saturating_add(mark);
                    let line =
                        text.get(..start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
                    (text.get(start..end).unwrap_or_default().trim_end().to_owned(), line.chars().count())
                });
                lines.push(Line::Entry { name, value, comment });
                at = end.saturating_add(1);
                continue;
            }
            _ => {}
        }
        let trimmed = written.trim();
        lines.push(match trimmed.chars().next() {
            None => Line::Blank,
            Some('#') => Line::Comment(trimmed.to_owned()),
            Some(_) => Line::Header(trimmed.to_owned()),
        });
        at = end.saturating_add(1);
    }
    lines
}

fn end_of_line(text: &str, from: usize) -> usize {
    text.get(from..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| from.saturating_add(length))
}

/// A table: the comments that stand over it, its header, and what is in it.
#[derive(Debug, Default)]
struct Section {
    lead: Vec<Line>,
    header: Option<String>,
    /// Whether a blank line stood over it.
    spaced: bool,
    body: Vec<Line>,
}

impl Section {
    /// Where it belongs: the place of its first name in [`ORDER`]; the top of the file comes first.
    fn rank(&self) -> usize {
        let Some(header) = &self.header else { return 0 };
        let name = header.trim_start_matches(['[', ' ']).split(['.', ']', ' ']).next().unwrap_or_default();
        ORDER.iter().position(|known| *known == name).map_or(ORDER.len(), |at| at).saturating_add(1)
    }
}

/// The sections in order. A comment that stands by itself between two tables belongs to neither, and then the order
/// is the author's.
fn sections(lines: Vec<Line>, is_sorted: bool) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    for line in lines {
        let Line::Header(header) = line else {
            if let Some(last) = sections.last_mut() {
                last.body.push(line);
            }
            continue;
        };
        let mut lead = Vec::new();
        if let Some(last) = sections.last_mut() {
            while matches!(last.body.last(), Some(Line::Comment(_))) {
                lead.extend(last.body.pop());
            }
        }
        lead.reverse();
        let above = sections.last().and_then(|last| last.body.last());
        let spaced = matches!(above, Some(Line::Blank));
        sections.push(Section { lead, header: Some(header), spaced, body: Vec::new() });
    }
    let trailing = |section: &Section| {
        let last = section.body.iter().rev().find(|line| **line != Line::Blank);
        section.header.is_some() && matches!(last, Some(Line::Comment(_)))
    };
    if is_sorted && !sections.iter().any(trailing) {
        sections.sort_by_key(Section::rank);
    }
    sections
}

fn layout(sections: Vec<Section>) -> String {
    let mut text = String::new();
    for section in sections {
        let continued = |header: &String| is_continued(&text, header, &section.lead);
        let tight = !section.spaced && section.header.as_ref().is_some_and(continued);
        if !text.is_empty() && !tight {
            text.push('\n');
        }
        for line in &section.lead {
            if let Line::Comment(comment) = line {
                text += &format!("{comment}\n");
            }
        }
        if let Some(header) = &section.header {
            text += &format!("{header}\n");
        }
        body(&section.body, &mut text);
    }
    text
}

/// Whether a table stands directly below the one that it is a part of, `[route.response.members]` below
/// `[route.response]`: then a blank line between them is the author's choice.
fn is_continued(before: &str, header: &str, lead: &[Line]) -> bool {
    let name = header.trim_matches(['[', ']']);
    let last = before.lines().rev().find(|line| line.starts_with('['));
    let above = last.map(|line| line.split(']').next().unwrap_or_default().trim_start_matches('['));
    lead.is_empty()
        && above.is_some_and(|above| name.strip_prefix(above).is_some_and(|rest| rest.starts_with('.')))
}

fn body(lines: &[Line], text: &mut String) {
    let from = lines.iter().position(|line| *line != Line::Blank).unwrap_or(lines.len());
    let to = lines.iter().rposition(|line| *line != Line::Blank).map_or(from, |last| last.saturating_add(1));
    let lines = lines.get(from..to).unwrap_or_default();
    for block in lines.split_inclusive(|line| *line == Line::Blank) {
        if *block != [Line::Blank] {
            entries(block, text);
        }
        if block.last() == Some(&Line::Blank) && !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
}

/// Lines without a blank one between them, with their equals signs and their comments below each other.
fn entries(block: &[Line], text: &mut String) {
    let entry = |line: &Line| match line {
        Line::Entry { name, value, comment } => Some((name.clone(), value.clone(), comment.clone())),
        Line::Blank | Line::Comment(_) | Line::Header(_) => None,
    };
    let widths = block.iter().filter_map(entry).map(|(name, ..)| name.chars().count());
    let width = widths.filter(|width| *width <= WIDEST_NAME).max().unwrap_or(0);
    let said = |name: &str, value: &str| format!("{name:<width$} = {value}");
    let length = |said: &str| said.rsplit('\n').next().unwrap_or_default().chars().count();
    let columns = block.iter().filter_map(entry).filter_map(|(name, value, comment)| {
        let (_, column) = comment?;
        Some(length(&said(&name, &value)).saturating_add(2).max(column))
    });
    let column = columns.max().unwrap_or(0);
    for line in block {
        match line {
            Line::Blank => continue,
            Line::Comment(comment) | Line::Header(comment) => *text += comment,
            Line::Entry { name, value, comment } => {
                let said = said(name, value);
                *text += &said;
                if let Some((comment, _)) = comment {
                    *text += &" ".repeat(column.saturating_sub(length(&said)));
                    *text += comment;
                }
            }
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spaces_blank_lines_and_tables_are_put_in_order() {
        let text = "# head\npolicy=1\n\n\n[test]\n x = 1   \n\n# who\n[recipient]\n\nid=\"a\"   # why\n  relation = {b=1,c=[1,2,]}\n# own\nz=1\n";
        let wanted = "# head\npolicy = 1\n\n# who\n[recipient]\nid       = \"a\"               # why\nrelation = { b = 1, c = [1, 2] }\n# own\nz        = 1\n\n[test]\nx = 1\n";
        let formatted = format(text).unwrap();
        assert_eq!(formatted, wanted.replace("\"a\"               #", "\"a\"  #"));
        assert_eq!(format(&formatted).unwrap(), formatted);
    }

    #[test]
    fn comments_and_values_of_several_lines_stay() {
        let text = "[a]\nlist = [ # one\n  1, # two\n  2 ]   # three\ntext = '''\n# no comment\n'''\n\n# by itself\n\n[recipient]\n\"#\" = \"# no\"\n";
        let formatted = format(text).unwrap();
        assert!(
            formatted
                .contains("list = [ # one\n  1, # two\n  2 ]   # three\ntext = '''\n# no comment\n'''\n"),
            "{formatted}"
        );
        assert!(formatted.find("[a]") < formatted.find("[recipient]"), "{formatted}");
        assert_eq!(format("a = ").unwrap_err(), FormatError::NoToml);
    }

    fn line() -> impl Strategy<Value = String> {
        let name = prop_oneof!["[a-c]{1,3}", Just(String::from("\"$.a[*].b\"")), Just(String::from("'#'"))];
        let value = prop_oneof![
            Just("1"),
            Just("\"# x\""),
            Just("[1,2 , 3]"),
            Just("{ a=1 }"),
            Just("[\n 1,\n 2\n]"),
            Just("2026-01-01"),
            Just("'''\n x\n'''"),
            Just("{ a = [ {b=1} ] }"),
            Just("{ \"4\" = 1,b.c=2 }"),
        ];
        let entry = (name, "[ \t]{0,3}", value, prop_oneof![Just(""), Just("   # note"), Just("#x")]);
        prop_oneof![
            4 => entry.prop_map(|(name, space, value, comment)| format!("{name}{space}={space}{value}{comment}")),
            1 => Just(String::new()),
            1 => Just(String::from("  # a comment")),
            1 => prop_oneof![Just("[recipient]"), Just("[[route]]"), Just("[ route.response ]"), Just("[limits] # x"), Just("[odd]")]
                .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn the_layout_is_one_and_says_the_same(lines in proptest::collection::vec(line(), 0..20)) {
            let text = lines.join("\n");
            let Ok(before) = text.parse::<toml::Table>() else { return Ok(()) };
            let formatted = format(&text).unwrap();
            prop_assert_eq!(formatted.parse::<toml::Table>().unwrap(), before);
            prop_assert_eq!(format(&formatted).unwrap(), formatted);
        }
    }
}
