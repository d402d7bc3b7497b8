//! Disclosure control of an extract: may it go out? What was counted, what would reach k and at which
//! cost, and what k does not protect from (GDPR art. 5(1)(c), 25, 89(1)).
//!
//! SECURITY: a combination that one person has is shown to the officer who decides, and so the report is
//! itself personal data: it never goes with the extract.

mod counted;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use self::counted::{
    Enforced, Examined, LinkedCounts, Rare, Recoded, Size, Small, TableCost, TableCounts, Value, Way,
};
use super::document::Document;
use super::text::{Text, control::Control, fill};
use super::{Language, time};
use crate::store::Millis;

/// The format of the JSON.
const FORMAT: u32 = 1;

/// What an officer reads before an extract goes out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ControlReport {
    /// The recipient's name.
    pub recipient: String,
    /// The purpose.
    pub purpose: String,
    /// The policy's file.
    pub policy: String,
    /// Its version.
    pub policy_version: String,
    /// The extract's id.
    pub extract: String,
    /// When it was made.
    #[serde(serialize_with = "time::rfc3339")]
    pub made: Millis,
    /// What was found in the data as they are.
    pub found: Examined,
    /// What would reach k; empty if it is met.
    pub ways: Vec<Way>,
    /// What was enforced, and found afterwards; `None` if nothing was.
    pub enforced: Option<Enforced>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    tavs_disclosure_control: u32,
    #[serde(flatten)]
    report: &'a ControlReport,
    does_not_protect_from: &'static [&'static str],
}

impl ControlReport {
    /// All of it, for programs: the same in every language.
    ///
    /// # Errors
    /// None that can happen: all of it is text and numbers.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let does_not_protect_from = Language::En.text().control.not_protected;
        serde_json::to_string_pretty(&Json {
            tavs_disclosure_control: FORMAT,
            report: self,
            does_not_protect_from,
        })
    }

    /// A page to read and to file.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        let text = language.text();
        let words = &text.control;
        let title = fill(words.title, &[("name", &self.recipient)]);
        let mut page = Document::default();
        page.heading(1, title.as_str());
        page.subtitle(words.subtitle);
        page.alert(words.officer_only);
        page.facts([
            (text.common.made, vec![format!("{} {}", time::long(self.made, text), text.common.times)]),
            (text.common.recipient, vec![self.recipient.clone()]),
            (text.common.purpose, vec![self.purpose.clone()]),
            (text.assessment.policy, vec![self.policy.clone()]),
            (text.assessment.version, vec![self.policy_version.clone()]),
            (words.extract, vec![self.extract.clone()]),
        ]);
        self.verdict(&mut page, words);
        page.paragraph(words.intro);
        notes(&mut page, &self.found, words);
        if let Some(enforced) = &self.enforced {
            page.heading(2, words.taken_heading);
            ways(&mut page, std::slice::from_ref(&enforced.way), text);
            page.heading(2, words.after_heading);
            examined(&mut page, &enforced.after, words);
        }
        if !self.ways.is_empty() {
            page.heading(2, words.ways_heading);
            page.paragraph(words.ways_intro);
            ways(&mut page, &self.ways, text);
        }
        page.heading(2, words.before_heading);
        examined(&mut page, &self.found, words);
        page.heading(2, words.not_protected_heading);
        page.list(words.not_protected.iter().map(|line| (*line).to_owned()).collect());
        page.html(text.tag, &title)
    }

    fn verdict(&self, page: &mut Document, words: &Control) {
        let k = self.found.k.to_string();
        if self.found.tables.is_empty() {
            page.alert(words.nothing_examined);
        } else if let Some(enforced) = self.enforced.as_ref().filter(|_| !self.found.met) {
            let way = &enforced.way;
            let counts = [&way.rows_suppressed, &way.rows, &way.persons_lost].map(ToString::to_string);
            let [rows, of, persons] = &counts;
            page.alert(fill(words.enforced, &[("k", &k), ("rows", rows), ("of", of), ("persons", persons)]));
        } else {
            page.alert(fill(if self.found.met { words.met } else { words.not_met }, &[("k", &k)]));
        }
    }
}

fn notes(page: &mut Document, found: &Examined, words: &Control) {
    if !found.not_examined.is_empty() {
        let tables = found.not_examined.join(", ");
        page.paragraph(fill(words.not_examined, &[("tables", &tables)]));
    }
    if found.counted_together > 0 {
        page.paragraph(fill(words.together, &[("count", &found.counted_together.to_string())]));
    }
}

