//! The office's door for users of this machine: a Unix socket that only tavs's own user can open, and
//! the system says who is at the other end.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use super::{Caller, Office, http};

/// Connections at a time: officers at their terminals, and scripts.
const CONNECTIONS: usize = 16;
/// How long one connection may last; each carries one request, and a long report is the slowest.
const WHOLE: Duration = Duration::from_secs(120);
/// How long a head may take.
const HEAD: Duration = Duration::from_secs(5);
/// The largest head; hyper asks for 8 KiB at least.
const HEAD_BYTES: usize = 8 * 1024;
/// After an accept that failed (no descriptors left), the next waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket; its file goes when this does.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Whose files tavs's are.
    uid: u32,
}

impl Socket {
    /// Binds it, mode 0600. A socket that a killed process left behind is taken away first: whoever
    /// holds the ledger is the only one to serve here. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let socket = Self { listener, path: path.to_owned(), uid: own_uid()? };
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(socket)
    }

    /// Answers until `stop` becomes true.
    pub async fn serve(self, office: Arc<Office>, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Some(caller) = self.caller(&stream) else { continue };
            // Over the cap a connection is closed at once: whoever asks sees that sooner than a wait.
            if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
                let office = Arc::clone(&office);
                tokio::spawn(async move {
                    connection(stream, caller, office).await;
                    drop(slot);
                });
            }
        }
    }

    /// SECURITY: by what the system says of the peer, for between binding and setting the mode
    /// others might have come in.
    fn caller(&self, stream: &UnixStream) -> Option<Caller> {
        let uid = stream.peer_cred().ok()?.uid();
        if uid == self.uid || uid == ROOT {
            return Some(Caller::Local { uid });
        }
        tracing::warn!(uid, "refused at the admin socket: another user");
        None
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Left behind it does no harm: the next start takes it away.
        drop(fs::remove_file(&self.path));
    }
}

async fn connection(stream: UnixStream, caller: Caller, office: Arc<Office>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (office, caller) = (Arc::clone(&office), caller.clone());
        async move { Ok::<Response<_>, Infallible>(http::respond(&office, caller, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // That a caller hung up is its own concern: what it began is done all the same.
    drop(tokio::time::timeout(WHOLE, served).await);
}

/// The user that this process runs as, from the system itself: a socket pair's other end is ours.
///
/// # Errors
/// What the system says.
pub fn own_uid() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

const ROOT: u32 = 0;
