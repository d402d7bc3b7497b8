//! Reload: reads everything anew, and puts the new state in the place of the old one at once, or
//! keeps the old one and says why (G11).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::build;
use crate::clock::Clock;
use crate::config::{Config, Findings, Ledger};
use crate::ledger;
use crate::net::TlsState;
use crate::proxy::Proxy;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Certificate, Reload, Word};

/// Files change in bursts (an editor's save, a deployment): a reload waits for this much quiet,
const QUIET: Duration = Duration::from_millis(200);
/// but not longer than this.
const BURST: Duration = Duration::from_secs(2);

/// Rebuilds the state. Cheap to clone; clones reload the same proxy, one at a time.
#[derive(Debug, Clone)]
pub struct Reloader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    /// The configuration in force; also keeps reloads from overlapping.
    config: Mutex<Config>,
    proxy: Arc<Proxy>,
    tls: Arc<ArcSwap<TlsState>>,
    metrics: Metrics,
    clock: Clock,
}

impl Reloader {
    pub(super) fn new(
        config: Config,
        proxy: &Arc<Proxy>,
        tls: &Arc<ArcSwap<TlsState>>,
        metrics: Metrics,
        clock: Clock,
    ) -> Self {
        let (proxy, tls) = (Arc::clone(proxy), Arc::clone(tls));
        let file = PathBuf::from(&config.source.path);
        let config = Mutex::new(config);
        Self { shared: Arc::new(Shared { file, config, proxy, tls, metrics, clock }) }
    }

    /// Reads the configuration and all that it names, and swaps the state if everything is good.
    /// Blocks while it reads.
    ///
    /// # Errors
    /// Everything that is wrong; then nothing has changed.
    pub fn reload(&self) -> Result<(), Findings> {
        let shared = &self.shared;
        let mut current = shared.config.lock().unwrap_or_else(PoisonError::into_inner);
        let rebuilt = Config::read(&shared.file).and_then(|config| {
            let limits = shared.proxy.state().limits().clone();
            build::state(&config, &shared.clock, limits).map(|built| (config, built))
        });
        match rebuilt {
            Ok((config, (state, warnings))) => {
                for line in warnings.brief() {
                    tracing::warn!(finding = line, "configuration");
                }
                if needs_restart(&current, &config) {
                    tracing::warn!(
                        "addresses, deadlines and caps of [listen], [ledger], [admin] and [log] change with a restart only"
                    );
                }
                // The listener last: a connection under the new trust anchors must not meet the old
                // state, which would refuse it. The other way round each exchange looks again.
                let tls = Arc::clone(state.tls());
                shared.proxy.replace(state);
                shared.tls.store(tls);
                *current = config;
                drop(current);
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
        let Shared { proxy, metrics, clock, .. } = &*self.shared;
        let state = proxy.state();
        metrics.reloads.get_or_create(&Reload { result: Word::own("success") }).inc();
        metrics.last_reload.set(Duration::from_millis(clock.unix_millis()).as_secs_f64());
        metrics.policies.set(i64::try_from(state.policies().len()).unwrap_or(i64::MAX));
        for expiry in state.tls().expiries() {
            let certificate = Word::configured(&build::name_of(&expiry.what));
            let at = i64::try_from(expiry.at).unwrap_or(i64::MAX);
            metrics.certificate_ends.get_or_create(&Certificate { certificate }).set(at);
        }
    }

    /// Reloads on a thread that may block.
    pub(super) async fn reload_in_background(&self) {
        let reloader = self.clone();
        // A failure has been logged and counted; a panic there ends this reload only.
        drop(tokio::task::spawn_blocking(move || drop(reloader.reload())).await);
    }

    fn folders(&self) -> BTreeSet<PathBuf> {
        folders_of(&self.shared.config.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Every folder in which a change may matter.
fn folders_of(config: &Config) -> BTreeSet<PathBuf> {
    let file = Path::new(&config.source.path);
    let files = config.paths.iter().map(|at| at.value.as_path()).chain([file]);
    let mut folders: BTreeSet<PathBuf> = files.filter_map(Path::parent).map(Path::to_owned).collect();
    folders.insert(config.policies.value.clone());
    folders.remove(&config.ledger.directory.value);
    folders
}

fn needs_restart(old: &Config, new: &Config) -> bool {
    let ledger = |config: &Config| {
        let Ledger { directory, node, limits, .. } = &config.ledger;
        let ledger::Limits { wait, pending, record, segment } = *limits;
        (directory.value.clone(), node.clone(), wait, pending, record, segment)
    };
    old.listen.address != new.listen.address
        || old.listen.limits != new.listen.limits
        || old.admin != new.admin
        || old.log.level != new.log.level
        || ledger(old) != ledger(new)
}

/// A watch on the folders of a configuration. Folders are watched, not files: editors and
/// deployments put a new file in the place of the old one.
#[derive(Debug)]
pub(super) struct Watch {
    /// None where the system has no means for it.
    watcher: Option<notify::RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    changes: mpsc::Receiver<()>,
}

impl Watch {
    /// Begins to watch. Done before the files are read, so that no change falls in between.
    pub(super) fn begin(config: &Config) -> Self {
        let (changed, changes) = mpsc::channel(1);
        let told = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| matters(&event.kind)) {
                // A full channel already holds the news.
                let _already = changed.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(told).ok();
        if watcher.is_none() {
            tracing::warn!("files cannot be watched: reload with SIGHUP");
        }
        let mut watch = Self { watcher, watched: BTreeSet::new(), changes };
        watch.follow(folders_of(config));
        watch
    }

    /// Watches these folders, too: a new configuration may name others.
    fn follow(&mut self, folders: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in folders {
            let path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
            if self.watched.contains(&folder) {
                continue;
            }
            if watcher.watch(path, RecursiveMode::NonRecursive).is_err() {
                tracing::warn!(folder = %path.display(), "a folder cannot be watched: reload with SIGHUP");
            }
            self.watched.insert(folder);
        }
    }

    /// Reloads when a file changes, until `stop` becomes true.
    pub(super) async fn run(mut self, reloader: Reloader, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                change = self.changes.recv() => if change.is_none() { return },
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let quiet = async { while let Ok(Some(())) = timeout(QUIET, self.changes.recv()).await {} };
            // Whether it became quiet or the burst went on too long, it is time.
            let _became_quiet = timeout(BURST, quiet).await;
            reloader.reload_in_background().await;
            self.follow(reloader.folders());
        }
    }
}

/// Our own reading must not count as a change.
fn matters(kind: &EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    }
}
