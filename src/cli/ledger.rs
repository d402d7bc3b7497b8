//! `tavs ledger`: look after the ledger and its index.

mod reindex;

use clap::Subcommand;

/// Look after the ledger and its index.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Reindex(reindex::Args),
}

pub(crate) fn run(args: &Args) -> u8 {
    match &args.command {
        Command::Reindex(args) => reindex::run(args),
    }
}
