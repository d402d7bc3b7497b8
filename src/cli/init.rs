//! `tavs init`: make a working configuration.

/// Make a working configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> u8 {
    super::USAGE
}
