//! `tavs demo`: show everything in one process.

/// Show everything in one process.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> u8 {
    super::USAGE
}
