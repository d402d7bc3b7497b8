//! `tavs policy`: the files themselves.

mod fmt;
mod list;

use clap::Subcommand;

/// Format and list policies, and print the schema for editors.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Fmt(fmt::Args),
    /// Print the JSON Schema (draft-07) of policy files, for editors.
    ///
    /// An editor that knows TOML takes it by a first line `#:schema docs/policy.schema.json`. It knows every name and
    /// word; what only `tavs check` knows, such as rules in conflict, it does not see.
    Schema,
    List(list::Args),
}

/// Written from the reader's own questions; a test holds it to them.
const SCHEMA: &str = include_str!("../../docs/policy.schema.json");

pub(crate) fn run(args: &Args) -> u8 {
    match &args.command {
        Command::Fmt(args) => fmt::run(args),
        Command::Schema => super::show(SCHEMA),
        Command::List(args) => list::run(args),
    }
}
