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
    page.line(INTRODUCTION)?;
    for call in &story.calls {
        tell_call(call, page)?;
    }
    page.heading("A policy line broken on purpose: does the finder see what leaves then?")?;
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

const INTRODUCTION: &str = "
Two sample clinic APIs, tavs before them and five recipients, all in this process; the patients
are invented. BEFORE is what the clinic answers, AFTER what the recipient gets; what has no AFTER
stays in the clinic. A finder that shares no code with tavs then looks into the answer for the CPR
numbers, names, addresses, telephone numbers and ids of the clinic's: the known identifiers.";

fn tell_call(call: &Call, page: &mut Page<'_>) -> io::Result<()> {
    page.heading(&format!("{}: GET {} -> {}", call.recipient, call.target, call.status))?;
    if !call.first_record.is_empty() {
        page.line(&format!(
            "  the first record, and the lines of policies/{}.toml and of profiles",
            call.recipient
        ))?;
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
    let Broken { recipient, left, known_identifiers, .. } = broken;
    page.line(&format!("  {recipient}: {left} of {known_identifiers} known identifiers leave with"))?;
    page.line(&format!("    - {}", words(broken.line)))?;
    page.line(&format!("    + {}", words(broken.instead)))
}

fn tell_refusal(refusal: &Refusal, page: &mut Page<'_>) -> io::Result<()> {
    let first = refusal.words.lines().next().unwrap_or("");
    let alert = first.strip_prefix("received fatal alert: ").map(|alert| format!("alert {alert}"));
    let line = format!(
        "{} {} {}",
        fit(&refusal.answer, 4),
        fit(refusal.what, 44),
        alert.as_deref().unwrap_or(first)
    );
    page.line(&format!("  {}", fit(&line, 98).trim_end()))
}

/// Each promise once: what held in several calls is told with their number, what broke by itself.
fn tell_promises(promises: &[Promise], page: &mut Page<'_>) -> io::Result<()> {
    page.heading("Promises")?;
    let (held, broken): (Vec<&Promise>, Vec<&Promise>) = promises.iter().partition(|promise| promise.held);
    let mut told = Vec::new();
    for promise in &held {
        let what = common(promise);
        let times = held.iter().filter(|other| common(other) == what).count();
        match times {
            1 => page.promise(promise)?,
            _ if told.contains(&what) => {}
            _ => page.promise(&Promise { name: format!("{what} ({times} times)"), ..(*promise).clone() })?,
        }
        told.push(what);
    }
    broken.iter().try_for_each(|promise| page.promise(promise))?;
    page.line(&format!("\n{} promises held, {} broken", held.len(), broken.len()))
}

/// A promise without the call that it is about.
fn common(promise: &Promise) -> &str {
    promise.name.split_once(": ").map_or(promise.name.as_str(), |(_call, what)| what)
}
