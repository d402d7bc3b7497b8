//! `tavs ledger`: look after the ledger and its index.

mod breach;
mod export;
mod reindex;
mod retire;
mod tail;
mod verify;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{FINDINGS, USAGE, colour, complain};
use crate::config::Config;
use crate::ledger::LedgerError;

/// Look after the ledger and its index.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Args),
    Tail(tail::Args),
    Export(export::Args),
    Breach(breach::Args),
    Reindex(reindex::Args),
    Retire(retire::Args),
}

pub(crate) fn run(args: &Args) -> u8 {
    match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::Tail(args) => tail::run(args),
        Command::Export(args) => export::run(args),
        Command::Breach(args) => breach::run(args),
        Command::Reindex(args) => reindex::run(args),
        Command::Retire(args) => retire::run(args),
    }
}

/// Which ledger: a directory, or that of a configuration.
#[derive(Debug, clap::Args)]
struct Which {
    /// The ledger's directory; without it, that of the configuration.
    #[arg(value_name = "DIR", conflicts_with = "config")]
    directory: Option<PathBuf>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
}

impl Which {
    /// The directory, and the configuration unless a directory was given.
    fn find(&self) -> Result<(PathBuf, Option<Config>), u8> {
        match &self.directory {
            Some(directory) => Ok((directory.clone(), None)),
            None => {
                read_config(&self.config).map(|config| (config.ledger.directory.value.clone(), Some(config)))
            }
        }
    }
}

fn read_config(path: &Path) -> Result<Config, u8> {
    Config::read(path).map_err(|findings| {
        complain(&findings.render(colour()));
        FINDINGS
    })
}

/// Says why a ledger cannot be read, and gives the exit code: a bad ledger, or one that cannot be used.
fn refuse(command: &str, error: &LedgerError) -> u8 {
    complain(&format!("tavs ledger {command}: {error}\n"));
    let bad = matches!(error, LedgerError::Damaged { .. } | LedgerError::Gap { .. });
    if bad { FINDINGS } else { USAGE }
}
