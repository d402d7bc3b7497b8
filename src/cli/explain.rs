//! `tavs explain`: what a route makes of a document, member by member, and which line of the policy
//! decided.
//!
//! What must never happen here: a value on anything but the terminal of whoever asked for it.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::json;

use super::policy_files::{self, Format, Stop};
use super::rewrite::{checked, random, route};
use crate::cpr;
use crate::demo::story::Row;
use crate::demo::trace::{self, Trace};
use crate::demo::view::Page;
use crate::policy::checked::{Policy, Route};
use crate::pseudonym::KeyRing;
use crate::rewrite::Outcome;
use crate::visible::Visible;

/// Say of each member of a document what a route makes of it, by which line of the policy, and why.
///
/// Values are not shown, unless --show-values is given and standard output is a terminal. Pseudonyms are
/// made with throw-away keys. Names of members that could be a person's are not shown either.
///
/// Exit code 0: good; 1: bad input, or a policy that has errors or has lapsed; 2: wrong usage, or a
/// file that cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy file.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The route of it.
    #[arg(long, value_name = "NAME")]
    route: String,
    /// What an upstream answers; `-` for standard input.
    file: PathBuf,
    /// Another policy file with a route of this name: only what it decides otherwise is shown.
    #[arg(long, value_name = "OTHER")]
    against: Option<PathBuf>,
    /// Show values, before and after; on a terminal only.
    #[arg(long)]
    show_values: bool,
    /// As of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// The input is one JSON document a line. [default: by the route's content types]
    #[arg(long)]
    lines: bool,
    /// How it is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The longest input, in bytes: a sample is read by people.
const LONGEST: u64 = 16 << 20;

pub(crate) fn run(args: &Args) -> u8 {
    match explained(args) {
        Ok(text) => super::show(&text),
        Err(Stop(code, text)) => {
            super::complain(&text);
            code
        }
    }
}

fn explained(args: &Args) -> Result<String, Stop> {
    // SECURITY: what a file or a pipe takes, a log may keep.
    if args.show_values && !io::stdout().is_terminal() {
        let text = "error: values are shown on a terminal only: leave out --show-values\n";
        return Err(Stop(super::USAGE, text.to_owned()));
    }
    let body = input(&args.file)?;
    // Both with the same keys, so that a pseudonym differs only where the policies do.
    let seed: [u8; 32] = random()?;
    let one = side(args, &args.policy, &body, seed)?;
    let Some(against) = &args.against else {
        return Ok(match args.format {
            Format::Text => one.as_text(args.show_values)?,
            Format::Json => format!("{:#}\n", json!(one.all(args.show_values))),
        });
    };
    let other = side(args, against, &body, seed)?;
    let differing = differing(&one, &other);
    Ok(match args.format {
        Format::Text => against_text(&one, &other, &differing, args.show_values),
        Format::Json => {
            let all: Vec<_> = differing
                .iter()
                .map(|(mine, theirs)| {
                    json!({
                        "member": shown_name(mine.or(*theirs).map_or("", |row| row.member.as_str())),
                        "policy": mine.map(|row| one.object(row, args.show_values)),
                        "other": theirs.map(|row| other.object(row, args.show_values)),
                    })
                })
                .collect();
            format!("{:#}\n", json!(all))
        }
    })
}

/// What one policy makes of the document.
struct Side {
    file: String,
    route: String,
    trace: Trace,
}

fn side(args: &Args, path: &Path, body: &[u8], seed: [u8; 32]) -> Result<Side, Stop> {
    let policy: Policy = checked(path, args.at)?;
    let route: &Route = route(&policy, &args.route)?;
    let lines = args.lines || route.response.media_types.iter().all(|one| one.is_lines());
    let trace = trace::of(&policy, route, &KeyRing::throw_away(seed), body, lines)
        .map_err(|error| Stop(super::FINDINGS, format!("error: `{}`: {error}\n", args.file.display())))?;
    Ok(Side { file: policy.file.clone(), route: route.name.clone(), trace })
}

impl Side {
    fn as_text(&self, values: bool) -> Result<String, Stop> {
        let Self { file, route, trace } = self;
        let head = format!("{}, route {route}\n", Visible(file));
        if values {
            let mut out = head.into_bytes();
            let rows: Vec<Row> = trace.rows.iter().map(named).collect();
            Page { out: &mut out, colour: policy_files::Colour::Auto.on_output() }
                .table(&rows)
                .map_err(|error| Stop(super::USAGE, format!("error: cannot write: {error}\n")))?;
            return Ok(String::from_utf8_lossy(&out).into_owned());
        }
        let rows: Vec<Row> = trace.rows.iter().map(named).collect();
        let width = rows.iter().map(|row| row.member.chars().count()).max().unwrap_or_default();
        let line = |row: &Row| {
            let Row { member, before, action, .. } = row;
            let profile = row.profile.as_deref().unwrap_or_default();
            let place = row.line.map_or_else(String::new, |line| format!("{profile}:{line}"));
            let sign = if row.after.is_some() { "leaves " } else { "-      " };
            format!("{sign} {member:width$}  {:13} {action} {place}  ({})\n", kind(before), why(row))
        };
        Ok(head + &rows.iter().map(line).collect::<String>())
    }

