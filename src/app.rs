//! Builds every part from the configuration, and owns reload and drain.
//!
//! [`start`] runs the proxy inside any process: `serve` adds signals, `demo` and tests take port
//! 0 and a clock that stands still. What must never happen here: a state of which one part is
//! new and another old, or one that has not been checked whole (G11).

mod approved;
mod build;
mod declared;
mod disk;
mod noted;
mod office;
mod online;
mod records;
mod reload;
mod signals;
mod watch;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::watch as signal;
use tokio::task::JoinHandle;

use crate::admin::{self, Shown};
use crate::clock::Clock;
use crate::config::{Config, Findings};
use crate::ledger::checkpoint::Keeper;
use crate::ledger::index::{IndexError, MAX_LAG};
use crate::ledger::{self, Disk, FileSystem, LedgerError, Packer};
use crate::limits::Limits;
use crate::net::listener::{Drained as Connections, Handler};
use crate::net::{Listener, TlsState};
use crate::officer::ApiState;
use crate::proxy::Proxy;
use crate::store::StoreError;
use crate::telemetry::Metrics;

pub use self::approved::{ApprovalError, Standing, approved_texts};
use self::build::Built;
pub use self::build::names as in_force;
pub use self::noted::NoteError;
pub use self::office::LocalOffice;
use self::office::{Doors, Replaced};
pub use self::online::{Online, Outcome, Tried, online};
pub use self::reload::Reloader;
pub use self::signals::Signals;
pub use crate::proxy::Records;

/// Why the proxy does not start. Each is for an operator, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration, or a file that it names.
    #[error("the configuration has mistakes")]
    Findings(Findings),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index of the ledger in the store.
    #[error(transparent)]
    Indexing(Arc<IndexError>),
    /// What must be on record before anything is released.
    #[error(transparent)]
    Noting(#[from] NoteError),
    /// The policies are not approved.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// The machine's clock has run back.
    #[error(
        "the clock shows a time {seconds} s before the last record of the ledger; set the clock, or wait until that time: nothing is released meanwhile"
    )]
    ClockBack {
        /// How far.
        seconds: u64,
    },
    /// The index does not get on, and gives no reason.
    #[error(
        "the index of the ledger stands still, {lag} records behind; look whether something else holds the store, and run `tavs ledger reindex`"
    )]
    IndexStands {
        /// How many records it is behind.
        lag: u64,
    },
    /// The runtime ends while we start.
    #[error("stopped while starting")]
    Stopped,
    /// The admin socket.
    #[error("cannot make the admin socket `{}`: {source}; choose another `socket` in [admin]", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A socket.
    #[error("cannot listen on {address}: {source}; free it, or choose another `address` in [{table}]")]
    Listen {
        /// Which table of tavs.toml.
        table: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No thread to pack segments.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// No randomness for a new ledger's id.
    #[error("the system gives no random bytes")]
    Random,
}

/// A running proxy. Dropping it leaves it running; [`Running::stop`] ends it.
pub struct Running {
    address: SocketAddr,
    admin_address: SocketAddr,
    proxy: Arc<Proxy>,
    records: Records,
    status: Arc<Status>,
    reloader: Reloader,
    stop: signal::Sender<bool>,
    /// Health is shown until the drain is over.
    stop_admin: signal::Sender<bool>,
    listener: JoinHandle<Connections>,
    doors: Doors,
    /// The watch on files, and the admin listener.
    besides: [JoinHandle<()>; 2],
}

/// How a drain went.
#[derive(Debug)]
pub struct Drained {
    /// Exchanges answered since the start.
    pub answered: u64,
    /// Connections cut because their exchanges did not end in time.
    pub cut: usize,
    /// Whether the ledger was synced and closed.
    pub ledger: Result<(), ledger::AppendError>,
}

/// Checks all that a start checks before it touches the ledger and the network: the warnings.
///
/// # Errors
/// Every mistake.
pub fn check(config: &Config, clock: &Clock) -> Result<Findings, Findings> {
    crate::net::install_crypto();
    let built = build::state(config, clock, Limits::new(clock.clone()))?;
    build::keeping(config, clock, &Metrics::new()).map(|_keeping| built.warnings)
}

