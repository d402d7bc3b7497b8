//! A socket that gives up if the peer takes nothing for too long (slow read).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Wraps a socket; any write, flush or shutdown that makes no progress for `limit` fails with
/// [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub(super) struct Stalling<S> {
    socket: S,
    limit: Duration,
    /// Runs while the peer takes nothing; made only then, which is seldom.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalling<S> {
    pub(super) fn new(socket: S, limit: Duration) -> Self {
        Self { socket, limit, stalled: None }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.watch(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP socket flushes at once whether or not the peer reads: no progress to be seen.
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.watch(cx, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        run(async {
            let (near, _far) = tokio::io::duplex(16);
            let mut near = Stalling::new(near, Duration::from_millis(20));
            let fault = near.write_all(&[0; 64]).await.unwrap_err();
            assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_slow_peer_that_takes_something_is_not() {
        run(async {
            let (near, mut far) = tokio::io::duplex(16);
            let mut near = Stalling::new(near, Duration::from_secs(60));
            let reader = tokio::spawn(async move {
                let mut bytes = [0; 64];
                far.read_exact(&mut bytes).await.unwrap();
            });
            near.write_all(&[0; 64]).await.unwrap();
            reader.await.unwrap();
            assert!(near.stalled.is_none());
        });
    }
}
