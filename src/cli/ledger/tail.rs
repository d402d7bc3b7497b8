//! `tavs ledger tail`: the last records, as they stand in the ledger.

use std::path::Path;
use std::time::Duration;

use super::super::{GOOD, show};
use super::{Which, refuse};
use crate::ledger::{LedgerError, Tail};

/// Show the last records of a ledger, one JSON object a line. The proxy may be running.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// How many.
    #[arg(short, value_name = "NUMBER", default_value_t = 10)]
    n: u64,
    /// Go on showing what is recorded, until interrupted.
    #[arg(long, short)]
    follow: bool,
}

/// How often the end is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Args) -> u8 {
    let directory = match args.which.find() {
        Ok((directory, _)) => directory,
        Err(code) => return code,
    };
    match tail(&directory, args) {
        Ok(code) => code,
        Err(error) => refuse("tail", &error),
    }
}

fn tail(directory: &Path, args: &Args) -> Result<u8, LedgerError> {
    let mut tail = Tail::before_end(directory, args.n)?;
    loop {
        while let Some(record) = tail.advance()? {
            let code = show(&(record.to_json() + "\n"));
            if code != GOOD {
                return Ok(code);
            }
        }
        if !args.follow {
            return Ok(GOOD);
        }
        std::thread::sleep(INTERVAL);
    }
}
