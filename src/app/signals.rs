//! What signals do to a running proxy.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::{Drained, Running};

/// Runs until SIGTERM or SIGINT, then drains; SIGHUP reloads.
///
/// # Errors
/// When signals cannot be listened to.
pub async fn until_stopped(running: Running) -> io::Result<Drained> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => running.reloader().reload_in_background().await,
        }
    }
    Ok(running.stop().await)
}
