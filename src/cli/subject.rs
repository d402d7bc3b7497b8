//! `tavs subject`: enter, lift and show subjects' rights.
//!
//! Whose they are comes on standard input and nowhere else: arguments stand in the process list and in
//! the shell's history.

pub(super) mod ask;
mod import;
pub(super) mod input;
pub(super) mod report;
mod tell;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::policy_files::Format;
use super::{FINDINGS, USAGE, complain};
use crate::store::RightKind;

/// Enter, lift and show subjects' rights: on standard input one line with the person's CPR.
///
/// In force from the next exchange on, whether tavs serves meanwhile or not. Each change and each
/// look-up is recorded in the ledger, with who and why.
///
/// A person may also be given by e-CPR (`--system` for a regional one) or by an upstream's id (`Patient/123`).
///
/// Exit code 0: done; 1: refused, nothing was changed; 2: wrong usage, or a part that cannot be used.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Restrict(Restrict),
    Lift(Lift),
    /// Enter an objection to a purpose (GDPR art. 21).
    Object(OfPurpose),
    Consent(Consent),
    /// Withdraw a consent to a purpose (GDPR art. 7(3)).
    Withdraw(OfPurpose),
    Frabedt(Frabedt),
    Erase(Erase),
    Alias(Alias),
    Show(Show),
    Import(Import),
    Notify(Notify),
    Report(report::Args),
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
    /// Why: the letter or the case, never the person.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who asks for it. [default: the user's name]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

/// How the answer is written.
#[derive(Debug, clap::Args)]
struct Form {
    /// How the answer is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What every command about one person takes.
#[derive(Debug, clap::Args)]
struct About {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    form: Form,
    /// The identifier system of a regional e-CPR, as the policies name it; `none` where documents
    /// have it without one.
    #[arg(long, value_name = "URN")]
    system: Option<String>,
}

/// Withhold everything about a person (GDPR art. 18).
#[derive(Debug, clap::Args)]
struct Restrict {
    #[command(flatten)]
    about: About,
    /// The last day, in Danish time, such as 2027-03-31. [default: until it is lifted]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

/// End a restriction, an objection or `frabedt`.
#[derive(Debug, clap::Args)]
struct Lift {
    /// What holds until now.
    #[arg(value_enum)]
    right: Lifted,
    #[command(flatten)]
    about: About,
    /// Of an objection: against which purpose.
    #[arg(long, value_name = "NAME")]
    purpose: Option<String>,
    /// Of `frabedt`: against which recipient, where it is against one.
    #[arg(long, value_name = "NAME")]
    recipient: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Lifted {
    Restriction,
    Objection,
    Frabedt,
}

#[derive(Debug, clap::Args)]
struct OfPurpose {
    #[command(flatten)]
    about: About,
    /// The purpose, as policies name it.
    #[arg(long, value_name = "NAME")]
    purpose: String,
}

/// Enter a consent to a purpose (GDPR art. 7).
#[derive(Debug, clap::Args)]
struct Consent {
    #[command(flatten)]
    about: About,
    /// The purpose, as policies name it.
    #[arg(long, value_name = "NAME")]
    purpose: String,
    /// The last day, in Danish time. [default: until it is withdrawn]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

/// Enter that a person does not want data passed on (Sundhedsloven § 41(3)): to nobody, or not to one
/// recipient.
#[derive(Debug, clap::Args)]
struct Frabedt {
    #[command(flatten)]
    about: About,
    /// The recipient, as policies name it. [default: all of them]
    #[arg(long, value_name = "NAME")]
    recipient: Option<String>,
    /// The last day, in Danish time. [default: until it is lifted]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

/// Withhold a person for good (GDPR art. 17). Cannot be taken back.
#[derive(Debug, clap::Args)]
struct Erase {
    #[command(flatten)]
    about: About,
    /// That it is meant: nothing lifts an erasure.
    #[arg(long)]
    yes: bool,
}

/// Tie two ids to one person: on standard input `OLD = NEW`, an old CPR or an upstream's id, and the
/// CPR that is the person's now.
#[derive(Debug, clap::Args)]
struct Alias {
    #[command(flatten)]
    about: About,
}

/// Show what the registry says about a person. The look-up is recorded.
#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    about: About,
}

/// Enter consents from a file: all of them, or none.
///
/// Lines of `cpr,purpose,consent,until` under a line with these names, separated by commas or semicolons:
/// `consent` is `given` or `withdrawn`, `until` is a last day or empty.
#[derive(Debug, clap::Args)]
struct Import {
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    form: Form,
}

/// Write whom to tell that a person was rectified, erased or restricted, under which pseudonyms, with the
/// letter (GDPR art. 19); or note that a recipient has acknowledged it.
#[derive(Debug, clap::Args)]
struct Notify {
    #[command(flatten)]
    head: report::Head,
    /// The identifier system of a regional e-CPR.
    #[arg(long, value_name = "URN")]
    system: Option<String>,
    /// What happened.
    #[arg(long, value_enum, required_unless_present = "acknowledged")]
    about: Option<Happened>,
    /// Note that this recipient has acknowledged all that it was told of the person; writes no report.
    #[arg(long, value_name = "NAME", conflicts_with = "about")]
    acknowledged: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Happened {
    /// The clinic corrected what was wrong (art. 16).
    Rectification,
    /// The person was erased (art. 17).
    Erasure,
    /// The person was restricted (art. 18).
    Restriction,
}

/// What the notice is asked with.
#[derive(Serialize)]
struct OfNotice<'a> {
    subject: &'a str,
    system: Option<&'a str>,
    about: Happened,
}

/// The content of `POST /v1/changes`.
#[derive(Serialize)]
struct Changes<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    changes: Vec<Change<'a>>,
}

/// The content of `POST /v1/aliases`.
#[derive(Serialize)]
struct SameAs<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    subject: &'a str,
    system: Option<&'a str>,
    same_as: &'a str,
}

/// The content of `POST /v1/subjects/show`.
#[derive(Serialize)]
struct LookUp<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    subject: &'a str,
    system: Option<&'a str>,
}

/// The content of `POST /v1/notices/acknowledge`.
#[derive(Serialize)]
struct Acknowledged<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    subject: &'a str,
    system: Option<&'a str>,
    recipient: &'a str,
}

