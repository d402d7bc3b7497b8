//! Whom it is about: one line of standard input, not shown where it is typed.

use std::io::{self, IsTerminal as _, Read as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::super::{FINDINGS, USAGE, complain};
use super::Stop;

/// The longest line: two identifiers at their longest.
const LONGEST: u64 = 400;

/// Reads the one line.
pub(super) fn line(prompt: &str) -> Result<Zeroizing<String>, Stop> {
    let terminal = io::stdin().is_terminal();
    let hidden = terminal.then(|| {
        complain(prompt);
        Hidden::begin()
    });
    let mut text = Zeroizing::new(String::with_capacity(512));
    let read = if terminal {
        // To the end of the line; a terminal gives no end of file by itself.
        io::stdin().read_line(&mut text)
    } else {
        io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    };
    if hidden.is_some() {
        complain("\n");
    }
    drop(hidden);
    read.map_err(|error| Stop::new(USAGE, format!("cannot read standard input: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Stop::new(
            FINDINGS,
            "standard input is empty; it gives the person's CPR, on one line".to_owned(),
        ));
    }
    if line.contains('\n') || text.len() as u64 >= LONGEST {
        return Err(Stop::new(
            FINDINGS,
            "standard input has more than one line; it is about one person".to_owned(),
        ));
    }
    Ok(Zeroizing::new(line.to_owned()))
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
