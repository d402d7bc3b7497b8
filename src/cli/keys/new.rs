//! `tavs keys new`: a ring with a secret for each use and domain; or what one lacks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{KeysError, Reason};
use crate::clock::Clock;
use crate::config;
use crate::config::private::{self, PrivateError};
use crate::pseudonym::{KeyRing, NewVersion, Said, SecretUse};

/// Make a key ring: a file of random secrets that only its owner can read.
///
/// It gets a secret for the ledger's subject ids, one for its checkpoints, one for what the registry
/// seals, and one for each pseudonymisation domain. Keep a copy in a safe place: without it, a pseudonym made later for the
/// same person is another one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to make; an existing one is never overwritten.
    file: PathBuf,
    /// A pseudonymisation domain that needs a secret; may be given again.
    #[arg(long, value_name = "NAME")]
    domain: Vec<String>,
    /// A folder of policies: every domain that they name gets a secret.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Add what is missing to an existing file; secrets that it has stay as they are.
    #[arg(long)]
    add: bool,
    #[command(flatten)]
    reason: Reason,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, clock: &Clock) -> Result<String, KeysError> {
    let domains = domains(args)?;
    let exists = args.file.exists();
    if exists && !args.add {
        let error = PrivateError::Exists { path: args.file.clone() };
        return Err(KeysError::Usage(format!("{error}; to add what is missing: --add")));
    }
    let mut ring = if exists { super::load(&args.file, clock)? } else { empty(clock)? };
    let made = add_missing(&mut ring, &domains, clock.timestamp(), &args.reason.said()?)?;
    if !args.dry_run {
        match (exists, made.is_empty()) {
            (true, true) => {}
            (true, false) => super::save(&args.file, &ring, clock)?,
            (false, _) => private::create_private(&args.file, &ring.text())?,
        }
    }
    Ok(told(args, &made))
}

/// Makes a ring file with a secret for each use, and one for each domain.
pub(in crate::cli) fn make(file: &Path, domains: &BTreeSet<String>, clock: &Clock) -> Result<(), KeysError> {
    let mut ring = empty(clock)?;
    add_missing(&mut ring, domains, clock.timestamp(), &Said::default())?;
    Ok(private::create_private(file, &ring.text())?)
}

fn empty(clock: &Clock) -> Result<KeyRing, KeysError> {
    super::parse(Path::new(""), KeyRing::empty(), clock.timestamp())
}

fn add_missing(
    ring: &mut KeyRing,
    domains: &BTreeSet<String>,
    made: Timestamp,
    said: &Said,
) -> Result<Vec<NewVersion>, KeysError> {
    let new = |used, name: &str| NewVersion { used, name: name.to_owned(), version: 1, made, from: None };
    let mut missing = Vec::new();
    if ring.subject_key().is_err() {
        missing.push(new(SecretUse::LedgerSubjects, ""));
    }
    if ring.checkpoint_key().is_err() {
        missing.push(new(SecretUse::Checkpoints, ""));
    }
    if ring.registry_key().is_err() {
        missing.push(new(SecretUse::Registry, ""));
    }
    let known = |name: &String| ring.versions().iter().any(|one| &one.name == name);
    missing.extend(domains.iter().filter(|name| !known(name)).map(|name| new(SecretUse::Domain, name)));
    for one in &missing {
        ring.push(one.clone(), super::random_secret()?, said.clone());
    }
    Ok(missing)
}

/// Those of the command line, and those of the policies.
fn domains(args: &Args) -> Result<BTreeSet<String>, KeysError> {
    let mut domains: BTreeSet<String> = args.domain.iter().cloned().collect();
    if let Some(folder) = &args.policies {
        domains.extend(config::policy_domains(folder).map_err(KeysError::Policies)?);
    }
    match domains.iter().find(|name| !is_name(name)) {
        Some(name) => Err(KeysError::Name { name: name.clone() }),
        None => Ok(domains),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 64 && !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain)
}

fn told(args: &Args, made: &[NewVersion]) -> String {
    let verb = if args.dry_run { "would make" } else { "made  " };
    let mut text = String::new();
    for one in made {
        let what = match one.used {
            SecretUse::Domain => format!("the pseudonymisation domain {}", one.name),
            SecretUse::Checkpoints => "the ledger's checkpoints".to_owned(),
            SecretUse::Registry => "what the registry seals".to_owned(),
            SecretUse::LedgerSubjects => "the ledger's subject ids".to_owned(),
        };
        text += &format!("{verb} a secret, version 1, for {what}\n");
    }
    if made.is_empty() {
        text += "nothing was missing\n";
    }
    text + &format!("in     {} (mode 0600); keep a copy in a safe place\n", args.file.display())
}