/// Starts the proxy: checks everything, opens the ledger, then listens. Must be called within a
/// tokio runtime of several threads.
///
/// # Errors
/// The first part that cannot be had; of the configuration, every mistake.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    start_on(config, clock, Box::new(FileSystem)).await
}

/// [`start`] with a ledger on a disk that may fail: for tests of what a failure does.
///
/// # Errors
/// As of [`start`].
pub async fn start_on(config: Config, clock: Clock, disk: Box<dyn Disk>) -> Result<Running, StartError> {
    crate::net::install_crypto();
    let watch = watch::Watch::begin(&config);
    let Built { state, files, names, api, declared, destroyed, warnings } =
        build::state(&config, &clock, Limits::new(clock.clone())).map_err(StartError::Findings)?;
    for line in warnings.brief() {
        tracing::warn!(finding = line, "configuration");
    }
    let metrics = Metrics::new();
    let keeping = build::keeping(&config, &clock, &metrics).map_err(StartError::Findings)?;
    let disk = disk::Measured { disk, metrics: metrics.clone(), clock: clock.clone() };
    let records = records::open(&config, &clock, Box::new(disk)).await?;
    noted::changes(&records).await?;
    if config.approvals.is_none() {
        tracing::warn!(
            "policies take effect without anybody's approval; `approval = \"required\"` in [policies] wants officers' signatures for whatever lets out more"
        );
    }
    approved::take_effect(&config, &records, &state, &files).await?;
    declared::note(&records, &declared).await?;
    tokio::task::block_in_place(|| records::forget(&records, &destroyed));

    let listener = Listener::bind(config.listen.address, config.listen.limits.clone()).await;
    let listener = listener.map_err(|source| cannot_listen("listen", config.listen.address, source))?;
    let address =
        listener.local_address().map_err(|source| cannot_listen("listen", config.listen.address, source))?;
    let admin = TcpListener::bind(config.admin).await;
    let admin = admin.map_err(|source| cannot_listen("admin", config.admin, source))?;
    let admin_address = admin.local_addr().map_err(|source| cannot_listen("admin", config.admin, source))?;

    let packer =
        Packer::start(records.ledger.directory(), Box::new(FileSystem)).map_err(StartError::Thread)?;
    let keeper = Keeper::start(&records.ledger, keeping)?;
    let tls = Arc::new(ArcSwap::new(Arc::clone(state.tls())));
    let proxy = Arc::new(Proxy::new(state, records.clone(), metrics.clone()));
    let status = Arc::new(Status {
        draining: AtomicBool::new(false),
        records: records.clone(),
        keeper,
        _packer: packer,
        metrics: metrics.clone(),
        proxy: Arc::clone(&proxy),
    });
    let (stop, stopped) = signal::channel(false);
    let api = api.map(|(tls, clients)| Arc::new(ApiState::new(tls, clients)));
    let replaced = Replaced { names: Arc::new(ArcSwap::from_pointee(names)), api };
    let reloader = Reloader::new(config.clone(), &proxy, &tls, replaced.clone(), metrics, records.clone());
    reloader.succeeded();
    let operated = office::Running { status: Arc::clone(&status), reloader: reloader.clone() };
    let doors = office::open(&config, &records, &replaced, Arc::new(operated), &stopped).await?;
    let watch = tokio::spawn(watch.run(reloader.clone(), stopped.clone()));
    let (stop_admin, admin_stopped) = signal::channel(false);
    let admin = tokio::spawn(admin::serve(admin, Arc::clone(&status), admin_stopped));
    let listener = tokio::spawn(serve(listener, tls, Arc::clone(&proxy), clock, stopped));
    match doors.api_address {
        Some(api) => tracing::info!(%address, admin = %admin_address, %api, "tavs serves"),
        None => tracing::info!(%address, admin = %admin_address, "tavs serves"),
    }
    let besides = [watch, admin];
    Ok(Running {
        address,
        admin_address,
        proxy,
        records,
        status,
        reloader,
        stop,
        stop_admin,
        listener,
        doors,
        besides,
    })
}

