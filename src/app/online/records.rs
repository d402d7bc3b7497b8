//! The ledger, the store and the anchor's file or socket: whether they could be opened, and nothing more.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use rustix::fs::{Access, access};

use super::{Trial, day};
use crate::ledger::{self, AnchorSettings};
use crate::policy::codes;
use crate::proxy::MAX_CLOCK_BACK;
use crate::store::{Store, StoreError};

impl Trial<'_> {
    pub(super) fn records(&mut self) {
        let has_records = self.ledger();
        self.store(has_records);
        if let Some(anchor) = &self.config.ledger.anchor {
            match &anchor.value {
                AnchorSettings::File(path) => self.ledger_anchor(path, writable(path)),
                AnchorSettings::Syslog(path) => self.ledger_anchor(path, listens(path)),
                // Tried with the upstreams.
                AnchorSettings::Http { .. } => {}
            }
        }
    }

    /// Whether it has a record.
    fn ledger(&mut self) -> bool {
        let directory = &self.config.ledger.directory;
        let last = match ledger::look(&directory.value) {
            Ok(last) => last,
            Err(error) => {
                let found = self.config.fault(&codes::RECORDS_UNUSABLE, directory, error.to_string());
                self.fault("ledger", found, None);
                return true;
            }
        };
        let Some((number, at)) = last else {
            self.good("ledger", "no record yet: the first start begins it", None);
            return false;
        };
        let ahead = at.saturating_sub(self.clock.unix_millis());
        if ahead > MAX_CLOCK_BACK {
            let message =
                format!("the clock shows a time {} s before the last record of the ledger", ahead / 1000);
            let found = self.config.fault(&codes::RECORDS_UNUSABLE, directory, message);
            self.fault(
                "ledger",
                found.help("set the clock, or wait until that time: nothing is released meanwhile"),
                None,
            );
        } else {
            self.good("ledger", format!("record {number} is its last, of {}", day(at / 1000)), None);
        }
        true
    }

    fn store(&mut self, has_records: bool) {
        let at = &self.config.store;
        match Store::look(&at.value) {
            Ok((found, known)) if found < known => {
                let said = format!("schema {found}; the next start brings it to {known}");
                self.good("store", said, None);
            }
            Ok((found, _known)) => self.good("store", format!("schema {found}"), None),
            Err(StoreError::Missing { .. }) if !has_records => {
                self.good("store", "not there yet: the first start makes it", None);
            }
            Err(error) => {
                let found = self.config.fault(&codes::RECORDS_UNUSABLE, at, error.to_string());
                self.fault("store", found, None);
            }
        }
    }

    fn ledger_anchor(&mut self, path: &Path, tried: io::Result<()>) {
        let Some(at) = &self.config.ledger.anchor else { return };
        match tried {
            Ok(()) => self.good("ledger.anchor", format!("`{}` can be written to", path.display()), None),
            Err(error) => {
                let message = format!("checkpoints cannot be anchored: `{}`: {error}", path.display());
                let found = self.config.fault(&codes::UNREACHABLE, at, message);
                let help = "until it can be written to, nobody can tell that the ledger's end was cut off";
                self.fault("ledger.anchor", found.help(help), None);
            }
        }
    }
}

/// Whether a line could be appended to a file that may not be there yet.
fn writable(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(access(path, Access::WRITE_OK)?);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(access(folder.unwrap_or_else(|| Path::new(".")), Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Whether a daemon has the socket open. Nothing is sent.
fn listens(path: &Path) -> io::Result<()> {
    UnixDatagram::unbound()?.connect(path)
}
