//! `tavs keys`: make and look after keys.

/// Make and look after keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> u8 {
    super::USAGE
}
