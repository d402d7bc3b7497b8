//! `tavs reidentify`: a pseudonym becomes the identifier again, by two officers.
//!
//! The pseudonym comes on standard input and goes along in the request; the identifier goes to standard
//! output and nowhere else, once its record is on disk. Nothing of either stands in an argument, a log or
//! an error.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::officers::{self, OfficerKeyError};
use super::subject::{Stop, ask, input};
use super::{FINDINGS, USAGE, colour, complain};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::officer::paper::{MAX_HOURS, MAX_PAPER, Paper, PaperError, Request};
use crate::store::Store;

/// Find out whose a pseudonym is, where that is the only way left: asked for by one officer, approved by
/// another, recorded before it is shown, once.
///
/// The request is a file that goes from the one to the other; it holds the pseudonym and the reason,
/// never the person. Whoever holds the key ring executes it, before it expires. Its record shows in the
/// person's own report and in the supervision report.
///
/// Exit code 0: done; 1: refused, nothing is shown; 2: wrong usage, or a part that cannot be used.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Request(Ask),
    Approve(Approve),
    Execute(Execute),
}

/// Ask for it: the pseudonym on standard input, one line; the request on standard output, signed.
#[derive(Debug, clap::Args)]
struct Ask {
    #[command(flatten)]
    signer: Signer,
    /// Which log it is to be on record in, as `tavs ledger verify` shows it.
    #[arg(long, value_name = "LOG")]
    log: String,
    /// Who has the pseudonym, as the policies name it.
    #[arg(long, value_name = "NAME")]
    recipient: String,
    /// Why: the case, never the person.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// What it stands for.
    #[arg(long, default_value = "cpr")]
    kind: KindName,
    /// The resource type of an id, as in the policy; the identifier system of a regional e-CPR.
    #[arg(long, value_name = "TEXT", default_value = "")]
    of: String,
    /// The pseudonymisation domain, where no policy in force has the recipient any more.
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// How long it is good for.
    #[arg(long, value_name = "NUMBER", default_value_t = MAX_HOURS, value_parser = clap::value_parser!(i64).range(1..=MAX_HOURS))]
    hours: i64,
}

/// Approve what another asks for; the approved request on standard output.
#[derive(Debug, clap::Args)]
struct Approve {
    /// The request.
    file: PathBuf,
    #[command(flatten)]
    signer: Signer,
    /// That it has been read: without it, what would be approved is shown, and nothing is signed.
    #[arg(long)]
    yes: bool,
}

/// Execute what two officers have signed: the identifier on standard output, once its record is on disk.
#[derive(Debug, clap::Args)]
struct Execute {
    /// The approved request.
    file: PathBuf,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Signer {
    /// Who signs, as `[officers.NAME]` of tavs.toml calls them.
    #[arg(long, value_name = "NAME")]
    officer: String,
    /// Their private key (`tavs officers new-key`).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    Cpr,
    Ecpr,
    Id,
}

impl KindName {
    const fn word(self) -> &'static str {
        match self {
            Self::Cpr => "cpr",
            Self::Ecpr => "ecpr",
            Self::Id => "id",
        }
    }
}

pub(crate) fn run(args: &Args) -> u8 {
    let now = Clock::system().timestamp();
    let done = match &args.command {
        Command::Request(args) => request(args, now).map(Zeroizing::new),
        Command::Approve(args) => approve(args, now).map(Zeroizing::new),
        Command::Execute(args) => execute(args),
    };
    match done {
        Ok(text) => super::show(&text),
        Err(Stop { code, text, .. }) => {
            complain(&format!("tavs reidentify: {text}\n"));
            code
        }
    }
}

fn request(args: &Ask, now: Timestamp) -> Result<String, Stop> {
    let key = officers::read_key(&args.signer.key)?;
    let pseudonym = input::line("Pseudonym: ")?;
    let asked = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let expires = asked.checked_add(SignedDuration::from_hours(args.hours));
    let request = Request {
        requester: args.signer.officer.clone(),
        log: args.log.clone(),
        pseudonym: pseudonym.trim().to_owned(),
        recipient: args.recipient.clone(),
        domain: args.domain.clone(),
        kind: args.kind.word().to_owned(),
        of: args.of.clone(),
        why: args.why.trim().to_owned(),
        ..Request::blank(asked, expires.unwrap_or(asked))
    };
    let paper = Paper::ask(request.checked()?, &key).ok_or(PaperError::Requester)?;
    complain(&format!(
        "request {}: a second officer approves it before {}\n",
        paper.reference(),
        paper.request().expires
    ));
    Ok(paper.text())
}

fn approve(args: &Approve, now: Timestamp) -> Result<String, Stop> {
    let paper = read(&args.file)?;
    let Request { requester, recipient, domain, kind, of, why, log, asked, expires, .. } = paper.request();
    let domain = domain.as_deref().unwrap_or("that of the recipient's policy in force");
    complain(&format!(
        "request {}\n  asked by  {requester}, at {asked}\n  why       {why}\n  what      a pseudonym of {recipient}: {kind} {of}\n  domain    {domain}\n  log       {log}\n  expires   {expires}\n",
        paper.reference()
    ));
    if !args.yes {
        return Err(Stop::new(USAGE, "nothing is signed; if it is to be approved, add --yes"));
    }
    let key = officers::read_key(&args.signer.key)?;
    Ok(paper.approve(&args.signer.officer, &key, now)?.text())
}

fn execute(args: &Execute) -> Result<Zeroizing<String>, Stop> {
    let paper = read(&args.file)?;
    let config =
        Config::read(&args.config).map_err(|findings| Stop::new(FINDINGS, findings.render(colour())))?;
    // Opened first, so that nothing is on record as used that cannot be shown; shown last.
    let in_force = app::in_force(&config, &Clock::system())
        .map_err(|findings| Stop::new(FINDINGS, findings.render(colour())))?;
    let opened = in_force.open(paper.request(), || Store::open_beside(&config.store.value));
    let body = serde_json::to_vec(&json!({ "paper": paper.text() }));
    let body = body.map_err(|error| Stop::new(USAGE, error.to_string()))?;
    let told = ask::ask(&args.config, "/v1/reidentifications", Zeroizing::new(body))?;
    // SECURITY: only past this line the record is on disk.
    let opened = opened.map_err(|error| Stop::new(FINDINGS, error.to_string()))?;
    let told: Value = serde_json::from_slice(&told).unwrap_or_default();
    let record = told
        .get("record")
        .and_then(Value::as_u64)
        .ok_or_else(|| Stop::new(USAGE, "the answer is not one of this version; update both sides"))?;
    complain(&format!("on record as {record}; good for no second time\n"));
    Ok(Zeroizing::new([opened.identifier.as_str(), "\n"].concat()))
}

fn read(file: &Path) -> Result<Paper, Stop> {
    let cannot = |error| Stop::new(USAGE, format!("cannot read `{}`: {error}", file.display()));
    let length = std::fs::metadata(file).map_err(cannot)?.len();
    if length > u64::try_from(MAX_PAPER).unwrap_or(u64::MAX) {
        return Err(PaperError::Form.into());
    }
    let text = std::fs::read_to_string(file).map_err(cannot)?;
    Ok(Paper::read(&text)?)
}

impl From<PaperError> for Stop {
    fn from(error: PaperError) -> Self {
        Self::new(FINDINGS, error.to_string())
    }
}

impl From<OfficerKeyError> for Stop {
    fn from(error: OfficerKeyError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
