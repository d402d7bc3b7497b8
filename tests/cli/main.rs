//! The built binary, as its users call it: what it writes, where, and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that it cannot do")]

mod certs;
mod init;
mod keys;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// What a run of `tavs` said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs `tavs` in a folder.
fn tavs<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tavs"));
    said(&command.args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap())
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}
