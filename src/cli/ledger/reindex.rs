//! `tavs ledger reindex`: make the index anew from the ledger.

use std::io::Write as _;
use std::path::PathBuf;

use super::super::{FINDINGS, USAGE, colour, complain, show};
use crate::config::Config;
use crate::ledger::index::{self, IndexError};
use crate::ledger::{Ledger, LedgerError, Settings};
use crate::store::{Store, StoreError};

/// Make the store's index anew from all that the ledger holds. The proxy must not be running.
///
/// Subjects' rights and aliases in the store stay as they are. A store that is missing is made; what
/// was in it and does not stand in the ledger is not in the new one: put a backup back instead, if
/// there is one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
}

pub(crate) fn run(args: &Args) -> u8 {
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(findings) => {
            complain(&findings.render(colour()));
            return FINDINGS;
        }
    };
    match reindex(&config) {
        Ok(records) => show(&format!("the index holds {records} records\n")),
        Err(error) => {
            complain(&format!("tavs ledger reindex: {error}\n"));
            code(&error)
        }
    }
}

fn reindex(config: &Config) -> Result<u64, IndexError> {
    let directory = &config.ledger.directory.value;
    if index::log_of(directory)?.is_none() {
        return Err(IndexError::NoLedger { directory: directory.clone() });
    }
    // Taken for this process, so that nothing is written meanwhile.
    let (_held, found) = Ledger::open(Settings {
        directory: directory.clone(),
        node: config.ledger.node.clone(),
        new_log: [0; 16], // it has one
        limits: config.ledger.limits,
    })?;
    if let Some((path, bytes)) = found.set_aside {
        complain(&format!("an incomplete last write ({bytes} bytes) is set aside in `{}`\n", path.display()));
    }
    let path = &config.store.value;
    let store = match Store::open(path) {
        Err(StoreError::Missing { .. }) => {
            complain(&format!("`{}` was missing and is made anew from the ledger alone\n", path.display()));
            Store::open_or_make(path)?
        }
        opened => opened?,
    };
    let mut err = std::io::stderr().lock();
    let mut said = 0;
    index::rebuild(directory, &store, |records| {
        if records / TOLD > said {
            said = records / TOLD;
            drop(writeln!(err, "{records} of {} records", found.last_sequence));
        }
    })
}

/// How often the command says how far it is: every few seconds.
const TOLD: u64 = 100_000;

/// Bad input, or what cannot be used at all.
const fn code(error: &IndexError) -> u8 {
    let bad_input = matches!(
        error,
        IndexError::Ledger(LedgerError::Damaged { .. } | LedgerError::Gap { .. } | LedgerError::Newer { .. },)
            | IndexError::Store(
                StoreError::OtherLog { .. } | StoreError::Foreign { .. } | StoreError::Newer { .. },
            )
            | IndexError::Ahead { .. }
            | IndexError::Changed { .. }
            | IndexError::Gone { .. }
    );
    if bad_input { FINDINGS } else { USAGE }
}
