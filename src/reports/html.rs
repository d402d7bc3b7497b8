//! HTML, written so that no text reaches it unescaped: whoever writes a page has only the functions
//! below, and each of them escapes what it is given.
//!
//! A page is one file. It asks for nothing outside it and runs nothing, and says so to the browser
//! (Content-Security-Policy): a report holds personal data, and must not tell anyone that it was opened.

/// A page that is being written.
#[derive(Debug)]
pub(super) struct Html {
    text: String,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column<'a> {
    /// Words.
    Words(&'a str),
    /// Numbers, set flush right.
    Number(&'a str),
}

impl Html {
    /// Begins a page; `language` is a tag such as `da`.
    pub(super) fn begin(language: &str, title: &str) -> Self {
        let mut page = Self { text: String::with_capacity(1 << 14) };
        page.raw("<!doctype html>\n<html lang=\"");
        page.escaped(language);
        page.raw(
            "\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"",
        );
        page.raw(POLICY);
        page.raw("\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
        page.escaped(title);
        page.raw("</title>\n<style>\n");
        page.raw(STYLE);
        page.raw("</style>\n</head>\n<body>\n<main>\n");
        page
    }

    /// Ends the page and gives its text.
    pub(super) fn end(mut self) -> String {
        self.raw("</main>\n</body>\n</html>\n");
        self.text
    }

    /// A heading of a rank, 1 to 3.
    pub(super) fn heading(&mut self, rank: u8, text: &str) {
        let tag = match rank {
            1 => "h1",
            2 => "h2",
            _ => "h3",
        };
        self.element(tag, "", text);
    }

    /// A line below the title.
    pub(super) fn subtitle(&mut self, text: &str) {
        self.element("p", "subtitle", text);
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.element("p", "", text);
    }

    /// Small print.
    pub(super) fn note(&mut self, text: &str) {
        self.element("p", "note", text);
    }

    /// Something that must not be overlooked.
    pub(super) fn alert(&mut self, text: &str) {
        self.element("p", "alert", text);
    }

    /// Terms, each with what stands beside it; terms with nothing beside them are left out.
    pub(super) fn facts(&mut self, facts: &[(&str, Vec<String>)]) {
        self.raw("<dl>\n");
        for (term, values) in facts.iter().filter(|(_, values)| !values.is_empty()) {
            self.element("dt", "", term);
            for value in values {
                self.element("dd", "", value);
            }
        }
        self.raw("</dl>\n");
    }

    /// A list; nothing if it is empty.
    pub(super) fn list<T: AsRef<str>>(&mut self, items: &[T]) {
        if items.is_empty() {
            return;
        }
        self.raw("<ul>\n");
        for item in items {
            self.element("li", "", item.as_ref());
        }
        self.raw("</ul>\n");
    }

    /// A table. Its head is repeated on each printed page.
    pub(super) fn table(&mut self, columns: &[Column<'_>], rows: impl IntoIterator<Item = Vec<String>>) {
        self.raw("<table>\n<thead>\n<tr>");
        for column in columns {
            let (class, name) = column.parts();
            self.raw("<th scope=\"col\"");
            self.class(class);
            self.raw(">");
            self.escaped(name);
            self.raw("</th>");
        }
        self.raw("</tr>\n</thead>\n<tbody>\n");
        for row in rows {
            self.raw("<tr>");
            for (column, cell) in columns.iter().zip(&row) {
                self.raw("<td");
                self.class(column.parts().0);
                self.raw(">");
                self.escaped(cell);
                self.raw("</td>");
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody>\n</table>\n");
    }

    /// A letter: each paragraph on its own, in a frame, on a page of its own when printed.
    pub(super) fn letter(&mut self, paragraphs: &str) {
        self.raw("<section class=\"letter\">\n");
        for paragraph in paragraphs.split("\n\n") {
            self.element("p", "", paragraph);
        }
        self.raw("</section>\n");
    }

    fn element(&mut self, tag: &'static str, class: &'static str, text: &str) {
        self.raw("<");
        self.raw(tag);
        self.class(class);
        self.raw(">");
        self.escaped(text);
        self.raw("</");
        self.raw(tag);
        self.raw(">\n");
    }

    fn class(&mut self, class: &'static str) {
        if !class.is_empty() {
            self.raw(" class=\"");
            self.raw(class);
            self.raw("\"");
        }
    }

    fn raw(&mut self, text: &'static str) {
        self.text.push_str(text);
    }

    /// Text as text, in elements and in attributes. What cannot be seen but changes what is (controls,
    /// marks that turn the direction of writing) becomes U+FFFD: a name must not rewrite the line that
    /// it stands in.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                '\n' => self.raw("<br>"),
                '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    self.raw("\u{fffd}");
                }
                c if c.is_control() => self.raw("\u{fffd}"),
                c => self.text.push(c),
            }
        }
    }
}

impl<'a> Column<'a> {
    const fn parts(&self) -> (&'static str, &'a str) {
        match self {
            Self::Words(name) => ("", name),
            Self::Number(name) => ("number", name),
        }
    }
}

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Set as a letter: one measure of text, tables over its whole width, black on white.
const STYLE: &str = "\
@page { size: A4; margin: 22mm 20mm; }
* { box-sizing: border-box; }
html { font: 11pt/1.5 Charter, 'Bitstream Charter', 'Iowan Old Style', Georgia, serif; color: #1a1a1a; background: #fff; }
body { margin: 0; }
main { max-width: 48rem; margin: 3rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #999; break-after: avoid; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; break-after: avoid; }
p { margin: .5rem 0; hyphens: auto; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
li { margin: .1rem 0; }
.subtitle { margin: 0 0 1.6rem; color: #555; }
.note { font-size: .88rem; color: #555; }
.alert { border-left: 3px solid #a00; padding-left: .8rem; }
dl { display: grid; grid-template-columns: 12rem 1fr; gap: .15rem 1rem; margin: .8rem 0; }
dt { grid-column: 1; color: #555; }
dd { grid-column: 2; margin: 0; }
table { width: 100%; border-collapse: collapse; margin: .8rem 0; font-size: .86rem; line-height: 1.35; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th { text-align: left; font-weight: 600; border-bottom: 1px solid #1a1a1a; padding: .25rem .6rem .25rem 0; vertical-align: bottom; }
td { border-bottom: 1px solid #ddd; padding: .25rem .6rem .25rem 0; vertical-align: top; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.letter { border: 1px solid #999; padding: 1rem 1.4rem; margin: 1rem 0; }
@media print { main { max-width: none; margin: 0; padding: 0; } .letter { border: 0; padding: 0; break-before: page; break-after: page; } }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup_wherever_it_stands() {
        let evil = "\"><script>alert('1')</script>&amp;\u{202e}\u{7}";
        let mut page = Html::begin(evil, evil);
        page.heading(1, evil);
        page.subtitle(evil);
        page.paragraph(evil);
        page.note(evil);
        page.alert(evil);
        page.facts(&[(evil, vec![evil.to_owned()])]);
        page.list(&[evil]);
        page.table(&[Column::Words(evil), Column::Number(evil)], [vec![evil.to_owned(), evil.to_owned()]]);
        page.letter(evil);
        let text = page.end();
        let safe = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\u{fffd}\u{fffd}";
        assert_eq!(text.matches(safe).count(), 15);
        for markup in ["<script", "</script", "alert('", "\u{202e}", "\u{7}"] {
            assert!(!text.contains(markup), "{markup}");
        }
    }
}
