//! A document as blocks, written as a page or as Markdown (CommonMark with tables): whoever makes a
//! report says what stands in it once.

use super::html::{Column, Html};

/// Blocks in their order.
#[derive(Debug, Default)]
pub(super) struct Document {
    blocks: Vec<Block>,
}

#[derive(Debug)]
enum Block {
    Heading(u8, String),
    Subtitle(String),
    Paragraph(String),
    Alert(String),
    Facts(Vec<(String, Vec<String>)>),
    List(Vec<String>),
    Table(Vec<String>, Vec<Vec<String>>),
}

impl Document {
    /// A heading of a rank, 1 to 3.
    pub(super) fn heading(&mut self, rank: u8, text: impl Into<String>) {
        self.blocks.push(Block::Heading(rank, text.into()));
    }

    /// A line below the title.
    pub(super) fn subtitle(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Subtitle(text.into()));
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    /// Something that must not be overlooked.
    pub(super) fn alert(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Alert(text.into()));
    }

    /// Terms, each with what stands beside it; terms with nothing beside them are left out.
    pub(super) fn facts(&mut self, facts: impl IntoIterator<Item = (&'static str, Vec<String>)>) {
        let facts = facts.into_iter().filter(|(_, values)| !values.is_empty());
        self.blocks.push(Block::Facts(facts.map(|(term, values)| (term.to_owned(), values)).collect()));
    }

    /// A list; nothing if it is empty.
    pub(super) fn list(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
    }

    /// A table of words.
    pub(super) fn table(&mut self, columns: Vec<String>, rows: Vec<Vec<String>>) {
        self.blocks.push(Block::Table(columns, rows));
    }

    /// As one page; `language` is a tag such as `da`.
    pub(super) fn html(&self, language: &str, title: &str) -> String {
        let mut page = Html::begin(language, title);
        for block in &self.blocks {
            match block {
                Block::Heading(rank, text) => page.heading(*rank, text),
                Block::Subtitle(text) => page.subtitle(text),
                Block::Paragraph(text) => page.paragraph(text),
                Block::Alert(text) => page.alert(text),
                Block::Facts(facts) => {
                    let facts: Vec<(&str, Vec<String>)> =
                        facts.iter().map(|(term, values)| (term.as_str(), values.clone())).collect();
                    page.facts(&facts);
                }
                Block::List(items) => page.list(items),
                Block::Table(columns, rows) => {
                    let columns: Vec<Column<'_>> =
                        columns.iter().map(|column| Column::Words(column)).collect();
                    page.table(&columns, rows.iter().cloned());
                }
            }
        }
        page.end()
    }

    /// As Markdown.
    pub(super) fn markdown(&self) -> String {
        let blocks: Vec<String> = self.blocks.iter().map(Block::markdown).collect();
        blocks.join("\n\n") + "\n"
    }
}

impl Block {
    fn markdown(&self) -> String {
        match self {
            Self::Heading(rank, text) => format!("{} {}", "#".repeat(usize::from(*rank)), plain(text)),
            Self::Subtitle(text) => format!("*{}*", plain(text)),
            Self::Paragraph(text) => plain(text),
            Self::Alert(text) => format!("> **{}**", plain(text)),
            Self::Facts(facts) => {
                let lines = facts.iter().map(|(term, values)| {
                    let values: Vec<String> = values.iter().map(|value| plain(value)).collect();
                    format!("- **{}**: {}", plain(term), values.join("; "))
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Self::List(items) => {
                items.iter().map(|item| format!("- {}", plain(item))).collect::<Vec<_>>().join("\n")
            }
            Self::Table(columns, rows) => {
                let head = row(columns);
                let rule = format!("|{}", "---|".repeat(columns.len()));
                let rows = rows.iter().map(|cells| row(cells));
                std::iter::once(head).chain([rule]).chain(rows).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

fn row(cells: &[String]) -> String {
    cells.iter().fold("|".to_owned(), |line, cell| format!("{line} {} |", plain(cell)))
}

/// Text as text: what Markdown would read as markup is escaped (CommonMark section 2.4), a line break is
/// a space, and what cannot be seen but changes what is becomes U+FFFD, as on pages.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' => {
                plain.push('\\');
                plain.push(c);
            }
            '\n' => plain.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                plain.push('\u{fffd}');
            }
            c if c.is_control() => plain.push('\u{fffd}'),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup_in_markdown() {
        let mut document = Document::default();
        document.heading(2, "# a\nb");
        document.paragraph("<script>*x*</script> [l](u) |");
        document.list(vec![]);
        document.facts([("term", vec!["a".to_owned(), "_b_".to_owned()]), ("empty", vec![])]);
        document.table(vec!["c|d".to_owned()], vec![vec!["1\n2".to_owned()]]);
        let wanted = "## \\# a b\n\n\\<script\\>\\*x\\*\\</script\\> \\[l\\](u) \\|\n\n- **term**: a; \\_b\\_\n\n\
                      | c\\|d |\n|---|\n| 1 2 |\n";
        assert_eq!(document.markdown(), wanted);
    }
}
