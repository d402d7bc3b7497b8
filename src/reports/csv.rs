//! CSV after RFC 4180: comma, CRLF, UTF-8, one head. The columns' names are the same in every language.

/// A table that is being written.
#[derive(Debug)]
pub(super) struct Csv {
    text: String,
}

impl Csv {
    /// Begins a table.
    pub(super) fn begin(columns: &[&str]) -> Self {
        let mut table = Self { text: String::new() };
        table.row(columns);
        table
    }

    /// Adds a row.
    pub(super) fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            self.cell(cell.as_ref());
        }
        self.text.push_str("\r\n");
    }

    /// Gives the text.
    pub(super) fn end(self) -> String {
        self.text
    }

    /// SECURITY: spreadsheets run a cell that begins like a formula; such a text gets an apostrophe.
    fn cell(&mut self, cell: &str) {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if !formula && !cell.contains([',', '"', '\r', '\n']) {
            self.text.push_str(cell);
            return;
        }
        self.text.push('"');
        if formula {
            self.text.push('\'');
        }
        self.text.push_str(&cell.replace('"', "\"\""));
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_run_nothing() {
        let mut table = Csv::begin(&["a", "b"]);
        table.row(&["Tal & Bilag A/S, Esbjerg", "said \"yes\"\nand left"]);
        table.row(&["=HYPERLINK(\"x\")", "-1"]);
        let wanted = "a,b\r\n\"Tal & Bilag A/S, Esbjerg\",\"said \"\"yes\"\"\nand left\"\r\n\"'=HYPERLINK(\"\"x\"\")\",\"'-1\"\r\n";
        assert_eq!(table.end(), wanted);
    }
}
