//! Every diagnostic code, once: what it means, why it is wrong, and the mend.
//!
//! docs/diagnostics.md is written from this table, and `tavs check --explain` prints it. A code is
//! never reused for another meaning: people search for it.

mod configuration;
mod extracts;
mod files;
mod law;
mod routes;
mod rules;

use crate::policy::diagnostic::Severity;

use self::configuration::LIST as CONFIGURATION;
pub use self::configuration::*;
use self::extracts::LIST as EXTRACTS;
pub use self::extracts::*;
use self::files::LIST as FILES;
pub use self::files::*;
use self::law::LIST as LAW;
pub use self::law::*;
use self::routes::LIST as ROUTES;
pub use self::routes::*;
use self::rules::LIST as RULES;
pub use self::rules::*;

/// One kind of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Stable, such as `TAVS0102`.
    pub id: &'static str,
    /// Whether the file can take effect all the same.
    pub severity: Severity,
    /// A few words, lower case.
    pub title: &'static str,
    /// Why it is wrong and what to do, for someone who has not seen it before.
    pub explanation: &'static str,
    /// A few lines that have the mistake.
    pub bad: &'static str,
    /// The same lines without it.
    pub good: &'static str,
}

/// Defines codes, and the list of them.
macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $title:literal $explanation:literal
       bad $bad:literal good $good:literal)*) => {
        $(
            #[doc = $title]
            pub const $name: crate::policy::codes::Code = crate::policy::codes::Code {
                id: $id,
                severity: crate::policy::diagnostic::Severity::$severity,
                title: $title,
                explanation: $explanation,
                bad: $bad,
                good: $good,
            };
        )*
        pub(super) const LIST: &[&crate::policy::codes::Code] = &[$(&$name),*];
    };
}
use codes;

/// All codes, in the order of their numbers.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [FILES, RULES, LAW, ROUTES, CONFIGURATION, EXTRACTS].into_iter().flatten().copied()
}

/// The code of this id, in any case of letters.
#[must_use]
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

impl Code {
    /// The page that `--explain` prints: the same as in docs/diagnostics.md, for a terminal.
    #[must_use]
    pub fn page(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!(
            "{}: {} ({severity})\n\n{}\n\nWrong:\n\n```toml\n{}\n```\n\nRight:\n\n```toml\n{}\n```\n",
            self.id,
            self.title,
            wrapped(self.explanation),
            self.bad,
            self.good
        )
    }
}

/// Words in lines of at most [`WIDTH`] characters.
fn wrapped(text: &str) -> String {
    let mut page = String::new();
    let mut width = 0_usize;
    for word in text.split(' ') {
        let len = word.chars().count();
        let next = width.saturating_add(len).saturating_add(1);
        if width > 0 {
            page.push(if next > WIDTH { '\n' } else { ' ' });
        }
        page.push_str(word);
        width = if width > 0 && next <= WIDTH { next } else { len };
    }
    page
}

/// What `tavs --help` is as wide as.
const WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_all_of_the_code_in_lines_as_full_as_they_can_be() {
        let code = &PRIVACY_SHIELD;
        let page = code.page();
        for part in [code.id, code.title, code.bad, code.good] {
            assert!(page.contains(part), "{page}");
        }
        // At and above the width, and a word that is longer than a line.
        let text = format!("{} bb c {} ééé", "a".repeat(97), "d".repeat(120));
        let wanted = format!("{} bb\nc\n{}\nééé", "a".repeat(97), "d".repeat(120));
        assert_eq!(wrapped(&text), wanted);
        assert_eq!(wrapped(&format!("{} b", "é".repeat(98))), format!("{} b", "é".repeat(98)));
        assert_eq!(wrapped("a b c"), "a b c");
    }
}
