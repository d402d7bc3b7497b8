//! `tavs init`: make a working configuration.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::certs::{self, CertsError};
use super::keys::{self, KeysError};
use crate::clock::Clock;
use crate::config::private::{self, PrivateError};
use crate::config::{SHIPPED_FOLDERS, SHIPPED_PROFILES};

/// Make a working configuration in a new folder.
///
/// In it: tavs.toml, a commented policy with its test, certificates for development, a key ring and an
/// empty ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to make; it must not exist, or be empty.
    directory: PathBuf,
}

/// Why no configuration was made.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("`{}` is not empty; give a folder that does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    #[error("cannot make `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Private(#[from] PrivateError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Certs(#[from] CertsError),
    #[error("the clock says what no certificate or agreement can: {0}")]
    Clock(#[from] jiff::Error),
}

pub(crate) fn run(args: &Args) -> u8 {
    match make(&args.directory, &Clock::system()) {
        Ok(()) => super::show(&next_steps(&args.directory)),
        Err(error) => {
            super::complain(&format!("tavs init: {error}\n"));
            super::USAGE
        }
    }
}

/// Makes everything in a folder beside and moves it at the end: a half made configuration would
/// look like a whole one.
fn make(directory: &Path, clock: &Clock) -> Result<(), InitError> {
    let io = |source| InitError::Io { path: directory.to_owned(), source };
    let exists = match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => true,
        Ok(false) => return Err(InitError::NotEmpty(directory.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(io(error)),
    };
    let beside = match directory.parent() {
        _ if exists => directory,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let new = tempfile::Builder::new()
        .prefix(".tavs-init-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(beside)
        .map_err(io)?;
    fill(new.path(), clock)?;
    if exists {
        // An empty folder stays the one that it is: someone may stand in it.
        for entry in fs::read_dir(new.path()).map_err(io)? {
            let entry = entry.map_err(io)?;
            fs::rename(entry.path(), directory.join(entry.file_name())).map_err(io)?;
        }
        return Ok(());
    }
    fs::rename(new.path(), directory).map_err(io)?;
    drop(new.keep()); // it has another name now
    Ok(())
}

fn fill(directory: &Path, clock: &Clock) -> Result<(), InitError> {
    for folder in ["certs", "keys", "ledger", "policies", "policies/tests", "policies/tests/sms-reminders"] {
        private::create_private_folder(&directory.join(folder))?;
    }
    let policy = policy(clock.today())?;
    for folder in SHIPPED_FOLDERS {
        private::create_private_folder(&directory.join("policies").join(folder))?;
    }
    for (name, text) in SHIPPED_PROFILES {
        write(&directory.join("policies"), name, text)?;
    }
    for (name, text) in [
        ("tavs.toml", include_str!("init/tavs.toml")),
        ("certs/README.md", include_str!("init/certs.md")),
        ("policies/sms-reminders.toml", &policy),
        ("policies/tests/sms-reminders/appointments.json", include_str!("init/appointments.json")),
        ("policies/tests/sms-reminders/appointments.out.json", include_str!("init/appointments.out.json")),
    ] {
        write(directory, name, text)?;
    }
    keys::make(&directory.join("keys/ring.toml"), &BTreeSet::from(["sms-reminders".to_owned()]), clock)?;
    certs::development(&directory.join("certs"), CLIENT, clock.unix_millis() / 1000)?;
    Ok(())
}

/// The policy, with an agreement that begins today.
fn policy(today: Date) -> Result<String, InitError> {
    let review = today.checked_add(1.year())?;
    let expires = today.checked_add(2.years())?.yesterday()?;
    Ok(include_str!("init/sms-reminders.toml")
        .replace("{signed}", &today.to_string())
        .replace("{review}", &review.to_string())
        .replace("{expires}", &expires.to_string()))
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), InitError> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(|source| InitError::Io { path, source })
}

fn next_steps(directory: &Path) -> String {
    include_str!("init/next.txt").replace("{directory}", &directory.display().to_string())
}

/// What the sample policy's recipient presents.
const CLIENT: &str = "urn:tavs:recipient:sms-reminders";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::check::check;
    use crate::policy::diagnostic::render;
    use crate::policy::syntax::SourceFile;

    #[test]
    fn the_policy_is_accepted_on_whatever_day_it_is_made() {
        for day in ["2026-03-04", "2028-02-29", "2031-12-31"] {
            let today: Date = day.parse().unwrap();
            let files = [SourceFile::new("sms-reminders.toml", policy(today).unwrap())];
            let (policies, found) = check(&files, today);
            assert!(found.is_empty(), "{}", render(&found, &files, false));
            assert_eq!(policies.len(), 1);
            let expires = policies[0].agreement.expires;
            assert!(check(&files, expires).1.iter().all(|one| !one.is_error()));
            assert!(check(&files, expires.tomorrow().unwrap()).1.iter().any(|one| one.is_error()));
        }
    }
}