#[derive(Serialize)]
struct Said<'a> {
    who: Option<&'a str>,
    why: &'a str,
}

#[derive(Serialize)]
struct Change<'a> {
    subject: &'a str,
    system: Option<&'a str>,
    kind: &'static str,
    begun: bool,
    purpose: Option<&'a str>,
    recipient: Option<&'a str>,
    until: Option<&'a str>,
}

/// What is changed, of whomever.
#[derive(Clone, Copy)]
struct What<'a> {
    kind: RightKind,
    begun: bool,
    purpose: Option<&'a str>,
    recipient: Option<&'a str>,
    until: Option<&'a str>,
}

impl What<'_> {
    const fn begun(kind: RightKind) -> Self {
        Self { kind, begun: true, purpose: None, recipient: None, until: None }
    }

    const fn ended(kind: RightKind) -> Self {
        Self { begun: false, ..Self::begun(kind) }
    }
}

/// Why nothing was done, for standard error, and the exit code.
pub(super) struct Stop {
    pub(super) code: u8,
    pub(super) text: String,
    /// Entries of a list, by their places from 1.
    entries: Vec<(usize, String)>,
}

impl Stop {
    pub(super) fn new(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), entries: Vec::new() }
    }
}

pub(crate) fn run(args: &Args) -> u8 {
    let done = match &args.command {
        Command::Restrict(Restrict { about, until }) => {
            change(about, What { until: until.as_deref(), ..What::begun(RightKind::Restriction) })
        }
        Command::Lift(Lift { right, about, purpose, recipient }) => {
            let what = What::ended(right.kind());
            change(about, What { purpose: purpose.as_deref(), recipient: recipient.as_deref(), ..what })
        }
        Command::Object(OfPurpose { about, purpose }) => {
            change(about, What { purpose: Some(purpose), ..What::begun(RightKind::Objection) })
        }
        Command::Consent(Consent { about, purpose, until }) => {
            let what = What { until: until.as_deref(), ..What::begun(RightKind::Consent) };
            change(about, What { purpose: Some(purpose), ..what })
        }
        Command::Withdraw(OfPurpose { about, purpose }) => {
            change(about, What { purpose: Some(purpose), ..What::ended(RightKind::Consent) })
        }
        Command::Frabedt(Frabedt { about, recipient, until }) => {
            let what = What { until: until.as_deref(), ..What::begun(RightKind::Frabedt) };
            change(about, What { recipient: recipient.as_deref(), ..what })
        }
        Command::Erase(Erase { about, yes: true }) => change(about, What::begun(RightKind::Erasure)),
        Command::Erase(Erase { yes: false, .. }) => Err(Stop::new(
            USAGE,
            "an erasure is for good: nothing lifts it; if it is meant, add --yes".to_owned(),
        )),
        Command::Alias(Alias { about }) => alias(about),
        Command::Show(Show { about }) => show(about),
        Command::Import(Import { file, common, form }) => import::run(file, common, form),
        Command::Notify(args) => notify(args),
        Command::Report(args) => report::run(args),
    };
    finish("subject", done)
}

