//! Tells the story: as a page for a person, or as one JSON document for a test.

use std::io::{self, Write};

use super::story::{Broken, Call, Promise, Refusal, Story};
use super::view::{Page, fit};

/// The story as one document; each promise on a line of its own, so that `grep` finds it.
pub(crate) fn as_json(story: &Story, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{{\n\"story\": {},\n\"promises\": [", serde_json::to_string(story)?)?;
    for (number, promise) in story.promises.iter().enumerate() {
        let comma = if number == 0 { "" } else { ",\n" };
        write!(out, "{comma}{}", serde_json::to_string(promise)?)?;
    }
    writeln!(out, "\n]\n}}")
}

/// The story for a terminal of 100 columns.
pub(crate) fn as_page(story: &Story, page: &mut Page<'_>) -> io::Result<()> {
    for call in &story.calls {
        tell_call(call, page)?;
    }
    page.heading("A policy line broken on purpose: does the finder see it?")?;
    story.broken_on_purpose.iter().try_for_each(|broken| tell_broken(broken, page))?;
    page.heading("Refused")?;
    story.refusals.iter().try_for_each(|refusal| tell_refusal(refusal, page))?;
    page.heading("One record of the ledger: on disk before its answer left")?;
    story
        .ledger_record
        .iter()
        .try_for_each(|(name, value)| page.line(&format!("  {} {value}", fit(name, 18))))?;
    tell_promises(&story.promises, page)
}

fn tell_call(call: &Call, page: &mut Page<'_>) -> io::Result<()> {
    page.heading(&format!("{}: GET {} -> {}", call.recipient, call.target, call.status))?;
    if !call.first_record.is_empty() {
        page.line(&format!("  the first record, and the lines of policies/{}.toml", call.recipient))?;
        page.table(&call.first_record)?;
    }
    let sums = &call.sums;
    page.line(&format!(
        "  in all: {} members in, {} out, {} pseudonyms, {} of {} known identifiers left",
        sums.members_in, sums.members_out, sums.pseudonyms, sums.left, sums.known_identifiers
    ))
}

fn tell_broken(broken: &Broken, page: &mut Page<'_>) -> io::Result<()> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    page.line(&format!("  {}: instead of  {}", broken.recipient, words(broken.line)))?;
    page.line(&format!("  {} it says     {}", fit("", broken.recipient.len()), words(broken.instead)))?;
    page.line(&format!("    {} of {} known identifiers left", broken.left, broken.known_identifiers))
}

fn tell_refusal(refusal: &Refusal, page: &mut Page<'_>) -> io::Result<()> {
    let first = refusal.words.lines().next().unwrap_or("");
    page.line(&format!(
        "  {} {} {}",
        fit(&refusal.answer, 4),
        fit(refusal.what, 50),
        fit(first, 40).trim_end()
    ))
}

fn tell_promises(promises: &[Promise], page: &mut Page<'_>) -> io::Result<()> {
    page.heading("Promises")?;
    promises.iter().try_for_each(|promise| page.promise(promise))?;
    let broken = promises.iter().filter(|promise| !promise.held).count();
    page.line(&format!("\n{} promises held, {broken} broken", promises.len() - broken))
}
