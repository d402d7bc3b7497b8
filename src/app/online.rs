//! Tries what a configuration names, as far as that can be done without changing anything: before a
//! start, or beside a proxy that serves.
//!
//! What must never happen here: a request to an upstream, a file that is made, a lock that a start
//! would have to wait for.

mod files;
mod reach;
mod records;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::{Config, Findings};
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::{Diagnostic, Severity};

/// What was found.
#[derive(Debug, Default)]
pub struct Online {
    /// Every mistake of the configuration and of the files that it names, and whatever does not work.
    pub findings: Findings,
    /// What was tried, in the order of the configuration.
    pub tried: Vec<Tried>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What, as the configuration names it, such as `upstreams.booking`.
    pub what: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found, in one line.
    pub said: String,
    /// When it ends, in seconds since the epoch.
    pub ends: Option<u64>,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Good,
    /// It works, and somebody should look: a finding says why.
    Warning,
    /// It does not work: a finding says why.
    Error,
}

/// Tries all of it: some seconds at most, whatever does not answer. Sends nothing but TLS handshakes.
pub async fn online(config: &Config, clock: &Clock) -> Online {
    let checked = super::check(config, clock);
    let sound = checked.is_ok();
    let findings = checked.unwrap_or_else(|findings| findings);
    let mut trial = Trial { config, clock, found: Vec::new(), tried: Vec::new() };
    trial.policies_and_keys(&findings, sound);
    trial.files();
    trial.records();
    trial.reach().await;
    let Trial { found, tried, .. } = trial;
    let mut all = Online { findings, tried };
    // What a check has told is told once: of one place and kind.
    let told = |one: &Diagnostic| {
        all.findings.diagnostics.iter().any(|known| (known.code, &known.span) == (one.code, &one.span))
    };
    let new: Vec<Diagnostic> = found.into_iter().filter(|one| !told(one)).collect();
    all.findings.diagnostics.extend(new);
    if all.findings.files.is_empty() {
        all.findings.files.push(config.source.clone());
    }
    all
}

/// A trial under way.
struct Trial<'c> {
    config: &'c Config,
    clock: &'c Clock,
    found: Vec<Diagnostic>,
    tried: Vec<Tried>,
}

impl Trial<'_> {
    fn good(&mut self, what: impl Into<String>, said: impl Into<String>, ends: Option<u64>) {
        self.tell(what, Outcome::Good, said, ends);
    }

    fn tell(
        &mut self,
        what: impl Into<String>,
        outcome: Outcome,
        said: impl Into<String>,
        ends: Option<u64>,
    ) {
        self.tried.push(Tried { what: what.into(), outcome, said: said.into(), ends });
    }

    /// Says it as a diagnostic, and that it was tried.
    fn fault(&mut self, what: impl Into<String>, found: Diagnostic, ends: Option<u64>) {
        let outcome = if found.severity == Severity::Error { Outcome::Error } else { Outcome::Warning };
        self.tell(what, outcome, found.message.clone(), ends);
        self.found.push(found);
    }

    /// The policies have been checked with the configuration, and the ring with them.
    fn policies_and_keys(&mut self, findings: &Findings, sound: bool) {
        let errors = findings.diagnostics.iter().filter(|one| one.is_error());
        let (ring, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
            errors.partition(|one| is_of_ring(one, self.config));
        match ring.first() {
            None => self.good(
                "keys",
                format!("{} gives the ring; every domain of a policy has a secret", source(self.config)),
                None,
            ),
            Some(first) => self.tell("keys", Outcome::Error, first.message.clone(), None),
        }
        match others.len() {
            0 if sound => self.good("policies", "checked with the configuration", None),
            0 => {}
            number => self.tell(
                "policies",
                Outcome::Error,
                format!("mistakes in them or in the configuration: {number}"),
                None,
            ),
        }
    }

    fn now(&self) -> u64 {
        self.clock.unix_millis().checked_div(1000).unwrap_or_default()
    }
}

fn is_of_ring(one: &Diagnostic, config: &Config) -> bool {
    let code = |code: &Code| one.code == code.id;
    code(&codes::NO_SECRET)
        || code(&codes::RING_UNUSABLE)
        || one.span == config.keys.span && one.file == config.source.path
}

/// Where the ring comes from, without a word that could be a secret.
fn source(config: &Config) -> &'static str {
    match config.keys.value {
        crate::config::KeySource::File(_) => "the file",
        crate::config::KeySource::Command(_) => "the command",
    }
}

/// A day as it is written in a policy.
fn day(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "the end of time".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}
