//! Who gets what: a row a member, a column a recipient, the form in each cell; an empty cell is withheld.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::document::Document;
use super::super::member::{DataCategory, Member};
use super::super::text::{self, Text};
use super::terms::Terms;

/// A member, as policies locate it, and in what form each recipient gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    category: DataCategory,
    location: String,
    /// Recipient's name and form, in the policy language's words.
    forms: BTreeMap<String, Vec<String>>,
}

pub(super) fn rows(recipients: &[Terms]) -> Vec<Row> {
    let mut rows: BTreeMap<(DataCategory, &str), BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for terms in recipients {
        for Member { category, location, form } in &terms.members {
            let forms = rows.entry((*category, location)).or_default();
            forms.entry(terms.name.clone()).or_default().push(form.clone());
        }
    }
    let row = |((category, location), forms): ((_, &str), _)| Row {
        category,
        location: location.to_owned(),
        forms,
    };
    rows.into_iter().map(row).collect()
}

/// Members that mean the same in plain words share a line.
pub(super) fn write(document: &mut Document, recipients: &[String], rows: &[Row], text: &Text) {
    let words = &text.policies;
    document.paragraph(words.matrix_intro);
    let mut categories: BTreeMap<DataCategory, BTreeMap<String, Vec<Vec<String>>>> = BTreeMap::new();
    for row in rows {
        for (recipient, forms) in &row.forms {
            for form in forms {
                let member = Member::of(&row.location, form);
                let line = categories.entry(row.category).or_default().entry(member.what(text)).or_default();
                line.resize(recipients.len(), Vec::new());
                let column = recipients.iter().position(|one| one == recipient);
                if let Some(cell) = column.and_then(|column| line.get_mut(column)) {
                    cell.push(member.form_words(text));
                }
            }
        }
    }
    for (category, lines) in categories {
        document.heading(2, text::word(text.words.categories, category.id()));
        let columns = std::iter::once(words.member.to_owned()).chain(recipients.iter().cloned());
        let cell = |mut forms: Vec<String>| {
            forms.sort();
            forms.dedup();
            forms.join(" / ")
        };
        let rows = lines
            .into_iter()
            .map(|(what, cells)| std::iter::once(what).chain(cells.into_iter().map(cell)).collect());
        document.table(columns.collect(), rows.collect());
    }
}
