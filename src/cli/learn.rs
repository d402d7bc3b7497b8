//! `tavs learn`: what samples are made of, without a value of them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::policy_files::{Format, Stop, count};
use crate::authoring::draft;
use crate::authoring::learn::{Learner, Part, Place};
use crate::authoring::names::{Names, could_be_name};
use crate::config::SHIPPED_PROFILES;

/// The largest sample, in bytes.
const LARGEST: u64 = 64 << 20;

/// The most samples of one run.
const MOST_SAMPLES: usize = 1_000;

/// Say what samples are made of, and write a policy that denies all of it.
///
/// Samples are answers of one call of an API, JSON or NDJSON (one document a line, in files named *.ndjson or
/// *.jsonl). Shown are locations, types, lengths, guessed classes and counts: never a value, and no name of a
/// member unless it is made of words that are known from APIs. Other names, which may be data, become {dynamic};
/// give those that are none with --name.
///
/// Exit code 0: good; 1: a sample is no JSON, or has too many locations; 2: wrong usage, or a file that cannot be
/// read or written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// JSON and NDJSON files.
    #[arg(required = true, value_name = "SAMPLE")]
    samples: Vec<PathBuf>,
    /// A member's name that is none of a person's and may be shown; can be given several times.
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Write a policy that discloses nothing, with one commented line for each location; the file must not exist.
    #[arg(long, value_name = "OUT.toml")]
    policy: Option<PathBuf>,
    /// How the report is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> u8 {
    match learnt(args) {
        Ok(learner) => {
            let parts = learner.parts();
            if let Some(Stop(code, text)) = args.policy.as_deref().and_then(|path| write(path, &parts).err())
            {
                super::complain(&text);
                return code;
            }
            super::show(&match args.format {
                Format::Json => as_json(learner.documents(), &parts),
                Format::Text => as_text(learner.documents(), &parts, args.policy.as_deref()),
            })
        }
        Err(Stop(code, text)) => {
            super::complain(&text);
            code
        }
    }
}

fn learnt(args: &Args) -> Result<Learner, Stop> {
    if args.samples.len() > MOST_SAMPLES {
        return Err(Stop(
            super::USAGE,
            format!("error: more than {MOST_SAMPLES} samples; some are enough\n"),
        ));
    }
    if args.name.iter().any(|name| !could_be_name(name)) {
        let text =
            "error: a --name is none of an API: 64 letters, `_`, `-`, `$` or `.` at most, and two digits\n";
        return Err(Stop(super::USAGE, text.to_owned()));
    }
    let mut learner = Learner::new(Names::new(args.name.iter().cloned()));
    for path in &args.samples {
        for document in documents(path)? {
            learner
                .document(&document)
                .map_err(|error| Stop(super::FINDINGS, format!("error: {error}\n")))?;
        }
    }
    Ok(learner)
}

/// The documents of one sample. What is wrong with it is told by its place only.
fn documents(path: &Path) -> Result<Vec<Value>, Stop> {
    let shown = path.display();
    let usage =
        |error: std::io::Error| Stop(super::USAGE, format!("error: cannot read `{shown}`: {error}\n"));
    let size = fs::metadata(path).map_err(usage)?.len();
    if size > LARGEST {
        let text = format!("error: `{shown}` has {size} bytes, and a sample has at most {LARGEST}\n");
        return Err(Stop(super::USAGE, text));
    }
    let bytes = fs::read(path).map_err(usage)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_lines = matches!(extension, Some("ndjson" | "jsonl"));
    let fault = |line: usize, column: usize| {
        Stop(super::FINDINGS, format!("error: `{shown}` is not JSON at line {line}, column {column}\n"))
    };
    if !is_lines {
        let document = serde_json::from_slice(&bytes).map_err(|error| fault(error.line(), error.column()))?;
        return Ok(vec![document]);
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = |(at, line): (usize, &[u8])| {
        serde_json::from_slice(line).map_err(|error| fault(at.saturating_add(1), error.column()))
    };
    filled.map(read).collect()
}

/// Writes the draft, and nothing over what is there.
fn write(path: &Path, parts: &[Part]) -> Result<(), Stop> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let fits = |stem: &&str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        stem.len() <= 64 && stem.starts_with(|c: char| c.is_ascii_lowercase()) && stem.chars().all(plain)
    };
    let text = draft::policy(parts, stem.filter(fits), &shipped_shapes());
    let opened = fs::OpenOptions::new().write(true).create_new(true).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Stop(super::USAGE, format!("error: cannot write `{}`: {error}\n", path.display())))
}

/// The resource types of the shapes that come with tavs, each named after its type.
fn shipped_shapes() -> Vec<&'static str> {
    let lines = SHIPPED_PROFILES.iter().flat_map(|(_, text)| text.lines());
    lines.filter_map(|line| line.strip_prefix("when ")?.split('"').nth(1)).collect()
}

fn as_text(documents: u64, parts: &[Part], policy: Option<&Path>) -> String {
    let documents = usize::try_from(documents).unwrap_or(usize::MAX);
    let mut text = format!("{}\n", count(documents, "document", "documents"));
    for part in parts {
        if let Some(resource) = part.resource {
            text += &format!("\n{resource}\n");
        }
        let width = part.places.iter().map(|place| place.location.chars().count()).max().unwrap_or(0).min(70);
        for place in &part.places {
            text += &format!("{:<width$}  {}\n", place.location, facts(place));
        }
    }
    let hidden =
        parts.iter().flat_map(|part| &part.places).filter(|place| place.location.ends_with("{dynamic}"));
    let hidden = hidden.count();
    if hidden > 0 {
        text += &format!(
            "\n{} with names that may be data, shown as {{dynamic}}; if they are none, give them with --name\n",
            count(hidden, "place", "places"),
        );
    }
    if let Some(policy) = policy {
        let policy = policy.display();
        text += &format!(
            "\n`{policy}` is written: it discloses nothing; `tavs check {policy}` names what to say\n"
        );
    }
    text
}

/// `2 string of 5..18: name 2`.
fn facts(place: &Place) -> String {
    let facts = &place.facts;
    let types: Vec<String> = facts.types.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let lengths = match facts.lengths {
        Some((least, most)) if least == most => format!(" of {least}"),
        Some((least, most)) => format!(" of {least}..{most}"),
        None => String::new(),
    };
    let classes: Vec<String> =
        facts.classes.iter().map(|(class, count)| format!("{} {count}", class.word())).collect();
    let colon = if classes.is_empty() { "" } else { ": " };
    format!("{}{lengths}{colon}{}", types.join(", "), classes.join(", "))
}

/// One object; members are added over time, never changed.
fn as_json(documents: u64, parts: &[Part]) -> String {
    let place = |place: &Place| {
        let classes: serde_json::Map<String, Value> = place
            .facts
            .classes
            .iter()
            .map(|(class, count)| (class.word().to_owned(), (*count).into()))
            .collect();
        json!({
            "location": place.location,
            "count": place.facts.count,
            "types": place.facts.types,
            "shortest": place.facts.lengths.map(|(least, _)| least),
            "longest": place.facts.lengths.map(|(_, most)| most),
            "classes": classes,
        })
    };
    let part = |part: &Part| json!({ "resource": part.resource, "places": part.places.iter().map(place).collect::<Vec<_>>() });
    format!("{:#}\n", json!({ "documents": documents, "parts": parts.iter().map(part).collect::<Vec<_>>() }))
}