async fn serve<H: Handler>(
    listener: Listener,
    tls: Arc<ArcSwap<TlsState>>,
    handler: Arc<H>,
    clock: Clock,
    mut stopped: signal::Receiver<bool>,
) -> Connections {
    let shutdown = async move {
        // An `Err` means that the sender is gone: nobody can stop us any more, so we go on.
        if stopped.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    listener.serve(tls, handler, clock, shutdown).await
}

fn cannot_listen(table: &'static str, address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { table, address, source }
}

impl Running {
    /// Where recipients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Where the clinic's own systems ask, if there is an `[api]`.
    #[must_use]
    pub fn api_address(&self) -> Option<SocketAddr> {
        self.doors.api_address
    }

    /// Reads everything anew, as SIGHUP and a changed file do.
    #[must_use]
    pub fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    /// The ledger, the store and who is who, for those who change and report on them.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Drains: not ready, no new connections, exchanges under way finished within their
    /// deadline, the ledger synced, closed and indexed.
    pub async fn stop(self) -> Drained {
        self.status.draining.store(true, Ordering::Relaxed);
        tracing::info!("draining");
        self.stop.send_replace(true);
        let connections = self.listener.await.unwrap_or_default();
        if let Some(api) = self.doors.api {
            drop(api.await);
        }
        drop(self.doors.socket.await);
        let ledger = records::close(&self.records).await;
        self.status.keeper.close().await;
        let answered = self.proxy.answered();
        self.stop_admin.send_replace(true);
        for task in self.besides {
            // A panic there has ended that task only.
            drop(task.await);
        }
        if let Err(error) = &ledger {
            tracing::error!(%error, "the ledger could not be closed in order");
        }
        tracing::info!(answered, cut = connections.aborted, "drained");
        Drained { answered, cut: connections.aborted, ledger }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .field("admin_address", &self.admin_address)
            .finish_non_exhaustive()
    }
}

/// What the admin listener shows.
struct Status {
    draining: AtomicBool,
    records: Records,
    keeper: Keeper,
    /// Ends with the process.
    _packer: Packer,
    metrics: Metrics,
    proxy: Arc<Proxy>,
}

impl Shown for Status {
    fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.draining.load(Ordering::Relaxed) {
            reasons.push("draining".to_owned());
        }
        let Records { ledger, indexer, clock, .. } = &self.records;
        if let Err(error) = ledger.usable() {
            reasons.push(format!("ledger: {error}"));
        }
        match (indexer.failure(), indexer.lag()) {
            (Some(failure), _) => reasons.push(format!("store: {failure}")),
            (None, lag) if lag > MAX_LAG => {
                reasons
                    .push(format!("store: its index is {lag} records behind the ledger, {MAX_LAG} at most"));
            }
            (None, _) if !indexer.within(MAX_LAG) => reasons.push("store: its index has ended".to_owned()),
            (None, _) => {}
        }
        let state = self.proxy.state();
        if state.policies().is_empty() {
            reasons.push("policies: there is none".to_owned());
        }
        let now = clock.unix_millis().checked_div(1000).unwrap_or_default();
        for expiry in state.tls().expiries().iter().filter(|expiry| expiry.at <= now) {
            reasons.push(format!("{}: past its end", build::name_of(&expiry.what)));
        }
        reasons
    }

    fn warnings(&self) -> Vec<String> {
        self.keeper.warnings()
    }

    fn metrics(&self) -> String {
        let Records { subjects, indexer, .. } = &self.records;
        let (ids, persons) = subjects.sizes();
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let size = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.index_lag.set(gauge(indexer.lag()));
        self.metrics.registry_changes.set(gauge(subjects.last_change()));
        self.metrics.subject_ids.set(size(ids));
        self.metrics.subject_rights.set(size(persons));
        self.metrics.text()
    }
}
