//! `tavs serve`: run the proxy.

use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::time::Duration;

use super::{FINDINGS, GOOD, USAGE, colour, complain, memory};
use crate::app::{self, Signals, StartError};
use crate::clock::Clock;
use crate::config::Config;
use crate::ledger::LedgerError;
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::telemetry::logs;

/// Run the proxy until SIGTERM or SIGINT, which drain it; SIGHUP reloads.
///
/// Logs are JSON lines on standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
    /// Check the configuration and all files that it names, and do not serve.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> u8 {
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(findings) => {
            complain(&findings.render(colour()));
            return FINDINGS;
        }
    };
    if args.check {
        return check(&config);
    }
    let level = config.log.level.map(|level| format!("warn,tavs={level}"));
    if let Err(error) = logs::start(level.as_deref()) {
        complain(&format!("tavs serve: {error}\n"));
        return USAGE;
    }
    std::panic::set_hook(Box::new(tell_where));
    memory::keep_freed(KEPT_BLOCK);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("tavs serve: cannot start threads: {error}\n"));
            return USAGE;
        }
    };
    let code = runtime.block_on(serve(config));
    // All that must be kept is on disk. What may still block is a look at files on a file system that hangs.
    runtime.shutdown_timeout(REST);
    code
}

/// What threads that block may take to end once everything has stopped.
const REST: Duration = Duration::from_secs(1);

/// Freed blocks of up to this size are kept: bodies of 1 MB, and what is made of them, are smaller.
///
/// PERF: 120 page faults an exchange of 1 MB became 7, and a tenth of its processor time went; some 10 MB more stay
/// resident.
const KEPT_BLOCK: usize = 4 << 20;

fn check(config: &Config) -> u8 {
    let checked = app::check(config, &Clock::system()).and_then(|warnings| {
        let missing = missing_ledger(config);
        if missing.is_empty() { Ok(warnings) } else { Err(config.findings(missing)) }
    });
    match checked {
        Ok(warnings) => {
            complain(&warnings.render(colour()));
            complain("the configuration is good\n");
            GOOD
        }
        Err(findings) => {
            complain(&findings.render(colour()));
            FINDINGS
        }
    }
}

/// What would be told only by opening the ledger, which a proxy that runs may have open.
fn missing_ledger(config: &Config) -> Vec<Diagnostic> {
    let directory = &config.ledger.directory;
    let missing = (!directory.value.is_dir()).then(|| LedgerError::Missing { path: directory.value.clone() });
    let told = missing.map(|error| config.fault(&codes::FILE_UNREADABLE, directory, error.to_string()));
    told.into_iter().collect()
}

async fn serve(config: Config) -> u8 {
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&format!("tavs serve: cannot listen to signals: {error}\n"));
            return USAGE;
        }
    };
    let running = match app::start(config, Clock::system()).await {
        Ok(running) => running,
        Err(StartError::Findings(findings)) => {
            complain(&findings.render(colour()));
            return FINDINGS;
        }
        Err(error) => {
            complain(&format!("tavs serve: {error}\n"));
            return USAGE;
        }
    };
    let drained = signals.govern(running).await;
    complain(&format!(
        "drained: {} exchanges answered since the start, {} connections cut\n",
        drained.answered, drained.cut
    ));
    if drained.ledger.is_ok() { GOOD } else { USAGE }
}

/// SECURITY: what a panic says may hold a value from a message. Only its place is logged.
fn tell_where(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
    tracing::error!(place, "panic");
}
