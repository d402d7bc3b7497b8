//! `tavs serve`: run the proxy.

use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::time::Duration;

use super::{FINDINGS, GOOD, USAGE, colour, complain};
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
    keep_freed_memory();
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

/// Freed blocks of up to this size are kept by glibc for the next body, and up to twice as much at the end of each
/// heap. Bodies of 1 MB, and what is made of them, are below.
///
/// PERF: by its own measure glibc gave the end of a heap back after each such body and took it anew for the next: 120
/// page faults an exchange of 1 MB instead of 7, and a tenth of its processor time; some 10 MB more stay resident.
const KEPT_BLOCK: usize = 4 << 20;

/// Have the allocator keep memory for the next body: glibc raises both of its bounds when a block that was mapped
/// on its own is freed (mallopt(3)). An allocator that does otherwise is left as it is, as is a glibc that the
/// environment tells its bounds (`MALLOC_TRIM_THRESHOLD_`).
fn keep_freed_memory() {
    // Not to be optimised away: that it is made and freed is what counts.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT_BLOCK)));
}

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
