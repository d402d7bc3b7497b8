//! Text as a terminal shows it: what is not seen there, or would be obeyed, is written out.
//!
//! Stands between what others wrote (policies, approvals, samples) and whoever reads it to decide. What
//! must never happen here: a character that hides or reorders others shown as it is.

use std::fmt::{self, Write as _};

/// Whether a character shows nothing of itself, or changes how others show: control characters, those of
/// direction and format, line and paragraph separators (Unicode categories Cc, Cf, Zl, Zp), and what
/// Unicode has not assigned.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Accents that follow a letter show; the standard library escapes them, and spaces, where they stand alone.
    let escaped = ['a', c].iter().collect::<String>().escape_debug().count() > 2;
    escaped && (!c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}'))
}

/// Shows a text on one line, hidden characters as `\u{202e}`.
#[derive(Debug, Clone, Copy)]
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_hidden(c) { write!(f, "{}", c.escape_default()) } else { f.write_char(c) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_written_out_and_all_else_stays() {
        for shown in ["Påmind ApS", "a\u{30a}", "smart “quotes” \\ \"", "no\u{a0}break", "日本", "🩺", ""]
        {
            assert_eq!(Visible(shown).to_string(), shown);
        }
        for (hidden, shown) in [
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{7f}\u{9b}2J\u{85}", "\\u{7f}\\u{9b}2J\\u{85}"),
            ("a\u{202e}b\u{2066}\u{200f}\u{61c}", "a\\u{202e}b\\u{2066}\\u{200f}\\u{61c}"),
            ("\u{200b}\u{200d}\u{feff}\u{ad}", "\\u{200b}\\u{200d}\\u{feff}\\u{ad}"),
            ("\u{2028}\u{2029}\u{e0041}", "\\u{2028}\\u{2029}\\u{e0041}"),
        ] {
            assert_eq!(Visible(hidden).to_string(), shown);
        }
    }
}