fn examined(page: &mut Document, found: &Examined, words: &'static Control) {
    for table in &found.tables {
        page.heading(3, fill(words.table_heading, &[("table", &table.table)]));
        let of_nobody = Some(table.rows_of_nobody).filter(|rows| *rows > 0);
        page.facts([
            (words.quasi_identifiers, vec![table.quasi_identifiers.join(", ")]),
            (words.rows, vec![table.rows.to_string()]),
            (words.of_nobody, of_nobody.iter().map(ToString::to_string).collect()),
            (words.persons, vec![table.persons.to_string()]),
            (words.combinations, vec![table.combinations.to_string()]),
            (words.smallest, table.smallest.iter().map(ToString::to_string).collect()),
        ]);
        small(page, &table.small, found.k, words);
        sizes(page, &table.sizes, words.combinations, words);
        rarest(page, &table.rarest, false, words);
    }
    if let Some(linked) = &found.linked {
        page.heading(3, words.linked_heading);
        page.paragraph(fill(words.linked_intro, &[("tables", &linked.tables.join(", "))]));
        page.facts([
            (words.persons, vec![linked.persons.to_string()]),
            (words.sets, vec![linked.combinations.to_string()]),
            (words.smallest, linked.smallest.iter().map(ToString::to_string).collect()),
        ]);
        small(page, &linked.small, found.k, words);
        sizes(page, &linked.sizes, words.sets, words);
        rarest(page, &linked.rarest, true, words);
    }
}

fn small(page: &mut Document, small: &Small, k: u32, words: &Control) {
    if small.combinations > 0 {
        let counts = [small.combinations.to_string(), small.persons.to_string(), k.to_string()];
        let [combinations, persons, k] = &counts;
        let value = fill(words.small_value, &[("combinations", combinations), ("persons", persons)]);
        page.alert(format!("{}: {value}", fill(words.small, &[("k", k)])));
    }
}

fn sizes(page: &mut Document, sizes: &[Size], what: &str, words: &Control) {
    let rows = sizes.iter().map(|size| {
        let shared_by = match size.to {
            None => format!("{}–", size.from),
            Some(to) if to == size.from => to.to_string(),
            Some(to) => format!("{}–{to}", size.from),
        };
        vec![shared_by, size.combinations.to_string(), size.persons.to_string()]
    });
    page.table(vec![words.shared_by.into(), what.into(), words.persons.into()], rows.collect());
}

fn rarest(page: &mut Document, rarest: &[Rare], names_tables: bool, words: &Control) {
    let values = |rare: &Rare| {
        let mut values: Vec<String> = rare
            .values
            .iter()
            .map(|value| {
                let of = if names_tables { format!("{}.", value.table) } else { String::new() };
                format!("{of}{} = {}", value.column, value.value.as_deref().unwrap_or(words.missing))
            })
            .collect();
        if rare.more_values > 0 {
            values.push(fill(words.more_values, &[("count", &rare.more_values.to_string())]));
        }
        values.join("; ")
    };
    let rows: Vec<Vec<String>> = rarest
        .iter()
        .map(|rare| vec![rare.persons.to_string(), rare.rows.to_string(), values(rare)])
        .collect();
    if !rows.is_empty() {
        page.paragraph(words.rarest_heading);
        page.table(vec![words.persons.into(), words.rows.into(), words.values.into()], rows);
    }
}

fn ways(page: &mut Document, ways: &[Way], text: &Text) {
    let words = &text.control;
    let of =
        |count: u64, all: u64| fill(words.of, &[("count", &count.to_string()), ("all", &all.to_string())]);
    let what = |way: &Way| {
        let steps = way.coarser.iter().map(|step| {
            let column = format!("{}.{}", step.table, step.column);
            match &step.to {
                Some(rung) => format!("{column}: {rung}"),
                None => fill(words.left_out, &[("column", &column)]),
            }
        });
        let steps: Vec<String> = steps.collect();
        if steps.is_empty() { words.suppress_only.to_owned() } else { steps.join("; ") }
    };
    let rows = ways.iter().map(|way| {
        vec![
            what(way),
            of(way.rows_suppressed, way.rows),
            of(way.persons_lost, way.persons),
            format!("{} %", way.detail_lost_percent),
        ]
    });
    page.table(
        vec![
            words.way.into(),
            words.rows_suppressed.into(),
            words.persons_lost.into(),
            words.detail_lost.into(),
        ],
        rows.collect(),
    );
}
