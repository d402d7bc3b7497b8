//! The command line: one file per subcommand. Standard output is data, standard error is talk.

mod approve;
mod assess;
mod certs;
mod check;
mod demo;
mod diff;
mod explain;
mod extract;
mod init;
mod keys;
mod learn;
mod ledger;
mod memory;
mod officers;
mod policy;
mod policy_files;
mod reidentify;
mod report;
mod rewrite;
mod serve;
mod subject;
mod test;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Good.
pub(crate) const GOOD: u8 = 0;
/// Findings, or bad input.
pub(crate) const FINDINGS: u8 = 1;
/// Wrong usage, or a file or socket that cannot be used.
pub(crate) const USAGE: u8 = 2;
/// Policies are wider than others.
pub(crate) const WIDER: u8 = 3;
/// Disclosure control is not met.
pub(crate) const CONTROL: u8 = 4;

/// A TLS reverse proxy that minimises and pseudonymises what a recipient receives.
#[derive(Debug, Parser)]
#[command(name = "tavs", version, about, max_term_width = 100, after_help = BY_USER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// In the order of those who use them: see [`BY_USER`].
#[derive(Debug, Subcommand)]
enum Command {
    Learn(learn::Args),
    Check(check::Args),
    Test(test::Args),
    Explain(explain::Args),
    Assess(assess::Args),
    Diff(diff::Args),
    Policy(policy::Args),
    Rewrite(rewrite::Args),
    Demo(demo::Args),
    Init(init::Args),
    Serve(serve::Args),
    Extract(extract::Args),
    Certs(certs::Args),
    Keys(keys::Args),
    Ledger(ledger::Args),
    Officers(officers::Args),
    Approve(approve::Args),
    Subject(subject::Args),
    Report(report::Args),
    Reidentify(reidentify::Args),
}

/// Who uses what, and where it is explained.
const BY_USER: &str = "\
Who uses what:
  Authors of policies   learn, check, test, explain, assess, diff, policy, rewrite: docs/authoring.md
  Whoever runs it       demo, init, serve, extract, certs, keys, ledger: docs/operating.md, docs/extract.md
  Officers              officers, approve, subject, report, reidentify: docs/subjects.md, docs/reports.md";

/// Runs the command line that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    no_core_dumps();
    let code = match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Approve(args) => approve::run(&args),
        Command::Rewrite(args) => rewrite::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Assess(args) => assess::run(&args),
        Command::Learn(args) => learn::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Certs(args) => certs::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Subject(args) => subject::run(&args),
        Command::Officers(args) => officers::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Reidentify(args) => reidentify::run(&args),
    };
    ExitCode::from(code)
}

/// A core file would hold keys and bodies. Where the system does not allow this, the limit is the
/// operator's to set (docs/operating.md).
fn no_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _refused = setrlimit(Resource::Core, none);
}

/// Writes data to standard output.
fn show(text: &str) -> u8 {
    show_bytes(text.as_bytes())
}

fn show_bytes(bytes: &[u8]) -> u8 {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => GOOD,
        Err(_closed) => USAGE,
    }
}

/// Writes talk to standard error; where that is closed, the exit code has to do.
fn complain(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Whether standard error takes colours.
fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn help_says_of_each_command_whose_it_is_in_their_order() {
        let command = Cli::command();
        let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let told: Vec<&str> = BY_USER
            .lines()
            .skip(1)
            .filter_map(|line| line.trim().split_once("  ")?.1.split(':').next())
            .flat_map(|names| names.trim().split(", "))
            .collect();
        assert_eq!(told, known);
    }
}
