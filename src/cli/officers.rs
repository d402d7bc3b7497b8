//! `tavs officers`: the key pairs that officers sign with.

use std::path::{Path, PathBuf};

use super::{FINDINGS, USAGE};
use crate::config::private::{self, PrivateError};
use crate::pseudonym::OfficerKey;

/// Make the key pairs that officers sign requests, approvals and policies with.
///
/// Each officer makes their own and keeps the private key for themselves, apart from the machine that
/// serves; the public key goes into `tavs.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key pair; what stands in `tavs.toml` is shown.
    NewKey(File),
    /// Show the public key of a private one.
    ShowKey(File),
}

#[derive(Debug, clap::Args)]
struct File {
    /// The file of the private key (mode 0600).
    file: PathBuf,
}

/// Why an officer's key cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfficerKeyError {
    #[error(transparent)]
    Private(#[from] PrivateError),
    #[error("`{}` is no officer's private key; make one with `tavs officers new-key FILE`", path.display())]
    NotOne { path: PathBuf },
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl OfficerKeyError {
    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::NotOne { .. } => FINDINGS,
            Self::Private(_) | Self::Random(_) => USAGE,
        }
    }
}

pub(crate) fn run(args: &Args) -> u8 {
    let said = match &args.command {
        Command::NewKey(File { file }) => new_key(file),
        Command::ShowKey(File { file }) => read_key(file).map(|key| format!("{}\n", key.public())),
    };
    match said {
        Ok(text) => super::show(&text),
        Err(error) => {
            super::complain(&format!("tavs officers: {error}\n"));
            error.code()
        }
    }
}

fn new_key(file: &Path) -> Result<String, OfficerKeyError> {
    let seed = super::keys::random_secret()?;
    let text = OfficerKey::text(&seed);
    let not_one = || OfficerKeyError::NotOne { path: file.to_owned() };
    let public = OfficerKey::parse(&text).ok_or_else(not_one)?.public();
    private::create_private(file, &text)?;
    Ok(format!(
        "made {} (mode 0600); nobody but its owner may have it. In tavs.toml:\n\n[officers.NAME]\npublic-key = \"{public}\"\nroles = [\"reidentify-requester\"]   # or \"reidentify-approver\", \"policy-approver\"\n",
        file.display()
    ))
}

/// Reads an officer's private key.
pub(super) fn read_key(file: &Path) -> Result<OfficerKey, OfficerKeyError> {
    let text = private::read_private(file)?;
    OfficerKey::parse(&text).ok_or_else(|| OfficerKeyError::NotOne { path: file.to_owned() })
}
