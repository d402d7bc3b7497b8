//! `tavs keys`: make and look after keys.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::private::{self, PrivateError};
use crate::config::{self, Findings};
use crate::pseudonym::{CheckpointKey, KeyRing, RingError};

/// Make and look after keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(New),
    ShowCheckpointKey(Show),
}

/// Print the public key of the ledger's checkpoints: give it to the auditor, who passes it to
/// `tavs ledger verify --key`.
#[derive(Debug, clap::Args)]
struct Show {
    /// The key ring.
    file: PathBuf,
}

/// Make a key ring: a file of random secrets that only its owner can read.
///
/// It gets a secret for the ledger's subject ids, one for its checkpoints, one for what the registry
/// seals, and one for each pseudonymisation domain. Keep a copy in a safe place: without it, a pseudonym made later for the same person is another one.
#[derive(Debug, clap::Args)]
struct New {
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
}

/// Why no key ring was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error("{0}")]
    Private(#[from] PrivateError),
    #[error("`{}`: {source}", path.display())]
    Ring { path: PathBuf, source: RingError },
    #[error("`{name}` is no name of a domain: 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit")]
    Name { name: String },
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the policies name no domain")]
    Policies(Findings),
}

/// A secret that was made: its use, and the domain if it is for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    used: &'static str,
    name: String,
}

pub(crate) fn run(args: &Args) -> u8 {
    let new = match &args.command {
        Command::New(new) => new,
        Command::ShowCheckpointKey(show) => return show_checkpoint_key(&show.file),
    };
    match domains(new).and_then(|domains| make_or_add(new, &domains)) {
        Ok(made) => say(&new.file, &made),
        Err(KeysError::Policies(findings)) => {
            super::complain(&findings.render(super::colour()));
            super::FINDINGS
        }
        Err(error) => {
            let add = matches!(error, KeysError::Private(PrivateError::Exists { .. })) && !new.add;
            let help = if add { "; to add what is missing: --add" } else { "" };
            super::complain(&format!("tavs keys: {error}{help}\n"));
            super::USAGE
        }
    }
}

fn show_checkpoint_key(file: &Path) -> u8 {
    match checkpoint_key(file) {
        Ok(key) => super::show(&format!("{}\n", key.public())),
        Err(error) => {
            super::complain(&format!("tavs keys: {error}\n"));
            super::USAGE
        }
    }
}

/// What signs checkpoints, out of a ring file.
pub(super) fn checkpoint_key(file: &Path) -> Result<CheckpointKey, KeysError> {
    let ring = private::read_private(file)?;
    let key = KeyRing::parse(&ring).and_then(|ring| ring.checkpoint_key());
    key.map_err(|source| KeysError::Ring { path: file.to_owned(), source })
}

fn make_or_add(new: &New, domains: &BTreeSet<String>) -> Result<Vec<Made>, KeysError> {
    if new.add && new.file.exists() { add_to(&new.file, domains) } else { make(&new.file, domains) }
}

/// Makes a ring file with a secret for each use, and one for each domain.
pub(super) fn make(file: &Path, domains: &BTreeSet<String>) -> Result<Vec<Made>, KeysError> {
    let ring = KeyRing::parse(HEADER).map_err(|source| KeysError::Ring { path: file.to_owned(), source })?;
    let (text, made) = with_missing(HEADER, &ring, domains)?;
    private::create_private(file, &text)?;
    Ok(made)
}

fn add_to(file: &Path, domains: &BTreeSet<String>) -> Result<Vec<Made>, KeysError> {
    let not_a_ring = |source| KeysError::Ring { path: file.to_owned(), source };
    let old = private::read_private(file)?;
    let ring = KeyRing::parse(&old).map_err(not_a_ring)?;
    let (text, made) = with_missing(&old, &ring, domains)?;
    // Before it takes the old one's place.
    KeyRing::parse(&text).map_err(not_a_ring)?;
    if !made.is_empty() {
        private::replace_private(file, &text)?;
    }
    Ok(made)
}

/// The text of a ring with what it lacks at its end; the rest stays byte for byte.
fn with_missing(
    old: &str,
    ring: &KeyRing,
    domains: &BTreeSet<String>,
) -> Result<(Zeroizing<String>, Vec<Made>), KeysError> {
    let mut made = Vec::new();
    if ring.subject_key().is_err() {
        made.push(Made { used: "ledger-subjects", name: String::new() });
    }
    if ring.registry_key().is_err() {
        made.push(Made { used: "registry", name: String::new() });
    }
    if ring.checkpoint_key().is_err() {
        made.push(Made { used: "checkpoints", name: String::new() });
    }
    for name in domains.iter().filter(|name| !ring.has_domain(name)) {
        made.push(Made { used: "domain", name: name.clone() });
    }
    // Room for all of it, so that no copy stays behind when the text grows.
    let room = old.len().saturating_add(made.len().saturating_mul(LONGEST_SECRET));
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(old);
    for secret in &made {
        push_secret(&mut text, secret)?;
    }
    Ok((text, made))
}

fn push_secret(text: &mut String, secret: &Made) -> Result<(), KeysError> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut())?;
    text.push_str("\n[[secret]]\nuse = \"");
    text.push_str(secret.used);
    if !secret.name.is_empty() {
        text.push_str("\"\nname = \"");
        text.push_str(&secret.name);
    }
    text.push_str("\"\nversion = 1\nstate = \"active\"\nsecret = \"");
    data_encoding::HEXLOWER.encode_append(bytes.as_ref(), text);
    text.push_str("\"\n");
    Ok(())
}

/// Those of the command line, and those of the policies.
fn domains(new: &New) -> Result<BTreeSet<String>, KeysError> {
    let mut domains: BTreeSet<String> = new.domain.iter().cloned().collect();
    if let Some(folder) = &new.policies {
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

fn say(file: &Path, made: &[Made]) -> u8 {
    let mut text = String::new();
    for secret in made {
        text.push_str("made   ");
        text.push_str(match secret.used {
            "domain" => "a secret, version 1, for the pseudonymisation domain ",
            "checkpoints" => "a secret, version 1, for the ledger's checkpoints",
            "registry" => "a secret, version 1, for what the registry seals",
            _ => "a secret, version 1, for the ledger's subject ids",
        });
        text.push_str(&secret.name);
        text.push('\n');
    }
    if made.is_empty() {
        text.push_str("nothing was missing\n");
    }
    text.push_str("in     ");
    text.push_str(&file.display().to_string());
    text.push_str(" (mode 0600); keep a copy in a safe place\n");
    super::show(&text)
}

/// What a new ring begins with.
const HEADER: &str = "\
# Secrets of tavs: pseudonyms can be undone with them. Mode 0600; keep a copy in a safe place.
# Made and extended by `tavs keys new`.
ring = 1
";

/// More bytes than one secret takes.
const LONGEST_SECRET: usize = 256;