/// Shows what was answered, or says why there is no answer; gives the exit code.
pub(super) fn finish(command: &str, done: Result<String, Stop>) -> u8 {
    match done {
        Ok(text) => super::show(&text),
        Err(Stop { code, text, .. }) => {
            complain(&format!("tavs {command}: {text}\n"));
            code
        }
    }
}

fn change(about: &About, what: What<'_>) -> Result<String, Stop> {
    let subject = input::line("CPR: ")?;
    let What { kind, begun, purpose, recipient, until } = what;
    let system = about.system.as_deref();
    let change = Change { subject: &subject, system, kind: kind.word(), begun, purpose, recipient, until };
    let common = &about.common;
    let who = common.who();
    let asked = Changes { said: common.said(who.as_deref()), changes: vec![change] };
    let told = common.ask("/v1/changes", &asked)?;
    about.form.show(&told, tell::changed)
}

fn alias(about: &About) -> Result<String, Stop> {
    let line = input::line("OLD = NEW: ")?;
    let Some((subject, same_as)) = line.split_once('=') else {
        return Err(Stop::new(
            FINDINGS,
            "standard input must be `OLD = NEW`, such as an old and a new CPR".to_owned(),
        ));
    };
    let (subject, same_as, system) = (subject.trim(), same_as.trim(), about.system.as_deref());
    let common = &about.common;
    let who = common.who();
    let asked = SameAs { said: common.said(who.as_deref()), subject, system, same_as };
    let told = common.ask("/v1/aliases", &asked)?;
    about.form.show(&told, tell::tied)
}

fn show(about: &About) -> Result<String, Stop> {
    let subject = input::line("CPR: ")?;
    let common = &about.common;
    let who = common.who();
    let said = common.said(who.as_deref());
    let asked = LookUp { said, subject: &subject, system: about.system.as_deref() };
    let told = common.ask("/v1/subjects/show", &asked)?;
    about.form.show(&told, tell::shown)
}

fn notify(args: &Notify) -> Result<String, Stop> {
    let subject = input::line("CPR: ")?;
    let system = args.system.as_deref();
    if let Some(about) = args.about {
        return args.head.ask("/v1/reports/notify", &OfNotice { subject: &subject, system, about });
    }
    let common = &args.head.common;
    let who = common.who();
    let recipient = args.acknowledged.as_deref().unwrap_or_default();
    let asked = Acknowledged { said: common.said(who.as_deref()), subject: &subject, system, recipient };
    let told = common.ask("/v1/notices/acknowledge", &asked)?;
    Form { format: Format::Text }.show(&told, tell::acknowledged)
}

impl Lifted {
    const fn kind(self) -> RightKind {
        match self {
            Self::Restriction => RightKind::Restriction,
            Self::Objection => RightKind::Objection,
            Self::Frabedt => RightKind::Frabedt,
        }
    }
}

impl Common {
    /// The name that was given, or the user's: the system's own word for the user is recorded beside it.
    fn who(&self) -> Option<String> {
        self.who.clone().or_else(|| std::env::var("USER").ok().filter(|name| !name.is_empty()))
    }

    fn said<'a>(&'a self, who: Option<&'a str>) -> Said<'a> {
        Said { who, why: &self.why }
    }

    /// Asks the office, and gives what it told.
    fn ask<T: Serialize>(&self, path: &str, content: &T) -> Result<Vec<u8>, Stop> {
        let body = serde_json::to_vec(content).map_err(|error| Stop::new(USAGE, error.to_string()))?;
        ask::ask(&self.config, path, Zeroizing::new(body))
    }
}

impl Form {
    /// The answer as it is written to standard output.
    fn show(&self, told: &[u8], text: fn(&Value) -> String) -> Result<String, Stop> {
        let value: Value = serde_json::from_slice(told).map_err(|_not_json| {
            Stop::new(USAGE, "the answer is not one of this version; update both sides".to_owned())
        })?;
        Ok(match self.format {
            Format::Text => text(&value),
            Format::Json => format!("{value}\n"),
        })
    }
}
