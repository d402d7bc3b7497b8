//! `tavs extract verify`: hold a bundle against its manifest.

use std::path::PathBuf;

use super::super::{FINDINGS, GOOD, USAGE, complain, keys, show};
use crate::extract::bundle::verify;
use crate::visible::Visible;

/// Verify an extract: every listed file is there as it was made, nothing else is, and the manifest is signed.
///
/// Exit code 0: all is as it was made; 1: it is not; 2: there is no manifest, or wrong usage.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The extract.
    directory: PathBuf,
    /// The public key of whoever made it (`tavs keys show-checkpoint-key`), got by another way than the extract;
    /// may be given again.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

pub(super) fn run(args: &Args) -> u8 {
    let keys = match keys::public_keys("extract verify", &args.key) {
        Ok(keys) => keys,
        Err(code) => return code,
    };
    let verified = match verify(&args.directory, &keys) {
        Ok(verified) => verified,
        Err(error) => {
            complain(&format!("tavs extract verify: {error}\n"));
            return USAGE;
        }
    };
    let mut text: String =
        verified.findings.iter().map(|finding| format!("{}: {finding}\n", finding.word())).collect();
    let (id, files) = (&verified.manifest.extract, verified.manifest.files.len());
    // Whoever wrote the manifest wrote these.
    let (id, key) = (Visible(id), Visible(&verified.manifest.key));
    text += &format!("extract {id}: {files} files listed\n");
    if verified.trusted {
        text += &format!("signed by {key}\n");
    }
    if keys.is_empty() {
        text += "no key was given: whoever wrote the extract can have signed it (--key KEY)\n";
    }
    let is_good = verified.findings.is_empty();
    text += if is_good { "good\n" } else { "not good\n" };
    match (show(&text), is_good) {
        (GOOD, false) => FINDINGS,
        (said, _) => said,
    }
}
