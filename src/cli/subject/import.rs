//! `tavs subject import`: consents in bulk from the clinic's own system, all or none.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::super::{FINDINGS, USAGE};
use super::{Change, Changes, Common, Form, Stop, tell};
use crate::officer::MAX_CHANGES;
use crate::store::RightKind;

/// Bytes of a file: as many lines as one request may hold, twice as long as they are.
const LARGEST: u64 = 2 << 20;
/// The first line.
const NAMES: [&str; 4] = ["cpr", "purpose", "consent", "until"];

/// A line, cut into its fields.
type Line<'t> = [&'t str; 4];

/// By the numbers of lines.
type Numbered<T> = Vec<(usize, T)>;

pub(super) fn run(file: &Path, common: &Common, form: &Form) -> Result<String, Stop> {
    let text = read(file)?;
    let lines = parse(&text).map_err(|wrong| Stop::new(FINDINGS, listed(&wrong)))?;
    let who = common.who();
    let changes = lines.iter().map(|(_, line)| change(line)).collect();
    let asked = Changes { said: common.said(who.as_deref()), changes };
    let told = common.ask("/v1/changes", &asked).map_err(|stop| by_line(stop, &lines))?;
    form.show(&told, tell::changed)
}

fn read(file: &Path) -> Result<Zeroizing<String>, Stop> {
    let cannot = |error: &dyn std::fmt::Display| {
        Stop::new(USAGE, format!("cannot read `{}`: {error}", file.display()))
    };
    let size = fs::metadata(file).map_err(|error| cannot(&error))?.len();
    if size > LARGEST {
        return Err(Stop::new(
            FINDINGS,
            format!("`{}` is larger than {LARGEST} bytes; cut it", file.display()),
        ));
    }
    Ok(Zeroizing::new(fs::read_to_string(file).map_err(|error| cannot(&error))?))
}

/// Cuts the file into fields; every line that cannot be, by its number.
fn parse(text: &str) -> Result<Numbered<Line<'_>>, Numbered<&'static str>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = (1..).zip(text.lines());
    let separator = match rows.next() {
        Some((_, head)) if fields(head, ',') == Ok(NAMES) => ',',
        Some((_, head)) if fields(head, ';') == Ok(NAMES) => ';',
        _ => return Err(vec![(1, "must be `cpr,purpose,consent,until`")]),
    };
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for (number, row) in rows.filter(|(_, row)| !row.trim().is_empty()) {
        match fields(row, separator) {
            Ok(line @ [_, _, "given" | "withdrawn", _]) => lines.push((number, line)),
            Ok(_) => wrong.push((number, "`consent` is neither `given` nor `withdrawn`")),
            Err(why) => wrong.push((number, why)),
        }
    }
    if wrong.is_empty() && !(1..=MAX_CHANGES).contains(&lines.len()) {
        wrong.push((1, "a file holds 1 to 5000 lines; cut a longer one"));
    }
    if wrong.is_empty() { Ok(lines) } else { Err(wrong) }
}

/// Four fields, which may stand in quotes; none of them can hold a quote or a separator.
fn fields(row: &str, separator: char) -> Result<Line<'_>, &'static str> {
    let mut all = row.split(separator).map(|field| {
        let field = field.trim();
        field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(field)
    });
    let line = [(); 4].map(|()| all.next());
    match (line, all.next()) {
        ([Some(cpr), Some(purpose), Some(consent), Some(until)], None) => Ok([cpr, purpose, consent, until]),
        _ => Err("does not have four fields"),
    }
}

fn change<'t>([subject, purpose, consent, until]: &Line<'t>) -> Change<'t> {
    Change {
        subject,
        system: None,
        kind: RightKind::Consent.word(),
        begun: *consent == "given",
        purpose: Some(purpose),
        recipient: None,
        until: Some(*until).filter(|until| !until.is_empty()),
    }
}

/// What the office told of entries, told of the file's lines.
fn by_line(stop: Stop, lines: &[(usize, Line<'_>)]) -> Stop {
    let line_of = |place: usize| lines.get(place.checked_sub(1)?).map(|(number, _)| *number);
    match (stop.entries.as_slice(), lines) {
        ([], [(number, _)]) if stop.code == FINDINGS => {
            Stop { text: listed(&[(*number, &stop.text)]), ..stop }
        }
        ([], _) => stop,
        (entries, _) => {
            let wrong: Vec<(usize, &str)> =
                entries.iter().filter_map(|(place, why)| Some((line_of(*place)?, why.as_str()))).collect();
            Stop { text: listed(&wrong), ..stop }
        }
    }
}

fn listed(wrong: &[(usize, &str)]) -> String {
    let lines = wrong.iter().map(|(number, why)| format!("\n  line {number}: {why}"));
    "no line was entered:".to_owned() + &lines.collect::<String>()
}
