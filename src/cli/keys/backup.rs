//! `tavs keys backup` and `restore`: an encrypted copy, whose key is kept apart from it.

use std::fs;
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{KeysError, Reason, refused};
use crate::clock::Clock;
use crate::config::private;
use crate::pseudonym::Backup as Noted;

/// Write an encrypted copy of the ring (AES-256-GCM), and try at once whether it can be restored.
///
/// The copy can be kept anywhere; its key cannot: keep it where neither the copy nor the ring is.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The key ring.
    file: PathBuf,
    /// Where the copy goes; an existing file is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The file of the copy's key, mode 0600; made if it is not there.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Make a ring of an encrypted copy.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The copy.
    backup: PathBuf,
    /// The file of its key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The ring to make; an existing one is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    reason: Reason,
    /// Say what it holds, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What a copy begins with; the two lines after it name it and say when it was made.
const FORMAT: &str = "tavs key ring backup 1";
const NONCE: usize = 12;
/// Longer than a ring can be, coded.
const LARGEST: u64 = 4 << 20;

pub(super) fn backup(args: &Backup, clock: &Clock) -> Result<String, KeysError> {
    let mut ring = super::load(&args.file, clock)?;
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    let id = uuid::Builder::from_random_bytes(id).into_uuid();
    let made = clock.timestamp();
    let versions = ring.versions().len();
    let told = format!(
        "backup {id} of {versions} key versions in {}; it can be restored with {}, which must be kept apart from it\n",
        args.to.display(),
        args.key.display()
    );
    if args.dry_run {
        return Ok(format!("would be so:\n{told}"));
    }
    let key = key_of(&args.key, true)?;
    let text = ring.text();
    let copy = seal(&key, id, &made.to_string(), &text)?;
    private::create_private(&args.to, &copy)?;
    // The test of a backup is that it can be restored.
    let again = open(&key, &args.to)?;
    if again.as_str() != text.as_str() {
        return refused(format!(
            "what was written to `{}` does not read back; try another disk",
            args.to.display()
        ));
    }
    ring.push_backup(Noted { id: id.to_string(), made, file: args.to.display().to_string() });
    super::save(&args.file, &ring, clock)?;
    Ok(told)
}

pub(super) fn restore(args: &Restore, clock: &Clock) -> Result<String, KeysError> {
    let key = key_of(&args.key, false)?;
    let text = open(&key, &args.backup)?;
    let mut ring = super::parse(&args.backup, &text, clock.timestamp())?;
    ring.put_by(&args.reason.said()?);
    // The copy does not know of itself, and still holds what is destroyed later.
    let file = args.backup.display().to_string();
    ring.push_backup(Noted { file, ..noted_in(&args.backup)? });
    if !args.dry_run {
        private::create_private(&args.to, &ring.text())?;
    }
    let verb = if args.dry_run { "would restore" } else { "restored" };
    Ok(format!(
        "{verb} {} key versions to {}\nwhat was closed or destroyed since the backup is back: look with `tavs keys list`, and close and destroy it again\n",
        ring.versions().len(),
        args.to.display()
    ))
}

/// Three lines that say what it is, and are authenticated; the nonce; the sealed text.
fn seal(key: &Zeroizing<[u8; 32]>, id: Uuid, made: &str, text: &str) -> Result<String, KeysError> {
    let head = format!("{FORMAT}\nid {id}\nmade {made}\n");
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    let payload = Payload { msg: text.as_bytes(), aad: head.as_bytes() };
    let sealed = cipher(key)?.encrypt(&nonce.into(), payload);
    let sealed =
        sealed.map_err(|_large| KeysError::Refused("the ring is too large to be sealed".to_owned()))?;
    Ok(format!("{head}nonce {}\n{}\n", HEXLOWER.encode(&nonce), BASE64.encode(&sealed)))
}

fn open(key: &Zeroizing<[u8; 32]>, path: &Path) -> Result<Zeroizing<String>, KeysError> {
    let read = |source| KeysError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(read)?.len() > LARGEST {
        return refused(format!("`{}` is larger than a backup can be", path.display()));
    }
    let copy = fs::read_to_string(path).map_err(read)?;
    let text = opened(key, &copy);
    text.ok_or_else(|| {
        KeysError::Refused(format!(
            "`{}` does not open: it is no backup, was changed, or was made with another key",
            path.display()
        ))
    })
}

/// Id and time, as the head of a copy that opened says them.
fn noted_in(path: &Path) -> Result<Noted, KeysError> {
    let copy =
        fs::read_to_string(path).map_err(|source| KeysError::Read { path: path.to_owned(), source })?;
    let find = |name: &str| copy.lines().find_map(|line| line.strip_prefix(name));
    let made = find("made ").and_then(|made| made.parse().ok());
    match (find("id "), made) {
        (Some(id), Some(made)) => Ok(Noted { id: id.to_owned(), made, file: String::new() }),
        _ => refused(format!("`{}` does not say when it was made", path.display())),
    }
}

fn opened(key: &Zeroizing<[u8; 32]>, copy: &str) -> Option<Zeroizing<String>> {
    let at = copy.find("nonce ")?;
    let (head, rest) = copy.split_at_checked(at)?;
    let (nonce, sealed) = rest.strip_prefix("nonce ")?.split_once('\n')?;
    let nonce: [u8; NONCE] = HEXLOWER.decode(nonce.as_bytes()).ok()?.try_into().ok()?;
    let sealed = BASE64.decode(sealed.strip_suffix('\n')?.as_bytes()).ok()?;
    let known = head.strip_prefix(FORMAT).is_some_and(|rest| rest.starts_with('\n'));
    let payload = Payload { msg: &sealed, aad: head.as_bytes() };
    let text = cipher(key).ok().filter(|_| known)?.decrypt(&nonce.into(), payload).ok()?;
    String::from_utf8(text).ok().map(Zeroizing::new)
}

fn cipher(key: &Zeroizing<[u8; 32]>) -> Result<Aes256Gcm, KeysError> {
    Aes256Gcm::new_from_slice(key.as_ref())
        .map_err(|_length| KeysError::Refused("the key is not 32 bytes long".to_owned()))
}

fn key_of(file: &Path, make: bool) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    if make && !file.exists() {
        let secret = super::random_secret()?;
        let mut text = Zeroizing::new(String::with_capacity(80));
        HEXLOWER.encode_append(secret.expose(), &mut text);
        text.push('\n');
        private::create_private(file, &text)?;
    }
    let text = private::read_private(file)?;
    let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).unwrap_or_default());
    let key: Option<[u8; 32]> = bytes.as_slice().try_into().ok();
    key.map(Zeroizing::new).map_or_else(
        || refused(format!("`{}` is no key of a backup: 64 hexadecimal digits", file.display())),
        Ok,
    )
}
