//! What the demo prints: each member before and after, who decided, and the promises. All values
//! are the demo's own test data; nothing else may be printed through here.

use std::io::{self, Write};
use std::path::Path;

use super::story::{Promise, Row};

/// Columns of a member's name, of a value, and what is left for the decision: 100 in all.
const MEMBER: usize = 24;
const VALUE: usize = 20;
const DECISION: usize = 100 - 2 - MEMBER - 1 - VALUE - 3 - VALUE - 1;

/// A terminal of 100 columns, with colours or without.
pub(crate) struct Page<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) colour: bool,
}

impl std::fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("colour", &self.colour).finish_non_exhaustive()
    }
}

impl Page<'_> {
    /// A heading with an empty line before it.
    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = self.paint(BOLD, text);
        writeln!(self.out, "\n{text}")
    }

    /// A line of plain text.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// A table of members: BEFORE | AFTER and what decided each.
    pub(crate) fn table(&mut self, rows: &[Row]) -> io::Result<()> {
        let head = format!(
            "  {} {} | {} {}",
            fit("", MEMBER),
            fit("BEFORE", VALUE),
            fit("AFTER", VALUE),
            "DECIDED BY, LINE"
        );
        let head = self.paint(DIM, &head);
        writeln!(self.out, "{head}")?;
        rows.iter().try_for_each(|row| self.row(row))
    }

    /// A row of as many lines as its longest value needs, within [`LINES`].
    fn row(&mut self, row: &Row) -> io::Result<()> {
        let before = wrap(&row.before, VALUE);
        let after = row.after.as_deref().map(|after| wrap(after, VALUE)).unwrap_or_default();
        let (before_colour, after_colour) = match &row.after {
            None => (Some(RED), None),
            Some(after) if *after == row.before => (None, None),
            Some(_) => (None, Some(GREEN)),
        };
        let profile = row.profile.as_deref().and_then(|file| Path::new(file).file_stem()?.to_str());
        let profile = profile.unwrap_or_default();
        let line = row.line.map_or_else(String::new, |line| format!(" {profile}:{line}"));
        for number in 0..before.len().max(after.len()) {
            let cell = |lines: &[String]| fit(lines.get(number).map_or("", String::as_str), VALUE);
            let before = self.paint_some(before_colour, &cell(&before));
            let after = self.paint_some(after_colour, &cell(&after));
            let (member, decision) = match number {
                0 => (row.member.as_str(), fit(&format!("{}{line}", row.action), DECISION)),
                _ => ("", String::new()),
            };
            let line = format!("  {} {before} | {after} {decision}", fit(member, MEMBER));
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// One promise: held or broken.
    pub(crate) fn promise(&mut self, promise: &Promise) -> io::Result<()> {
        let mark = if promise.held { self.paint(GREEN, "held  ") } else { self.paint(RED, "BROKEN") };
        writeln!(self.out, "  {mark} {}", promise.name)?;
        match &promise.seen {
            Some(seen) if !promise.held => writeln!(self.out, "         seen: {seen}"),
            Some(_) | None => Ok(()),
        }
    }

    fn paint_some(&self, code: Option<&str>, text: &str) -> String {
        code.map_or_else(|| text.to_owned(), |code| self.paint(code, text))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Lines that a value may take.
const LINES: usize = 3;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";

/// Pads or cuts to a number of characters.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() > width {
        text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
    } else {
        format!("{text:<width$}")
    }
}

/// Breaks a text into at most [`LINES`] lines of a number of characters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let text: Vec<char> = fit(text, width.saturating_mul(LINES)).trim_end().chars().collect();
    text.chunks(width).map(|line| line.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(member: &str, before: &str, after: Option<&str>, action: &str) -> Row {
        Row {
            member: member.to_owned(),
            before: before.to_owned(),
            after: after.map(str::to_owned),
            action: action.to_owned(),
            outcome: crate::rewrite::Outcome::Kept,
            profile: None,
            line: Some(73),
        }
    }

    #[test]
    fn a_table_fits_a_hundred_columns_and_cuts_by_characters() {
        let long = "ø".repeat(200);
        let rows =
            [row(&long, &long, Some(&long), "pseudonymise reference"), row("a", "\"b\"", None, "withhold")];
        let mut out = Vec::new();
        Page { out: &mut out, colour: false }.table(&rows).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn a_colourful_table_says_the_same() {
        let rows = [row("a", "\"b\"", Some("\"c\""), "keep")];
        let (mut plain, mut painted) = (Vec::new(), Vec::new());
        Page { out: &mut plain, colour: false }.table(&rows).unwrap();
        Page { out: &mut painted, colour: true }.table(&rows).unwrap();
        let mut painted = String::from_utf8(painted).unwrap();
        for code in [BOLD, DIM, RED, GREEN, "0"] {
            painted = painted.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(painted, String::from_utf8(plain).unwrap());
    }
}
