//! `tavs approve`: officers agree to what policies let out.
//!
//! `prepare` runs where tavs serves and asks its store; `sign` runs where the officer's key is, and looks
//! at the policies themselves: what is signed unseen protects nobody.

mod show;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::diff;
use super::policy_files::{Format, Stop};
use super::{FINDINGS, GOOD, USAGE, officers};
use crate::app::Standing;
use crate::clock::Clock;
use crate::config::{Approvals, Config, read_policies};
use crate::officer::{APPROVERS, Approval, LARGEST_APPROVAL, LONGEST_APPROVAL, Terms, Unapproved};
use crate::policy::check::check_to_serve;
use crate::policy::difference::{Change, compare, set_version};
use crate::store::{Store, StoreError};
use crate::visible::Visible;

/// Approve policies, where tavs.toml says `approval = "required"`.
///
/// `prepare` makes a file that says which policies may take the place of which. Officers sign it, two of them
/// if more may leave than before; then it is put where tavs.toml says, and the policies take effect.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Prepare(Prepare),
    Show(show::Args),
    Sign(Sign),
}

/// Show what changes against the approved policies, and make the file that officers sign.
///
/// Exit code 0: made, or nothing to approve; 1: the policies or the configuration have errors; 2: wrong
/// usage, or something that cannot be read or written.
#[derive(Debug, clap::Args)]
struct Prepare {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
    /// For how many days it can take effect, at most 31.
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(i32).range(1..=i64::from(LONGEST_APPROVAL)))]
    days: i32,
    /// How what changes is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Show what would be approved; with --yes sign it.
///
/// Exit code 0: signed; 1: the policies are not those of the file, or have errors; 2: wrong usage, nothing
/// signed for lack of --yes, or something that cannot be read or written.
#[derive(Debug, clap::Args)]
struct Sign {
    /// The file that `prepare` made; the signature is added to it.
    file: PathBuf,
    /// The officer's name in tavs.toml.
    #[arg(long, value_name = "NAME")]
    officer: String,
    /// The officer's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The policies that are approved: a folder, or a revision of git.
    #[arg(long, value_name = "NEW")]
    policies: String,
    /// The policies that were approved before, as `tavs approve show` writes them, or a revision of git; needed
    /// unless there are none.
    #[arg(long, value_name = "OLD")]
    against: Option<String>,
    /// The folder of policies in a revision, from the current folder.
    #[arg(long, value_name = "FOLDER", default_value = "policies")]
    path: PathBuf,
    /// That it has been read: without it, what would be approved is shown, and nothing is signed.
    #[arg(long)]
    yes: bool,
    /// How what changes is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> u8 {
    let said = match &args.command {
        Command::Prepare(args) => prepare(args, &Clock::system()),
        Command::Show(args) => show::write(args),
        Command::Sign(args) => sign(args),
    };
    match said {
        Ok(text) => super::show(&text),
        Err(Stop(code, text)) => {
            super::complain(&text);
            code
        }
    }
}

fn stop(code: u8, what: impl std::fmt::Display) -> Stop {
    Stop(code, format!("tavs approve: {what}\n"))
}

fn configured(path: &Path) -> Result<Config, Stop> {
    Config::read(path).map_err(|findings| Stop(FINDINGS, findings.render(super::colour())))
}

fn no_approvals() -> Stop {
    stop(FINDINGS, "tavs.toml wants no approvals; `approval = \"required\"` in [policies] does")
}

/// The store, beside a process that may be serving from it: the approved set is read from there, and no more written than the name of this deployment, where it has none.
fn opened(config: &Config) -> Result<Store, Stop> {
    Store::open_beside(&config.store.value).map_err(|error| {
        let new = matches!(error, StoreError::Missing { .. });
        let hint = if new {
            "; of a new deployment `tavs serve` makes it at its first start, and refuses to serve"
        } else {
            ""
        };
        stop(USAGE, format!("{error}{hint}"))
    })
}

fn prepare(args: &Prepare, clock: &Clock) -> Result<String, Stop> {
    let findings = |findings: crate::config::Findings| Stop(FINDINGS, findings.render(super::colour()));
    let config = configured(&args.config)?;
    let Some(Approvals { file }) = &config.approvals else { return Err(no_approvals()) };
    let read = read_policies(&config);
    let (policies, found) = check_to_serve(&read.files, clock.today());
    let checked = read.into_findings(&config, found);
    if checked.has_errors() {
        return Err(findings(checked));
    }
    let store = opened(&config)?;
    let standing = Standing::read(&store, &policies, clock.today()).map_err(|error| stop(USAGE, error))?;
    let asked = standing.asked(clock.timestamp());
    if asked.old == Some(asked.new) {
        let none = json!({ "approved": true, "changes": [] });
        return Ok(match args.format {
            Format::Text => "these policies are approved\n".to_owned(),
            Format::Json => format!("{none:#}\n"),
        });
    }
    let wanted = if standing.wider() { APPROVERS } else { 1 };
    // What somebody has signed already is not thrown away.
    let prepared = read_approval(file).ok().filter(|prepared| {
        let good = prepared.approves(&asked, &config.officers);
        matches!(good, Ok(_) | Err(Unapproved::TooFew { .. }))
    });
    let shown = |approval: &Approval, said: String| match args.format {
        Format::Text => diff::as_text(&standing.changes) + &said,
        Format::Json => {
            let mut all = as_json(approval, &standing.changes);
            all["approved"] = json!(false);
            all["file"] = json!(file.display().to_string());
            all["signatures-wanted"] = json!(wanted);
            format!("{all:#}\n")
        }
    };
    if let Some(prepared) = prepared {
        let signed = prepared.signed_by().count();
        return Ok(shown(
            &prepared,
            format!("{} is prepared: {signed} of {wanted} signed\n", file.display()),
        ));
    }
    let hours = i64::from(args.days).saturating_mul(24);
    let expires = asked.now.checked_add(SignedDuration::from_hours(hours));
    let terms = Terms {
        deployment: asked.deployment.to_owned(),
        serial: asked.last.saturating_add(1),
        old: asked.old,
        new: asked.new,
        expires: expires
            .map_err(|error| stop(USAGE, error))?
            .round(jiff::Unit::Second)
            .map_err(|error| stop(USAGE, error))?,
    };
    let approval = Approval::unsigned(terms);
    write(file, &approval)?;
    Ok(shown(&approval, next(file, wanted, &standing)))
}

