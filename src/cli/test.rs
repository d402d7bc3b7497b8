//! `tavs test`: run the tests in policies.

/// Run the tests in policies.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> u8 {
    super::USAGE
}
