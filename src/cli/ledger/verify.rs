//! `tavs ledger verify`: hold a ledger against itself, its checkpoints and its anchor.

use std::path::PathBuf;

use data_encoding::HEXLOWER;

use super::super::{FINDINGS, GOOD, complain, keys, show};
use super::{Which, refuse};
use crate::config::Config;
use crate::ledger::AnchorSettings;
use crate::ledger::verify::{Against, Verification, verify};

/// Verify a ledger: its whole chain, its checkpoints, and what the anchor remembers. The proxy may be
/// running.
///
/// Exits with 0 if all is as it was written, with 1 if not, and with 2 if the ledger cannot be read.
/// An auditor gives the directory, the anchor's file and the public key, from others than those who
/// run tavs; a configuration gives all three by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// A file with the anchor's lines, whatever a syslog daemon or web server put around them.
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// The public key of checkpoints (`tavs keys show-checkpoint-key`); may be given again.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

pub(crate) fn run(args: &Args) -> u8 {
    match try_run(args) {
        Ok(code) | Err(code) => code,
    }
}

fn try_run(args: &Args) -> Result<u8, u8> {
    let (directory, config) = args.which.find()?;
    let mut trusted = keys::public_keys("ledger verify", &args.key)?;
    if let (Some(config), true) = (&config, trusted.is_empty()) {
        match keys::checkpoint_key(&config.keys.value) {
            Ok(key) => trusted.push(key.public()),
            Err(error) => complain(&format!("the key ring's own checkpoint key is not used: {error}\n")),
        }
    }
    let anchor = args.anchor.clone().or_else(|| config.as_ref().and_then(anchor_file));
    let against = Against { keys: &trusted, anchor: anchor.as_deref() };
    let found = verify(&directory, against).map_err(|error| refuse("verify", &error))?;
    let said = show(&tell(&found, !trusted.is_empty(), anchor.is_some()));
    Ok(match (said, found.findings.is_empty()) {
        (GOOD, true) => GOOD,
        (GOOD, false) => FINDINGS,
        (closed, _) => closed,
    })
}

fn anchor_file(config: &Config) -> Option<PathBuf> {
    match &config.ledger.anchor.as_ref()?.value {
        AnchorSettings::File(path) => Some(path.clone()),
        AnchorSettings::Syslog(_) | AnchorSettings::Http { .. } => None,
    }
}

fn tell(found: &Verification, trusted: bool, anchor: bool) -> String {
    let Verification { log, segments, first, last, .. } = found;
    let mut lines: Vec<String> =
        found.findings.iter().map(|finding| format!("{}: {finding}", finding.word())).collect();
    let records = if first > last { "no record".to_owned() } else { format!("records {first} to {last}") };
    lines.push(format!("log {}: {records} in {segments} segments", HEXLOWER.encode(log)));
    lines.push(covered("signed", found.signed, *last));
    lines.push(if anchor {
        covered("anchored", found.anchored, *last)
    } else {
        "no anchor was given: a cut end shows only against one (--anchor FILE)".to_owned()
    });
    if !trusted {
        let line = "no key was given: whoever wrote the ledger can have signed it (--key KEY)";
        lines.push(line.to_owned());
    }
    if found.other_logs > 0 {
        lines.push(format!("the anchor has checkpoints of {} other logs", found.other_logs));
    }
    if found.torn {
        let line = "the last write is under way, or was cut short by a crash; nobody had its receipt";
        lines.push(line.to_owned());
    }
    let good = if found.findings.is_empty() { "good" } else { "not good: keep all files as evidence" };
    lines.push(good.to_owned());
    lines.join("\n") + "\n"
}

fn covered(what: &str, upto: Option<(u64, u64)>, last: u64) -> String {
    let Some((sequence, at)) = upto else { return format!("{what}: nothing") };
    let at = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let (at, open) = (at.unwrap_or_default(), last.saturating_sub(sequence));
    format!("{what} up to record {sequence}, at {at}; {open} later ones are not")
}
