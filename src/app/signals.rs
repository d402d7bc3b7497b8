//! What signals do to a running proxy.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Drained, Running};

/// SIGTERM, SIGINT and SIGHUP, listened to. Taken before the proxy starts: a reload that comes
/// while it starts must not end the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Runs until SIGTERM or SIGINT, then drains; SIGHUP reloads.
    pub async fn govern(mut self, running: Running) -> Drained {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => running.reloader().reload_in_background().await,
            }
        }
        running.stop().await
    }
}
