//! Files, or standard input, into rows that wait in a work directory.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::super::policy_files::Stop;
use super::super::{FINDINGS, USAGE, memory};
use super::args::{DelimiterName, EncodingName, OnError, Reading, StdinForm};
use super::progress::Progress;
use super::work::Work;
use super::{Ground, stop};
use crate::clock::Clock;
use crate::extract::input::{Input, PIECE, each_once};
use crate::extract::run::{Ruled, Run, Settings, Staged};
use crate::extract::source::{Encoding, Rows};
use crate::policy::checked::Policy;
use crate::policy::checked::extract::Extract;
use crate::policy::plan::Plan;
use crate::subjects::Subjects;

/// Freed blocks of up to this size are kept, and up to twice as much at the end of each heap: a piece of lines and what
/// is made of it are smaller.
///
/// PERF: two threads take 7 % less time for 400 MB; what each freed was given back and taken anew for the next piece.
const KEPT_BLOCK: usize = 8 << 20;

/// Opens the files before there is a work directory: what is none stops at once.
pub(super) fn inputs(reading: &Reading, ground: &Ground) -> Result<Vec<Input>, Stop> {
    let inputs = open(&reading.inputs, reading, ground)?;
    each_once(&inputs).map_err(|error| stop(USAGE, error))?;
    Ok(inputs)
}

fn open(paths: &[PathBuf], reading: &Reading, ground: &Ground) -> Result<Vec<Input>, Stop> {
    let rows = rows(reading, &ground.extract);
    let inputs = paths.iter().map(|path| Input::open(path, &rows)).collect::<Result<Vec<_>, _>>();
    inputs.map_err(|error| stop(USAGE, error))
}

/// Rewrites everything, into the work directory. Gives how many files were read.
pub(super) fn stage(
    reading: &Reading,
    ground: &Ground,
    subjects: &Subjects,
    (inputs, work): (Vec<Input>, &Work),
) -> Result<(Staged, usize), Stop> {
    let consulted = open(&reading.who_is_who, reading, ground)?;
    let Some(form) = reading.stdin else {
        let staged = run(reading, ground, subjects, (&inputs, &consulted, work.path()))?;
        return Ok((staged, inputs.len()));
    };
    let spooled = spool(form, work)?;
    let inputs = open(std::slice::from_ref(&spooled), reading, ground)?;
    let staged = run(reading, ground, subjects, (&inputs, &consulted, work.path()))?;
    work.again(form.name())?;
    Ok((staged, inputs.len()))
}

fn run(
    reading: &Reading,
    ground: &Ground,
    subjects: &Subjects,
    (inputs, consulted, work): (&[Input], &[Input], &Path),
) -> Result<Staged, Stop> {
    let Ground { policy, extract, threads, .. } = ground;
    memory::keep_freed(KEPT_BLOCK);
    let plans = plans(ground)?;
    let media = |number: &usize| {
        policy.routes.get(*number).map(|route| route.response.media_types.as_slice()).unwrap_or_default()
    };
    let ruled: Vec<Ruled<'_>> = plans
        .iter()
        .zip(&extract.routes)
        .map(|(plan, number)| Ruled { plan, media_types: media(number) })
        .collect();
    let run = Run {
        policy,
        extract,
        plans: &ruled,
        subjects,
        now: Clock::system().unix_millis(),
        salt: super::super::rewrite::random()?,
        settings: settings(reading, policy, *threads),
        work: work.to_owned(),
    };
    let total = inputs.iter().chain(consulted).map(Input::length).sum();
    let mut progress = Progress::new(total, run.plans.iter().any(|one| one.plan.has_aliases()));
    let staged = run.stage(inputs, consulted, &mut |step| progress.told(step));
    progress.end();
    Ok(staged?)
}

/// Standard input as a file of the work directory, for it is gone through twice: who is who in all of it is to be
/// known before anything of it is rewritten. Removed once it has been, or when anything goes wrong.
fn spool(form: StdinForm, work: &Work) -> Result<PathBuf, Stop> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Err(stop(USAGE, "--stdin reads what is piped into it, and nothing is"));
    }
    let path = work.again(form.name())?;
    // SECURITY: it holds what the rewriter has not seen.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let copied = file.and_then(|mut file| {
        io::copy(&mut stdin, &mut file)?;
        file.flush()
    });
    copied.map_err(|error| {
        stop(USAGE, format!("cannot copy standard input to `{}`: {error}", path.display()))
    })?;
    Ok(path)
}

impl StdinForm {
    /// Under which it stands in the work directory.
    const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "stdin.ndjson",
            Self::Csv => "stdin.csv",
        }
    }
}

/// How CSV is read.
fn rows(reading: &Reading, extract: &Extract) -> Rows {
    Rows {
        encoding: match reading.encoding {
            EncodingName::Utf8 => Encoding::Utf8,
            EncodingName::Latin1 => Encoding::Latin1,
        },
        delimiter: reading.delimiter.map(|name| match name {
            DelimiterName::Semicolon => b';',
            DelimiterName::Comma => b',',
        }),
        numbers: extract.csv.as_ref().map(|csv| csv.numbers.clone()).unwrap_or_default(),
    }
}

fn settings(reading: &Reading, policy: &Policy, threads: usize) -> Settings {
    let piece = usize::try_from(reading.checkpoint).unwrap_or(PIECE).min(PIECE);
    Settings {
        threads,
        skips: reading.on_error == OnError::Skip,
        resumes: reading.resume,
        checkpoint: reading.checkpoint,
        piece,
        most: policy.limits.response,
    }
}

/// The plans of the extract's routes, with the keys that `tavs serve` has.
pub(super) fn plans(Ground { policy, extract, ring, .. }: &Ground) -> Result<Vec<Plan>, Stop> {
    let routes = extract.routes.iter().filter_map(|number| policy.routes.get(*number));
    let plan = |route| {
        Plan::compile(policy, route, ring).map_err(|errors| {
            let lines = errors.iter().map(|error| format!("error: {error}\n"));
            Stop(FINDINGS, lines.collect())
        })
    };
    routes.map(plan).collect()
}
