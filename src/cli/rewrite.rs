//! `tavs rewrite`: rewrite standard input under a route of a policy.

/// Rewrite standard input under a route of a policy.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> u8 {
    super::USAGE
}
