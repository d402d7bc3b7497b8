//! The built binary, as its users call it: what it writes, where, and its exit codes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that it cannot do"
)]

mod approve;
mod authoring;
mod bundle;
mod certs;
mod crash;
mod demo;
mod diff;
mod docs;
mod explain;
mod extract;
mod guarantees;
mod init;
mod keys;
mod ledger;
mod officers;
mod parquet;
mod partitions;
mod policies;
mod reidentify;
mod retire;
mod serve;
mod served;
mod subject;
mod table;
mod verify;

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of `tavs` said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs `tavs` in a folder.
fn tavs<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Said {
    run(folder, args, Stdio::null())
}

/// Runs `tavs` in a folder, with a file on standard input.
fn tavs_reading<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>, input: &Path) -> Said {
    run(folder, args, File::open(input).unwrap().into())
}

fn run<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>, input: Stdio) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tavs"));
    said(command.args(args).current_dir(folder).env("NO_COLOR", "1").stdin(input).output().unwrap())
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
