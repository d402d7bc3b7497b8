//! Where the key ring comes from: a file, a credential of systemd's, or what a command says.

use std::fmt;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::private::{self, LARGEST, PrivateError};

/// `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file that only its owner can read.
    File(PathBuf),
    /// A program and its arguments; the ring is what it writes to standard output.
    Command(Vec<String>),
}

/// Why the ring cannot be had. Never holds what a command said.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The file.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The program cannot be run.
    #[error("cannot run `{program}`: {source}")]
    Run {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It has not ended in time.
    #[error("`{program}` has given no key ring within {PATIENCE:?}")]
    Late {
        /// The program.
        program: String,
    },
    /// It failed, or said what is no text or too much.
    #[error("`{program}` has failed, or written more than {LARGEST} bytes or what is not UTF-8")]
    Failed {
        /// The program.
        program: String,
    },
}

/// How long a command may take: a secret store across the network.
const PATIENCE: Duration = Duration::from_secs(10);

impl KeySource {
    /// The ring's text. Blocks.
    ///
    /// # Errors
    /// When it cannot be had, or others can get at the file.
    pub fn read(&self) -> Result<Zeroizing<String>, KeySourceError> {
        match self {
            Self::File(path) => Ok(private::read_private(path)?),
            Self::Command(words) => said_by(words),
        }
    }
}

/// As `tavs keys` is told it.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Command(_) => f.write_str("RING"),
        }
    }
}

fn said_by(words: &[String]) -> Result<Zeroizing<String>, KeySourceError> {
    let (program, arguments) = words.split_first().ok_or_else(|| KeySourceError::Run {
        program: String::new(),
        source: io::ErrorKind::NotFound.into(),
    })?;
    let program = program.clone();
    let mut command = Command::new(&program);
    let spawned = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|source| KeySourceError::Run { program: program.clone(), source })?;
    let Some(out) = child.stdout.take() else { return Err(KeySourceError::Failed { program }) };
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // Room for all of it, so that no part of the secrets stays behind when the buffer grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
        let read = out.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes);
        // Nobody listens any more if it came too late.
        let _late = tell.send(read.map(|_length| bytes));
    });
    let read = told.recv_timeout(PATIENCE);
    if read.is_err() {
        drop(child.kill());
        drop(child.wait());
        return Err(KeySourceError::Late { program });
    }
    let ended = child.wait();
    let text = match (read, ended) {
        (Ok(Ok(bytes)), Ok(status)) if status.success() && bytes.len() as u64 <= LARGEST => {
            std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
        }
        _ => None,
    };
    text.ok_or(KeySourceError::Failed { program })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Result<String, String> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let read = KeySource::Command(words).read();
        read.map(|text| text.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_command_gives_the_ring_or_a_line_that_quotes_nothing() {
        assert_eq!(said(&["printf", "ring = 1\n"]), Ok("ring = 1\n".to_owned()));
        for (words, wanted) in [
            (&["/nowhere/at-all"][..], "cannot run"),
            (&["sh", "-c", "echo 5ec4e7; exit 3"], "has failed"),
            (&["printf", "\\377"], "has failed"),
            (&["head", "-c", "1100000", "/dev/zero"], "has failed"),
        ] {
            let error = said(words).unwrap_err();
            assert!(error.contains(wanted) && !error.contains("5ec4e7"), "{error}");
        }
    }
}