/// What to do with the file that was made.
fn next(file: &Path, wanted: usize, standing: &Standing) -> String {
    let file = file.display();
    let against = match &standing.approved {
        Some(_) => "; `tavs approve show` writes the approved policies that its --against wants",
        None => "",
    };
    if standing.wider() {
        return format!("made {file}; {wanted} officers sign it with `tavs approve sign`{against}\n");
    }
    format!(
        "nothing more leaves: these policies serve without approval. Until they are approved, later changes are held \
         against the ones before.\nmade {file}; to approve them, an officer signs it with `tavs approve sign`{against}\n"
    )
}

fn sign(args: &Sign) -> Result<String, Stop> {
    let mut approval = read_approval(&args.file)?;
    let policies = diff::read(&args.policies, &args.path)?;
    if set_version(&policies) != approval.terms.new {
        let what = format!("`{}` has other policies than those that are to be approved", args.policies);
        return Err(stop(FINDINGS, what));
    }
    let before = match (&args.against, approval.terms.old) {
        (None, None) => Vec::new(),
        (Some(_), None) => return Err(stop(FINDINGS, "nothing was approved before: leave out --against")),
        (None, Some(_)) => {
            let what = "see what changes before you sign: --against names the policies that were approved before; `tavs approve show` writes them, where tavs serves";
            return Err(stop(USAGE, what));
        }
        (Some(against), Some(old)) => {
            let before = diff::read(against, &args.path)?;
            if set_version(&before) != old {
                let what = format!(
                    "`{against}` has other policies than those that were approved before, which `tavs approve show` writes, where tavs serves"
                );
                return Err(stop(FINDINGS, what));
            }
            before
        }
    };
    // Shown before anything is signed, and to whoever signs; as JSON in one piece with who has signed.
    let changes = compare(&before, &policies);
    let show = |text: &str| match super::show(text) {
        GOOD => Ok(()),
        failed => Err(Stop(failed, String::new())),
    };
    if args.format == Format::Text {
        show(&diff::as_text(&changes))?;
    }
    if !args.yes {
        if args.format == Format::Json {
            show(&format!("{:#}\n", as_json(&approval, &changes)))?;
        }
        return Err(stop(USAGE, "nothing is signed; if it is to be approved, add --yes"));
    }
    let key = officers::read_key(&args.key).map_err(|error| stop(USAGE, error))?;
    if !approval.sign(&args.officer, &key) {
        return Err(stop(FINDINGS, "it has as many signatures as it can have"));
    }
    if args.format == Format::Json {
        show(&format!("{:#}\n", as_json(&approval, &changes)))?;
        write(&args.file, &approval)?;
        return Ok(String::new());
    }
    write(&args.file, &approval)?;
    let Terms { serial, expires, .. } = &approval.terms;
    let names: Vec<&str> = approval.signed_by().collect();
    let signed = names.join(", ");
    let signed = Visible(&signed);
    Ok(format!("signed by {signed}; serial number {serial}, can take effect until {expires}\n"))
}

/// What is approved, and by whom so far; members are added over time, never changed.
fn as_json(approval: &Approval, changes: &[Change]) -> Value {
    let Terms { serial, expires, .. } = &approval.terms;
    json!({
        "serial": serial,
        "expires": expires.to_string(),
        "signed-by": approval.signed_by().collect::<Vec<_>>(),
        "changes": diff::json_of(changes),
    })
}

fn read_approval(file: &Path) -> Result<Approval, Stop> {
    let unreadable = |error: io::Error| stop(USAGE, format!("cannot read `{}`: {error}", file.display()));
    if fs::metadata(file).map_err(unreadable)?.len() > LARGEST_APPROVAL {
        return Err(stop(FINDINGS, format!("`{}`: {}", file.display(), Unapproved::NotOne)));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    Approval::parse(&text).map_err(|why| stop(FINDINGS, format!("`{}`: {why}", file.display())))
}

/// Puts a whole file in the place of the old one: `serve` may read at any time.
fn write(file: &Path, approval: &Approval) -> Result<(), Stop> {
    let fail = |error: io::Error| stop(USAGE, format!("cannot write `{}`: {error}", file.display()));
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".approval-").tempfile_in(folder).map_err(fail)?;
    io::Write::write_all(&mut new, approval.text().as_bytes()).map_err(fail)?;
    // Nothing in it is secret, and whoever serves may be another user.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    new.as_file().set_permissions(mode).map_err(fail)?;
    new.persist(file).map(drop).map_err(|error| fail(error.error))
}
