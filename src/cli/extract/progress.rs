//! How far an extract is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::super::complain;
use crate::clock::Clock;
use crate::extract::run::Step;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// One run's.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    clock: Clock,
    /// Bytes that are read in all, of both passes.
    total: u64,
    done: u64,
    records: u64,
    surveying: bool,
    /// When a line is due; none on a terminal.
    due: Option<Instant>,
}

impl Progress {
    /// Over files of so many bytes; `surveys`: they are read twice.
    pub(super) fn new(bytes: u64, surveys: bool) -> Self {
        let clock = Clock::system();
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template(
            "{msg:20} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
        );
        bar.set_style(style.unwrap_or_else(|_bad| ProgressStyle::default_bar()));
        let due = (!is_terminal).then(|| clock.instant()).and_then(|now| now.checked_add(EVERY));
        Self { bar, clock, total: bytes, done: 0, records: 0, surveying: surveys, due }
    }

    pub(super) fn told(&mut self, step: Step) {
        match step {
            Step::Surveyed(bytes) => {
                self.bar.set_message("who is who");
                self.add(bytes);
            }
            Step::Rewritten { bytes, records } => {
                if std::mem::take(&mut self.surveying) {
                    self.bar.reset();
                    self.done = 0;
                }
                self.records = self.records.saturating_add(records);
                self.bar.set_message(format!("{} records", HumanCount(self.records)));
                self.add(bytes);
            }
        }
    }

    fn add(&mut self, bytes: u64) {
        self.done = self.done.saturating_add(bytes);
        self.bar.set_position(self.done);
        let now = self.clock.instant();
        if self.due.is_some_and(|due| now >= due) {
            self.due = now.checked_add(EVERY);
            let pass = if self.surveying { "who is who" } else { "rewriting" };
            let (done, total) = (HumanBytes(self.done), HumanBytes(self.total));
            complain(&format!("{pass}: {done} of {total}, {} records\n", HumanCount(self.records)));
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
