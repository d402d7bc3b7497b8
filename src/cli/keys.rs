//! `tavs keys`: make keys, and look after them through their life.

mod backup;
mod change;
mod map;
mod new;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::private::{self, PrivateError};
use crate::config::{Findings, KeySource, KeySourceError};
use crate::officer;
use crate::pseudonym::{CheckpointKey, KeyRing, PublicKey, RingError, Said};
use crate::secret::Secret;
use crate::store::StoreError;

pub(super) use self::new::make;

/// Make keys, and look after them through their life.
///
/// Each pseudonymisation domain has a secret, by which its pseudonyms are made. `rotate` gives it a new
/// version from an instant on; the old one then only resolves, until it is closed and destroyed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(new::Args),
    List(change::List),
    Rotate(change::Rotate),
    Close(change::Close),
    Destroy(change::Destroy),
    Map(map::Args),
    Backup(backup::Backup),
    Restore(backup::Restore),
    ShowCheckpointKey(Show),
}

/// Print the public key of the ledger's checkpoints: give it to the auditor, who passes it to
/// `tavs ledger verify --key`.
#[derive(Debug, clap::Args)]
struct Show {
    /// The key ring.
    file: PathBuf,
}

/// Who changes the ring, and why: kept beside the secret, and put on record in the ledger before the changed
/// ring serves.
#[derive(Debug, clap::Args)]
struct Reason {
    /// Why: the case or decision, never a person.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Who changes it. [default: the user's name]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

impl Reason {
    fn said(&self) -> Result<Said, KeysError> {
        let user = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        let said = Said { who: self.who.clone().or_else(user), why: self.why.clone() };
        match officer::recordable(&said) {
            Ok(said) => Ok(said),
            Err(problem) => refused(problem.detail()),
        }
    }
}

/// Why a command on keys came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error("{0}")]
    Private(#[from] PrivateError),
    #[error("{0}")]
    Source(#[from] KeySourceError),
    #[error("`{}`: {source}", path.display())]
    Ring { path: PathBuf, source: RingError },
    #[error("`{name}` is no name of a domain: 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit")]
    Name { name: String },
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    #[error("{source}")]
    Store { source: StoreError },
    #[error("the policies name no domain")]
    Policies(Findings),
    /// Wrong usage; says what would be right.
    #[error("{0}")]
    Usage(String),
    /// What was asked for cannot be; says what can.
    #[error("{0}")]
    Refused(String),
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
}

pub(crate) fn run(args: &Args) -> u8 {
    let clock = Clock::system();
    let said = match &args.command {
        Command::New(args) => new::run(args, &clock),
        Command::List(args) => change::list(args, &clock),
        Command::Rotate(args) => change::rotate(args, &clock),
        Command::Close(args) => change::close(args, &clock),
        Command::Destroy(args) => change::destroy(args, &clock),
        Command::Map(args) => map::run(args, &clock),
        Command::Backup(args) => backup::backup(args, &clock),
        Command::Restore(args) => backup::restore(args, &clock),
        Command::ShowCheckpointKey(args) => {
            checkpoint_key(&KeySource::File(args.file.clone())).map(|key| format!("{}\n", key.public()))
        }
    };
    match said {
        Ok(text) => super::show(&text),
        Err(KeysError::Policies(findings)) => {
            super::complain(&findings.render(super::colour()));
            super::FINDINGS
        }
        Err(error) => {
            super::complain(&format!("tavs keys: {error}\n"));
            if matches!(error, KeysError::Refused(_)) { super::FINDINGS } else { super::USAGE }
        }
    }
}

/// Public keys, as they are given on the command line.
pub(super) fn public_keys(command: &str, given: &[String]) -> Result<Vec<PublicKey>, u8> {
    let parse = |digits: &String| {
        PublicKey::parse(digits).ok_or_else(|| {
            super::complain(&format!(
                "tavs {command}: a key is 64 hexadecimal digits; `tavs keys show-checkpoint-key RING` prints it\n"
            ));
            super::USAGE
        })
    };
    given.iter().map(parse).collect()
}

/// What signs checkpoints, out of a ring.
pub(super) fn checkpoint_key(source: &KeySource) -> Result<CheckpointKey, KeysError> {
    let path = PathBuf::from(source.to_string());
    let ring = parse(&path, &source.read()?, Clock::system().timestamp())?;
    ring.checkpoint_key().map_err(|source| KeysError::Ring { path, source })
}

/// Reads a ring as it stands now.
fn load(file: &Path, clock: &Clock) -> Result<KeyRing, KeysError> {
    let text = private::read_private(file)?;
    parse(file, &text, clock.timestamp())
}

fn parse(file: &Path, text: &str, now: Timestamp) -> Result<KeyRing, KeysError> {
    KeyRing::parse(text, now).map_err(|source| KeysError::Ring { path: file.to_owned(), source })
}

/// Puts a changed ring in the place of the old one, all at once, once it has been read again.
fn save(file: &Path, ring: &KeyRing, clock: &Clock) -> Result<(), KeysError> {
    let text = ring.text();
    parse(file, &text, clock.timestamp())?;
    Ok(private::replace_private(file, &text)?)
}

/// 256 random bits.
pub(super) fn random_secret() -> Result<Secret, getrandom::Error> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut())?;
    Ok(Secret::new(*bytes))
}

fn refused<T>(why: impl Into<String>) -> Result<T, KeysError> {
    Err(KeysError::Refused(why.into()))
}
