//! Where checkpoints are kept outside: a file on another disk, a syslog daemon, a web server.
//!
//! Whoever can write to the ledger must not be able to write there at will: docs/ledger.md says what
//! makes an anchor worth something.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::checkpoint::append;
use crate::clock::Clock;
use crate::net::upstream::UpstreamError;
use crate::net::{Upstream, UpstreamSettings, UpstreamSetupError};

/// How long one attempt may take: a sync of a slow remote disk, or a request.
const WAIT: Duration = Duration::from_secs(10);
/// The largest answer of a web server that is read, so that its connection can be used again.
const MAX_ANSWER: usize = 64 << 10;
/// Facility `authpriv` (10), severity `info` (6), as RFC 5424 numbers them.
const PRIORITY: &str = "<86>tavs: ";

/// Which anchor, as `[ledger] anchor` has it.
#[derive(Debug, Clone)]
pub enum AnchorSettings {
    /// A file that lines are appended to.
    File(PathBuf),
    /// The datagram socket of a syslog daemon.
    Syslog(PathBuf),
    /// A web server that takes each line as a POST to a path.
    Http {
        /// The server.
        server: Box<UpstreamSettings>,
        /// The path.
        target: String,
    },
}

/// An anchor, ready.
#[derive(Debug)]
pub struct Anchor {
    kind: Kind,
    /// An attempt that is still under way when its time is over: a disk that hangs gets no second
    /// one before the first has ended.
    under_way: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

#[derive(Debug)]
enum Kind {
    File(PathBuf),
    Syslog(PathBuf),
    Http(Box<Upstream>, String),
}

/// Why a checkpoint is not known to be anchored.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file or socket.
    #[error("cannot write to `{}`: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It took longer than ten seconds.
    #[error("the anchor took too long")]
    Late,
    /// The web server cannot be reached or talked to.
    #[error(transparent)]
    Server(#[from] UpstreamError),
    /// The web server did not take it.
    #[error("the anchor's server answered {0}")]
    Status(u16),
}

impl Anchor {
    /// Sets the anchor up; connects to nothing yet.
    ///
    /// # Errors
    /// What to mend about the server's settings.
    pub fn new(settings: &AnchorSettings, clock: &Clock) -> Result<Self, UpstreamSetupError> {
        let kind = match settings {
            AnchorSettings::File(path) => Kind::File(path.clone()),
            AnchorSettings::Syslog(path) => Kind::Syslog(path.clone()),
            AnchorSettings::Http { server, target } => {
                Kind::Http(Box::new(Upstream::new((**server).clone(), clock)?), target.clone())
            }
        };
        Ok(Self { kind, under_way: Mutex::new(None) })
    }

    /// Sends one line; `Ok` once the file is synced, the daemon's socket has it, or the server said 2xx.
    ///
    /// # Errors
    /// When it is not known to be there.
    pub async fn send(&self, line: &str) -> Result<(), AnchorError> {
        match &self.kind {
            Kind::File(path) => {
                let (to, line) = (path.clone(), format!("{line}\n"));
                self.blocking(path, move || append_to(&to, line.as_bytes())).await
            }
            Kind::Syslog(path) => {
                let (to, line) = (path.clone(), format!("{PRIORITY}{line}"));
                self.blocking(path, move || datagram(&to, line.as_bytes())).await
            }
            Kind::Http(server, target) => post(server, target, line).await,
        }
    }

    async fn blocking(
        &self,
        path: &Path,
        work: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), AnchorError> {
        let mut under_way = self.under_way.lock().await;
        if let Some(before) = under_way.as_mut() {
            let _ended = timeout(WAIT, before).await.map_err(|_elapsed| AnchorError::Late)?;
        }
        let task = under_way.insert(tokio::task::spawn_blocking(work));
        let done = timeout(WAIT, task).await.map_err(|_elapsed| AnchorError::Late)?;
        *under_way = None;
        done.map_err(io::Error::other)
            .flatten()
            .map_err(|source| AnchorError::Io { path: path.to_owned(), source })
    }
}

/// Opened anew each time: the file may be moved away by whoever rotates it.
fn append_to(path: &Path, line: &[u8]) -> io::Result<()> {
    let file: File = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
    append(&file, line)
}

fn datagram(path: &Path, line: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(WAIT))?;
    socket.send_to(line, path).map(drop)
}

async fn post(server: &Upstream, target: &str, line: &str) -> Result<(), AnchorError> {
    let mut request = Request::new(Bytes::from(format!("{line}\n")));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.parse().map_err(|_not_one| UpstreamError::Request)?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let response = timeout(WAIT, server.send(request)).await.map_err(|_elapsed| AnchorError::Late)??;
    let status = response.status();
    drop(response.into_body().read(MAX_ANSWER).await);
    if status.is_success() { Ok(()) } else { Err(AnchorError::Status(status.as_u16())) }
}