    fn all(&self, values: bool) -> Vec<serde_json::Value> {
        self.trace.rows.iter().map(|row| self.object(row, values)).collect()
    }

    /// One member; members of the object are added over time, never changed.
    fn object(&self, row: &Row, values: bool) -> serde_json::Value {
        let mut object = json!({
            "member": shown_name(&row.member),
            "action": row.action,
            "leaves": row.after.is_some(),
            "why": why(row),
            "file": row.line.map(|_| row.profile.as_ref().unwrap_or(&self.file)),
            "line": row.line,
        });
        if let (true, Some(object)) = (values, object.as_object_mut()) {
            object.insert("before".to_owned(), json!(row.before));
            object.insert("after".to_owned(), json!(row.after));
        }
        object
    }
}

/// Members about which two policies differ, in the order of the document.
fn differing<'a>(one: &'a Side, other: &'a Side) -> Vec<(Option<&'a Row>, Option<&'a Row>)> {
    let of = |side: &'a Side, member: &str| side.trace.rows.iter().find(|row| row.member == member);
    let mut all = Vec::new();
    for row in &one.trace.rows {
        let theirs = of(other, &row.member);
        let same = theirs.is_some_and(|other| row.after == other.after && row.action == other.action);
        if !same {
            all.push((Some(row), theirs));
        }
    }
    let only_theirs = other.trace.rows.iter().filter(|row| of(one, &row.member).is_none());
    all.extend(only_theirs.map(|row| (None, Some(row))));
    all
}

fn against_text(
    one: &Side,
    other: &Side,
    differing: &[(Option<&Row>, Option<&Row>)],
    values: bool,
) -> String {
    if differing.is_empty() {
        return "both make the same of it\n".to_owned();
    }
    let said = |side: &Side, row: Option<&Row>| {
        let file = Visible(&side.file);
        let Some(row) = row.map(named) else { return format!("{file}: decided with what is around it") };
        let line = row.line.map_or_else(String::new, |line| format!(":{line}"));
        let what = match (&row.after, values) {
            (Some(after), true) => format!(", {after}"),
            (Some(_), false) => String::new(),
            (None, _) => ", does not leave".to_owned(),
        };
        let file = row.profile.as_deref().map_or_else(|| file.to_string(), str::to_owned);
        format!("{file}{line}: {}{what} ({})", row.action, why(&row))
    };
    let mut text = String::new();
    for (mine, theirs) in differing {
        let member = mine.or(*theirs).map_or("", |row| row.member.as_str());
        text += &format!("{}\n  {}\n  {}\n", shown_name(member), said(one, *mine), said(other, *theirs));
    }
    text + &policy_files::count(differing.len(), "member differs\n", "members differ\n")
}

const fn why(row: &Row) -> &'static str {
    match (row.outcome, row.line) {
        (Outcome::Kept, _) => "as it came",
        (Outcome::Changed, _) => "in another form",
        (Outcome::Withheld, None) => "no rule names it",
        (Outcome::Withheld, Some(_)) => "its rule withholds it",
        (Outcome::Unfit, _) => "its rule cannot take the value",
        (Outcome::RecordWithheld, _) => "its record says of nobody whose data it is",
    }
}

/// A row without a name that could be personal, as a terminal shows it.
fn named(row: &Row) -> Row {
    let visible = |text: &str| Visible(text).to_string();
    Row {
        member: shown_name(&row.member),
        before: visible(&row.before),
        after: row.after.as_deref().map(visible),
        action: visible(&row.action),
        profile: row.profile.as_deref().map(visible),
        ..row.clone()
    }
}

/// What kind of JSON a value is.
fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "text",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        Some(_) | None => "number",
    }
}

/// A member's name, unless it could be personal: an object may be keyed by CPR or by name.
fn shown_name(member: &str) -> String {
    let shown = |step: &str| if could_be_personal(step) { "{hidden}" } else { step }.to_owned();
    // A name of digits stands like an index.
    let steps = Visible(member).to_string();
    let steps = steps.split('.').map(|name| {
        let mut parts = name.split('[');
        let first = shown(parts.next().unwrap_or_default());
        parts.fold(first, |text, part| format!("{text}[{}]", shown(part.trim_end_matches(']'))))
    });
    steps.collect::<Vec<_>>().join(".")
}

/// Four digits, a space or an `@`; or anything that a CPR could be in.
fn could_be_personal(name: &str) -> bool {
    let mut finds = Vec::new();
    name.bytes().filter(u8::is_ascii_digit).count() >= 4
        || name.contains([' ', '@'])
        || cpr::search(name, &mut finds) != cpr::Search::Clean
}

fn input(file: &Path) -> Result<Vec<u8>, Stop> {
    let fail =
        |error: io::Error| Stop(super::USAGE, format!("error: cannot read `{}`: {error}\n", file.display()));
    let room = LONGEST.saturating_add(1);
    let mut body = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().take(room).read_to_end(&mut body).map_err(fail)?;
    } else {
        fs::File::open(file).map_err(fail)?.take(room).read_to_end(&mut body).map_err(fail)?;
    }
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(Stop(
            super::FINDINGS,
            format!("error: `{}` is longer than {LONGEST} bytes\n", file.display()),
        ));
    }
    Ok(body)
}
