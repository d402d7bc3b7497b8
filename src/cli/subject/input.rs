//! Whom it is about: one line of standard input, not shown where it is typed.

use std::io::{self, IsTerminal as _, Read as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::super::{FINDINGS, USAGE, complain};
use super::Stop;

/// The most bytes: a guardian and the children, at their longest.
const LONGEST: usize = 2000;

/// Reads the one line.
pub(in crate::cli) fn line(prompt: &str) -> Result<Zeroizing<String>, Stop> {
    let text = lines(prompt)?;
    let mut all = text.lines();
    match (all.next(), all.next()) {
        (Some(line), None) => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(Stop::new(FINDINGS, "standard input has more than one line; it is about one")),
    }
}

/// Reads all lines, of which there is one; of a terminal, one.
pub(super) fn lines(prompt: &str) -> Result<Zeroizing<String>, Stop> {
    let terminal = io::stdin().is_terminal();
    let hidden = terminal.then(|| {
        complain(prompt);
        Hidden::begin()
    });
    // Room for all of it, so that no half stays behind when the text grows.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST.saturating_mul(2)));
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    let read = if terminal {
        // A terminal gives no end of file by itself.
        io::stdin().read_line(&mut text)
    } else {
        io::stdin().lock().take(most).read_to_string(&mut text)
    };
    if hidden.is_some() {
        complain("\n");
    }
    drop(hidden);
    read.map_err(|error| Stop::new(USAGE, format!("cannot read standard input: {error}")))?;
    if text.trim_end_matches(['\r', '\n']).is_empty() {
        return Err(Stop::new(FINDINGS, "standard input is empty; it gives what this is about, on one line"));
    }
    if text.len() >= LONGEST {
        return Err(Stop::new(FINDINGS, "standard input has more than a few lines"));
    }
    Ok(text)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let set = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs no echo.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}
