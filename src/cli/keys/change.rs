//! `tavs keys list`, `rotate`, `close` and `destroy`: the life of a domain's key versions.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp, Unit};

use super::{KeysError, Reason, refused};
use crate::clock::Clock;
use crate::pseudonym::{Backup, KeyRing, KeyVersion, MAX_VERSION, NewVersion, SecretUse, Standing};

/// Show every key version: what it is for, and what it may do now. Never a secret.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The key ring.
    file: PathBuf,
}

/// Give a domain a new key version, from an instant on.
///
/// Until then the old version makes pseudonyms; from then on the new one does, and the old one only
/// resolves. Recipients see new pseudonyms for the same persons: tell them when, and give them the
/// old and new ones side by side with `tavs keys map`.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// The key ring.
    file: PathBuf,
    /// The pseudonymisation domain.
    #[arg(long, value_name = "NAME")]
    domain: String,
    /// When the new version takes over, as `2026-12-01T02:00:00Z`; default: in ten minutes.
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    #[command(flatten)]
    reason: Reason,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Refuse a version's pseudonyms from now on: they resolve no more. Its secret stays.
#[derive(Debug, clap::Args)]
pub(super) struct Close {
    /// The key ring.
    file: PathBuf,
    /// The pseudonymisation domain.
    #[arg(long, value_name = "NAME")]
    domain: String,
    /// The key version.
    #[arg(long, value_name = "NUMBER")]
    version: u32,
    #[command(flatten)]
    reason: Reason,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Remove a version's secret: nobody can undo its pseudonyms any more, not even whoever runs tavs.
/// Lists the backups that still hold it.
#[derive(Debug, clap::Args)]
pub(super) struct Destroy {
    /// The key ring.
    file: PathBuf,
    /// The pseudonymisation domain.
    #[arg(long, value_name = "NAME")]
    domain: String,
    /// The key version.
    #[arg(long, value_name = "NUMBER")]
    version: u32,
    /// It cannot be taken back.
    #[arg(long, required_unless_present = "dry_run")]
    yes: bool,
    #[command(flatten)]
    reason: Reason,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// So that every process has read the ring by then.
const DEFAULT_DELAY: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn list(args: &List, clock: &Clock) -> Result<String, KeysError> {
    let ring = super::load(&args.file, clock)?;
    let mut text = format!("{:<16} {:<28} {:>7}  {:<13} from\n", "use", "name", "version", "state");
    for one in ring.versions() {
        let from = one.from.map_or_else(|| "the beginning".to_owned(), |from| from.to_string());
        let (used, state) = (one.used.word(), ring.standing(one).word());
        text += &format!("{used:<16} {:<28} {:>7}  {state:<13} {from}\n", one.name, one.version);
    }
    for Backup { id, made, file } in ring.backups() {
        text += &format!("backup {id} of {made} in {file}\n");
    }
    Ok(text)
}

pub(super) fn rotate(args: &Rotate, clock: &Clock) -> Result<String, KeysError> {
    let mut ring = super::load(&args.file, clock)?;
    let now = clock.timestamp();
    // In whole seconds: an instant that people tell each other.
    let soon = || now.checked_add(DEFAULT_DELAY).and_then(|at| at.round(Unit::Second)).ok();
    let at = args.at.or_else(soon).unwrap_or(now);
    if at <= now {
        return refused(
            "`--at` has passed: a cut-over lies ahead, so that every process has read the ring by then",
        );
    }
    let latest = of_domain(&ring, &args.domain).max_by_key(|one| one.version);
    let Some(latest) = latest else { return refused(no_domain(&ring, &args.domain)) };
    if ring.standing(latest) == Standing::Pending {
        let (version, from) = (latest.version, latest.from.unwrap_or(now));
        return refused(format!(
            "version {version} is pending until {from}; wait, or destroy it: `tavs keys destroy {} --domain {} --version {version} --yes`",
            args.file.display(),
            args.domain
        ));
    }
    let making = of_domain(&ring, &args.domain).find(|one| ring.standing(one) == Standing::Active);
    let (old, version) = (making.unwrap_or(latest).version, latest.version.saturating_add(1));
    if version > MAX_VERSION {
        return refused(format!("a domain has {MAX_VERSION} versions at most"));
    }
    let name = args.domain.clone();
    let new = NewVersion { used: SecretUse::Domain, name, version, made: now, from: Some(at) };
    ring.push(new, super::random_secret()?, args.reason.said()?);
    let told = format!(
        "domain {}: version {version} makes its pseudonyms from {at} on; version {old} makes them until then, and only resolves afterwards\n",
        args.domain
    );
    finish(&args.file, &ring, clock, args.dry_run, told)
}

pub(super) fn close(args: &Close, clock: &Clock) -> Result<String, KeysError> {
    let mut ring = super::load(&args.file, clock)?;
    let one = find(&ring, &args.domain, args.version)?;
    match ring.standing(one) {
        Standing::ResolveOnly => {}
        Standing::Active => return refused(ACTIVE),
        Standing::Pending => return refused("it is pending: destroy it instead, it has made nothing yet"),
        Standing::Closed | Standing::Destroyed => return refused("it is closed already"),
    }
    ring.close(&args.domain, args.version, args.reason.said()?);
    let told = format!(
        "domain {}: pseudonyms of version {} are refused; recipients that still send them get 400\n",
        args.domain, args.version
    );
    finish(&args.file, &ring, clock, args.dry_run, told)
}

pub(super) fn destroy(args: &Destroy, clock: &Clock) -> Result<String, KeysError> {
    let mut ring = super::load(&args.file, clock)?;
    let one = find(&ring, &args.domain, args.version)?;
    match ring.standing(one) {
        Standing::Active => return refused(ACTIVE),
        Standing::ResolveOnly => return refused("it still resolves: close it first, and see who is refused"),
        Standing::Destroyed => return refused("its secret is destroyed already"),
        Standing::Closed | Standing::Pending => {}
    }
    let made = one.made;
    ring.destroy(&args.domain, args.version, args.reason.said()?);
    let mut told = format!("domain {}: the secret of version {} is gone\n", args.domain, args.version);
    for Backup { id, made: copied, file } in ring.backups() {
        if made.is_none_or(|made| made <= *copied) {
            told += &format!("backup {id} of {copied} still holds it: {file}\n");
        }
    }
    told += "what else copied the file (snapshots, other machines) may hold it, too\n";
    finish(&args.file, &ring, clock, args.dry_run, told)
}

fn finish(
    file: &std::path::Path,
    ring: &KeyRing,
    clock: &Clock,
    dry_run: bool,
    told: String,
) -> Result<String, KeysError> {
    if dry_run {
        return Ok(format!("would be so:\n{told}"));
    }
    super::save(file, ring, clock)?;
    Ok(told)
}

fn of_domain<'a>(ring: &'a KeyRing, domain: &'a str) -> impl Iterator<Item = &'a KeyVersion> {
    ring.versions().iter().filter(move |one| one.used == SecretUse::Domain && one.name == domain)
}

fn find<'a>(ring: &'a KeyRing, domain: &'a str, version: u32) -> Result<&'a KeyVersion, KeysError> {
    let found = of_domain(ring, domain).find(|one| one.version == version);
    found.ok_or_else(|| {
        let known: Vec<String> = of_domain(ring, domain).map(|one| one.version.to_string()).collect();
        KeysError::Refused(if known.is_empty() {
            no_domain(ring, domain)
        } else {
            format!("domain {domain} has no version {version}; it has {}", known.join(", "))
        })
    })
}

fn no_domain(ring: &KeyRing, domain: &str) -> String {
    let mut known: Vec<&str> = ring.versions().iter().map(|one| one.name.as_str()).collect();
    known.retain(|name| !name.is_empty());
    known.dedup();
    format!("the ring has no domain `{domain}`; it has: {}", known.join(", "))
}

const ACTIVE: &str = "it makes the domain's pseudonyms now: rotate first, and wait for the cut-over";
