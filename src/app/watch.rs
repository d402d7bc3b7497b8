//! Notices that a file of the configuration has changed.
//!
//! Folders are watched, not files: editors and deployments put a new file in the place of the old
//! one. What else happens in those folders (a log, a database) is no change.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::reload::Reloader;
use crate::config::{Config, policy_paths, profile_paths};

/// Files change in bursts (an editor's save, a deployment): a reload waits for this much quiet,
const QUIET: Duration = Duration::from_millis(200);
/// but not longer than this.
const BURST: Duration = Duration::from_secs(2);
/// How late a key version may take over.
const LOOK: Duration = Duration::from_millis(500);

/// A watch on the folders of a configuration.
#[derive(Debug)]
pub(super) struct Watch {
    /// None where the system has no means for it.
    watcher: Option<notify::RecommendedWatcher>,
    /// Folders that cannot be watched, which has been said.
    refused: BTreeSet<PathBuf>,
    changes: mpsc::Receiver<()>,
    looked: Looks,
}

impl Watch {
    /// Begins to watch. Done before the files are read, so that no change falls in between.
    pub(super) fn begin(config: &Config) -> Self {
        let (changed, changes) = mpsc::channel(1);
        let store = config.store.value.clone();
        let told = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| matters(&event, &store)) {
                // A full channel already holds the news.
                let _already = changed.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(told).ok();
        if watcher.is_none() {
            tracing::warn!("files cannot be watched: reload with SIGHUP");
        }
        let mut watch = Self { watcher, refused: BTreeSet::new(), changes, looked: Looks::default() };
        watch.follow(config);
        watch.looked = looks(config);
        watch
    }

    /// Watches this configuration's folders, too: it may name others than before.
    fn follow(&mut self, config: &Config) {
        let Some(watcher) = &mut self.watcher else { return };
        let files = config_files(config);
        let mut folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        folders.insert(config.policies.value.as_path());
        let profiles = profile_paths(&config.policies.value).folders;
        for folder in folders.into_iter().chain(profiles.iter().map(PathBuf::as_path)) {
            let path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            // Once more if it is watched: another folder may have taken its place.
            let refused = watcher.watch(path, RecursiveMode::NonRecursive).is_err();
            if refused && self.refused.insert(path.to_owned()) {
                tracing::warn!(folder = %path.display(), "a folder cannot be watched: reload with SIGHUP");
            }
        }
    }

    /// Reloads when a file changes, until `stop` becomes true.
    pub(super) async fn run(mut self, reloader: Reloader, mut stop: watch::Receiver<bool>) {
        let mut tried = None;
        loop {
            tokio::select! {
                change = self.changes.recv() => if change.is_none() { return },
                at = cut_over(&reloader, tried) => {
                    // If it fails, the next change of a file is the next try.
                    tried = Some(at);
                    reloader.reload_in_background().await;
                    continue;
                }
                () = stopped(&mut stop) => return,
            }
            let quiet = async { while let Ok(Some(())) = timeout(QUIET, self.changes.recv()).await {} };
            // Whether it became quiet or the burst went on too long, it is time.
            let _became_quiet = timeout(BURST, quiet).await;
            // Before it is looked at: what is new in a new folder is then seen, now or later.
            self.follow(&reloader.last_read());
            let now = looks(&reloader.last_read());
            if now != self.looked {
                self.looked = now;
                reloader.reload_in_background().await;
                self.follow(&reloader.last_read());
            }
        }
    }
}

/// Waits until `stop` becomes true, or nobody can make it so any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Waits until a key version is to take over. Looks at the clock again and again: it may be set.
async fn cut_over(reloader: &Reloader, tried: Option<Timestamp>) -> Timestamp {
    loop {
        match reloader.due_cut_over() {
            Some(at) if Some(at) != tried => return at,
            Some(_) | None => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Our own reading must not count as a change, nor what is written to the store, which mostly stands beside the
/// configuration: that would wake the runtime some thousand times a second.
fn matters(event: &notify::Event, store: &Path) -> bool {
    let changes = match event.kind {
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    };
    changes && (event.paths.is_empty() || event.paths.iter().any(|path| !is_of_store(path, store)))
}

/// Whether a file is the database, or one of those that SQLite keeps beside it.
fn is_of_store(path: &Path, store: &Path) -> bool {
    let (Some(name), Some(store)) = (path.file_name(), store.file_name()) else { return false };
    let rest = name.as_encoded_bytes().strip_prefix(store.as_encoded_bytes());
    matches!(rest, Some(b"" | b"-wal" | b"-shm" | b"-journal"))
}

/// What files look like from outside: which one it is, how long, when changed, and its mode.
type Looks = BTreeMap<PathBuf, Option<[i128; 5]>>;

fn looks(config: &Config) -> Looks {
    let policies = policy_paths(&config.policies.value).unwrap_or_default();
    let profiles = profile_paths(&config.policies.value).files.into_iter().map(|(_, path)| path);
    config_files(config)
        .into_iter()
        .chain(policies)
        .chain(profiles)
        .map(|path| (path.clone(), look(&path)))
        .collect()
}

fn look(path: &Path) -> Option<[i128; 5]> {
    let found = std::fs::metadata(path).ok()?;
    let changed = i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
    Some([found.dev().into(), found.ino().into(), found.size().into(), changed, found.mode().into()])
}

/// The files that the configuration names, and itself. What tavs writes to is not among them.
fn config_files(config: &Config) -> Vec<PathBuf> {
    let written = [&config.ledger.directory.value, &config.store.value, &config.policies.value];
    let named = config.paths.iter().map(|at| at.value.clone()).filter(|path| !written.contains(&path));
    named.chain([PathBuf::from(&config.source.path)]).collect()
}

#[cfg(test)]
mod tests {
    use notify::Event;
    use notify::event::{DataChange, ModifyKind};

    use super::*;

    #[test]
    fn what_tavs_writes_to_the_store_is_no_change_and_any_other_file_is() {
        let store = Path::new("/etc/tavs/tavs.db");
        let written = |paths: &[&str]| {
            let kind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
            let event = Event { paths: paths.iter().map(PathBuf::from).collect(), ..Event::new(kind) };
            matters(&event, store)
        };
        for of_store in ["tavs.db", "/etc/tavs/tavs.db-wal", "./tavs.db-shm", "tavs.db-journal"] {
            assert!(!written(&[of_store]), "{of_store}");
            assert!(written(&[of_store, "tavs.toml"]));
        }
        for other in ["/etc/tavs/tavs.toml", "tavs.db.toml", "tavs.db-wal2", "policies/a.toml", ""] {
            assert!(written(&[other]), "{other}");
        }
        assert!(written(&[]), "nobody knows of what");
        assert!(!matters(&Event::new(EventKind::Access(AccessKind::Read)), store));
    }
}
