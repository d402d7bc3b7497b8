//! Reload: reads everything anew, and puts the new state in the place of the old one at once, or
//! keeps the old one and says why (G11).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::approved::{self, ApprovalError};
use super::build::{self, Built};
use super::declared;
use super::office::Replaced;
use super::records;
use crate::config::{Config, Findings, Ledger};
use crate::ledger;
use crate::net::TlsState;
use crate::policy::codes;
use crate::proxy::{Proxy, Records};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Certificate, Reload, Word};

/// Rebuilds the state. Cheap to clone; clones reload the same proxy, one at a time.
#[derive(Debug, Clone)]
pub struct Reloader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    /// Also keeps reloads from overlapping.
    configs: Mutex<Configs>,
    proxy: Arc<Proxy>,
    tls: Arc<ArcSwap<TlsState>>,
    office: Replaced,
    metrics: Metrics,
    records: Records,
    runtime: Handle,
}

#[derive(Debug)]
struct Configs {
    in_force: Config,
    last_read: Config,
}

impl Reloader {
    pub(super) fn new(
        config: Config,
        proxy: &Arc<Proxy>,
        tls: &Arc<ArcSwap<TlsState>>,
        office: Replaced,
        metrics: Metrics,
        records: Records,
    ) -> Self {
        let (proxy, tls) = (Arc::clone(proxy), Arc::clone(tls));
        let file = PathBuf::from(&config.source.path);
        let configs = Mutex::new(Configs { last_read: config.clone(), in_force: config });
        let runtime = Handle::current();
        Self { shared: Arc::new(Shared { file, configs, proxy, tls, office, metrics, records, runtime }) }
    }

    /// Reads the configuration and all that it names, and swaps the state if everything is good.
    /// Blocks while it reads, and until what is new in it is on record. Not to be called within an async
    /// task of a runtime with one thread.
    ///
    /// # Errors
    /// Everything that is wrong; then nothing has changed.
    pub fn reload(&self) -> Result<(), Findings> {
        tokio::task::block_in_place(|| self.reload_here())
    }

    fn reload_here(&self) -> Result<(), Findings> {
        let shared = &self.shared;
        let mut configs = self.lock();
        let rebuilt = Config::read(&shared.file).and_then(|config| {
            configs.last_read = config.clone();
            let limits = shared.proxy.state().limits().clone();
            let built = build::state(&config, &shared.records.clock, limits)?;
            let Built { state, files, declared, .. } = &built;
            let effect = approved::take_effect(&config, &shared.records, state, files);
            shared.runtime.block_on(effect).map_err(|error| refused(&config, &error))?;
            let noting = shared.runtime.block_on(declared::note(&shared.records, declared));
            noting.map_err(|error| refused(&config, &error.into()))?;
            Ok((config, built))
        });
        match rebuilt {
            Ok((config, Built { state, files: _, names, api, declared: _, destroyed, warnings })) => {
                for line in warnings.brief() {
                    tracing::warn!(finding = line, "configuration");
                }
                if configs.in_force.approvals.is_some() && config.approvals.is_none() {
                    tracing::warn!("policies take effect without anybody's approval from now on");
                }
                if needs_restart(&configs.in_force, &config) {
                    tracing::warn!(
                        "addresses, deadlines and caps of [listen], [ledger], [admin], [api] and [log] change with a restart only"
                    );
                }
                // The listener last: a connection under the new trust anchors must not meet the old
                // state, which would refuse it. The other way round each exchange looks again.
                let tls = Arc::clone(state.tls());
                shared.proxy.replace(state);
                shared.tls.store(tls);
                shared.office.names.store(Arc::new(names));
                records::forget(&shared.records, &destroyed);
                if let (Some(api), Some((tls, clients))) = (&shared.office.api, api) {
                    api.replace(tls, clients);
                }
                configs.in_force = config;
                drop(configs);
                self.succeeded();
                tracing::info!(policies = shared.proxy.state().policies().len(), "reloaded");
                Ok(())
            }
            Err(findings) => {
                shared.metrics.reloads.get_or_create(&Reload { result: Word::own("failure") }).inc();
                for line in findings.brief() {
                    tracing::error!(finding = line, "not reloaded, the old state stays");
                }
                Err(findings)
            }
        }
    }

    /// Counts a state that has taken effect.
    pub(super) fn succeeded(&self) {
        let Shared { proxy, metrics, records, .. } = &*self.shared;
        let state = proxy.state();
        metrics.reloads.get_or_create(&Reload { result: Word::own("success") }).inc();
        metrics.last_reload.set(Duration::from_millis(records.clock.unix_millis()).as_secs_f64());
        metrics.policies.set(i64::try_from(state.policies().len()).unwrap_or(i64::MAX));
        for expiry in state.tls().expiries() {
            let certificate = Word::configured(&build::name_of(&expiry.what));
            let at = i64::try_from(expiry.at).unwrap_or(i64::MAX);
            metrics.certificate_ends.get_or_create(&Certificate { certificate }).set(at);
        }
    }

    /// The cut-over of a key version that has come, and that the state in force does not know of.
    pub(super) fn due_cut_over(&self) -> Option<Timestamp> {
        let at = self.shared.proxy.state().cut_over()?;
        (at <= self.shared.records.clock.timestamp()).then_some(at)
    }

    /// Reloads on a thread that may block.
    pub(super) async fn reload_in_background(&self) {
        let reloader = self.clone();
        // A failure has been logged and counted; a panic there ends this reload only.
        drop(tokio::task::spawn_blocking(move || drop(reloader.reload())).await);
    }

    /// The configuration that was last read, whether or not it took effect.
    pub(super) fn last_read(&self) -> Config {
        self.lock().last_read.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Configs> {
        self.shared.configs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A policy that is not approved where it must be, or not on record, must not serve.
fn refused(config: &Config, error: &ApprovalError) -> Findings {
    let (code, at) = match error {
        ApprovalError::Noting(_) | ApprovalError::Ledger(_) => {
            (&codes::NOT_ON_RECORD, &config.ledger.directory)
        }
        ApprovalError::First { .. }
        | ApprovalError::Wider { .. }
        | ApprovalError::Bad { .. }
        | ApprovalError::Unreadable { .. }
        | ApprovalError::Store(_)
        | ApprovalError::Random => {
            tracing::error!(%error, "policies not approved");
            (&codes::NOT_APPROVED, &config.policies)
        }
    };
    config.findings(vec![config.fault(code, at, error.to_string())])
}

fn needs_restart(old: &Config, new: &Config) -> bool {
    let ledger = |config: &Config| {
        let Ledger { directory, node, limits, checkpoint, anchor, retention: _, retention_names: _ } =
            &config.ledger;
        let ledger::Limits { wait, pending, record, segment } = *limits;
        let anchor = anchor.as_ref().map(|anchor| format!("{:?}", anchor.value));
        (directory.value.clone(), node.clone(), wait, pending, record, segment, *checkpoint, anchor)
    };
    let address = |config: &Config| config.api.as_ref().map(|api| api.address.value);
    old.listen.address != new.listen.address
        || old.listen.limits != new.listen.limits
        || old.admin != new.admin
        || old.socket != new.socket
        || address(old) != address(new)
        || old.log.level != new.log.level
        || ledger(old) != ledger(new)
}
