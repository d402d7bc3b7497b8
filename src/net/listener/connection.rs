//! One established connection: serves HTTP on it and ends it when a limit says so.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, Sleep, interval, sleep};

use super::{CloseReason, Connection, Handler, Protocol, Shared, Stream};
use crate::net::gather::InTurn;
use crate::net::settings::Limits;
use crate::net::watch::{Activity, Watched};

/// Serves the connection to its end. Returns why it ended, and whether it was cut.
pub(super) async fn drive<H: Handler>(
    shared: &Arc<Shared<H>>,
    stream: Stream,
    connection: Arc<Connection>,
    draining: watch::Receiver<bool>,
) -> (CloseReason, bool) {
    let activity = Activity::new(shared.clock.clone());
    let service = {
        let (shared, connection, activity) =
            (Arc::clone(shared), Arc::clone(&connection), Arc::clone(&activity));
        service_fn(move |request| {
            answer(Arc::clone(&shared.handler), Arc::clone(&connection), Arc::clone(&activity), request)
        })
    };
    let watcher = Watcher { limits: &shared.limits, connection: &connection, activity: &activity };
    match connection.protocol {
        Protocol::Http1 => {
            let served = http1(&shared.limits).serve_connection(TokioIo::new(stream), service);
            watcher.watch(served, GracefulConnection::graceful_shutdown, draining).await
        }
        Protocol::Http2 => {
            let serve = |io| http2(&shared.limits).serve_connection(TokioIo::new(io), service);
            watcher
                .watch(InTurn::new(stream, Arc::clone(&activity), serve), InTurn::graceful_shutdown, draining)
                .await
        }
    }
}

/// One exchange. A panic in it becomes the handler's own response, and ends nothing else.
async fn answer<H: Handler>(
    handler: Arc<H>,
    connection: Arc<Connection>,
    activity: Arc<Activity>,
    request: Request<Incoming>,
) -> Result<Response<Watched<H::Body>>, Infallible> {
    let under_way = activity.begin();
    let mut answering = Box::pin(Arc::clone(&handler).answer(connection, request));
    let answered = std::future::poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx)))
            .map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
    .await;
    let response = answered.unwrap_or_else(|| handler.panicked());
    Ok(response.map(|body| under_way.writes(body)))
}

/// What ends a connection besides its peer.
struct Watcher<'a> {
    limits: &'a Limits,
    connection: &'a Connection,
    activity: &'a Activity,
}

impl Watcher<'_> {
    async fn watch<C: Future<Output = Result<(), hyper::Error>>>(
        &self,
        served: C,
        graceful_shutdown: impl Fn(Pin<&mut C>),
        mut draining: watch::Receiver<bool>,
    ) -> (CloseReason, bool) {
        let deadlines = &self.limits.deadlines;
        let mut served = pin!(served);
        let mut age = pin!(sleep(deadlines.max_age));
        let mut ticks = interval(tick(deadlines.idle.min(deadlines.write_whole)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ending: Option<(CloseReason, Pin<Box<Sleep>>)> = None;
        loop {
            let open = ending.is_none();
            let reason = tokio::select! {
                biased;
                result = served.as_mut() => {
                    let reason = ending.map_or_else(|| self.reason(result), |(reason, _)| reason);
                    return (reason, false);
                }
                () = last_call(&mut ending), if !open => {
                    return (ending.map_or(CloseReason::Drain, |(reason, _)| reason), true);
                }
                _ = ticks.tick() => {
                    if self.activity.is_writing_for(deadlines.write_whole) {
                        return (CloseReason::SlowReader, true);
                    }
                    if !open || !self.activity.is_idle_for(deadlines.idle) {
                        continue;
                    }
                    CloseReason::Idle
                }
                () = age.as_mut(), if open => CloseReason::Age,
                () = self.connection.close.notified(), if open => CloseReason::Lapsed,
                _ = draining.wait_for(|draining| *draining), if open => CloseReason::Drain,
            };
            graceful_shutdown(served.as_mut());
            ending = Some((reason, Box::pin(sleep(deadlines.drain))));
        }
    }

    fn reason(&self, result: Result<(), hyper::Error>) -> CloseReason {
        let Err(error) = result else { return CloseReason::Done };
        if error.is_timeout() && self.connection.protocol == Protocol::Http1 {
            return CloseReason::SlowHeader;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut) {
                return CloseReason::SlowReader;
            }
            source = cause.source();
        }
        CloseReason::Broke
    }
}

/// Waits for the deadline of a connection that is closing.
async fn last_call(ending: &mut Option<(CloseReason, Pin<Box<Sleep>>)>) {
    if let Some((_, deadline)) = ending {
        deadline.as_mut().await;
    }
}

/// How often a limit is looked at: it may be exceeded by a quarter.
fn tick(limit: Duration) -> Duration {
    (limit / 4).max(Duration::from_millis(10))
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.deadlines.header)
        .max_header_size(limits.max_head)
        .max_buf_size(limits.max_head.max(HTTP1_BUFFER))
        .half_close(false)
        .pipeline_flush(false);
    if limits.max_fields != HYPERS_OWN_FIELDS {
        builder.max_headers(limits.max_fields);
    }
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let own = &limits.http2;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(own.max_concurrent_streams)
        .max_header_list_size(own.max_header_list_size)
        .max_pending_accept_reset_streams(own.max_pending_accept_reset_streams)
        .max_local_error_reset_streams(own.max_local_error_reset_streams)
        .max_frame_size(own.max_frame_size.clamp(16_384, 16_777_215))
        .initial_stream_window_size(own.stream_window.min(LARGEST_WINDOW))
        .initial_connection_window_size(own.connection_window.clamp(65_535, LARGEST_WINDOW))
        .adaptive_window(false)
        .max_send_buf_size(own.max_send_buffer)
        .keep_alive_interval(own.ping_every)
        .keep_alive_timeout(own.ping_deadline);
    builder
}

/// Bytes that hyper buffers of a request or response: four pieces of a body.
const HTTP1_BUFFER: usize = 64 * 1024;

/// With this many fields hyper parses on the stack; with any other number it allocates.
const HYPERS_OWN_FIELDS: usize = 100;

/// RFC 9113 6.9.1.
const LARGEST_WINDOW: u32 = 0x7fff_ffff;
