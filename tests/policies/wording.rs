//! What authors read of each mistake: message, label, mend and second place, held as they are.
//! `TAVS_WRITE_DOCS=1` writes them anew; what changed is then seen in the diff.

use std::fmt::Write as _;

use tavs::policy::diagnostic::Diagnostic;

use crate::bad::CASES;
use crate::support::{edited, found, hold};

/// A finding in lines: its code and what it underlines, then what is said of it.
fn told(text: &str, one: &Diagnostic) -> String {
    let at = |span: &std::ops::Range<usize>| text[span.clone()].replace('\n', " ");
    let mut lines = format!("{} {}\n    {}\n", one.code, at(&one.span), one.message);
    writeln!(lines, "    ^ {}", one.label).unwrap();
    if let Some(other) = &one.other {
        writeln!(lines, "    {} ^ {}", at(&other.span), other.label).unwrap();
    }
    if let Some(help) = &one.help {
        writeln!(lines, "    = {help}").unwrap();
    }
    lines
}

#[test]
fn every_mistake_is_told_in_these_words() {
    let mut all = String::new();
    for (_, edits, _) in CASES {
        let text = edited(edits);
        found(&text).iter().for_each(|one| all += &told(&text, one));
    }
    hold("tests/golden/policies/diagnostics.txt", &all);
}
