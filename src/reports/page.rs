//! What every page has: its head, and tables that end early and say so.

use super::Frame;
use super::html::{Column, Html};
use super::text::{Text, fill};
use super::time;

/// Rows of one table on a page: ten printed pages. JSON and CSV have all.
pub(super) const MOST_ROWS: usize = 300;

/// Begins a page, with who made it and when.
pub(super) fn begin(
    frame: &Frame,
    title: &str,
    subtitle: &str,
    facts: &[(&str, Vec<String>)],
    text: &Text,
) -> Html {
    let common = &text.common;
    let mut page = Html::begin(text.tag, title);
    page.heading(1, title);
    page.subtitle(subtitle);
    let mut all: Vec<(&str, Vec<String>)> = facts.to_vec();
    all.extend([
        (common.controller, frame.controller.iter().cloned().collect()),
        (common.made, vec![format!("{} {}", time::long(frame.made, text), common.times)]),
        (common.by, vec![frame.by.clone()]),
        (common.reference, frame.reference.iter().cloned().collect()),
    ]);
    page.facts(&all);
    page
}

/// A table of at most [`MOST_ROWS`] rows, and how many more there are.
pub(super) fn table<T>(
    page: &mut Html,
    columns: &[Column<'_>],
    all: &[T],
    row: impl FnMut(&T) -> Vec<String>,
    text: &Text,
) {
    if all.is_empty() {
        page.paragraph(text.common.none);
        return;
    }
    page.table(columns, all.iter().take(MOST_ROWS).map(row));
    let more = all.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        let (shown, more) = (MOST_ROWS.to_string(), more.to_string());
        page.note(&fill(text.common.more, &[("shown", &shown), ("more", &more)]));
    }
}
