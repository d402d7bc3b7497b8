//! The office of this process and its doors: the admin socket, the API for the clinic's systems, and,
//! while nothing serves, the process that asks itself.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch as signal;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::{Reloader, StartError, Status, build, cannot_listen, noted, records};
use crate::admin::Shown as _;
use crate::clock::Clock;
use crate::config::{Api as ApiConfig, Config};
use crate::ledger::{AppendError, FileSystem};
use crate::net::listener::Drained;
use crate::net::{self, Listener};
use crate::officer::{Api, ApiState, Caller, InForce, Office, Operated, Registrar, Socket, Told, own_uid};
use crate::proxy::Records;

/// What a reload replaces of the office.
#[derive(Debug, Clone)]
pub(super) struct Replaced {
    pub(super) names: Arc<ArcSwap<InForce>>,
    /// None without `[api]`.
    pub(super) api: Option<Arc<ApiState>>,
}

/// The doors of a running proxy's office.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) api_address: Option<SocketAddr>,
    pub(super) socket: JoinHandle<()>,
    pub(super) api: Option<JoinHandle<Drained>>,
}

/// Opens them; they close when `stopped` becomes true.
///
/// # Errors
/// A socket that cannot be had.
pub(super) async fn open(
    config: &Config,
    records: &Records,
    replaced: &Replaced,
    operated: Arc<Running>,
    stopped: &signal::Receiver<bool>,
) -> Result<Doors, StartError> {
    let office = office_of(config, records, &replaced.names, Some(operated));
    let socket = Socket::bind(&config.socket)
        .map_err(|source| StartError::Socket { path: config.socket.clone(), source })?;
    let mut doors = Doors {
        api_address: None,
        api: None,
        socket: tokio::spawn(socket.serve(Arc::clone(&office), stopped.clone())),
    };
    if let (Some(api), Some(state)) = (&config.api, &replaced.api) {
        let ApiConfig { address, .. } = api;
        let cannot = |source| cannot_listen("api", address.value, source);
        let listener = Listener::bind(address.value, net::Limits::default()).await.map_err(cannot)?;
        doors.api_address = Some(listener.local_address().map_err(cannot)?);
        let handler = Arc::new(Api::new(office, Arc::clone(state), records.clock.clone()));
        let served =
            super::serve(listener, Arc::clone(state.tls()), handler, records.clock.clone(), stopped.clone());
        doors.api = Some(tokio::spawn(served));
    }
    Ok(doors)
}

fn office_of(
    config: &Config,
    records: &Records,
    names: &Arc<ArcSwap<InForce>>,
    operated: Option<Arc<Running>>,
) -> Arc<Office> {
    let Records { ledger, store, subjects, indexer, clock } = records.clone();
    let registrar = Registrar::new(ledger, store, subjects, indexer, clock);
    let operated = operated.map(|running| running as Arc<dyn Operated>);
    let directory = config.ledger.directory.value.clone();
    Arc::new(Office::new(registrar, Arc::clone(names), directory, operated))
}

/// What an operator may ask of a running proxy.
pub(super) struct Running {
    pub(super) status: Arc<Status>,
    pub(super) reloader: Reloader,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Operated for Running {
    fn not_ready(&self) -> Vec<String> {
        self.status.not_ready()
    }

    fn reload(&self) -> Result<(), Vec<String>> {
        self.reloader.reload().map_err(|findings| findings.brief())
    }
}

/// The office while nothing serves: the ledger and the store are this process's own meanwhile.
#[derive(Debug)]
pub struct LocalOffice {
    office: Arc<Office>,
    records: Records,
    uid: u32,
}

impl LocalOffice {
    /// Opens it. Must be called within a tokio runtime of several threads.
    ///
    /// # Errors
    /// The first part that cannot be had: of the configuration, of policies and keys every mistake; a
    /// ledger that another process holds.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let names = build::names(config, &clock).map_err(StartError::Findings)?;
        let uid = own_uid().map_err(|source| StartError::Socket { path: config.socket.clone(), source })?;
        let records = records::open(config, &clock, Box::new(FileSystem)).await?;
        noted::changes(&records).await?;
        let office = office_of(config, &records, &Arc::new(ArcSwap::from_pointee(names)), None);
        Ok(Self { office, records, uid })
    }

    /// Answers as the admin socket would.
    pub async fn answer(&self, method: &str, path: &str, body: Zeroizing<Vec<u8>>) -> Told {
        Arc::clone(&self.office).answer(Caller::Local { uid: self.uid }, method, path, body).await
    }

    /// Closes the ledger and the store; nothing is asked any more.
    ///
    /// # Errors
    /// When the ledger could not be synced.
    pub async fn close(&self) -> Result<(), AppendError> {
        records::close(&self.records).await
    }
}
